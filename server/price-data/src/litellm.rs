//! What LiteLLM's price file adds to the facts of genai-prices.
//!
//! * A model that genai-prices does not know comes in whole.
//! * To a model that it knows, LiteLLM adds meters that could not be priced at all (pictures by size, cache writes for twelve hours, searches …) and service tiers of which genai-prices has none; what both know is taken from genai-prices.
//! * Databricks' prices are rounded in genai-prices and derived to the last place in LiteLLM, so they are taken from there ([`has_better`]).
//! * Regional uplifts become factors, and requests and tokens per minute become limits.

use super::facts::{Facts, For, Price, facts};
use super::genai_prices::HALF_PRICED_CACHE;
use super::{Failure, Seed, fields};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::meter::Meter;
use domain::model::canonical_provider;
use domain::price::{BookPrice, BookRows, Derivation, PriceBook, Variant, seed};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// Where the file's entries hold: the day of its edition, which decides what a moving name means.
const EDITION: &str = "2026-11-12T12:00:00Z";

/// Entries that are no models.
const NO_MODELS: [&str; 2] = ["sample_spec", "fallback_generalizations"];

/// The file's name as a source.
const SOURCE: &str = "litellm";

/// Words before a picture's model that say its quality.
const QUALITIES: [&str; 7] = ["low", "medium", "high", "xhigh", "max", "hd", "standard"];

/// Whether LiteLLM has this model's prices more exactly than genai-prices.
pub(super) fn has_better(models: &Map<String, Value>, provider: &str, model: &str) -> bool {
    provider == "databricks" && models.contains_key(&format!("databricks/{model}"))
}

/// Whether a book holds this model's prices from LiteLLM, as [`has_better`] wants.
pub(super) fn holds_better(book: &BookRows, provider: &str, model: &str) -> bool {
    provider == "databricks"
        && book.prices.iter().any(|row| row.provider == provider && row.model == model && row.source == SOURCE)
}

/// A model of the book with everything that the file says of it.
#[derive(Default)]
struct Addition {
    prices: BTreeMap<For, Price>,
    url: String,
    limit: Option<(String, String)>,
    /// Whether names of it begin with its own and a colon, as OpenAI writes those of fine-tuned models: `ft:gpt-4o-2024-08-06:acme::id`.
    is_begin: bool,
}

/// A factor: models, attributes, and the factor itself.
type Factor = (String, &'static str, Decimal);

/// Everything that is added, by provider.
#[derive(Default)]
struct Additions {
    models: BTreeMap<(String, String), Addition>,
    factors: BTreeMap<String, BTreeMap<(String, &'static str), Decimal>>,
    left_out: BTreeMap<&'static str, usize>,
}

/// Writes what the file adds to what is known. Returns what was left out, and how often.
pub(super) fn write(
    seed: &mut Seed,
    models: &Map<String, Value>,
    version: &str,
    known: &Known,
) -> BTreeMap<&'static str, usize> {
    let mut additions = Additions::default();
    for entry in &entries(models, known) {
        additions.entry(entry, known);
    }
    seed.source(SOURCE, version, "");
    additions.write(seed);
    additions.left_out
}

/// Of several entries that mean one model, the one with its very name goes first, then the provider's own interface.
fn entries<'a>(models: &'a Map<String, Value>, known: &Known) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'_>> = models
        .iter()
        .filter(|(key, _)| !NO_MODELS.contains(&key.as_str()))
        .filter_map(|(key, entry)| Entry::new(key, entry, known))
        .collect();
    entries.sort_by_key(|entry| (entry.place.1 != entry.name, entry.is_other_interface));
    entries
}

/// What the file lists of each model of the book, by provider and name: all of it without a date.
pub(super) fn listed(models: &Map<String, Value>, known: &Known) -> HashMap<(String, String), BTreeMap<For, Price>> {
    let mut listed: HashMap<(String, String), BTreeMap<For, Price>> = HashMap::new();
    for Entry { provider, name, place, value, .. } in entries(models, known) {
        if place.0 != provider {
            continue;
        }
        let mut prices = facts(&provider, &name, value).prices;
        priority_as_fast(&provider, &mut prices);
        let of_model = listed.entry(place).or_default();
        for (what, price) in prices {
            of_model.entry(what).or_insert(price);
        }
    }
    listed
}

/// What is known from elsewhere.
pub(super) struct Known {
    book: PriceBook,
    rows: HashMap<(String, String), Vec<BookPrice>>,
    at: DateTime<Utc>,
}

impl Known {
    /// What the seed says so far.
    pub(super) fn of_seed(text: &str) -> Result<Self, Failure> {
        let rows = seed::parse(text).map_err(|error| error.to_string())?;
        Ok(Self::of(rows, EDITION.parse().map_err(|_| "not an instant")?))
    }

    /// What other data sets say in a book, so that a newer edition of the file is read as the first one was.
    pub(super) fn of_others(book: &BookRows, at: DateTime<Utc>) -> Self {
        let others = |row: &&BookPrice| row.source != SOURCE;
        Self::of(BookRows { prices: book.prices.iter().filter(others).cloned().collect(), ..book.clone() }, at)
    }

    fn of(rows: BookRows, at: DateTime<Utc>) -> Self {
        let mut by_model: HashMap<(String, String), Vec<BookPrice>> = HashMap::new();
        for row in &rows.prices {
            by_model.entry((row.provider.clone(), row.model.clone())).or_default().push(row.clone());
        }
        Self { book: PriceBook::new(rows), rows: by_model, at }
    }

    /// Provider and name in the book of what a sent name means.
    fn place(&self, provider: &str, name: &str) -> Option<(String, String)> {
        let found = self.book.resolve(provider, name, self.at).ok()?;
        let (provider, model) = found.label().split_once('/')?;
        Some((provider.to_owned(), model.to_owned()))
    }

    fn rows(&self, place: &(String, String)) -> &[BookPrice] {
        self.rows.get(place).map_or(&[], Vec::as_slice)
    }
}

/// One entry of the file.
struct Entry<'a> {
    provider: String,
    /// As a caller would send it.
    name: String,
    /// Provider and name in the book.
    place: (String, String),
    /// What the entry's own name asks of a picture.
    attributes: String,
    /// Of two interfaces of one provider, the one whose prices go second.
    is_other_interface: bool,
    value: &'a Value,
}

impl<'a> Entry<'a> {
    fn new(key: &str, value: &'a Value, known: &Known) -> Option<Self> {
        let provider = canonical_provider(value.get("litellm_provider")?.as_str()?).into_owned();
        let (name, attributes) = name(key, &provider);
        let own = (provider.clone(), name.clone());
        let place = known.place(&provider, &name).unwrap_or_else(|| own.clone());
        // What the name says of a region is part of the price.
        let place = if names_region(&provider, &name) { own.clone() } else { place };
        // Of what genai-prices takes for resold at the maker's price, speech and pictures have prices of the seller's own.
        let mode = value.get("mode").and_then(Value::as_str).unwrap_or_default();
        let has_own_price = matches!(mode, "audio_speech" | "image_generation" | "video_generation");
        let place = if place.0 != provider && has_own_price { own } else { place };
        let is_other_interface = key.starts_with("azure/")
            || value.get("litellm_provider").and_then(Value::as_str).is_some_and(|name| name.starts_with("vertex_ai"));
        Some(Self { provider, name, place, attributes, is_other_interface, value })
    }
}

/// Whether a name begins with the region that serves it, which genai-prices' rules for names read over: `us/o4-mini`, `eu-west-2/…`, `us-gov.…`.
fn names_region(provider: &str, name: &str) -> bool {
    let Some((first, _)) = name.split_once('/') else {
        return provider == "aws" && name.starts_with("us-gov.");
    };
    match provider {
        "azure" => matches!(first, "eu" | "us" | "global" | "global-standard"),
        "aws" => {
            let parts: Vec<&str> = first.split('-').collect();
            parts.len() >= 3 && parts.last().is_some_and(|last| last.len() == 1 && last.as_bytes()[0].is_ascii_digit())
        }
        _ => false,
    }
}

/// A caller's name of the model, and what the key says of size, quality and steps of a picture.
fn name(key: &str, provider: &str) -> (String, String) {
    let without_provider = |name: &'_ str| -> Option<String> {
        let (first, rest) = name.split_once('/')?;
        (canonical_provider(first) == provider).then(|| rest.to_owned())
    };
    let mut name = without_provider(key).unwrap_or_else(|| key.to_owned());
    let has_attributes = name.contains("-x-") || name.contains("-steps/");
    let mut attributes = Vec::new();
    while has_attributes && let Some((first, rest)) = name.split_once('/') {
        let steps = first.strip_suffix("-steps");
        match (first.split_once("-x-"), steps) {
            // As large as it gets: the price without a size.
            (Some(("max", "max")), _) => {}
            (Some((width, height)), _) => attributes.push(format!("size={width}x{height}")),
            // As many as a picture has when nobody asks for more.
            (None, Some("50")) => {}
            (None, Some(steps)) => attributes.push(format!("steps={steps}")),
            (None, None) if QUALITIES.contains(&first) => attributes.push(format!("quality={first}")),
            (None, None) => break,
        }
        name = rest.to_owned();
    }
    if has_attributes {
        name = without_provider(&name).unwrap_or(name);
    }
    (name, attributes.join(";"))
}

impl Additions {
    fn entry(&mut self, entry: &Entry<'_>, known: &Known) {
        let Entry { provider, name, place, value, .. } = entry;
        for (models, attributes, factor) in factors(provider, &place.1, value) {
            self.factors.entry(provider.clone()).or_default().entry((models, attributes)).or_insert(factor);
        }
        // Another provider's model, sold at that provider's price.
        if place.0 != *provider {
            return self.leave_out("entries of models that the provider resells");
        }
        let Facts { mut prices, left_out } = facts(provider, name, value);
        left_out.into_iter().for_each(|what| self.leave_out(what));
        if prices.iter().any(|(what, price)| is_of_a_thousand(what, price)) {
            return self.leave_out("entries with tokens above $1,000 per million");
        }
        by_picture(&mut prices, entry);
        if provider == HALF_PRICED_CACHE {
            halve_cache(&mut prices);
        }
        priority_as_fast(provider, &mut prices);
        let rows = known.rows(place);
        if !rows.is_empty() {
            prices = missing_prices(&prices, rows);
        }
        let limit = limit(value);
        if prices.is_empty() && limit.is_none() {
            return self.leave_out(if rows.is_empty() {
                "entries without a price"
            } else {
                "entries that the book has from another data set"
            });
        }
        let addition = self.models.entry(place.clone()).or_default();
        if addition.url.is_empty() {
            addition.url = value.get("source").and_then(Value::as_str).unwrap_or_default().replace(['\t', '\n'], " ");
        }
        addition.limit = addition.limit.take().or(limit);
        addition.is_begin = rows.is_empty() && name.starts_with("ft:");
        for (what, price) in prices {
            addition.prices.entry(what).or_insert(price);
        }
    }

    fn leave_out(&mut self, what: &'static str) {
        *self.left_out.entry(what).or_default() += 1;
    }

    fn write(&self, seed: &mut Seed) {
        let mut current = "";
        for ((provider, model), addition) in &self.models {
            if current != provider {
                current = provider;
                seed.line(&["p", provider]);
                self.write_factors(seed, provider);
            }
            seed.models += 1;
            seed.line(&["m", model, "", &addition.url]);
            if addition.is_begin {
                seed.line(&["a", &format!("^{model}:")]);
            }
            if let Some((requests, tokens)) = &addition.limit {
                seed.line(&["l", requests, tokens]);
            }
            for (what, price) in &addition.prices {
                seed.prices += 1;
                write_price(seed, provider, what, price);
            }
        }
        for provider in self.factors.keys().filter(|provider| !self.models.keys().any(|(of, _)| of == *provider)) {
            seed.line(&["p", provider]);
            self.write_factors(seed, provider);
        }
    }

    fn write_factors(&self, seed: &mut Seed, provider: &str) {
        for ((models, attributes), factor) in self.factors.get(provider).into_iter().flatten() {
            seed.line(&["f", "region", &factor.to_string(), models, "tokens", attributes]);
        }
    }
}

/// The provider whose tiers of tokens include their boundary.
const INCLUSIVE_TIERS: &str = "x-ai";

fn write_price(seed: &mut Seed, provider: &str, what: &For, price: &Price) {
    let variant = if what.variant == Variant::Standard { "" } else { what.variant.as_str() };
    let tier = match what.above {
        0 => String::new(),
        above if provider == INCLUSIVE_TIERS && what.meter.is_token() => format!(">={above}"),
        above => format!(">{above}"),
    };
    let date =
        |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default();
    seed.line(&[
        "r",
        what.meter.as_str(),
        variant,
        &tier,
        &price.rate.to_string(),
        &price.per.to_string(),
        &date(price.from),
        &date(price.to),
        &what.schedule,
        &what.attributes,
        "",
        price.most,
        price.derived.map_or("", Derivation::as_str),
    ]);
}

/// Whether a thousand tokens' price was probably taken for that of one: nobody asks for more than $1,000 per million tokens.
///
/// So it is for `azure_ai/jais-30b-chat` ($3,200) and `watsonx/core42/jais-13b-chat` ($500 and $2,000). No price is better than one that is a thousand times too high.
fn is_of_a_thousand(what: &For, price: &Price) -> bool {
    what.meter.is_token() && price.rate * Decimal::from(1_000_000) > Decimal::from(1_000) * Decimal::from(price.per)
}

/// What a model of another data set lacks, with the dates of the prices that it stands beside.
///
/// The price of another tier belongs to a standard price. Where the other data set has another one, because the entry is of another region or edition,
/// it says nothing of this model; where its standard price has dates, it holds as long.
fn missing_prices(prices: &BTreeMap<For, Price>, rows: &[BookPrice]) -> BTreeMap<For, Price> {
    let place = |(what, price): (&For, &Price)| {
        if !is_missing(what, price, rows) {
            return None;
        }
        let of_meter: Vec<&BookPrice> =
            rows.iter().filter(|row| row.meter == what.meter && row.variant == Variant::Standard).collect();
        let own = prices.get(&For { variant: Variant::Standard, ..what.clone() });
        let (false, Some(own)) = (what.variant == Variant::Standard || of_meter.is_empty(), own) else {
            return Some((what.clone(), price.clone()));
        };
        let costs_as_much = |row: &&&BookPrice| {
            row.tier_from == what.above && row.rate * Decimal::from(own.per) == own.rate * Decimal::from(row.per)
        };
        let same: Vec<&&BookPrice> = of_meter.iter().filter(costs_as_much).collect();
        // An open end is the farthest.
        let from = same.iter().map(|row| row.valid_from).min()?;
        let to = same.iter().map(|row| row.valid_to).max_by_key(|to| to.unwrap_or(DateTime::<Utc>::MAX_UTC))?;
        Some((what.clone(), Price { from, to, ..price.clone() }))
    };
    prices.iter().filter_map(place).collect()
}

/// Adds what follows from each price, where nothing is said of it.
fn derive(prices: &mut BTreeMap<For, Price>, rule: impl Fn(&For, &Price) -> Option<(For, Price)>) {
    let derived: Vec<_> = prices.iter().filter_map(|(what, price)| rule(what, price)).collect();
    for (what, price) in derived {
        prices.entry(what).or_insert(price);
    }
}

/// OpenAI's fast tier is its priority tier under another name: <https://developers.openai.com/api/docs/guides/priority-processing>.
fn priority_as_fast(provider: &str, prices: &mut BTreeMap<For, Price>) {
    if !matches!(provider, "openai" | "azure") {
        return;
    }
    derive(prices, |what, price| {
        let fast = For { variant: Variant::Fast, ..what.clone() };
        (what.variant == Variant::Priority).then_some((fast, price.clone()))
    });
}

/// Whether the book so far cannot say this: a meter that nothing prices, a tier that no price has, a size of a search where only the dearest is known.
fn is_missing(what: &For, price: &Price, rows: &[BookPrice]) -> bool {
    let prices = |meter: Meter| rows.iter().any(|row| row.meter == meter);
    let is_priced = prices(what.meter) || what.meter.fallbacks().iter().any(|meter| prices(*meter));
    let has_variant = rows.iter().any(|row| row.variant == what.variant);
    match what.meter {
        Meter::Requests => prices(Meter::Requests) && what.attributes.starts_with("search_context="),
        // That output costs nothing is said here, and not only left out there.
        Meter::Output if price.rate.is_zero() => !prices(Meter::Output) && what.variant == Variant::Standard,
        _ if price.rate.is_zero() => false,
        _ => !is_priced || !has_variant,
    }
}

/// Puts size, quality and steps to the price of a picture. A price of a pixel becomes that of the whole picture, from which it was divided.
fn by_picture(prices: &mut BTreeMap<For, Price>, entry: &Entry<'_>) {
    if entry.attributes.is_empty() && !entry.value.get("input_cost_per_pixel").is_some_and(Value::is_number) {
        return;
    }
    let pictures: Vec<For> = prices.keys().filter(|what| what.meter == Meter::Images).cloned().collect();
    for what in pictures {
        if let Some(price) = prices.remove(&what) {
            prices.insert(For { attributes: entry.attributes.clone(), ..what }, price);
        }
    }
    let pixel = entry.value.get("input_cost_per_pixel").and_then(super::facts::decimal).filter(|rate| !rate.is_zero());
    let size = entry.attributes.split(';').find_map(|part| part.strip_prefix("size="));
    let pixels = size.and_then(|size| {
        let (width, height) = size.split_once('x')?;
        width.parse::<Decimal>().ok()?.checked_mul(height.parse().ok()?)
    });
    if let Some((pixel, pixels)) = pixel.zip(pixels) {
        let what = For { attributes: entry.attributes.clone(), ..For::meter(Meter::Images) };
        if let Some(rate) = pixel.checked_mul(pixels) {
            prices.entry(what).or_insert(Price::of(rate.round_dp(6).normalize(), 1));
        }
    }
}

/// Cached input at half the price of input where no cached price is published.
fn halve_cache(prices: &mut BTreeMap<For, Price>) {
    derive(prices, |what, price| {
        let (rate, derived) = ((price.rate / Decimal::TWO).normalize(), Some(Derivation::HalfOfInput));
        let half = Price { rate, derived, ..price.clone() };
        let cached = For { meter: Meter::InputCacheRead, ..what.clone() };
        (what.meter == Meter::InputUncached).then_some((cached, half))
    });
}

/// What serving from a region multiplies tokens by. A multiplier of one says nothing.
fn factors(provider: &str, model: &str, value: &Value) -> Vec<Factor> {
    let factor = |value: Option<&Value>| value.and_then(super::facts::decimal).filter(|factor| *factor != Decimal::ONE);
    let processing = |region| factor(value.get(format!("regional_processing_uplift_multiplier_{region}")));
    let of_anthropic = fields(value, "provider_specific_entry").filter(|_| provider == "anthropic");
    let found = [
        ("region=eu", processing("eu")),
        ("region=us", processing("us")),
        ("region=us", factor(of_anthropic.and_then(|entry| entry.get("us")))),
        ("region!=global", factor(value.get("regional_endpoint_uplift_multiplier"))),
    ];
    let models = format!("={model}");
    found.into_iter().filter_map(|(attributes, factor)| Some((models.clone(), attributes, factor?))).collect()
}

/// Requests and tokens per minute.
fn limit(value: &Value) -> Option<(String, String)> {
    let number =
        |key: &str| value.get(key).and_then(Value::as_u64).map(|number| number.to_string()).unwrap_or_default();
    let limit = (number("rpm"), number("tpm"));
    (!limit.0.is_empty() || !limit.1.is_empty()).then_some(limit)
}

#[cfg(test)]
mod tests;
