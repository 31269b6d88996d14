//! Organizations for tests, made and filled by the product's own verbs.
//!
//! ```no_run
//! # async fn example() {
//! let database = testkit::TestDatabase::new().await;
//! let (backend, clock) = testkit::seed::backend(&database, "2026-11-20T12:00:00Z");
//! let acme = testkit::seed::organization(&backend, "Asia/Kolkata").await; // acme.owner, acme.key, acme.project
//! acme.spend("2026-11-10", "59.99").await; // an event, as any sender records it
//! # drop((clock, acme));
//! # }
//! ```
//!
//! Unit tests of `backend` see another build of it than this crate does. An organization that is made here is a second server's to them, beside the same database: they take its ids and its key, and make scopes of their own.

mod calls;

pub use calls::{call, unpriced_call};

use crate::TestDatabase;
use backend::exports::schedules::Settings;
use backend::identity::{self, Bootstrap};
use backend::keys::{self, NewKey};
use backend::projects::{self, NewProject, NewTeam};
use backend::{Backend, OrgScope, Secrets, TestClock, delivery};
use chrono::Duration;
use domain::identity::{Email, KeyScope, Role};
use domain::ids::{OrgId, TeamId, UserId};
use domain::project::{KeyProject, Project};
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// The password of every user that is made here.
pub const PASSWORD: &str = "three unrelated words";

/// Verbs over the test's database, with a clock that stands at `now` (RFC 3339). Nothing runs in the background.
///
/// # Panics
/// When `now` is no instant.
#[must_use]
pub fn backend(database: &TestDatabase, now: &str) -> (Backend, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(now.parse().expect("an instant such as 2026-11-20T12:00:00Z")));
    let backend = Backend::new(database.pool().clone(), clock.clone(), "http://127.0.0.1:3000", true);
    (backend.with_storage(storage()), clock)
}

/// What scheduled exports need: a key that is no secret, and the way to a storage on this machine.
///
/// # Panics
/// Never: the key is well-formed.
#[must_use]
pub fn storage() -> Settings {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    Settings { secrets: Some(Secrets::parse(&key.into()).expect("a key")), allow_private: true }
}

/// An organization with a team "Main", a project "main" and a key.
#[derive(Clone)]
pub struct Organization {
    backend: Backend,
    /// Its owner's view.
    pub owner: OrgScope,
    /// The owner.
    pub user_id: UserId,
    /// The owner's address; the password is [`PASSWORD`].
    pub email: Email,
    /// Its part of addresses.
    pub slug: String,
    /// The project "main".
    pub project: Project,
    /// A key for all projects with all scopes.
    pub key: SecretString,
    /// The key's view.
    pub api: OrgScope,
    /// Whether what providers report counts already.
    reported: Arc<OnceCell<()>>,
}

impl fmt::Debug for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Organization").field("slug", &self.slug).finish_non_exhaustive()
    }
}

/// A new organization with an owner of its own.
///
/// # Panics
/// When a verb fails.
pub async fn organization(backend: &Backend, time_zone: &str) -> Organization {
    let owner = format!("owner-{}@example.com", backend.clock.new_id().simple());
    owned(backend, &owner, "Acme", time_zone).await
}

/// A new organization of this name, owned by `owner@<name>.example`.
///
/// # Panics
/// When a verb fails.
pub async fn named(backend: &Backend, name: &str, time_zone: &str) -> Organization {
    let owner = format!("owner@{}.example", name.to_lowercase().replace(' ', "-"));
    owned(backend, &owner, name, time_zone).await
}

/// The organization of this name and owner; a user that is new gets the password [`PASSWORD`].
///
/// # Panics
/// When a verb fails.
pub async fn owned(backend: &Backend, owner: &str, name: &str, time_zone: &str) -> Organization {
    let wanted = Bootstrap {
        email: owner.to_owned(),
        password: SecretString::from(PASSWORD),
        organization: name.to_owned(),
        time_zone: time_zone.to_owned(),
        project: "main".to_owned(),
    };
    let made = identity::bootstrap(backend, wanted).await.expect("an organization");
    let email = Email::parse(owner).expect("an address");
    let owner = identity::scope_in(backend, made.user_id, made.org_id).await.expect("the owner's scope");
    let slug = identity::organization(backend, &owner).await.expect("the organization").slug;
    let api = authenticate(backend, &made.key.secret).await;
    Organization {
        backend: backend.clone(),
        owner,
        user_id: made.user_id,
        email,
        slug,
        project: made.project,
        key: made.key.secret,
        api,
        reported: Arc::default(),
    }
}

impl Organization {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> OrgId {
        self.owner.org_id()
    }

    /// Deletes it for good, as its owner asks and the background job does it when the days are over.
    ///
    /// # Panics
    /// When a verb fails, or it is not deleted.
    pub async fn delete(&self, clock: &TestClock) {
        let name = identity::organization(&self.backend, &self.owner).await.expect("the organization").name;
        identity::delete_organization(&self.backend, &self.owner, &name).await.expect("a mark");
        clock.advance(Duration::days(identity::UNDO_DAYS));
        let gone = identity::delete_due(&self.backend, &CancellationToken::new()).await.expect("a deletion");
        assert_eq!(gone, 1, "the organization is gone");
    }

    /// A further team.
    ///
    /// # Panics
    /// When a verb fails.
    pub async fn team(&self, slug: &str) -> TeamId {
        let new = NewTeam { name: slug.to_owned(), slug: slug.to_owned(), ..NewTeam::default() };
        projects::create_team(&self.backend, &self.owner, new).await.expect("a team").team_id
    }

    /// A further project of a team.
    ///
    /// # Panics
    /// When a verb fails.
    pub async fn project_of(&self, team_id: TeamId, slug: &str) -> Project {
        let new = NewProject { name: slug.to_owned(), slug: slug.to_owned(), cost_centre: String::new(), team_id };
        projects::create_project(&self.backend, &self.owner, new).await.expect("a project")
    }

    /// Addresses that confirmed that they want the organization's mail, as if they had opened their links.
    ///
    /// # Panics
    /// When PostgreSQL refuses.
    pub async fn confirmed(&self, addresses: &[&str]) {
        let now = self.backend.clock.now();
        for address in addresses {
            sqlx::query(
                "insert into recipients (org_id, email, token_hash, asked_at, expires_at, confirmed_at)
                 values ($1, $2, '', $3, $3, $3)",
            )
            .bind(self.id().0)
            .bind(address)
            .bind(now)
            .execute(&self.backend.pool)
            .await
            .expect("a recipient");
        }
    }

    /// The same organization as a sender with a key of its own sees it.
    ///
    /// # Panics
    /// When a verb fails.
    #[must_use]
    pub async fn with_another_key(&self) -> Self {
        let project = KeyProject::AllWithDefault(self.project.project_id);
        let (key, api) = create_key(&self.backend, &self.owner, "another", project).await;
        Self { key, api, ..self.clone() }
    }

    /// The view of another member, who came by invitation; their password is [`PASSWORD`].
    ///
    /// # Panics
    /// When a verb fails.
    pub async fn member(&self, address: &str, role: Role) -> OrgScope {
        // Local mode shows the mail with the link.
        let mut local = self.backend.clone();
        local.local = true;
        identity::invite(&local, &self.owner, address, role).await.expect("an invitation");
        let mails = delivery::shown(&local).await.expect("mails");
        let path = format!("/invitations/{}/", self.slug);
        let of_mail = |text: &str| text.split(&path).nth(1)?.split_whitespace().next().map(str::to_owned);
        let mut tokens = mails.iter().filter(|mail| mail.recipient == address).filter_map(|mail| of_mail(&mail.text));
        let token = tokens.next().expect("the link of an invitation");
        let password = SecretString::from(PASSWORD);
        let joined = identity::accept_as_new(&local, &self.slug, &token, &password, "").await;
        let user_id = joined.expect("a member").0.user.user_id;
        identity::scope_in(&self.backend, user_id, self.id()).await.expect("the member's scope")
    }
}

/// A key with all scopes that is bound to one project, and its view.
///
/// # Panics
/// When a verb fails.
pub async fn bound_key(backend: &Backend, owner: &OrgScope, project: &Project) -> (SecretString, OrgScope) {
    create_key(backend, owner, &format!("only {}", project.slug), KeyProject::Bound(project.project_id)).await
}

async fn create_key(backend: &Backend, owner: &OrgScope, name: &str, project: KeyProject) -> (SecretString, OrgScope) {
    let new = NewKey { name: name.to_owned(), scopes: KeyScope::ALL.into(), project, expires_at: None };
    let created = keys::create(backend, owner, new).await.expect("a key");
    let scope = authenticate(backend, &created.secret).await;
    (created.secret, scope)
}

/// A further project in the first team.
///
/// # Panics
/// When a verb fails.
pub async fn project(backend: &Backend, owner: &OrgScope, slug: &str) -> Project {
    let teams = projects::list_teams(backend, owner).await.expect("teams");
    let new = NewProject {
        name: slug.to_owned(),
        slug: slug.to_owned(),
        cost_centre: String::new(),
        team_id: teams.first().expect("a team").team_id,
    };
    projects::create_project(backend, owner, new).await.expect("a project")
}

async fn authenticate(backend: &Backend, key: &SecretString) -> OrgScope {
    use secrecy::ExposeSecret;
    keys::authenticate(backend, key.expose_secret()).await.expect("a caller").scope
}
