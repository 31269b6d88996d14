//! The event that a span's attributes make together. The names of the attributes are in [`super::attribute_keys`].

use super::Span;
use super::attribute_keys::{
    BRANCH, CACHE_HIT, COHORT, COST, CUSTOMER, DURATION, ENDPOINT, ENVIRONMENT, ERROR, FEATURE, FINISH, FIRST_CHUNK,
    FIRST_CHUNK_MS, HTTP_STATUS, LANGFUSE_COST, LANGFUSE_FIRST_CHUNK, MODEL, Names, OPENROUTER, OWN_FEATURE,
    PARAMETERS, PR, PROJECT, PROVIDER, PROVIDER_METADATA, PROXY, PROXY_MODEL, REPO, RESPONSE_ID, SAVED_COST, SERVICE,
    SERVICE_TIER, SESSION, STEP, STREAM, TAGS, TICKET, USER,
};
use super::attributes::Attributes;
use super::usage::{Counted, object};
use crate::ingest_formats::{EventInput, endpoint, fit, names};
use chrono::{DateTime, FixedOffset};
use domain::event::{MAX_LATENCY_MS, ReportedCost, Status, TICKS_PER_DOLLAR, coding_agent};
use domain::meter::UsageFormat;
use serde_json::{Value, json};
use std::borrow::Cow;

/// What is inherited from a span above that is passed over, where the call itself does not say it.
pub(super) const INHERITED: [Names; 13] =
    [PROJECT, FEATURE, STEP, ENVIRONMENT, CUSTOMER, COHORT, USER, SESSION, FINISH, REPO, BRANCH, PR, TICKET];

/// The model, if the span names one.
pub(super) fn model(attributes: &Attributes) -> Option<Cow<'_, str>> {
    if attributes.any_text(PROXY).is_some() {
        // The proxy's alias stands where the answer's own name should.
        let called = attributes.word(PROXY_MODEL).map(|model| model.split_once('/').map_or(model, |(_, model)| model));
        if let Some(model) = called.or_else(|| attributes.word(&["gen_ai.request.model"])) {
            return Some(Cow::Borrowed(model));
        }
    }
    attributes.word(MODEL).map(Cow::Borrowed).or_else(|| {
        let parameters = object(attributes, PARAMETERS)?;
        Some(Cow::Owned(parameters.get("model")?.as_str()?.to_owned()))
    })
}

/// Instrumentations that name the maker of the model where its seller is another.
const SELLERS: [(&str, &str); 1] = [("opentelemetry.instrumentation.bedrock", "aws")];

/// Who sells the model.
pub(super) fn provider(span: &Span, model: &str) -> String {
    let attributes = &span.attributes;
    if attributes.word(OPENROUTER).is_some() {
        return "openrouter".to_owned();
    }
    if let Some((_, seller)) = SELLERS.iter().find(|(scope, _)| *scope == span.scope) {
        return (*seller).to_owned();
    }
    let of_proxy = attributes.word(PROXY_MODEL).and_then(|model| Some(model.split_once('/')?.0));
    names::provider(attributes.word(PROVIDER).or(of_proxy), model)
}

/// The event that a span tells of.
pub(super) fn event(span: &Span, model: &str, operation: &str, Counted { usage, format }: Counted) -> EventInput {
    let attributes = &span.attributes;
    let latency = latency(span);
    let is_hit = attributes.flag(CACHE_HIT) == Some(true);
    let mut event = EventInput {
        id: Some(format!("{}-{}", span.trace_id, span.span_id)),
        timestamp: instant(span.start).or_else(|| instant(span.end)),
        provider: provider(span, model),
        model: fit::label(model).unwrap_or_default(),
        operation: Some(operation.to_owned()),
        usage,
        usage_format: Some(format.as_str().to_owned()),
        service_tier: service_tier(attributes).as_deref().and_then(fit::label),
        region: region(attributes),
        interaction_id: Some(span.trace_id.clone()),
        latency_ms: latency,
        time_to_first_token_ms: first_chunk(span, latency),
        stream: attributes.flag(STREAM),
        finish_reason: attributes.word(FINISH).map(first_of_list).as_deref().and_then(fit::label),
        response_cache_hit: is_hit.then_some(true),
        // The answer from the cache has the id of the first answer: it is no second call.
        provider_response_id: attributes.word(RESPONSE_ID).filter(|_| !is_hit).and_then(fit::id),
        ..EventInput::default()
    };
    if is_hit {
        if let Some(saved) = attributes.any_text(SAVED_COST).and_then(|amount| ReportedCost::read(&amount)) {
            fit::tag(&mut event, "litellm_saved_cost", &saved.amount.normalize().to_string());
        }
    } else {
        cost(&mut event, attributes, COST);
        if event.reported_cost.is_none() {
            let total = object(attributes, LANGFUSE_COST).and_then(|costs| Some(costs.get("total")?.to_string()));
            event.reported_cost = total.and_then(|total| ReportedCost::read(&total)).or_else(|| ticks(attributes));
        }
    }
    outcome(&mut event, span);
    labels(&mut event, attributes);
    event
}

/// xAI's cost, as the AI SDK passes it on.
fn ticks(attributes: &Attributes) -> Option<ReportedCost> {
    let metadata = object(attributes, PROVIDER_METADATA)?;
    ReportedCost::counted(metadata.pointer("/xai/costInUsdTicks")?, TICKS_PER_DOLLAR)
}

/// The length of the span, or what it says itself where it is written at the end of a stream.
fn latency(span: &Span) -> Option<u64> {
    let nanos = if span.start > 0 { span.end.checked_sub(span.start) } else { None };
    let told = span.attributes.number(DURATION).and_then(|seconds| fit::millis(seconds * 1_000.0));
    let measured = nanos.map(|nanos| nanos / 1_000_000).filter(|latency| *latency <= MAX_LATENCY_MS);
    measured.filter(|latency| *latency > 0 || told.is_none()).or(told)
}

fn service_tier(attributes: &Attributes) -> Option<String> {
    let of_metadata = || {
        let metadata = object(attributes, PROVIDER_METADATA)?;
        Some(metadata.pointer("/openai/serviceTier")?.as_str()?.to_owned())
    };
    attributes.word(SERVICE_TIER).map(str::to_owned).or_else(of_metadata)
}

/// Where it was served, as the first address that names a region says.
fn region(attributes: &Attributes) -> Option<String> {
    ENDPOINT.iter().find_map(|name| attributes.any_text(&[name]).as_deref().and_then(endpoint::region))
}

/// The first word of a list that was written as JSON.
fn first_of_list(text: &str) -> String {
    let list = serde_json::from_str::<Vec<String>>(text).ok();
    list.map_or_else(|| text.to_owned(), |list| list.into_iter().next().unwrap_or_default())
}

/// Time to the first token. More of them than the span is long were milliseconds.
fn first_chunk(span: &Span, latency: Option<u64>) -> Option<u64> {
    let attributes = &span.attributes;
    let sure = attributes.number(FIRST_CHUNK_MS).and_then(fit::millis).or_else(|| {
        let at = attributes.word(LANGFUSE_FIRST_CHUNK)?.trim_matches('"').parse::<DateTime<FixedOffset>>().ok()?;
        u64::try_from((at - instant(span.start)?).num_milliseconds()).ok()
    });
    sure.or_else(|| {
        let told = attributes.number(FIRST_CHUNK)?;
        let millis = fit::millis(told * 1_000.0);
        let is_longer = latency.is_some_and(|latency| millis.is_none_or(|millis| millis > latency.max(1)));
        if is_longer { fit::millis(told) } else { millis }
    })
}

/// What the sender says it cost. LiteLLM's zero stands for an unknown price just as for a free call, and says nothing.
pub(super) fn cost(event: &mut EventInput, attributes: &Attributes, names: &[&str]) {
    let is_proxy = attributes.any_text(PROXY).is_some();
    let reported = attributes.any_text(names).and_then(|amount| ReportedCost::read(&amount));
    event.reported_cost = reported.filter(|cost| !is_proxy || !cost.amount.is_zero());
}

/// What the attempt ended with. A failed one that counted nothing is an attempt without tokens.
fn outcome(event: &mut EventInput, span: &Span) {
    if !span.failed {
        event.status = Some(Status::Success);
        return;
    }
    let kind = span.attributes.any_text(ERROR).filter(|kind| kind != "_OTHER").unwrap_or_default();
    let code = span.attributes.any_text(HTTP_STATUS).unwrap_or_default();
    failure(event, &kind, &code);
    if event.usage_format.as_deref() == Some(UsageFormat::Opentelemetry.as_str())
        && let Value::Object(usage) = &mut event.usage
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
    let agent = attributes.word(SERVICE).and_then(coding_agent).map(str::to_owned);
    event.feature = label(OWN_FEATURE).or(agent).or_else(|| label(FEATURE)).or_else(|| label(SERVICE));
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
