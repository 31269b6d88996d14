//! What becomes of single events.

use super::{Fixture, add_project, bound_key, event, inputs, statuses, with};
use domain::event::{EventQuery, IngestStatus};
use domain::money::exact;
use domain::spend::Filter;
use serde_json::json;

#[tokio::test]
async fn an_acknowledged_event_is_priced_and_on_every_list_at_once() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "Asia/Kolkata").await;
    let answer = fixture.send(&scope, &[event("a")]).await;
    assert_eq!((answer.accepted, answer.results.len()), (1, 1));
    let result = &answer.results[0];
    // 1,000 x 2.50 + 100 x 10.00 dollars per million.
    assert_eq!(result.cost.map(exact).as_deref(), Some("0.003500000000"));
    assert_eq!((result.id.as_deref(), result.currency.as_deref()), (Some("a"), Some("USD")));

    let listed = super::super::list(&fixture.backend, &scope, &EventQuery::default()).await.unwrap().rows;
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].id.as_str(), listed[0].tokens, listed[0].project.as_str()), ("a", 1_100, "main"));
    assert_eq!(listed[0].at.to_rfc3339(), "2026-11-20T15:11:07.113+05:30");
    let spend: String = sqlx::query_scalar("select sum(booked)::text from rollup_day where day = '2026-11-20'")
        .fetch_one(fixture.database.pool())
        .await
        .unwrap();
    assert_eq!(spend, "0.003500000000");
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn the_same_id_is_recorded_once() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let other_content = with(event("a"), "latency_ms", 5);
    assert_eq!(statuses(&fixture.send(&scope, &[event("a")]).await), [IngestStatus::Accepted]);

    // Again, reordered and without anything that means nothing.
    let again = json!({"usage": {"completion_tokens": 100.0, "prompt_tokens": 1e3}, "model": "gpt-4o-2024-08-06",
        "timestamp": "2026-11-20T15:11:07.113+05:30", "id": "a", "provider": "openai", "feature": null, "messages": "secret"});
    let answer = fixture.send(&scope, &[again, other_content.clone()]).await;
    assert_eq!(statuses(&answer), [IngestStatus::Duplicate, IngestStatus::Conflict]);
    assert_eq!(answer.results[0].cost.map(exact).as_deref(), Some("0.003500000000"), "a duplicate knows its cost");
    assert_eq!(answer.results[0].error, None);
    let error = answer.results[1].error.as_ref().unwrap();
    assert_eq!((error.pointer.as_str(), error.code.as_str()), ("/id", "conflict"));
    assert_eq!((answer.accepted, answer.duplicates, answer.conflicts, answer.rejected), (0, 1, 1, 0));

    // Within one batch the first wins; what conflicts with it does not become the one to compare with.
    let batch = [event("b"), with(event("b"), "latency_ms", 5), event("b"), other_content, event("a")];
    let expected = [
        IngestStatus::Accepted,
        IngestStatus::Conflict,
        IngestStatus::Duplicate,
        IngestStatus::Conflict,
        IngestStatus::Duplicate,
    ];
    assert_eq!(statuses(&fixture.send(&scope, &batch).await), expected);
    assert_eq!(fixture.count("select count(*) from events").await, 2);
    fixture.assert_rollups_follow(&scope).await;

    // Another organization's ids are its own.
    let other = fixture.organization("globex", "UTC").await;
    assert_eq!(statuses(&fixture.send(&other, &[event("a")]).await), [IngestStatus::Accepted]);
}

#[tokio::test]
async fn what_the_server_filled_in_is_no_content() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let mut without_time = event("a");
    without_time.as_object_mut().unwrap().remove("timestamp");
    assert_eq!(fixture.send(&scope, &[without_time.clone()]).await.accepted, 1);
    let later = super::server(&fixture.database);
    assert_eq!(statuses(&super::send_to(&later, &scope, &[without_time.clone()]).await), [IngestStatus::Duplicate]);

    // A generated id may be sent back.
    let mut without_id = event("x");
    without_id.as_object_mut().unwrap().remove("id");
    let generated = fixture.send(&scope, &[without_id.clone()]).await.results[0].id.clone().unwrap();
    assert_eq!(
        statuses(&fixture.send(&scope, &[with(without_id.clone(), "id", generated)]).await),
        [IngestStatus::Duplicate]
    );
    // Without any id there is nothing to recognise it by.
    assert_eq!(statuses(&fixture.send(&scope, &[without_id]).await), [IngestStatus::Accepted]);
    assert_eq!(fixture.count("select count(*) from events").await, 3);
}

#[tokio::test]
async fn a_bad_event_is_listed_with_its_reason_and_costs_nothing_else() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let batch = [
        event("a"),
        with(event("b"), "status", "ok"),
        with(event("c"), "project", "nowhere"),
        json!("not an event"),
        with(event("d"), "timestamp", "2026-11-20T11:00:00Z"),
        with(with(event("e"), "provider", "our-own-gpu"), "usage", json!({"input_tokens": 10, "output_tokens": 1})),
        with(event("f"), "usage", json!({"prompt_tokens": 10, "completion_tokens": -1})),
        with(event("g"), "usage", json!({"prompt_tokens": 20_000_000_000_u64, "completion_tokens": 1})),
        event("h"),
    ];
    let answer = fixture.send(&scope, &batch).await;
    assert_eq!((answer.accepted, answer.rejected), (2, 7));
    let reasons: Vec<_> = answer
        .results
        .iter()
        .filter_map(|result| result.error.as_ref())
        .map(|error| (error.pointer.as_str(), error.code.as_str()))
        .collect();
    assert_eq!(
        reasons[..6],
        [
            ("/status", "unknown"),
            ("/project", "unknown_project"),
            ("", "wrong_type"),
            ("/timestamp", "in_future"),
            ("/usage_format", "required"),
            ("/usage/completion_tokens", "negative"),
        ]
    );
    assert_eq!(reasons[6], ("/usage", "too_large"));
    let listed = crate::ledger::rejected(&fixture.backend, &scope, None, 50).await.unwrap().rows;
    assert_eq!(listed.len(), 7);
    let of_c = listed.iter().find(|row| row.id.as_deref() == Some("c")).unwrap();
    assert_eq!(
        (of_c.project.as_deref(), of_c.code.as_str(), of_c.key_name.as_str()),
        (Some("nowhere"), "unknown_project", "bootstrap")
    );

    // A rejected event has not taken its id.
    assert_eq!(statuses(&fixture.send(&scope, &[event("b")]).await), [IngestStatus::Accepted]);
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn a_bound_key_takes_only_its_project_and_learns_nothing_of_others() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let secret = add_project(&fixture, &scope, "secret").await;
    let ours = add_project(&fixture, &scope, "ours").await;
    let bound = bound_key(&fixture, &scope, &ours).await;
    let to = |id: &str, project: &str| with(event(id), "project", project);
    let answer = fixture.send(&bound, &[event("a"), to("b", "ours"), to("c", "secret"), to("d", "nowhere")]).await;
    assert_eq!(
        statuses(&answer),
        [IngestStatus::Accepted, IngestStatus::Accepted, IngestStatus::Rejected, IngestStatus::Rejected]
    );
    assert_eq!(answer.results[2].error, answer.results[3].error, "an existing project looks like none");
    assert_eq!(fixture.send(&scope, &[to("e", "secret")]).await.accepted, 1);

    let ids = |rows: Vec<domain::event::EventRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    let mut seen = ids(super::super::list(&fixture.backend, &bound, &EventQuery::default()).await.unwrap().rows);
    seen.sort();
    assert_eq!(seen, ["a", "b"]);
    assert!(super::super::find(&fixture.backend, &bound, "e").await.is_err());
    assert!(super::super::find(&fixture.backend, &scope, "e").await.is_ok());
    assert_eq!(
        crate::ledger::rejected(&fixture.backend, &bound, None, 50).await.unwrap().rows.len(),
        2,
        "listed with the key's own project"
    );
    let only_secret = bound_key(&fixture, &scope, &secret).await;
    assert_eq!(crate::ledger::rejected(&fixture.backend, &only_secret, None, 50).await.unwrap().rows.len(), 0);
}

#[tokio::test]
async fn an_unknown_model_has_no_cost_but_an_upper_bound() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let answer = fixture.send(&scope, &[with(event("a"), "model", "gpt-99-unheard-of"), event("b")]).await;
    assert_eq!(answer.accepted, 2);
    assert_eq!((answer.results[0].cost, answer.results[0].currency.as_deref()), (None, None));
    let unpriced = super::super::unpriced(&fixture.backend, &scope).await.unwrap();
    assert_eq!(unpriced.len(), 1);
    assert_eq!((unpriced[0].model.as_str(), unpriced[0].events, unpriced[0].tokens), ("gpt-99-unheard-of", 1, 1_100));
    assert!(unpriced[0].upper_bound > answer.results[1].cost.unwrap(), "at most what the dearest model costs");
    assert!(!unpriced[0].reason.is_empty());
    let attention = super::super::attention(&fixture.backend, &scope).await.unwrap();
    assert_eq!((attention.unpriced, attention.rejected), (1, 0));
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn an_answer_from_the_senders_cache_costs_nothing_and_avoids_its_price() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let answer = fixture.send(&scope, &[with(event("a"), "response_cache_hit", true)]).await;
    assert_eq!(answer.results[0].cost.map(exact).as_deref(), Some("0.000000000000"));
    let found = super::super::find(&fixture.backend, &scope, "a").await.unwrap();
    assert_eq!(found.avoided_cost.map(exact).as_deref(), Some("0.003500000000"));
    assert!(found.receipt.is_empty());
    assert_eq!(fixture.count("select count(*) from rollup_meter_day").await, 0, "nothing was used at the provider");
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn an_event_is_charged_the_price_of_its_own_time() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let o3 = |id: &str, at: &str| with(with(event(id), "model", "o3"), "timestamp", at);
    let answer =
        fixture.send(&scope, &[o3("before", "2025-06-09T12:00:00Z"), o3("after", "2025-06-11T12:00:00Z")]).await;
    let costs: Vec<_> = answer.results.iter().map(|result| result.cost.map(exact).unwrap()).collect();
    // o3 fell from 10/40 to 2/8 dollars per million on 2025-06-10.
    assert_eq!(costs, ["0.014000000000", "0.002800000000"]);
}

#[tokio::test]
async fn what_is_typed_already_walks_the_same_path() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let typed = inputs(&[event("a"), with(event("b"), "model", "x".repeat(201))]);
    let answer = super::super::ingest_inputs(&fixture.backend, &scope, typed).await.unwrap();
    assert_eq!(statuses(&answer), [IngestStatus::Accepted, IngestStatus::Rejected]);
    assert_eq!(statuses(&fixture.send(&scope, &[event("a")]).await), [IngestStatus::Duplicate]);
}

#[tokio::test]
async fn every_amount_is_stored_as_it_was() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let amounts = [
        "0",
        "0.000000000001",
        "0.1",
        "0.00012",
        "9999",
        "10000",
        "10001.5",
        "100000000",
        "999999999.999999999999",
        "1000000000",
        "1234.5678",
    ];
    let events: Vec<_> = amounts
        .iter()
        .map(|amount| with(event(amount), "reported_cost", json!({"amount": amount, "currency": "USD"})))
        .collect();
    assert_eq!(usize::try_from(fixture.send(&scope, &events).await.accepted).unwrap(), amounts.len());
    for amount in amounts {
        let found = super::super::find(&fixture.backend, &scope, amount).await.unwrap();
        assert_eq!(found.row.reported_cost.map(exact), Some(exact(amount.parse().unwrap())), "{amount}");
    }
}

#[tokio::test]
async fn all_fields_are_kept() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let full = json!({
        "id": "full", "timestamp": "2016-12-01T00:00:00.000001Z", "project": "main", "provider": "anthropic",
        "model": "claude-sonnet-4-5-20250929", "operation": "chat", "service_tier": "standard", "batch": true, "region": "us-east-1",
        "usage": {"input_tokens": 812, "cache_read_input_tokens": 20480, "output_tokens": 391, "service_tier": "standard"},
        "usage_format": "anthropic", "status": "timeout", "attempt": 3, "request_id": "r", "interaction_id": "i", "step": "draft",
        "session_id": "s", "decision_id": "d", "latency_ms": 2140, "time_to_first_token_ms": 410, "stream": true,
        "finish_reason": "stop", "error_kind": "slow", "response_cache_hit": false, "input_hash": "h", "feature": "triage",
        "environment": "production", "customer": "acme", "user": "u", "cohort": "beta", "tags": {"a": "1"},
        "provider_response_id": "msg", "reported_cost": {"amount": "0.0137", "currency": "USD"}
    });
    assert_eq!(fixture.send(&scope, std::slice::from_ref(&full)).await.accepted, 1);
    let stored = fixture.stored(&scope).await.pop().unwrap();
    assert_eq!(serde_json::to_value(&stored.sent).unwrap(), full, "field by field as it was sent");
    assert_eq!(stored.tokens, 21_683);
    let meters = json!({"input_uncached": 812, "input_cache_read": 20_480, "output": 391});
    assert_eq!(serde_json::to_value(&stored.meters).unwrap(), meters);
}

#[tokio::test]
async fn fresh_tags_beyond_the_limit_are_one_label_and_stay_with_their_events() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let events: Vec<_> = (0..10)
        .map(|n| {
            let tags: serde_json::Map<_, _> = (0..32).map(|tag| (format!("t{n}_{tag}"), json!("x"))).collect();
            with(with(event(&format!("e{n}")), "tags", tags), "customer", format!("c{n}"))
        })
        .collect();
    assert_eq!(fixture.send(&scope, &events).await.accepted, 10);
    // Another server reads what is there; what became other there stays other here.
    let later = with(event("later"), "tags", json!({"t9_31": "x", "fresh": "y"}));
    let backend = super::server(&fixture.database);
    assert_eq!(super::send_to(&backend, &scope, std::slice::from_ref(&later)).await.accepted, 1);
    fixture.assert_rollups_follow(&scope).await;

    let known = crate::ledger::dimensions(&backend, &scope).await.unwrap();
    let of = |name: &str| known.iter().find(|known| known.dimension.name() == name);
    assert_eq!(of("customer").map(|known| (known.values, known.other_since)), Some((Some(10), None)));
    assert_eq!(of("feature").map(|known| (known.values, known.limit)), Some((None, Some(2_000))), "none was sent");
    assert_eq!(of("tag.t0_0").and_then(|known| known.values), Some(1));
    assert!(of("tag.(other)").is_some_and(|other| other.values == Some(0) && other.other_since.is_some()));
    assert!(of("tag.fresh").is_none());
    let filters = Filter::from_pairs(&[("tag.(other)".to_owned(), "(other)".to_owned())]).unwrap();
    let others = EventQuery { filters, ..EventQuery::default() };
    let others = super::super::list(&backend, &scope, &others).await.unwrap().rows;
    assert!(others.len() >= 2 && others.iter().any(|row| row.id == "later"), "{}", others.len());
    let detail = super::super::find(&backend, &scope, "later").await.unwrap();
    let sent = detail.attributes.iter().any(|(name, value)| name.ends_with("fresh") && value == "y");
    assert!(sent, "{:?}", detail.attributes);
}

#[tokio::test]
async fn limits_are_settings_and_filters_find_what_counts_as_other() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let limits = crate::ledger::Limits { series: 2, values: 2, ..crate::ledger::Limits::default() };
    let backend = super::server(&fixture.database).with_limits(limits);
    let sent = |n: usize| with(with(event(&format!("e{n}")), "feature", format!("f{n}")), "customer", format!("c{n}"));
    let events: Vec<_> = (0..5).map(sent).collect();
    assert_eq!(super::send_to(&backend, &scope, &events).await.accepted, 5);
    fixture.assert_rollups_follow(&scope).await;
    let known = crate::ledger::dimensions(&backend, &scope).await.unwrap();
    let of = |name: &str| known.iter().find(|known| known.dimension.name() == name).unwrap();
    assert_eq!((of("customer").values, of("customer").limit), (Some(2), Some(2)));
    assert!(of("feature").other_since.is_some() && of("customer").other_since.is_some());
    let found = async |name: &str, value: &str| {
        let filters = Filter::from_pairs(&[(name.to_owned(), value.to_owned())]).unwrap();
        let query = EventQuery { filters, ..EventQuery::default() };
        let rows = super::super::list(&backend, &scope, &query).await.unwrap().rows;
        let mut ids: Vec<String> = rows.into_iter().map(|row| row.id).collect();
        ids.sort();
        ids.join(" ")
    };
    // Found by what was sent, and by what it counts as.
    assert_eq!(found("feature", "f4").await, "e4");
    assert_eq!(found("feature", "!f4").await, "e0 e1 e2 e3");
    assert_eq!(found("feature", "(other)").await, "e2 e3 e4");
    assert_eq!(found("customer", "c1").await, "e1");
    assert_eq!(found("customer", "c3").await, "e3");
    assert_eq!(found("customer", "(other)").await, "e2 e3 e4");
    assert_eq!(found("customer", "!c3").await, "e0 e1 e2 e4");
    assert_eq!(found("customer", "!").await, "e0 e1 e2 e3 e4", "whoever has one");
    assert_eq!(found("tag.x", "!1").await, "e0 e1 e2 e3 e4");
    assert_eq!(found("operation", "chat").await, "e0 e1 e2 e3 e4", "though none was sent");
    assert_eq!(found("operation", "!chat").await, "");
    assert_eq!(found("customer", "").await, "");
    assert_eq!(found("user", "").await, "e0 e1 e2 e3 e4");
    assert_eq!(found("model", "gpt-4o-2024-08-06").await, "e0 e1 e2 e3 e4");
}
