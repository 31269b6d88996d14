//! Events that could not be taken, with as much as can be said of them.

use super::{EventInput, TraceSpan};
use crate::problem::FieldProblem;

/// Who and what a refused event was about, as far as that could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// The sender's id.
    pub id: Option<String>,
    /// Project as sent.
    pub project: Option<String>,
    /// Provider as sent.
    pub provider: Option<String>,
    /// Model as sent.
    pub model: Option<String>,
}

impl Sender {
    /// All of an event that was read.
    #[must_use]
    pub fn of(event: &EventInput) -> Self {
        Self {
            id: event.id.clone(),
            project: event.project.clone(),
            provider: Some(event.provider.clone()),
            model: Some(event.model.clone()),
        }
    }
}

/// An event that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What it was about.
    pub sender: Sender,
    /// What was wrong; never repeats what was sent.
    pub problem: FieldProblem,
    /// Where it stands in a trace, where that is known: what only repeats recorded calls is no refusal.
    pub span: Option<Box<TraceSpan>>,
}

/// An event as a foreign format was read: refused ones are few and large.
pub type ParsedEvent = Result<EventInput, Box<Rejection>>;

impl Rejection {
    /// One of which nothing could be read.
    #[must_use]
    pub fn unread(problem: FieldProblem) -> Box<Self> {
        Self::about(Sender::default(), problem)
    }

    /// One of which this could be read.
    #[must_use]
    pub fn about(sender: Sender, problem: FieldProblem) -> Box<Self> {
        Box::new(Self { sender, problem, span: None })
    }

    /// One that was read.
    #[must_use]
    pub fn of(event: &EventInput, problem: FieldProblem) -> Box<Self> {
        Box::new(Self { sender: Sender::of(event), problem, span: event.span.clone() })
    }
}
