//! Lists and receipts.

use super::{Fixture, event, with};
use crate::events::{csv, find, list};
use crate::ledger::rejected;
use crate::ledger::stored::StoredEvent;
use domain::event::EventQuery;
use domain::money::exact;
use domain::price::Variant;
use domain::rating::alternatives::Alternative;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn query(pairs: &str) -> EventQuery {
    let pairs: Vec<_> =
        pairs.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    EventQuery::from_pairs(&pairs).unwrap()
}

async fn ids(fixture: &Fixture, scope: &crate::OrgScope, pairs: &str) -> Vec<String> {
    list(&fixture.backend, scope, &query(pairs)).await.unwrap().rows.into_iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    // Many share one timestamp: the key decides among them.
    let events: Vec<Value> = (0..25)
        .map(|n| with(event(&format!("e{n}")), "timestamp", format!("2026-{:02}-20T09:41:07Z", 9 + n % 3)))
        .collect();
    assert_eq!(fixture.send(&scope, &events).await.accepted, 25);
    let mut seen = vec![];
    let mut page = query("limit=4");
    loop {
        let found = list(&fixture.backend, &scope, &page).await.unwrap();
        seen.extend(found.rows.iter().map(|row| (row.at, row.id.clone())));
        match found.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len(), 25);
    assert!(seen.windows(2).all(|pair| pair[0].0 >= pair[1].0), "newest first");

    // A cursor of another list or organization is refused.
    let cursor = list(&fixture.backend, &scope, &query("limit=4")).await.unwrap().next_cursor;
    let other = EventQuery { cursor: cursor.clone(), ..query("model=x") };
    assert_eq!(list(&fixture.backend, &scope, &other).await.unwrap_err().into_problem().status(), 400);
    let globex = fixture.organization("globex", "UTC").await;
    let stolen = EventQuery { cursor, ..query("limit=4") };
    assert_eq!(list(&fixture.backend, &globex, &stolen).await.unwrap_err().into_problem().status(), 400);

    let bad: Vec<Value> =
        (0..5).map(|n| with(with(event(&format!("r{n}")), "status", "bad"), "model", format!("m{n}"))).collect();
    fixture.send(&scope, &bad).await;
    let first = rejected(&fixture.backend, &scope, None, 3).await.unwrap();
    let second = rejected(&fixture.backend, &scope, first.next_cursor.as_deref(), 3).await.unwrap();
    assert_eq!((first.rows.len(), second.rows.len(), second.next_cursor), (3, 2, None));
}

#[tokio::test]
async fn filters_are_those_of_the_spend_query() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "Asia/Kolkata").await;
    super::add_project(&fixture, &scope, "side").await;
    let events = [
        with(with(event("a"), "feature", "triage"), "tags", json!({"v": "7"})),
        with(with(event("b"), "project", "side"), "customer", "acme"),
        with(event("c"), "status", "error"),
        with(event("d"), "model", "gpt-99-unheard-of"),
        // Midnight in Kolkata lies between these two.
        with(event("e"), "timestamp", "2026-11-19T18:29:59.999999Z"),
        with(event("f"), "timestamp", "2026-11-19T18:30:00Z"),
    ];
    assert_eq!(fixture.send(&scope, &events).await.accepted, 6);
    for (pairs, expected) in [
        ("feature=triage", "a"),
        ("tag.v=7", "a"),
        ("project=side", "b"),
        ("project=!main", "b"),
        ("team=main&customer=acme", "b"),
        ("status=error&status=timeout", "c"),
        ("unpriced=true", "d"),
        ("model=gpt-99-unheard-of&provider=openai", "d"),
        ("to=2026-11-20", "e"),
        ("from=2026-11-19T18:29:59Z&to=2026-11-19T18:30:00Z", "e"),
        ("from=2026-11-20&to=2026-11-19T18:30:00.000001Z", "f"),
        ("api_key=00000000-0000-0000-0000-000000000000", ""),
    ] {
        assert_eq!(ids(&fixture, &scope, pairs).await.concat(), expected, "{pairs}");
    }
    assert_eq!(ids(&fixture, &scope, "feature=").await.len(), 5, "missing");
    let csv = csv(&fixture.backend, &scope, &query("feature=triage")).await.unwrap();
    assert_eq!(csv.lines().count(), 2);
    assert!(csv.lines().nth(1).unwrap().starts_with(
        "2026-11-20T15:11:07.113000+05:30,a,main,openai,gpt-4o-2024-08-06,triage,success,1,,1100,0.003500000000,USD"
    ));
}

#[tokio::test]
async fn a_file_has_labels_meters_and_receipts() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let mut full = with(event("a"), "tags", json!({"team": "search", "plan": "a, b"}));
    for (field, value) in [("customer", "globex"), ("user", "=ada"), ("environment", "production")] {
        full[field] = json!(value);
    }
    full["usage"]["prompt_tokens_details"] = json!({"cached_tokens": 400});
    fixture.send(&scope, &[full, event("b")]).await;
    let text = csv(&fixture.backend, &scope, &query("")).await.unwrap();
    let mut rows = ::csv::Reader::from_reader(text.as_bytes());
    let header = rows.headers().unwrap().clone();
    let read: Vec<_> = rows.records().map(Result::unwrap).collect();
    let cell = |id: &str, column: &str| {
        let row = read.iter().find(|row| &row[1] == id).unwrap();
        row[header.iter().position(|name| name == column).unwrap()].to_owned()
    };
    for (column, value) in [
        ("customer", "globex"),
        ("user", "'=ada"),
        ("environment", "production"),
        ("tags", r#"{"plan":"a, b","team":"search"}"#),
        ("input_uncached", "600"),
        ("input_cache_read", "400"),
        ("output", "100"),
        ("output_audio", "0"),
    ] {
        assert_eq!(cell("a", column), value, "{column}");
    }
    let key = find(&fixture.backend, &scope, "a").await.unwrap().row.event_key;
    assert!(cell("a", "receipt").ends_with(&format!("/o/acme/events/{key}")), "{}", cell("a", "receipt"));
    assert_eq!((cell("b", "customer"), cell("b", "tags")), (String::new(), String::new()));
}

#[tokio::test]
async fn a_shape_of_an_unknown_provider_is_taken_and_said() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let vllm = with(event("shape"), "provider", "our-own-gpu");
    let named = with(with(event("named"), "provider", "our-own-gpu"), "usage_format", "openai_chat");
    assert_eq!(fixture.send(&scope, &[vllm, named, event("known")]).await.accepted, 3);
    for (id, by_shape) in [("shape", true), ("named", false), ("known", false)] {
        let event = find(&fixture.backend, &scope, id).await.unwrap();
        assert_eq!((event.usage_format.as_str(), event.format_by_shape), ("openai_chat", by_shape), "{id}");
        assert_eq!((event.row.tokens, event.adds_up), (1_100, true), "{id}");
    }
    let unclear =
        json!({"id": "u", "provider": "our-own-gpu", "model": "m", "usage": {"input_tokens": 10, "output_tokens": 1}});
    let refused = fixture.send(&scope, &[unclear]).await.results.remove(0).error.unwrap();
    assert!(refused.detail.contains("openai_chat, openai_responses"), "{}", refused.detail);
}

#[tokio::test]
async fn a_receipt_explains_its_event() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let claude = json!({
        "id": "req-1", "timestamp": "2026-11-20T09:41:07.113Z", "provider": "anthropic", "model": "claude-sonnet-4-5-20250929",
        "usage": {"input_tokens": 812, "cache_read_input_tokens": 20_480, "output_tokens": 391},
        "request_id": "req", "session_id": "s", "attempt": 2, "reported_cost": {"amount": "0.0137", "currency": "USD"},
        "latency_ms": 2140, "time_to_first_token_ms": 410, "tags": {"v": "7"}
    });
    let first = with(with(claude.clone(), "id", "req-0"), "attempt", 1);
    let cheaper = with(with(with(claude.clone(), "id", "other"), "model", "claude-haiku-4-5"), "request_id", "x");
    assert_eq!(fixture.send(&scope, &[claude, first, cheaper]).await.accepted, 3);
    let found = find(&fixture.backend, &scope, "req-1").await.unwrap();
    let lines: Vec<_> = found
        .receipt
        .iter()
        .map(|line| {
            (
                line.meter.as_str(),
                line.quantity.to_string(),
                line.rate.map(|rate| rate.normalize().to_string()),
                exact(line.amount),
            )
        })
        .collect();
    let line = |meter, quantity: &str, rate: &str, amount: &str| {
        (meter, quantity.to_owned(), Some(rate.to_owned()), amount.to_owned())
    };
    assert_eq!(
        lines,
        [
            line("input_uncached", "812", "3", "0.002436000000"),
            line("input_cache_read", "20480", "0.3", "0.006144000000"),
            line("output", "391", "15", "0.005865000000"),
        ]
    );
    assert_eq!(found.row.cost.map(exact).as_deref(), Some("0.014445000000"));
    assert_eq!(found.receipt.iter().map(|line| line.amount).sum::<rust_decimal::Decimal>(), found.row.cost.unwrap());
    assert!(found.adds_up);
    assert!(found.receipt.iter().all(|line| !line.price_source.is_empty()));
    let told = |others: &[Alternative]| -> Vec<_> {
        others.iter().map(|other| (other.priced_as.clone(), other.variant, exact(other.cost))).collect()
    };
    let sonnet = "anthropic/claude-sonnet-4-5".to_owned();
    assert_eq!(told(&found.other_tiers), [(sonnet, Variant::Batch, "0.007222500000".to_owned())]);
    let haiku = "anthropic/claude-haiku-4-5".to_owned();
    assert_eq!(told(&found.cheaper_models), [(haiku, Variant::Standard, "0.004815000000".to_owned())]);
    assert_eq!(found.computed_cost, found.row.cost);
    assert_eq!(found.reported_over_computed().map(exact).as_deref(), Some("-0.000745000000"));
    assert_eq!(found.attempts.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["req-0"]);
    assert!(found.attributes.contains(&("tag.v".to_owned(), "7".to_owned())));
    // By Tallystick's own key as well, and not otherwise.
    assert_eq!(find(&fixture.backend, &scope, &found.row.event_key.to_string()).await.unwrap(), found);
    assert_eq!(find(&fixture.backend, &scope, "nothing").await.unwrap_err().into_problem().status(), 404);
    let globex = fixture.organization("globex", "UTC").await;
    for id in ["req-1", &found.row.event_key.to_string()] {
        assert_eq!(find(&fixture.backend, &globex, id).await.unwrap_err().into_problem().status(), 404);
    }
}

/// Labels that no rollup has together are counted event by event, as every event says.
#[tokio::test]
async fn two_labels_at_once_and_labels_by_the_hour_are_read_from_events() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "Asia/Kathmandu").await;
    let mut runner = super::seeded(7_701);
    super::add_project(&fixture, &scope, "side").await;
    let events = super::totals::some(proptest::collection::vec(super::totals::event(), 300..301), &mut runner);
    assert_eq!(fixture.send(&scope, &events).await.accepted, 300);
    let stored = fixture.stored(&scope).await;
    let counted = |wanted: &dyn Fn(&StoredEvent) -> Option<String>| {
        let mut sums: std::collections::BTreeMap<String, (rust_decimal::Decimal, i64)> = Default::default();
        for event in &stored {
            let Some(key) = wanted(event) else { continue };
            let sum = sums.entry(key).or_default();
            *sum = (sum.0 + event.booking.cost.unwrap_or_default(), sum.1 + 1);
        }
        sums
    };
    let asked = async |text: &str| {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = domain::spend::SpendQuery::from_pairs(&pairs).unwrap();
        let answer = crate::spend::query(&fixture.backend, &scope, &query).await.unwrap();
        let row = |row: domain::spend::SpendRow| {
            let keys = row.keys.into_iter().map(Option::unwrap_or_default);
            (
                row.bucket.map(|start| start.to_string()).into_iter().chain(keys).collect::<Vec<_>>().join("|"),
                (row.sums.spend, row.sums.requests),
            )
        };
        answer.rows.into_iter().map(row).collect::<std::collections::BTreeMap<_, _>>()
    };
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let tag = |event: &StoredEvent| event.sent.tags.get("t").cloned().unwrap_or_default();
    let days = "from=2025-12-01&to=2026-12-01";
    let both = counted(&|event| Some(format!("{}|{}", word(&event.sent.customer), word(&event.sent.user))));
    assert!(both.len() > 9, "{both:?}");
    assert_eq!(asked(&format!("{days}&group_by=customer,user")).await, both);
    let of_tag = counted(&|event| {
        let is_asked = tag(event) == "b" && event.sent.customer.as_deref() != Some("a");
        is_asked.then(|| word(&event.sent.feature))
    });
    assert_eq!(asked(&format!("{days}&group_by=feature&tag.t=b&customer=!a")).await, of_tag);
    let by_hour = counted(&|event| {
        let local = scope.zone().local(event.timestamp).format("%Y-%m-%dT%H:00:00%:z");
        (event.sent.user.as_deref() == Some("c")).then(|| format!("{local}|{}", event.sent.provider))
    });
    assert_eq!(asked(&format!("{days}&bucket=hour&group_by=provider&user=c")).await, by_hour);
}

#[tokio::test]
async fn labels_that_are_no_longer_kept_are_not_answered_in_part() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    assert_eq!(fixture.send(&scope, &[with(event("a"), "customer", "c")]).await.accepted, 1);
    sqlx::query("update organizations set events_from = '2026-11-01'").execute(fixture.database.pool()).await.unwrap();
    let asked = async |from: &str| {
        let days = domain::period::Period::new(from.parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
        let labels = [domain::spend::Dimension::Customer, domain::spend::Dimension::User];
        crate::spend::query(&fixture.backend, &scope, &domain::spend::SpendQuery::over(days).by(labels)).await
    };
    assert_eq!(asked("2026-11-01").await.unwrap().rows.len(), 1);
    let refused = asked("2026-10-31").await.unwrap_err().into_problem();
    assert_eq!(refused.status(), 422);
    assert!(refused.detail().contains("before 2026-11-01 are no longer kept"), "{}", refused.detail());
}

/// A cheaper model is one that did the same for this organization: the price book knows what models cost, not what they can do.
#[tokio::test]
async fn only_models_that_were_used_for_the_same_are_offered() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let meters = |id: &str, model: &str, operation: &str, meters: Value| {
        let sent = with(with(event(id), "model", model), "operation", operation);
        with(with(sent, "usage_format", "meters"), "usage", meters)
    };
    let text = json!({"input_uncached": 1_000, "output": 10});
    let events = [
        meters("text", "gpt-4o", "chat", text.clone()),
        meters("spoken", "gpt-4o", "chat", json!({"input_uncached": 1_000, "input_audio": 500, "output": 10})),
        meters("asked", "gpt-4o", "chat", json!({"input_uncached": 1_000})),
        meters("small", "gpt-4o-mini", "chat", text.clone()),
        meters("vector", "text-embedding-3-small", "embeddings", json!({"input_uncached": 1_000})),
        // A sender that names no operation: what came back tells them apart.
        meters("vague", "text-embedding-ada-002", "chat", json!({"input_uncached": 1_000})),
        with(meters("failed", "gpt-4.1-nano", "chat", text), "status", "error"),
    ];
    assert_eq!(fixture.send(&scope, &events).await.accepted, 7);
    let offered = async |id: &str| {
        let found = find(&fixture.backend, &scope, id).await.unwrap().cheaper_models;
        found.into_iter().map(|other| other.priced_as.replace("openai/", "")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(offered("text").await, "gpt-4o-mini");
    assert_eq!(offered("spoken").await, "", "no other model was ever spoken to");
    assert_eq!(offered("asked").await, "text-embedding-ada-002 gpt-4o-mini");
    assert_eq!(offered("vector").await, "");
}
