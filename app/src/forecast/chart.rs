//! From a forecast to drawings.

use crate::format;
use crate::ui::Tone;
use crate::ui::chart::{self, Band, ChartData, Hue, Line, Series, Stroke, Threshold};
use chrono::{Datelike, Weekday};
use domain::forecast::{BudgetRow, ForecastDay, MonthEndForecast};
use rust_decimal::Decimal;

pub(crate) const EXPECTED: &str = "Forecast";
const BAND: &str = "80 % interval";
pub(crate) const SPENT: &str = "Spent";
const ESTIMATED: &str = "Estimated for unpriced usage";

/// What the month has cost up to each day, and what it is expected to have cost, beside its budgets.
pub(crate) fn to_date(month: &MonthEndForecast, budgets: &[BudgetRow]) -> ChartData {
    let mut sum = Decimal::ZERO;
    let spent = month.days.iter().map(|day| {
        sum += day.spent?;
        Some(sum)
    });
    let spent = line(SPENT, Stroke::Solid, spent.collect());
    // The expected line leaves from where today began.
    let start = |day: &ForecastDay| Some(day.day) == month.today.pred_opt();
    let expected = month.days.iter().map(|day| (day.day >= month.today || start(day)).then_some(day.total));
    let band = month
        .days
        .iter()
        .map(|day| (day.day >= month.today || start(day)).then_some((day.total_low80, day.total_high80)));
    let bands = [Some(self::band(band.collect())), estimated_to_date(month)];
    ChartData {
        steps: steps(month),
        lines: vec![spent, line(EXPECTED, Stroke::Dashed, expected.collect())],
        bands: bands.into_iter().flatten().collect(),
        thresholds: budgets.iter().filter(|budget| budget.of_shown).map(threshold).collect(),
        today: first_to_come(month),
        ..ChartData::default()
    }
}

/// What each day has cost, and what each day to come is expected to cost.
pub(super) fn by_day(month: &MonthEndForecast) -> ChartData {
    let spent: Vec<Decimal> = month.days.iter().map_while(|day| day.spent).collect();
    let ahead = |day: &&ForecastDay| day.day >= month.today;
    let expected = month.days.iter().map(|day| Some(day).filter(ahead).map(|day| day.expected));
    let band = month.days.iter().map(|day| Some(day).filter(ahead).map(|day| (day.low80, day.high80)));
    let series = |name: &str, hue, amounts: Vec<Decimal>| Series {
        name: name.to_owned(),
        hue,
        texts: amounts.iter().copied().map(format::money).collect(),
        values: amounts.into_iter().map(format::to_plot_value).collect(),
    };
    let estimated: Vec<Decimal> = month.days.iter().zip(&spent).map(|(day, _)| day.estimated).collect();
    let known = spent.iter().zip(&estimated).map(|(spent, estimated)| spent - estimated).collect();
    let is_estimated = !month.estimate.amount.is_zero();
    ChartData {
        steps: steps(month),
        series: [
            Some(series(SPENT, Hue::First, known)),
            is_estimated.then(|| series(ESTIMATED, Hue::Estimate, estimated)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        lines: vec![line(EXPECTED, Stroke::Dashed, expected.collect())],
        bands: vec![self::band(band.collect())],
        today: first_to_come(month),
        ..ChartData::default()
    }
}

/// The part of what was spent that is estimated, below the line of what was spent.
fn estimated_to_date(month: &MonthEndForecast) -> Option<Band> {
    let (mut spent, mut estimated) = (Decimal::ZERO, Decimal::ZERO);
    let sums = month.days.iter().map(|day| {
        spent += day.spent?;
        estimated += day.estimated;
        (!estimated.is_zero()).then_some((spent - estimated, spent))
    });
    let sums: Vec<_> = sums.collect();
    let text = |sums: &Option<(Decimal, Decimal)>| sums.map(|(known, spent)| format::money(spent - known));
    (!month.estimate.amount.is_zero()).then(|| Band {
        name: ESTIMATED.to_owned(),
        hue: Hue::Estimate,
        texts: sums.iter().map(|sums| text(sums).unwrap_or_default()).collect(),
        values: plot_band(sums),
    })
}

fn steps(month: &MonthEndForecast) -> Vec<chart::Step> {
    let step = |day: &ForecastDay| chart::Step {
        label: format::day(day.day),
        title: format::weekday(day.day),
        mark: day.day.weekday() == Weekday::Mon,
        ..chart::Step::default()
    };
    month.days.iter().map(step).collect()
}

/// Index of the first day of which nothing is known.
fn first_to_come(month: &MonthEndForecast) -> Option<usize> {
    month.days.iter().position(|day| day.day > month.today)
}

pub(crate) fn line(name: &str, stroke: Stroke, values: Vec<Option<Decimal>>) -> Line {
    Line {
        name: name.to_owned(),
        hue: Hue::First,
        stroke,
        texts: values.iter().map(|value| value.map(format::money).unwrap_or_default()).collect(),
        values: values.into_iter().map(|value| value.map(format::to_plot_value)).collect(),
    }
}

pub(crate) fn band(values: Vec<Option<(Decimal, Decimal)>>) -> Band {
    let text = |bounds: &Option<(Decimal, Decimal)>| bounds.map(|(low, high)| super::labels::band(low, high));
    Band {
        name: BAND.to_owned(),
        texts: values.iter().map(|bounds| text(bounds).unwrap_or_default()).collect(),
        values: plot_band(values),
        ..Band::default()
    }
}

fn plot_band(values: Vec<Option<(Decimal, Decimal)>>) -> Vec<Option<(f64, f64)>> {
    let plot = |(low, high)| (format::to_plot_value(low), format::to_plot_value(high));
    values.into_iter().map(|bounds| bounds.map(plot)).collect()
}

fn threshold(row: &BudgetRow) -> Threshold {
    let usage = &row.state.usage;
    Threshold {
        value: format::to_plot_value(usage.amount),
        label: format!("{}  {}", row.state.budget.name, format::money_compact(usage.amount)),
        tone: if usage.used > usage.amount { Tone::Bad } else { Tone::Warn },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Days, NaiveDate};
    use domain::forecast::{BackTest, Series, month_end};
    use domain::spend::Estimate;

    fn month() -> MonthEndForecast {
        let today: NaiveDate = "2026-11-23".parse().unwrap();
        let rows = (0..60).map(|ago| (today - Days::new(ago), Decimal::from(10 + ago % 3)));
        let series = Series::new(rows, today, 0.5);
        month_end(&series, &BackTest::of(&series), &[]).month_end().unwrap().clone()
    }

    #[test]
    fn the_lines_of_the_month_meet_today() {
        let month = month();
        let data = to_date(&month, &[]);
        let [spent, expected] = data.lines.as_slice() else { panic!("two lines") };
        assert_eq!(data.steps.len(), 30);
        assert_eq!(spent.values.iter().flatten().count(), 23);
        assert_eq!(expected.values.iter().flatten().count(), 9);
        assert_eq!(spent.values[21], expected.values[21]);
        assert_eq!(data.today, Some(23));
        let [band] = &data.bands[..] else { panic!("the interval alone") };
        assert_eq!(band.values[21].map(|(low, high)| (high - low).abs() < 1e-9), Some(true));
        assert!(band.values[29].is_some_and(|(low, high)| low < high));
        assert_eq!(band.texts[0], "");
    }

    #[test]
    fn what_is_estimated_is_a_part_of_what_is_spent() {
        let mut month = month();
        month.estimate = Estimate { amount: Decimal::from(4), events: 60, upper_bound: Decimal::from(60) };
        (month.days[1].estimated, month.days[4].estimated) = (Decimal::ONE, Decimal::from(3));
        let data = to_date(&month, &[]);
        let estimated = &data.bands[1];
        assert_eq!((estimated.hue, estimated.values[0], estimated.texts[3].as_str()), (Hue::Estimate, None, "$1.00"));
        assert_eq!((estimated.texts[22].as_str(), estimated.texts[23].as_str()), ("$4.00", ""));
        let days = by_day(&month);
        let [known, estimated] = &days.series[..] else { panic!("two parts") };
        assert_eq!((estimated.hue, estimated.texts[4].as_str()), (Hue::Estimate, "$3.00"));
        assert!((known.values[4] + 3.0 - by_day(&self::month()).series[0].values[4]).abs() < 1e-9);
    }

    #[test]
    fn days_to_come_are_expected_and_not_spent() {
        let data = by_day(&month());
        assert_eq!(data.series[0].values.len(), 23);
        assert_eq!(data.lines[0].values.iter().flatten().count(), 8);
    }
}
