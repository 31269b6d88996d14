//! Single fields of a form: read, or refused with a sentence for the person who typed them.

use crate::meter::Meter;
use crate::model::canonical_provider;
use crate::price::{Attributes, ModifierKind, Pattern, Schedule, Variant};
use crate::problem::FieldProblem;
use crate::span::Edge;
use rust_decimal::Decimal;
use std::str::FromStr;

/// Longest provider, model, pattern, source and address, in characters.
const MAX_TEXT: usize = 200;
/// Largest rate; more than anybody ever asked for a unit.
const MAX_RATE: u64 = 1_000_000_000;
/// Largest `per`.
const MAX_PER: u64 = 1_000_000_000;

/// Collects what is wrong with a form.
#[derive(Default)]
pub(crate) struct Wrong(pub(crate) Vec<FieldProblem>);

impl Wrong {
    pub(crate) fn take<T>(&mut self, read: Result<T, FieldProblem>) -> Option<T> {
        read.map_err(|problem| self.0.push(problem)).ok()
    }

    pub(super) fn span(&mut self, from: &str, to: &str) -> (Option<Edge>, Option<Edge>) {
        let mut edge = |name, text: &str| {
            let text = text.trim();
            if text.is_empty() { None } else { self.take(Edge::read(name, text)) }
        };
        (edge("valid_from", from), edge("valid_to", to))
    }

    pub(crate) fn or<T>(self, input: T) -> Result<T, Vec<FieldProblem>> {
        if self.0.is_empty() { Ok(input) } else { Err(self.0) }
    }
}

pub(crate) fn read_text(field: &str, text: &str) -> Result<String, FieldProblem> {
    let text = text.trim();
    if text.is_empty() {
        let what = match field.replace('_', " ") {
            name if name == "to model" => "the model it stands for".to_owned(),
            name if name.starts_with(['a', 'e', 'i', 'o']) => format!("an {name}"),
            name => format!("a {name}"),
        };
        return Err(FieldProblem::new(field, "required", format!("Enter {what}.")));
    }
    if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(FieldProblem::new(field, "too_long", format!("Use at most {MAX_TEXT} plain characters.")));
    }
    Ok(text.to_owned())
}

pub(crate) fn read_provider(field: &str, text: &str) -> Result<String, FieldProblem> {
    let text = read_text(field, text)?;
    if text.contains('/') {
        return Err(FieldProblem::new(field, "invalid", "The name of a provider has no slash."));
    }
    Ok(canonical_provider(&text).into_owned())
}

pub(super) fn read_meter(text: &str) -> Result<Meter, FieldProblem> {
    Meter::parse_usage(text.trim()).ok_or_else(|| FieldProblem::new("meter", "unknown", "Choose one of the meters."))
}

pub(super) fn read_variant(text: &str) -> Result<Variant, FieldProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Variant::Standard);
    }
    Variant::from_str(text).map_err(|()| FieldProblem::new("variant", "unknown", "Choose one of the tiers of service."))
}

pub(super) fn read_tier(text: &str) -> Result<(u64, bool), FieldProblem> {
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

pub(in crate::price) fn read_rate(text: &str) -> Result<Decimal, FieldProblem> {
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

pub(super) fn read_per(text: &str, meter: Meter) -> Result<u64, FieldProblem> {
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

pub(super) fn read_schedule(text: &str) -> Result<Option<Schedule>, FieldProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        FieldProblem::new("schedule", "invalid", "Write hours in UTC and weekdays such as 01:00-04:00 12345.")
    })
}

pub(super) fn read_attributes(text: &str) -> Result<Attributes, FieldProblem> {
    text.trim().parse().map_err(|error| FieldProblem::new("attributes", "invalid", format!("Here {error}.")))
}

/// An organization enters discounts and markups; uplifts of regions are the provider's.
pub(super) fn read_kind(text: &str) -> Result<ModifierKind, FieldProblem> {
    ModifierKind::parse(text.trim())
        .filter(|kind| *kind != ModifierKind::Region)
        .ok_or_else(|| FieldProblem::new("kind", "unknown", "Choose discount or markup."))
}

pub(super) fn read_factor(kind: ModifierKind, text: &str) -> Result<Decimal, FieldProblem> {
    let percent = text.trim().trim_end_matches('%').trim().parse::<Decimal>().ok();
    let most = if kind == ModifierKind::Discount { Decimal::ONE_HUNDRED } else { Decimal::from(1_000) };
    let percent = percent.filter(|percent| *percent > Decimal::ZERO && *percent <= most && percent.scale() <= 6);
    let part = percent.map(|percent| percent / Decimal::ONE_HUNDRED).ok_or_else(|| {
        FieldProblem::new("percent", "out_of_range", format!("Write a percentage above 0 and up to {most}."))
    })?;
    Ok(if kind == ModifierKind::Discount { Decimal::ONE - part } else { Decimal::ONE + part }.normalize())
}

pub(in crate::price) fn read_url(text: &str) -> Result<Option<String>, FieldProblem> {
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

pub(in crate::price) fn read_pattern(name: &str) -> Result<Pattern, FieldProblem> {
    let name = read_text("name", name)?;
    let has_sign = name.starts_with(['=', '^', '$', '~']);
    let pattern = if has_sign { name } else { format!("={name}") };
    pattern.parse().map_err(|_| FieldProblem::new("name", "invalid", "Write the name that your events carry."))
}
