//! Accounts, members, invitations, organizations: who may enter, and what stays behind.

mod accounts;
mod deletion;
mod members;
mod organizations;
mod zone_changes;

use backend::{Backend, Error, OrgScope, TestClock, delivery, identity};
use chrono::Duration;
use domain::delivery::ShownMail;
use domain::identity::{Role, User};
use domain::problem::Problem;
use secrecy::SecretString;
use testkit::seed;

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
    identity::verify_email(backend, &token, &secret(PASSWORD), "").await.unwrap().user
}

/// A new member with a role, through a real invitation.
async fn member(backend: &Backend, clock: &TestClock, acme: &seed::Organization, email: &str, role: Role) -> OrgScope {
    let slug = identity::organization(backend, &acme.owner).await.unwrap().slug;
    identity::invite(backend, &acme.owner, email, role).await.unwrap();
    let token = link(backend, clock, email, &format!("/invitations/{slug}/")).await;
    let (joined_user, joined) = identity::accept_as_new(backend, &slug, &token, &secret(PASSWORD), "").await.unwrap();
    assert_eq!(joined, slug);
    identity::scope_for_user(backend, joined_user.user.user_id, &slug).await.unwrap()
}
