//! Pages read by index, whatever PostgreSQL believes of the tables: never analysed, with dead rows, beside an organization that has more.

use backend::{Backend, OrgScope, budgets, events, forecast, prices, spend, statements};
use chrono::{DateTime, Duration, Utc};
use domain::budget::SpendScope;
use domain::event::{EventInput, EventQuery};
use domain::period::Period;
use domain::price::page::PriceSearch;
use domain::spend::{Dimension, ExploreQuery, Measure};
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::collections::BTreeMap;
use testkit::TestDatabase;
use testkit::seed;

const NOW: &str = "2026-11-20T12:00:00Z";
/// Events of each of the days that are filled.
const EVENTS: usize = 100;

/// Many series on many days; sent in two halves, so that the second leaves dead rows of every sum.
async fn fill(backend: &Backend, api: &OrgScope, days: i64) {
    let now: DateTime<Utc> = NOW.parse().unwrap();
    for half in 0..2 {
        for day in 1..=days {
            let event = |n: usize| -> EventInput {
                serde_json::from_value(json!({
                    "id": format!("{day}-{n}-{half}"), "timestamp": now - Duration::days(day), "provider": "openai",
                    "model": "gpt-4o-2024-08-06", "feature": format!("f{n}"), "customer": format!("c{n}"),
                    "session_id": format!("s{n}"), "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}
                }))
                .unwrap()
            };
            let answer = events::ingest_inputs(backend, api, (0..EVENTS).map(event).collect()).await.unwrap();
            assert_eq!(usize::try_from(answer.accepted).unwrap(), EVENTS);
        }
    }
}

/// How often each large table was read from its beginning to its end.
async fn scans(pool: &PgPool) -> BTreeMap<String, i64> {
    // What this connection has counted is told now, not in a second.
    sqlx::query("select pg_stat_force_next_flush()").execute(pool).await.unwrap();
    let large = "select relname::text, coalesce(seq_scan, 0) from pg_stat_user_tables
        where relname like 'rollup_%' or relname like 'events_2%' or relname in ('adjustments', 'event_ids', 'rejected_events')";
    let rows: Vec<(String, i64)> = sqlx::query_as(large).fetch_all(pool).await.unwrap();
    rows.into_iter().filter(|(name, _)| name != "rollup_term_day").collect()
}

#[tokio::test]
async fn no_page_reads_a_whole_table() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    prices::sync_seed(database.pool(), &*clock).await.unwrap();
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    let globex = seed::organization(&backend, "UTC").await;
    let large: Vec<String> = scans(database.pool()).await.into_keys().collect();
    for table in &large {
        let off = format!("alter table {table} set (autovacuum_enabled = false)");
        sqlx::query(sqlx::AssertSqlSafe(off)).execute(database.pool()).await.unwrap();
    }
    fill(&backend, &globex.api, 40).await;
    fill(&backend, &acme.api, 20).await;

    // One connection reads, so that what it has counted is known.
    let pool = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
    // A cluster shows its shards only where it is asked to; elsewhere nobody knows the setting.
    sqlx::query("set citus.override_table_visibility = off").execute(&pool).await.unwrap();
    let reader = Backend::new(pool.clone(), clock, "http://127.0.0.1:3000", true);
    let before = scans(&pool).await;
    let (scope, month) = (&acme.owner, Period::month_of("2026-11-01".parse().unwrap()));
    let so_far = Period::month_to_date("2026-11-20".parse().unwrap());
    let last = Period::month_of("2026-10-01".parse().unwrap());
    let whole = SpendScope::Organization;
    spend::overview(&reader, scope, whole, so_far, Some(last), &[]).await.unwrap();
    let ahead = forecast::forecast_inputs(&reader, scope).await.unwrap();
    spend::outlook(&reader, scope, whole, &ahead).await.unwrap();
    spend::attention(&reader, scope, &ahead).await.unwrap();
    for dimension in [Dimension::Feature, Dimension::Customer, Dimension::Team] {
        let query = ExploreQuery { previous: Some(last.into()), all: true, ..ExploreQuery::over(so_far) };
        spend::explore(&reader, scope, ExploreQuery { group_by: vec![dimension], ..query }).await.unwrap();
    }
    for measure in [Measure::CacheReadShare, Measure::Retries, Measure::LatencyP95, Measure::PeakRequestsPerMinute] {
        let query = ExploreQuery { measure, ..ExploreQuery::over(so_far) };
        spend::explore(&reader, scope, query).await.unwrap();
    }
    statements::months(&reader, scope).await.unwrap();
    statements::month(&reader, scope, month, true).await.unwrap();
    budgets::list(&reader, scope).await.unwrap();
    prices::browse::overview(&reader, scope, &PriceSearch::default()).await.unwrap();
    events::list(&reader, scope, &EventQuery::default()).await.unwrap();
    events::attention(&reader, scope).await.unwrap();
    events::unpriced(&reader, scope).await.unwrap();
    events::find(&reader, scope, "3-3-0").await.unwrap();

    let after = scans(&pool).await;
    let read: Vec<_> = after.iter().filter(|(name, count)| before.get(*name).is_some_and(|was| was < *count)).collect();
    assert!(read.is_empty(), "read from beginning to end: {read:?}");
    // And a page that did would be seen, also where the table lies in numbered shards.
    for scan in ["indexscan", "indexonlyscan", "bitmapscan"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("set enable_{scan} = off"))).execute(&pool).await.unwrap();
    }
    let whole = sqlx::query("select sum(requests) from rollup_day where org_id = $1").bind(scope.org_id().0);
    whole.execute(&pool).await.unwrap();
    let is_days = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_') == "rollup_day";
    let days =
        |scans: &BTreeMap<String, i64>| scans.iter().filter(|(name, _)| is_days(name)).map(|(_, n)| n).sum::<i64>();
    assert_eq!(days(&scans(&pool).await), days(&after) + 1);
}
