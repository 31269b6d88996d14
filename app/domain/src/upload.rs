//! Files of events: which column fills which field, what the first rows would become, and what became of the whole.

mod mapping;
mod times;
mod tools;

pub use mapping::{FIELDS, Mapping, USAGE_FIELDS, one_line};
pub use tools::Tool;

use crate::ids::UploadId;
use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Largest file that a browser sends, in bytes; larger ones are for `tallystick import`.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// Longest piece of a file that is taken at once, in bytes; no row may be longer.
pub const PIECE_BYTES: u64 = 1024 * 1024;
/// So many bytes of a file's beginning tell what is in it, and whether the same file is sent again.
pub const HEAD_BYTES: u64 = 64 * 1024;
/// Most columns of a file.
pub const MAX_COLUMNS: usize = 200;
/// Longest name of a column, in characters.
pub const MAX_COLUMN_LEN: usize = 120;
/// Longest name of a file, in characters.
pub const MAX_FILE_NAME_LEN: usize = 200;
/// Rows at the beginning that are checked before anything is recorded.
pub const CHECKED_ROWS: usize = 20;
/// Refusals that are kept with their rows; all are in the rejected list.
pub const MAX_REASONS: usize = 20;
/// Longest example of a column's values, in characters.
const MAX_EXAMPLE_LEN: usize = 40;

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Comma-separated values with a header.
    Csv,
    /// One event per line.
    Ndjson,
}

impl FileKind {
    /// CSV if the name ends in `.csv`, else NDJSON.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let is_csv = name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("csv"));
        if is_csv { Self::Csv } else { Self::Ndjson }
    }

    /// The word in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

/// A value of a column that may be shown: a number, a time or a word. What could be prose may be a prompt, and is not kept.
#[must_use]
pub fn example(cell: &str) -> Option<&str> {
    let cell = cell.trim();
    let is_word = |c: char| c.is_alphanumeric() || "-_.:+/$€%@#".contains(c);
    let fits = !cell.is_empty() && cell.chars().count() <= MAX_EXAMPLE_LEN;
    (fits && cell.chars().all(is_word)).then_some(cell)
}

/// A column of a CSV file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadColumn {
    /// Its name in the header.
    pub name: String,
    /// One of its values, where that cannot be prose.
    pub example: Option<String>,
    /// The field that it fills; none for a column that is not read.
    pub field: Option<String>,
}

/// What one of the first rows would become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedRow {
    /// Its number, from 1, without the header.
    pub row: u64,
    /// When it would be booked, in the organization's zone; none where it would be rejected.
    #[serde(default)]
    pub at: Option<DateTime<FixedOffset>>,
    /// Whether it stands for a day or another span, not for one request.
    #[serde(default)]
    pub is_sum: bool,
    /// Who sells the model, as sent.
    pub provider: Option<String>,
    /// The model as sent.
    pub model: Option<String>,
    /// Tokens of all meters together.
    pub tokens: u64,
    /// Its cost in US dollars; none where it would be rejected or have no price.
    pub cost: Option<Decimal>,
    /// Why it would be rejected, with the field.
    pub refused: Option<String>,
    /// Why it would have no price.
    pub unpriced: Option<String>,
}

/// What the first rows would become, nothing of them being recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The rows in their order, at most [`CHECKED_ROWS`].
    pub rows: Vec<CheckedRow>,
}

impl Checked {
    /// The sum of the costs that are known.
    #[must_use]
    pub fn cost(&self) -> Decimal {
        self.rows.iter().filter_map(|row| row.cost).sum()
    }

    /// How many rows would be rejected.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.rows.iter().filter(|row| row.refused.is_some()).count()
    }

    /// How many rows would be unpriced.
    #[must_use]
    pub fn unpriced(&self) -> usize {
        self.rows.iter().filter(|row| row.unpriced.is_some()).count()
    }
}

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Nothing of it is recorded yet.
    Waiting,
    /// Recorded up to a row; the rest is still to come.
    Partial,
    /// Read to its end.
    Done,
    /// Given up; what was recorded stays.
    Discarded,
}

/// A file and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id.
    pub upload_id: UploadId,
    /// What the file is called.
    pub file_name: String,
    /// What is in it.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it began, in the organization's zone.
    pub created_at: DateTime<FixedOffset>,
    /// Who began it.
    pub created_by: String,
    /// Name of the key in whose name its events are recorded.
    pub key_name: String,
    /// The columns of a CSV file.
    pub columns: Vec<UploadColumn>,
    /// Fields with one value for all rows.
    pub constants: Vec<(String, String)>,
    /// What has to be said before it can be read.
    pub missing: Vec<String>,
    /// What its first rows would become; none until that was looked at with the present columns.
    pub checked: Option<Checked>,
    /// Where it stands.
    pub state: UploadState,
    /// Bytes that were read.
    pub done_bytes: u64,
    /// Rows that were read.
    pub rows: u64,
    /// Events that were recorded.
    pub accepted: u64,
    /// Events that were recorded before.
    pub duplicates: u64,
    /// Rows that were refused or contradict what is recorded.
    pub refused: u64,
    /// The first of these, with their rows.
    pub reasons: Vec<String>,
    /// When it was done or given up, in the organization's zone.
    pub ended_at: Option<DateTime<FixedOffset>>,
}

impl Upload {
    /// The share that was read, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "for a drawing; sizes are far below 2^53")]
        let share = self.done_bytes as f64 / self.size_bytes.max(1) as f64;
        share
    }

    /// Whether more of it can be taken.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, UploadState::Waiting | UploadState::Partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_prose_is_shown() {
        for shown in ["1200", "2026-11-20T09:00:00Z", "gpt-4o", " $0.0137 ", "ada@example.com"] {
            assert_eq!(example(shown), Some(shown.trim()));
        }
        for hidden in ["", "What is the weather?", "Hello, world", &"x".repeat(41), "a\nb"] {
            assert_eq!(example(hidden), None, "{hidden}");
        }
    }

    #[test]
    fn the_name_tells_what_is_in_a_file() {
        assert_eq!(FileKind::of_name("Usage.CSV"), FileKind::Csv);
        for lines in ["events.ndjson", "csv", "usage.csv.jsonl"] {
            assert_eq!(FileKind::of_name(lines), FileKind::Ndjson);
        }
    }
}
