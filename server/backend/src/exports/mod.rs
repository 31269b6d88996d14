//! Exports: spend as datasets for other tools.
//!
//! Rows come from receipts, because only these have the price behind every amount: a walk over the events of the span, some at a time, that adds up hours or days and lets each go when the next begins.
//! So any span needs the same memory, a slow reader holds no connection, and tags and hours are as exact as the rest.
//! Of days whose events are no longer kept, rows are the sums by day and meter, without prices.

mod file;
mod known;
mod parquet_file;
pub mod schedules;
mod sql;

pub use file::{Piece, file};

use crate::allocation::Ways;
use crate::ledger::adjust::{self, CostState, Selection};
use crate::ledger::kept_from;
use crate::{Backend, Error, OrgScope, events, identity, projects, spend};
use chrono::{DateTime, Duration, NaiveDate, Timelike, Utc};
use domain::event::{Aggregate, EventInput};
use domain::focus::Version;
use domain::focus::charge::{Amounts, Charge, Charged, charges, movements};
use domain::focus::manifest::{Manifest, Preview, UnpricedModel};
use domain::focus::query::{FocusQuery, TagKey};
use domain::focus::row::{Account, AllocatedCharge, FocusRow, RowKey, Rows};
use domain::identity::Permission;
use domain::ids::{EventKey, ProjectId};
use domain::meter::Meter;
use domain::period::{Period, Zone};
use domain::project::Owner;
use domain::spend::{Dimension, SpendQuery};
use known::Known;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// Events that are read at once.
const PAGE: i64 = 2_000;
/// Rows that are held: beyond them they are let go before their hour or day is over, and its later rows stand for themselves.
const MAX_HELD: usize = 20_000;

/// What an export of these days adds up to, and what is not in it.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn manifest(backend: &Backend, scope: &OrgScope, query: &FocusQuery) -> Result<Manifest, Error> {
    let total = spend::query(backend, scope, &SpendQuery::over(query.period)).await?.total;
    let mut unpriced: Vec<UnpricedModel> = events::unpriced_in(backend, scope, query.period)
        .await?
        .into_iter()
        .map(|row| UnpricedModel {
            provider: row.provider,
            model: row.model,
            requests: i64::try_from(row.events).unwrap_or(i64::MAX),
            tokens: i64::try_from(row.tokens).unwrap_or(i64::MAX),
            upper_bound: row.upper_bound,
        })
        .collect();
    unpriced.sort_by_key(|model| Reverse(model.requests));
    let priced_from = first_priced(backend, scope).await?.filter(|first| *first > query.period.from);
    Ok(Manifest {
        query: query.clone(),
        time_zone: scope.zone().name().to_owned(),
        billed: total.spend,
        requests: total.requests,
        unpriced_requests: total.unpriced_requests,
        unpriced,
        priced_from,
    })
}

/// Rows that a preview shows.
const PREVIEWED: usize = 8;

/// The beginning of an export, with what it adds up to and how large it is about.
///
/// # Errors
/// As [`manifest`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn preview(backend: &Backend, scope: &OrgScope, query: &FocusQuery) -> Result<Preview, Error> {
    let manifest = manifest(backend, scope, query).await?;
    let about_rows = sql::meter_days(&backend.pool, scope, query.period).await?;
    let mut export = FocusExport::begin(backend, scope, query).await?;
    let mut rows = export.next().await?.unwrap_or_default();
    rows.truncate(PREVIEWED);
    Ok(Preview { manifest, account: export.account, rows, about_rows })
}

/// The first day of which all events are still kept; none where none have left yet.
async fn first_priced(backend: &Backend, scope: &OrgScope) -> Result<Option<NaiveDate>, Error> {
    let kept = kept_from(backend, scope).await?;
    Ok(kept.map(|kept| {
        let day = scope.zone().day_of(kept);
        if scope.zone().start_of(day) < kept { next_day(day) } else { day }
    }))
}

/// An export on its way: some rows at a time, in the order of time.
pub struct FocusExport {
    backend: Backend,
    scope: OrgScope,
    query: FocusQuery,
    account: Account,
    known: Known,
    /// Where allocation rules move charges, for versions that have columns for it.
    ways: Option<Ways>,
    owners: HashMap<(ProjectId, NaiveDate), Owner>,
    /// The next day whose rows are sums; none once those with events have begun.
    summed: Option<NaiveDate>,
    /// The instants of the days with events; none once the last was read.
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    last: Option<EventKey>,
    held: Rows,
}

impl FocusExport {
    /// Begins an export of what the caller sees.
    ///
    /// # Errors
    /// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
    #[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
    pub async fn begin(backend: &Backend, scope: &OrgScope, query: &FocusQuery) -> Result<Self, Error> {
        scope.require(Permission::Read)?;
        let organization = identity::organization(backend, scope).await?;
        let Period { from, to } = query.period;
        let ways = match query.version >= Version::V1_3 {
            true => Ways::read(backend, scope, query.period).await?,
            false => None,
        };
        let priced = first_priced(backend, scope).await?.unwrap_or(from).clamp(from, to);
        Ok(Self {
            account: Account { id: scope.org_id().to_string(), name: organization.name },
            known: Known::default(),
            ways,
            owners: HashMap::new(),
            summed: (from < priced).then_some(from),
            span: (priced < to).then(|| scope.zone().instants(Period { from: priced, to })),
            last: None,
            held: Rows::new(),
            backend: backend.clone(),
            scope: scope.clone(),
            query: query.clone(),
        })
    }

    /// Whose rows they are.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The next rows; none after the last.
    ///
    /// # Errors
    /// [`Error::Database`]; [`Error::Inconsistent`] for an event that cannot be read.
    #[tracing::instrument(level = "debug", skip_all, fields(org_id = %self.scope.org_id()))]
    pub async fn next(&mut self) -> Result<Option<Vec<FocusRow>>, Error> {
        loop {
            let rows = if let Some(day) = self.summed {
                let next = next_day(day);
                let first = self.span.map_or(self.query.period.to, |(from, _)| self.scope.zone().day_of(from));
                self.summed = (next < first).then_some(next);
                self.sums_of(day).await?
            } else if let Some(span) = self.span {
                self.page(span).await?
            } else {
                return Ok(None);
            };
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
    }

    /// Rows of a day whose events are no longer kept.
    async fn sums_of(&mut self, day: NaiveDate) -> Result<Vec<FocusRow>, Error> {
        let sums = {
            let _permit = self.backend.readers.permit(&self.scope).await?;
            sql::sums(&self.backend.pool, &self.scope, day).await?
        };
        let start = self.scope.zone().start_of(day);
        for sum in sums {
            // What a plan takes away is no usage of its own.
            let is_included = sum.meter == Meter::Included;
            let key = RowKey {
                start,
                project_id: sum.project_id,
                book_model: sum.model.clone(),
                provider: sum.provider,
                model: sum.model,
                meter: sum.meter,
                charge: if is_included { Charge::Adjusted } else { Charge::Amount },
                is_correction: false,
                tags: Vec::new(),
                route: None,
            };
            let amounts = Amounts { billed: sum.billed, consumed: sum.quantity, charged: sum.billed };
            *self.held.entry(key).or_default() += amounts;
        }
        self.let_go(false).await
    }

    /// Adds up the next events, and lets go what is over.
    async fn page(&mut self, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> Result<Vec<FocusRow>, Error> {
        let selection =
            Selection { from: Some(from), to: Some(to), filters: Vec::new(), received_until: None, unpriced: false };
        let states = {
            let _permit = self.backend.readers.permit(&self.scope).await?;
            let mut connection = self.backend.pool.acquire().await?;
            adjust::read(&mut connection, &self.scope, &selection, self.last, PAGE).await?
        };
        self.known.learn(&self.backend, &self.scope, &states).await?;
        let is_last = i64::try_from(states.len()).is_ok_and(|read| read < PAGE);
        let (zone, mut rows) = (self.scope.zone(), Vec::new());
        for state in &states {
            let start = start_of(zone, state.event.timestamp, self.query.hourly);
            let is_over = self.held.first_key_value().is_some_and(|(first, _)| first.start != start);
            if is_over || self.held.len() >= MAX_HELD {
                rows.extend(self.let_go(self.query.hourly).await?);
            }
            self.add(state, start);
        }
        self.last = states.last().map(|state| state.event.event_key).or(self.last);
        if is_last {
            self.span = None;
            rows.extend(self.let_go(self.query.hourly).await?);
        }
        Ok(rows)
    }

    /// Adds what an event was charged when it first had a price, and what moved since.
    fn add(&mut self, state: &CostState, start: DateTime<Utc>) {
        let (event, current) = (&state.event, &state.current);
        // What has no price now has no row, whatever it once cost.
        if current.cost.is_none() {
            return;
        }
        let first = if event.booking.cost.is_some() { &event.booking } else { current };
        let counted = event.counted();
        let priced = charges(&first.lines, &event.meters, requests_of(&counted), &self.known.beside(state, first));
        let zone = self.scope.zone();
        let month = Period::month_of(zone.day_of(event.timestamp));
        let is_late = state.adjusted_at.is_some_and(|at| at >= zone.start_of(month.to));
        let tags = tags_of(&self.query.tags, &event.sent, event.operation(), &event.key_id.to_string());
        let label = |label: &Dimension| label_of(&event.sent, label).map_or("", String::as_str);
        let ways = self.ways.as_ref();
        let route = ways.and_then(|ways| ways.route(event.series_id, zone.day_of(event.timestamp), label));
        let moved = movements(&first.lines, &current.lines).into_iter().map(|charged| (charged, is_late));
        for (Charged { meter, charge, amounts }, is_correction) in priced.into_iter().map(|of| (of, false)).chain(moved)
        {
            let book_model = first.priced_as.as_deref().and_then(|label| label.split_once('/'));
            let key = RowKey {
                start,
                project_id: event.project_id,
                provider: event.sent.provider.clone(),
                model: event.sent.model.clone(),
                book_model: book_model.map_or_else(|| event.sent.model.clone(), |(_, model)| model.to_owned()),
                meter,
                charge,
                is_correction,
                tags: tags.clone(),
                route,
            };
            *self.held.entry(key).or_default() += amounts;
        }
    }

    /// Rows that were added up, with what is known of them.
    async fn let_go(&mut self, hourly: bool) -> Result<Vec<FocusRow>, Error> {
        let held = std::mem::take(&mut self.held);
        let zone = self.scope.zone();
        let wanted: BTreeSet<_> = held.keys().map(|key| (key.project_id, zone.day_of(key.start))).collect();
        if wanted.iter().any(|wanted| !self.owners.contains_key(wanted)) {
            self.owners = projects::owners_on(&self.backend.pool, &self.scope, &wanted).await?;
        }
        let is_worth_a_row = |(key, amounts): &(RowKey, Amounts)| key.charge.is_usage() || !amounts.billed.is_zero();
        let owners = &self.owners;
        let row = |known: &Known, (key, amounts, allocated): (RowKey, Amounts, Option<AllocatedCharge>)| {
            let day = zone.day_of(key.start);
            let end = if hourly { key.start + Duration::hours(1) } else { zone.start_of(next_day(day)) };
            let owner = owners.get(&(key.project_id, day)).cloned().unwrap_or_else(|| nameless(key.project_id));
            FocusRow {
                end,
                billing: zone.instants(Period::month_of(day)),
                owner,
                price: known.price(&key.charge),
                term: known.term(&key.charge),
                key,
                amounts,
                allocated,
            }
        };
        let mut rows = Vec::with_capacity(held.len());
        for (key, amounts) in held.into_iter().filter(is_worth_a_row) {
            let parts = match (key.route, &mut self.ways) {
                (Some(route), Some(ways)) => ways.parts(route, zone.day_of(key.start)),
                _ => Default::default(),
            };
            if parts.is_empty() {
                rows.push(row(&self.known, (key, amounts, None)));
                continue;
            }
            let weights: Vec<i128> = parts.iter().map(|(_, weight)| *weight).collect();
            for (part, (charge, _)) in amounts.split(&weights).into_iter().zip(parts.iter()) {
                rows.push(row(&self.known, (key.clone(), of_part(&key.charge, part), Some(charge.clone()))));
            }
        }
        Ok(rows)
    }
}

/// Where only an amount is known, it is the quantity too.
fn of_part(charge: &Charge, part: Amounts) -> Amounts {
    match charge {
        Charge::Amount => Amounts { charged: part.billed, ..part },
        _ => part,
    }
}

/// The value of a label, as the event was sent.
fn label_of<'a>(sent: &'a EventInput, label: &Dimension) -> Option<&'a String> {
    match label {
        Dimension::Customer => sent.customer.as_ref(),
        Dimension::User => sent.user.as_ref(),
        Dimension::Tag(name) => sent.tags.get(name),
        _ => None,
    }
}

/// When the organization's hour or day that holds an instant begins.
fn start_of(zone: Zone, at: DateTime<Utc>, hourly: bool) -> DateTime<Utc> {
    if !hourly {
        return zone.start_of(zone.day_of(at));
    }
    let local = zone.local(at);
    let since = Duration::seconds(i64::from(local.minute() * 60 + local.second()));
    at - since - Duration::nanoseconds(i64::from(at.timestamp_subsec_nanos()))
}

fn next_day(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(day)
}

/// How many requests an event stands for.
fn requests_of(sent: &EventInput) -> u64 {
    if sent.aggregate == Some(Aggregate::Sum) { sent.requests.unwrap_or(1) } else { 1 }
}

/// The tags that were asked for and that an event has, as it was sent.
fn tags_of(keys: &[TagKey], sent: &EventInput, operation: &str, api_key: &str) -> Vec<(String, String)> {
    let value = |key: &TagKey| match &key.0 {
        Dimension::Feature => sent.feature.clone(),
        Dimension::Environment => sent.environment.clone(),
        Dimension::Customer => sent.customer.clone(),
        Dimension::User => sent.user.clone(),
        Dimension::Cohort => sent.cohort.clone(),
        Dimension::Step => sent.step.clone(),
        Dimension::Operation => Some(operation.to_owned()),
        Dimension::ApiKey => Some(api_key.to_owned()),
        Dimension::Tag(name) => sent.tags.get(name).cloned(),
        // These have columns of their own.
        Dimension::Project
        | Dimension::Team
        | Dimension::AllocatedTeam
        | Dimension::ProductLine
        | Dimension::Model
        | Dimension::Provider
        | Dimension::Status
        | Dimension::UnreadUsage => None,
    };
    keys.iter().filter_map(|key| Some((key.key(), value(key)?))).collect()
}

/// A sum is never dropped for want of a name.
fn nameless(project_id: ProjectId) -> Owner {
    let name = project_id.to_string();
    Owner { project: name.clone(), project_name: name, ..Owner::default() }
}
