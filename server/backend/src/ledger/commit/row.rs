//! An event as a row of `events`: the fields in the order of the `copy` statement in [`super::sql`].

use super::copy::CopyBuffer;
use crate::ledger::event::NewEvent;
use crate::ledger::receipt;

const EVENT_FIELDS: i16 = 48;

/// An event's row.
pub(crate) fn encode(event: &NewEvent) -> Vec<u8> {
    let mut row = CopyBuffer::with_capacity(1_024);
    write(&mut row, event);
    row.into_bytes()
}

fn write(row: &mut CopyBuffer, event: &NewEvent) {
    let sent = &event.sent;
    let booking = &event.booking;
    row.row(EVENT_FIELDS);
    row.uuid(event.org_id.0);
    row.uuid(event.event_key.0);
    row.timestamp(event.timestamp);
    row.timestamp(event.received_at);
    row.text(&event.id);
    row.uuid(event.project_id.0);
    row.uuid(event.key_id.0);
    row.int8(event.place.series_id);
    row.int8_array(&event.place.labels);
    row.text(&sent.provider);
    row.text(&sent.model);
    row.text(&event.operation);
    row.text(event.usage_format.as_str());
    row.jsonb(&event.usage_json);
    row.jsonb(&json(&event.meters));
    row.text_opt(sent.service_tier.as_deref());
    row.bool(sent.batch == Some(true));
    row.text_opt(sent.region.as_deref());
    row.text(event.status.as_str());
    row.int4(sent.attempt.and_then(|attempt| i32::try_from(attempt).ok()).unwrap_or(1));
    row.text_opt(sent.request_id.as_deref());
    row.text_opt(sent.interaction_id.as_deref());
    row.text_opt(sent.step.as_deref());
    row.text_opt(sent.session_id.as_deref());
    row.text_opt(sent.decision_id.as_deref());
    row.int8_opt(sent.latency_ms.and_then(|latency| i64::try_from(latency).ok()));
    row.int8_opt(sent.time_to_first_token_ms.and_then(|latency| i64::try_from(latency).ok()));
    row.bool_opt(sent.stream);
    row.text_opt(sent.finish_reason.as_deref());
    row.text_opt(sent.error_kind.as_deref());
    row.bool(sent.response_cache_hit == Some(true));
    row.text_opt(sent.input_hash.as_deref());
    row.text_opt(sent.feature.as_deref());
    row.text_opt(sent.environment.as_deref());
    row.text_opt(sent.customer.as_deref());
    row.text_opt(sent.user.as_deref());
    row.text_opt(sent.cohort.as_deref());
    row.jsonb(&json(&sent.tags));
    row.text_opt(sent.provider_response_id.as_deref());
    row.numeric_opt(sent.reported_cost.as_ref().map(|cost| domain::money::round_line(cost.amount)));
    row.text_opt(sent.reported_cost.as_ref().map(|cost| cost.currency.as_str()));
    row.numeric_opt(booking.cost);
    row.jsonb(&receipt::to_json(booking.lines.iter().map(Into::into)).to_string());
    row.text_opt(booking.priced_as.as_deref());
    row.text_opt(booking.unpriced_reason.as_deref());
    row.numeric_opt(booking.upper_bound);
    row.numeric_opt(booking.avoided_cost);
    row.int8(event.tokens());
}

fn json(value: &impl serde::Serialize) -> String {
    // Maps with text keys always have a JSON form.
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}
