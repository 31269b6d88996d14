//! One entry of LiteLLM's price file as facts of the book: which meter of which kind of call costs what.
//!
//! What the entry's numbers mean depends on its mode, and in part on code; the rules stand here, one function each.

use super::{fields, list};
use chrono::{DateTime, Utc};
use domain::meter::Meter;
use domain::price::{Derivation, Variant};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a price is for, beside the model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct For {
    pub(super) meter: Meter,
    pub(super) variant: Variant,
    /// Holds above this many input tokens (or results of a search).
    pub(super) above: u64,
    pub(super) attributes: String,
    pub(super) schedule: String,
}

impl For {
    pub(super) fn meter(meter: Meter) -> Self {
        Self { meter, variant: Variant::Standard, above: 0, attributes: String::new(), schedule: String::new() }
    }

    fn with(self, attributes: &str) -> Self {
        Self { attributes: attributes.to_owned(), ..self }
    }
}

/// A price: a rate of so many units, the greatest quantity that one event is charged for, when it holds, and why it is one if nobody lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Price {
    pub(super) rate: Decimal,
    pub(super) per: u32,
    pub(super) most: &'static str,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
    pub(super) derived: Option<Derivation>,
}

impl Price {
    pub(super) fn of(rate: Decimal, per: u32) -> Self {
        Self { rate, per, ..Self::default() }
    }
}

/// All prices of an entry, and the words of what was left out.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) prices: BTreeMap<For, Price>,
    pub(super) left_out: BTreeSet<&'static str>,
}

const MILLION: u32 = 1_000_000;

/// Prices per token and their meters; the names before `_above_…` and the tier.
const TOKENS: [(&str, Meter); 16] = [
    ("input_cost_per_token", Meter::InputUncached),
    ("output_cost_per_token", Meter::Output),
    ("cache_read_input_token_cost", Meter::InputCacheRead),
    ("input_cost_per_token_cache_hit", Meter::InputCacheRead),
    ("cache_creation_input_token_cost", Meter::InputCacheWrite),
    ("input_cost_per_audio_token", Meter::InputAudio),
    ("cache_read_input_audio_token_cost", Meter::InputAudioCacheRead),
    ("input_cost_per_image_token", Meter::InputImage),
    ("cache_read_input_image_token_cost", Meter::InputImageCacheRead),
    ("input_cost_per_video_token", Meter::InputVideo),
    ("output_cost_per_reasoning_token", Meter::OutputReasoning),
    ("citation_cost_per_token", Meter::OutputCitation),
    ("output_cost_per_audio_token", Meter::OutputAudio),
    ("output_cost_per_image_token", Meter::OutputImage),
    ("output_cost_per_video_token", Meter::OutputVideo),
    ("cache_creation_input_audio_token_cost", Meter::InputCacheWrite),
];

/// Endings of prices for other tiers.
const VARIANTS: [(&str, Variant); 5] = [
    ("_batches", Variant::Batch),
    ("_flex", Variant::Flex),
    ("_priority", Variant::Priority),
    ("_ultrafast", Variant::Ultrafast),
    ("_balanced", Variant::Balanced),
];

/// What one opened page costs where the browser is Groq's: <https://groq.com/pricing>.
const GROQ_PAGE_VISIT: (i64, u32) = (1, 3);

/// The facts of an entry; `provider` as the book names it, `model` as a caller does.
pub(super) fn facts(provider: &str, model: &str, entry: &Value) -> Facts {
    let mut facts = Facts::default();
    let Some(map) = entry.as_object() else { return facts };
    let mode = entry.get("mode").and_then(Value::as_str).unwrap_or("chat");
    facts.tokens(map, mode);
    facts.tiers(entry);
    facts.off_peak(entry);
    facts.media(map, mode);
    facts.pages(map);
    facts.searches(provider, model, entry, mode);
    facts.drop_zeros(mode);
    facts.drop_repeated_reasoning();
    facts
}

/// Beyond this no number of a price file is meant: it would only overflow what it is multiplied with.
const MAX_NUMBER: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// The number as it is written, without the noise of binary fractions: no price list has thirteen significant digits.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    let text = value.as_number()?.to_string();
    let exact: Decimal = text.parse().or_else(|_| Decimal::from_scientific(&text)).ok()?;
    if exact.abs() > MAX_NUMBER {
        return None;
    }
    let short = exact.round_sf(12)?.normalize();
    let noise = (exact - short).abs();
    Some(if noise * Decimal::from(1_000_000_000_000_u64) < exact { short } else { exact.normalize() })
}

fn number(map: &Map<String, Value>, key: &str) -> Option<Decimal> {
    map.get(key).and_then(decimal)
}

/// A price of a second. One that does not end was divided from the price of a minute or an hour, which is told instead.
fn per_second(rate: Decimal) -> (Decimal, u32) {
    let longer = [60_u32, 3_600].into_iter().find_map(|per| {
        let price = (rate * Decimal::from(per)).round_dp(6);
        (price / Decimal::from(per) != rate && (price / Decimal::from(per) - rate).abs() < Decimal::new(1, 14))
            .then(|| (price.normalize(), per))
    });
    longer.unwrap_or((rate, 1))
}

/// Name, boundary and tier of a token price's key, such as `input_cost_per_token_above_200k_tokens_batches`.
fn token_key(key: &str) -> Option<For> {
    let (key, variant) = VARIANTS
        .iter()
        .find_map(|(ending, variant)| Some((key.strip_suffix(ending)?, *variant)))
        .unwrap_or((key, Variant::Standard));
    let (mut key, mut above) = (key, 0);
    if let Some((begin, boundary)) = key.strip_suffix("k_tokens").and_then(|key| key.rsplit_once("_above_")) {
        (key, above) = (begin, boundary.parse::<u64>().ok()?.checked_mul(1_000)?);
    }
    let meter = match key {
        "cache_creation_input_token_cost_above_1hr" => Meter::InputCacheWrite1h,
        "cache_creation_input_token_cost_above_12hr" => Meter::InputCacheWrite12h,
        "cache_creation_input_audio_token_cost" => return None,
        key => TOKENS.iter().find(|(known, _)| *known == key)?.1,
    };
    Some(For { variant, above, ..For::meter(meter) })
}

impl Facts {
    fn add(&mut self, what: For, rate: Decimal, per: u32) {
        self.prices.entry(what).or_insert(Price::of(rate, per));
    }

    fn per_token(&mut self, what: For, rate: Decimal) {
        self.add(what, (rate * Decimal::from(MILLION)).normalize(), MILLION);
    }

    fn tokens(&mut self, map: &Map<String, Value>, mode: &str) {
        let transcribes = matches!(mode, "audio_speech" | "video_generation");
        for (key, value) in map {
            let Some((what, rate)) = token_key(key).zip(decimal(value)) else { continue };
            // The two names of one price: the usual one goes first.
            if key == "input_cost_per_token_cache_hit" && map.contains_key("cache_read_input_token_cost") {
                continue;
            }
            if !(transcribes && rate.is_zero()) {
                self.per_token(what, rate);
            }
        }
    }

    /// A table of ranges: every token of a request has the price of the range that its input falls into.
    fn tiers(&mut self, entry: &Value) {
        let tiers: Vec<(u64, &Map<String, Value>)> = list(entry, "tiered_pricing")
            .iter()
            .filter_map(|tier| Some((start(tier, "range")?, tier.as_object()?)))
            .collect();
        let meters: BTreeSet<Meter> = tiers
            .iter()
            .flat_map(|(_, tier)| tier.keys())
            .filter_map(|key| token_key(key))
            .map(|what| what.meter)
            .chain((!tiers.is_empty()).then(|| self.prices.keys().map(|what| what.meter)).into_iter().flatten())
            .collect();
        let flat: BTreeMap<Meter, Decimal> = self
            .prices
            .iter()
            .filter(|(what, _)| what.variant == Variant::Standard && what.above == 0)
            .map(|(what, price)| (what.meter, price.rate / Decimal::from(price.per)))
            .collect();
        for (above, tier) in tiers {
            let rates: BTreeMap<Meter, Decimal> =
                tier.iter().filter_map(|(key, value)| Some((token_key(key)?.meter, decimal(value)?))).collect();
            for &meter in &meters {
                // Nothing of another range may stand in for what this range leaves out: its own relative does.
                let own = rates.get(&meter).or_else(|| meter.fallbacks().iter().find_map(|other| rates.get(other)));
                if let Some(rate) = own.or_else(|| flat.get(&meter)).copied() {
                    let what = For { above, ..For::meter(meter) };
                    self.prices.remove(&what);
                    self.per_token(what, rate);
                }
            }
        }
    }

    /// Prices at some hours. The data has hours in UTC and weekdays in another zone; the book has one clock for both.
    fn off_peak(&mut self, entry: &Value) {
        let Some(off_peak) = fields(entry, "off_peak_pricing") else { return };
        let ahead = match off_peak.get("weekday_timezone").and_then(Value::as_str) {
            None | Some("UTC") => 0,
            Some("Asia/Shanghai") => 8,
            Some(_) => {
                self.left_out.insert("hours of an unknown zone");
                return;
            }
        };
        for window in off_peak.get("windows").and_then(Value::as_array).into_iter().flatten() {
            let hours: Vec<&str> = match window.get("hours_utc") {
                Some(Value::String(hours)) => vec![hours],
                Some(Value::Array(hours)) => hours.iter().filter_map(Value::as_str).collect(),
                _ => continue,
            };
            let days: String =
                list(window, "weekdays").iter().filter_map(Value::as_u64).map(|day| day.to_string()).collect();
            for hours in hours {
                let Some(hours) = shifted(hours, ahead) else { continue };
                let offset = if ahead == 0 { String::new() } else { format!(" +{ahead:02}:00") };
                for (key, value) in off_peak {
                    if let Some((what, rate)) = token_key(key).zip(decimal(value)) {
                        self.per_token(For { schedule: format!("{hours} {days}{offset}"), ..what }, rate);
                    }
                }
            }
        }
    }

    /// Pictures, sound, film, characters, seconds of capacity.
    fn media(&mut self, map: &Map<String, Value>, mode: &str) {
        let price = |key: &str| number(map, key).filter(|rate| !rate.is_zero());
        let (input_second, output_second) = (
            price("input_cost_per_second").or_else(|| price("cost_per_second")),
            price("output_cost_per_second").or_else(|| price("output_cost_per_video_per_second")),
        );
        let seconds = |meter: Meter, rate: Option<Decimal>| rate.map(|rate| (meter, per_second(rate)));
        let of_mode = match mode {
            // One price, listed on both sides by some: it is charged once.
            "audio_transcription" => seconds(Meter::InputAudioSeconds, input_second.or(output_second)),
            "audio_speech" => seconds(Meter::OutputAudioSeconds, output_second.or(input_second)),
            "realtime" => seconds(Meter::AudioSeconds, input_second.or(output_second)),
            "video_generation" => seconds(Meter::VideoSeconds, output_second),
            _ => seconds(Meter::ProvisionedSeconds, input_second),
        };
        let embedded = [
            (Meter::InputAudioSeconds, price("input_cost_per_audio_per_second")),
            (Meter::InputVideoSeconds, price("input_cost_per_video_per_second")),
        ]
        .map(|(meter, rate)| seconds(meter, rate));
        for (meter, (rate, per)) in of_mode.into_iter().chain(embedded.into_iter().flatten()) {
            self.add(For::meter(meter), rate, per);
        }
        for (key, value) in map {
            if let Some((resolution, rate)) = key.strip_prefix("output_cost_per_second_").zip(decimal(value)) {
                let (rate, per) = per_second(rate);
                self.add(For::meter(Meter::VideoSeconds).with(&format!("resolution={resolution}")), rate, per);
            }
            let resolution = key
                .strip_prefix("output_cost_per_image_")
                .filter(|rest| !rest.contains("token") && !rest.contains("above"));
            if let Some((resolution, rate)) = resolution.zip(decimal(value)) {
                let resolution = format!("resolution={}", resolution.to_lowercase());
                self.add(For::meter(Meter::Images).with(&resolution), rate, 1);
            }
        }
        let (drawn, seen) = (price("output_cost_per_image"), price("input_cost_per_image"));
        // In some entries of models that sell tokens this is the price of one token of a picture.
        let is_of_a_token = mode == "chat" && drawn.is_some_and(|rate| rate < Decimal::new(1, 3));
        if is_of_a_token {
            self.left_out.insert("pictures at the price of a token");
        }
        let drawn = drawn.filter(|_| !is_of_a_token);
        let (drawn, seen) = match mode {
            "image_generation" | "image_edit" if drawn.is_none() => (seen, None),
            _ => (drawn, seen),
        };
        for (meter, rate) in [
            (Meter::Images, drawn),
            (Meter::InputImages, seen),
            (Meter::Requests, price("input_cost_per_request")),
            (Meter::TextMessages, price("input_cost_per_text_message")),
            (Meter::CodeExecutions, price("code_interpreter_cost_per_session")),
        ] {
            if let Some(rate) = rate {
                self.add(For::meter(meter), rate, 1);
            }
        }
        if let Some(rate) = price("input_cost_per_character").or_else(|| price("output_cost_per_character")) {
            self.add(For::meter(Meter::Characters), (rate * Decimal::from(MILLION)).normalize(), MILLION);
        }
        for (key, what) in [
            ("guardrail_cost_per_unit", "units of guardrails"),
            ("ocr_cost_per_credit", "pages counted in credits"),
            ("input_cost_per_video_per_second_above_15s_interval", "film by the length of its parts"),
        ] {
            if map.contains_key(key) {
                self.left_out.insert(what);
            }
        }
    }

    fn pages(&mut self, map: &Map<String, Value>) {
        for (key, meter, variant) in [
            ("ocr_cost_per_page", Meter::Pages, Variant::Standard),
            ("ocr_cost_per_page_batches", Meter::Pages, Variant::Batch),
            ("annotation_cost_per_page", Meter::AnnotatedPages, Variant::Standard),
            ("annotation_cost_per_page_batches", Meter::AnnotatedPages, Variant::Batch),
        ] {
            if let Some(rate) = number(map, key) {
                self.add(For { variant, ..For::meter(meter) }, (rate * Decimal::ONE_THOUSAND).normalize(), 1_000);
            }
        }
    }

    fn searches(&mut self, provider: &str, model: &str, entry: &Value, mode: &str) {
        let query = entry.get("input_cost_per_query").and_then(decimal);
        match (mode, query) {
            ("rerank", Some(rate)) => self.add(For::meter(Meter::RerankUnits), rate, 1),
            ("search" | "vector_store", Some(rate)) => self.add(For::meter(Meter::Searches), rate, 1),
            (_, Some(_)) => drop(self.left_out.insert("embeddings by the query")),
            (_, None) => {}
        }
        for tier in list(entry, "tiered_pricing") {
            let first = start(tier, "max_results_range").zip(tier.get("input_cost_per_query").and_then(decimal));
            if let Some((first, rate)) = first {
                let above = first.saturating_sub(1);
                self.add(For { above, ..For::meter(Meter::Searches) }, rate, 1);
            }
        }
        let per_query = entry.get("web_search_billing_unit").and_then(Value::as_str) == Some("per_query");
        // Gemini is charged by the grounded prompt; other makers' models on Vertex search at their own price.
        let interface = entry.get("litellm_provider").and_then(Value::as_str).unwrap_or_default();
        let is_gemini = matches!(interface, "gemini" | "vertex_ai-language-models");
        let once = if is_gemini && !per_query { "1" } else { "" };
        if let Some(by_size) = fields(entry, "search_context_cost_per_query") {
            // Perplexity charges each request to its own models by how much its search brings in.
            let searches_always = provider == "perplexity" && model.starts_with("sonar");
            let meter = if searches_always { Meter::Requests } else { Meter::WebSearches };
            self.search_context(meter, by_size, once);
            if provider == "groq" && self.prices.contains_key(&For::meter(Meter::WebSearches)) {
                let (units, places) = GROQ_PAGE_VISIT;
                self.add(For::meter(Meter::PageVisits), Decimal::new(units, places), 1);
            }
        }
        if let Some(rate) = entry.get("google_maps_grounding_cost_per_query").and_then(decimal) {
            self.prices.insert(For::meter(Meter::MapSearches), Price { most: once, ..Price::of(rate, 1) });
        }
    }

    /// One price if all sizes cost the same; else one each, of which the medium one holds where none is said.
    fn search_context(&mut self, meter: Meter, by_size: &Map<String, Value>, most: &'static str) {
        let [low, medium, high] =
            ["low", "medium", "high"].map(|size| (size, number(by_size, &format!("search_context_size_{size}"))));
        let Some(usual) = medium.1.or(low.1).or(high.1) else { return };
        let mut add = |what: For, rate: Decimal| {
            let price = Price { most, ..Price::of((rate * Decimal::ONE_THOUSAND).normalize(), 1_000) };
            self.prices.insert(what, price);
        };
        add(For::meter(meter), usual);
        let is_one_price = [low, medium, high].iter().all(|(_, rate)| rate.is_none_or(|rate| rate == usual));
        for (size, rate) in [low, medium, high].into_iter().filter(|_| !is_one_price) {
            if let Some(rate) = rate {
                add(For::meter(meter).with(&format!("search_context={size}")), rate);
            }
        }
    }

    /// Reasoning at the price of output says nothing, and would stand in the way of output's price in another tier.
    fn drop_repeated_reasoning(&mut self) {
        let repeated =
            |what: &For, price: &Price| self.prices.get(&For { meter: Meter::Output, ..what.clone() }) == Some(price);
        let mut reasoning = self.prices.iter().filter(|(what, _)| what.meter == Meter::OutputReasoning);
        if reasoning.all(|(what, price)| repeated(what, price)) {
            self.prices.retain(|what, _| what.meter != Meter::OutputReasoning);
        }
    }

    /// A zero is a price only of a part of something that costs: elsewhere the file says it for what nobody filled in.
    fn drop_zeros(&mut self, mode: &str) {
        let sells_tokens = self.prices.iter().any(|(what, price)| what.meter.is_token() && !price.rate.is_zero());
        let draws = matches!(
            mode,
            "image_generation" | "image_edit" | "video_generation" | "audio_transcription" | "audio_speech"
        );
        self.prices.retain(|what, price| {
            !price.rate.is_zero()
                || (what.meter.is_token() && sells_tokens && !(draws && what.meter.fallbacks().is_empty()))
        });
    }
}

/// Where a range begins.
fn start(tier: &Value, key: &str) -> Option<u64> {
    decimal(list(tier, key).first()?)?.try_into().ok()
}

/// `10:00-00:00` some hours later on the clock.
fn shifted(hours: &str, ahead: u32) -> Option<String> {
    let (from, to) = hours.split_once('-')?;
    let shift = |time: &str| -> Option<String> {
        let (hour, minute) = time.split_once(':')?;
        Some(format!("{:02}:{minute}", (hour.parse::<u32>().ok()? % 24 + ahead) % 24))
    };
    let (from, to) = (shift(from)?, shift(to)?);
    // The whole day, however it was written.
    Some(if from == to { "00:00-24:00".to_owned() } else { format!("{from}-{to}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(provider: &str, entry: Value) -> Vec<String> {
        let said = |(what, price): (&For, &Price)| {
            let For { meter, variant, above, attributes, schedule } = what;
            let words = [variant.as_str(), attributes, schedule, price.most].map(str::to_owned);
            let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
            format!("{meter} >{above} {} / {} [{}]", price.rate, price.per, words.join(" "))
        };
        facts(provider, "sonar", &entry).prices.iter().map(said).collect()
    }

    #[test]
    fn keys_say_meter_boundary_and_tier() {
        let entry = json!({"mode": "chat", "input_cost_per_token": 2e-6, "output_cost_per_token": 1.1000000000000001e-5,
            "cache_creation_input_token_cost_above_12hr_above_272k_tokens_flex": 5e-6, "max_tokens": 5});
        assert_eq!(
            told("openai", entry),
            [
                "input_uncached >0 2 / 1000000 [standard]",
                "input_cache_write_12h >272000 5 / 1000000 [flex]",
                "output >0 11 / 1000000 [standard]",
            ]
        );
    }

    #[test]
    fn a_range_has_its_own_relatives() {
        let entry = json!({"mode": "chat", "tiered_pricing": [
            {"input_cost_per_token": 4e-7, "output_cost_per_reasoning_token": 4e-6, "output_cost_per_token": 1.2e-6, "range": [0, 256000.0]},
            {"input_cost_per_token": 1.2e-6, "output_cost_per_token": 3.6e-6, "range": [256000.0, 1000000.0]},
        ]});
        assert_eq!(
            told("dashscope", entry),
            [
                "input_uncached >0 0.4 / 1000000 [standard]",
                "input_uncached >256000 1.2 / 1000000 [standard]",
                "output >0 1.2 / 1000000 [standard]",
                "output >256000 3.6 / 1000000 [standard]",
                "output_reasoning >0 4 / 1000000 [standard]",
                "output_reasoning >256000 3.6 / 1000000 [standard]",
            ]
        );
    }

    #[test]
    fn seconds_are_charged_once_and_by_the_unit_that_was_published() {
        let whisper =
            json!({"mode": "audio_transcription", "input_cost_per_second": 1e-4, "output_cost_per_second": 1e-4});
        assert_eq!(told("azure", whisper), ["input_audio_seconds >0 0.0001 / 1 [standard]"]);
        let hourly = json!({"mode": "audio_transcription", "input_cost_per_second": 0.0002833333333333333});
        assert_eq!(told("azure", hourly), ["input_audio_seconds >0 0.017 / 60 [standard]"]);
        let film = json!({"mode": "video_generation", "output_cost_per_second": 0.1, "output_cost_per_second_4k": 0.3});
        assert_eq!(
            told("google", film),
            ["video_seconds >0 0.1 / 1 [standard]", "video_seconds >0 0.3 / 1 [standard resolution=4k]"]
        );
    }

    #[test]
    fn searches_have_sizes_results_and_once_per_prompt() {
        let exa = json!({"mode": "search", "tiered_pricing": [
            {"input_cost_per_query": 0.005, "max_results_range": [0, 25]}, {"input_cost_per_query": 0.025, "max_results_range": [26, 100]}]});
        assert_eq!(told("exa_ai", exa), ["searches >0 0.005 / 1 [standard]", "searches >25 0.025 / 1 [standard]"]);
        let size = |low: f64| {
            json!({"mode": "chat", "search_context_cost_per_query":
            {"search_context_size_low": low, "search_context_size_medium": 0.035, "search_context_size_high": 0.035}})
        };
        let mut gemini = size(0.035);
        gemini["litellm_provider"] = "gemini".into();
        assert_eq!(told("google", gemini), ["web_searches >0 35 / 1000 [standard 1]"]);
        let mut claude = size(0.035);
        claude["litellm_provider"] = "vertex_ai-anthropic_models".into();
        assert_eq!(told("google", claude), ["web_searches >0 35 / 1000 [standard]"]);
        assert_eq!(
            told("openai", size(0.03)),
            [
                "web_searches >0 35 / 1000 [standard]",
                "web_searches >0 35 / 1000 [standard search_context=high]",
                "web_searches >0 30 / 1000 [standard search_context=low]",
                "web_searches >0 35 / 1000 [standard search_context=medium]",
            ]
        );
    }

    #[test]
    fn a_zero_that_nobody_filled_in_is_no_price() {
        assert!(
            told("ollama", json!({"mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}))
                .is_empty()
        );
        let titan = json!({"mode": "image_generation", "input_cost_per_image": 0.0, "output_cost_per_image": 0.008});
        assert_eq!(told("aws", titan), ["images >0 0.008 / 1 [standard]"]);
        let explicit = json!({"mode": "chat", "input_cost_per_token": 1e-6, "cache_creation_input_token_cost": 0.0});
        assert_eq!(
            told("deepseek", explicit),
            ["input_uncached >0 1 / 1000000 [standard]", "input_cache_write >0 0 / 1000000 [standard]"]
        );
    }

    #[test]
    fn reasoning_at_the_price_of_output_is_output() {
        let entry = |reasoning: f64| {
            json!({"mode": "chat", "output_cost_per_token": 2e-6, "output_cost_per_token_flex": 1e-6,
            "output_cost_per_reasoning_token": reasoning})
        };
        assert_eq!(told("google", entry(2e-6)).len(), 2);
        assert_eq!(told("google", entry(3e-6)).len(), 3);
    }

    #[test]
    fn hours_and_weekdays_are_told_on_one_clock() {
        let entry = json!({"mode": "chat", "input_cost_per_token": 2e-6, "off_peak_pricing": {"input_cost_per_token": 1e-6,
            "weekday_timezone": "Asia/Shanghai", "windows": [
                {"hours_utc": ["10:00-00:00"], "weekdays": [1, 2]}, {"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]}});
        assert_eq!(
            told("tencent", entry)[1..],
            [
                "input_uncached >0 1 / 1000000 [standard 00:00-24:00 67 +08:00]",
                "input_uncached >0 1 / 1000000 [standard 18:00-08:00 12 +08:00]",
            ]
        );
    }
}
