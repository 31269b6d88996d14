//! Queries of versions, of the entries of closed ones, and of waivers.

use crate::projects::SeenOwners;
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::period::Period;
use domain::statement::{Check, Entries, Entry, EntryKey, Version, Waiver};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A query of versions: more columns, and which.
macro_rules! select_versions {
    ($which:literal) => {
        select_versions!("", $which)
    };
    ($more:literal, $which:literal) => {
        concat!(
            "select position, month, number, closed, made_at, made_by, total, body_hash, previous, hash",
            $more,
            " from statement_versions ",
            $which
        )
    };
}

fn version_of(row: &PgRow) -> Result<Version, Error> {
    let small = |column: &'static str| -> Result<u32, Error> {
        let number: i32 = row.try_get(column)?;
        u32::try_from(number).map_err(|_| Error::inconsistent("statement_versions", column, number))
    };
    Ok(Version {
        position: small("position")?,
        month: row.try_get("month")?,
        number: small("number")?,
        closed: row.try_get("closed")?,
        at: row.try_get("made_at")?,
        by: row.try_get("made_by")?,
        total: row.try_get("total")?,
        body_hash: row.try_get("body_hash")?,
        previous: row.try_get("previous")?,
        hash: row.try_get("hash")?,
    })
}

/// The organization's last version; whoever takes the next one holds the lock.
pub(in crate::statements) async fn last(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<Option<Version>, Error> {
    let row = sqlx::query(select_versions!("where org_id = $1 order by position desc limit 1"))
        .bind(scope.org_id().0)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(version_of).transpose()
}

/// The versions of a month, oldest first.
pub(in crate::statements) async fn of_month(
    connection: &mut PgConnection,
    scope: &OrgScope,
    month: NaiveDate,
) -> Result<Vec<Version>, Error> {
    let rows = sqlx::query(select_versions!("where org_id = $1 and month = $2 order by number"))
        .bind(scope.org_id().0)
        .bind(month)
        .fetch_all(connection)
        .await?;
    rows.iter().map(version_of).collect()
}

/// All versions up to a position, with the bodies of one month.
pub(in crate::statements) async fn chain(
    pool: &PgPool,
    scope: &OrgScope,
    until: u32,
    month: NaiveDate,
) -> Result<Vec<(Version, Option<String>)>, Error> {
    let rows = sqlx::query(select_versions!(
        ", case when month = $3 then body end as body",
        "where org_id = $1 and position <= $2 order by position"
    ))
    .bind(scope.org_id().0)
    .bind(i64::from(until))
    .bind(month)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok((version_of(row)?, row.try_get("body")?))).collect()
}

/// What a version states, as it was hashed; of the closed one where no number is told.
pub(in crate::statements) async fn body(
    pool: &PgPool,
    scope: &OrgScope,
    month: NaiveDate,
    number: Option<u32>,
) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar(
        "select body from statement_versions
         where org_id = $1 and month = $2 and (number = $3 or $3 is null and closed)",
    )
    .bind(scope.org_id().0)
    .bind(month)
    .bind(number.map(i64::from))
    .fetch_optional(pool)
    .await?)
}

pub(in crate::statements) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    version: &Version,
    body: &str,
) -> Result<(), Error> {
    sqlx::query(
        "insert into statement_versions (org_id, month, number, position, closed, made_at, made_by, user_id, key_id,
            total, body_hash, previous, hash, body)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(scope.org_id().0)
    .bind(version.month)
    .bind(i64::from(version.number))
    .bind(i64::from(version.position))
    .bind(version.closed)
    .bind(version.at)
    .bind(&version.by)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .bind(version.total)
    .bind(&version.body_hash)
    .bind(&version.previous)
    .bind(&version.hash)
    .bind(body)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down what a closed version settles.
pub(in crate::statements) async fn insert_entries(
    connection: &mut PgConnection,
    scope: &OrgScope,
    version: &Version,
    entries: &Entries,
) -> Result<(), Error> {
    let (mut months, mut teams, mut projects) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sources, mut amounts) = (Vec::new(), Vec::new());
    for (key, amount) in entries.iter() {
        months.push(key.month);
        teams.push(key.team.clone());
        projects.push(key.project.clone());
        sources.push(serde_json::to_value(&key.source).map_err(|error| Error::server("entry", error))?);
        amounts.push(amount);
    }
    sqlx::query(
        "insert into statement_entries (org_id, month, number, entry, of_month, team, project, source, amount)
         select $1, $2, $3, row_number() over (), * from unnest($4::date[], $5::text[], $6::text[], $7::jsonb[], $8::numeric[])",
    )
    .bind(scope.org_id().0)
    .bind(version.month)
    .bind(i64::from(version.number))
    .bind(months)
    .bind(teams)
    .bind(projects)
    .bind(sources)
    .bind(amounts)
    .execute(connection)
    .await?;
    Ok(())
}

/// What closed statements hold of each month, in their own or as adjustments in later ones, as far as the caller sees it.
pub(in crate::statements) async fn settled(
    pool: &PgPool,
    scope: &OrgScope,
    seen: &SeenOwners,
) -> Result<Entries, Error> {
    let rows = sqlx::query(
        "select of_month, team, project, source, sum(amount) as amount from statement_entries
         where org_id = $1 and ($2::text[] is null or project = any($2)) and ($3::text[] is null or team = any($3))
         group by of_month, team, project, source",
    )
    .bind(scope.org_id().0)
    .bind(&seen.projects)
    .bind(&seen.teams)
    .fetch_all(pool)
    .await?;
    let entry = |row: &PgRow| -> Result<Entry, Error> {
        let Json(source) = row.try_get("source")?;
        let key = EntryKey {
            month: row.try_get("of_month")?,
            team: row.try_get("team")?,
            project: row.try_get("project")?,
            source,
        };
        Ok(Entry { key, amount: row.try_get("amount")? })
    };
    rows.iter().map(entry).collect()
}

/// First days of the closed months, oldest first.
pub(in crate::statements) async fn closed(pool: &PgPool, scope: &OrgScope) -> Result<Vec<NaiveDate>, Error> {
    Ok(sqlx::query_scalar("select month from statement_versions where org_id = $1 and closed order by month")
        .bind(scope.org_id().0)
        .fetch_all(pool)
        .await?)
}

/// What is known of a month that has versions.
#[derive(Clone, Debug)]
pub(in crate::statements) struct Known {
    /// None while it is in review.
    pub(in crate::statements) closed: Option<ClosedSums>,
}

/// The sums of a closed month, without markup.
#[derive(Clone, Debug)]
pub(in crate::statements) struct ClosedSums {
    pub(in crate::statements) spend: Decimal,
    pub(in crate::statements) charged: Decimal,
    pub(in crate::statements) adjusted: Decimal,
}

/// Months that have versions, with the sums of closed ones as far as the caller sees them.
pub(in crate::statements) async fn states(
    pool: &PgPool,
    scope: &OrgScope,
    seen: &SeenOwners,
    period: Period,
) -> Result<BTreeMap<NaiveDate, Known>, Error> {
    let rows = sqlx::query(
        "select v.month, bool_or(v.closed) as closed,
            coalesce(sum(e.amount) filter (where e.of_month = v.month and e.source ->> 'kind' = 'usage'), 0) as spend,
            coalesce(sum(e.amount) filter (where e.of_month = v.month and e.source ->> 'kind' <> 'usage'), 0) as charged,
            coalesce(sum(e.amount) filter (where e.of_month <> v.month), 0) as adjusted
         from statement_versions v
         left join (
            select * from statement_entries
            where ($4::text[] is null or project = any($4)) and ($5::text[] is null or team = any($5))
              and source ->> 'kind' <> 'markup'
         ) e on e.org_id = v.org_id and e.month = v.month and e.number = v.number
         where v.org_id = $1 and v.month >= $2 and v.month < $3 group by v.month",
    )
    .bind(scope.org_id().0)
    .bind(period.from)
    .bind(period.to)
    .bind(&seen.projects)
    .bind(&seen.teams)
    .fetch_all(pool)
    .await?;
    let known = |row: &PgRow| -> Result<_, Error> {
        let (spend, charged, adjusted) = (row.try_get("spend")?, row.try_get("charged")?, row.try_get("adjusted")?);
        let closed = row.try_get::<bool, _>("closed")?.then_some(ClosedSums { spend, charged, adjusted });
        Ok((row.try_get("month")?, Known { closed }))
    };
    rows.iter().map(known).collect()
}

/// The newest waiver of unpriced usage.
pub(in crate::statements) async fn waiver(
    pool: &PgPool,
    scope: &OrgScope,
    month: NaiveDate,
) -> Result<Option<Waiver>, Error> {
    let row = sqlx::query(
        "select w.up_to, w.reason, w.created_at, coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as made_by
         from statement_waivers w
         left join users on users.user_id = w.user_id
         left join api_keys on api_keys.org_id = w.org_id and api_keys.key_id = w.key_id
         where w.org_id = $1 and w.month = $2 order by waiver_id desc limit 1",
    )
    .bind(scope.org_id().0)
    .bind(month)
    .fetch_optional(pool)
    .await?;
    let waiver = |row: PgRow| -> Result<Waiver, Error> {
        Ok(Waiver {
            up_to: row.try_get("up_to")?,
            reason: row.try_get("reason")?,
            by: row.try_get("made_by")?,
            at: row.try_get("created_at")?,
        })
    };
    row.map(waiver).transpose()
}

/// A waiver as it is stored.
pub(in crate::statements) struct NewWaiver<'a> {
    pub(in crate::statements) waiver_id: Uuid,
    pub(in crate::statements) month: NaiveDate,
    pub(in crate::statements) check: Check,
    pub(in crate::statements) up_to: i64,
    pub(in crate::statements) reason: &'a str,
    pub(in crate::statements) at: DateTime<Utc>,
}

pub(in crate::statements) async fn insert_waiver(
    connection: &mut PgConnection,
    scope: &OrgScope,
    new: NewWaiver<'_>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into statement_waivers (org_id, month, waiver_id, item, up_to, reason, created_at, user_id, key_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(scope.org_id().0)
    .bind(new.month)
    .bind(new.waiver_id)
    .bind(new.check.as_str())
    .bind(new.up_to)
    .bind(new.reason)
    .bind(new.at)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// The caller's name as it is written down: their address, the key's name, or `Tallystick`.
pub(in crate::statements) async fn caller_name(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<String, Error> {
    Ok(sqlx::query_scalar(
        "select coalesce((select email from users where user_id = $2),
            (select 'API key ' || name from api_keys where org_id = $1 and key_id = $3), 'Tallystick')",
    )
    .bind(scope.org_id().0)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .fetch_one(connection)
    .await?)
}
