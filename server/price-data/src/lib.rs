//! Price data of others as rows of the price book: genai-prices, LiteLLM's price file, and the seed's own form.
//!
//! Facts only: names, rules for names, rates, dates, links; no I/O and no clock.
//! `cargo xtask seed-prices` writes the program's seed with [`seed`]; an import of newer data reads one file with [`read`].
//! Both go the same way: the data becomes text in the form that `domain::price::seed` describes, and that text becomes rows.
//! genai-prices goes first, because it has history, variants and citations; what it dates too late held before ([`held`]); LiteLLM fills what it lacks ([`litellm`]).
//! To read another data set: a file here that writes a [`Seed`], a [`Format`], and the words by which [`Format::of`] knows it.

mod facts;
mod genai_prices;
mod held;
mod litellm;
mod patterns;

use chrono::{DateTime, Utc};
use domain::price::{BookRows, seed as seed_form};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is wrong with the data, in one sentence.
pub type Failure = String;

/// What was left out of the data, and how often.
pub type LeftOut = BTreeMap<String, usize>;

/// The forms of price data that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own: tab-separated records, described in `domain::price::seed`.
    Seed,
    /// `providers.json` of genai-prices.
    GenaiPrices,
    /// `model_prices_and_context_window.json` of LiteLLM.
    Litellm,
}

impl Format {
    /// The form of a text: lists of JSON come from genai-prices, objects from LiteLLM, everything else is our own.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text.trim_start().chars().next() {
            Some('[') => Self::GenaiPrices,
            Some('{') => Self::Litellm,
            _ => Self::Seed,
        }
    }

    /// As people know it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Seed => "price list",
            Self::GenaiPrices => "genai-prices",
            Self::Litellm => "LiteLLM",
        }
    }
}

/// One file of price data, read.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// What it was.
    pub format: Format,
    /// Its facts.
    pub rows: BookRows,
    /// What could not be taken from it.
    pub left_out: LeftOut,
}

/// Reads a file of price data in any [`Format`]. `version` is what its rows are said to come from; our own form names its versions itself.
///
/// LiteLLM's file is read beside the `book` that it adds to: what another data set prices is taken from there, and its names mean the book's models as of `at`.
/// A model or record that cannot be read is left out with its reason; the others are read.
///
/// # Errors
/// When the text is not in its form at all.
pub fn read(text: &str, version: &str, book: &BookRows, at: DateTime<Utc>) -> Result<DataSet, Failure> {
    let format = Format::of(text);
    let json = || serde_json::from_str::<Value>(text).map_err(|error| format!("This is no JSON: {error}."));
    let (written, mut left_out) = match format {
        Format::Seed => (text.to_owned(), LeftOut::new()),
        Format::GenaiPrices => {
            let mut seed = Seed { unreadable: Some(LeftOut::new()), ..Seed::default() };
            let value = json()?;
            let providers = value.as_array().ok_or("The list of providers is missing.")?;
            let has_better = |provider: &str, model: &str| litellm::holds_better(book, provider, model);
            genai_prices::write(&mut seed, providers, version, &has_better)?;
            (seed.text, seed.unreadable.unwrap_or_default())
        }
        Format::Litellm => {
            let mut seed = Seed::default();
            let value = json()?;
            let models = value.as_object().ok_or("The models are missing.")?;
            let left_out = litellm::write(&mut seed, models, version, &litellm::Known::of_others(book, at));
            (seed.text, left_out.into_iter().map(|(what, count)| (what.to_owned(), count)).collect())
        }
    };
    let (rows, wrong) = seed_form::parse_each(&written);
    if let Some(first) = wrong.first().filter(|_| rows.prices.is_empty()) {
        return Err(format!("The {} cannot be read: {first}.", format.label()));
    }
    for error in wrong {
        // Lines of what was written of another form are nobody's to look up.
        let what = if format == Format::Seed { error.to_string() } else { error.what.to_owned() };
        *left_out.entry(what).or_default() += 1;
    }
    Ok(DataSet { format, rows, left_out })
}

/// The three files of the program's seed.
#[derive(Clone, Copy, Debug)]
pub struct SeedSources<'a> {
    /// `providers.json` of genai-prices.
    pub providers: &'a Value,
    /// `units.json` of genai-prices.
    pub units: &'a Value,
    /// Version of genai-prices.
    pub genai_prices: &'a str,
    /// `model_prices_and_context_window.json` of LiteLLM.
    pub models: &'a Value,
    /// Version of LiteLLM.
    pub litellm: &'a str,
}

/// The seed as it was written.
#[derive(Clone, Debug)]
pub struct WrittenSeed {
    /// The file.
    pub text: String,
    /// Models in it.
    pub models: usize,
    /// Prices in it.
    pub prices: usize,
    /// What is not in it.
    pub left_out: LeftOut,
}

/// Writes the program's seed.
///
/// # Errors
/// The first thing in the data that is not understood.
pub fn seed(sources: SeedSources<'_>) -> Result<WrittenSeed, Failure> {
    let providers = sources.providers.as_array().ok_or("providers are not a list")?;
    let units = sources.units.as_object().ok_or("units are not an object")?;
    let models = sources.models.as_object().ok_or("models are not an object")?;
    let mut seed = Seed::default();
    seed.head();
    genai_prices::check_units(units)?;
    genai_prices::write(&mut seed, providers, sources.genai_prices, &|provider, model| {
        litellm::has_better(models, provider, model)
    })?;
    held::write(&mut seed, models)?;
    let known = litellm::Known::of_seed(&seed.text)?;
    let left_out = litellm::write(&mut seed, models, sources.litellm, &known);
    let left_out = left_out.into_iter().map(|(what, count)| (what.to_owned(), count)).collect();
    Ok(WrittenSeed { text: seed.text, models: seed.models, prices: seed.prices, left_out })
}

/// The seed in the making.
#[derive(Default)]
struct Seed {
    text: String,
    /// Name, version and link of the set that the next prices come from.
    source: (String, String, String),
    models: usize,
    prices: usize,
    /// Models that could not be read; none where that must not happen.
    unreadable: Option<LeftOut>,
}

impl Seed {
    /// A record; empty fields at its end are left out.
    fn line(&mut self, fields: &[&str]) {
        let filled = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        for (index, field) in fields[..filled].iter().enumerate() {
            if index > 0 {
                self.text.push('\t');
            }
            // What separates records is part of nobody's name.
            self.text.extend(field.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
        }
        self.text.push('\n');
    }

    fn head(&mut self) {
        self.text.push_str(
            "# Written by `cargo xtask seed-prices`; its form is described in domain::price::seed.\n\
             # Facts from genai-prices, Copyright (c) Pydantic Services, MIT licence: see LICENSE-genai-prices.\n\
             # Facts from LiteLLM, Copyright (c) Berri AI, MIT licence: see LICENSE-litellm.\n",
        );
    }

    fn source(&mut self, name: &str, version: &str, url: &str) {
        self.source = (name.to_owned(), version.to_owned(), url.to_owned());
        self.line(&["s", name, version, url]);
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, Failure> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("`{key}` is missing"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn fields<'a>(value: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    value.get(key).and_then(Value::as_object)
}

#[cfg(test)]
mod tests;
