//! One row: what was charged for, where, when and how much.

use super::charge::{Amounts, Charge};
use super::sku;
use crate::allocation::{Party, RouteId};
use crate::ids::ProjectId;
use crate::meter::Meter;
use crate::project::Owner;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What rows are apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// When the hour or day begins.
    pub start: DateTime<Utc>,
    /// Which project.
    pub project_id: ProjectId,
    /// Who sells the model, as sent.
    pub provider: String,
    /// The model, as sent.
    pub model: String,
    /// The model's name in the price book; as sent where none priced it.
    pub book_model: String,
    /// What of it.
    pub meter: Meter,
    /// At which price, or why.
    pub charge: Charge,
    /// Whether it came after its month had ended.
    pub is_correction: bool,
    /// Tags that were asked for, with their values.
    pub tags: Vec<(String, String)>,
    /// Which way the allocation rules move it; none where they do not, and in versions without columns for it.
    pub route: Option<RouteId>,
}

/// A charge, or a part of one, as allocation rules moved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocatedCharge {
    /// Number of the rule that brought it there last.
    pub rule_id: u64,
    /// The rule's name.
    pub rule: String,
    /// What the rule does.
    pub effect: String,
    /// By what the rule splits, where it goes by what was used.
    pub unit: Option<&'static str>,
    /// How much of what was charged it is, from 0 to 1.
    pub ratio: Decimal,
    /// Who has it now; nobody: it is unallocated.
    pub to: Party,
    /// Their name.
    pub name: Option<String>,
    /// Slug of the team that it belongs to.
    pub team: Option<String>,
}

/// Rows that add up.
pub type Rows = BTreeMap<RowKey, Amounts>;

/// Whose dataset it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The organization's id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What is known of the price behind a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceFacts {
    /// How it was served: `standard`, `batch`.
    pub tier: String,
    /// When it applies apart from its dates, in words; empty for the plain price.
    pub terms: String,
    /// The data set or person it came from.
    pub source: String,
}

/// A row of the dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FocusRow {
    /// What it is apart by.
    pub key: RowKey,
    /// What it adds up to.
    pub amounts: Amounts,
    /// When its hour or day ends.
    pub end: DateTime<Utc>,
    /// Its month in the organization's zone.
    pub billing: (DateTime<Utc>, DateTime<Utc>),
    /// Whose it is.
    pub owner: Owner,
    /// The price behind it, where one is known.
    pub price: Option<PriceFacts>,
    /// The term of the contract behind it, in words.
    pub term: Option<String>,
    /// Where allocation rules moved it.
    pub allocated: Option<AllocatedCharge>,
}

/// How much was charged for, in units that have a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// How many units.
    pub quantity: Decimal,
    /// The unit: `1000000 Tokens`.
    pub unit: String,
    /// By the price list, US dollars each.
    pub list: Decimal,
    /// As charged, US dollars each.
    pub contracted: Decimal,
}

impl Pricing {
    fn cost(&self, price: Decimal) -> Option<Decimal> {
        price.checked_mul(self.quantity).map(|cost| cost.normalize())
    }
}

impl FocusRow {
    /// Units and unit prices of usage; none for what only moves its cost.
    ///
    /// Where only an amount is known, the dollars themselves are the unit, so that price times quantity is the cost here too.
    #[must_use]
    pub fn pricing(&self) -> Option<Pricing> {
        let quantity = self.amounts.charged;
        match &self.key.charge {
            Charge::Priced(prices) | Charge::Included(prices) => Some(Pricing {
                quantity: quantity.checked_div(Decimal::from(prices.per)).unwrap_or(quantity).normalize(),
                unit: match prices.per {
                    1 => sku::unit(self.key.meter),
                    per => format!("{per} {}", sku::unit(self.key.meter)),
                },
                list: prices.list,
                contracted: prices.contracted,
            }),
            Charge::Amount => Some(Pricing {
                quantity: quantity.normalize(),
                unit: "US Dollars".to_owned(),
                list: Decimal::ONE,
                contracted: Decimal::ONE,
            }),
            Charge::ReportedOver | Charge::Term(_) | Charge::Adjusted => None,
        }
    }

    /// What it costs by the price list: unit price times quantity exactly. A charge without a unit price costs what was billed.
    #[must_use]
    pub fn list_cost(&self) -> Decimal {
        self.pricing().and_then(|pricing| pricing.cost(pricing.list)).unwrap_or(self.amounts.billed)
    }

    /// What it costs at the contracted price: unit price times quantity exactly. A charge without a unit price costs what was billed.
    #[must_use]
    pub fn contracted_cost(&self) -> Decimal {
        self.pricing().and_then(|pricing| pricing.cost(pricing.contracted)).unwrap_or(self.amounts.billed)
    }

    /// Id of what was bought, whatever it cost: seller, model, meter.
    #[must_use]
    pub fn sku_id(&self) -> Option<String> {
        let RowKey { provider, book_model, meter, charge, .. } = &self.key;
        let seller = crate::model::canonical_provider(provider);
        charge.is_usage().then(|| format!("{seller}/{book_model}/{meter}"))
    }

    /// Id of the price: the SKU with the row of the price book.
    #[must_use]
    pub fn sku_price_id(&self) -> Option<String> {
        let sku = self.sku_id()?;
        match &self.key.charge {
            Charge::Priced(prices) | Charge::Included(prices) => Some(format!("{sku}/{}", prices.price_id)),
            _ => Some(format!("{sku}/amount")),
        }
    }

    /// What the row is, in one line.
    #[must_use]
    pub fn description(&self) -> String {
        let RowKey { meter, model, charge, .. } = &self.key;
        let name = sku::meter_name(*meter);
        match charge {
            Charge::Priced(_) => match self.price.as_ref().filter(|price| !price.terms.is_empty()) {
                Some(price) => format!("{name} of {model}, {}", price.terms),
                None => format!("{name} of {model}"),
            },
            Charge::Included(_) => format!("{name} of {model}, included in a plan and not billed"),
            Charge::Amount => format!("{name} of {model}, as an amount"),
            Charge::ReportedOver => format!("Reported cost of {model} over the computed cost"),
            Charge::Term(_) => match &self.term {
                Some(term) => format!("Contract, {name} of {model}: {term}"),
                None => format!("Contract, {name} of {model}"),
            },
            Charge::Adjusted if *meter == Meter::Included => format!("Usage of {model} that a plan includes"),
            Charge::Adjusted => format!("Adjusted after booking, {name} of {model}"),
        }
    }
}
