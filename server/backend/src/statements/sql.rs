//! Queries of the sums by day, meter and term, by month and owner of the day.

pub(super) mod replies;
pub(super) mod versions;

use crate::ledger::push_seen_days;
use crate::spend::{SUMS, sums_of};
use crate::{Error, OrgScope};
use domain::meter::Meter;
use domain::period::Period;
use domain::spend::Sums;
use domain::statement::{CostOwner, StatementKind};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

type Query = QueryBuilder<Postgres>;

/// One model of one project while one team owned it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ModelKey {
    pub(super) team_id: Option<Uuid>,
    pub(super) project_id: Uuid,
    pub(super) provider: String,
    pub(super) model: String,
}

pub(super) struct ModelRow {
    pub(super) key: ModelKey,
    pub(super) sums: Sums,
}

pub(super) struct CostOwnerRow {
    pub(super) id: Uuid,
    pub(super) owner: CostOwner,
}

const OWNER: &str = " left join project_ownership as owner on owner.org_id = r.org_id
    and owner.project_id = r.project_id and owner.valid_from <= r.day and owner.valid_to > r.day";
const KEY: &str = "owner.team_id, r.project_id, r.provider, r.model";

fn key_of(row: &PgRow) -> Result<ModelKey, sqlx::Error> {
    Ok(ModelKey {
        team_id: row.try_get("team_id")?,
        project_id: row.try_get("project_id")?,
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
    })
}

fn push_where(sql: &mut Query, scope: &OrgScope, period: Period, only: Option<(StatementKind, Uuid)>) {
    sql.push(" where r.org_id = ").push_bind(scope.org_id().0);
    sql.push(" and r.day >= ").push_bind(period.from).push(" and r.day < ").push_bind(period.to);
    push_seen_days(sql, scope, "r.project_id", "r.day");
    match only {
        None => {}
        Some((StatementKind::Team, id)) => {
            sql.push(" and owner.team_id = ").push_bind(id);
        }
        Some((StatementKind::Project, id)) => {
            sql.push(" and r.project_id = ").push_bind(id);
        }
    }
}

pub(super) async fn models(
    connection: &mut PgConnection,
    scope: &OrgScope,
    period: Period,
    only: Option<(StatementKind, Uuid)>,
) -> Result<Vec<ModelRow>, Error> {
    let mut sql = Query::new("select ");
    sql.push(KEY).push(", ").push(SUMS).push(" from spend_by_coarse_day as r").push(OWNER);
    push_where(&mut sql, scope, period, only);
    sql.push(" group by ").push(KEY).push(" order by ").push(KEY);
    let rows = sql.build().fetch_all(&mut *connection).await?;
    rows.iter().map(|row| Ok(ModelRow { key: key_of(row)?, sums: sums_of(row)? })).collect()
}

/// By model: meter, quantity, requests and amount.
pub(super) async fn meters(
    connection: &mut PgConnection,
    scope: &OrgScope,
    period: Period,
    only: Option<(StatementKind, Uuid)>,
) -> Result<BTreeMap<ModelKey, Vec<(Meter, Decimal, i64, Decimal)>>, Error> {
    let mut sql = Query::new("select ");
    sql.push(KEY).push(
        ", r.meter, sum(r.quantity) as quantity, sum(r.requests)::bigint as requests,
           sum(r.booked) as amount from spend_by_coarse_meter as r",
    );
    sql.push(OWNER);
    push_where(&mut sql, scope, period, only);
    sql.push(" group by ").push(KEY).push(", r.meter");
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in sql.build().fetch_all(&mut *connection).await? {
        let word: &str = row.try_get("meter")?;
        let meter = Meter::parse(word).ok_or_else(|| Error::inconsistent("rollup_meter_day", "meter", word))?;
        let line = (meter, row.try_get("quantity")?, row.try_get("requests")?, row.try_get("amount")?);
        found.entry(key_of(&row)?).or_default().push(line);
    }
    Ok(found)
}

/// By model: what each term of the contract took off or added.
pub(super) async fn terms(
    connection: &mut PgConnection,
    scope: &OrgScope,
    period: Period,
    only: Option<(StatementKind, Uuid)>,
) -> Result<BTreeMap<ModelKey, Vec<(u64, Decimal)>>, Error> {
    let mut sql = Query::new("select ");
    sql.push(KEY).push(", r.term_id, sum(r.adjusted) as amount from spend_by_term as r").push(OWNER);
    push_where(&mut sql, scope, period, only);
    sql.push(" group by ").push(KEY).push(", r.term_id order by r.term_id");
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in sql.build().fetch_all(&mut *connection).await? {
        let term_id = u64::try_from(row.try_get::<i64, _>("term_id")?)
            .map_err(|error| Error::inconsistent("rollup_term_day", "term_id", error))?;
        found.entry(key_of(&row)?).or_default().push((term_id, row.try_get("amount")?));
    }
    Ok(found)
}

fn owner_of(row: &PgRow) -> Result<CostOwnerRow, sqlx::Error> {
    let owner =
        CostOwner { slug: row.try_get("slug")?, name: row.try_get("name")?, cost_centre: row.try_get("cost_centre")? };
    Ok(CostOwnerRow { id: row.try_get("id")?, owner })
}

/// All teams and projects: names for sums that are limited to what the caller sees already.
pub(super) async fn owners(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<(Vec<CostOwnerRow>, Vec<CostOwnerRow>), Error> {
    let teams = sqlx::query("select team_id as id, slug, name, cost_centre from teams where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_all(&mut *connection)
        .await?;
    let projects = sqlx::query("select project_id as id, slug, name, cost_centre from projects where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_all(&mut *connection)
        .await?;
    let read = |rows: Vec<PgRow>| rows.iter().map(owner_of).collect::<Result<Vec<_>, _>>();
    Ok((read(teams)?, read(projects)?))
}

/// The team or project of this slug, if the caller sees it: a project with any of its days, a team by its members, and by a key of any project that it ever owned.
pub(super) async fn owner(
    pool: &PgPool,
    scope: &OrgScope,
    kind: StatementKind,
    slug: &str,
) -> Result<Option<CostOwnerRow>, Error> {
    let query = match kind {
        StatementKind::Project => sqlx::query(
            "select project_id as id, slug, name, cost_centre from projects
             where org_id = $1 and slug = $2 and ($3::uuid[] is null or project_id = any($3))",
        )
        .bind(scope.org_id().0)
        .bind(slug)
        .bind(scope.projects_ever()),
        StatementKind::Team => sqlx::query(
            "select team_id as id, slug, name, cost_centre from teams
             where org_id = $1 and slug = $2 and ($3::uuid[] is null or team_id = any($4)
                or cardinality($4) = 0 and exists (
                    select 1 from project_ownership as owner
                    where owner.org_id = teams.org_id and owner.team_id = teams.team_id and owner.project_id = any($3)))",
        )
        .bind(scope.org_id().0)
        .bind(slug)
        .bind(scope.visible_projects())
        .bind(scope.visible_teams()),
    };
    let row = query.fetch_optional(pool).await?;
    Ok(row.as_ref().map(owner_of).transpose()?)
}
