//! What makes two events with the same id the same event.
//!
//! Version 1: SHA-256 of a JSON text of the fields as they were sent, after parsing.
//! * Keys are sorted; missing and null fields and empty texts are left out; so is everything that Tallystick dropped or filled in, and the `id` itself.
//! * Numbers are equal when they are numerically equal: `1`, `1.0` and `1e0` are the same content. `reported_cost.amount` may be a text or a number.
//! * The timestamp is an instant, cut to microseconds: the offset in which it was written does not matter.
//!
//! The first byte of the stored hash is the version, so that a later one can stand beside it; fifteen of SHA-256 follow.

use chrono::{DateTime, Utc};
use domain::event::{Aggregate, EventInput};
use rust_decimal::Decimal;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Version byte and the first fifteen of SHA-256.
pub(crate) type ContentHash = [u8; 16];
/// First half of SHA-256.
pub(crate) type IdHash = [u8; 16];

/// What ids begin with that follow from an `Idempotency-Key`: they name a place of a request, not an answer that may grow.
pub(crate) const PLACE_ID: &str = "idempotency-key:";

const VERSION: u8 = 1;

/// The hash of an event's content.
pub(crate) fn content_hash(sent: &EventInput) -> ContentHash {
    let mut hash = [VERSION; 16];
    hash[1..].copy_from_slice(&Sha256::digest(canonical(sent))[..15]);
    hash
}

/// The hash of what every copy of a streamed usage says alike: all but its counters, its times and how it ended.
pub(crate) fn call_hash(sent: &EventInput) -> ContentHash {
    let call = EventInput {
        timestamp: None,
        usage: Value::Null,
        status: None,
        latency_ms: None,
        time_to_first_token_ms: None,
        finish_reason: None,
        error_kind: None,
        reported_cost: None,
        ..sent.clone()
    };
    content_hash(&call)
}

/// The hash under which an id is remembered.
pub(crate) fn id_hash(id: &str) -> IdHash {
    let mut hash = [0; 16];
    hash.copy_from_slice(&Sha256::digest(id)[..16]);
    hash
}

/// The instant as it is stored: cut to microseconds.
pub(crate) fn to_micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

/// The whole event. The fields stand in the order of their names.
fn canonical(sent: &EventInput) -> String {
    let mut object = Object::new();
    object.text("aggregate", sent.aggregate.map(Aggregate::as_str));
    object.number("attempt", sent.attempt);
    object.flag("batch", sent.batch);
    object.text("cohort", sent.cohort.as_deref());
    object.text("customer", sent.customer.as_deref());
    object.text("decision_id", sent.decision_id.as_deref());
    object.text("environment", sent.environment.as_deref());
    object.text("error_kind", sent.error_kind.as_deref());
    object.text("feature", sent.feature.as_deref());
    object.text("finish_reason", sent.finish_reason.as_deref());
    object.text("input_hash", sent.input_hash.as_deref());
    object.text("interaction_id", sent.interaction_id.as_deref());
    object.number("latency_ms", sent.latency_ms);
    object.text("model", Some(&sent.model));
    object.text("operation", sent.operation.as_deref());
    object.text("project", sent.project.as_deref());
    object.text("provider", Some(&sent.provider));
    object.text("provider_response_id", sent.provider_response_id.as_deref());
    object.text("region", sent.region.as_deref());
    if let Some(cost) = &sent.reported_cost {
        object.number("reported_cost_amount", Some(plain(cost.amount)));
        object.text("reported_cost_currency", Some(&cost.currency));
    }
    object.text("request_id", sent.request_id.as_deref());
    object.number("requests", sent.requests);
    object.flag("response_cache_hit", sent.response_cache_hit);
    object.text("series", sent.series.as_deref());
    object.text("service_tier", sent.service_tier.as_deref());
    object.text("session_id", sent.session_id.as_deref());
    object.text("status", sent.status.map(domain::event::Status::as_str));
    object.text("step", sent.step.as_deref());
    object.flag("stream", sent.stream);
    object.tags(sent);
    object.number("time_to_first_token_ms", sent.time_to_first_token_ms);
    object.number("timestamp", sent.timestamp.map(|at| at.timestamp_micros()));
    write_value(object.key("usage"), &sent.usage);
    object.text("usage_format", sent.usage_format.as_deref());
    object.text("user", sent.user.as_deref());
    object.close()
}

/// Writes a JSON object field by field.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self(String::with_capacity(768))
    }

    fn key(&mut self, key: &str) -> &mut String {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        write_text(&mut self.0, key);
        self.0.push(':');
        &mut self.0
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            write_text(self.key(key), text);
        }
    }

    fn number(&mut self, key: &str, number: Option<impl ToString>) {
        if let Some(number) = number {
            self.key(key).push_str(&number.to_string());
        }
    }

    fn flag(&mut self, key: &str, flag: Option<bool>) {
        self.number(key, flag);
    }

    fn tags(&mut self, sent: &EventInput) {
        if sent.tags.is_empty() {
            return;
        }
        let mut tags = Self::new();
        for (key, value) in &sent.tags {
            tags.text(key, Some(value));
        }
        let tags = tags.close();
        self.key("tags").push_str(&tags);
    }

    fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn write_value(json: &mut String, value: &Value) {
    match value {
        Value::Null => json.push_str("null"),
        Value::Bool(flag) => json.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => write_number(json, number),
        Value::String(text) => write_text(json, text),
        Value::Array(values) => {
            json.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write_value(json, value);
            }
            json.push(']');
        }
        Value::Object(fields) => write_object(json, fields),
    }
}

fn write_object(json: &mut String, fields: &serde_json::Map<String, Value>) {
    // Sorted here and not by the map: its order depends on a feature that any dependency can switch.
    let mut entries: Vec<_> = fields.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    json.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write_text(json, key);
        json.push(':');
        write_value(json, value);
    }
    json.push('}');
}

/// The plain decimal form where 28 digits hold the number, else the shortest one.
fn write_number(json: &mut String, number: &Number) {
    if let Some(whole) = number.as_u64() {
        let _infallible = write!(json, "{whole}");
        return;
    }
    let written = number.to_string();
    match decimal(&written) {
        Some(exact) => json.push_str(&plain(exact)),
        None => json.push_str(&written),
    }
}

fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

fn write_text(json: &mut String, text: &str) {
    json.push('"');
    // Most texts need nothing but copying.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        json.push_str(text);
        json.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c.is_control() => {
                let _infallible = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}
/// The number exactly as written, or none where 28 digits do not hold it.
pub(crate) fn decimal(written: &str) -> Option<Decimal> {
    let (digits, exponent) = match written.split_once(['e', 'E']) {
        None => (written, 0),
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
    };
    if digits.is_empty() || digits.contains('_') || digits.starts_with('+') {
        return None;
    }
    let number = Decimal::from_str_exact(digits).ok()?.normalize();
    shift(number, exponent)
}

/// Moves the decimal point, exactly or not at all.
fn shift(number: Decimal, exponent: i32) -> Option<Decimal> {
    if exponent == 0 || number.is_zero() {
        return Some(number);
    }
    let scale = i64::from(number.scale()) - i64::from(exponent);
    if let Ok(scale) = u32::try_from(scale) {
        let mut shifted = number;
        shifted.set_scale(scale).ok()?;
        return Some(shifted.normalize());
    }
    let mut shifted = number;
    shifted.set_scale(0).ok()?;
    let power = 10_i128.checked_pow(u32::try_from(-scale).ok()?)?;
    shifted.checked_mul(Decimal::try_from_i128_with_scale(power, 0).ok()?)
}
