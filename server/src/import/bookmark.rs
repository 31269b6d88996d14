//! How far an import is, in a small file beside the one that is imported: so the same command goes on after it was interrupted.

use super::pieces::Pieces;
use crate::config::Import;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::PathBuf;

/// What the bookmark is called, after the file's name.
const SUFFIX: &str = ".import-progress";

/// A place in a file, good for one file, server, key and mapping.
pub(super) struct Bookmark {
    path: PathBuf,
    fingerprint: String,
}

impl Bookmark {
    pub(super) fn of(wanted: &Import, server: &str, pieces: &Pieces) -> Self {
        let mut name = wanted.file.clone().into_os_string();
        name.push(SUFFIX);
        let (head, size) = pieces.identity();
        let mut hash = Sha256::new();
        let said = [server, wanted.key.expose_secret()].into_iter();
        let said = said.chain(wanted.columns.iter().chain(&wanted.constants).map(String::as_str));
        for text in said {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        hash.update(size.to_be_bytes());
        hash.update(head);
        let fingerprint = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { path: name.into(), fingerprint }
    }

    /// Rows that were recorded; none where it is no bookmark of the same import.
    pub(super) fn rows(&self) -> u64 {
        let kept = fs::read_to_string(&self.path).unwrap_or_default();
        let rows = kept.split_once(' ').filter(|(of, _)| *of == self.fingerprint).map(|(_, rows)| rows.trim().parse());
        rows.and_then(Result::ok).unwrap_or(0)
    }

    /// Keeps how many rows are recorded.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub(super) fn set(&self, rows: u64) -> io::Result<()> {
        fs::write(&self.path, format!("{} {rows}\n", self.fingerprint))
    }

    /// Nothing is left to go on with.
    pub(super) fn clear(self) {
        // One that stays begins the next import of the same file at its end, where nothing is left.
        let _removed = fs::remove_file(self.path);
    }
}
