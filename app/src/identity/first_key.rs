//! The key of the first minutes: made with the organization, shown in this browser's snippets for a quarter of an hour.
//!
//! The server keeps only its hash, as of every key; the browser keeps the key itself in a cookie that scripts cannot read.

use crate::error::AppError;
use backend::keys::{self, NewKey};
use backend::{Backend, OrgScope, projects};
use domain::identity::KeyScope;
use domain::problem::Problem;
use domain::project::KeyProject;
use http::request::Parts;
use http::{HeaderValue, header};
use leptos::prelude::{use_context, with_context};
use leptos_axum::ResponseOptions;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;

/// How long the snippets carry the key, in seconds.
const SECS: u32 = 900;

/// Makes a key that sends events to the oldest project unless they name another, and lets this browser's snippets carry it.
pub(super) async fn make(backend: &Backend, scope: &OrgScope, org: &str) -> Result<(), AppError> {
    let all = projects::list_projects(backend, scope).await?;
    let live = all.into_iter().filter(|project| project.archived_at.is_none());
    let first =
        live.min_by_key(|project| project.project_id).ok_or_else(|| Problem::conflict("Create a project first."))?;
    let new = NewKey {
        name: "First key".to_owned(),
        scopes: BTreeSet::from([KeyScope::Ingest]),
        project: KeyProject::AllWithDefault(first.project_id),
        expires_at: None,
    };
    let created = keys::create(backend, scope, new).await?;
    let name = cookie_name(backend.local);
    let secure = if backend.local { "" } else { "; Secure" };
    let key = created.secret.expose_secret();
    let cookie = format!("{name}={org}:{key}; Path=/; HttpOnly; SameSite=Lax; Max-Age={SECS}{secure}");
    if let (Some(response), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&cookie)) {
        response.append_header(header::SET_COOKIE, value);
    }
    Ok(())
}

/// The key that this browser was given for this organization.
pub(super) fn of_this_browser(org: &str) -> Option<String> {
    let local = use_context::<Backend>()?.local;
    let cookie = with_context::<Parts, _>(|parts| {
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == cookie_name(local)).map(|(_, value)| value.to_owned())
    })??;
    let (slug, key) = cookie.split_once(':')?;
    (slug == org && key.starts_with(keys::PREFIX)).then(|| key.to_owned())
}

const fn cookie_name(local: bool) -> &'static str {
    if local { "tallystick-first-key" } else { "__Host-tallystick-first-key" }
}
