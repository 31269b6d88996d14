//! Queries of `cost_basis_choices`, and of the events that came with a reported cost.

use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::price::{BasisChoice, BasisInput, BasisRow, CostBasis};
use domain::problem::FieldProblem;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};

fn inconsistent(column: &'static str, detail: impl ToString) -> Error {
    Error::inconsistent("cost_basis_choices", column, detail)
}

fn basis_of(row: &PgRow) -> Result<CostBasis, Error> {
    row.try_get::<&str, _>("basis")?.parse().map_err(|problem: FieldProblem| inconsistent("basis", problem.detail))
}

/// The choices in the order in which they were made: all, or those that were known at an instant.
pub(in crate::prices) async fn rows(
    pool: &PgPool,
    scope: &OrgScope,
    known_at: Option<DateTime<Utc>>,
) -> Result<Vec<BasisRow>, Error> {
    let rows = sqlx::query(
        "select provider, basis, valid_from from cost_basis_choices
         where org_id = $1 and ($2::timestamptz is null or recorded_at <= $2) order by position",
    )
    .bind(scope.org_id().0)
    .bind(known_at)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(BasisRow {
                provider: row.try_get("provider")?,
                basis: basis_of(row)?,
                valid_from: row.try_get("valid_from")?,
            })
        })
        .collect()
}

/// Adds a choice at the next position, which is returned.
pub(super) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    input: &BasisInput,
    valid_from: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<i32, Error> {
    Ok(sqlx::query_scalar(
        "insert into cost_basis_choices (org_id, position, provider, basis, valid_from, reason, recorded_at, user_id, key_id)
         select $1, coalesce(max(position) + 1, 0), $2, $3, $4, $5, $6, $7, $8 from cost_basis_choices where org_id = $1
         returning position",
    )
    .bind(scope.org_id().0)
    .bind(&input.provider)
    .bind(input.basis.as_str())
    .bind(valid_from)
    .bind(&input.reason)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .fetch_one(connection)
    .await?)
}

/// The newest choices, newest first; or the one at a position.
pub(super) async fn listed(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    position: Option<i32>,
    limit: i64,
) -> Result<Vec<BasisChoice>, Error> {
    let rows = sqlx::query(
        "select c.provider, c.basis, c.valid_from, c.reason, c.recorded_at,
            coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as recorded_by
         from cost_basis_choices as c
         left join users on users.user_id = c.user_id
         left join api_keys on api_keys.org_id = c.org_id and api_keys.key_id = c.key_id
         where c.org_id = $1 and ($2::int is null or c.position = $2) order by c.position desc limit $3",
    )
    .bind(scope.org_id().0)
    .bind(position)
    .bind(limit)
    .fetch_all(db)
    .await?;
    let local = |at: DateTime<Utc>| scope.zone().local(at);
    rows.iter()
        .map(|row| {
            Ok(BasisChoice {
                basis: basis_of(row)?,
                provider: row.try_get("provider")?,
                valid_from: row.try_get::<Option<DateTime<Utc>>, _>("valid_from")?.map(local),
                reason: row.try_get("reason")?,
                recorded_at: local(row.try_get("recorded_at")?),
                recorded_by: row.try_get("recorded_by")?,
            })
        })
        .collect()
}
