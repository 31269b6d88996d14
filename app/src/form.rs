//! Forms: posted to a server function, which leads on, or back to the page with what is wrong.
//!
//! The browser posts the form; a layer of the server turns the answer into a redirect and a [`Flash`]: a cookie that lives for one page.
//! [`Posted`] reads it there: errors stand beside their fields, what was typed is still there, and a result that is shown once is shown.
//! To add a form: `let form = Posted::<MyServerFn>::here();`, `<form method="post" action=MyServerFn::url() class="form">`, and per field `error=form.error("name")` and `value=form.kept("name")`.

use crate::error::AppError;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How a form that was posted went, on its way to the page that the browser is sent back to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flash {
    /// Path of the server function.
    pub path: String,
    /// What it returned.
    pub outcome: Result<serde_json::Value, Problem>,
    /// What was typed, without secrets.
    pub kept: Vec<(String, String)>,
}

/// How the form of a server function went that was posted from this page a moment ago; blank on a fresh page.
pub struct Posted<S: ServerFn> {
    outcome: Option<Result<S::Output, Problem>>,
    kept: Vec<(String, String)>,
}

impl<S> Posted<S>
where
    S: ServerFn<Error = AppError>,
    S::Output: DeserializeOwned,
{
    /// As it came to the page that is being made.
    #[must_use]
    pub fn here() -> Self {
        let Some(Flash { outcome, kept, .. }) = flash_where(|path| path == S::PATH) else {
            return Self { outcome: None, kept: Vec::new() };
        };
        let outcome = match outcome {
            Ok(value) => serde_json::from_value(value).ok().map(Ok),
            Err(problem) => Some(Err(problem)),
        };
        Self { outcome, kept }
    }

    /// What is wrong with one field.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<String> {
        field_error(self.problem()?, field)
    }

    /// Everything that is wrong, for `FormErrors`.
    #[must_use]
    pub fn errors(&self) -> Vec<(String, String)> {
        self.problem().map(field_errors).unwrap_or_default()
    }

    /// What was typed into a field before the page came back; none on a fresh page.
    #[must_use]
    pub fn kept(&self, field: &str) -> Option<String> {
        self.kept.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone())
    }

    /// Everything that was chosen under one name.
    pub fn kept_all<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        self.kept.iter().filter(move |(name, _)| name == field).map(|(_, value)| value.as_str())
    }

    /// [`Posted::kept`], or else what stood there before.
    #[must_use]
    pub fn kept_or(&self, field: &str, before: &str) -> String {
        self.kept(field).unwrap_or_else(|| before.to_owned())
    }

    /// Whether a box was ticked when the page came back; `before` on a fresh page.
    #[must_use]
    pub fn kept_tick(&self, field: &str, before: bool) -> bool {
        if self.kept.is_empty() { before } else { self.kept(field).is_some() }
    }

    /// What it returned, if it went well.
    #[must_use]
    pub fn done(&self) -> Option<&S::Output> {
        self.outcome.as_ref()?.as_ref().ok()
    }

    fn problem(&self) -> Option<&Problem> {
        self.outcome.as_ref()?.as_ref().err()
    }
}

/// Fields that are sent and not seen.
pub fn hidden<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> AnyView {
    let field = |(name, value): (&str, &str)| {
        view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> }
    };
    fields.into_iter().map(field).collect_view().into_any()
}

/// What is wrong with a form whose file came to this path, or below it.
#[derive(Clone, Debug, Default)]
pub struct FileErrors(Option<Problem>);

impl FileErrors {
    /// What went wrong with the file that was posted last.
    #[must_use]
    pub fn posted_to(path: &str) -> Self {
        Self(flash_where(|of| of.starts_with(path)).and_then(|flash| flash.outcome.err()))
    }

    /// What is wrong with one field.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<String> {
        field_error(self.0.as_ref()?, field)
    }

    /// Everything that is wrong, for `FormErrors`.
    #[must_use]
    pub fn all(&self) -> Vec<(String, String)> {
        self.0.as_ref().map(field_errors).unwrap_or_default()
    }
}

fn field_error(problem: &Problem, field: &str) -> Option<String> {
    problem.fields().iter().find(|wrong| wrong.pointer == field).map(|wrong| wrong.detail.clone())
}

/// Fields by name; what concerns no field comes first, without one.
fn field_errors(problem: &Problem) -> Vec<(String, String)> {
    if problem.fields().is_empty() {
        return vec![(String::new(), problem.detail())];
    }
    problem.fields().iter().map(|field| (field.pointer.clone(), field.detail.clone())).collect()
}

/// The flash that came with this request, if its path is wanted.
fn flash_where(wanted: impl Fn(&str) -> bool) -> Option<Flash> {
    let flash = with_context::<http::request::Parts, _>(|parts| parts.extensions.get::<Flash>().cloned()).flatten();
    flash.filter(|flash| wanted(&flash.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_without_fields_concerns_the_whole_form() {
        let whole = field_errors(&Problem::conflict("Taken."));
        assert_eq!(whole, [(String::new(), "Taken.".to_owned())]);
        let field = field_errors(&Problem::field("name", "required", "Enter a name."));
        assert_eq!(field, [("name".to_owned(), "Enter a name.".to_owned())]);
    }
}
