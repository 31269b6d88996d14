//! Doors of API keys.

use crate::caller::Caller;
use crate::error::AppError;
use backend::keys::{self, NewKey};
use chrono::Duration;
use domain::identity::KeyScope;
use domain::ids::KeyId;
use domain::price::BillingForm;
use domain::problem::Problem;
use domain::project::KeyProject;
use leptos::prelude::*;
use leptos_axum::redirect;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A key just made, the only time that it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownOnce {
    /// Its name.
    pub name: String,
    /// The whole key.
    pub key: String,
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

/// Chooses how the usage of a key is billed.
#[server(prefix = "/fn", endpoint = "keys/choose-billing")]
pub async fn choose_billing(
    /// Slug of the organization.
    org: String,
    /// Which key.
    key: String,
    /// `metered`, `included` or `credits`.
    basis: String,
    /// Why.
    reason: String,
    /// First day.
    #[server(default)]
    valid_from: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let form = BillingForm { key_id: key.clone(), basis, valid_from, reason };
    backend::prices::choose_billing(&backend, &scope, form.parse().map_err(Problem::invalid)?).await?;
    redirect(&format!("/o/{org}/settings/keys/{key}?notice=chosen"));
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
