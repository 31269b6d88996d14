//! Doors of API keys.

use crate::error::AppError;
use chrono::{DateTime, FixedOffset};
use domain::identity::Role;
use domain::ids::KeyId;
use domain::project::ApiKey;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use {
    crate::caller::Caller,
    backend::keys::{self, NewKey},
    chrono::Duration,
    domain::identity::KeyScope,
    domain::problem::Problem,
    domain::project::KeyProject,
    leptos_axum::redirect,
    secrecy::ExposeSecret,
    std::collections::{BTreeSet, HashMap},
};

/// The page of API keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The keys, those that work first.
    pub keys: Vec<KeyLine>,
    /// Slugs of the projects in use.
    pub projects: Vec<String>,
    /// The reader's role.
    pub role: Role,
    /// Where events are sent.
    pub endpoint: String,
}

/// A key in the list, with times in the organization's zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLine {
    /// The key.
    pub key: ApiKey,
    /// Slug of its (default) project.
    pub project: String,
    /// Whether it works now.
    pub live: bool,
    /// When it was created.
    pub created_at: DateTime<FixedOffset>,
    /// From when on it is refused.
    pub expires_at: Option<DateTime<FixedOffset>>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<FixedOffset>>,
}

/// A key just made, the only time that it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownOnce {
    /// Its name.
    pub name: String,
    /// The whole key.
    pub key: String,
}

/// The keys of the organization.
#[server(prefix = "/fn", endpoint = "keys/list")]
pub async fn list_keys(
    /// Slug of the organization.
    org: String,
) -> Result<Keys, AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let role = match scope.actor() {
        backend::Actor::User { role, .. } => *role,
        _ => return Err(Problem::NotFound.into()),
    };
    let projects = backend::projects::list_projects(&backend, &scope).await?;
    let slugs: HashMap<_, _> = projects.iter().map(|project| (project.project_id, project.slug.as_str())).collect();
    let (now, zone) = (backend.clock.now(), scope.zone());
    let line = |key: ApiKey| KeyLine {
        project: slugs.get(&key.project.default_project()).map(|slug| (*slug).to_owned()).unwrap_or_default(),
        live: key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now),
        created_at: zone.local(key.created_at),
        expires_at: key.expires_at.map(|at| zone.local(at)),
        last_used_at: key.last_used_at.map(|at| zone.local(at)),
        key,
    };
    let keys = keys::list(&backend, &scope).await?.into_iter().map(line).collect();
    let live = projects.iter().filter(|project| project.archived_at.is_none());
    let projects = live.map(|project| project.slug.to_string()).collect();
    Ok(Keys { keys, projects, role, endpoint: format!("{}/v1/events", backend.public_url) })
}

/// Makes a key and shows it once.
#[server(prefix = "/fn", endpoint = "keys/create")]
pub async fn create_key(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
    /// `only:slug` for one project, `all:slug` for all with this default.
    project: String,
    /// Days until it is refused; 0 means never.
    #[server(default)]
    expires_in_days: u16,
    /// Whether it may send events.
    #[server(default)]
    ingest: bool,
    /// Whether it may read.
    #[server(default)]
    read: bool,
    /// Whether it may ask for decisions.
    #[server(default)]
    decide: bool,
    /// Whether it may change budgets and projects.
    #[server(default)]
    admin: bool,
) -> Result<ShownOnce, AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let project = chosen_project(&backend, &scope, &project).await?;
    let wanted =
        [(ingest, KeyScope::Ingest), (read, KeyScope::Read), (decide, KeyScope::Decide), (admin, KeyScope::Admin)];
    let scopes: BTreeSet<_> = wanted.into_iter().filter(|(ticked, _)| *ticked).map(|(_, scope)| scope).collect();
    let expires_at = (expires_in_days > 0).then(|| backend.clock.now() + Duration::days(expires_in_days.into()));
    let created = keys::create(&backend, &scope, NewKey { name, scopes, project, expires_at }).await?;
    Ok(ShownOnce { name: created.key.name, key: created.secret.expose_secret().to_owned() })
}

/// Refuses a key from now on.
#[server(prefix = "/fn", endpoint = "keys/revoke")]
pub async fn revoke_key(
    /// Slug of the organization.
    org: String,
    /// Which key.
    key: KeyId,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    keys::revoke(&backend, &scope, key).await?;
    redirect(&format!("/o/{org}/settings/keys?notice=revoked"));
    Ok(())
}

async fn chosen_project(
    backend: &backend::Backend,
    scope: &backend::OrgScope,
    choice: &str,
) -> Result<KeyProject, AppError> {
    let unknown = || AppError::of(Problem::field("project", "unknown", "Choose a project of this organization."));
    let (reach, slug) = choice.split_once(':').ok_or_else(unknown)?;
    let project = match backend::projects::by_slug(backend, scope, slug).await {
        Err(backend::Error::Problem(Problem::NotFound)) => return Err(unknown()),
        found => found?.project_id,
    };
    match reach {
        "only" => Ok(KeyProject::Bound(project)),
        "all" => Ok(KeyProject::AllWithDefault(project)),
        _ => Err(unknown()),
    }
}
