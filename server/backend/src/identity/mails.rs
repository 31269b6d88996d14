//! The mails about accounts and invitations.

use crate::delivery::{self, Button, Letter, NewMail, without_links};
use crate::{Backend, Error};
use domain::identity::{Email, Role};
use domain::ids::OrgId;
use sqlx::PgConnection;

const NOT_YOU: &str = "If this was not you, ignore this mail: nothing changes without the link.";

pub(super) async fn verify_email(
    backend: &Backend,
    connection: &mut PgConnection,
    to: &Email,
    token: &str,
) -> Result<(), Error> {
    let letter = Letter {
        title: "Verify your e-mail address".to_owned(),
        paragraphs: vec![format!("Somebody, hopefully you, signed up for Tallystick with {to}."), in_hours(24)],
        button: Some(link(backend, "Verify this address", &format!("/verify-email?token={token}"))),
        why: vec![NOT_YOU.to_owned()],
        ..Letter::default()
    };
    send(backend, connection, None, "verify_email", to, "Verify your e-mail address for Tallystick", &letter).await
}

pub(super) async fn account_exists(backend: &Backend, connection: &mut PgConnection, to: &Email) -> Result<(), Error> {
    let letter = Letter {
        title: "You already have an account".to_owned(),
        paragraphs: vec![
            format!(
                "Somebody, hopefully you, tried to sign up for Tallystick with {to}, which has an account already."
            ),
            format!("If you forgot the password, set a new one at {}/forgotten-password.", backend.public_url),
        ],
        button: Some(link(backend, "Sign in", "/sign-in")),
        why: vec!["If this was not you, ignore this mail: nothing has changed.".to_owned()],
        ..Letter::default()
    };
    send(backend, connection, None, "account_exists", to, "You already have a Tallystick account", &letter).await
}

pub(super) async fn reset_password(
    backend: &Backend,
    connection: &mut PgConnection,
    to: &Email,
    token: &str,
) -> Result<(), Error> {
    let letter = Letter {
        title: "Set a new password".to_owned(),
        paragraphs: vec![
            format!("Somebody, hopefully you, asked for a new password for {to}."),
            "The link works once, within one hour. Setting a new password signs you out everywhere.".to_owned(),
        ],
        button: Some(link(backend, "Set a new password", &format!("/reset-password?token={token}"))),
        why: vec![NOT_YOU.to_owned()],
        ..Letter::default()
    };
    send(backend, connection, None, "reset_password", to, "Set a new Tallystick password", &letter).await
}

pub(super) async fn password_changed(
    backend: &Backend,
    connection: &mut PgConnection,
    to: &Email,
) -> Result<(), Error> {
    let letter = Letter {
        title: "Your password was changed".to_owned(),
        paragraphs: vec![format!("The Tallystick password of {to} was changed, and other sign-ins were ended.")],
        button: Some(link(backend, "This was not me: set a new password", "/forgotten-password")),
        why: vec!["Mails about the security of your account cannot be turned off.".to_owned()],
        ..Letter::default()
    };
    send(backend, connection, None, "password_changed", to, "Your Tallystick password was changed", &letter).await
}

/// What an invitation mail says.
pub(super) struct Invited<'a> {
    pub(super) org_id: OrgId,
    pub(super) organization: &'a str,
    pub(super) slug: &'a str,
    pub(super) by: &'a str,
    pub(super) role: Role,
    pub(super) token: &'a str,
    /// Days for which the link works.
    pub(super) days: i64,
}

pub(super) async fn invitation(
    backend: &Backend,
    connection: &mut PgConnection,
    to: &Email,
    invited: Invited<'_>,
) -> Result<(), Error> {
    let Invited { org_id, organization, slug, by, role, token, days } = invited;
    let organization = without_links(organization);
    let letter = Letter {
        title: format!("Join {organization} on Tallystick"),
        paragraphs: vec![
            format!("{by} invites you to {organization} as {role}."),
            format!(
                "Tallystick shows what teams spend on large language models, down to the event. The link works for {days} days."
            ),
        ],
        button: Some(link(backend, "Accept the invitation", &format!("/invitations/{slug}/{token}"))),
        why: vec![format!("This mail came because {by} entered {to}. If you do not know them, ignore it.")],
        ..Letter::default()
    };
    let subject = format!("{by} invites you to {organization} on Tallystick");
    send(backend, connection, Some(org_id), "invitation", to, &subject, &letter).await
}

/// What the mail about a deletion says.
#[derive(Clone, Copy)]
pub(super) struct Deletion<'a> {
    pub(super) org_id: OrgId,
    pub(super) organization: &'a str,
    pub(super) slug: &'a str,
    pub(super) by: &'a str,
    /// When everything goes, in the organization's zone.
    pub(super) when: &'a str,
    /// Days until then.
    pub(super) days: i64,
}

pub(super) async fn deletion(
    backend: &Backend,
    connection: &mut PgConnection,
    to: &Email,
    deletion: Deletion<'_>,
) -> Result<(), Error> {
    let Deletion { org_id, organization, slug, by, when, days } = deletion;
    let organization = without_links(organization);
    let letter = Letter {
        title: format!("{organization} will be deleted in {days} days"),
        paragraphs: vec![
            format!("{by} asked to delete {organization} on Tallystick."),
            format!("On {when} everything in it goes: events, spend, API keys, budgets, alerts, members and the audit log. That cannot be undone."),
            "Until then every owner can undo it in its settings. Meanwhile its API keys record no events and its other mails wait.".to_owned(),
        ],
        button: Some(link(backend, "Open the settings", &format!("/o/{slug}/settings"))),
        why: vec!["This mail goes to every owner of the organization.".to_owned()],
        ..Letter::default()
    };
    let subject = format!("{organization} will be deleted in {days} days");
    send(backend, connection, Some(org_id), delivery::DELETION, to, &subject, &letter).await
}

fn in_hours(hours: u32) -> String {
    format!("The link works once, within {hours} hours.")
}

fn link(backend: &Backend, label: &str, path: &str) -> Button {
    Button { label: label.to_owned(), url: format!("{}{path}", backend.public_url) }
}

async fn send(
    backend: &Backend,
    connection: &mut PgConnection,
    org_id: Option<OrgId>,
    kind: &'static str,
    to: &Email,
    subject: &str,
    letter: &Letter,
) -> Result<(), Error> {
    let parts = letter.render()?;
    let mail = NewMail {
        org_id,
        kind,
        recipient: to.clone(),
        subject: subject.to_owned(),
        text: parts.text,
        html: parts.html,
        alert_id: None,
    };
    delivery::enqueue(backend, connection, mail).await?;
    Ok(())
}
