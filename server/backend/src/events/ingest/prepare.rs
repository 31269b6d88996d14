//! From a checked event to the row that is written: its project, its meters, its price.

use super::content::{ContentHash, IdHash, canonical_usage, content_hash, id_hash, to_micros};
use super::{Refusal, Refused, validate};
use crate::clock::id_at;
use crate::events::commit::row;
use crate::ledger::series::{Known, Place, Series};
use crate::{Clock, OrgScope, Visible};
use chrono::{DateTime, Utc};
use domain::event::{DEFAULT_OPERATION, EventInput, MAX_QUANTITY, ReportedCost, Status};
use domain::ids::{EventKey, KeyId, OrgId, ProjectId};
use domain::meter::{Meters, Usage, UsageFormat, numbers_only, usage};
use domain::price::{Asked, Books, Context};
use domain::problem::FieldProblem;
use domain::rating::{ReceiptLine, Served, charge, upper_bound};
use rust_decimal::Decimal;
use std::collections::HashMap;

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
    pub(crate) usage_json: String,
    pub(crate) meters: Meters,
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
    pub(super) fn settle(&mut self, known: &Known) {
        let whose = (self.project_id, self.key_id);
        self.place = known.place(Series::of(whose, self.status, &self.operation, &self.sent), &self.sent);
        self.row = row::encode(self);
    }

    /// Its tokens of all kinds.
    pub(crate) fn tokens(&self) -> i64 {
        i64::try_from(self.meters.tokens()).unwrap_or(i64::MAX)
    }
}

/// What all events of a request have in common.
pub(super) struct Request<'a> {
    pub(super) scope: &'a OrgScope,
    pub(super) key_id: KeyId,
    pub(super) default_project: ProjectId,
    /// Projects of the organization by slug, as far as events of this request name them.
    pub(super) projects: &'a HashMap<String, ProjectId>,
    pub(super) books: Books<'a>,
    pub(super) now: DateTime<Utc>,
    pub(super) clock: &'a dyn Clock,
}

/// What an event says once its words are looked up.
struct LookedUp {
    project_id: ProjectId,
    operation: String,
    usage_format: UsageFormat,
    used: Usage,
    meters: Meters,
}

impl Request<'_> {
    /// Completes one event; of its usage object only what cannot be a prompt is kept.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub(super) fn prepare(&self, sent: EventInput) -> Result<NewEvent, Refusal> {
        match self.look_up(&sent) {
            Ok(read) => Ok(self.complete(sent, read)),
            Err(problem) => Err(Refused::of(&sent, problem)),
        }
    }

    fn look_up(&self, sent: &EventInput) -> Result<LookedUp, FieldProblem> {
        let project_id = self.project(sent.project.as_deref())?;
        let operation = sent.operation.clone().unwrap_or_else(|| DEFAULT_OPERATION.to_owned());
        let usage_format = validate::usage_format(sent, &operation)?;
        let used = usage(usage_format, &sent.usage).map_err(first)?;
        let meters = used.total();
        bounded(&meters)?;
        Ok(LookedUp { project_id, operation, usage_format, used, meters })
    }

    fn complete(&self, mut sent: EventInput, read: LookedUp) -> NewEvent {
        // After it was read, because a number written as a text is a fault and must not vanish.
        sent.usage = numbers_only(&sent.usage);
        let timestamp = to_micros(sent.timestamp.map_or(self.now, |at| at.to_utc()));
        let event_key = id_at(timestamp, self.clock.random());
        let id = sent.id.clone().unwrap_or_else(|| event_key.to_string());
        NewEvent {
            org_id: self.scope.org_id(),
            key_id: self.key_id,
            project_id: read.project_id,
            event_key: EventKey(event_key),
            id_hash: id_hash(&id),
            id,
            content_hash: content_hash(&sent),
            timestamp,
            received_at: to_micros(self.now),
            operation: read.operation,
            status: sent.status.unwrap_or_default(),
            usage_format: read.usage_format,
            usage_json: canonical_usage(&sent.usage),
            booking: book(self.books, &sent, &read.used, &read.meters, timestamp),
            meters: read.meters,
            sent,
            place: Place::default(),
            row: Vec::new(),
        }
    }

    /// The event's project. A bound key learns nothing about other slugs, not even whether they exist.
    fn project(&self, slug: Option<&str>) -> Result<ProjectId, FieldProblem> {
        let Some(slug) = slug else { return Ok(self.default_project) };
        let found = self.projects.get(slug).copied();
        match self.scope.visible() {
            Visible::All => found.ok_or_else(|| {
                FieldProblem::new("/project", "unknown_project", "The organization has no project with this slug.")
            }),
            Visible::Only(_) => found.filter(|project| self.scope.sees(*project)).ok_or_else(|| {
                FieldProblem::new("/project", "project_not_allowed", "This API key is bound to another project.")
            }),
        }
    }
}

fn first(problems: Vec<FieldProblem>) -> FieldProblem {
    problems.into_iter().next().unwrap_or_else(|| FieldProblem::new("/usage", "invalid", "The usage cannot be read."))
}

/// Keeps sums over any number of events within their columns.
fn bounded(meters: &Meters) -> Result<(), FieldProblem> {
    let max = Decimal::from(MAX_QUANTITY);
    if meters.tokens() > MAX_QUANTITY || meters.iter().any(|(_, quantity)| quantity > max) {
        let detail = format!("One event can hold at most {MAX_QUANTITY} of anything.");
        return Err(FieldProblem::new("/usage", "too_large", detail));
    }
    Ok(())
}

/// Books an event with the price valid at its own time, or with the cost that its provider reported where that counts.
pub(crate) fn book(books: Books<'_>, sent: &EventInput, used: &Usage, meters: &Meters, at: DateTime<Utc>) -> Booking {
    let asked = Asked {
        service_tier: sent.service_tier.as_deref(),
        speed: None,
        batch: sent.batch == Some(true),
        region: sent.region.as_deref(),
    };
    let context = Context::of(asked, &sent.usage);
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
