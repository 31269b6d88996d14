//! Sign-ins: the sessions of browsers, kept in PostgreSQL under the hash of their cookie.
//!
//! A row exists for people only: a visitor who does not sign in leaves none.

use super::sql::{self, NewSignIn};
use crate::{Backend, Error};
use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use domain::identity::{SignIn, User};
use domain::ids::{SignInId, UserId};
use domain::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tower_sessions_core::SessionStore;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{Error as StoreError, Result as StoreResult};

/// A sign-in that is not used for so many days ends.
pub const IDLE_DAYS: i64 = 14;
/// A sign-in ends after so many days in any case.
pub const MAX_DAYS: i64 = 90;
/// Most sign-ins that a person sees listed.
const MAX_LISTED: i64 = 100;
/// Characters kept of what a browser says about itself.
const MAX_USER_AGENT_LEN: usize = 300;

/// Between two removals of what has expired.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Session key of the signed-in [`User`], put there at sign-in.
pub const USER: &str = "user";
/// Session key of the hash of the password that was checked, put there at sign-in and stored nowhere.
pub const PASSWORD_HASH: &str = "password_hash";
/// Why a sign-in was not stored whose password was replaced meanwhile.
pub const PASSWORD_REPLACED: &str = "the password was replaced";
/// Session key of the [`Device`], put there at sign-in.
pub const DEVICE: &str = "device";
/// Session key of the [`SignInId`]; readable from the request after the sign-in on.
pub const SIGN_IN_ID: &str = "sign_in_id";

/// Where a sign-in comes from, for the list in Settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The browser, as it names itself.
    pub user_agent: String,
    /// Its address.
    pub address: String,
}

/// The sessions of tower-sessions, in the table `sign_ins`.
///
/// The cookie's 128 random bits are stored only as SHA-256.
/// Expiry is decided here, by our clock: the record's own date is for the cookie.
#[derive(Clone)]
pub struct SignInStore(Backend);

impl fmt::Debug for SignInStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInStore")
    }
}

impl SignInStore {
    /// The store of this server.
    #[must_use]
    pub const fn new(backend: Backend) -> Self {
        Self(backend)
    }
}

#[async_trait]
impl SessionStore for SignInStore {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        let user: User = part(&record.data, USER)?;
        let password_hash: String = part(&record.data, PASSWORD_HASH)?;
        let device: Device = part(&record.data, DEVICE).unwrap_or_default();
        let device = Device {
            user_agent: device.user_agent.chars().take(MAX_USER_AGENT_LEN).collect(),
            address: device.address,
        };
        let now = self.0.clock.now();
        let sign_in_id = SignInId(self.0.clock.new_id());
        let new = NewSignIn {
            sign_in_id,
            user_id: user.user_id,
            password_hash: &password_hash,
            data: own_data(&record.data),
            user_agent: &device.user_agent,
            address: &device.address,
            now,
            expires_at: expiry(now, now),
        };
        if !sql::insert_sign_in(&self.0.pool, &token_hash(&record.id), new).await.map_err(failed)? {
            return Err(StoreError::Backend(PASSWORD_REPLACED.to_owned()));
        }
        record.data.remove(PASSWORD_HASH);
        record.data.insert(SIGN_IN_ID.to_owned(), Value::String(sign_in_id.to_string()));
        Ok(())
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        // A sign-in that was revoked while its request ran stays revoked: no row, no update.
        sql::update_sign_in(&self.0.pool, &token_hash(&record.id), own_data(&record.data)).await.map_err(failed)
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let hash = token_hash(id);
        let now = self.0.clock.now();
        let Some(stored) = sql::sign_in(&self.0.pool, &hash).await.map_err(failed)? else { return Ok(None) };
        if stored.expires_at <= now {
            return Ok(None);
        }
        if now - stored.last_seen_at >= Duration::minutes(1) {
            sql::touch_sign_in(&self.0.pool, &hash, now, expiry(stored.created_at, now)).await.map_err(failed)?;
        }
        let mut data: HashMap<String, Value> = serde_json::from_value(stored.data).map_err(undecodable)?;
        data.insert(USER.to_owned(), serde_json::to_value(&stored.user).map_err(undecodable)?);
        data.insert(SIGN_IN_ID.to_owned(), Value::String(stored.sign_in_id.to_string()));
        let expiry_date = OffsetDateTime::from_unix_timestamp(stored.expires_at.timestamp()).map_err(undecodable)?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        sql::delete_sign_in_by_hash(&self.0.pool, &token_hash(id)).await.map_err(failed)
    }
}

/// Whether a sign-in was neither ended nor has it expired; asking does not keep it.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn sign_in_lasts(backend: &Backend, sign_in_id: SignInId) -> Result<bool, Error> {
    sql::sign_in_lasts(&backend.pool, sign_in_id, backend.clock.now()).await
}

/// Idle time ends it, and its age.
fn expiry(created_at: DateTime<Utc>, last_seen_at: DateTime<Utc>) -> DateTime<Utc> {
    (last_seen_at + Duration::days(IDLE_DAYS)).min(created_at + Duration::days(MAX_DAYS))
}

fn token_hash(id: &Id) -> [u8; 32] {
    Sha256::digest(id.0.to_le_bytes()).into()
}

/// What has no column of its own.
fn own_data(data: &HashMap<String, Value>) -> Value {
    let own = data.iter().filter(|(key, _)| ![USER, PASSWORD_HASH, DEVICE, SIGN_IN_ID].contains(&key.as_str()));
    Value::Object(own.map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn part<T: serde::de::DeserializeOwned>(data: &HashMap<String, Value>, key: &str) -> StoreResult<T> {
    let value = data.get(key).cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|error| StoreError::Encode(format!("{key}: {error}")))
}

fn undecodable(error: impl fmt::Display) -> StoreError {
    StoreError::Decode(error.to_string())
}

fn failed(error: Error) -> StoreError {
    StoreError::Backend(error.to_string())
}

/// The person's sign-ins that still work, the last used first; `current` is the one that asks.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn list_sign_ins(
    backend: &Backend,
    user_id: UserId,
    current: Option<SignInId>,
) -> Result<Vec<SignIn>, Error> {
    sql::sign_ins(&backend.pool, user_id, current, backend.clock.now(), MAX_LISTED).await
}

/// Ends one sign-in of the person at once, everywhere.
///
/// # Errors
/// [`Problem::NotFound`] when it is not theirs; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn revoke_sign_in(backend: &Backend, user_id: UserId, sign_in_id: SignInId) -> Result<(), Error> {
    if sql::delete_sign_in(&backend.pool, user_id, sign_in_id).await? { Ok(()) } else { Err(Problem::NotFound.into()) }
}

/// Ends all sign-ins of the person but the one that asks.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn revoke_other_sign_ins(
    backend: &Backend,
    user_id: UserId,
    current: Option<SignInId>,
) -> Result<u64, Error> {
    let mut connection = backend.pool.acquire().await?;
    sql::delete_other_sign_ins(&mut connection, user_id, current).await
}

/// Removes what has expired, once an hour until `stop`. Any number of servers may run it.
///
/// # Errors
/// [`Error::Database`]: start it again.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn run_worker(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    while !stop.is_cancelled() {
        sweep(backend).await?;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
    }
    Ok(())
}

/// Removes sign-ins and links that have expired, and devices that are no longer used.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn sweep(backend: &Backend) -> Result<(), Error> {
    let now = backend.clock.now();
    sql::delete_expired(&backend.pool, now).await?;
    sql::delete_unused_devices(&backend.pool, now - Duration::days(super::DEVICE_DAYS)).await
}
