//! OTLP over HTTP (opentelemetry-proto 1.11, docs/specification.md): spans and log records that tell of a model's work.
//!
//! Both encodings are walked field by field over the bytes that came, and only attributes that are known by name are copied out of them.
//! So prompts are never even held, and a body cannot grow while it is read: decoded as whole messages, two bytes would become a hundred.
//!
//! * [`mod@spans`] decides which spans are calls of a model and which only repeat them.
//! * [`mod@logs`] knows the coding agents that report by log record.
//! * [`mod@usage`] finds what a span counted.
//! * [`attribute_keys`] has the names under which instrumentations write the same thing, [`log_keys`] those of coding agents; [`genai`] makes an event of them.

pub mod answer;
mod attribute_keys;
mod attributes;
mod genai;
mod json;
mod log_keys;
mod logs;
mod proto;
mod spans;
#[cfg(test)]
mod tests;
mod usage;

use super::IndexedEvents;
use attributes::Attributes;
use domain::problem::{FieldProblem, Problem};

/// Most spans or log records of one body.
const MAX_RECORDS: usize = 100_000;

/// How a body is written; it is answered in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// A span, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq)]
struct Span {
    /// Lower-case hex; empty where there is none.
    trace_id: String,
    span_id: String,
    parent_id: String,
    /// Nanoseconds since 1970; 0 where there is none.
    start: u64,
    end: u64,
    /// Whether its status is `ERROR`.
    failed: bool,
    /// Name of the instrumentation.
    scope: String,
    /// Its own attributes before its resource's.
    attributes: Attributes,
}

/// A log record, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq)]
struct Log {
    /// Nanoseconds since 1970; 0 where there is none.
    at: u64,
    /// Name of the event, where the record has one, or its body where that is a text.
    name: String,
    attributes: Attributes,
}

/// What a request tells.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// Calls, and what looks like calls and cannot be recorded, each with its place.
    pub events: IndexedEvents,
    /// How many records were passed over because others of the same request tell the same.
    pub repeating: usize,
}

/// A record in its place; one that cannot be read is none.
type Records<T> = Vec<Option<T>>;

/// Reads the spans of a request.
///
/// # Errors
/// [`Problem::Invalid`] when the body is not of this encoding, [`Problem::TooLarge`] above 100,000 spans.
pub fn traces(body: &[u8], encoding: Encoding) -> Result<Read, Problem> {
    let spans = match encoding {
        Encoding::Protobuf => proto::spans(body)?,
        Encoding::Json => json::spans(body)?,
    };
    Ok(spans::read(spans))
}

/// Reads the log records of a request.
///
/// # Errors
/// As [`traces`].
pub fn logs(body: &[u8], encoding: Encoding) -> Result<Read, Problem> {
    let records = match encoding {
        Encoding::Protobuf => proto::logs(body)?,
        Encoding::Json => json::logs(body)?,
    };
    Ok(logs::read(&records))
}

/// Checks that a body may hold metrics. They repeat what spans and log records say, so none is read further.
///
/// # Errors
/// As [`traces`].
pub fn metrics(body: &[u8], encoding: Encoding) -> Result<(), Problem> {
    match encoding {
        Encoding::Protobuf => proto::metrics(body),
        Encoding::Json => json::metrics(body),
    }
}

fn malformed(encoding: &str) -> Problem {
    Problem::Invalid { detail: format!("The body is not an OTLP request in {encoding}."), fields: vec![] }
}

/// Adds a record, as long as there are not too many.
fn push<T>(records: &mut Records<T>, record: Option<T>) -> Result<(), Problem> {
    if records.len() == MAX_RECORDS {
        let detail = format!("Send at most {MAX_RECORDS} spans or log records in one request.");
        return Err(Problem::TooLarge { detail });
    }
    records.push(record);
    Ok(())
}

fn unreadable() -> FieldProblem {
    FieldProblem::new("", "invalid", "This span or log record cannot be read.")
}
