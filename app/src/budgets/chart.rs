//! From a budget to its drawing.

use crate::forecast::chart as forecast;
use crate::format;
use crate::ui::Tone;
use crate::ui::chart::{ChartData, Hue, Line, Step, Stroke, Threshold};
use chrono::{Datelike, NaiveDate, Weekday};
use domain::budget::BudgetDetail;
use domain::forecast::Forecast;
use domain::period::Period;
use rust_decimal::Decimal;

/// Spend of the month to date, where it is expected to go, an even pace, and the thresholds.
pub(super) fn month(detail: &BudgetDetail) -> ChartData {
    let month = Period::month_of(detail.state.month);
    let mut data = match &detail.forecast {
        Forecast::MonthEnd(forecast) => forecast::to_date(forecast, &[]),
        Forecast::TooLittle(_) => spent_so_far(month, &detail.days),
    };
    data.lines.push(even_pace(month, detail.state.usage.amount));
    data.thresholds = detail.thresholds.iter().map(|state| threshold(state.threshold, state.at)).collect();
    data
}

fn spent_so_far(month: Period, days: &[(NaiveDate, Decimal)]) -> ChartData {
    let mut sum = Decimal::ZERO;
    let mut known = days.iter();
    let spent = month.iter().map(|_| {
        known.next().map(|(_, spent)| {
            sum += spent;
            sum
        })
    });
    let spent = forecast::line("Spent", Stroke::Solid, spent.collect());
    let step = |day: NaiveDate| Step {
        label: format::day(day),
        title: format::weekday(day),
        mark: day.weekday() == Weekday::Mon,
        ..Step::default()
    };
    ChartData {
        steps: month.iter().map(step).collect(),
        lines: vec![spent],
        today: Some(days.len()).filter(|known| *known < usize::try_from(month.days()).unwrap_or(0)),
        ..ChartData::default()
    }
}

/// What an even pace would have used at the end of each day.
fn even_pace(month: Period, amount: Decimal) -> Line {
    let days = Decimal::from(month.days());
    let values = (1..=month.days()).map(|day| Some(amount * Decimal::from(day) / days));
    Line { hue: Hue::Other, ..forecast::line("Linear pace", Stroke::Thin, values.collect()) }
}

fn threshold(percent: u16, at: Decimal) -> Threshold {
    Threshold {
        value: format::to_plot_value(at),
        label: format!("{percent}\u{a0}%  {}", format::money_compact(at)),
        tone: if percent >= 100 { Tone::Bad } else { Tone::Warn },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_forecast_the_month_is_drawn_up_to_today() {
        let day = |day: u32| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        let month = Period::month_of(day(1));
        let data = spent_so_far(month, &[(day(1), Decimal::ONE), (day(2), Decimal::TWO)]);
        assert_eq!(data.steps.len(), 30);
        assert_eq!(data.lines[0].values.len(), 30);
        assert_eq!(data.lines[0].texts[1], "$3.00");
        assert_eq!((data.lines[0].values[2], data.today), (None, Some(2)));
    }

    #[test]
    fn an_even_pace_ends_at_the_amount() {
        let month = Period::month_of(NaiveDate::from_ymd_opt(2026, 2, 1).unwrap());
        let line = even_pace(month, Decimal::from(280));
        assert_eq!((line.texts[0].as_str(), line.texts[27].as_str(), line.texts.len()), ("$10.00", "$280.00", 28));
    }
}
