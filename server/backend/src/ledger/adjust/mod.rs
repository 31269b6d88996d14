//! Adjusting the cost of recorded events: each is read with what counts now, rated again, and what differs is appended and moved in every rollup.
//!
//! Events are never edited: an adjustment says what an event costs from now on, and spend is booked plus adjustments.

mod moves;
mod sql;

pub(crate) use sql::{CURRENT_COST, CURRENT_RECEIPT, LAST, adjustments_of, event_of, is_last};

use super::commit::{enter_organization, mark_moved};
use super::event::{Booking, book};
use super::receipt::StoredLine;
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::event::EventInput;
use domain::ids::{EventKey, ProjectId, RunId};
use domain::meter::{Meter, Meters, UsageFormat, usage};
use domain::model::canonical_provider;
use domain::period::Zone;
use domain::price::Books;
use domain::price::contract::{TermRow, Volume, is_term, term_for};
use domain::spend::Filter;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;

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
    /// What the contract added, line by line.
    fn of_contract(&self) -> impl Iterator<Item = &StoredLine> {
        self.lines.iter().filter(|line| is_term(line.price_id))
    }

    /// The same under other lines of the contract; what has no cost has none of them.
    fn under_contract(&self, lines: Vec<StoredLine>) -> Self {
        let Some(cost) = self.cost else { return self.clone() };
        let sum = |lines: &mut dyn Iterator<Item = Decimal>| lines.sum::<Decimal>();
        let before = sum(&mut self.of_contract().map(|line| line.amount));
        let after = sum(&mut lines.iter().map(|line| line.amount));
        let prices = self.lines.iter().filter(|line| !is_term(line.price_id)).cloned();
        Self { cost: Some(cost - before + after), lines: prices.chain(lines).collect(), ..self.clone() }
    }

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
    series_id: i64,
    labels: Vec<i64>,
    usage_format: UsageFormat,
    meters: Meters,
    /// The remaining fields, as far as they decide a price.
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
    ///
    /// What the contract took off for the month stays until the contract is applied again.
    pub(crate) fn rated_again(&self, books: Books<'_>) -> Option<Standing> {
        // What cannot be read any more keeps its cost.
        let used = usage(self.usage_format, &self.sent.usage).ok()?;
        let rated = Standing::from(book(books, &self.sent, &used, &self.meters, self.timestamp));
        let standing = rated.under_contract(self.current.of_contract().cloned().collect());
        (!self.current.same_money(&standing)).then_some(standing)
    }

    /// What the terms of a contract count of the event: each meter under its term, with what it costs without the contract.
    ///
    /// An event without a price takes no part.
    pub(crate) fn under<'a>(&self, terms: &'a [TermRow]) -> Vec<Counted<'a>> {
        let model = self.current.priced_as.as_deref().and_then(|label| label.split_once('/'));
        let (Some(_), Some((_, model))) = (self.current.cost, model) else { return Vec::new() };
        let seller = canonical_provider(&self.sent.provider);
        let mut amounts = BTreeMap::<Meter, Volume>::new();
        for line in self.current.lines.iter().filter(|line| !is_term(line.price_id)) {
            // Every stored meter is one of ours: it was written by its word.
            let Some(meter) = Meter::parse(&line.meter) else { continue };
            let charged = amounts.entry(meter).or_default();
            charged.amount += line.amount;
            // A modifier's line repeats the quantity of the price that it multiplies.
            charged.quantity = charged.quantity.max(line.quantity);
        }
        let counted = amounts.into_iter().filter_map(|(meter, charged)| {
            let term = term_for(terms, &seller, model, meter)?;
            let used = self.meters.get(meter);
            let quantity = if used.is_zero() { charged.quantity } else { used };
            Some(Counted { term, meter, volume: Volume { quantity, ..charged } })
        });
        counted.collect()
    }

    /// What the event costs with what a contract adds to each meter; none where that is what counts already.
    pub(crate) fn charged(&self, added: Vec<(Counted<'_>, Decimal)>) -> Option<Standing> {
        let line = |(counted, amount): (Counted<'_>, Decimal)| StoredLine {
            meter: counted.meter.as_str().to_owned(),
            quantity: counted.volume.quantity,
            amount,
            price_id: counted.term.term_id,
        };
        let lines = added.into_iter().filter(|(_, amount)| !amount.is_zero()).map(line).collect();
        let standing = self.current.under_contract(lines);
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

/// What a term of a contract counts of one event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a> {
    pub(crate) term: &'a TermRow,
    meter: Meter,
    pub(crate) volume: Volume,
}

/// Which events are read.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
    pub(crate) filters: Vec<Filter>,
    /// Only those that were received until then.
    pub(crate) received_until: Option<DateTime<Utc>>,
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
    let moved = moves::sum(scope.org_id(), zone, adjustments).adjust(connection).await?;
    mark_moved(connection, backend.clock.as_ref(), &moved, now).await
}
