//! What a split by a business metric goes by: its values of a calendar month, by project or by team.

use super::plan::{Holder, Owners};
use crate::business_metric::{MetricValue, Selection, selected};
use crate::period::Period;
use rust_decimal::Decimal;
use std::collections::HashMap;

/// Values of business metrics, by the name of the metric.
pub type MetricValues = HashMap<String, Vec<MetricValue>>;

/// What a target has of a metric in a month, in units of the 12th place; 0 without values.
///
/// Of values only those count whose days lie in the month. A project has those with its label `project`. A team has those with its label `team`; where no value of the month has one, those of its projects, by the days on which it owned them.
pub(super) fn weight(owners: &Owners, values: &[MetricValue], month: Period, target: Holder) -> i128 {
    let within = |value: &&MetricValue| month.from <= value.period.from && value.period.to <= month.to;
    let values: Vec<&MetricValue> = values.iter().filter(within).collect();
    let sum: Decimal = match target {
        Holder::Project(project) => of(&values, "project", &owners.projects[project]).iter().map(|of| of.1).sum(),
        Holder::Team(team) if values.iter().any(|value| value.labels.contains_key("team")) => {
            of(&values, "team", &owners.teams[team]).iter().map(|of| of.1).sum()
        }
        Holder::Team(team) => {
            let owned = owners.spans.iter().filter(|(_, owner, _)| *owner == team);
            let share = |(project, _, span): &(usize, usize, Period)| {
                let parts = of(&values, "project", &owners.projects[*project]);
                parts.into_iter().map(|(days, value)| part(value, days, *span)).sum::<Decimal>()
            };
            owned.map(share).sum()
        }
        Holder::Nobody => Decimal::ZERO,
    };
    let mut exact = sum;
    exact.rescale(crate::money::PLACES);
    exact.mantissa()
}

/// The values that a label gives to somebody, by their days, which do not overlap.
fn of(values: &[&MetricValue], label: &str, slug: &str) -> Vec<(Period, Decimal)> {
    let own = values.iter().filter(|value| value.labels.get(label).is_some_and(|of| of == slug));
    let own: Vec<MetricValue> = own.copied().cloned().collect();
    selected(&own, &Selection::from([(label.to_owned(), slug.to_owned())]))
}

/// The part of a value that falls into a span, day by day alike.
fn part(value: Decimal, days: Period, span: Period) -> Decimal {
    let common = (days.to.min(span.to) - days.from.max(span.from)).num_days().max(0);
    value * Decimal::from(common) / Decimal::from(days.days())
}
