//! `/v1/quotes`: price usage without recording it.

use super::body;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::quote::{Quote, QuoteAnswer, QuoteInput};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest body, after decompression.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(quote))
}

/// Usage to be priced.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described: bodies are taken apart question by question")]
enum QuotesBody {
    /// One question.
    One(Box<QuoteInput>),
    /// Several, 1,000 at most.
    Many(Vec<QuoteInput>),
    /// The same, wrapped.
    Wrapped {
        /// The questions.
        quotes: Vec<QuoteInput>,
    },
}

/// The answers, in the order of the questions.
#[derive(Serialize, ToSchema)]
struct QuotesDocument {
    /// One per question.
    quotes: Vec<Quote>,
}

/// Prices usage without recording it.
///
/// The body is one question, an array, `{"quotes": […]}`, or one question per line (`application/x-ndjson`); at most 1,000 questions and 2 MiB after decompression.
///
/// Each question is answered on its own: with `usd` and its `lines`, with the reason why it is `unpriced`, or with what is `invalid` about it.
/// Prices are those of the question's own time, the organization's own before everybody's; amounts are not rounded.
/// A line of a modifier (a regional uplift, a discount) has its `factor` and says what that adds to the lines of the price before it.
#[utoipa::path(
    post,
    path = "/v1/quotes",
    tag = "prices",
    security(("api_key" = ["read"])),
    request_body(
        content(
            (QuotesBody = "application/json", example = json!({"quotes": [{
                "name": "a", "provider": "anthropic", "model": "claude-sonnet-4-5-20250929", "at": "2026-11-20T09:41:07Z",
                "usage": {"input_tokens": 812, "cache_read_input_tokens": 20480, "output_tokens": 391}
            }]})),
            (String = "application/x-ndjson")
        )
    ),
    responses(
        (status = 200, description = "One answer per question.", body = QuotesDocument),
        (status = 207, description = "One answer per question, of which at least one is `invalid`.", body = QuotesDocument),
        (status = 400, description = "The body is not JSON in one of the four forms.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "More than 2 MiB after decompression, or more than 1,000 questions.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn quote(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<QuotesDocument>), ApiError> {
    let lines = body::is_lines(&headers)?;
    let bytes = body::read(body, MAX_BYTES).await?;
    let quotes = backend::prices::quotes(&state.backend, &caller.scope, &bytes, lines).await?;
    let all_read = quotes.iter().all(|quote| !matches!(quote.answer, QuoteAnswer::Invalid { .. }));
    let status = if all_read { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Ok((status, Json(QuotesDocument { quotes })))
}
