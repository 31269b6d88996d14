//! From sums to drawings: which colour, which label, where a click leads.

use super::labels::{crossed, group_label, measured, measured_or_none, spike};
use super::links;
use crate::forecast::labels;
use crate::format;
use crate::layout::UrlQuery;
use crate::ui::Tone;
use crate::ui::chart::{
    self, Annotation, Band, ChartData, Field, Hue, Line, Series, Stack, Stroke, Threshold, hue_of, ranked,
};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike, Weekday};
use domain::budget::BudgetState;
use domain::forecast::MonthEndForecast;
use domain::period::Period;
use domain::spend::{
    Anomaly, BucketStart, ChartKind, ComparisonLine, Explore, ExploreStep, Group, HeatCell, HeatMap, Measure, Overview,
    SpendRange,
};
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Name of what has no colour of its own.
pub(super) const REST: &str = "other";
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

/// What happened, each at its step; where there is too much, unusual days and the highest thresholds stay.
fn annotations(overview: &Overview, anomalies: &[&Anomaly]) -> Vec<Annotation> {
    let mut crossings: Vec<_> = overview.crossings.iter().collect();
    crossings.sort_by_key(|crossing| Reverse(crossing.threshold));
    let unusual = anomalies.iter().map(|anomaly| (anomaly.day.day, spike(anomaly)));
    let mut shown: Vec<_> =
        unusual.chain(crossings.into_iter().map(|crossing| (crossing.day, crossed(crossing)))).collect();
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
        BucketStart::Quarter(day) => {
            let label = format!("Q{} {}", day.month0() / 3 + 1, day.year());
            (label.clone(), label, false)
        }
        BucketStart::Year(day) => (day.year().to_string(), day.year().to_string(), false),
        BucketStart::Week(day) => (format::day(day), format!("Week of {}", format::day_year(day)), day.day() <= 7),
        BucketStart::Day(day) => (format::day(day), format::weekday(day), day.weekday() == Weekday::Mon),
    };
    chart::Step { label, title, mark, href: links::step(org, query, start), ..chart::Step::default() }
}

/// The measure by step and group.
pub(super) fn of_explore(explore: &Explore, org: &str, query: &UrlQuery) -> ChartData {
    let asked = &explore.query;
    let every = hours_between_labels(explore.steps.len());
    let step = |at: &ExploreStep| {
        let drawn = chart_step(at.bucket, org, query);
        let mark = drawn.mark || matches!(at.bucket, BucketStart::Hour(at) if at.hour() % every == 0);
        chart::Step { total: measured_or_none(asked.measure, at.total), mark, ..drawn }
    };
    let steps = explore.steps.iter().map(step).collect();
    let before = explore.steps.iter().map(|step| step.before).collect();
    let name = explore.line.map(|line| line_name(line, asked.range, explore.now.date_naive()));
    let before = name.map(|name| thin(name, before, asked.measure));
    let parts = explore_parts(explore);
    let chart = asked.effective_chart();
    if chart == ChartKind::Lines {
        let lines = parts.into_iter().map(|part| part.line(asked.measure)).chain(before).collect();
        return ChartData { steps, lines, ..ChartData::default() };
    }
    let stack = if chart == ChartKind::Area { Stack::Areas } else { Stack::Bars };
    let series = parts.into_iter().map(|part| part.series(asked.measure)).collect();
    ChartData { steps, series, stack, lines: before.into_iter().collect(), ..ChartData::default() }
}

/// Hours of the day from left to right, weekdays below each other; how often each weekday came stands beside it.
pub(super) fn of_heat(explore: &Explore, heat: &HeatMap) -> ChartData {
    let measure = explore.query.measure;
    let value = |cell: &HeatCell| cell.sums.of(measure, cell.minutes);
    let day_minutes = Decimal::from(24 * 60);
    let weekday = |(day, cells): (&str, &[HeatCell])| {
        let days = cells.iter().map(|cell| cell.minutes).sum::<Decimal>() / day_minutes;
        Series {
            name: format!("{day} ×{}", days.ceil().normalize()),
            hue: Hue::First,
            values: cells.iter().map(|cell| value(cell).map_or(0.0, format::to_plot_value)).collect(),
            texts: cells.iter().map(|cell| measured_or_none(measure, value(cell))).collect(),
        }
    };
    let hour = |hour: usize| {
        let mut all = HeatCell::default();
        for cell in heat.weekdays().filter_map(|cells| cells.get(hour)) {
            all.sums.add(&cell.sums);
            all.minutes += cell.minutes;
        }
        let (label, title) = (format!("{hour:02}:00"), format!("{hour:02}:00 to {:02}:00", hour + 1));
        let total = measured_or_none(measure, value(&all));
        chart::Step { label, title, total, mark: hour.is_multiple_of(3), ..chart::Step::default() }
    };
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    ChartData {
        steps: (0..24).map(hour).collect(),
        series: names.into_iter().zip(heat.weekdays()).map(weekday).collect(),
        stack: Stack::Heat,
        ..ChartData::default()
    }
}

/// The largest groups as fields, then the rest.
pub(super) fn of_fields(explore: &Explore, href: impl Fn(&Group) -> String) -> Vec<Field> {
    let value = |group: &Group| explore.value(&group.sums).unwrap_or_default();
    let mut rest = explore.value(&explore.total).unwrap_or_default();
    let mut fields = Vec::new();
    for (group, hue) in explore.drawn().zip(group_hues(explore)) {
        rest -= value(group);
        fields.push(Field {
            group: group.key().map(str::to_owned),
            name: group_label(explore, group),
            text: measured(explore.query.measure, value(group)),
            value: format::to_plot_value(value(group)),
            hue,
            href: Some(href(group)),
        });
    }
    if rest > Decimal::ZERO {
        let (text, value) = (measured(explore.query.measure, rest), format::to_plot_value(rest));
        fields.push(Field { name: REST.to_owned(), text, value, hue: Hue::Other, ..Field::default() });
    }
    fields
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

/// The colours of the groups that are drawn, each its own on every page; of one dimension no two share one.
pub(super) fn group_hues(explore: &Explore) -> Vec<Hue> {
    let numbers: Vec<_> = explore.drawn().map(|group| group.order.unwrap_or_default()).collect();
    if explore.query.effective_chart() == ChartKind::Treemap && explore.query.group_by.len() > 1 {
        return numbers.into_iter().map(Hue::of_number).collect();
    }
    Hue::of_numbers(&numbers)
}

/// What is drawn of a group in every step.
struct Part {
    name: String,
    hue: Hue,
    values: Vec<Option<Decimal>>,
}

impl Part {
    fn texts(&self, measure: Measure) -> Vec<String> {
        self.values.iter().map(|value| measured_or_none(measure, *value)).collect()
    }

    fn series(self, measure: Measure) -> Series {
        let texts = self.texts(measure);
        let values = self.values.into_iter().map(|value| value.map_or(0.0, format::to_plot_value)).collect();
        Series { name: self.name, hue: self.hue, values, texts }
    }

    fn line(self, measure: Measure) -> Line {
        let texts = self.texts(measure);
        let values = self.values.into_iter().map(|value| value.map(format::to_plot_value)).collect();
        Line { name: self.name, hue: self.hue, stroke: Stroke::Solid, values, texts }
    }
}

/// The largest groups with a colour each, then the rest.
fn explore_parts(explore: &Explore) -> Vec<Part> {
    let is_shown = |values: &[Option<Decimal>]| values.iter().any(|value| value.is_some_and(|value| !value.is_zero()));
    let drawn = explore.drawn().zip(group_hues(explore)).enumerate().map(|(index, (group, hue))| Part {
        name: group_label(explore, group),
        hue,
        values: explore.steps.iter().map(|step| step.drawn.get(index).copied().flatten()).collect(),
    });
    let rest = explore.steps.iter().map(|step| step.rest).collect();
    let rest = (explore.other_groups > 0).then(|| Part { name: REST.to_owned(), hue: Hue::Other, values: rest });
    drawn.chain(rest).filter(|part| is_shown(&part.values)).collect()
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
