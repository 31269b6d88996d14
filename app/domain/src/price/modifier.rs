//! Factors on prices: regional uplifts of providers, an organization's negotiated discounts and internal markups.

use super::{Attributes, Context, Pattern};
use crate::meter::Meter;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a price is multiplied, in the order in which factors stack: the provider's uplift, what was negotiated off the sum, what the organization itself adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ModifierKind {
    /// The provider charges more for serving from, or keeping data in, a region.
    Region,
    /// Negotiated with the provider.
    Discount,
    /// Added by the organization when it charges its teams.
    Markup,
}

impl ModifierKind {
    /// All kinds, in the order in which they stack.
    pub const ALL: [Self; 3] = [Self::Region, Self::Discount, Self::Markup];

    /// The word in SQL, JSON and the seed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Discount => "discount",
            Self::Markup => "markup",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Region => "regional uplift",
            Self::Discount => "negotiated discount",
            Self::Markup => "internal markup",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Which meters a modifier multiplies. Written as nothing for all, `tokens`, or words of meters between commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MeterSet {
    /// Every meter.
    #[default]
    All,
    /// Tokens of every kind, and nothing else: what regional uplifts are charged on.
    Tokens,
    /// These.
    Only(Vec<Meter>),
}

/// A text of meters that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("meters read like `tokens` or `input_uncached,output`")]
pub struct MeterSetError;

impl MeterSet {
    /// Whether it has this meter.
    #[must_use]
    pub fn contains(&self, meter: Meter) -> bool {
        match self {
            Self::All => true,
            Self::Tokens => meter.is_token(),
            Self::Only(meters) => meters.contains(&meter),
        }
    }
}

impl fmt::Display for MeterSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Tokens => f.write_str("tokens"),
            Self::Only(meters) => {
                let words: Vec<&str> = meters.iter().map(|meter| meter.as_str()).collect();
                f.write_str(&words.join(","))
            }
        }
    }
}

impl FromStr for MeterSet {
    type Err = MeterSetError;

    fn from_str(text: &str) -> Result<Self, MeterSetError> {
        match text {
            "" => Ok(Self::All),
            "tokens" => Ok(Self::Tokens),
            words => words
                .split(',')
                .map(|word| Meter::parse_usage(word).ok_or(MeterSetError))
                .collect::<Result<Vec<_>, _>>()
                .map(Self::Only),
        }
    }
}

/// A dated factor on the prices of a provider, of some of its models, or of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceModifier {
    /// Stable id, from the same numbers as prices: a receipt's line names either.
    pub modifier_id: u64,
    /// Why.
    pub kind: ModifierKind,
    /// Who sells the call, also another's model; none means every provider.
    pub provider: Option<String>,
    /// Models by their names in the book; none means every model.
    pub models: Option<Pattern>,
    /// What is asked of the call.
    pub attributes: Attributes,
    /// What is multiplied.
    pub meters: MeterSet,
    /// Above one raises, below one lowers; never negative.
    pub factor: Decimal,
    /// Holds from this instant; none means from the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    /// Holds until before this instant; none means without an end date.
    pub valid_to: Option<DateTime<Utc>>,
    /// The data set or person it came from.
    pub source: String,
    /// Version of that data set.
    pub source_version: String,
    /// Where it can be checked.
    pub source_url: Option<String>,
}

impl PriceModifier {
    /// Whether it can apply to a model of the book, by its name there, as a provider (canonical) sells it.
    #[must_use]
    pub fn concerns(&self, seller: &str, model: &str) -> bool {
        self.provider.as_deref().is_none_or(|wanted| wanted == seller)
            && self.models.as_ref().is_none_or(|pattern| pattern.matches(&crate::model::lower(model)))
    }

    /// Whether it multiplies this meter of a call at this time.
    pub(crate) fn holds(&self, meter: Meter, context: &Context<'_>, at: DateTime<Utc>) -> bool {
        self.meters.contains(meter)
            && self.valid_from.is_none_or(|from| from <= at)
            && self.valid_to.is_none_or(|to| at < to)
            && self.attributes.hold(context)
    }
}

/// How much a provider lets one account use of a model, and since when it says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelLimit {
    /// Canonical provider.
    pub provider: String,
    /// The model's name in the book.
    pub model: String,
    /// Requests per minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute.
    pub tokens_per_minute: Option<u64>,
    /// Known since this instant; none means that nobody wrote down since when.
    pub valid_from: Option<DateTime<Utc>>,
    /// Until before this instant.
    pub valid_to: Option<DateTime<Utc>>,
    /// The data set it came from.
    pub source: String,
    /// Version of that data set.
    pub source_version: String,
}
