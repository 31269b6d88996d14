//! Users, their sign-ins, organizations, members and invitations: who is who and who may enter.

mod accounts;
mod bootstrap;
mod deletion;
mod devices;
mod invitations;
mod limits;
mod mails;
mod members;
mod organizations;
mod password;
mod sign_ins;
mod sql;
pub(crate) mod tokens;
mod zone_changes;

pub use accounts::{
    Proven, VERIFY_HOURS, change_password, forgotten_password, is_link_of_browser, reset_password, sign_in, sign_up,
    sign_up_token, verify_email,
};
pub use bootstrap::{Bootstrap, Bootstrapped, bootstrap, ensure_user};
pub use deletion::{
    Piece, UNDO_DAYS, delete_due, delete_organization, delete_piece, keep_deleting, restore_organization,
};
pub use devices::{DEVICE_DAYS, Origin, know_device};
pub use invitations::{
    INVITATION_DAYS, Offer, accept, accept_as_new, invite, invite_for_teams, list_invitations, offer, revoke_invitation,
};
pub use members::{MAX_MEMBERS, belongings, change_role, leave, list_members, remove_member, set_teams};
pub use organizations::{
    Change, create_organization, create_sample_organization, organization, organizations_of, scope_for_user, scope_in,
    system_scope, system_scope_if_there, system_scopes, update_organization,
};
pub use password::{MAX_LEN as MAX_PASSWORD_LEN, MIN_LEN as MIN_PASSWORD_LEN};
pub use sign_ins::{
    DEVICE, Device, IDLE_DAYS, MAX_DAYS, PASSWORD_HASH, PASSWORD_REPLACED, SIGN_IN_ID, SignInStore, USER,
    list_sign_ins, revoke_other_sign_ins, revoke_sign_in, run_worker, sign_in_lasts, sweep,
};
pub(crate) use sql::lock_organization;
pub use zone_changes::{advance_zone_change, change_zones, zone_change};

use crate::{Clock, Error};
use std::sync::Arc;

/// What keeps guessing and flooding down on this server.
pub struct Guards {
    /// Password hashing is costly by intent: only some at a time.
    turns: password::Turns,
    limits: limits::Limits,
}

impl Guards {
    pub(crate) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self { turns: password::Turns::default(), limits: limits::Limits::new(clock) }
    }

    /// Before an organization asks an address whether it wants mail: three at once and then one in eight hours, whoever asks.
    pub(crate) fn confirmation(&self, address: &str) -> Result<(), Error> {
        self.limits.confirmation(address)
    }
}
