//! Prices that no data set lists as they are, and why they are held to be true.

use serde::{Deserialize, Serialize};

/// Why a price stands in the book that its source does not list as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Derivation {
    /// A tier's price from before the day on which its source began to list it: another data set lists the same price without a date, and the standard price was the same.
    ListedUndated,
    /// A tier's price from before that day, with a provider that charges a fixed part of the standard price for the tier.
    ShareOfStandard,
    /// Cached input at half the price of input, where the provider charges that and its source lists none.
    HalfOfInput,
}

impl Derivation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ListedUndated, Self::ShareOfStandard, Self::HalfOfInput];

    /// The word in SQL, JSON and the seed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ListedUndated => "listed_undated",
            Self::ShareOfStandard => "share_of_standard",
            Self::HalfOfInput => "half_of_input",
        }
    }

    /// The derivation of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|derivation| derivation.as_str() == word)
    }

    /// The reason, in a sentence.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ListedUndated => {
                "The source dates this tier by the day it began to list it; LiteLLM lists the same price without a date, and the standard price was the same before."
            }
            Self::ShareOfStandard => {
                "The source dates this tier by the day it began to list it; the provider charges a fixed part of the standard price for it."
            }
            Self::HalfOfInput => {
                "The source lists no price of cached input for this model; the provider charges half the price of input."
            }
        }
    }
}
