//! Opaque places in a list.

use crate::OrgScope;
use crate::hash::{digest, head};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use domain::problem::Problem;
use uuid::Uuid;

/// Which list a cursor belongs to: the organization and the filters.
pub(crate) type Fingerprint = [u8; 8];

/// The fingerprint of a list.
pub(crate) fn fingerprint(scope: &OrgScope, pairs: &[(String, String)]) -> Fingerprint {
    let org_id = scope.org_id();
    let parts = pairs.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    head(digest(std::iter::once(&org_id.0.as_bytes()[..]).chain(parts)))
}

/// The last row of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) at: DateTime<Utc>,
    pub(crate) id: Uuid,
}

impl Cursor {
    pub(crate) fn text(self, list: Fingerprint) -> String {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&list);
        bytes[8..16].copy_from_slice(&self.at.timestamp_micros().to_be_bytes());
        bytes[16..].copy_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn read(text: &str, list: Fingerprint) -> Result<Self, Problem> {
        let wrong =
            || Problem::field("cursor", "invalid", "The cursor belongs to another list. Begin at the first page.");
        let bytes: [u8; 32] =
            URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
        if bytes[..8] != list {
            return Err(wrong());
        }
        let mut micros = [0; 8];
        micros.copy_from_slice(&bytes[8..16]);
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[16..]);
        let at = DateTime::from_timestamp_micros(i64::from_be_bytes(micros)).ok_or_else(wrong)?;
        Ok(Self { at, id: Uuid::from_bytes(id) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_only_into_its_own_list() {
        let at = "2026-11-20T09:41:07.113456Z".parse().unwrap();
        let cursor = Cursor { at, id: Uuid::from_u128(7) };
        let text = cursor.text([1; 8]);
        assert_eq!(Cursor::read(&text, [1; 8]).unwrap(), cursor);
        for wrong in [text.as_str(), "", "x", "ÿ"] {
            assert_eq!(Cursor::read(wrong, [2; 8]).unwrap_err().status(), 400);
        }
    }
}
