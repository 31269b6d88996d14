//! What may be kept of a provider's usage object.

use serde_json::{Map, Number, Value};
use std::collections::BTreeSet;

/// Deepest nesting that is kept.
const MAX_DEPTH: usize = 6;
/// Most values that are kept of one object, nested ones included.
const MAX_VALUES: usize = 512;
/// Longest key that is kept, in bytes.
const MAX_KEY_LEN: usize = 64;
/// Longest word that is kept, in bytes.
const MAX_WORD_LEN: usize = 96;

/// Keys whose short word says how the usage is billed.
const WORDS: [&str; 15] = [
    "service_tier",
    "serviceTier",
    "trafficType",
    "inference_geo",
    "speed",
    "type",
    "modality",
    "ttl",
    "model",
    "stop_reason",
    "size",
    "quality",
    "resolution",
    "search_context_size",
    "search_type",
];

/// Keys under which Gemini's answers list what was searched for.
const QUERIES: [&str; 2] = ["webSearchQueries", "web_search_queries"];

/// How many different queries there are, empty ones left out: each is billed once (Gemini API, grounding with Google Search).
pub(super) fn distinct(queries: &[Value]) -> u64 {
    let queries: BTreeSet<&str> =
        queries.iter().filter_map(Value::as_str).map(str::trim).filter(|query| !query.is_empty()).collect();
    u64::try_from(queries.len()).unwrap_or(u64::MAX)
}

/// A usage object with everything dropped but numbers, booleans and the short words that decide a price.
///
/// So no prompt or completion can be stored, wherever a sender puts it; depth and size are bounded.
#[must_use]
pub fn numbers_only(usage: &Value) -> Value {
    let mut left = MAX_VALUES;
    keep(None, usage, MAX_DEPTH, &mut left).unwrap_or_else(|| Value::Object(Map::new()))
}

fn keep(key: Option<&str>, value: &Value, depth: usize, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1)?;
    match value {
        Value::Number(number) => Some(Value::Number(Number::clone(number))),
        Value::Bool(flag) => Some(Value::Bool(*flag)),
        Value::String(word) if key.is_some_and(|key| WORDS.contains(&key)) && is_word(word) => {
            Some(Value::String(word.clone()))
        }
        // A fractional quantity may be written as a decimal text.
        Value::String(text) if is_decimal(text) => Some(Value::String(text.clone())),
        Value::String(_) | Value::Null => None,
        // What was searched for is content; how often is not.
        Value::Array(queries) if key.is_some_and(|key| QUERIES.contains(&key)) => Some(Value::from(distinct(queries))),
        Value::Array(values) => {
            let depth = depth.checked_sub(1)?;
            Some(Value::Array(
                values
                    .iter()
                    .map_while(|value| room(*left).then(|| keep(None, value, depth, left)))
                    .flatten()
                    .collect(),
            ))
        }
        Value::Object(fields) => {
            let depth = depth.checked_sub(1)?;
            let kept = fields
                .iter()
                .filter(|(key, _)| is_key(key))
                .filter_map(|(key, value)| Some((key.clone(), keep(Some(key), value, depth, left)?)))
                .collect();
            Some(Value::Object(kept))
        }
    }
}

const fn room(left: usize) -> bool {
    left > 0
}

/// Whether a name is one that providers give their fields.
pub(super) fn is_key(key: &str) -> bool {
    key.len() <= MAX_KEY_LEN && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn is_word(word: &str) -> bool {
    word.len() <= MAX_WORD_LEN && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/@[]".contains(&byte))
}

fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| (1..=28).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}
