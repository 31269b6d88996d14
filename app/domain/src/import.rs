//! Files of what is otherwise typed into a form: each row is one form, under headers with the words of its fields.
//!
//! A file is looked at first, with every wrong row named, and entered as a whole or not at all.

use crate::ids::ImportId;
use crate::problem::FieldProblem;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// Largest file, in bytes.
pub const MAX_IMPORT_BYTES: usize = 1024 * 1024;
/// Most rows of a file.
pub const MAX_IMPORT_ROWS: usize = 2_000;

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// Charges.
    Charges,
    /// Values of business metrics.
    BusinessMetrics,
}

impl ImportKind {
    /// The word in SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Charges => "charges",
            Self::BusinessMetrics => "business_metrics",
        }
    }
}

/// A file that waits to be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileImport {
    /// Its id.
    pub import_id: ImportId,
    /// The file's name.
    pub file_name: String,
    /// When it was sent, in the organization's zone.
    pub created_at: DateTime<FixedOffset>,
    /// Its text.
    pub text: String,
    /// When its rows were entered.
    pub entered_at: Option<DateTime<FixedOffset>>,
}

/// A form that a row of a file fills.
pub trait FileForm: Default {
    /// Its fields, as headers name them.
    const COLUMNS: &'static [&'static str];

    /// Fills the field of a column.
    ///
    /// # Errors
    /// A problem of a cell that cannot be read into its field.
    fn set(&mut self, column: &str, cell: String) -> Result<(), FieldProblem>;
}

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow<F> {
    /// Its number in the file, with the header as the first.
    pub line: usize,
    /// What it says.
    pub form: F,
    /// Cells that cannot be read into their fields.
    pub wrong: Vec<FieldProblem>,
}

/// Reads rows under their headers; capitals and spaces around a header do not matter.
///
/// # Errors
/// A problem for every header that names no field, or that stands there twice.
pub fn read_file<F: FileForm>(header: &[String], rows: &[Vec<String>]) -> Result<Vec<FileRow<F>>, Vec<FieldProblem>> {
    let columns: Vec<String> = header.iter().map(|name| name.trim().to_lowercase().replace(' ', "_")).collect();
    let mut wrong = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        if !F::COLUMNS.contains(&column.as_str()) {
            let detail = format!("There is no field `{column}`. The fields are {}.", F::COLUMNS.join(", "));
            wrong.push(FieldProblem::new("file", "unknown_column", detail));
        } else if columns[..at].contains(column) {
            wrong.push(FieldProblem::new("file", "twice", format!("The column `{column}` stands there twice.")));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let read = |(at, cells): (usize, &Vec<String>)| {
        let mut row = FileRow { line: at + 2, form: F::default(), wrong: Vec::new() };
        for (column, cell) in columns.iter().zip(cells) {
            if let Err(problem) = row.form.set(column, cell.clone()) {
                row.wrong.push(problem);
            }
        }
        row
    };
    Ok(rows.iter().enumerate().map(read).collect())
}
