//! Server-sent events that tell an open page of an organization that its numbers moved; the page then asks for itself again.

use crate::caller::MemberCaller;
use crate::error::ApiError;
use crate::{AppState, Plain};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::get;
use backend::identity::SIGN_IN_ID;
use backend::spend::Listener;
use backend::{Backend, Error};
use domain::ids::{SignInId, UserId};
use domain::problem::Problem;
use futures::{Stream, stream};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower_sessions::Session;

/// Between two events of one page.
const PACE: Duration = Duration::from_secs(5);

/// The one route.
pub(crate) fn routes() -> Vec<Plain> {
    vec![(Method::GET, "/o/{org}/changes", get(changes))]
}

#[derive(Deserialize)]
struct Asked {
    /// The version that the page shows.
    seen: Option<Decimal>,
}

/// An event at once where the page shows another version than there is, then whenever it moves.
async fn changes(
    caller: MemberCaller,
    State(state): State<AppState>,
    Path(org): Path<String>,
    Query(asked): Query<Asked>,
    session: Session,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Error>>>, ApiError> {
    let sign_in = session.get::<SignInId>(SIGN_IN_ID).await.ok().flatten().ok_or(Problem::Unauthenticated)?;
    let listener = backend::spend::listen(&state.backend, &caller.scope, caller.user_id).await?;
    // What a browser that comes back has seen last.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let page = OpenPage {
        backend: state.backend,
        stopping: state.stopping,
        org,
        user: caller.user_id,
        sign_in,
        listener,
        seen: last.or(asked.seen),
        wait: Duration::ZERO,
    };
    Ok(Sse::new(stream::unfold(page, |mut page| async move { page.next().await.map(|event| (Ok(event), page)) })))
}

/// A page that somebody looks at.
struct OpenPage {
    backend: Backend,
    stopping: CancellationToken,
    org: String,
    user: UserId,
    sign_in: SignInId,
    listener: Listener,
    seen: Option<Decimal>,
    wait: Duration,
}

impl OpenPage {
    /// The next event, or a word that keeps the connection; none at the end: signed out, no member any more, or the server stops.
    async fn next(&mut self) -> Option<Event> {
        let stopping = self.stopping.clone();
        stopping.run_until_cancelled(self.listen()).await.flatten()
    }

    async fn listen(&mut self) -> Option<Event> {
        tokio::time::sleep(self.wait).await;
        let found = self.listener.next(self.seen).await.ok()?;
        if !self.may_listen().await {
            return None;
        }
        self.wait = if found.is_some() { PACE } else { Duration::ZERO };
        let Some(version) = found else { return Some(Event::default().comment("")) };
        self.seen = Some(version);
        let version = version.to_string();
        Some(Event::default().id(version.clone()).data(version))
    }

    async fn may_listen(&self) -> bool {
        let lasts = backend::identity::sign_in_lasts(&self.backend, self.sign_in);
        let scope = backend::identity::scope_for_user(&self.backend, self.user, &self.org);
        matches!(futures::join!(lasts, scope), (Ok(true), Ok(_)))
    }
}
