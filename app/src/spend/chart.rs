//! From sums to drawings: which colour, which label, where a click leads.

use super::labels::{happening, measured, spike, value_label};
use super::links;
use crate::forecast::labels;
use crate::format;
use crate::layout::UrlQuery;
use crate::ui::Tone;
use crate::ui::chart::{
    self, Annotation, Band, ChartData, Hue, Line, Series, Stack, Stroke, Threshold, hue_of, ranked,
};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike, Weekday};
use domain::budget::BudgetState;
use domain::forecast::MonthEndForecast;
use domain::period::Period;
use domain::spend::{
    Anomaly, BucketStart, ComparisonLine, Explore, ExploreStep, Happening, Measure, Overview, SpendRange,
};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Name of what has no colour of its own.
const REST: &str = "other";
/// Most things that stand over a chart; more would hide each other.
const ANNOTATIONS: usize = 3;

/// Spend by step and project, with the span before as a thin line.
pub(super) fn of_overview(overview: &Overview, anomalies: &[&Anomaly], org: &str, query: &UrlQuery) -> ChartData {
    let today = overview.today();
    let future = overview.steps.iter().position(|step| step.start > today);
    let known = future.unwrap_or(overview.steps.len());
    let rows = overview
        .projects
        .iter()
        .enumerate()
        .map(|(place, project)| {
            let values = overview.steps.iter().take(known).map(|step| step.by_project[place]).collect::<Vec<_>>();
            (project.slug.clone(), project.order, values)
        })
        .filter(|(_, _, values)| values.iter().any(|value| !value.is_zero()))
        .collect();
    let steps = overview
        .steps
        .iter()
        .map(|step| {
            let start = BucketStart::of(overview.bucket, step.start).unwrap_or(BucketStart::Day(step.start));
            let drawn = chart_step(start, org, query);
            let is_over = step.start <= today;
            let total = if is_over { format::money(step.spend()) } else { String::new() };
            chart::Step { total, href: drawn.href.filter(|_| is_over), ..drawn }
        })
        .collect();
    ChartData {
        steps,
        series: ranked(rows, REST, format::to_plot_value, format::money),
        lines: before_line(overview).into_iter().collect(),
        annotations: annotations(overview, anomalies),
        today: future,
        ..ChartData::default()
    }
}

/// What happened, each at its step; where there is too much, unusual days, own prices and the highest thresholds stay.
fn annotations(overview: &Overview, anomalies: &[&Anomaly]) -> Vec<Annotation> {
    let mut happened: Vec<&Happening> = overview.happened.iter().collect();
    happened.sort_by_key(|happening| match happening {
        Happening::OwnPrice { .. } => u16::MIN,
        Happening::Crossed(crossing) => u16::MAX - crossing.threshold,
    });
    let unusual = anomalies.iter().map(|anomaly| (anomaly.day.day, spike(anomaly)));
    let mut shown: Vec<_> =
        unusual.chain(happened.into_iter().map(|happened| (happened.day(), happening(happened)))).collect();
    let is_shown = |day: NaiveDate| {
        overview.steps.first().is_some_and(|step| step.start <= day) && day <= overview.period.last_day()
    };
    shown.retain(|(day, _)| is_shown(*day));
    shown.truncate(ANNOTATIONS);
    shown.sort_by_key(|(day, _)| *day);
    let step = |day| overview.steps.iter().rposition(|step| step.start <= day);
    shown.into_iter().filter_map(|(day, label)| Some(Annotation { step: step(day)?, label })).collect()
}

/// Adds what the days from today on are expected to cost, with their band.
pub(super) fn add_expected(data: &mut ChartData, overview: &Overview, month: &MonthEndForecast) {
    let days: BTreeMap<_, _> =
        month.days.iter().filter(|day| day.day >= month.today).map(|day| (day.day, day)).collect();
    let ahead: Vec<_> = overview.steps.iter().map(|step| days.get(&step.start).copied()).collect();
    let text = |value: Option<String>| value.unwrap_or_default();
    data.lines.push(Line {
        name: "forecast".to_owned(),
        hue: Hue::First,
        stroke: Stroke::Dashed,
        values: ahead.iter().map(|day| day.map(|day| format::to_plot_value(day.expected))).collect(),
        texts: ahead.iter().map(|day| text(day.map(|day| format::money(day.expected)))).collect(),
    });
    data.bands.push(Band {
        hue: Hue::First,
        name: "80\u{a0}% interval".to_owned(),
        values: ahead
            .iter()
            .map(|day| day.map(|day| (format::to_plot_value(day.low80), format::to_plot_value(day.high80))))
            .collect(),
        texts: ahead.iter().map(|day| text(day.map(|day| labels::band(day.low80, day.high80)))).collect(),
    });
}

/// Adds what the days' unpriced usage is estimated to have cost, on top of what is known.
pub(super) fn add_estimates(data: &mut ChartData, overview: &Overview, month: &MonthEndForecast) {
    if month.estimate.amount.is_zero() {
        return;
    }
    let days: BTreeMap<_, _> = month.days.iter().map(|day| (day.day, day.estimated)).collect();
    let known = data.today.unwrap_or(overview.steps.len());
    let amounts = overview.steps.iter().take(known).map(|step| days.get(&step.start).copied().unwrap_or_default());
    let amounts: Vec<_> = amounts.collect();
    data.series.push(Series {
        name: "plus estimated for unpriced usage".to_owned(),
        hue: Hue::Estimate,
        texts: amounts.iter().copied().map(format::money).collect(),
        values: amounts.into_iter().map(format::to_plot_value).collect(),
    });
}

/// Adds what the budget allows each day of the month, spread evenly.
pub(super) fn add_budget(data: &mut ChartData, overview: &Overview, state: &BudgetState) {
    let days = Period::month_of(overview.today()).days();
    let Some(daily) = state.usage.amount.checked_div(days.into()) else { return };
    data.thresholds.push(Threshold {
        value: format::to_plot_value(daily),
        label: format!("budget {} a day", format::money_rounded(daily)),
        tone: Tone::Warn,
    });
}

fn before_line(overview: &Overview) -> Option<Line> {
    let name = line_name(overview.line?, overview.period.into(), overview.today());
    Some(thin(name, overview.steps.iter().map(|step| step.before).collect(), Measure::Spend))
}

/// What the thin line is: "4 weeks earlier (same weekdays)".
fn line_name(line: ComparisonLine, shown: SpendRange, today: NaiveDate) -> String {
    match (line, shown) {
        (ComparisonLine::Weeks(weeks), _) => {
            format!("{} earlier (same weekdays)", format::counted(weeks, "week"))
        }
        (ComparisonLine::Before(SpendRange::Days { from, to }), _) => format::range(Period { from, to }, today),
        (ComparisonLine::Before(SpendRange::Instants { from, .. }), SpendRange::Instants { from: shown, .. }) => {
            match (shown - from).num_days() {
                1 => "24 hours earlier".to_owned(),
                days => format!("{} earlier", format::counted(days, "day")),
            }
        }
        _ => "earlier".to_owned(),
    }
}

fn thin(name: String, values: Vec<Option<Decimal>>, measure: Measure) -> Line {
    let texts = values.iter().map(|value| value.map(|value| measured(measure, value)).unwrap_or_default()).collect();
    let values = values.into_iter().map(|value| value.map(format::to_plot_value)).collect();
    Line { name, hue: Hue::Other, stroke: Stroke::Thin, values, texts }
}

/// A step below the axis, with its link.
fn chart_step(start: BucketStart, org: &str, query: &UrlQuery) -> chart::Step {
    let (label, title, mark) = match start {
        BucketStart::Hour(at) => return hour(at),
        BucketStart::Month(day) => (day.format("%b %Y").to_string(), format::month(day), day.month() == 1),
        BucketStart::Week(day) => (format::day(day), format!("Week of {}", format::day_year(day)), day.day() <= 7),
        BucketStart::Day(day) => (format::day(day), format::weekday(day), day.weekday() == Weekday::Mon),
    };
    chart::Step { label, title, mark, href: links::step(org, query, start), ..chart::Step::default() }
}

/// The measure by step and group.
pub(super) fn of_explore(explore: &Explore, org: &str, query: &UrlQuery, stack: Stack) -> ChartData {
    let asked = &explore.query;
    let every = hours_between_labels(explore.steps.len());
    let step = |at: &ExploreStep| {
        let drawn = chart_step(at.bucket, org, query);
        let mark = drawn.mark || matches!(at.bucket, BucketStart::Hour(at) if at.hour() % every == 0);
        chart::Step { total: measured(asked.measure, at.total), mark, ..drawn }
    };
    let steps = explore.steps.iter().map(step).collect();
    let before = explore.steps.iter().map(|step| step.before).collect();
    let name = explore.line.map(|line| line_name(line, asked.range, explore.now.date_naive()));
    let line = name.map(|name| thin(name, before, asked.measure));
    ChartData {
        steps,
        series: explore_series(explore),
        stack,
        lines: line.into_iter().collect(),
        ..ChartData::default()
    }
}

/// Of so many hours every so many-eth has a label, and every midnight has one.
const fn hours_between_labels(hours: usize) -> u32 {
    match hours {
        ..=12 => 1,
        13..=30 => 3,
        31..=60 => 6,
        61..=120 => 12,
        _ => 24,
    }
}

/// The colours of the groups that are drawn, each its own on every page.
pub(super) fn group_hues(explore: &Explore) -> Vec<Hue> {
    let drawn = explore.steps.first().map_or(0, |step| step.drawn.len());
    let numbers: Vec<_> = explore.groups.iter().take(drawn).map(|group| group.order.unwrap_or_default()).collect();
    Hue::of_numbers(&numbers)
}

/// The largest groups with a colour each, then the rest.
fn explore_series(explore: &Explore) -> Vec<Series> {
    let asked = &explore.query;
    let series = |name: String, hue: Hue, values: Vec<Decimal>| Series {
        name,
        hue,
        texts: values.iter().map(|value| measured(asked.measure, *value)).collect(),
        values: values.into_iter().map(format::to_plot_value).collect(),
    };
    let mut all: Vec<_> = explore
        .groups
        .iter()
        .zip(group_hues(explore))
        .enumerate()
        .filter(|(_, (group, _))| !group.sums.of(asked.measure).is_zero())
        .map(|(rank, (group, hue))| {
            let name = value_label(&asked.dimension, group.key.as_deref(), group.name.as_deref());
            series(name, hue, explore.steps.iter().map(|step| step.drawn[rank]).collect())
        })
        .collect();
    let rest: Vec<_> = explore.steps.iter().map(|step| step.total - step.drawn.iter().sum::<Decimal>()).collect();
    if rest.iter().any(|value| !value.is_zero()) {
        all.push(series(REST.to_owned(), Hue::Other, rest));
    }
    all
}

fn hour(at: DateTime<FixedOffset>) -> chart::Step {
    let midnight = format::hour(at) == "00:00";
    let label = if midnight { format::day(at.date_naive()) } else { format::hour(at) };
    let title = format!("{} {}, {}", format::weekday(at.date_naive()), format::hour(at), format::offset(*at.offset()));
    chart::Step { label, title, mark: midnight, ..chart::Step::default() }
}

/// The colour of a project in the chart.
pub(super) fn hue(data: &ChartData, name: &str) -> Hue {
    hue_of(&data.series, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_it_is() {
        let days = |from: &str, to: &str| SpendRange::Days { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let today = "2026-11-23".parse().unwrap();
        let month = days("2026-11-01", "2026-12-01");
        let weeks = |weeks| line_name(ComparisonLine::Weeks(weeks), month, today);
        assert_eq!(
            (weeks(1).as_str(), weeks(4).as_str()),
            ("1\u{a0}week earlier (same weekdays)", "4\u{a0}weeks earlier (same weekdays)")
        );
        let before = ComparisonLine::Before(days("2026-11-22", "2026-11-23"));
        assert_eq!(line_name(before, days("2026-11-23", "2026-11-24"), today), "Nov 22");
        let hours = |from: &str| {
            let from: chrono::DateTime<chrono::Utc> = from.parse().unwrap();
            SpendRange::Instants { from, to: from + chrono::Duration::days(1) }
        };
        let before = ComparisonLine::Before(hours("2026-11-21T10:30:00Z"));
        assert_eq!(line_name(before, hours("2026-11-22T10:30:00Z"), today), "24 hours earlier");
    }

    #[test]
    fn an_axis_of_hours_has_about_eight_labels() {
        for hours in [1_u32, 24, 25, 48, 72, 96] {
            let every = hours_between_labels(hours as usize);
            let labels = (0..hours).filter(|hour| hour % 24 % every == 0).count();
            assert!((1..=10).contains(&labels), "{hours}: {labels}");
        }
        assert_eq!(hours_between_labels(24), 3);
    }
}
