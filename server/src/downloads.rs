//! Files that a page offers to a signed-in member: the same rows as the API's, behind the session instead of a key.

use crate::api::csv;
use crate::caller::MemberCaller;
use crate::error::ApiError;
use crate::{AppState, Plain};
use axum::extract::{Path, Query, State};
use axum::http::Method;
use axum::response::Response;
use axum::routing::get;
use domain::price::page::PriceSearch;
use domain::problem::Problem;
use domain::spend::SpendQuery;
use domain::statement::{StatementKind, month_text, parse_month};
use serde::Deserialize;

/// All files.
pub(crate) fn routes() -> Vec<Plain> {
    vec![
        (Method::GET, "/o/{org}/explore.csv", get(explore)),
        (Method::GET, "/o/{org}/statements.csv", get(statements)),
        (Method::GET, "/o/{org}/events.csv", get(events)),
        (Method::GET, "/o/{org}/prices.csv", get(prices)),
    ]
}

async fn explore(
    caller: MemberCaller,
    State(state): State<AppState>,
    Path(org): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let query = SpendQuery::from_pairs(&pairs)?;
    let answer = backend::spend::query(&state.backend, &caller.scope, &query).await?;
    Ok(csv::respond(&format!("{org}-spend.csv"), answer.csv(&query)?))
}

async fn events(
    caller: MemberCaller,
    State(state): State<AppState>,
    Path(org): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let query = app::events::api::asked(&state.backend, &caller.scope, &pairs)?;
    Ok(csv::respond(&format!("{org}-events.csv"), backend::events::csv(&state.backend, &caller.scope, &query).await?))
}

async fn prices(
    caller: MemberCaller,
    State(state): State<AppState>,
    Path(org): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let search = PriceSearch::from_pairs(&pairs)?;
    let text = backend::prices::browse::csv(&state.backend, &caller.scope, &search).await?;
    Ok(csv::respond(&format!("{org}-prices.csv"), text))
}

/// Which statements: all of a month, or one team's or project's.
#[derive(Debug, Deserialize)]
struct Which {
    month: String,
    kind: Option<String>,
    slug: Option<String>,
}

async fn statements(
    caller: MemberCaller,
    State(state): State<AppState>,
    Path(org): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    let month = parse_month(&which.month)?;
    let (backend, scope, text) = (&state.backend, &caller.scope, month_text(month.from));
    let (name, statement) = match (which.kind, which.slug) {
        (Some(kind), Some(slug)) => {
            let kind: StatementKind = kind.parse()?;
            let (owner, statement) = backend::statements::one(backend, scope, month, kind, &slug).await?;
            (format!("{org}-{}-{text}.csv", owner.slug), statement)
        }
        (None, None) => (format!("{org}-{text}.csv"), backend::statements::month(backend, scope, month, true).await?),
        _ => return Err(Problem::field("kind", "required", "Give `kind` and `slug` together, or neither.").into()),
    };
    Ok(csv::respond(&name, statement.csv()))
}
