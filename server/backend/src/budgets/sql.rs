//! Queries of `budgets`, `budget_periods`, `alerts`, `budget_tests` and `dirty_marks`.
//! Names of teams, projects and people are joined where a row is shown.

use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::budget::{Alert, AlertFilter, Budget, BudgetInput, BudgetUsage, ScopeRef, SpendScope};
use domain::identity::Email;
use domain::ids::{AlertId, BudgetId, MailId, OrgId, ProjectId, TeamId};
use domain::period::Period;
use domain::project::Slug;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

// --- budgets

/// Budgets that the scope shows: all, or those of visible projects alone.
pub(super) async fn list(pool: &PgPool, scope: &OrgScope) -> Result<Vec<Budget>, Error> {
    let rows = sqlx::query(
        "select b.*, coalesce(t.slug, p.slug) as scope_slug, coalesce(t.name, p.name, o.name) as scope_name
         from budgets b
         join organizations o on o.org_id = b.org_id
         left join teams t on t.org_id = b.org_id and t.team_id = b.team_id
         left join projects p on p.org_id = b.org_id and p.project_id = b.project_id
         where b.org_id = $1 and b.archived_at is null and ($2::uuid[] is null or b.project_id = any($2))
         order by array_position(array['organization', 'team', 'project'], b.scope_kind), lower(b.name), b.budget_id",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .fetch_all(pool)
    .await?;
    rows.iter().map(budget).collect()
}

pub(super) async fn get(pool: &PgPool, scope: &OrgScope, budget_id: BudgetId) -> Result<Option<Budget>, Error> {
    let row = sqlx::query(
        "select b.*, coalesce(t.slug, p.slug) as scope_slug, coalesce(t.name, p.name, o.name) as scope_name
         from budgets b
         join organizations o on o.org_id = b.org_id
         left join teams t on t.org_id = b.org_id and t.team_id = b.team_id
         left join projects p on p.org_id = b.org_id and p.project_id = b.project_id
         where b.org_id = $1 and b.budget_id = $3 and ($2::uuid[] is null or b.project_id = any($2))",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(budget_id.0)
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(budget).transpose()
}

/// Active budgets, locked against change until the evaluation commits, so that an edit is never followed by an alert about what it replaced.
/// `only` asks for one of them.
pub(super) async fn active_for_evaluation(
    connection: &mut PgConnection,
    scope: &OrgScope,
    only: Option<BudgetId>,
) -> Result<Vec<Budget>, Error> {
    let rows = sqlx::query(
        "select b.*, coalesce(t.slug, p.slug) as scope_slug, coalesce(t.name, p.name, o.name) as scope_name
         from budgets b
         join organizations o on o.org_id = b.org_id
         left join teams t on t.org_id = b.org_id and t.team_id = b.team_id
         left join projects p on p.org_id = b.org_id and p.project_id = b.project_id
         where b.org_id = $1 and b.archived_at is null and ($2::uuid is null or b.budget_id = $2)
         order by b.budget_id
         for share of b",
    )
    .bind(scope.org_id().0)
    .bind(only.map(|id| id.0))
    .fetch_all(connection)
    .await?;
    rows.iter().map(budget).collect()
}

/// Takes the row for a change; false when there is none that the scope shows.
pub(super) async fn lock(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
) -> Result<Option<Budget>, Error> {
    let row = sqlx::query(
        "select b.*, coalesce(t.slug, p.slug) as scope_slug, coalesce(t.name, p.name, o.name) as scope_name
         from budgets b
         join organizations o on o.org_id = b.org_id
         left join teams t on t.org_id = b.org_id and t.team_id = b.team_id
         left join projects p on p.org_id = b.org_id and p.project_id = b.project_id
         where b.org_id = $1 and b.budget_id = $3 and ($2::uuid[] is null or b.project_id = any($2))
         for update of b",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(budget_id.0)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(budget).transpose()
}

fn budget(row: &PgRow) -> Result<Budget, Error> {
    let (scope, scope_ref) = scope_of(row)?;
    let thresholds: Vec<i16> = row.try_get("thresholds")?;
    let recipients: Vec<String> = row.try_get("recipients")?;
    let amount: Decimal = row.try_get("amount")?;
    Ok(Budget {
        budget_id: BudgetId(row.try_get("budget_id")?),
        name: row.try_get("name")?,
        scope,
        scope_ref,
        scope_name: row.try_get("scope_name")?,
        amount: amount.normalize(),
        thresholds: thresholds.into_iter().map(|number| threshold("budgets", number)).collect::<Result<_, _>>()?,
        recipients: recipients
            .iter()
            .map(|text| Email::parse(text).map_err(|_| Error::inconsistent("budgets", "recipients", text)))
            .collect::<Result<_, _>>()?,
        created_at: row.try_get("created_at")?,
        archived_at: row.try_get("archived_at")?,
    })
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

fn threshold(table: &'static str, number: i16) -> Result<u16, Error> {
    u16::try_from(number).map_err(|_| Error::inconsistent(table, "threshold", number))
}

/// How many budgets the organization has, archived ones included.
pub(super) async fn count(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from budgets where org_id = $1 and archived_at is null");
    Ok(count.bind(scope.org_id().0).fetch_one(connection).await?)
}

/// The part of the organization behind its words; none when no such team or project is there.
pub(super) async fn resolve(
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

pub(super) async fn insert(
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
pub(super) async fn update(connection: &mut PgConnection, scope: &OrgScope, budget: &Budget) -> Result<(), Error> {
    sqlx::query(
        "update budgets set name = $3, amount = $4, thresholds = $5, recipients = $6, archived_at = $7
         where org_id = $1 and budget_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(budget.budget_id.0)
    .bind(&budget.name)
    .bind(budget.amount)
    .bind(small(&budget.thresholds))
    .bind(texts(&budget.recipients))
    .bind(budget.archived_at)
    .execute(connection)
    .await?;
    Ok(())
}

// --- months

/// A month of a budget.
pub(super) struct Month {
    /// First day.
    pub(super) month: NaiveDate,
    /// Its first instant and its end.
    pub(super) instants: (DateTime<Utc>, DateTime<Utc>),
}

/// Makes the month's row with `amount` if it is not there, and locks it: evaluations of one month come one after another, so that the last one has read the newest spend.
pub(super) async fn lock_month(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    month: &Month,
    amount: Decimal,
) -> Result<Decimal, Error> {
    let amount: Decimal = sqlx::query_scalar(
        "insert into budget_periods (org_id, budget_id, month, starts_at, ends_at, amount)
         values ($1, $2, $3, $4, $5, $6)
         on conflict on constraint budget_periods_pkey do update set month = excluded.month
         returning amount",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(month.month)
    .bind(month.instants.0)
    .bind(month.instants.1)
    .bind(amount)
    .fetch_one(connection)
    .await?;
    Ok(amount.normalize())
}

pub(super) async fn set_month_amount(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    month: NaiveDate,
    amount: Decimal,
) -> Result<(), Error> {
    sqlx::query("update budget_periods set amount = $4 where org_id = $1 and budget_id = $2 and month = $3")
        .bind(scope.org_id().0)
        .bind(budget_id.0)
        .bind(month)
        .bind(amount)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn evaluated(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    month: NaiveDate,
    usage: &BudgetUsage,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update budget_periods set evaluated_at = $4, evaluated_spend = $5, evaluated_estimated = $6
         where org_id = $1 and budget_id = $2 and month = $3",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(month)
    .bind(now)
    .bind(usage.used)
    .bind(usage.estimated)
    .execute(connection)
    .await?;
    Ok(())
}

/// Every budget's amount in force and last evaluation in a month, where it has a row.
pub(super) async fn months(
    pool: &PgPool,
    scope: &OrgScope,
    month: NaiveDate,
) -> Result<BTreeMap<BudgetId, (Decimal, Option<DateTime<Utc>>)>, Error> {
    let rows =
        sqlx::query("select budget_id, amount, evaluated_at from budget_periods where org_id = $1 and month = $2")
            .bind(scope.org_id().0)
            .bind(month)
            .fetch_all(pool)
            .await?;
    rows.iter()
        .map(|row| {
            let amount: Decimal = row.try_get("amount")?;
            Ok((BudgetId(row.try_get("budget_id")?), (amount.normalize(), row.try_get("evaluated_at")?)))
        })
        .collect()
}

/// Active, visible budgets whose last evaluation of the month found more than the amount.
pub(super) async fn over(pool: &PgPool, scope: &OrgScope, month: NaiveDate) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "select count(*)
         from budget_periods m
         join budgets b on b.org_id = m.org_id and b.budget_id = m.budget_id
         where m.org_id = $1 and m.month = $3 and m.evaluated_spend > m.amount
             and b.archived_at is null and ($2::uuid[] is null or b.project_id = any($2))",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(month)
    .fetch_one(pool)
    .await?)
}

// --- the ledger

/// Records a crossing once per budget, month and threshold, whoever finds it and however often; false when it was there.
pub(super) async fn record(
    connection: &mut PgConnection,
    scope: &OrgScope,
    crossing: &Crossing<'_>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "insert into alerts (org_id, alert_id, budget_id, budget_name, month, threshold, created_at,
                             spend, estimated, amount, late)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict on constraint alerts_once_key do nothing",
    )
    .bind(scope.org_id().0)
    .bind(crossing.alert_id.0)
    .bind(crossing.budget.budget_id.0)
    .bind(&crossing.budget.name)
    .bind(crossing.month)
    .bind(i16::try_from(crossing.threshold).unwrap_or(i16::MAX))
    .bind(now)
    .bind(crossing.usage.used)
    .bind(crossing.usage.estimated)
    .bind(crossing.usage.amount)
    .bind(crossing.late)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A threshold found crossed.
pub(super) struct Crossing<'a> {
    pub(super) alert_id: AlertId,
    pub(super) budget: &'a Budget,
    pub(super) month: NaiveDate,
    pub(super) threshold: u16,
    pub(super) usage: BudgetUsage,
    pub(super) late: bool,
}

pub(super) async fn mailed_with(
    connection: &mut PgConnection,
    scope: &OrgScope,
    alerts: &[AlertId],
    threshold: u16,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = alerts.iter().map(|id| id.0).collect();
    sqlx::query("update alerts set mailed_with = $3 where org_id = $1 and alert_id = any($2)")
        .bind(scope.org_id().0)
        .bind(ids)
        .bind(i16::try_from(threshold).unwrap_or(i16::MAX))
        .execute(connection)
        .await?;
    Ok(())
}

/// Rows of the ledger, newest first. `deliveries` are left empty.
pub(super) async fn alerts(pool: &PgPool, scope: &OrgScope, wanted: &Wanted) -> Result<Vec<Alert>, Error> {
    let rows = sqlx::query(
        "select a.*, u.email as acknowledged_by_email
         from alerts a
         join budgets b on b.org_id = a.org_id and b.budget_id = a.budget_id
         left join users u on u.user_id = a.acknowledged_by
         where a.org_id = $1 and ($2::uuid[] is null or b.project_id = any($2))
             and ($3::uuid is null or a.budget_id = $3)
             and ($4::date is null or a.month = $4)
             and ($5::uuid is null or (a.created_at, a.threshold, a.alert_id) < (
                 select created_at, threshold, alert_id from alerts where org_id = $1 and alert_id = $5))
             and ($6 = 'all'
                 or $6 = 'open' and a.acknowledged_at is null
                 or $6 = 'acknowledged' and a.acknowledged_at is not null
                 or $6 = 'undelivered' and exists (
                     select 1 from mails where mails.org_id = a.org_id and mails.alert_id = a.alert_id and state = 'failed'))
         order by a.created_at desc, a.threshold desc, a.alert_id desc
         limit $7",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(wanted.budget_id.map(|id| id.0))
    .bind(wanted.month)
    .bind(wanted.before.map(|id| id.0))
    .bind(wanted.filter.as_str())
    .bind(wanted.limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| alert(row, scope)).collect()
}

/// A crossing as the ledger keeps it, without what became of its mails.
pub(super) struct RecordedAlert {
    pub(super) month: NaiveDate,
    pub(super) budget_name: String,
    pub(super) threshold: u16,
    pub(super) amount: Decimal,
}

/// Crossings of the budgets of exactly this part in the months that begin in a period.
pub(super) async fn recorded(
    pool: &PgPool,
    scope: &OrgScope,
    part: SpendScope,
    months: Period,
) -> Result<Vec<RecordedAlert>, Error> {
    let (kind, team, project) = match part {
        SpendScope::Organization => ("organization", None, None),
        SpendScope::Team(team) => ("team", Some(team.0), None),
        SpendScope::Project(project) => ("project", None, Some(project.0)),
    };
    let rows = sqlx::query(
        "select a.month, a.budget_name, a.threshold, a.amount
         from alerts a
         join budgets b on b.org_id = a.org_id and b.budget_id = a.budget_id
         where a.org_id = $1 and ($2::uuid[] is null or b.project_id = any($2))
             and b.scope_kind = $3 and b.team_id is not distinct from $4 and b.project_id is not distinct from $5
             and a.month >= $6 and a.month < $7
         order by a.month, a.threshold",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(kind)
    .bind(team)
    .bind(project)
    .bind(months.from)
    .bind(months.to)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(RecordedAlert {
                month: row.try_get("month")?,
                budget_name: row.try_get("budget_name")?,
                threshold: threshold("alerts", row.try_get("threshold")?)?,
                amount: row.try_get("amount")?,
            })
        })
        .collect()
}

/// Which rows of the ledger.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) budget_id: Option<BudgetId>,
    pub(super) month: Option<NaiveDate>,
    pub(super) before: Option<AlertId>,
    pub(super) filter: AlertFilter,
    pub(super) limit: i64,
}

fn alert(row: &PgRow, scope: &OrgScope) -> Result<Alert, Error> {
    let at: DateTime<Utc> = row.try_get("created_at")?;
    let acknowledged_at: Option<DateTime<Utc>> = row.try_get("acknowledged_at")?;
    let mailed_with: Option<i16> = row.try_get("mailed_with")?;
    let amount: Decimal = row.try_get("amount")?;
    Ok(Alert {
        alert_id: AlertId(row.try_get("alert_id")?),
        budget_id: BudgetId(row.try_get("budget_id")?),
        budget_name: row.try_get("budget_name")?,
        month: row.try_get("month")?,
        threshold: threshold("alerts", row.try_get("threshold")?)?,
        at: scope.zone().local(at),
        spend: row.try_get("spend")?,
        estimated: row.try_get("estimated")?,
        amount: amount.normalize(),
        late: row.try_get("late")?,
        mailed_with: mailed_with.map(|number| threshold("alerts", number)).transpose()?,
        acknowledged_at: acknowledged_at.map(|at| scope.zone().local(at)),
        acknowledged_by: row.try_get("acknowledged_by_email")?,
        deliveries: Vec::new(),
    })
}

/// The budget of a visible row that nobody acknowledged yet, which is acknowledged by this; none if there is no such row.
pub(super) async fn acknowledge(
    connection: &mut PgConnection,
    scope: &OrgScope,
    alert_id: AlertId,
    now: DateTime<Utc>,
) -> Result<Option<(String, u16)>, Error> {
    let row = sqlx::query(
        "update alerts a set acknowledged_at = $4, acknowledged_by = $5
         from budgets b
         where a.org_id = $1 and a.alert_id = $3 and a.acknowledged_at is null
             and b.org_id = a.org_id and b.budget_id = a.budget_id and ($2::uuid[] is null or b.project_id = any($2))
         returning a.budget_name, a.threshold",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(alert_id.0)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((row.try_get("budget_name")?, threshold("alerts", row.try_get("threshold")?)?))).transpose()
}

/// Whether the row exists and is visible.
pub(super) async fn alert_exists(
    connection: &mut PgConnection,
    scope: &OrgScope,
    alert_id: AlertId,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "select exists (
             select 1 from alerts a
             join budgets b on b.org_id = a.org_id and b.budget_id = a.budget_id
             where a.org_id = $1 and a.alert_id = $3 and ($2::uuid[] is null or b.project_id = any($2)))",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(alert_id.0)
    .fetch_one(connection)
    .await?)
}

pub(super) async fn open_alerts(pool: &PgPool, scope: &OrgScope) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "select count(*)
         from alerts a
         join budgets b on b.org_id = a.org_id and b.budget_id = a.budget_id
         where a.org_id = $1 and a.acknowledged_at is null and ($2::uuid[] is null or b.project_id = any($2))",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .fetch_one(pool)
    .await?)
}

// --- test mails

/// Presses of the button since `since`: for this budget, and for the organization.
pub(super) async fn tests_since(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    since: DateTime<Utc>,
) -> Result<(i64, i64), Error> {
    let row = sqlx::query(
        "select count(distinct test_id) filter (where budget_id = $2) as budget, count(distinct test_id) as organization
         from budget_tests
         where org_id = $1 and created_at > $3",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(since)
    .fetch_one(connection)
    .await?;
    Ok((row.try_get("budget")?, row.try_get("organization")?))
}

pub(super) async fn insert_test(
    connection: &mut PgConnection,
    scope: &OrgScope,
    test_id: Uuid,
    mail_id: MailId,
    budget_id: BudgetId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into budget_tests (org_id, test_id, mail_id, budget_id, created_at, user_id, key_id)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(scope.org_id().0)
    .bind(test_id)
    .bind(mail_id.0)
    .bind(budget_id.0)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest test mails: which mail, when and by whom.
pub(super) async fn tests(
    pool: &PgPool,
    scope: &OrgScope,
    budget_id: BudgetId,
    limit: i64,
) -> Result<Vec<(MailId, DateTime<Utc>, String)>, Error> {
    let rows = sqlx::query(
        "select t.mail_id, t.created_at, coalesce(u.email, 'API key ' || k.name, 'somebody who left') as asked_by
         from budget_tests t
         left join users u on u.user_id = t.user_id
         left join api_keys k on k.org_id = t.org_id and k.key_id = t.key_id
         where t.org_id = $1 and t.budget_id = $2
         order by t.created_at desc, t.test_id, t.mail_id
         limit $3",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| Ok((MailId(row.try_get("mail_id")?), row.try_get("created_at")?, row.try_get("asked_by")?)))
        .collect()
}

/// The address of the person who asks.
pub(super) async fn own_address(connection: &mut PgConnection, scope: &OrgScope) -> Result<Option<Email>, Error> {
    let text: Option<String> = sqlx::query_scalar("select email from users where user_id = $1")
        .bind(scope.user_id().map(|id| id.0))
        .fetch_optional(connection)
        .await?;
    Ok(text.and_then(|text| Email::parse(&text).ok()))
}

// --- work to do (across organizations: the worker's own view, no caller's)

/// Organizations with marks, at most `limit`.
pub(super) async fn marked(pool: &PgPool, limit: i64) -> Result<Vec<OrgId>, Error> {
    // Step by step along the key: marks of one organization may be many, and a distributed table knows no recursion across organizations.
    let mut found: Vec<OrgId> = Vec::new();
    for _ in 0..limit {
        let next: Option<Uuid> = sqlx::query_scalar(
            "select org_id from dirty_marks where $1::uuid is null or org_id > $1 order by org_id limit 1",
        )
        .bind(found.last().map(|org_id| org_id.0))
        .fetch_optional(pool)
        .await?;
        let Some(next) = next else { break };
        found.push(OrgId(next));
    }
    Ok(found)
}

/// An array, and not `in`: what is taken is found first and then looked up by key, whatever PostgreSQL believes of a table that was empty when it last counted. As a join it compared all with all, for minutes, and kept every table's dead rows alive meanwhile.
pub(super) const TAKE_MARKS: &str = "delete from dirty_marks
     where org_id = $1 and mark_id = any(array(
         select mark_id from dirty_marks where org_id = $1 order by mark_id limit $2 for update skip locked))
     returning project_id, day";

/// Takes marks of one organization that no other server holds; they are gone with the commit.
pub(super) async fn take_marks(
    connection: &mut PgConnection,
    org_id: OrgId,
    limit: i64,
) -> Result<Vec<(ProjectId, NaiveDate)>, Error> {
    let rows = sqlx::query(TAKE_MARKS).bind(org_id.0).bind(limit).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((ProjectId(row.try_get("project_id")?), row.try_get("day")?))).collect()
}

/// The organizations after `after` that have an active budget.
pub(super) async fn with_budgets(pool: &PgPool, after: Option<OrgId>, limit: i64) -> Result<Vec<OrgId>, Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "select distinct org_id from budgets
         where archived_at is null and ($1::uuid is null or org_id > $1)
         order by org_id
         limit $2",
    )
    .bind(after.map(|id| id.0))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(OrgId).collect())
}

/// Whether this transaction is the one server's that sweeps now.
pub(super) async fn try_sweep_lock(connection: &mut PgConnection) -> Result<bool, Error> {
    // The number is arbitrary; it only has to be the same everywhere and nobody else's.
    const SWEEP: i64 = 0x7461_6c6c_7901;
    Ok(sqlx::query_scalar("select pg_try_advisory_xact_lock($1)").bind(SWEEP).fetch_one(connection).await?)
}
