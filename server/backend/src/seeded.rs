//! An organization of [`testkit`], as this build of the crate sees it.

use crate::{Backend, OrgScope, identity, keys};
use secrecy::ExposeSecret;
use testkit::{TestDatabase, seed};

/// An organization with its owner's view and its key's.
pub(crate) struct Seeded {
    /// What testkit knows of it, and records for it.
    pub(crate) made: seed::Organization,
    pub(crate) owner: OrgScope,
    /// A key for all projects with all scopes.
    pub(crate) api: OrgScope,
}

impl Seeded {
    /// A new organization in the database of `backend`, owned by `owner@<name>.example`.
    pub(crate) async fn new(backend: &Backend, database: &TestDatabase, name: &str, zone: &str) -> Self {
        let (beside, _) = seed::backend(database, &backend.clock.now().to_rfc3339());
        let made = seed::named(&beside, name, zone).await;
        let owner = identity::scope_in(backend, made.user_id, made.id()).await.unwrap();
        let api = keys::authenticate(backend, made.key.expose_secret()).await.unwrap().scope;
        Self { made, owner, api }
    }
}
