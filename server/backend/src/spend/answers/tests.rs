//! Kept answers are what a server says that never answered before, whatever happened in between.

use super::*;
use crate::events::tests::{Fixture, add_project, event, with};
use crate::spend::{project_days, query};
use crate::{identity, projects};
use serde_json::Value;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Asks both servers the same; the first may have answered before.
pub(crate) async fn assert_nothing_is_stale(backend: &Backend, fresh: &Backend, scope: &OrgScope, span: Period) {
    let by = |bucket, dimensions: &[Dimension]| SpendQuery::over(span).per(bucket).by(dimensions.iter().cloned());
    for asked in [
        by(Granularity::None, &[]),
        by(Granularity::Day, &[Dimension::Project, Dimension::Team]),
        by(Granularity::Week, &[Dimension::Model]),
        by(Granularity::Month, &[Dimension::Feature, Dimension::Status]),
        by(Granularity::None, &[Dimension::Customer]),
        by(Granularity::Month, &[Dimension::User]).only(Dimension::Customer, ""),
        by(Granularity::None, &[Dimension::Provider]).only(Dimension::Project, "main"),
    ] {
        if matches!(asked.source(), Ok(domain::spend::Source::Events(_))) {
            continue;
        }
        let [kept, new] = [query(backend, scope, &asked).await.unwrap(), query(fresh, scope, &asked).await.unwrap()];
        assert_eq!(kept, new, "{asked:?}");
    }
    let days = [project_days(backend, scope, span).await.unwrap(), project_days(fresh, scope, span).await.unwrap()];
    assert_eq!(days[0], days[1]);
    let meters = async |backend| {
        let asker = Asker { backend, scope, part: SpendScope::Organization };
        asker.meters(&SpendQuery::over(span), span).await.unwrap()
    };
    assert_eq!(meters(backend).await, meters(fresh).await);
}

/// Spend of all days by the words of a dimension.
async fn by(fixture: &Fixture, scope: &OrgScope, dimension: Dimension) -> Vec<(Option<String>, Decimal)> {
    let year = Period { from: day("2026-01-01"), to: day("2027-01-01") };
    let answer = query(&fixture.backend, scope, &SpendQuery::over(year).by([dimension])).await.unwrap();
    answer.rows.into_iter().map(|mut row| (row.keys.remove(0), row.sums.spend)).collect()
}

fn at(id: &str, time: &str) -> Value {
    with(event(id), "timestamp", time)
}

#[tokio::test]
async fn an_answer_is_kept_until_its_days_move() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let one: Decimal = "0.0035".parse().unwrap();
    fixture.send(&scope, &[at("old", "2026-08-03T10:00:00Z"), event("new")]).await;
    let spent = async || by(&fixture, &scope, Dimension::Provider).await[0].1;
    assert_eq!(spent().await, one * Decimal::TWO);
    // Nobody but the ledger writes sums, so that this goes unseen shows that nothing is read again ...
    let damage = "update rollup_coarse_day set booked = booked + 1 where day = '2026-08-03'";
    sqlx::query(damage).execute(fixture.database.pool()).await.unwrap();
    assert_eq!(spent().await, one * Decimal::TWO);
    // ... nor when events come for other days.
    fixture.send(&scope, &[event("newer")]).await;
    assert_eq!(spent().await, one * Decimal::from(3));
    // A late event moves the old day: it is read as it is now.
    fixture.send(&scope, &[at("late", "2026-08-03T11:00:00Z")]).await;
    assert_eq!(spent().await, one * Decimal::from(4) + Decimal::ONE);
    // So does its repair.
    let august = Period { from: day("2026-08-01"), to: day("2026-09-01") };
    assert!(!crate::ledger::repair(&fixture.backend, &scope, august).await.unwrap().is_empty());
    assert_eq!(spent().await, one * Decimal::from(4));
}

#[tokio::test]
async fn an_answer_is_kept_until_projects_change() {
    let fixture = Fixture::new().await;
    let key = fixture.organization("acme", "UTC").await;
    let scope = identity::system_scope(&fixture.backend, key.org_id()).await.unwrap();
    let side = add_project(&fixture, &scope, "side").await;
    fixture.send(&key, &[event("a"), with(event("b"), "project", "side")]).await;
    let teams = async || by(&fixture, &scope, Dimension::Team).await;
    assert_eq!(teams().await.len(), 1);
    let new = projects::NewTeam { name: "Labs".to_owned(), slug: "labs".to_owned(), ..Default::default() };
    let labs = projects::create_team(&fixture.backend, &scope, new).await.unwrap();
    projects::move_project(&fixture.backend, &scope, side.project_id, labs.team_id, Some(day("2026-11-01")))
        .await
        .unwrap();
    let moved = teams().await;
    assert_eq!(moved.len(), 2);
    assert!(moved.iter().any(|(team, _)| team.as_deref() == Some("labs")), "{moved:?}");
}

#[test]
fn a_span_is_split_where_its_days_stop_moving() {
    let split = |from: &str, to: &str, today: &str| {
        let parts = split(Period { from: day(from), to: day(to) }, day(today));
        parts.into_iter().map(|part| part.from.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        split("2026-08-27", "2026-11-25", "2026-11-24"),
        ["2026-08-27", "2026-10-01", "2026-11-01", "2026-11-23"]
    );
    assert_eq!(split("2026-11-01", "2026-12-01", "2026-11-24"), ["2026-11-01", "2026-11-23"]);
    assert_eq!(split("2026-11-24", "2026-11-25", "2026-11-24"), ["2026-11-24"]);
    // On the first of a month, yesterday belongs to the month before.
    assert_eq!(split("2026-10-01", "2026-11-02", "2026-11-01"), ["2026-10-01", "2026-10-31", "2026-11-01"]);
    assert_eq!(split("2026-01-01", "2026-02-01", "2026-11-24"), ["2026-01-01"]);
}
