//! What an event has in common with many others, and the numbers that are its own.
//!
//! The shape is the event as it was sent, with a placeholder for each number of its own, and without the words of its own: those stand in columns, and those of its dimensions in its series and labels.

use super::numbers::{Reader, Writer};
use crate::ledger::event::NewEvent;
use chrono::DateTime;
use domain::event::{EventInput, ReportedCost, Totals};
use domain::meter::{Meter, Meters, UsageFormat};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A shape as it is interned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shape {
    sent: EventInput,
    /// Whose shape the usage has, as it was declared or follows.
    usage_format: String,
    /// The meters that were read from the usage.
    meters: Vec<Meter>,
    /// The totals from which it counts, where it has running ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted_from: Option<Totals>,
}

/// What a shape and an event's own numbers say of it.
pub(super) struct Shaped {
    /// The event as it was sent, without its own words.
    pub(super) sent: EventInput,
    pub(super) usage_format: UsageFormat,
    pub(super) meters: Meters,
    pub(super) counted_from: Option<Totals>,
}

impl Shape {
    /// The shape of an event, and its own numbers.
    pub(crate) fn of(event: &NewEvent) -> (Self, Vec<u8>) {
        let sent = &event.sent;
        let mut numbers = Writer::default();
        for number in [sent.attempt.map(u64::from), sent.latency_ms, sent.time_to_first_token_ms, sent.requests] {
            number.into_iter().for_each(|number| numbers.whole(number));
        }
        let shaped = EventInput {
            timestamp: sent.timestamp.map(|at| DateTime::UNIX_EPOCH.with_timezone(at.offset())),
            project: sent.project.clone(),
            operation: sent.operation.clone(),
            usage: skeleton(&sent.usage, &mut numbers),
            usage_format: sent.usage_format.clone(),
            service_tier: sent.service_tier.clone(),
            batch: sent.batch,
            region: sent.region.clone(),
            aggregate: sent.aggregate,
            requests: sent.requests.map(|_| 0),
            series: sent.series.as_ref().map(|series| {
                numbers.text(series);
                String::new()
            }),
            status: sent.status,
            attempt: sent.attempt.map(|_| 0),
            latency_ms: sent.latency_ms.map(|_| 0),
            time_to_first_token_ms: sent.time_to_first_token_ms.map(|_| 0),
            stream: sent.stream,
            finish_reason: sent.finish_reason.clone(),
            error_kind: sent.error_kind.clone(),
            response_cache_hit: sent.response_cache_hit,
            reported_cost: sent
                .reported_cost
                .as_ref()
                .map(|cost| ReportedCost { amount: Decimal::ZERO, currency: cost.currency.clone() }),
            ..EventInput::default()
        };
        event.meters.iter().for_each(|(_, quantity)| numbers.decimal(quantity));
        let meters = event.meters.iter().map(|(meter, _)| meter).collect();
        let counted_from = event.counted_from.as_ref().map(|totals| Totals {
            usage: skeleton(&totals.usage, &mut numbers),
            requests: totals.requests.inspect(|requests| numbers.whole(*requests)).map(|_| 0),
            reported_cost: totals.reported_cost.inspect(|cost| numbers.decimal(*cost)).map(|_| Decimal::ZERO),
        });
        let usage_format = event.usage_format.as_str().to_owned();
        (Self { sent: shaped, usage_format, meters, counted_from }, numbers.into_bytes())
    }

    /// What the shape says with an event's own numbers; none where they do not belong together.
    pub(super) fn with(&self, numbers: &[u8]) -> Option<Shaped> {
        let mut numbers = Reader(numbers);
        let mut sent = self.sent.clone();
        if let Some(attempt) = &mut sent.attempt {
            *attempt = u32::try_from(numbers.whole()?).ok()?;
        }
        let own = [&mut sent.latency_ms, &mut sent.time_to_first_token_ms, &mut sent.requests];
        for number in own.into_iter().flatten() {
            *number = numbers.whole()?;
        }
        fill(&mut sent.usage, &mut numbers)?;
        if let Some(series) = &mut sent.series {
            numbers.text()?.clone_into(series);
        }
        let quantities: Option<Vec<(Meter, Decimal)>> =
            self.meters.iter().map(|meter| Some((*meter, numbers.decimal()?))).collect();
        let usage_format = self.usage_format.parse().ok()?;
        let meters = quantities?.into_iter().collect();
        let mut counted_from = self.counted_from.clone();
        if let Some(totals) = &mut counted_from {
            fill(&mut totals.usage, &mut numbers)?;
            totals.requests = totals.requests.map(|_| numbers.whole().ok_or(())).transpose().ok()?;
            totals.reported_cost = totals.reported_cost.map(|_| numbers.decimal().ok_or(())).transpose().ok()?;
        }
        numbers.is_at_end().then_some(Shaped { sent, usage_format, meters, counted_from })
    }
}

/// A usage object with 0 for each number and 1 for each decimal that was written as a text, in the order of its keys.
fn skeleton(usage: &Value, numbers: &mut Writer) -> Value {
    match usage {
        Value::Number(number) => {
            numbers.json(number);
            Value::from(0)
        }
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            numbers.text(text);
            Value::from(1)
        }
        Value::Array(values) => values.iter().map(|value| skeleton(value, numbers)).collect(),
        Value::Object(fields) => {
            // Sorted here and not by the map: its order depends on a feature that any dependency can switch.
            let mut entries: Vec<_> = fields.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            let fields = entries.into_iter().map(|(key, value)| (key.clone(), skeleton(value, numbers)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        word @ (Value::Null | Value::Bool(_) | Value::String(_)) => word.clone(),
    }
}

/// The other way round.
fn fill(usage: &mut Value, numbers: &mut Reader<'_>) -> Option<()> {
    match usage {
        Value::Number(placeholder) => {
            *usage = match placeholder.as_u64()? {
                0 => Value::Number(numbers.json()?),
                _ => Value::from(numbers.text()?),
            };
            Some(())
        }
        Value::Array(values) => values.iter_mut().try_for_each(|value| fill(value, numbers)),
        Value::Object(fields) => {
            let mut entries: Vec<_> = fields.iter_mut().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            entries.into_iter().try_for_each(|(_, value)| fill(value, numbers))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Some(()),
    }
}
