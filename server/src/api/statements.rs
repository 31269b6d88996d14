//! `GET /v1/statements`: showback by month.

use super::csv;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::money;
use domain::problem::Problem;
use domain::spend::Sums;
use domain::statement::{
    CostOwner, MonthStatement, ProjectStatement, StatementLine, TeamStatement, month_text, parse_month,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(statements))
}

/// What every team and project owes for one month.
#[derive(Debug, Serialize, ToSchema)]
struct StatementsDocument {
    /// The month in the organization's zone.
    #[schema(example = "2026-11")]
    month: String,
    /// ISO 4217 code.
    currency: String,
    /// IANA name of the organization's zone.
    time_zone: String,
    /// Whether the month has ended; until then totals grow.
    over: bool,
    /// Over all teams that the key sees.
    total: Total,
    /// By falling spend.
    teams: Vec<TeamDocument>,
}

/// Sums of a team, project or month.
#[derive(Debug, Serialize, ToSchema)]
struct Total {
    /// Decimal string with 12 places.
    #[schema(example = "12.345600000000")]
    spend: String,
    /// Attempts.
    requests: i64,
    /// All tokens.
    tokens: i64,
    /// Attempts whose cost is not known; they are not part of the spend.
    unpriced_requests: i64,
}

/// One team's statement.
#[derive(Debug, Serialize, ToSchema)]
struct TeamDocument {
    /// Its short name; null where no owner is recorded.
    team: Option<String>,
    /// Its name.
    name: Option<String>,
    /// Its cost centre code.
    cost_centre: Option<String>,
    #[serde(flatten)]
    total: Total,
    /// The projects it owned, each for the days on which it did.
    projects: Vec<ProjectDocument>,
}

/// One project's part of a team's statement.
#[derive(Debug, Serialize, ToSchema)]
struct ProjectDocument {
    /// Its short name.
    project: String,
    /// Its name.
    name: String,
    /// Its cost centre code.
    cost_centre: Option<String>,
    #[serde(flatten)]
    total: Total,
    /// They add up to the spend exactly.
    lines: Vec<LineDocument>,
}

/// A line behind a project's total.
#[derive(Debug, Serialize, ToSchema)]
struct LineDocument {
    /// Who sells the model.
    provider: String,
    /// The model as sent.
    model: String,
    /// The meter; `unpriced` for requests without a price, `rest` for spend that no meter accounts for, `contract` for what a term of the contract took off or added, `adjusted` for what else moved since.
    meter: &'static str,
    /// Which term of the contract.
    term: Option<String>,
    /// What the quantity counts.
    unit: Option<&'static str>,
    /// How much of the meter was used: a decimal string.
    quantity: Option<String>,
    /// Requests that used it.
    requests: i64,
    /// Decimal string with 12 places; null where no price is known.
    amount: Option<String>,
    /// Amount over quantity: what `rate_per` units cost on average; a decimal string. Null for lines without a meter.
    rate: Option<String>,
    /// For how many units the rate is: a million tokens or characters, one of everything else.
    rate_per: Option<u64>,
}

impl From<&Sums> for Total {
    fn from(sums: &Sums) -> Self {
        Self {
            spend: money::exact(sums.spend),
            requests: sums.requests,
            tokens: sums.tokens,
            unpriced_requests: sums.unpriced_requests,
        }
    }
}

impl From<StatementLine> for LineDocument {
    fn from(line: StatementLine) -> Self {
        let rate = line.rate();
        Self {
            rate: rate.map(|(rate, _)| rate.normalize().to_string()),
            rate_per: rate.map(|(_, per)| per),
            meter: line.kind.as_str(),
            term: line.term,
            unit: line.kind.unit(),
            quantity: line.quantity.map(|quantity| quantity.normalize().to_string()),
            requests: line.requests,
            amount: line.amount.map(money::exact),
            provider: line.provider,
            model: line.model,
        }
    }
}

impl From<ProjectStatement> for ProjectDocument {
    fn from(statement: ProjectStatement) -> Self {
        Self {
            total: (&statement.sums).into(),
            project: statement.project.slug,
            name: statement.project.name,
            cost_centre: statement.project.cost_centre,
            lines: statement.lines.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TeamStatement> for TeamDocument {
    fn from(statement: TeamStatement) -> Self {
        let total = (&statement.sums).into();
        let projects = statement.projects.into_iter().map(Into::into).collect();
        let (team, name, cost_centre) = match statement.team {
            Some(CostOwner { slug, name, cost_centre }) => (Some(slug), Some(name), cost_centre),
            None => (None, None, None),
        };
        Self { team, name, cost_centre, total, projects }
    }
}

impl From<MonthStatement> for StatementsDocument {
    fn from(statement: MonthStatement) -> Self {
        Self {
            month: month_text(statement.month.from),
            over: statement.is_over(),
            total: (&statement.total).into(),
            currency: statement.currency,
            time_zone: statement.time_zone,
            teams: statement.teams.into_iter().map(Into::into).collect(),
        }
    }
}

/// What every team and project owes for a month, with the lines behind each total.
///
/// The totals are the same sums that `GET /v1/spend` gives for the month.
/// As CSV there is one row per line, so that the amounts add up to the total.
#[utoipa::path(
    get,
    path = "/v1/statements",
    tag = "statements",
    security(("api_key" = ["read"])),
    params(
        ("month" = String, Query, description = "A month of the organization's zone.", example = "2026-11"),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`; `Accept: text/csv` does the same.")
    ),
    responses(
        (status = 200, description = "The statements.", content((StatementsDocument = "application/json"), (String = "text/csv")))
    )
)]
async fn statements(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(mut pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let csv = csv::is_asked(&headers, &mut pairs)?;
    let month = match pairs.as_slice() {
        [(name, month)] if name == "month" => parse_month(month)?,
        _ => return Err(Problem::field("month", "required", "Give `month`, and nothing else but `format`.").into()),
    };
    let statement = backend::statements::month(&state.backend, &caller.scope, month, true).await?;
    if csv {
        let name = format!("statements-{}.csv", month_text(month.from));
        return Ok(csv::respond(&name, statement.csv()));
    }
    Ok(Json(StatementsDocument::from(statement)).into_response())
}
