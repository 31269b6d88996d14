//! The event that a span's attributes make together. The names of the attributes are in [`super::attribute_keys`].

use super::Span;
use super::attribute_keys::{
    COHORT, COST, COUNTS, CUSTOMER, ENDPOINT, ENVIRONMENT, ERROR, FEATURE, FINISH, FIRST_CHUNK, FIRST_CHUNK_MS,
    HTTP_STATUS, INPUT, MODEL, OPENROUTER, OUTPUT, PROJECT, PROVIDER, PROVIDER_METADATA, RESPONSE_ID, SERVICE_TIER,
    SESSION, STEP, STREAM, TAGS, USER,
};
use super::attributes::Attributes;
use crate::ingest_formats::{EventInput, endpoint, fit, names};
use chrono::{DateTime, FixedOffset};
use domain::event::{MAX_LATENCY_MS, ReportedCost, Status};
use domain::meter::UsageFormat;
use serde_json::{Map, Value, json};

/// Whether anything was counted.
pub(super) fn has_usage(attributes: &Attributes) -> bool {
    attributes.count(INPUT).is_some() || attributes.count(OUTPUT).is_some()
}

/// The model, if the span names one.
pub(super) fn model(attributes: &Attributes) -> Option<&str> {
    attributes.word(MODEL)
}

/// Who sells the model.
pub(super) fn provider(attributes: &Attributes, model: &str) -> String {
    if attributes.word(OPENROUTER).is_some() {
        return "openrouter".to_owned();
    }
    names::provider(attributes.word(PROVIDER), model)
}

/// The event that a span tells of.
pub(super) fn event(span: &Span, model: &str, operation: &str) -> EventInput {
    let attributes = &span.attributes;
    let (usage, format) = usage(attributes);
    let nanos = if span.start > 0 { span.end.checked_sub(span.start) } else { None };
    let mut event = EventInput {
        id: Some(format!("{}-{}", span.trace_id, span.span_id)),
        timestamp: instant(span.start).or_else(|| instant(span.end)),
        provider: provider(attributes, model),
        model: fit::label(model).unwrap_or_default(),
        operation: Some(operation.to_owned()),
        usage,
        usage_format: Some(format.as_str().to_owned()),
        service_tier: attributes.word(SERVICE_TIER).and_then(fit::label),
        region: region(attributes),
        interaction_id: Some(span.trace_id.clone()),
        latency_ms: nanos.map(|nanos| nanos / 1_000_000).filter(|latency| *latency <= MAX_LATENCY_MS),
        time_to_first_token_ms: first_chunk(attributes),
        stream: attributes.flag(STREAM),
        finish_reason: attributes.word(FINISH).and_then(fit::label),
        provider_response_id: attributes.word(RESPONSE_ID).and_then(fit::id),
        ..EventInput::default()
    };
    cost(&mut event, attributes, COST);
    outcome(&mut event, attributes, span.failed);
    labels(&mut event, attributes);
    event
}

/// The counts as they were sent, or Anthropic's own where the AI SDK passes it on: only that one tells writes by their time.
fn usage(attributes: &Attributes) -> (Value, UsageFormat) {
    let own = attributes.word(PROVIDER_METADATA).and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(usage) = own.as_ref().and_then(|metadata| metadata.pointer("/anthropic/usage"))
        && usage.get("input_tokens").is_some_and(Value::is_number)
    {
        return (usage.clone(), UsageFormat::Anthropic);
    }
    let mut usage = Map::new();
    for (key, names) in COUNTS {
        if let Some(count) = attributes.count(names) {
            usage.insert(key.to_owned(), count);
        }
    }
    (Value::Object(usage), UsageFormat::Opentelemetry)
}

/// Where it was served, as the first address that names a region says.
fn region(attributes: &Attributes) -> Option<String> {
    ENDPOINT.iter().find_map(|name| attributes.any_text(&[name]).as_deref().and_then(endpoint::region))
}

fn first_chunk(attributes: &Attributes) -> Option<u64> {
    let seconds = attributes.number(FIRST_CHUNK).map(|seconds| seconds * 1_000.0);
    seconds.or_else(|| attributes.number(FIRST_CHUNK_MS)).and_then(fit::millis)
}

/// What the sender says it cost; zero stands for an unknown price just as for a free call, and says nothing.
pub(super) fn cost(event: &mut EventInput, attributes: &Attributes, names: &[&str]) {
    event.reported_cost = attributes.any_text(names).and_then(|amount| ReportedCost::read(&amount));
}

/// What the attempt ended with. A failed one that counted nothing is an attempt without tokens.
fn outcome(event: &mut EventInput, attributes: &Attributes, failed: bool) {
    if !failed {
        event.status = Some(Status::Success);
        return;
    }
    let kind = attributes.any_text(ERROR).filter(|kind| kind != "_OTHER").unwrap_or_default();
    let code = attributes.any_text(HTTP_STATUS).unwrap_or_default();
    failure(event, &kind, &code);
    if let Value::Object(usage) = &mut event.usage
        && !usage.contains_key("output_tokens")
    {
        usage.entry("input_tokens").or_insert(json!(0));
    }
}

/// Marks the event as failed, with the kind of error or else the status.
pub(super) fn failure(event: &mut EventInput, kind: &str, code: &str) {
    event.status = Some(fit::failure(kind, code));
    event.error_kind = fit::label(if kind.is_empty() { code } else { kind });
}

/// Fills what the event is labelled with; fields that are set stay.
pub(super) fn labels(event: &mut EventInput, attributes: &Attributes) {
    let label = |names: &[&str]| {
        attributes.any_text(names).filter(|text| !is_nameless(text)).and_then(|text| fit::label(&text))
    };
    event.project = label(PROJECT);
    event.feature = label(FEATURE);
    event.step = label(STEP);
    event.environment = label(ENVIRONMENT);
    event.customer = label(CUSTOMER);
    event.cohort = label(COHORT);
    event.user = event.user.take().or_else(|| label(USER));
    event.session_id = attributes.any_text(SESSION).as_deref().and_then(fit::id);
    for (key, names) in TAGS {
        if let Some(value) = label(names) {
            fit::tag(event, key, &value);
        }
    }
}

/// What an SDK puts where nobody named the service.
fn is_nameless(text: &str) -> bool {
    text.starts_with("unknown_service")
}

/// The instant so many nanoseconds after 1970; none for 0.
pub(super) fn instant(nanos: u64) -> Option<DateTime<FixedOffset>> {
    let micros = i64::try_from(nanos / 1_000).ok().filter(|micros| *micros > 0)?;
    DateTime::from_timestamp_micros(micros).map(|at| at.fixed_offset())
}
