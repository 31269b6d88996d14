//! What units of a business metric cost: spend of the days that have values, over these values.

use super::grouped;
use crate::{Backend, Error, OrgScope, business_metrics};
use chrono::NaiveDate;
use domain::budget::SpendScope;
use domain::business_metric::{MetricValue, Selection, selected, unit_costs};
use domain::period::Period;
use domain::problem::Problem;
use domain::project::Slug;
use domain::spend::{BucketStart, Filter, Granularity, Measure, Needs, SpendQuery, SpendRange, SpendRow, Sums, Units};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};

/// Most rows by day from which units of groups are found.
const MOST_DAYS: usize = 100_000;

/// Spend by day.
type Spent = BTreeMap<NaiveDate, Decimal>;

/// As [`grouped`], with the units of a business metric and the spend of their days.
///
/// A group has the values of its own where the metric's values carry the dimension as a label, and else all of them: then its share of what a unit costs.
pub(super) async fn costed(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    query: &SpendQuery,
    limit: usize,
) -> Result<(Vec<SpendRow>, Sums), Error> {
    let (days, metric) = asked(query)?;
    let values = business_metrics::values_of(backend, scope, metric, days).await?;
    can_be_narrowed(&values, &query.filters)?;
    let others: Vec<Measure> = query.measures.iter().copied().filter(|measure| !measure.needs().units).collect();
    let plain = SpendQuery { metric: None, ..query.clone() }.measuring(others);
    let by_day = plain.clone().per(Granularity::Day).measuring([]);
    let ((mut rows, mut total), (of_groups, _)) = futures::try_join!(
        grouped(backend, scope, part, &plain, limit),
        grouped(backend, scope, part, &by_day, MOST_DAYS + 1)
    )?;
    if of_groups.len() > MOST_DAYS {
        let detail = "These are too many groups to find the units of each. Use a shorter span, or group by less.";
        return Err(Problem::Unprocessable { detail: detail.to_owned() }.into());
    }
    let (mut of_group, mut of_all) = (HashMap::<_, Spent>::new(), Spent::new());
    for SpendRow { bucket, keys, sums } in &of_groups {
        let Some(day) = bucket.map(BucketStart::day) else { continue };
        *of_group.entry(keys.as_slice()).or_default().entry(day).or_default() += sums.spend;
        *of_all.entry(day).or_default() += sums.spend;
    }
    let units = |keys: &[Option<String>], spent: &Spent, span: Period| {
        let values = selected(&values, &wanted(query, keys));
        let cost = unit_costs(&[span], &values, spent).into_iter().flatten().next()?;
        Some(Units { spend: cost.spend, value: cost.value })
    };
    for row in &mut rows {
        let spent = of_group.get(row.keys.as_slice());
        row.sums.units = spent.and_then(|spent| units(&row.keys, spent, span_of(row.bucket, days)));
    }
    total.units = if of_all.is_empty() { None } else { units(&[], &of_all, days) };
    Ok((rows, total))
}

/// The days and the metric of a question that can be answered.
fn asked(query: &SpendQuery) -> Result<(Period, &Slug), Problem> {
    let refuse = |detail: &str| Problem::Unprocessable { detail: detail.to_owned() };
    let SpendRange::Days { from, to } = query.range else {
        return Err(refuse("Units are counted by day: ask for whole days."));
    };
    if query.bucket == Granularity::Hour {
        return Err(refuse("Units are counted by day: use steps of a day or longer."));
    }
    let metric = query.metric.as_ref();
    let metric = metric.ok_or_else(|| refuse("Say which business metric's units: `cost_per_unit:tickets`."))?;
    if Needs::of(&query.measures).peak {
        return Err(refuse("Units are counted by day, peaks by the quarter of an hour: ask for one of them."));
    }
    Ok((Period { from, to }, metric))
}

/// Refuses filters that spend can be narrowed by and values cannot: spend of a part over values of the whole would be no unit cost.
fn can_be_narrowed(values: &[MetricValue], filters: &[Filter]) -> Result<(), Problem> {
    let is_carried = |filter: &&Filter| {
        let name = filter.dimension.name();
        values.iter().any(|value| value.labels.contains_key(&name))
    };
    match filters.iter().filter(is_carried).find(|filter| only(filter).is_none()) {
        Some(filter) => {
            let name = filter.dimension.label().to_lowercase();
            let detail = format!("Values of the metric are told apart by {name}: filter by one {name} exactly.");
            Err(Problem::Unprocessable { detail })
        }
        None => Ok(()),
    }
}

/// The one value that a filter lets through.
fn only(filter: &Filter) -> Option<&str> {
    match (filter.values.as_slice(), filter.exclude, filter.contains) {
        ([one], false, false) => Some(one),
        _ => None,
    }
}

/// The labels that values must have to be those of a group.
fn wanted(query: &SpendQuery, keys: &[Option<String>]) -> Selection {
    let filters = query.filters.iter().filter_map(|filter| Some((filter.dimension.name(), only(filter)?.to_owned())));
    let keys = query.group_by.iter().zip(keys);
    let keys = keys.map(|(dimension, key)| (dimension.name(), key.clone().unwrap_or_default()));
    filters.chain(keys).collect()
}

/// The days of a step that lie in the span.
fn span_of(bucket: Option<BucketStart>, days: Period) -> Period {
    bucket.map_or(days, |step| Period { from: step.day().max(days.from), to: step.end().min(days.to) })
}
