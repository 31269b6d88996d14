//! Background loops: started by `serve`, restarted when they fail, cancelled on shutdown.
//!
//! A loop is an `async fn run_worker(…, stop)` of its room that returns when `stop` is cancelled; to add one, add a line to [`Jobs::start`].
//! Every server runs all of them: what there is to do is shared through PostgreSQL.

use backend::delivery::Mailer;
use backend::{Backend, Error, budgets, delivery, exports, identity, keys, ledger, prices, spend, statements};
use futures::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A failed loop starts again after this; then after twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long shutdown waits for work in hand, such as a mail that is being sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// The running loops.
#[derive(Debug)]
pub struct Jobs {
    stop: CancellationToken,
    loops: JoinSet<()>,
}

impl Jobs {
    /// Starts all loops.
    #[must_use]
    pub fn start(backend: &Backend, mailer: Mailer) -> Self {
        let mut jobs = Self { stop: CancellationToken::new(), loops: JoinSet::new() };
        let mailer = Arc::new(mailer);
        jobs.keep("delivery", backend, move |backend, stop| {
            let mailer = Arc::clone(&mailer);
            async move { delivery::run_worker(&backend, &mailer, &stop).await }
        });
        jobs.keep("keys", backend, |backend, stop| async move { keys::watch(&backend, &stop).await });
        jobs.keep("prices", backend, |backend, stop| async move { prices::watch(&backend, &stop).await });
        jobs.keep("price book", backend, |backend, stop| async move { prices::keep_book(&backend, &stop).await });
        jobs.keep(
            "pricing runs",
            backend,
            |backend, stop| async move { prices::runs::run_worker(&backend, &stop).await },
        );
        jobs.keep("identity", backend, |backend, stop| async move { identity::run_worker(&backend, &stop).await });
        jobs.keep("time zones", backend, |backend, stop| async move { identity::change_zones(&backend, &stop).await });
        jobs.keep("deletion", backend, |backend, stop| async move { identity::keep_deleting(&backend, &stop).await });
        jobs.keep("budgets", backend, |backend, stop| async move { budgets::run_worker(&backend, &stop).await });
        jobs.keep("scheduled exports", backend, |backend, stop| async move {
            exports::schedules::run_worker(&backend, &stop).await
        });
        jobs.keep("statements by mail", backend, |backend, stop| async move {
            statements::run_worker(&backend, &stop).await
        });
        jobs.keep("open pages", backend, |backend, stop| async move { spend::watch(&backend, &stop).await });
        jobs.keep("retention", backend, |backend, stop| async move { ledger::keep_retention(&backend, &stop).await });
        jobs
    }

    /// Tells all loops to end and waits for them, but not for ever.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let ended = async { while self.loops.join_next().await.is_some() {} };
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            tracing::warn!("some background work was cut short; it is taken up again at the next start");
        }
    }

    fn keep<F, R>(&mut self, name: &'static str, backend: &Backend, work: F)
    where
        F: Fn(Backend, CancellationToken) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Error>> + Send,
    {
        let (backend, stop) = (backend.clone(), self.stop.clone());
        self.loops.spawn(async move {
            keep_running(name, &stop, FIRST_PAUSE, || work(backend.clone(), stop.clone())).await;
        });
    }
}

/// Runs `work` until `stop`, again whenever it fails or panics. A row of failures is logged when it begins and when it ends.
async fn keep_running<R>(name: &'static str, stop: &CancellationToken, first_pause: Duration, work: impl Fn() -> R)
where
    R: Future<Output = Result<(), Error>>,
{
    let mut pause = first_pause;
    let mut failing = false;
    while !stop.is_cancelled() {
        let started = Instant::now();
        let why = match AssertUnwindSafe(work()).catch_unwind().await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
        // It ran well for a while: this is a new trouble.
        if started.elapsed() > LONGEST_PAUSE {
            (pause, failing) = (first_pause, false);
        }
        if !std::mem::replace(&mut failing, true) {
            tracing::error!(job = name, %why, "background work failed; it is started again and again");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn work_that_fails_or_panics_is_started_again_until_it_is_stopped() {
        let stop = CancellationToken::new();
        let starts = AtomicU32::new(0);
        keep_running("test", &stop, Duration::ZERO, || {
            let start = starts.fetch_add(1, Ordering::Relaxed);
            let stop = stop.clone();
            async move {
                match start {
                    0 => Err(Error::server("testing", "it fails")),
                    1 => panic!("it panics"),
                    _ => {
                        stop.cancel();
                        Ok(())
                    }
                }
            }
        })
        .await;
        assert_eq!(starts.into_inner(), 3);
    }
}
