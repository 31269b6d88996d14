//! API keys: made, listed, revoked, and the way in for programs.

mod cache;
mod format;
mod rates;
mod sql;

pub(crate) use cache::Cache;
pub use format::PREFIX;
pub use rates::{Policy, QuotaState, Quotas, Rates, count};

use crate::{Actor, Backend, Error, OrgScope, audit, projects};
use chrono::{DateTime, Utc};
use domain::identity::{KeyScope, Permission};
use domain::ids::{KeyId, UserId};
use domain::problem::{FieldProblem, Problem};
use domain::project::{ApiKey, KeyProject, parse_name};
use secrecy::SecretString;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Most keys of an organization that work at the same time.
pub const MAX_LIVE_KEYS: i64 = 1_000;
/// Most keys that [`list`] returns.
pub const MAX_LISTED_KEYS: i64 = 2_000;

/// What a new key shall be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its name as typed.
    pub name: String,
    /// What it may do; at least one.
    pub scopes: BTreeSet<KeyScope>,
    /// Which project it serves.
    pub project: KeyProject,
    /// From when on it is refused; must lie ahead.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key just made: the only time that its secret is known.
#[derive(Debug)]
pub struct CreatedKey {
    /// As the list shows it.
    pub key: ApiKey,
    /// The whole key, to be shown once.
    pub secret: SecretString,
}

/// A program that presented a valid key.
#[derive(Clone, Debug)]
pub struct KeyCaller {
    /// What it may see and do.
    pub scope: OrgScope,
    /// The key, as it was when it was read (its last use may be older than the truth).
    pub key: ApiKey,
}

/// Makes a key; its secret is in the answer and nowhere else.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming the fields `name`, `scopes`, `project`, `expires_at`, [`Problem::Conflict`] when there are too many; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn create(backend: &Backend, scope: &OrgScope, new: NewKey) -> Result<CreatedKey, Error> {
    scope.require(Permission::ManageKeys)?;
    makes_no_more_than_may(scope, &new)?;
    let mut transaction = backend.pool.begin().await?;
    let created = create_in(backend, scope, &mut transaction, new).await?;
    transaction.commit().await?;
    Ok(created)
}

/// A key may do no more than the member who makes it.
fn makes_no_more_than_may(scope: &OrgScope, new: &NewKey) -> Result<(), Problem> {
    let Actor::User { role, .. } = scope.actor() else { return Ok(()) };
    if !scope.sees_all() && matches!(new.project, KeyProject::AllWithDefault(_)) {
        return Err(Problem::field("project", "not_allowed", "Choose one project: you do not see all of them."));
    }
    if new.scopes.iter().all(|wanted| role.may_make(*wanted)) {
        return Ok(());
    }
    Err(Problem::field("scopes", "not_allowed", "Only an owner or admin makes keys that may change settings."))
}

/// [`create`] in the caller's transaction, without asking for the permission.
pub(crate) async fn create_in(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    new: NewKey,
) -> Result<CreatedKey, Error> {
    let now = backend.clock.now();
    let name = check(&new, now)?;
    let project = projects::live_project_in(backend, scope, connection, new.project.default_project()).await?;
    let project =
        project.ok_or_else(|| Problem::field("project", "unknown", "Choose a project of this organization."))?;
    if sql::count_live(connection, scope, now).await? >= MAX_LIVE_KEYS {
        return Err(Problem::conflict("This organization has 1,000 API keys. Revoke some first.").into());
    }
    let secret = format::generate(backend.clock.as_ref());
    let (prefix, last_four) = format::hints(&secret);
    let key = ApiKey {
        key_id: KeyId(backend.clock.new_id()),
        name,
        prefix,
        last_four,
        scopes: new.scopes.into_iter().collect(),
        project: new.project,
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    sql::insert(connection, scope, &key, format::hash(&secret)).await?;
    let whose = match key.project {
        KeyProject::Bound(_) => format!("project {}", project.slug),
        KeyProject::AllWithDefault(_) => "all projects".to_owned(),
    };
    let detail = format!("Created the API key {} (…{}) for {whose}.", key.name, key.last_four);
    audit::record(backend, scope, connection, "key.created", &detail).await?;
    Ok(CreatedKey { key, secret })
}

fn check(new: &NewKey, now: DateTime<Utc>) -> Result<String, Problem> {
    let mut wrong = Vec::new();
    let name = parse_name("name", &new.name).map_err(|problem| wrong.push(problem)).unwrap_or_default();
    if new.scopes.is_empty() {
        wrong.push(FieldProblem::new("scopes", "required", "Choose at least one thing that the key may do."));
    }
    if new.expires_at.is_some_and(|at| at <= now) {
        wrong.push(FieldProblem::new("expires_at", "past", "Choose a day that lies ahead."));
    }
    if wrong.is_empty() { Ok(name) } else { Err(Problem::invalid(wrong)) }
}

/// The keys that the caller sees, the newest first, revoked ones last.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope) -> Result<Vec<ApiKey>, Error> {
    scope.require(Permission::Read)?;
    sql::list(&backend.pool, scope, MAX_LISTED_KEYS).await
}

/// A key that the caller sees, without asking for a permission: for rules that name it.
pub(crate) async fn find(backend: &Backend, scope: &OrgScope, key_id: KeyId) -> Result<Option<ApiKey>, Error> {
    sql::find(&backend.pool, scope, key_id).await
}

/// The view of one of the organization's keys, for what a member does in its name.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to send events, [`Problem::Invalid`] naming `key` where it is none that works and may send events; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn scope_of(backend: &Backend, scope: &OrgScope, key_id: KeyId) -> Result<OrgScope, Error> {
    scope.require(Permission::SendEvents)?;
    let caller = sql::live(&backend.pool, scope, key_id, backend.clock.now()).await?;
    let may_send = |caller: &KeyCaller| caller.key.scopes.contains(&KeyScope::Ingest);
    let unusable = || Problem::field("key", "unknown", "Choose an API key that works and may send events.");
    Ok(caller.filter(may_send).ok_or_else(unusable)?.scope)
}

/// Refuses a key from now on, on every server. Revoking it again changes nothing.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn revoke(backend: &Backend, scope: &OrgScope, key_id: KeyId) -> Result<ApiKey, Error> {
    scope.require(Permission::ManageKeys)?;
    let mut transaction = backend.pool.begin().await?;
    let mut key = sql::lock(&mut transaction, scope, key_id).await?.ok_or(Problem::NotFound)?;
    if key.revoked_at.is_none() {
        let now = backend.clock.now();
        sql::revoke(&mut transaction, scope, key_id, now).await?;
        let detail = format!("Revoked the API key {} (…{}).", key.name, key.last_four);
        audit::record(backend, scope, &mut transaction, "key.revoked", &detail).await?;
        announce_change(&mut transaction).await?;
        key.revoked_at = Some(now);
    }
    transaction.commit().await?;
    backend.keys.changed();
    Ok(key)
}

/// Refuses the keys that a person made who sees only some projects from now on, as far as they read more; their names. Call [`Cache::changed`] on this server's cache after the commit.
pub(crate) async fn revoke_reading_more(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    user_id: UserId,
    projects: &[Uuid],
) -> Result<Vec<String>, Error> {
    let names = sql::revoke_reading_more(connection, scope, user_id, projects, backend.clock.now()).await?;
    if !names.is_empty() {
        announce_change(connection).await?;
    }
    Ok(names)
}

/// Refuses the keys that a person made, who leaves; their names. Call [`Cache::changed`] on this server's cache after the commit.
pub(crate) async fn revoke_made_by(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    user_id: UserId,
) -> Result<Vec<String>, Error> {
    let names = sql::revoke_made_by(connection, scope, user_id, backend.clock.now()).await?;
    if !names.is_empty() {
        announce_change(connection).await?;
    }
    Ok(names)
}

/// Tells every server, on commit, to read keys again. Call [`Cache::changed`] on this server's cache after the commit.
pub(crate) async fn announce_change(connection: &mut PgConnection) -> Result<(), Error> {
    sql::notify(connection).await
}

/// Who presents this key. The checksum is tested before anything is looked up.
///
/// # Errors
/// [`Problem::Unauthenticated`] when it is not a key, unknown, revoked or expired; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn authenticate(backend: &Backend, presented: &str) -> Result<KeyCaller, Error> {
    let hash = format::parse(presented).ok_or(Problem::Unauthenticated)?;
    let entry = match backend.keys.get(&hash).await {
        Some(entry) => entry,
        None => {
            let generation = backend.keys.generation();
            let caller = sql::caller(&backend.pool, hash).await?.ok_or(Problem::Unauthenticated)?;
            backend.keys.insert(hash, generation, cache::Entry::new(caller)).await
        }
    };
    let now = backend.clock.now();
    if entry.caller.key.expires_at.is_some_and(|at| at <= now) {
        return Err(Problem::Unauthenticated.into());
    }
    touch(backend, &entry, now).await;
    Ok(entry.caller.clone())
}

/// Notes the use of a key, at most once a minute. A failure is no reason to refuse the request.
async fn touch(backend: &Backend, entry: &cache::Entry, now: DateTime<Utc>) {
    let last = entry.touched_secs.load(Ordering::Relaxed);
    let due = now.timestamp().saturating_sub(last) >= 60;
    let mine =
        || entry.touched_secs.compare_exchange(last, now.timestamp(), Ordering::Relaxed, Ordering::Relaxed).is_ok();
    if due
        && mine()
        && let Err(error) = sql::touch(&backend.pool, &entry.caller.scope, entry.caller.key.key_id, now).await
    {
        tracing::warn!(%error, "the last use of an API key was not noted");
    }
}

/// Listens for changes of keys made by other servers until `stop`. Only while it listens are keys served from memory.
///
/// # Errors
/// [`Error::Database`] when the connection is lost: start it again.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn watch(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    backend.keys.watch(backend, sql::CHANNEL, stop).await
}
