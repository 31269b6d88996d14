//! Users, their sign-ins, organizations, members and invitations: who is who and who may enter.

mod bootstrap;
mod organizations;
mod password;
mod sign_ins;
mod sql;

pub use bootstrap::{Bootstrap, Bootstrapped, bootstrap};
pub use organizations::{
    create_organization, create_sample_organization, organization, organizations_of, scope_for_user, scope_in,
    system_scope,
};
pub use password::{MAX_LEN as MAX_PASSWORD_LEN, MIN_LEN as MIN_PASSWORD_LEN};
pub use sign_ins::{
    DEVICE, Device, IDLE_DAYS, MAX_DAYS, SIGN_IN_ID, SignInStore, USER, list_sign_ins, revoke_other_sign_ins,
    revoke_sign_in, sweep,
};

/// What keeps guessing and flooding down on this server.
#[derive(Default)]
pub struct Guards {
    /// Password hashing is costly by intent: only some at a time.
    turns: password::Turns,
}
