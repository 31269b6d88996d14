//! `tallystick import`: a file of events into the database, or to a server elsewhere, with an API key.
//!
//! Reading the file again is harmless, because every event has an id that follows from its row: so the command can be interrupted and repeated, or go on where it was.

mod bookmark;
mod pieces;
mod target;

pub use target::Target;

use crate::config::Import;
use backend::events::files::{Ids, Reading};
use bookmark::Bookmark;
use domain::event::{IngestAnswer, IngestStatus, ParsedEvent};
use domain::upload::{FileKind, Mapping};
use pieces::Pieces;
use std::time::Duration;
use target::Failure;

/// Rows that are recorded together.
const BATCH: usize = 1_000;
/// Refused rows that are explained; all are in the rejected list.
const EXPLAINED: usize = 10;
/// How long one batch waits at most, all tries together, while nobody can take it.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

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

/// Imports the file; `progress` hears a line after each batch, and why it waits.
///
/// # Errors
/// What is wrong with the settings, the file or the key, or after which row nobody could take more.
pub async fn run(target: Target, wanted: &Import, progress: impl Fn(&str)) -> Result<Summary, String> {
    let mapping = Mapping::read(&wanted.columns, &wanted.constants)?;
    let pieces = Pieces::open(&wanted.file)?;
    let bookmark = target.bookmark_name().map(|name| Bookmark::of(wanted, &name, &pieces));
    let skip = if wanted.skip > 0 { wanted.skip } else { bookmark.as_ref().map_or(0, Bookmark::rows) };
    if skip > 0 {
        progress(&format!("going on after row {skip}"));
    }
    let mut run = Run { target, skip, bookmark, progress, summary: Summary::default(), places: vec![], events: vec![] };
    run.file(pieces, mapping).await.map_err(|error| {
        let done = run.summary.rows - u64::try_from(run.events.len()).unwrap_or(0);
        format!("{error} (stopped after row {done}: {})", run.how_to_go_on(done))
    })?;
    if let Some(bookmark) = run.bookmark {
        bookmark.clear();
    }
    Ok(run.summary)
}

struct Run<F> {
    target: Target,
    skip: u64,
    /// How far it is, for the next time; none where that is not kept.
    bookmark: Option<Bookmark>,
    progress: F,
    summary: Summary,
    /// Rows of the events that wait.
    places: Vec<u64>,
    events: Vec<ParsedEvent>,
}

impl<F: Fn(&str)> Run<F> {
    async fn file(&mut self, mut pieces: Pieces, mapping: Mapping) -> Result<(), String> {
        let reading = match FileKind::of_name(&pieces.file_name()) {
            FileKind::Csv => pieces.csv(mapping)?,
            FileKind::Ndjson => Reading::lines(),
        };
        let mut ids = Ids::default();
        while let Some(rows) = pieces.next(&reading)? {
            for mut row in rows {
                ids.name(&mut row);
                self.take(row.read, &pieces).await?;
            }
        }
        self.record(&pieces).await
    }

    async fn take(&mut self, read: ParsedEvent, pieces: &Pieces) -> Result<(), String> {
        self.summary.rows += 1;
        if self.summary.rows <= self.skip {
            return Ok(());
        }
        self.places.push(self.summary.rows);
        self.events.push(read);
        if self.events.len() == BATCH { self.record(pieces).await } else { Ok(()) }
    }

    async fn record(&mut self, pieces: &Pieces) -> Result<(), String> {
        if self.events.is_empty() {
            return Ok(());
        }
        let answer = self.recorded().await?;
        self.summary.add(&self.places, &answer);
        self.places.clear();
        self.events.clear();
        if self.bookmark.as_ref().is_some_and(|bookmark| bookmark.set(self.summary.rows).is_err()) {
            (self.progress)(
                "how far it is cannot be kept beside the file: after an interruption it begins anew, which counts nothing twice",
            );
            self.bookmark = None;
        }
        (self.progress)(&format!("{} % of the file: {}", pieces.percent(), self.summary.describe()));
        Ok(())
    }

    /// Tries again while nobody can take it. Rows of files have ids, so what was recorded after all is a duplicate.
    async fn recorded(&self) -> Result<IngestAnswer, String> {
        let mut waited = Duration::ZERO;
        for tried in 0.. {
            match self.target.record(&self.events).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(said)) => return Err(said),
                Err(Failure::Passing { said, retry_after }) => {
                    let pause = retry_after.unwrap_or_else(|| Duration::from_secs(1 << tried.min(5)));
                    if waited + pause > PATIENCE {
                        return Err(said);
                    }
                    (self.progress)(&format!("{said}; trying again in {} s", pause.as_secs()));
                    waited += pause;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        Err("it was tried too often".to_owned())
    }

    fn how_to_go_on(&self, done: u64) -> String {
        match &self.bookmark {
            Some(_) => "the same command goes on there".to_owned(),
            None => format!("go on with --skip {done}, or begin anew: what is recorded stays single"),
        }
    }
}
