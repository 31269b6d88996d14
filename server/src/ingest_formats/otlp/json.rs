//! OTLP's JSON (opentelemetry-proto 1.11, docs/specification.md, "JSON Protobuf Encoding"), read leniently.
//!
//! 64-bit integers are texts or numbers, unknown fields are passed over, and a span of a strange type spoils only itself.
//! Ids are hex; exporters that followed protobuf's own JSON write base64, which its length tells.

use super::attribute_keys::EXCEPTION;
use super::attributes::{Attributes, Value};
use super::{Log, Records, Span, malformed, push};
use crate::ingest_formats::raw::{Raw, bare, hex, part, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::problem::Problem;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Both requests: what differs is only the names.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request<'a> {
    #[serde(
        borrow,
        rename = "resourceSpans",
        alias = "resource_spans",
        alias = "resourceLogs",
        alias = "resource_logs"
    )]
    resources: Option<Vec<OfResource<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OfResource<'a> {
    #[serde(borrow)]
    resource: Raw<'a>,
    #[serde(borrow, rename = "scopeSpans", alias = "scope_spans", alias = "scopeLogs", alias = "scope_logs")]
    scopes: Option<Vec<OfScope<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OfScope<'a> {
    #[serde(borrow)]
    scope: Raw<'a>,
    #[serde(borrow, rename = "spans", alias = "logRecords", alias = "log_records")]
    records: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributed<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    attributes: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSpan<'a> {
    #[serde(borrow, alias = "trace_id")]
    trace_id: Raw<'a>,
    #[serde(alias = "span_id")]
    span_id: Raw<'a>,
    #[serde(alias = "parent_span_id")]
    parent_span_id: Raw<'a>,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Raw<'a>,
    #[serde(alias = "end_time_unix_nano")]
    end_time_unix_nano: Raw<'a>,
    attributes: Raw<'a>,
    events: Raw<'a>,
    status: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawStatus<'a> {
    #[serde(borrow)]
    code: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawLog<'a> {
    #[serde(borrow, alias = "time_unix_nano")]
    time_unix_nano: Raw<'a>,
    #[serde(alias = "observed_time_unix_nano")]
    observed_time_unix_nano: Raw<'a>,
    #[serde(alias = "event_name")]
    event_name: Raw<'a>,
    body: Raw<'a>,
    attributes: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyValue<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Raw<'a>,
}

/// An `AnyValue`; of what it may hold, lists of lists are passed over.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Any<'a> {
    #[serde(borrow, alias = "string_value")]
    string_value: Raw<'a>,
    #[serde(alias = "bool_value")]
    bool_value: Raw<'a>,
    #[serde(alias = "int_value")]
    int_value: Raw<'a>,
    #[serde(alias = "double_value")]
    double_value: Raw<'a>,
    #[serde(alias = "array_value")]
    array_value: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct List<'a> {
    #[serde(borrow)]
    values: Vec<&'a RawValue>,
}

/// The spans of a request.
pub(super) fn spans(body: &[u8]) -> Result<Records<Span>, Problem> {
    let mut spans = vec![];
    in_scopes(body, |scope, resource, raw| push(&mut spans, span(raw, scope, resource)))?;
    Ok(spans)
}

/// The records of a request.
pub(super) fn logs(body: &[u8]) -> Result<Records<Log>, Problem> {
    let mut logs = vec![];
    in_scopes(body, |_, resource, raw| push(&mut logs, log(raw, resource)))?;
    Ok(logs)
}

/// Checks that the body is a JSON object.
pub(super) fn metrics(body: &[u8]) -> Result<(), Problem> {
    serde_json::from_slice::<Request<'_>>(body).map(drop).map_err(|_| malformed("JSON"))
}

fn in_scopes(
    body: &[u8],
    mut show: impl FnMut(&str, &Attributes, &RawValue) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|_| malformed("JSON"))?;
    for of_resource in request.resources.unwrap_or_default() {
        let resource: Attributed<'_> = part(of_resource.resource);
        let resource = attributes(resource.attributes);
        for of_scope in of_resource.scopes.unwrap_or_default() {
            let scope: Attributed<'_> = part(of_scope.scope);
            let name = text(scope.name).unwrap_or_default();
            for record in of_scope.records.unwrap_or_default() {
                show(&name, &resource, record)?;
            }
        }
    }
    Ok(())
}

fn span(raw: &RawValue, scope: &str, resource: &Attributes) -> Option<Span> {
    let span: RawSpan<'_> = serde_json::from_str(raw.get()).ok()?;
    let status: RawStatus<'_> = part(span.status);
    let code = status.code.map(RawValue::get).unwrap_or_default();
    let mut own = attributes(span.attributes);
    let events: Vec<&RawValue> = part(span.events);
    for event in events {
        let event: Attributed<'_> = part(Some(event));
        own.inherit(&attributes(event.attributes), EXCEPTION);
    }
    Some(Span {
        trace_id: id(span.trace_id, 16),
        span_id: id(span.span_id, 8),
        parent_id: id(span.parent_span_id, 8),
        start: nanos(span.start_time_unix_nano),
        end: nanos(span.end_time_unix_nano),
        failed: matches!(code, "2" | "\"2\"" | "\"STATUS_CODE_ERROR\""),
        scope: scope.to_owned(),
        attributes: own.over(resource),
    })
}

fn log(raw: &RawValue, resource: &Attributes) -> Option<Log> {
    let log: RawLog<'_> = serde_json::from_str(raw.get()).ok()?;
    let own = attributes(log.attributes);
    let event_name = text(log.event_name).unwrap_or_default();
    let name = super::logs::name(&event_name, log.body.and_then(any).as_ref(), &own);
    let at = match nanos(log.time_unix_nano) {
        0 => nanos(log.observed_time_unix_nano),
        at => at,
    };
    Some(Log { at, name, attributes: own.over(resource) })
}

fn attributes(raw: Raw<'_>) -> Attributes {
    let list: Vec<&RawValue> = part(raw);
    let mut attributes = Attributes::default();
    for raw in list {
        let Ok(KeyValue { key, value: Some(value) }) = serde_json::from_str(raw.get()) else { continue };
        if Attributes::is_read(&key)
            && let Some(value) = any(value)
        {
            attributes.insert(&key, value);
        }
    }
    attributes
}

fn any(raw: &RawValue) -> Option<Value> {
    let any: Any<'_> = serde_json::from_str(raw.get()).ok()?;
    match any.array_value {
        Some(list) => {
            let list: List<'_> = part(Some(list));
            let first: Any<'_> = part(list.values.first().copied());
            scalar(&first)
        }
        None => scalar(&any),
    }
}

fn scalar(any: &Any<'_>) -> Option<Value> {
    if any.string_value.is_some() {
        return Value::text(&text(any.string_value).unwrap_or_default());
    }
    if let Some(int) = any.int_value {
        return bare(int).parse().ok().map(Value::Int);
    }
    if let Some(double) = any.double_value {
        return bare(double).parse().ok().map(Value::Double);
    }
    any.bool_value.and_then(|flag| flag.get().parse().ok()).map(Value::Bool)
}

fn nanos(raw: Raw<'_>) -> u64 {
    raw.and_then(|raw| bare(raw).parse().ok()).unwrap_or_default()
}

/// An id of so many bytes as lower-case hex, from hex or base64; empty for anything else.
fn id(raw: Raw<'_>, bytes: usize) -> String {
    let text = text(raw).unwrap_or_default();
    if text.len() == bytes * 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return text.to_ascii_lowercase();
    }
    STANDARD
        .decode(&text)
        .ok()
        .filter(|decoded| decoded.len() == bytes)
        .map(|decoded| hex(&decoded))
        .unwrap_or_default()
}
