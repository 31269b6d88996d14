//! `/v1/allocation` and `/v1/allocation-rules`: for whom usage counts.

use super::json::{Body, invalid};
use super::rules::{MadeDocument, RuleDocument, made};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use backend::allocation;
use chrono::{DateTime, NaiveDate, Utc};
use domain::allocation::{
    Account, Allocated, AllocationForm, AllocationPreview, AllocationRule, Amounts, Condition, Flow, Method, Party,
    RuleExplained, Share, Test,
};
use domain::money;
use domain::period::Period;
use domain::problem::Problem;
use domain::rule::History;
use domain::spend::{SpendQuery, SpendRange};
use domain::statement::month_text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(allocated))
        .routes(routes!(list, enter))
        .routes(routes!(preview))
        .routes(routes!(explain))
        .routes(routes!(reorder))
}

/// Sums that move together.
#[derive(Debug, Serialize, ToSchema)]
struct AmountsDocument {
    /// Decimal string with 12 places.
    #[schema(example = "12.345600000000")]
    spend: String,
    /// Attempts.
    requests: i64,
    /// All tokens.
    tokens: i64,
}

impl AmountsDocument {
    fn of(amounts: &Amounts) -> Self {
        let count = |number: i128| i64::try_from(number).unwrap_or(i64::MAX);
        Self { spend: money::exact(amounts.spend()), requests: count(amounts.requests), tokens: count(amounts.tokens) }
    }
}

/// Who has usage.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PartyDocument {
    /// `project`, `team` or `unallocated`; `others` for whom the key does not see.
    #[schema(example = "team")]
    kind: &'static str,
    /// Its short name; null for what is unallocated or others'.
    #[schema(example = "growth")]
    slug: Option<String>,
}

impl PartyDocument {
    pub(super) fn of(party: &Party) -> Self {
        Self { kind: party.kind(), slug: party.slug().map(str::to_owned) }
    }
}

/// What a team or project has: its own, plus what came, less what went.
#[derive(Debug, Serialize, ToSchema)]
struct AccountDocument {
    #[serde(flatten)]
    party: PartyDocument,
    /// What it used.
    own: AmountsDocument,
    /// What rules brought from others.
    came: AmountsDocument,
    /// What rules took to others.
    went: AmountsDocument,
    /// What it answers for.
    total: AmountsDocument,
}

impl AccountDocument {
    fn all(accounts: &[Account]) -> Vec<Self> {
        let of = |account: &Account| Self {
            party: PartyDocument::of(&account.party),
            own: AmountsDocument::of(&account.own),
            came: AmountsDocument::of(&account.came),
            went: AmountsDocument::of(&account.went),
            total: AmountsDocument::of(&account.total()),
        };
        accounts.iter().map(of).collect()
    }
}

/// What a rule moved.
#[derive(Debug, Serialize, ToSchema)]
struct FlowDocument {
    /// Number of the rule.
    rule_id: u64,
    /// Its name.
    rule: String,
    /// Who had it.
    from: PartyDocument,
    /// Whose team that was on those days.
    from_team: PartyDocument,
    /// Who has it now; a later rule may move it on.
    to: PartyDocument,
    /// Whose team that was.
    to_team: PartyDocument,
    #[serde(flatten)]
    amounts: AmountsDocument,
}

impl FlowDocument {
    fn all(flows: &[Flow]) -> Vec<Self> {
        let of = |flow: &Flow| Self {
            rule_id: flow.rule_id,
            rule: flow.rule.clone(),
            from: PartyDocument::of(&flow.from),
            from_team: PartyDocument::of(&flow.from_team),
            to: PartyDocument::of(&flow.to),
            to_team: PartyDocument::of(&flow.to_team),
            amounts: AmountsDocument::of(&flow.amounts),
        };
        flows.iter().map(of).collect()
    }
}

/// Who answers for what.
#[derive(Debug, Serialize, ToSchema)]
struct AllocationDocument {
    /// First day, in the organization's zone.
    from: NaiveDate,
    /// The day after the last.
    to: NaiveDate,
    /// ISO 4217 code.
    currency: String,
    /// IANA name of the organization's zone.
    time_zone: String,
    /// Everything.
    total: AmountsDocument,
    /// What somebody answers for.
    allocated: AmountsDocument,
    /// What nobody answers for; with `allocated` it adds up to `total`.
    unallocated: AmountsDocument,
    /// What most of the unallocated usage has in common; null where there is none, or only shares of shared cost.
    cause: Option<UnallocatedCauseDocument>,
    /// By team, the largest first; with `unallocated` they add up to `total`.
    teams: Vec<AccountDocument>,
    /// By project, and by team what is of none of its projects; with `unallocated` they add up to `total`.
    projects: Vec<AccountDocument>,
    /// What each rule moved from whom to whom, in the order of the rules.
    flows: Vec<FlowDocument>,
    /// Rules that split a month evenly, because none of their targets had used anything, or had a value of the metric.
    evenly: Vec<EvenlyDocument>,
}

/// What unallocated usage has in common.
#[derive(Debug, Serialize, ToSchema)]
struct UnallocatedCauseDocument {
    /// A dimension of `GET /v1/spend`.
    #[schema(example = "api_key")]
    dimension: String,
    /// Its value.
    value: String,
    #[serde(flatten)]
    amounts: AmountsDocument,
}

/// A split that had nothing to go by.
#[derive(Debug, Serialize, ToSchema)]
struct EvenlyDocument {
    /// Name of the rule.
    rule: String,
    /// The month.
    #[schema(example = "2026-11")]
    month: String,
}

impl AllocationDocument {
    fn of(allocated: &Allocated) -> Self {
        Self {
            from: allocated.period.from,
            to: allocated.period.to,
            currency: allocated.currency.clone(),
            time_zone: allocated.time_zone.clone(),
            total: AmountsDocument::of(&allocated.total),
            allocated: AmountsDocument::of(&allocated.allocated()),
            unallocated: AmountsDocument::of(&allocated.unallocated),
            cause: allocated.cause.as_ref().map(|cause| UnallocatedCauseDocument {
                dimension: cause.dimension.name(),
                value: cause.value.clone(),
                amounts: AmountsDocument::of(&cause.amounts),
            }),
            teams: AccountDocument::all(&allocated.teams),
            projects: AccountDocument::all(&allocated.projects),
            flows: FlowDocument::all(&allocated.flows),
            evenly: allocated
                .evenly
                .iter()
                .map(|(rule, month)| EvenlyDocument { rule: rule.clone(), month: month_text(*month) })
                .collect(),
        }
    }
}

/// The organization's allocation rules.
#[derive(Debug, Serialize, ToSchema)]
struct AllocationRulesDocument {
    /// Those that count, in the order in which they apply, then superseded ones.
    rules: Vec<RuleDocument<AllocationRuleDocument>>,
    /// How many more there are, which the list leaves out.
    more: u64,
}

/// A rule about who usage counts for.
#[derive(Debug, Serialize, ToSchema)]
struct AllocationRuleDocument {
    /// Its name; parts of other days have the same.
    name: String,
    /// Its place in the order; parts of one name share it.
    position: u32,
    /// The rule in one sentence.
    #[schema(example = "Usage where tag repo starts with web- counts for team growth.")]
    sentence: String,
    /// Which usage it takes: all hold.
    conditions: Vec<ConditionDocument>,
    /// What happens to it.
    method: Method,
    /// Whom it counts for, or among whom it is split.
    targets: Vec<TargetDocument>,
    /// The business metric that it splits by; null for other methods.
    #[schema(example = "tickets-resolved")]
    metric: Option<String>,
    /// First day, in the organization's zone; null for all time before too.
    valid_from: Option<NaiveDate>,
    /// The day after the last; null without an end date.
    valid_to: Option<NaiveDate>,
    /// Why.
    reason: String,
}

/// A condition of a rule.
#[derive(Debug, Serialize, ToSchema)]
struct ConditionDocument {
    /// A dimension of `GET /v1/spend`.
    #[schema(example = "tag.repo")]
    dimension: String,
    /// How its value is compared.
    test: Test,
    /// With what: any of these will do.
    values: Vec<String>,
}

/// Who gets usage.
#[derive(Debug, Serialize, ToSchema)]
struct TargetDocument {
    /// `project:` or `team:` and its short name.
    #[schema(example = "team:growth")]
    to: String,
    /// Its share in percent, where shares are fixed.
    #[schema(example = "60")]
    percent: Option<String>,
}

impl AllocationRuleDocument {
    fn of(rule: AllocationRule) -> Self {
        let day = |at: Option<DateTime<Utc>>| at.map(|at| at.date_naive());
        let condition = |condition: &Condition| ConditionDocument {
            dimension: condition.dimension.name(),
            test: condition.test,
            values: condition.values.clone(),
        };
        let target = |share: &Share| TargetDocument {
            to: share.target.to_string(),
            percent: share.percent.map(|percent| percent.normalize().to_string()),
        };
        Self {
            sentence: rule.sentence(),
            conditions: rule.conditions.iter().map(condition).collect(),
            targets: rule.among.iter().map(target).collect(),
            valid_from: day(rule.valid_from),
            valid_to: day(rule.valid_to),
            name: rule.name,
            position: rule.position,
            method: rule.method,
            metric: rule.metric,
            reason: rule.reason,
        }
    }
}

/// What a rule would change over the last twelve months.
#[derive(Debug, Serialize, ToSchema)]
struct AllocationPreviewDocument {
    /// What the rule would move.
    moved: AmountsDocument,
    /// By team and what is unallocated, the largest change first. The changes of a month add up to zero.
    changes: Vec<ChangeDocument>,
    /// Months that it would split evenly, because none of its targets had used anything, or had a value of the metric.
    #[schema(example = json!(["2026-11"]))]
    evenly: Vec<String>,
}

/// What changes for a team.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeDocument {
    #[serde(flatten)]
    party: PartyDocument,
    /// The oldest first; months without a change are left out.
    months: Vec<MonthChangeDocument>,
}

/// What changes in a month.
#[derive(Debug, Serialize, ToSchema)]
struct MonthChangeDocument {
    /// The month.
    #[schema(example = "2026-11")]
    month: String,
    #[serde(flatten)]
    amounts: AmountsDocument,
}

impl AllocationPreviewDocument {
    fn of(preview: &AllocationPreview) -> Self {
        let month = |(month, amounts): (&NaiveDate, &Amounts)| {
            let amounts = (!amounts.is_empty()).then(|| AmountsDocument::of(amounts))?;
            Some(MonthChangeDocument { month: month_text(*month), amounts })
        };
        let change = |(party, amounts): &(Party, Vec<Amounts>)| ChangeDocument {
            party: PartyDocument::of(party),
            months: preview.months.iter().zip(amounts).filter_map(month).collect(),
        };
        Self {
            moved: AmountsDocument::of(&preview.moved),
            changes: preview.changes.iter().map(change).collect(),
            evenly: preview.evenly.iter().map(|month| month_text(*month)).collect(),
        }
    }
}

/// What a rule did, down to what was used.
#[derive(Debug, Serialize, ToSchema)]
struct ExplanationDocument {
    /// From whom to whom it moved how much.
    flows: Vec<FlowDocument>,
    /// What it took, as it was used, the largest first.
    origins: Vec<OriginDocument>,
    /// What it took of shares that earlier rules had split.
    shares: AmountsDocument,
    /// What it moved, by day; with `origins` and `shares` it comes to the same.
    days: Vec<MovedDayDocument>,
    /// From whom to whom it moved how much of charges beside events, which are no part of the rest.
    charges: Vec<FlowDocument>,
}

/// Usage that a rule took.
#[derive(Debug, Serialize, ToSchema)]
struct OriginDocument {
    /// Short name of the project.
    project: String,
    /// Who sold the calls.
    provider: String,
    /// The model as sent.
    model: String,
    /// The feature; null where none was sent.
    feature: Option<String>,
    #[serde(flatten)]
    amounts: AmountsDocument,
}

/// What a rule moved on a day.
#[derive(Debug, Serialize, ToSchema)]
struct MovedDayDocument {
    /// The organization's day.
    day: NaiveDate,
    #[serde(flatten)]
    amounts: AmountsDocument,
}

impl ExplanationDocument {
    fn of(explained: &RuleExplained) -> Self {
        let origin = |origin: &domain::allocation::Origin| OriginDocument {
            project: origin.project.clone(),
            provider: origin.provider.clone(),
            model: origin.model.clone(),
            feature: Some(origin.feature.clone()).filter(|feature| !feature.is_empty()),
            amounts: AmountsDocument::of(&origin.amounts),
        };
        let day = |(day, amounts): &(NaiveDate, Amounts)| MovedDayDocument {
            day: *day,
            amounts: AmountsDocument::of(amounts),
        };
        Self {
            flows: FlowDocument::all(&explained.flows),
            origins: explained.origins.iter().map(origin).collect(),
            shares: AmountsDocument::of(&explained.shares),
            days: explained.days.iter().map(day).collect(),
            charges: FlowDocument::all(&explained.charges),
        }
    }
}

/// Where a rule goes in the order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    /// 1 is the first.
    #[schema(example = 1, minimum = 1)]
    place: usize,
}

/// The days that `from` and `to` name.
pub(super) fn days(pairs: &[(String, String)]) -> Result<Period, Problem> {
    if let Some((name, _)) = pairs.iter().find(|(name, _)| name != "from" && name != "to") {
        return Err(Problem::field(name, "unknown", format!("There is no parameter `{name}`.")));
    }
    match SpendQuery::from_pairs(pairs)?.range {
        SpendRange::Days { from, to } => Ok(Period { from, to }),
        SpendRange::Instants { .. } => Err(Problem::field("from", "invalid", "Use dates: rules hold for whole days.")),
    }
}

/// Tells who answers for what: every team's and project's own usage, what rules brought and took, and what is unallocated.
///
/// Sums are exact: own usage less what went plus what came is the total, and all totals with what is unallocated are the spend of `GET /v1/spend`. A split goes by what its targets used in the calendar month, so days of the present month move until it is over.
#[utoipa::path(
    get,
    path = "/v1/allocation",
    tag = "allocation",
    security(("api_key" = ["read"])),
    params(
        ("from" = NaiveDate, Query, description = "First day, in the organization's zone.", example = "2026-11-01"),
        ("to" = NaiveDate, Query, description = "The day after the last.", example = "2026-12-01")
    ),
    responses(
        (status = 200, description = "The allocation.", body = AllocationDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn allocated(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<AllocationDocument>, ApiError> {
    let allocated = allocation::allocated(&state.backend, &caller.scope, days(&pairs)?).await?;
    Ok(Json(AllocationDocument::of(&allocated)))
}

/// Lists the rules in the order in which they apply.
///
/// They are ended by `POST /v1/rules/{rule_id}/end` and undone by `POST /v1/rule-changes/{change_id}/undo`.
#[utoipa::path(
    get,
    path = "/v1/allocation-rules",
    tag = "allocation",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The rules.", body = AllocationRulesDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn list(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<AllocationRulesDocument>, ApiError> {
    let History { rows, more } = allocation::list(&state.backend, &caller.scope).await?;
    Ok(Json(AllocationRulesDocument { rules: RuleDocument::all(rows, AllocationRuleDocument::of), more }))
}

/// Enters a rule: after all others, or from its first day on in place of the one of its name. It holds at once, for days that are over too; no event and no price changes.
///
/// Usage that is re-labelled goes on to later rules as its new owner's. A share of split usage is taken again only by a later rule that takes a whole project (its only conditions are `project` `is`). Rules that go round in a circle are refused.
#[utoipa::path(
    post,
    path = "/v1/allocation-rules",
    tag = "allocation",
    security(("api_key" = ["admin"])),
    request_body = AllocationForm,
    responses(
        (status = 201, description = "It is entered.", body = MadeDocument)
    )
)]
async fn enter(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<AllocationForm>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let new = form.parse().map_err(invalid)?;
    Ok(made(allocation::enter(&state.backend, &caller.scope, &new).await?))
}

/// Says what a rule would change by team and month, over the last twelve months. Nothing is entered.
#[utoipa::path(
    post,
    path = "/v1/allocation-rules/preview",
    tag = "allocation",
    security(("api_key" = ["admin"])),
    request_body = AllocationForm,
    responses(
        (status = 200, description = "What it would change.", body = AllocationPreviewDocument)
    )
)]
async fn preview(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<AllocationForm>,
) -> Result<Json<AllocationPreviewDocument>, ApiError> {
    let new = form.parse().map_err(invalid)?;
    let preview = allocation::preview(&state.backend, &caller.scope, &new).await?;
    Ok(Json(AllocationPreviewDocument::of(&preview)))
}

/// Explains what a rule moved, down to project, model and feature of the usage that it took, and by day.
#[utoipa::path(
    get,
    path = "/v1/allocation-rules/{rule_id}/explanation",
    tag = "allocation",
    security(("api_key" = ["read"])),
    params(
        ("rule_id" = u64, Path, description = "Number of the rule."),
        ("from" = NaiveDate, Query, description = "First day, in the organization's zone.", example = "2026-11-01"),
        ("to" = NaiveDate, Query, description = "The day after the last.", example = "2026-12-01")
    ),
    responses(
        (status = 200, description = "The explanation.", body = ExplanationDocument)
    )
)]
async fn explain(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(rule_id): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<ExplanationDocument>, ApiError> {
    let rule_id = rule_id.parse().map_err(|_| Problem::NotFound)?;
    let explained = allocation::explain(&state.backend, &caller.scope, rule_id, days(&pairs)?).await?;
    Ok(Json(ExplanationDocument::of(&explained)))
}

/// Moves a rule to another place in the order, together with the parts of other days that have its name.
#[utoipa::path(
    post,
    path = "/v1/allocation-rules/{rule_id}/place",
    tag = "allocation",
    security(("api_key" = ["admin"])),
    params(("rule_id" = u64, Path, description = "Number of the rule.")),
    request_body = Place,
    responses(
        (status = 200, description = "It is moved. What is left of each rule has another number.", body = MadeDocument)
    )
)]
async fn reorder(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(rule_id): Path<String>,
    Body(Place { place }): Body<Place>,
) -> Result<Json<MadeDocument>, ApiError> {
    let rule_id = rule_id.parse().map_err(|_| Problem::NotFound)?;
    let change_id = allocation::reorder(&state.backend, &caller.scope, rule_id, place).await?;
    Ok(Json(MadeDocument { change_id }))
}
