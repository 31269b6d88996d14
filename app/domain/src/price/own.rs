//! An organization's own prices and names: what a person enters, what is checked, and what the lists show.

mod fields;
mod forms;
mod warnings;

pub use fields::usual_per;
pub(crate) use fields::{Wrong, read_provider, read_text};
pub(super) use fields::{read_pattern, read_rate, read_url};
pub use forms::{MAX_RATES, MappingForm, ModifierForm, PriceForm, RateForm, field_of};
pub use warnings::{PriceWarning, tenfold, warnings};
pub(super) use warnings::{cheaper_than_base, far_above_peers};

use super::{BookPrice, ModelAlias, PriceModifier};
use crate::rule::{Dated, History, RuleChange};
use serde::{Deserialize, Serialize};

/// Everything of the organization's own book, for its page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnBook {
    /// Prices: those that count by model and date, then superseded ones.
    pub prices: History<Dated<BookPrice>>,
    /// Discounts and markups: those that count in the order in which they stack, then superseded ones.
    pub modifiers: History<Dated<PriceModifier>>,
    /// Names, in the order in which they are tried, then superseded ones.
    pub mappings: History<Dated<ModelAlias>>,
    /// What was done, newest first.
    pub changes: History<RuleChange>,
}
