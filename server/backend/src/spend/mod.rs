//! Spend: sums of the rollups; of events only where no rollup has what is asked, and then of a bounded number.

pub(crate) mod answers;
mod attention;
mod estimate;
mod explore;
mod live;
mod minutes;
mod overview;
mod sql;
#[cfg(test)]
mod tests;
mod units;

pub(crate) use answers::Answers;
pub use attention::{anomalies, attention};
pub use estimate::project_days;
pub(crate) use estimate::unpriced_at_most;
pub use explore::{explore, glance, values};
pub(crate) use live::Live;
pub use live::{Listener, listen, version, watch};
pub use overview::{compare, outlook, overview};
pub(crate) use sql::{SUMS, months_with_spend, sums_of};

use answers::Asker;
use minutes::Passed;

use crate::ledger::kept_from;
use crate::{Backend, Error, OrgScope, prices};
use chrono::{DateTime, Duration, Utc};
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{
    Dimension, Filter, Granularity, MAX_ROWS, Provenance, Source, SpendAnswer, SpendQuery, SpendRange, SpendRow, Sums,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::BTreeMap;

/// Answers the spend query: rows by bucket and falling spend, at most [`MAX_ROWS`], and the total over everything that matches.
///
/// # Errors
/// `Unprocessable` for a combination of labels that would read too many events; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn query(backend: &Backend, scope: &OrgScope, query: &SpendQuery) -> Result<SpendAnswer, Error> {
    scope.require(Permission::Read)?;
    let (mut rows, total) = grouped(backend, scope, SpendScope::Organization, query, MAX_ROWS + 1).await?;
    let truncated = rows.len() > MAX_ROWS;
    rows.truncate(MAX_ROWS);
    let mut minutes = BTreeMap::new();
    if query.measures.iter().any(|measure| measure.is_per_minute()) {
        let passed = Passed { zone: scope.zone(), range: query.range, now: backend.clock.now() };
        minutes =
            rows.iter().map(|row| row.bucket).chain([None]).map(|bucket| (bucket, passed.minutes(bucket))).collect();
    }
    Ok(SpendAnswer {
        minutes,
        currency: "USD".to_owned(),
        time_zone: scope.zone().name().to_owned(),
        group_by: query.group_by.clone(),
        rows,
        total,
        truncated,
    })
}

/// Most events that one query counts, where no rollup has its labels together or by the hour.
const MAX_EVENTS: i64 = 100_000;
/// Most events of the organization in the span of such a query: they are gone through to find those that it counts.
const MAX_SPAN_EVENTS: i64 = 1_000_000;

/// At most `limit` rows of a query and the total over all that match.
///
/// Pages ask many of these at once: on the heap, they are no parts of one large future on the stack.
fn grouped<'a>(
    backend: &'a Backend,
    scope: &'a OrgScope,
    part: SpendScope,
    query: &'a SpendQuery,
    limit: usize,
) -> BoxFuture<'a, Result<(Vec<SpendRow>, Sums), Error>> {
    async move {
        if query.needs().units {
            return units::costed(backend, scope, part, query, limit).await;
        }
        let source = query.source()?;
        let _permit = backend.readers.permit(scope).await?;
        match &source {
            Source::Days(span) | Source::Labels(span, _) | Source::Allocated(span) => {
                let asker = Asker { backend, scope, part };
                if matches!(source, Source::Allocated(_)) && part != SpendScope::Organization {
                    let detail = "Allocated teams are asked of the whole organization.".to_owned();
                    return Err(Problem::Unprocessable { detail }.into());
                }
                // What is kept is put together of parts.
                let is_kept = !query.needs().is_of_the_whole();
                if is_kept && let Some((mut rows, total)) = asker.rows(query, *span).await? {
                    rows.truncate(limit);
                    return Ok((rows, total));
                }
                if let Source::Allocated(span) = source {
                    return asker.allocated_rows(query, span, limit).await;
                }
            }
            Source::Events(labels) => bound(backend, scope, part, query, labels).await?,
            Source::Quarters => {}
        }
        sql::grouped(&backend.pool, scope, part, query, &source, limit).await
    }
    .boxed()
}

/// Refuses what would read too many events, by their number in the rollups, or events that are not kept any more.
async fn bound(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    query: &SpendQuery,
    labels: &[Dimension],
) -> Result<(), Error> {
    let refuse = |detail: String| Err(Problem::Unprocessable { detail }.into());
    let (from, _) = sql::instants(scope, query.range);
    if let Some(kept) = kept_from(backend, scope).await?.filter(|kept| from < *kept) {
        return refuse(format!(
            "This combination is read from events, and those before {} are no longer kept. Begin there or later.",
            scope.zone().day_of(kept)
        ));
    }
    if sql::events_in_span(&backend.pool, scope, query).await? > MAX_SPAN_EVENTS {
        return refuse(format!(
            "This combination is read from events, and the organization has more than {MAX_SPAN_EVENTS} in this span. Use a shorter one."
        ));
    }
    let mut all = query.clone();
    (all.bucket, all.group_by, all.measures) = (Granularity::None, Vec::new(), Vec::new());
    all.filters.retain(|filter| !filter.dimension.is_label());
    let source = all.source()?;
    let (_, total) = sql::grouped(&backend.pool, scope, part, &all, &source, 1).await?;
    if total.requests <= MAX_EVENTS {
        return Ok(());
    }
    let labels: Vec<String> = labels.iter().map(|label| format!("`{}`", label.name())).collect();
    let how = if labels.len() == 1 { "by the hour" } else { "together" };
    refuse(format!(
        "{} {how} would be read from {} events, one by one; at most {MAX_EVENTS} can be. Use a shorter span, or filter by project, model or another dimension.",
        labels.join(" and "),
        total.requests
    ))
}

/// When the newest visible event of a part happened; none before the first.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn newest_event_at(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
) -> Result<Option<DateTime<Utc>>, Error> {
    scope.require(Permission::Read)?;
    let today = scope.zone().day_of(backend.clock.now());
    sql::newest_event_at(&backend.pool, scope, part, today).await
}

/// How sums over a span are known.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn provenance(
    backend: &Backend,
    scope: &OrgScope,
    range: SpendRange,
    sums: &Sums,
) -> Result<Provenance, Error> {
    let newest = newest_event_at(backend, scope, SpendScope::Organization);
    let (newest, books) = futures::try_join!(newest, prices::books(backend, scope))?;
    let (from, to) = sql::instants(scope, range);
    let reported = books.books().reported_counts(from, to);
    Ok(Provenance::of(sums, reported, newest.map(|at| scope.zone().local(at))))
}

/// The burn rate: the sums of the last four whole quarters of an hour.
///
/// # Errors
/// As [`query`]; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn last_hour(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    filters: &[Filter],
) -> Result<Sums, Error> {
    scope.require(Permission::Read)?;
    let now = backend.clock.now();
    let since_quarter = Duration::seconds(now.timestamp().rem_euclid(15 * 60));
    let to = now - Duration::nanoseconds(now.timestamp_subsec_nanos().into()) - since_quarter;
    let mut hour = SpendQuery::over(Period::month_of(to.date_naive()));
    hour.filters = filters.to_vec();
    hour.range = SpendRange::Instants { from: to - Duration::hours(1), to };
    Ok(grouped(backend, scope, part, &hour, 1).await?.1)
}
