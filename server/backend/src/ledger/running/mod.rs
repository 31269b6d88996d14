//! Running totals: senders that repeat what a session or a day has come to so far. Each event counts what its series grew by since it last reported.
//!
//! An event is priced before it is committed, from what its series stands at then; if that has moved at the commit, the request is to be sent again.

mod sql;

pub(super) use sql::forget_before;

use super::content::{IdHash, id_hash};
use super::event::NewEvent;
use super::key::time_of;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::event::{Aggregate, EventInput, Totals};
use domain::ids::{EventKey, OrgId, ProjectId};
use domain::meter::{Usage, UsageFormat, usage};
use domain::problem::Problem;
use sqlx::{PgConnection, PgPool};
use std::collections::{BTreeMap, HashMap};

/// A series that did not report for so many days begins anew: what it stood at is forgotten.
pub(super) const SILENT_DAYS: i64 = 366;

/// What a series stands at.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// The event that brought it there.
    event_key: EventKey,
    totals: Totals,
}

/// What a series stands at with an event.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    series: IdHash,
    /// The event that brought it to what this one counts from; none where it is the first.
    after: Option<EventKey>,
    totals: Totals,
}

/// What series stand at, as far as events of one request name them; moved on as they are read.
#[derive(Debug, Default)]
pub(crate) struct Standings(HashMap<IdHash, Standing>);

/// What of an event with running totals counts.
pub(crate) struct Growth {
    /// What was used since.
    pub(crate) used: Usage,
    /// The totals from which it counts; none where all of it does.
    pub(crate) counted_from: Option<Totals>,
    /// What the series stands at with it; none where that is not more.
    pub(crate) reached: Option<Reached>,
}

/// The hash of an event's series; none where it has no running totals.
pub(crate) fn series_of(project_id: ProjectId, operation: &str, sent: &EventInput) -> Option<IdHash> {
    let series = sent.series.as_deref().filter(|_| sent.aggregate == Some(Aggregate::Cumulative))?;
    // None of these holds a control character.
    Some(id_hash(&[&project_id.to_string(), &*sent.provider, &*sent.model, operation, series].join("\0")))
}

impl Standings {
    /// What these series stand at.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn of(pool: &PgPool, scope: &OrgScope, series: Vec<IdHash>) -> Result<Self, Error> {
        if series.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self(sql::standings(pool, scope, &series).await?))
    }

    /// What of an event counts whose series has this hash and whose usage was read.
    ///
    /// * Totals that reach those before count what they grew by.
    /// * Newer ones that do not are those of a counter that began anew: all of them counts.
    /// * Older ones came late: nothing of them counts.
    pub(crate) fn grow(
        &mut self,
        series: IdHash,
        (event_key, sent): (EventKey, &EventInput),
        (format, used): (UsageFormat, Usage),
    ) -> Growth {
        let totals = Totals::of(sent);
        let before = self.0.get(&series);
        let grown = before.map(|before| {
            let earlier = usage(format, &before.totals.usage).ok()?;
            used.grown_since(&earlier).filter(|_| before.totals.are_reached_by(sent))
        });
        let (used, counted_from) = match (grown, before) {
            (None, _) | (_, None) => (used, None),
            (Some(Some(grown)), Some(before)) => (grown, Some(before.totals.clone())),
            (Some(None), Some(before)) if time_of(event_key) > time_of(before.event_key) => (used, None),
            (Some(None), Some(_)) => (used.grown_since(&used).unwrap_or_else(|| used.clone()), Some(totals.clone())),
        };
        let is_the_same = counted_from.as_ref().is_some_and(|from| {
            used.is_empty() && from.requests == totals.requests && from.reported_cost == totals.reported_cost
        });
        let reached = (!is_the_same).then(|| {
            let after = self.0.insert(series, Standing { event_key, totals: totals.clone() });
            Reached { series, after: after.map(|standing| standing.event_key), totals }
        });
        Growth { used, counted_from, reached }
    }
}

/// Moves series on to where new events bring them.
///
/// # Errors
/// [`Problem::Unavailable`] where another request moved one since these events were priced: sent again, they count from there. [`Problem::Conflict`] where an event between two of them was not recorded. [`Error::Database`].
pub(super) async fn advance(
    connection: &mut PgConnection,
    fresh: &[&NewEvent],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut chains = BTreeMap::<_, Vec<Link<'_>>>::new();
    for event in fresh {
        if let Some(reached) = &event.reached {
            let link = Link { event_key: event.event_key, reached };
            chains.entry((event.org_id, reached.series)).or_default().push(link);
        }
    }
    if chains.is_empty() {
        return Ok(());
    }
    let steps = chains.into_iter().map(|(place, links)| step(place, &links).ok_or_else(|| Problem::conflict(BROKEN)));
    let steps: Vec<sql::Step<'_>> = steps.collect::<Result<_, _>>()?;
    if sql::advance(connection, &steps, now).await? == steps.len() {
        return Ok(());
    }
    Err(Problem::Unavailable { retry_after_secs: super::commit::RETRY_AFTER_SECS }.into())
}

/// What is said where a series cannot be followed from one event to the next.
const BROKEN: &str = "An event between two totals of a series was not recorded. Send the later ones again, without it.";

/// An event that moves a series.
struct Link<'a> {
    event_key: EventKey,
    reached: &'a Reached,
}

/// From where to where events of one series bring it, each of which names the one before; none where one between them is missing.
fn step<'a>(place: (OrgId, IdHash), links: &[Link<'a>]) -> Option<sql::Step<'a>> {
    let by_before: HashMap<Option<EventKey>, &Link<'a>> = links.iter().map(|link| (link.reached.after, link)).collect();
    let is_among = |key: Option<EventKey>| links.iter().any(|link| Some(link.event_key) == key);
    let first = links.iter().find(|link| !is_among(link.reached.after))?.reached.after;
    let mut last = by_before.get(&first)?;
    let mut walked = 1;
    while let Some(next) = by_before.get(&Some(last.event_key)) {
        (last, walked) = (next, walked + 1);
    }
    let step = sql::Step { place, first, last: last.event_key, totals: &last.reached.totals };
    (walked == links.len()).then_some(step)
}
