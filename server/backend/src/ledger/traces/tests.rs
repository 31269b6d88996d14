//! Spans of one trace that come in several requests: each call is counted once, and nothing doubles in silence.

use super::{REPEATS, sql};
use crate::events::tests::{Fixture, now, server, statuses};
use crate::events::{attention, ingest_foreign, list, possible_duplicates, set_drops_possible_duplicates};
use crate::ledger::{enforce_retention, rejected};
use crate::{Backend, OrgScope, identity};
use IngestStatus::{Accepted, Duplicate, Rejected};
use chrono::{DateTime, Duration, Utc};
use domain::event::{EventInput, EventQuery, IngestStatus, ParsedEvent, Rejection, Sender, Status, TraceSpan};
use domain::problem::FieldProblem;
use serde_json::json;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

fn at(seconds: i64) -> DateTime<Utc> {
    now() - Duration::minutes(1) + Duration::seconds(seconds)
}

/// A span of ten seconds in a trace; `above` 0 is none.
fn place(trace_id: u128, span_id: u64, above: u64) -> TraceSpan {
    TraceSpan {
        trace_id,
        span_id,
        above: (above > 0).then_some(above),
        began: at(10),
        ended: at(20),
        service: "checkout".to_owned(),
        scope: "client".to_owned(),
        is_outer: false,
    }
}

/// A call that counted; each trace has counts of its own, spans of one trace have the same.
fn told(span: TraceSpan) -> EventInput {
    EventInput {
        id: Some(format!("{}-{}", span.trace_id, span.span_id)),
        timestamp: Some(span.began.fixed_offset()),
        provider: "openai".to_owned(),
        model: "gpt-4o-2024-08-06".to_owned(),
        usage: json!({"input_tokens": 1_000, "output_tokens": 100}),
        usage_format: Some("opentelemetry".to_owned()),
        span: Some(Box::new(span)),
        ..EventInput::default()
    }
}

fn call(trace_id: u128, span_id: u64, above: u64) -> EventInput {
    told(place(trace_id, span_id, above))
}

/// The same of another instrumentation, a little longer.
fn framework(trace_id: u128, span_id: u64, above: u64) -> EventInput {
    told(TraceSpan { scope: "framework".to_owned(), began: at(9), ended: at(21), ..place(trace_id, span_id, above) })
}

/// An agent that ran so long and used twice as much as a call.
fn agent(trace_id: u128, span_id: u64, above: u64, seconds: std::ops::Range<i64>) -> EventInput {
    let span = TraceSpan {
        is_outer: true,
        began: at(seconds.start),
        ended: at(seconds.end),
        ..place(trace_id, span_id, above)
    };
    EventInput { usage: json!({"input_tokens": 2_000, "output_tokens": 200}), ..told(span) }
}

fn failed(event: EventInput) -> EventInput {
    EventInput { status: Some(Status::Error), usage: json!({"input_tokens": 0}), ..event }
}

async fn send(backend: &Backend, scope: &OrgScope, events: Vec<EventInput>) -> Vec<IngestStatus> {
    let answer = ingest_foreign(backend, scope, events.into_iter().map(Ok).collect()).await.unwrap();
    statuses(&answer)
}

/// Recorded events with whether they are suspected, and the codes of what is listed.
async fn state(fixture: &Fixture, scope: &OrgScope) -> (Vec<(String, bool)>, Vec<(String, u64)>) {
    let page = list(&fixture.backend, scope, &EventQuery::default()).await.unwrap();
    let mut events: Vec<_> = page.rows.into_iter().map(|row| (row.id, row.possible_duplicate)).collect();
    events.sort();
    let listed = rejected(&fixture.backend, scope, None, 50).await.unwrap();
    let mut listed: Vec<_> = listed.rows.into_iter().map(|row| (row.code, row.times)).collect();
    listed.sort();
    (events, listed)
}

fn events(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected.iter().map(|(id, suspected)| ((*id).to_owned(), *suspected)).collect()
}

#[tokio::test]
async fn what_lies_above_a_recorded_call_is_left_out_and_listed_whatever_comes_again() {
    let fixture = Fixture::new().await;
    let (acme, globex) = (fixture.organization("acme", "UTC").await, fixture.organization("globex", "UTC").await);
    let backend = &fixture.backend;
    assert_eq!(send(backend, &acme, vec![call(1, 3, 2)]).await, [Accepted]);
    for _ in 0..2 {
        assert_eq!(send(backend, &acme, vec![call(1, 2, 1)]).await, [Duplicate], "its child is recorded");
        assert_eq!(send(backend, &acme, vec![call(1, 1, 0)]).await, [Duplicate], "and its child's child");
    }
    assert_eq!(send(backend, &acme, vec![call(1, 3, 2), call(1, 4, 2)]).await, [Duplicate, Accepted]);
    assert_eq!(send(backend, &acme, vec![call(2, 2, 0)]).await, [Accepted], "the same id of a span in another trace");
    assert_eq!(send(backend, &globex, vec![call(1, 2, 1)]).await, [Accepted], "another organization's trace");
    let (recorded, listed) = state(&fixture, &acme).await;
    assert_eq!(recorded, events(&[("1-3", false), ("1-4", false), ("2-2", false)]));
    assert_eq!(listed, [(REPEATS.to_owned(), 2)]);
    assert_eq!(attention(backend, &acme).await.unwrap().rejected, 0, "nobody has to do anything about it");
    fixture.assert_rollups_follow(&acme).await;
}

#[tokio::test]
async fn a_call_below_a_recorded_one_is_a_possible_duplicate() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let backend = &fixture.backend;
    assert_eq!(send(backend, &acme, vec![call(1, 1, 0)]).await, [Accepted]);
    for status in [Accepted, Duplicate] {
        assert_eq!(send(backend, &acme, vec![call(1, 2, 1)]).await, [status]);
    }
    assert_eq!(state(&fixture, &acme).await.0, events(&[("1-1", false), ("1-2", true)]));
    let pairs = possible_duplicates(backend, &acme, None, 10).await.unwrap();
    assert_eq!(pairs.rows[0].first.as_ref().unwrap().id, "1-1");

    let owner = identity::system_scope(backend, acme.org_id()).await.unwrap();
    set_drops_possible_duplicates(backend, &owner, true).await.unwrap();
    for _ in 0..2 {
        assert_eq!(send(backend, &acme, vec![call(1, 3, 1)]).await, [Duplicate]);
    }
    let (recorded, listed) = state(&fixture, &acme).await;
    assert_eq!((recorded.len(), listed), (2, vec![("double".to_owned(), 1)]));
    fixture.assert_rollups_follow(&acme).await;
}

#[tokio::test]
async fn two_instrumentations_of_one_call_are_suspected_in_one_request_and_in_two() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let backend = &fixture.backend;
    send(backend, &acme, vec![call(1, 2, 9)]).await;
    send(backend, &acme, vec![framework(1, 3, 9)]).await;
    send(backend, &acme, vec![call(2, 2, 9), framework(2, 3, 9)]).await;
    let (recorded, _) = state(&fixture, &acme).await;
    assert_eq!(recorded, events(&[("1-2", false), ("1-3", true), ("2-2", false), ("2-3", true)]));

    // Other counts, another service, beside each other, or the same library twice: two calls.
    let more = EventInput { usage: json!({"input_tokens": 1_001, "output_tokens": 100}), ..framework(3, 3, 9) };
    let elsewhere = told(TraceSpan { service: "search".to_owned(), ..*framework(4, 3, 9).span.unwrap() });
    let later = told(TraceSpan { began: at(15), ended: at(25), ..*framework(5, 3, 9).span.unwrap() });
    for (trace, other) in [(3, more), (4, elsewhere), (5, later), (6, call(6, 3, 9))] {
        send(backend, &acme, vec![call(trace, 2, 9)]).await;
        send(backend, &acme, vec![other]).await;
    }
    let (recorded, _) = state(&fixture, &acme).await;
    assert_eq!((recorded.len(), recorded.iter().filter(|(_, suspected)| *suspected).count()), (12, 2));
    fixture.assert_rollups_follow(&acme).await;
}

#[tokio::test]
async fn a_failed_span_above_or_below_a_failed_one_is_the_same_attempt() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let backend = &fixture.backend;
    assert_eq!(send(backend, &acme, vec![failed(call(1, 2, 1))]).await, [Accepted]);
    assert_eq!(send(backend, &acme, vec![failed(call(1, 1, 0))]).await, [Duplicate]);
    // The outer one first.
    assert_eq!(send(backend, &acme, vec![failed(call(2, 1, 0))]).await, [Accepted]);
    assert_eq!(send(backend, &acme, vec![failed(call(2, 2, 1))]).await, [Duplicate]);
    // In one transaction: one of them stays.
    assert_eq!(send(backend, &acme, vec![failed(call(3, 1, 0)), failed(call(3, 2, 1))]).await, [Duplicate, Accepted]);
    // The first attempt failed and the second answered: the framework's call is that of both.
    assert_eq!(send(backend, &acme, vec![failed(call(4, 2, 1)), call(4, 3, 1)]).await, [Accepted, Accepted]);
    assert_eq!(send(backend, &acme, vec![call(4, 1, 0)]).await, [Duplicate]);
    // A failed attempt alone is none of a call that counted.
    assert_eq!(send(backend, &acme, vec![failed(call(5, 2, 1))]).await, [Accepted]);
    assert_eq!(send(backend, &acme, vec![call(5, 1, 0)]).await, [Accepted]);
    let (recorded, _) = state(&fixture, &acme).await;
    let ids: Vec<&str> = recorded.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["1-2", "2-1", "3-2", "4-2", "4-3", "5-1", "5-2"]);
    assert!(recorded.iter().all(|(_, suspected)| !suspected), "{recorded:?}");
}

#[tokio::test]
async fn an_agent_is_recorded_only_where_no_call_ran_meanwhile() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let backend = &fixture.backend;
    assert_eq!(send(backend, &acme, vec![agent(1, 1, 0, 0..30)]).await, [Accepted], "it alone tells");
    // Not directly above: what lies between came in another request.
    send(backend, &acme, vec![call(2, 3, 2)]).await;
    assert_eq!(send(backend, &acme, vec![agent(2, 1, 0, 0..30)]).await, [Duplicate]);
    assert_eq!(send(backend, &acme, vec![call(3, 3, 2), agent(3, 1, 0, 0..30)]).await, [Accepted, Duplicate]);
    // Another agent's call was over before.
    send(backend, &acme, vec![call(4, 3, 2)]).await;
    assert_eq!(send(backend, &acme, vec![agent(4, 1, 0, 25..30)]).await, [Accepted]);
    // A call that comes late.
    assert_eq!(send(backend, &acme, vec![call(1, 3, 2)]).await, [Accepted]);
    let (recorded, listed) = state(&fixture, &acme).await;
    let expected = [("1-1", false), ("1-3", true), ("2-3", false), ("3-3", false), ("4-1", false), ("4-3", false)];
    assert_eq!((recorded, listed), (events(&expected), vec![(REPEATS.to_owned(), 2)]));
}

#[tokio::test]
async fn a_refused_span_that_repeats_recorded_calls_is_no_refusal() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let refused = |span: TraceSpan| -> ParsedEvent {
        let problem = FieldProblem::new("/model", "required", "The span names no model.");
        Err(Box::new(Rejection { sender: Sender::default(), problem, span: Some(Box::new(span)) }))
    };
    let outer = |trace| TraceSpan { is_outer: true, began: at(0), ended: at(30), ..place(trace, 1, 0) };
    send(&fixture.backend, &acme, vec![call(1, 2, 9), call(2, 2, 1)]).await;
    let sent = vec![refused(outer(1)), refused(place(2, 1, 0)), refused(place(1, 1, 0)), refused(outer(3))];
    let answer = ingest_foreign(&fixture.backend, &acme, sent).await.unwrap();
    assert_eq!(statuses(&answer), [Duplicate, Duplicate, Rejected, Rejected]);
    let (_, listed) = state(&fixture, &acme).await;
    assert_eq!(listed, [(REPEATS.to_owned(), 2), ("required".to_owned(), 2)]);
    assert_eq!(attention(&fixture.backend, &acme).await.unwrap().rejected, 1);
}

#[tokio::test]
async fn two_servers_never_double_in_silence() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let servers = [server(&fixture.database), server(&fixture.database)];
    for trace in 1..=12 {
        // Both find the trace's row there.
        send(&servers[0], &acme, vec![failed(call(trace, 9, 8))]).await;
        let (inner, outer) = (vec![call(trace, 2, 1)], vec![framework(trace, 1, 0)]);
        tokio::join!(send(&servers[0], &acme, inner), send(&servers[1], &acme, outer));
    }
    let (recorded, _) = state(&fixture, &acme).await;
    for trace in 1..=12 {
        let of_trace = recorded.iter().filter(|(id, suspected)| id.starts_with(&format!("{trace}-")) && !suspected);
        assert_eq!(of_trace.count(), 2, "the failed call and one more: {recorded:?}");
    }
    fixture.assert_rollups_follow(&acme).await;
}

#[tokio::test]
async fn traces_are_forgotten_after_a_day_in_pieces() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let owner = identity::system_scope(&fixture.backend, acme.org_id()).await.unwrap();
    send(&fixture.backend, &acme, vec![call(1, 2, 1), call(2, 2, 1), call(3, 2, 1)]).await;
    let count = async || {
        fixture.count("select count(*) from traces").await + fixture.count("select count(*) from trace_calls").await
    };
    let day = Duration::hours(24);
    let forget = async |limit| sql::forget(fixture.database.pool(), &owner, now() + day, limit).await.unwrap();
    assert_eq!(sql::forget(fixture.database.pool(), &owner, now(), 2).await.unwrap(), 0, "nothing is a day old");
    assert_eq!((forget(2).await, count().await, forget(2).await, forget(2).await), (2, 2, 1, 0));

    send(&fixture.backend, &acme, vec![call(4, 2, 1)]).await;
    let later = Backend::new(
        fixture.database.pool().clone(),
        Arc::new(crate::TestClock::at(now() + day + Duration::seconds(1))),
        "http://localhost",
        true,
    );
    send(&later, &acme, vec![call(5, 2, 1)]).await;
    assert_eq!(enforce_retention(&later, &CancellationToken::new()).await.unwrap().traces, 1);
    assert_eq!(count().await, 2, "the new one stays");
    // What was forgotten is not known any more; the events stay.
    assert_eq!(send(&later, &acme, vec![call(4, 1, 0)]).await, [Accepted]);
}
