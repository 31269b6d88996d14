//! Formats that users already send, each read into [`EventInput`]s: pure mappings without any I/O.
//!
//! * Only fields that are known by name are read: prompts and answers are dropped while the bytes are parsed.
//! * A bad item never spoils the others: it becomes a [`Rejection`] with its reason, for the rejected list.
//! * What identifies and labels a call is fitted into our limits rather than refused: a paid call counts, however long its labels are.
//! * Ids are a function of what was sent, so that a repetition is a duplicate.
//!
//! To add a format: a file here that makes [`ParsedEvent`]s of a body, a route in `api/ingest`, its client in the tests.

pub mod cloudevents;
pub mod endpoint;
pub mod fit;
pub mod litellm;
pub mod names;
pub mod otlp;
mod raw;

pub use domain::event::{EventInput, ParsedEvent, Rejection};

/// Items of a body that were read, each with its place; items that are no calls of a model are left out.
pub type IndexedEvents = Vec<(u32, ParsedEvent)>;
