//! Changes of the reporting time zone: in the background, resumed, right whatever comes meanwhile.

use super::*;
use backend::identity::Change;
use backend::{ledger, spend};
use domain::identity::{ZoneChange, ZoneChangeState};
use domain::period::Period;
use domain::spend::SpendQuery;
use rust_decimal::Decimal;
use testkit::TestDatabase;
use testkit::seed::{Organization, call};

const KOLKATA: &str = "Asia/Kolkata";

fn to(zone: &str) -> Change {
    Change { name: "Acme".to_owned(), time_zone: zone.to_owned(), fiscal_year_start_month: 1 }
}

/// A call in the last hour of every of these days, which is the next day in Kolkata.
async fn spend_on(acme: &Organization, days: std::ops::RangeInclusive<u32>) {
    let call = |day| call(format!("2026-11-{day:02}T23:10:00Z").parse().unwrap(), Decimal::ONE);
    acme.record(days.map(call)).await;
}

/// An organization in UTC with ten days.
async fn acme(backend: &Backend) -> Organization {
    let acme = seed::organization(backend, "UTC").await;
    spend_on(&acme, 1..=10).await;
    acme
}

async fn running(backend: &Backend, scope: &OrgScope) -> (u32, u32) {
    match identity::zone_change(backend, scope).await.unwrap() {
        Some(ZoneChange { state: ZoneChangeState::Running { done, days }, time_zone }) if time_zone == KOLKATA => {
            (done, days)
        }
        other => panic!("{other:?}"),
    }
}

/// The organization as it is seen now.
async fn seen(backend: &Backend, acme: &Organization) -> OrgScope {
    identity::scope_in(backend, acme.user_id, acme.id()).await.unwrap()
}

async fn finish(backend: &Backend, scope: &OrgScope) {
    while identity::advance_zone_change(backend, scope).await.unwrap() {}
    assert_eq!(identity::zone_change(backend, scope).await.unwrap(), None);
}

async fn spent_on(backend: &Backend, scope: &OrgScope, day: &str) -> Decimal {
    let day = day.parse().unwrap();
    let period = Period::new(day, day.succ_opt().unwrap()).unwrap();
    spend::query(backend, scope, &SpendQuery::over(period)).await.unwrap().total.spend
}

async fn assert_rollups_follow(backend: &Backend, scope: &OrgScope) {
    let years = Period::new("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap()).unwrap();
    let found = ledger::verify(backend, scope, years).await.unwrap();
    assert!(found.is_empty(), "{} differences, such as {:#?}", found.len(), found.first());
}

async fn count(database: &TestDatabase, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database.pool()).await.unwrap()
}

#[tokio::test]
async fn a_change_runs_step_by_step_and_any_server_goes_on_with_it() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = acme(&backend).await;
    let answer = identity::update_organization(&backend, &acme.owner, to(KOLKATA)).await.unwrap();
    assert_eq!(answer.time_zone, "UTC", "the answer does not wait for it");
    assert_eq!(running(&backend, &acme.owner).await, (4, 10), "the first steps of the days from Nov 2 to 11");
    let refused = problem(identity::update_organization(&backend, &acme.owner, to("Europe/Berlin")).await);
    assert!(refused.status() == 409 && refused.detail().contains("Wait until that is done"), "{refused:?}");
    let renamed = Change { name: "Acme 2".to_owned(), ..to("UTC") };
    assert_eq!(identity::update_organization(&backend, &acme.owner, renamed).await.unwrap().name, "Acme 2");

    // The server dies; another one goes on where this one was.
    let other = Backend::new(database.pool().clone(), clock.clone(), "http://127.0.0.1:3000", true);
    assert!(identity::advance_zone_change(&other, &acme.owner).await.unwrap());
    assert_eq!(running(&other, &acme.owner).await, (5, 10));
    assert_eq!(spent_on(&other, &seen(&other, &acme).await, "2026-11-01").await, Decimal::ONE, "still of the old zone");
    finish(&other, &acme.owner).await;

    let moved = seen(&backend, &acme).await;
    assert_eq!(moved.zone().name(), KOLKATA);
    assert_eq!(spent_on(&backend, &moved, "2026-11-01").await, Decimal::ZERO);
    assert_eq!(spent_on(&backend, &moved, "2026-11-11").await, Decimal::ONE);
    assert_rollups_follow(&backend, &moved).await;
    for left in ["staged_days", "staged_label_day", "staged_meter_day", "staged_latency_day", "staged_term_day"] {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {left}"));
        assert_eq!(sqlx::query_scalar::<_, i64>(sql).fetch_one(database.pool()).await.unwrap(), 0, "{left}");
    }
    let log = backend::audit::list(&backend, &moved, 9).await.unwrap();
    for (detail, who) in [
        ("Began to change the time zone from UTC to Asia/Kolkata.", acme.email.as_str()),
        ("Changed the time zone from UTC to Asia/Kolkata.", "Tallystick"),
    ] {
        assert!(log.iter().any(|row| (row.detail.as_str(), row.who.as_str()) == (detail, who)), "{detail}: {log:?}");
    }
}

/// Left out with distributed tables: a cluster locks all organizations together, and who tries to lock one waits, whatever the statement says.
#[tokio::test]
async fn nobody_steps_while_somebody_else_is_at_it() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = acme(&backend).await;
    identity::update_organization(&backend, &acme.owner, to(KOLKATA)).await.unwrap();
    let mut held = database.pool().begin().await.unwrap();
    sqlx::query("select 1 from organizations for no key update").execute(&mut *held).await.unwrap();
    assert!(!identity::advance_zone_change(&backend, &acme.owner).await.unwrap());
    assert_eq!(running(&backend, &acme.owner).await, (4, 10));
    held.rollback().await.unwrap();
    finish(&backend, &acme.owner).await;
}

#[tokio::test]
async fn what_comes_while_days_are_counted_counts_in_the_new_zone() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = acme(&backend).await;
    identity::update_organization(&backend, &acme.owner, to(KOLKATA)).await.unwrap();
    // Into days that are counted already, into days that are not, and after the last.
    spend_on(&acme, 1..=2).await;
    spend_on(&acme, 9..=10).await;
    for _ in 0..5 {
        assert!(identity::advance_zone_change(&backend, &acme.owner).await.unwrap());
    }
    spend_on(&acme, 5..=6).await;
    spend_on(&acme, 14..=15).await;
    let staged = count(&database, "select count(*) from staged_days where is_complete").await;
    assert_eq!(staged, 9);
    // What is still right is not counted again: nobody else's sums stand there.
    sqlx::query("update staged_meter_day set quantity = quantity + 1 where day = '2026-11-09'")
        .execute(database.pool())
        .await
        .unwrap();
    finish(&backend, &acme.owner).await;
    let moved = seen(&backend, &acme).await;
    let years = Period::new("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap()).unwrap();
    let wrong = ledger::verify(&backend, &moved, years).await.unwrap();
    assert!(!wrong.is_empty() && wrong.iter().all(|wrong| wrong.row.contains("2026-11-09")), "{wrong:#?}");
    ledger::repair(&backend, &moved, years).await.unwrap();
    assert_rollups_follow(&backend, &moved).await;
    for (day, spent) in [("2026-11-02", 2), ("2026-11-06", 2), ("2026-11-11", 2), ("2026-11-16", 1)] {
        assert_eq!(spent_on(&backend, &moved, day).await, Decimal::from(spent), "{day}");
    }
}

#[tokio::test]
async fn a_change_that_fails_says_so_and_changes_nothing() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = acme(&backend).await;
    let numbers: Vec<u8> = sqlx::query_scalar("select numbers from events order by event_key desc limit 1")
        .fetch_one(database.pool())
        .await
        .unwrap();
    let damage = "update events set numbers = $1 where event_key = (select event_key from events order by event_key desc limit 1)";
    sqlx::query(damage).bind(vec![0_u8]).execute(database.pool()).await.unwrap();
    identity::update_organization(&backend, &acme.owner, to(KOLKATA)).await.unwrap();
    while identity::advance_zone_change(&backend, &acme.owner).await.unwrap() {}
    let failed = identity::zone_change(&backend, &acme.owner).await.unwrap().unwrap();
    assert!(matches!(&failed.state, ZoneChangeState::Failed { detail } if !detail.is_empty()), "{failed:?}");
    assert_eq!(count(&database, "select count(*) from staged_days").await, 0);
    let scope = seen(&backend, &acme).await;
    assert_eq!((scope.zone().name(), spent_on(&backend, &scope, "2026-11-01").await), ("UTC", Decimal::ONE));
    assert!(!identity::advance_zone_change(&backend, &acme.owner).await.unwrap(), "it is over");

    sqlx::query(damage).bind(numbers).execute(database.pool()).await.unwrap();
    identity::update_organization(&backend, &acme.owner, to(KOLKATA)).await.unwrap();
    finish(&backend, &acme.owner).await;
    assert_rollups_follow(&backend, &seen(&backend, &acme).await).await;
}

#[tokio::test]
async fn the_worker_finishes_changes() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = acme(&backend).await;
    identity::update_organization(&backend, &acme.owner, to(KOLKATA)).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let done = async {
        while identity::zone_change(&backend, &acme.owner).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (worked, ()) = tokio::join!(identity::change_zones(&backend, &stop), done);
    worked.unwrap();
    assert_eq!(seen(&backend, &acme).await.zone().name(), KOLKATA);
}
