//! Queries of `audit_log`.

use super::AuditRow;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

pub(super) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    audit_id: Uuid,
    now: DateTime<Utc>,
    action: &str,
    detail: &str,
) -> Result<(), Error> {
    sqlx::query(
        "insert into audit_log (org_id, audit_id, created_at, user_id, key_id, action, detail)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(scope.org_id().0)
    .bind(audit_id)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .bind(action)
    .bind(detail)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn newest(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<AuditRow>, Error> {
    let rows = sqlx::query(
        "select audit_log.created_at, action, detail,
                coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as who
         from audit_log
         left join users on users.user_id = audit_log.user_id
         left join api_keys on api_keys.org_id = audit_log.org_id and api_keys.key_id = audit_log.key_id
         where audit_log.org_id = $1
         order by audit_log.audit_id desc
         limit $2",
    )
    .bind(scope.org_id().0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let at: DateTime<Utc> = row.try_get("created_at")?;
            Ok(AuditRow {
                at: scope.zone().local(at),
                who: row.try_get("who")?,
                action: row.try_get("action")?,
                detail: row.try_get("detail")?,
            })
        })
        .collect()
}
