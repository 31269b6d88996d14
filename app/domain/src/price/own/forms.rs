//! What a person types or sends: prices, discounts and markups, names.

use super::fields::{
    Wrong, read_attributes, read_factor, read_kind, read_meter, read_pattern, read_per, read_provider, read_rate,
    read_schedule, read_text, read_tier, read_url, read_variant,
};
use crate::meter::Meter;
use crate::model::lower;
use crate::price::{BookPrice, MeterSet, ModelAlias, ModifierKind, PriceModifier};
use crate::problem::FieldProblem;
use crate::rule::NewRule;
use serde::{Deserialize, Deserializer, Serialize};

/// A price as typed into a form or sent as JSON; what was typed comes back with the problems.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PriceForm {
    /// Who sells the model.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "openai", max_length = 200))]
    pub provider: String,
    /// The model; a new name makes a model of the organization's own.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "gpt-4o", max_length = 200))]
    pub model: String,
    /// What is priced, such as `input_uncached`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "input_uncached"))]
    pub meter: String,
    /// `standard` (also when empty), `batch`, `flex` …
    pub variant: String,
    /// Input tokens of the whole request above which it holds, such as `>200000` or `>=200000`; empty for the base price.
    pub tier: String,
    /// Dollars for `per` units.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "2.25"))]
    pub rate: String,
    /// Units that the rate is for; empty means a million for tokens and characters, one for everything else.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<WrittenNumber>, example = 1_000_000))]
    #[serde(deserialize_with = "number")]
    pub per: String,
    /// From this day of the organization's zone or this instant; empty means from the beginning of time.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-01"))]
    pub valid_from: String,
    /// Until before this day or instant; empty means without an end date.
    pub valid_to: String,
    /// What else it asks of a call, such as `size=1024x1536;quality=high`; mostly empty.
    #[cfg_attr(feature = "openapi", schema(example = "region=eu"))]
    pub attributes: String,
    /// Hours in UTC at which it holds, such as `01:00-04:00 12345`; mostly empty.
    pub schedule: String,
    /// Who said so, such as `Contract 2026-114`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "Contract 2026-114", max_length = 200))]
    pub source: String,
    /// Where it is written.
    pub source_url: String,
    /// Whether a price that looks unusual is meant: ten times another, or per token instead of per million.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<bool>))]
    #[serde(deserialize_with = "truth")]
    pub confirmed: String,
}

impl PriceForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<NewRule<BookPrice>, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let meter = wrong.take(read_meter(&self.meter));
        let per = wrong.take(read_per(&self.per, meter.unwrap_or(Meter::InputUncached)));
        let (from, to) = wrong.span(&self.valid_from, &self.valid_to);
        let (tier_from, tier_inclusive) = wrong.take(read_tier(&self.tier)).unwrap_or_default();
        let rule = BookPrice {
            price_id: 0,
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
            quantity_min: None,
            quantity_max: None,
            quantity_whole: false,
            valid_from: None,
            valid_to: None,
            attributes: wrong.take(read_attributes(&self.attributes)).unwrap_or_default(),
            schedule: wrong.take(read_schedule(&self.schedule)).flatten(),
            source: wrong.take(read_text("source", &self.source)).unwrap_or_default(),
            source_version: String::new(),
            source_url: wrong.take(read_url(&self.source_url)).flatten(),
            derived: None,
        };
        wrong.or(NewRule { rule, from, to })
    }

    /// Whether the person confirmed what looks unusual.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        !self.confirmed.trim().is_empty()
    }
}

/// A whole number as programs write it, or as the text that a form has for it.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged, expecting = "a whole number")]
enum WrittenNumber {
    Text(String),
    Number(u64),
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Option::<WrittenNumber>::deserialize(deserializer)? {
        None => String::new(),
        Some(WrittenNumber::Text(text)) => text,
        Some(WrittenNumber::Number(number)) => number.to_string(),
    })
}

/// Yes or no as programs write it, as the text that a form has for it.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let is_true = Option::<bool>::deserialize(deserializer)?.unwrap_or_default();
    Ok(if is_true { "true".to_owned() } else { String::new() })
}

/// One meter and its rate, where several prices of a model are entered at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RateForm {
    /// What is priced.
    pub meter: String,
    /// Dollars for `per` units; empty leaves this meter out.
    pub rate: String,
    /// Units that the rate is for; empty means the usual ones.
    pub per: String,
}

/// Most meters that are priced at once.
pub const MAX_RATES: usize = 20;

impl PriceForm {
    /// Reads a price for each of the rates; everything else of the form holds for all of them.
    ///
    /// # Errors
    /// A problem for every wrong field, those of a rate as `rates[0][rate]`; also where no rate is filled in, or a meter twice.
    pub fn parse_each(&self, rates: &[RateForm]) -> Result<Vec<NewRule<BookPrice>>, Vec<FieldProblem>> {
        let filled: Vec<(usize, &RateForm)> =
            rates.iter().enumerate().filter(|(_, row)| !row.rate.trim().is_empty()).collect();
        if filled.is_empty() || rates.len() > MAX_RATES {
            let detail = format!("Enter at least one rate and at most {MAX_RATES}.");
            return Err(vec![FieldProblem::new("rates[0][rate]", "required", detail)]);
        }
        let mut wrong: Vec<FieldProblem> = Vec::new();
        let mut inputs: Vec<NewRule<BookPrice>> = Vec::new();
        for (at, row) in filled {
            let form = Self { meter: row.meter.clone(), rate: row.rate.clone(), per: row.per.clone(), ..self.clone() };
            match form.parse() {
                Ok(input) if inputs.iter().any(|other| other.rule.meter == input.rule.meter) => {
                    wrong.push(FieldProblem::new(field_of(at, "meter"), "twice", "This meter has a rate above."));
                }
                Ok(input) => inputs.push(input),
                Err(problems) => wrong.extend(problems.into_iter().map(|problem| of_row(at, problem))),
            }
        }
        // What all rows share is wrong once.
        let mut seen = std::collections::BTreeSet::new();
        wrong.retain(|problem| seen.insert(problem.pointer.clone()));
        if wrong.is_empty() { Ok(inputs) } else { Err(wrong) }
    }
}

/// The name of a field in a row of rates.
#[must_use]
pub fn field_of(row: usize, field: &str) -> String {
    format!("rates[{row}][{field}]")
}

fn of_row(row: usize, problem: FieldProblem) -> FieldProblem {
    match problem.pointer.as_str() {
        "meter" | "rate" | "per" => FieldProblem { pointer: field_of(row, &problem.pointer), ..problem },
        _ => problem,
    }
}

/// A discount or markup as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ModifierForm {
    /// `discount` or `markup`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "discount"))]
    pub kind: String,
    /// Who sells the calls; empty means every provider.
    #[cfg_attr(feature = "openapi", schema(example = "openai", max_length = 200))]
    pub provider: String,
    /// A model's name in the book, or a pattern of names; empty means every model.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub models: String,
    /// What else is asked of a call, such as `region=eu`; mostly empty.
    pub attributes: String,
    /// `tokens`, or words of meters between commas; empty means everything.
    pub meters: String,
    /// What is taken off or added, in percent of the price, such as `15`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "12"))]
    pub percent: String,
    /// From this day or instant; empty means from the beginning of time.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-01"))]
    pub valid_from: String,
    /// Until before this day or instant; empty means without an end date.
    pub valid_to: String,
    /// Who said so.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "Contract 2026-114", max_length = 200))]
    pub source: String,
    /// Where it is written.
    pub source_url: String,
}

impl ModifierForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<NewRule<PriceModifier>, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let kind = wrong.take(read_kind(&self.kind)).unwrap_or(ModifierKind::Discount);
        let (from, to) = wrong.span(&self.valid_from, &self.valid_to);
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let provider = some(&self.provider).map(|text| read_provider("provider", &text));
        let models = some(&self.models).map(|text| {
            read_pattern(&text).map_err(|problem| FieldProblem { pointer: "models".to_owned(), ..problem })
        });
        let meters = self.meters.trim().parse::<MeterSet>();
        let rule = PriceModifier {
            modifier_id: 0,
            kind,
            provider: wrong.take(provider.transpose()).flatten(),
            models: wrong.take(models.transpose()).flatten(),
            attributes: wrong.take(read_attributes(&self.attributes)).unwrap_or_default(),
            meters: wrong
                .take(meters.map_err(|error| FieldProblem::new("meters", "invalid", format!("Here {error}."))))
                .unwrap_or_default(),
            factor: wrong.take(read_factor(kind, &self.percent)).unwrap_or_default(),
            valid_from: None,
            valid_to: None,
            source: wrong.take(read_text("source", &self.source)).unwrap_or_default(),
            source_version: String::new(),
            source_url: wrong.take(read_url(&self.source_url)).flatten(),
        };
        wrong.or(NewRule { rule, from, to })
    }
}

/// A name for a model as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MappingForm {
    /// Provider that the events name.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "azure", max_length = 200))]
    pub provider: String,
    /// The name that the events carry, or a pattern: `=` is that name, `^` a beginning such as `^our-chat-`, `$` an end, `~` a part; `#` stands for a digit.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "our-chat", max_length = 200))]
    pub name: String,
    /// Provider of the model that is meant.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "azure"))]
    pub to_provider: String,
    /// The model that is meant.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "gpt-4o"))]
    pub to_model: String,
    /// From this day or instant; empty means from the beginning of time.
    pub valid_from: String,
    /// Until before this day or instant; empty means without an end date.
    pub valid_to: String,
}

impl MappingForm {
    /// Reads all fields. A name without a pattern's sign means exactly this name.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<NewRule<ModelAlias>, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let (from, to) = wrong.span(&self.valid_from, &self.valid_to);
        let pattern = wrong.take(read_text("name", &self.name).and_then(|name| read_pattern(&name)));
        let provider = wrong.take(read_provider("provider", &self.provider)).unwrap_or_default();
        let to_provider = wrong.take(read_provider("to_provider", &self.to_provider)).unwrap_or_default();
        let to_model = wrong.take(read_text("to_model", &self.to_model)).unwrap_or_default();
        let Some(pattern) = pattern else { return Err(wrong.0) };
        let (valid_from, valid_to) = (None, None);
        let rule = ModelAlias { provider, position: 0, pattern, to_provider, to_model, valid_from, valid_to };
        wrong.or(NewRule { rule, from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Edge;
    use rust_decimal::Decimal;

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
        assert_eq!((input.rule.provider.as_str(), input.rule.model.as_str()), ("azure", "our-chat"));
        assert_eq!((input.rule.rate, input.rule.per), (decimal("1000.5"), 1_000_000));
        assert_eq!(input.from, Some(Edge::Day("2026-11-01".parse().unwrap())));
        let tiered = PriceForm { tier: ">200,000".to_owned(), rate: "3e-6".to_owned(), per: "1".to_owned(), ..form() };
        let input = tiered.parse().unwrap();
        assert_eq!((input.rule.tier_from, input.rule.tier_inclusive), (200_000, false));
        assert_eq!((input.rule.rate, input.rule.per), (decimal("0.000003"), 1));
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
    fn several_rates_share_everything_else() {
        let row =
            |meter: &str, rate: &str| RateForm { meter: meter.to_owned(), rate: rate.to_owned(), per: String::new() };
        let rates = [row("input_uncached", "3"), row("output", ""), row("images", "0.04")];
        let inputs = form().parse_each(&rates).unwrap();
        let read: Vec<_> = inputs.iter().map(|input| (input.rule.meter, input.rule.rate, input.rule.per)).collect();
        assert_eq!(
            read,
            [(Meter::InputUncached, decimal("3"), 1_000_000), (Meter::Images, decimal("0.04"), 1)],
            "an empty row is left out"
        );
        assert!(inputs.iter().all(|input| input.rule.source == "Contract 7" && input.from.is_some()));
        let pointers = |form: PriceForm, rates: &[RateForm]| -> Vec<String> {
            form.parse_each(rates).unwrap_err().into_iter().map(|problem| problem.pointer).collect()
        };
        assert_eq!(pointers(form(), &[]), ["rates[0][rate]"]);
        assert_eq!(pointers(form(), &vec![row("output", "1"); MAX_RATES + 1]), ["rates[0][rate]"]);
        let rates = [row("output", "1"), row("output", "2"), row("reported", "3"), row("pages", "-1")];
        assert_eq!(pointers(form(), &rates), ["rates[1][meter]", "rates[2][meter]", "rates[3][rate]"]);
        let nobody = PriceForm { source: String::new(), ..form() };
        assert_eq!(pointers(nobody, &rates[..1]), ["source"]);
        let nobody = PriceForm { source: String::new(), ..form() };
        assert_eq!(pointers(nobody, &[row("output", "1"), row("pages", "2")]), ["source"], "said once");
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
        assert_eq!(form("discount", "15 %").parse().unwrap().rule.factor, decimal("0.85"));
        assert_eq!(form("markup", "2.5").parse().unwrap().rule.factor, decimal("1.025"));
        for (kind, percent) in [("region", "5"), ("discount", "101"), ("discount", "0"), ("markup", "x")] {
            assert_eq!(form(kind, percent).parse().unwrap_err().len(), 1, "{kind} {percent}");
        }
    }
}
