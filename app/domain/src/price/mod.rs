//! The price book: dated prices, and the rules by which a model's name finds them.
//!
//! A price is superseded, never edited: a row says from when to when it holds, and whoever asks for a time in the past gets what held then.
//! A missing price is not a price of zero.

mod attributes;
mod basis;
mod billing;
mod book;
mod context;
pub mod contract;
mod derived;
mod effect;
pub mod import;
mod modifier;
pub(crate) mod own;
pub mod page;
mod pattern;
mod rules;
mod schedule;
pub mod seed;
mod why;

pub use attributes::{Attribute, Attributes, AttributesError};
pub use basis::{
    BasisBook, BasisForm, COMPARED_DAYS, CostBasis, CostBasisRule, Drift, MAX_COMPARED, basis_at, reported_counts,
};
pub use billing::{BillingBasis, BillingBasisRule, BillingForm, billing_at};
pub use book::{Books, PriceBook, Resolved};
pub(crate) use book::{Call, Found};
pub use context::{Asked, Context};
pub use derived::Derivation;
pub use effect::{EffectRow, ModifierEffect, worked_example};
pub use modifier::{MeterSet, MeterSetError, ModelLimit, ModifierKind, PriceModifier};
pub use own::{
    MAX_RATES, MappingForm, ModifierForm, OwnBook, PriceForm, PriceWarning, RateForm, field_of, tenfold, usual_per,
    warnings,
};
pub use pattern::{Pattern, PatternError};
pub use schedule::{Schedule, ScheduleError};
pub use why::{NameWhy, Why};

use crate::meter::Meter;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// How a call was served, where that changes its price.
///
/// A variant's price is stored, never derived by a factor; where a meter has none the standard price holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Variant {
    /// As listed.
    #[default]
    Standard,
    /// Answered some time later, in a batch.
    Batch,
    /// Slower and cheaper.
    Flex,
    /// Served first.
    Priority,
    /// Generated faster.
    Fast,
    /// Generated as fast as it is sold.
    Ultrafast,
    /// Between flexible and standard, where a provider sells that.
    Balanced,
}

impl Variant {
    /// All variants.
    pub const ALL: [Self; 7] =
        [Self::Standard, Self::Batch, Self::Flex, Self::Priority, Self::Fast, Self::Ultrafast, Self::Balanced];

    /// The word in SQL, JSON and the seed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Fast => "fast",
            Self::Ultrafast => "ultrafast",
            Self::Balanced => "balanced",
        }
    }

    /// The variant of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variant| variant.as_str() == word)
    }
}

/// One dated price of one meter of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookPrice {
    /// Stable id: the same facts have the same id in every database. See [`seed`].
    pub price_id: u64,
    /// Canonical provider.
    pub provider: String,
    /// The model's name in the book.
    pub model: String,
    /// What is priced.
    pub meter: Meter,
    /// How it was served.
    pub variant: Variant,
    /// What else is asked of the call; a price that asks for more goes before one that asks for less.
    pub attributes: Attributes,
    /// Input tokens of the whole request from which this price holds for every token of it; 0 for the base price. Of searches, the results that each was asked for.
    pub tier_from: u64,
    /// Whether a request of exactly `tier_from` has this price already.
    pub tier_inclusive: bool,
    /// Least quantity that an event is charged for.
    pub quantity_min: Option<Decimal>,
    /// Greatest quantity that an event is charged for.
    pub quantity_max: Option<Decimal>,
    /// Whether a begun unit is charged as a whole one: of audio, the begun second.
    #[serde(default)]
    pub quantity_whole: bool,
    /// Price in USD of `per` units.
    pub rate: Decimal,
    /// Units that the rate is for.
    pub per: u64,
    /// Holds from this instant; none means from the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    /// Holds until before this instant; none means without an end date.
    pub valid_to: Option<DateTime<Utc>>,
    /// Only at these hours; such a price goes before one without hours.
    pub schedule: Option<Schedule>,
    /// The data set or person it came from.
    pub source: String,
    /// Version of that data set.
    pub source_version: String,
    /// Where it can be checked.
    pub source_url: Option<String>,
    /// Why it stands here, where the source does not list it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derivation>,
}

/// A provider of the price book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookProvider {
    /// Canonical name.
    pub provider: String,
    /// As people know it.
    pub name: String,
    /// Its price list.
    pub url: Option<String>,
    /// Providers whose models it also sells at their price, in order.
    pub fallbacks: Vec<String>,
}

/// A model of the price book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookModel {
    /// Canonical provider.
    pub provider: String,
    /// Its name in the book.
    pub model: String,
    /// As people know it.
    pub name: Option<String>,
}

/// A rule that leads a sent model name to a model of the book. The rule with the lowest position that matches wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelAlias {
    /// Canonical provider whose names it reads.
    pub provider: String,
    /// Order within the provider.
    pub position: u32,
    /// Which names.
    pub pattern: Pattern,
    /// Provider of the model it leads to.
    pub to_provider: String,
    /// The model it leads to.
    pub to_model: String,
    /// Holds from this instant; none means from the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    /// Holds until before this instant.
    pub valid_to: Option<DateTime<Utc>>,
}

/// Everything a [`PriceBook`] is built from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookRows {
    /// Providers.
    pub providers: Vec<BookProvider>,
    /// Models.
    pub models: Vec<BookModel>,
    /// Rules for names.
    pub aliases: Vec<ModelAlias>,
    /// Prices.
    pub prices: Vec<BookPrice>,
    /// Factors on prices; of one kind they stack in this order.
    pub modifiers: Vec<PriceModifier>,
    /// What providers let one account use.
    pub limits: Vec<ModelLimit>,
    /// Which cost counts, in the order in which that was chosen; an organization's own book has such rows.
    pub bases: Vec<CostBasisRule>,
    /// How the usage of keys is billed; an organization's own book has such rows.
    pub billing: Vec<BillingBasisRule>,
}

/// Why an event has no cost. Its cost is then unknown, never zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Unpriced {
    /// The book has no such provider.
    UnknownProvider {
        /// As sent.
        provider: String,
    },
    /// The provider has no such model.
    UnknownModel {
        /// As sent.
        provider: String,
        /// As sent.
        model: String,
    },
    /// The model has no price for this meter at the event's time.
    NoPrice {
        /// The model in the book, as `provider/model`.
        model: String,
        /// The meter that has no price.
        meter: Meter,
    },
    /// Quantity times rate is beyond what a decimal holds.
    TooLarge {
        /// The meter.
        meter: Meter,
    },
    /// Only a cost was sent, and no usage that could be priced.
    NoUsage,
}

impl Unpriced {
    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownProvider { .. } => "unknown_provider",
            Self::UnknownModel { .. } => "unknown_model",
            Self::NoPrice { .. } => "no_price",
            Self::TooLarge { .. } => "too_large",
            Self::NoUsage => "no_usage",
        }
    }
}

impl fmt::Display for Unpriced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownProvider { provider } => write!(f, "The price book has no provider `{provider}`."),
            Self::UnknownModel { provider, model } => {
                write!(f, "The price book has no model `{model}` of `{provider}`.")
            }
            Self::NoPrice { model, meter } => {
                write!(f, "`{model}` had no price for {} at that time.", meter.label().to_lowercase())
            }
            Self::TooLarge { meter } => {
                write!(f, "The amount of {} is too large to price.", meter.label().to_lowercase())
            }
            Self::NoUsage => f.write_str("Only its cost was sent: what was used is unknown."),
        }
    }
}

impl FromStr for Variant {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::parse(word).ok_or(())
    }
}

/// Facts that go through JSON as the text that the seed and SQL have for them.
macro_rules! serde_as_text {
    ($($name:ty),+) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                }
            }
        )+
    };
}

serde_as_text!(Schedule, Attributes, MeterSet, Pattern);

#[cfg(test)]
mod tests;
