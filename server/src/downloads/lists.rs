//! The columns of lists, with the stable words of the API: amounts are decimal strings in US dollars, times are those of the organization's zone.

use super::Pairs;
use crate::error::ApiError;
use backend::audit::{self, AuditRow};
use backend::forecast::Part;
use backend::{Backend, OrgScope};
use chrono::{DateTime, SecondsFormat, TimeZone};
use domain::budget::{Alert, AlertFilter, BudgetState};
use domain::charge::{Charge, ChargePrice};
use domain::csv::{Column, list};
use domain::event::{CallGroup, CallGroupQuery, CallGroupRow, UnpricedRow};
use domain::forecast::{ForecastRow, MonthTotal};
use domain::identity::Member;
use domain::money::exact;
use domain::price::BookPrice;
use domain::problem::Problem;
use domain::project::{ApiKey, Project, ProjectLeaf, Slug, Team};
use domain::rule::Dated;
use domain::spend::Sums;
use rust_decimal::Decimal;
use serde::Serialize;
use std::fmt::Display;

/// Most rows of the alert history in one file.
const MAX_ALERTS: usize = 10_000;

fn some(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn time<Z: TimeZone<Offset: Display>>(at: DateTime<Z>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A choice as JSON has it.
fn word(choice: impl Serialize) -> String {
    serde_json::to_value(choice).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn words<T: Display>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
}

const BUDGETS: [Column<BudgetState>; 14] = [
    ("budget", |state| state.budget.name.clone()),
    ("scope", |state| state.budget.scope_ref.to_string()),
    ("month", |state| state.month.format("%Y-%m").to_string()),
    ("status", |state| word(state.status)),
    ("used", |state| exact(state.usage.used)),
    ("used_estimated", |state| exact(state.usage.estimate.amount)),
    ("used_upper_bound", |state| exact(state.usage.estimate.upper_bound)),
    ("unpriced_events", |state| state.usage.estimate.events.to_string()),
    ("amount", |state| exact(state.usage.amount)),
    ("currency", |_| "USD".to_owned()),
    ("forecast", |state| some(state.expected.map(|expected| exact(expected.point)))),
    ("probability_of_overrun", |state| some(state.expected.map(|expected| expected.chance_over))),
    ("exhaustion_date", |state| some(state.expected.and_then(|expected| expected.run_out))),
    ("thresholds_percent", |state| words(&state.budget.thresholds)),
];

pub(super) async fn budgets(backend: Backend, scope: OrgScope, _: Pairs) -> Result<String, ApiError> {
    Ok(list(backend::budgets::list(&backend, &scope).await?, &BUDGETS))
}

const ALERTS: [Column<Alert>; 13] = [
    ("triggered_at", |alert| time(alert.at)),
    ("budget", |alert| alert.budget_name.clone()),
    ("month", |alert| alert.month.format("%Y-%m").to_string()),
    ("thresholds_percent", |alert| words(&alert.thresholds)),
    ("used", |alert| exact(alert.spend)),
    ("used_estimated", |alert| exact(alert.estimate.amount)),
    ("used_upper_bound", |alert| exact(alert.estimate.upper_bound)),
    ("unpriced_events", |alert| alert.estimate.events.to_string()),
    ("amount", |alert| exact(alert.amount)),
    ("currency", |_| "USD".to_owned()),
    ("acknowledged_at", |alert| alert.acknowledged_at.map(time).unwrap_or_default()),
    ("acknowledged_by", |alert| alert.acknowledged_by.clone().unwrap_or_default()),
    ("note", |alert| alert.note.clone().unwrap_or_default()),
];

/// All pages of the alert history in the state that the page shows.
pub(super) async fn alerts(backend: Backend, scope: OrgScope, pairs: Pairs) -> Result<String, ApiError> {
    let state = pairs.iter().find(|(name, _)| name == "state").map(|(_, state)| state.parse::<AlertFilter>());
    let state = state.transpose().map_err(|wrong| Problem::invalid(vec![wrong]))?.unwrap_or_default();
    let (mut alerts, mut before) = (Vec::new(), None);
    loop {
        let page = backend::budgets::alerts(&backend, &scope, state, None, before).await?;
        alerts.extend(page.alerts);
        before = page.next;
        if before.is_none() || alerts.len() >= MAX_ALERTS {
            return Ok(list(alerts, &ALERTS));
        }
    }
}

type ForecastLine = (&'static str, ForecastRow);

fn total(row: &ForecastRow, of: fn(&MonthTotal) -> Option<String>) -> String {
    row.total.as_ref().ok().and_then(of).unwrap_or_default()
}

const FORECAST: [Column<ForecastLine>; 9] = [
    (
        "scope",
        |(scope, row)| if *scope == "organization" { (*scope).to_owned() } else { format!("{scope}:{}", row.slug) },
    ),
    ("name", |(_, row)| row.name.clone()),
    ("month_to_date", |(_, row)| exact(row.spent)),
    ("forecast", |(_, row)| total(row, |total| Some(exact(total.expected)))),
    ("interval_80_low", |(_, row)| total(row, |total| Some(exact(total.low80)))),
    ("interval_80_high", |(_, row)| total(row, |total| Some(exact(total.high80)))),
    ("currency", |_| "USD".to_owned()),
    ("forecast_error_percent", |(_, row)| total(row, |total| total.past.map(|past| past.percent.to_string()))),
    ("run_rate_error_percent", |(_, row)| {
        total(row, |total| total.past.and_then(|past| past.run_rate_percent).map(|percent| percent.to_string()))
    }),
];

pub(super) async fn forecast(backend: Backend, scope: OrgScope, _: Pairs) -> Result<String, ApiError> {
    let page = backend::forecast::page(&backend, &scope, Part::Organization).await?;
    let teams = page.teams.into_iter().map(|row| ("team", row));
    let projects = page.projects.into_iter().map(|row| ("project", row));
    Ok(list([("organization", page.organization)].into_iter().chain(teams).chain(projects), &FORECAST))
}

/// A team's own line has no project, and so no product line.
type Branch = (Team, Option<Project>, Option<Slug>, Sums);

const PROJECTS: [Column<Branch>; 10] = [
    ("team", |(team, ..)| team.slug.to_string()),
    ("team_name", |(team, ..)| team.name.clone()),
    ("project", |(_, project, ..)| some(project.as_ref().map(|project| &project.slug))),
    ("project_name", |(_, project, ..)| some(project.as_ref().map(|project| &project.name))),
    ("product_line", |(_, _, line, _)| some(line.as_ref())),
    ("cost_centre", |(team, project, ..)| {
        let of = project.as_ref().map_or(&team.cost_centre, |project| &project.cost_centre);
        of.clone().unwrap_or_default()
    }),
    ("month_to_date", |(.., sums)| exact(sums.spend)),
    ("currency", |_| "USD".to_owned()),
    ("requests", |(.., sums)| sums.requests.to_string()),
    ("unpriced_requests", |(.., sums)| sums.unpriced_requests.to_string()),
];

pub(super) async fn projects(backend: Backend, scope: OrgScope, _: Pairs) -> Result<String, ApiError> {
    let tree = backend::projects::tree(&backend, &scope).await?;
    let line_of = |project: &Project| {
        let line = tree.lines.iter().find(|branch| branch.projects.contains(&project.slug));
        line.map(|branch| branch.line.slug.clone())
    };
    let lines = tree.teams.into_iter().flat_map(|branch| {
        let of_team = (branch.team.clone(), None, None, branch.sums);
        let leaf = |leaf: ProjectLeaf| {
            let line = line_of(&leaf.project);
            (branch.team.clone(), Some(leaf.project), line, leaf.sums)
        };
        std::iter::once(of_team).chain(branch.projects.into_iter().map(leaf)).collect::<Vec<_>>()
    });
    Ok(list(lines, &PROJECTS))
}

const UNPRICED: [Column<UnpricedRow>; 9] = [
    ("provider", |row| row.provider.clone()),
    ("model", |row| row.model.clone()),
    ("reason", |row| row.reason.clone()),
    ("events", |row| row.events.to_string()),
    ("tokens", |row| row.tokens.to_string()),
    ("cost_at_most", |row| exact(row.upper_bound)),
    ("currency", |_| "USD".to_owned()),
    ("first_at", |row| time(row.first_at)),
    ("last_at", |row| time(row.last_at)),
];

pub(super) async fn unpriced(backend: Backend, scope: OrgScope, _: Pairs) -> Result<String, ApiError> {
    Ok(list(backend::events::unpriced(&backend, &scope).await?, &UNPRICED))
}

const CALL_GROUPS: [Column<CallGroupRow>; 13] = [
    ("id", |row| row.id.clone()),
    ("first_at", |row| time(row.first_at)),
    ("last_at", |row| time(row.last_at)),
    ("duration_ms", |row| row.duration_ms().to_string()),
    ("calls", |row| row.sums.requests.to_string()),
    ("errors", |row| row.sums.errors.to_string()),
    ("tokens", |row| row.sums.tokens.to_string()),
    ("cost", |row| exact(row.sums.spend)),
    ("currency", |_| "USD".to_owned()),
    ("unpriced", |row| row.sums.unpriced_requests.to_string()),
    ("models", |row| words(&row.models)),
    ("projects", |row| words(&row.projects)),
    ("customers", |row| words(&row.customers)),
];

/// Sessions or interactions, all that match.
pub(crate) async fn call_groups(
    backend: &Backend,
    scope: &OrgScope,
    kind: CallGroup,
    query: CallGroupQuery,
) -> Result<String, ApiError> {
    Ok(list(backend::events::all_call_groups(backend, scope, kind, query).await?.rows, &CALL_GROUPS))
}

pub(super) async fn sessions(backend: Backend, scope: OrgScope, pairs: Pairs) -> Result<String, ApiError> {
    let query = app::events::api::asked_groups(&backend, &scope, &pairs)?;
    call_groups(&backend, &scope, CallGroup::Session, query).await
}

pub(super) async fn interactions(backend: Backend, scope: OrgScope, pairs: Pairs) -> Result<String, ApiError> {
    let query = app::events::api::asked_groups(&backend, &scope, &pairs)?;
    call_groups(&backend, &scope, CallGroup::Interaction, query).await
}

const PRICE_OVERRIDES: [Column<Dated<BookPrice>>; 13] = [
    ("provider", |price| price.row.provider.clone()),
    ("model", |price| price.row.model.clone()),
    ("meter", |price| price.row.meter.to_string()),
    ("tier", |price| price.row.variant.as_str().to_owned()),
    ("rate", |price| price.row.rate.normalize().to_string()),
    ("per", |price| price.row.per.to_string()),
    ("currency", |_| "USD".to_owned()),
    ("valid_from", |price| price.row.valid_from.map(time).unwrap_or_default()),
    ("valid_to", |price| price.row.valid_to.map(time).unwrap_or_default()),
    ("source", |price| price.row.source.clone()),
    ("recorded_at", |price| time(price.entry.recorded_at)),
    ("recorded_by", |price| price.entry.recorded_by.clone()),
    ("superseded_at", |price| price.entry.superseded_at.map(time).unwrap_or_default()),
];

pub(super) async fn price_overrides(backend: Backend, scope: OrgScope, _: Pairs) -> Result<String, ApiError> {
    Ok(list(backend::prices::own_book(&backend, &scope).await?.prices.rows, &PRICE_OVERRIDES))
}

const CHARGES: [Column<Dated<Charge>>; 20] = [
    ("charge", |charge| charge.rule_id.to_string()),
    ("id", |charge| some(charge.row.id.as_ref())),
    ("kind", |charge| charge.row.kind.as_str().to_owned()),
    ("description", |charge| charge.row.description.clone()),
    ("provider", |charge| some(charge.row.provider.as_ref())),
    ("amount", |charge| match charge.row.price {
        ChargePrice::Amount { amount, .. } | ChargePrice::Credits { amount } => exact(amount),
        ChargePrice::Monthly { .. } => String::new(),
    }),
    ("quantity", |charge| {
        monthly(&charge.row).map(|(quantity, _)| quantity.normalize().to_string()).unwrap_or_default()
    }),
    ("rate", |charge| monthly(&charge.row).map(|(_, rate)| exact(rate)).unwrap_or_default()),
    ("currency", |_| "USD".to_owned()),
    ("from", |charge| charge.row.from.to_string()),
    ("to", |charge| some(charge.row.to)),
    ("project", |charge| some(charge.row.owner.project())),
    ("team", |charge| some(charge.row.owner.team())),
    ("cost_centre", |charge| some(charge.row.cost_centre.as_ref())),
    ("labels", |charge| {
        charge.row.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
    }),
    ("source", |charge| charge.row.source.clone()),
    ("reason", |charge| charge.row.reason.clone()),
    ("recorded_at", |charge| time(charge.entry.recorded_at)),
    ("recorded_by", |charge| charge.entry.recorded_by.clone()),
    ("superseded_at", |charge| charge.entry.superseded_at.map(time).unwrap_or_default()),
];

fn monthly(charge: &Charge) -> Option<(Decimal, Decimal)> {
    if let ChargePrice::Monthly { quantity, rate } = charge.price { Some((quantity, rate)) } else { None }
}

pub(super) async fn charges(backend: Backend, scope: OrgScope, _: Pairs) -> Result<String, ApiError> {
    Ok(list(backend::charges::list(&backend, &scope).await?.rows, &CHARGES))
}

const MEMBERS: [Column<Member>; 4] = [
    ("email", |member| member.email.to_string()),
    ("role", |member| member.role.as_str().to_owned()),
    ("teams", |member| member.teams.as_ref().map_or_else(|| "all".to_owned(), words)),
    ("joined_at", |member| time(member.joined_at)),
];

pub(super) async fn members(backend: Backend, scope: OrgScope, _: Pairs) -> Result<String, ApiError> {
    Ok(list(backend::identity::list_members(&backend, &scope).await?, &MEMBERS))
}

const KEYS: [Column<ApiKey>; 8] = [
    ("key_id", |key| key.key_id.to_string()),
    ("name", |key| key.name.clone()),
    ("key", |key| format!("{}…{}", key.prefix, key.last_four)),
    ("scopes", |key| words(key.scopes.iter().map(|scope| scope.as_str()))),
    ("created_at", |key| time(key.created_at)),
    ("last_used_at", |key| key.last_used_at.map(time).unwrap_or_default()),
    ("expires_at", |key| key.expires_at.map(time).unwrap_or_default()),
    ("revoked_at", |key| key.revoked_at.map(time).unwrap_or_default()),
];

pub(super) async fn keys(backend: Backend, scope: OrgScope, _: Pairs) -> Result<String, ApiError> {
    Ok(list(backend::keys::list(&backend, &scope).await?, &KEYS))
}

const AUDIT: [Column<AuditRow>; 4] = [
    ("at", |row| time(row.at)),
    ("who", |row| row.who.clone()),
    ("action", |row| row.action.clone()),
    ("detail", |row| row.detail.clone()),
];

pub(super) async fn audit(backend: Backend, scope: OrgScope, _: Pairs) -> Result<String, ApiError> {
    Ok(list(audit::list(&backend, &scope, audit::MAX_ROWS).await?, &AUDIT))
}
