//! From sums to drawings: which colour, which label, where a click leads.

use super::labels::{happening, measured, value_label};
use super::links;
use crate::forecast::labels;
use crate::format;
use crate::layout::UrlQuery;
use crate::ui::Tone;
use crate::ui::chart::{
    self, Annotation, Band, ChartData, Hue, Line, Series, Stack, Stroke, Threshold, hue_of, ranked,
};
use chrono::{DateTime, Datelike, FixedOffset, Weekday};
use domain::budget::BudgetState;
use domain::forecast::MonthEndForecast;
use domain::period::Period;
use domain::spend::{BucketStart, Explore, Happening, Measure, Overview};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Name of what has no colour of its own.
const REST: &str = "other";
/// Most things that stand over a chart; more would hide each other.
const ANNOTATIONS: usize = 3;

/// Spend by step and project, with the span before as a thin line.
pub(super) fn of_overview(overview: &Overview, org: &str, query: &UrlQuery) -> ChartData {
    let today = overview.today();
    let future = overview.steps.iter().position(|step| step.start > today);
    let known = future.unwrap_or(overview.steps.len());
    let rows = overview
        .projects
        .iter()
        .enumerate()
        .map(|(place, project)| {
            let values = overview.steps.iter().take(known).map(|step| step.by_project[place]).collect::<Vec<_>>();
            (project.slug.clone(), values)
        })
        .filter(|(_, values)| values.iter().any(|value| !value.is_zero()))
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
        annotations: annotations(overview),
        today: future,
        ..ChartData::default()
    }
}

/// What happened, each at its step; where there is too much, own prices and the highest thresholds stay.
fn annotations(overview: &Overview) -> Vec<Annotation> {
    let mut shown: Vec<&Happening> = overview.happened.iter().collect();
    shown.sort_by_key(|happening| match happening {
        Happening::OwnPrice { .. } => u16::MIN,
        Happening::Crossed(crossing) => u16::MAX - crossing.threshold,
    });
    shown.truncate(ANNOTATIONS);
    shown.sort_by_key(|happening| happening.day());
    let step = |happened: &Happening| overview.steps.iter().rposition(|step| step.start <= happened.day());
    shown
        .into_iter()
        .filter_map(|happened| Some(Annotation { step: step(happened)?, label: happening(happened) }))
        .collect()
}

/// Adds what the days from today on are expected to cost, with their band.
pub(super) fn add_expected(data: &mut ChartData, overview: &Overview, month: &MonthEndForecast) {
    let days: BTreeMap<_, _> =
        month.days.iter().filter(|day| day.day >= month.today).map(|day| (day.day, day)).collect();
    let ahead: Vec<_> = overview.steps.iter().map(|step| days.get(&step.start).copied()).collect();
    let text = |value: Option<String>| value.unwrap_or_default();
    data.lines.push(Line {
        name: "expected".to_owned(),
        hue: Hue::First,
        stroke: Stroke::Dashed,
        values: ahead.iter().map(|day| day.map(|day| format::to_plot_value(day.expected))).collect(),
        texts: ahead.iter().map(|day| text(day.map(|day| format::money(day.expected)))).collect(),
    });
    data.bands.push(Band {
        hue: Hue::First,
        name: "80\u{a0}% band".to_owned(),
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
    let name = span_name(overview);
    let values: Vec<_> = overview.steps.iter().map(|step| step.before).collect();
    name.filter(|_| values.iter().any(Option::is_some)).map(|name| thin(name, values, Measure::Spend))
}

fn span_name(overview: &Overview) -> Option<String> {
    let previous = overview.previous?;
    let whole_month = overview.is_month_to_date();
    Some(if whole_month { format::month_name(previous.from) } else { format::range(previous, overview.today()) })
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
    let steps = explore
        .steps
        .iter()
        .map(|at| chart::Step { total: measured(asked.measure, at.total), ..chart_step(at.bucket, org, query) })
        .collect();
    let before: Vec<_> = explore.steps.iter().map(|step| step.before).collect();
    let name = asked.previous.map(|previous| format::range(previous, explore.now.date_naive()));
    let line = name.filter(|_| before.iter().any(Option::is_some)).map(|name| thin(name, before, asked.measure));
    ChartData {
        steps,
        series: explore_series(explore),
        stack,
        lines: line.into_iter().collect(),
        ..ChartData::default()
    }
}

/// The largest groups with a colour each, then the rest.
fn explore_series(explore: &Explore) -> Vec<Series> {
    let asked = &explore.query;
    let drawn = explore.steps.first().map_or(0, |step| step.drawn.len());
    let series = |name: String, hue: Hue, values: Vec<Decimal>| Series {
        name,
        hue,
        texts: values.iter().map(|value| measured(asked.measure, *value)).collect(),
        values: values.into_iter().map(format::to_plot_value).collect(),
    };
    let mut all: Vec<_> = explore
        .groups
        .iter()
        .take(drawn)
        .enumerate()
        .filter(|(_, group)| !group.sums.of(asked.measure).is_zero())
        .map(|(rank, group)| {
            let name = value_label(&asked.dimension, group.key.as_deref(), group.name.as_deref());
            series(name, Hue::nth(rank), explore.steps.iter().map(|step| step.drawn[rank]).collect())
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
