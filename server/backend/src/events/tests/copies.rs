//! Copies of one answer: the fullest counts, in whatever order they come.

use super::{Fixture, event, statuses, with};
use crate::events::{find, list, set_drops_possible_duplicates};
use crate::ledger::rejected;
use crate::prices::{self, runs};
use crate::{Backend, OrgScope, identity};
use domain::event::{EventQuery, IngestStatus, SmallerCopies};
use domain::money::exact;
use domain::price::PriceForm;
use domain::repricing::{RunInput, RunKind};
use serde_json::{Value, json};

/// A copy of a streamed answer, so many tokens in.
fn copy(id: &str, output: u32) -> Value {
    with(event(id), "usage", json!({"prompt_tokens": 1_000, "completion_tokens": output}))
}

/// Everything that says what an organization spent: events, requests, tokens, dollars.
async fn counted(fixture: &Fixture) -> (i64, i64, i64, String) {
    let row: (i64, i64, String) = sqlx::query_as(
        "select sum(requests)::bigint, sum(tokens)::bigint, sum(booked + adjusted)::text from rollup_day",
    )
    .fetch_one(fixture.database.pool())
    .await
    .unwrap();
    (fixture.count("select count(*) from events").await, row.0, row.1, row.2)
}

async fn smaller(backend: &Backend, scope: &OrgScope, id: &str) -> Option<SmallerCopies> {
    find(backend, scope, id).await.unwrap().smaller_copies
}

#[tokio::test]
async fn the_largest_copy_of_a_streamed_answer_counts() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "Asia/Kolkata").await;
    let at = |copy: Value, time: &str| with(with(copy, "timestamp", time), "latency_ms", 40);
    let labelled = |output| {
        let copy = with(with(copy("a", output), "customer", "acme"), "feature", "chat");
        with(copy, "timestamp", "2026-11-19T17:00:00Z")
    };
    assert_eq!(statuses(&fixture.send(&scope, &[labelled(1)]).await), [IngestStatus::Accepted]);
    assert_eq!(smaller(&fixture.backend, &scope, "a").await, None);

    // Another day in the organization's zone, and another end.
    let later = with(at(labelled(60), "2026-11-19T20:00:00Z"), "finish_reason", "stop");
    let answer = fixture.send(&scope, std::slice::from_ref(&later)).await;
    assert_eq!((statuses(&answer), answer.accepted), (vec![IngestStatus::Updated], 1));
    assert_eq!(answer.results[0].cost.map(exact).as_deref(), Some("0.003100000000"));
    let answer = fixture.send(&scope, &[at(labelled(100), "2026-11-19T21:00:00Z")]).await;
    assert_eq!(statuses(&answer), [IngestStatus::Updated]);
    assert_eq!(counted(&fixture).await, (1, 1, 1_100, "0.003500000000".to_owned()));
    fixture.assert_rollups_follow(&scope).await;

    // Earlier ones come late: nothing changes, and they know what counts.
    let answer = fixture.send(&scope, &[labelled(1), later, copy("b", 7)]).await;
    assert_eq!(statuses(&answer), [IngestStatus::Duplicate, IngestStatus::Duplicate, IngestStatus::Accepted]);
    assert_eq!(answer.results[1].cost.map(exact).as_deref(), Some("0.003500000000"));
    let said = smaller(&fixture.backend, &scope, "a").await.unwrap();
    assert_eq!((said.copies, said.tokens, said.cost.map(exact).as_deref()), (2, 1_060, Some("0.003100000000")));
    assert_eq!(rejected(&fixture.backend, &scope, None, 10).await.unwrap().rows.len(), 0);
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn what_is_no_copy_is_a_conflict_and_listed() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    assert_eq!(fixture.send(&scope, &[copy("a", 50)]).await.accepted, 1);
    let mixed = with(copy("a", 90), "usage", json!({"prompt_tokens": 999, "completion_tokens": 90}));
    let others = [
        mixed,
        with(copy("a", 90), "model", "gpt-4o-mini"),
        with(copy("a", 90), "customer", "other"),
        with(copy("a", 90), "timestamp", "2026-11-18T09:41:07.113Z"),
        with(copy("a", 90), "aggregate", "sum"),
        with(copy("a", 50), "latency_ms", 5),
    ];
    for other in others {
        assert_eq!(
            statuses(&fixture.send(&scope, std::slice::from_ref(&other)).await),
            [IngestStatus::Conflict],
            "{other}"
        );
    }
    assert_eq!(counted(&fixture).await, (1, 1, 1_050, "0.003000000000".to_owned()));
    assert!(!rejected(&fixture.backend, &scope, None, 10).await.unwrap().rows.is_empty());
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn the_order_in_which_copies_come_says_nothing() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    for (number, order) in orders.into_iter().enumerate() {
        // All in one request, two and one, one by one.
        for size in [3, 2, 1] {
            let id = format!("{number} {size}");
            let copies: Vec<Value> = order.iter().map(|tens| copy(&id, tens * 10)).collect();
            for request in copies.chunks(size) {
                let said = statuses(&fixture.send(&scope, request).await);
                assert!(!said.contains(&IngestStatus::Conflict), "{order:?} {said:?}");
            }
            let event = find(&fixture.backend, &scope, &id).await.unwrap();
            assert_eq!(event.row.tokens, 1_030, "{order:?} by {size}");
        }
    }
    assert_eq!(counted(&fixture).await, (18, 18, 18 * 1_030, exact("0.0504".parse().unwrap())));
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn several_servers_with_copies_of_the_same_answers_come_to_the_largest() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let other = super::server(&fixture.database);
    let copies = |output| (0..20).map(|n| copy(&format!("a{n}"), output)).collect::<Vec<_>>();
    let sends = (1..=8_u32).map(|step| {
        let backend = if step % 2 == 0 { &fixture.backend } else { &other };
        let (scope, copies) = (&scope, copies(step * 10));
        async move { super::send_to(backend, scope, &copies).await }
    });
    for answer in futures::future::join_all(sends).await {
        assert_eq!(answer.conflicts, 0);
    }
    assert_eq!(counted(&fixture).await, (20, 20, 20 * 1_080, exact("0.066".parse().unwrap())));
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn a_larger_copy_takes_back_what_was_adjusted() {
    let fixture = Fixture::new().await;
    let key = fixture.organization("acme", "UTC").await;
    let scope = identity::system_scope(&fixture.backend, key.org_id()).await.unwrap();
    let unheard = |output| with(copy("a", output), "model", "gpt-99-unheard-of");
    assert_eq!(fixture.send(&key, &[unheard(10), copy("b", 10)]).await.results[0].cost, None);
    for meter in ["input_uncached", "output", "requests"] {
        let form = PriceForm {
            provider: "openai".to_owned(),
            model: "gpt-99-unheard-of".to_owned(),
            meter: meter.to_owned(),
            rate: "0.01".to_owned(),
            source: "test".to_owned(),
            confirmed: "yes".to_owned(),
            ..PriceForm::default()
        };
        prices::add_prices(&fixture.backend, &scope, &[form.parse().unwrap()], form.is_confirmed()).await.unwrap();
    }
    let input = RunInput { kind: RunKind::Pricing, from: None, to: None, filters: vec![] };
    let drafted = runs::draft(&fixture.backend, &scope, &input).await.unwrap();
    runs::confirm(&fixture.backend, &scope, drafted.run_id, "test").await.unwrap();
    assert_eq!(fixture.count("select count(*) from adjustments").await, 1);
    fixture.assert_rollups_follow(&scope).await;

    assert_eq!(statuses(&fixture.send(&key, &[unheard(20)]).await), [IngestStatus::Updated]);
    assert_eq!(fixture.count("select count(*) from adjustments").await, 0);
    let event = find(&fixture.backend, &scope, "a").await.unwrap();
    assert!(event.row.cost.is_some() && event.adjustments.is_empty(), "it is booked with the price that holds now");
    assert_eq!(event.smaller_copies.unwrap().cost, None, "as it was booked");
    fixture.assert_rollups_follow(&scope).await;
    runs::reverse(&fixture.backend, &scope, drafted.run_id, "test").await.unwrap();
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn of_an_answer_under_two_ids_the_fullest_counts_where_doubles_are_left_out() {
    let fixture = Fixture::new().await;
    let mut outcomes = vec![];
    for order in [["gateway", "sdk"], ["sdk", "gateway"]] {
        for size in [1, 2] {
            let acme = fixture.organization(&format!("{}{size}", order[0]), "UTC").await;
            let owner = super::possible_duplicates::as_owner(&acme);
            set_drops_possible_duplicates(&fixture.backend, &owner, true).await.unwrap();
            // The gateway did not see the cached part of the input.
            let answered = |id: &str| {
                let output = if id == "sdk" { 120 } else { 100 };
                with(with(copy(id, output), "provider_response_id", "chatcmpl-1"), "feature", id)
            };
            let events = order.map(answered);
            for request in events.chunks(size) {
                assert_eq!(fixture.send(&acme, request).await.conflicts, 0);
            }
            let listed = list(&fixture.backend, &acme, &EventQuery::default()).await.unwrap().rows;
            let left_out = rejected(&fixture.backend, &acme, None, 10).await.unwrap().rows;
            let named: Vec<_> = left_out.into_iter().map(|row| (row.id, row.code)).collect();
            outcomes.push((listed.len(), listed[0].id.clone(), listed[0].tokens, named));
            // Both are known from now on.
            assert_eq!(fixture.send(&acme, &events).await.duplicates, 2);
            fixture.assert_rollups_follow(&acme).await;
        }
    }
    let expected = (1, "sdk".to_owned(), 1_120, vec![(Some("gateway".to_owned()), "double".to_owned())]);
    assert!(outcomes.iter().all(|outcome| *outcome == expected), "{outcomes:#?}");
}
