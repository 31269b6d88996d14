//! Reads single fields out of raw JSON; every fault names its field.

use crate::ledger::content::decimal;
use chrono::{DateTime, FixedOffset};
use domain::problem::FieldProblem;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A field as it stands in the body; none when missing or null.
pub(super) type Raw<'a> = Option<&'a RawValue>;

fn wrong_type(pointer: &str, wanted: &str) -> FieldProblem {
    FieldProblem::new(pointer, "wrong_type", format!("`{}` must be {wanted}.", pointer.trim_start_matches('/')))
}

/// A text of any length.
pub(super) fn text<'a>(raw: Raw<'a>, pointer: &str) -> Result<Option<Cow<'a, str>>, FieldProblem> {
    let Some(raw) = raw else { return Ok(None) };
    let json = raw.get();
    let Some(inner) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Err(wrong_type(pointer, "a text"));
    };
    if !inner.contains('\\') {
        return Ok(Some(Cow::Borrowed(inner)));
    }
    let unescaped: String = serde_json::from_str(json).map_err(|_| {
        FieldProblem::new(pointer, "invalid_character", "The text holds an escape that is no character.".to_owned())
    })?;
    Ok(Some(Cow::Owned(unescaped)))
}

/// A text the caller owns.
pub(super) fn owned(raw: Raw<'_>, pointer: &str) -> Result<Option<String>, FieldProblem> {
    Ok(text(raw, pointer)?.map(Cow::into_owned))
}

/// `true` or `false`.
pub(super) fn flag(raw: Raw<'_>, pointer: &str) -> Result<Option<bool>, FieldProblem> {
    match raw.map(RawValue::get) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(wrong_type(pointer, "true or false")),
    }
}

/// A whole number from 0 to `max`; `1.0` and `1e3` are whole.
pub(super) fn whole(raw: Raw<'_>, pointer: &str, max: u64) -> Result<Option<u64>, FieldProblem> {
    let Some(raw) = raw else { return Ok(None) };
    let number = match raw.get().parse::<u64>() {
        Ok(number) => Some(number),
        Err(_) if is_number(raw) => decimal(raw.get())
            .map(|number| number.normalize())
            .filter(|number| number.scale() == 0)
            .and_then(|number| u64::try_from(number).ok()),
        Err(_) => return Err(wrong_type(pointer, "a whole number")),
    };
    match number {
        Some(number) if number <= max => Ok(Some(number)),
        _ => Err(FieldProblem::new(pointer, "out_of_range", format!("Use a whole number from 0 to {max}."))),
    }
}

/// An amount: a number or a text that is one.
pub(super) fn amount(raw: Raw<'_>, pointer: &str) -> Result<Option<Decimal>, FieldProblem> {
    let Some(raw) = raw else { return Ok(None) };
    let written = if is_number(raw) { Cow::Borrowed(raw.get()) } else { text(Some(raw), pointer)?.unwrap_or_default() };
    decimal(&written).map(Some).ok_or_else(|| {
        FieldProblem::new(pointer, "not_a_number", "Use a decimal number with at most 28 digits, such as \"0.0137\".")
    })
}

/// An instant in RFC 3339.
pub(super) fn instant(raw: Raw<'_>, pointer: &str) -> Result<Option<DateTime<FixedOffset>>, FieldProblem> {
    let Some(written) = text(raw, pointer)? else { return Ok(None) };
    DateTime::parse_from_rfc3339(&written).map(Some).map_err(|_| {
        FieldProblem::new(
            pointer,
            "invalid_timestamp",
            "Use RFC 3339 with an offset, such as 2026-11-20T09:41:07.113Z.",
        )
    })
}

fn is_number(raw: &RawValue) -> bool {
    raw.get().starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_point() {
        let read = |json: &str| whole(Some(&raw(json)), "/latency_ms", 5_000);
        assert_eq!(read("2140").unwrap(), Some(2140));
        assert_eq!(read("2140.0").unwrap(), Some(2140));
        assert_eq!(read("2.14e3").unwrap(), Some(2140));
        assert_eq!(read("2140.5").unwrap_err().code, "out_of_range");
        assert_eq!(read("-1").unwrap_err().code, "out_of_range");
        assert_eq!(read("5001").unwrap_err().code, "out_of_range");
        assert_eq!(read("\"2140\"").unwrap_err().code, "wrong_type");
    }

    #[test]
    fn texts_are_unescaped_and_lone_surrogates_refused() {
        assert_eq!(text(Some(&raw(r#""a\"b""#)), "/x").unwrap().unwrap(), "a\"b");
        assert_eq!(text(Some(&raw(r#""\ud800""#)), "/x").unwrap_err().code, "invalid_character");
        assert_eq!(text(Some(&raw("7")), "/x").unwrap_err().code, "wrong_type");
        assert_eq!(text(None, "/x").unwrap(), None);
    }
}
