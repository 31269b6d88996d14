//! Raw JSON values, looked into one at a time, so that a field of a strange type spoils nothing beside it.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt::Write;

/// A field that may be there.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// A value of this type; none where it has another.
pub(super) fn value<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// A nested object or list, or an empty one where it has another type.
pub(super) fn part<'a, T: Default + Deserialize<'a>>(raw: Raw<'a>) -> T {
    value(raw).unwrap_or_default()
}

/// A text that is not empty.
pub(super) fn text(raw: Raw<'_>) -> Option<String> {
    value::<String>(raw).filter(|text| !text.is_empty())
}

/// A number as it was written, whether it stands in quotes or not.
pub(super) fn bare(raw: &RawValue) -> &str {
    raw.get().trim_matches('"')
}

/// Bytes as lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}
