//! An organization's own prices and names: what a person enters, what is checked, and what the lists show.

use super::{Attributes, MeterSet, ModifierKind, ModifierRow, Pattern, PriceRow, Schedule, Variant};
use crate::event::Edge;
use crate::format;
use crate::ids::PriceChangeId;
use crate::meter::Meter;
use crate::model::{canonical_provider, lower};
use crate::problem::FieldProblem;
use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Longest provider, model, pattern, source and address, in characters.
const MAX_TEXT: usize = 200;
/// Largest rate; more than anybody ever asked for a unit.
const MAX_RATE: u64 = 1_000_000_000;
/// Largest `per`.
const MAX_PER: u64 = 1_000_000_000;

/// A price of the organization's own as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPrice {
    /// The price.
    pub row: PriceRow,
    /// Where it stands in the book's history.
    pub entry: Entry,
}

/// A discount or markup of the organization's own as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnModifier {
    /// The factor.
    pub row: ModifierRow,
    /// Where it stands in the book's history.
    pub entry: Entry,
}

/// A name of the organization's own for a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnMapping {
    /// Canonical provider whose events it reads.
    pub provider: String,
    /// Names it together with the provider.
    pub position: u32,
    /// Which names, as [`Pattern`] writes them.
    pub pattern: String,
    /// Provider of the model it leads to.
    pub to_provider: String,
    /// The model it leads to.
    pub to_model: String,
    /// Holds from this instant; none means from the beginning of time.
    pub valid_from: Option<DateTime<FixedOffset>>,
    /// Holds until before this instant.
    pub valid_to: Option<DateTime<FixedOffset>>,
    /// Where it stands in the book's history.
    pub entry: Entry,
}

/// When and by whom a row was entered, and since when it no longer counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Entered when, in the organization's zone.
    pub recorded_at: DateTime<FixedOffset>,
    /// By whom: an e-mail address, the name of a key, or `Tallystick`.
    pub recorded_by: String,
    /// With which change; none for rows that no person entered.
    pub change_id: Option<PriceChangeId>,
    /// Since when it no longer counts for events that come; old receipts still point to it.
    pub superseded_at: Option<DateTime<FixedOffset>>,
}

/// One thing that a person did to the organization's own book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChange {
    /// Its id, to undo it.
    pub change_id: PriceChangeId,
    /// When, in the organization's zone.
    pub recorded_at: DateTime<FixedOffset>,
    /// Who.
    pub recorded_by: String,
    /// One sentence.
    pub detail: String,
    /// Whether a later change took it back.
    pub undone: bool,
    /// The change that it took back.
    pub undoes: Option<PriceChangeId>,
}

/// Everything of the organization's own book, for its page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnBook {
    /// Prices: those that count by model and date, then superseded ones.
    pub prices: Vec<OwnPrice>,
    /// Discounts and markups: those that count in the order in which they stack, then superseded ones.
    pub modifiers: Vec<OwnModifier>,
    /// Names, in the order in which they are tried.
    pub mappings: Vec<OwnMapping>,
    /// What was done, newest first.
    pub changes: Vec<PriceChange>,
}

/// A price as typed into a form or sent as JSON; what was typed comes back with the problems.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct PriceForm {
    /// Who sells the model.
    pub provider: String,
    /// The model; a new name makes a model of the organization's own.
    pub model: String,
    /// What is priced, such as `input_uncached`.
    pub meter: String,
    /// `standard` (also when empty), `batch`, `flex` …
    pub variant: String,
    /// Input tokens of the whole request above which it holds, such as `>200000` or `>=200000`; empty for the base price.
    pub tier: String,
    /// Dollars for `per` units.
    pub rate: String,
    /// Units that the rate is for; empty means a million for tokens and characters, one for everything else.
    pub per: String,
    /// From this day of the organization's zone or this instant; empty means from the beginning of time.
    pub valid_from: String,
    /// Until before this day or instant; empty means until further notice.
    pub valid_to: String,
    /// What else it asks of a call, such as `size=1024x1536;quality=high`; mostly empty.
    pub attributes: String,
    /// Hours in UTC at which it holds, such as `01:00-04:00 12345`; mostly empty.
    pub schedule: String,
    /// Who said so, such as `Contract 2026-114`.
    pub source: String,
    /// Where it is written.
    pub source_url: String,
    /// Any text confirms a price that looks unusual.
    pub confirmed: String,
}

/// A price to be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceInput {
    /// Canonical provider.
    pub provider: String,
    /// The model in lower case.
    pub model: String,
    /// What is priced.
    pub meter: Meter,
    /// How it is served.
    pub variant: Variant,
    /// Input tokens from which it holds.
    pub tier_from: u64,
    /// Whether exactly that many have it already.
    pub tier_inclusive: bool,
    /// Dollars for `per` units.
    pub rate: Decimal,
    /// Units that the rate is for.
    pub per: u64,
    /// Begin.
    pub from: Option<Edge>,
    /// End.
    pub to: Option<Edge>,
    /// What else it asks of a call.
    pub attributes: Attributes,
    /// Hours.
    pub schedule: Option<Schedule>,
    /// Who said so.
    pub source: String,
    /// Where it is written.
    pub source_url: Option<String>,
    /// Whether the person confirmed what looks unusual.
    pub confirmed: bool,
}

impl PriceForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<PriceInput, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let meter = wrong.take(read_meter(&self.meter));
        let per = wrong.take(read_per(&self.per, meter.unwrap_or(Meter::InputUncached)));
        let (from, to) = wrong.span(&self.valid_from, &self.valid_to);
        let (tier_from, tier_inclusive) = wrong.take(read_tier(&self.tier)).unwrap_or_default();
        let input = PriceInput {
            provider: wrong.take(read_provider("provider", &self.provider)).unwrap_or_default(),
            model: wrong
                .take(read_text("model", &self.model))
                .map(|model| lower(&model).into_owned())
                .unwrap_or_default(),
            meter: meter.unwrap_or(Meter::InputUncached),
            variant: wrong.take(read_variant(&self.variant)).unwrap_or_default(),
            tier_from,
            tier_inclusive,
            rate: wrong.take(read_rate(&self.rate)).unwrap_or_default(),
            per: per.unwrap_or(1),
            from,
            to,
            attributes: wrong.take(read_attributes(&self.attributes)).unwrap_or_default(),
            schedule: wrong.take(read_schedule(&self.schedule)).flatten(),
            source: wrong.take(read_text("source", &self.source)).unwrap_or_default(),
            source_url: wrong.take(read_url(&self.source_url)).flatten(),
            confirmed: !self.confirmed.trim().is_empty(),
        };
        wrong.or(input)
    }
}

/// A discount or markup as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ModifierForm {
    /// `discount` or `markup`.
    pub kind: String,
    /// Who sells the calls; empty means every provider.
    pub provider: String,
    /// A model's name in the book, or a pattern of names; empty means every model.
    pub models: String,
    /// What else is asked of a call, such as `region=eu`; mostly empty.
    pub attributes: String,
    /// `tokens`, or words of meters between commas; empty means everything.
    pub meters: String,
    /// What is taken off or added, in percent of the price, such as `15`.
    pub percent: String,
    /// From this day or instant; empty means from the beginning of time.
    pub valid_from: String,
    /// Until before this day or instant; empty means until further notice.
    pub valid_to: String,
    /// Who said so.
    pub source: String,
    /// Where it is written.
    pub source_url: String,
}

/// A discount or markup to be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifierInput {
    /// Why.
    pub kind: ModifierKind,
    /// Who sells the calls.
    pub provider: Option<String>,
    /// Which models, by their names in the book.
    pub models: Option<Pattern>,
    /// What is asked of a call.
    pub attributes: Attributes,
    /// What is multiplied.
    pub meters: MeterSet,
    /// By what.
    pub factor: Decimal,
    /// Begin.
    pub from: Option<Edge>,
    /// End.
    pub to: Option<Edge>,
    /// Who said so.
    pub source: String,
    /// Where it is written.
    pub source_url: Option<String>,
}

impl ModifierForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<ModifierInput, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let kind = wrong.take(read_kind(&self.kind)).unwrap_or(ModifierKind::Discount);
        let (from, to) = wrong.span(&self.valid_from, &self.valid_to);
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let provider = some(&self.provider).map(|text| read_provider("provider", &text));
        let models = some(&self.models).map(|text| {
            read_pattern(&text).map_err(|problem| FieldProblem { pointer: "models".to_owned(), ..problem })
        });
        let meters = self.meters.trim().parse::<MeterSet>();
        let input = ModifierInput {
            kind,
            provider: wrong.take(provider.transpose()).flatten(),
            models: wrong.take(models.transpose()).flatten(),
            attributes: wrong.take(read_attributes(&self.attributes)).unwrap_or_default(),
            meters: wrong
                .take(meters.map_err(|error| FieldProblem::new("meters", "invalid", format!("Here {error}."))))
                .unwrap_or_default(),
            factor: wrong.take(read_factor(kind, &self.percent)).unwrap_or_default(),
            from,
            to,
            source: wrong.take(read_text("source", &self.source)).unwrap_or_default(),
            source_url: wrong.take(read_url(&self.source_url)).flatten(),
        };
        wrong.or(input)
    }
}

/// A name for a model as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct MappingForm {
    /// Provider that the events name.
    pub provider: String,
    /// The name that the events carry, or a pattern such as `^our-chat-`: see [`Pattern`].
    pub name: String,
    /// Provider of the model that is meant.
    pub to_provider: String,
    /// The model that is meant.
    pub to_model: String,
    /// From this day or instant; empty means from the beginning of time.
    pub valid_from: String,
    /// Until before this day or instant; empty means until further notice.
    pub valid_to: String,
}

/// A name to be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingInput {
    /// Canonical provider whose events it reads.
    pub provider: String,
    /// Which names.
    pub pattern: Pattern,
    /// Canonical provider of the model.
    pub to_provider: String,
    /// The model.
    pub to_model: String,
    /// Begin.
    pub from: Option<Edge>,
    /// End.
    pub to: Option<Edge>,
}

impl MappingForm {
    /// Reads all fields. A name without a pattern's sign means exactly this name.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<MappingInput, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let (from, to) = wrong.span(&self.valid_from, &self.valid_to);
        let pattern = wrong.take(read_text("name", &self.name).and_then(|name| read_pattern(&name)));
        let provider = wrong.take(read_provider("provider", &self.provider)).unwrap_or_default();
        let to_provider = wrong.take(read_provider("to_provider", &self.to_provider)).unwrap_or_default();
        let to_model = wrong.take(read_text("to_model", &self.to_model)).unwrap_or_default();
        match pattern {
            Some(pattern) => wrong.or(MappingInput { provider, pattern, to_provider, to_model, from, to }),
            None => Err(wrong.0),
        }
    }
}

/// Collects what is wrong with a form.
#[derive(Default)]
struct Wrong(Vec<FieldProblem>);

impl Wrong {
    fn take<T>(&mut self, read: Result<T, FieldProblem>) -> Option<T> {
        read.map_err(|problem| self.0.push(problem)).ok()
    }

    fn span(&mut self, from: &str, to: &str) -> (Option<Edge>, Option<Edge>) {
        let mut edge = |name, text: &str| {
            let text = text.trim();
            if text.is_empty() { None } else { self.take(Edge::read(name, text)) }
        };
        (edge("valid_from", from), edge("valid_to", to))
    }

    fn or<T>(self, input: T) -> Result<T, Vec<FieldProblem>> {
        if self.0.is_empty() { Ok(input) } else { Err(self.0) }
    }
}

fn read_text(field: &str, text: &str) -> Result<String, FieldProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldProblem::new(field, "required", "Enter something here."));
    }
    if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(FieldProblem::new(field, "too_long", format!("Use at most {MAX_TEXT} plain characters.")));
    }
    Ok(text.to_owned())
}

fn read_provider(field: &str, text: &str) -> Result<String, FieldProblem> {
    let text = read_text(field, text)?;
    if text.contains('/') {
        return Err(FieldProblem::new(field, "invalid", "The name of a provider has no slash."));
    }
    Ok(canonical_provider(&text).into_owned())
}

fn read_meter(text: &str) -> Result<Meter, FieldProblem> {
    Meter::parse(text.trim()).ok_or_else(|| FieldProblem::new("meter", "unknown", "Choose one of the meters."))
}

fn read_variant(text: &str) -> Result<Variant, FieldProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Variant::Standard);
    }
    Variant::from_str(text).map_err(|()| FieldProblem::new("variant", "unknown", "Choose one of the tiers of service."))
}

fn read_tier(text: &str) -> Result<(u64, bool), FieldProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok((0, true));
    }
    let (number, inclusive) = match (text.strip_prefix(">="), text.strip_prefix('>')) {
        (Some(number), _) => (number, true),
        (None, Some(number)) => (number, false),
        (None, None) => (text, true),
    };
    let tokens = number.trim().replace([',', '_'], "").parse::<u64>().ok().filter(|tokens| *tokens < 1 << 40);
    tokens.map(|tokens| (tokens, inclusive)).ok_or_else(|| {
        FieldProblem::new("tier", "invalid", "Write a number of input tokens such as >200000 or >=200000.")
    })
}

fn read_rate(text: &str) -> Result<Decimal, FieldProblem> {
    let text = text.trim().trim_start_matches('$').replace([',', ' '], "");
    let rate = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&text)).map_err(|_| {
        FieldProblem::new("rate", "invalid", "Write dollars such as 3 or 0.075. A price of 0 means free of charge.")
    })?;
    if rate.is_sign_negative() && !rate.is_zero() {
        return Err(FieldProblem::new("rate", "negative", "A price cannot be negative."));
    }
    if rate > Decimal::from(MAX_RATE) {
        return Err(FieldProblem::new("rate", "too_large", "Nobody charges that much."));
    }
    Ok(rate.normalize())
}

fn read_per(text: &str, meter: Meter) -> Result<u64, FieldProblem> {
    let text = text.trim().replace([',', '_', ' '], "");
    if text.is_empty() {
        return Ok(usual_per(meter));
    }
    let per = text.parse::<u64>().ok().filter(|per| (1..=MAX_PER).contains(per));
    per.ok_or_else(|| FieldProblem::new("per", "invalid", "Write the number of units that the rate is for."))
}

/// The units that providers print prices for: a million tokens or characters, else one.
#[must_use]
pub const fn usual_per(meter: Meter) -> u64 {
    match meter.unit() {
        crate::meter::Unit::Tokens | crate::meter::Unit::Characters => 1_000_000,
        _ => 1,
    }
}

fn read_schedule(text: &str) -> Result<Option<Schedule>, FieldProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        FieldProblem::new("schedule", "invalid", "Write hours in UTC and weekdays such as 01:00-04:00 12345.")
    })
}

fn read_attributes(text: &str) -> Result<Attributes, FieldProblem> {
    text.trim().parse().map_err(|error| FieldProblem::new("attributes", "invalid", format!("Here {error}.")))
}

/// An organization enters discounts and markups; uplifts of regions are the provider's.
fn read_kind(text: &str) -> Result<ModifierKind, FieldProblem> {
    ModifierKind::parse(text.trim())
        .filter(|kind| *kind != ModifierKind::Region)
        .ok_or_else(|| FieldProblem::new("kind", "unknown", "Choose discount or markup."))
}

fn read_factor(kind: ModifierKind, text: &str) -> Result<Decimal, FieldProblem> {
    let percent = text.trim().trim_end_matches('%').trim().parse::<Decimal>().ok();
    let most = if kind == ModifierKind::Discount { Decimal::ONE_HUNDRED } else { Decimal::from(1_000) };
    let percent = percent.filter(|percent| *percent > Decimal::ZERO && *percent <= most && percent.scale() <= 6);
    let part = percent.map(|percent| percent / Decimal::ONE_HUNDRED).ok_or_else(|| {
        FieldProblem::new("percent", "out_of_range", format!("Write a percentage above 0 and up to {most}."))
    })?;
    Ok(if kind == ModifierKind::Discount { Decimal::ONE - part } else { Decimal::ONE + part }.normalize())
}

fn read_url(text: &str) -> Result<Option<String>, FieldProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let web = text.starts_with("https://") || text.starts_with("http://");
    if web && text.len() <= 500 && !text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        Ok(Some(text.to_owned()))
    } else {
        Err(FieldProblem::new("source_url", "invalid", "Write an address that begins with https://."))
    }
}

fn read_pattern(name: &str) -> Result<Pattern, FieldProblem> {
    let has_sign = name.starts_with(['=', '^', '$', '~']);
    let pattern = if has_sign { name.to_owned() } else { format!("={name}") };
    pattern.parse().map_err(|_| FieldProblem::new("name", "invalid", "Write the name that your events carry."))
}

/// Why a price looks like a slip of the hand. Entering it needs a confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Doubt {
    /// At least ten times the price it replaces, or at most a tenth of it.
    Tenfold {
        /// What the meter costs before, of `per` units.
        before: Decimal,
        /// Units.
        per: u64,
    },
    /// At least ten times what other models of the provider cost at most, or at most a tenth of the cheapest.
    FarFromPeers {
        /// Cheapest other price, of `per` units.
        lowest: Decimal,
        /// Dearest other price, of `per` units.
        highest: Decimal,
        /// Units.
        per: u64,
    },
    /// So small that dollars per token were probably entered as dollars per million tokens.
    LooksPerToken,
    /// So large that dollars per million tokens were probably entered as dollars per token.
    LooksPerMillion,
    /// Other meters of the model would be charged this price too, in place of their common prices.
    StandsIn {
        /// Labels of these meters.
        meters: Vec<String>,
    },
}

impl Doubt {
    /// One sentence for the person who enters the price.
    #[must_use]
    pub fn detail(&self) -> String {
        let of = |rate: &Decimal, per: &u64| format!("{} per {}", format::money_full(*rate), format::count(*per));
        match self {
            Self::Tenfold { before, per } => {
                format!("The price that holds before is {}: this is a change of ten times or more.", of(before, per))
            }
            Self::FarFromPeers { lowest, highest, per } => format!(
                "Other models of this provider cost {} to {}: this is ten times outside of that.",
                of(lowest, per),
                of(highest, per)
            ),
            Self::LooksPerToken => {
                "This looks like a price of one token: enter dollars for a million tokens, or state what the rate is for."
                    .to_owned()
            }
            Self::LooksPerMillion => {
                "This looks like a price of a million tokens, but it is stated for far fewer.".to_owned()
            }
            Self::StandsIn { meters } => format!(
                "Your book has no price for {}, so this price would be charged for it in place of the common one. Enter those prices too, or confirm.",
                meters.join(", ")
            ),
        }
    }

    /// As a problem of the form's confirmation.
    #[must_use]
    pub fn problem(&self) -> FieldProblem {
        FieldProblem::new("confirmed", "unusual_price", self.detail())
    }
}

/// Below this many dollars a token's price is not credible: a thousandth of a dollar per million.
const LEAST_PER_TOKEN: Decimal = Decimal::from_parts(1, 0, 0, false, 9);
/// Above this many dollars a token's price is not credible: ten thousand dollars per million.
const MOST_PER_TOKEN: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// What looks wrong with a rate, beside the price that holds before it and those of other models of the provider (each of one unit).
#[must_use]
pub fn doubts(meter: Meter, rate: Decimal, per: u64, before: Option<Decimal>, peers: &[Decimal]) -> Vec<Doubt> {
    let per_units = Decimal::from(per);
    let Some(unit) = rate.checked_div(per_units) else { return Vec::new() };
    let mut found = Vec::new();
    if meter.is_token() && unit > MOST_PER_TOKEN {
        found.push(Doubt::LooksPerMillion);
    }
    if meter.is_token() && !unit.is_zero() && unit < LEAST_PER_TOKEN {
        found.push(Doubt::LooksPerToken);
    }
    let scaled = |unit: Decimal| unit.saturating_mul(per_units).normalize();
    if let Some(before) = before.filter(|before| tenfold(*before, unit)) {
        found.push(Doubt::Tenfold { before: scaled(before), per });
    }
    let priced = || peers.iter().copied().filter(|peer| !peer.is_zero());
    if before.is_none()
        && let (Some(lowest), Some(highest)) = (priced().min(), priced().max())
        && !unit.is_zero()
        && (unit >= highest.saturating_mul(Decimal::TEN) || unit.saturating_mul(Decimal::TEN) <= lowest)
    {
        found.push(Doubt::FarFromPeers { lowest: scaled(lowest), highest: scaled(highest), per });
    }
    found
}

/// Whether one is at least ten times the other. From and to zero is as far as it goes.
#[must_use]
pub fn tenfold(one: Decimal, other: Decimal) -> bool {
    let (low, high) = (one.min(other), one.max(other));
    !high.is_zero() && high >= low.saturating_mul(Decimal::TEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn form() -> PriceForm {
        PriceForm {
            provider: "Azure_OpenAI".to_owned(),
            model: "Our-Chat".to_owned(),
            meter: "output".to_owned(),
            rate: "$ 1,000.50".to_owned(),
            valid_from: "2026-11-01".to_owned(),
            source: "Contract 7".to_owned(),
            ..PriceForm::default()
        }
    }

    #[test]
    fn a_price_is_read_as_it_is_printed() {
        let input = form().parse().unwrap();
        assert_eq!((input.provider.as_str(), input.model.as_str()), ("azure", "our-chat"));
        assert_eq!((input.rate, input.per), (decimal("1000.5"), 1_000_000));
        assert_eq!(input.from, Some(Edge::Day("2026-11-01".parse().unwrap())));
        let tiered = PriceForm { tier: ">200,000".to_owned(), rate: "3e-6".to_owned(), per: "1".to_owned(), ..form() };
        let input = tiered.parse().unwrap();
        assert_eq!((input.tier_from, input.tier_inclusive), (200_000, false));
        assert_eq!((input.rate, input.per), (decimal("0.000003"), 1));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = PriceForm {
            provider: "a/b".to_owned(),
            model: " ".to_owned(),
            meter: "tokens".to_owned(),
            variant: "slow".to_owned(),
            tier: "many".to_owned(),
            rate: "-1".to_owned(),
            per: "0".to_owned(),
            valid_from: "yesterday".to_owned(),
            valid_to: "tomorrow".to_owned(),
            attributes: "large".to_owned(),
            schedule: "nights".to_owned(),
            source: String::new(),
            source_url: "javascript:x".to_owned(),
            confirmed: String::new(),
        };
        let mut fields: Vec<String> = wrong.parse().unwrap_err().into_iter().map(|problem| problem.pointer).collect();
        fields.sort();
        let mut expected = [
            "attributes",
            "meter",
            "per",
            "valid_from",
            "valid_to",
            "tier",
            "provider",
            "model",
            "variant",
            "rate",
            "schedule",
            "source",
            "source_url",
        ];
        expected.sort_unstable();
        assert_eq!(fields, expected);
        let wrong = MappingForm { name: "^".to_owned(), ..MappingForm::default() };
        assert_eq!(wrong.parse().unwrap_err().len(), 4);
    }

    #[test]
    fn a_discount_is_read_in_percent() {
        let form = |kind: &str, percent: &str| ModifierForm {
            kind: kind.to_owned(),
            percent: percent.to_owned(),
            meters: "tokens".to_owned(),
            source: "Contract 7".to_owned(),
            ..ModifierForm::default()
        };
        assert_eq!(form("discount", "15 %").parse().unwrap().factor, decimal("0.85"));
        assert_eq!(form("markup", "2.5").parse().unwrap().factor, decimal("1.025"));
        for (kind, percent) in [("region", "5"), ("discount", "101"), ("discount", "0"), ("markup", "x")] {
            assert_eq!(form(kind, percent).parse().unwrap_err().len(), 1, "{kind} {percent}");
        }
    }

    #[test]
    fn a_slip_of_the_hand_is_noticed() {
        let found = |rate, per, before: Option<&str>, peers: &[&str]| {
            let peers: Vec<Decimal> = peers.iter().map(|peer| decimal(peer)).collect();
            doubts(Meter::Output, decimal(rate), per, before.map(decimal), &peers)
        };
        let million = 1_000_000;
        assert_eq!(found("0.000003", million, None, &[]), [Doubt::LooksPerToken]);
        assert_eq!(found("3", 1, None, &[]), [Doubt::LooksPerMillion]);
        assert_eq!(found("3", million, Some("0.000002"), &["0.000001"]), []);
        assert_eq!(
            found("20", million, Some("0.000002"), &[]),
            [Doubt::Tenfold { before: decimal("2"), per: million }]
        );
        assert_eq!(found("0.2", million, Some("0.000002"), &[]).len(), 1);
        assert_eq!(found("0", million, Some("0.000002"), &[]).len(), 1, "free of charge is a big change");
        assert_eq!(found("0", million, None, &["0.000002"]), []);
        let far = Doubt::FarFromPeers { lowest: decimal("1"), highest: decimal("4"), per: million };
        assert_eq!(found("40", million, None, &["0.000001", "0.000004", "0"]), [far]);
        assert_eq!(found("39", million, None, &["0.000001", "0.000004"]), []);
    }
}
