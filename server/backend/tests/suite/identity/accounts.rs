//! Signing up, passwords, sign-ins.

use super::*;
use testkit::TestDatabase;

#[tokio::test]
async fn a_sign_up_is_verified_once_by_its_link() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let email = identity::sign_up(&backend, " Ada@Example.com", &secret(PASSWORD), "").await.unwrap();
    assert_eq!(email.as_str(), "ada@example.com");
    let token = link(&backend, &clock, "ada@example.com", "/verify-email?token=").await;

    clock.advance(Duration::seconds(1));
    let early = problem(identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await);
    assert!(early.status() == 409 && early.detail().contains("just sent you a new link"), "{early}");
    assert_eq!(mails_to(&backend, "ada@example.com").await.len(), 2);

    identity::verify_email(&backend, &token, &secret(PASSWORD), "").await.unwrap();
    assert_eq!(problem(identity::verify_email(&backend, &token, &secret(PASSWORD), "").await).status(), 409);
    let proven = identity::sign_in(&backend, "ADA@example.com", &secret(PASSWORD), "").await.unwrap();
    assert!(proven.user.email_verified);
    // The link that came second ended with the first.
    let second = link(&backend, &clock, "ada@example.com", "/verify-email?token=").await;
    assert_ne!(second, token);
    assert_eq!(problem(identity::verify_email(&backend, &second, &secret(PASSWORD), "").await).status(), 409);

    identity::sign_up(&backend, "bob@example.com", &secret(PASSWORD), "").await.unwrap();
    let token = link(&backend, &clock, "bob@example.com", "/verify-email?token=").await;
    clock.advance(Duration::hours(24));
    assert_eq!(problem(identity::verify_email(&backend, &token, &secret(PASSWORD), "").await).status(), 409);
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    user(&backend, &clock, "ada@example.com").await;
    clock.advance(Duration::seconds(1));
    let known = identity::sign_up(&backend, "ada@example.com", &secret("another password"), "").await;
    let unknown = identity::sign_up(&backend, "bob@example.com", &secret("another password"), "").await;
    assert!(known.is_ok() && unknown.is_ok());
    assert_eq!(mails_to(&backend, "ada@example.com").await[0].subject, "You already have a Tallystick account");
    // The password of the account did not change.
    identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();

    let known = identity::forgotten_password(&backend, "ada@example.com", "").await;
    let unknown = identity::forgotten_password(&backend, "carol@example.com", "").await;
    assert!(known.is_ok() && unknown.is_ok());
    assert!(mails_to(&backend, "carol@example.com").await.is_empty());

    let known = problem(identity::sign_in(&backend, "ada@example.com", &secret("wrong password"), "").await);
    let unknown = problem(identity::sign_in(&backend, "carol@example.com", &secret("wrong password"), "").await);
    let unverified = problem(identity::sign_in(&backend, "bob@example.com", &secret("wrong password"), "").await);
    assert!(known == unknown && known == unverified && known.status() == 400, "{known}");
}

#[tokio::test]
async fn only_the_browser_that_signed_up_needs_no_password_for_its_link() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let browser = || identity::sign_up_token(&backend);
    let (strangers, adas) = (browser(), browser());
    let from = |sign_up| identity::Origin { sign_up, ..identity::Origin::default() };
    let mut links = Vec::new();
    for token in [&strangers, &adas] {
        identity::sign_up(&backend, "ada@example.com", &secret(PASSWORD), from(token)).await.unwrap();
        links.push(link(&backend, &clock, "ada@example.com", "/verify-email?token=").await);
    }
    let own = async |link: &str, token: &str| identity::is_link_of_browser(&backend, link, token).await.unwrap();
    assert!(own(&links[0], &strangers).await && own(&links[1], &adas).await);
    // Ada opens the link of the stranger's sign-up, or has no cookie.
    for (link, token) in [(&links[0], adas.as_str()), (&links[1], strangers.as_str()), (&links[1], "")] {
        assert!(!own(link, token).await);
        let refused = problem(identity::verify_email(&backend, link, &secret(""), from(token)).await);
        assert_eq!(refused.fields()[0].pointer, "password");
    }
    let proven = identity::verify_email(&backend, &links[1], &secret(""), from(&adas)).await.unwrap();
    assert!(proven.user.email_verified);
    assert_eq!(problem(identity::verify_email(&backend, &links[1], &secret(""), from(&adas)).await).status(), 409);
    // A link without a browser, of a sign-up from before, is nobody's.
    identity::sign_up(&backend, "bob@example.com", &secret(PASSWORD), "").await.unwrap();
    let bobs = link(&backend, &clock, "bob@example.com", "/verify-email?token=").await;
    assert!(!own(&bobs, "").await);
}

#[tokio::test]
async fn a_link_brings_the_password_that_was_given_with_it() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    // A stranger signs up with Ada's address, then Ada herself; she opens the link of her own mail.
    identity::sign_up(&backend, "ada@example.com", &secret("the stranger knows this"), "").await.unwrap();
    clock.advance(Duration::seconds(1));
    identity::sign_up(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();
    let token = link(&backend, &clock, "ada@example.com", "/verify-email?token=").await;
    // A third sign-up before she does it.
    identity::sign_up(&backend, "ada@example.com", &secret("the stranger tries again"), "").await.unwrap();
    let strangers = link(&backend, &clock, "ada@example.com", "/verify-email?token=").await;
    // Of whichever mail she opens the link: what she did not enter does not come into force.
    let wrong = problem(identity::verify_email(&backend, &strangers, &secret(PASSWORD), "").await);
    assert_eq!(wrong.fields()[0].pointer, "password");
    let wrong = problem(identity::verify_email(&backend, &token, &secret("the stranger tries again"), "").await);
    assert_eq!(wrong.fields()[0].pointer, "password");
    identity::verify_email(&backend, &token, &secret(PASSWORD), "").await.unwrap();
    identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();
    for stranger in ["the stranger knows this", "the stranger tries again"] {
        assert_eq!(problem(identity::sign_in(&backend, "ada@example.com", &secret(stranger), "").await).status(), 400);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_up_is_said_at_once() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let wrong = problem(identity::sign_up(&backend, "ada", &secret("password"), "").await);
    let said: Vec<_> = wrong.fields().iter().map(|f| (f.pointer.as_str(), f.code.as_str())).collect();
    assert_eq!(said, [("email", "invalid"), ("password", "common")]);
}

#[tokio::test]
async fn a_forgotten_password_is_reset_once_and_ends_sign_ins() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let ada = user(&backend, &clock, "ada@example.com").await;
    sign_in_row(&backend, &ada).await;
    sign_in_row(&backend, &ada).await;
    assert_eq!(identity::list_sign_ins(&backend, ada.user_id, None).await.unwrap().len(), 2);

    identity::forgotten_password(&backend, "ada@example.com", "").await.unwrap();
    let first = link(&backend, &clock, "ada@example.com", "/reset-password?token=").await;
    identity::forgotten_password(&backend, "ada@example.com", "").await.unwrap();
    let token = link(&backend, &clock, "ada@example.com", "/reset-password?token=").await;
    let new = secret("a completely new one");
    assert_eq!(problem(identity::reset_password(&backend, &token, &secret("short"), "").await).status(), 400);
    clock.advance(Duration::seconds(1));
    // The first link works although somebody asked for a second one.
    assert_eq!(identity::reset_password(&backend, &first, &new, "").await.unwrap(), ada.user_id);
    for used in [&first, &token] {
        assert_eq!(problem(identity::reset_password(&backend, used, &new, "").await).status(), 409, "used up together");
    }
    assert!(identity::list_sign_ins(&backend, ada.user_id, None).await.unwrap().is_empty());
    assert_eq!(problem(identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await).status(), 400);
    identity::sign_in(&backend, "ada@example.com", &new, "").await.unwrap();
    assert_eq!(mails_to(&backend, "ada@example.com").await[0].subject, "Your Tallystick password was changed");

    clock.advance(Duration::hours(1));
    identity::forgotten_password(&backend, "ada@example.com", "").await.unwrap();
    let token = link(&backend, &clock, "ada@example.com", "/reset-password?token=").await;
    clock.advance(Duration::hours(1));
    assert_eq!(problem(identity::reset_password(&backend, &token, &new, "").await).status(), 409, "expired");
    // A link for one thing is none for another.
    assert_eq!(problem(identity::verify_email(&backend, &token, &secret(PASSWORD), "").await).status(), 409);
}

/// A session as tower-sessions would store it.
async fn sign_in_row(backend: &Backend, user: &User) -> tower_sessions_core::session::Id {
    let hash: String = sqlx::query_scalar("select password_hash from users where user_id = $1")
        .bind(user.user_id.0)
        .fetch_one(&backend.pool)
        .await
        .unwrap();
    begin(backend, user, &hash).await.unwrap()
}

/// Begins a session with a password that was checked.
async fn begin(
    backend: &Backend,
    user: &User,
    password_hash: &str,
) -> Result<tower_sessions_core::session::Id, tower_sessions_core::session::Error> {
    use std::sync::Arc;
    let session = tower_sessions_core::Session::new(None, Arc::new(identity::SignInStore::new(backend.clone())), None);
    session.insert(identity::USER, user).await.unwrap();
    session.insert(identity::PASSWORD_HASH, password_hash).await.unwrap();
    let device = identity::Device { user_agent: "Browser 1".to_owned(), address: "203.0.113.7".to_owned() };
    session.insert(identity::DEVICE, device).await.unwrap();
    session.save().await.map(|()| session.id().unwrap())
}

#[tokio::test]
async fn no_sign_in_outlives_the_password_that_it_was_made_with() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let ada = user(&backend, &clock, "ada@example.com").await;
    let checked = identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();
    let reset = async |new: &str| {
        clock.advance(Duration::seconds(1));
        identity::forgotten_password(&backend, "ada@example.com", "").await.unwrap();
        let token = link(&backend, &clock, "ada@example.com", "/reset-password?token=").await;
        identity::reset_password(&backend, &token, &secret(new), "").await.unwrap();
    };
    // The password is reset between its check and the beginning of the session.
    reset("a completely new one").await;
    let refused = begin(&backend, &ada, checked.password_hash()).await.unwrap_err();
    assert!(refused.to_string().contains(identity::PASSWORD_REPLACED), "{refused}");

    // It is being replaced just then: whoever signs in waits, and is refused.
    let checked = identity::sign_in(&backend, "ada@example.com", &secret("a completely new one"), "").await.unwrap();
    let mut replacing = backend.pool.begin().await.unwrap();
    sqlx::query("update users set password_hash = 'another' where user_id = $1")
        .bind(ada.user_id.0)
        .execute(&mut *replacing)
        .await
        .unwrap();
    let late = {
        let (backend, ada) = (backend.clone(), ada.clone());
        tokio::spawn(async move { begin(&backend, &ada, checked.password_hash()).await.map(drop) })
    };
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&backend.pool).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    replacing.commit().await.unwrap();
    assert!(late.await.unwrap().is_err());
    assert!(identity::list_sign_ins(&backend, ada.user_id, None).await.unwrap().is_empty());

    let stored: String = {
        reset("yet another good one").await;
        sign_in_row(&backend, &ada).await;
        sqlx::query_scalar("select sign_ins::text from sign_ins").fetch_one(&backend.pool).await.unwrap()
    };
    assert!(!stored.contains("argon2"), "no hash is kept with a session: {stored}");
}

async fn loads(backend: &Backend, id: &tower_sessions_core::session::Id) -> bool {
    use tower_sessions_core::SessionStore;
    identity::SignInStore::new(backend.clone()).load(id).await.unwrap().is_some()
}

#[tokio::test]
async fn sign_ins_end_when_idle_when_old_and_when_revoked() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let ada = user(&backend, &clock, "ada@example.com").await;
    let bob = user(&backend, &clock, "bob@example.com").await;

    let idle = sign_in_row(&backend, &ada).await;
    let used = sign_in_row(&backend, &ada).await;
    for _ in 0..6 {
        clock.advance(Duration::days(13));
        assert!(loads(&backend, &used).await);
    }
    assert!(!loads(&backend, &idle).await, "not used for more than 14 days");
    clock.advance(Duration::days(12));
    assert!(!loads(&backend, &used).await, "90 days old, however often it was used");
    assert!(identity::list_sign_ins(&backend, ada.user_id, None).await.unwrap().is_empty());
    identity::sweep(&backend).await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from sign_ins").fetch_one(&backend.pool).await.unwrap();
    assert_eq!(left, 0);

    let first = sign_in_row(&backend, &ada).await;
    let second = sign_in_row(&backend, &ada).await;
    let listed = identity::list_sign_ins(&backend, ada.user_id, None).await.unwrap();
    assert_eq!(
        (listed.len(), listed[0].user_agent.as_str(), listed[0].address.as_str()),
        (2, "Browser 1", "203.0.113.7")
    );
    let one = listed[0].sign_in_id;
    assert_eq!(problem(identity::revoke_sign_in(&backend, bob.user_id, one).await), Problem::NotFound);
    identity::revoke_sign_in(&backend, ada.user_id, one).await.unwrap();
    assert_ne!(loads(&backend, &first).await, loads(&backend, &second).await, "one of them ended");
    assert_eq!(identity::revoke_other_sign_ins(&backend, ada.user_id, None).await.unwrap(), 1);
    assert!(!loads(&backend, &first).await && !loads(&backend, &second).await);
}

#[tokio::test]
async fn the_last_use_of_a_sign_in_is_noted_once_a_minute_and_its_cookie_is_hashed() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let ada = user(&backend, &clock, "ada@example.com").await;
    let id = sign_in_row(&backend, &ada).await;
    let seen = async || identity::list_sign_ins(&backend, ada.user_id, None).await.unwrap()[0].last_seen_at;
    let first = seen().await;
    clock.advance(Duration::seconds(59));
    assert!(loads(&backend, &id).await);
    assert_eq!(seen().await, first);
    clock.advance(Duration::seconds(1));
    assert!(loads(&backend, &id).await);
    assert_eq!(seen().await, first + Duration::minutes(1));
    let row: String = sqlx::query_scalar("select sign_ins::text from sign_ins").fetch_one(&backend.pool).await.unwrap();
    assert!(!row.contains(&id.to_string()), "{row}");
}

#[tokio::test]
async fn a_changed_password_ends_other_sign_ins() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let ada = user(&backend, &clock, "ada@example.com").await;
    let here = sign_in_row(&backend, &ada).await;
    let keep = identity::list_sign_ins(&backend, ada.user_id, None).await.unwrap()[0].sign_in_id;
    let there = sign_in_row(&backend, &ada).await;
    let new = "a completely new one";
    let change = async |current: &str, new: &str| {
        identity::change_password(&backend, &ada, Some(keep), &secret(current), &secret(new), "").await
    };
    assert_eq!(problem(change("wrong password", new).await).fields()[0].pointer, "current_password");
    assert_eq!(problem(change(PASSWORD, "12345678").await).fields()[0].pointer, "new_password");
    change(PASSWORD, new).await.unwrap();
    assert!(loads(&backend, &here).await && !loads(&backend, &there).await);
    identity::sign_in(&backend, "ada@example.com", &secret(new), "").await.unwrap();
}

/// Somebody at Ada's address tries to sign in, on a device or on none.
async fn at_home(backend: &Backend, email: &str, password: &str, device: &str) -> Option<u16> {
    let from = identity::Origin { address: "203.0.113.7", device, ..identity::Origin::default() };
    let tried = identity::sign_in(backend, email, &secret(password), from).await;
    tried.err().map(|error| error.into_problem().status())
}

#[tokio::test]
async fn a_stranger_cannot_lock_an_account() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let ada = user(&backend, &clock, "ada@example.com").await;
    user(&backend, &clock, "bob@example.com").await;
    let mut device = identity::know_device(&backend, ada.user_id, "").await.unwrap();
    // A stranger guesses at her account and, from behind the same address, at many.
    for _ in 0..12 {
        identity::sign_in(&backend, "ada@example.com", &secret("wrong password"), "").await.unwrap_err();
    }
    for n in 0..61 {
        at_home(&backend, &format!("user{n}@example.com"), "wrong password", "").await.unwrap();
    }
    assert_eq!(at_home(&backend, "ada@example.com", PASSWORD, "").await, Some(429));
    assert_eq!(at_home(&backend, "ada@example.com", PASSWORD, "made up").await, Some(429));
    assert_eq!(at_home(&backend, "bob@example.com", PASSWORD, &device).await, Some(429), "it is hers and not Bob's");
    for _ in 0..3 {
        for _ in 0..9 {
            assert_eq!(at_home(&backend, "ada@example.com", "wrong password", &device).await, Some(400));
        }
        assert_eq!(at_home(&backend, "ada@example.com", PASSWORD, &device).await, None);
        let next = identity::know_device(&backend, ada.user_id, &device).await.unwrap();
        assert_eq!(at_home(&backend, "ada@example.com", PASSWORD, &device).await, Some(429), "the token before");
        device = next;
    }
    // Whoever stole the cookie guesses ten times.
    for _ in 0..10 {
        assert_eq!(at_home(&backend, "ada@example.com", "wrong password", &device).await, Some(400));
    }
    assert_eq!(at_home(&backend, "ada@example.com", PASSWORD, &device).await, Some(429));

    // A signed-in person changes the password whatever strangers do at the door.
    let (old, new) = (secret(PASSWORD), secret("a completely new one"));
    identity::change_password(&backend, &ada, None, &old, &new, "").await.unwrap();
    let devices: i64 = sqlx::query_scalar("select count(*) from devices").fetch_one(&backend.pool).await.unwrap();
    assert_eq!(devices, 0, "a new password begins anew");
}

#[tokio::test]
async fn a_stranger_cannot_use_up_recovery() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    user(&backend, &clock, "ada@example.com").await;
    // Sign-ups and questions for links in her name, as many as a stranger likes.
    for _ in 0..5 {
        let _ = identity::sign_up(&backend, "ada@example.com", &secret("another password"), "").await;
        identity::forgotten_password(&backend, "ada@example.com", "").await.unwrap();
    }
    let links = async || {
        let mails = mails_to(&backend, "ada@example.com").await;
        mails.into_iter().filter(|mail| mail.text.contains("/reset-password?token=")).count()
    };
    assert_eq!(links().await, 3, "no flood");
    // Now herself: the answer is the same, and the link that she has works, also after more questions.
    identity::forgotten_password(&backend, "ada@example.com", "").await.unwrap();
    let mails = mails_to(&backend, "ada@example.com").await;
    let mail = mails.into_iter().find(|mail| mail.text.contains("/reset-password?token=")).unwrap();
    let token = mail.text.split("/reset-password?token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    clock.advance(Duration::minutes(11));
    identity::forgotten_password(&backend, "ada@example.com", "").await.unwrap();
    assert_eq!(links().await, 4);
    identity::reset_password(&backend, &token, &secret("a completely new one"), "").await.unwrap();
    identity::sign_in(&backend, "ada@example.com", &secret("a completely new one"), "").await.unwrap();
}

#[tokio::test]
async fn guessing_is_slowed_per_account_and_per_address() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    user(&backend, &clock, "ada@example.com").await;
    let mut limited = None;
    for attempt in 0..20 {
        let wrong = problem(identity::sign_in(&backend, "ada@example.com", &secret("wrong password"), "").await);
        if let Problem::RateLimited { retry_after_secs } = wrong {
            limited = Some((attempt, retry_after_secs));
            break;
        }
    }
    let (attempt, wait) = limited.unwrap();
    assert!(attempt == 10 && (1..=31).contains(&wait), "{limited:?}");
    // The right password is refused as well, and works again later.
    assert_eq!(problem(identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await).status(), 429);
    clock.advance(Duration::seconds(i64::from(wait)));
    identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();

    // All at once, because each answer takes its time by intent.
    let many = (0..30).map(|n| {
        let backend = backend.clone();
        tokio::spawn(async move {
            identity::forgotten_password(&backend, &format!("user{n}@example.com"), "203.0.113.7").await.unwrap();
        })
    });
    for one in many.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    let other = identity::forgotten_password(&backend, "one.more@example.com", "203.0.113.7").await;
    assert_eq!(problem(other).status(), 429);
}
