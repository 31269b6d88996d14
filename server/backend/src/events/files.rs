//! Files of events, read in pieces: NDJSON, one event per line, and CSV with a mapping of its columns.
//!
//! An event without an id gets one that follows from its row and how many rows like it came before, so that the same file can be read again, whole or from where it broke off, by the command or by an upload.

use super::ingest::read_one;
use crate::hash::TextHash;
use domain::event::{EventInput, ParsedEvent, Rejection};
use domain::problem::FieldProblem;
use domain::upload::{FileKind, Mapping, one_line};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// A row of a file, read or refused.
#[derive(Debug)]
pub struct FileRow {
    /// The event, without an id where the row has none: [`Ids::name`] gives it one.
    pub read: ParsedEvent,
    /// Where the row ends in its piece, in bytes.
    pub end: usize,
    /// What the row says, where its event has no id.
    pub(super) unnamed: Option<TextHash>,
}

/// The whole rows of a piece.
#[derive(Debug)]
pub struct Piece {
    /// The rows in their order.
    pub rows: Vec<FileRow>,
    /// Bytes up to which the piece was read; the next one begins there.
    pub taken: usize,
}

/// What stands between the cells of a CSV file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Separator {
    /// As RFC 4180 has it.
    #[default]
    Comma,
    /// As spreadsheets write it where the comma is the decimal sign.
    Semicolon,
    /// As it is copied from a spreadsheet.
    Tab,
}

impl Separator {
    const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// The one that stands most often in a file's header, outside of quotes.
    pub(crate) fn of(head: &[u8]) -> Self {
        let mut counts = [0_usize; Self::ALL.len()];
        let mut is_quoted = false;
        for byte in head {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\n' | b'\r' if !is_quoted => break,
                _ if is_quoted => {}
                _ => {
                    for (count, separator) in counts.iter_mut().zip(Self::ALL) {
                        *count += usize::from(separator.byte() == *byte);
                    }
                }
            }
        }
        // Of equals the first.
        let best = counts.into_iter().zip(Self::ALL).rev().max_by_key(|(count, _)| *count);
        best.map_or(Self::default(), |(_, separator)| separator)
    }

    /// The word for it in the database.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|separator| separator.as_str() == word)
    }
}

/// How a file is read.
#[derive(Clone, Debug)]
pub struct Reading {
    kind: FileKind,
    separator: Separator,
    headers: Vec<String>,
    mapping: Mapping,
}

impl Reading {
    /// One event per line.
    #[must_use]
    pub fn lines() -> Self {
        let (headers, mapping) = (Vec::new(), Mapping::default());
        Self { kind: FileKind::Ndjson, separator: Separator::default(), headers, mapping }
    }

    /// Rows under these headers.
    #[must_use]
    pub const fn csv(separator: Separator, headers: Vec<String>, mapping: Mapping) -> Self {
        Self { kind: FileKind::Csv, separator, headers, mapping }
    }

    /// Reads the whole rows of a piece that begins where a row does; only the last piece ends where one does.
    #[must_use]
    pub fn piece(&self, bytes: &[u8], is_last: bool) -> Piece {
        let rows = match self.kind {
            FileKind::Csv => self.csv_rows(bytes, is_last),
            FileKind::Ndjson => lines(bytes, is_last),
        };
        let taken = if is_last { bytes.len() } else { rows.last().map_or(0, |row| row.end) };
        Piece { rows, taken }
    }

    fn csv_rows(&self, bytes: &[u8], is_last: bool) -> Vec<FileRow> {
        let mut records = records(bytes, self.separator, usize::MAX);
        // Whether the last one is whole is not known before the next one begins.
        if !is_last && records.last().is_some_and(|record| record.end >= bytes.len()) {
            records.pop();
        }
        records.into_iter().map(|record| self.csv_row(record.cells, record.end)).collect()
    }

    fn csv_row(&self, cells: Option<Vec<String>>, end: usize) -> FileRow {
        let Some(cells) = cells else { return refused("This row is not UTF-8.", end) };
        let cell = |column: &str| {
            let place = self.headers.iter().position(|header| header == column)?;
            cells.get(place).cloned()
        };
        let Ok(raw) = serde_json::value::to_raw_value(&self.mapping.event(cell)) else {
            return refused("This row is no event.", end);
        };
        row(&raw, end, || TextHash::of(&[&cells.join("\u{1f}")]))
    }
}

/// The names of a CSV file's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What stands between them, and between the cells below.
    pub separator: Separator,
    /// The names.
    pub columns: Vec<String>,
    /// The bytes that they take.
    pub end: usize,
}

/// The first record of a CSV file; none where there is no whole one.
#[must_use]
pub fn header(head: &[u8], is_whole: bool) -> Option<Header> {
    let separator = Separator::of(head);
    let first = records(head, separator, 1).into_iter().next()?;
    let columns = first.cells?.iter().map(|name| one_line(name)).collect();
    (is_whole || first.end < head.len()).then_some(Header { separator, columns, end: first.end })
}

/// The cells of the first records, at most so many; those that are not UTF-8 are left out.
pub(super) fn first_rows(head: &[u8], separator: Separator, most: usize) -> Vec<Vec<String>> {
    records(head, separator, most).into_iter().filter_map(|record| record.cells).collect()
}

/// A record of a CSV file.
struct Record {
    /// None where it is not UTF-8.
    cells: Option<Vec<String>>,
    /// Where it ends, in bytes.
    end: usize,
}

/// The first records, at most so many.
fn records(bytes: &[u8], separator: Separator, most: usize) -> Vec<Record> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.delimiter(separator.byte()).flexible(true).has_headers(false).from_reader(bytes);
    let mut record = csv::ByteRecord::new();
    let mut records = Vec::new();
    // Nothing but a reader's own failure ends this early, and a slice has none.
    while records.len() < most && matches!(reader.read_byte_record(&mut record), Ok(true)) {
        let cells = record.iter().map(|cell| String::from_utf8(cell.to_vec()).ok()).collect();
        let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        records.push(Record { cells, end });
    }
    records
}

fn lines(bytes: &[u8], is_last: bool) -> Vec<FileRow> {
    let mut end = 0;
    let mut rows = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if !is_last && !line.ends_with(b"\n") {
            break;
        }
        end += line.len();
        rows.extend(line_row(line, end));
    }
    rows
}

/// None for an empty line.
fn line_row(line: &[u8], end: usize) -> Option<FileRow> {
    let Ok(text) = std::str::from_utf8(line) else { return Some(refused("This line is not UTF-8.", end)) };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return None;
    }
    let raw = serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().starts_with('{'));
    Some(
        raw.map_or_else(
            || refused("This line is not a JSON object.", end),
            |raw| row(raw, end, || TextHash::of(&[text])),
        ),
    )
}

fn row(raw: &RawValue, end: usize, hash: impl FnOnce() -> TextHash) -> FileRow {
    let read = read_one(Some(raw)).and_then(dated);
    let unnamed = read.as_ref().is_ok_and(|event| event.id.is_none()).then(hash);
    FileRow { read, end, unnamed }
}

/// A file tells of calls that were: without a time they would be booked at the moment of the import.
fn dated(event: EventInput) -> ParsedEvent {
    if event.timestamp.is_some() {
        return Ok(event);
    }
    let problem = FieldProblem::new("/timestamp", "required", "`timestamp` is missing: a row says when its call was.");
    Err(Rejection::of(&event, problem))
}

fn refused(detail: &str, end: usize) -> FileRow {
    FileRow { read: Err(Rejection::unread(FieldProblem::new("", "invalid", detail))), end, unnamed: None }
}

/// How many rows of each text have passed.
#[derive(Debug, Default)]
pub struct Ids(pub(super) HashMap<TextHash, u32>);

impl Ids {
    /// Gives a row's event its id, if it has none: the n-th row of the same text is another event than the first.
    pub fn name(&mut self, row: &mut FileRow) {
        if let (Some(hash), Ok(event)) = (row.unnamed, &mut row.read) {
            let count = self.0.entry(hash).or_insert(0);
            *count += 1;
            event.id = Some(if *count == 1 { hash.id() } else { format!("{}-{count}", hash.id()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashed;
    use proptest::prelude::*;
    use serde_json::json;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// All rows with their ids, the file coming in pieces of this length.
    fn in_pieces(reading: &Reading, mut rest: &[u8], most: usize) -> Vec<ParsedEvent> {
        let (mut ids, mut reads, mut length) = (Ids::default(), Vec::new(), most);
        loop {
            let is_last = length >= rest.len();
            let piece = reading.piece(&rest[..length.min(rest.len())], is_last);
            // A row that is longer than a piece needs a longer one.
            length = if piece.taken == 0 { length + most } else { most };
            reads.extend(piece.rows.into_iter().map(|mut row| {
                ids.name(&mut row);
                row.read
            }));
            rest = &rest[piece.taken..];
            if is_last {
                return reads;
            }
        }
    }

    #[test]
    fn columns_are_found_by_name_and_by_mapping() {
        let headers =
            texts(&["Created At", "Model", "Prompt Tokens", "Cached", "Completion Tokens", "Team", "Cost", "Prompt"]);
        let mapping =
            Mapping::read(&texts(&["usage.prompt_tokens_details.cached_tokens=Cached"]), &texts(&["provider=openai"]))
                .unwrap()
                .with_headers(&headers);
        assert_eq!(mapping.missing(&headers), Vec::<String>::new());
        let file = b"2026-11-20T09:30:00Z,gpt-4o,1000,400,100,search,$0.0035,SECRET";
        let event = Reading::csv(Separator::Comma, headers, mapping).piece(file, true).rows.remove(0).read.unwrap();
        assert_eq!(
            event.usage,
            json!({"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}})
        );
        assert_eq!((event.provider.as_str(), event.tags["team"].as_str()), ("openai", "search"));
        assert_eq!(event.reported_cost.as_ref().unwrap().amount.to_string(), "0.0035");
        assert!(!serde_json::to_string(&event).unwrap().contains("SECRET"), "columns without a field are never read");
    }

    #[test]
    fn cells_of_several_lines_and_costs_of_many_forms_are_read() {
        let headers = texts(&["time", "model", "prompt_tokens", "feature", "cost"]);
        let mapping = Mapping::read(&[], &texts(&["provider=openai"])).unwrap().with_headers(&headers);
        let reading = Reading::csv(Separator::Comma, headers, mapping);
        let row = |cost: &str| {
            let row = format!("2026-11-20 09:30,gpt-4o,1000,\"two\r\nlines, one cell\",{cost}\r\n");
            let mut rows = reading.piece(row.as_bytes(), true).rows;
            assert_eq!(rows.len(), 1);
            rows.remove(0).read
        };
        let event = row("0").unwrap();
        assert_eq!(event.feature.as_deref(), Some("two lines, one cell"));
        assert!(event.reported_cost.unwrap().amount.is_zero(), "free is a fact");
        for cost in ["0.31", "0.31 USD", "$0.31", "\"0,31\""] {
            assert_eq!(row(cost).unwrap().reported_cost.unwrap().amount.to_string(), "0.31", "{cost}");
        }
        assert!(row("").unwrap().reported_cost.is_none());
        for cost in ["\"1,234\"", "0.31 EUR", "unknown"] {
            assert!(row(cost).unwrap_err().problem.pointer.starts_with("/reported_cost"), "{cost}");
        }
    }

    #[test]
    fn what_is_missing_is_said_before_anything_is_recorded() {
        let headers = texts(&["when", "tokens"]);
        let mapping = Mapping::read(&texts(&["model=LLM"]), &[]).unwrap().with_headers(&headers);
        let missing = mapping.missing(&headers).join("; ");
        assert!(
            missing.contains("no column `LLM`")
                && missing.contains("provider")
                && missing.contains("usage")
                && missing.contains("timestamp"),
            "{missing}"
        );
        assert!(Mapping::read(&texts(&["colour=Red"]), &[]).unwrap_err().contains("colour"));
        assert!(Mapping::read(&texts(&["model"]), &[]).is_err());
    }

    #[test]
    fn a_row_without_a_time_is_refused() {
        let headers = texts(&["time", "model", "prompt_tokens"]);
        let mapping = Mapping::read(&[], &texts(&["provider=openai"])).unwrap().with_headers(&headers);
        let rows =
            Reading::csv(Separator::Comma, headers, mapping).piece(b",gpt-4o,1\n2026-11-20,gpt-4o,1\n", true).rows;
        let lines =
            Reading::lines().piece(br#"{"provider":"openai","model":"gpt-4o","usage":{"prompt_tokens":1}}"#, true).rows;
        for row in [&rows[0], &lines[0]] {
            assert_eq!(row.read.as_ref().unwrap_err().problem.pointer, "/timestamp");
        }
        assert_eq!(rows[1].read.as_ref().unwrap().timestamp.unwrap().to_rfc3339(), "2026-11-20T12:00:00+00:00");
        let at_once = Mapping::read(&[], &texts(&["timestamp=2026-11-20"])).unwrap();
        assert!(!at_once.missing(&[]).iter().any(|missing| missing.contains("timestamp")));
        assert!(
            at_once.for_next_file().missing(&[]).iter().any(|missing| missing.contains("timestamp")),
            "for one file"
        );
        assert!(Mapping::read(&[], &texts(&["timestamp=soon"])).is_err());
    }

    #[test]
    fn the_same_file_has_the_same_ids_and_equal_rows_stay_apart() {
        let text =
            r#"{"timestamp":"2026-11-20T09:30:00Z","provider":"openai","model":"gpt-4o","usage":{"prompt_tokens":1}}"#;
        let named = r#"{"id":"a","timestamp":"2026-11-20T09:30:00Z","provider":"openai","model":"gpt-4o","usage":{}}"#;
        let file = format!("\u{feff}{text}\r\n{text}\n\n7\n{named}");
        let read = || in_pieces(&Reading::lines(), file.as_bytes(), 1_000);
        let ids: Vec<_> = read().into_iter().map(|read| read.ok().and_then(|event| event.id)).collect();
        assert_eq!(ids.len(), 4);
        assert_eq!(ids[1], ids[0].as_ref().map(|first| format!("{first}-2")));
        assert_eq!((&ids[2], ids[3].as_deref()), (&None, Some("a")));
        assert_eq!(ids[0].as_deref(), Some(hashed(&[text]).as_str()), "an id that was given once stays");
    }

    #[test]
    fn a_header_is_known_when_it_is_whole() {
        let file = b"\xef\xbb\xbfmodel,\"a \n b\"\r\ngpt-4o,1\n";
        let found = header(file, true).unwrap();
        assert_eq!((found.separator, found.columns), (Separator::Comma, texts(&["model", "a b"])));
        assert_eq!(file[found.end..].trim_ascii_start(), b"gpt-4o,1\n");
        assert!(header(b"model,\"a \n b", false).is_none() && header(b"", true).is_none());
        assert!(header(b"model,usage", true).is_some() && header(b"model,usage", false).is_none());
    }

    #[test]
    fn what_stands_between_the_cells_is_seen_from_the_header() {
        for (separator, file) in [
            (Separator::Comma, "model,\"in; out; all\"\na,1;2"),
            (Separator::Semicolon, "\u{feff}model;\"in, out, all\"\r\na;1,2"),
            (Separator::Tab, "model\tin, out; all\tusage\na\t1\t2"),
            (Separator::Comma, "model\na;b"),
        ] {
            let found = header(file.as_bytes(), true).unwrap();
            assert_eq!((found.separator, found.columns[0].as_str()), (separator, "model"), "{file}");
            assert_eq!(Separator::parse(separator.as_str()), Some(separator));
        }
        let file = b"Date;Model;Prompt Tokens;Cost\r\n2026-11-20;gpt-4o;1000;0.25\r\n";
        let Header { separator, columns, end } = header(file, true).unwrap();
        let mapping = Mapping::read(&[], &texts(&["provider=openai"])).unwrap().with_headers(&columns);
        let event = Reading::csv(separator, columns, mapping).piece(&file[end..], true).rows.remove(0).read.unwrap();
        assert_eq!((event.model.as_str(), event.usage), ("gpt-4o", json!({"prompt_tokens": 1000})));
        assert_eq!(event.reported_cost.unwrap().amount.to_string(), "0.25");
    }

    proptest! {
        #[test]
        fn pieces_make_the_same_rows_as_the_whole(cells in proptest::collection::vec("[a-z\",\n\r é]{0,12}", 1..40), most in 1_usize..60) {
            let headers = texts(&["model", "usage.prompt_tokens"]);
            let mapping = Mapping::read(&[], &texts(&["provider=openai", "timestamp=2026-11-20"])).unwrap().with_headers(&headers);
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            for cell in &cells {
                writer.write_record([cell.as_str(), "1"]).unwrap();
            }
            let file = writer.into_inner().unwrap();
            let reading = Reading::csv(Separator::Comma, headers, mapping);
            let whole = in_pieces(&reading, &file, file.len());
            prop_assert_eq!(whole.len(), cells.len());
            prop_assert_eq!(in_pieces(&reading, &file, most), whole);
        }

        #[test]
        fn no_file_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), most in 1_usize..60, fields in proptest::collection::vec("[a-z_.]{1,24}", 0..8)) {
            let pairs: Vec<String> = fields.iter().map(|field| format!("usage.{field}={field}")).collect();
            let mapping = Mapping::read(&pairs, &[]).unwrap().with_headers(&fields);
            let _any = in_pieces(&Reading::csv(Separator::of(&bytes), fields, mapping), &bytes, most);
            let _any = in_pieces(&Reading::lines(), &bytes, most);
            let _any = header(&bytes, true);
        }
    }
}
