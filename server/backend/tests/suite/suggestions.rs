//! What fields and the palette propose: best first, bounded, of the own organization alone.

use backend::prices::{self, browse};
use backend::{Backend, OrgScope, budgets, events, suggestions};
use domain::budget::{BudgetInput, ScopeRef};
use domain::event::EventInput;
use domain::price::page::PriceSearch;
use domain::spend::Dimension;
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use testkit::{TestDatabase, seed};

const NOW: &str = "2026-11-20T12:00:00Z";

async fn send(backend: &Backend, api: &OrgScope, events: &[(&str, &str, &str)]) {
    let event = |(at, (provider, model, customer)): (usize, &(&str, &str, &str))| -> EventInput {
        serde_json::from_value(json!({
            "id": format!("{customer}-{at}"), "timestamp": NOW, "provider": provider, "model": model,
            "customer": customer, "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}
        }))
        .unwrap()
    };
    let sent = events.iter().enumerate().map(event).collect();
    let answer = events::ingest_inputs(backend, api, sent).await.unwrap();
    assert_eq!(usize::try_from(answer.accepted).unwrap(), events.len());
}

async fn values(backend: &Backend, scope: &OrgScope, dimension: Dimension, typed: &str) -> Vec<String> {
    let found = suggestions::values(backend, scope, &dimension, (typed, None), 3).await.unwrap();
    found.into_iter().map(|found| found.value).collect()
}

#[tokio::test]
async fn what_was_sent_is_found_without_its_punctuation_in_the_own_organization_alone() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let (acme, globex) = (seed::organization(&backend, "UTC").await, seed::organization(&backend, "UTC").await);
    let sent = [
        ("azure", "chatgpt-4o", "Globex-7"),
        ("openai", "gpt-4o", "acme corp"),
        ("azure", "gpt-4o", "ACME.Labs"),
        ("openai", "gpt-4o-mini", "new acme"),
        ("openai", "o3", "50%_off"),
    ];
    send(&backend, &acme.api, &sent).await;
    send(&backend, &globex.api, &[("openai", "gpt-4o-secret", "acme secret")]).await;
    let found = async |dimension, typed| values(&backend, &acme.owner, dimension, typed).await;
    assert_eq!(found(Dimension::Model, "GPT4o").await, ["gpt-4o", "gpt-4o-mini", "chatgpt-4o"]);
    assert_eq!(found(Dimension::Provider, "").await, ["azure", "openai"]);
    assert_eq!(found(Dimension::Customer, "acme").await, ["acme corp", "ACME.Labs", "new acme"]);
    assert_eq!(found(Dimension::Customer, "labs acme").await, ["ACME.Labs"]);
    assert_eq!(found(Dimension::Customer, "%_").await, ["50%_off"], "no letter stands for others");
    assert_eq!(found(Dimension::Feature, "a").await, Vec::<String>::new());

    let models = suggestions::values(&backend, &acme.owner, &Dimension::Model, ("", None), 9).await.unwrap();
    let provider = |model: &str| models.iter().find(|found| found.value == model).unwrap().provider.as_deref();
    assert_eq!((provider("o3"), provider("gpt-4o")), (Some("openai"), None), "one provider alone is named");
    let azure = suggestions::values(&backend, &acme.owner, &Dimension::Model, ("", Some("azure")), 9).await.unwrap();
    assert_eq!(azure.len(), 2);
}

#[tokio::test]
async fn things_are_found_by_their_names() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let input = BudgetInput {
        name: "Support bot, production".to_owned(),
        scope: ScopeRef::Organization,
        amount: 100.into(),
        thresholds: vec![80],
        recipients: vec![],
    };
    let budget = budgets::create(&backend, &acme.owner, input).await.unwrap();
    let found = async |typed: &str| {
        let found = suggestions::named(&backend, &acme.owner, typed, 5).await.unwrap();
        found.into_iter().map(|found| (found.kind, found.value)).collect::<Vec<_>>()
    };
    let expected = ("budget".to_owned(), budget.budget_id.to_string());
    assert_eq!(found("supportbot").await, std::slice::from_ref(&expected));
    assert!(found("").await.contains(&expected));
    budgets::archive(&backend, &acme.owner, budget.budget_id).await.unwrap();
    assert_eq!(found("supportbot").await, [], "what is archived is not proposed");
}

#[tokio::test]
async fn the_price_book_is_searched_without_punctuation() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    prices::sync_seed(database.pool(), &*clock).await.unwrap();
    let acme = seed::organization(&backend, "UTC").await;
    let provider = Some("openai".to_owned());
    let search = PriceSearch { text: "GPT4o".to_owned(), provider, cursor: None, limit: 2 };
    let found = browse::find(&backend, &acme.owner, &search).await.unwrap().page.rows;
    let first = found.first().unwrap();
    assert_eq!((first.name.model.as_str(), first.input.as_ref().unwrap().rate.to_string().as_str()), ("gpt-4o", "2.5"));
}

#[tokio::test]
async fn a_customer_among_many_is_found_by_the_index() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    sqlx::query(
        "insert into labels (org_id, label_id, label, value, created_at)
         select $1, n, 'customer', 'Customer ' || n, now() from generate_series(1, 20000) as n",
    )
    .bind(acme.owner.org_id().0)
    .execute(database.pool())
    .await
    .unwrap();
    sqlx::query("analyze labels").execute(database.pool()).await.unwrap();
    // One connection reads, so that what it has counted is known.
    let pool = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
    let reader = Backend::new(pool.clone(), clock, "http://127.0.0.1:3000", true);
    let read = async || -> (i64, i64) {
        sqlx::query("select pg_stat_force_next_flush()").execute(&pool).await.unwrap();
        let read = "select coalesce(seq_scan, 0), (select idx_scan from pg_stat_user_indexes where indexrelname = 'labels_folded_idx')
            from pg_stat_user_tables where relname = 'labels'";
        sqlx::query_as(read).fetch_one(&pool).await.unwrap()
    };
    let before = read().await;
    // More often than a statement is planned for its values.
    for _ in 0..7 {
        let found = suggestions::values(&reader, &acme.owner, &Dimension::Customer, ("customer1999", None), 5).await;
        assert_eq!(found.unwrap().len(), 5);
    }
    let after = read().await;
    assert_eq!((after.0 - before.0, after.1 - before.1), (0, 7));
}
