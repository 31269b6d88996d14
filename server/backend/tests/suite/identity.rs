//! Accounts, members, invitations, organizations: who may enter, and what stays behind.

use backend::delivery;
use backend::identity::{self, Change};
use backend::{Actor, Backend, Error, OrgScope, TestClock, audit, keys};
use chrono::Duration;
use domain::delivery::ShownMail;
use domain::identity::{Email, Role, User};
use domain::ids::{InvitationId, UserId};
use domain::problem::Problem;
use secrecy::SecretString;
use sqlx::AssertSqlSafe;
use testkit::{TestDatabase, seed};

const NOW: &str = "2026-11-20T12:00:00Z";
const PASSWORD: &str = "four quite unrelated words";

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    result.unwrap_err().into_problem()
}

async fn mails_to(backend: &Backend, to: &str) -> Vec<ShownMail> {
    let all = delivery::shown(backend).await.unwrap();
    all.into_iter().filter(|mail| mail.recipient == to).collect()
}

/// The secret of the link that begins with `path`, from the newest mail to this address.
async fn link(backend: &Backend, clock: &TestClock, to: &str, path: &str) -> String {
    let mail = mails_to(backend, to).await.into_iter().next().unwrap_or_else(|| panic!("no mail to {to}"));
    // What is sent after this is newer.
    clock.advance(Duration::seconds(1));
    let rest = mail.text.split(path).nth(1).unwrap_or_else(|| panic!("no {path} in {}", mail.text));
    assert!(mail.html.contains(path), "both parts carry the link");
    rest.split_whitespace().next().unwrap().to_owned()
}

/// A verified user.
async fn user(backend: &Backend, clock: &TestClock, email: &str) -> User {
    identity::sign_up(backend, email, &secret(PASSWORD), "").await.unwrap();
    let token = link(backend, clock, email, "/verify-email?token=").await;
    identity::verify_email(backend, &token).await.unwrap();
    identity::sign_in(backend, email, &secret(PASSWORD), "").await.unwrap()
}

/// A new member with a role, through a real invitation.
async fn member(backend: &Backend, clock: &TestClock, acme: &seed::Organization, email: &str, role: Role) -> OrgScope {
    let slug = identity::organization(backend, &acme.owner).await.unwrap().slug;
    identity::invite(backend, &acme.owner, email, role).await.unwrap();
    let token = link(backend, clock, email, &format!("/invitations/{slug}/")).await;
    let (user, joined) = identity::accept_as_new(backend, &slug, &token, &secret(PASSWORD), "").await.unwrap();
    assert_eq!(joined, slug);
    identity::scope_for_user(backend, user.user_id, &slug).await.unwrap()
}

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

    identity::verify_email(&backend, &token).await.unwrap();
    assert_eq!(problem(identity::verify_email(&backend, &token).await).status(), 409);
    let user = identity::sign_in(&backend, "ADA@example.com", &secret(PASSWORD), "").await.unwrap();
    assert!(user.email_verified);
    // The link that came second ended with the first.
    let second = link(&backend, &clock, "ada@example.com", "/verify-email?token=").await;
    assert_ne!(second, token);
    assert_eq!(problem(identity::verify_email(&backend, &second).await).status(), 409);

    identity::sign_up(&backend, "bob@example.com", &secret(PASSWORD), "").await.unwrap();
    let token = link(&backend, &clock, "bob@example.com", "/verify-email?token=").await;
    clock.advance(Duration::hours(24));
    assert_eq!(problem(identity::verify_email(&backend, &token).await).status(), 409);
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
    identity::verify_email(&backend, &token).await.unwrap();
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
    assert_eq!(problem(identity::reset_password(&backend, &first, &new, "").await).status(), 409, "replaced");
    assert_eq!(problem(identity::reset_password(&backend, &token, &secret("short"), "").await).status(), 400);
    clock.advance(Duration::seconds(1));
    identity::reset_password(&backend, &token, &new, "").await.unwrap();
    assert_eq!(problem(identity::reset_password(&backend, &token, &new, "").await).status(), 409, "used");
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
    assert_eq!(problem(identity::verify_email(&backend, &token).await).status(), 409);
}

/// A session as tower-sessions would store it.
async fn sign_in_row(backend: &Backend, user: &User) -> tower_sessions_core::session::Id {
    use std::sync::Arc;
    let session = tower_sessions_core::Session::new(None, Arc::new(identity::SignInStore::new(backend.clone())), None);
    session.insert(identity::USER, user).await.unwrap();
    let device = identity::Device { user_agent: "Browser 1".to_owned(), address: "203.0.113.7".to_owned() };
    session.insert(identity::DEVICE, device).await.unwrap();
    session.save().await.unwrap();
    session.id().unwrap()
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
    // One of the ten was used to sign in for the first time.
    let (attempt, wait) = limited.unwrap();
    assert!(attempt == 9 && (1..=31).contains(&wait), "{limited:?}");
    // The right password is refused as well, and works again later.
    assert_eq!(problem(identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await).status(), 429);
    clock.advance(Duration::seconds(i64::from(wait)));
    identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();

    for _ in 0..3 {
        identity::forgotten_password(&backend, "nobody@example.com", "").await.unwrap();
    }
    assert_eq!(problem(identity::forgotten_password(&backend, "nobody@example.com", "").await).status(), 429);
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

#[tokio::test]
async fn an_invitation_is_for_one_address_once() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let slug = identity::organization(&backend, &acme.owner).await.unwrap().slug;
    let path = format!("/invitations/{slug}/");
    let ada = user(&backend, &clock, "ada@example.com").await;
    let bob = user(&backend, &clock, "bob@example.com").await;

    identity::invite(&backend, &acme.owner, "ada@example.com", Role::Finance).await.unwrap();
    let first = link(&backend, &clock, "ada@example.com", &path).await;
    let offer = identity::offer(&backend, &slug, &first).await.unwrap();
    assert_eq!((offer.organization.as_str(), offer.role, offer.has_account), ("Acme", Role::Finance, true));
    assert_eq!(problem(identity::accept(&backend, &bob, &slug, &first).await).status(), 403);
    assert_eq!(problem(identity::accept(&backend, &ada, "other", &first).await), Problem::NotFound);
    let new = identity::accept_as_new(&backend, &slug, &first, &secret(PASSWORD), "").await;
    assert_eq!(problem(new).status(), 409, "an account of that address exists");

    // Inviting again replaces the link.
    identity::invite(&backend, &acme.owner, "ADA@example.com", Role::Viewer).await.unwrap();
    let second = link(&backend, &clock, "ada@example.com", &path).await;
    assert_eq!(problem(identity::accept(&backend, &ada, &slug, &first).await), Problem::NotFound);
    assert_eq!(identity::list_invitations(&backend, &acme.owner).await.unwrap().len(), 1);
    identity::accept(&backend, &ada, &slug, &second).await.unwrap();
    assert_eq!(problem(identity::accept(&backend, &ada, &slug, &second).await), Problem::NotFound);
    let scope = identity::scope_for_user(&backend, ada.user_id, &slug).await.unwrap();
    assert_eq!(*scope.actor(), Actor::User { user_id: ada.user_id, role: Role::Viewer });
    let again = problem(identity::invite(&backend, &acme.owner, "ada@example.com", Role::Viewer).await);
    assert_eq!(again.fields()[0].code, "member");

    // Revoked, expired, and invited anew after that.
    let open = identity::invite(&backend, &acme.owner, "bob@example.com", Role::Member).await.unwrap();
    let token = link(&backend, &clock, "bob@example.com", &path).await;
    identity::revoke_invitation(&backend, &acme.owner, open.invitation_id).await.unwrap();
    assert_eq!(problem(identity::offer(&backend, &slug, &token).await), Problem::NotFound);
    let twice = identity::revoke_invitation(&backend, &acme.owner, open.invitation_id).await;
    assert_eq!(problem(twice), Problem::NotFound);
    identity::invite(&backend, &acme.owner, "bob@example.com", Role::Member).await.unwrap();
    let token = link(&backend, &clock, "bob@example.com", &path).await;
    clock.advance(Duration::days(7));
    assert_eq!(problem(identity::accept(&backend, &bob, &slug, &token).await), Problem::NotFound);
    assert!(identity::list_invitations(&backend, &acme.owner).await.unwrap().is_empty());
    identity::invite(&backend, &acme.owner, "bob@example.com", Role::Member).await.unwrap();
    let token = link(&backend, &clock, "bob@example.com", &path).await;
    identity::accept(&backend, &bob, &slug, &token).await.unwrap();

    // Other organizations' invitations cannot be revoked.
    let globex = seed::organization(&backend, "UTC").await;
    let open = identity::invite(&backend, &acme.owner, "carol@example.com", Role::Member).await.unwrap();
    let foreign = identity::revoke_invitation(&backend, &globex.owner, open.invitation_id).await;
    assert_eq!(problem(foreign), Problem::NotFound);
}

#[tokio::test]
async fn an_unverified_sign_up_does_not_survive_an_invitation() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    identity::sign_up(&backend, "ada@example.com", &secret("the stranger knows this"), "").await.unwrap();
    let stale = link(&backend, &clock, "ada@example.com", "/verify-email?token=").await;
    member(&backend, &clock, &acme, "ada@example.com", Role::Member).await;
    let stranger = identity::sign_in(&backend, "ada@example.com", &secret("the stranger knows this"), "").await;
    assert_eq!(problem(stranger).status(), 400);
    assert_eq!(problem(identity::verify_email(&backend, &stale).await).status(), 409);
    identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();
}

#[tokio::test]
async fn every_verb_asks_the_table_of_roles() {
    use domain::identity::{KeyScope, Permission};
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let mut callers = vec![(Some(Role::Owner), acme.owner.clone()), (None, acme.api.clone())];
    for role in [Role::Admin, Role::Finance, Role::Member, Role::Viewer] {
        callers.push((Some(role), member(&backend, &clock, &acme, &format!("{role}@example.com"), role).await));
    }
    let nobody = UserId(backend.clock.new_id());
    let project = acme.project.project_id;
    for (role, scope) in &callers {
        let name = role.map_or("api key".to_owned(), |role| role.to_string());
        let forbidden = |result: Result<(), Error>| match result {
            Err(error) => error.into_problem().status() == 403,
            Ok(()) => false,
        };
        // Every verb with what it needs; arguments that do not exist, so that nothing changes for the next caller.
        let key = keys::NewKey {
            name: "k".to_owned(),
            scopes: KeyScope::ALL.into(),
            project: domain::project::KeyProject::Bound(project),
            expires_at: Some(backend.clock.now()),
        };
        let change = Change { name: String::new(), time_zone: "UTC".to_owned(), fiscal_year_start_month: 1 };
        let team = backend::projects::NewTeam::default;
        let new_project = || backend::projects::NewProject {
            name: String::new(),
            slug: String::new(),
            cost_centre: String::new(),
            team_id: acme.project.team_id,
        };
        let b = &backend;
        let outcomes = [
            (Permission::ManageKeys, forbidden(keys::create(b, scope, key).await.map(drop))),
            (Permission::ManageKeys, forbidden(keys::revoke(b, scope, nobody.0.into()).await.map(drop))),
            (Permission::ManageProjects, forbidden(backend::projects::create_team(b, scope, team()).await.map(drop))),
            (
                Permission::ManageProjects,
                forbidden(backend::projects::create_project(b, scope, new_project()).await.map(drop)),
            ),
            (
                Permission::ManageProjects,
                forbidden(
                    backend::projects::update_team(b, scope, nobody.0.into(), Default::default()).await.map(drop),
                ),
            ),
            (
                Permission::ManageProjects,
                forbidden(
                    backend::projects::update_project(b, scope, nobody.0.into(), Default::default()).await.map(drop),
                ),
            ),
            (
                Permission::ManageProjects,
                forbidden(backend::projects::archive_team(b, scope, nobody.0.into(), true).await.map(drop)),
            ),
            (
                Permission::ManageProjects,
                forbidden(backend::projects::archive_project(b, scope, nobody.0.into(), true).await.map(drop)),
            ),
            (
                Permission::ManageProjects,
                forbidden(backend::projects::move_project(b, scope, nobody.0.into(), acme.project.team_id, None).await),
            ),
            (
                Permission::ManageMembers,
                forbidden(identity::invite(b, scope, "not an address", Role::Viewer).await.map(drop)),
            ),
            (
                Permission::ManageOwners,
                forbidden(identity::invite(b, scope, "not an address", Role::Owner).await.map(drop)),
            ),
            (Permission::ManageMembers, forbidden(identity::list_invitations(b, scope).await.map(drop))),
            (Permission::ManageMembers, forbidden(identity::revoke_invitation(b, scope, InvitationId(nobody.0)).await)),
            (Permission::ManageMembers, forbidden(identity::change_role(b, scope, nobody, Role::Viewer).await)),
            (Permission::ManageMembers, forbidden(identity::remove_member(b, scope, nobody).await)),
            (Permission::ManageOwners, forbidden(identity::remove_member(b, scope, acme.user_id).await)),
            (Permission::ManageOwners, forbidden(identity::change_role(b, scope, acme.user_id, Role::Admin).await)),
            (
                Permission::ManageOrganization,
                forbidden(identity::update_organization(b, scope, change).await.map(drop)),
            ),
            (Permission::DeleteOrganization, forbidden(identity::delete_organization(b, scope, "").await)),
            (Permission::ReadAudit, forbidden(audit::list(b, scope, 1).await.map(drop))),
            (Permission::Read, forbidden(keys::list(b, scope).await.map(drop))),
            (Permission::Read, forbidden(backend::projects::list_projects(b, scope).await.map(drop))),
            (Permission::Read, forbidden(backend::projects::list_teams(b, scope).await.map(drop))),
        ];
        for (at, (permission, was_forbidden)) in outcomes.into_iter().enumerate() {
            assert_eq!(was_forbidden, !scope.may(permission), "{name}: verb {at} needs {permission:?}");
        }
    }
}

#[tokio::test]
async fn an_owner_always_stays() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    for refused in [
        identity::leave(&backend, &acme.owner).await,
        identity::remove_member(&backend, &acme.owner, acme.user_id).await,
        identity::change_role(&backend, &acme.owner, acme.user_id, Role::Admin).await,
    ] {
        assert_eq!(problem(refused).status(), 409);
    }
    let second = member(&backend, &clock, &acme, "second@example.com", Role::Owner).await;
    // Both leave at once: one of them must stay.
    let (one, other) = tokio::join!(identity::leave(&backend, &acme.owner), identity::leave(&backend, &second));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let (left, stayed) = if one.is_ok() { (&acme.owner, &second) } else { (&second, &acme.owner) };
    let members = identity::list_members(&backend, stayed).await.unwrap();
    assert_eq!(members.len(), 1);
    let slug = identity::organization(&backend, stayed).await.unwrap().slug;
    let gone = identity::scope_for_user(&backend, left.user_id().unwrap(), &slug).await;
    assert_eq!(problem(gone), Problem::NotFound);
}

#[tokio::test]
async fn roles_change_as_far_as_the_callers_own_reach() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let admin = member(&backend, &clock, &acme, "admin@example.com", Role::Admin).await;
    let viewer = member(&backend, &clock, &acme, "viewer@example.com", Role::Viewer).await;
    let viewer_id = viewer.user_id().unwrap();
    assert_eq!(problem(identity::change_role(&backend, &admin, viewer_id, Role::Owner).await).status(), 403);
    identity::change_role(&backend, &admin, viewer_id, Role::Member).await.unwrap();
    identity::change_role(&backend, &acme.owner, viewer_id, Role::Owner).await.unwrap();
    assert_eq!(problem(identity::remove_member(&backend, &admin, viewer_id).await).status(), 403);
    identity::change_role(&backend, &acme.owner, viewer_id, Role::Viewer).await.unwrap();
    identity::remove_member(&backend, &admin, viewer_id).await.unwrap();
    let names: Vec<_> =
        identity::list_members(&backend, &acme.owner).await.unwrap().into_iter().map(|m| m.role).collect();
    assert_eq!(names, [Role::Admin, Role::Owner]);
    let actions: Vec<_> =
        audit::list(&backend, &acme.owner, 500).await.unwrap().into_iter().map(|row| row.action).collect();
    for action in ["member.invited", "member.joined", "member.changed", "member.removed", "organization.created"] {
        assert!(actions.iter().any(|found| found == action), "{action} is missing in {actions:?}");
    }
}

#[tokio::test]
async fn organizations_get_slugs_of_their_own() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let ada = user(&backend, &clock, "ada@example.com").await;
    let mut slugs = vec![];
    for name in ["Acme & Söhne", "Acme & Söhne", "§"] {
        slugs.push(identity::create_organization(&backend, ada.user_id, name, "Asia/Kolkata").await.unwrap().slug);
    }
    assert_eq!(slugs, ["acme-s-hne", "acme-s-hne-2", "organization"]);
    let wrong = problem(identity::create_organization(&backend, ada.user_id, "", "Mars/Olympus").await);
    let fields: Vec<_> = wrong.fields().iter().map(|field| field.pointer.as_str()).collect();
    assert_eq!(fields, ["name", "time_zone"]);
    let mine = identity::organizations_of(&backend, ada.user_id).await.unwrap();
    assert!(mine.len() == 3 && mine.iter().all(|(_, role)| *role == Role::Owner));
}

#[tokio::test]
async fn changes_of_the_organization_reach_its_keys() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let change = Change { name: "Acme 2".to_owned(), time_zone: "Asia/Kolkata".to_owned(), fiscal_year_start_month: 4 };
    let changed = identity::update_organization(&backend, &acme.owner, change).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.slug.as_str(), changed.fiscal_year_start_month), ("Acme 2", "acme", 4));
    let key = secrecy::ExposeSecret::expose_secret(&acme.key).to_owned();
    assert_eq!(keys::authenticate(&backend, &key).await.unwrap().scope.zone().name(), "Asia/Kolkata");
    let wrong = Change { name: " ".to_owned(), time_zone: "x".to_owned(), fiscal_year_start_month: 13 };
    assert_eq!(problem(identity::update_organization(&backend, &acme.owner, wrong).await).status(), 400);
}

#[tokio::test]
async fn a_deleted_organization_leaves_nothing_and_others_untouched() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let globex = seed::organization(&backend, "UTC").await;
    member(&backend, &clock, &acme, "ada@example.com", Role::Member).await;
    identity::invite(&backend, &acme.owner, "bob@example.com", Role::Member).await.unwrap();
    let untouched = rows_of(&backend, &globex.owner).await;
    assert!(untouched.iter().map(|(_, count)| count).sum::<i64>() > 0, "the count counts something");

    let wrong = problem(identity::delete_organization(&backend, &acme.owner, "acme").await);
    assert_eq!(wrong.fields()[0].pointer, "typed_name");
    identity::delete_organization(&backend, &acme.owner, " Acme ").await.unwrap();
    let left: Vec<_> = rows_of(&backend, &acme.owner).await.into_iter().filter(|(_, count)| *count > 0).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(rows_of(&backend, &globex.owner).await, untouched);
    let key = secrecy::ExposeSecret::expose_secret(&acme.key).to_owned();
    assert_eq!(problem(keys::authenticate(&backend, &key).await), Problem::Unauthenticated);
    assert_eq!(problem(identity::delete_organization(&backend, &acme.owner, "Acme").await), Problem::NotFound);
    // People stay: they may belong to other organizations.
    identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();
}

/// Rows of the organization in every table that has organizations, from the catalogue and not from memory.
async fn rows_of(backend: &Backend, scope: &OrgScope) -> Vec<(String, i64)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select columns.table_name::text from information_schema.columns
         join information_schema.tables using (table_schema, table_name)
         where table_schema = 'public' and column_name = 'org_id' and table_type = 'BASE TABLE'
         order by table_name",
    )
    .fetch_all(&backend.pool)
    .await
    .unwrap();
    assert!(tables.len() > 15, "{tables:?}");
    let mut counts = vec![];
    for table in tables {
        let query = AssertSqlSafe(format!("select count(*) from \"{table}\" where org_id = $1"));
        let count: i64 = sqlx::query_scalar(query).bind(scope.org_id().0).fetch_one(&backend.pool).await.unwrap();
        counts.push((table, count));
    }
    counts
}

#[tokio::test]
async fn bootstrapping_twice_adds_a_key_and_nothing_else() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let wanted = |project: &str| identity::Bootstrap {
        email: "ada@example.com".to_owned(),
        password: secret(PASSWORD),
        organization: "Acme".to_owned(),
        time_zone: "Asia/Kolkata".to_owned(),
        project: project.to_owned(),
    };
    let first = identity::bootstrap(&backend, wanted("support-bot")).await.unwrap();
    let again = identity::bootstrap(&backend, wanted("support-bot")).await.unwrap();
    let other = identity::bootstrap(&backend, wanted("search")).await.unwrap();
    assert!(first.org_id == again.org_id && first.org_id == other.org_id && first.user_id == other.user_id);
    assert_eq!(first.project, again.project);
    let owner = identity::scope_in(&backend, first.user_id, first.org_id).await.unwrap();
    assert_eq!(backend::projects::list_projects(&backend, &owner).await.unwrap().len(), 2);
    assert_eq!(backend::projects::list_teams(&backend, &owner).await.unwrap().len(), 1);
    assert_eq!(keys::list(&backend, &owner).await.unwrap().len(), 3);
    // The owner can sign in at once.
    identity::sign_in(&backend, "ada@example.com", &secret(PASSWORD), "").await.unwrap();
    let wrong = identity::Bootstrap { email: "x".to_owned(), ..wanted("main") };
    assert_eq!(problem(identity::bootstrap(&backend, wrong).await).fields()[0].pointer, "email");
}

#[tokio::test]
async fn a_user_sees_only_their_organizations() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let stranger = user(&backend, &clock, "stranger@example.com").await;
    let slug = identity::organization(&backend, &acme.owner).await.unwrap().slug;
    assert_eq!(problem(identity::scope_for_user(&backend, stranger.user_id, &slug).await), Problem::NotFound);
    assert_eq!(problem(identity::scope_for_user(&backend, stranger.user_id, "no-such").await), Problem::NotFound);
    assert!(identity::organizations_of(&backend, stranger.user_id).await.unwrap().is_empty());
    assert_eq!(Email::parse(acme.email.as_str()).unwrap(), acme.email);
}
