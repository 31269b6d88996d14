//! Sums by the team that answers for them, in the buckets, groups and filters of the spend query.

use super::usage::{self, Kept, Told, Usage};
use super::{sql, whole_months, word};
use crate::{Backend, Error, OrgScope};
use chrono::NaiveDate;
use domain::allocation::{Amounts, Place};
use domain::identity::Permission;
use domain::period::Period;
use domain::spend::{BucketStart, Dimension, Filter, Granularity, SpendQuery, SpendRow, Sums, starts};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Spend, requests and tokens of some days as the rules share them out, by any dimensions that are no labels. Whoever asks has a reader's permit.
///
/// The rows add up to what was used, to the last place; those of finer groups to those of coarser ones.
///
/// # Errors
/// `Forbidden` without the right to read all projects; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub(crate) async fn grouped(
    backend: &Backend,
    scope: &OrgScope,
    query: &SpendQuery,
    days: Period,
) -> Result<Vec<SpendRow>, Error> {
    scope.require_whole(Permission::Read)?;
    let mut snapshot = sql::snapshot(&backend.pool).await?;
    let lists = [usage::rules_in_order(&mut snapshot, scope).await?];
    let is_own = |dimension: &&Dimension| **dimension != Dimension::AllocatedTeam;
    let words: Vec<Dimension> = query.dimensions().filter(is_own).cloned().collect();
    // Whoever owned a project on a day does so in the whole part of the days that it is in, and months are parts.
    let told = Told { words, by_day: matches!(query.bucket, Granularity::Day | Granularity::Week) };
    let spans = (whole_months(days), days);
    let usage = Usage::told(&mut snapshot, scope, &lists, spans, |_| Kept::Together, Some(&told)).await?;
    let filters = by_id(&mut snapshot, scope, &query.filters).await?;
    drop(snapshot);
    let made = usage.plan.settle(0, usage.cells(0), days, |day| day);
    let parts = made.parts.iter().map(|((day, place, part), amounts)| (*day, *place, *part, *amounts));
    let whole = made.at_end.iter().map(|((day, place), amounts)| (*day, *place, 0, *amounts));
    let starts = starts(days, query.bucket);
    let mut sums: BTreeMap<(Option<BucketStart>, Vec<Option<String>>), Amounts> = BTreeMap::new();
    for (day, place, part, amounts) in parts.chain(whole.filter(|_| told.words.is_empty())) {
        let value = |dimension: &Dimension| value(&usage, dimension, (day, place, part));
        if filters.iter().all(|filter| filter.fits(value(&filter.dimension))) {
            let key = |dimension| Some(value(dimension)).filter(|value| !value.is_empty()).map(str::to_owned);
            let keys = query.group_by.iter().map(key).collect();
            *sums.entry((bucket_of(&starts, query.bucket, day), keys)).or_default() += amounts;
        }
    }
    sums.retain(|_, amounts| !amounts.is_empty());
    let count = |number: i128| i64::try_from(number).unwrap_or(i64::MAX);
    let row = |((bucket, keys), amounts): ((Option<BucketStart>, Vec<Option<String>>), Amounts)| {
        let (requests, unpriced_requests) = (count(amounts.requests), count(amounts.unpriced));
        let spend = amounts.spend();
        SpendRow {
            bucket,
            keys,
            sums: Sums { spend, requests, tokens: count(amounts.tokens), unpriced_requests, ..Sums::default() },
        }
    };
    Ok(sums.into_iter().map(row).collect())
}

/// The value of a dimension of what is at a place on a day; empty text means missing.
fn value<'a>(usage: &'a Usage, dimension: &Dimension, (day, place, part): (NaiveDate, Place, usize)) -> &'a str {
    let team = |team: Option<usize>| team.and_then(|team| usage.owners.teams.get(team)).map_or("", String::as_str);
    let Some(series) = usage.series_of(part) else { return team(place.team) };
    match dimension {
        Dimension::AllocatedTeam => team(place.team),
        Dimension::Team => team(usage.plan.owner(day, series.project)),
        Dimension::ProductLine => {
            let line = usage.plan.line(day, series.project).and_then(|line| usage.owners.lines.get(line));
            line.map_or("", String::as_str)
        }
        dimension => word(usage, series, dimension),
    }
}

fn bucket_of(starts: &[NaiveDate], bucket: Granularity, day: NaiveDate) -> Option<BucketStart> {
    let at = starts.partition_point(|start| *start <= day);
    BucketStart::of(bucket, *starts.get(at.checked_sub(1)?)?)
}

/// The filters with API keys by their ids, as series have them.
async fn by_id(connection: &mut PgConnection, scope: &OrgScope, filters: &[Filter]) -> Result<Vec<Filter>, Error> {
    let mut filters = filters.to_vec();
    for filter in filters.iter_mut().filter(|filter| filter.dimension == Dimension::ApiKey) {
        let id = |text: &String| Uuid::parse_str(text).map_or_else(|_| text.clone(), |id| id.to_string());
        filter.values = match filter.contains {
            true => sql::keys_named(connection, scope, &filter.values).await?,
            false => filter.values.iter().map(id).collect(),
        };
        filter.contains = false;
    }
    Ok(filters)
}
