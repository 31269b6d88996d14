//! Accounts: sign up, verify, sign in, forgotten and changed passwords.
//!
//! Nobody learns here whether an address has an account: what differs goes by mail, the answer and its time do not.

use super::devices::{self, Origin};
use super::sql::Known;
use super::tokens::{LinkToken, Purpose, hash_of};
use super::{mails, password, sql};
use crate::{Backend, Error};
use chrono::Duration;
use domain::identity::{Email, User};
use domain::ids::{SignInId, UserId};
use domain::problem::Problem;
use secrecy::SecretString;
use sqlx::PgConnection;
use std::fmt;
use std::future::Future;

/// How long a link that verifies an address works, in hours.
pub const VERIFY_HOURS: i64 = 24;
/// How long a link that sets a password works, in hours.
const RESET_HOURS: i64 = 1;
/// Answers that must not tell known from unknown addresses take at least so long.
const SAME_TIME: std::time::Duration = std::time::Duration::from_millis(250);

/// The token of a cookie by which [`verify_email`] knows the browser that signed up.
#[must_use]
pub fn sign_up_token(backend: &Backend) -> String {
    LinkToken::new(backend.clock.as_ref()).text
}

/// Takes a sign-up. Whatever is true about the address, the answer is the same and a mail says the rest: a link to verify it, or that it has an account already.
///
/// # Errors
/// [`Problem::Invalid`] naming `email` and `password`, [`Problem::RateLimited`], [`Problem::Unavailable`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn sign_up<'a>(
    backend: &Backend,
    email: &str,
    password: &SecretString,
    from: impl Into<Origin<'a>>,
) -> Result<Email, Error> {
    let Origin { address, sign_up, .. } = from.into();
    let email = match (Email::parse(email), password::check("password", password)) {
        (Ok(email), Ok(())) => email,
        (email, password) => {
            return Err(Problem::invalid([email.err(), password.err()].into_iter().flatten().collect()).into());
        }
    };
    backend.guards.limits.mail(email.as_str(), address)?;
    at_least(SAME_TIME, async {
        let hash = password::hash(backend, password).await?;
        let mut transaction = backend.pool.begin().await?;
        enter(backend, &mut transaction, &email, hash, sign_up).await?;
        transaction.commit().await?;
        Ok(())
    })
    .await?;
    Ok(email)
}

async fn enter(
    backend: &Backend,
    connection: &mut PgConnection,
    email: &Email,
    hash: String,
    browser: &str,
) -> Result<(), Error> {
    let now = backend.clock.now();
    sql::insert_user(connection, UserId(backend.clock.new_id()), email, None, &hash, now).await?;
    let known = sql::lock_user(connection, email).await?;
    let Some(Known { user, .. }) = known else { return Err(Error::server("sign up", "the new user is not there")) };
    if user.email_verified {
        return mails::account_exists(backend, connection, email).await;
    }
    // So that signing in before verifying says what is missing.
    sql::set_password(connection, user.user_id, &hash).await?;
    send_verification(backend, connection, &user, hash, browser).await
}

/// The link brings into force the password that was given with it, not one that somebody else gave for the same address.
async fn send_verification(
    backend: &Backend,
    connection: &mut PgConnection,
    user: &User,
    password_hash: String,
    browser: &str,
) -> Result<(), Error> {
    let token = LinkToken::new(backend.clock.as_ref());
    let now = backend.clock.now();
    let until = now + Duration::hours(VERIFY_HOURS);
    let secrets = sql::Secrets { password_hash: Some(password_hash), browser_hash: browser_hash(browser) };
    sql::insert_token(connection, &token, user.user_id, Purpose::VerifyEmail, secrets, now, until).await?;
    mails::verify_email(backend, connection, &user.email, &token.text).await
}

/// What is stored of a browser; none where its cookie is missing.
fn browser_hash(token: &str) -> Option<Vec<u8>> {
    (!token.is_empty()).then(|| hash_of(token).to_vec())
}

/// Whether the link is good and belongs to a sign-up of the browser that holds this [`sign_up_token`]: then it needs no password.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn is_link_of_browser(backend: &Backend, token: &str, browser: &str) -> Result<bool, Error> {
    let found = sql::find_token(&backend.pool, &hash_of(token), Purpose::VerifyEmail, backend.clock.now()).await?;
    Ok(found.is_some_and(|found| found.is_of(browser_hash(browser).as_deref())))
}

/// Verifies the address that a mailed link belongs to, in the browser that signed up, or with the password that the link brings into force.
///
/// Whoever signs up with a stranger's address knows the password and not the link, and the stranger who opens the link does not know the password.
///
/// # Errors
/// [`Problem::Conflict`] when the link was used, has expired or never existed, [`Problem::Invalid`] naming `password`, [`Problem::RateLimited`], [`Problem::Unavailable`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn verify_email<'a>(
    backend: &Backend,
    token: &str,
    password: &SecretString,
    from: impl Into<Origin<'a>>,
) -> Result<Proven, Error> {
    let Origin { address, sign_up, .. } = from.into();
    let (now, token_hash) = (backend.clock.now(), hash_of(token));
    let gone = || {
        Problem::conflict(
            "This link was used or has expired. Sign in: if your address is not verified yet, we send a new link.",
        )
    };
    let found = sql::find_token(&backend.pool, &token_hash, Purpose::VerifyEmail, now).await?.ok_or_else(gone)?;
    if !found.is_of(browser_hash(sign_up).as_deref()) {
        backend.guards.limits.password(&format!("link of {}", found.user_id), address)?;
        if !password::verify(backend, password, found.secrets.password_hash).await? {
            let detail = "This is not the password that was entered with this sign-up.";
            return Err(Problem::field("password", "wrong", detail).into());
        }
    }
    let mut transaction = backend.pool.begin().await?;
    let taken = sql::take_token(&mut transaction, &token_hash, Purpose::VerifyEmail, now).await?.ok_or_else(gone)?;
    let user_id = taken.user_id;
    // Verified by another way meanwhile, which set a password of its own.
    if !sql::mark_verified(&mut transaction, user_id, now).await? {
        return Err(gone().into());
    }
    let password_hash = taken.secrets.password_hash.ok_or_else(gone)?;
    let email = sql::set_password(&mut transaction, user_id, &password_hash).await?;
    sql::delete_tokens(&mut transaction, user_id, Purpose::VerifyEmail).await?;
    transaction.commit().await?;
    tracing::info!(%user_id, "address verified");
    Ok(Proven { user: User { user_id, email, email_verified: true }, password_hash })
}

/// A person whose password was checked: with it a sign-in begins, as long as the password is still the one that was checked.
#[derive(Clone)]
pub struct Proven {
    /// Who.
    pub user: User,
    password_hash: String,
}

impl Proven {
    pub(super) const fn new(user: User, password_hash: String) -> Self {
        Self { user, password_hash }
    }

    /// For the session, under [`super::PASSWORD_HASH`].
    #[must_use]
    pub fn password_hash(&self) -> &str {
        &self.password_hash
    }
}

impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proven").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The user whose address and password these are. The caller begins the session.
///
/// # Errors
/// [`Problem::Invalid`] when they do not belong together, [`Problem::Conflict`] when the address is not verified yet (a new link was sent), [`Problem::RateLimited`] except on a device that the account's owner used before, [`Problem::Unavailable`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn sign_in<'a>(
    backend: &Backend,
    email: &str,
    password: &SecretString,
    from: impl Into<Origin<'a>>,
) -> Result<Proven, Error> {
    let Origin { address, device, sign_up } = from.into();
    let email = Email::parse(email).map_err(|problem| Problem::invalid(vec![problem]))?;
    if !devices::is_known(backend, device, &email).await? {
        backend.guards.limits.password(email.as_str(), address)?;
    }
    let known = sql::user(&backend.pool, &email).await?;
    let hash = known.as_ref().map(|known| known.password_hash.clone());
    let matches = password::verify(backend, password, hash).await?;
    let Some(Known { user, password_hash }) = known.filter(|_| matches) else {
        tracing::info!("sign-in refused");
        return Err(Problem::Invalid {
            detail: "The e-mail address or the password is wrong.".to_owned(),
            fields: vec![],
        }
        .into());
    };
    if !user.email_verified {
        return Err(not_verified(backend, &user, password_hash, (address, sign_up)).await?);
    }
    tracing::info!(user_id = %user.user_id, "signed in");
    Ok(Proven { user, password_hash })
}

async fn not_verified(
    backend: &Backend,
    user: &User,
    hash: String,
    (address, browser): (&str, &str),
) -> Result<Error, Error> {
    let detail = if backend.guards.limits.mail(user.email.as_str(), address).is_ok() {
        let mut transaction = backend.pool.begin().await?;
        send_verification(backend, &mut transaction, user, hash, browser).await?;
        transaction.commit().await?;
        "Verify your e-mail address first. We have just sent you a new link."
    } else {
        "Verify your e-mail address first, by one of the links we sent you."
    };
    Ok(Problem::conflict(detail).into())
}

/// Sends a link to set a new password, if the address has an account. The answer never says whether.
/// Nobody can use the mails up: links that were sent before go on working, and where too many were asked for, the newest of them is the answer.
///
/// # Errors
/// [`Problem::Invalid`] naming `email`, [`Problem::RateLimited`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn forgotten_password(backend: &Backend, email: &str, address: &str) -> Result<Email, Error> {
    let email = Email::parse(email).map_err(|problem| Problem::invalid(vec![problem]))?;
    let may_send = backend.guards.limits.recovery(email.as_str(), address)?;
    at_least(SAME_TIME, async {
        let mut transaction = backend.pool.begin().await?;
        if may_send && let Some(Known { user, .. }) = sql::lock_user(&mut transaction, &email).await? {
            let token = LinkToken::new(backend.clock.as_ref());
            let now = backend.clock.now();
            let until = now + Duration::hours(RESET_HOURS);
            let none = sql::Secrets::default();
            sql::insert_token(&mut transaction, &token, user.user_id, Purpose::ResetPassword, none, now, until).await?;
            mails::reset_password(backend, &mut transaction, &user.email, &token.text).await?;
        }
        transaction.commit().await?;
        Ok(())
    })
    .await?;
    Ok(email)
}

/// Sets a new password by a mailed link, which also proves the address, and ends every sign-in. Whose it is.
///
/// # Errors
/// [`Problem::Invalid`] naming `password`, [`Problem::Conflict`] when the link was used or has expired, [`Problem::RateLimited`], [`Problem::Unavailable`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn reset_password(
    backend: &Backend,
    token: &str,
    password: &SecretString,
    address: &str,
) -> Result<UserId, Error> {
    password::check("password", password).map_err(|problem| Problem::invalid(vec![problem]))?;
    backend.guards.limits.password("", address)?;
    let hash = password::hash(backend, password).await?;
    let now = backend.clock.now();
    let mut transaction = backend.pool.begin().await?;
    let taken = sql::take_token(&mut transaction, &hash_of(token), Purpose::ResetPassword, now).await?;
    let user_id =
        taken.ok_or_else(|| Problem::conflict("This link was used or has expired. Ask for a new one."))?.user_id;
    sql::mark_verified(&mut transaction, user_id, now).await?;
    replace_password(backend, &mut transaction, user_id, &hash, None).await?;
    transaction.commit().await?;
    tracing::info!(%user_id, "password reset");
    Ok(user_id)
}

/// Changes the password of a signed-in person and ends all their other sign-ins.
///
/// # Errors
/// [`Problem::Invalid`] naming `current_password` and `new_password`, [`Problem::RateLimited`], [`Problem::Unavailable`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn change_password(
    backend: &Backend,
    user: &User,
    keep: Option<SignInId>,
    current: &SecretString,
    new: &SecretString,
    address: &str,
) -> Result<(), Error> {
    password::check("new_password", new).map_err(|problem| Problem::invalid(vec![problem]))?;
    // Counted apart from sign-ins: a stranger's attempts there are none of this person's.
    backend.guards.limits.password(&user.user_id.to_string(), address)?;
    let checked = sql::user(&backend.pool, &user.email).await?.map(|known| known.password_hash);
    let wrong = || Problem::field("current_password", "wrong", "This is not your password.");
    if !password::verify(backend, current, checked.clone()).await? {
        return Err(wrong().into());
    }
    let hash = password::hash(backend, new).await?;
    let mut transaction = backend.pool.begin().await?;
    // Whoever set another one meanwhile, as by a mailed link, has the last word.
    if sql::lock_user(&mut transaction, &user.email).await?.map(|known| known.password_hash) != checked {
        return Err(wrong().into());
    }
    replace_password(backend, &mut transaction, user.user_id, &hash, keep).await?;
    transaction.commit().await?;
    tracing::info!(user_id = %user.user_id, "password changed");
    Ok(())
}

/// With it go all open links, all sign-ins but one, what devices are known, and a mail that says so.
async fn replace_password(
    backend: &Backend,
    connection: &mut PgConnection,
    user_id: UserId,
    hash: &str,
    keep: Option<SignInId>,
) -> Result<(), Error> {
    let email = sql::set_password(connection, user_id, hash).await?;
    sql::delete_tokens(connection, user_id, Purpose::VerifyEmail).await?;
    sql::delete_tokens(connection, user_id, Purpose::ResetPassword).await?;
    sql::delete_other_sign_ins(connection, user_id, keep).await?;
    sql::delete_devices(connection, user_id).await?;
    mails::password_changed(backend, connection, &email).await
}

/// The work's answer, not before the time has passed, so that its speed tells nothing.
async fn at_least(time: std::time::Duration, work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    tokio::join!(work, tokio::time::sleep(time)).0
}
