//! The outbox: e-mail is written with the business row it belongs to and sent afterwards.
//!
//! [`enqueue`] stores a mail in the caller's transaction; [`run_worker`] sends what is due and writes down what the mail server answered.
//! Its body, in which links may be secret, is kept until it is sent or given up; the rest of it for 90 days.
//! A mail is sent at least once, always with the same Message-ID, so that a second copy is recognised.
//! Mails about one organization are bounded per day; whoever writes them waits for others that do, so they are written last in a transaction.
//! To send a new kind of mail: write a [`Letter`], and enqueue it where the reason for it is written.

mod letter;
mod smtp;
mod sql;

pub use letter::{Button, Figure, Letter, Rendered, Row, without_links};
pub use smtp::{Mailer, MailerError};

use crate::locks::{self, Lock};
use crate::notify_listener::NotifyListener;
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Duration, Utc};
use domain::budget::Delivery;
use domain::delivery::ShownMail;
use domain::identity::Email;
use domain::ids::{AlertId, MailId, OrgId};
use domain::problem::Problem;
use smtp::Attempt;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// PostgreSQL's channel that says a mail waits.
pub const CHANNEL: &str = "mails";

/// Mails in the air at once, per server.
const LANES: usize = 16;

/// A claimed mail is somebody else's to try again after this many seconds: longer than one attempt can take ([`smtp::TIMEOUT`]), short enough that a killed server's mail is soon under way.
const LEASE_SECS: i64 = 45;

/// Seconds between two looks at the table where nothing woke us.
const SWEEP_SECS: u64 = 30;

/// Days for which mails are kept, with what the mail server answered.
pub const KEPT_DAYS: i64 = 90;

/// Seconds between two looks for mails that are older.
const FORGET_SECS: u64 = 3_600;

/// Mails deleted in one statement.
const FORGET_AT_ONCE: i64 = 10_000;

/// Seconds to wait after the first, second … failed attempt; after the last one the mail has failed (about 24 hours).
const BACK_OFF_SECS: [i64; 10] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800];

/// Mails about one organization in 24 hours.
pub const MAILS_PER_DAY: i64 = 1_000;

/// The kind of mail that goes out about an organization that is going to be deleted; all others wait, and leave with it.
pub(crate) const DELETION: &str = "organization_deletion";

/// Kinds of mail that are never sent about the sample, whose recipients are nobody.
const NOT_OF_THE_SAMPLE: [&str; 4] = ["budget_alert", "budget_test", "statement_review", "statement"];

/// What the ledger says of an alert's mail beyond [`MAILS_PER_DAY`].
const USED_UP: &str = "Not sent: 1,000 mails about this organization went out within 24 hours.";

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// The organization it is about; none for mail about an account.
    pub org_id: Option<OrgId>,
    /// A stable word such as `verify_email`.
    pub kind: &'static str,
    /// Who gets it.
    pub recipient: Email,
    /// Its subject.
    pub subject: String,
    /// The plain part.
    pub text: String,
    /// The HTML part, equal in content.
    pub html: String,
    /// The alert it tells of, if any.
    pub alert_id: Option<AlertId>,
}

/// Stores a mail in the caller's transaction; it goes out after the commit, unless it tells of a budget of the sample.
/// Beyond [`MAILS_PER_DAY`] an alert's mail is written down as failed, so that its ledger says why nobody was told.
///
/// # Errors
/// [`Problem::RateLimited`] beyond [`MAILS_PER_DAY`] for mails that somebody asked for; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn enqueue(backend: &Backend, connection: &mut PgConnection, mail: NewMail) -> Result<MailId, Error> {
    if let Some(org_id) = mail.org_id.filter(|_| NOT_OF_THE_SAMPLE.contains(&mail.kind))
        && sql::is_sample(connection, org_id).await?
    {
        return keep_unsent(backend, connection, mail, backend.clock.now()).await;
    }
    let mail_id = MailId(backend.clock.new_id());
    let message_id = format!("<{}@{}>", mail_id.0.simple(), mail_domain(&backend.public_url));
    let now = backend.clock.now();
    let used_up = match mail.org_id {
        Some(org_id) => {
            lock_mails(connection, org_id).await?;
            sql::count_since(connection, org_id, now - Duration::days(1)).await? >= MAILS_PER_DAY
        }
        None => false,
    };
    if used_up && mail.alert_id.is_none() {
        return Err(Problem::RateLimited { retry_after_secs: 3_600 }.into());
    }
    sql::insert(connection, mail_id, &mail, &message_id, now).await?;
    if used_up {
        sql::failed(connection, mail_id, USED_UP, now).await?;
    }
    Ok(mail_id)
}

/// Stores what a mail of the sample would have been at an instant: it is never sent, and its body is nobody's to read.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub(crate) async fn keep_unsent(
    backend: &Backend,
    connection: &mut PgConnection,
    mail: NewMail,
    at: DateTime<Utc>,
) -> Result<MailId, Error> {
    let mail_id = MailId(backend.clock.new_id());
    let message_id = format!("<{}@{}>", mail_id.0.simple(), mail_domain(&backend.public_url));
    let mail = NewMail { text: String::new(), html: String::new(), ..mail };
    sql::insert(connection, mail_id, &mail, &message_id, at).await?;
    sql::mark_sample(connection, mail_id).await?;
    Ok(mail_id)
}

/// Waits until nobody else writes mails about the organization: before anything that is decided together with them.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn lock_mails(connection: &mut PgConnection, org_id: OrgId) -> Result<(), Error> {
    locks::hold(connection, Lock::Mails.of(org_id)).await
}

/// The right-hand side of a Message-ID: the host people know this server by.
fn mail_domain(public_url: &str) -> String {
    let host = url::Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "tallystick.invalid".to_owned())
}

/// How the mails of alerts are doing; an alert without mail is missing. At most 200 alerts at once.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn of_alerts(
    backend: &Backend,
    scope: &OrgScope,
    alerts: &[AlertId],
) -> Result<BTreeMap<AlertId, Vec<Delivery>>, Error> {
    sql::of_alerts(&backend.pool, scope, alerts).await
}

/// How these mails of the organization are doing.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn of_mails(
    backend: &Backend,
    scope: &OrgScope,
    mails: &[MailId],
) -> Result<BTreeMap<MailId, Delivery>, Error> {
    sql::of_mails(&backend.pool, scope, mails).await
}

/// How many mails of the last seven days about the organization nobody got.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub(crate) async fn failed_lately(backend: &Backend, scope: &OrgScope) -> Result<u64, Error> {
    sql::count_failed(&backend.pool, scope, backend.clock.now() - Duration::days(7)).await
}

/// The newest mails that no mail server took because none is configured; empty unless this server runs in local mode.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn shown(backend: &Backend) -> Result<Vec<ShownMail>, Error> {
    if backend.local { sql::newest_unsent(&backend.pool, 100).await } else { Ok(Vec::new()) }
}

/// One of [`shown`], if it is there.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn shown_one(backend: &Backend, mail_id: MailId) -> Result<Option<ShownMail>, Error> {
    if backend.local { sql::unsent(&backend.pool, mail_id).await } else { Ok(None) }
}

/// Sends what is due until `stop`, woken by notifications, by the next due attempt and by a slow sweep.
/// Any number of servers may run it.
///
/// # Errors
/// [`Error::Database`]: start it again after a while; nothing is lost.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn run_worker(backend: &Backend, mailer: &Arc<Mailer>, stop: &CancellationToken) -> Result<(), Error> {
    let listener = NotifyListener::listen(&backend.pool, CHANNEL);
    let mut lanes = JoinSet::new();
    let mut next_look = Instant::now();
    while !stop.is_cancelled() {
        if Instant::now() >= next_look {
            forget_old(backend).await?;
            next_look = Instant::now() + std::time::Duration::from_secs(FORGET_SECS);
        }
        fill_lanes(backend, mailer, &mut lanes).await?;
        let pause = pause(backend).await?;
        tokio::select! {
            () = stop.cancelled() => {}
            Some(ended) = lanes.join_next(), if !lanes.is_empty() => report(ended),
            () = listener.next(), if lanes.len() < LANES => {}
            () = tokio::time::sleep(pause), if lanes.len() < LANES => {}
        }
    }
    while let Some(ended) = lanes.join_next().await {
        report(ended);
    }
    Ok(())
}

/// Deletes mails that are older than [`KEPT_DAYS`]; how many. Any number of servers may do it.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn forget_old(backend: &Backend) -> Result<u64, Error> {
    let before = backend.clock.now() - Duration::days(KEPT_DAYS);
    let mut all = 0;
    loop {
        let deleted = sql::delete_before(&backend.pool, before, FORGET_AT_ONCE).await?;
        all += deleted;
        if deleted == 0 {
            return Ok(all);
        }
    }
}

/// Sends everything that is due now and returns when none of it is left in the air; how many attempts were made.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn deliver_due(backend: &Backend, mailer: &Arc<Mailer>) -> Result<usize, Error> {
    let mut lanes = JoinSet::new();
    let mut attempts = 0;
    loop {
        attempts += fill_lanes(backend, mailer, &mut lanes).await?;
        match lanes.join_next().await {
            Some(ended) => report(ended),
            None => return Ok(attempts),
        }
    }
}

async fn fill_lanes(
    backend: &Backend,
    mailer: &Arc<Mailer>,
    lanes: &mut JoinSet<Result<(), Error>>,
) -> Result<usize, Error> {
    let now = backend.clock.now();
    let Some(smtp) = mailer.smtp() else {
        sql::mark_shown(&backend.pool, now).await?;
        return Ok(0);
    };
    let free = LANES.saturating_sub(lanes.len());
    if free == 0 {
        return Ok(0);
    }
    let claimed = sql::claim(&backend.pool, now, now + Duration::seconds(LEASE_SECS), free).await?;
    let count = claimed.len();
    for mail in claimed {
        let (backend, smtp) = (backend.clone(), Arc::clone(smtp));
        lanes.spawn(async move {
            let attempt = smtp.send(&mail).await;
            record(&backend, &mail, attempt).await
        });
    }
    Ok(count)
}

/// Until the next attempt is due, at most one sweep.
async fn pause(backend: &Backend) -> Result<std::time::Duration, Error> {
    let sweep = std::time::Duration::from_secs(SWEEP_SECS);
    let Some(due) = sql::next_due(&backend.pool).await? else { return Ok(sweep) };
    let until = (due - backend.clock.now()).to_std().unwrap_or_default();
    // A due mail that we could not claim is in another server's hands for a moment.
    Ok(until.clamp(std::time::Duration::from_millis(200), sweep))
}

fn report(ended: Result<Result<(), Error>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "cannot write down how a mail went; it will be tried again"),
        Err(error) => tracing::error!(%error, "sending a mail was cut short; it will be tried again"),
    }
}

/// A mail that this server may try now.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    mail_id: MailId,
    kind: String,
    recipient: String,
    subject: String,
    text: String,
    html: String,
    message_id: String,
    created_at: DateTime<Utc>,
    /// This attempt included.
    attempts: u32,
}

async fn record(backend: &Backend, mail: &Claimed, attempt: Attempt) -> Result<(), Error> {
    let now = backend.clock.now();
    let mail_id = mail.mail_id;
    match attempt {
        Attempt::Accepted(answer) => {
            tracing::info!(%mail_id, kind = mail.kind, attempts = mail.attempts, %answer, "mail accepted");
            sql::sent(&backend.pool, mail_id, &answer, now).await
        }
        Attempt::Refused(answer) => {
            tracing::warn!(%mail_id, kind = mail.kind, attempts = mail.attempts, %answer, "mail refused");
            sql::failed(&mut *backend.pool.acquire().await?, mail_id, &answer, now).await
        }
        Attempt::Later(answer) => match back_off(mail.attempts) {
            Some(wait) => {
                tracing::info!(%mail_id, kind = mail.kind, attempts = mail.attempts, %answer, "mail deferred");
                sql::deferred(&backend.pool, mail_id, &answer, now, now + wait).await
            }
            None => {
                tracing::warn!(%mail_id, kind = mail.kind, attempts = mail.attempts, %answer, "mail given up");
                sql::failed(&mut *backend.pool.acquire().await?, mail_id, &answer, now).await
            }
        },
    }
}

/// How long to wait after this many attempts; none means enough was tried.
fn back_off(attempts: u32) -> Option<Duration> {
    let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
    BACK_OFF_SECS.get(index).map(|seconds| Duration::seconds(*seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_stretch_over_a_day_and_end() {
        let waits: Vec<_> = (1..).map_while(back_off).collect();
        assert_eq!(waits.len(), BACK_OFF_SECS.len());
        assert!(waits.is_sorted());
        let total: Duration = waits.iter().sum();
        assert_eq!(total.num_hours(), 23);
        assert_eq!(back_off(0), None);
        assert_eq!(back_off(11), None);
    }

    #[test]
    fn a_message_id_names_the_public_host() {
        assert_eq!(mail_domain("https://tally.example.com"), "tally.example.com");
        assert_eq!(mail_domain("http://127.0.0.1:3000"), "127.0.0.1");
        assert_eq!(mail_domain("nonsense"), "tallystick.invalid");
    }
}
