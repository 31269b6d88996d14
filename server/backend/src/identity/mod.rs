//! Users, their sign-ins, organizations, members and invitations: who is who and who may enter.

mod bootstrap;
mod organizations;
mod password;
mod sql;

pub use bootstrap::{Bootstrap, bootstrap};
pub use organizations::{
    create_organization, create_sample_organization, organization, organizations_of, scope_for_user, system_scope,
};
pub use password::{MAX_LEN as MAX_PASSWORD_LEN, MIN_LEN as MIN_PASSWORD_LEN};

/// What keeps guessing and flooding down on this server.
#[derive(Default)]
pub struct Guards {
    /// Password hashing is costly by intent: only some at a time.
    turns: password::Turns,
}
