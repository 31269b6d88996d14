//! Importing into an organization's own book: every price of the models that change, from the day on which they do.
//!
//! Own prices of a model are one card: one that stands in for a meter goes before the list price of exactly that meter.
//! So a change cannot come alone: the prices beside it come with it as they are, and nothing else is charged otherwise than before.

use super::super::page::ModelName;
use super::super::{BookPrice, PriceWarning};
use super::span::Span;
use super::{ImportEffect, Kind, Proposal, apply, redated};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What one model costs in the own book from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The model.
    pub model: ModelName,
    /// Since when; none means since ever. Own prices of the model from then on give way to the card.
    pub from: Option<DateTime<Utc>>,
    /// Its prices.
    pub prices: Vec<BookPrice>,
}

/// The list prices with an organization's own laid over them: what its events are charged, kind by kind.
#[must_use]
pub fn overlay(common: &[BookPrice], own: &[BookPrice]) -> Vec<BookPrice> {
    let mut by_kind: BTreeMap<Kind, Vec<Span>> = BTreeMap::new();
    for row in own {
        by_kind.entry(Kind::of(row)).or_default().push(Span::of(row.valid_from, row.valid_to));
    }
    let models: BTreeSet<(&str, &str)> = own.iter().map(super::model_of).collect();
    let mut rows = own.to_vec();
    for row in common {
        let covered = models.contains(&super::model_of(row)).then(|| by_kind.get(&Kind::of(row))).flatten();
        match covered {
            Some(spans) => {
                let left = Span::of(row.valid_from, row.valid_to).subtract_all(spans.iter().copied());
                rows.extend(left.into_iter().map(|span| redated(row, span)));
            }
            None => rows.push(row.clone()),
        }
    }
    rows
}

/// Marks proposals for models whose calls are charged uplifts of regions: an own price does without them.
pub fn mark_uplifts(proposals: &mut [Proposal], effect: &ImportEffect) {
    let uplifted: BTreeSet<&ModelName> =
        effect.models.iter().filter(|row| row.sums.uplifted > 0).map(|row| &row.model).collect();
    for proposal in proposals.iter_mut().filter(|proposal| uplifted.contains(&proposal.model())) {
        proposal.warnings.push(PriceWarning::Uplift);
    }
}

/// The cards of all models that the chosen proposals change. `charged` is what holds now: see [`overlay`].
#[must_use]
pub fn cards<'a>(charged: &[BookPrice], chosen: impl IntoIterator<Item = &'a Proposal>) -> Vec<Card> {
    let mut by_model: BTreeMap<(String, String), Vec<&Proposal>> = BTreeMap::new();
    for proposal in chosen {
        let ModelName { provider, model } = proposal.model();
        by_model.entry((provider, model)).or_default().push(proposal);
    }
    let mut rows: HashMap<(&str, &str), Vec<BookPrice>> = HashMap::new();
    for row in charged {
        rows.entry(super::model_of(row)).or_default().push(row.clone());
    }
    by_model
        .into_iter()
        .map(|((provider, model), proposals)| {
            let now = rows.get(&(provider.as_str(), model.as_str())).map_or(&[][..], Vec::as_slice);
            let from = proposals.iter().map(|proposal| proposal.from).min().flatten();
            let holds = Span::of(from, None);
            let prices = apply(now, proposals).into_iter().filter_map(|row| {
                let span = Span::of(row.valid_from, row.valid_to).intersection(holds)?;
                Some(redated(&row, span))
            });
            Card { prices: prices.collect(), from, model: ModelName { provider, model } }
        })
        .collect()
}
