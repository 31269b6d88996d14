//! Journals: a month's statement as entries of a general ledger, in the columns of usual tools.
//!
//! Every entry has both of its sides, so that any choice of entries balances; amounts are rounded once, all together, so that they add up to the rounded total of the statement.

mod costs;
mod file;
mod rounding;
mod settings;
#[cfg(test)]
mod tests;

pub use costs::{Cost, CostKind, KnownOwners, costs};
pub use file::Preset;
pub use rounding::{minor_places, rounded};
pub use settings::{DateFormat, JournalForm, JournalSettings};

use crate::format;
use crate::period::Period;
use crate::problem::Problem;
use crate::statement::month_text;
use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::str::FromStr;

/// What a journal books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum JournalKind {
    /// What teams owe for a closed month, against the platform that recovers it.
    Chargeback,
    /// Usage that no invoice has come for yet, against what is owed to its providers; reversed on the first day of the next month.
    Accrual,
}

impl JournalKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Chargeback, Self::Accrual];

    /// The word in SQL, JSON and addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chargeback => "chargeback",
            Self::Accrual => "accrual",
        }
    }

    /// The word on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Chargeback => "Chargeback",
            Self::Accrual => "Accrual",
        }
    }
}

impl FromStr for JournalKind {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || Problem::field("kind", "unknown", "Use chargeback or accrual.");
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(wrong)
    }
}

/// The accounts of a journal; which of the ledger's they are, the settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// What AI costs.
    Expense,
    /// The platform, that recovers what it charges back.
    Recovery,
    /// What markup brings.
    Margin,
    /// What is owed to providers without an invoice.
    Accrual,
}

/// One side of an entry: all that a line says beside its amount.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Side {
    /// The account.
    pub account: Account,
    /// The cost centre; empty for the platform's own.
    pub cost_centre: String,
    /// The team.
    pub department: String,
    /// The project.
    pub project: String,
    /// To whom it is owed.
    pub provider: String,
    /// What it is.
    pub memo: String,
}

impl Side {
    /// A side that is no team's and no provider's.
    fn of_platform(account: Account, memo: String) -> Self {
        let none = String::new;
        Self { account, cost_centre: none(), department: none(), project: none(), provider: none(), memo }
    }
}

/// One amount with both of its sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where the cost is booked.
    pub debit: Side,
    /// What it is booked against.
    pub credit: Side,
    /// In minor units of the currency; below zero the sides change places. Never zero.
    pub amount: Decimal,
}

/// Which journal it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalHead {
    /// Short name of the organization.
    pub org: String,
    /// What it books.
    pub kind: JournalKind,
    /// First day of its month.
    pub month: NaiveDate,
    /// The statement's version; of an accrual its own.
    pub version: u32,
    /// ISO 4217 code.
    pub currency: String,
}

impl JournalHead {
    /// Its number, short enough for ledgers that allow 21 characters: `2026-11-C1`.
    #[must_use]
    pub fn journal_id(&self) -> String {
        let letter = match self.kind {
            JournalKind::Chargeback => 'C',
            JournalKind::Accrual => 'A',
        };
        format!("{}-{letter}{}", month_text(self.month), self.version)
    }

    /// What the receiver knows a second import by: the month and version, the same in every file of it.
    #[must_use]
    pub fn external_ref(&self) -> String {
        format!("{}-{}-{}-v{}", self.org, month_text(self.month), self.kind.as_str(), self.version)
    }

    /// The last day of its month.
    #[must_use]
    pub fn posting_date(&self) -> NaiveDate {
        Period::month_of(self.month).last_day()
    }

    /// The day on which an accrual is taken back.
    #[must_use]
    pub fn reversal_date(&self) -> Option<NaiveDate> {
        (self.kind == JournalKind::Accrual).then(|| Period::month_of(self.month).to)
    }
}

/// A balanced journal. Names of accounts are no part of it: they are put in when a file is made, so that one that a ledger refused can be made again, with the same references and amounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Which one.
    pub head: JournalHead,
    /// By cost centre, team and project.
    pub entries: Vec<Entry>,
}

impl Journal {
    /// Books costs of a month.
    ///
    /// An accrual books usage alone: charges beside events have documents of their own.
    #[must_use]
    pub fn of(head: JournalHead, costs: &[Cost]) -> Self {
        let entries = match head.kind {
            JournalKind::Chargeback => chargeback(&head, costs),
            JournalKind::Accrual => accrual(&head, costs),
        };
        Self { head, entries }
    }

    /// What it books: the rounded total of the statement, with markup where there is any.
    #[must_use]
    pub fn total(&self) -> Decimal {
        self.entries.iter().map(|entry| entry.amount).sum()
    }

    /// The sides with their sums, a debit above zero and a credit below it: first the costs, then what they are booked against.
    #[must_use]
    pub fn lines(&self) -> Vec<(&Side, Decimal)> {
        lines(&self.entries)
    }
}

fn lines(entries: &[Entry]) -> Vec<(&Side, Decimal)> {
    let mut against: BTreeMap<&Side, Decimal> = BTreeMap::new();
    entries.iter().for_each(|entry| *against.entry(&entry.credit).or_default() -= entry.amount);
    let against = against.into_iter().filter(|(_, sum)| !sum.is_zero());
    entries.iter().map(|entry| (&entry.debit, entry.amount)).chain(against).collect()
}

type Sums = BTreeMap<(Side, Side), Decimal>;

fn chargeback(head: &JournalHead, costs: &[Cost]) -> Vec<Entry> {
    let month = format::month(head.month);
    let recovery = Side::of_platform(Account::Recovery, format!("AI cost recovered, {month}"));
    let margin = Side::of_platform(Account::Margin, format!("Markup, {month}"));
    let (mut sums, mut markups) = (Sums::new(), Sums::new());
    for cost in costs {
        let side = Side { provider: String::new(), ..cost.side(head.month) };
        let (sums, credit) = if cost.is_markup() { (&mut markups, &margin) } else { (&mut sums, &recovery) };
        *sums.entry((side, credit.clone())).or_default() += cost.amount;
    }
    // Each rounded by itself, so that costs come to their rounded sum whatever is added.
    [sums, markups].into_iter().flat_map(|sums| entries(sums, &head.currency)).collect()
}

fn accrual(head: &JournalHead, costs: &[Cost]) -> Vec<Entry> {
    let mut sums = Sums::new();
    for cost in costs.iter().filter(|cost| cost.kind == CostKind::Usage) {
        let side = cost.side(head.month);
        let memo = format!("AI usage not invoiced, {}: {}", format::month(head.month), side.provider);
        let owed = Side { provider: side.provider.clone(), ..Side::of_platform(Account::Accrual, memo) };
        *sums.entry((side, owed)).or_default() += cost.amount;
    }
    entries(sums, &head.currency)
}

fn entries(sums: Sums, currency: &str) -> Vec<Entry> {
    let amounts: Vec<Decimal> = sums.values().copied().collect();
    let rounded = rounded(&amounts, minor_places(currency));
    let entry = |((debit, credit), amount)| Entry { debit, credit, amount };
    sums.into_keys().zip(rounded).map(entry).filter(|entry| !entry.amount.is_zero()).collect()
}

/// A journal that was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedJournal {
    /// What was exported; every later file of it is made from this.
    pub journal: Journal,
    /// In which columns first.
    pub preset: Preset,
    /// SHA-256 of the first file, of all its parts in their order: hexadecimal.
    pub sha256: String,
    /// When, in the organization's zone.
    pub exported_at: DateTime<FixedOffset>,
    /// By whom.
    pub exported_by: String,
}

/// Where a month's journal of one kind stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalState {
    /// Which one.
    pub kind: JournalKind,
    /// The newest that was exported.
    pub exported: Option<ExportedJournal>,
    /// What an export would be: a first one, or of an accrual another where usage has moved since.
    pub next: Option<Journal>,
}
