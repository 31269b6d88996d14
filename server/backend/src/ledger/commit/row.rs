//! An event as a row of `events`: the fields in the order of [`COLUMNS`].

use super::arrays::{BOOL, BYTES, ColumnType, INT8, JSONB, NUMERIC, TEXT, TIMESTAMP, UUID};
use super::copy::CopyBuffer;
use crate::ledger::event::NewEvent;
use crate::ledger::known::{Entry, Known};
use crate::ledger::series::{Label, Series};
use crate::ledger::stored::{Plan, Shape};
use std::collections::BTreeMap;

impl NewEvent {
    /// Finds where it counts and makes its row: in the request's own task, because the committer's time is everybody's.
    pub(crate) fn settle(&mut self, known: &Known) {
        let (shape, numbers) = Shape::of(self);
        let (plan, quantities) = Plan::of(&self.booking, &self.meters);
        let series = Series::of((self.project_id, self.key_id), self.status, &self.operation, &self.sent);
        self.refs = known.resolve(
            series,
            (&self.sent, self.unread.as_deref()),
            [Entry::of("shape", &shape), Entry::of("plan", &plan)],
        );
        self.row = encode(self, &numbers, quantities.as_deref());
    }
}

/// The columns, in the order in which a row has them.
pub(super) const COLUMNS: [(&str, ColumnType); 23] = [
    ("org_id", UUID),
    ("event_key", UUID),
    ("received_at", TIMESTAMP),
    ("series_id", INT8),
    ("shape_id", INT8),
    ("plan_id", INT8),
    ("tokens", INT8),
    ("response_cache_hit", BOOL),
    ("cost", NUMERIC),
    ("upper_bound", NUMERIC),
    ("avoided_cost", NUMERIC),
    ("reported_cost", NUMERIC),
    ("labels", BYTES),
    ("numbers", BYTES),
    ("quantities", BYTES),
    ("id", TEXT),
    ("request_id", TEXT),
    ("interaction_id", TEXT),
    ("session_id", TEXT),
    ("decision_id", TEXT),
    ("provider_response_id", TEXT),
    ("input_hash", TEXT),
    ("words", JSONB),
];

/// An event's row, with the numbers that are its own and the quantities of its receipt.
pub(crate) fn encode(event: &NewEvent, numbers: &[u8], quantities: Option<&[u8]>) -> Vec<u8> {
    let sent = &event.sent;
    let booking = &event.booking;
    let mut row = CopyBuffer::with_capacity(512);
    row.row(COLUMNS.len());
    row.uuid(event.org_id.0);
    row.uuid(event.event_key.0);
    row.timestamp(event.received_at);
    row.int8(event.refs.series_id);
    row.int8(event.refs.shape_id);
    row.int8(event.refs.plan_id);
    row.int8(event.tokens());
    row.bool(sent.is_cache_hit());
    row.numeric_opt(booking.cost);
    row.numeric_opt(booking.upper_bound);
    row.numeric_opt(booking.avoided_cost);
    row.numeric_opt(sent.reported_cost.as_ref().map(|cost| cost.amount));
    let labels: Vec<u8> = event.refs.labels.iter().flat_map(|label| label.to_be_bytes()).collect();
    row.bytes_opt(Some(&labels[..]).filter(|labels| !labels.is_empty()));
    row.bytes_opt(Some(numbers));
    row.bytes_opt(quantities);
    row.text_opt(sent.id.as_deref());
    row.text_opt(sent.request_id.as_deref());
    row.text_opt(sent.interaction_id.as_deref());
    row.text_opt(sent.session_id.as_deref());
    row.text_opt(sent.decision_id.as_deref());
    row.text_opt(sent.provider_response_id.as_deref());
    row.text_opt(sent.input_hash.as_deref());
    row.jsonb_opt(event.refs.is_other.then(|| words(event)).as_deref());
    row.into_bytes()
}

/// The words of an event's dimensions as they were sent, by the names of the dimensions; that of its operation as it follows where none was sent.
fn words(event: &NewEvent) -> String {
    let sent = &event.sent;
    let own = [
        ("provider", Some(&sent.provider)),
        ("model", Some(&sent.model)),
        ("operation", Some(&event.operation)),
        ("feature", sent.feature.as_ref()),
        ("environment", sent.environment.as_ref()),
        ("cohort", sent.cohort.as_ref()),
        ("step", sent.step.as_ref()),
    ];
    let own = own.into_iter().filter_map(|(name, word)| Some((name.into(), word?.clone().into())));
    let words: BTreeMap<_, _> =
        own.chain(Label::of(sent, event.unread.as_deref()).map(|label| (label.label, label.value))).collect();
    // Maps with text keys always have a JSON form.
    serde_json::to_string(&words).unwrap_or_else(|_| "{}".to_owned())
}
