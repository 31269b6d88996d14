//! From a checked event to the row that is written: its project, its meters, its price.

use super::{Rejection, validate};
use crate::ledger::booking::{book, used_as_reported};
use crate::ledger::commit;
use crate::ledger::content::{IdHash, content_hash, id_hash, to_micros};
use crate::ledger::event::NewEvent;
use crate::ledger::key::key_at;
use crate::ledger::known::DictionaryRefs;
use crate::ledger::running::{self, Reached, Standings};
use crate::{Clock, OrgScope, Visible};
use chrono::{DateTime, Utc};
use domain::event::{DEFAULT_OPERATION, EventInput, MAX_QUANTITY, ReportedCost, Totals};
use domain::ids::{EventKey, KeyId, ProjectId};
use domain::meter::{Meters, Usage, UsageFormat, numbers_only, usage};
use domain::price::Books;
use domain::problem::FieldProblem;
use rust_decimal::Decimal;
use serde_json::Map;
use std::collections::HashMap;

/// What all events of a request have in common.
pub(super) struct Request<'a> {
    pub(super) scope: &'a OrgScope,
    pub(super) key_id: KeyId,
    pub(super) default_project: ProjectId,
    /// Projects of the organization by slug, as far as events of this request name them.
    pub(super) projects: &'a HashMap<String, ProjectId>,
    pub(super) books: Books<'a>,
    /// How often rules had been undone when the books were read.
    pub(super) rules_undone: i32,
    pub(super) now: DateTime<Utc>,
    pub(super) clock: &'a dyn Clock,
}

/// What an event says once its words are looked up.
struct LookedUp {
    project_id: ProjectId,
    operation: String,
    usage_format: UsageFormat,
    timestamp: DateTime<Utc>,
    event_key: EventKey,
    used: Usage,
    meters: Meters,
    counted_from: Option<Totals>,
    reached: Option<Reached>,
}

impl Request<'_> {
    /// Completes one event; of its usage object only what cannot be a prompt is kept.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub(super) fn prepare(&self, mut sent: EventInput, standings: &mut Standings) -> Result<NewEvent, Box<Rejection>> {
        if sent.reported_cost.is_none() {
            sent.reported_cost = ReportedCost::of_usage(&sent.provider, &sent.usage);
        }
        match self.look_up(&sent, standings) {
            Ok(read) => Ok(self.complete(sent, read)),
            Err(problem) => Err(Rejection::of(&sent, problem)),
        }
    }

    /// The series of an event with running totals.
    pub(super) fn series_of(&self, sent: &EventInput) -> Option<IdHash> {
        running::series_of(self.project(sent.project.as_deref()).ok()?, operation_of(sent), sent)
    }

    fn look_up(&self, sent: &EventInput, standings: &mut Standings) -> Result<LookedUp, FieldProblem> {
        let project_id = self.project(sent.project.as_deref())?;
        let operation = operation_of(sent).to_owned();
        let is_unknown = sent.reported_cost.is_some() && sent.usage.as_object().is_some_and(Map::is_empty);
        let usage_format = if is_unknown { UsageFormat::Meters } else { validate::usage_format(sent, &operation)? };
        let used = usage(usage_format, &sent.usage).map_err(first)?;
        bounded(&used.total())?;
        let timestamp = self.time_of(sent);
        let event_key = key_at(timestamp, self.clock.random());
        let series = running::series_of(project_id, &operation, sent);
        let growth = series.map(|series| standings.grow(series, (event_key, sent), (usage_format, used.clone())));
        let (used, counted_from, reached) =
            growth.map_or((used, None, None), |growth| (growth.used, growth.counted_from, growth.reached));
        let used = used_as_reported(self.books, &sent.counted_from(counted_from.as_ref()), used, timestamp);
        let meters = used.total();
        Ok(LookedUp { project_id, operation, usage_format, timestamp, event_key, used, meters, counted_from, reached })
    }

    fn complete(&self, mut sent: EventInput, read: LookedUp) -> NewEvent {
        let unread = read.used.unread_names();
        if unread.is_some() {
            commit::unread(read.usage_format);
        }
        // After it was read, because a number written as a text is a fault and must not vanish.
        sent.usage = numbers_only(&sent.usage);
        let LookedUp { timestamp, event_key, .. } = read;
        let id = sent.id.clone().unwrap_or_else(|| event_key.to_string());
        let counted = sent.counted_from(read.counted_from.as_ref());
        let booking = book(self.books, self.key_id, &counted, &read.used, &read.meters, timestamp);
        NewEvent {
            org_id: self.scope.org_id(),
            key_id: self.key_id,
            project_id: read.project_id,
            event_key,
            id_hash: id_hash(&id),
            id,
            content_hash: content_hash(&sent),
            timestamp,
            received_at: to_micros(self.now),
            operation: read.operation,
            status: sent.status.unwrap_or_default(),
            usage_format: read.usage_format,
            rules_undone: self.rules_undone,
            booking,
            unread,
            meters: read.meters,
            counted_from: read.counted_from,
            reached: read.reached,
            sent,
            refs: DictionaryRefs::default(),
            row: Vec::new(),
        }
    }

    fn time_of(&self, sent: &EventInput) -> DateTime<Utc> {
        to_micros(sent.timestamp.map_or(self.now, |at| at.to_utc()))
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

fn operation_of(sent: &EventInput) -> &str {
    sent.operation.as_deref().unwrap_or(DEFAULT_OPERATION)
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
