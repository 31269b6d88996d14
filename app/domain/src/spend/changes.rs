//! What changed between two spans, taken apart exactly.
//!
//! The method is the chain of substitutions that management accounting uses for a price, volume and mix analysis (variance analysis with flexed budgets; see Horngren, Datar and Rajan, "Cost Accounting", on flexible-budget and sales-mix variances):
//! from what was spent before, one factor after the other is set to its present value while the others stay, and each factor's part is the step it makes.
//! The order is requests, models, size of a request, cache, price; it decides where effects of two factors together go, which is to the later one.
//! Steps are differences of neighbouring values, so they add up to the whole change to the last decimal place.
//!
//! Requests are counted per project, because a search and an agent's step have little in common; what requests of one project cost differs by model.

mod chain;

use super::Sums;
use crate::meter::Meter;
use crate::money::round_line;
use chain::Chain;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Why spend moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// More or fewer requests of a project, at what its average request cost before.
    Volume,
    /// Requests of a project that went to dearer or cheaper models than before.
    ModelMix,
    /// More or less used by a request, at what it cost before.
    TokensPerRequest,
    /// More or less of the input read from and written to a cache, at the prices before.
    Cache,
    /// The price of what was used.
    Price,
    /// Price, cache and kinds of tokens together, where the meters are not known.
    CostPerToken,
    /// All but the number of requests, where tokens are not counted or a price is missing.
    CostPerRequest,
}

impl Cause {
    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Volume => "Request volume",
            Self::ModelMix => "Model mix",
            Self::TokensPerRequest => "Request size",
            Self::Cache => "Cache efficiency",
            Self::Price => "Price",
            Self::CostPerToken => "Cost per token",
            Self::CostPerRequest => "Cost per request",
        }
    }

    /// What it means, in one sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Volume => "More or fewer requests of each project, at what its average request cost before.",
            Self::ModelMix => "Requests that went to dearer or cheaper models of the same project.",
            Self::TokensPerRequest => {
                "Longer or shorter requests (tokens, seconds, images), at what each unit cost before."
            }
            Self::Cache => "More or less of the input read from or written to a cache, at the prices before.",
            Self::Price => "What one unit costs: prices, tiers, discounts and uplifts.",
            Self::CostPerToken => "Price, cache and share of output together, where a filter hides the single meters.",
            Self::CostPerRequest => "What one request costs, where tokens are not counted or requests are unpriced.",
        }
    }
}

/// What one model of one project used in a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Its sums.
    pub sums: Sums,
    /// Quantity and spend of each meter; empty where they are not known.
    pub meters: BTreeMap<Meter, Metered>,
}

/// One meter's part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// How much was used, in the meter's unit.
    pub quantity: Decimal,
    /// What it cost, adjustments included.
    pub spend: Decimal,
}

impl Used {
    fn add(&mut self, other: &Self) {
        self.sums.add(&other.sums);
        for (meter, metered) in &other.meters {
            let own = self.meters.entry(*meter).or_default();
            own.quantity += metered.quantity;
            own.spend += metered.spend;
        }
    }

    /// Requests without a price cost nothing yet, so only priced ones count.
    fn priced_requests(&self) -> Decimal {
        Decimal::from(self.sums.requests - self.sums.unpriced_requests)
    }

    /// Whether the meters account for all that was spent, and nothing that is not in it.
    fn is_metered(&self) -> bool {
        let known: Decimal = self.meters.values().map(|metered| metered.spend).sum();
        !self.meters.is_empty() && self.sums.unpriced_requests == 0 && known == self.sums.spend
    }
}

/// What moved one model of one project most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The factor.
    pub cause: Cause,
    /// What it added to the spend as a ratio: 0.38 for 38 % more requests; none for a model that is new or gone.
    pub ratio: Option<f64>,
}

/// One model of one project in both spans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mover {
    /// Slug of the project.
    pub project: String,
    /// Who sells the model.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Its sums now.
    pub now: Sums,
    /// Its sums in the span before.
    pub before: Sums,
    /// What moved it most.
    pub reason: Option<Reason>,
}

impl Mover {
    /// By how much its spend moved.
    #[must_use]
    pub fn difference(&self) -> Decimal {
        self.now.spend - self.before.spend
    }
}

/// What changed in all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// Spend now less spend before.
    pub difference: Decimal,
    /// Its parts, the largest first; they add up to the difference.
    pub causes: Vec<(Cause, Decimal)>,
    /// The models that moved most, at most `limit`.
    pub movers: Vec<Mover>,
}

/// Project, provider and model.
pub type CellKey = [String; 3];

/// Compares every model of every project in two spans.
#[must_use]
pub fn changes(
    now: impl IntoIterator<Item = (CellKey, Used)>,
    before: impl IntoIterator<Item = (CellKey, Used)>,
    limit: usize,
) -> Changes {
    let mut both: BTreeMap<CellKey, (Used, Used)> = BTreeMap::new();
    for (key, used) in now {
        both.entry(key).or_default().0.add(&used);
    }
    for (key, used) in before {
        both.entry(key).or_default().1.add(&used);
    }
    let cells: Vec<_> = both.into_iter().collect();
    let mut causes: BTreeMap<Cause, Decimal> = BTreeMap::new();
    // Keys are sorted, so the models of a project stand together.
    for project in cells.chunk_by(|(left, _), (right, _)| left[0] == right[0]) {
        for (cause, amount) in project_causes(project) {
            *causes.entry(cause).or_default() += amount;
        }
    }
    let mut causes: Vec<_> = causes.into_iter().filter(|(_, amount)| !amount.is_zero()).collect();
    causes.sort_by_key(|(_, amount)| Reverse(amount.abs()));
    let mut movers: Vec<_> = cells.into_iter().map(mover).filter(|mover| !mover.difference().is_zero()).collect();
    let difference = movers.iter().map(Mover::difference).sum();
    movers.sort_by_key(|mover| Reverse(mover.difference().abs()));
    movers.truncate(limit);
    Changes { difference, causes, movers }
}

/// The parts of one project's change.
fn project_causes(models: &[(CellKey, (Used, Used))]) -> Vec<(Cause, Decimal)> {
    let sum = |of: fn(&(Used, Used)) -> Decimal| -> Decimal { models.iter().map(|(_, both)| of(both)).sum() };
    let (spend, spend_before) = (sum(|(now, _)| now.sums.spend), sum(|(_, before)| before.sums.spend));
    let requests = sum(|(now, _)| now.priced_requests());
    let requests_before = sum(|(_, before)| before.priced_requests());
    let scaled = spend_before.checked_mul(requests).and_then(|product| product.checked_div(requests_before));
    let Some(at_volume) = scaled.filter(|_| !requests.is_zero()).map(round_line) else {
        // A project that began or ended.
        return vec![(Cause::Volume, spend - spend_before)];
    };
    let chains: Vec<_> = models.iter().map(|(_, (now, before))| Chain::of(now, before)).collect();
    let at_mix: Decimal = chains.iter().map(|chain| chain.at_requests).sum();
    let mut causes = vec![(Cause::Volume, at_volume - spend_before), (Cause::ModelMix, at_mix - at_volume)];
    causes.extend(chains.iter().flat_map(Chain::rest));
    causes
}

fn mover(([project, provider, model], (now, before)): (CellKey, (Used, Used))) -> Mover {
    let reason = Chain::of(&now, &before).reason(before.sums.spend);
    Mover { project, provider, model, now: now.sums, before: before.sums, reason }
}

#[cfg(test)]
mod tests;
