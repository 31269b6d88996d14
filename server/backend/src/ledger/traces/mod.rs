//! Traces: what several spans tell of one call is counted once, in whatever requests they come.
//!
//! * A span above a recorded call repeats it and is left out. Most come so, because a span is exported when it ends, and the outer one ends last.
//! * So does an agent or a workflow while any call of its trace ran; alone it is the only one that tells, and is recorded.
//! * A failed span above or below a failed one is the same attempt.
//! * A call below a span that was recorded before it, a call while a recorded agent ran, and a second instrumentation's span of the same service with the same counts, one within the other, are possible duplicates.
//!
//! What counts is what was told within a day. Whoever judges holds the row of the trace until the commit, so two servers see each other's spans.
//! What was left out keeps its id, so that a repetition gets the same answer.

mod sql;
#[cfg(test)]
mod tests;

use super::event::NewEvent;
use super::possible_duplicates::Pair;
use super::rejected::NewRejection;
use crate::hash::{digest, head};
use crate::{Backend, Clock, Error, OrgScope, identity};
use chrono::{DateTime, Duration, Utc};
use domain::event::{Rejection, Status, TraceSpan};
use domain::ids::{EventKey, OrgId};
use domain::problem::FieldProblem;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The code under which a span is listed that only repeats others.
pub(crate) const REPEATS: &str = "repeats";
/// Hours for which a trace is remembered after its last call came.
const MEMORY_HOURS: i64 = 24;
/// Traces forgotten in one transaction.
const AT_ONCE: i64 = 5_000;

/// Where a span stands.
struct Place {
    org_id: OrgId,
    trace_id: Uuid,
    span_id: i64,
    began_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    is_outer: bool,
    /// Counted something; else it failed before anything was.
    is_counted: bool,
}

impl Place {
    fn of(org_id: OrgId, span: &TraceSpan, is_counted: bool) -> Self {
        Self {
            org_id,
            trace_id: Uuid::from_u128(span.trace_id),
            span_id: span.span_id.cast_signed(),
            began_at: span.began,
            ended_at: span.ended,
            is_outer: span.is_outer,
            is_counted,
        }
    }
}

/// A span as it is remembered.
struct TraceCall {
    place: Place,
    above_id: Option<i64>,
    usage_hash: i64,
    scope_hash: i64,
    event_key: EventKey,
}

impl TraceCall {
    fn of(event: &NewEvent) -> Option<Self> {
        let span = event.sent.span.as_deref()?;
        let counts = [event.meters.input_tokens(), event.meters.tokens()].map(u64::to_be_bytes);
        let usage = [&span.trace_id.to_be_bytes()[..], span.service.as_bytes(), &counts[0], &counts[1]];
        Some(Self {
            place: Place::of(event.org_id, span, event.status == Status::Success || !event.meters.is_empty()),
            above_id: span.above.map(u64::cast_signed),
            usage_hash: i64::from_be_bytes(head(digest(usage))),
            scope_hash: i64::from_be_bytes(head(digest([&span.scope]))),
            event_key: event.event_key,
        })
    }
}

/// What new events are to those of their traces.
#[derive(Default)]
pub(super) struct Told {
    /// Those that only repeat others, and are left out.
    pub(super) repeating: BTreeSet<EventKey>,
    /// Those that may be the same call as an earlier one.
    pub(super) doubles: Vec<Pair>,
}

/// Remembers the spans of new events, and tells which of them repeat others. Waits for whoever judges the same traces.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn tell(
    connection: &mut PgConnection,
    events: &[&NewEvent],
    now: DateTime<Utc>,
) -> Result<Told, Error> {
    let mut calls: Vec<TraceCall> = events.iter().filter_map(|event| TraceCall::of(event)).collect();
    if calls.is_empty() {
        return Ok(Told::default());
    }
    // Sorted, so that two servers take traces in the same order.
    calls.sort_unstable_by_key(|call| (call.place.org_id, call.place.trace_id, call.place.span_id));
    sql::remember(connection, &calls, now).await?;
    let repeating = sql::repeating(connection, &calls.iter().map(|call| &call.place).collect::<Vec<_>>()).await?;
    let repeating: Vec<&TraceCall> = repeating.iter().filter_map(|place| calls.get(*place)).collect();
    leave_out_calls(connection, &repeating).await?;
    let mut told = Told { repeating: repeating.iter().map(|call| call.event_key).collect(), doubles: vec![] };
    for related in sql::related(connection, &calls).await? {
        if related.same_attempt {
            told.repeating.insert(related.pair.second);
        } else {
            told.doubles.push(related.pair);
        }
    }
    Ok(told)
}

/// Remembers that these spans have no event after all.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn leave_out(connection: &mut PgConnection, events: &[&NewEvent]) -> Result<(), Error> {
    let calls: Vec<TraceCall> = events.iter().filter_map(|event| TraceCall::of(event)).collect();
    leave_out_calls(connection, &calls.iter().collect::<Vec<_>>()).await
}

async fn leave_out_calls(connection: &mut PgConnection, calls: &[&TraceCall]) -> Result<(), Error> {
    let mut of_org = BTreeMap::<OrgId, Vec<&TraceCall>>::new();
    for call in calls {
        of_org.entry(call.place.org_id).or_default().push(call);
    }
    for (org_id, calls) in of_org {
        sql::leave_out(connection, org_id, &calls).await?;
    }
    Ok(())
}

/// What is said of a span that was left out because others tell the same.
pub(crate) fn repeating() -> FieldProblem {
    let detail = "The span repeats calls of its trace that are recorded: they are counted once.";
    FieldProblem::new("", REPEATS, detail)
}

/// Whether this is what [`repeating`] says.
pub(crate) fn is_repeating(problem: &FieldProblem) -> bool {
    problem.code == REPEATS
}

/// The entry of the rejected list for a span that was left out.
pub(super) fn rejection(event: &NewEvent, clock: &dyn Clock) -> NewRejection {
    NewRejection::of(event, repeating(), clock)
}

/// Replaces what is said of refused spans that only repeat recorded calls: nothing is missing where they are.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn excuse<'a>(
    backend: &Backend,
    scope: &OrgScope,
    refused: impl Iterator<Item = &'a mut Rejection>,
) -> Result<(), Error> {
    let refused: Vec<(Place, &mut Rejection)> = refused
        .filter_map(|refused| Some((Place::of(scope.org_id(), refused.span.as_deref()?, true), refused)))
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let mut connection = backend.pool.acquire().await?;
    let places: Vec<&Place> = refused.iter().map(|(place, _)| place).collect();
    let repeats = sql::repeating(&mut connection, &places).await?;
    for (place, (_, refused)) in refused.into_iter().enumerate() {
        if repeats.contains(&place) {
            refused.problem = repeating();
        }
    }
    Ok(())
}

/// Forgets traces of which nothing came for a day; how many.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn forget(backend: &Backend, stop: &CancellationToken) -> Result<u64, Error> {
    let before = backend.clock.now() - Duration::hours(MEMORY_HOURS);
    let mut forgotten = 0;
    for org_id in sql::organizations(&backend.pool, before).await? {
        let Some(scope) = identity::system_scope_if_there(backend, org_id).await? else { continue };
        while !stop.is_cancelled() {
            match sql::forget(&backend.pool, &scope, before, AT_ONCE).await? {
                0 => break,
                traces => forgotten += traces,
            }
        }
    }
    Ok(forgotten)
}
