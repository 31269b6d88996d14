//! What scripts, containers and tests start with: a user, an organization, a project and a key in one step.

use super::organizations::{Founding, found};
use super::{password, sql};
use crate::keys::{self, CreatedKey, NewKey};
use crate::projects;
use crate::{Actor, Backend, Error, OrgScope, Visible};
use domain::identity::{Email, KeyScope, Role};
use domain::ids::{OrgId, UserId};
use domain::problem::Problem;
use domain::project::{KeyProject, Project};
use secrecy::SecretString;
use sqlx::PgConnection;

/// What shall exist.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Address of the owner.
    pub email: String,
    /// Password of the owner, used only when the user is new.
    pub password: SecretString,
    /// Name of the organization.
    pub organization: String,
    /// Its zone, used only when it is new.
    pub time_zone: String,
    /// Slug (or name) of the project.
    pub project: String,
}

/// What exists now.
#[derive(Debug)]
pub struct Bootstrapped {
    /// The owner.
    pub user_id: UserId,
    /// The organization.
    pub org_id: OrgId,
    /// The project that the key's events go to.
    pub project: Project,
    /// A new key for all projects, with all scopes.
    pub key: CreatedKey,
}

/// Creates what is absent of user (verified), organization and project, and a new API key for all projects with all scopes.
///
/// Running it again changes nothing but adds a key. For the operator of the server only: it asks for no permission.
///
/// # Errors
/// [`Problem::Invalid`] naming the fields of [`Bootstrap`]; [`Problem::Conflict`] at a limit; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn bootstrap(backend: &Backend, wanted: Bootstrap) -> Result<Bootstrapped, Error> {
    let mut transaction = backend.pool.begin().await?;
    let user_id = user(backend, &mut transaction, &wanted.email, Some(&wanted.password)).await?;
    let (scope, project) = organization(backend, &mut transaction, user_id, &wanted).await?;
    let key = NewKey {
        name: "bootstrap".to_owned(),
        scopes: KeyScope::ALL.into(),
        project: KeyProject::AllWithDefault(project.project_id),
        expires_at: None,
    };
    let key = keys::create_in(backend, &scope, &mut transaction, key).await?;
    transaction.commit().await?;
    Ok(Bootstrapped { user_id, org_id: scope.org_id(), project, key })
}

/// The user with this address, created (verified) with the password where there is none. For the operator of the server only.
///
/// # Errors
/// [`Problem::Invalid`] naming `email` or `password`, also where the user is unknown and no password is given; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn ensure_user(backend: &Backend, email: &str, password: Option<&SecretString>) -> Result<UserId, Error> {
    user(backend, &mut *backend.pool.acquire().await?, email, password).await
}

async fn user(
    backend: &Backend,
    connection: &mut PgConnection,
    email: &str,
    password: Option<&SecretString>,
) -> Result<UserId, Error> {
    let email = Email::parse(email).map_err(|problem| Problem::invalid(vec![problem]))?;
    if let Some(user_id) = sql::user_id_of(&mut *connection, &email).await? {
        return Ok(user_id);
    }
    let unknown =
        || Problem::field("password", "required", "Nobody has this address yet; give a password to create the user.");
    let password = password.ok_or_else(unknown)?;
    password::check("password", password).map_err(|problem| Problem::invalid(vec![problem]))?;
    let hash = password::hash(backend, password).await?;
    let user_id = UserId(backend.clock.new_id());
    let now = backend.clock.now();
    sql::insert_user(connection, user_id, &email, Some(now), &hash, now).await?;
    Ok(user_id)
}

async fn organization(
    backend: &Backend,
    connection: &mut PgConnection,
    user_id: UserId,
    wanted: &Bootstrap,
) -> Result<(OrgScope, Project), Error> {
    let known = sql::owned_by_name(connection, user_id, wanted.organization.trim()).await?;
    let Some((org_id, zone)) = known else {
        let founding = Founding {
            owner: Some(user_id),
            name: &wanted.organization,
            time_zone: &wanted.time_zone,
            project: &wanted.project,
            is_sample: false,
        };
        let founded = found(backend, connection, founding).await?;
        return Ok((founded.scope, founded.project));
    };
    let actor = Actor::User { user_id, role: Role::Owner };
    let scope = OrgScope::new(org_id, zone, actor, Visible::All);
    let project = projects::ensure_project_in(backend, &scope, connection, &wanted.project).await?;
    Ok((scope, project))
}
