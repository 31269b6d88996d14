//! What rows of the book say, in words and as a file.

use super::{DatedModifier, DatedPrice, ModelName};
use crate::meter::Meter;
use crate::price::{Attributes, BookPrice, MeterSet, PriceModifier, Variant};
use crate::{csv, format};
use chrono::{DateTime, Utc};

/// The prices of one model that can be charged at an instant: the organization's own, and the common ones that these leave.
///
/// Own prices are one card laid over the common one: a list price is out of reach where an own one of its meter, or of a meter that stands in for it, holds for every call.
#[must_use]
pub fn in_force(prices: &[DatedPrice], at: DateTime<Utc>) -> Vec<&DatedPrice> {
    let own: Vec<&BookPrice> =
        prices.iter().filter(|price| price.own && price.holds(at)).map(|price| &price.row).collect();
    let covered = |row: &BookPrice| {
        own.iter().any(|own| {
            let stands_in = own.meter == row.meter || row.meter.fallbacks().contains(&own.meter);
            let variant = own.variant == Variant::Standard || own.variant == row.variant;
            let always = own.schedule.is_none() && (own.attributes.is_empty() || own.attributes == row.attributes);
            stands_in && variant && always && own.tier_from <= row.tier_from
        })
    };
    let reached = |price: &&DatedPrice| price.holds(at) && (price.own || !covered(&price.row));
    prices.iter().filter(reached).collect()
}

/// The plain price that a meter is charged at an instant: the organization's own, or an own one that stands in, before the common one.
#[must_use]
pub fn plain_at(prices: &[DatedPrice], meter: Meter, at: DateTime<Utc>) -> Option<&DatedPrice> {
    let plain = |own: bool, meter: Meter| {
        prices
            .iter()
            .find(move |price| price.own == own && price.row.meter == meter && is_plain(&price.row) && price.holds(at))
    };
    let own = plain(true, meter).or_else(|| meter.fallbacks().iter().find_map(|&meter| plain(true, meter)));
    own.or_else(|| plain(false, meter))
}

/// When a price applies apart from its dates, in words: "Standard", "Batch, over 200,000 input tokens".
#[must_use]
pub fn terms(row: &BookPrice) -> String {
    let mut said = vec![variant_word(row.variant).to_owned()];
    said.extend(attribute_words(&row.attributes));
    if row.tier_from > 0 {
        let bound = if row.tier_inclusive { "from" } else { "over" };
        let what = if row.meter.is_token() { "input tokens" } else { "results" };
        said.push(format!("{bound} {} {what}", format::count(row.tier_from)));
    }
    said.extend(row.schedule.map(|schedule| {
        let hours = schedule.to_string();
        // Hours at an offset say it themselves.
        let zone = if hours.contains(" +") || hours.contains(" -") { "" } else { " UTC" };
        format!("{hours}{zone}")
    }));
    let unit = row.meter.unit().as_str();
    said.extend(row.quantity_whole.then(|| format!("whole {unit} charged")));
    said.extend(row.quantity_min.map(|least| format!("at least {} {unit} charged", format::quantity(least))));
    said.extend(row.quantity_max.map(|most| format!("at most {} {unit} charged", format::quantity(most))));
    said.join(", ")
}

/// Conditions in words: "size 1024x1536", "region not global".
pub fn attribute_words(attributes: &Attributes) -> impl Iterator<Item = String> + '_ {
    attributes.iter().map(|(attribute, value)| format!("{} {value}", attribute.as_str().replace('_', " ")))
}

/// Whether a price is the plain one: standard, for calls of any kind and size, at any hour.
#[must_use]
pub fn is_plain(row: &BookPrice) -> bool {
    row.variant == Variant::Standard && row.tier_from == 0 && row.schedule.is_none() && row.attributes.is_empty()
}

/// Which calls and meters a modifier multiplies, in words: "tokens, region not global".
#[must_use]
pub fn modifier_words(row: &PriceModifier) -> String {
    let meters = match &row.meters {
        MeterSet::All => "everything".to_owned(),
        MeterSet::Tokens => "tokens".to_owned(),
        MeterSet::Only(meters) => {
            meters.iter().map(|meter| meter.label().to_lowercase()).collect::<Vec<_>>().join(", ")
        }
    };
    std::iter::once(meters).chain(attribute_words(&row.attributes)).collect::<Vec<_>>().join(", ")
}

/// The modifiers among these that can multiply the prices of a model, in the order in which they stack.
#[must_use]
pub fn modifiers_of(modifiers: Vec<DatedModifier>, name: &ModelName) -> Vec<DatedModifier> {
    let mut concerned: Vec<_> =
        modifiers.into_iter().filter(|modifier| modifier.row.concerns(&name.provider, &name.model)).collect();
    concerned.sort_by_key(|modifier| (modifier.row.kind, modifier.row.valid_from));
    concerned
}

const fn variant_word(variant: Variant) -> &'static str {
    match variant {
        Variant::Standard => "Standard",
        Variant::Batch => "Batch",
        Variant::Flex => "Flex",
        Variant::Priority => "Priority",
        Variant::Fast => "Fast",
        Variant::Ultrafast => "Ultrafast",
        Variant::Balanced => "Balanced",
    }
}

/// Prices as CSV, in their order.
#[must_use]
pub fn prices_csv(prices: &[DatedPrice]) -> String {
    let mut table = csv::Table::new([
        "price_id",
        "provider",
        "model",
        "meter",
        "unit",
        "terms",
        "rate",
        "per",
        "currency",
        "valid_from",
        "valid_to",
        "own",
        "source",
        "source_version",
        "source_url",
        "derived",
        "recorded_at",
        "superseded_at",
    ]);
    let instant = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
    for price in prices {
        let row = &price.row;
        let cells = [
            row.price_id.to_string(),
            row.provider.clone(),
            row.model.clone(),
            row.meter.as_str().to_owned(),
            row.meter.unit().as_str().to_owned(),
            terms(row),
            row.rate.to_string(),
            row.per.to_string(),
            "USD".to_owned(),
            instant(row.valid_from),
            instant(row.valid_to),
            price.own.to_string(),
            row.source.clone(),
            row.source_version.clone(),
            row.source_url.clone().unwrap_or_default(),
            row.derived.map(|derived| derived.as_str().to_owned()).unwrap_or_default(),
            instant(Some(price.recorded_at)),
            instant(price.superseded_at),
        ];
        table.row(cells.iter().map(String::as_str));
    }
    table.into_text()
}
