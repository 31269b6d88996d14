//! Quotes: what usage would cost with the organization's prices, without recording it.

use crate::{Backend, Error, OrgScope};
use domain::identity::Permission;
use domain::problem::Problem;
use domain::quote::{MAX_QUOTES, Quote, quote_json, quote_line};
use serde_json::Value;

/// Answers every question of a body: one object, an array, `{"quotes": […]}`, or with `lines` one object per line.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Problem::Invalid`] when the body has none of these forms, [`Problem::TooLarge`] beyond [`MAX_QUOTES`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn quotes(backend: &Backend, scope: &OrgScope, body: &[u8], lines: bool) -> Result<Vec<Quote>, Error> {
    scope.require(Permission::Read)?;
    let held = super::books(backend, scope).await?;
    let (books, now) = (held.books(), backend.clock.now());
    if lines {
        let text = std::str::from_utf8(body).map_err(|_| unreadable("it is not UTF-8"))?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        limited(lines.len())?;
        return Ok(lines.into_iter().map(|line| quote_line(books, line, now)).collect());
    }
    let questions = questions(serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?);
    limited(questions.len())?;
    Ok(questions.into_iter().map(|question| quote_json(books, question, now)).collect())
}

fn questions(body: Value) -> Vec<Value> {
    match body {
        Value::Array(questions) => questions,
        Value::Object(mut fields) if matches!(fields.get("quotes"), Some(Value::Array(_))) => {
            fields.remove("quotes").map(questions).unwrap_or_default()
        }
        one => vec![one],
    }
}

fn limited(questions: usize) -> Result<(), Problem> {
    if questions > MAX_QUOTES {
        return Err(Problem::TooLarge { detail: format!("Ask for at most {MAX_QUOTES} quotes at once.") });
    }
    Ok(())
}

fn unreadable(why: &str) -> Problem {
    Problem::Invalid { detail: format!("The body cannot be read: {why}."), fields: vec![] }
}
