//! The price book's seed file: compact text that a reviewer can read and compare.
//!
//! One record per line, fields separated by tabs, empty fields at the end left out; a record belongs to the last `p` and `m` above it.
//! A provider or model that is named again goes on where it was.
//!
//! ```text
//! # comment
//! s  source  version  url            where the facts come from
//! p  provider  name  url  a,b        a provider, its price list, the providers whose models it also sells
//! m  model  name  url                a model of that provider
//! a  pattern  from  to               names that mean it; in the file's order, the first that matches wins
//! r  meter  variant  tier  rate  per  from  to  schedule  attributes  least  most  derived  whole
//! f  kind  factor  models  meters  attributes  from  to  url      a factor on prices of the provider
//! l  requests  tokens  from  to      what a provider lets one account use of the model each minute
//! ```
//!
//! `tier` is `>272000` or `>=200000` input tokens, or results of a search; `from` and `to` are UTC dates or instants; `least` and `most` bound the quantity that one event is charged for; `derived` says why a price stands here that its source does not list; `whole`, in the last field, that a begun unit is charged as a whole one.
//! See [`Pattern`], [`Schedule`], [`Attributes`], [`MeterSet`], [`ModifierKind`] and [`Derivation`].
//!
//! A variant of `` (nothing) is `standard`.
//!
//! A price's id follows from its facts alone, so every database and every later edition of the file agree on it.

use super::{
    Attributes, BookModel, BookPrice, BookProvider, BookRows, Derivation, MeterSet, ModelAlias, ModelLimit,
    ModifierKind, Pattern, PriceModifier, Schedule, Variant,
};
use crate::meter::Meter;
use crate::rule::FIRST_RULE_ID;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::fmt::{Arguments, Write};

/// A line of a seed file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct SeedError {
    /// Line number from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Reads a seed file.
///
/// # Errors
/// The first line that cannot be read.
pub fn parse(text: &str) -> Result<BookRows, SeedError> {
    let (rows, wrong) = parse_each(text);
    wrong.into_iter().next().map_or(Ok(rows), Err)
}

/// Reads a file of this form record by record: one that cannot be read is left out, with what is wrong with it, and so is what belongs to it.
#[must_use]
pub fn parse_each(text: &str) -> (BookRows, Vec<SeedError>) {
    let mut reading = Reading::default();
    let mut wrong = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if !line.is_empty() && !line.starts_with('#') {
            wrong.extend(reading.line(line).err().map(|what| SeedError { line: index + 1, what }));
        }
    }
    // As every database has them.
    reading.rows.modifiers.sort_by_key(|row| row.modifier_id);
    (reading.rows, wrong)
}

#[derive(Default)]
struct Reading {
    rows: BookRows,
    /// Places of providers and models that were named: naming one again goes on with it.
    providers: HashMap<String, usize>,
    models: HashMap<(usize, String), usize>,
    provider: Option<usize>,
    model: Option<usize>,
    source: String,
    version: String,
    source_url: Option<String>,
    model_url: Option<String>,
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        let mut fields = line.split('\t');
        let kind = fields.next();
        let mut next = || fields.next().filter(|field| !field.is_empty());
        match kind {
            Some("s") => {
                self.source.clear();
                self.source = next().ok_or("a source has a name")?.to_owned();
                self.version = next().ok_or("a source has a version")?.to_owned();
                self.source_url = next().map(str::to_owned);
            }
            Some("p") => {
                (self.provider, self.model) = (None, None);
                let provider = next().ok_or("a provider has a name")?.to_owned();
                let place = *self.providers.entry(provider.clone()).or_insert(self.rows.providers.len());
                if place == self.rows.providers.len() {
                    let name = next().unwrap_or(&provider).to_owned();
                    let url = next().map(str::to_owned);
                    let fallbacks =
                        next().map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default();
                    self.rows.providers.push(BookProvider { provider, name, url, fallbacks });
                }
                (self.provider, self.model) = (Some(place), None);
            }
            Some("m") => {
                self.model = None;
                let place = self.provider.ok_or("a model needs a provider above it")?;
                let provider = &self.rows.providers[place];
                let model = next().ok_or("a model has a name")?.to_owned();
                let name = next().map(str::to_owned);
                self.model_url = next().map(str::to_owned).or_else(|| provider.url.clone());
                let place = *self.models.entry((place, model.clone())).or_insert(self.rows.models.len());
                match self.rows.models.get_mut(place) {
                    Some(known) => known.name = known.name.take().or(name),
                    None => self.rows.models.push(BookModel { provider: provider.provider.clone(), model, name }),
                }
                self.model = Some(place);
            }
            Some("a") => {
                let model = self.model("a rule needs a model above it")?;
                let mut field = || fields.next().unwrap_or_default();
                let pattern = field().parse::<Pattern>().map_err(|_| "not a pattern")?;
                let (valid_from, valid_to) = (instant(field())?, instant(field())?);
                self.rows.aliases.push(ModelAlias {
                    provider: model.provider.clone(),
                    position: u32::try_from(self.rows.aliases.len()).map_err(|_| "too many rules")?,
                    pattern,
                    to_provider: model.provider.clone(),
                    to_model: model.model.clone(),
                    valid_from,
                    valid_to,
                });
            }
            Some("r") => self.price(fields)?,
            Some("f") => self.modifier(fields)?,
            Some("l") => self.limit(fields)?,
            _ => return Err("not a record"),
        }
        Ok(())
    }

    fn model(&self, missing: &'static str) -> Result<&BookModel, &'static str> {
        self.model.and_then(|place| self.rows.models.get(place)).ok_or(missing)
    }

    fn price<'a>(&mut self, mut fields: impl Iterator<Item = &'a str>) -> Result<(), &'static str> {
        let model = self.model("a price needs a model above it")?;
        let mut field = || fields.next().unwrap_or_default();
        let meter = Meter::parse_usage(field()).ok_or("not a meter")?;
        let variant = match field() {
            "" => Variant::Standard,
            word => Variant::parse(word).ok_or("not a variant")?,
        };
        let (tier_from, tier_inclusive) = tier(field())?;
        let rate = field().parse().map_err(|_| "not a rate")?;
        let per = field().parse().ok().filter(|per| *per > 0).ok_or("not a number of units")?;
        let valid_from = instant(field())?;
        let valid_to = instant(field())?;
        let schedule = match field() {
            "" => None,
            text => Some(text.parse::<Schedule>().map_err(|_| "not a schedule")?),
        };
        let mut row = BookPrice {
            price_id: 0,
            provider: model.provider.clone(),
            model: model.model.clone(),
            meter,
            variant,
            attributes: field().parse().map_err(|_| "not attributes")?,
            tier_from,
            tier_inclusive,
            quantity_min: bound(field())?,
            quantity_max: bound(field())?,
            rate,
            per,
            valid_from,
            valid_to,
            schedule,
            source: self.source.clone(),
            source_version: self.version.clone(),
            source_url: self.source_url.clone().or_else(|| self.model_url.clone()),
            derived: match field() {
                "" => None,
                word => Some(Derivation::parse(word).ok_or("not a derivation")?),
            },
            quantity_whole: match field() {
                "" => false,
                "whole" => true,
                _ => return Err("not `whole`"),
            },
        };
        row.price_id = price_id(&row);
        self.rows.prices.push(row);
        Ok(())
    }

    fn modifier<'a>(&mut self, mut fields: impl Iterator<Item = &'a str>) -> Result<(), &'static str> {
        let place = self.provider.ok_or("a factor needs a provider above it")?;
        let provider = &self.rows.providers[place];
        let mut field = || fields.next().unwrap_or_default();
        let mut row = PriceModifier {
            modifier_id: 0,
            kind: ModifierKind::parse(field()).ok_or("not a kind of factor")?,
            provider: Some(provider.provider.clone()),
            factor: field().parse().ok().filter(|factor| *factor >= Decimal::ZERO).ok_or("not a factor")?,
            models: match field() {
                "" => None,
                pattern => Some(pattern.parse::<Pattern>().map_err(|_| "not a pattern")?),
            },
            meters: field().parse::<MeterSet>().map_err(|_| "not meters")?,
            attributes: field().parse::<Attributes>().map_err(|_| "not attributes")?,
            valid_from: instant(field())?,
            valid_to: instant(field())?,
            source: self.source.clone(),
            source_version: self.version.clone(),
            source_url: Some(field()).filter(|url| !url.is_empty()).map(str::to_owned),
        };
        row.modifier_id = modifier_id(&row);
        self.rows.modifiers.push(row);
        Ok(())
    }

    fn limit<'a>(&mut self, mut fields: impl Iterator<Item = &'a str>) -> Result<(), &'static str> {
        let model = self.model("a limit needs a model above it")?;
        let mut field = || fields.next().unwrap_or_default();
        self.rows.limits.push(ModelLimit {
            provider: model.provider.clone(),
            model: model.model.clone(),
            requests_per_minute: count(field())?,
            tokens_per_minute: count(field())?,
            valid_from: instant(field())?,
            valid_to: instant(field())?,
            source: self.source.clone(),
            source_version: self.version.clone(),
        });
        Ok(())
    }
}

fn bound(text: &str) -> Result<Option<Decimal>, &'static str> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| "not a quantity") }
}

fn count(text: &str) -> Result<Option<u64>, &'static str> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| "not a number") }
}

fn tier(text: &str) -> Result<(u64, bool), &'static str> {
    let (number, inclusive) = match (text.strip_prefix(">="), text.strip_prefix('>')) {
        (Some(number), _) => (number, true),
        (None, Some(number)) => (number, false),
        (None, None) if text.is_empty() => return Ok((0, true)),
        (None, None) => return Err("not a tier"),
    };
    number.parse().map(|from| (from, inclusive)).map_err(|_| "not a tier")
}

fn instant(text: &str) -> Result<Option<DateTime<Utc>>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let date = || text.parse::<NaiveDate>().ok().and_then(|date| date.and_hms_opt(0, 0, 0)).map(|at| at.and_utc());
    text.parse::<DateTime<Utc>>().ok().or_else(date).map(Some).ok_or("not a date")
}

/// The id of a price: a hash of the facts that make it what it is.
///
/// Its source's version and link, and how it was derived, are left out: a newer edition that says the same is the same price.
#[must_use]
pub fn price_id(row: &BookPrice) -> u64 {
    let mut facts = Facts(String::with_capacity(96));
    facts.put(format_args!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{:?}\t{:?}\t{}\t{}",
        row.provider,
        row.model,
        row.meter,
        row.variant.as_str(),
        row.tier_from,
        row.tier_inclusive,
        row.rate.normalize(),
        row.per,
        row.valid_from.map(|at| at.timestamp()),
        row.valid_to.map(|at| at.timestamp()),
        row.schedule.map(|schedule| schedule.to_string()).unwrap_or_default(),
        row.source,
    ));
    // Put behind only where they are, so that ids from before there were such facts stay what they are.
    if !row.attributes.is_empty() {
        facts.put(format_args!("\tfor {}", row.attributes));
    }
    for (word, bound) in [("least", row.quantity_min), ("most", row.quantity_max)] {
        if let Some(bound) = bound {
            facts.put(format_args!("\t{word} {}", bound.normalize()));
        }
    }
    if row.quantity_whole {
        facts.put(format_args!("\twhole"));
    }
    facts.id()
}

/// The id of a modifier, like [`price_id`].
#[must_use]
pub fn modifier_id(row: &PriceModifier) -> u64 {
    let mut facts = Facts(String::with_capacity(96));
    facts.put(format_args!(
        "factor\t{}\t{:?}\t{}\t{}\t{}\t{}\t{:?}\t{:?}\t{}",
        row.kind.as_str(),
        row.provider,
        row.models.as_ref().map(ToString::to_string).unwrap_or_default(),
        row.meters,
        row.attributes,
        row.factor.normalize(),
        row.valid_from.map(|at| at.timestamp()),
        row.valid_to.map(|at| at.timestamp()),
        row.source,
    ));
    facts.id()
}

/// Facts on their way to a number: FNV-1a, 52 bits.
struct Facts(String);

impl Facts {
    fn put(&mut self, facts: Arguments<'_>) {
        let written = self.0.write_fmt(facts);
        debug_assert!(written.is_ok(), "writing to a string does not fail");
    }

    fn id(&self) -> u64 {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = self.0.bytes().fold(0xcbf2_9ce4_8422_2325_u64, step);
        // Folded rather than cut: the low bits of FNV alone mix less.
        (hash ^ (hash >> 52)) & (FIRST_RULE_ID - 1)
    }
}
