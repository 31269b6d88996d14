//! The price book as it is read: search, what is used, one model with its history.

use backend::prices::{self, browse};
use backend::{Backend, OrgScope};
use domain::event::EventInput;
use domain::price::PriceForm;
use domain::price::page::{ModelName, PriceSearch, in_force};
use domain::problem::Problem;
use serde_json::json;
use testkit::{TestDatabase, seed};

const NOW: &str = "2026-11-20T12:00:00Z";

fn search(text: &str, provider: Option<&str>, limit: u16) -> PriceSearch {
    PriceSearch { text: text.to_owned(), provider: provider.map(str::to_owned), cursor: None, limit }
}

fn name(provider: &str, model: &str) -> ModelName {
    ModelName { provider: provider.to_owned(), model: model.to_owned() }
}

fn event(provider: &str, model: &str, timestamp: &str) -> EventInput {
    EventInput {
        provider: provider.to_owned(),
        model: model.to_owned(),
        timestamp: Some(timestamp.parse().unwrap()),
        usage: json!({"prompt_tokens": 1000, "completion_tokens": 100}),
        usage_format: Some("openai_chat".to_owned()),
        ..EventInput::default()
    }
}

/// An organization over the program's own book.
async fn acme(database: &TestDatabase) -> (Backend, seed::Organization) {
    let (backend, clock) = seed::backend(database, NOW);
    prices::sync_seed(database.pool(), &*clock).await.unwrap();
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    (backend, acme)
}

async fn own_price(backend: &Backend, scope: &OrgScope, model: &str, meter: &str, rate: i64) {
    let form = PriceForm {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        meter: meter.to_owned(),
        rate: rate.to_string(),
        source: "Contract".to_owned(),
        ..PriceForm::default()
    };
    prices::add_prices(backend, scope, &[form.parse().unwrap()], true).await.unwrap();
}

#[tokio::test]
async fn a_search_finds_all_words_the_very_name_first_and_goes_on_where_it_stopped() {
    let database = TestDatabase::new().await;
    let (backend, acme) = acme(&database).await;
    let find = async |search: PriceSearch| browse::find(&backend, &acme.owner, &search).await.unwrap();
    let found = find(search("O3", Some("openai"), 200)).await;
    let first = &found.page.rows[0];
    assert_eq!(first.name, name("openai", "o3"), "the very name goes before others");
    assert_eq!(first.input.as_ref().unwrap().rate.to_string(), "2");
    assert_eq!(first.input.as_ref().unwrap().since.unwrap().to_rfc3339(), "2025-06-10T00:00:00+00:00");
    assert_eq!(first.output.as_ref().unwrap().rate.to_string(), "8");
    assert!(found.page.rows.iter().all(|row| row.name.provider == "openai" && !row.own));

    // Page by page it is the same list, and nothing twice.
    let whole = find(search("claude sonnet", None, 200)).await;
    assert_eq!(whole.matching, whole.page.rows.len() as u64);
    let mut paged = Vec::new();
    let mut next = search("claude sonnet", None, 7);
    loop {
        let found = find(next.clone()).await;
        assert_eq!(found.matching, whole.matching);
        paged.extend(found.page.rows);
        match found.page.next_cursor {
            Some(cursor) => next.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(paged, whole.page.rows);
    assert!(find(search("no such 100% model_", None, 5)).await.page.rows.is_empty());
    let wrong = PriceSearch { cursor: Some("x".to_owned()), ..PriceSearch::default() };
    let refused = browse::find(&backend, &acme.owner, &wrong).await.unwrap_err().into_problem();
    assert_eq!(refused.fields()[0].pointer, "cursor");
}

#[tokio::test]
async fn what_was_used_says_what_it_means_and_what_it_cost() {
    let database = TestDatabase::new().await;
    let (backend, acme) = acme(&database).await;
    let events = vec![
        event("openai", "o3-2025-04-16", "2026-11-16T10:00:00Z"),
        event("openai", "o3", "2026-11-16T10:00:00Z"),
        // The last instant of October in Kolkata.
        event("openai", "o3", "2026-10-31T18:29:59Z"),
        event("openai", "no-such-model", "2026-11-16T10:00:00Z"),
    ];
    let answer = backend::events::ingest_inputs(&backend, &acme.api, events).await.unwrap();
    assert_eq!(answer.accepted, 4, "{answer:?}");
    let page = browse::overview(&backend, &acme.owner, &PriceSearch::default()).await.unwrap();
    assert_eq!(
        (page.month.to_string().as_str(), page.total.requests, page.total.unpriced_requests),
        ("2026-11-01", 3, 1)
    );
    let used = |model: &str| page.used.iter().find(|used| used.model == model).unwrap();
    // 1,000 input tokens at $2 and 100 output tokens at $8 a million.
    assert_eq!(used("o3").sums.spend.to_string(), "0.002800000000");
    assert_eq!(used("o3-2025-04-16").priced_as, Some(name("openai", "o3")));
    assert_eq!(used("o3-2025-04-16").output.as_ref().unwrap().rate.to_string(), "8");
    assert_eq!(used("no-such-model").priced_as, None);
    assert!(used("no-such-model").sums.unpriced_upper_bound > rust_decimal::Decimal::ZERO);
    assert!(page.sources.iter().any(|entry| entry.source == "genai-prices" && entry.prices > 0));

    let model = browse::model(&backend, &acme.owner, &name("openai", "o3")).await.unwrap();
    let sent: Vec<_> = model.used_by.iter().map(|used| (used.model.as_str(), used.sums.requests)).collect();
    assert_eq!(sent, [("o3", 2), ("o3-2025-04-16", 1)], "thirty days, October's last event too");
    assert!(model.used_by.iter().all(|used| used.project == "main"));

    // A key of another project sees nothing of this one's usage.
    let other = seed::project(&backend, &acme.owner, "other").await;
    let (_, bound) = seed::bound_key(&backend, &acme.owner, &other).await;
    let page = browse::overview(&backend, &bound, &PriceSearch::default()).await.unwrap();
    assert!(page.used.is_empty() && page.total.requests == 0);
    assert!(browse::model(&backend, &bound, &name("openai", "o3")).await.unwrap().used_by.is_empty());
}

#[tokio::test]
async fn a_model_shows_every_dated_price_and_the_names_that_lead_to_it() {
    let database = TestDatabase::new().await;
    let (backend, acme) = acme(&database).await;
    let model = browse::model(&backend, &acme.owner, &name("openai", "o3")).await.unwrap();
    let inputs: Vec<_> = model
        .prices
        .iter()
        .filter(|price| price.row.meter.as_str() == "input_uncached" && price.row.variant.as_str() == "standard")
        .map(|price| (price.row.rate.to_string(), price.holds(model.now)))
        .collect();
    assert_eq!(inputs, [("10".to_owned(), false), ("2".to_owned(), true)]);
    assert!(model.aliases.iter().any(|alias| alias.pattern == "=o3-2025-04-16" && !alias.own));
    let missing = browse::model(&backend, &acme.owner, &name("openai", "nothing")).await.unwrap_err().into_problem();
    assert_eq!(missing, Problem::NotFound);
    let missing = browse::model(&backend, &acme.owner, &name("nobody", "o3")).await.unwrap_err().into_problem();
    assert_eq!(missing, Problem::NotFound);
}

#[tokio::test]
async fn own_prices_are_seen_by_their_organization_alone() {
    let database = TestDatabase::new().await;
    let (backend, acme) = acme(&database).await;
    let other = seed::organization(&backend, "UTC").await;
    own_price(&backend, &acme.owner, "o3", "input_uncached", 1).await;
    own_price(&backend, &acme.owner, "our-model", "output", 7).await;

    let found = browse::find(&backend, &acme.owner, &search("our-model", None, 5)).await.unwrap();
    assert_eq!((found.matching, found.page.rows[0].own), (1, true));
    let o3 = browse::find(&backend, &acme.owner, &search("o3", Some("openai"), 1)).await.unwrap().page.rows.remove(0);
    assert_eq!(o3.input.unwrap().rate.to_string(), "1");
    assert_eq!(o3.output.unwrap().rate.to_string(), "8", "the other meters keep their list price");
    let model = browse::model(&backend, &acme.owner, &name("openai", "o3")).await.unwrap();
    let mut inputs = in_force(&model.prices, model.now).into_iter().filter(|price| price.row.meter.is_input_token());
    assert!(inputs.all(|price| price.own), "the own input price stands in for cached input too");
    assert!(
        browse::csv(&backend, &acme.owner, &search("our-model", None, 5)).await.unwrap().contains("our-model,output")
    );

    assert_eq!(browse::find(&backend, &other.owner, &search("our-model", None, 5)).await.unwrap().matching, 0);
    let hidden = browse::model(&backend, &other.owner, &name("openai", "our-model")).await.unwrap_err().into_problem();
    assert_eq!(hidden, Problem::NotFound);
    assert!(
        !browse::model(&backend, &other.owner, &name("openai", "o3"))
            .await
            .unwrap()
            .prices
            .iter()
            .any(|price| price.own)
    );
    assert!(!browse::csv(&backend, &other.owner, &search("our-model", None, 5)).await.unwrap().contains("our-model"));
}
