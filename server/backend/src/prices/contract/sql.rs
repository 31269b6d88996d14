//! Queries of `contract_terms`, and of the rollups by month and provider.

use crate::prices::own::entry;
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::PriceChangeId;
use domain::period::Period;
use domain::price::contract::{OwnTerm, TermKind, TermRow};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::collections::HashMap;

/// The columns of a term.
macro_rules! columns {
    () => {
        "r.term_id, r.rank, r.kind, r.provider, r.models, r.meters, r.tiers, r.first_month, r.end_month, r.source, r.source_url"
    };
}

fn inconsistent(column: &'static str, detail: impl ToString) -> Error {
    Error::inconsistent("contract_terms", column, detail)
}

fn term(row: &PgRow) -> Result<TermRow, Error> {
    let whole = |column: &'static str| {
        u64::try_from(row.try_get::<i64, _>(column)?).map_err(|error| inconsistent(column, error))
    };
    let (kind, meters): (&str, &str) = (row.try_get("kind")?, row.try_get("meters")?);
    let models: Option<&str> = row.try_get("models")?;
    let models = models.map(|text| text.parse().map_err(|error| inconsistent("models", error))).transpose()?;
    Ok(TermRow {
        term_id: whole("term_id")?,
        rank: whole("rank")?,
        kind: TermKind::parse(kind).ok_or_else(|| inconsistent("kind", kind))?,
        provider: row.try_get("provider")?,
        models,
        meters: meters.parse().map_err(|error| inconsistent("meters", error))?,
        tiers: serde_json::from_value(row.try_get("tiers")?).map_err(|error| inconsistent("tiers", error))?,
        from: row.try_get("first_month")?,
        to: row.try_get("end_month")?,
        source: row.try_get("source")?,
        source_url: row.try_get("source_url")?,
    })
}

fn stored(term_id: u64) -> Result<i64, Error> {
    i64::try_from(term_id).map_err(|error| inconsistent("term_id", error))
}

fn all_stored(ids: &[u64]) -> Vec<i64> {
    ids.iter().filter_map(|id| i64::try_from(*id).ok()).collect()
}

/// Terms that counted at an instant and hold in a month.
pub(in crate::prices) async fn known_at(
    connection: &mut PgConnection,
    scope: &OrgScope,
    known_at: DateTime<Utc>,
    month: Period,
) -> Result<Vec<TermRow>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        " from contract_terms as r
          where r.org_id = $1 and r.recorded_at <= $2 and (r.superseded_at is null or r.superseded_at > $2)
            and r.first_month <= $3 and (r.end_month is null or r.end_month > $3)
          order by r.term_id"
    ))
    .bind(scope.org_id().0)
    .bind(known_at)
    .bind(month.from)
    .fetch_all(connection)
    .await?;
    rows.iter().map(term).collect()
}

/// Terms by id, superseded ones too.
pub(crate) async fn by_ids(pool: &PgPool, scope: &OrgScope, ids: &[u64]) -> Result<HashMap<u64, TermRow>, Error> {
    let ids = all_stored(ids);
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        " from contract_terms as r where r.org_id = $1 and r.term_id = any($2)"
    ))
    .bind(scope.org_id().0)
    .bind(ids)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let term = term(row)?;
            Ok((term.term_id, term))
        })
        .collect()
}

/// A term that counts.
pub(super) async fn live(
    connection: &mut PgConnection,
    scope: &OrgScope,
    term_id: u64,
) -> Result<Option<TermRow>, Error> {
    let Ok(term_id) = i64::try_from(term_id) else { return Ok(None) };
    let row = sqlx::query(concat!(
        "select ",
        columns!(),
        " from contract_terms as r where r.org_id = $1 and r.term_id = $2 and r.superseded_at is null"
    ))
    .bind(scope.org_id().0)
    .bind(term_id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(term).transpose()
}

/// Enters a term under the next id; a rank of 0 means that it is a new one.
pub(in crate::prices) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    row: &TermRow,
    change: PriceChangeId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let tiers = serde_json::to_value(&row.tiers).map_err(|error| inconsistent("tiers", error))?;
    sqlx::query(
        "insert into contract_terms (org_id, term_id, rank, kind, provider, models, meters, tiers, first_month, end_month,
            source, source_url, recorded_at, change_id)
         select $1, next.id, case when $2 = 0 then next.id else $2 end, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
         from (select nextval('contract_term_ids') as id) as next",
    )
    .bind(scope.org_id().0)
    .bind(stored(row.rank)?)
    .bind(row.kind.as_str())
    .bind(&row.provider)
    .bind(row.models.as_ref().map(ToString::to_string))
    .bind(row.meters.to_string())
    .bind(tiers)
    .bind(row.from)
    .bind(row.to)
    .bind(&row.source)
    .bind(&row.source_url)
    .bind(now)
    .bind(change.0)
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::prices) async fn supersede(
    connection: &mut PgConnection,
    scope: &OrgScope,
    ids: &[u64],
    change: PriceChangeId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update contract_terms set superseded_at = $3, superseded_by = $4 where org_id = $1 and term_id = any($2)",
    )
    .bind(scope.org_id().0)
    .bind(all_stored(ids))
    .bind(now)
    .bind(change.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// What a change entered, and whether any of it no longer counts.
pub(in crate::prices) async fn entered_by(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: PriceChangeId,
) -> Result<(Vec<TermRow>, bool), Error> {
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        ", r.superseded_at is not null as gone from contract_terms as r where r.org_id = $1 and r.change_id = $2 order by r.term_id"
    ))
    .bind(scope.org_id().0)
    .bind(change.0)
    .fetch_all(connection)
    .await?;
    let mut any_gone = false;
    for row in &rows {
        any_gone |= row.try_get::<bool, _>("gone")?;
    }
    Ok((rows.iter().map(term).collect::<Result<_, _>>()?, any_gone))
}

/// What a change superseded.
pub(in crate::prices) async fn superseded_by(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: PriceChangeId,
) -> Result<Vec<TermRow>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        " from contract_terms as r where r.org_id = $1 and r.superseded_by = $2 order by r.term_id"
    ))
    .bind(scope.org_id().0)
    .bind(change.0)
    .fetch_all(connection)
    .await?;
    rows.iter().map(term).collect()
}

/// Whether spend has anything of these terms.
pub(in crate::prices) async fn is_applied(
    connection: &mut PgConnection,
    scope: &OrgScope,
    ids: &[u64],
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select exists (select 1 from rollup_term_day where org_id = $1 and term_id = any($2))")
        .bind(scope.org_id().0)
        .bind(all_stored(ids))
        .fetch_one(connection)
        .await?)
}

pub(super) async fn listed(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<OwnTerm>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        ", r.recorded_at, r.superseded_at, r.change_id,
            coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as recorded_by
          from contract_terms as r
          left join price_changes as c on c.org_id = r.org_id and c.change_id = r.change_id
          left join users on users.user_id = c.user_id
          left join api_keys on api_keys.org_id = c.org_id and api_keys.key_id = c.key_id
          where r.org_id = $1
          order by r.superseded_at is not null, r.rank desc, r.term_id desc
          limit $2"
    ))
    .bind(scope.org_id().0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok(OwnTerm { row: term(row)?, entry: entry(scope, row)? })).collect()
}

/// The calls of a provider in a month, and what terms moved of them.
pub(super) struct ProviderMonth {
    pub(super) month: NaiveDate,
    /// As sent.
    pub(super) provider: String,
    /// Without answers from the sender's own cache.
    pub(super) calls: i64,
    /// None where no term moved anything.
    pub(super) effect: Option<Decimal>,
}

pub(super) async fn provider_months(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    period: Period,
) -> Result<Vec<ProviderMonth>, Error> {
    let rows = sqlx::query(
        "select month, provider, coalesce(used.calls, 0) as calls, moved.effect
         from (
             select date_trunc('month', day::timestamp)::date as month, provider, sum(requests - cache_hits)::bigint as calls
             from spend_by_day where org_id = $1 and day >= $2 and day < $3 group by 1, 2
         ) as used
         full join (
             select date_trunc('month', day::timestamp)::date as month, provider, sum(adjusted) as effect
             from spend_by_term where org_id = $1 and day >= $2 and day < $3 group by 1, 2
         ) as moved using (month, provider)
         order by 1, 2",
    )
    .bind(scope.org_id().0)
    .bind(period.from)
    .bind(period.to)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(ProviderMonth {
                month: row.try_get("month")?,
                provider: row.try_get("provider")?,
                calls: row.try_get("calls")?,
                effect: row.try_get("effect")?,
            })
        })
        .collect()
}
