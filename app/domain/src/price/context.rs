//! The circumstances of a call that choose between prices.

use super::{Attribute, Variant};
use crate::meter::{served_tier, served_word};
use crate::model::lower;
use serde_json::Value;

/// What decides, beside model, meter and time, which price holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// Which prices apply first; the standard ones fill the gaps.
    pub variant: Variant,
    /// Most results that a search was asked for; 0 when nothing is said.
    pub results: u64,
    /// How many requests the usage is the sum of; none for a single request. Prices by the size of a request do not apply to a sum.
    pub sum_of: Option<u64>,
    attributes: [Option<&'a str>; Attribute::COUNT],
}

/// What a sender says about a call beside its usage object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The tier that was asked for.
    pub service_tier: Option<&'a str>,
    /// The speed that was asked for.
    pub speed: Option<&'a str>,
    /// Whether it was sent in a batch.
    pub batch: bool,
    /// Where it was served.
    pub region: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// From tier and batch alone. A batch is a batch whatever tier was asked for; `auto`, `default`, `on_demand` and words that no provider sells at a price of its own are standard.
    #[must_use]
    pub fn new(service_tier: Option<&str>, batch: bool) -> Self {
        let tier = service_tier.map(lower).and_then(|word| Variant::parse(&word)).unwrap_or_default();
        Self { variant: if batch { Variant::Batch } else { tier }, ..Self::default() }
    }

    /// From everything that is known of a call. What the usage object says was served wins over what was asked for.
    #[must_use]
    pub fn of(asked: Asked<'a>, usage: &'a Value) -> Self {
        // Speed is sold beside the tiers, and dearer than any of them.
        let speed = served_word(usage, "speed").or(asked.speed).filter(|speed| speed.eq_ignore_ascii_case("fast"));
        let mut context = Self::new(speed.or_else(|| served_tier(usage)).or(asked.service_tier), asked.batch);
        let served_region = served_word(usage, "inference_geo").filter(|region| *region != "not_available");
        let steps = usage.get("steps").and_then(Value::as_u64);
        let words = [
            (Attribute::Region, served_region.or(asked.region)),
            (Attribute::Size, served_word(usage, "size")),
            (Attribute::Quality, served_word(usage, "quality")),
            (Attribute::Steps, steps.map(|steps| if steps > 50 { "max" } else { "50" })),
            (Attribute::Resolution, served_word(usage, "resolution")),
            (Attribute::SearchContext, served_word(usage, "search_context_size")),
            (Attribute::SearchType, served_word(usage, "search_type")),
        ];
        for (attribute, value) in words {
            context.attributes[attribute as usize] = value;
        }
        context.results = usage.get("max_results").and_then(Value::as_u64).unwrap_or(0);
        context
    }

    /// The same usage as the sum of so many requests.
    #[must_use]
    pub const fn as_sum(mut self, sum_of: Option<u64>) -> Self {
        self.sum_of = sum_of;
        self
    }

    /// The input tokens that choose a tier: none of a sum, whose requests are not known one by one.
    pub(crate) const fn size(&self, input_tokens: u64) -> u64 {
        if self.sum_of.is_some() { 0 } else { input_tokens }
    }

    /// The same call, had it been served otherwise.
    #[must_use]
    pub const fn served_as(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    /// The same search with so many results asked for.
    #[must_use]
    pub const fn with_results(mut self, results: u64) -> Self {
        self.results = results;
        self
    }

    /// The same circumstances with one attribute more.
    #[must_use]
    pub const fn with(mut self, attribute: Attribute, value: Option<&'a str>) -> Self {
        if value.is_some() {
            self.attributes[attribute as usize] = value;
        }
        self
    }

    /// What is known of an attribute.
    #[must_use]
    pub const fn value(&self, attribute: Attribute) -> Option<&'a str> {
        self.attributes[attribute as usize]
    }
}
