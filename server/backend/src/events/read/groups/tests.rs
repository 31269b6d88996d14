//! Against a real PostgreSQL: sums of sessions and interactions are those of their events, whatever moved them.

use super::{call_group, call_groups, read};
use crate::events::tests::{Fixture, add_project, bound_key, event, with};
use crate::prices::{self, runs};
use crate::{OrgScope, identity};
use domain::event::{CallGroup, CallGroupQuery, CallGroups, EventQuery};
use domain::money::exact;
use domain::price::PriceForm;
use domain::repricing::{RunInput, RunKind};
use serde_json::{Value, json};

/// A call of $0.0035 in a session.
fn call(id: &str, session: &str, at: &str) -> Value {
    with(with(event(id), "session_id", session), "timestamp", format!("2026-11-20T{at}Z"))
}

fn query(pairs: &str) -> CallGroupQuery {
    let pairs: Vec<_> =
        pairs.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    CallGroupQuery::from_pairs(&pairs).unwrap()
}

async fn sessions(fixture: &Fixture, scope: &OrgScope, pairs: &str) -> CallGroups {
    call_groups(&fixture.backend, scope, CallGroup::Session, &query(pairs)).await.unwrap()
}

fn ids(found: &CallGroups) -> Vec<&str> {
    found.rows.iter().map(|row| row.id.as_str()).collect()
}

/// A conversation of two turns: the second draft was tried twice, one input was embedded twice, one model has no price.
fn conversation() -> Vec<Value> {
    let step = |call: Value, turn: &str, step: &str| with(with(call, "interaction_id", turn), "step", step);
    let embed = |call: Value| with(step(call, "t1", "embed"), "input_hash", "same");
    let draft = |call: Value| with(step(call, "t2", "draft"), "request_id", "r1");
    vec![
        with(embed(call("e1", "conv", "09:00:00")), "customer", "globex"),
        embed(call("e2", "conv", "09:00:10")),
        with(embed(call("e3", "conv", "09:00:20")), "input_hash", "other"),
        with(with(draft(call("d1", "conv", "09:10:00")), "status", "timeout"), "latency_ms", 60_000),
        step(call("x", "conv", "09:10:30"), "t2", "escalate"),
        with(draft(call("d2", "conv", "09:11:00")), "attempt", 2),
        with(step(call("u", "conv", "09:14:00"), "t2", "escalate"), "model", "gpt-99-unheard-of"),
        call("other", "small", "09:05:00"),
        event("alone"),
    ]
}

#[tokio::test]
async fn a_session_adds_up_its_calls() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "Asia/Kolkata").await;
    let mut events = conversation();
    for event in &mut events {
        event["feature"] = json!("answer");
    }
    assert_eq!(fixture.send(&scope, &events).await.accepted, 9);
    let found = call_group(&fixture.backend, &scope, CallGroup::Session, "conv", None).await.unwrap();
    assert_eq!((found.sums.requests, found.sums.unpriced_requests, found.sums.errors), (7, 1, 1));
    assert_eq!(exact(found.sums.spend), "0.021000000000");
    assert_eq!(((found.last_at - found.first_at).num_minutes(), found.interactions), (14, 2));
    assert_eq!(found.first_at.to_rfc3339(), "2026-11-20T14:30:00+05:30");
    assert_eq!(
        (&found.projects, &found.features, &found.customers),
        (&vec!["main".to_owned()], &vec!["answer".to_owned()], &vec!["globex".to_owned()])
    );
    // In time order, and the second attempt below the first.
    let order: Vec<_> = found.calls.rows.iter().map(|call| call.row.id.as_str()).collect();
    assert_eq!(order, ["e1", "e2", "e3", "d1", "d2", "x", "u"]);
    let tokens = &found.calls.rows[0];
    assert_eq!((tokens.input_tokens, tokens.cached_tokens, tokens.output_tokens), (1_000, 0, 100));
    let steps: Vec<_> = found
        .steps
        .iter()
        .map(|of| (of.step.as_deref().unwrap(), of.model.as_str(), of.sums.requests, exact(of.sums.spend)))
        .collect();
    let expected = [
        ("embed", "gpt-4o-2024-08-06", 3, "0.010500000000".to_owned()),
        ("draft", "gpt-4o-2024-08-06", 2, "0.007000000000".to_owned()),
        ("escalate", "gpt-4o-2024-08-06", 1, "0.003500000000".to_owned()),
        ("escalate", "gpt-99-unheard-of", 1, "0.000000000000".to_owned()),
    ];
    assert_eq!(steps, expected);
    // The same input twice; a retry is no repetition, and neither is another input.
    let [again] = found.repeats.as_slice() else { panic!("{:?}", found.repeats) };
    assert_eq!((again.step.as_deref(), again.input_hash.as_deref(), again.requests), (Some("embed"), Some("same"), 2));
    assert_eq!(
        (exact(again.cost), exact(again.after_first)),
        ("0.007000000000".to_owned(), "0.003500000000".to_owned())
    );
    // Of this feature one other session is priced as a whole.
    assert_eq!((found.usual.of, found.usual.p95.map(exact).as_deref()), (1, Some("0.003500000000")));

    let turn = call_group(&fixture.backend, &scope, CallGroup::Interaction, "t2", None).await.unwrap();
    assert_eq!(
        (turn.sums.requests, exact(turn.sums.spend), turn.sessions),
        (4, "0.010500000000".to_owned(), vec!["conv".to_owned()])
    );
    let listed = EventQuery { interaction_id: Some("t2".to_owned()), ..EventQuery::default() };
    assert_eq!(crate::events::list(&fixture.backend, &scope, &listed).await.unwrap().rows.len(), 4);
}

#[tokio::test]
async fn nobody_sees_calls_of_others() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let side = add_project(&fixture, &scope, "side").await;
    let events = [call("a", "conv", "09:00:00"), with(call("b", "conv", "09:01:00"), "project", "side")];
    fixture.send(&scope, &events).await;
    let bound = bound_key(&fixture, &scope, &side).await;
    let found = call_group(&fixture.backend, &bound, CallGroup::Session, "conv", None).await.unwrap();
    assert_eq!((found.sums.requests, found.projects), (1, vec!["side".to_owned()]));
    assert_eq!(sessions(&fixture, &bound, "").await.sums.requests, 1);
    let globex = fixture.organization("globex", "UTC").await;
    for (scope, id) in [(&globex, "conv"), (&scope, "none"), (&scope, "a\0")] {
        let refused = call_group(&fixture.backend, scope, CallGroup::Session, id, None).await.unwrap_err();
        assert_eq!(refused.into_problem().status(), 404, "{id}");
    }
    assert_eq!(
        sessions(&fixture, &globex, "").await,
        CallGroups::default()
    );
}

#[tokio::test]
async fn a_long_session_is_paged_and_its_sum_is_of_all() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let events: Vec<Value> =
        (0..620).map(|n| call(&format!("c{n}"), "long", &format!("09:{:02}:{:02}", n / 60, n % 60))).collect();
    assert_eq!(fixture.send(&scope, &events).await.accepted, 620);
    let page =
        async |cursor: Option<&str>| call_group(&fixture.backend, &scope, CallGroup::Session, "long", cursor).await;
    let first = page(None).await.unwrap();
    let second = page(first.calls.next_cursor.as_deref()).await.unwrap();
    assert_eq!((first.calls.rows.len(), second.calls.rows.len(), &second.calls.next_cursor), (500, 120, &None));
    assert_eq!((first.sums.requests, &first.sums), (620, &second.sums));
    assert_eq!(second.calls.rows[0].row.id, "c500");
    let other =
        call_group(&fixture.backend, &scope, CallGroup::Session, "short", first.calls.next_cursor.as_deref()).await;
    assert_eq!(other.unwrap_err().into_problem().status(), 400);
}

#[tokio::test]
async fn lists_have_the_dearest_first_and_percentiles() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    // The session sN has N calls, all at once but for those of s3.
    let mut events = vec![];
    for session in 1..=20 {
        for n in 0..session {
            let minute = if session == 3 { n * 10 } else { 0 };
            let at = format!("{:02}:{minute:02}:{session:02}", 1 + session % 9);
            events.push(with(
                call(&format!("{session}-{n}"), &format!("s{session}"), &at),
                "customer",
                format!("c{n}"),
            ));
        }
    }
    events.push(with(call("u", "s1", "05:00:00"), "model", "gpt-99-unheard-of"));
    assert_eq!(fixture.send(&scope, &events).await.accepted, 211);
    let found = sessions(&fixture, &scope, "from=2026-11-20&to=2026-11-21&limit=2").await;
    assert_eq!((ids(&found), found.groups, found.next_cursor.as_deref()), (vec!["s20", "s19"], 20, Some("2")));
    assert_eq!((found.sums.requests, exact(found.sums.spend)), (211, "0.735000000000".to_owned()));
    // s1 has a call without a price: its cost is not known, and it is none of the 19.
    let of = found.percentiles;
    assert_eq!(of.of, 19);
    let costs = [of.p50, of.p95, of.p99].map(|cost| exact(cost.unwrap()));
    assert_eq!(costs, ["0.038500000000", "0.070000000000", "0.070000000000"]);
    assert_eq!(
        (found.rows[0].customers.len(), found.rows[0].models.as_slice()),
        (20, &["gpt-4o-2024-08-06".to_owned()][..])
    );
    for (pairs, first) in [
        ("sort=duration", "s1"),
        ("sort=calls", "s20"),
        ("sort=newest", "s17"),
        ("customer=c18&sort=newest&cursor=1", "s19"),
    ] {
        let found = sessions(&fixture, &scope, &format!("{pairs}&limit=1")).await;
        assert_eq!(ids(&found), [first], "{pairs}");
    }
    assert_eq!(sessions(&fixture, &scope, "from=2026-11-21").await.groups, 0);
    assert_eq!(sessions(&fixture, &scope, "cursor=20").await.rows, []);

    // More than are read: the newest count, and it is said from where on.
    let newest = read(&fixture.backend, &scope, CallGroup::Session, &query(""), 8).await.unwrap();
    assert_eq!((newest.sums.requests, ids(&newest)), (8, vec!["s17"]));
    assert_eq!(newest.counted_from.unwrap().to_rfc3339(), "2026-11-20T09:00:17+00:00");
    assert_eq!(sessions(&fixture, &scope, "").await.counted_from, None);
}

/// What a run of repricing moves is moved here too, and what it priced is known.
#[tokio::test]
async fn sums_are_those_of_the_events_after_repricing() {
    let fixture = Fixture::new().await;
    let key = fixture.organization("acme", "UTC").await;
    let scope = identity::system_scope(&fixture.backend, key.org_id()).await.unwrap();
    fixture.send(&key, &conversation()).await;
    let price = PriceForm {
        provider: "openai".to_owned(),
        model: "gpt-99-unheard-of".to_owned(),
        meter: "output".to_owned(),
        rate: "7".to_owned(),
        source: "test".to_owned(),
        confirmed: "yes".to_owned(),
        ..PriceForm::default()
    };
    let cheaper = PriceForm { model: "gpt-4o-2024-08-06".to_owned(), rate: "1".to_owned(), ..price.clone() };
    let input = PriceForm { meter: "input_uncached".to_owned(), ..price.clone() };
    for form in [&price, &cheaper, &input] {
        prices::add_prices(&fixture.backend, &scope, &[form.parse().unwrap()], true).await.unwrap();
    }
    for kind in [RunKind::Pricing, RunKind::Repricing] {
        let run = runs::draft(&fixture.backend, &scope, &RunInput { kind, from: None, to: None, filters: vec![] })
            .await
            .unwrap();
        runs::confirm(&fixture.backend, &scope, run.run_id, "test").await.unwrap();
    }
    let detail = call_group(&fixture.backend, &scope, CallGroup::Session, "conv", None).await.unwrap();
    let calls: rust_decimal::Decimal = detail.calls.rows.iter().map(|call| call.row.cost.unwrap()).sum();
    assert_eq!((detail.sums.spend, detail.sums.unpriced_requests), (calls, 0));
    assert_ne!(detail.sums.spend, detail.sums.booked);
    let listed = sessions(&fixture, &scope, "limit=1").await;
    assert_eq!(listed.rows[0].sums, detail.sums);
}

/// A minute of a person is an event with a price of the organization's own, from the day on that it says, and counts in the session like every call.
#[tokio::test]
async fn steps_without_a_model_are_charged_by_own_prices() {
    let fixture = Fixture::new().await;
    let key = fixture.organization("acme", "UTC").await;
    let scope = identity::system_scope(&fixture.backend, key.org_id()).await.unwrap();
    let step = |id: &str, model: &str, usage: Value| {
        json!({"id": id, "timestamp": "2026-11-20T09:30:00Z", "provider": "own", "model": model, "operation": "human",
            "usage_format": "meters", "usage": usage, "session_id": "conv", "step": model})
    };
    let review = step("review", "reviewer", json!({"seconds": 240.5}));
    assert_eq!(fixture.send(&key, &[call("a", "conv", "09:00:00"), review]).await.accepted, 2);
    let session = async || call_group(&fixture.backend, &scope, CallGroup::Session, "conv", None).await.unwrap();
    assert_eq!(
        (session().await.sums.unpriced_requests, exact(session().await.sums.spend)),
        (1, "0.003500000000".to_owned())
    );

    let price = |model: &str, meter: &str, rate: &str, per: &str| PriceForm {
        provider: "own".to_owned(),
        model: model.to_owned(),
        meter: meter.to_owned(),
        rate: rate.to_owned(),
        per: per.to_owned(),
        valid_from: "2026-11-20".to_owned(),
        source: "test".to_owned(),
        ..PriceForm::default()
    };
    for form in [
        price("reviewer", "seconds", "45", "3600"),
        price("crawler", "requests", "0.002", ""),
        price("crawler", "units", "0.5", ""),
    ] {
        prices::add_prices(&fixture.backend, &scope, &[form.parse().unwrap()], true).await.unwrap();
    }
    let run = RunInput { kind: RunKind::Pricing, from: None, to: None, filters: vec![] };
    let run = runs::draft(&fixture.backend, &scope, &run).await.unwrap();
    runs::confirm(&fixture.backend, &scope, run.run_id, "test").await.unwrap();
    let before = with(step("old", "crawler", json!({"requests": 1})), "timestamp", "2026-11-19T23:59:59Z");
    let crawl =
        [step("call", "crawler", json!({"requests": 1})), step("pages", "crawler", json!({"units": 3})), before];
    assert_eq!(fixture.send(&key, &crawl).await.accepted, 3);
    let found = session().await;
    // 240.5 s of $45 an hour, a call of $0.002, three units beside their call, and nothing for what has no price on its day.
    assert_eq!((exact(found.sums.spend), found.sums.unpriced_requests), ("4.513750000000".to_owned(), 1));
    let review = crate::events::find(&fixture.backend, &scope, "review").await.unwrap();
    let line = &review.current_receipt()[0];
    assert_eq!(
        (line.label.as_str(), line.unit.as_str(), line.per, exact(line.amount)),
        ("Time", "seconds", 3_600, "3.006250000000".to_owned())
    );
    fixture.assert_rollups_follow(&scope).await;
}
