//! A charge as it is typed, sent, or read from a row of a file.

use super::{Charge, ChargeKind, ChargeOwner, ChargePrice};
use crate::import::FileForm;
use crate::money::PLACES;
use crate::period::{MAX_DAYS, Period};
use crate::price::own::{Wrong, read_provider, read_text};
use crate::problem::FieldProblem;
use crate::project::{Slug, parse_cost_centre};
use crate::repricing::parse_reason;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most charges that are entered at once.
pub const MAX_CHARGES: usize = 2_000;
/// Most labels of a charge.
const MAX_LABELS: usize = 20;
/// Largest amount, in US dollars, and largest quantity.
const MAX_AMOUNT: u64 = 1_000_000_000;

/// A charge as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ChargeForm {
    /// Your own id: a charge with an id is entered once, however often it is sent.
    #[cfg_attr(feature = "openapi", schema(example = "inv-2026-11-gpu", max_length = 200))]
    pub id: String,
    /// `gpu_hours`, `provisioned_throughput`, `vector_store`, `seats`, `prepaid_credits`, `subscription` or `other`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "gpu_hours"))]
    pub kind: String,
    /// What it says on statements.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "GPU pool for embeddings", max_length = 200))]
    pub description: String,
    /// Who charges it; of prepaid credits the provider whose usage draws them.
    #[cfg_attr(feature = "openapi", schema(example = "coreweave", max_length = 200))]
    pub provider: String,
    /// US dollars for all days from `from` until before `to`, an equal part each day; below zero for what is given back. Of prepaid credits what they are worth.
    #[cfg_attr(feature = "openapi", schema(example = "2000.00"))]
    pub amount: String,
    /// How many units each month, with `rate`; one where it is empty.
    #[cfg_attr(feature = "openapi", schema(example = ""))]
    pub quantity: String,
    /// US dollars for a unit in a calendar month, in place of `amount`.
    #[cfg_attr(feature = "openapi", schema(example = ""))]
    pub rate: String,
    /// First day, in the organization's calendar.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "2026-11-01"))]
    pub from: String,
    /// The day after the last; of prepaid credits the day on which they expire. Empty where `rate` is charged, or credits last, without an end date.
    #[cfg_attr(feature = "openapi", schema(example = "2026-12-01"))]
    pub to: String,
    /// Slug of the project whose cost it is. With neither a project nor a team it is unallocated.
    #[cfg_attr(feature = "openapi", schema(example = "search"))]
    pub project: String,
    /// Slug of the team whose cost it is, beside those of its projects.
    #[cfg_attr(feature = "openapi", schema(example = ""))]
    pub team: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Where finance books it, if not under its owner's code.
    #[cfg_attr(feature = "openapi", schema(example = "CC-410", max_length = 40))]
    pub cost_centre: String,
    /// US dollars of usage that a subscription includes each month.
    #[cfg_attr(feature = "openapi", schema(example = ""))]
    pub included: String,
    /// Where the figure comes from.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "Invoice 2026-4711", max_length = 200))]
    pub source: String,
    /// Why it is entered, for those who read the numbers later.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "November's GPU bill", max_length = 500))]
    pub reason: String,
}

impl ChargeForm {
    /// Reads all fields. Whether its project or team is there, its organization knows.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<Charge, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let kind = wrong.take(self.kind.parse::<ChargeKind>());
        let id = wrong.take(some(&self.id).map(|text| read_text("id", text)).transpose()).flatten();
        let description = wrong.take(read_text("description", &self.description)).unwrap_or_default();
        let provider = some(&self.provider).map(|text| read_provider("provider", text));
        let provider = wrong.take(provider.transpose()).flatten();
        if kind == Some(ChargeKind::PrepaidCredits) && self.provider.trim().is_empty() {
            let detail = "Name the provider whose usage draws the credits.";
            wrong.0.push(FieldProblem::new("provider", "required", detail));
        }
        let from = wrong.take(read_day("from", &self.from));
        let to = wrong.take(some(&self.to).map(|text| read_day("to", text)).transpose()).flatten();
        if from.zip(to).is_some_and(|(from, to)| Period::new(from, to).is_none()) {
            let detail = format!("It ends after it begins, at most {MAX_DAYS} days later.");
            wrong.0.push(FieldProblem::new("to", "invalid", detail));
        }
        let price = self.price(&mut wrong, kind, from.zip(to));
        let owner = wrong.take(self.owner()).unwrap_or(ChargeOwner::Unallocated);
        let labels = wrong.take(check_labels(&self.labels)).unwrap_or_default();
        let cost_centre = wrong.take(parse_cost_centre(&self.cost_centre)).flatten();
        let included = some(&self.included).map(|text| positive("included", text));
        let included = wrong.take(included.transpose()).flatten();
        if included.is_some() && kind != Some(ChargeKind::Subscription) {
            wrong.0.push(FieldProblem::new("included", "not_here", "Only a subscription includes usage."));
        }
        let source = wrong.take(read_text("source", &self.source)).unwrap_or_default();
        let reason = wrong.take(parse_reason(&self.reason)).unwrap_or_default();
        let (Some(kind), Some(price), Some(from)) = (kind, price, from) else { return Err(wrong.0) };
        wrong.or(Charge {
            charge_id: 0,
            id,
            kind,
            description,
            provider,
            price,
            from,
            to,
            owner,
            labels,
            cost_centre,
            included,
            source,
            reason,
        })
    }

    /// Either an amount for its days, or a rate a month; of credits what they are worth.
    fn price(
        &self,
        wrong: &mut Wrong,
        kind: Option<ChargeKind>,
        days: Option<(NaiveDate, NaiveDate)>,
    ) -> Option<ChargePrice> {
        let is_credit = kind == Some(ChargeKind::PrepaidCredits);
        match (some(&self.amount), some(&self.rate)) {
            (Some(_), Some(_)) => {
                let detail = "Enter either an amount for all its days or a rate a month.";
                wrong.0.push(FieldProblem::new("rate", "both", detail));
                None
            }
            (None, Some(rate)) if !is_credit => {
                let quantity =
                    wrong.take(some(&self.quantity).map_or(Ok(Decimal::ONE), |text| positive("quantity", text)));
                let (quantity, rate) = quantity.zip(wrong.take(positive("rate", rate)))?;
                Some(ChargePrice::Monthly { quantity, rate })
            }
            (Some(amount), None) if is_credit => {
                Some(ChargePrice::Credits { amount: wrong.take(positive("amount", amount))? })
            }
            (Some(amount), None) => {
                let amount = wrong.take(read_amount("amount", amount));
                if self.to.trim().is_empty() {
                    let detail = "Say until when the amount pays: the day after the last.";
                    wrong.0.push(FieldProblem::new("to", "required", detail));
                }
                let (from, to) = days?;
                Some(ChargePrice::Amount { amount: amount?, days: Period::new(from, to)? })
            }
            _ => {
                let detail =
                    if is_credit { "Enter what the credits are worth." } else { "Enter an amount, or a rate a month." };
                wrong.0.push(FieldProblem::new("amount", "required", detail));
                None
            }
        }
    }

    fn owner(&self) -> Result<ChargeOwner, FieldProblem> {
        let slug = |field: &str, text: &str| {
            Slug::parse(text).map_err(|problem| FieldProblem { pointer: field.to_owned(), ..problem })
        };
        match (some(&self.project), some(&self.team)) {
            (None, None) => Ok(ChargeOwner::Unallocated),
            (Some(project), None) => slug("project", project).map(ChargeOwner::Project),
            (None, Some(team)) => slug("team", team).map(ChargeOwner::Team),
            (Some(_), Some(_)) => {
                Err(FieldProblem::new("team", "both", "Choose a project or a team: a project's team follows from it."))
            }
        }
    }
}

impl FileForm for ChargeForm {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "kind",
        "description",
        "provider",
        "amount",
        "quantity",
        "rate",
        "from",
        "to",
        "project",
        "team",
        "labels",
        "cost_centre",
        "included",
        "source",
        "reason",
    ];

    fn set(&mut self, column: &str, cell: String) -> Result<(), FieldProblem> {
        let field = match column {
            "id" => &mut self.id,
            "kind" => &mut self.kind,
            "description" => &mut self.description,
            "provider" => &mut self.provider,
            "amount" => &mut self.amount,
            "quantity" => &mut self.quantity,
            "rate" => &mut self.rate,
            "from" => &mut self.from,
            "to" => &mut self.to,
            "project" => &mut self.project,
            "team" => &mut self.team,
            "cost_centre" => &mut self.cost_centre,
            "included" => &mut self.included,
            "source" => &mut self.source,
            "reason" => &mut self.reason,
            _ => {
                self.labels = labels_of(&cell)?;
                return Ok(());
            }
        };
        *field = cell;
        Ok(())
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn read_day(field: &str, text: &str) -> Result<NaiveDate, FieldProblem> {
    let day = text.trim().parse::<NaiveDate>().ok();
    let known = day.filter(|day| (1990..2200).contains(&chrono::Datelike::year(day)));
    known.ok_or_else(|| FieldProblem::new(field, "invalid", "Use a day such as 2026-11-01."))
}

/// The first day without a charge; none where it is withdrawn altogether.
///
/// # Errors
/// A field problem for `valid_to`.
pub fn parse_end(text: &str) -> Result<Option<NaiveDate>, FieldProblem> {
    some(text).map(|text| read_day("valid_to", text)).transpose()
}

/// Dollars with at most twelve places.
fn read_amount(field: &str, text: &str) -> Result<Decimal, FieldProblem> {
    let wrong = |code: &str, detail: &str| FieldProblem::new(field, code, detail);
    let amount = text.trim().replace(['$', ',', ' '], "").parse::<Decimal>();
    let amount = amount.map_err(|_| wrong("invalid", "Use a number such as 2000.00."))?.normalize();
    if amount.is_zero() {
        return Err(wrong("zero", "It is zero: there is nothing to charge."));
    }
    if amount.scale() > PLACES || amount.abs() > Decimal::from(MAX_AMOUNT) {
        return Err(wrong("out_of_range", "Use at most 1,000,000,000 and twelve places."));
    }
    Ok(amount)
}

fn positive(field: &str, text: &str) -> Result<Decimal, FieldProblem> {
    let amount = read_amount(field, text)?;
    if amount.is_sign_negative() {
        return Err(FieldProblem::new(field, "negative", "It cannot be below zero."));
    }
    Ok(amount)
}

/// Labels as they are typed: `name=value` between commas.
///
/// # Errors
/// A field problem for `labels`.
pub fn labels_of(text: &str) -> Result<BTreeMap<String, String>, FieldProblem> {
    let wrong = || FieldProblem::new("labels", "invalid", "Write labels as name=value between commas.");
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    check_labels(&parts.map(pair).collect::<Result<_, _>>()?)
}

/// As many labels, and as long ones, as anything carries here.
pub(crate) fn check_labels(labels: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, FieldProblem> {
    let fits = |text: &str, most: usize| {
        let count = text.chars().count();
        (1..=most).contains(&count) && !text.chars().any(|c| c.is_control() || c == ',' || c == '=')
    };
    let all_fit = labels.iter().all(|(name, value)| fits(name, 64) && fits(value, 200));
    if labels.len() <= MAX_LABELS && all_fit {
        return Ok(labels.clone());
    }
    let detail = format!(
        "Use at most {MAX_LABELS} labels, names of at most 64 and values of at most 200 characters without commas or equal signs."
    );
    Err(FieldProblem::new("labels", "invalid", detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::read_file;

    fn form() -> ChargeForm {
        let text = |text: &str| text.to_owned();
        ChargeForm {
            kind: text("gpu_hours"),
            description: text("GPU pool"),
            amount: text("$2,000.00"),
            from: text("2026-11-01"),
            to: text("2026-12-01"),
            source: text("Invoice 7"),
            reason: text("Month end"),
            ..ChargeForm::default()
        }
    }

    fn wrong(form: &ChargeForm) -> Vec<(String, String)> {
        form.parse().unwrap_err().into_iter().map(|wrong| (wrong.pointer, wrong.code)).collect()
    }

    fn is_wrong(form: &ChargeForm, field: &str, code: &str) {
        assert_eq!(wrong(form), [(field.to_owned(), code.to_owned())]);
    }

    #[test]
    fn a_form_says_what_is_charged_for_which_days() {
        let charge = form().parse().unwrap();
        assert_eq!(charge.price_text(), "$2,000.00 for 30\u{a0}days");
        assert_eq!((charge.owner, charge.to), (ChargeOwner::Unallocated, "2026-12-01".parse().ok()));
        let refund = ChargeForm { amount: "-20".to_owned(), project: "search".to_owned(), ..form() }.parse().unwrap();
        assert_eq!(refund.owner.project().map(Slug::as_str), Some("search"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let empty: Vec<String> = wrong(&ChargeForm::default()).into_iter().map(|(field, _)| field).collect();
        assert_eq!(empty, ["kind", "description", "from", "amount", "source", "reason"]);
        let with = |change: fn(&mut ChargeForm)| {
            let mut form = form();
            change(&mut form);
            form
        };
        is_wrong(&with(|form| form.to = String::new()), "to", "required");
        is_wrong(&with(|form| form.to = "2026-11-01".to_owned()), "to", "invalid");
        is_wrong(&with(|form| form.amount = "0.00".to_owned()), "amount", "zero");
        is_wrong(&with(|form| form.amount = "0.0000000000001".to_owned()), "amount", "out_of_range");
        is_wrong(&with(|form| form.rate = "20".to_owned()), "rate", "both");
        is_wrong(&with(|form| (form.project, form.team) = ("a".to_owned(), "b".to_owned())), "team", "both");
        is_wrong(&with(|form| form.project = "No Slug".to_owned()), "project", "invalid");
        is_wrong(&with(|form| form.kind = "prepaid_credits".to_owned()), "provider", "required");
        is_wrong(&with(|form| form.included = "100".to_owned()), "included", "not_here");
    }

    #[test]
    fn a_rate_or_credits_need_no_end() {
        let mut monthly = ChargeForm { amount: String::new(), rate: "200".to_owned(), to: String::new(), ..form() };
        monthly.kind = "subscription".to_owned();
        monthly.quantity = "5".to_owned();
        monthly.included = "400".to_owned();
        assert_eq!(monthly.parse().unwrap().price_text(), "5 × $200.00 a month");
        let credits = ChargeForm { kind: "prepaid_credits".to_owned(), provider: "OpenAI".to_owned(), ..form() };
        let credits = ChargeForm { to: String::new(), ..credits }.parse().unwrap();
        let credit = credits.credit().unwrap();
        assert_eq!((credit.provider.as_str(), credit.expires), ("openai", None));
        assert!(credits.amount_in(Period::month_of(credits.from)).is_zero());
    }

    #[test]
    fn a_file_has_the_words_of_the_form() {
        let header = ["Kind", "description", "amount", "from", "to", "labels", "source", "reason"];
        let row = ["gpu_hours", "GPU pool", "2000", "2026-11-01", "2026-12-01", "stage=prod, pool=a", "Bill", "End"];
        let cells = |cells: [&str; 8]| cells.map(str::to_owned).to_vec();
        let mut wrong = row;
        (wrong[1], wrong[5]) = ("", "prod");
        let rows = read_file::<ChargeForm>(&cells(header), &[cells(row), cells(wrong)]).unwrap();
        let labels = &rows[0].form.labels;
        assert_eq!((labels["stage"].as_str(), labels["pool"].as_str()), ("prod", "a"));
        assert!(rows[0].wrong.is_empty() && rows[0].form.parse().is_ok());
        assert_eq!((rows[1].line, rows[1].wrong[0].pointer.as_str()), (3, "labels"));
        let unknown = read_file::<ChargeForm>(&["kind".to_owned(), "colour".to_owned()], &[]).unwrap_err();
        assert_eq!(unknown[0].code, "unknown_column");
    }
}
