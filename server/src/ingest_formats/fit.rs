//! Labels, ids and amounts of other formats, fitted into the limits of an event.

pub use backend::hashed;

use chrono::{DateTime, FixedOffset};
use domain::event::{
    EventInput, MAX_ID_LEN, MAX_LABEL_BYTES, MAX_LABEL_LEN, MAX_TAG_KEY_BYTES, MAX_TAGS, Status, branch_name,
    repository_name,
};

/// A label without control characters, cut where the limit lies; none when nothing is left.
#[must_use]
pub fn label(text: &str) -> Option<String> {
    cut(text.trim(), MAX_LABEL_LEN, MAX_LABEL_BYTES)
}

fn cut(text: &str, chars: usize, bytes: usize) -> Option<String> {
    let mut fitted = String::new();
    for c in text.chars().filter(|c| !c.is_control()).take(chars) {
        if fitted.len() + c.len_utf8() > bytes {
            break;
        }
        fitted.push(c);
    }
    (!fitted.is_empty()).then_some(fitted)
}

/// An identifier as it is, or its hash where it is too long or no plain text: two that differ stay two.
#[must_use]
pub fn id(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let fits = text.len() <= MAX_ID_LEN && !text.chars().any(char::is_control);
    Some(if fits { text.to_owned() } else { hashed(&[text]) })
}

/// Adds a tag, if there is room and both name and value say something. Repositories and branches have one name each, however they are written.
pub fn tag(event: &mut EventInput, key: &str, value: &str) {
    let value = match key {
        "repo" => repository_name(value),
        "branch" => branch_name(value),
        "pr" => value.trim_start_matches('#'),
        _ => value,
    };
    let Some(key) = cut(key.trim(), MAX_TAG_KEY_BYTES, MAX_TAG_KEY_BYTES) else { return };
    if let Some(value) = label(value)
        && event.tags.len() < MAX_TAGS
    {
        event.tags.entry(key).or_insert(value);
    }
}

/// Puts a label where its name says: into the field of that name, else among the tags. A field that is set stays.
pub fn name_label(event: &mut EventInput, key: &str, value: &str) {
    let field = match key {
        "project" => &mut event.project,
        "feature" => &mut event.feature,
        "environment" => &mut event.environment,
        "customer" => &mut event.customer,
        "user" => &mut event.user,
        "cohort" => &mut event.cohort,
        "step" => &mut event.step,
        _ => return tag(event, key, value),
    };
    if field.is_none() {
        *field = label(value);
    }
}

/// The instant so many seconds after 1970, to the microsecond.
#[must_use]
pub fn instant(seconds: f64) -> Option<DateTime<FixedOffset>> {
    let micros = (seconds * 1e6).round();
    // Up to the year 9999: everything in between is exact enough and fits.
    if !(0.0..253_402_300_800e6).contains(&micros) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked against the range above")]
    DateTime::from_timestamp_micros(micros as i64).map(|at| at.fixed_offset())
}

/// Whole milliseconds of a duration; none for what no duration can be.
#[must_use]
pub fn millis(milliseconds: f64) -> Option<u64> {
    #[expect(clippy::cast_precision_loss, reason = "the limit is far below 2^53")]
    let most = domain::event::MAX_LATENCY_MS as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked against the range")]
    (0.0..=most).contains(&milliseconds).then(|| milliseconds.round() as u64)
}

/// What a failed attempt ended with, from the kind of error and the HTTP status that the client saw.
#[must_use]
pub fn failure(kind: &str, code: &str) -> Status {
    let kind = kind.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    if code == "429" || says(&["ratelimit", "rate_limit", "429", "throttl", "resource_exhausted"]) {
        Status::RateLimited
    } else if matches!(code, "408" | "504") || says(&["timeout", "timed_out", "deadline"]) {
        Status::Timeout
    } else if code == "499" || says(&["cancel", "abort", "disconnect"]) {
        Status::Cancelled
    } else {
        Status::Error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_cut_and_never_refused() {
        assert_eq!(label("  a\nb "), Some("ab".to_owned()));
        assert_eq!(label("\u{7}"), None);
        assert_eq!(label(&"é".repeat(500)).unwrap().chars().count(), 200);
        assert_eq!(label(&"語".repeat(500)).unwrap().len(), 399, "400 bytes hold 133 characters of three");
    }

    #[test]
    fn long_ids_stay_apart() {
        assert_eq!(id("chatcmpl-1").as_deref(), Some("chatcmpl-1"));
        assert_eq!(id(""), None);
        let (one, two) = (id(&"x".repeat(200)).unwrap(), id(&"x".repeat(201)).unwrap());
        assert!(one != two && one.len() == 39 && one.starts_with("sha256:"));
        assert_ne!(hashed(&["a", "bc"]), hashed(&["ab", "c"]));
    }

    #[test]
    fn times_out_of_this_world_are_none() {
        assert_eq!(instant(1_795_641_360.743_955).unwrap().to_rfc3339(), "2026-11-25T21:16:00.743955+00:00");
        for none in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            assert_eq!(instant(none), None);
            assert_eq!(millis(none), None);
        }
    }

    #[test]
    fn failures_have_their_kind() {
        assert_eq!(failure("RateLimitError", "429"), Status::RateLimited);
        assert_eq!(failure("openai.APITimeoutError", ""), Status::Timeout);
        assert_eq!(failure("asyncio.CancelledError", ""), Status::Cancelled);
        assert_eq!(failure("", "500"), Status::Error);
    }
}
