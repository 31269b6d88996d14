//! What proposals would have meant for usage that is over: recorded events, rated again with the prices that hold and with those proposed.

use super::{Read, name_of};
use crate::ledger::adjust::{self, CostState, Selection};
use crate::prices::own::{self, HeldBooks};
use crate::{Backend, Error, OrgScope, identity, spend};
use chrono::{DateTime, TimeDelta, Utc};
use domain::period::Period;
use domain::price::import::{ImportEffect, NameRule, NameRules, Proposal, Sums, apply, backdated, cards};
use domain::price::page::ModelName;
use domain::price::{BookPrice, BookRows, ModelAlias, PriceBook};
use domain::spend::{BucketStart, Dimension, Filter, Granularity, SpendAnswer, SpendQuery};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How far back the effect looks, in days.
const DAYS: i64 = 30;
/// Most events of one organization that are rated: beyond it the newest are.
const MAX_EVENTS: i64 = 100_000;
/// Events that are read at once.
const STEP: i64 = 2_000;

/// The span that the effect looks at.
pub(super) fn window(now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    (now - TimeDelta::days(DAYS), now)
}

/// The books that events are rated with, three ways.
pub(super) struct Trial {
    /// As they are.
    pub(super) before: HeldBooks,
    /// With everything that needs no confirmation, as if it had held all through the window.
    pub(super) sure: HeldBooks,
    /// With all proposals.
    pub(super) all: HeldBooks,
    /// The models that change.
    pub(super) models: BTreeSet<ModelName>,
}

/// The effect of an organization's import into its own book.
pub(super) async fn of_own_book(backend: &Backend, scope: &OrgScope, read: &Read) -> Result<ImportEffect, Error> {
    let window = window(backend.clock.now());
    let before = own::books(backend, scope).await?;
    let own = own::rows(&backend.pool, scope, None).await?;
    let proposals = &read.comparison.proposals;
    let laid = |chosen: &dyn Fn(&&Proposal) -> bool| {
        let backdated = backdated(proposals.iter().filter(chosen), window.0);
        let rows = with_cards(&own, &read.charged, &backdated, &read.names.first);
        before.with_own(Some(PriceBook::new(rows)))
    };
    let trial = Trial {
        sure: laid(&|proposal| !proposal.needs_confirmation()),
        all: laid(&|_| true),
        models: proposals.iter().map(Proposal::model).collect(),
        before,
    };
    // What an organization used does not depend on who asks.
    let scope = identity::system_scope(backend, scope.org_id()).await?;
    let mut effect = rated(backend, &scope, &trial, window).await?;
    effect.without_uplifted();
    Ok(effect)
}

/// An own book with the cards of proposals laid into it.
fn with_cards(own: &BookRows, charged: &[BookPrice], proposals: &[Proposal], names: &[NameRule]) -> BookRows {
    let mut rows = own.clone();
    for card in cards(charged, proposals) {
        // What ended before the card's begin is of no event of the window.
        rows.prices.retain(|row| name_of(row) != card.model);
        rows.prices.extend(card.prices);
    }
    let behind = rows.aliases.iter().map(|row| row.position).max().unwrap_or_default();
    let rules = (behind + 1..).zip(names).map(|(position, rule)| ModelAlias { position, ..rule.row() });
    rows.aliases.extend(rules);
    rows
}

/// The common books of a trial: as they are, and with proposals as if they had held all through the window.
pub(super) struct CommonTrial {
    before: Arc<PriceBook>,
    sure: Arc<PriceBook>,
    all: Arc<PriceBook>,
    models: BTreeSet<ModelName>,
}

impl CommonTrial {
    /// Of proposals for the common book.
    pub(super) fn new(read: &Read, window: (DateTime<Utc>, DateTime<Utc>)) -> Self {
        let proposals = &read.comparison.proposals;
        let with = |chosen: &dyn Fn(&&Proposal) -> bool| {
            let backdated = backdated(proposals.iter().filter(chosen), window.0);
            let prices = apply(&read.book.prices, &backdated);
            let mut rows = BookRows { prices, ..read.book.clone() };
            apply_names(&mut rows.aliases, &read.names);
            Arc::new(PriceBook::new(rows))
        };
        Self {
            sure: with(&|proposal| !proposal.needs_confirmation()),
            all: with(&|_| true),
            before: Arc::new(PriceBook::new(read.book.clone())),
            models: proposals.iter().map(Proposal::model).collect(),
        }
    }

    /// For one organization, under its own prices.
    pub(super) async fn of(&self, backend: &Backend, scope: &OrgScope) -> Result<Trial, Error> {
        let held = own::books(backend, scope).await?;
        Ok(Trial {
            before: held.with_common(&self.before),
            sure: held.with_common(&self.sure),
            all: held.with_common(&self.all),
            models: self.models.clone(),
        })
    }
}

/// Rates the organization's events of the window with each of the books.
pub(super) async fn rated(
    backend: &Backend,
    scope: &OrgScope,
    trial: &Trial,
    window: (DateTime<Utc>, DateTime<Utc>),
) -> Result<ImportEffect, Error> {
    let mut effect = ImportEffect::new(window.0, window.1);
    let filters = names(backend, scope, trial, window).await?;
    if filters.is_empty() {
        return Ok(effect);
    }
    if let Some(from) = newest(backend, scope, &filters, window).await? {
        (effect.from, effect.cut) = (from, true);
    }
    let (from, to) = (Some(effect.from), Some(effect.to));
    let selection = Selection { from, to, filters, received_until: None, unpriced: false };
    let mut sums: BTreeMap<ModelName, Sums> = BTreeMap::new();
    let mut place = None;
    loop {
        let mut connection = backend.pool.acquire().await?;
        let events = adjust::read(&mut connection, scope, &selection, place, STEP).await?;
        drop(connection);
        events.iter().for_each(|event| trial.add(event, &mut sums));
        place = events.last().map(|state| state.event.event_key);
        if i64::try_from(events.len()).is_ok_and(|read| read < STEP) {
            break;
        }
    }
    for (model, sums) in &sums {
        effect.add(model, sums);
    }
    effect.sort();
    Ok(effect)
}

impl Trial {
    fn add(&self, state: &CostState, sums: &mut BTreeMap<ModelName, Sums>) {
        let event = &state.event;
        let Some(model) = self.meant(&event.sent.provider, &event.sent.model, event.timestamp) else { return };
        let cost = |held: &HeldBooks| state.cost_with(held.books());
        let (before, is_uplifted) = cost(&self.before);
        sums.entry(model).or_default().add(before, cost(&self.sure).0, cost(&self.all).0, is_uplifted);
    }

    /// The changing model that a sent name means at a time, before or with the proposals.
    fn meant(&self, provider: &str, model: &str, at: DateTime<Utc>) -> Option<ModelName> {
        [&self.all, &self.before].into_iter().find_map(|held| {
            let found = held.books().resolve(provider, model, at).ok()?;
            ModelName::of_label(found.label()).filter(|name| self.models.contains(name))
        })
    }
}

/// Filters for the events of the changing models, by the names that were sent; none where none was used.
async fn names(
    backend: &Backend,
    scope: &OrgScope,
    trial: &Trial,
    window: (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Filter>, Error> {
    let group_by = vec![Dimension::Provider, Dimension::Model];
    let answer = used(backend, scope, window, (Granularity::None, group_by, Vec::new())).await?;
    let sent = answer.rows.iter().filter_map(|row| match &row.keys[..] {
        [Some(provider), Some(model)] => Some((provider.clone(), model.clone())),
        _ => None,
    });
    let changing = sent.filter(|(provider, model)| {
        [window.0, window.1].into_iter().any(|at| trial.meant(provider, model, at).is_some())
    });
    let (providers, models): (BTreeSet<String>, BTreeSet<String>) = changing.unzip();
    if models.is_empty() {
        return Ok(Vec::new());
    }
    let only = |dimension, values: BTreeSet<String>| Filter::only(dimension, values.into_iter().collect());
    Ok(vec![only(Dimension::Provider, providers), only(Dimension::Model, models)])
}

/// Where the newest [`MAX_EVENTS`] begin, on a day's edge; none where all of the window are no more than that.
async fn newest(
    backend: &Backend,
    scope: &OrgScope,
    filters: &[Filter],
    window: (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<DateTime<Utc>>, Error> {
    let mut answer = used(backend, scope, window, (Granularity::Day, Vec::new(), filters.to_vec())).await?;
    if answer.total.requests <= MAX_EVENTS {
        return Ok(None);
    }
    answer.rows.sort_by_key(|row| std::cmp::Reverse(row.bucket));
    let (mut events, mut first) = (0, None);
    for row in &answer.rows {
        events += row.sums.requests;
        // One day at least, however many events it has.
        if events > MAX_EVENTS && first.is_some() {
            break;
        }
        first = row.bucket.map(BucketStart::day).or(first);
    }
    Ok(first.map(|day| scope.zone().start_of(day)))
}

async fn used(
    backend: &Backend,
    scope: &OrgScope,
    window: (DateTime<Utc>, DateTime<Utc>),
    (bucket, group_by, filters): (Granularity, Vec<Dimension>, Vec<Filter>),
) -> Result<SpendAnswer, Error> {
    // Days of the rollups: the whole of the first and of the last one, which the events are then chosen from.
    let (first, last) = (scope.zone().day_of(window.0), scope.zone().day_of(window.1));
    let days = Period { from: first, to: last + TimeDelta::days(1) };
    let query = SpendQuery { filters, ..SpendQuery::over(days).per(bucket).by(group_by) };
    spend::query(backend, scope, &query).await
}

/// Puts rules for names of new models to their places among the book's.
fn apply_names(aliases: &mut Vec<ModelAlias>, names: &NameRules) {
    aliases.sort_by_key(|row| row.position);
    let first = names.first.iter().map(NameRule::row);
    let last = names.last.iter().map(NameRule::row);
    let all: Vec<ModelAlias> = first.chain(std::mem::take(aliases)).chain(last).collect();
    *aliases = (0..).zip(all).map(|(position, row)| ModelAlias { position, ..row }).collect();
}
