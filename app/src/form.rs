//! Forms that say the same with and without JavaScript.
//!
//! With it, an `ActionForm` calls its server function and shows what came back.
//! Without it, the browser posts the form; a layer of the server turns the answer into a redirect back and a [`Flash`]: a cookie that lives for one page.
//! [`use_form`] hides the difference: errors stand beside their fields, what was typed is still there, and a result that is shown once is shown.
//! To add a form: `let form = use_form::<MyServerFn>();` at the top of the component (never inside `Suspend`), `<ActionForm action=form.action attr:class="form">`, and per field `error=form.error("name")` and `value=form.kept("name")`.

use crate::error::AppError;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How a form that was posted without JavaScript went, on its way to the page that the browser is sent back to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flash {
    /// Path of the server function.
    pub path: String,
    /// What it returned.
    pub outcome: Result<serde_json::Value, Problem>,
    /// What was typed, without secrets.
    pub kept: Vec<(String, String)>,
}

/// A form and its server function.
pub struct Form<S>
where
    S: ServerFn + 'static,
    S::Output: 'static,
{
    /// For `<ActionForm action=…>`.
    pub action: ServerAction<S>,
    kept: StoredValue<Vec<(String, String)>>,
}

impl<S> Clone for Form<S>
where
    S: ServerFn + 'static,
    S::Output: 'static,
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Form<S>
where
    S: ServerFn + 'static,
    S::Output: 'static,
{
}

/// The form of a server function on this page.
#[must_use]
pub fn use_form<S>() -> Form<S>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: DeserializeOwned + Send + Sync + 'static,
{
    let flash = flash_where(|path| path == S::PATH);
    let action = ServerAction::<S>::new();
    let kept = match flash {
        Some(Flash { outcome, kept, .. }) => {
            let outcome = match outcome {
                Ok(value) => serde_json::from_value(value).ok().map(Ok),
                Err(problem) => Some(Err(AppError(problem))),
            };
            action.value().set(outcome);
            kept
        }
        None => Vec::new(),
    };
    Form { action, kept: StoredValue::new(kept) }
}

impl<S> Form<S>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    /// What is wrong with one field.
    #[must_use]
    pub fn error(self, field: impl Into<Cow<'static, str>>) -> Signal<Option<String>> {
        let field = field.into();
        Signal::derive(move || {
            self.problem()?.fields().iter().find(|wrong| wrong.pointer == field).map(|wrong| wrong.detail.clone())
        })
    }

    /// Everything that is wrong, for `FormErrors`.
    #[must_use]
    pub fn errors(self) -> Signal<Vec<(String, String)>> {
        Signal::derive(move || self.problem().map(|problem| field_errors(&problem)).unwrap_or_default())
    }

    /// What was typed into a field before the page came back; none on a fresh page.
    #[must_use]
    pub fn kept(self, field: &str) -> Option<String> {
        self.kept.with_value(|kept| kept.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone()))
    }

    /// [`Form::kept`], or else what stood there before.
    #[must_use]
    pub fn kept_or(self, field: &str, before: &str) -> String {
        self.kept(field).unwrap_or_else(|| before.to_owned())
    }

    /// Whether a box was ticked when the page came back; `before` on a fresh page.
    #[must_use]
    pub fn kept_tick(self, field: &str, before: bool) -> bool {
        if self.kept.with_value(Vec::is_empty) { before } else { self.kept(field).is_some() }
    }

    /// What the last attempt returned, if it went well.
    #[must_use]
    pub fn done(self) -> Signal<Option<S::Output>> {
        Signal::derive(move || self.action.value().get().and_then(Result::ok))
    }

    /// True while an attempt is under way.
    #[must_use]
    pub fn pending(self) -> Signal<bool> {
        let pending = self.action.pending();
        Signal::derive(move || pending.get())
    }

    fn problem(self) -> Option<Problem> {
        self.action.value().get().and_then(Result::err).map(|AppError(problem)| problem)
    }
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
        self.problem()?.fields().iter().find(|wrong| wrong.pointer == field).map(|wrong| wrong.detail.clone())
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
        self.0.as_ref()?.fields().iter().find(|wrong| wrong.pointer == field).map(|wrong| wrong.detail.clone())
    }

    /// Everything that is wrong, for `FormErrors`.
    #[must_use]
    pub fn all(&self) -> Signal<Vec<(String, String)>> {
        Signal::stored(self.0.as_ref().map(field_errors).unwrap_or_default())
    }
}

/// Fields by name; what concerns no field comes first, without one.
pub(crate) fn field_errors(problem: &Problem) -> Vec<(String, String)> {
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
