//! Organizations for tests, made by the product's own verbs.
//!
//! ```no_run
//! # async fn example() {
//! let database = testkit::TestDatabase::new().await;
//! let (backend, clock) = testkit::seed::backend(&database, "2026-11-20T12:00:00Z");
//! let acme = testkit::seed::organization(&backend, "Asia/Kolkata").await; // acme.owner, acme.key, acme.project
//! # drop((clock, acme));
//! # }
//! ```

use crate::TestDatabase;
use backend::identity::{self, Bootstrap};
use backend::keys::{self, NewKey};
use backend::{Backend, OrgScope, TestClock};
use domain::identity::{Email, KeyScope};
use domain::ids::UserId;
use domain::project::{KeyProject, Project};
use secrecy::SecretString;
use std::sync::Arc;

/// The password of every user that is made here.
pub const PASSWORD: &str = "three unrelated words";

/// Verbs over the test's database, with a clock that stands at `now` (RFC 3339). Nothing runs in the background.
///
/// # Panics
/// When `now` is no instant.
#[must_use]
pub fn backend(database: &TestDatabase, now: &str) -> (Backend, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(now.parse().expect("an instant such as 2026-11-20T12:00:00Z")));
    (Backend::new(database.pool().clone(), clock.clone(), "http://127.0.0.1:3000", true), clock)
}

/// An organization with a team "Main", a project "main" and a key.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Its owner's view.
    pub owner: OrgScope,
    /// The owner.
    pub user_id: UserId,
    /// The owner's address; the password is [`PASSWORD`].
    pub email: Email,
    /// The project "main".
    pub project: Project,
    /// A key for all projects with all scopes.
    pub key: SecretString,
    /// The key's view.
    pub api: OrgScope,
}

/// A new organization with an owner of its own.
///
/// # Panics
/// When a verb fails.
pub async fn organization(backend: &Backend, time_zone: &str) -> Organization {
    let email = format!("owner-{}@example.com", backend.clock.new_id().simple());
    let wanted = Bootstrap {
        email: email.clone(),
        password: SecretString::from(PASSWORD),
        organization: "Acme".to_owned(),
        time_zone: time_zone.to_owned(),
        project: "main".to_owned(),
    };
    let made = identity::bootstrap(backend, wanted).await.expect("an organization");
    let owner = identity::scope_in(backend, made.user_id, made.org_id).await.expect("the owner's scope");
    let api = authenticate(backend, &made.key.secret).await;
    let email = Email::parse(&email).expect("an address");
    Organization { owner, user_id: made.user_id, email, project: made.project, key: made.key.secret, api }
}

/// A key with all scopes that is bound to one project, and its view.
///
/// # Panics
/// When a verb fails.
pub async fn bound_key(backend: &Backend, owner: &OrgScope, project: &Project) -> (SecretString, OrgScope) {
    let new = NewKey {
        name: format!("only {}", project.slug),
        scopes: KeyScope::ALL.into(),
        project: KeyProject::Bound(project.project_id),
        expires_at: None,
    };
    let created = keys::create(backend, owner, new).await.expect("a key");
    let scope = authenticate(backend, &created.secret).await;
    (created.secret, scope)
}

/// A further project in the first team.
///
/// # Panics
/// When a verb fails.
pub async fn project(backend: &Backend, owner: &OrgScope, slug: &str) -> Project {
    let teams = backend::projects::list_teams(backend, owner).await.expect("teams");
    let new = backend::projects::NewProject {
        name: slug.to_owned(),
        slug: slug.to_owned(),
        cost_centre: String::new(),
        team_id: teams.first().expect("a team").team_id,
    };
    backend::projects::create_project(backend, owner, new).await.expect("a project")
}

async fn authenticate(backend: &Backend, key: &SecretString) -> OrgScope {
    use secrecy::ExposeSecret;
    keys::authenticate(backend, key.expose_secret()).await.expect("a caller").scope
}
