//! API keys.

use crate::doors::sample::{Sample, form, page};
use crate::doors::world::{PROJECT, World};
use domain::identity::Permission;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    let project = format!("all:{PROJECT}");
    let made = [("name", "Next"), ("project", project.as_str()), ("expires_in_days", "0"), ("read", "true")];
    vec![
        page("/o/{org}/settings/keys", "/o/acme/settings/keys"),
        page("/o/{org}/settings/keys/{key}", format!("/o/acme/settings/keys/{}", world.key_id)),
        page("/o/{org}/settings/keys.csv", "/o/acme/settings/keys.csv"),
        form("keys/create", &made).needs(Permission::ManageKeys),
        form("keys/revoke", &[("key", &world.key_id)]).needs(Permission::ManageKeys),
        form("keys/choose-billing", &[("key", &world.key_id), ("basis", "included"), ("reason", "Team plan")])
            .needs(Permission::ManagePrices),
    ]
}
