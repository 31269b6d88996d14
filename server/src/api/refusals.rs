//! The answers that refuse, described in one place: by the scope that an operation declares, its body and its parameters.
//!
//! An operation describes only what it refuses for reasons of its own; that stands where both say something.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

/// Describes refusals of every operation.
pub(super) struct Refusals;

impl utoipa::Modify for Refusals {
    fn modify(&self, openapi: &mut OpenApi) {
        for (path, item) in &mut openapi.paths.paths {
            let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                for (status, description) in refusals(path, operation) {
                    let response = || RefOr::T(refusal(status, description));
                    operation.responses.responses.entry(status.to_owned()).or_insert_with(response);
                }
            }
        }
    }
}

/// The scope that an operation asks of a key.
fn scope(operation: &Operation) -> Option<String> {
    let security = serde_json::to_value(operation.security.as_ref()?).ok()?;
    Some(security[0]["api_key"][0].as_str()?.to_owned())
}

fn refusals(path: &str, operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let has_body = operation.request_body.is_some();
    let is_query =
        |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(one) if one.parameter_in == ParameterIn::Query);
    let has_query = operation.parameters.iter().flatten().any(is_query);
    let mut all = vec![
        ("401", "The API key is missing, unknown, expired or revoked."),
        ("408", "The body came too slowly."),
        (
            "429",
            "The key has made too many requests; `RateLimit` says how many are left. Send the same again after `Retry-After`.",
        ),
        ("503", "Too much is waiting, or the database is away. Send the same again after `Retry-After`."),
    ];
    all.extend(match scope(operation).as_deref() {
        Some("read") => Some(("403", "The key lacks the scope `read`.")),
        Some("ingest") => Some(("403", "The key lacks the scope `ingest`.")),
        Some("admin") => Some(("403", "The key lacks the scope `admin` or is bound to one project.")),
        _ => None,
    });
    if path.contains('{') {
        all.push(("404", "There is none, or it belongs to what the key does not see."));
    }
    if has_body {
        all.push(("400", "The body cannot be read, or a field is wrong; `errors` names every one."));
        all.push(("413", "The body is too large: it has at most 64 KiB."));
        all.push(("415", "The body has another content type or encoding."));
    } else if has_query {
        all.push(("400", "A parameter is wrong; `errors` names every one."));
    }
    all
}

fn refusal(status: &str, description: &str) -> Response {
    let document = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDocument"))).build();
    let response = ResponseBuilder::new().description(description).content("application/problem+json", document);
    let waits = matches!(status, "429" | "503");
    let response = if waits { response.header("Retry-After", HeaderBuilder::new().build()) } else { response };
    response.build()
}
