//! Sessions and interactions: their calls added up, and lists of them by what they cost.
//!
//! Both are read from the events themselves. A table of sums by session would be as long as a third of the events, and every event would have to move it; so a list reads the newest [`MAX_READ_CALLS`] calls of its span and says where that begins.

mod sql;
#[cfg(test)]
mod tests;

use super::sql::{Listed, calls};
use super::{MAX_EXPORT, Span};
use crate::ledger::cursor::{Cursor, fingerprint};
use crate::ledger::key::time_of;
use crate::{Backend, Error, OrgScope, paging};
use chrono::Duration;
use domain::event::{
    CALLS_PER_PAGE, Call, CallGroup, CallGroupDetail, CallGroupQuery, CallGroups, CostPercentiles, MAX_READ_CALLS,
    MAX_REPEATS, Page, StepSums, with_retries_below,
};
use domain::identity::Permission;
use domain::ids::EventKey;
use domain::problem::Problem;
use domain::span::Edge;
use domain::spend::{Dimension, Filter, Sums};
use sql::{Around, Part};

/// Most customers, users and sessions that are named.
const MAX_NAMED: i64 = 10;
/// What is usual is told from so many days.
const USUAL_DAYS: i64 = 30;
/// And from so many of their newest calls.
const MAX_USUAL_CALLS: i64 = 20_000;

/// One session or interaction: its calls from a place on, and sums of all of them.
///
/// # Errors
/// [`Problem::NotFound`] where the caller sees no call of it; [`Problem::Forbidden`] without the permission to read; [`Problem::Invalid`] for a cursor of another list; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn call_group(
    backend: &Backend,
    scope: &OrgScope,
    kind: CallGroup,
    id: &str,
    cursor: Option<&str>,
) -> Result<CallGroupDetail, Error> {
    scope.require(Permission::Read)?;
    // No text of the database has a NUL.
    if id.contains('\0') {
        return Err(Problem::NotFound.into());
    }
    let list = fingerprint(scope, &[(kind.field().to_owned(), id.to_owned())]);
    let after = cursor.map(|text| Cursor::read(text, list)).transpose()?.map(|cursor| EventKey(cursor.id));
    let _permit = backend.readers.permit(scope).await?;
    let parts = sql::parts(&backend.pool, scope, kind, id).await?;
    let first = parts.iter().map(|part| part.first).min().ok_or(Problem::NotFound)?;
    let last = parts.iter().map(|part| part.last).max().ok_or(Problem::NotFound)?;
    let limit = usize::from(CALLS_PER_PAGE);
    let mut rows = calls(&backend.pool, scope, (kind, id), after, limit + 1, call).await?;
    let cursor = |call: &Call| Cursor { at: call.row.at.to_utc(), id: call.row.event_key.0 }.text(list);
    let next_cursor = paging::cut(&mut rows, limit, cursor);
    let features = dearest(&parts, |part| &part.feature);
    let usual = usual(backend, scope, kind, last, features.first().cloned()).await?;
    let Around { customers, users, sessions, interactions } =
        sql::around(&backend.pool, scope, kind, id, MAX_NAMED).await?;
    Ok(CallGroupDetail {
        kind,
        id: id.to_owned(),
        first_at: scope.zone().local(time_of(first)),
        last_at: scope.zone().local(time_of(last)),
        sums: total(&parts),
        steps: steps(&parts),
        repeats: sql::repeats(&backend.pool, scope, kind, id, MAX_REPEATS).await?,
        projects: dearest(&parts, |part| &part.project),
        features,
        customers,
        users,
        sessions,
        interactions,
        usual,
        calls: Page { rows: with_retries_below(rows), next_cursor },
    })
}

fn call(Listed { row, event, .. }: Listed) -> Call {
    Call::of(row, event.sent.step, event.sent.request_id, &event.meters)
}

fn total(parts: &[Part]) -> Sums {
    let mut sums = Sums::default();
    parts.iter().for_each(|part| sums.add(&part.sums));
    sums
}

/// Sums by step and model, the dearest first.
fn steps(parts: &[Part]) -> Vec<StepSums> {
    let mut steps: Vec<StepSums> = Vec::new();
    for part in parts {
        let step = Some(part.step.clone()).filter(|step| !step.is_empty());
        match steps.iter_mut().find(|of| of.step == step && of.model == part.model) {
            Some(of) => of.sums.add(&part.sums),
            None => steps.push(StepSums { step, model: part.model.clone(), sums: part.sums.clone() }),
        }
    }
    steps.sort_by_key(|step| std::cmp::Reverse(step.sums.spend));
    steps
}

/// The words of the parts, each once; parts come with the dearest first.
fn dearest(parts: &[Part], word: fn(&Part) -> &String) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in parts.iter().map(word).filter(|word| !word.is_empty()) {
        if !words.contains(word) {
            words.push(word.clone());
        }
    }
    words
}

/// What others cost until then: those of the same feature, or all.
async fn usual(
    backend: &Backend,
    scope: &OrgScope,
    kind: CallGroup,
    last: EventKey,
    feature: Option<String>,
) -> Result<CostPercentiles, Error> {
    let to = time_of(last) + Duration::microseconds(1);
    let feature = feature.map(|feature| Filter::only(Dimension::Feature, vec![feature]));
    let query = CallGroupQuery {
        from: Some(Edge::At(to - Duration::days(USUAL_DAYS))),
        to: Some(Edge::At(to)),
        filters: feature.into_iter().collect(),
        ..CallGroupQuery::default()
    };
    Ok(read(backend, scope, kind, &query, MAX_USUAL_CALLS).await?.percentiles)
}

/// Sessions or interactions with calls in a span, and what they come to.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn call_groups(
    backend: &Backend,
    scope: &OrgScope,
    kind: CallGroup,
    query: &CallGroupQuery,
) -> Result<CallGroups, Error> {
    scope.require(Permission::Read)?;
    let _permit = backend.readers.permit(scope).await?;
    read(backend, scope, kind, query, MAX_READ_CALLS).await
}

/// All of a list for a file, from its first row on, with at most [`MAX_EXPORT`] rows.
///
/// # Errors
/// As [`call_groups`], and [`Problem::Unprocessable`] when there are more rows than a file takes.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn all_call_groups(
    backend: &Backend,
    scope: &OrgScope,
    kind: CallGroup,
    query: CallGroupQuery,
) -> Result<CallGroups, Error> {
    let most = u16::try_from(MAX_EXPORT).unwrap_or(u16::MAX);
    let found = call_groups(backend, scope, kind, &CallGroupQuery { offset: 0, limit: most, ..query }).await?;
    if found.groups > u64::from(most) {
        let detail = format!("More than {most} {} match. Choose a shorter period or more filters.", kind.plural());
        return Err(Problem::Unprocessable { detail }.into());
    }
    Ok(found)
}

async fn read(
    backend: &Backend,
    scope: &OrgScope,
    kind: CallGroup,
    query: &CallGroupQuery,
    most: i64,
) -> Result<CallGroups, Error> {
    let span = Span::between(scope, query.from, query.to);
    let unread = sql::unread(&backend.pool, scope, &span, most).await?;
    let found = sql::list(&backend.pool, scope, kind, query, &span, unread).await?;
    Ok(CallGroups {
        next_cursor: query.next_cursor(found.groups),
        counted_from: unread.map(|key| scope.zone().local(time_of(key))),
        ..found
    })
}
