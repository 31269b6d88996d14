//! Labels and cells that all views of spend share.

use crate::format;
use crate::ui::{Change, Direction, html};
use domain::budget::Crossing;
use domain::spend::{
    Anomaly, AnomalyCause, Cause, Dimension, Explore, Granularity, Group, Measure, MeasureUnit, Mover, Reason, Sums,
};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// What stands for a missing label.
pub(super) const MISSING: &str = "(untagged)";

/// The measure as the page writes it.
pub(super) fn measured(measure: Measure, value: Decimal) -> String {
    match measure.unit() {
        MeasureUnit::Money => format::money(value),
        MeasureUnit::Count => format::quantity(value),
        MeasureUnit::Share => format::percent(format::to_plot_value(value)),
        MeasureUnit::Rate => format::quantity(value.round_sf(4).unwrap_or(value).normalize()),
        MeasureUnit::Millis => format!("{}\u{a0}ms", format::quantity(value)),
    }
}

/// The same where it may be unknown.
pub(super) fn measured_or_none(measure: Measure, value: Option<Decimal>) -> String {
    value.map_or_else(|| format::NONE.to_owned(), |value| measured(measure, value))
}

/// Labels of the axis.
pub(super) const fn tick(measure: Measure) -> fn(f64) -> String {
    match measure.unit() {
        MeasureUnit::Money => format::axis_money,
        MeasureUnit::Count | MeasureUnit::Rate | MeasureUnit::Millis => format::axis_count,
        MeasureUnit::Share => format::axis_percent,
    }
}

/// A step of time as the head of a column.
pub(super) const fn bucket_label(bucket: Granularity) -> &'static str {
    match bucket {
        Granularity::None => "Span",
        Granularity::Hour => "Hour",
        Granularity::Day => "Day",
        Granularity::Week => "Week",
        Granularity::Month => "Month",
        Granularity::Quarter => "Quarter",
        Granularity::Year => "Year",
    }
}

/// What moved a model most, as people say it: "38.4 % more requests".
pub(super) fn cause_of(mover: &Mover) -> Option<String> {
    let Reason { cause, ratio } = mover.reason?;
    let Some(ratio) = ratio else {
        let is_new = mover.before.requests == 0;
        return Some(if is_new { "newly used" } else { "no longer used" }.to_owned());
    };
    let (more, less) = match cause {
        Cause::Volume | Cause::ModelMix => ("more requests", "fewer requests"),
        Cause::TokensPerRequest => ("more per request", "less per request"),
        Cause::Cache => ("dearer with less from the cache", "cheaper with more from the cache"),
        Cause::Price => ("higher prices", "lower prices"),
        Cause::CostPerToken => ("dearer per token", "cheaper per token"),
        Cause::CostPerRequest => ("dearer per request", "cheaper per request"),
    };
    Some(format!("{} {}", format::percent(ratio.abs()), if ratio < 0.0 { less } else { more }))
}

/// A threshold that was reached, as it stands over the chart.
pub(super) fn crossed(crossing: &Crossing) -> String {
    format!("{}\u{a0}% of the budget {}", crossing.threshold, crossing.budget)
}

/// How many times what is usual: "14x", "2.6x".
pub(super) fn times(factor: f64) -> String {
    if factor >= 10.0 { format!("{factor:.0}x") } else { format!("{factor:.1}x") }
}

/// What explains an unusual day, in a few words: "key ci-runner".
pub(super) fn anomaly_cause(cause: &AnomalyCause) -> String {
    let word = if cause.dimension == Dimension::ApiKey { "key".to_owned() } else { cause.dimension.name() };
    format!("{word} {}", cause.name)
}

/// An unusual day, as it stands over the chart: "Code assistant 14x: key ci-runner, +$412".
pub(super) fn spike(anomaly: &Anomaly) -> String {
    let factor = anomaly.day.factor().map(|factor| format!(" {}", times(factor))).unwrap_or_default();
    let cause = anomaly.causes.first().map(|cause| format!("{}, ", anomaly_cause(cause))).unwrap_or_default();
    format!("{}{factor}: {cause}+{}", anomaly.project_name, format::money_rounded(anomaly.day.excess()))
}

/// A value of a dimension as people read it.
pub(super) fn value_label(dimension: &Dimension, key: Option<&str>, name: Option<&str>) -> String {
    match (dimension, key, name) {
        (Dimension::AllocatedTeam, None, _) => "(unallocated)".to_owned(),
        (_, None, _) => MISSING.to_owned(),
        (Dimension::ApiKey, Some(_), Some(name)) => name.to_owned(),
        (_, Some(key), _) => key.to_owned(),
    }
}

/// The values of a group, one for each dimension: "support-bot · gpt-4o".
pub(super) fn group_label(explore: &Explore, group: &Group) -> String {
    let values = explore.query.group_by.iter().zip(&group.keys).zip(&group.names);
    let label = |((dimension, key), name): ((&Dimension, &Option<String>), &Option<String>)| {
        value_label(dimension, key.as_deref(), name.as_deref())
    };
    values.map(label).collect::<Vec<_>>().join(" · ")
}

/// Spend as a cell of a table whose head names the unit; never a zero for want of a price.
#[component]
pub fn SpendCell(
    /// The sums.
    sums: Sums,
    /// In a column of small amounts, such as those of single calls.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    let amount = if small { format::money_of_call } else { format::money_plain };
    let unpriced = sums.unpriced_requests;
    if unpriced > 0 && sums.spend.is_zero() {
        let title = format!("{} without a price", format::counted(unpriced, "request"));
        return html! { <td class="num" title=title><span class="warn">"unpriced"</span></td> };
    }
    let exact = format::money_full(sums.spend);
    if unpriced > 0 {
        let title = format!("{exact}, and {} without a price", format::counted(unpriced, "request"));
        let text = format!("≥\u{a0}{}", amount(sums.spend));
        return html! { <td class="num" title=title>{text}</td> };
    }
    html! { <td class="num" title=exact>{amount(sums.spend)}</td> }
}

/// The change of a measure against the span before, as a cell.
#[component]
pub(super) fn ChangeCell(
    /// Now.
    now: Decimal,
    /// Before; nothing is shown without.
    before: Option<Decimal>,
    /// What moved.
    #[prop(optional)]
    measure: Measure,
) -> impl IntoView {
    let cell = before.map(|before| {
        let change = format::change(now, before);
        let direction = if measure == Measure::Spend { Direction::of_cost(change.sign) } else { Direction::Flat };
        let title = if measure == Measure::Spend { change.difference } else { measured(measure, now - before) };
        view! { <Change text=change.text direction=direction title=title/> }
    });
    view! { <td class="num">{cell}</td> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::spend::UnusualDay;

    #[test]
    fn a_spike_is_labelled_with_its_cause() {
        let anomaly = |usual: i64, causes| {
            let day = UnusualDay { day: "2026-11-21".parse().unwrap(), spend: 444.into(), usual: usual.into() };
            spike(&Anomaly { project: String::new(), project_name: "Code assistant".to_owned(), day, days: 1, causes })
        };
        let key = AnomalyCause {
            dimension: Dimension::ApiKey,
            value: "x".to_owned(),
            name: "ci-runner".to_owned(),
            share: 0.97,
        };
        assert_eq!(anomaly(32, vec![key.clone()]), "Code assistant 14x: key ci-runner, +$412");
        let model = AnomalyCause { dimension: Dimension::Model, name: "gpt-4o".to_owned(), ..key };
        assert_eq!(anomaly(0, vec![model]), "Code assistant: model gpt-4o, +$444");
        assert_eq!(anomaly(170, Vec::new()), "Code assistant 2.6x: +$274");
    }

    #[test]
    fn a_cause_is_said_in_words() {
        let said = |before: i64, reason| {
            let [project, provider, model] = ["a", "openai", "gpt-4o"].map(str::to_owned);
            let sums = |requests| Sums { requests, ..Sums::default() };
            cause_of(&Mover { project, provider, model, now: sums(1), before: sums(before), reason })
        };
        let by = |cause, ratio| Some(Reason { cause, ratio });
        assert_eq!(said(1, by(Cause::Volume, Some(0.38))).as_deref(), Some("38.0\u{a0}% more requests"));
        assert_eq!(said(1, by(Cause::Volume, Some(-0.5))).as_deref(), Some("50.0\u{a0}% fewer requests"));
        assert_eq!(said(1, by(Cause::Price, Some(1.0))).as_deref(), Some("100\u{a0}% higher prices"));
        assert_eq!(said(0, by(Cause::Volume, None)).as_deref(), Some("newly used"));
        assert_eq!(said(1, by(Cause::Volume, None)).as_deref(), Some("no longer used"));
        assert_eq!(said(1, None), None);
    }
}
