//! Charges: dated costs beside events. They are rules ([`crate::rules`]); what they mean is [`domain::charge`].

mod enter;
mod sql;

pub use enter::{Entered, ImportRow, draft_import, end, enter, enter_import, import};

use crate::rules::{self, MAX_LISTED};
use crate::{Backend, Error, OrgScope, projects, spend};
use chrono::NaiveDate;
use domain::budget::SpendScope;
use domain::charge::{BurnDown, Charge, ChargeCost, ChargeOwner, ChargePart, Credit, burn_down};
use domain::identity::Permission;
use domain::ids::{ProjectId, TeamId};
use domain::model::canonical_provider;
use domain::period::Period;
use domain::problem::Problem;
use domain::project::Slug;
use domain::rule::{Dated, History, RuleKind, midnight};
use domain::span::Span;
use domain::spend::{Dimension, Measure, SpendQuery, SpendRow, Sums};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};

/// The charges that the caller sees: those that count, the newest first, then superseded ones.
///
/// A caller who sees some projects sees the charges of these.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope) -> Result<History<Dated<Charge>>, Error> {
    scope.require(Permission::Read)?;
    let mut list: History<Dated<Charge>> = rules::listed(&backend.pool, scope, MAX_LISTED).await?;
    let seen = Seen::of(backend, scope, list.rows.iter().map(|charge| &charge.row)).await?;
    list.rows.retain(|charge| seen.sees(&charge.row));
    Ok(list)
}

/// One charge, also where it no longer counts.
///
/// # Errors
/// [`Problem::NotFound`], also where the caller does not see it; [`Problem::Forbidden`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn find(backend: &Backend, scope: &OrgScope, charge_id: u64) -> Result<Dated<Charge>, Error> {
    scope.require(Permission::Read)?;
    let found = rules::one::<Charge>(&backend.pool, scope, charge_id).await?.ok_or(Problem::NotFound)?;
    if Seen::of(backend, scope, [&found.row]).await?.sees(&found.row) {
        Ok(found)
    } else {
        Err(Problem::NotFound.into())
    }
}

/// What charges cost in the days of a period that have begun, with credits that expired unused in it.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn costs(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<ChargeCost>, Error> {
    scope.require(Permission::Read)?;
    let span = Span { from: Some(midnight(period.from)), to: Some(midnight(period.to)) };
    let charges: Vec<Charge> = rules::holding(&backend.pool, scope, span).await?;
    let today = scope.zone().day_of(backend.clock.now());
    let expires = |charge: &Charge| {
        let expires = charge.credit().and_then(|credit| credit.expires);
        expires.is_some_and(|day| day <= today && day <= period.to)
    };
    let states = if charges.iter().any(expires) { drawn(backend, scope, today).await? } else { Vec::new() };
    let mut lost: HashMap<u64, (NaiveDate, _)> = HashMap::new();
    for state in states.into_iter().filter(|state| !state.lost.is_zero()) {
        if let Some(day) = state.credit.expires.and_then(|expires| expires.pred_opt()) {
            lost.insert(state.credit.charge_id, (day, state.lost));
        }
    }
    let seen = Seen::of(backend, scope, &charges).await?;
    let until = today.succ_opt().unwrap_or(today);
    let cost = |charge: Charge| {
        let seen = seen.days_of(&charge)?;
        Some(ChargeCost { lost: lost.get(&charge.charge_id).copied(), charge, until, seen })
    };
    Ok(charges.into_iter().filter_map(cost).collect())
}

/// What charges cost in a period, by project and by the team that owned it on each day.
///
/// The parts add up to [`costs`] exactly.
///
/// # Errors
/// As [`costs`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn parts(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<ChargePart>, Error> {
    let costs = costs(backend, scope, period).await?;
    if costs.is_empty() {
        return Ok(Vec::new());
    }
    let (projects, teams, ownership) = futures::try_join!(
        project_ids(backend, scope, costs.iter().map(|cost| &cost.charge)),
        projects::list_teams(backend, scope),
        projects::all_ownership(backend, scope),
    )?;
    let project_id = |slug: &Slug| projects.get(slug.as_str()).copied();
    let team_id = |slug: &Slug| teams.iter().find(|team| team.slug == *slug).map(|team| team.team_id);
    let spans = |project: ProjectId| {
        let owned = ownership.iter().filter(move |span| span.project_id == project);
        owned.map(|span| {
            let (from, to) = (span.valid_from.unwrap_or(NaiveDate::MIN), span.valid_to.unwrap_or(NaiveDate::MAX));
            (Period { from, to }, span.team_id)
        })
    };
    let part = |project_id: Option<ProjectId>| {
        move |(team_id, line): (Option<TeamId>, _)| ChargePart { team_id, project_id, line }
    };
    let parts = costs.iter().flat_map(|cost| -> Vec<ChargePart> {
        match cost.charge.owner.project().and_then(project_id) {
            Some(project) => cost.lines(period, spans(project)).into_iter().map(part(Some(project))).collect(),
            None => {
                let team = cost.charge.owner.team().and_then(team_id);
                cost.line(period).map(|line| (team, line)).into_iter().map(part(None)).collect()
            }
        }
    });
    Ok(parts.collect())
}

/// What the charges of a part of the organization cost in a period, in US dollars.
///
/// # Errors
/// As [`costs`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn total(backend: &Backend, scope: &OrgScope, part: SpendScope, period: Period) -> Result<Decimal, Error> {
    let parts = parts(backend, scope, period).await?;
    let is_wanted = |charge: &&ChargePart| match part {
        SpendScope::Organization => true,
        SpendScope::Team(team) => charge.team_id == Some(team),
        SpendScope::Project(project) => charge.project_id == Some(project),
    };
    Ok(parts.iter().filter(is_wanted).map(|charge| charge.line.amount).sum())
}

/// How far prepaid credits are used up, for callers who see the whole organization; nothing for others, since all projects draw them.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn credits(backend: &Backend, scope: &OrgScope) -> Result<Vec<BurnDown>, Error> {
    scope.require(Permission::Read)?;
    if !scope.sees_all() {
        return Ok(Vec::new());
    }
    drawn(backend, scope, scope.zone().day_of(backend.clock.now())).await
}

/// Subscriptions that include usage, each with what its provider's usage came to in the month to date: of its project or team, or of all where it is unallocated. That is the list value of what keys are included with; without any, everything counts.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn included_usage(backend: &Backend, scope: &OrgScope) -> Result<Vec<(Charge, Decimal)>, Error> {
    let month = Period::month_to_date(scope.zone().day_of(backend.clock.now()));
    let charges = costs(backend, scope, month).await?.into_iter().map(|cost| cost.charge);
    let mut found = Vec::new();
    for charge in charges.filter(|charge| charge.included.is_some()) {
        let query = SpendQuery::over(month).by([Dimension::Provider]).measuring([Measure::IncludedValue]);
        let query = match &charge.owner {
            ChargeOwner::Unallocated => query,
            ChargeOwner::Project(slug) => query.only(Dimension::Project, slug.as_str()),
            ChargeOwner::Team(slug) => query.only(Dimension::Team, slug.as_str()),
        };
        let is_its = |row: &SpendRow| {
            let provider = canonical_provider(row.keys.first().and_then(Option::as_deref).unwrap_or_default());
            charge.provider.as_ref().is_none_or(|of| *of == provider)
        };
        let answer = spend::query(backend, scope, &query).await?;
        let mut used = Sums::default();
        answer.rows.iter().filter(|row| is_its(row)).for_each(|row| used.add(&row.sums));
        let included = used.by_meter.unwrap_or_default().included;
        found.push((charge, if included.is_zero() { used.spend } else { included }));
    }
    Ok(found)
}

async fn drawn(backend: &Backend, scope: &OrgScope, today: NaiveDate) -> Result<Vec<BurnDown>, Error> {
    let charges: Vec<Charge> = rules::of_kind(&rules::known(&backend.pool, scope, &[RuleKind::Charge], None).await?)?;
    let mut by_provider: BTreeMap<String, Vec<Credit>> = BTreeMap::new();
    for credit in charges.iter().filter_map(Charge::credit) {
        by_provider.entry(credit.provider.clone()).or_default().push(credit);
    }
    let first = by_provider.values().flatten().map(|credit| credit.from).min();
    let Some(first) = first.filter(|first| *first <= today) else {
        return Ok(by_provider.values().flat_map(|credits| burn_down(credits, &BTreeMap::new(), today)).collect());
    };
    let days = Period { from: first, to: today.succ_opt().unwrap_or(today) };
    let _permit = backend.readers.permit(scope).await?;
    let spend = sql::provider_days(&backend.pool, scope, days).await?;
    let none = BTreeMap::new();
    let of =
        |(provider, credits): (&String, &Vec<Credit>)| burn_down(credits, spend.get(provider).unwrap_or(&none), today);
    Ok(by_provider.iter().flat_map(of).collect())
}

/// Which of some charges a caller sees: of a project on its visible days, and of a visible team; none where all are seen.
struct Seen<'a>(Option<SeenOwners<'a>>);

struct SeenOwners<'a> {
    scope: &'a OrgScope,
    projects: HashMap<String, ProjectId>,
    teams: HashMap<String, TeamId>,
}

impl<'a> Seen<'a> {
    async fn of(
        backend: &Backend,
        scope: &'a OrgScope,
        charges: impl IntoIterator<Item = &Charge>,
    ) -> Result<Self, Error> {
        if scope.sees_all() {
            return Ok(Self(None));
        }
        let projects = project_ids(backend, scope, charges).await?;
        let teams = projects::list_teams(backend, scope).await?;
        let teams = teams.into_iter().map(|team| (team.slug.into(), team.team_id)).collect();
        Ok(Self(Some(SeenOwners { scope, projects, teams })))
    }

    /// Whether the charge is of a project or team that is visible today.
    fn sees(&self, charge: &Charge) -> bool {
        let Some(owners) = &self.0 else { return true };
        owners.project(charge).is_some_and(|project| owners.scope.sees(project)) || owners.sees_team(charge)
    }

    /// Those of its days that are seen, in spans; all where there are none. Nothing for a charge of which nothing is seen.
    #[expect(clippy::option_option, reason = "whether it is seen, and whether on some days alone")]
    fn days_of(&self, charge: &Charge) -> Option<Option<Vec<Period>>> {
        let Some(owners) = &self.0 else { return Some(None) };
        match owners.project(charge) {
            Some(project) => {
                let days = owners.scope.days_of(project);
                days.as_ref().is_none_or(|days| !days.is_empty()).then_some(days)
            }
            None => owners.sees_team(charge).then_some(None),
        }
    }
}

impl SeenOwners<'_> {
    fn project(&self, charge: &Charge) -> Option<ProjectId> {
        self.projects.get(charge.owner.project()?.as_str()).copied()
    }

    fn sees_team(&self, charge: &Charge) -> bool {
        let team = charge.owner.team().and_then(|slug| self.teams.get(slug.as_str()));
        team.is_some_and(|team| self.scope.sees_team(*team))
    }
}

/// The projects of charges by slug, whoever sees them.
async fn project_ids(
    backend: &Backend,
    scope: &OrgScope,
    charges: impl IntoIterator<Item = &Charge>,
) -> Result<HashMap<String, ProjectId>, Error> {
    let slugs: Vec<&str> = charges.into_iter().filter_map(|charge| Some(charge.owner.project()?.as_str())).collect();
    Ok(projects::ids_by_slug(backend, scope, &slugs).await?.into_iter().collect())
}
