//! Known devices: browsers on which somebody signed in before, known by a cookie of their own.
//!
//! Limits of guessing count an account's attempts by everybody, so a stranger can use them up.
//! Attempts on a known device are counted on that device alone (OWASP's device cookies), so its owner's right password always works there.
//! The cookie opens nothing: after [`MOST_ATTEMPTS`] wrong passwords in a row the device is a stranger's again.

use super::sql;
use super::tokens::{LinkToken, hash_of};
use crate::{Backend, Error};
use chrono::Duration;
use domain::identity::Email;
use domain::ids::UserId;

/// Attempts on a known device between two right passwords.
const MOST_ATTEMPTS: i16 = 10;
/// A device is known for so many days after the last sign-in on it; browsers keep no cookie longer.
pub const DEVICE_DAYS: i64 = 400;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The address; empty where it is not known.
    pub address: &'a str,
    /// The token of the device's cookie; empty without one.
    pub device: &'a str,
    /// The [`super::sign_up_token`] of the browser's cookie; empty where nobody signed up lately.
    pub sign_up: &'a str,
}

impl<'a> From<&'a str> for Origin<'a> {
    /// An address, without a device.
    fn from(address: &'a str) -> Self {
        Self { address, ..Self::default() }
    }
}

/// Whether the account's owner signed in on this device before and has attempts left on it; this one is counted.
pub(super) async fn is_known(backend: &Backend, device: &str, email: &Email) -> Result<bool, Error> {
    if device.is_empty() {
        return Ok(false);
    }
    let used_since = backend.clock.now() - Duration::days(DEVICE_DAYS);
    sql::attempt_on_device(&backend.pool, &hash_of(device), email, MOST_ATTEMPTS, used_since).await
}

/// Makes the device known as one of the user's who has just proved who they are; the new token for its cookie, which takes the place of the old one.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn know_device(backend: &Backend, user_id: UserId, device: &str) -> Result<String, Error> {
    let token = LinkToken::new(backend.clock.as_ref());
    let mut transaction = backend.pool.begin().await?;
    sql::put_device(&mut transaction, &hash_of(device), &token.hash, user_id, backend.clock.now()).await?;
    transaction.commit().await?;
    Ok(token.text)
}
