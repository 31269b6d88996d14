//! Adjusting the cost of recorded events: each is read with what counts now, rated again, and what differs is appended and moved in every rollup.
//!
//! A recorded event is never edited: an adjustment says what an event costs from now on, and spend is booked plus adjustments.

mod moves;
mod sql;

pub(crate) use sql::{CURRENT_COST, LAST, StoredAdjustment, adjustments, event_of, is_last, series_of_event};

use super::booking::{Booking, book};
use super::commit::{enter_organization, mark_moved};
use super::rollup::RollupDelta;
use super::stored::StoredEvent;
use crate::locks::{self, Lock};
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::{EventKey, RunId};
use domain::meter::Meter;
use domain::model::canonical_provider;
use domain::period::Zone;
use domain::price::Books;
use domain::price::contract::{ContractTerm, Volume, term_for};
use domain::rating::{LineSource, ReceiptLine};
use domain::spend::Filter;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;

impl Booking {
    /// What the contract added, line by line.
    fn of_contract(&self) -> impl Iterator<Item = &ReceiptLine> {
        self.lines.iter().filter(|line| line.source.is_term())
    }

    /// Whether a plan includes what was used.
    fn is_included(&self) -> bool {
        self.lines.iter().any(|line| line.source == LineSource::Included)
    }

    /// The same under other lines of the contract; what has no cost, or is included in a plan, has none of them.
    fn under_contract(&self, lines: Vec<ReceiptLine>) -> Self {
        let Some(cost) = self.cost.filter(|_| !self.is_included()) else { return self.clone() };
        let sum = |lines: &mut dyn Iterator<Item = Decimal>| lines.sum::<Decimal>();
        let before = sum(&mut self.of_contract().map(|line| line.amount));
        let after = sum(&mut lines.iter().map(|line| line.amount));
        let prices = self.lines.iter().filter(|line| !line.source.is_term()).cloned();
        Self { cost: Some(cost - before + after), lines: prices.chain(lines).collect(), ..self.clone() }
    }

    /// Whether money or its estimate is the same. Other prices for the same amounts are nothing to adjust.
    fn same_money(&self, other: &Self) -> bool {
        let amounts = |booking: &Self| {
            let mut lines: Vec<_> = booking.lines.iter().map(|line| (line.meter, line.amount)).collect();
            lines.sort();
            lines
        };
        (self.cost, self.upper_bound) == (other.cost, other.upper_bound) && amounts(self) == amounts(other)
    }
}

/// What a recorded event costs now, with the event itself.
#[derive(Clone, Debug)]
pub(crate) struct CostState {
    pub(crate) event: StoredEvent,
    /// What counts now.
    pub(crate) current: Booking,
    /// How often it was adjusted.
    revision: i32,
    /// When it was adjusted last.
    pub(crate) adjusted_at: Option<DateTime<Utc>>,
    /// What counted before the run that is being reversed; read for reversals only.
    previous: Option<Booking>,
}

impl CostState {
    /// What the event would cost with these books, as of its own time; none where that is what counts already.
    ///
    /// What the contract took off for the month stays until the contract is applied again.
    pub(crate) fn rated_again(&self, books: Books<'_>) -> Option<Booking> {
        // What cannot be read any more keeps its cost.
        let used = self.event.used()?;
        let rated =
            book(books, self.event.key_id, &self.event.counted(), &used, &self.event.meters, self.event.timestamp);
        let booking = rated.under_contract(self.current.of_contract().cloned().collect());
        (!self.current.same_money(&booking)).then_some(booking)
    }

    /// What the terms of a contract count of the event: each meter under its term, with what it costs without the contract.
    ///
    /// An event without a price takes no part, nor does one that a plan includes.
    pub(crate) fn under<'a>(&self, terms: &'a [ContractTerm]) -> Vec<Counted<'a>> {
        let model = self.current.priced_as.as_deref().and_then(|label| label.split_once('/'));
        let (Some(_), Some((_, model))) = (self.current.cost, model) else { return Vec::new() };
        if self.current.is_included() {
            return Vec::new();
        }
        let seller = canonical_provider(&self.event.sent.provider);
        let mut amounts = BTreeMap::<Meter, Volume>::new();
        for line in self.current.lines.iter().filter(|line| !line.source.is_term()) {
            let charged = amounts.entry(line.meter).or_default();
            charged.amount += line.amount;
            // A modifier's line repeats the quantity of the price that it multiplies.
            charged.quantity = charged.quantity.max(line.quantity);
        }
        let counted = amounts.into_iter().filter_map(|(meter, charged)| {
            let term = term_for(terms, &seller, model, meter)?;
            let used = self.event.meters.get(meter);
            let quantity = if used.is_zero() { charged.quantity } else { used };
            Some(Counted { term, meter, volume: Volume { quantity, ..charged } })
        });
        counted.collect()
    }

    /// What the event costs with what a contract adds to each meter; none where that is what counts already.
    pub(crate) fn charged(&self, added: Vec<(Counted<'_>, Decimal)>) -> Option<Booking> {
        let line = |(counted, amount): (Counted<'_>, Decimal)| ReceiptLine {
            meter: counted.meter,
            quantity: counted.volume.quantity,
            amount,
            source: LineSource::Term { term_id: counted.term.term_id },
        };
        let lines = added.into_iter().filter(|(_, amount)| !amount.is_zero()).map(line).collect();
        let booking = self.current.under_contract(lines);
        (!self.current.same_money(&booking)).then_some(booking)
    }

    /// What the event would cost with these books, as of its own time, and whether an uplift of the common book is in it; no cost where it would have no price, or cannot be read any more.
    pub(crate) fn cost_with(&self, books: Books<'_>) -> (Option<Decimal>, bool) {
        let event = &self.event;
        let Some(used) = event.used() else { return (None, false) };
        let booking = book(books, event.key_id, &event.counted(), &used, &event.meters, event.timestamp);
        let is_uplift = |line: &ReceiptLine| match line.source {
            LineSource::Modifier { modifier_id, .. } => books.common.modifier(modifier_id).is_some(),
            LineSource::Price { .. } | LineSource::Term { .. } | LineSource::Reported | LineSource::Included => false,
        };
        let is_uplifted = booking.lines.iter().any(is_uplift);
        (booking.cost, is_uplifted)
    }

    /// What counted before the run that is being reversed.
    pub(crate) fn restored(&self) -> Option<Booking> {
        self.previous.clone()
    }
}

/// What a term of a contract counts of one event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a> {
    pub(crate) term: &'a ContractTerm,
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

/// The next events of a selection, in the projects that the caller sees. Answers from the sender's own cache cost nothing and are left out.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn read(
    connection: &mut PgConnection,
    scope: &OrgScope,
    selection: &Selection,
    after: Option<EventKey>,
    limit: i64,
) -> Result<Vec<CostState>, Error> {
    sql::selected(connection, scope, selection, after, limit).await
}

/// The oldest events that wait for a price under a name as it was sent.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn read_unpriced(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: (&str, &str),
    limit: i64,
) -> Result<Vec<CostState>, Error> {
    sql::unpriced(connection, scope, name, limit).await
}

/// The newest events since an instant with a cost that the provider reported in US dollars, in the projects that the caller sees. Answers from the sender's own cache are no calls of the provider and are left out.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn read_reported(
    connection: &mut PgConnection,
    scope: &OrgScope,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<CostState>, Error> {
    sql::reported(connection, scope, since, limit).await
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
) -> Result<Vec<CostState>, Error> {
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
    pub(crate) state: &'a CostState,
    pub(crate) to: Booking,
}

/// Who appends adjustments.
#[derive(Clone, Copy)]
pub(crate) struct AdjustmentSource {
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
    let zone = enter_organization(connection, scope.org_id(), now).await?;
    locks::hold(connection, Lock::Costs.of(scope.org_id())).await?;
    Ok(zone)
}

/// Recorded events with what counts now, by key, for whoever takes them back: nobody adjusts them until the transaction ends.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn lock_states(
    connection: &mut PgConnection,
    scope: &OrgScope,
    keys: &[EventKey],
) -> Result<Vec<CostState>, Error> {
    locks::hold(connection, Lock::Costs.of(scope.org_id())).await?;
    sql::states(connection, scope, keys).await
}

/// Takes what an organization's events cost beyond what was booked away from sums.
pub(super) fn take_back(rollups: &mut RollupDelta, scope: &OrgScope, states: &[&CostState]) {
    let adjustments: Vec<Adjustment<'_>> =
        states.iter().map(|state| Adjustment { state, to: state.event.booking.clone() }).collect();
    moves::add(rollups, scope.org_id(), scope.zone(), &adjustments);
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
    source: AdjustmentSource,
    adjustments: &[Adjustment<'_>],
) -> Result<(), Error> {
    if adjustments.is_empty() {
        return Ok(());
    }
    let now = backend.clock.now();
    sql::append(connection, scope, source, adjustments, now).await?;
    let mut sums = RollupDelta::default();
    moves::add(&mut sums, scope.org_id(), zone, adjustments);
    let moved = sums.adjust(connection).await?;
    mark_moved(connection, backend.clock.as_ref(), &moved, now).await
}
