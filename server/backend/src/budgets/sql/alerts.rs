//! Queries of `alerts`, with the mails that tell of them.

use super::budgets::{number, revision, seen, threshold};
use crate::budgets::Entries;
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::budget::{Alert, AlertFilter, Budget, BudgetUsage, SpendScope};
use domain::ids::{AlertId, BudgetId};
use domain::period::Period;
use domain::spend::Estimate;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// Records a crossing once per budget, month, threshold and amount, whoever finds it and however often; false when it was there.
pub(in crate::budgets) async fn record(
    connection: &mut PgConnection,
    scope: &OrgScope,
    crossing: &Crossing<'_>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "insert into alerts (org_id, alert_id, budget_id, budget_name, month, threshold, created_at,
                             spend, estimated, unpriced_events, upper_bound, amount, revision, late, entry_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $2)
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
    .bind(crossing.usage.estimate.amount)
    .bind(crossing.usage.estimate.events)
    .bind(crossing.usage.estimate.upper_bound)
    .bind(crossing.usage.amount)
    .bind(number(crossing.revision))
    .bind(crossing.late)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A threshold found crossed.
pub(in crate::budgets) struct Crossing<'a> {
    pub(in crate::budgets) alert_id: AlertId,
    pub(in crate::budgets) budget: &'a Budget,
    pub(in crate::budgets) month: NaiveDate,
    pub(in crate::budgets) threshold: u16,
    pub(in crate::budgets) usage: BudgetUsage,
    pub(in crate::budgets) revision: u32,
    pub(in crate::budgets) late: bool,
}

/// Makes what was crossed at one moment one entry, that of the highest threshold.
pub(in crate::budgets) async fn join_entry(
    connection: &mut PgConnection,
    scope: &OrgScope,
    alerts: &[AlertId],
    highest: AlertId,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = alerts.iter().map(|id| id.0).collect();
    sqlx::query("update alerts set entry_id = $3 where org_id = $1 and alert_id = any($2)")
        .bind(scope.org_id().0)
        .bind(ids)
        .bind(highest.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes how many mails tell of an alert: the mails themselves do not stay for ever.
pub(in crate::budgets) async fn mailed(
    connection: &mut PgConnection,
    scope: &OrgScope,
    alert: AlertId,
    mails: usize,
) -> Result<(), Error> {
    sqlx::query("update alerts set mails = $3 where org_id = $1 and alert_id = $2")
        .bind(scope.org_id().0)
        .bind(alert.0)
        .bind(i16::try_from(mails).unwrap_or(i16::MAX))
        .execute(connection)
        .await?;
    Ok(())
}

/// Entries of the alert history, newest first. `deliveries` are left empty.
pub(in crate::budgets) async fn alerts(pool: &PgPool, scope: &OrgScope, wanted: &Wanted) -> Result<Vec<Alert>, Error> {
    let rows = sqlx::query(concat!(
        "select a.*, u.email as acknowledged_by_email, array(
             select threshold from alerts of_entry
             where of_entry.org_id = $1 and of_entry.entry_id = a.alert_id order by threshold) as thresholds
         from alerts a
         join budgets b on b.org_id = a.org_id and b.budget_id = a.budget_id
         left join users u on u.user_id = a.acknowledged_by
         where a.org_id = $1 and a.alert_id = a.entry_id and ",
        seen!("$8", "a.month"),
        " and ($3::uuid is null or a.budget_id = $3)
             and ($4::date is null or a.month = $4)
             and ($5::uuid is null or (a.created_at, a.threshold, a.alert_id) < (
                 select created_at, threshold, alert_id from alerts where org_id = $1 and alert_id = $5))
             and ($6 = 'all'
                 or $6 = 'open' and a.acknowledged_at is null
                 or $6 = 'acknowledged' and a.acknowledged_at is not null
                 or $6 = 'undelivered' and exists (
                     select 1 from mails where mails.org_id = a.org_id and mails.alert_id = a.alert_id and state = 'failed'))
         order by a.created_at desc, a.threshold desc, a.alert_id desc
         limit $7"
    ))
    .bind(scope.org_id().0)
    .bind(scope.visible_owners())
    .bind(wanted.budget_id.map(|id| id.0))
    .bind(wanted.month)
    .bind(wanted.before.map(|id| id.0))
    .bind(wanted.filter.as_str())
    .bind(wanted.limit)
    .bind(scope.limiting_teams())
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| alert(row, scope)).collect()
}

/// A crossing as the ledger keeps it, without what became of its mails.
pub(in crate::budgets) struct RecordedAlert {
    pub(in crate::budgets) month: NaiveDate,
    pub(in crate::budgets) budget_name: String,
    pub(in crate::budgets) threshold: u16,
    pub(in crate::budgets) amount: Decimal,
}

/// Crossings of the budgets of exactly this part in the months that begin in a period.
pub(in crate::budgets) async fn recorded(
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
    let rows = sqlx::query(concat!(
        "select a.month, a.budget_name, a.threshold, a.amount
         from alerts a
         join budgets b on b.org_id = a.org_id and b.budget_id = a.budget_id
         where a.org_id = $1 and ",
        seen!("$8", "a.month"),
        " and b.scope_kind = $3 and b.team_id is not distinct from $4 and b.project_id is not distinct from $5
             and a.month >= $6 and a.month < $7
         order by a.month, a.threshold"
    ))
    .bind(scope.org_id().0)
    .bind(scope.visible_owners())
    .bind(kind)
    .bind(team)
    .bind(project)
    .bind(months.from)
    .bind(months.to)
    .bind(scope.limiting_teams())
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
pub(in crate::budgets) struct Wanted {
    pub(in crate::budgets) budget_id: Option<BudgetId>,
    pub(in crate::budgets) month: Option<NaiveDate>,
    pub(in crate::budgets) before: Option<AlertId>,
    pub(in crate::budgets) filter: AlertFilter,
    pub(in crate::budgets) limit: i64,
}

fn alert(row: &PgRow, scope: &OrgScope) -> Result<Alert, Error> {
    let at: DateTime<Utc> = row.try_get("created_at")?;
    let acknowledged_at: Option<DateTime<Utc>> = row.try_get("acknowledged_at")?;
    let thresholds: Vec<i16> = row.try_get("thresholds")?;
    let amount: Decimal = row.try_get("amount")?;
    let mails: i16 = row.try_get("mails")?;
    Ok(Alert {
        alert_id: AlertId(row.try_get("alert_id")?),
        budget_id: BudgetId(row.try_get("budget_id")?),
        budget_name: row.try_get("budget_name")?,
        month: row.try_get("month")?,
        thresholds: thresholds.into_iter().map(|number| threshold("alerts", number)).collect::<Result<_, _>>()?,
        at: scope.zone().local(at),
        spend: row.try_get("spend")?,
        estimate: Estimate {
            amount: row.try_get("estimated")?,
            events: row.try_get("unpriced_events")?,
            upper_bound: row.try_get("upper_bound")?,
        },
        amount: amount.normalize(),
        revision: revision("alerts", row)?,
        late: row.try_get("late")?,
        acknowledged_at: acknowledged_at.map(|at| scope.zone().local(at)),
        acknowledged_by: row.try_get("acknowledged_by_email")?,
        note: row.try_get("note")?,
        mails: u16::try_from(mails).unwrap_or_default(),
        deliveries: Vec::new(),
    })
}

/// Acknowledges visible entries that nobody acknowledged yet; the budget's name and the thresholds of each.
pub(in crate::budgets) async fn acknowledge(
    connection: &mut PgConnection,
    scope: &OrgScope,
    which: Entries,
    note: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Vec<(String, Vec<u16>)>, Error> {
    let (alert_id, older_too) = match which {
        Entries::One(alert_id) => (alert_id, false),
        Entries::UpTo(alert_id) => (alert_id, true),
    };
    let rows = sqlx::query(concat!(
        "with named as (
             select entry_id, created_at, threshold from alerts
             where org_id = $1 and alert_id = (select entry_id from alerts where org_id = $1 and alert_id = $3)),
         done as (
             update alerts a set acknowledged_at = $5, acknowledged_by = $6, note = $7
             from budgets b, named, alerts head
             where a.org_id = $1 and a.acknowledged_at is null
                 and head.org_id = $1 and head.alert_id = a.entry_id and head.acknowledged_at is null
                 and (head.alert_id = named.entry_id
                     or $4 and (head.created_at, head.threshold, head.alert_id) < (named.created_at, named.threshold, named.entry_id))
                 and b.org_id = $1 and b.budget_id = a.budget_id and ",
        seen!("$8", "a.month"),
        " returning a.entry_id, a.budget_name, a.threshold)
         select budget_name, array_agg(threshold order by threshold) as thresholds
         from done group by entry_id, budget_name order by budget_name, entry_id"
    ))
    .bind(scope.org_id().0)
    .bind(scope.visible_owners())
    .bind(alert_id.0)
    .bind(older_too)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(note)
    .bind(scope.limiting_teams())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let thresholds: Vec<i16> = row.try_get("thresholds")?;
            let thresholds = thresholds.into_iter().map(|number| threshold("alerts", number));
            Ok((row.try_get("budget_name")?, thresholds.collect::<Result<_, _>>()?))
        })
        .collect()
}

/// Acknowledges a budget's alerts of the months before one, each two hours after it came.
pub(in crate::budgets) async fn acknowledge_before(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    month: NaiveDate,
) -> Result<(), Error> {
    sqlx::query(
        "update alerts set acknowledged_at = created_at + interval '2 hours'
         where org_id = $1 and budget_id = $2 and month < $3",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(month)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the row exists and is visible.
pub(in crate::budgets) async fn alert_exists(
    connection: &mut PgConnection,
    scope: &OrgScope,
    alert_id: AlertId,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(concat!(
        "select exists (
             select 1 from alerts a
             join budgets b on b.org_id = a.org_id and b.budget_id = a.budget_id
             where a.org_id = $1 and a.alert_id = $3 and ",
        seen!("$4", "a.month"),
        ")"
    ))
    .bind(scope.org_id().0)
    .bind(scope.visible_owners())
    .bind(alert_id.0)
    .bind(scope.limiting_teams())
    .fetch_one(connection)
    .await?)
}

/// Another number after every alert that is recorded or acknowledged.
pub(in crate::budgets) async fn version(pool: &PgPool, scope: &OrgScope) -> Result<i64, Error> {
    let version = sqlx::query_scalar("select count(*) + count(acknowledged_at) from alerts where org_id = $1");
    Ok(version.bind(scope.org_id().0).fetch_one(pool).await?)
}

pub(in crate::budgets) async fn open_alerts(pool: &PgPool, scope: &OrgScope) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(concat!(
        "select count(*)
         from alerts a
         join budgets b on b.org_id = a.org_id and b.budget_id = a.budget_id
         where a.org_id = $1 and a.alert_id = a.entry_id and a.acknowledged_at is null and ",
        seen!("$3", "a.month")
    ))
    .bind(scope.org_id().0)
    .bind(scope.visible_owners())
    .bind(scope.limiting_teams())
    .fetch_one(pool)
    .await?)
}
