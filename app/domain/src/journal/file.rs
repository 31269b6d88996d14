//! Files of a journal: one set of rows, and for each tool the columns that it reads them from.

use super::{Entry, Journal, JournalSettings, Side, lines, minor_places};
use crate::csv::{self, Column};
use crate::problem::Problem;
use crate::statement::month_text;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;

/// Lines of a file that Xero takes.
const XERO_LINES: usize = 300;

/// In which columns a journal is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Preset {
    /// All columns, for any ledger.
    #[default]
    Generic,
    /// NetSuite's CSV import of journal entries.
    NetSuite,
    /// Xero's import of manual journals.
    Xero,
    /// QuickBooks Online's import of journal entries.
    QuickBooks,
    /// Oracle's `GL_INTERFACE`.
    OracleGl,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 5] = [Self::Generic, Self::NetSuite, Self::Xero, Self::QuickBooks, Self::OracleGl];

    /// The word in SQL, JSON and addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::NetSuite => "net_suite",
            Self::Xero => "xero",
            Self::QuickBooks => "quick_books",
            Self::OracleGl => "oracle_gl",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Generic => "Generic CSV",
            Self::NetSuite => "NetSuite",
            Self::Xero => "Xero",
            Self::QuickBooks => "QuickBooks",
            Self::OracleGl => "Oracle GL",
        }
    }

    /// Most lines of one file; none where any number is taken.
    #[must_use]
    pub const fn max_lines(self) -> Option<usize> {
        match self {
            Self::Xero => Some(XERO_LINES),
            Self::Generic | Self::NetSuite | Self::QuickBooks | Self::OracleGl => None,
        }
    }

    /// Whether the ledger reverses by a column; for others the file holds a second journal that does.
    #[must_use]
    pub const fn has_reversal_date(self) -> bool {
        match self {
            Self::Generic | Self::NetSuite | Self::OracleGl => true,
            Self::Xero | Self::QuickBooks => false,
        }
    }

    fn columns<'a>(self) -> Vec<Column<Row<'a>>> {
        match self {
            Self::Generic => generic(),
            Self::NetSuite => net_suite(),
            Self::Xero => xero(),
            Self::QuickBooks => quick_books(),
            Self::OracleGl => oracle_gl(),
        }
    }
}

impl FromStr for Preset {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            Problem::field("preset", "unknown", format!("Use one of {words}."))
        })
    }
}

/// One line of a file.
struct Row<'a> {
    journal: &'a Journal,
    settings: &'a JournalSettings,
    /// The journal's number, with that of the part, and a letter for a reversal.
    id: String,
    line: usize,
    date: NaiveDate,
    side: &'a Side,
    /// A debit above zero, a credit below it.
    amount: Decimal,
}

impl Row<'_> {
    fn money(&self, amount: Decimal) -> String {
        let places = usize::try_from(minor_places(&self.journal.head.currency)).unwrap_or_default();
        format!("{amount:.places$}")
    }

    fn debit(&self) -> String {
        if self.amount > Decimal::ZERO { self.money(self.amount) } else { String::new() }
    }

    fn credit(&self) -> String {
        if self.amount < Decimal::ZERO { self.money(-self.amount) } else { String::new() }
    }

    fn account(&self) -> String {
        self.settings.account(self.side.account).to_owned()
    }

    fn cost_centre(&self) -> String {
        self.settings.cost_centre_of(&self.side.cost_centre).to_owned()
    }

    fn day(&self) -> String {
        self.settings.dates.write(self.date)
    }

    fn reversal(&self, write: impl Fn(NaiveDate) -> String) -> String {
        self.journal.head.reversal_date().map(write).unwrap_or_default()
    }
}

fn iso(day: NaiveDate) -> String {
    day.to_string()
}

/// The columns of `reference/reconcile.md`, section 10; those that nothing here knows stay empty.
fn generic<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        ("journal_id", |row| row.id.clone()),
        ("line_no", |row| row.line.to_string()),
        ("entity", |row| row.settings.entity.clone()),
        ("ledger", |row| row.settings.ledger.clone()),
        ("posting_date", |row| iso(row.date)),
        ("period", |row| month_text(row.date)),
        ("document_date", |row| iso(row.date)),
        ("currency", |row| row.journal.head.currency.clone()),
        ("account", Row::account),
        ("cost_centre", Row::cost_centre),
        ("department", |row| row.side.department.clone()),
        ("project", |row| row.side.project.clone()),
        ("product_line", |_| String::new()),
        ("customer", |_| String::new()),
        ("debit", Row::debit),
        ("credit", Row::credit),
        ("tax_code", |row| row.settings.tax_code.clone()),
        ("memo", |row| row.side.memo.clone()),
        ("external_ref", |row| row.journal.head.external_ref()),
        ("reversal_date", |row| row.reversal(iso)),
        ("source", |_| "Tallystick".to_owned()),
        ("fx_rate", |_| String::new()),
        ("fx_date", |_| String::new()),
    ]
}

fn net_suite<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        ("External ID", |row| row.journal.head.external_ref()),
        ("Date", Row::day),
        ("Posting Period", |row| row.date.format("%b %Y").to_string()),
        ("Subsidiary", |row| row.settings.entity.clone()),
        ("Currency", |row| row.journal.head.currency.clone()),
        ("Memo", |row| row.id.clone()),
        ("Reversal Date", |row| row.reversal(|day| row.settings.dates.write(day))),
        ("Journal Entry - Line: Account", Row::account),
        ("Journal Entry - Line: Debit", Row::debit),
        ("Journal Entry - Line: Credit", Row::credit),
        ("Journal Entry - Line: Memo", |row| row.side.memo.clone()),
        ("Journal Entry - Line: Name", |row| row.side.provider.clone()),
        ("Journal Entry - Line: Department", Row::cost_centre),
        ("Journal Entry - Line: Class", |row| row.side.project.clone()),
    ]
}

fn xero<'a>() -> Vec<Column<Row<'a>>> {
    fn named(name: &str, option: &str) -> String {
        if option.is_empty() { String::new() } else { name.to_owned() }
    }
    vec![
        ("*Narration", |row| format!("{} {}", row.journal.head.external_ref(), row.id)),
        ("*Date", Row::day),
        ("Description", |row| row.side.memo.clone()),
        ("*AccountCode", Row::account),
        ("*TaxRate", |row| row.settings.tax_code.clone()),
        ("*Amount", |row| row.money(row.amount)),
        ("TrackingName1", |row| named("Cost centre", &row.cost_centre())),
        ("TrackingOption1", Row::cost_centre),
        ("TrackingName2", |row| named("Project", &row.side.project)),
        ("TrackingOption2", |row| row.side.project.clone()),
    ]
}

fn quick_books<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        ("Journal No", |row| row.id.clone()),
        ("Journal Date", Row::day),
        ("Memo", |row| row.journal.head.external_ref()),
        ("Account", Row::account),
        ("Debits", Row::debit),
        ("Credits", Row::credit),
        ("Description", |row| row.side.memo.clone()),
        ("Name", |row| row.side.provider.clone()),
        ("Currency", |row| row.journal.head.currency.clone()),
        ("Class", Row::cost_centre),
    ]
}

/// Reference 7 and 8 are the flag and the period of the reversal.
fn oracle_gl<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        ("STATUS", |_| "NEW".to_owned()),
        ("LEDGER_ID", |row| row.settings.ledger.clone()),
        ("ACCOUNTING_DATE", |row| row.date.format("%Y/%m/%d").to_string()),
        ("USER_JE_SOURCE_NAME", |_| "Tallystick".to_owned()),
        ("USER_JE_CATEGORY_NAME", |row| row.journal.head.kind.label().to_owned()),
        ("CURRENCY_CODE", |row| row.journal.head.currency.clone()),
        ("ACTUAL_FLAG", |_| "A".to_owned()),
        ("SEGMENT1", |row| row.settings.entity.clone()),
        ("SEGMENT2", Row::account),
        ("SEGMENT3", Row::cost_centre),
        ("SEGMENT4", |row| row.side.project.clone()),
        ("ENTERED_DR", Row::debit),
        ("ENTERED_CR", Row::credit),
        ("REFERENCE1", |row| row.journal.head.external_ref()),
        ("REFERENCE4", |row| row.id.clone()),
        ("REFERENCE7", |row| row.reversal(|_| "Yes".to_owned())),
        ("REFERENCE8", |row| row.reversal(|day| day.format("%b-%y").to_string())),
        ("REFERENCE10", |row| row.side.memo.clone()),
    ]
}

impl Journal {
    /// Its files in these columns, as many as the tool's limit of lines needs. Each balances by itself.
    #[must_use]
    pub fn files(&self, preset: Preset, settings: &JournalSettings) -> Vec<String> {
        let parts = self.parts(preset);
        let many = parts.len() > 1;
        let file = |(at, entries): (usize, &&[Entry])| {
            let part = if many { format!("-{}", at + 1) } else { String::new() };
            csv::list(self.rows((preset, settings), &part, entries), &preset.columns())
        };
        parts.iter().enumerate().map(file).collect()
    }

    /// How many files it needs in these columns.
    #[must_use]
    pub fn part_count(&self, preset: Preset) -> usize {
        self.parts(preset).len()
    }

    /// Where the tool has no column for it, an accrual's reversal is a journal of its own.
    fn reversal_in_rows(&self, preset: Preset) -> Option<NaiveDate> {
        self.head.reversal_date().filter(|_| !preset.has_reversal_date())
    }

    fn rows<'a>(
        &'a self,
        (preset, settings): (Preset, &'a JournalSettings),
        part: &str,
        entries: &'a [Entry],
    ) -> Vec<Row<'a>> {
        let id = format!("{}{part}", self.head.journal_id());
        let lines = lines(entries);
        let journal = |id: String, date, sign: Decimal| {
            let row = move |(at, &(side, amount)): (usize, &(&'a Side, Decimal))| Row {
                journal: self,
                settings,
                id: id.clone(),
                line: at + 1,
                date,
                side,
                amount: sign * amount,
            };
            lines.iter().enumerate().map(row).collect::<Vec<_>>()
        };
        let mut rows = journal(id.clone(), self.head.posting_date(), Decimal::ONE);
        if let Some(date) = self.reversal_in_rows(preset) {
            rows.extend(journal(format!("{id}-R"), date, Decimal::NEGATIVE_ONE));
        }
        rows
    }

    /// Cut so that the lines of each part, with those that they are booked against, stay within the tool's limit.
    fn parts(&self, preset: Preset) -> Vec<&[Entry]> {
        let times = if self.reversal_in_rows(preset).is_some() { 2 } else { 1 };
        let max = preset.max_lines().map_or(usize::MAX, |max| max / times);
        let (mut parts, mut first, mut against) = (Vec::new(), 0, BTreeSet::new());
        for (at, entry) in self.entries.iter().enumerate() {
            let more = usize::from(!against.contains(&entry.credit));
            if at - first + against.len() + 1 + more > max {
                parts.push(&self.entries[first..at]);
                (first, against) = (at, BTreeSet::new());
            }
            against.insert(&entry.credit);
        }
        parts.push(&self.entries[first..]);
        parts
    }
}
