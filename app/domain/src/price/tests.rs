use super::*;
use std::collections::{BTreeMap, HashSet};

fn seed_rows() -> BookRows {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../server/backend/src/prices/seed/prices.tsv");
    seed::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn patterns_mean_what_they_say() {
    let matches = |pattern: &str, name: &str| pattern.parse::<Pattern>().unwrap().matches(name);
    assert!(matches("=GPT-4o", "gpt-4o") && !matches("=gpt-4o", "gpt-4o-mini"));
    assert!(
        matches("=gpt-6-sol-####-##-##", "gpt-6-sol-2026-10-12")
            && !matches("=gpt-6-sol-####-##-##", "gpt-6-sol-latest-x-y")
    );
    assert!(matches("^claude-opus-4-5", "claude-opus-4-5-20251101") && !matches("^claude-opus-4-5", "claude-opus-4"));
    assert!(
        matches("^gemini-3.5-flash-#", "gemini-3.5-flash-001")
            && !matches("^gemini-3.5-flash-#", "gemini-3.5-flash-lite")
    );
    assert!(matches("$-instruct", "a-instruct") && matches("~gemma", "my-gemma-2") && !matches("~gemma", "my-gem"));
    assert!(
        matches("^gemini-2.5-pro !-tts", "gemini-2.5-pro-preview")
            && !matches("^gemini-2.5-pro !-tts", "gemini-2.5-pro-preview-tts")
    );
    assert!(
        !matches("^gemini-2.5-pro !-tts", "gemini-2.5-pro-tts-1")
            && matches("^gemini-2.5-pro !-tts", "gemini-2.5-pro-ttsx")
    );
    for text in ["=gpt-4o", "^gemini-2.5-pro !-tts", "$x", "~y"] {
        assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
    }
    assert!("gpt-4o".parse::<Pattern>().is_err() && "=".parse::<Pattern>().is_err());
}

#[test]
fn schedules_are_half_open_and_may_wrap_midnight() {
    let holds = |schedule: &str, time: &str| schedule.parse::<Schedule>().unwrap().contains(at(time));
    assert!(holds("16:30-00:30", "2025-05-14T16:30:00Z") && holds("16:30-00:30", "2025-05-14T00:29:59Z"));
    assert!(!holds("16:30-00:30", "2025-05-14T00:30:00Z") && !holds("16:30-00:30", "2025-05-14T16:29:59Z"));
    assert!(holds("00:00-24:00 67", "2026-11-14T23:59:59Z") && !holds("00:00-24:00 67", "2026-11-16T00:00:00Z"));
    for text in ["01:00-04:00", "01:00-04:00 12345"] {
        assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
    }
    for text in ["", "1:00-4:00", "25:00-26:00", "01:00-04:00 8", "01:60-02:00"] {
        assert!(text.parse::<Schedule>().is_err(), "{text}");
    }
}

#[test]
fn a_seed_names_the_line_it_cannot_read() {
    let error = |text: &str| seed::parse(text).unwrap_err();
    assert_eq!(error("# fine\nx\t1").line, 2);
    assert_eq!(error("m\tgpt").what, "a model needs a provider above it");
    assert_eq!(error("p\ta\nm\tb\nr\tinput_uncached\tstandard\t\t-\t1").what, "not a rate");
    assert_eq!(error("p\ta\nm\tb\nr\tinput\tstandard\t\t1\t1").what, "not a meter");
    assert_eq!(error("p\ta\nm\tb\nr\toutput\tstandard\t272000\t1\t1").what, "not a tier");
    assert_eq!(error("p\ta\nm\tb\nr\toutput\tstandard\t\t1\t0").what, "not a number of units");
    assert_eq!(error("p\ta\nm\tb\nr\toutput\tstandard\t\t1\t1\t2026").what, "not a date");
}

#[test]
fn ids_follow_from_facts_alone() {
    let text =
        "s\tset\t1\np\ta\nm\tb\tB\thttps://a.example\nr\toutput\tstandard\t>=200000\t1.50\t1000000\t2026-01-01\n";
    let [row] = &seed::parse(text).unwrap().prices[..] else { panic!("one row") };
    assert_eq!((row.tier_from, row.tier_inclusive, row.valid_from), (200_000, true, Some(at("2026-01-01T00:00:00Z"))));
    assert_eq!(row.source_url.as_deref(), Some("https://a.example"));
    let newer = seed::parse(&text.replace("set\t1", "set\t2").replace("1.50", "1.5")).unwrap();
    assert_eq!(newer.prices[0].price_id, row.price_id, "a newer edition that says the same is the same price");
    let dearer = seed::parse(&text.replace("1.50", "1.51")).unwrap();
    assert_ne!(dearer.prices[0].price_id, row.price_id);
}

#[test]
fn the_seed_is_whole() {
    let rows = seed_rows();
    assert!(rows.prices.len() > 5_000 && rows.models.len() > 1_000 && rows.providers.len() > 40);
    let ids: HashSet<u64> = rows.prices.iter().map(|row| row.price_id).collect();
    assert_eq!(ids.len(), rows.prices.len(), "no two prices share an id");
    assert!(ids.iter().all(|id| *id > 0 && *id < seed::FIRST_OWN_PRICE_ID));
    assert!(rows.prices.iter().all(|row| row.rate >= Decimal::ZERO && !row.source.is_empty()));

    let mut same: BTreeMap<_, Vec<(DateTime<Utc>, DateTime<Utc>)>> = BTreeMap::new();
    for row in &rows.prices {
        let key = (&row.provider, &row.model, row.meter, row.variant, row.tier_from, row.schedule);
        let from = row.valid_from.unwrap_or(DateTime::<Utc>::MIN_UTC);
        let to = row.valid_to.unwrap_or(DateTime::<Utc>::MAX_UTC);
        assert!(from < to, "{key:?}");
        same.entry(key).or_default().push((from, to));
    }
    for (key, mut spans) in same {
        spans.sort_unstable();
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "two prices at the same time: {key:?}");
    }
}

#[test]
fn sent_names_find_their_model() {
    let book = PriceBook::new(seed_rows());
    let label = |provider: &str, model: &str, time: &str| book.resolve(provider, model, at(time)).map(Resolved::label);
    let now = |provider, model| label(provider, model, "2026-11-12T00:00:00Z").unwrap();
    assert_eq!(now("openai", "gpt-4o-2024-08-06"), "openai/gpt-4o");
    assert_eq!(now("openai", "gpt-4o-mini-2024-07-18"), "openai/gpt-4o-mini");
    assert_eq!(now("OpenAI", "GPT-4o"), "openai/gpt-4o");
    assert_eq!(now("openai", "openai/gpt-4o"), "openai/gpt-4o");
    assert_eq!(now("anthropic", "claude-sonnet-4-5-20250929"), "anthropic/claude-sonnet-4-5");
    assert_eq!(now("vertex_ai", "publishers/google/models/gemini-2.5-pro"), "google/gemini-2.5-pro");
    assert_eq!(now("azure_openai", "gpt-5.1"), "openai/gpt-5.1");
    assert_eq!(now("google", "claude-3-5-haiku"), "google/claude-3-5-haiku");
    let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert!(now("bedrock", arn).starts_with("aws/"));
    assert_ne!(now("aws", "global.anthropic.claude-opus-4-8-v1:0"), now("aws", "us.anthropic.claude-opus-4-8-v1:0"));
    assert_eq!(label("mistral", "mistral-large-latest", "2025-12-01T23:59:59Z").unwrap(), "mistral/mistral-large");
    assert_eq!(label("mistral", "mistral-large-latest", "2025-12-02T00:00:00Z").unwrap(), "mistral/mistral-large-2512");
    assert_ne!(
        now("openai", "ft:gpt-4o-mini-2024-07-18:org::id"),
        now("openai", "gpt-4o-mini"),
        "fine-tuned models cost more"
    );
    assert!(label("openai", "gpt-99", "2026-11-12T00:00:00Z").is_err());
}
