//! Terms of a contract that count over a whole month: free allowances and volume prices.
//!
//! One call cannot know what the month will come to, so nothing of this is in a call's price.
//! When a person settles a month, every call of it gets the month's one blended rate ([`Blend`]): what the contract charges for all units of the month by their number.
//! So no project pays more because its calls came later in the month.

mod form;
mod month;
mod rows;

pub use form::{TermForm, TierForm};
pub use month::{ContractMonth, MonthState, MonthStatus, MonthSums, TermMonth};
pub use rows::{TierPricing, TierRow, tier_field, tier_lines};

use super::{MeterSet, Pattern};
use crate::format;
use crate::meter::{Meter, Unit};
use crate::model::lower;
use crate::money::round_line;
use crate::period::Period;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// How a term counts the units of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TermKind {
    /// So many units are free; further ones have the list price.
    Allowance,
    /// Each unit has the price of the tier that it falls in.
    Graduated,
    /// All units of the month have the price of the tier that the month reaches.
    Volume,
}

impl TermKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Allowance, Self::Graduated, Self::Volume];

    /// The word in SQL, JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowance => "allowance",
            Self::Graduated => "graduated",
            Self::Volume => "volume",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Allowance => "Free allowance",
            Self::Graduated => "Graduated tiers",
            Self::Volume => "Volume tiers",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a unit of a tier costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierPrice {
    /// Its own price of that call times this: 0 is free, 1 is the list price.
    Factor(Decimal),
    /// Dollars for `per` units, whatever the call's own price is.
    Rate {
        /// Dollars.
        rate: Decimal,
        /// Units that the rate is for.
        per: u64,
    },
}

/// A tier of a month's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Holds for units beyond so many, up to the next tier.
    pub above: Decimal,
    /// Whether a month of exactly so many units reaches it; makes a difference for [`TermKind::Volume`] alone.
    #[serde(default)]
    pub inclusive: bool,
    /// What a unit costs.
    pub price: TierPrice,
}

/// A dated term of a contract. It is superseded, never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractTerm {
    /// Its number; a receipt's line names it.
    pub term_id: u64,
    /// The id under which it was first entered: where several terms count the same, the highest goes first.
    pub rank: u64,
    /// How it counts.
    pub kind: TermKind,
    /// Who sells the calls; none means every provider.
    pub provider: Option<String>,
    /// Models by their names in the book; none means every model.
    pub models: Option<Pattern>,
    /// What is counted, all of one unit.
    pub meters: MeterSet,
    /// From zero up, by rising boundary.
    pub tiers: Vec<Tier>,
    /// First day of the first month of the organization's zone in which it holds.
    pub from: NaiveDate,
    /// First day of the month in which it no longer holds; none means without an end date.
    pub to: Option<NaiveDate>,
    /// Who said so.
    pub source: String,
    /// Where it is written.
    pub source_url: Option<String>,
}

impl ContractTerm {
    /// Whether it holds in a month.
    #[must_use]
    pub fn holds_in(&self, month: Period) -> bool {
        self.from <= month.from && self.to.is_none_or(|to| to > month.from)
    }

    /// Whether it counts a meter of a call, by who sells it (canonical) and the model's name in the book.
    #[must_use]
    pub fn concerns(&self, seller: &str, model: &str, meter: Meter) -> bool {
        self.meters.contains(meter)
            && self.provider.as_deref().is_none_or(|wanted| wanted == seller)
            && self.models.as_ref().is_none_or(|pattern| pattern.matches(&lower(model)))
    }

    /// What its units are called: "input tokens", "tokens", "images".
    #[must_use]
    pub fn units(&self) -> String {
        match &self.meters {
            MeterSet::All => "units".to_owned(),
            MeterSet::Tokens => "tokens".to_owned(),
            MeterSet::Only(meters) => {
                let labels: Vec<String> = meters.iter().map(|meter| meter.label().to_lowercase()).collect();
                match meters.first().map(|meter| meter.unit()) {
                    Some(Unit::Count) | None => labels.join(" and "),
                    Some(unit) if labels.iter().all(|label| label == unit.as_str()) => unit.as_str().to_owned(),
                    Some(unit) => format!("{} {}", labels.join(" and "), unit.as_str()),
                }
            }
        }
    }

    /// Whether it counts and charges the same in each month in which both hold.
    #[must_use]
    pub fn same_terms(&self, other: &Self) -> bool {
        let terms = |row: &Self| Self { term_id: 0, from: NaiveDate::MIN, to: None, ..row.clone() };
        terms(self) == terms(other)
    }

    /// In one line: "1,000,000 free input tokens of acme", "volume tiers of output tokens of acme, gpt-4o".
    #[must_use]
    pub fn words(&self) -> String {
        let provider = self.provider.as_deref().map(|provider| format!(" of {provider}")).unwrap_or_default();
        let models = self.models.as_ref().map(|models| format!(", {}", models.words()));
        let models = models.unwrap_or_default();
        let units = self.units();
        match (self.kind, self.tiers.get(1)) {
            (TermKind::Allowance, Some(end)) => {
                format!("{} free {units}{provider}{models}", format::quantity(end.above))
            }
            (kind, _) => format!("{} of {units}{provider}{models}", kind.label().to_lowercase()),
        }
    }

    /// The tiers one by one: "first 10,000,000 at the list price", "beyond that 10 % off".
    #[must_use]
    pub fn tier_words(&self) -> Vec<String> {
        let word = |tier: &Tier| match (self.kind, tier.above.is_zero(), tier.inclusive) {
            (_, true, _) => "from the first".to_owned(),
            (TermKind::Volume, _, true) => format!("all from {} in the month", format::quantity(tier.above)),
            (TermKind::Volume, ..) => format!("all above {} in the month", format::quantity(tier.above)),
            _ => format!("beyond {}", format::quantity(tier.above)),
        };
        self.tiers.iter().map(|tier| format!("{}: {}", word(tier), tier.price.words())).collect()
    }

    /// The month's rate for every unit, given how many units the month has; none where a number is beyond a decimal.
    #[must_use]
    pub fn blend(&self, quantity: Decimal) -> Option<Blend> {
        if quantity <= Decimal::ZERO {
            return Some(Blend::LIST);
        }
        let (mut factor, mut rate) = (Decimal::ZERO, Decimal::ZERO);
        for (price, units) in self.split(quantity) {
            match price {
                TierPrice::Factor(of) => factor = factor.checked_add(of.checked_mul(units)?)?,
                TierPrice::Rate { rate: dollars, per } => {
                    rate = rate.checked_add(dollars.checked_mul(units)?.checked_div(Decimal::from(per))?)?;
                }
            }
        }
        Some(Blend { factor: factor.checked_div(quantity)?, rate: rate.checked_div(quantity)? })
    }

    /// The units of a month by what they cost.
    fn split(&self, quantity: Decimal) -> Vec<(TierPrice, Decimal)> {
        if self.kind == TermKind::Volume {
            let reached = |tier: &&Tier| tier.above < quantity || (tier.inclusive && tier.above == quantity);
            return self.tiers.iter().rfind(reached).map(|tier| (tier.price, quantity)).into_iter().collect();
        }
        let ends = self.tiers.iter().skip(1).map(|next| next.above).chain([quantity]);
        self.tiers
            .iter()
            .zip(ends)
            .map(|(tier, end)| (tier.price, end.min(quantity) - tier.above.min(quantity)))
            .filter(|(_, units)| !units.is_zero())
            .collect()
    }
}

impl TierPrice {
    /// "free", "the list price", "10 % off", "5 % more", "$1.20 per 1,000,000".
    #[must_use]
    pub fn words(self) -> String {
        let percent = |part: Decimal| (part * Decimal::ONE_HUNDRED).normalize();
        match self {
            Self::Factor(factor) if factor.is_zero() => "free".to_owned(),
            Self::Factor(factor) if factor == Decimal::ONE => "the list price".to_owned(),
            Self::Factor(factor) if factor < Decimal::ONE => format!("{} % off", percent(Decimal::ONE - factor)),
            Self::Factor(factor) => format!("{} % more", percent(factor - Decimal::ONE)),
            Self::Rate { rate, per: 1 } => format!("{} each", format::money_full(rate)),
            Self::Rate { rate, per } => format!("{} per {}", format::money_full(rate), format::count(per)),
        }
    }
}

/// The term that counts a meter of a call: where several do, the one entered last.
#[must_use]
pub fn term_for<'a>(terms: &'a [ContractTerm], seller: &str, model: &str, meter: Meter) -> Option<&'a ContractTerm> {
    terms.iter().filter(|term| term.concerns(seller, model, meter)).max_by_key(|term| term.rank)
}

/// How much was used, and what it costs without the contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Units.
    pub quantity: Decimal,
    /// Dollars.
    pub amount: Decimal,
}

impl AddAssign for Volume {
    fn add_assign(&mut self, other: Self) {
        self.quantity += other.quantity;
        self.amount += other.amount;
    }
}

/// One rate for all units of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blend {
    /// What a unit's own price is multiplied by.
    factor: Decimal,
    /// Dollars of one unit beside that.
    rate: Decimal,
}

impl Blend {
    /// The list price.
    const LIST: Self = Self { factor: Decimal::ONE, rate: Decimal::ZERO };

    /// What a volume costs under the contract, rounded once like a receipt's line; none beyond a decimal.
    #[must_use]
    pub fn charge(self, volume: Volume) -> Option<Decimal> {
        let scaled = volume.amount.checked_mul(self.factor)?;
        Some(round_line(scaled.checked_add(volume.quantity.checked_mul(self.rate)?)?))
    }

    /// What the contract adds to the cost of the next call, after those up to `reached`, and moves `reached` on; below zero where it takes away.
    ///
    /// A call is charged what brings the month's charge so far to its rounded value.
    /// So the calls of a month add up to its charge exactly, whatever their number and sizes, and each is off by less than the last of 12 places.
    #[must_use]
    pub fn next(self, reached: &mut Volume, call: Volume) -> Option<Decimal> {
        let before = self.charge(*reached)?;
        *reached += call;
        Some(self.charge(*reached)? - before - call.amount)
    }
}

#[cfg(test)]
mod tests;
