//! Why a line of a receipt has the price that it has.

use super::seed::FIRST_OWN_PRICE_ID;
use super::{PriceRow, Variant};
use crate::meter::Meter;
use crate::model::{canonical_provider, lower};
use serde::{Deserialize, Serialize};

/// How a sent name led to a model of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NameWhy {
    /// It is the model's name in the book.
    Listed,
    /// The organization mapped it.
    Mapped,
    /// A rule of the common book for names.
    Rule,
}

/// Which price row won for a line, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Why {
    /// How the name led to the model.
    pub name: NameWhy,
    /// The model in the book, as `provider/model`.
    pub model: String,
    /// Whether the row is the organization's own: it goes before the common price.
    pub own: bool,
    /// The meter whose price stood in, where the model has none for the line's meter.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub stood_in: Option<Meter>,
    /// The tier of service that has no price of its own, so that the standard price held.
    pub fell_back: Option<Variant>,
}

impl Why {
    /// Of a line that charged `meter` with the price `row` to an event that named `provider` and `model`, served as `variant`.
    #[must_use]
    pub fn of(provider: &str, model: &str, mapped: bool, meter: Meter, variant: Variant, row: &PriceRow) -> Self {
        let same_name = row.provider == canonical_provider(provider) && lower(&row.model) == lower(model.trim());
        Self {
            name: match (mapped, same_name) {
                (true, _) => NameWhy::Mapped,
                (false, true) => NameWhy::Listed,
                (false, false) => NameWhy::Rule,
            },
            model: format!("{}/{}", row.provider, row.model),
            own: row.price_id >= FIRST_OWN_PRICE_ID,
            stood_in: (row.meter != meter).then_some(row.meter),
            fell_back: (row.variant == Variant::Standard && variant != Variant::Standard).then_some(variant),
        }
    }

    /// As sentences for people.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let model = &self.model;
        let name = match self.name {
            NameWhy::Listed => format!("The event names {model} as the price book does."),
            NameWhy::Mapped => format!("Your organization maps the event's name to {model}."),
            NameWhy::Rule => format!("A rule of the price book leads the event's name to {model}."),
        };
        let own = self.own.then(|| "Your own price goes before the common one.".to_owned());
        let stood_in = self.stood_in.map(|meter| {
            format!("There is no price of this meter: that of {} stands in.", meter.label().to_lowercase())
        });
        let fell_back =
            self.fell_back.map(|variant| format!("There is no {} price: the standard one holds.", variant.as_str()));
        [Some(name), own, stood_in, fell_back].into_iter().flatten().collect()
    }
}
