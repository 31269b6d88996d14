//! Errors that cross the wire between a server function and its page.

use crate::ui::{Button, ErrorState};
use domain::problem::Problem;
use leptos::prelude::*;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A [`Problem`] on its way to a page. It holds nothing internal: it is printed into the page's source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError(pub Problem);

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for AppError {}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::of(Problem::Invalid {
                    detail: "The form was not complete. Load the page again.".to_owned(),
                    fields: vec![],
                })
            }
            _ => Self::of(Problem::Unavailable { retry_after_secs: 5 }),
        }
    }
}

impl AppError {
    /// The error for a problem; on the server it also sets the answer's status.
    #[must_use]
    pub fn of(problem: Problem) -> Self {
        set_status(&problem);
        Self(problem)
    }
}

impl From<Problem> for AppError {
    fn from(problem: Problem) -> Self {
        Self::of(problem)
    }
}

/// What stands on a page where its content could not be had.
#[component]
pub fn Failure(
    /// What was to be shown: "spend".
    #[prop(into, default = "page".to_owned())]
    what: String,
    /// Why it is not.
    error: AppError,
) -> impl IntoView {
    let title = match &error.0 {
        Problem::NotFound => "Not found".to_owned(),
        Problem::Unauthenticated => "You are signed out".to_owned(),
        Problem::Forbidden { .. } => "Your role does not allow this".to_owned(),
        Problem::Invalid { .. } | Problem::Unprocessable { .. } => format!("The {what} cannot be shown like this"),
        _ => format!("The {what} could not be read"),
    };
    let signed_out = error.0 == Problem::Unauthenticated;
    let text = if signed_out { "Sign in to go on.".to_owned() } else { error.0.detail() };
    view! {
        <ErrorState title=title text=text>
            {signed_out.then(|| view! { <Button href="/sign-in">"Sign in"</Button> })}
        </ErrorState>
    }
}

impl From<backend::Error> for AppError {
    fn from(error: backend::Error) -> Self {
        Self::of(error.into_problem())
    }
}

/// A server function's `Err` answers 500 unless the status is set here.
fn set_status(problem: &Problem) {
    use leptos::prelude::use_context;
    if let (Some(response), Ok(status)) =
        (use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(problem.status()))
    {
        // Whoever is sent elsewhere must get there, whatever else of the page failed.
        let redirects = response.0.read().is_ok_and(|parts| parts.status.is_some_and(|status| status.is_redirection()));
        if redirects {
            return;
        }
        response.set_status(status);
        if let Some(seconds) = problem.retry_after_secs() {
            response.insert_header(http::header::RETRY_AFTER, http::HeaderValue::from(seconds));
        }
    }
}
