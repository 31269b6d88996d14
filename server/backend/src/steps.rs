//! Background work in bounded steps: where it stands is in its rows alone, and each step is one transaction that claims what it works on.
//!
//! So a server that dies in the middle loses nothing and does nothing twice, and any number of servers may work.

use crate::Error;
use crate::notify_listener::NotifyListener;
use sqlx::PgPool;
use std::future::Future;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Steps that are taken before a verb answers, so that nobody waits for what is small.
const AT_ONCE: usize = 4;
/// Between two looks for work where no notification came.
const LOOK: Duration = Duration::from_secs(30);

/// Takes steps until `stop`, woken by the channel; `step` takes one of whatever waits and says whether anything did.
///
/// # Errors
/// Those of `step`: start it again after a while; nothing is lost.
pub(crate) async fn run<S>(
    pool: &PgPool,
    channel: &'static str,
    stop: &CancellationToken,
    step: impl Fn() -> S,
) -> Result<(), Error>
where
    S: Future<Output = Result<bool, Error>>,
{
    let listener = NotifyListener::listen(pool, channel);
    while !stop.is_cancelled() {
        while step().await? && !stop.is_cancelled() {}
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.next() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    Ok(())
}

/// The first steps of what a verb has begun; `step` says whether there may be more.
///
/// # Errors
/// Those of `step`.
pub(crate) async fn hurry<S>(step: impl Fn() -> S) -> Result<(), Error>
where
    S: Future<Output = Result<bool, Error>>,
{
    for _ in 0..AT_ONCE {
        if !step().await? {
            break;
        }
    }
    Ok(())
}
