//! `tallystick import`: a file of events into the database, with an API key, by the same verbs as the API.
//!
//! Reading the file again is harmless, because every event has an id that follows from its row: so the command can be interrupted and repeated, or go on where it was.

use crate::config::Import;
use backend::events::files::{self, FileRow, Header, Ids, Reading};
use backend::{Backend, Error, OrgScope};
use domain::event::{IngestAnswer, IngestStatus, ParsedEvent};
use domain::problem::Problem;
use domain::upload::{FileKind, Mapping, PIECE_BYTES};
use secrecy::ExposeSecret;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// Rows that are recorded together.
const BATCH: usize = 1_000;
/// Refused rows that are explained; all are in the rejected list.
const EXPLAINED: usize = 10;
/// How often a batch is tried when the database is busy or away.
const TRIES: u32 = 6;

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows that were looked at, skipped ones included.
    pub rows: u64,
    /// Events that were recorded now.
    pub accepted: u64,
    /// Events that were recorded before.
    pub duplicates: u64,
    /// Rows that were refused or contradict what is recorded.
    pub refused: u64,
    /// The first of these, with their rows.
    pub reasons: Vec<String>,
}

impl Summary {
    /// In one line.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "{} rows: {} recorded, {} duplicates, {} rejected",
            self.rows, self.accepted, self.duplicates, self.refused
        )
    }

    fn add(&mut self, places: &[u64], answer: &IngestAnswer) {
        self.accepted += u64::from(answer.accepted);
        self.duplicates += u64::from(answer.duplicates);
        self.refused += u64::from(answer.rejected + answer.conflicts);
        let bad = answer.results.iter().zip(places);
        for (result, place) in
            bad.filter(|(result, _)| matches!(result.status, IngestStatus::Rejected | IngestStatus::Conflict))
        {
            if let Some(error) = result.error.as_ref().filter(|_| self.reasons.len() < EXPLAINED) {
                self.reasons.push(format!("row {place}: {} {}", error.pointer, error.detail));
            }
        }
    }
}

/// Imports the file.
///
/// # Errors
/// What is wrong with the settings, the file or the key, or after which row the database stayed away.
pub async fn run(backend: &Backend, wanted: &Import, progress: impl Fn(&Summary)) -> Result<Summary, String> {
    let caller = backend::keys::authenticate(backend, wanted.key.expose_secret()).await.map_err(error_text)?;
    let mapping = Mapping::read(&wanted.columns, &wanted.constants)?;
    let mut run = Run {
        backend,
        scope: &caller.scope,
        skip: wanted.skip,
        progress,
        summary: Summary::default(),
        places: vec![],
        events: vec![],
    };
    run.file(&wanted.file, mapping).await.map_err(|error| {
        let done = run.summary.rows - u64::try_from(run.events.len()).unwrap_or(0);
        format!(
            "{error} (stopped after row {done}: go on with --skip {done}, or begin anew: what is recorded stays single)"
        )
    })?;
    Ok(run.summary)
}

fn error_text(error: Error) -> String {
    error.into_problem().to_string()
}

struct Run<'a, F> {
    backend: &'a Backend,
    scope: &'a OrgScope,
    skip: u64,
    progress: F,
    summary: Summary,
    /// Rows of the events that wait.
    places: Vec<u64>,
    events: Vec<ParsedEvent>,
}

impl<F: Fn(&Summary)> Run<'_, F> {
    async fn file(&mut self, path: &Path, mapping: Mapping) -> Result<(), String> {
        let mut pieces = Pieces::open(path)?;
        let kind = FileKind::of_name(&path.file_name().unwrap_or_default().to_string_lossy());
        let reading = match kind {
            FileKind::Csv => pieces.csv(mapping)?,
            FileKind::Ndjson => Reading::lines(),
        };
        let mut ids = Ids::default();
        while let Some(rows) = pieces.next(&reading)? {
            for mut row in rows {
                ids.name(&mut row);
                self.take(row.read).await?;
            }
        }
        self.record().await
    }

    async fn take(&mut self, read: ParsedEvent) -> Result<(), String> {
        self.summary.rows += 1;
        if self.summary.rows <= self.skip {
            return Ok(());
        }
        self.places.push(self.summary.rows);
        self.events.push(read);
        if self.events.len() == BATCH { self.record().await } else { Ok(()) }
    }

    async fn record(&mut self) -> Result<(), String> {
        if self.events.is_empty() {
            return Ok(());
        }
        let answer = self.recorded().await?;
        self.summary.add(&self.places, &answer);
        self.places.clear();
        self.events.clear();
        (self.progress)(&self.summary);
        Ok(())
    }

    /// Tries again while the database is busy or away.
    async fn recorded(&self) -> Result<IngestAnswer, String> {
        let mut tried = 1;
        loop {
            let answer = backend::events::ingest_native(self.backend, self.scope, self.events.clone()).await;
            match answer.map_err(Error::into_problem) {
                Ok(answer) => return Ok(answer),
                // Rows of files have ids, so what was recorded after all is a duplicate.
                Err(Problem::Unavailable { retry_after_secs } | Problem::OutcomeUnknown { retry_after_secs })
                    if tried < TRIES =>
                {
                    tried += 1;
                    tokio::time::sleep(Duration::from_secs(u64::from(retry_after_secs))).await;
                }
                Err(problem) => return Err(problem.to_string()),
            }
        }
    }
}

/// A file in pieces that begin where a row does.
struct Pieces {
    name: String,
    file: File,
    /// What was read from the disk and not yet taken.
    waiting: Vec<u8>,
    is_at_end: bool,
}

impl Pieces {
    fn open(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
        let mut pieces = Self { name, file, waiting: Vec::new(), is_at_end: false };
        pieces.fill()?;
        Ok(pieces)
    }

    /// Reads on until a whole piece waits.
    fn fill(&mut self) -> Result<(), String> {
        let room = PIECE_BYTES.saturating_sub(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX));
        let read = (&mut self.file).take(room).read_to_end(&mut self.waiting);
        let read = read.map_err(|error| format!("{}: {error}", self.name))?;
        self.is_at_end = u64::try_from(read).is_ok_and(|read| read < room);
        Ok(())
    }

    /// How the rows below the header are read.
    fn csv(&mut self, mapping: Mapping) -> Result<Reading, String> {
        let Header { separator, columns: headers, end } = files::header(&self.waiting, self.is_at_end)
            .ok_or_else(|| format!("{}: the first line must name the columns", self.name))?;
        let mapping = mapping.with_headers(&headers);
        let missing = mapping.missing(&headers);
        if !missing.is_empty() {
            let columns = headers.join(", ");
            return Err(format!(
                "{}; the columns are {columns}: name them with --map FIELD=COLUMN",
                missing.join("; ")
            ));
        }
        self.waiting.drain(..end);
        Ok(Reading::csv(separator, headers, mapping))
    }

    /// The rows of the next piece; none after the last.
    fn next(&mut self, reading: &Reading) -> Result<Option<Vec<FileRow>>, String> {
        if self.is_at_end && self.waiting.is_empty() {
            return Ok(None);
        }
        self.fill()?;
        let piece = reading.piece(&self.waiting, self.is_at_end);
        if piece.taken == 0 && !self.is_at_end {
            return Err(format!("{}: a row has more than {PIECE_BYTES} bytes", self.name));
        }
        self.waiting.drain(..piece.taken);
        Ok(Some(piece.rows))
    }
}
