//! The way out: connections to storages that customers name, and to no address of this network.

use futures::future::BoxFuture;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);
/// For one request: a part of [`super::upload::PART`] takes that long at 64 kB a second.
const REQUEST: Duration = Duration::from_secs(300);

const PRIVATE: &str =
    "it is an address of a private network. Only the operator of this server can allow these: ALLOW_PRIVATE_STORAGE";

/// Makes clients that reach public addresses alone, or all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connector {
    pub(super) allow_private: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        // A provider that was installed before is as good.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .dns_resolver(Arc::new(Resolver { allow_private: self.allow_private }))
            .build();
        let client = client.map_err(|error| object_store::Error::Generic { store: "HTTP", source: error.into() })?;
        Ok(HttpClient::new(Guarded { client, allow_private: self.allow_private }))
    }
}

/// A client that looks at addresses which are written as numbers, for which no resolver is asked.
#[derive(Debug)]
struct Guarded {
    client: reqwest::Client,
    allow_private: bool,
}

#[async_trait::async_trait]
impl HttpService for Guarded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let host = request.uri().host().unwrap_or_default().trim_matches(['[', ']']);
        if !self.allow_private && host.parse::<IpAddr>().is_ok_and(|address| !is_public(address)) {
            return Err(HttpError::new(HttpErrorKind::Unknown, io::Error::other(PRIVATE)));
        }
        self.client.call(request).await
    }
}

#[derive(Debug)]
struct Resolver {
    allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        let found: BoxFuture<'static, Result<Addrs, Box<dyn std::error::Error + Send + Sync>>> = Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<_> = found.into_iter().filter(|at| allow_private || is_public(at.ip())).collect();
            if allowed.is_empty() {
                return Err(io::Error::other(PRIVATE).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        });
        found
    }
}

/// Whether an address belongs to the Internet (RFC 6890), and not to this machine, its network or its cloud's metadata.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_benchmark = a == 198 && (b == 18 || b == 19);
    let is_protocol = a == 192 && b == 0 && c == 0;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || is_shared
        || is_benchmark
        || is_protocol)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Global unicast, without documentation, Teredo and 6to4, which lead elsewhere.
    first & 0xe000 == 0x2000 && !(first == 0x2001 && (second == 0x0db8 || second == 0)) && first != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2001:db8::1",
            "2002:7f00:1::",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["52.95.110.1", "100.128.0.1", "172.32.0.1", "2a05:d018::1", "2600:1f18::1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
