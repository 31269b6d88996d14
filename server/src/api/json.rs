//! JSON bodies of small requests, refused with a problem document that says why.

use crate::error::ApiError;
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::header;
use domain::problem::{FieldProblem, Problem};
use serde::de::DeserializeOwned;

/// Largest body; events have their own, larger limit.
const MAX_BYTES: usize = 64 * 1024;

/// A JSON body of at most 64 KiB. Unknown fields are the type's concern: `deny_unknown_fields`.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Self::Rejection> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_json = kind.parse::<mime::Mime>().is_ok_and(|kind| {
            kind.type_() == mime::APPLICATION && (kind.subtype() == mime::JSON || kind.suffix() == Some(mime::JSON))
        });
        if !is_json {
            let detail = "Send JSON with `Content-Type: application/json`.".to_owned();
            return Err(Problem::UnsupportedMedia { detail }.into());
        }
        let bytes: Bytes = to_bytes(request.into_body(), MAX_BYTES).await.map_err(|_| too_large())?;
        let unread = |detail| Problem::Invalid { detail, fields: vec![] };
        // Fields in an array would be taken in the order of our types.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(unread("Send a JSON object.".to_owned()).into());
        }
        let value =
            serde_json::from_slice(&bytes).map_err(|error| unread(format!("The body cannot be read: {error}.")))?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = ApiError;

    /// None where no type of a body is told.
    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Self::Rejection> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

fn too_large() -> Problem {
    Problem::TooLarge { detail: format!("A body has at most {} KiB.", MAX_BYTES / 1024) }
}

/// Field problems of JSON point into the body.
pub(crate) fn invalid(fields: Vec<FieldProblem>) -> Problem {
    // A form's `conditions[0][test]` is `/conditions/0/test` of the body.
    let pointer = |name: &str| format!("/{}", name.replace('[', "/").replace(']', ""));
    let pointed = fields.into_iter().map(|field| FieldProblem { pointer: pointer(&field.pointer), ..field });
    Problem::invalid(pointed.collect())
}

/// All things of an array of the body, or every wrong field of each.
pub(crate) fn each<F, T>(
    name: &str,
    forms: &[F],
    parse: impl Fn(&F) -> Result<T, Vec<FieldProblem>>,
) -> Result<Vec<T>, Problem> {
    if forms.is_empty() {
        return Err(Problem::field(format!("/{name}"), "required", "Send at least one."));
    }
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for (at, form) in forms.iter().enumerate() {
        let place = |field: FieldProblem| FieldProblem { pointer: format!("{name}/{at}/{}", field.pointer), ..field };
        match parse(form) {
            Ok(read) => all.push(read),
            Err(fields) => wrong.extend(fields.into_iter().map(place)),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(invalid(wrong)) }
}

/// Fields that a verb names, as pointers into the body below `within`.
pub(crate) fn pointed(within: &str, error: backend::Error) -> ApiError {
    match error {
        backend::Error::Problem(Problem::Invalid { fields, .. }) => {
            let of = |field: FieldProblem| FieldProblem { pointer: format!("{within}{}", field.pointer), ..field };
            invalid(fields.into_iter().map(of).collect()).into()
        }
        error => error.into(),
    }
}
