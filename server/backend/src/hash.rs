//! Ids that follow from what they are about.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// SHA-256 over several parts, with the length of each before it, so that no two lists share one.
pub(crate) fn digest<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The beginning of a digest.
pub(crate) fn head<const N: usize>(digest: [u8; 32]) -> [u8; N] {
    std::array::from_fn(|place| digest[place])
}

/// Half of the digest of several texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TextHash(pub(crate) [u8; 16]);

impl TextHash {
    pub(crate) fn of(parts: &[&str]) -> Self {
        Self(head(digest(parts)))
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
