//! Forecasts of parts from days of projects.

use super::*;
use chrono::Days;
use domain::spend::Estimate;

const TODAY: &str = "2026-11-16";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn project(number: u128) -> ProjectId {
    ProjectId(uuid::Uuid::from_u128(number))
}

fn team(number: u128) -> TeamId {
    TeamId(uuid::Uuid::from_u128(number))
}

fn dollars(forecast: &Forecast) -> (Decimal, Decimal) {
    let month = forecast.month_end().unwrap();
    (month.spent, month.expected)
}

/// Sixty days in which project 1 spends 10 and project 2 spends 3 dollars a day, and 1 more is estimated for an event of project 2; project 2 moves from team 1 to team 2 on November 9.
fn two_projects() -> ForecastInputs {
    let of = |project_id, day: NaiveDate, spend: i64, unpriced: i64| ProjectDay {
        day,
        project_id,
        team_id: Some(if project_id == project(2) && day >= self::day("2026-11-09") { team(2) } else { team(1) }),
        spend: spend.into(),
        estimate: Estimate { amount: unpriced.into(), events: unpriced, upper_bound: (2 * unpriced).into() },
    };
    let days = (1..=60).map(|ago| day(TODAY) - Days::new(ago));
    let rows = days.flat_map(|day| [of(project(1), day, 10, 0), of(project(2), day, 3, 1)]).collect();
    ForecastInputs::new(day(TODAY), 0.0, rows, BTreeMap::from([(project(1), team(1)), (project(2), team(2))]))
}

#[test]
fn parts_add_up_to_the_whole() {
    let all = two_projects();
    let (spent, expected) = dollars(&all.month_end(SpendScope::Organization));
    assert_eq!((spent, expected), (Decimal::from(15 * 14), Decimal::from(30 * 14)));
    let projects = [1, 2].map(|number| dollars(&all.month_end(SpendScope::Project(project(number)))));
    assert_eq!((projects[0].0 + projects[1].0, projects[0].1 + projects[1].1), (spent, expected));
    let teams = [1, 2].map(|number| dollars(&all.month_end(SpendScope::Team(team(number)))));
    assert_eq!((teams[0].0 + teams[1].0, teams[0].1 + teams[1].1), (spent, expected));
    // What was spent stays with the owner of the day, what is to come goes to the owner of today.
    assert_eq!(teams[1], (Decimal::from(7 * 4), Decimal::from(7 * 4 + 15 * 4)));
}

#[test]
fn a_forecast_says_what_of_the_month_is_estimated() {
    let all = two_projects();
    let estimate = |part| all.month_end(part).estimate();
    let days = |days: i64| Estimate { amount: days.into(), events: days, upper_bound: (2 * days).into() };
    assert_eq!(estimate(SpendScope::Organization), days(15));
    assert_eq!(estimate(SpendScope::Project(project(1))), Estimate::default());
    assert_eq!(estimate(SpendScope::Team(team(2))), days(7), "since it owns the project");
    let forecast = all.month_end(SpendScope::Project(project(2)));
    let estimated = forecast.month_end().unwrap().days.iter().map(|day| day.estimated).sum::<Decimal>();
    assert_eq!(estimated, Decimal::from(15));
}

#[test]
fn a_line_of_a_list_is_the_forecast_in_brief() {
    let all = two_projects();
    for part in [SpendScope::Organization, SpendScope::Team(team(2)), SpendScope::Project(project(2))] {
        let row = all.row(String::new(), String::new(), part);
        let forecast = all.month_end(part);
        let (total, month) = (row.total.unwrap(), forecast.month_end().unwrap());
        assert_eq!((row.spent, row.estimate), (month.spent, month.estimate));
        assert_eq!((total.expected, total.low80, total.high80), (month.expected, month.low80, month.high80));
        assert_eq!(total.past, month.past);
    }
}

#[test]
fn a_part_that_nobody_sees_has_no_history() {
    let forecast = two_projects().month_end(SpendScope::Project(project(9)));
    assert!(forecast.month_end().is_none());
}

#[test]
fn the_day_of_the_organization_runs_from_its_midnight() {
    let share = |zone: &str, at: &str| elapsed(Zone::parse(zone).unwrap(), at.parse().unwrap());
    assert!((share("UTC", "2026-11-16T06:00:00Z") - 0.25).abs() < 1e-9);
    assert!((share("Asia/Kolkata", "2026-11-15T18:30:00Z")).abs() < 1e-9);
    // A day of 25 hours.
    assert!((share("America/New_York", "2026-11-01T16:30:00Z") - 0.5).abs() < 1e-9);
}
