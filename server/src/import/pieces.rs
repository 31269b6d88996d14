//! A file on the disk, read in pieces.

use backend::events::files::{self, FileRow, Header, Reading};
use domain::upload::{Mapping, PIECE_BYTES};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// A file in pieces that begin where a row does.
pub(super) struct Pieces {
    name: String,
    file: File,
    size: u64,
    /// Bytes that were read from the disk.
    read: u64,
    /// What was read from the disk and not yet taken.
    waiting: Vec<u8>,
    is_at_end: bool,
}

impl Pieces {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
        let size = file.metadata().map_err(|error| format!("{name}: {error}"))?.len();
        let mut pieces = Self { name, file, size, read: 0, waiting: Vec::new(), is_at_end: false };
        pieces.fill()?;
        Ok(pieces)
    }

    /// Reads on until a whole piece waits.
    fn fill(&mut self) -> Result<(), String> {
        let room = PIECE_BYTES.saturating_sub(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX));
        let read = (&mut self.file).take(room).read_to_end(&mut self.waiting);
        let read = read.map_err(|error| format!("{}: {error}", self.name))?;
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        self.read += read;
        self.is_at_end = read < room;
        Ok(())
    }

    /// The name without folders.
    pub(super) fn file_name(&self) -> String {
        Path::new(&self.name).file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The beginning, before anything was taken, and the size in bytes: what tells this file from another.
    pub(super) fn identity(&self) -> (&[u8], u64) {
        (&self.waiting, self.size)
    }

    /// How much of it was taken, 0 to 100.
    pub(super) fn percent(&self) -> u64 {
        let taken = self.read.saturating_sub(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX));
        (taken * 100).checked_div(self.size).unwrap_or(100).min(100)
    }

    /// How the rows below the header are read.
    pub(super) fn csv(&mut self, mapping: Mapping) -> Result<Reading, String> {
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
    pub(super) fn next(&mut self, reading: &Reading) -> Result<Option<Vec<FileRow>>, String> {
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
