//! Accounts, organizations, members, invitations, the audit log.

use crate::doors::sample::{Guard, Sample, api, form, page};
use crate::doors::world::{NAME, PASSWORD, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    [accounts(world), organization(world), members(world), invitations(world)].concat()
}

fn accounts(world: &World) -> Vec<Sample> {
    let open = |sample: Sample| sample.guarded(Guard::Open);
    let own = |sample: Sample| sample.guarded(Guard::SignedIn);
    vec![
        open(page("/", "/")),
        open(page("/sign-up", "/sign-up")),
        open(page("/sign-in", "/sign-in")),
        open(page("/verify-email", "/verify-email?token=nothing")),
        open(page("/forgotten-password", "/forgotten-password")),
        open(page("/reset-password", "/reset-password?token=nothing")),
        own(page("/account", "/account")),
        own(page("/organizations", "/organizations")),
        open(form("identity/sign-up", &[("email", "new@example.com"), ("password", PASSWORD)])),
        open(form("identity/verify-email", &[("token", &world.verification), ("password", PASSWORD)])),
        open(form("identity/sign-in", &[("email", &world.owner), ("password", PASSWORD), ("next", "/")])),
        open(form("identity/sign-out", &[])),
        open(form("identity/forgotten-password", &[("email", &world.owner)])),
        open(form("identity/reset-password", &[("token", &world.reset), ("password", "some other long words")])),
        open(form("theme", &[("theme", "dark")])),
        own(form(
            "identity/change-password",
            &[("current_password", PASSWORD), ("new_password", "some other long words")],
        )),
        own(form("identity/revoke-other-sign-ins", &[])),
        own(form("identity/revoke-sign-in", &[("sign_in", &world.sign_in)])),
        own(form("identity/create-organization", &[("name", "Next"), ("time_zone", "Europe/Berlin")])),
        own(form("sample/load", &[])),
    ]
}

fn organization(_: &World) -> Vec<Sample> {
    vec![
        page("/o/{org}", "/o/acme"),
        page("/o/{org}/settings", "/o/acme/settings"),
        page("/o/{org}/settings/audit", "/o/acme/settings/audit").needs(Permission::ReadAudit),
        page("/o/{org}/settings/audit.csv", "/o/acme/settings/audit.csv").needs(Permission::ReadAudit),
        api("GET /v1/organization", "/v1/organization"),
        api("PATCH /v1/organization", "/v1/organization")
            .guarded(Guard::Key(KeyScope::Admin))
            .body(json!({"drop_possible_duplicates": true})),
        form("identity/first-key", &[]).needs(Permission::ManageKeys),
        form(
            "identity/update-organization",
            &[("name", "Next"), ("time_zone", "Europe/Berlin"), ("fiscal_year_start_month", "4")],
        )
        .needs(Permission::ManageOrganization),
        form("identity/set-retention", &[("days", "90")]).needs(Permission::ManageOrganization),
        form("identity/delete-organization", &[("typed_name", NAME)]).needs(Permission::DeleteOrganization),
        form("identity/restore-organization", &[]).needs(Permission::DeleteOrganization),
    ]
}

fn members(world: &World) -> Vec<Sample> {
    vec![
        page("/o/{org}/settings/members", "/o/acme/settings/members"),
        page("/o/{org}/settings/members.csv", "/o/acme/settings/members.csv"),
        form("identity/change-role", &[("member", &world.spare_member), ("role", "finance")])
            .needs(Permission::ManageMembers),
        form("identity/set-teams", &[("member", &world.spare_member), ("sees", "teams")])
            .needs(Permission::ManageMembers),
        form("identity/remove-member", &[("member", &world.spare_member)]).needs(Permission::ManageMembers),
        form("identity/leave", &[]),
    ]
}

fn invitations(world: &World) -> Vec<Sample> {
    let token = world.invitation_token.as_str();
    let manages = |sample: Sample| sample.needs(Permission::ManageMembers);
    vec![
        page("/invitations/{org}/{token}", format!("/invitations/acme/{token}")).guarded(Guard::Open),
        form("identity/accept-as-new", &[("token", token), ("password", PASSWORD)]).guarded(Guard::Open),
        form("identity/accept-invitation", &[("token", &world.own_invitation_token)]).guarded(Guard::SignedIn),
        manages(form("identity/invite", &[("email", "next@example.com"), ("role", "viewer")])),
        manages(form("identity/revoke-invitation", &[("invitation", &world.invitation)])),
    ]
}
