//! The key of the first minutes: made with the organization, shown in this browser's snippets for a quarter of an hour.
//!
//! The server keeps only its hash, as of every key; the browser keeps the key itself in a cookie that scripts cannot read.

use crate::cookie::Cookie;
use crate::error::AppError;
use backend::keys::{self, NewKey};
use backend::{Backend, OrgScope, projects};
use domain::identity::KeyScope;
use domain::problem::Problem;
use domain::project::KeyProject;
use leptos::prelude::use_context;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;

/// How long the snippets carry the key, in seconds.
const SECS: i64 = 900;
const FIRST_KEY: Cookie = Cookie("first-key");

/// Makes a key that sends events to the oldest project unless they name another, and lets this browser's snippets carry it.
pub(super) async fn make(backend: &Backend, scope: &OrgScope, org: &str) -> Result<(), AppError> {
    let all = projects::list_projects(backend, scope).await?;
    let live = all.into_iter().filter(|project| project.archived_at.is_none());
    let first =
        live.min_by_key(|project| project.project_id).ok_or_else(|| Problem::conflict("Create a project first."))?;
    let new = NewKey {
        name: "First key".to_owned(),
        scopes: BTreeSet::from([KeyScope::Ingest]),
        project: if scope.sees_all() { KeyProject::AllWithDefault } else { KeyProject::Bound }(first.project_id),
        expires_at: None,
    };
    let created = keys::create(backend, scope, new).await?;
    FIRST_KEY.set(backend.local, &format!("{org}:{}", created.secret.expose_secret()), SECS);
    Ok(())
}

/// The key that this browser was given for this organization.
pub(super) fn of_this_browser(org: &str) -> Option<String> {
    let cookie = FIRST_KEY.get(use_context::<Backend>()?.local)?;
    let (slug, key) = cookie.split_once(':')?;
    (slug == org && key.starts_with(keys::PREFIX)).then(|| key.to_owned())
}
