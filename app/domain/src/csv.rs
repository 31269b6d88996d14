//! Comma-separated values for spreadsheets: RFC 4180, with cells that look like formulas made harmless.

use rust_decimal::Decimal;

/// A column of a list: its header, and a row's cell.
pub type Column<T> = (&'static str, fn(&T) -> String);

/// A list as a file with these columns.
#[must_use]
pub fn list<T>(rows: impl IntoIterator<Item = T>, columns: &[Column<T>]) -> String {
    let mut table = Table::new(columns.iter().map(|(header, _)| *header));
    for row in rows {
        let cells: Vec<String> = columns.iter().map(|(_, cell)| cell(&row)).collect();
        table.row(cells.iter().map(String::as_str));
    }
    table.into_text()
}

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
    fn a_list_has_its_columns_in_their_order() {
        let columns: [Column<(&str, i64)>; 2] = [("name", |row| row.0.to_owned()), ("number", |row| row.1.to_string())];
        assert_eq!(list([("=1", 2), ("b", -3)], &columns), "name,number\r\n'=1,2\r\nb,-3\r\n");
        assert_eq!(list([], &columns), "name,number\r\n");
    }

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
