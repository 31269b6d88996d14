use super::*;
use domain::price::import::{check, compare};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn book() -> BookRows {
    let path = root().join("server/backend/src/prices/seed/prices.tsv");
    seed_form::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

fn at() -> DateTime<Utc> {
    "2026-11-12T12:00:00Z".parse().unwrap()
}

/// A file of the shared price data, where that lies beside the project.
fn shared(name: &str) -> Option<String> {
    fs::read_to_string(root().join("../shared/data/prices").join(name)).ok()
}

/// The edition that the seed was made of: nothing differs, so nothing is proposed.
fn proposes_nothing(name: &str, format: Format, unlisted: u64) {
    let Some(text) = shared(name) else { return };
    let book = book();
    let data = read(&text, "again", &book, at()).unwrap();
    assert_eq!(data.format, format);
    assert!(data.rows.prices.len() > 5_000, "{} prices", data.rows.prices.len());
    check(&data.rows.prices).unwrap();
    let comparison = compare(&book.prices, &data.rows.prices, at());
    assert_eq!(comparison.proposals, []);
    assert_eq!(comparison.unlisted_models, unlisted);
}

#[test]
fn the_edition_of_genai_prices_in_the_seed_proposes_nothing() {
    proposes_nothing("genai-prices/providers.json", Format::GenaiPrices, 0);
}

#[test]
fn the_edition_of_litellm_in_the_seed_proposes_nothing() {
    // DeepSeek's two names, whose latest prices are written with the history from genai-prices.
    proposes_nothing("litellm/model_prices_and_context_window.json", Format::Litellm, 2);
}

#[test]
fn the_seed_is_what_is_written_from_the_shared_data() {
    let json = |name: &str| Some(serde_json::from_str::<Value>(&shared(name)?).unwrap());
    let files =
        ["genai-prices/providers.json", "genai-prices/units.json", "litellm/model_prices_and_context_window.json"];
    let [Some(providers), Some(units), Some(models)] = files.map(json) else { return };
    let sources = SeedSources {
        providers: &providers,
        units: &units,
        genai_prices: "0.2.3",
        models: &models,
        litellm: "1.109.1",
    };
    let text = fs::read_to_string(root().join("server/backend/src/prices/seed/prices.tsv")).unwrap();
    let written = seed(sources).unwrap().text;
    let differing = written.lines().zip(text.lines()).find(|(written, kept)| written != kept);
    assert_eq!(differing, None, "run `cargo xtask seed-prices`");
    assert_eq!(written.len(), text.len());
}

#[test]
fn a_model_that_cannot_be_read_is_left_out_with_its_reason() {
    let text = r#"[{"id": "acme", "name": "Acme", "models": [
        {"id": "one", "match": {"equals": "one"}, "prices": {"input_mtok": "1", "output_mtok": "5"}},
        {"id": "two", "match": {"equals": "two"}, "prices": {"dream_mtok": "1"}},
        {"id": "three", "match": {"regex": "^a\\d{999999999}$"}, "prices": {"input_mtok": "1"}}]}]"#;
    let data = read(text, "1", &BookRows::default(), at()).unwrap();
    assert_eq!(data.rows.prices.len(), 2);
    let left_out: Vec<&String> = data.left_out.keys().collect();
    assert_eq!(
        left_out,
        ["acme/three: cannot spell out the expression ^a\\d{999999999}$", "acme/two: unknown price `dream_mtok`"]
    );
}

#[test]
fn absurd_numbers_are_no_prices() {
    let text = r#"{"one": {"litellm_provider": "acme", "input_cost_per_token": 1e27, "output_cost_per_token": 2e-6,
        "output_cost_per_token_above_99999999999999999999k_tokens": 1}}"#;
    let data = read(text, "1", &BookRows::default(), at()).unwrap();
    let rates: Vec<String> = data.rows.prices.iter().map(|row| format!("{} {}", row.meter, row.rate)).collect();
    assert_eq!(rates, ["output 2"]);
}

#[test]
fn what_is_no_price_data_says_so() {
    let refused = |text: &str| read(text, "1", &BookRows::default(), at()).unwrap_err();
    assert!(refused("[1, 2").starts_with("This is no JSON: "));
    assert!(refused("hello").starts_with("The price list cannot be read: line 1"));
    assert_eq!(read("[]", "1", &BookRows::default(), at()).unwrap().rows.prices.len(), 0);
}
