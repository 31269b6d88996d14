//! The session cookie, and where a request came from.

use crate::AppState;
use app::caller::ClientAddress;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use backend::Backend;
use backend::identity::{MAX_DAYS, SignInStore};
use std::net::{IpAddr, SocketAddr};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, SessionManagerLayer};

/// Name of the cookie: the prefix makes browsers refuse it without `Secure`, over http, or from a subdomain.
pub const COOKIE: &str = "__Host-tallystick";
/// Its name in local mode, where there is no https.
pub const LOCAL_COOKIE: &str = "tallystick";

/// Sessions of signed-in people over our own store. Who does not sign in gets no cookie and leaves no row.
///
/// The cookie lives as long as a sign-in can; when one ends earlier is decided by the store.
#[must_use]
pub fn layer(backend: &Backend) -> SessionManagerLayer<SignInStore> {
    SessionManagerLayer::new(SignInStore::new(backend.clone()))
        .with_name(if backend.local { LOCAL_COOKIE } else { COOKIE })
        .with_secure(!backend.local)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::days(MAX_DAYS)))
}

/// Notes where the request came from.
///
/// `X-Forwarded-For` is believed only as far as proxies of ours wrote it (ASVS 4.1.3): each trusted proxy appends the address it saw, so the client's is the n-th from the right.
pub async fn note_address(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    if let Some(address) = client_address(peer, request.headers(), state.trusted_proxies) {
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}

fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, trusted_proxies: u8) -> Option<IpAddr> {
    let Some(from_right) = usize::from(trusted_proxies).checked_sub(1) else { return peer };
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let named = forwarded.iter().rev().nth(from_right).and_then(|text| text.trim().parse().ok());
    named.or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_proxies_are_believed() {
        let peer = Some("10.0.0.1".parse().unwrap());
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 203.0.113.7".parse().unwrap());
        let seen = |proxies| client_address(peer, &headers, proxies).unwrap().to_string();
        assert_eq!(seen(0), "10.0.0.1");
        assert_eq!(seen(1), "203.0.113.7");
        assert_eq!(seen(2), "6.6.6.6");
        assert_eq!(seen(3), "10.0.0.1");
    }
}
