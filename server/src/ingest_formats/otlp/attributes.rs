//! The attributes that are known by name, and their values.

use super::attribute_keys::{self, Names};
use super::log_keys;
use serde_json::{Map, Number, Value as Json};
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

/// Longest text that is kept, in bytes: of what is read, the longest is the AI SDK's provider metadata.
const MAX_TEXT: usize = 64 * 1024;

/// How the names of counted usage begin: of these, numbers are kept whose names nobody knows, so that they can be told as unread.
const USAGE: [&str; 6] =
    ["gen_ai.usage.details.", "gen_ai.usage.", "llm.usage.", "llm.token_count.", "ai.usage.", "anthropic.usage."];
/// Most of them of one record, and the longest of their names, in bytes.
const MAX_UNKNOWN: usize = 16;
const MAX_UNKNOWN_LEN: usize = 96;

/// All attributes that are read.
static KNOWN: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| attribute_keys::all().chain(log_keys::all()).collect());

/// A value; of a list its first element that is one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}

impl Value {
    /// A text that may be kept.
    pub(super) fn text(text: &str) -> Option<Self> {
        (text.len() <= MAX_TEXT).then(|| Self::Text(text.to_owned()))
    }
}

/// Known attributes by name, and counted usage whatever its name is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Attributes {
    known: BTreeMap<&'static str, Value>,
    unknown_usage: BTreeMap<String, Value>,
}

impl Attributes {
    /// Whether an attribute of this name is read at all.
    pub(super) fn is_read(key: &str) -> bool {
        KNOWN.contains(key) || key.len() <= MAX_UNKNOWN_LEN && USAGE.iter().any(|begin| key.starts_with(begin))
    }

    /// Keeps a value that [`Self::is_read`]; the first of a name stays.
    pub(super) fn insert(&mut self, key: &str, value: Value) {
        if let Some(key) = KNOWN.get(key) {
            self.known.entry(key).or_insert(value);
        } else if matches!(value, Value::Int(_) | Value::Double(_)) && self.unknown_usage.len() < MAX_UNKNOWN {
            self.unknown_usage.entry(key.to_owned()).or_insert(value);
        }
    }

    /// With the attributes of the resource behind its own.
    pub(super) fn over(mut self, resource: &Self) -> Self {
        for (key, value) in &resource.known {
            self.insert(key, value.clone());
        }
        self
    }

    /// With those of a record above it behind its own, as far as their names are these.
    pub(super) fn inherit(&mut self, above: &Self, names: Names) {
        for name in names {
            if let Some((key, value)) = above.known.get_key_value(name) {
                self.insert(key, value.clone());
            }
        }
    }

    /// Whether there are counts under names that nobody knows.
    pub(super) fn has_unknown_usage(&self) -> bool {
        !self.unknown_usage.is_empty()
    }

    /// Adds counts under names that nobody knows to a usage object, without what all such names begin with.
    pub(super) fn add_unknown_usage(&self, usage: &mut Map<String, Json>) {
        for (key, value) in &self.unknown_usage {
            let name = USAGE.iter().find_map(|begin| key.strip_prefix(begin)).unwrap_or(key);
            if let Some(count) = json(value) {
                usage.entry(name.replace('.', "_")).or_insert(count);
            }
        }
    }

    fn first<T>(&self, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        names.iter().find_map(|name| self.known.get(name).and_then(&read))
    }

    /// The first of these that is a text and not empty.
    pub(super) fn word(&self, names: Names) -> Option<&str> {
        names.iter().find_map(|name| match self.known.get(name) {
            Some(Value::Text(text)) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        })
    }

    /// The first of these as text, numbers included.
    pub(super) fn any_text(&self, names: &[&str]) -> Option<String> {
        self.first(names, |value| match value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Int(number) => Some(number.to_string()),
            Value::Double(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// The first of these that is a number or a text of one, as JSON: what is wrong with it is said where usage is read.
    pub(super) fn count(&self, names: &[&str]) -> Option<Json> {
        self.first(names, json)
    }

    /// The first of these that is a number or a text of one.
    pub(super) fn number(&self, names: &[&str]) -> Option<f64> {
        self.first(names, |value| match value {
            #[expect(clippy::cast_precision_loss, reason = "times and durations are far below 2^53")]
            Value::Int(number) => Some(*number as f64),
            Value::Double(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            Value::Bool(_) => None,
        })
    }

    /// The first of these that is true or false.
    pub(super) fn flag(&self, names: &[&str]) -> Option<bool> {
        self.first(names, |value| match value {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        })
    }
}

fn json(value: &Value) -> Option<Json> {
    match value {
        Value::Int(number) => Some(Json::from(*number)),
        Value::Double(number) => whole(*number).map(Json::from).or_else(|| Number::from_f64(*number).map(Json::from)),
        Value::Text(text) => text.trim().parse::<i64>().ok().map(Json::from),
        Value::Bool(_) => None,
    }
}

/// A floating-point number that stands for a whole one.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked: it has no fraction and is below 2^53")]
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}
