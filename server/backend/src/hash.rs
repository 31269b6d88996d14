//! Ids that follow from what they are about.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Half of SHA-256 over several texts, with the length of each before it, so that no two lists share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TextHash(pub(crate) [u8; 16]);

impl TextHash {
    pub(crate) fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut half = [0; 16];
        half.copy_from_slice(&hash.finalize()[..16]);
        Self(half)
    }

    pub(crate) fn id(self) -> String {
        let mut text = String::with_capacity(39);
        text.push_str("sha256:");
        for byte in self.0 {
            let _infallible = write!(text, "{byte:02x}");
        }
        text
    }
}

/// A short id that follows from several texts.
#[must_use]
pub fn hashed(parts: &[&str]) -> String {
    TextHash::of(parts).id()
}
