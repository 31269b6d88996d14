//! Doors of accounts, organizations and members.

use super::first_key;
use super::next::local_path;
use super::organizations::zone_name;
use crate::caller::{Caller, SignedIn, backend, device, device_token};
use crate::cookie::Cookie;
use crate::error::AppError;
use backend::{events, identity};
use domain::identity::{Email, Role, SeenTeams};
use domain::ids::{InvitationId, SignInId, TeamId, UserId};
use domain::problem::Problem;
use leptos::prelude::*;
use leptos_axum::redirect;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Known to the browser that signed up, while its link waits.
pub(super) const SIGN_UP: Cookie = Cookie("sign-up");

/// What a form says where somebody sees some teams alone.
pub(super) const SOME_TEAMS: &str = "teams";

fn seen(sees: &str, teams: Vec<TeamId>) -> SeenTeams {
    (sees == SOME_TEAMS).then(|| teams.into_iter().collect())
}

/// A mail is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// To whom.
    pub email: Email,
    /// Local mode without a mail server: it can be read at `/dev/mail`.
    pub shown_locally: bool,
}

/// Takes a sign-up; a mail says how it goes on.
#[server(prefix = "/fn", endpoint = "identity/sign-up")]
pub async fn sign_up(
    /// The address.
    email: String,
    /// The password.
    password: String,
) -> Result<Sent, AppError> {
    let backend = backend()?;
    // The same for every sign-up of this browser, so that all of their links are its own.
    let token = SIGN_UP.get(backend.local).unwrap_or_else(|| identity::sign_up_token(&backend));
    let address = device().address;
    let from = identity::Origin { address: &address, sign_up: &token, ..identity::Origin::default() };
    let email = identity::sign_up(&backend, &email, &SecretString::from(password), from).await?;
    SIGN_UP.set(backend.local, &token, identity::VERIFY_HOURS * 3_600);
    Ok(Sent { email, shown_locally: backend.local })
}

/// Verifies an address by its mailed link and signs in; on any browser but the one that signed up with the password that was entered there.
#[server(prefix = "/fn", endpoint = "identity/verify-email")]
pub async fn verify_email(
    /// The link's secret.
    token: String,
    /// The password; empty on the browser that signed up.
    #[server(default)]
    password: String,
) -> Result<(), AppError> {
    let (backend, password, address) = (backend()?, SecretString::from(password), device().address);
    let browser = SIGN_UP.get(backend.local).unwrap_or_default();
    let from = identity::Origin { address: &address, sign_up: &browser, ..identity::Origin::default() };
    let proven = identity::verify_email(&backend, &token, &password, from).await?;
    SignedIn::begin(&proven).await?;
    SIGN_UP.set(backend.local, "", 0);
    redirect("/");
    Ok(())
}

/// Signs in.
#[server(prefix = "/fn", endpoint = "identity/sign-in")]
pub async fn sign_in(
    /// The address.
    email: String,
    /// The password.
    password: String,
    /// Where to go on.
    #[server(default)]
    next: String,
) -> Result<(), AppError> {
    let backend = backend()?;
    let (address, device) = (device().address, device_token(backend.local));
    let sign_up = SIGN_UP.get(backend.local).unwrap_or_default();
    let from = identity::Origin { address: &address, device: &device, sign_up: &sign_up };
    let proven = identity::sign_in(&backend, &email, &SecretString::from(password), from).await?;
    SignedIn::begin(&proven).await?;
    redirect(local_path(&next).unwrap_or("/"));
    Ok(())
}

/// Has the browser forget the pages that it keeps to go back to.
fn forget_pages() {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        let cache = http::HeaderValue::from_static("\"cache\"");
        response.insert_header(http::HeaderName::from_static("clear-site-data"), cache);
    }
}

/// Signs out on this browser.
#[server(prefix = "/fn", endpoint = "identity/sign-out")]
pub async fn sign_out() -> Result<(), AppError> {
    SignedIn::end().await?;
    forget_pages();
    redirect("/sign-in?notice=signed-out");
    Ok(())
}

/// Sends a link to set a new password, if the address has an account.
#[server(prefix = "/fn", endpoint = "identity/forgotten-password")]
pub async fn forgotten_password(
    /// The address.
    email: String,
) -> Result<Sent, AppError> {
    let backend = backend()?;
    let email = identity::forgotten_password(&backend, &email, &device().address).await?;
    Ok(Sent { email, shown_locally: backend.local })
}

/// Sets a new password by a mailed link.
#[server(prefix = "/fn", endpoint = "identity/reset-password")]
pub async fn reset_password(
    /// The link's secret.
    token: String,
    /// The new password.
    password: String,
) -> Result<(), AppError> {
    let password = SecretString::from(password);
    let user_id = identity::reset_password(&backend()?, &token, &password, &device().address).await?;
    SignedIn::end().await?;
    SignedIn::know_device(user_id).await?;
    redirect("/sign-in?notice=password-set");
    Ok(())
}

/// Changes the password and ends all other sign-ins.
#[server(prefix = "/fn", endpoint = "identity/change-password")]
pub async fn change_password(
    /// The present one.
    current_password: String,
    /// The new one.
    new_password: String,
) -> Result<(), AppError> {
    let SignedIn { user, sign_in_id, backend } = SignedIn::require().await?;
    let (current, new) = (SecretString::from(current_password), SecretString::from(new_password));
    identity::change_password(&backend, &user, sign_in_id, &current, &new, &device().address).await?;
    SignedIn::know_device(user.user_id).await?;
    redirect("/account?notice=password-changed");
    Ok(())
}

/// Ends one sign-in of the person.
#[server(prefix = "/fn", endpoint = "identity/revoke-sign-in")]
pub async fn revoke_sign_in(
    /// Which one.
    sign_in: SignInId,
) -> Result<(), AppError> {
    let SignedIn { user, backend, .. } = SignedIn::require().await?;
    identity::revoke_sign_in(&backend, user.user_id, sign_in).await?;
    redirect("/account?notice=sign-in-ended");
    Ok(())
}

/// Ends all sign-ins of the person but this one.
#[server(prefix = "/fn", endpoint = "identity/revoke-other-sign-ins")]
pub async fn revoke_other_sign_ins() -> Result<(), AppError> {
    let SignedIn { user, sign_in_id, backend } = SignedIn::require().await?;
    identity::revoke_other_sign_ins(&backend, user.user_id, sign_in_id).await?;
    redirect("/account?notice=sign-ins-ended");
    Ok(())
}

/// Creates an organization with its first team, project and key.
#[server(prefix = "/fn", endpoint = "identity/create-organization")]
pub async fn create_organization(
    /// Its name.
    name: String,
    /// Its reporting time zone.
    time_zone: String,
) -> Result<(), AppError> {
    let SignedIn { user, backend, .. } = SignedIn::require().await?;
    let made = identity::create_organization(&backend, user.user_id, &name, zone_name(&time_zone)).await?;
    let scope = identity::scope_for_user(&backend, user.user_id, &made.slug).await?;
    first_key::make(&backend, &scope, &made.slug).await?;
    redirect(&format!("/o/{}", made.slug));
    Ok(())
}

/// Makes a key for the snippets of the first minutes.
#[server(prefix = "/fn", endpoint = "identity/first-key")]
pub async fn make_first_key(
    /// Slug of the organization.
    org: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    first_key::make(&backend, &scope, &org).await?;
    redirect(&format!("/o/{org}"));
    Ok(())
}

/// Changes the organization's name and fiscal year, and begins a change of its zone.
#[server(prefix = "/fn", endpoint = "identity/update-organization")]
pub async fn update_organization(
    /// Slug of the organization.
    org: String,
    /// The name.
    name: String,
    /// The reporting time zone.
    time_zone: String,
    /// First month of the fiscal year, 1 to 12.
    fiscal_year_start_month: u8,
    /// Anything when possible duplicates are left out; missing when they are recorded and marked.
    drop_possible_duplicates: Option<String>,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let change = identity::Change { name, time_zone: zone_name(&time_zone).to_owned(), fiscal_year_start_month };
    identity::update_organization(&backend, &scope, change).await?;
    events::set_drops_possible_duplicates(&backend, &scope, drop_possible_duplicates.is_some()).await?;
    redirect(&format!("/o/{org}/settings?notice=saved"));
    Ok(())
}

/// Keeps events for so many days from now on.
#[server(prefix = "/fn", endpoint = "identity/set-retention")]
pub async fn set_retention(
    /// Slug of the organization.
    org: String,
    /// Days; empty: for ever.
    days: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let days = match days.trim() {
        "" => None,
        days => Some(days.parse().map_err(|_| Problem::field("days", "invalid", "Enter a whole number of days."))?),
    };
    backend::ledger::set_retention(&backend, &scope, days).await?;
    redirect(&format!("/o/{org}/settings?notice=saved"));
    Ok(())
}

/// Marks the organization: in seven days it is deleted with everything in it.
#[server(prefix = "/fn", endpoint = "identity/delete-organization")]
pub async fn delete_organization(
    /// Slug of the organization.
    org: String,
    /// Its name, typed to confirm.
    typed_name: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    identity::delete_organization(&backend, &scope, &typed_name).await?;
    redirect(&format!("/o/{org}/settings?notice=deletion"));
    Ok(())
}

/// Undoes the deletion of the organization.
#[server(prefix = "/fn", endpoint = "identity/restore-organization")]
pub async fn restore_organization(
    /// Slug of the organization.
    org: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    identity::restore_organization(&backend, &scope).await?;
    redirect(&format!("/o/{org}/settings?notice=restored"));
    Ok(())
}

/// Invites an address.
#[server(prefix = "/fn", endpoint = "identity/invite")]
pub async fn invite(
    /// Slug of the organization.
    org: String,
    /// The address.
    email: String,
    /// The role.
    role: Role,
    /// [`SOME_TEAMS`], or what the role sees.
    #[server(default)]
    sees: String,
    /// Which teams.
    #[server(default)]
    teams: Vec<TeamId>,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    identity::invite_for_teams(&backend, &scope, &email, role, seen(&sees, teams)).await?;
    redirect(&format!("/o/{org}/settings/members?notice=invited"));
    Ok(())
}

/// Ends an invitation.
#[server(prefix = "/fn", endpoint = "identity/revoke-invitation")]
pub async fn revoke_invitation(
    /// Slug of the organization.
    org: String,
    /// Which one.
    invitation: InvitationId,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    identity::revoke_invitation(&backend, &scope, invitation).await?;
    redirect(&format!("/o/{org}/settings/members?notice=invitation-revoked"));
    Ok(())
}

/// Gives a member another role.
#[server(prefix = "/fn", endpoint = "identity/change-role")]
pub async fn change_role(
    /// Slug of the organization.
    org: String,
    /// Who.
    member: UserId,
    /// The new role.
    role: Role,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    identity::change_role(&backend, &scope, member, role).await?;
    redirect(&format!("/o/{org}/settings/members?notice=role-changed"));
    Ok(())
}

/// Lets a member see what some teams own alone, or everything.
#[server(prefix = "/fn", endpoint = "identity/set-teams")]
pub async fn set_teams(
    /// Slug of the organization.
    org: String,
    /// Who.
    member: UserId,
    /// [`SOME_TEAMS`], or everything.
    #[server(default)]
    sees: String,
    /// Which teams.
    #[server(default)]
    teams: Vec<TeamId>,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    identity::set_teams(&backend, &scope, member, seen(&sees, teams)).await?;
    redirect(&format!("/o/{org}/settings/members?notice=teams-changed"));
    Ok(())
}

/// Removes a member, and what they could still act or listen by.
#[server(prefix = "/fn", endpoint = "identity/remove-member")]
pub async fn remove_member(
    /// Slug of the organization.
    org: String,
    /// Who.
    member: UserId,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    identity::remove_member(&backend, &scope, member).await?;
    redirect(&format!("/o/{org}/settings/members?notice=removed"));
    Ok(())
}

/// The caller leaves the organization.
#[server(prefix = "/fn", endpoint = "identity/leave")]
pub async fn leave(
    /// Slug of the organization.
    org: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    identity::leave(&backend, &scope).await?;
    redirect("/organizations?notice=left");
    Ok(())
}

/// The signed-in person accepts an invitation.
#[server(prefix = "/fn", endpoint = "identity/accept-invitation")]
pub async fn accept_invitation(
    /// Slug of the organization.
    org: String,
    /// The link's secret.
    token: String,
) -> Result<(), AppError> {
    let SignedIn { user, backend, .. } = SignedIn::require().await?;
    let slug = identity::accept(&backend, &user, &org, &token).await?;
    redirect(&format!("/o/{slug}"));
    Ok(())
}

/// Somebody without an account accepts an invitation with a password.
#[server(prefix = "/fn", endpoint = "identity/accept-as-new")]
pub async fn accept_as_new(
    /// Slug of the organization.
    org: String,
    /// The link's secret.
    token: String,
    /// Their new password.
    password: String,
) -> Result<(), AppError> {
    let (password, from) = (SecretString::from(password), device().address);
    let (proven, slug) = identity::accept_as_new(&backend()?, &org, &token, &password, &from).await?;
    SignedIn::begin(&proven).await?;
    redirect(&format!("/o/{slug}"));
    Ok(())
}
