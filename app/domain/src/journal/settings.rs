//! How an organization's journals are booked.

use super::Account;
use crate::price::own::{Wrong, read_text};
use crate::problem::FieldProblem;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How days are written for ledgers that read them by the region that they are set to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DateFormat {
    /// `2026-11-30`
    #[default]
    YearFirst,
    /// `30/11/2026`
    DayFirst,
    /// `11/30/2026`
    MonthFirst,
}

impl DateFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::YearFirst, Self::DayFirst, Self::MonthFirst];

    /// The word in JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::YearFirst => "year_first",
            Self::DayFirst => "day_first",
            Self::MonthFirst => "month_first",
        }
    }

    /// A day as it writes one.
    #[must_use]
    pub fn write(self, day: NaiveDate) -> String {
        let format = match self {
            Self::YearFirst => "%Y-%m-%d",
            Self::DayFirst => "%d/%m/%Y",
            Self::MonthFirst => "%m/%d/%Y",
        };
        day.format(format).to_string()
    }
}

/// Accounts and words of an organization's journals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JournalSettings {
    /// Legal entity, or subsidiary.
    pub entity: String,
    /// Ledger.
    pub ledger: String,
    /// Account of what AI costs.
    pub expense_account: String,
    /// Account of the platform that recovers what it charges back.
    pub recovery_account: String,
    /// Account of what is owed to providers without an invoice.
    pub accrual_account: String,
    /// Account of what markup brings.
    pub margin_account: String,
    /// The platform's own cost centre: of recovery and liabilities, and of costs that have no other.
    pub cost_centre: String,
    /// Tax code of every line.
    pub tax_code: String,
    /// How files without a format of their own write days.
    pub dates: DateFormat,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            entity: String::new(),
            ledger: "Primary".to_owned(),
            expense_account: "AI usage expense".to_owned(),
            recovery_account: "AI platform recovery".to_owned(),
            accrual_account: "Accrued liabilities".to_owned(),
            margin_account: "AI platform margin".to_owned(),
            cost_centre: String::new(),
            tax_code: "Tax Exempt".to_owned(),
            dates: DateFormat::YearFirst,
        }
    }
}

impl JournalSettings {
    /// The ledger's number or name of an account.
    #[must_use]
    pub fn account(&self, account: Account) -> &str {
        match account {
            Account::Expense => &self.expense_account,
            Account::Recovery => &self.recovery_account,
            Account::Margin => &self.margin_account,
            Account::Accrual => &self.accrual_account,
        }
    }

    /// What is other than before, in words.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let (now, was) = (JournalForm::from(self.clone()).labelled(), JournalForm::from(before.clone()).labelled());
        let none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
        let pairs = now.into_iter().zip(was).filter(|((_, now), (_, was))| now != was);
        pairs.map(|((name, now), (_, was))| format!("{name} from {} to {}", none(was), none(now))).collect()
    }

    /// A line's cost centre, which is the platform's where it has none.
    #[must_use]
    pub fn cost_centre_of<'a>(&'a self, code: &'a str) -> &'a str {
        if code.is_empty() { &self.cost_centre } else { code }
    }
}

/// The same as typed or sent: what is left out is as it is by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct JournalForm {
    /// Legal entity, or subsidiary.
    #[cfg_attr(feature = "openapi", schema(example = "Acme Inc.", max_length = 200))]
    pub entity: String,
    /// Ledger.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub ledger: String,
    /// Account of what AI costs: its number or name.
    #[cfg_attr(feature = "openapi", schema(example = "6510", max_length = 200))]
    pub expense_account: String,
    /// Account of the platform that recovers what it charges back.
    #[cfg_attr(feature = "openapi", schema(example = "6599", max_length = 200))]
    pub recovery_account: String,
    /// Account of what is owed to providers without an invoice.
    #[cfg_attr(feature = "openapi", schema(example = "2150", max_length = 200))]
    pub accrual_account: String,
    /// Account of what markup brings.
    #[cfg_attr(feature = "openapi", schema(example = "6598", max_length = 200))]
    pub margin_account: String,
    /// The platform's own cost centre: of recovery and liabilities, and of costs that have no other.
    #[cfg_attr(feature = "openapi", schema(example = "CC-100", max_length = 200))]
    pub cost_centre: String,
    /// Tax code of every line; in Xero the name of a tax rate.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub tax_code: String,
    /// `year_first`, `day_first` or `month_first`: how files for NetSuite, Xero and QuickBooks write days.
    pub dates: String,
}

impl Default for JournalForm {
    fn default() -> Self {
        JournalSettings::default().into()
    }
}

impl From<JournalSettings> for JournalForm {
    fn from(settings: JournalSettings) -> Self {
        Self {
            entity: settings.entity,
            ledger: settings.ledger,
            expense_account: settings.expense_account,
            recovery_account: settings.recovery_account,
            accrual_account: settings.accrual_account,
            margin_account: settings.margin_account,
            cost_centre: settings.cost_centre,
            tax_code: settings.tax_code,
            dates: settings.dates.as_str().to_owned(),
        }
    }
}

impl JournalForm {
    fn labelled(self) -> [(&'static str, String); 9] {
        [
            ("entity", self.entity),
            ("ledger", self.ledger),
            ("expense account", self.expense_account),
            ("recovery account", self.recovery_account),
            ("accrual account", self.accrual_account),
            ("margin account", self.margin_account),
            ("platform cost centre", self.cost_centre),
            ("tax code", self.tax_code),
            ("date format", self.dates),
        ]
    }

    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<JournalSettings, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let mut required = |field, text: &str| wrong.take(read_text(field, text)).unwrap_or_default();
        let expense_account = required("expense_account", &self.expense_account);
        let recovery_account = required("recovery_account", &self.recovery_account);
        let accrual_account = required("accrual_account", &self.accrual_account);
        let margin_account = required("margin_account", &self.margin_account);
        let mut optional = |field, text: &str| {
            let text = text.trim();
            if text.is_empty() { String::new() } else { wrong.take(read_text(field, text)).unwrap_or_default() }
        };
        let entity = optional("entity", &self.entity);
        let ledger = optional("ledger", &self.ledger);
        let cost_centre = optional("cost_centre", &self.cost_centre);
        let tax_code = optional("tax_code", &self.tax_code);
        let dates = DateFormat::ALL.into_iter().find(|format| format.as_str() == self.dates.trim());
        let unknown = || FieldProblem::new("dates", "unknown", "Use year_first, day_first or month_first.");
        let dates = wrong.take(dates.ok_or_else(unknown)).unwrap_or_default();
        wrong.or(JournalSettings {
            entity,
            ledger,
            expense_account,
            recovery_account,
            accrual_account,
            margin_account,
            cost_centre,
            tax_code,
            dates,
        })
    }
}
