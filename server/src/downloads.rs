//! Files that a page offers to a signed-in member: the same rows as the page's, behind the session instead of a key.

mod lists;

pub(crate) use lists::call_groups;

use crate::api::csv;
use crate::api::journal::JournalParameters;
use crate::caller::MemberCaller;
use crate::error::ApiError;
use crate::focus;
use crate::{AppState, Plain};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use backend::{Backend, OrgScope};
use domain::focus::query::FocusQuery;
use domain::price::page::PriceSearch;
use domain::problem::Problem;
use domain::spend::SpendQuery;
use domain::statement::{StatementKind, month_text, parse_month};
use serde::Deserialize;
use std::collections::HashMap;

/// The parameters of a page, decoded.
type Pairs = Vec<(String, String)>;

/// All files: each at its page's address with `.csv` behind it.
pub(crate) fn routes() -> Vec<Plain> {
    vec![
        (Method::GET, "/o/{org}/explore.csv", file("spend", explore)),
        (Method::GET, "/o/{org}/statements.csv", get(statements)),
        (Method::GET, "/o/{org}/statements/{month}/bundle.json", get(statement_bundle)),
        (Method::GET, "/o/{org}/statements/{month}/journal.csv", get(journal)),
        (Method::GET, "/o/{org}/exports/focus", get(focus_export)),
        (Method::GET, "/o/{org}/events.csv", file("events", events)),
        (Method::GET, "/o/{org}/events/unpriced.csv", file("unpriced", lists::unpriced)),
        (Method::GET, "/o/{org}/sessions.csv", file("sessions", lists::sessions)),
        (Method::GET, "/o/{org}/interactions.csv", file("interactions", lists::interactions)),
        (Method::GET, "/o/{org}/budgets.csv", file("budgets", lists::budgets)),
        (Method::GET, "/o/{org}/alerts.csv", file("alerts", lists::alerts)),
        (Method::GET, "/o/{org}/forecast.csv", file("forecast", lists::forecast)),
        (Method::GET, "/o/{org}/projects.csv", file("projects", lists::projects)),
        (Method::GET, "/o/{org}/charges.csv", file("charges", lists::charges)),
        (Method::GET, "/o/{org}/prices.csv", file("prices", prices)),
        (Method::GET, "/o/{org}/prices/own.csv", file("price-overrides", lists::price_overrides)),
        (Method::GET, "/o/{org}/settings/members.csv", file("members", lists::members)),
        (Method::GET, "/o/{org}/settings/keys.csv", file("api-keys", lists::keys)),
        (Method::GET, "/o/{org}/settings/audit.csv", file("audit-log", lists::audit)),
    ]
}

/// A file that follows from the page's parameters; downloaded as the organization's slug and this name.
fn file<F, Written>(name: &'static str, write: F) -> MethodRouter<AppState>
where
    F: Fn(Backend, OrgScope, Pairs) -> Written + Clone + Send + Sync + 'static,
    Written: Future<Output = Result<String, ApiError>> + Send,
{
    let answer = async move |caller: MemberCaller, State(state): State<AppState>, Path(path), Query(pairs)| {
        let path: HashMap<String, String> = path;
        let org = path.get("org").map(String::as_str).unwrap_or_default();
        Ok::<_, ApiError>(csv::respond(&format!("{org}-{name}.csv"), write(state.backend, caller.scope, pairs).await?))
    };
    get(answer)
}

async fn explore(backend: Backend, scope: OrgScope, pairs: Pairs) -> Result<String, ApiError> {
    let query = SpendQuery::from_pairs(&pairs)?;
    Ok(backend::spend::query(&backend, &scope, &query).await?.csv(&query)?)
}

async fn events(backend: Backend, scope: OrgScope, pairs: Pairs) -> Result<String, ApiError> {
    let query = app::events::api::asked(&backend, &scope, &pairs)?;
    Ok(backend::events::csv(&backend, &scope, &query).await?)
}

async fn prices(backend: Backend, scope: OrgScope, pairs: Pairs) -> Result<String, ApiError> {
    Ok(backend::prices::browse::csv(&backend, &scope, &PriceSearch::from_pairs(&pairs)?).await?)
}

async fn focus_export(
    caller: MemberCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, ApiError> {
    focus::respond(&state.backend, &caller.scope, &FocusQuery::from_pairs(&pairs)?).await
}

async fn journal(
    caller: MemberCaller,
    State(state): State<AppState>,
    Path((_, month)): Path<(String, String)>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, ApiError> {
    let asked = JournalParameters::of(pairs)?;
    let (month, (kind, preset)) = (parse_month(&month)?, asked.read()?);
    let (exported, files) = backend::journal::files(&state.backend, &caller.scope, month, (kind, preset)).await?;
    Ok(asked.respond(&exported, preset, files)?)
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

/// All versions of statements up to a month's last one, for `tallystick statement verify`.
async fn statement_bundle(
    caller: MemberCaller,
    State(state): State<AppState>,
    Path((org, month)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let month = parse_month(&month).map_err(|_| Problem::NotFound)?;
    let bundle = backend::statements::bundle(&state.backend, &caller.scope, month).await?;
    let name = format!("attachment; filename=\"{org}-statements-{}.json\"", month_text(month.from));
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(bundle)).into_response())
}
