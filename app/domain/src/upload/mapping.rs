//! Which column of a file fills which field of an event.

use super::times::row_time;
use super::tools::{Tool, is_same};
use crate::event::ReportedCost;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// Fields of an event that a column can fill, besides `usage.…` and `tags.…`.
pub const FIELDS: [&str; 32] = [
    "id",
    "timestamp",
    "timestamp_end",
    "project",
    "provider",
    "model",
    "operation",
    "usage_format",
    "service_tier",
    "batch",
    "aggregate",
    "requests",
    "region",
    "status",
    "attempt",
    "request_id",
    "interaction_id",
    "step",
    "session_id",
    "decision_id",
    "latency_ms",
    "time_to_first_token_ms",
    "stream",
    "finish_reason",
    "error_kind",
    "response_cache_hit",
    "feature",
    "environment",
    "customer",
    "user",
    "cohort",
    "provider_response_id",
];
/// Fields that are numbers or flags, not texts.
const PLAIN: [&str; 7] =
    ["batch", "requests", "attempt", "latency_ms", "time_to_first_token_ms", "stream", "response_cache_hit"];

/// Names inside of `usage` that are often filled, as suggestions; any other is taken too.
pub const USAGE_FIELDS: [&str; 8] = [
    "usage.prompt_tokens",
    "usage.completion_tokens",
    "usage.total_tokens",
    "usage.prompt_tokens_details.cached_tokens",
    "usage.input_tokens",
    "usage.output_tokens",
    "usage.cache_read_input_tokens",
    "usage.cache_creation_input_tokens",
];

/// Other names that columns often have.
const ALIASES: [(&str, &str); 23] = [
    ("time", "timestamp"),
    ("date", "timestamp"),
    ("datetime", "timestamp"),
    ("created_at", "timestamp"),
    ("starttime", "timestamp"),
    ("start_time", "timestamp"),
    ("vendor", "provider"),
    ("custom_llm_provider", "provider"),
    ("model_name", "model"),
    ("prompt_tokens", "usage.prompt_tokens"),
    ("completion_tokens", "usage.completion_tokens"),
    ("total_tokens", "usage.total_tokens"),
    ("input_tokens", "usage.input_tokens"),
    ("output_tokens", "usage.output_tokens"),
    ("cache_read_input_tokens", "usage.cache_read_input_tokens"),
    ("cache_creation_input_tokens", "usage.cache_creation_input_tokens"),
    ("cost", "reported_cost"),
    ("cost_usd", "reported_cost"),
    ("spend", "reported_cost"),
    ("end_user", "user"),
    ("user_id", "user"),
    ("team", "tags.team"),
    ("latency", "latency_ms"),
];

/// What exports write for a cost where they have none: calls within a plan, or none at all.
const NO_COST: [&str; 6] = ["included", "free", "-", "n/a", "nan", "null"];

/// A field, and its column or its value for every row.
type Pair = (String, String);

/// Which column or constant fills which field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    columns: Vec<Pair>,
    constants: Vec<Pair>,
}

impl Mapping {
    /// A mapping from `field=column` and `field=value` pairs.
    ///
    /// # Errors
    /// The pair that is none, or whose field is not known.
    pub fn read(columns: &[String], constants: &[String]) -> Result<Self, String> {
        let pairs = |texts: &[String], pair: fn(&str, &str) -> Result<Pair, String>| {
            let pair = |text: &String| {
                let (field, value) = text.split_once('=').ok_or_else(|| format!("{text}: write FIELD=VALUE"))?;
                pair(field, value)
            };
            texts.iter().map(pair).collect::<Result<Vec<_>, String>>()
        };
        let column = |field: &str, column: &str| Ok((known(field)?, column.trim().to_owned()));
        Ok(Self { columns: pairs(columns, column)?, constants: pairs(constants, constant)? })
    }

    /// This column fills this field.
    ///
    /// # Errors
    /// A field that is not known, or that another column fills.
    pub fn fill(&mut self, field: &str, column: &str) -> Result<(), String> {
        let field = known(field)?;
        if let Some((_, other)) = self.columns.iter().find(|(filled, _)| *filled == field) {
            return Err(format!("{field} is filled by the column {other} already"));
        }
        self.columns.push((field, column.to_owned()));
        Ok(())
    }

    /// This field has this value in all rows.
    ///
    /// # Errors
    /// A field that is not known, or a time that is none.
    pub fn set(&mut self, field: &str, value: &str) -> Result<(), String> {
        self.constants.push(constant(field, value)?);
        Ok(())
    }

    /// For another file with the same header: a time for all rows is chosen for one file only.
    #[must_use]
    pub fn for_next_file(mut self) -> Self {
        self.constants.retain(|(field, _)| field != "timestamp");
        self
    }

    /// With the columns that are named like a field, or as is usual, for fields that nothing maps to yet; of an export that is known, with its columns alone.
    #[must_use]
    pub fn with_headers(mut self, headers: &[String]) -> Self {
        if let Some(tool) = Tool::of(headers) {
            // Counts that somebody mapped have the names of another format.
            let has_counts = self.fills(|field| field.starts_with("usage."));
            let is_open = |field: &str| !(has_counts && (field.starts_with("usage.") || field == "usage_format"));
            for (column, field) in tool.columns.iter().filter(|(_, field)| is_open(field)) {
                if let Some(header) = headers.iter().find(|header| is_same(header, column)) {
                    self.fill_if_free(field, header);
                }
            }
            for (field, value) in tool.constants.iter().filter(|(field, _)| is_open(field)) {
                if !self.fills(|filled| filled == *field) {
                    self.constants.push(((*field).to_owned(), (*value).to_owned()));
                }
            }
            return self;
        }
        for header in headers {
            let word = header.trim().to_lowercase().replace([' ', '-'], "_");
            let field = ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word.as_str(), |(_, field)| field);
            if is_field(field) {
                self.fill_if_free(field, header);
            }
        }
        self
    }

    fn fill_if_free(&mut self, field: &str, column: &str) {
        if !self.fills(|filled| filled == field) {
            self.columns.push((field.to_owned(), column.to_owned()));
        }
    }

    fn fills(&self, wanted: impl Fn(&str) -> bool) -> bool {
        self.columns.iter().chain(&self.constants).any(|(field, _)| wanted(field))
    }

    /// Field and column, in the order in which they were found.
    #[must_use]
    pub fn columns(&self) -> &[(String, String)] {
        &self.columns
    }

    /// Field and value of what is the same in all rows.
    #[must_use]
    pub fn constants(&self) -> &[(String, String)] {
        &self.constants
    }

    /// The field that a column fills.
    #[must_use]
    pub fn field_of(&self, column: &str) -> Option<&str> {
        self.columns.iter().find(|(_, filling)| filling == column).map(|(field, _)| field.as_str())
    }

    /// What the headers lack.
    #[must_use]
    pub fn missing(&self, headers: &[String]) -> Vec<String> {
        let mut missing: Vec<String> = self
            .columns
            .iter()
            .filter(|(_, column)| !headers.contains(column))
            .map(|(field, column)| format!("there is no column `{column}` for {field}"))
            .collect();
        for needed in ["timestamp", "provider", "model"] {
            if !self.fills(|field| field == needed) {
                missing.push(format!("nothing maps to {needed}"));
            }
        }
        if !self.fills(|field| field.starts_with("usage.") || field == "reported_cost") {
            missing.push("nothing maps to usage, such as usage.prompt_tokens, or reported_cost".to_owned());
        }
        missing
    }

    /// The event that a row makes, as JSON.
    #[must_use]
    pub fn event(&self, cell: impl Fn(&str) -> Option<String>) -> Value {
        let mut event = Map::new();
        let columns = self.columns.iter().filter_map(|(field, column)| Some((field, cell(column)?)));
        let constants = self.constants.iter().map(|(field, value)| (field, value.clone()));
        for (field, text) in columns.chain(constants) {
            // A cell may have several lines (RFC 4180); a label has one.
            put(&mut event, field, &one_line(&text));
        }
        time_of(&mut event);
        event.entry("usage").or_insert_with(|| Value::Object(Map::new()));
        Value::Object(event)
    }
}

/// A text in one line: whatever divides its lines is white space.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut lines = text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |line, part| line + " " + part)
}

/// When the event was, in the form that events have; what is no time stays as it is, and the row is refused with it.
fn time_of(event: &mut Map<String, Value>) {
    let end = event.remove("timestamp_end");
    let start = event.get("timestamp").and_then(Value::as_str).unwrap_or_default();
    if let Some(time) = row_time(start, end.as_ref().and_then(Value::as_str)) {
        event.insert("timestamp".to_owned(), Value::from(time.at));
        if time.is_span {
            event.entry("aggregate").or_insert_with(|| Value::from("sum"));
        }
    }
}

/// A field and its value in all rows.
fn constant(field: &str, value: &str) -> Result<(String, String), String> {
    let (field, value) = (known(field)?, value.trim().to_owned());
    if field == "timestamp" && row_time(&value, None).is_none() {
        return Err("timestamp needs a day or a time such as 2026-11-20 or 2026-11-20T09:41:07Z".to_owned());
    }
    Ok((field, value))
}

fn known(field: &str) -> Result<String, String> {
    let field = field.trim();
    if is_field(field) { Ok(field.to_owned()) } else { Err(unknown(field)) }
}

fn is_field(field: &str) -> bool {
    let nested = field.strip_prefix("usage.").or_else(|| field.strip_prefix("tags."));
    FIELDS.contains(&field) || field == "reported_cost" || nested.is_some_and(|rest| !rest.is_empty())
}

fn unknown(field: &str) -> String {
    format!("{field} is no field; use one of {}, reported_cost, usage.… or tags.…", FIELDS.join(", "))
}

/// Puts a cell into its field; an empty one fills nothing.
fn put(event: &mut Map<String, Value>, field: &str, text: &str) {
    if text.is_empty() || (field == "reported_cost" && NO_COST.contains(&text.to_ascii_lowercase().as_str())) {
        return;
    }
    if let Some(path) = field.strip_prefix("usage.") {
        let mut keys: Vec<&str> = path.split('.').collect();
        let last = keys.pop().unwrap_or_default();
        let mut place = event.entry("usage").or_insert_with(|| Value::Object(Map::new()));
        for key in keys {
            place = match place {
                Value::Object(fields) => fields.entry(key).or_insert_with(|| Value::Object(Map::new())),
                _ => return,
            };
        }
        if let Value::Object(fields) = place {
            fields.insert(last.to_owned(), number(text).unwrap_or_else(|| Value::from(text)));
        }
    } else if let Some(key) = field.strip_prefix("tags.") {
        if let Value::Object(tags) = event.entry("tags").or_insert_with(|| Value::Object(Map::new())) {
            tags.insert(key.to_owned(), Value::from(text));
        }
    } else if field == "reported_cost" {
        // What is no amount for certain stays as it is, and the row is refused with it.
        let cost = ReportedCost::read_cell(text)
            .map(|cost| serde_json::json!({"amount": cost.amount.to_string(), "currency": cost.currency}));
        event.insert(field.to_owned(), cost.unwrap_or_else(|| Value::from(text)));
    } else if PLAIN.contains(&field) {
        let flag = text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from);
        event.insert(field.to_owned(), flag.or_else(|| number(text)).unwrap_or_else(|| Value::from(text)));
    } else {
        event.insert(field.to_owned(), Value::from(text));
    }
}

fn number(text: &str) -> Option<Value> {
    text.parse::<u64>().ok().map(Value::from).or_else(|| {
        // Spreadsheets write whole numbers as 3.0.
        let whole =
            text.split_once('.').filter(|(_, rest)| !rest.is_empty() && rest.bytes().all(|digit| digit == b'0'));
        let whole = whole.and_then(|(whole, _)| whole.parse::<u64>().ok()).map(Value::from);
        whole.or_else(|| Number::from_f64(text.parse().ok()?).map(Value::from))
    })
}
