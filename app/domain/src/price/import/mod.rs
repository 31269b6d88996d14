//! Newer price data beside the book: what it would add, since when, and what of it a person must look at first.
//!
//! Prices are compared kind by kind over time. What differs becomes a [`Proposal`]; nothing is edited: a proposal ends what held and begins what holds from then on.
//! Data with a date holds from its date. Data without one holds from the day of the import, because nobody wrote down since when;
//! only a model that the book did not know at all has its undated prices since ever, like everything in the first seed.
//! What a file does not mention says nothing. What it mentions without a price that it had before is [`PriceWarning::Unlisted`].

mod beside;
mod card;
mod effect;
mod names;
mod span;
mod view;

pub use card::{Card, cards, mark_uplifts, overlay};
pub use effect::{ImportEffect, ModelEffect, Sums, backdated};
pub use names::{NameRule, NameRules, rules};
pub use view::{Choice, Counts, Filter, Import, ImportEntry, ImportInput, MAX_FILE_BYTES};

use super::page::ModelName;
use super::{Attributes, BookPrice, PriceWarning, Schedule, Variant, seed, warnings};
use crate::meter::{Meter, Unit};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Most proposals that one import keeps; data of which more differs is no newer edition but other data.
pub const MAX_PROPOSALS: usize = 5_000;

/// What a proposal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProposalKind {
    /// The rate of something that has a price.
    Changed,
    /// A price of something that a known model had none for: a meter, a tier, a size.
    NewPrice,
    /// A price of a model that the book does not know.
    NewModel,
    /// A price ends, and nothing follows it.
    Ended,
}

impl ProposalKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Changed, Self::NewPrice, Self::NewModel, Self::Ended];

    /// The word in JSON and addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::NewPrice => "new_price",
            Self::NewModel => "new_model",
            Self::Ended => "ended",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::NewPrice => "new price",
            Self::NewModel => "new model",
            Self::Ended => "ended",
        }
    }
}

/// One dated addition to the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What it does.
    pub kind: ProposalKind,
    /// Holds from this instant; none means from the beginning of time.
    pub from: Option<DateTime<Utc>>,
    /// What holds until then.
    pub before: Option<BookPrice>,
    /// What holds from then on; none where the price ends.
    pub after: Option<BookPrice>,
    /// Why a person must confirm it.
    #[serde(rename = "doubts")]
    pub warnings: Vec<PriceWarning>,
}

impl Proposal {
    /// The row that names model and kind of price: the new one, else the one that ends.
    #[must_use]
    pub fn row(&self) -> Option<&BookPrice> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> ModelName {
        let row = self.row();
        ModelName {
            provider: row.map(|row| row.provider.clone()).unwrap_or_default(),
            model: row.map(|row| row.model.clone()).unwrap_or_default(),
        }
    }

    /// Names it within its import: it follows from what it does, so it stays while the book stays.
    #[must_use]
    pub fn id(&self) -> u64 {
        let ends = |row: &BookPrice| redated(row, Span::of(row.valid_from, self.from)).price_id;
        self.after.as_ref().map(|row| row.price_id).or_else(|| self.before.as_ref().map(ends)).unwrap_or_default()
    }

    /// Whether it is left out unless a person confirms it.
    #[must_use]
    pub const fn needs_confirmation(&self) -> bool {
        !self.warnings.is_empty()
    }

    fn span(&self) -> Span {
        Span::of(self.from, self.after.as_ref().and_then(|row| row.valid_to))
    }
}

/// What newer data says beside the book.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// What would be added, by kind, model and meter.
    pub proposals: Vec<Proposal>,
    /// Prices that the book has already, as the data says them.
    pub unchanged: u64,
    /// Models of the data's sources that the book has and the data does not mention: they stay as they are.
    pub unlisted_models: u64,
}

/// What two prices must share to be the same thing at different times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    provider: String,
    model: String,
    meter: Meter,
    variant: Variant,
    tier_from: u64,
    attributes: Attributes,
    schedule: Option<Schedule>,
}

impl Kind {
    fn of(row: &BookPrice) -> Self {
        Self {
            provider: row.provider.clone(),
            model: row.model.clone(),
            meter: row.meter,
            variant: row.variant,
            tier_from: row.tier_from,
            attributes: row.attributes.clone(),
            schedule: row.schedule,
        }
    }
}

/// Rows of both sides that say the same thing at different times.
#[derive(Default)]
struct Sides<'a> {
    book: Vec<&'a BookPrice>,
    data: Vec<&'a BookPrice>,
}

/// Compares newer data with the book. Undated changes hold from `from` on.
///
/// Applying every proposal ([`apply`]) and comparing again proposes nothing, and no price of a time before a proposal's own begin changes.
#[must_use]
pub fn compare(book: &[BookPrice], data: &[BookPrice], from: DateTime<Utc>) -> Comparison {
    let listed: BTreeSet<(&str, &str)> = data.iter().map(model_of).collect();
    let known: BTreeSet<(&str, &str)> = book.iter().map(model_of).collect();
    let sources = sources(data);
    let mut kinds: BTreeMap<Kind, Sides<'_>> = BTreeMap::new();
    for row in data.iter().filter(|row| !varies(row)) {
        kinds.entry(Kind::of(row)).or_default().data.push(row);
    }
    for row in book.iter().filter(|row| listed.contains(&model_of(row))) {
        kinds.entry(Kind::of(row)).or_default().book.push(row);
    }
    let mut comparison = Comparison::default();
    for (kind, mut sides) in kinds {
        sides.book.sort_by_key(|row| row.valid_from);
        sides.data.sort_by_key(|row| row.valid_from);
        let is_known = known.contains(&(kind.provider.as_str(), kind.model.as_str()));
        comparison.additions(&sides, is_known.then_some(from));
        comparison.proposals.extend(end(&sides, &sources, from));
    }
    let of_sources = book.iter().filter(|row| sources.contains(row.source.as_str())).map(model_of);
    let unlisted: BTreeSet<_> = of_sources.filter(|place| !listed.contains(place)).collect();
    comparison.unlisted_models = u64::try_from(unlisted.len()).unwrap_or(u64::MAX);
    comparison.proposals.sort_by_key(|proposal| proposal.kind);
    beside::mark_unusual(&mut comparison.proposals, book, data);
    comparison
}

/// The sets that the data speaks for: those from which it has a model alone. One that only lends a price to another set's model is not listed in full.
fn sources(data: &[BookPrice]) -> BTreeSet<&str> {
    let mut of_model: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in data {
        of_model.entry(model_of(row)).or_default().insert(&row.source);
    }
    of_model.into_values().filter(|sources| sources.len() == 1).flatten().collect()
}

fn model_of(row: &BookPrice) -> (&str, &str) {
    (row.provider.as_str(), row.model.as_str())
}

impl Comparison {
    /// What the data says and the book does not; `undated` is when data without a date begins, none for since ever.
    fn additions(&mut self, sides: &Sides<'_>, undated: Option<DateTime<Utc>>) {
        for row in &sides.data {
            let wanted = Span::of(row.valid_from.or(undated), row.valid_to);
            let same =
                sides.book.iter().filter(|old| same_price(old, row)).map(|old| Span::of(old.valid_from, old.valid_to));
            let missing = wanted.subtract_all(same);
            self.unchanged += u64::from(missing.is_empty());
            for span in missing {
                let overlaps = |old: &&&BookPrice| Span::of(old.valid_from, old.valid_to).overlaps(span);
                let before = sides.book.iter().find(overlaps).map(|old| (*old).clone());
                let kind = match (&before, undated) {
                    (Some(_), _) => ProposalKind::Changed,
                    (None, Some(_)) => ProposalKind::NewPrice,
                    (None, None) => ProposalKind::NewModel,
                };
                let after = redated(row, span);
                let warnings = warnings_of(before.as_ref(), &after);
                self.proposals.push(Proposal { kind, from: span.from(), before, after: Some(after), warnings });
            }
        }
    }
}

/// The end of a price: at the data's own last date, or where a model is listed without a price that the same source had for it.
fn end(sides: &Sides<'_>, sources: &BTreeSet<&str>, from: DateTime<Utc>) -> Option<Proposal> {
    let (end, warnings) =
        match sides.data.iter().map(|row| row.valid_to).max_by_key(|to| to.unwrap_or(DateTime::<Utc>::MAX_UTC)) {
            Some(last) => (last?, Vec::new()),
            None => (from, vec![PriceWarning::Unlisted]),
        };
    let after = Span::of(Some(end), None);
    let ending = sides
        .book
        .iter()
        .find(|old| sources.contains(old.source.as_str()) && Span::of(old.valid_from, old.valid_to).overlaps(after))?;
    let from = Span::of(ending.valid_from, ending.valid_to).intersection(after)?.from();
    Some(Proposal { kind: ProposalKind::Ended, from, before: Some((*ending).clone()), after: None, warnings })
}

/// Whether both charge the same, however the rate is written.
fn same_price(one: &BookPrice, other: &BookPrice) -> bool {
    let scaled = |row: &BookPrice, per: u64| row.rate.checked_mul(Decimal::from(per));
    scaled(one, other.per) == scaled(other, one.per)
        && one.tier_inclusive == other.tier_inclusive
        && (one.quantity_min, one.quantity_max, one.quantity_whole)
            == (other.quantity_min, other.quantity_max, other.quantity_whole)
}

/// The same price at another time. Its id follows from its facts, so it is another row.
fn redated(row: &BookPrice, span: Span) -> BookPrice {
    let mut row = BookPrice { valid_from: span.from(), valid_to: span.to(), ..row.clone() };
    row.price_id = seed::price_id(&row);
    row
}

/// About how much a price of a million units is of a price of one unit.
const MILLIONFOLD: (u64, u64) = (300_000, 3_000_000);

/// What looks wrong with a price beside the one that it follows.
fn warnings_of(before: Option<&BookPrice>, after: &BookPrice) -> Vec<PriceWarning> {
    let unit = |row: &BookPrice| row.rate.checked_div(Decimal::from(row.per));
    let unit_before = before.and_then(unit);
    let mut found = warnings(after.meter, after.rate, after.per, unit_before, None, &[]);
    let was_free = unit_before.is_some_and(|unit| unit.is_zero());
    if after.rate.is_zero() && !was_free {
        found = vec![PriceWarning::Free];
    } else if let Some(before) = unit_before.filter(|before| is_millionfold(after.meter, *before, unit(after))) {
        let before = before.saturating_mul(Decimal::from(after.per)).normalize();
        found = vec![PriceWarning::Millionfold { before, per: after.per }];
    }
    if let Some(other) = before.filter(|before| before.source != after.source) {
        let is_own = other.price_id >= crate::rule::FIRST_RULE_ID;
        found.push(if is_own {
            PriceWarning::OwnPrice
        } else {
            PriceWarning::OtherSource { source: other.source.clone() }
        });
    }
    found
}

fn is_millionfold(meter: Meter, before: Decimal, after: Option<Decimal>) -> bool {
    let Some(after) = after else { return false };
    let (low, high) = (before.min(after), before.max(after));
    let (least, most) = MILLIONFOLD;
    matches!(meter.unit(), Unit::Tokens | Unit::Characters)
        && !low.is_zero()
        && high >= low.saturating_mul(Decimal::from(least))
        && high <= low.saturating_mul(Decimal::from(most))
}

/// The book with these proposals in it: rows that held are cut where another begins; what was before stays to the row.
#[must_use]
pub fn apply<'a>(book: &[BookPrice], proposals: impl IntoIterator<Item = &'a Proposal>) -> Vec<BookPrice> {
    let mut chosen: BTreeMap<Kind, Vec<&Proposal>> = BTreeMap::new();
    for proposal in proposals {
        if let Some(row) = proposal.row() {
            chosen.entry(Kind::of(row)).or_default().push(proposal);
        }
    }
    let models: BTreeSet<(&str, &str)> =
        chosen.keys().map(|kind| (kind.provider.as_str(), kind.model.as_str())).collect();
    let mut rows = Vec::with_capacity(book.len() + chosen.len());
    for row in book {
        let of_kind = models.contains(&model_of(row)).then(|| chosen.get(&Kind::of(row))).flatten();
        match of_kind {
            Some(proposals) => {
                let old = Span::of(row.valid_from, row.valid_to);
                let left = old.subtract_all(proposals.iter().map(|proposal| proposal.span()));
                let kept = left.first() == Some(&old);
                rows.extend(left.into_iter().map(|span| if kept { row.clone() } else { redated(row, span) }));
            }
            None => rows.push(row.clone()),
        }
    }
    rows.extend(chosen.into_values().flatten().filter_map(|proposal| proposal.after.clone()));
    rows
}

/// When undated changes begin: the begin of a UTC day, as price lists date them.
#[must_use]
pub fn begin_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// Longest name, source and link of a row, in characters.
const MAX_TEXT: usize = 500;
/// Largest rate and largest number of units that a rate is for.
const MAX_NUMBER: u64 = 1_000_000_000;

/// Whether the rows of a file can stand in a book at all.
///
/// # Errors
/// What is wrong with the first one that cannot, in one sentence.
pub fn check(data: &[BookPrice]) -> Result<(), String> {
    if data.is_empty() {
        return Err("The file has no prices.".to_owned());
    }
    let mut kinds: BTreeMap<Kind, Vec<Span>> = BTreeMap::new();
    for row in data {
        check_row(row).map_err(|what| wrong_with(row, what) + ".")?;
        kinds.entry(Kind::of(row)).or_default().push(Span::of(row.valid_from, row.valid_to));
    }
    for (kind, mut spans) in kinds {
        spans.sort_unstable();
        if spans.windows(2).any(|pair| pair[0].overlaps(pair[1])) {
            let Kind { provider, model, meter, .. } = kind;
            return Err(format!("{provider}/{model}, {}: {TWO_AT_ONCE}.", meter.as_str()));
        }
    }
    Ok(())
}

/// Whether a row only says that the price varies: its model is mentioned, and has no such price.
#[must_use]
pub fn varies(row: &BookPrice) -> bool {
    row.rate < Decimal::ZERO
}

/// Takes out the rows of a file that cannot stand in a book, with what is wrong with each: one of them spoils no other.
///
/// * Of two prices that would hold at the same time neither is taken.
/// * Negative prices are told and stay, for [`compare`] to know that there is none ([`varies`]).
pub fn keep_sound(data: &mut Vec<BookPrice>) -> Vec<String> {
    let mut wrong = Vec::new();
    data.retain(|row| {
        let fault = check_row(row).err();
        wrong.extend(fault.map(|what| wrong_with(row, what)));
        fault.is_none_or(|what| what == VARIES)
    });
    let mut kinds: BTreeMap<Kind, Vec<Span>> = BTreeMap::new();
    for row in &*data {
        kinds.entry(Kind::of(row)).or_default().push(Span::of(row.valid_from, row.valid_to));
    }
    data.retain(|row| {
        let span = Span::of(row.valid_from, row.valid_to);
        let at_once = kinds.get(&Kind::of(row)).map_or(0, |spans| spans.iter().filter(|of| of.overlaps(span)).count());
        wrong.extend((at_once > 1).then(|| wrong_with(row, TWO_AT_ONCE)));
        at_once <= 1
    });
    wrong
}

const VARIES: &str = "a negative price means that it varies";
const TWO_AT_ONCE: &str = "two prices hold at the same time";

fn wrong_with(row: &BookPrice, what: &str) -> String {
    format!("{}/{}, {}: {what}", row.provider, row.model, row.meter.as_str())
}

/// Whether a text of a file is short and plain.
fn is_text(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// Takes away links that lead to no web page: a file must not put another kind of address under a person's hand.
pub fn keep_web_links(data: &mut [BookPrice]) {
    let leads_to_web = |url: &str| {
        let web = url.starts_with("https://") || url.starts_with("http://");
        web && is_text(url) && !url.contains(char::is_whitespace)
    };
    for row in data {
        row.source_url.take_if(|url| !leads_to_web(url));
    }
}

fn check_row(row: &BookPrice) -> Result<(), &'static str> {
    if !is_text(&row.provider) || row.provider.contains('/') || !is_text(&row.model) {
        return Err("this is no name of a model");
    }
    let attributes = row.attributes.to_string();
    if !is_text(&row.source) || ![&row.source_version, &attributes].iter().all(|text| text.is_empty() || is_text(text))
    {
        return Err("the source or a condition is too long or no plain text");
    }
    if row.per == 0 {
        return Err("a price is for one unit or more");
    }
    if row.rate > Decimal::from(MAX_NUMBER) || row.per > MAX_NUMBER {
        return Err("nobody charges that much");
    }
    if row.valid_from.zip(row.valid_to).is_some_and(|(from, to)| from >= to) {
        return Err("it ends before it begins");
    }
    if row.tier_from >= 1 << 40
        || [row.quantity_min, row.quantity_max].into_iter().flatten().any(|bound| bound.is_sign_negative())
    {
        return Err("a tier or a bound is out of range");
    }
    if varies(row) {
        return Err(VARIES);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
