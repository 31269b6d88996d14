//! Who gets the mail of a budget: members, and addresses that confirmed once by a link that they want it.

use super::{mail, sql};
use crate::identity::tokens::{LinkToken, hash_of};
use crate::{Backend, Error, OrgScope, audit, delivery, identity};
use chrono::{Duration, NaiveDate};
use domain::budget::{Budget, RecipientOffer};
use domain::identity::Email;
use domain::ids::UserId;
use domain::problem::Problem;
use sqlx::PgConnection;

/// How long the link works, in days.
pub(super) const LINK_DAYS: i64 = 7;
/// The same address is not asked again for so many hours.
const AGAIN_HOURS: i64 = 24;

/// Asks those recipients of a budget who are neither members nor confirmed, by one mail each. The last thing in a transaction, as all mails about an organization.
///
/// # Errors
/// [`Problem::RateLimited`] when too many were asked; [`Error::Database`].
pub(super) async fn ask(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget: &Budget,
) -> Result<(), Error> {
    let now = backend.clock.now();
    if !budget.unconfirmed.is_empty() {
        // Before the rows of questions, as alerts that were written before in this transaction have it already.
        delivery::lock_mails(connection, scope.org_id()).await?;
    }
    for email in &budget.unconfirmed {
        let token = LinkToken::new(backend.clock.as_ref());
        let question = sql::Question {
            email,
            token: &token,
            now,
            expires_at: now + Duration::days(LINK_DAYS),
            not_since: now - Duration::hours(AGAIN_HOURS),
        };
        if sql::ask_recipient(connection, scope, question).await? {
            backend.guards.confirmation(email.as_str())?;
            let mail = mail::confirmation(backend, scope, connection, email, &token).await?;
            delivery::enqueue(backend, connection, mail).await?;
        }
    }
    Ok(())
}

/// Who gets the mails of a budget about a month: of its recipients those who want them, without members who do not see all that it counts.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn mailed(
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget: &Budget,
    month: NaiveDate,
) -> Result<Vec<Email>, Error> {
    let blind = sql::blind_recipients(connection, scope, budget, month).await?;
    Ok(budget.mailed().filter(|email| !blind.contains(email)).cloned().collect())
}

/// Takes a person who leaves off all budgets, and takes back what the addresses confirmed that they entered; names of those budgets.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn forget(
    scope: &OrgScope,
    connection: &mut PgConnection,
    user_id: UserId,
    email: &Email,
) -> Result<Vec<String>, Error> {
    sql::forget_recipient(connection, scope, user_id, email).await
}

/// What the link offers, to whoever holds it.
///
/// # Errors
/// [`Problem::NotFound`] when it has expired or never existed; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn recipient_offer(backend: &Backend, slug: &str, token: &str) -> Result<RecipientOffer, Error> {
    let found = sql::recipient_offer(&backend.pool, slug, &hash_of(token), backend.clock.now()).await?;
    Ok(found.ok_or(Problem::NotFound)?.1)
}

/// The holder of the link wants the mails. Doing it again changes nothing.
///
/// # Errors
/// As [`recipient_offer`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn confirm_recipient(backend: &Backend, slug: &str, token: &str) -> Result<(), Error> {
    let (now, hash) = (backend.clock.now(), hash_of(token));
    let mut transaction = backend.pool.begin().await?;
    let found = sql::recipient_offer(&mut *transaction, slug, &hash, now).await?;
    let (org_id, offer) = found.ok_or(Problem::NotFound)?;
    let scope = identity::system_scope(backend, org_id).await?;
    if sql::confirm_recipient(&mut transaction, &scope, &hash, now).await? {
        let detail = format!("{} confirmed to get mail of budgets.", offer.email);
        audit::record(backend, &scope, &mut transaction, "recipient.confirmed", &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}
