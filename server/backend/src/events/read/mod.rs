//! Events as people and programs read them: lists, one event with its receipt, what waits for a price.

mod detail;
mod groups;
mod sql;

pub use detail::{by_key, find};
pub use groups::{all_call_groups, call_group, call_groups};
use sql::Listed;
pub(super) use sql::rows;

use crate::ledger::cursor::{Cursor, fingerprint};
use crate::{Backend, Error, OrgScope, identity, paging};
use chrono::{DateTime, Duration, Utc};
use domain::event::{Attention, EventQuery, EventRow, ExportRow, Page, UnpricedRow, UnreadUsage};
use domain::identity::Permission;
use domain::period::Period;
use domain::problem::Problem;
use domain::span::Edge;
use domain::spend::{Dimension, Filter, SpendQuery, SpendRow};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Most groups of the unpriced list.
const MAX_UNPRICED: i64 = 200;
/// Most rows of one exported file.
pub const MAX_EXPORT: i64 = 50_000;
/// Entries of the rejected list that came last before this do not count as waiting for attention, in days.
const REJECTED_DAYS: i64 = 7;
/// How far back unread usage is counted, in days.
const UNREAD_DAYS: i64 = 30;

/// The instants of a query; none where it has no such edge.
struct Span {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl Span {
    fn between(scope: &OrgScope, from: Option<Edge>, to: Option<Edge>) -> Self {
        let instant = |edge: Edge| edge.instant(scope.zone());
        Self { from: from.map(instant), to: to.map(instant) }
    }
}

/// Events, newest first.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read, [`Problem::Invalid`] for a cursor of another list; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope, query: &EventQuery) -> Result<Page<EventRow>, Error> {
    scope.require(Permission::Read)?;
    let list = fingerprint(scope, &query.to_pairs());
    let after = query.cursor.as_deref().map(|text| Cursor::read(text, list)).transpose()?;
    let limit = usize::from(query.limit.clamp(1, domain::event::MAX_PAGE));
    let span = Span::between(scope, query.from, query.to);
    let _permit = backend.readers.permit(scope).await?;
    let mut rows = sql::events(&backend.pool, scope, query, &span, after, limit + 1, |listed| listed.row).await?;
    let cursor = |row: &EventRow| Cursor { at: row.at.to_utc(), id: row.event_key.0 }.text(list);
    let next_cursor = paging::cut(&mut rows, limit, cursor);
    Ok(Page { rows, next_cursor })
}

/// What a list shows as CSV, newest first, with at most [`MAX_EXPORT`] rows.
///
/// # Errors
/// As [`list`], and [`Problem::Unprocessable`] when there are more rows than a file takes.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn csv(backend: &Backend, scope: &OrgScope, query: &EventQuery) -> Result<String, Error> {
    scope.require(Permission::Read)?;
    let most = usize::try_from(MAX_EXPORT).unwrap_or(usize::MAX);
    let span = Span::between(scope, query.from, query.to);
    let _permit = backend.readers.permit(scope).await?;
    let organization = identity::organization(backend, scope).await?;
    let rows = sql::events(&backend.pool, scope, query, &span, None, most + 1, export_row).await?;
    if rows.len() > most {
        let detail = format!("More than {MAX_EXPORT} events match. Choose a shorter period or more filters.");
        return Err(Problem::Unprocessable { detail }.into());
    }
    Ok(domain::event::csv(&rows, &format!("{}/o/{}/events", backend.public_url, organization.slug)))
}

fn export_row(Listed { row, event, .. }: Listed) -> ExportRow {
    let sent = event.sent;
    let (environment, customer, user, tags) = (sent.environment, sent.customer, sent.user, sent.tags);
    ExportRow { row, environment, customer, user, tags, meters: event.meters }
}

/// The newest event of all, for pages that wait for the first one.
///
/// # Errors
/// As [`list`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn newest(backend: &Backend, scope: &OrgScope) -> Result<Option<EventRow>, Error> {
    let query = EventQuery { limit: 1, ..EventQuery::default() };
    Ok(list(backend, scope, &query).await?.rows.into_iter().next())
}

/// Models whose events wait for a price, the dearest estimate first.
///
/// # Errors
/// As [`list`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn unpriced(backend: &Backend, scope: &OrgScope) -> Result<Vec<UnpricedRow>, Error> {
    scope.require(Permission::Read)?;
    sql::unpriced(&backend.pool, scope, MAX_UNPRICED).await
}

/// Usage of the last 30 days that no rule read, by provider and field, the commonest first.
///
/// # Errors
/// As [`list`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn unread_usage(backend: &Backend, scope: &OrgScope) -> Result<Vec<UnreadUsage>, Error> {
    let today = scope.zone().day_of(backend.clock.now());
    let days = Period { from: today - Duration::days(UNREAD_DAYS), to: today + Duration::days(1) };
    let mut query = SpendQuery::over(days).by([Dimension::Provider, Dimension::UnreadUsage]);
    query.filters.push(Filter::present(Dimension::UnreadUsage));
    let mut found: BTreeMap<(String, String), UnreadUsage> = BTreeMap::new();
    for SpendRow { keys, sums, .. } in crate::spend::query(backend, scope, &query).await?.rows {
        let [provider, value] = keys.as_slice() else { continue };
        let (provider, value) = (provider.clone().unwrap_or_default(), value.clone().unwrap_or_default());
        for field in value.split(',') {
            let of_field = found.entry((provider.clone(), field.to_owned()));
            let of_field = of_field.or_insert_with_key(|(provider, field)| UnreadUsage {
                provider: provider.clone(),
                field: field.clone(),
                events: 0,
                values: vec![],
            });
            of_field.events += sums.requests;
            of_field.values.push(value.clone());
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by_key(|unread| Reverse(unread.events));
    Ok(found)
}

/// How much wants attention.
///
/// # Errors
/// As [`list`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn attention(backend: &Backend, scope: &OrgScope) -> Result<Attention, Error> {
    scope.require(Permission::Read)?;
    let since = backend.clock.now() - Duration::days(REJECTED_DAYS);
    let most = i64::try_from(Attention::MOST).unwrap_or(i64::MAX);
    sql::attention(&backend.pool, scope, since, most).await
}
