//! Order, duplication and the cutting of requests never change a total, and every rollup equals the sum of its events.

use super::{Fixture, add_project, in_zone, seeded, send_to, server};
use crate::OrgScope;
use crate::ledger::rebuild_days;
use chrono::{DateTime, Duration, Utc};
use domain::period::Zone;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

/// Half-hour and quarter-hour zones, and one with clock changes.
pub(super) const ZONES: [&str; 4] = ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"];

/// Around these instants days, months or clocks change in one of the zones.
const BORDERS: [&str; 9] = [
    "2026-11-01T00:00:00Z", // month, UTC
    "2026-10-31T18:30:00Z", // month, Kolkata
    "2026-10-31T18:15:00Z", // month, Kathmandu
    "2026-11-01T04:00:00Z", // the long day begins, New York
    "2026-11-01T06:00:00Z", // its repeated hour
    "2026-11-02T05:00:00Z", // it ends
    "2026-03-08T05:00:00Z", // the short day begins, New York
    "2026-03-08T07:00:00Z", // its missing hour
    "2026-03-09T04:00:00Z", // it ends
];

fn timestamp() -> impl Strategy<Value = DateTime<Utc>> {
    let near = (0..BORDERS.len(), -1_800_000_000_i64..1_800_000_000).prop_map(|(border, micros)| {
        BORDERS[border].parse::<DateTime<Utc>>().unwrap() + Duration::microseconds(micros)
    });
    let exact = (0..BORDERS.len(), -1_i64..=1).prop_map(|(border, micros)| {
        BORDERS[border].parse::<DateTime<Utc>>().unwrap() + Duration::microseconds(micros)
    });
    prop_oneof![4 => near, 1 => exact]
}

fn label() -> impl Strategy<Value = Option<String>> {
    prop_oneof![2 => Just(None), 3 => "[a-c]".prop_map(Some), 1 => Just(Some("é\"\\😀,".to_owned()))]
}

fn usage() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    let tokens = || 0..50_000_u64;
    prop_oneof![
        (tokens(), 0..100_u64, tokens(), 0..100_u64).prop_map(|(input, cached, output, reasoning)| {
            ("openai", "gpt-4o-2024-08-06", json!({"prompt_tokens": input + cached, "completion_tokens": output + reasoning,
                "prompt_tokens_details": {"cached_tokens": cached}, "completion_tokens_details": {"reasoning_tokens": reasoning}}))
        }),
        (tokens(), tokens(), tokens(), tokens()).prop_map(|(input, read, write, output)| {
            ("anthropic", "claude-sonnet-4-5-20250929", json!({"input_tokens": input, "cache_read_input_tokens": read,
                "cache_creation_input_tokens": write, "output_tokens": output}))
        }),
        (tokens(), tokens()).prop_map(|(input, output)| ("openai", "gpt-99-unheard-of", json!({"prompt_tokens": input, "completion_tokens": output}))),
    ]
}

pub(super) fn event() -> impl Strategy<Value = Value> {
    let status = prop::sample::select(vec!["success", "success", "success", "error", "timeout", "rate_limited"]);
    let labels = (label(), label(), label(), label(), label(), label());
    let numbers = (
        prop::option::of(0..3_000_000_u64),
        1..4_u32,
        prop::bool::weighted(0.1),
        prop::sample::select(vec!["main", "side"]),
        prop::option::weighted(0.3, 0..5_000_000_u64),
    );
    (timestamp(), usage(), status, labels, numbers).prop_map(|(at, (provider, model, usage), status, labels, numbers)| {
        let (feature, environment, customer, user, step, tag) = labels;
        let (latency_ms, attempt, cached, project, reported) = numbers;
        let reported = reported.map(|micros| json!({"amount": format!("{}e-6", micros), "currency": "USD"}));
        let tags = tag.map(|tag| json!({"t": tag, "k.2": "x"})).unwrap_or(json!({}));
        json!({"timestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true), "provider": provider, "model": model,
            "usage": usage, "status": status, "feature": feature, "environment": environment, "customer": customer, "user": user,
            "step": step, "tags": tags, "latency_ms": latency_ms, "attempt": attempt, "response_cache_hit": cached, "project": project,
            "reported_cost": reported})
    })
}

pub(super) fn some<T>(strategy: impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// Everything that the rollups of one organization hold, without the organization, its keys and its projects' ids.
pub(super) async fn rollups(fixture: &Fixture, scope: &OrgScope) -> Vec<String> {
    let mut rows = vec![];
    for view in ["quarter", "day", "label", "meter"] {
        let sql = format!(
            "select (to_jsonb(r) - '{{org_id,key_id,project_id,series_id}}'::text[] || jsonb_build_object('project', p.slug))::text
             from spend_by_{view} r join projects p using (org_id, project_id) where r.org_id = $1"
        );
        let mut table: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(scope.org_id().0)
            .fetch_all(fixture.database.pool())
            .await
            .unwrap();
        table.sort();
        rows.push(format!("{} rows", table.len()));
        rows.append(&mut table);
    }
    rows
}

/// Sends all events in one go to one organization; to another in any order, some of them twice, in pieces of any size, at once through two servers.
async fn assert_same_totals(zone: &str, runner: &mut TestRunner) {
    let fixture = Fixture::new().await;
    let plain = fixture.organization("plain", zone).await;
    let mixed = fixture.organization("mixed", zone).await;
    for scope in [&plain, &mixed] {
        add_project(&fixture, scope, "side").await;
    }
    let mut events = some(prop::collection::vec(event(), 400..500), runner);
    for (n, event) in events.iter_mut().enumerate() {
        event["id"] = json!(format!("e{n}"));
    }
    let sent = fixture.send(&plain, &events).await;
    assert_eq!(
        usize::try_from(sent.accepted).unwrap(),
        events.len(),
        "{:?}",
        sent.results.iter().find(|result| result.error.is_some())
    );

    let repeated: Vec<Value> = events.iter().step_by(3).cloned().collect();
    let shuffled = some(Just([events.clone(), repeated.clone()].concat()).prop_shuffle(), runner);
    let servers = [fixture.backend.clone(), server(&fixture.database)];
    let mut tasks = tokio::task::JoinSet::new();
    let mut rest = &shuffled[..];
    for backend in servers.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, left) = rest.split_at(some(1..60_usize, runner).min(rest.len()));
        rest = left;
        let (backend, scope, piece) = (backend.clone(), mixed.clone(), piece.to_vec());
        tasks.spawn(async move { send_to(&backend, &scope, &piece).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().map(|answer| answer.accepted).sum::<u32>(), sent.accepted);
    assert_eq!(usize::try_from(answers.iter().map(|answer| answer.duplicates).sum::<u32>()).unwrap(), repeated.len());

    let expected = rollups(&fixture, &plain).await;
    assert!(expected.len() > 500, "the events fall into many rows: {}", expected.len());
    assert_eq!(rollups(&fixture, &mixed).await, expected);
    fixture.assert_rollups_follow(&plain).await;
    fixture.assert_rollups_follow(&mixed).await;
    assert_days_move_with_the_zone(&fixture, &plain, &mixed).await;
}

/// After a change of zone the days are those that would have been written in the new zone.
async fn assert_days_move_with_the_zone(fixture: &Fixture, moving: &OrgScope, staying: &OrgScope) {
    let zone = Zone::parse("Australia/Lord_Howe").unwrap();
    let mut transaction = fixture.database.pool().begin().await.unwrap();
    rebuild_days(&mut transaction, moving, zone).await.unwrap();
    sqlx::query("update organizations set time_zone = $2 where org_id = $1")
        .bind(moving.org_id().0)
        .bind(zone.name())
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    fixture.assert_rollups_follow(&in_zone(moving, zone)).await;
    fixture.assert_rollups_follow(staying).await;
    let sums = "select count(distinct total) from (
        select sum(booked) as total from rollup_quarter group by org_id union all select sum(booked) from rollup_day group by org_id
        union all select sum(booked) from rollup_meter_day group by org_id
        union all select sum(booked) from rollup_coarse_day group by org_id
        union all select sum(booked) from rollup_coarse_meter_day group by org_id union all select sum(cost) from events group by org_id) as totals";
    assert_eq!(fixture.count(sums).await, 1, "one number everywhere");
}

#[tokio::test]
async fn no_order_duplication_or_cutting_changes_a_total_utc() {
    assert_same_totals(ZONES[0], &mut seeded(5501)).await;
}

#[tokio::test]
async fn no_order_duplication_or_cutting_changes_a_total_kolkata() {
    assert_same_totals(ZONES[1], &mut seeded(5502)).await;
}

#[tokio::test]
async fn no_order_duplication_or_cutting_changes_a_total_kathmandu() {
    assert_same_totals(ZONES[2], &mut seeded(5503)).await;
}

#[tokio::test]
async fn no_order_duplication_or_cutting_changes_a_total_new_york() {
    assert_same_totals(ZONES[3], &mut seeded(5504)).await;
}

#[tokio::test]
async fn a_difference_is_found_in_every_rollup() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let event = super::with(super::with(super::event("a"), "customer", "c"), "latency_ms", 30);
    assert_eq!(fixture.send(&scope, &[event]).await.accepted, 1);
    fixture.assert_rollups_follow(&scope).await;
    let years = domain::period::Period::new("2026-11-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
    // One damage after the other; what is told of the event is what is looked at first.
    for (table, told, sql) in [
        ("events", "dimensions", "update labels set value = 'd'"),
        ("events", "dimensions", "update series set feature = 'x'"),
        ("rollup_quarter", "", "update rollup_quarter set retries = 1"),
        ("rollup_day", "", "update rollup_day set booked = booked + 0.000000000001"),
        ("rollup_label_day", "", "delete from rollup_label_day"),
        ("rollup_meter_day", "", "update rollup_meter_day set quantity = quantity + 1 where meter = 'output'"),
        ("rollup_latency_day", "", "update rollup_latency_day set responses = responses + 1"),
        ("rollup_coarse_day", "", "update rollup_coarse_day set avoided_cost = 1"),
        ("rollup_coarse_label_day", "", "update rollup_coarse_label_day set tokens = tokens + 1"),
        ("rollup_coarse_meter_day", "", "delete from rollup_coarse_meter_day where meter = 'output'"),
        ("events", "tokens", "update events set tokens = 1"),
        ("events", "receipt", "update plans set plan = jsonb_set(plan, '{lines,0,source,price,rate,usd}', '\"7\"')"),
        ("events", "numbers", "update events set numbers = '\\x00'"),
    ] {
        sqlx::query(sql).execute(fixture.database.pool()).await.unwrap();
        let found = crate::ledger::verify(&fixture.backend, &scope, years).await.unwrap();
        let is_told = |found: &crate::ledger::Difference| found.table == table && found.row.contains(told);
        assert!(found.iter().any(is_told), "{sql}: {found:?}");
    }
}
