//! What can go wrong, as a person or a program outside may know it.
//!
//! A [`Problem`] holds nothing internal: it is printed into pages and JSON as it is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing wrong with one field of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// The field: a form field's name, or a JSON pointer such as `/usage/input_tokens`.
    pub pointer: String,
    /// A stable word for programs, such as `required` or `too_long`.
    pub code: String,
    /// One plain sentence for people.
    pub detail: String,
}

impl FieldProblem {
    /// A problem with the field at `pointer`.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: detail.into() }
    }
}

/// Why a request could not be answered as asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Problem {
    /// Input that cannot be taken; every wrong field is named.
    Invalid {
        /// One plain sentence.
        detail: String,
        /// The fields.
        fields: Vec<FieldProblem>,
    },
    /// Nobody is signed in, or the key is not valid.
    Unauthenticated,
    /// Known caller without the permission, where existence is no secret.
    Forbidden {
        /// What would be needed.
        detail: String,
    },
    /// Does not exist, or must not be known to exist.
    NotFound,
    /// The state of things forbids it, for example a name that is taken.
    Conflict {
        /// One plain sentence.
        detail: String,
    },
    /// Well-formed, but a combination that cannot be answered.
    Unprocessable {
        /// One plain sentence.
        detail: String,
    },
    /// The body came too slowly.
    TooSlow,
    /// Larger than allowed.
    TooLarge {
        /// The limit, in words.
        detail: String,
    },
    /// A content type or encoding that is not understood.
    UnsupportedMedia {
        /// What is understood.
        detail: String,
    },
    /// Too many requests.
    RateLimited {
        /// Seconds after which another try may succeed.
        retry_after_secs: u32,
    },
    /// Overloaded or a part is away; nothing was recorded.
    Unavailable {
        /// Seconds after which another try may succeed.
        retry_after_secs: u32,
    },
    /// The connection to the database was lost while it committed: what was sent may be recorded or not.
    OutcomeUnknown {
        /// Seconds after which the same request may be sent again.
        retry_after_secs: u32,
    },
    /// Our fault; the log has the details under this id.
    Internal {
        /// What support needs to find the log line.
        error_id: String,
    },
}

impl Problem {
    /// Invalid input with the given field problems.
    #[must_use]
    pub fn invalid(fields: Vec<FieldProblem>) -> Self {
        let detail = fields.first().map_or_else(|| "The input is not valid.".to_owned(), |field| field.detail.clone());
        Self::Invalid { detail, fields }
    }

    /// Invalid input in one field.
    pub fn field(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldProblem::new(pointer, code, detail)])
    }

    /// The same where the fields belong to a part of a form: `part[field]`. Those that stand beside the part keep their names.
    #[must_use]
    pub fn within(self, part: &str, beside: &[&str]) -> Self {
        let Self::Invalid { detail, fields } = self else { return self };
        let of = |field: FieldProblem| match beside.contains(&field.pointer.as_str()) {
            true => field,
            false => FieldProblem { pointer: format!("{part}[{}]", field.pointer), ..field },
        };
        Self::Invalid { detail, fields: fields.into_iter().map(of).collect() }
    }

    /// A conflict with the present state.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::Conflict { detail: detail.into() }
    }

    /// The HTTP status that says the same: the only place that maps one to the other.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Invalid { .. } => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden { .. } => 403,
            Self::NotFound => 404,
            Self::TooSlow => 408,
            Self::Conflict { .. } => 409,
            Self::TooLarge { .. } => 413,
            Self::UnsupportedMedia { .. } => 415,
            Self::Unprocessable { .. } => 422,
            Self::RateLimited { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Unavailable { .. } | Self::OutcomeUnknown { .. } => 503,
        }
    }

    /// A stable word: part of the problem type's address and of redirects after a form.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::TooSlow => "too_slow",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedMedia { .. } => "unsupported_media",
            Self::Unprocessable { .. } => "unprocessable",
            Self::RateLimited { .. } => "rate_limited",
            Self::Internal { .. } => "internal",
            Self::Unavailable { .. } => "unavailable",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
        }
    }

    /// A short title, the same for every occurrence of this kind.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "The input is not valid",
            Self::Unauthenticated => "Sign-in or a valid API key is needed",
            Self::Forbidden { .. } => "Not permitted",
            Self::NotFound => "Not found",
            Self::Conflict { .. } => "In conflict with the present state",
            Self::TooSlow => "Too slow",
            Self::TooLarge { .. } => "Too large",
            Self::UnsupportedMedia { .. } => "Content type not supported",
            Self::Unprocessable { .. } => "Cannot be answered",
            Self::RateLimited { .. } => "Too many requests",
            Self::Internal { .. } => "Something went wrong on our side",
            Self::Unavailable { .. } => "Not available at the moment",
            Self::OutcomeUnknown { .. } => "It is not known what was recorded",
        }
    }

    /// One plain sentence on what happened and what to do.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Invalid { detail, .. }
            | Self::Forbidden { detail }
            | Self::Conflict { detail }
            | Self::Unprocessable { detail }
            | Self::TooLarge { detail }
            | Self::UnsupportedMedia { detail } => detail.clone(),
            Self::Unauthenticated => "Sign in, or send a valid API key as `Authorization: Bearer …`.".to_owned(),
            Self::NotFound => "There is nothing here, or it is not yours to see.".to_owned(),
            Self::TooSlow => "The body came too slowly; nothing of it was recorded. Send it again.".to_owned(),
            Self::RateLimited { retry_after_secs } => {
                format!("Too many requests. Try again in {retry_after_secs} s.")
            }
            Self::Unavailable { retry_after_secs } => {
                format!("Nothing was recorded. Try again in {retry_after_secs} s.")
            }
            Self::OutcomeUnknown { retry_after_secs } => format!(
                "The connection to the database was lost while it committed. Send the same request again in {retry_after_secs} s: events with an id, or with the same Idempotency-Key, are recorded once."
            ),
            Self::Internal { error_id } => {
                format!("Nothing was lost on your side. Our log knows it as {error_id}.")
            }
        }
    }

    /// Seconds after which the same may succeed, where only time is needed.
    #[must_use]
    pub const fn retry_after_secs(&self) -> Option<u32> {
        match self {
            Self::RateLimited { retry_after_secs }
            | Self::Unavailable { retry_after_secs }
            | Self::OutcomeUnknown { retry_after_secs } => Some(*retry_after_secs),
            _ => None,
        }
    }

    /// The problems of single fields, if any.
    #[must_use]
    pub fn fields(&self) -> &[FieldProblem] {
        match self {
            Self::Invalid { fields, .. } => fields,
            _ => &[],
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail())
    }
}

impl std::error::Error for Problem {}
