//! A term as a person enters it.

use super::{ContractTerm, TermKind, Tier, TierPrice, TierRow, tier_lines};
use crate::meter::Meter;
use crate::period::Period;
use crate::price::own::{Wrong, read_pattern, read_provider, read_rate, read_text, read_url};
use crate::price::{MeterSet, usual_per};
use crate::problem::FieldProblem;
use crate::rule::NewRule;
use crate::span::Edge;
use crate::statement::parse_month;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

/// Most tiers of one term.
const MAX_TIERS: usize = 20;
/// Largest boundary: a quadrillion units.
const MAX_UNITS: u64 = 1_000_000_000_000_000;

/// A term as typed into a form or sent as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TermForm {
    /// `allowance`, `graduated` or `volume`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "allowance"))]
    pub kind: String,
    /// Who sells the calls; empty means every provider.
    #[cfg_attr(feature = "openapi", schema(example = "openai", max_length = 200))]
    pub provider: String,
    /// A model's name in the book, or a pattern of names; empty means every model.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub models: String,
    /// `tokens`, or words of meters of one unit between commas.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "input_uncached"))]
    pub meters: String,
    /// Free units of an allowance.
    #[cfg_attr(feature = "openapi", schema(example = "1000000"))]
    pub units: String,
    /// Tiers of the other kinds, at most 20; below the first boundary the list price holds. Also as a text with one a line, such as `>10000000 -10%`, `>=50000000 $1.20` or `0 free`.
    #[cfg_attr(feature = "openapi", schema(value_type = WrittenTiers))]
    #[serde(deserialize_with = "lines")]
    pub tiers: String,
    /// First month, such as `2026-11`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "2026-10"))]
    pub from: String,
    /// The month in which it no longer holds; empty means without an end date.
    pub to: String,
    /// Who said so.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "Contract 2026-114", max_length = 200))]
    pub source: String,
    /// Where it is written.
    pub source_url: String,
}

/// A tier as a program sends it.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TierForm {
    /// The boundary in units, such as `>10000000` or `>=10000000`; `0` is the first tier.
    #[cfg_attr(feature = "openapi", schema(example = ">10000000"))]
    boundary: String,
    /// `free`, `list`, percent of the list price such as `-10%`, or dollars such as `$1.20` for a million tokens or characters and one of everything else.
    #[cfg_attr(feature = "openapi", schema(example = "-10%"))]
    price: String,
}

/// Tiers as programs write them, or as the text that a form has for them.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
enum WrittenTiers {
    Text(String),
    Tiers(Vec<TierForm>),
}

fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let line = |tier: TierForm| format!("{} {}", tier.boundary, tier.price.trim());
    Ok(match WrittenTiers::deserialize(deserializer)? {
        WrittenTiers::Text(text) => text,
        WrittenTiers::Tiers(tiers) => tiers.into_iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

impl TermForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<NewRule<ContractTerm>, Vec<FieldProblem>> {
        self.read(|per| read_tiers(&self.tiers, per).map_err(|problem| vec![problem]))
    }

    /// Reads all fields, with the tiers from rows of a form in place of the text.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse_with(&self, rows: &[TierRow]) -> Result<NewRule<ContractTerm>, Vec<FieldProblem>> {
        self.read(|per| read_tiers(&tier_lines(rows)?, per).map_err(|problem| vec![problem]))
    }

    fn read(
        &self,
        tiers: impl FnOnce(u64) -> Result<Vec<Tier>, Vec<FieldProblem>>,
    ) -> Result<NewRule<ContractTerm>, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let provider = some(&self.provider).map(|text| read_provider("provider", &text));
        let models = some(&self.models).map(|text| {
            read_pattern(&text).map_err(|problem| FieldProblem { pointer: "models".to_owned(), ..problem })
        });
        let kind = wrong.take(read_kind(&self.kind));
        let meters = wrong.take(read_meters(&self.meters)).unwrap_or_default();
        let per = usual_per(first_of(&meters));
        let tiers = match kind {
            Some(TermKind::Allowance) => wrong.take(read_allowance(&self.units)),
            Some(_) => tiers(per).map_err(|problems| wrong.0.extend(problems)).ok(),
            None => None,
        };
        let from = wrong.take(read_month("from", &self.from));
        let to = some(&self.to).map(|text| read_month("to", &text));
        let to = wrong.take(to.transpose()).flatten();
        if from.zip(to).is_some_and(|(from, to)| to.from <= from.from) {
            wrong.0.push(FieldProblem::new("to", "before_begin", "The end lies before the begin."));
        }
        let rule = ContractTerm {
            term_id: 0,
            rank: 0,
            kind: kind.unwrap_or(TermKind::Allowance),
            provider: wrong.take(provider.transpose()).flatten(),
            models: wrong.take(models.transpose()).flatten(),
            meters,
            tiers: tiers.unwrap_or_default(),
            from: from.map(|month| month.from).unwrap_or_default(),
            to: None,
            source: wrong.take(read_text("source", &self.source)).unwrap_or_default(),
            source_url: wrong.take(read_url(&self.source_url)).flatten(),
        };
        let edge = |month: Period| Edge::Day(month.from);
        wrong.or(NewRule { rule, from: from.map(edge), to: to.map(edge) })
    }
}

fn read_kind(text: &str) -> Result<TermKind, FieldProblem> {
    TermKind::parse(text.trim())
        .ok_or_else(|| FieldProblem::new("kind", "unknown", "Choose allowance, graduated or volume."))
}

fn read_month(field: &str, text: &str) -> Result<Period, FieldProblem> {
    parse_month(text.trim()).map_err(|_| FieldProblem::new(field, "invalid", "Use a month such as 2026-11."))
}

/// Units of different kinds cannot be added up.
fn read_meters(text: &str) -> Result<MeterSet, FieldProblem> {
    let compact: String = text.chars().filter(|sign| !sign.is_whitespace()).collect();
    let meters: MeterSet =
        compact.parse().map_err(|error| FieldProblem::new("meters", "invalid", format!("Here {error}.")))?;
    let same_unit = match &meters {
        MeterSet::All => false,
        MeterSet::Tokens => true,
        MeterSet::Only(meters) => meters.windows(2).all(|pair| pair[0].unit() == pair[1].unit()),
    };
    if same_unit {
        Ok(meters)
    } else {
        Err(FieldProblem::new("meters", "mixed_units", "Name tokens, or meters that are counted in the same unit."))
    }
}

fn first_of(meters: &MeterSet) -> Meter {
    match meters {
        MeterSet::Only(meters) => meters.first().copied().unwrap_or(Meter::InputUncached),
        MeterSet::All | MeterSet::Tokens => Meter::InputUncached,
    }
}

pub(super) fn read_units(text: &str) -> Option<Decimal> {
    let units = text.trim().replace([',', '_', ' '], "").parse::<Decimal>().ok()?;
    let sane = !units.is_sign_negative() && units <= Decimal::from(MAX_UNITS) && units.scale() <= 6;
    sane.then(|| units.normalize())
}

fn read_allowance(text: &str) -> Result<Vec<Tier>, FieldProblem> {
    let units = read_units(text).filter(|units| !units.is_zero()).ok_or_else(|| {
        FieldProblem::new("units", "invalid", "Write how many units of each month are free, such as 1,000,000.")
    })?;
    let tier = |above, factor| Tier { above, inclusive: false, price: TierPrice::Factor(factor) };
    Ok(vec![tier(Decimal::ZERO, Decimal::ZERO), tier(units, Decimal::ONE)])
}

/// Lines of tiers; below the first boundary the list price holds.
fn read_tiers(text: &str, per: u64) -> Result<Vec<Tier>, FieldProblem> {
    let wrong = |detail: String| FieldProblem::new("tiers", "invalid", detail);
    let mut tiers = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let tier = read_tier(line, per).ok_or_else(|| {
            wrong(format!(
                "“{line}” is no tier: write a boundary and a price, such as >10000000 -10% or >=50000000 $1.20."
            ))
        })?;
        tiers.push(tier);
    }
    tiers.sort_by_key(|tier: &Tier| tier.above);
    if tiers.is_empty() || tiers.len() > MAX_TIERS {
        return Err(wrong(format!("Write one to {MAX_TIERS} tiers, one a line.")));
    }
    if tiers.windows(2).any(|pair| pair[0].above == pair[1].above) {
        return Err(wrong("Two tiers have the same boundary.".to_owned()));
    }
    if !tiers[0].above.is_zero() {
        tiers.insert(0, Tier { above: Decimal::ZERO, inclusive: false, price: TierPrice::Factor(Decimal::ONE) });
    }
    Ok(tiers)
}

fn read_tier(line: &str, per: u64) -> Option<Tier> {
    let (boundary, price) = line.rsplit_once(char::is_whitespace)?;
    let boundary = boundary.trim();
    let (units, inclusive) = match (boundary.strip_prefix(">="), boundary.strip_prefix('>')) {
        (Some(units), _) => (units, true),
        (None, Some(units)) => (units, false),
        (None, None) => (boundary, false),
    };
    let above = read_units(units)?;
    Some(Tier { above, inclusive: inclusive && !above.is_zero(), price: read_price(price, per)? })
}

pub(super) fn read_price(text: &str, per: u64) -> Option<TierPrice> {
    match text {
        "free" => return Some(TierPrice::Factor(Decimal::ZERO)),
        "list" => return Some(TierPrice::Factor(Decimal::ONE)),
        _ => {}
    }
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.parse::<Decimal>().ok().filter(|percent| percent.scale() <= 6)?;
        let factor = Decimal::ONE + percent.checked_div(Decimal::ONE_HUNDRED)?;
        return (factor >= Decimal::ZERO && factor <= Decimal::TEN).then(|| TierPrice::Factor(factor.normalize()));
    }
    let rate = read_rate(text.strip_prefix('$')?).ok()?;
    Some(TierPrice::Rate { rate, per })
}
