//! Queries of `budgets`.

use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::budget::{Budget, BudgetInput, ScopeRef, SpendScope};
use domain::identity::Email;
use domain::ids::{BudgetId, ProjectId, TeamId};
use domain::project::Slug;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use uuid::Uuid;

/// Budgets of organization `$1` with the words of their scope, and which of their recipients get no mail.
///
/// Also what is asked for each row names the organization, and not the row's: only so a cluster sees that all lies on one server, where rows can be locked.
macro_rules! budgets {
    ($which:literal) => {
        concat!(
            "select b.*, coalesce(t.slug, p.slug) as scope_slug, coalesce(t.name, p.name, o.name) as scope_name,
                 array(
                     select r.email from unnest(b.recipients) with ordinality as r (email, place)
                     where not exists (
                         select 1 from members m join users u on u.user_id = m.user_id
                         where m.org_id = $1 and u.email = r.email)
                     and not exists (
                         select 1 from recipients c
                         where c.org_id = $1 and c.email = r.email and c.confirmed_at is not null)
                     order by r.place) as unconfirmed
             from budgets b
             join organizations o on o.org_id = b.org_id
             left join teams t on t.org_id = b.org_id and t.team_id = b.team_id
             left join projects p on p.org_id = b.org_id and p.project_id = b.project_id ",
            $which
        )
    };
}

/// Whether a caller who sees the projects and teams `$2`, by way of the teams at this place, sees what a budget counts in the month that begins on a day: all of a visible team, and of a visible project all days. While another team had the project, its budget is not told, so that no two numbers are: neither here nor by mail.
macro_rules! seen {
    ($teams:literal, $month:literal) => {
        concat!(
            "($2::uuid[] is null or b.team_id = any($2) or b.project_id = any($2) and not exists (
                 select 1 from project_ownership as other
                 where other.org_id = $1 and other.project_id = b.project_id and other.team_id <> all (",
            $teams,
            "::uuid[])
                     and other.valid_from < ",
            $month,
            "::date + interval '1 month' and other.valid_to > ",
            $month,
            "::date))"
        )
    };
}
pub(super) use seen;

/// Budgets that the scope shows in a month: all, or those of which it sees everything.
pub(in crate::budgets) async fn list(pool: &PgPool, scope: &OrgScope, month: NaiveDate) -> Result<Vec<Budget>, Error> {
    let rows = sqlx::query(concat!(
        budgets!("where b.org_id = $1 and b.archived_at is null and "),
        seen!("$3", "$4"),
        " order by array_position(array['organization', 'team', 'project'], b.scope_kind), lower(b.name), b.budget_id"
    ))
    .bind(scope.org_id().0)
    .bind(scope.visible_owners())
    .bind(scope.limiting_teams())
    .bind(month)
    .fetch_all(pool)
    .await?;
    rows.iter().map(budget).collect()
}

pub(in crate::budgets) async fn get(
    pool: &PgPool,
    scope: &OrgScope,
    budget_id: BudgetId,
    month: NaiveDate,
) -> Result<Option<Budget>, Error> {
    let seen = concat!(budgets!("where b.org_id = $1 and b.budget_id = $3 and "), seen!("$4", "$5"));
    one(pool, scope, seen, budget_id, month).await
}

/// Active budgets, locked against change until the evaluation commits, so that an edit is never followed by an alert about what it replaced.
/// `only` asks for one of them.
pub(in crate::budgets) async fn active_for_evaluation(
    connection: &mut PgConnection,
    scope: &OrgScope,
    only: Option<BudgetId>,
) -> Result<Vec<Budget>, Error> {
    let rows = sqlx::query(budgets!(
        "where b.org_id = $1 and b.archived_at is null and ($2::uuid is null or b.budget_id = $2)
         order by b.budget_id
         for share of b"
    ))
    .bind(scope.org_id().0)
    .bind(only.map(|id| id.0))
    .fetch_all(connection)
    .await?;
    rows.iter().map(budget).collect()
}

/// Takes the row for a change; false when there is none that the scope shows.
pub(in crate::budgets) async fn lock(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    month: NaiveDate,
) -> Result<Option<Budget>, Error> {
    let seen =
        concat!(budgets!("where b.org_id = $1 and b.budget_id = $3 and "), seen!("$4", "$5"), " for update of b");
    one(connection, scope, seen, budget_id, month).await
}

/// The budget that a statement finds by the scope, its id and a month.
async fn one(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    sql: &'static str,
    budget_id: BudgetId,
    month: NaiveDate,
) -> Result<Option<Budget>, Error> {
    let row = sqlx::query(sql)
        .bind(scope.org_id().0)
        .bind(scope.visible_owners())
        .bind(budget_id.0)
        .bind(scope.limiting_teams())
        .bind(month)
        .fetch_optional(db)
        .await?;
    row.as_ref().map(budget).transpose()
}

pub(super) fn budget(row: &PgRow) -> Result<Budget, Error> {
    let (scope, scope_ref) = scope_of(row)?;
    let thresholds: Vec<i16> = row.try_get("thresholds")?;
    let amount: Decimal = row.try_get("amount")?;
    Ok(Budget {
        budget_id: BudgetId(row.try_get("budget_id")?),
        name: row.try_get("name")?,
        scope,
        scope_ref,
        scope_name: row.try_get("scope_name")?,
        amount: amount.normalize(),
        revision: revision("budgets", row)?,
        thresholds: thresholds.into_iter().map(|number| threshold("budgets", number)).collect::<Result<_, _>>()?,
        recipients: emails(row, "recipients")?,
        unconfirmed: emails(row, "unconfirmed")?,
        created_at: row.try_get("created_at")?,
        archived_at: row.try_get("archived_at")?,
    })
}

fn emails(row: &PgRow, column: &'static str) -> Result<Vec<Email>, Error> {
    let texts: Vec<String> = row.try_get(column)?;
    texts.iter().map(|text| Email::parse(text).map_err(|_| Error::inconsistent("budgets", column, text))).collect()
}

fn scope_of(row: &PgRow) -> Result<(SpendScope, ScopeRef), Error> {
    let slug = || {
        let slug: String = row.try_get("scope_slug")?;
        Slug::parse(&slug).map_err(|_| Error::inconsistent("budgets", "scope_slug", slug))
    };
    let team: Option<Uuid> = row.try_get("team_id")?;
    let project: Option<Uuid> = row.try_get("project_id")?;
    Ok(match (team, project) {
        (Some(team), _) => (SpendScope::Team(TeamId(team)), ScopeRef::Team(slug()?)),
        (_, Some(project)) => (SpendScope::Project(ProjectId(project)), ScopeRef::Project(slug()?)),
        (None, None) => (SpendScope::Organization, ScopeRef::Organization),
    })
}

pub(super) fn revision(table: &'static str, row: &PgRow) -> Result<u32, Error> {
    let number: i32 = row.try_get("revision")?;
    u32::try_from(number).map_err(|_| Error::inconsistent(table, "revision", number))
}

pub(super) fn number(revision: u32) -> i32 {
    i32::try_from(revision).unwrap_or(i32::MAX)
}

pub(super) fn threshold(table: &'static str, number: i16) -> Result<u16, Error> {
    u16::try_from(number).map_err(|_| Error::inconsistent(table, "threshold", number))
}

/// Members among the recipients of a budget who do not see all that it counts in a month.
pub(in crate::budgets) async fn blind_recipients(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget: &Budget,
    month: NaiveDate,
) -> Result<Vec<Email>, Error> {
    let emails: Vec<String> = sqlx::query_scalar(
        "select users.email from members join users on users.user_id = members.user_id
         where members.org_id = $1 and users.email = any($2) and members.team_ids is not null
            and coalesce($3 <> all (members.team_ids), (
                select bool_or(team_id <> all (members.team_ids)) from project_ownership
                where org_id = $1 and project_id = $4
                    and valid_from < $5::date + interval '1 month' and valid_to > $5::date), true)",
    )
    .bind(scope.org_id().0)
    .bind(texts(&budget.recipients))
    .bind(if let SpendScope::Team(team) = budget.scope { Some(team.0) } else { None })
    .bind(if let SpendScope::Project(project) = budget.scope { Some(project.0) } else { None })
    .bind(month)
    .fetch_all(connection)
    .await?;
    let email = |text: String| Email::parse(&text).map_err(|_| Error::inconsistent("users", "email", text));
    emails.into_iter().map(email).collect()
}

/// How many budgets the organization has, archived ones included.
pub(in crate::budgets) async fn count(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from budgets where org_id = $1 and archived_at is null");
    Ok(count.bind(scope.org_id().0).fetch_one(connection).await?)
}

/// The part of the organization behind its words; none when no such team or project is there.
pub(in crate::budgets) async fn resolve(
    connection: &mut PgConnection,
    scope: &OrgScope,
    wanted: &ScopeRef,
) -> Result<Option<SpendScope>, Error> {
    match wanted {
        ScopeRef::Organization => Ok(Some(SpendScope::Organization)),
        ScopeRef::Team(slug) => {
            let id = sqlx::query_scalar("select team_id from teams where org_id = $1 and slug = $2")
                .bind(scope.org_id().0)
                .bind(slug.as_str())
                .fetch_optional(connection)
                .await?;
            Ok(id.map(|id| SpendScope::Team(TeamId(id))))
        }
        ScopeRef::Project(slug) => {
            let id = sqlx::query_scalar("select project_id from projects where org_id = $1 and slug = $2")
                .bind(scope.org_id().0)
                .bind(slug.as_str())
                .fetch_optional(connection)
                .await?;
            Ok(id.map(|id| SpendScope::Project(ProjectId(id))))
        }
    }
}

pub(in crate::budgets) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    part: SpendScope,
    input: &BudgetInput,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (kind, team, project) = match part {
        SpendScope::Organization => ("organization", None, None),
        SpendScope::Team(team) => ("team", Some(team.0), None),
        SpendScope::Project(project) => ("project", None, Some(project.0)),
    };
    sqlx::query(
        "insert into budgets (org_id, budget_id, name, scope_kind, team_id, project_id, amount, thresholds, recipients,
                              created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(&input.name)
    .bind(kind)
    .bind(team)
    .bind(project)
    .bind(input.amount)
    .bind(small(&input.thresholds))
    .bind(texts(&input.recipients))
    .bind(scope.user_id().map(|id| id.0))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

fn small(thresholds: &[u16]) -> Vec<i16> {
    thresholds.iter().filter_map(|threshold| i16::try_from(*threshold).ok()).collect()
}

fn texts(recipients: &[Email]) -> Vec<String> {
    recipients.iter().map(ToString::to_string).collect()
}

/// Writes the changed parts of a budget.
pub(in crate::budgets) async fn update(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget: &Budget,
) -> Result<(), Error> {
    sqlx::query(
        "update budgets set name = $3, amount = $4, thresholds = $5, recipients = $6, archived_at = $7, revision = $8
         where org_id = $1 and budget_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(budget.budget_id.0)
    .bind(&budget.name)
    .bind(budget.amount)
    .bind(small(&budget.thresholds))
    .bind(texts(&budget.recipients))
    .bind(budget.archived_at)
    .bind(number(budget.revision))
    .execute(connection)
    .await?;
    Ok(())
}
