//! The limits of an event's fields, and the forms in which they are kept.
//!
//! No detail repeats a value: whatever was sent in a wrong place might be a prompt.

use chrono::{DateTime, Duration, Months, Utc};
use domain::event::{
    Aggregate, EventInput, MAX_AHEAD_MINUTES, MAX_ATTEMPT, MAX_BACK_YEARS, MAX_ID_LEN, MAX_LABEL_BYTES, MAX_LABEL_LEN,
    MAX_LATENCY_MS, MAX_REPORTED_COST, MAX_REQUESTS, MAX_TAG_KEY_BYTES, MAX_TAGS, ReportedCost,
};
use domain::meter::UsageFormat;
use domain::problem::FieldProblem;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// How long a text may be.
#[derive(Clone, Copy)]
struct Limit {
    chars: usize,
    bytes: usize,
}

const ID: Limit = Limit { chars: MAX_ID_LEN, bytes: MAX_ID_LEN * 4 };
const LABEL: Limit = Limit { chars: MAX_LABEL_LEN, bytes: MAX_LABEL_BYTES };

/// Checks every limit and brings the fields into the form in which they are hashed and stored: empty texts are missing. `usage` stays as it was sent, to be read as a whole first.
///
/// # Errors
/// The first field that cannot be taken.
pub(super) fn check(event: &mut EventInput, now: DateTime<Utc>) -> Result<(), FieldProblem> {
    let given_id = event.id.take();
    if given_id.as_deref() == Some("") {
        return Err(FieldProblem::new("/id", "required", "`id` is empty. Leave it out to have one generated."));
    }
    event.id = optional(given_id, "/id", ID)?;
    event.project = optional(event.project.take(), "/project", LABEL)?;
    named(&event.provider, "/provider")?;
    named(&event.model, "/model")?;
    texts(event)?;
    tags(&mut event.tags)?;
    if !event.usage.is_object() {
        return Err(FieldProblem::new("/usage", "wrong_type", "`usage` must be the provider's usage object."));
    }
    event.usage_format = optional(event.usage_format.take(), "/usage_format", LABEL)?;
    numbers(event)?;
    event.series = optional(event.series.take(), "/series", ID)?;
    if event.series.is_some() != (event.aggregate == Some(Aggregate::Cumulative)) {
        let detail =
            "`series` names whose running totals they are: send it with `aggregate`: `cumulative`, and only there.";
        return Err(FieldProblem::new("/series", "required", detail));
    }
    if let Some(cost) = &event.reported_cost {
        reported_cost(cost)?;
    }
    if let Some(timestamp) = event.timestamp {
        in_window(timestamp.to_utc(), now)?;
    }
    Ok(())
}

/// The format that is declared, the one that follows from provider and operation, or else the one whose own names the usage has.
///
/// # Errors
/// An unknown format, or none where neither tells it.
pub(super) fn usage_format(event: &EventInput, operation: &str) -> Result<UsageFormat, FieldProblem> {
    if let Some(declared) = &event.usage_format {
        return declared.parse();
    }
    let known = UsageFormat::default_for(&event.provider, operation);
    known.or_else(|| UsageFormat::by_shape(&event.usage, operation)).ok_or_else(|| {
        let detail =
            "Name the usage format: neither this provider with this operation nor the names in `usage` tell it.";
        FieldProblem::new("/usage_format", "required", format!("{detail} {}", UsageFormat::all_named()))
    })
}

fn texts(event: &mut EventInput) -> Result<(), FieldProblem> {
    let fields: [(&mut Option<String>, &str, Limit); 17] = [
        (&mut event.operation, "/operation", LABEL),
        (&mut event.service_tier, "/service_tier", LABEL),
        (&mut event.region, "/region", LABEL),
        (&mut event.request_id, "/request_id", ID),
        (&mut event.interaction_id, "/interaction_id", ID),
        (&mut event.step, "/step", LABEL),
        (&mut event.session_id, "/session_id", ID),
        (&mut event.decision_id, "/decision_id", ID),
        (&mut event.finish_reason, "/finish_reason", LABEL),
        (&mut event.error_kind, "/error_kind", LABEL),
        (&mut event.input_hash, "/input_hash", ID),
        (&mut event.feature, "/feature", LABEL),
        (&mut event.environment, "/environment", LABEL),
        (&mut event.customer, "/customer", LABEL),
        (&mut event.user, "/user", LABEL),
        (&mut event.cohort, "/cohort", LABEL),
        (&mut event.provider_response_id, "/provider_response_id", ID),
    ];
    for (field, pointer, limit) in fields {
        *field = optional(field.take(), pointer, limit)?;
    }
    Ok(())
}

fn optional(text: Option<String>, pointer: &str, limit: Limit) -> Result<Option<String>, FieldProblem> {
    match text {
        Some(text) if !text.is_empty() => within(&text, pointer, limit).map(|()| Some(text)),
        _ => Ok(None),
    }
}

fn named(text: &str, pointer: &str) -> Result<(), FieldProblem> {
    if text.is_empty() {
        return Err(FieldProblem::new(pointer, "required", format!("`{}` is empty.", &pointer[1..])));
    }
    within(text, pointer, LABEL)
}

fn within(text: &str, pointer: &str, limit: Limit) -> Result<(), FieldProblem> {
    if text.len() > limit.bytes || (text.len() > limit.chars && text.chars().count() > limit.chars) {
        let detail = format!("Use at most {} characters ({} bytes).", limit.chars, limit.bytes);
        return Err(FieldProblem::new(pointer, "too_long", detail));
    }
    if text.chars().any(char::is_control) {
        return Err(FieldProblem::new(pointer, "invalid_character", "Control characters are not allowed."));
    }
    Ok(())
}

/// Whether a text may stand in the rejected list: the same limits as for a label.
pub(super) fn is_presentable(text: &str) -> bool {
    !text.is_empty() && within(text, "", LABEL).is_ok()
}

fn tags(tags: &mut BTreeMap<String, String>) -> Result<(), FieldProblem> {
    if tags.len() > MAX_TAGS {
        return Err(FieldProblem::new("/tags", "too_many", format!("Use at most {MAX_TAGS} tags.")));
    }
    let key_limit = Limit { chars: MAX_TAG_KEY_BYTES, bytes: MAX_TAG_KEY_BYTES };
    for (key, value) in tags.iter() {
        if key.is_empty() {
            return Err(FieldProblem::new("/tags", "required", "A tag needs a name."));
        }
        within(key, "/tags", key_limit)?;
        within(value, &tag_pointer(key), LABEL)?;
    }
    tags.retain(|_, value| !value.is_empty());
    Ok(())
}

/// JSON pointer of a tag (RFC 6901, 3: `~` and `/` are escaped).
fn tag_pointer(key: &str) -> String {
    format!("/tags/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn numbers(event: &EventInput) -> Result<(), FieldProblem> {
    let ranged = |pointer: &str, number: Option<u64>, min: u64, max: u64| match number {
        Some(number) if number < min || number > max => {
            Err(FieldProblem::new(pointer, "out_of_range", format!("Use a whole number from {min} to {max}.")))
        }
        _ => Ok(()),
    };
    ranged("/attempt", event.attempt.map(u64::from), 1, u64::from(MAX_ATTEMPT))?;
    ranged("/latency_ms", event.latency_ms, 0, MAX_LATENCY_MS)?;
    ranged("/requests", event.requests, 1, MAX_REQUESTS)?;
    if event.requests.is_some() && event.aggregate.is_none() {
        let detail = "`requests` is the number of requests of a sum: send `aggregate` with it.";
        return Err(FieldProblem::new("/requests", "not_supported", detail));
    }
    ranged("/time_to_first_token_ms", event.time_to_first_token_ms, 0, MAX_LATENCY_MS)
}

fn reported_cost(cost: &ReportedCost) -> Result<(), FieldProblem> {
    if cost.currency != "USD" {
        return Err(FieldProblem::new("/reported_cost/currency", "not_supported", "Only USD is supported."));
    }
    if cost.amount < Decimal::ZERO || cost.amount > Decimal::from(MAX_REPORTED_COST) {
        let detail = format!("Use an amount from 0 to {MAX_REPORTED_COST}.");
        return Err(FieldProblem::new("/reported_cost/amount", "out_of_range", detail));
    }
    Ok(())
}

/// From ten years back to ten minutes ahead.
fn in_window(timestamp: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), FieldProblem> {
    let months = Months::new(MAX_BACK_YEARS.unsigned_abs() * 12);
    let earliest = now.checked_sub_months(months).unwrap_or(now);
    if timestamp < earliest {
        let detail = format!("The timestamp lies more than {MAX_BACK_YEARS} years back.");
        return Err(FieldProblem::new("/timestamp", "too_old", detail));
    }
    if timestamp > now + Duration::minutes(MAX_AHEAD_MINUTES) {
        let detail = format!("The timestamp lies more than {MAX_AHEAD_MINUTES} minutes ahead.");
        return Err(FieldProblem::new("/timestamp", "in_future", detail));
    }
    Ok(())
}
