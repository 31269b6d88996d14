//! Queries of `file_imports`.

use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::{ImportId, UserId};
use domain::import::{FileImport, ImportKind};
use sqlx::{PgConnection, PgExecutor, Row};

/// A file as it is written.
pub(super) struct NewImport<'a> {
    pub(super) import_id: ImportId,
    pub(super) kind: ImportKind,
    pub(super) now: DateTime<Utc>,
    pub(super) user_id: UserId,
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

pub(super) async fn insert(connection: &mut PgConnection, scope: &OrgScope, new: &NewImport<'_>) -> Result<(), Error> {
    sqlx::query(
        "insert into file_imports (org_id, import_id, kind, created_at, user_id, file_name, text)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(scope.org_id().0)
    .bind(new.import_id.0)
    .bind(new.kind.as_str())
    .bind(new.now)
    .bind(new.user_id.0)
    .bind(new.name)
    .bind(new.text)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets all but the newest of a kind; what was entered from them stays.
pub(super) async fn keep_newest(
    connection: &mut PgConnection,
    scope: &OrgScope,
    kind: ImportKind,
    kept: i64,
) -> Result<(), Error> {
    sqlx::query(
        "delete from file_imports where org_id = $1 and kind = $2 and import_id not in
            (select import_id from file_imports where org_id = $1 and kind = $2 order by import_id desc limit $3)",
    )
    .bind(scope.org_id().0)
    .bind(kind.as_str())
    .bind(kept)
    .execute(connection)
    .await?;
    Ok(())
}

/// A file of a kind.
pub(super) async fn find(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    kind: ImportKind,
    import_id: ImportId,
) -> Result<Option<FileImport>, Error> {
    let row = sqlx::query(
        "select file_name, created_at, text, entered_at from file_imports
         where org_id = $1 and import_id = $2 and kind = $3",
    )
    .bind(scope.org_id().0)
    .bind(import_id.0)
    .bind(kind.as_str())
    .fetch_optional(db)
    .await?;
    let local = |at| scope.zone().local(at);
    row.map(|row| {
        Ok(FileImport {
            import_id,
            file_name: row.try_get("file_name")?,
            created_at: local(row.try_get("created_at")?),
            text: row.try_get("text")?,
            entered_at: row.try_get::<Option<DateTime<Utc>>, _>("entered_at")?.map(local),
        })
    })
    .transpose()
}

/// Says that the rows of a file are entered; false where that was said before.
pub(super) async fn entered(
    connection: &mut PgConnection,
    scope: &OrgScope,
    import_id: ImportId,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "update file_imports set entered_at = $3 where org_id = $1 and import_id = $2 and entered_at is null",
    )
    .bind(scope.org_id().0)
    .bind(import_id.0)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
