//! From the JSON of one event to its typed fields: only known fields are read, everything else is dropped here.

use super::fields::{self, Raw};
use super::{Rejection, Sender};
use domain::event::{EventInput, MAX_ATTEMPT, MAX_LATENCY_MS, MAX_REQUESTS, ReportedCost, Status};
use domain::problem::FieldProblem;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The known fields, each still raw, so that a fault in one names it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawEvent<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    timestamp: Raw<'a>,
    project: Raw<'a>,
    provider: Raw<'a>,
    model: Raw<'a>,
    operation: Raw<'a>,
    usage: Raw<'a>,
    usage_format: Raw<'a>,
    service_tier: Raw<'a>,
    batch: Raw<'a>,
    region: Raw<'a>,
    aggregate: Raw<'a>,
    requests: Raw<'a>,
    series: Raw<'a>,
    status: Raw<'a>,
    attempt: Raw<'a>,
    request_id: Raw<'a>,
    interaction_id: Raw<'a>,
    step: Raw<'a>,
    session_id: Raw<'a>,
    decision_id: Raw<'a>,
    latency_ms: Raw<'a>,
    time_to_first_token_ms: Raw<'a>,
    stream: Raw<'a>,
    finish_reason: Raw<'a>,
    error_kind: Raw<'a>,
    response_cache_hit: Raw<'a>,
    input_hash: Raw<'a>,
    feature: Raw<'a>,
    environment: Raw<'a>,
    customer: Raw<'a>,
    user: Raw<'a>,
    cohort: Raw<'a>,
    tags: Raw<'a>,
    provider_response_id: Raw<'a>,
    reported_cost: Raw<'a>,
}

/// Reads one event.
pub(super) fn read(event: &RawValue) -> Result<EventInput, Box<Rejection>> {
    if !event.get().starts_with('{') {
        let problem = FieldProblem::new("", "wrong_type", "An event is a JSON object.");
        return Err(Rejection::unread(problem));
    }
    let raw: RawEvent<'_> = serde_json::from_str(event.get()).map_err(|_| {
        Rejection::unread(FieldProblem::new(
            "",
            "invalid",
            "An event is a JSON object in which each field stands once.",
        ))
    })?;
    typed(&raw).map_err(|problem| Rejection::about(sender(&raw), problem))
}

/// Who and what an event was about, as far as that can be read.
fn sender(raw: &RawEvent<'_>) -> Sender {
    let readable = |raw| fields::owned(raw, "").ok().flatten();
    Sender {
        id: readable(raw.id),
        project: readable(raw.project),
        provider: readable(raw.provider),
        model: readable(raw.model),
    }
}

fn typed(raw: &RawEvent<'_>) -> Result<EventInput, FieldProblem> {
    Ok(EventInput {
        id: fields::owned(raw.id, "/id")?,
        timestamp: fields::instant(raw.timestamp, "/timestamp")?,
        project: fields::owned(raw.project, "/project")?,
        provider: required(raw.provider, "/provider")?,
        model: required(raw.model, "/model")?,
        operation: fields::owned(raw.operation, "/operation")?,
        usage: usage(raw.usage, raw.reported_cost)?,
        usage_format: fields::owned(raw.usage_format, "/usage_format")?,
        service_tier: fields::owned(raw.service_tier, "/service_tier")?,
        batch: fields::flag(raw.batch, "/batch")?,
        region: fields::owned(raw.region, "/region")?,
        aggregate: fields::text(raw.aggregate, "/aggregate")?.map(|word| word.parse()).transpose()?,
        requests: fields::whole(raw.requests, "/requests", MAX_REQUESTS)?,
        series: fields::owned(raw.series, "/series")?,
        status: status(raw.status)?,
        attempt: attempt(raw.attempt)?,
        request_id: fields::owned(raw.request_id, "/request_id")?,
        interaction_id: fields::owned(raw.interaction_id, "/interaction_id")?,
        step: fields::owned(raw.step, "/step")?,
        session_id: fields::owned(raw.session_id, "/session_id")?,
        decision_id: fields::owned(raw.decision_id, "/decision_id")?,
        latency_ms: fields::whole(raw.latency_ms, "/latency_ms", MAX_LATENCY_MS)?,
        time_to_first_token_ms: fields::whole(raw.time_to_first_token_ms, "/time_to_first_token_ms", MAX_LATENCY_MS)?,
        stream: fields::flag(raw.stream, "/stream")?,
        finish_reason: fields::owned(raw.finish_reason, "/finish_reason")?,
        error_kind: fields::owned(raw.error_kind, "/error_kind")?,
        response_cache_hit: fields::flag(raw.response_cache_hit, "/response_cache_hit")?,
        input_hash: fields::owned(raw.input_hash, "/input_hash")?,
        feature: fields::owned(raw.feature, "/feature")?,
        environment: fields::owned(raw.environment, "/environment")?,
        customer: fields::owned(raw.customer, "/customer")?,
        user: fields::owned(raw.user, "/user")?,
        cohort: fields::owned(raw.cohort, "/cohort")?,
        tags: tags(raw.tags)?,
        provider_response_id: fields::owned(raw.provider_response_id, "/provider_response_id")?,
        reported_cost: reported_cost(raw.reported_cost)?,
        span: None,
    })
}

fn required(raw: Raw<'_>, pointer: &str) -> Result<String, FieldProblem> {
    fields::owned(raw, pointer)?.ok_or_else(|| missing(pointer))
}

fn missing(pointer: &str) -> FieldProblem {
    FieldProblem::new(pointer, "required", format!("`{}` is missing.", pointer.trim_start_matches('/')))
}

/// A cost can stand alone: then the usage is unknown.
fn usage(raw: Raw<'_>, reported_cost: Raw<'_>) -> Result<serde_json::Value, FieldProblem> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else {
        let is_cost = reported_cost.is_some_and(|cost| cost.get() != "null");
        return if is_cost { Ok(serde_json::json!({})) } else { Err(missing("/usage")) };
    };
    if !raw.get().starts_with('{') {
        return Err(FieldProblem::new("/usage", "wrong_type", "`usage` must be the provider's usage object."));
    }
    serde_json::from_str(raw.get()).map_err(|_| {
        FieldProblem::new("/usage", "invalid", "`usage` is nested too deeply or holds a number out of range.")
    })
}

fn status(raw: Raw<'_>) -> Result<Option<Status>, FieldProblem> {
    fields::text(raw, "/status")?.map(|word| word.parse()).transpose()
}

fn attempt(raw: Raw<'_>) -> Result<Option<u32>, FieldProblem> {
    let number = fields::whole(raw, "/attempt", u64::from(MAX_ATTEMPT))?;
    Ok(number.and_then(|number| u32::try_from(number).ok()))
}

fn tags(raw: Raw<'_>) -> Result<BTreeMap<String, String>, FieldProblem> {
    let Some(raw) = raw else { return Ok(BTreeMap::new()) };
    let entries: BTreeMap<String, Raw<'_>> = serde_json::from_str(raw.get())
        .map_err(|_| FieldProblem::new("/tags", "wrong_type", "`tags` must be an object of texts."))?;
    let mut tags = BTreeMap::new();
    for (key, value) in entries {
        // A tag without a value is no tag.
        if let Some(value) = fields::owned(value, "/tags")? {
            tags.insert(key, value);
        }
    }
    Ok(tags)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawCost<'a> {
    #[serde(borrow)]
    amount: Raw<'a>,
    currency: Raw<'a>,
}

fn reported_cost(raw: Raw<'_>) -> Result<Option<ReportedCost>, FieldProblem> {
    let Some(raw) = raw else { return Ok(None) };
    let wrong =
        || FieldProblem::new("/reported_cost", "wrong_type", "Use {\"amount\": \"0.0137\", \"currency\": \"USD\"}.");
    if !raw.get().starts_with('{') {
        return Err(wrong());
    }
    let cost: RawCost<'_> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
    let amount =
        fields::amount(cost.amount, "/reported_cost/amount")?.ok_or_else(|| missing("/reported_cost/amount"))?;
    let currency = required(cost.currency, "/reported_cost/currency")?;
    Ok(Some(ReportedCost { amount, currency }))
}
