//! Comma-separated values for spreadsheets: RFC 4180, with cells that look like formulas made harmless.

use rust_decimal::Decimal;

/// A table being written, row by row.
#[derive(Clone, Debug, Default)]
pub struct Table(String);

impl Table {
    /// A table that begins with its header.
    pub fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Self {
        let mut table = Self::default();
        table.row(header);
        table
    }

    /// Adds a row.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        for (position, cell) in cells.into_iter().enumerate() {
            if position > 0 {
                self.0.push(',');
            }
            self.cell(cell);
        }
        self.0.push_str("\r\n");
    }

    /// The whole text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    fn cell(&mut self, cell: &str) {
        let guard = if looks_like_formula(cell) { "'" } else { "" };
        if !cell.contains([',', '"', '\r', '\n']) && !cell.starts_with(' ') && !cell.ends_with(' ') {
            self.0.push_str(guard);
            self.0.push_str(cell);
            return;
        }
        self.0.push('"');
        self.0.push_str(guard);
        self.0.push_str(&cell.replace('"', "\"\""));
        self.0.push('"');
    }
}

/// Spreadsheets run a cell that begins like this (OWASP, CSV injection); a plain number is harmless.
fn looks_like_formula(cell: &str) -> bool {
    let first = cell.trim_start_matches([' ', '\u{a0}']).chars().next();
    let suspicious =
        |c| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠' | '\u{2212}');
    first.is_some_and(suspicious) && cell.parse::<Decimal>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_made_harmless() {
        let mut table = Table::new(["project", "spend"]);
        table.row(["a, \"b\"", "-0.5"]);
        table.row(["=HYPERLINK(\"http://x\")", "+1 or 2"]);
        table.row(["-", " @x"]);
        table.row(["two\nlines", ""]);
        assert_eq!(
            table.into_text(),
            "project,spend\r\n\"a, \"\"b\"\"\",-0.5\r\n\"'=HYPERLINK(\"\"http://x\"\")\",'+1 or 2\r\n'-,\"' @x\"\r\n\"two\nlines\",\r\n"
        );
    }
}
