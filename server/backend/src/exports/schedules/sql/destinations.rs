//! Queries of destinations.

use super::{slug, word};
use crate::error::OnConstraint;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::export::{Destination, Place, StoreKind};
use domain::problem::Problem;
use domain::project::Slug;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

fn place(row: &PgRow) -> Result<Place, Error> {
    Ok(Place {
        kind: word::<StoreKind>(row, "export_destinations", "kind")?,
        endpoint: row.try_get("endpoint")?,
        region: row.try_get("region")?,
        bucket: row.try_get("bucket")?,
        prefix: row.try_get("prefix")?,
        account: row.try_get("account")?,
    })
}

pub(in crate::exports::schedules) async fn destinations(
    pool: &PgPool,
    scope: &OrgScope,
) -> Result<Vec<Destination>, Error> {
    let rows = sqlx::query(
        "select name, kind, endpoint, region, bucket, prefix, account, saved_at, tested_at, test_error
         from export_destinations where org_id = $1 order by name",
    )
    .bind(scope.org_id().0)
    .fetch_all(pool)
    .await?;
    let zone = scope.zone();
    let destination = |row: &PgRow| {
        let tested_at: Option<DateTime<Utc>> = row.try_get("tested_at")?;
        let test_error: Option<String> = row.try_get("test_error")?;
        Ok(Destination {
            name: slug(row, "export_destinations", "name")?,
            place: place(row)?,
            saved_at: zone.local(row.try_get("saved_at")?),
            tested: tested_at.map(|at| (zone.local(at), test_error)),
        })
    };
    rows.iter().map(destination).collect()
}

/// A destination's place with its sealed secret.
pub(in crate::exports::schedules) async fn sealed(
    pool: &PgPool,
    scope: &OrgScope,
    name: &Slug,
) -> Result<Option<(Place, Vec<u8>)>, Error> {
    let row = sqlx::query(
        "select kind, endpoint, region, bucket, prefix, account, secret from export_destinations
         where org_id = $1 and name = $2",
    )
    .bind(scope.org_id().0)
    .bind(name.as_str())
    .fetch_optional(pool)
    .await?;
    row.map(|row| Ok((place(&row)?, row.try_get("secret")?))).transpose()
}

/// Whether it is new.
pub(in crate::exports::schedules) async fn save_destination(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: &Slug,
    place: &Place,
    sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let is_new = sqlx::query_scalar(
        "insert into export_destinations as held
             (org_id, name, kind, endpoint, region, bucket, prefix, account, secret, saved_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict on constraint export_destinations_pkey do update set
             kind = excluded.kind, endpoint = excluded.endpoint, region = excluded.region, bucket = excluded.bucket,
             prefix = excluded.prefix, account = excluded.account, secret = excluded.secret,
             saved_at = excluded.saved_at, tested_at = null, test_error = null
         returning xmax = 0",
    )
    .bind(scope.org_id().0)
    .bind(name.as_str())
    .bind(place.kind.as_str())
    .bind(&place.endpoint)
    .bind(&place.region)
    .bind(&place.bucket)
    .bind(&place.prefix)
    .bind(&place.account)
    .bind(sealed)
    .bind(now)
    .fetch_one(connection)
    .await?;
    Ok(is_new)
}

pub(in crate::exports::schedules) async fn tested(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: &Slug,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update export_destinations set tested_at = $3, test_error = $4 where org_id = $1 and name = $2")
        .bind(scope.org_id().0)
        .bind(name.as_str())
        .bind(now)
        .bind(error)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether there was one.
pub(in crate::exports::schedules) async fn delete_destination(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: &Slug,
) -> Result<bool, Error> {
    let used = || Problem::conflict("Schedules send files there: change or delete them first.");
    let done = sqlx::query("delete from export_destinations where org_id = $1 and name = $2")
        .bind(scope.org_id().0)
        .bind(name.as_str())
        .execute(connection)
        .await
        .on_constraint("export_schedules_destination_fkey", used)?;
    Ok(done.rows_affected() > 0)
}
