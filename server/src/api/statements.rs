//! `/v1/statements`: showback by month, and its review and close.

mod close;

use super::allocation::PartyDocument;
use super::csv;
use super::spend::ProvenanceDocument;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::allocation::{SharedLine, shared};
use domain::charge::{ChargeKind, ChargeLine, charged};
use domain::money;
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Provenance, Sums};
use domain::statement::{
    CostOwner, MarkupLine, MonthState, MonthStatement, ProjectStatement, Readiness, StatementLine, TeamStatement,
    month_text, parse_month,
};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(statements)).merge(close::router())
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
    /// A closed month is as it was closed.
    state: MonthState,
    /// Over all teams that the key sees.
    total: Total,
    /// How the usage is known, of all teams that the key sees.
    provenance: ProvenanceDocument,
    /// What moved in closed months and stands in this one, together: a decimal string with 12 places. No part of the total.
    #[schema(example = "3.100000000000")]
    adjusted: String,
    /// By falling total.
    teams: Vec<TeamDocument>,
    /// Charges of no team and no project.
    unallocated: Vec<ChargeLineDocument>,
    /// What moved in closed months and stands in this one.
    adjustments: Vec<close::EntryDocument>,
    /// What allocation rules made nobody's, and took from there.
    unallocated_shared: Vec<SharedLineDocument>,
    /// What nobody answers for: with the totals of teams it adds up to the total. Decimal string with 12 places.
    #[schema(example = "0.000000000000")]
    unallocated_total: String,
    /// How much of the month can be charged back as it stands; null for keys that see one project alone.
    chargeback_ready: Option<ReadinessDocument>,
}

/// How much of a month can be charged back as it stands: what is priced, allocated and undisputed. Shares are cut to tenths of a percent, and are 1 only where nothing is open.
#[derive(Debug, Serialize, ToSchema)]
struct ReadinessDocument {
    /// What is priced, allocated and undisputed, of what is known and `unpriced_at_most`.
    #[schema(example = "0.942")]
    share: String,
    /// What is priced, of what is known and `unpriced_at_most`.
    #[schema(example = "0.999")]
    priced: String,
    /// Requests with a price, of all requests.
    #[schema(example = "0.998")]
    priced_requests: String,
    /// What teams answer for, of what is known.
    #[schema(example = "0.943")]
    allocated: String,
    /// What nobody disputes, of what is known.
    #[schema(example = "1")]
    undisputed: String,
    /// Usage and charges whose cost is known, without adjustments of closed months: a decimal string with 12 places.
    #[schema(example = "5379.310000000000")]
    known: String,
    /// What usage without a price can have cost at most; zero where it is waived. Decimal string with 12 places.
    #[schema(example = "5.200000000000")]
    unpriced_at_most: String,
    /// Requests without a price; 0 where they are waived.
    unpriced_requests: i64,
    /// What nobody answers for: decimal string with 12 places.
    #[schema(example = "312.000000000000")]
    unallocated: String,
    /// What teams dispute without an answer yet: decimal string with 12 places.
    #[schema(example = "0.000000000000")]
    disputed: String,
    /// Disputes without an answer.
    open_disputes: usize,
}

impl From<&Readiness> for ReadinessDocument {
    fn from(ready: &Readiness) -> Self {
        let share = |share: Decimal| share.normalize().to_string();
        Self {
            share: share(ready.share()),
            priced: share(ready.priced()),
            priced_requests: share(ready.priced_requests()),
            allocated: share(ready.allocated()),
            undisputed: share(ready.undisputed()),
            known: money::exact(ready.known),
            unpriced_at_most: money::exact(ready.unpriced_at_most),
            unpriced_requests: ready.unpriced_requests,
            unallocated: money::exact(ready.unallocated),
            disputed: money::exact(ready.disputed),
            open_disputes: ready.open_disputes,
        }
    }
}

/// Sums of a team, project or month.
#[derive(Debug, Serialize, ToSchema)]
struct Total {
    /// Decimal string with 12 places.
    #[schema(example = "12.345600000000")]
    spend: String,
    /// Charges beside events: decimal string with 12 places. They are no part of the spend.
    #[schema(example = "2000.000000000000")]
    charged: String,
    /// What allocation rules brought of usage and charges, less what they took: decimal string with 12 places. It is no part of the spend.
    #[schema(example = "-3.500000000000")]
    shared: String,
    /// Spend, charges and what was shared, without markup: decimal string with 12 places.
    #[schema(example = "2008.845600000000")]
    total: String,
    /// What markup adds: decimal string with 12 places. It is no part of the total.
    #[schema(example = "100.442280000000")]
    markup: String,
    /// The total with markup: decimal string with 12 places.
    #[schema(example = "2109.287880000000")]
    total_with_markup: String,
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
    /// The markup in percent: a decimal string; null without one.
    #[schema(example = "5")]
    markup_percent: Option<String>,
    /// The projects it owned, each for the days on which it did.
    projects: Vec<ProjectDocument>,
    /// Its own charges, beside those of its projects; together they add up to `charged` exactly.
    charges: Vec<ChargeLineDocument>,
    /// What allocation rules brought to the team itself and took from it; with that of its projects it adds up to `shared` exactly.
    shared_lines: Vec<SharedLineDocument>,
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
    /// The markup in percent: a decimal string; null without one.
    #[schema(example = "5")]
    markup_percent: Option<String>,
    /// They add up to the spend exactly.
    lines: Vec<LineDocument>,
    /// Its charges, which add up to `charged` exactly.
    charges: Vec<ChargeLineDocument>,
    /// What allocation rules brought and took, which adds up to `shared` exactly.
    shared_lines: Vec<SharedLineDocument>,
}

/// What an allocation rule moved between whoever the statement is about and somebody else.
#[derive(Debug, Serialize, ToSchema)]
struct SharedLineDocument {
    /// Number of the rule, as `GET /v1/allocation-rules` gives it.
    rule_id: u64,
    /// Its name.
    rule: String,
    /// What it does; empty for a key of one project.
    #[schema(example = "is split by tokens of the month among project web, project api")]
    effect: String,
    /// From whom it came; null for what went.
    from: Option<PartyDocument>,
    /// To whom it went; null for what came.
    to: Option<PartyDocument>,
    /// Whether it is of charges beside events; else it is of usage.
    is_charge: bool,
    /// What came, or below zero what went: decimal string with 12 places.
    #[schema(example = "-3.500000000000")]
    amount: String,
}

impl SharedLineDocument {
    fn all(lines: Vec<SharedLine>) -> Vec<Self> {
        let of = |line: SharedLine| {
            let other = PartyDocument::of(&line.other);
            let (from, to) = if line.came { (Some(other), None) } else { (None, Some(other)) };
            let SharedLine { rule_id, rule, effect, is_charge, amount, .. } = line;
            Self { rule_id, rule, effect, from, to, is_charge, amount: money::exact(amount) }
        };
        lines.into_iter().map(of).collect()
    }
}

/// What of a charge stands on a statement.
#[derive(Debug, Serialize, ToSchema)]
struct ChargeLineDocument {
    /// The charge's number, as `GET /v1/charges` gives it.
    rule_id: u64,
    /// What it is for.
    kind: ChargeKind,
    /// What it says.
    description: String,
    /// Who charges it.
    provider: Option<String>,
    /// Where finance books it, if not under its owner's code.
    cost_centre: Option<String>,
    /// Its days on this statement.
    days: DaysDocument,
    /// What these cost: decimal string with 12 places.
    #[schema(example = "2000.000000000000")]
    amount: String,
}

/// A span of days of the organization's calendar.
#[derive(Debug, Serialize, ToSchema)]
struct DaysDocument {
    /// First day.
    from: chrono::NaiveDate,
    /// Day after the last one.
    to: chrono::NaiveDate,
}

impl ChargeLineDocument {
    fn all(lines: Vec<ChargeLine>) -> Vec<Self> {
        let of = |line: ChargeLine| {
            let Period { from, to } = line.days;
            Self {
                rule_id: line.charge_id,
                kind: line.kind,
                description: line.description,
                provider: line.provider,
                cost_centre: line.cost_centre,
                days: DaysDocument { from, to },
                amount: money::exact(line.amount),
            }
        };
        lines.into_iter().map(of).collect()
    }
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

impl Total {
    fn of(sums: &Sums, [charged, shared, markup]: [Decimal; 3]) -> Self {
        let total = sums.spend + charged + shared;
        Self {
            markup: money::exact(markup),
            total_with_markup: money::exact(total + markup),
            spend: money::exact(sums.spend),
            charged: money::exact(charged),
            shared: money::exact(shared),
            total: money::exact(total),
            requests: sums.requests,
            tokens: sums.tokens,
            unpriced_requests: sums.unpriced_requests,
        }
    }
}

fn percent(line: Option<&MarkupLine>) -> Option<String> {
    line.map(|line| line.percent.normalize().to_string())
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
        let markup = statement.markup.as_ref().map(|line| line.amount).unwrap_or_default();
        Self {
            total: Total::of(&statement.sums, [charged(&statement.charges), shared(&statement.shared), markup]),
            markup_percent: percent(statement.markup.as_ref()),
            charges: ChargeLineDocument::all(statement.charges),
            shared_lines: SharedLineDocument::all(statement.shared),
            project: statement.project.slug,
            name: statement.project.name,
            cost_centre: statement.project.cost_centre,
            lines: statement.lines.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TeamStatement> for TeamDocument {
    fn from(statement: TeamStatement) -> Self {
        let total = Total::of(&statement.sums, [statement.charged(), statement.shared(), statement.marked_up()]);
        let lines = statement.projects.iter().map(|project| &project.markup).chain([&statement.markup]);
        let markup_percent = percent(lines.flatten().next());
        let shared_lines = SharedLineDocument::all(statement.shared);
        let charges = ChargeLineDocument::all(statement.charges);
        let projects = statement.projects.into_iter().map(Into::into).collect();
        let (team, name, cost_centre) = match statement.team {
            Some(CostOwner { slug, name, cost_centre }) => (Some(slug), Some(name), cost_centre),
            None => (None, None, None),
        };
        Self { team, name, cost_centre, total, markup_percent, projects, charges, shared_lines }
    }
}

impl StatementsDocument {
    fn of(statement: MonthStatement, ready: Option<&Readiness>, known: Provenance) -> Self {
        Self {
            provenance: known.into(),
            chargeback_ready: ready.map(Into::into),
            month: month_text(statement.month.from),
            over: statement.is_over(),
            state: statement.state,
            adjusted: money::exact(statement.adjusted()),
            adjustments: close::EntryDocument::all(statement.month.from, &statement.adjustments),
            total: Total::of(&statement.total, [statement.charged(), statement.shared(), statement.marked_up()]),
            unallocated_total: money::exact(statement.unallocated()),
            unallocated_shared: SharedLineDocument::all(statement.unallocated_shared),
            currency: statement.currency,
            time_zone: statement.time_zone,
            teams: statement.teams.into_iter().map(Into::into).collect(),
            unallocated: ChargeLineDocument::all(statement.unallocated),
        }
    }
}

/// What every team and project owes for a month, with the lines behind each total.
///
/// Spend is the same sum that `GET /v1/spend` gives for the month; charges beside events stand beside it and are never part of it.
/// What allocation rules moved of either stands on lines of its own, at both ends: the totals of teams and what is unallocated add up to spend and charges. A key of one project sees no such lines, because they name other projects.
/// A markup is a line of its own (`GET /v1/markups`) and no part of spend, charges or `total`.
/// As CSV there is one row per line, so that the amounts add up to spend, charges, markup and adjustments together.
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
    let ready = backend::statements::readiness(&state.backend, &caller.scope, month).await?;
    let known = backend::spend::provenance(&state.backend, &caller.scope, month.into(), &statement.total).await?;
    Ok(Json(StatementsDocument::of(statement, ready.as_ref(), known)).into_response())
}
