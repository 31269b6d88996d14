//! Saved views of Explore, and the boards on which they are placed.

mod sql;

use crate::{Backend, Error, OrgScope, audit, identity, ledger, projects};
use chrono::Duration;
use domain::identity::Permission;
use domain::ids::ViewId;
use domain::problem::Problem;
use domain::spend::Dimension;
use domain::view::{Arrange, Board, MAX_VIEWS, NewView, SavedView, ViewChange};
use sqlx::PgConnection;

/// How long a deleted view can be restored, in days.
const RESTORABLE_DAYS: i64 = 30;

/// The reader's own views and the shared ones, by name. Who sees some projects and teams only sees no view that names another.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope) -> Result<Vec<SavedView>, Error> {
    scope.require(Permission::Read)?;
    checked(backend, scope, sql::list(&backend.pool, scope).await?).await
}

/// One view that the reader sees.
///
/// # Errors
/// As [`list`]; `NotFound`.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn find(backend: &Backend, scope: &OrgScope, view_id: ViewId) -> Result<SavedView, Error> {
    scope.require(Permission::Read)?;
    one(backend, scope, view_id).await
}

/// The same for whoever may change views: a key may without reading what else there is.
async fn one(backend: &Backend, scope: &OrgScope, view_id: ViewId) -> Result<SavedView, Error> {
    let mut found = sql::list(&backend.pool, scope).await?;
    found.retain(|view| view.view_id == view_id);
    if scope.may(Permission::Read) {
        found = checked(backend, scope, found).await?;
    }
    Ok(found.pop().ok_or(Problem::NotFound)?)
}

/// Leaves out what names projects that the reader does not see, and says of the rest what is gone.
async fn checked(backend: &Backend, scope: &OrgScope, views: Vec<SavedView>) -> Result<Vec<SavedView>, Error> {
    if views.is_empty() {
        return Ok(views);
    }
    let (projects, teams, known) = futures::try_join!(
        projects::list_projects(backend, scope),
        projects::list_teams(backend, scope),
        ledger::dimensions(backend, scope)
    )?;
    let projects: Vec<_> =
        projects.iter().map(|project| (project.slug.as_str(), project.archived_at.is_some())).collect();
    let is_seen = |view: &SavedView| {
        let project = |slug: &String| projects.iter().any(|(known, _)| known == slug);
        let team = |slug: &String| teams.iter().any(|team| team.slug.as_str() == slug);
        let named = |dimension| view.question.named(&dimension);
        let names_seen = || named(Dimension::Project).iter().all(project) && named(Dimension::Team).iter().all(team);
        scope.sees_all() || view.is_own || names_seen()
    };
    let views = views.into_iter().filter(is_seen);
    Ok(views.map(|view| SavedView { gone: view.question.gone(&projects, &known), ..view }).collect())
}

/// Saves a view. A key's are always shared.
///
/// # Errors
/// `Forbidden` without the right to read, or to share; `Conflict` where the reader has as many as one may have; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn save(backend: &Backend, scope: &OrgScope, new: &NewView) -> Result<SavedView, Error> {
    let shared = new.shared || scope.user_id().is_none();
    scope.require(if shared { Permission::ManageViews } else { Permission::Read })?;
    let (view_id, now) = (ViewId(backend.clock.new_id()), backend.clock.now());
    let mut transaction = backend.pool.begin().await?;
    identity::lock_organization(&mut transaction, scope).await?;
    require_room(&mut transaction, scope).await?;
    sql::forget(&mut transaction, scope, now - Duration::days(RESTORABLE_DAYS)).await?;
    sql::insert(&mut transaction, scope, (view_id, shared), new, now).await?;
    if shared {
        audit::record(backend, scope, &mut transaction, "view.shared", &format!("Shared the view {}.", new.name))
            .await?;
    }
    transaction.commit().await?;
    one(backend, scope, view_id).await
}

async fn require_room(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    if sql::count(connection, scope).await? < MAX_VIEWS {
        return Ok(());
    }
    Err(Problem::conflict(format!("At most {MAX_VIEWS} views can be saved. Delete one first.")).into())
}

/// Renames, shares or withdraws a view, or gives it another question.
///
/// # Errors
/// `Forbidden` without the permission, or for somebody else's view; `NotFound`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn change(
    backend: &Backend,
    scope: &OrgScope,
    view_id: ViewId,
    change: ViewChange,
) -> Result<SavedView, Error> {
    let before = changeable(backend, scope, view_id).await?;
    let after = SavedView {
        name: change.name.unwrap_or_else(|| before.name.clone()),
        question: change.question.unwrap_or_else(|| before.question.clone()),
        shared: change.shared.unwrap_or(before.shared),
        ..before.clone()
    };
    if after.shared {
        scope.require(Permission::ManageViews)?;
    }
    let now = backend.clock.now();
    let mut transaction = backend.pool.begin().await?;
    sql::update(&mut transaction, scope, &after, now).await?;
    if !after.shared {
        sql::unplace_shared(&mut transaction, scope, view_id).await?;
    }
    if before.shared || after.shared {
        let (action, said) = match (before.shared, after.shared) {
            (false, true) => ("view.shared", "Shared"),
            (true, false) => ("view.withdrawn", "Made private"),
            _ => ("view.changed", "Changed"),
        };
        let name = if after.name == before.name { String::new() } else { format!(", now {}", after.name) };
        let detail = format!("{said} the view {}{name}.", before.name);
        audit::record(backend, scope, &mut transaction, action, &detail).await?;
    }
    transaction.commit().await?;
    Ok(SavedView { updated_at: scope.zone().local(now), ..after })
}

/// A view that the reader may change.
async fn changeable(backend: &Backend, scope: &OrgScope, view_id: ViewId) -> Result<SavedView, Error> {
    if scope.user_id().is_none() {
        scope.require(Permission::ManageViews)?;
    }
    let view = one(backend, scope, view_id).await?;
    if view.may_change {
        return Ok(view);
    }
    let detail = format!("Only {} and admins may change this view. Save one of your own.", view.saved_by);
    Err(Problem::Forbidden { detail }.into())
}

/// Deletes a view; [`restore`] brings it back for 30 days, with its places.
///
/// # Errors
/// As [`change`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn delete(backend: &Backend, scope: &OrgScope, view_id: ViewId) -> Result<(), Error> {
    let view = changeable(backend, scope, view_id).await?;
    let mut transaction = backend.pool.begin().await?;
    sql::set_deleted(&mut transaction, scope, view_id, Some(backend.clock.now())).await?;
    if view.shared {
        let detail = format!("Deleted the view {}.", view.name);
        audit::record(backend, scope, &mut transaction, "view.deleted", &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Brings back a view that was deleted; one that is there stays as it is.
///
/// # Errors
/// As [`change`]; `Conflict` where the reader has as many as one may have.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn restore(backend: &Backend, scope: &OrgScope, view_id: ViewId) -> Result<(), Error> {
    scope.require(Permission::Read)?;
    let Some(view) = sql::deleted(&backend.pool, scope, view_id).await? else {
        return changeable(backend, scope, view_id).await.map(|_| ());
    };
    if !view.may_change {
        return Err(Problem::NotFound.into());
    }
    let mut transaction = backend.pool.begin().await?;
    identity::lock_organization(&mut transaction, scope).await?;
    if view.is_own {
        require_room(&mut transaction, scope).await?;
    }
    sql::set_deleted(&mut transaction, scope, view_id, None).await?;
    if view.shared {
        let detail = format!("Restored the view {}.", view.name);
        audit::record(backend, scope, &mut transaction, "view.restored", &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The views of a board in order, of those that the reader sees ([`list`]), each with whether it is wide.
///
/// # Errors
/// As [`list`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn placed(
    backend: &Backend,
    scope: &OrgScope,
    board: Board,
    views: &[SavedView],
) -> Result<Vec<(SavedView, bool)>, Error> {
    scope.require(Permission::Read)?;
    let key = sql::key(scope, board).filter(|_| !views.is_empty());
    let Some(key) = key else { return Ok(Vec::new()) };
    let placed = sql::placed(&mut *backend.pool.acquire().await?, scope, key).await?;
    let view = |(view_id, wide)| Some((views.iter().find(|view| view.view_id == view_id)?.clone(), wide));
    Ok(placed.into_iter().filter_map(view).collect())
}

/// Adds, removes or moves a view on a board. On any board but one's own only shared views stand.
///
/// # Errors
/// `Forbidden` without the permission: for everybody's Overview that to manage the organization; `NotFound`; `Conflict` for a private view, or where the board is full; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn arrange(
    backend: &Backend,
    scope: &OrgScope,
    board: Board,
    view_id: ViewId,
    act: Arrange,
) -> Result<(), Error> {
    scope.require(match board {
        Board::Mine => Permission::Read,
        Board::Everyone => Permission::ManageOrganization,
        Board::Team(_) | Board::Project(_) => Permission::ManageViews,
    })?;
    let key = sql::key(scope, board).ok_or(Problem::NotFound)?;
    let view = find(backend, scope, view_id).await?;
    if act == Arrange::Add && board != Board::Mine && !view.shared {
        return Err(Problem::conflict("Others would not see this view: share it first.").into());
    }
    let mut transaction = backend.pool.begin().await?;
    identity::lock_organization(&mut transaction, scope).await?;
    let before = sql::placed(&mut transaction, scope, key).await?;
    let after = act.apply(view_id, before.clone())?;
    if after != before {
        sql::place(&mut transaction, scope, key, &after).await?;
        if board == Board::Everyone && after.len() != before.len() {
            let said = if after.len() > before.len() { "Pinned" } else { "Unpinned" };
            let detail = format!("{said} the view {} on everybody's Overview.", view.name);
            audit::record(backend, scope, &mut transaction, "view.pinned", &detail).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}
