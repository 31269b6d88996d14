//! Why a line of a receipt has the price that it has.

use super::{BookPrice, Derivation, Variant};
use crate::meter::Meter;
use crate::model::{canonical_provider, lower, without_mark};
use crate::rule::FIRST_RULE_ID;
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
    /// Whether the row is the organization's own: it goes before the list price.
    pub own: bool,
    /// What the sender's client marked the model's name with, which no price depends on.
    #[serde(default)]
    pub mark: Option<String>,
    /// The meter whose price stood in, where the model has none for the line's meter.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub stood_in: Option<Meter>,
    /// The tier of service that has no price of its own, so that the standard price held.
    pub fell_back: Option<Variant>,
    /// Why the price stands in the book, where its source does not list it as it is.
    #[serde(default)]
    pub derived: Option<Derivation>,
}

impl Why {
    /// Of a line that charged `meter` with the price `row` to an event that named `provider` and `model`, served as `variant`.
    #[must_use]
    pub fn of(provider: &str, model: &str, mapped: bool, meter: Meter, variant: Variant, row: &BookPrice) -> Self {
        let is_name =
            |name: &str| row.provider == canonical_provider(provider) && lower(&row.model) == lower(name.trim());
        let marked = without_mark(model).filter(|_| !is_name(model));
        let same_name = is_name(marked.map_or(model, |(bare, _)| bare));
        Self {
            name: match (mapped, same_name) {
                (true, _) => NameWhy::Mapped,
                (false, true) => NameWhy::Listed,
                (false, false) => NameWhy::Rule,
            },
            model: format!("{}/{}", row.provider, row.model),
            own: row.price_id >= FIRST_RULE_ID,
            mark: marked.map(|(_, mark)| mark.to_owned()),
            stood_in: (row.meter != meter).then_some(row.meter),
            fell_back: (row.variant == Variant::Standard && variant != Variant::Standard).then_some(variant),
            derived: row.derived,
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
        let mark = self.mark.as_ref().map(|mark| {
            format!("The mark {mark} behind the event's name of the model is its client's and changes no price.")
        });
        let own = self.own.then(|| "Your own price overrides the list price.".to_owned());
        let stood_in = self.stood_in.map(|meter| {
            format!("There is no price of this meter: that of {} stands in.", meter.label().to_lowercase())
        });
        let fell_back =
            self.fell_back.map(|variant| format!("There is no {} price: the standard one holds.", variant.as_str()));
        let derived = self.derived.map(|derived| format!("This price is derived. {}", derived.reason()));
        [Some(name), mark, own, stood_in, fell_back, derived].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::Attributes;
    use rust_decimal::Decimal;

    fn row() -> BookPrice {
        BookPrice {
            price_id: 7,
            provider: "x-ai".to_owned(),
            model: "grok-4".to_owned(),
            meter: Meter::InputUncached,
            variant: Variant::Standard,
            attributes: Attributes::NONE,
            tier_from: 0,
            tier_inclusive: true,
            quantity_min: None,
            quantity_max: None,
            quantity_whole: false,
            rate: Decimal::ONE,
            per: 1_000_000,
            valid_from: None,
            valid_to: None,
            schedule: None,
            source: "set".to_owned(),
            source_version: "1".to_owned(),
            source_url: None,
            derived: None,
        }
    }

    #[test]
    fn the_name_led_to_the_model_in_one_of_three_ways() {
        let name = |provider, model, mapped| {
            Why::of(provider, model, mapped, Meter::InputUncached, Variant::Standard, &row()).name
        };
        assert_eq!(name("xai", " Grok-4", false), NameWhy::Listed, "providers and letters have several spellings");
        assert_eq!(name("x-ai", "grok-4-latest", false), NameWhy::Rule);
        assert_eq!(name("azure", "grok-4", false), NameWhy::Rule, "somebody else's model");
        assert_eq!(name("azure", "our-grok", true), NameWhy::Mapped);
    }

    #[test]
    fn a_mark_of_a_client_is_said() {
        let why = Why::of("xai", "grok-4[1m]", false, Meter::InputUncached, Variant::Standard, &row());
        assert_eq!((why.name, why.mark.as_deref()), (NameWhy::Listed, Some("[1m]")));
        assert_eq!(
            why.sentences()[1],
            "The mark [1m] behind the event's name of the model is its client's and changes no price."
        );
        let listed = BookPrice { model: "grok-4 (high)".to_owned(), ..row() };
        let why = Why::of("xai", "grok-4 (high)", false, Meter::InputUncached, Variant::Standard, &listed);
        assert_eq!((why.name, why.mark), (NameWhy::Listed, None), "a part of the book's own name");
    }

    #[test]
    fn what_stood_in_is_said() {
        let of = |meter, variant, row: &BookPrice| Why::of("x-ai", "grok-4", false, meter, variant, row);
        let plain = of(Meter::InputUncached, Variant::Standard, &row());
        assert_eq!(plain.sentences(), ["The event names x-ai/grok-4 as the price book does."]);
        let own = BookPrice { price_id: FIRST_RULE_ID, ..row() };
        let why = of(Meter::InputCacheRead, Variant::Flex, &own);
        assert_eq!((why.own, why.stood_in, why.fell_back), (true, Some(Meter::InputUncached), Some(Variant::Flex)));
        assert_eq!(
            why.sentences()[1..],
            [
                "Your own price overrides the list price.",
                "There is no price of this meter: that of input stands in.",
                "There is no flex price: the standard one holds.",
            ]
        );
        let flex = BookPrice { variant: Variant::Flex, ..row() };
        assert_eq!(of(Meter::InputUncached, Variant::Flex, &flex).fell_back, None);
        let derived = BookPrice { derived: Some(Derivation::ShareOfStandard), ..flex };
        let said = of(Meter::InputUncached, Variant::Flex, &derived).sentences();
        assert_eq!(said[1], format!("This price is derived. {}", Derivation::ShareOfStandard.reason()));
    }
}
