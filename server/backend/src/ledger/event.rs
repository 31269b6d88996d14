//! An event ready to be written, and what it costs.

use super::commit::row;
use super::content::{ContentHash, IdHash};
use super::known::{Entry, Known, Place};
use super::series::Series;
use super::stored::{Plan, Shape};
use chrono::{DateTime, Utc};
use domain::event::{EventInput, ReportedCost, Status};
use domain::ids::{EventKey, KeyId, OrgId, ProjectId};
use domain::meter::{Meters, Usage, UsageFormat};
use domain::price::{Asked, Books, Context};
use domain::rating::{ReceiptLine, Served, charge, upper_bound};
use rust_decimal::Decimal;

/// What an event costs, as it is booked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Booking {
    /// None means unpriced.
    pub(crate) cost: Option<Decimal>,
    pub(crate) lines: Vec<ReceiptLine>,
    pub(crate) priced_as: Option<String>,
    pub(crate) unpriced_reason: Option<String>,
    /// Estimate while unpriced.
    pub(crate) upper_bound: Option<Decimal>,
    /// What an answer from the sender's cache would have cost.
    pub(crate) avoided_cost: Option<Decimal>,
}

impl Booking {
    /// What its receipt has in common with others, and the quantities that are its own.
    pub(crate) fn plan(&self, used: &Meters) -> (Plan, Option<Vec<u8>>) {
        Plan::of(&self.lines, self.priced_as.as_deref(), self.unpriced_reason.as_deref(), used)
    }
}

/// An event ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) org_id: OrgId,
    pub(crate) key_id: KeyId,
    pub(crate) project_id: ProjectId,
    pub(crate) event_key: EventKey,
    /// The sender's id or the generated one.
    pub(crate) id: String,
    pub(crate) id_hash: IdHash,
    pub(crate) content_hash: ContentHash,
    pub(crate) timestamp: DateTime<Utc>,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) operation: String,
    pub(crate) status: Status,
    pub(crate) usage_format: UsageFormat,
    pub(crate) meters: Meters,
    /// How often rules of the organization had been undone when it was priced: with another number now, it may have a price that was taken back.
    pub(crate) rules_undone: i32,
    pub(crate) booking: Booking,
    /// The remaining fields, as they were sent.
    pub(crate) sent: EventInput,
    /// Where it counts; nowhere until [`Self::settle`].
    pub(crate) place: Place,
    /// All of the above as a row of PostgreSQL's binary COPY; empty until [`Self::settle`].
    pub(crate) row: Vec<u8>,
}

impl NewEvent {
    /// Finds where it counts and makes its row: in the request's own task, because the committer's time is everybody's.
    pub(crate) fn settle(&mut self, known: &Known) {
        let (shape, numbers) = Shape::of(self);
        let (plan, quantities) = self.booking.plan(&self.meters);
        let series = Series::of((self.project_id, self.key_id), self.status, &self.operation, &self.sent);
        self.place = known.place(series, &self.sent, [Entry::shape(&shape), Entry::plan(&plan)]);
        self.row = row::encode(self, &numbers, quantities.as_deref());
    }

    /// Its tokens of all kinds.
    pub(crate) fn tokens(&self) -> i64 {
        i64::try_from(self.meters.tokens()).unwrap_or(i64::MAX)
    }
}

/// How a call was asked for.
pub(crate) fn asked(sent: &EventInput) -> Asked<'_> {
    Asked {
        service_tier: sent.service_tier.as_deref(),
        speed: None,
        batch: sent.batch == Some(true),
        region: sent.region.as_deref(),
    }
}

/// Books an event with the price valid at its own time, or with the cost that its provider reported where that counts.
pub(crate) fn book(books: Books<'_>, sent: &EventInput, used: &Usage, meters: &Meters, at: DateTime<Utc>) -> Booking {
    let context = Context::of(asked(sent), &sent.usage);
    let served = Served { provider: &sent.provider, model: &sent.model, usage: used, at, context };
    if sent.response_cache_hit == Some(true) {
        // No provider call was made: nothing is owed, whatever the book knows or the provider said of the first answer.
        let (priced_as, avoided) =
            charge(books, served, None).map_or((None, None), |rated| (rated.priced_as, Some(rated.receipt.cost)));
        return Booking { cost: Some(Decimal::ZERO), priced_as, avoided_cost: avoided, ..Booking::default() };
    }
    match charge(books, served, sent.reported_cost.as_ref().and_then(ReportedCost::usd)) {
        Ok(charged) => Booking {
            cost: Some(charged.receipt.cost),
            lines: charged.receipt.lines,
            priced_as: charged.priced_as,
            ..Booking::default()
        },
        Err(unpriced) => Booking {
            unpriced_reason: Some(unpriced.to_string()),
            upper_bound: Some(upper_bound(books.common, &sent.provider, meters)),
            ..Booking::default()
        },
    }
}
