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
use std::sync::Once;
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
/// The first such header that is not believed is told to the operator: behind a proxy that is not counted, everybody shares one address and its limits.
pub async fn note_address(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    static TOLD: Once = Once::new();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let named = named_address(request.headers(), state.trusted_proxies);
    if named.is_none() && ["x-forwarded-for", "forwarded"].iter().any(|name| request.headers().contains_key(*name)) {
        TOLD.call_once(|| {
            let trusted = state.trusted_proxies;
            tracing::warn!(
                trusted,
                "a forwarded header is ignored; TRUSTED_PROXIES says how many proxies stand in front"
            );
        });
    }
    if let Some(address) = named.or(peer) {
        request.extensions_mut().insert(ClientAddress(address.to_canonical()));
    }
    next.run(request).await
}

/// The client's address as our proxies name it; some write a port behind it.
fn named_address(headers: &HeaderMap, trusted_proxies: u8) -> Option<IpAddr> {
    let from_right = usize::from(trusted_proxies).checked_sub(1)?;
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let text = forwarded.iter().rev().nth(from_right)?.trim();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    text.trim_matches(['[', ']']).parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_proxies_are_believed() {
        let seen = |header: &str, proxies| {
            let mut headers = HeaderMap::new();
            headers.append("x-forwarded-for", header.parse().unwrap());
            named_address(&headers, proxies).map(|address| address.to_string())
        };
        let two = "6.6.6.6, 203.0.113.7";
        assert_eq!([seen(two, 0), seen(two, 3)], [None, None]);
        assert_eq!(seen(two, 1).as_deref(), Some("203.0.113.7"));
        assert_eq!(seen(two, 2).as_deref(), Some("6.6.6.6"));
        assert_eq!(seen("203.0.113.7:4711", 1).as_deref(), Some("203.0.113.7"));
        assert_eq!(seen("2001:db8::1", 1).as_deref(), Some("2001:db8::1"));
        assert_eq!(seen("[2001:db8::1]:4711", 1).as_deref(), Some("2001:db8::1"));
        assert_eq!(seen("[2001:db8::1]", 1).as_deref(), Some("2001:db8::1"));
        assert_eq!(seen("unknown", 1), None);
    }
}
