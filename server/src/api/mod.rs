//! The public JSON API: one file per resource, its description from the same types.
//!
//! A handler takes [`crate::caller::ApiCaller`] first: there is no other way to a scope.
//! To add a resource: a file here with `pub(super) fn router() -> OpenApiRouter<AppState>`, its handlers described by `#[utoipa::path]`, a line in [`routes`], samples in `server/tests/suite/doors`.

mod allocation;
mod annotations;
mod billing_basis;
pub(crate) mod body;
mod budgets;
mod business_metrics;
mod charges;
mod contract;
mod cost_basis;
pub(crate) mod csv;
mod docs;
mod events;
mod exports;
pub(crate) mod ingest;
pub(crate) mod journal;
pub(crate) mod json;
mod labels;
mod markups;
mod modifiers;
mod organization;
mod own_prices;
mod price_imports;
mod prices;
mod product_lines;
mod quotes;
pub(crate) mod rates;
mod refusals;
mod rules;
mod runs;
mod scheduled_exports;
mod spend;
mod statement_mails;
mod statements;
mod views;

use crate::error::{ApiError, ProblemDocument};
use crate::{AppState, Plain};
use axum::extract::State;
use axum::http::Method;
use axum::routing::get;
use axum::{Json, Router};
use domain::budget::AlertFilter;
use domain::problem::Problem;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

/// The parts of the description that no handler carries.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tallystick",
        description = "Exact costs of large language models: send usage events, read spend, budgets and statements.\n\nMoney is a decimal string with 12 places. Times are RFC 3339. Every error is a problem document (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemDocument, AlertFilter, ingest::RpcStatus)),
    modifiers(&BearerKey),
    security(("api_key" = []))
)]
struct Description;

struct BearerKey;

impl utoipa::Modify for BearerKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.description = Some("An API key of the organization, made in Settings: `tally_live_…`.".to_owned());
        openapi.components.get_or_insert_default().add_security_scheme("api_key", SecurityScheme::Http(bearer));
    }
}

/// All operations of the API; and its description, its reference page and the answers to those who watch over the server.
pub(crate) fn routes() -> (Router<AppState>, Vec<Plain>) {
    let (routes, mut description) = OpenApiRouter::with_openapi(Description::openapi())
        .merge(events::router())
        .merge(ingest::router())
        .merge(spend::router())
        .merge(budgets::router())
        .merge(statements::router())
        .merge(journal::router())
        .merge(statement_mails::router())
        .merge(markups::router())
        .merge(exports::router())
        .merge(scheduled_exports::router())
        .merge(product_lines::router())
        .merge(labels::router())
        .merge(allocation::router())
        .merge(charges::router())
        .merge(business_metrics::router())
        .merge(prices::router())
        .merge(quotes::router())
        .merge(own_prices::router())
        .merge(rules::router())
        .merge(cost_basis::router())
        .merge(billing_basis::router())
        .merge(price_imports::router())
        .merge(modifiers::router())
        .merge(contract::router())
        .merge(runs::router())
        .merge(views::router())
        .merge(annotations::router())
        .merge(organization::router())
        .split_for_parts();
    events::UsageFormats.modify(&mut description);
    refusals::Refusals.modify(&mut description);
    ingest::Exports.modify(&mut description);
    let reference = docs::body(&description);
    let plain: Vec<Plain> = vec![
        (Method::GET, "/openapi.json", get(move || std::future::ready(Json(description.clone())))),
        (
            Method::GET,
            "/docs",
            get(move |State(state): State<AppState>| {
                std::future::ready(docs::respond(&reference, &state.files.names.sheet, &state.backend.public_url))
            }),
        ),
        (Method::GET, "/healthz", get(|| async { "ok" })),
        (Method::GET, "/readyz", get(ready)),
    ];
    let operations = body::unpacking(routes).layer(axum::middleware::from_fn(rates::tell));
    (operations.route("/v1/{*path}", axum::routing::any(not_found)), plain)
}

/// Ready when PostgreSQL answers, and not any more once this server was told to stop.
async fn ready(State(state): State<AppState>) -> Result<&'static str, ApiError> {
    if state.stopping.is_cancelled() {
        return Err(Problem::Unavailable { retry_after_secs: 5 }.into());
    }
    state.backend.ping().await?;
    Ok("ready")
}

/// What is not there is a problem document, not a page.
async fn not_found() -> ApiError {
    ApiError(Problem::NotFound)
}
