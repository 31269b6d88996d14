//! What proposals would have meant for usage that is over.

use super::super::page::ModelName;
use super::span::Span;
use super::{Kind, Proposal, redated};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The proposals as if they had held since `start`: of each kind of price the first is drawn back, later ones keep their dates.
#[must_use]
pub fn backdated<'a>(proposals: impl IntoIterator<Item = &'a Proposal>, start: DateTime<Utc>) -> Vec<Proposal> {
    let mut first: BTreeMap<Kind, Option<DateTime<Utc>>> = BTreeMap::new();
    let all: Vec<(Kind, &Proposal)> =
        proposals.into_iter().filter_map(|proposal| Some((Kind::of(proposal.row()?), proposal))).collect();
    for (kind, proposal) in &all {
        let begin = first.entry(kind.clone()).or_insert(proposal.from);
        *begin = (*begin).min(proposal.from);
    }
    all.into_iter()
        .map(|(kind, proposal)| {
            if first.get(&kind) != Some(&proposal.from) {
                return proposal.clone();
            }
            let from = proposal.from.map(|from| from.min(start));
            let after = proposal.after.as_ref().map(|row| redated(row, Span::of(from, row.valid_to)));
            Proposal { from, after, ..proposal.clone() }
        })
        .collect()
}

/// Events and what they cost, with the prices that hold and with those proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Events of models that change.
    pub events: u64,
    /// Events among these that have no price and would get one.
    pub priced: u64,
    /// Events among these that are charged an uplift for their region.
    pub uplifted: u64,
    /// What they cost with the prices that hold.
    pub before: Decimal,
    /// What they would have cost with everything that needs no confirmation.
    pub sure: Decimal,
    /// What they would have cost with all proposals.
    pub all: Decimal,
}

impl Sums {
    /// What everything that needs no confirmation adds.
    #[must_use]
    pub fn sure_delta(&self) -> Decimal {
        self.sure - self.before
    }

    /// What all proposals add.
    #[must_use]
    pub fn delta(&self) -> Decimal {
        self.all - self.before
    }

    /// One more event, with its cost each way (none is unpriced) and whether it is charged an uplift.
    pub fn add(&mut self, before: Option<Decimal>, sure: Option<Decimal>, all: Option<Decimal>, is_uplifted: bool) {
        self.events += 1;
        self.uplifted += u64::from(is_uplifted);
        self.priced += u64::from(before.is_none() && all.is_some());
        self.before += before.unwrap_or_default();
        self.sure += sure.unwrap_or_default();
        self.all += all.unwrap_or_default();
    }

    fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.priced += other.priced;
        self.uplifted += other.uplifted;
        self.before += other.before;
        self.sure += other.sure;
        self.all += other.all;
    }
}

/// What the proposals would have meant for one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelEffect {
    /// The model in the book.
    pub model: ModelName,
    /// Its events.
    pub sums: Sums,
}

/// What the proposals would have meant for a span of time, as if they had held all through it.
///
/// Every recorded event is rated again as of its own time, with the prices that hold and with those proposed; nothing is estimated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportEffect {
    /// Events from this instant on.
    pub from: DateTime<Utc>,
    /// Events before this instant.
    pub to: DateTime<Utc>,
    /// Whether there were too many events: then these are the newest, and `from` is where they begin.
    pub cut: bool,
    /// All models.
    pub total: Sums,
    /// By model, the largest change first.
    pub models: Vec<ModelEffect>,
}

impl ImportEffect {
    /// Of nothing yet.
    #[must_use]
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        Self { from, to, cut: false, total: Sums::default(), models: Vec::new() }
    }

    /// Adds the sums of one model.
    pub fn add(&mut self, model: &ModelName, sums: &Sums) {
        self.total.merge(sums);
        match self.models.iter_mut().find(|row| row.model == *model) {
            Some(row) => row.sums.merge(sums),
            None => self.models.push(ModelEffect { model: model.clone(), sums: sums.clone() }),
        }
    }

    /// In an own book, what concerns a model whose calls are charged uplifts needs a confirmation: see [`super::mark_uplifts`].
    pub fn without_uplifted(&mut self) {
        for row in self.models.iter_mut().filter(|row| row.sums.uplifted > 0) {
            self.total.sure += row.sums.before - row.sums.sure;
            row.sums.sure = row.sums.before;
        }
    }

    /// Adds what another organization's events say.
    pub fn merge(&mut self, other: &Self) {
        self.cut |= other.cut;
        for row in &other.models {
            self.add(&row.model, &row.sums);
        }
    }

    /// The largest change first.
    pub fn sort(&mut self) {
        let size = |row: &ModelEffect| std::cmp::Reverse(row.sums.delta().abs());
        self.models.sort_by(|one, other| {
            let name = |row: &ModelEffect| (row.model.provider.clone(), row.model.model.clone());
            (size(one), name(one)).cmp(&(size(other), name(other)))
        });
    }
}
