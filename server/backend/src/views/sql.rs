//! Queries of `views` and `placed_views`.

use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::identity::Permission;
use domain::ids::ViewId;
use domain::view::{Board, NewView, SavedView};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

macro_rules! views {
    ($end:literal) => {
        concat!(
            "select v.view_id, v.name, v.question, v.shared, v.created_at, v.updated_at,
                coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as saved_by,
                coalesce(v.user_id = $2, v.key_id = $3, false) as is_own
             from views as v
             left join users on users.user_id = v.user_id
             left join api_keys on api_keys.org_id = v.org_id and api_keys.key_id = v.key_id
             where v.org_id = $1 and (v.shared or v.user_id = $2) ",
            $end
        )
    };
}

fn view(scope: &OrgScope, row: &PgRow) -> Result<SavedView, Error> {
    let question: Value = row.try_get("question")?;
    let question = serde_json::from_value(question).map_err(|error| Error::inconsistent("views", "question", error))?;
    let (shared, is_own): (bool, bool) = (row.try_get("shared")?, row.try_get("is_own")?);
    Ok(SavedView {
        view_id: ViewId(row.try_get("view_id")?),
        name: row.try_get("name")?,
        question,
        shared,
        saved_by: row.try_get("saved_by")?,
        is_own,
        may_change: is_own || shared && scope.may(Permission::ManageOrganization),
        created_at: scope.zone().local(row.try_get("created_at")?),
        updated_at: scope.zone().local(row.try_get("updated_at")?),
        gone: Vec::new(),
    })
}

/// The shared views and the reader's own.
pub(super) async fn list(pool: &PgPool, scope: &OrgScope) -> Result<Vec<SavedView>, Error> {
    let rows = sqlx::query(views!("and v.deleted_at is null order by lower(v.name), v.view_id"));
    let rows = rows.bind(scope.org_id().0).bind(scope.user_id().map(|id| id.0)).bind(scope.key_id().map(|id| id.0));
    rows.fetch_all(pool).await?.iter().map(|row| view(scope, row)).collect()
}

/// A view that was deleted and is still there.
pub(super) async fn deleted(pool: &PgPool, scope: &OrgScope, view_id: ViewId) -> Result<Option<SavedView>, Error> {
    let row = sqlx::query(views!("and v.deleted_at is not null and v.view_id = $4"));
    let row = row.bind(scope.org_id().0).bind(scope.user_id().map(|id| id.0)).bind(scope.key_id().map(|id| id.0));
    let row = row.bind(view_id.0).fetch_optional(pool).await?;
    row.map(|row| view(scope, &row)).transpose()
}

/// How many the reader has; of a key, how many keys have.
pub(super) async fn count(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar(
        "select count(*) from views where org_id = $1 and user_id is not distinct from $2 and deleted_at is null",
    );
    Ok(count.bind(scope.org_id().0).bind(scope.user_id().map(|id| id.0)).fetch_one(connection).await?)
}

/// Takes away what was deleted before a moment.
pub(super) async fn forget(
    connection: &mut PgConnection,
    scope: &OrgScope,
    before: DateTime<Utc>,
) -> Result<(), Error> {
    let forget = sqlx::query("delete from views where org_id = $1 and deleted_at < $2");
    forget.bind(scope.org_id().0).bind(before).execute(connection).await?;
    Ok(())
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    (view_id, shared): (ViewId, bool),
    new: &NewView,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into views (org_id, view_id, name, question, shared, user_id, key_id, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
    )
    .bind(scope.org_id().0)
    .bind(view_id.0)
    .bind(&new.name)
    .bind(serde_json::json!(new.question))
    .bind(shared)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn update(
    connection: &mut PgConnection,
    scope: &OrgScope,
    after: &SavedView,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update views set name = $3, question = $4, shared = $5, updated_at = $6 where org_id = $1 and view_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(after.view_id.0)
    .bind(&after.name)
    .bind(serde_json::json!(after.question))
    .bind(after.shared)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn set_deleted(
    connection: &mut PgConnection,
    scope: &OrgScope,
    view_id: ViewId,
    at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let set = sqlx::query("update views set deleted_at = $3 where org_id = $1 and view_id = $2");
    set.bind(scope.org_id().0).bind(view_id.0).bind(at).execute(connection).await?;
    Ok(())
}

/// What names a board: its kind, and whose it is.
pub(super) type Key = (&'static str, Uuid);

/// None for a program's own board: it has no Overview.
pub(super) fn key(scope: &OrgScope, board: Board) -> Option<Key> {
    Some(match board {
        Board::Mine => ("mine", scope.user_id()?.0),
        Board::Everyone => ("everyone", scope.org_id().0),
        Board::Team(team) => ("team", team.0),
        Board::Project(project) => ("project", project.0),
    })
}

/// The views of a board in order, each with whether it is wide; deleted ones have lost their place for as long as they are.
pub(super) async fn placed(
    connection: &mut PgConnection,
    scope: &OrgScope,
    (board, id): Key,
) -> Result<Vec<(ViewId, bool)>, Error> {
    let rows: Vec<(Uuid, bool)> = sqlx::query_as(
        "select p.view_id, p.wide from placed_views as p join views as v using (org_id, view_id)
         where p.org_id = $1 and p.board = $2 and p.board_id = $3 and v.deleted_at is null order by p.place, p.view_id",
    )
    .bind(scope.org_id().0)
    .bind(board)
    .bind(id)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(view_id, wide)| (ViewId(view_id), wide)).collect())
}

/// Gives a board these views in this order; deleted ones keep theirs.
pub(super) async fn place(
    connection: &mut PgConnection,
    scope: &OrgScope,
    (board, id): Key,
    placed: &[(ViewId, bool)],
) -> Result<(), Error> {
    sqlx::query(
        "delete from placed_views as p using views as v
         where p.org_id = $1 and p.board = $2 and p.board_id = $3 and v.org_id = p.org_id and v.view_id = p.view_id
           and v.deleted_at is null",
    )
    .bind(scope.org_id().0)
    .bind(board)
    .bind(id)
    .execute(&mut *connection)
    .await?;
    let (views, wide): (Vec<Uuid>, Vec<bool>) = placed.iter().map(|(view, wide)| (view.0, *wide)).unzip();
    sqlx::query(
        "insert into placed_views (org_id, board, board_id, view_id, place, wide)
         select $1, $2, $3, new.view_id, new.place, new.wide
         from unnest($4::uuid[], $5::bool[]) with ordinality as new (view_id, wide, place)",
    )
    .bind(scope.org_id().0)
    .bind(board)
    .bind(id)
    .bind(views)
    .bind(wide)
    .execute(connection)
    .await?;
    Ok(())
}

/// A view that is private again leaves every board but its owner's.
pub(super) async fn unplace_shared(
    connection: &mut PgConnection,
    scope: &OrgScope,
    view_id: ViewId,
) -> Result<(), Error> {
    sqlx::query(
        "delete from placed_views as p using views as v
         where p.org_id = $1 and p.view_id = $2 and v.org_id = p.org_id and v.view_id = p.view_id
           and (p.board <> 'mine' or p.board_id is distinct from v.user_id)",
    )
    .bind(scope.org_id().0)
    .bind(view_id.0)
    .execute(connection)
    .await?;
    Ok(())
}
