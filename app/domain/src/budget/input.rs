//! What a person or a program sends to make or change a budget, and its limits.

use super::ScopeRef;
use crate::identity::Email;
use crate::problem::FieldProblem;
use crate::project::parse_name;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most thresholds of a budget.
pub const MAX_THRESHOLDS: usize = 10;
/// Largest threshold in percent.
pub const MAX_THRESHOLD: u16 = 1_000;
/// Most recipients of a budget.
pub const MAX_RECIPIENTS: usize = 20;
/// Largest amount per month.
const MAX_AMOUNT: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);

/// A budget to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetInput {
    /// Its name.
    pub name: String,
    /// The scope.
    pub scope: ScopeRef,
    /// Amount per month, above zero.
    pub amount: Decimal,
    /// Percentages of the amount, rising.
    pub thresholds: Vec<u16>,
    /// Who gets mail.
    pub recipients: Vec<Email>,
}

/// What is to change; none leaves a part as it is. The scope stays: its ledger is about that scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetChange {
    /// Its name.
    pub name: Option<String>,
    /// Amount per month, from the present month on.
    pub amount: Option<Decimal>,
    /// Percentages of the amount, rising.
    pub thresholds: Option<Vec<u16>>,
    /// Who gets mail.
    pub recipients: Option<Vec<Email>>,
}

/// A budget as typed into a form; what was typed comes back with the problems.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetForm {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `organization`, `team:<slug>` or `project:<slug>`.
    #[serde(default)]
    pub scope: String,
    /// Dollars per month, such as `12,000.50`.
    #[serde(default)]
    pub amount: String,
    /// Percentages, such as `50, 80, 100`.
    #[serde(default)]
    pub thresholds: String,
    /// Addresses, separated by commas, spaces or lines.
    #[serde(default)]
    pub recipients: String,
}

impl BudgetForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<BudgetInput, Vec<FieldProblem>> {
        let numbers = read_thresholds(&self.thresholds);
        let words: Vec<_> = words(&self.recipients).map(str::to_owned).collect();
        let mut problems = Vec::new();
        let input = BudgetInput {
            name: take(&mut problems, parse_name("name", &self.name)).unwrap_or_default(),
            scope: take(&mut problems, self.scope.parse()).unwrap_or(ScopeRef::Organization),
            amount: take(&mut problems, read_amount(&self.amount).and_then(check_amount)).unwrap_or_default(),
            thresholds: take(&mut problems, numbers.and_then(|numbers| check_thresholds(&numbers))).unwrap_or_default(),
            recipients: take_all(&mut problems, check_recipients(&words)),
        };
        if problems.is_empty() { Ok(input) } else { Err(problems) }
    }
}

impl BudgetInput {
    /// Checks what a program sent.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn check(
        name: &str,
        scope: &str,
        amount: Decimal,
        thresholds: &[i64],
        recipients: &[String],
    ) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let input = Self {
            name: take(&mut problems, parse_name("name", name)).unwrap_or_default(),
            scope: take(&mut problems, scope.parse()).unwrap_or(ScopeRef::Organization),
            amount: take(&mut problems, check_amount(amount)).unwrap_or_default(),
            thresholds: take(&mut problems, check_thresholds(thresholds)).unwrap_or_default(),
            recipients: take_all(&mut problems, check_recipients(recipients)),
        };
        if problems.is_empty() { Ok(input) } else { Err(problems) }
    }

    /// Everything but the scope, for an edit form that shows all of it.
    #[must_use]
    pub fn into_change(self) -> BudgetChange {
        BudgetChange {
            name: Some(self.name),
            amount: Some(self.amount),
            thresholds: Some(self.thresholds),
            recipients: Some(self.recipients),
        }
    }
}

impl BudgetChange {
    /// Checks what a program sent; none leaves a part as it is.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn check(
        name: Option<&str>,
        amount: Option<Decimal>,
        thresholds: Option<&[i64]>,
        recipients: Option<&[String]>,
    ) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let change = Self {
            name: name.and_then(|name| take(&mut problems, parse_name("name", name))),
            amount: amount.and_then(|amount| take(&mut problems, check_amount(amount))),
            thresholds: thresholds.and_then(|numbers| take(&mut problems, check_thresholds(numbers))),
            recipients: recipients.map(|words| take_all(&mut problems, check_recipients(words))),
        };
        if problems.is_empty() { Ok(change) } else { Err(problems) }
    }
}

fn take<T>(problems: &mut Vec<FieldProblem>, result: Result<T, FieldProblem>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

fn take_all<T: Default>(problems: &mut Vec<FieldProblem>, result: Result<T, Vec<FieldProblem>>) -> T {
    result.unwrap_or_else(|found| {
        problems.extend(found);
        T::default()
    })
}

/// `12000`, `12,000.50` or `$12,000`. A comma only groups thousands: `12,5` could mean two things and is refused.
fn read_amount(text: &str) -> Result<Decimal, FieldProblem> {
    let wrong = || FieldProblem::new("amount", "invalid", "Enter dollars such as 12000 or 12,000.50.");
    let text = text.trim();
    let text = text.strip_prefix('$').unwrap_or(text).trim_start();
    if text.is_empty() {
        return Err(FieldProblem::new("amount", "required", "Enter an amount."));
    }
    let (whole, rest) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = whole.contains(',');
    let fits = digits(first)
        && (!grouped || (1..=3).contains(&first.len()))
        && groups.all(|group| group.len() == 3 && digits(group))
        && rest.is_none_or(|rest| !rest.is_empty() && digits(rest))
        && !(whole.is_empty() && rest.is_none());
    if !fits {
        return Err(wrong());
    }
    text.replace(',', "").parse().map_err(|_| wrong())
}

fn check_amount(amount: Decimal) -> Result<Decimal, FieldProblem> {
    let amount = amount.normalize();
    if amount <= Decimal::ZERO {
        return Err(FieldProblem::new("amount", "out_of_range", "Enter an amount above zero."));
    }
    if amount > MAX_AMOUNT || amount.scale() > crate::money::PLACES {
        return Err(FieldProblem::new(
            "amount",
            "out_of_range",
            "Enter at most 1,000,000,000,000 with at most 12 decimal places.",
        ));
    }
    Ok(amount)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', ' ', '\t', '\r', '\n']).filter(|word| !word.is_empty())
}

fn read_thresholds(text: &str) -> Result<Vec<i64>, FieldProblem> {
    words(text)
        .map(|word| word.trim_end_matches('%'))
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().map_err(|_| wrong_thresholds()))
        .collect()
}

fn wrong_thresholds() -> FieldProblem {
    FieldProblem::new(
        "thresholds",
        "invalid",
        format!("Enter 1 to {MAX_THRESHOLDS} whole percentages from 1 to {MAX_THRESHOLD}, such as 50, 80, 100."),
    )
}

/// Any order is taken, and the same one twice; rising and once each is what is kept.
fn check_thresholds(numbers: &[i64]) -> Result<Vec<u16>, FieldProblem> {
    let thresholds: BTreeSet<u16> = numbers
        .iter()
        .map(|number| u16::try_from(*number).ok().filter(|number| (1..=MAX_THRESHOLD).contains(number)))
        .collect::<Option<_>>()
        .ok_or_else(wrong_thresholds)?;
    if thresholds.is_empty() || thresholds.len() > MAX_THRESHOLDS {
        return Err(wrong_thresholds());
    }
    Ok(thresholds.into_iter().collect())
}

/// None is allowed: then the ledger alone tells.
fn check_recipients(texts: &[String]) -> Result<Vec<Email>, Vec<FieldProblem>> {
    let mut recipients = Vec::new();
    let mut problems = Vec::new();
    for text in texts {
        match Email::parse(text) {
            Ok(email) if recipients.contains(&email) => {}
            Ok(email) => recipients.push(email),
            Err(_) => problems.push(FieldProblem::new(
                "recipients",
                "invalid",
                format!("\u{201c}{}\u{201d} is not an e-mail address.", text.chars().take(80).collect::<String>()),
            )),
        }
    }
    if recipients.len() > MAX_RECIPIENTS {
        problems.push(FieldProblem::new(
            "recipients",
            "too_many",
            format!("Enter at most {MAX_RECIPIENTS} addresses."),
        ));
    }
    if problems.is_empty() { Ok(recipients) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Result<Decimal, String> {
        read_amount(text).and_then(check_amount).map_err(|problem| problem.code)
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, value) in [("12000", "12000"), (" $12,000.50 ", "12000.5"), ("1,234,567", "1234567"), (".5", "0.5")]
        {
            assert_eq!(amount(text), Ok(value.parse().unwrap()), "{text}");
        }
        assert_eq!(amount("1,000,000,000,000").unwrap(), MAX_AMOUNT);
    }

    #[test]
    fn doubtful_amounts_are_refused() {
        for text in ["12,5", "1,2345", ",500", "12.", "1e3", "-5", "twelve", "1.2.3", "٣", "$", "."] {
            assert!(amount(text).is_err(), "{text}");
        }
        assert_eq!(amount("0.000"), Err("out_of_range".to_owned()));
        assert_eq!(amount("1000000000000.01"), Err("out_of_range".to_owned()));
        assert_eq!(amount("0.0000000000001"), Err("out_of_range".to_owned()));
        assert_eq!(amount(""), Err("required".to_owned()));
        assert_eq!(amount(&"9".repeat(60)), Err("invalid".to_owned()));
    }

    #[test]
    fn thresholds_rise_and_stand_once() {
        let read = |text: &str| read_thresholds(text).and_then(|numbers| check_thresholds(&numbers));
        assert_eq!(read("100 %, 50%; 80 50").unwrap(), [50, 80, 100]);
        for wrong in ["", "0", "1001", "x", "50.5", "-1", "1 2 3 4 5 6 7 8 9 10 11"] {
            assert_eq!(read(wrong).unwrap_err().pointer, "thresholds", "{wrong}");
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let form =
            BudgetForm { scope: "x".to_owned(), recipients: "ada bob@example.com".to_owned(), ..BudgetForm::default() };
        let pointers: Vec<_> = form.parse().unwrap_err().into_iter().map(|problem| problem.pointer).collect();
        assert_eq!(pointers, ["name", "scope", "amount", "thresholds", "recipients"]);
    }

    #[test]
    fn a_good_form_is_read() {
        let form = BudgetForm {
            name: " Production ".to_owned(),
            scope: "project:support-bot".to_owned(),
            amount: "12,000".to_owned(),
            thresholds: "50, 80, 100".to_owned(),
            recipients: "Ada@Example.com,\nbob@example.com ada@example.com".to_owned(),
        };
        let input = form.parse().unwrap();
        assert_eq!(input.name, "Production");
        assert_eq!(input.amount, Decimal::from(12_000));
        assert_eq!(
            input.recipients.iter().map(Email::as_str).collect::<Vec<_>>(),
            ["ada@example.com", "bob@example.com"]
        );
    }

    #[test]
    fn recipients_are_limited() {
        let many: Vec<_> = (0..=MAX_RECIPIENTS).map(|n| format!("a{n}@example.com")).collect();
        assert_eq!(check_recipients(&many).unwrap_err()[0].code, "too_many");
        assert!(check_recipients(&many[1..]).is_ok());
        assert!(check_recipients(&[]).unwrap().is_empty());
    }
}
