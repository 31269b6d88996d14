//! An organization's own prices and names: what a person enters, what is checked, and what the lists show.

mod doubts;
mod fields;
mod forms;

pub use doubts::{Doubt, doubts, tenfold};
pub use fields::usual_per;
pub(super) use fields::{Wrong, read_pattern, read_provider, read_rate, read_text, read_url};
pub use forms::{
    MAX_RATES, MappingForm, MappingInput, ModifierForm, ModifierInput, PriceForm, PriceInput, RateForm, field_of,
};

use super::{ModifierRow, PriceRow};
use crate::ids::PriceChangeId;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// A price of the organization's own as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPrice {
    /// The price.
    pub row: PriceRow,
    /// Where it stands in the book's history.
    pub entry: Entry,
}

/// A discount or markup of the organization's own as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnModifier {
    /// The factor.
    pub row: ModifierRow,
    /// Where it stands in the book's history.
    pub entry: Entry,
}

/// A name of the organization's own for a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnMapping {
    /// Canonical provider whose events it reads.
    pub provider: String,
    /// Names it together with the provider.
    pub position: u32,
    /// Which names, as [`Pattern`](super::Pattern) writes them.
    pub pattern: String,
    /// Provider of the model it leads to.
    pub to_provider: String,
    /// The model it leads to.
    pub to_model: String,
    /// Holds from this instant; none means from the beginning of time.
    pub valid_from: Option<DateTime<FixedOffset>>,
    /// Holds until before this instant.
    pub valid_to: Option<DateTime<FixedOffset>>,
    /// Where it stands in the book's history.
    pub entry: Entry,
}

/// When and by whom a row was entered, and since when it no longer counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Entered when, in the organization's zone.
    pub recorded_at: DateTime<FixedOffset>,
    /// By whom: an e-mail address, the name of a key, or `Tallystick`.
    pub recorded_by: String,
    /// With which change; none for rows that no person entered.
    pub change_id: Option<PriceChangeId>,
    /// Since when it no longer counts for events that come; old receipts still point to it.
    pub superseded_at: Option<DateTime<FixedOffset>>,
}

/// One thing that a person did to the organization's own book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChange {
    /// Its id, to undo it.
    pub change_id: PriceChangeId,
    /// When, in the organization's zone.
    pub recorded_at: DateTime<FixedOffset>,
    /// Who.
    pub recorded_by: String,
    /// One sentence.
    pub detail: String,
    /// Whether a later change took it back.
    pub undone: bool,
    /// The change that it took back.
    pub undoes: Option<PriceChangeId>,
}

/// Everything of the organization's own book, for its page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnBook {
    /// Prices: those that count by model and date, then superseded ones.
    pub prices: Vec<OwnPrice>,
    /// Discounts and markups: those that count in the order in which they stack, then superseded ones.
    pub modifiers: Vec<OwnModifier>,
    /// Names, in the order in which they are tried.
    pub mappings: Vec<OwnMapping>,
    /// What was done, newest first.
    pub changes: Vec<PriceChange>,
}
