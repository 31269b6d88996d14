//! Queries of `users`, `sign_ins`, `devices`, `user_tokens`, `organizations`, `zone_changes`, `members` and `invitations`.

mod devices;
mod invitations;
mod members;
mod organizations;
mod sign_ins;
mod tokens;
mod users;
mod zone_changes;

pub(super) use devices::{attempt_on_device, delete_devices, delete_unused_devices, put_device};
pub(super) use invitations::{
    NewInvitation, Open, accept_invitation, count_open_invitations, insert_invitation, invitations,
    lock_organization_of_link, open_invitation, revoke_invitation, revoke_invitations_by, revoke_invitations_of,
};
pub(super) use members::{
    belongings, count_members, count_owners, delete_member, insert_member, is_member, member, members, owners,
    set_role, set_teams,
};
pub(crate) use organizations::lock_organization;
pub(super) use organizations::{
    count_owned, delete_organization, due_for_deletion, insert_organization, member_scope, organization,
    organizations_of, owned_by_name, set_deletion, set_zone, shut_out, try_lock_due, try_lock_organization,
    update_organization, visible_of, zone_of, zones_by_slug,
};
pub(super) use sign_ins::{
    NewSignIn, delete_expired, delete_other_sign_ins, delete_sign_in, delete_sign_in_by_hash, insert_sign_in, sign_in,
    sign_in_lasts, sign_ins, touch_sign_in, update_sign_in,
};
pub(super) use tokens::{Secrets, delete_tokens, find_token, insert_token, take_token};
pub(super) use users::{Known, email_of, insert_user, lock_user, mark_verified, set_password, user, user_id_of};
pub(super) use zone_changes::{
    ZONE_CHANNEL, advance_zone_change, begin_zone_change, end_zone_change, fail_zone_change, notify_of_zone_change,
    running_zone_change, waiting_zone_change, zone_change,
};
