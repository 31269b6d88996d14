//! Files of events: NDJSON, one event per line, and CSV with a mapping of its columns.
//!
//! An event without an id gets one that follows from its row and how many rows like it came before, so that the same file can be read again, whole or from where it broke off.

use super::{Read, Refused, fit};
use domain::problem::FieldProblem;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// Fields of an event that a column can fill, besides `usage.…` and `tags.…`.
const FIELDS: [&str; 29] = [
    "id",
    "timestamp",
    "project",
    "provider",
    "model",
    "operation",
    "usage_format",
    "service_tier",
    "batch",
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
const PLAIN: [&str; 6] = ["batch", "attempt", "latency_ms", "time_to_first_token_ms", "stream", "response_cache_hit"];

/// Other names that columns often have.
const ALIASES: [(&str, &str); 20] = [
    ("time", "timestamp"),
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
    ("spend", "reported_cost"),
    ("end_user", "user"),
    ("user_id", "user"),
    ("team", "tags.team"),
    ("latency", "latency_ms"),
];

/// Which column or constant fills which field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Field and column.
    columns: Vec<(String, String)>,
    /// Field and value for every row.
    constants: Vec<(String, String)>,
}

impl Mapping {
    /// A mapping from `field=column` and `field=value` pairs.
    ///
    /// # Errors
    /// The pair that is none, or whose field is not known.
    pub fn read(columns: &[String], constants: &[String]) -> Result<Self, String> {
        let pairs = |texts: &[String]| {
            let pair = |text: &String| {
                let (field, value) = text.split_once('=').ok_or_else(|| format!("{text}: write FIELD=VALUE"))?;
                let field = field.trim().to_owned();
                if is_field(&field) { Ok((field, value.trim().to_owned())) } else { Err(unknown(&field)) }
            };
            texts.iter().map(pair).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self { columns: pairs(columns)?, constants: pairs(constants)? })
    }

    /// With the columns that are named like a field, or as is usual, for fields that nothing fills yet.
    #[must_use]
    pub fn with_headers(mut self, headers: &[String]) -> Self {
        for header in headers {
            let word = header.trim().to_lowercase().replace([' ', '-'], "_");
            let field = ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word.as_str(), |(_, field)| field);
            let filled = |pairs: &[(String, String)]| pairs.iter().any(|(known, _)| known == field);
            if is_field(field) && !filled(&self.columns) && !filled(&self.constants) {
                self.columns.push((field.to_owned(), header.clone()));
            }
        }
        self
    }

    /// Field and column, in the order in which they were found.
    #[must_use]
    pub fn columns(&self) -> &[(String, String)] {
        &self.columns
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
        let fills =
            |wanted: &dyn Fn(&str) -> bool| self.columns.iter().chain(&self.constants).any(|(field, _)| wanted(field));
        for needed in ["provider", "model"] {
            if !fills(&|field| field == needed) {
                missing.push(format!("nothing fills {needed}"));
            }
        }
        if !fills(&|field| field.starts_with("usage.")) {
            missing.push("nothing fills usage, such as usage.prompt_tokens".to_owned());
        }
        missing
    }

    /// The event that a row makes, as JSON.
    fn event(&self, cell: impl Fn(&str) -> Option<String>) -> Value {
        let mut event = Map::new();
        let columns = self.columns.iter().filter_map(|(field, column)| Some((field, cell(column)?)));
        let constants = self.constants.iter().map(|(field, value)| (field, value.clone()));
        for (field, text) in columns.chain(constants) {
            put(&mut event, field, text.trim());
        }
        event.entry("usage").or_insert_with(|| Value::Object(Map::new()));
        Value::Object(event)
    }
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
    if text.is_empty() {
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
        // An empty or zero cost of an export stands for an unknown one.
        if let Some(cost) = fit::reported_cost(text.trim_start_matches('$')) {
            event.insert(
                field.to_owned(),
                serde_json::json!({"amount": cost.amount.to_string(), "currency": cost.currency}),
            );
        }
    } else if PLAIN.contains(&field) {
        let flag = text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from);
        event.insert(field.to_owned(), flag.or_else(|| number(text)).unwrap_or_else(|| Value::from(text)));
    } else {
        event.insert(field.to_owned(), Value::from(text));
    }
}

fn number(text: &str) -> Option<Value> {
    text.parse::<u64>().ok().map(Value::from).or_else(|| {
        let number: f64 = text.parse().ok()?;
        Number::from_f64(number).map(Value::from)
    })
}

/// Gives events without an id one that follows from what they say.
#[derive(Debug, Default)]
pub struct Ids(HashMap<String, u32>);

impl Ids {
    /// The id of a row; the n-th row of the same text is another event than the first.
    fn of(&mut self, row: &str) -> String {
        let hash = fit::hashed(&[row]);
        let count = self.0.entry(hash.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { hash } else { format!("{hash}-{count}") }
    }
}

/// Reads a line of NDJSON; none for an empty one.
pub fn line(text: &str, ids: &mut Ids, own: impl Fn(&RawValue) -> Read) -> Option<Read> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return None;
    }
    let raw = serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().starts_with('{'));
    let Some(raw) = raw else {
        let problem = FieldProblem::new("", "invalid", "This line is not a JSON object.");
        return Some(Err(Refused::unread(problem)));
    };
    Some(own(raw).map(|mut event| {
        event.id.get_or_insert_with(|| ids.of(text));
        event
    }))
}

/// Reads a row of CSV.
pub fn row(
    headers: &[String],
    cells: &[String],
    mapping: &Mapping,
    ids: &mut Ids,
    own: impl Fn(&RawValue) -> Read,
) -> Read {
    let cell = |column: &str| {
        let place = headers.iter().position(|header| header == column)?;
        cells.get(place).cloned()
    };
    let value = mapping.event(cell);
    let raw = serde_json::value::to_raw_value(&value)
        .map_err(|_| Refused::unread(FieldProblem::new("", "invalid", "This row is no event.")))?;
    own(&raw).map(|mut event| {
        event.id.get_or_insert_with(|| ids.of(&cells.join("\u{1f}")));
        event
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest_formats::EventInput;
    use proptest::prelude::*;
    use serde_json::json;

    fn own(raw: &RawValue) -> Read {
        serde_json::from_str::<EventInput>(raw.get())
            .map_err(|error| Refused::unread(FieldProblem::new("", "invalid", error.to_string())))
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn columns_are_found_by_name_and_by_mapping() {
        let headers =
            texts(&["Created At", "Model", "Prompt Tokens", "Cached", "Completion Tokens", "Team", "Cost", "Prompt"]);
        let mapping =
            Mapping::read(&texts(&["usage.prompt_tokens_details.cached_tokens=Cached"]), &texts(&["provider=openai"]))
                .unwrap()
                .with_headers(&headers);
        assert_eq!(mapping.missing(&headers), Vec::<String>::new());
        let cells = texts(&["2026-11-20T09:30:00Z", "gpt-4o", "1000", "400", "100", "search", "$0.0035", "SECRET"]);
        let event = row(&headers, &cells, &mapping, &mut Ids::default(), own).unwrap();
        assert_eq!(
            event.usage,
            json!({"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}})
        );
        assert_eq!((event.provider.as_str(), event.tags["team"].as_str()), ("openai", "search"));
        assert_eq!(event.reported_cost.as_ref().unwrap().amount.to_string(), "0.0035");
        assert!(!serde_json::to_string(&event).unwrap().contains("SECRET"), "columns without a field are never read");
    }

    #[test]
    fn what_is_missing_is_said_before_anything_is_recorded() {
        let headers = texts(&["when", "tokens"]);
        let mapping = Mapping::read(&texts(&["model=LLM"]), &[]).unwrap().with_headers(&headers);
        let missing = mapping.missing(&headers).join("; ");
        assert!(
            missing.contains("no column `LLM`") && missing.contains("provider") && missing.contains("usage"),
            "{missing}"
        );
        assert!(Mapping::read(&texts(&["colour=Red"]), &[]).unwrap_err().contains("colour"));
        assert!(Mapping::read(&texts(&["model"]), &[]).is_err());
    }

    #[test]
    fn the_same_file_has_the_same_ids_and_equal_rows_stay_apart() {
        let text = r#"{"provider":"openai","model":"gpt-4o","usage":{"prompt_tokens":1}}"#;
        let read = || {
            let mut ids = Ids::default();
            [text, text, "", "7"].map(|text| line(text, &mut ids, own).map(|read| read.ok().and_then(|event| event.id)))
        };
        let [first, second, empty, broken] = read();
        assert_eq!(read(), [first.clone(), second.clone(), empty.clone(), broken.clone()]);
        assert_ne!(first, second);
        assert_eq!((empty, broken), (None, Some(None)));
        let named = r#"{"id":"a","provider":"openai","model":"gpt-4o","usage":{}}"#;
        assert_eq!(line(named, &mut Ids::default(), own).unwrap().unwrap().id.as_deref(), Some("a"));
    }

    proptest! {
        #[test]
        fn no_row_panics(cells in proptest::collection::vec(".{0,40}", 0..8), fields in proptest::collection::vec("[a-z_.]{1,24}", 0..8)) {
            let headers: Vec<String> = fields.clone();
            let pairs: Vec<String> = fields.iter().map(|field| format!("usage.{field}={field}")).collect();
            let mapping = Mapping::read(&pairs, &[]).unwrap().with_headers(&headers);
            let _any = row(&headers, &cells, &mapping, &mut Ids::default(), own);
            let _any = line(&cells.join(""), &mut Ids::default(), own);
        }
    }
}
