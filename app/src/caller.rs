//! Who asks: from the request's session to a scope. The only file here that knows sessions.

use crate::cookie::Cookie;
use crate::error::AppError;
use crate::identity::next::sign_in_path;
use backend::identity::{self, DEVICE, Device, PASSWORD_HASH, PASSWORD_REPLACED, Proven, SIGN_IN_ID, USER};
use backend::{Backend, OrgScope};
use domain::identity::User;
use domain::ids::{SignInId, UserId};
use domain::problem::Problem;
use http::request::Parts;
use leptos::prelude::{use_context, with_context};
use std::net::IpAddr;
use tower_sessions_core::{Session, session, session_store};

/// The address a request came from, put into its extensions by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Known devices.
const DEVICE_COOKIE: Cookie = Cookie("device");

/// A member who asks about an organization.
#[derive(Clone)]
pub struct Caller {
    /// What they may see.
    pub scope: OrgScope,
    /// Who they are.
    pub user: User,
    /// The verbs.
    pub backend: Backend,
}

impl Caller {
    /// The signed-in person as a member of the organization with this slug: the first line of every door about an organization.
    ///
    /// # Errors
    /// [`Problem::Unauthenticated`] without a sign-in, [`Problem::NotFound`] for everyone who is no member.
    pub async fn enter(org: &str) -> Result<Self, AppError> {
        let SignedIn { user, backend, .. } = SignedIn::require().await?;
        let scope = identity::scope_for_user(&backend, user.user_id, org).await?;
        Ok(Self { scope, user, backend })
    }
}

/// A signed-in person, for doors that concern no organization.
#[derive(Clone)]
pub struct SignedIn {
    /// Who they are.
    pub user: User,
    /// Which of their sign-ins asks.
    pub sign_in_id: Option<SignInId>,
    /// The verbs.
    pub backend: Backend,
}

impl SignedIn {
    /// The signed-in person.
    ///
    /// # Errors
    /// [`Problem::Unauthenticated`] without a sign-in.
    pub async fn require() -> Result<Self, AppError> {
        Self::find().await?.ok_or_else(|| AppError::of(Problem::Unauthenticated))
    }

    /// The signed-in person, if there is one.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when sessions cannot be read.
    pub async fn find() -> Result<Option<Self>, AppError> {
        let backend = backend()?;
        let Some(session) = session() else { return Ok(None) };
        let Some(user) = session.get::<User>(USER).await.map_err(unavailable)? else { return Ok(None) };
        let sign_in_id = session.get::<SignInId>(SIGN_IN_ID).await.map_err(unavailable)?;
        Ok(Some(Self { user, sign_in_id, backend }))
    }

    /// The signed-in person; anybody else is sent to sign in and comes back afterwards. For what a whole page needs.
    ///
    /// # Errors
    /// As [`SignedIn::require`].
    pub async fn or_sign_in() -> Result<Self, AppError> {
        let found = Self::require().await;
        if matches!(&found, Err(AppError(Problem::Unauthenticated))) {
            leptos_axum::redirect(&sign_in_path(&page_path()));
        }
        found
    }

    /// Signs the person in on this browser, under a fresh session id (ASVS 7.2.4).
    ///
    /// # Errors
    /// [`Problem::Conflict`] when the password was replaced since it was checked, [`Problem::Unavailable`] when sessions cannot be written.
    pub async fn begin(proven: &Proven) -> Result<(), AppError> {
        let session = session().ok_or_else(|| unavailable("no session layer"))?;
        session.cycle_id().await.map_err(unavailable)?;
        session.clear().await;
        session.insert(DEVICE, device()).await.map_err(unavailable)?;
        session.insert(PASSWORD_HASH, proven.password_hash()).await.map_err(unavailable)?;
        session.insert(USER, &proven.user).await.map_err(unavailable)?;
        // Here and not after the answer is made, so that it can say what went wrong.
        let Err(error) = session.save().await else { return Self::know_device(proven.user.user_id).await };
        session.clear().await;
        match error {
            session::Error::Store(session_store::Error::Backend(why)) if why == PASSWORD_REPLACED => {
                Err(AppError::of(Problem::conflict("The password was changed meanwhile. Sign in with the new one.")))
            }
            other => Err(unavailable(other)),
        }
    }

    /// Makes this browser one on which the person, who has just proved who they are, is not locked out by strangers.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when it cannot be noted.
    pub async fn know_device(user_id: UserId) -> Result<(), AppError> {
        let backend = backend()?;
        let token = identity::know_device(&backend, user_id, &device_token(backend.local)).await?;
        DEVICE_COOKIE.set(backend.local, &token, identity::DEVICE_DAYS * 24 * 3_600);
        Ok(())
    }

    /// Signs out on this browser.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when sessions cannot be written.
    pub async fn end() -> Result<(), AppError> {
        match session() {
            Some(session) => session.flush().await.map_err(unavailable),
            None => Ok(()),
        }
    }
}

/// The verbs, for doors that need nobody signed in.
///
/// # Errors
/// When called outside a request.
pub fn backend() -> Result<Backend, AppError> {
    use_context::<Backend>().ok_or_else(|| AppError::of(Problem::Unavailable { retry_after_secs: 5 }))
}

/// The browser that asks.
#[must_use]
pub fn device() -> Device {
    with_context::<Parts, _>(|parts| {
        let user_agent = parts.headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let address = parts.extensions.get::<ClientAddress>().map(|ClientAddress(address)| address.to_string());
        Device { user_agent: user_agent.unwrap_or_default().to_owned(), address: address.unwrap_or_default() }
    })
    .unwrap_or_default()
}

/// What tells this browser from those of strangers who try the same account; empty where nobody signed in before.
#[must_use]
pub fn device_token(local: bool) -> String {
    DEVICE_COOKIE.get(local).unwrap_or_default()
}

/// The path of the page that is rendered, or that called a door.
fn page_path() -> String {
    with_context::<Parts, _>(|parts| {
        let here = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        if !here.starts_with("/fn/") {
            return here.to_owned();
        }
        let referer = parts.headers.get(http::header::REFERER).and_then(|referer| referer.to_str().ok());
        let uri = referer.and_then(|referer| referer.parse::<http::Uri>().ok());
        let path = uri.and_then(|uri| uri.path_and_query().map(|path| path.as_str().to_owned()));
        path.unwrap_or_else(|| "/".to_owned())
    })
    .unwrap_or_else(|| "/".to_owned())
}

fn session() -> Option<Session> {
    with_context::<Parts, _>(|parts| parts.extensions.get::<Session>().cloned()).flatten()
}

fn unavailable(error: impl std::fmt::Display) -> AppError {
    tracing::warn!(%error, "sessions are not available");
    AppError::of(Problem::Unavailable { retry_after_secs: 5 })
}
