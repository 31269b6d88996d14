//! Adjusting the cost of recorded events: each is read with what counts now, rated again, and what differs is appended and moved in every rollup.
//!
//! Events are never edited: an adjustment says what an event costs from now on, and spend is booked plus adjustments.

mod moves;
mod sql;

pub(super) use sql::{CURRENT_COST, adjustments_of};
pub(crate) use sql::{CURRENT_RECEIPT, LAST};

use super::commit::{enter_organization, mark_moved};
use super::ingest::{Booking, book};
use super::receipt::StoredLine;
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::event::{EventInput, Status};
use domain::ids::{EventKey, KeyId, ProjectId, RunId};
use domain::meter::{Meters, UsageFormat, usage};
use domain::period::Zone;
use domain::price::Books;
use domain::spend::Filter;
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// What an event costs as it was booked, or as it was adjusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// None means unpriced.
    pub(crate) cost: Option<Decimal>,
    /// Estimate while unpriced.
    pub(crate) upper_bound: Option<Decimal>,
    lines: Vec<StoredLine>,
    priced_as: Option<String>,
    unpriced_reason: Option<String>,
}

impl Standing {
    /// Whether money or its estimate is the same. Other prices for the same amounts are nothing to adjust.
    fn same_money(&self, other: &Self) -> bool {
        let amounts = |standing: &Self| {
            let mut lines: Vec<_> = standing.lines.iter().map(|line| (line.meter.clone(), line.amount)).collect();
            lines.sort();
            lines
        };
        (self.cost, self.upper_bound) == (other.cost, other.upper_bound) && amounts(self) == amounts(other)
    }
}

impl From<Booking> for Standing {
    fn from(booking: Booking) -> Self {
        Self {
            cost: booking.cost,
            upper_bound: booking.upper_bound,
            lines: booking.lines.iter().map(Into::into).collect(),
            priced_as: booking.priced_as,
            unpriced_reason: booking.unpriced_reason,
        }
    }
}

/// A recorded event with what counts now.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) event_key: EventKey,
    pub(crate) timestamp: DateTime<Utc>,
    pub(crate) project_id: ProjectId,
    key_id: KeyId,
    operation: String,
    status: Status,
    usage_format: UsageFormat,
    meters: Meters,
    /// The remaining fields, as far as they decide a price or a rollup.
    pub(crate) sent: EventInput,
    /// What counts now.
    pub(crate) current: Standing,
    /// How often it was adjusted.
    revision: i32,
    /// What counted before the run that is being reversed; read for reversals only.
    previous: Option<Standing>,
}

impl Recorded {
    /// What the event would cost with these books, as of its own time; none where that is what counts already.
    pub(crate) fn rated_again(&self, books: Books<'_>) -> Option<Standing> {
        // What cannot be read any more keeps its cost.
        let used = usage(self.usage_format, &self.sent.usage).ok()?;
        let standing = book(books, &self.sent, &used, &self.meters, self.timestamp).into();
        (!self.current.same_money(&standing)).then_some(standing)
    }

    /// What the event would cost with these books, as of its own time, and whether an uplift of the common book is in it; no cost where it would have no price, or cannot be read any more.
    pub(crate) fn cost_with(&self, books: Books<'_>) -> (Option<Decimal>, bool) {
        let Ok(used) = usage(self.usage_format, &self.sent.usage) else { return (None, false) };
        let booking = book(books, &self.sent, &used, &self.meters, self.timestamp);
        let is_uplifted = booking.lines.iter().any(|line| books.common.modifier(line.price_id).is_some());
        (booking.cost, is_uplifted)
    }

    /// Its place in the order of events.
    pub(crate) fn place(&self) -> Place {
        (self.timestamp, self.event_key)
    }

    /// What counted before the run that is being reversed.
    pub(crate) fn restored(&self) -> Option<Standing> {
        self.previous.clone()
    }
}

/// Which events are read.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
    pub(crate) filters: Vec<Filter>,
    /// Only those that wait for a price.
    pub(crate) unpriced: bool,
}

/// A place in the order of events: by time, then by key.
pub(crate) type Place = (DateTime<Utc>, EventKey);

/// The next events of a selection. Answers from the sender's own cache cost nothing and are left out.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn read(
    connection: &mut PgConnection,
    scope: &OrgScope,
    selection: &Selection,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    sql::selected(connection, scope, selection, after, limit).await
}

/// The oldest events that wait for a price under a name as it was sent.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn read_waiting(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: (&str, &str),
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    sql::waiting(connection, scope, name, limit).await
}

/// The next events that a run adjusted, in the order of their keys, with what counted before.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn read_adjusted(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    after: Option<EventKey>,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    let keys = sql::adjusted_keys(connection, scope, run_id, after, limit).await?;
    sql::by_keys(connection, scope, run_id, &keys).await
}

/// How many events of a run were adjusted again by later runs: such a run cannot be reversed before those.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn adjusted_again(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
) -> Result<i64, Error> {
    sql::adjusted_again(connection, scope, run_id).await
}

/// An adjustment to be appended.
pub(crate) struct Adjustment<'a> {
    pub(crate) event: &'a Recorded,
    pub(crate) to: Standing,
}

/// Who appends adjustments.
#[derive(Clone, Copy)]
pub(crate) struct By {
    pub(crate) run_id: RunId,
    pub(crate) is_reversal: bool,
}

/// Enters the organization for adjusting, as the committer does for recording; its zone until the transaction ends, none if it is gone.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn enter(
    connection: &mut PgConnection,
    scope: &OrgScope,
    now: DateTime<Utc>,
) -> Result<Option<Zone>, Error> {
    enter_organization(connection, scope.org_id(), now).await
}

/// Appends adjustments, moves every rollup and leaves marks for budgets, in the caller's transaction, which [`enter`]ed the organization.
///
/// # Errors
/// [`Error::Database`]; a second adjustment of an event by the same run is refused by the database.
pub(crate) async fn apply(
    backend: &Backend,
    connection: &mut PgConnection,
    scope: &OrgScope,
    zone: Zone,
    by: By,
    adjustments: &[Adjustment<'_>],
) -> Result<(), Error> {
    if adjustments.is_empty() {
        return Ok(());
    }
    let now = backend.clock.now();
    sql::append(connection, scope, by, adjustments, now).await?;
    let moved = moves::sum(scope.org_id(), zone, adjustments);
    sql::move_quarters(connection, &moved.quarters).await?;
    sql::move_days(connection, &moved.days).await?;
    sql::move_labels(connection, &moved.labels).await?;
    sql::move_meters(connection, &moved.meters).await?;
    let marks: Vec<_> = moved
        .touched
        .into_iter()
        .map(|(project_id, day): (ProjectId, NaiveDate)| (backend.clock.new_id(), (scope.org_id(), project_id, day)))
        .collect();
    mark_moved(connection, &marks, now).await
}
