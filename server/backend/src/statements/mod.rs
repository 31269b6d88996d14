//! Statements: showback by month, team and project, from the same rollups as every other number, with what allocation rules shared and charges beside them.

mod close;
mod mail;
mod markups;
mod monthly;
mod readiness;
mod replies;
mod sql;

pub use close::{bundle, changes, close, closing, review, version, waive};
pub use markups::{enter_markup, has_markups, markups};
pub use monthly::{mails, run_worker, send_due, set_mails};
pub use readiness::readiness;
pub use replies::{accept, answer, dispute, team_review};

use crate::allocation::{self, SharedFlow};
use crate::projects::SeenOwners;
use crate::{Backend, Error, OrgScope, charges, rules, spend};
use domain::allocation::{Party, SharedLine, shared};
use domain::charge::{ChargeLine, ChargePart};
use domain::identity::Permission;
use domain::period::Period;
use domain::price::contract::ContractTerm;
use domain::problem::Problem;
use domain::spend::{Granularity, SpendQuery, Sums};
use domain::statement::{
    CostOwner, ModelSums, MonthState, MonthStatement, MonthTotal, ProjectStatement, StatementKind, StatementLine,
    TeamStatement, lines,
};
use rust_decimal::Decimal;
use sql::{CostOwnerRow, ModelKey, ModelRow};
use sqlx::PgConnection;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Most months that [`months`] lists.
pub const MAX_MONTHS: u32 = 24;

/// Totals of the newest months with usage or charges, newest first.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn months(backend: &Backend, scope: &OrgScope) -> Result<Vec<MonthTotal>, Error> {
    scope.require(Permission::Read)?;
    let this_month = Period::month_of(scope.zone().day_of(backend.clock.now()));
    let first = this_month.from.checked_sub_months(chrono::Months::new(MAX_MONTHS - 1)).unwrap_or(this_month.from);
    let shown = Period { from: first, to: this_month.to };
    let costs = charges::costs(backend, scope, shown).await?;
    let used = spend::query(backend, scope, &SpendQuery::over(shown).per(Granularity::Month)).await?.rows;
    let mut used: BTreeMap<_, Sums> = used.into_iter().filter_map(|row| Some((row.bucket?.day(), row.sums))).collect();
    let seen = SeenOwners::of(backend, scope).await?;
    let mut states = sql::versions::states(&backend.pool, scope, &seen, shown).await?;
    let months = std::iter::successors(Some(this_month), |month| Some(Period::month_of(month.from.pred_opt()?)));
    let months: Vec<_> = months.take_while(|month| month.from >= first).collect();
    let mut shared = BTreeMap::new();
    // Of everybody it comes to nothing, and closed months have theirs among what is charged.
    for month in months.iter().filter(|_| !scope.sees_all()) {
        if states.get(&month.from).is_none_or(|known| known.closed.is_none()) {
            shared.insert(month.from, seen_shared(backend, scope, &seen, *month).await?);
        }
    }
    let total = |month: Period| {
        let charged: Decimal = costs.iter().map(|cost| cost.amount_in(month)).sum();
        let charged = charged + shared.remove(&month.from).unwrap_or_default();
        let known = states.remove(&month.from);
        let sums = used.remove(&month.from).or_else(|| (!charged.is_zero() || known.is_some()).then(Sums::default))?;
        let open = MonthTotal { month: month.from, sums, charged, adjusted: Decimal::ZERO, state: MonthState::Open };
        Some(match known {
            None => open,
            Some(sql::versions::Known { closed: None }) => MonthTotal { state: MonthState::InReview, ..open },
            Some(sql::versions::Known { closed: Some(closed) }) => MonthTotal {
                sums: Sums { spend: closed.spend, ..open.sums },
                charged: closed.charged,
                adjusted: closed.adjusted,
                state: MonthState::Closed,
                ..open
            },
        })
    };
    Ok(months.into_iter().filter_map(total).collect())
}

/// What rules brought to whom the caller sees, less what they took.
async fn seen_shared(backend: &Backend, scope: &OrgScope, seen: &SeenOwners, month: Period) -> Result<Decimal, Error> {
    let flows = allocation::shared(backend, scope, month).await?;
    Ok(shared(sides(&flows).filter(|side| side.is_seen(seen)).map(|side| side.line)))
}

/// What every visible team and project owes for a month; with lines where asked.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn month(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    with_lines: bool,
) -> Result<MonthStatement, Error> {
    scope.require(Permission::Read)?;
    stated(backend, scope, month, None, if with_lines { Detail::Lines } else { Detail::Totals }).await
}

/// The statement of one team or project, with its lines.
///
/// # Errors
/// [`Problem::NotFound`] where the caller sees no such team or project; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn one(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    kind: StatementKind,
    slug: &str,
) -> Result<(CostOwner, MonthStatement), Error> {
    scope.require(Permission::Read)?;
    let found = sql::owner(&backend.pool, scope, kind, slug).await?.ok_or(Problem::NotFound)?;
    let statement = stated(backend, scope, month, Some((kind, &found)), Detail::Lines).await?;
    Ok((found.owner, statement))
}

/// How much of a statement is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// What each project owes.
    Totals,
    /// What of that is of which model.
    Models,
    /// Each meter of each model.
    Lines,
}

/// One owner's statement, or all.
type Only<'a> = Option<(StatementKind, &'a CostOwnerRow)>;

/// A closed month as it was closed; any other as it is now, the one after the last closed with what moved in closed months since.
async fn stated(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    only: Only<'_>,
    detail: Detail,
) -> Result<MonthStatement, Error> {
    let seen = SeenOwners::of(backend, scope).await?;
    let wants = |team: Option<&str>, project: Option<&str>| match only {
        None => true,
        Some((StatementKind::Team, of)) => team == Some(of.owner.slug.as_str()),
        Some((StatementKind::Project, of)) => project == Some(of.owner.slug.as_str()),
    };
    if let Some(body) = close::closed_body(backend, scope, month.from).await? {
        let statement = body.statement.part(|team, project| seen.sees(team, project) && wants(team, project));
        return Ok(if scope.sees_all() { statement } else { statement.without_others() });
    }
    let found = futures::try_join!(
        build(backend, scope, month, only.map(|(kind, of)| (kind, of.id)), detail),
        close::adjustments_in(backend, scope, month.from),
        close::state(backend, scope, month.from),
    );
    let (statement, adjustments, state) = found?;
    let adjustments = adjustments.into_list().into_iter();
    let adjustments = adjustments.filter(|entry| wants(entry.key.team.as_deref(), entry.key.project.as_deref()));
    let statement = MonthStatement { adjustments: adjustments.collect(), state, ..statement };
    Ok(if scope.sees_all() { statement } else { statement.without_others() })
}

async fn build(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    only: Option<(StatementKind, Uuid)>,
    detail: Detail,
) -> Result<MonthStatement, Error> {
    // Before the permit, which nobody asks for twice.
    let charges = charges::parts(backend, scope, month).await?;
    let shared = allocation::shared(backend, scope, month).await?;
    let seen = SeenOwners::of(backend, scope).await?;
    let markups = markups::of_month(backend, scope, month).await?;
    let _permit = backend.readers.permit(scope).await?;
    // Lines and totals of one moment.
    let mut snapshot = allocation::snapshot(&backend.pool).await?;
    let models = sql::models(&mut snapshot, scope, month, only).await?;
    let (mut meters, mut terms) = match detail {
        Detail::Totals | Detail::Models => (BTreeMap::new(), BTreeMap::new()),
        Detail::Lines => {
            let meters = sql::meters(&mut snapshot, scope, month, only).await?;
            (meters, terms(backend, &mut snapshot, scope, month, only).await?)
        }
    };
    let (teams, projects) = sql::owners(&mut snapshot, scope).await?;
    drop(snapshot);
    let mut beside = Beside::default();
    beside.add_charges(charges, only);
    beside.add_shared(&shared, &seen, [&teams, &projects], only);
    let mut by_team: BTreeMap<Option<Uuid>, BTreeMap<Uuid, Vec<ModelSums>>> = BTreeMap::new();
    let mut total = Sums::default();
    for ModelRow { key, sums } in models {
        total.add(&sums);
        let meters = meters.remove(&key).unwrap_or_default();
        let terms = terms.remove(&key).unwrap_or_default();
        let model = ModelSums { provider: key.provider, model: key.model, sums, meters, terms };
        by_team.entry(key.team_id).or_default().entry(key.project_id).or_default().push(model);
    }
    let (unallocated, unallocated_shared) = beside.take((None, None));
    for (team_id, project_id) in beside.charges.keys().chain(beside.shared.keys()) {
        let owned = by_team.entry(*team_id).or_default();
        project_id.map(|project_id| owned.entry(project_id).or_default());
    }
    let mut statements: Vec<_> = by_team
        .into_iter()
        .map(|(team_id, owned)| {
            let (charges, shared) = beside.take((team_id, None));
            let team = team_id.and_then(|id| find(&teams, id));
            TeamStatement { team, charges, shared, ..team_statement(&projects, team_id, owned, &mut beside, detail) }
        })
        .collect();
    statements.sort_by_key(|team| Reverse(team.total()));
    let statement = MonthStatement {
        month,
        today: scope.zone().day_of(backend.clock.now()),
        currency: "USD".to_owned(),
        time_zone: scope.zone().name().to_owned(),
        total,
        teams: statements,
        unallocated,
        unallocated_shared,
        state: MonthState::Open,
        adjustments: Vec::new(),
    };
    Ok(statement.with_markups(&markups))
}

/// Team and project; neither: nobody.
type OwnerIds = (Option<Uuid>, Option<Uuid>);

/// What stands beside usage, by whom it concerns.
#[derive(Default)]
struct Beside {
    charges: BTreeMap<OwnerIds, Vec<ChargeLine>>,
    shared: BTreeMap<OwnerIds, Vec<SharedLine>>,
}

impl Beside {
    fn add_charges(&mut self, parts: Vec<ChargePart>, only: Option<(StatementKind, Uuid)>) {
        for ChargePart { team_id, project_id, line } in parts {
            let owner = (team_id.map(|id| id.0), project_id.map(|id| id.0));
            if is_wanted(owner, only) {
                self.charges.entry(owner).or_default().push(line);
            }
        }
    }

    /// The seen lines of every flow, each with whom it concerns.
    fn add_shared(
        &mut self,
        flows: &[SharedFlow],
        seen: &SeenOwners,
        [teams, projects]: [&[CostOwnerRow]; 2],
        only: Option<(StatementKind, Uuid)>,
    ) {
        let id = |of: &[CostOwnerRow], slug: &str| of.iter().find(|row| row.owner.slug == slug).map(|row| row.id);
        for Side { team, project, line } in sides(flows).filter(|side| side.is_seen(seen)) {
            let owner = (team.and_then(|slug| id(teams, slug)), project.and_then(|slug| id(projects, slug)));
            if is_wanted(owner, only) {
                self.shared.entry(owner).or_default().push(line.clone());
            }
        }
    }

    fn take(&mut self, owner: OwnerIds) -> (Vec<ChargeLine>, Vec<SharedLine>) {
        let (charges, shared) = (self.charges.remove(&owner), self.shared.remove(&owner));
        (charges.unwrap_or_default(), shared.unwrap_or_default())
    }
}

/// One end of a flow: whose it is by short names, and what it says there.
struct Side<'a> {
    team: Option<&'a str>,
    project: Option<&'a str>,
    line: &'a SharedLine,
}

impl Side<'_> {
    fn is_seen(&self, seen: &SeenOwners) -> bool {
        seen.sees(self.team, self.project)
    }
}

/// Both ends of every flow.
fn sides(flows: &[SharedFlow]) -> impl Iterator<Item = Side<'_>> {
    flows.iter().flat_map(|(flow, [went, came])| {
        [(&flow.from, &flow.from_team, went), (&flow.to, &flow.to_team, came)].map(|(holder, team, line)| Side {
            team: team.slug(),
            project: holder.slug().filter(|_| matches!(holder, Party::Project(_))),
            line,
        })
    })
}

fn is_wanted((team, project): OwnerIds, only: Option<(StatementKind, Uuid)>) -> bool {
    match only {
        None => true,
        Some((StatementKind::Team, id)) => team == Some(id),
        Some((StatementKind::Project, id)) => project == Some(id),
    }
}

/// What the contract's terms took off or added, by model, each term in its words.
async fn terms(
    backend: &Backend,
    snapshot: &mut PgConnection,
    scope: &OrgScope,
    month: Period,
    only: Option<(StatementKind, Uuid)>,
) -> Result<BTreeMap<ModelKey, Vec<(String, Decimal)>>, Error> {
    let moved = sql::terms(snapshot, scope, month, only).await?;
    let ids: Vec<u64> = moved.values().flatten().map(|(term_id, _)| *term_id).collect();
    let rows: HashMap<u64, ContractTerm> = rules::by_ids(&backend.pool, scope, &ids).await?;
    let words = |term_id: u64| rows.get(&term_id).map_or_else(|| term_id.to_string(), ContractTerm::words);
    let named = |(term_id, amount)| (words(term_id), amount);
    Ok(moved.into_iter().map(|(key, terms)| (key, terms.into_iter().map(named).collect())).collect())
}

fn team_statement(
    projects: &[CostOwnerRow],
    team_id: Option<Uuid>,
    owned: BTreeMap<Uuid, Vec<ModelSums>>,
    beside: &mut Beside,
    detail: Detail,
) -> TeamStatement {
    let mut statements: Vec<_> = owned
        .into_iter()
        .map(|(id, models)| {
            let (charges, shared) = beside.take((team_id, Some(id)));
            let project = find(projects, id).unwrap_or_else(|| nameless(id));
            ProjectStatement { charges, shared, ..project_statement(project, models, detail) }
        })
        .collect();
    statements.sort_by_key(|project| Reverse(project.total()));
    let mut sums = Sums::default();
    statements.iter().for_each(|project| sums.add(&project.sums));
    TeamStatement { team: None, sums, projects: statements, charges: Vec::new(), shared: Vec::new(), markup: None }
}

fn project_statement(project: CostOwner, mut models: Vec<ModelSums>, detail: Detail) -> ProjectStatement {
    models.sort_by_key(|model| Reverse(model.sums.spend));
    let mut sums = Sums::default();
    models.iter().for_each(|model| sums.add(&model.sums));
    let lines: Vec<StatementLine> = match detail {
        Detail::Totals => Vec::new(),
        Detail::Models | Detail::Lines => models.into_iter().flat_map(lines).collect(),
    };
    ProjectStatement { project, sums, lines, charges: Vec::new(), shared: Vec::new(), markup: None }
}

fn find(owners: &[CostOwnerRow], id: Uuid) -> Option<CostOwner> {
    owners.iter().find(|row| row.id == id).map(|row| row.owner.clone())
}

/// A sum is never dropped for want of a name.
fn nameless(id: Uuid) -> CostOwner {
    CostOwner { slug: id.to_string(), name: id.to_string(), cost_centre: None }
}
