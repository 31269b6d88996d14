//! What every forecast must keep, for any history.

use super::{BackTest, Forecast, MonthEndForecast, Series, Steadiness, month_end, month_total};
use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Whole dollars per day, the last one for `today`.
fn series(today: NaiveDate, elapsed: f64, dollars: &[i64]) -> Series {
    let rows = dollars.iter().rev().enumerate();
    Series::new(rows.map(|(ago, spend)| (today - Days::new(ago as u64), Decimal::from(*spend))), today, elapsed)
}

fn forecast(series: &Series) -> Forecast {
    month_end(series, &BackTest::of(series), &[])
}

fn month_of(series: &Series) -> MonthEndForecast {
    forecast(series).month_end().unwrap().clone()
}

#[test]
fn each_remaining_day_is_the_mean_of_its_last_four_same_weekdays() {
    // Eight weeks of 10 dollars, Sundays 1 to 8 dollars; today is Monday 2026-11-23 and nothing is spent yet.
    let today = day("2026-11-23");
    let mut dollars = vec![10; 56];
    for (week, sunday) in (1..=8).zip(dollars.iter_mut().skip(6).step_by(7)) {
        *sunday = week;
    }
    dollars.push(0);
    let month = month_of(&series(today, 0.0, &dollars));
    let on = |text: &str| month.days.iter().find(|d| d.day == day(text)).unwrap().expected;
    assert_eq!(on("2026-11-24"), Decimal::from(10));
    // Sundays of the last four weeks: 5, 6, 7, 8.
    assert_eq!(on("2026-11-29"), "6.5".parse().unwrap());
    assert_eq!(month.spent, Decimal::from(18 * 10 + 5 + 6 + 7 + 8));
}

#[test]
fn of_today_only_what_is_left_of_it_is_added() {
    let today = day("2026-11-23");
    let mut dollars = vec![8; 40];
    dollars.push(100);
    let month = month_of(&series(today, 0.75, &dollars));
    let first = month.days.iter().find(|d| d.day == today).unwrap();
    assert_eq!(first.spent, Some(Decimal::from(100)));
    assert_eq!(first.expected, Decimal::from(102));
    assert_eq!(month.expected, Decimal::from(22 * 8 + 102 + 7 * 8));
}

#[test]
fn too_little_history_is_said_plainly() {
    let today = day("2026-11-23");
    let Forecast::TooLittle(none) = forecast(&series(today, 0.5, &[0, 0, 5])) else {
        panic!("a forecast from nothing")
    };
    assert_eq!(none.reason(), "No complete day of spend yet; a forecast needs 14.");
    assert_eq!(none.spent, Decimal::from(5));
    let thirteen = series(today, 0.5, &[[0; 40].as_slice(), &[3; 13], &[1]].concat());
    let Forecast::TooLittle(some) = forecast(&thirteen) else { panic!("a forecast from 13 days") };
    assert_eq!(some.reason(), "13 complete days of spend so far; a forecast needs 14.");
    assert!(forecast(&series(today, 0.5, &[3; 15])).month_end().is_some());
}

#[test]
fn wild_spend_gets_a_wide_band_and_a_warning() {
    let today = day("2026-11-11");
    let wild: Vec<i64> = (0..90).map(|n: i64| if n % 11 == 0 { 900 } else { n % 3 }).collect();
    let month = month_of(&series(today, 0.0, &wild));
    assert_eq!(month.basis.steadiness, Steadiness::Wild);
    assert!(month.irregular().unwrap().starts_with("Too irregular to forecast: "));
    assert!((month.high80 - month.low80) > (month.expected - month.spent));

    let steady: Vec<i64> = (0..90).map(|n: i64| 100 + n % 7).collect();
    let month = month_of(&series(today, 0.0, &steady));
    assert_eq!(month.basis.steadiness, Steadiness::Steady);
    assert_eq!(month.irregular(), None);
    assert!(month.past.unwrap().percent < 1.0);
}

#[test]
fn a_year_of_own_history_outweighs_the_table() {
    let today = day("2026-11-11");
    let steady: Vec<i64> = (0..400).map(|n: i64| 100 + n % 7).collect();
    let long = month_of(&series(today, 0.0, &steady));
    let short = month_of(&series(today, 0.0, &steady[360..]));
    assert!(long.high80 - long.low80 < (short.high80 - short.low80) / Decimal::TWO);
}

#[test]
fn peers_of_the_same_kind_move_the_band() {
    let today = day("2026-11-11");
    let steady: Vec<i64> = (0..60).map(|n: i64| 100 + n % 7).collect();
    let own = series(today, 0.0, &steady);
    let peer = BackTest::of(&series(today, 0.0, &(0..400).map(|n: i64| 200 + n % 5).collect::<Vec<_>>()));
    let with = month_end(&own, &BackTest::of(&own), &[&peer, &peer]);
    let (with, alone) = (with.month_end().unwrap().clone(), month_of(&own));
    assert!(with.basis.peers > 0 && alone.basis.peers == 0);
    assert!(with.high80 - with.low80 < alone.high80 - alone.low80);
}

#[test]
fn nothing_in_four_weeks_is_expected_to_stay_nothing() {
    let today = day("2026-11-11");
    let quiet = month_of(&series(today, 0.0, &[[50; 40].as_slice(), &[0; 40]].concat()));
    assert_eq!((quiet.expected, quiet.low80, quiet.high80), (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO));
    assert_eq!(quiet.irregular(), None);
    assert!(quiet.probability_of_exceeding(Decimal::ONE) < 0.05);
}

#[test]
fn a_month_of_its_own_changes_what_is_spent_and_not_what_is_to_come() {
    let today = day("2026-11-11");
    let all = series(today, 0.5, &[10; 91]);
    let moved = month_of(&all.clone().with_month([(day("2026-11-09"), Decimal::from(10)), (today, Decimal::ONE)]));
    assert_eq!(moved.spent, Decimal::from(11));
    assert_eq!(moved.expected - moved.spent, month_of(&all).expected - month_of(&all).spent);
}

#[test]
fn likelihood_and_run_out_follow_the_amount() {
    let today = day("2026-11-16");
    let month = month_of(&series(today, 0.0, &vec![10; 120]));
    assert_eq!(month.expected, Decimal::from(10 + 15 * 10 + 15 * 10));
    assert_eq!(month.run_out(Decimal::from(200)), Some(day("2026-11-19")));
    assert_eq!(month.run_out(Decimal::from(50)), Some(day("2026-11-05")));
    assert_eq!(month.run_out(Decimal::from(1000)), None);
    assert!((month.probability_of_exceeding(Decimal::from(50)) - 1.0).abs() < 1e-9);
    assert!(month.probability_of_exceeding(Decimal::from(10_000)) < 0.05);
    let uneven = month_of(&series(today, 0.0, &(0..120).map(|n: i64| 10 + n * n % 13).collect::<Vec<_>>()));
    for (amount, likely) in [(uneven.low80, 0.9), (uneven.high80, 0.1)] {
        assert!((uneven.probability_of_exceeding(amount) - likely).abs() < 0.02);
    }
}

#[test]
fn a_forecast_survives_its_way_to_the_browser() {
    let month = forecast(&series(day("2026-11-16"), 0.3, &(0..100).map(|n: i64| 10 + n * n % 23).collect::<Vec<_>>()));
    let json = serde_json::to_string(&month).unwrap();
    assert_eq!(serde_json::from_str::<Forecast>(&json).unwrap(), month);
}

/// Days of spend as cents, some of them negative as after an adjustment, some of them none at all.
fn history() -> impl Strategy<Value = Vec<i64>> {
    let spend = prop_oneof![3 => 0_i64..5_000_000, 1 => Just(0), 1 => -2_000_i64..0];
    prop::collection::vec(spend, 0..450)
}

proptest! {
    #[test]
    fn bounds_hold_for_any_history(cents in history(), ago in 0_u64..900, elapsed in 0.0..=1.0_f64, amount in 0_i64..1_000_000) {
        let today = day("2026-11-23") - Days::new(ago);
        let rows = cents.iter().rev().enumerate();
        let series = Series::new(rows.map(|(ago, cents)| (today - Days::new(ago as u64), Decimal::new(*cents, 2))), today, elapsed);
        let total = month_total(&series, &BackTest::of(&series), &[]);
        if let Forecast::MonthEnd(month) = forecast(&series) {
            let total = total.unwrap();
            prop_assert_eq!((total.expected, total.low80, total.high80), (month.expected, month.low80, month.high80));
            prop_assert_eq!((total.past, total.irregular), (month.past, month.irregular()));
            prop_assert!(month.spent <= month.low80 && month.low80 <= month.expected && month.expected <= month.high80);
            prop_assert_eq!(i64::try_from(month.days.len()).unwrap(), month.month.days());
            let last = month.days.last().unwrap();
            prop_assert_eq!((last.total, last.total_low80, last.total_high80), (month.expected, month.low80, month.high80));
            let ahead = month.days.iter().filter(|d| d.day >= today);
            for pair in ahead.clone().zip(ahead.skip(1)) {
                prop_assert!(pair.0.total <= pair.1.total && pair.0.total_low80 <= pair.1.total_low80 && pair.0.total_high80 <= pair.1.total_high80);
            }
            for d in &month.days {
                prop_assert!(d.low80 <= d.expected && d.expected <= d.high80);
                prop_assert!(d.total_low80 <= d.total && d.total <= d.total_high80);
                prop_assert!(d.day <= today || (d.spent.is_none() && d.low80 >= Decimal::ZERO));
            }
            let amount = Decimal::from(amount);
            let likely = month.probability_of_exceeding(amount);
            prop_assert!((0.0..=1.0).contains(&likely));
            prop_assert!(likely <= month.probability_of_exceeding(amount / Decimal::TWO));
            prop_assert!(month.quantiles.is_sorted());
        }
    }

    #[test]
    fn order_gaps_and_split_rows_change_nothing(cents in history(), elapsed in 0.0..=1.0_f64) {
        let today = day("2026-11-23");
        let rows: Vec<(NaiveDate, Decimal)> = cents.iter().rev().enumerate()
            .map(|(ago, cents)| (today - Days::new(ago as u64), Decimal::new(*cents, 2))).collect();
        let shuffled = rows.iter().rev().filter(|(_, spend)| !spend.is_zero())
            .flat_map(|(day, spend)| [(*day, *spend * Decimal::TWO), (*day, -*spend)])
            .chain([(today + Days::new(1), Decimal::ONE)]);
        prop_assert_eq!(Series::new(rows.clone(), today, elapsed), Series::new(shuffled, today, elapsed));
    }
}
