//! Passwords: argon2id on the blocking pool, a bounded number at a time.

use crate::{Backend, Error};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use domain::problem::{FieldProblem, Problem};
use secrecy::{ExposeSecret, SecretString};
use std::num::NonZero;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// OWASP's second choice for argon2id: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes that may wait for a turn; more are answered "try again".
const MAX_WAITING: usize = 64;
/// Shortest password, in characters (ASVS 6.2.1).
pub const MIN_LEN: usize = 8;
/// Longest password, in characters; nothing is ever cut off.
pub const MAX_LEN: usize = 256;

/// Compared with when there is no such user, so that the answer takes as long.
const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Tm9ib2R5J3Mgc2FsdC4uLg$9cV0bBMn0RmZkLk1nJ1o0gYh4i3r5c0X8c3m6v1QyZs";

/// The 3,000 most used passwords of at least eight characters, one a line, in lower case and sorted (ASVS 6.2.4).
/// Taken from the frequency list of zxcvbn (MIT licence, Copyright 2012-2016 Dan Wheeler and Dropbox, Inc.).
const COMMON: &str = include_str!("common_passwords.txt");

/// Turns for hashing: as many at once as there are cores, and a bounded queue.
#[derive(Debug)]
pub(super) struct Turns {
    queue: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { queue: Arc::new(Semaphore::new(MAX_WAITING)), running: Arc::new(Semaphore::new(cores)) }
    }
}

/// Checks a new password: its length, and that it is none of the common ones.
///
/// # Errors
/// A field problem for `field`.
pub(super) fn check(field: &str, password: &SecretString) -> Result<(), FieldProblem> {
    let password = password.expose_secret();
    let length = password.chars().count();
    if length < MIN_LEN {
        return Err(FieldProblem::new(field, "too_short", format!("Use at least {MIN_LEN} characters.")));
    }
    if length > MAX_LEN {
        return Err(FieldProblem::new(field, "too_long", format!("Use at most {MAX_LEN} characters.")));
    }
    let lower = password.to_lowercase();
    if COMMON.lines().any(|common| common == lower) {
        return Err(FieldProblem::new(
            field,
            "common",
            "This is one of the most used passwords. Choose another one, such as three or four unrelated words.",
        ));
    }
    Ok(())
}

/// The PHC string of a new password.
///
/// # Errors
/// [`Problem::Unavailable`] when too many wait; [`Error::Server`].
pub(super) async fn hash(backend: &Backend, password: &SecretString) -> Result<String, Error> {
    let salt = backend.clock.random();
    let password = password.clone();
    in_turn(&backend.guards.turns, move || hash_now(&password, &salt[..16])).await?
}

/// Whether the password belongs to the stored hash; without one it takes as long and says no.
///
/// # Errors
/// [`Problem::Unavailable`] when too many wait; [`Error::Server`].
pub(super) async fn verify(backend: &Backend, password: &SecretString, stored: Option<String>) -> Result<bool, Error> {
    let password = password.clone();
    in_turn(&backend.guards.turns, move || {
        let known = stored.is_some();
        let matches = verify_now(&password, stored.as_deref().unwrap_or(NOBODYS_HASH))?;
        Ok(known && matches)
    })
    .await?
}

/// The turn belongs to the work and not to whoever asked: a request that is given up does not stop what it started.
async fn in_turn<T: Send + 'static>(turns: &Turns, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let busy = |_| Problem::Unavailable { retry_after_secs: 2 };
    let place = Arc::clone(&turns.queue).try_acquire_owned().map_err(busy)?;
    let turn = Arc::clone(&turns.running).acquire_owned().await;
    let turn = turn.map_err(|error| Error::server("hash a password", error))?;
    let in_turn = move || {
        let _held = (place, turn);
        work()
    };
    tokio::task::spawn_blocking(in_turn).await.map_err(|error| Error::server("hash a password", error))
}

fn hash_now(password: &SecretString, salt: &[u8]) -> Result<String, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::server("hash a password", error.to_string());
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| failed(&error))?;
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.expose_secret().as_bytes(), salt)
        .map_err(|error| failed(&error))?;
    Ok(hash.to_string())
}

fn verify_now(password: &SecretString, stored: &str) -> Result<bool, Error> {
    let hash =
        PasswordHash::new(stored).map_err(|_| Error::inconsistent("users", "password_hash", "not a PHC string"))?;
    Ok(Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, SystemClock};

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_the_work_whoever_hangs_up() {
        let turns = Turns { queue: Arc::new(Semaphore::new(2)), running: Arc::new(Semaphore::new(1)) };
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = std::sync::mpsc::channel();
        let work = move || {
            begin.send(()).unwrap();
            wait.recv().unwrap();
        };
        {
            // A request that is dropped while its work runs.
            let mut asked = std::pin::pin!(in_turn(&turns, work));
            assert!(futures::poll!(asked.as_mut()).is_pending());
            tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        }
        assert_eq!((turns.running.available_permits(), turns.queue.available_permits()), (0, 1));
        let mut next = std::pin::pin!(in_turn(&turns, || 7));
        assert!(futures::poll!(next.as_mut()).is_pending(), "it waits for its turn");
        let refused = in_turn(&turns, || 8).await.unwrap_err().into_problem();
        assert!(matches!(refused, Problem::Unavailable { .. }), "{refused:?}");
        go_on.send(()).unwrap();
        assert_eq!(next.await.unwrap(), 7);
    }

    #[test]
    fn hashes_say_how_they_were_made() {
        let hash = hash_now(&secret("correct horse"), &SystemClock.random()[..16]).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify_now(&secret("correct horse"), &hash).unwrap());
        assert!(!verify_now(&secret("correct horsf"), &hash).unwrap());
    }

    #[test]
    fn nobodys_hash_costs_as_much_as_a_real_one() {
        let nobody = PasswordHash::new(NOBODYS_HASH).unwrap();
        let real = hash_now(&secret("correct horse"), &SystemClock.random()[..16]).unwrap();
        assert_eq!(nobody.params, PasswordHash::new(&real).unwrap().params);
        assert!(!verify_now(&secret("correct horse"), NOBODYS_HASH).unwrap());
    }

    #[test]
    fn every_character_of_a_long_password_counts() {
        let long = "x".repeat(MAX_LEN);
        let hash = hash_now(&secret(&long), &SystemClock.random()[..16]).unwrap();
        assert!(!verify_now(&secret(&format!("{}y", &long[1..])), &hash).unwrap());
    }

    #[test]
    fn length_and_the_list_decide() {
        assert_eq!(check("password", &secret("seven77")).unwrap_err().code, "too_short");
        assert_eq!(check("password", &secret(&"x".repeat(257))).unwrap_err().code, "too_long");
        for common in ["password", "Password1", "12345678", "qwertyuiop"] {
            assert_eq!(check("password", &secret(common)).unwrap_err().code, "common", "{common}");
        }
        check("password", &secret("three unrelated words")).unwrap();
        check("password", &secret(&"ä".repeat(MAX_LEN))).unwrap();
    }
}
