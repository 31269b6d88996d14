//! Queries of `journals` and `journal_settings`, and of the closed version that a chargeback books.

use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::journal::{ExportedJournal, Journal, JournalKind, JournalSettings, Preset};
use domain::period::Period;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, Row};

pub(super) async fn settings(db: impl PgExecutor<'_>, scope: &OrgScope) -> Result<JournalSettings, Error> {
    let settings: Option<Value> = sqlx::query_scalar("select settings from journal_settings where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_optional(db)
        .await?;
    let read = |settings| {
        serde_json::from_value(settings).map_err(|error| Error::inconsistent("journal_settings", "settings", error))
    };
    settings.map_or_else(|| Ok(JournalSettings::default()), read)
}

pub(super) async fn set_settings(
    connection: &mut PgConnection,
    scope: &OrgScope,
    settings: &JournalSettings,
) -> Result<(), Error> {
    sqlx::query(
        "insert into journal_settings (org_id, settings) values ($1, $2)
         on conflict on constraint journal_settings_pkey do update set settings = excluded.settings",
    )
    .bind(scope.org_id().0)
    .bind(sqlx::types::Json(settings))
    .execute(connection)
    .await?;
    Ok(())
}

/// Number of the version with which a month was closed.
pub(super) async fn closed_version(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    month: Period,
) -> Result<Option<u32>, Error> {
    let number: Option<i32> =
        sqlx::query_scalar("select number from statement_versions where org_id = $1 and month = $2 and closed")
            .bind(scope.org_id().0)
            .bind(month.from)
            .fetch_optional(db)
            .await?;
    let read = |number| u32::try_from(number).map_err(|_| Error::inconsistent("statement_versions", "number", number));
    number.map(read).transpose()
}

/// The last version of a kind of journal that was exported for a month.
pub(super) async fn newest(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    month: Period,
    kind: JournalKind,
) -> Result<Option<ExportedJournal>, Error> {
    let row = sqlx::query(
        "select j.journal, j.preset, j.sha256, j.exported_at,
                coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as exported_by
         from journals j
         left join users on users.user_id = j.user_id
         left join api_keys on api_keys.org_id = j.org_id and api_keys.key_id = j.key_id
         where j.org_id = $1 and j.month = $2 and j.kind = $3
         order by j.version desc
         limit 1",
    )
    .bind(scope.org_id().0)
    .bind(month.from)
    .bind(kind.as_str())
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let exported_at: DateTime<Utc> = row.try_get("exported_at")?;
        let preset: &str = row.try_get("preset")?;
        let journal = serde_json::from_value(row.try_get("journal")?);
        Ok(ExportedJournal {
            journal: journal.map_err(|error| Error::inconsistent("journals", "journal", error))?,
            preset: preset.parse().map_err(|_| Error::inconsistent("journals", "preset", preset))?,
            sha256: row.try_get("sha256")?,
            exported_at: scope.zone().local(exported_at),
            exported_by: row.try_get("exported_by")?,
        })
    })
    .transpose()
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    journal: &Journal,
    (preset, sha256): (Preset, &str),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into journals (org_id, month, kind, version, journal, preset, sha256, exported_at, user_id, key_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(scope.org_id().0)
    .bind(journal.head.month)
    .bind(journal.head.kind.as_str())
    .bind(i32::try_from(journal.head.version).unwrap_or(i32::MAX))
    .bind(sqlx::types::Json(journal))
    .bind(preset.as_str())
    .bind(sha256)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}
