//! Connections: accepted, bounded in time, ended in good order.

use crate::local_postgres::Failure;
use axum::Router;
use axum_server::accept::NoDelayAcceptor;
use axum_server::{Handle, Server};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long the head of a request may take, and how long a connection may wait for the next one.
/// Longer than the half minute for which clients commonly keep a connection, so that it is they who close it.
const HEAD: Duration = Duration::from_secs(60);
/// How long requests in hand may still take when the server stops.
const FINISH: Duration = Duration::from_secs(30);

/// Takes the address.
///
/// # Errors
/// In words that name it.
pub async fn listen(addr: SocketAddr) -> Result<TcpListener, Failure> {
    Ok(TcpListener::bind(addr).await.map_err(|error| format!("cannot listen on {addr}: {error}"))?)
}

/// Serves until it is `interrupted`; then says that it is `stopping`, goes on for `notice`, takes no more, and finishes what it has in hand.
///
/// # Errors
/// When connections cannot be accepted any more.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    interrupted: impl Future<Output = ()> + Send + 'static,
    stopping: CancellationToken,
    notice: Duration,
) -> Result<(), Failure> {
    let handle = Handle::new();
    let control = handle.clone();
    tokio::spawn(async move {
        interrupted.await;
        stopping.cancel();
        tokio::time::sleep(notice).await;
        control.graceful_shutdown(Some(FINISH));
    });
    let mut server = Server::<SocketAddr>::from_listener(listener).acceptor(NoDelayAcceptor::new()).handle(handle);
    server = server.first_request_timeout(HEAD);
    server.http_builder().http1().header_read_timeout(HEAD);
    server.http_builder().http2().keep_alive_interval(HEAD);
    Ok(server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

/// Resolves on Ctrl-C or SIGTERM; listens for them from this call on, not only from the first poll.
///
/// # Errors
/// When this process cannot hear signals.
pub fn interrupted() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
