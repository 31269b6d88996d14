//! Against a real PostgreSQL: what is acknowledged is stored once, and every sum follows from the events.

mod adjusting;
mod as_sent;
mod committer;
mod copies;
mod possible_duplicates;
mod reading;
mod recording;
mod retention;
mod running;
mod totals;

use crate::keys::{self, NewKey};
use crate::ledger::stored::{self, StoredEvent};
use crate::seeded::Seeded;
use crate::{Backend, OrgScope, TestClock, projects};
use chrono::{DateTime, Utc};
use domain::event::{EventInput, IngestAnswer, IngestStatus};
use domain::identity::KeyScope;
use domain::period::{Period, Zone};
use domain::project::KeyProject;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::TestDatabase;

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

/// A server of its own beside a database of its own.
pub(crate) struct Fixture {
    pub(crate) backend: Backend,
    pub(crate) database: TestDatabase,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new().await;
        Self { backend: server(&database), database }
    }

    /// An organization with the project `main` and a key for all its projects.
    pub(crate) async fn organization(&self, name: &str, zone: &str) -> OrgScope {
        Seeded::new(&self.backend, &self.database, name, zone).await.api
    }

    pub(crate) async fn send(&self, scope: &OrgScope, events: &[Value]) -> IngestAnswer {
        send_to(&self.backend, scope, events).await
    }

    /// No sum differs from the events, and no kept answer from the sums; the days of all events of these tests are looked at.
    pub(crate) async fn assert_rollups_follow(&self, scope: &OrgScope) {
        let years = Period::new("2025-12-01".parse().unwrap(), "2026-12-31".parse().unwrap()).unwrap();
        let found = crate::ledger::verify(&self.backend, scope, years).await.unwrap();
        assert!(found.is_empty(), "{} differences, such as {:#?}", found.len(), found.first());
        let fresh = server(&self.database);
        crate::spend::answers::tests::assert_nothing_is_stale(&self.backend, &fresh, scope, years).await;
    }

    /// Every recorded event, first to last.
    pub(crate) async fn stored(&self, scope: &OrgScope) -> Vec<StoredEvent> {
        let mut connection = self.database.pool().acquire().await.unwrap();
        let sql = format!("select {} from events as e where e.org_id = $1 order by e.event_key", stored::COLUMNS);
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(scope.org_id().0).fetch_all(&mut *connection).await.unwrap();
        let named = stored::Dictionaries::of(&mut connection, scope, &rows).await.unwrap();
        rows.iter().map(|row| named.event(row).unwrap()).collect()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.database.pool()).await.unwrap()
    }
}

/// One more server beside the same database.
pub(crate) fn server(database: &TestDatabase) -> Backend {
    Backend::new(database.pool().clone(), Arc::new(TestClock::at(now())), "http://localhost", true)
}

pub(crate) async fn send_to(backend: &Backend, scope: &OrgScope, events: &[Value]) -> IngestAnswer {
    let body = json!(events).to_string();
    super::ingest(backend, scope, &super::split(body.as_bytes(), false).unwrap()).await.unwrap()
}

/// The same organization in another zone, as a key would see it after the change.
pub(crate) fn in_zone(scope: &OrgScope, zone: Zone) -> OrgScope {
    OrgScope::new(scope.org_id(), zone, scope.actor().clone(), scope.visible().clone())
}

pub(crate) async fn add_project(fixture: &Fixture, scope: &OrgScope, slug: &str) -> domain::project::Project {
    let teams = projects::list_teams(&fixture.backend, scope).await.unwrap();
    let new = projects::NewProject {
        name: slug.to_owned(),
        slug: slug.to_owned(),
        cost_centre: String::new(),
        team_id: teams[0].team_id,
    };
    projects::create_project(&fixture.backend, scope, new).await.unwrap()
}

/// The scope of a new key that is bound to a project.
pub(crate) async fn bound_key(fixture: &Fixture, scope: &OrgScope, project: &domain::project::Project) -> OrgScope {
    let new = NewKey {
        name: format!("{} only", project.slug),
        scopes: KeyScope::ALL.into(),
        project: KeyProject::Bound(project.project_id),
        expires_at: None,
    };
    let mut connection = fixture.database.pool().acquire().await.unwrap();
    let created = keys::create_in(&fixture.backend, scope, &mut connection, new).await.unwrap();
    keys::authenticate(&fixture.backend, created.secret.expose_secret()).await.unwrap().scope
}

pub(crate) fn event(id: &str) -> Value {
    json!({
        "id": id, "timestamp": "2026-11-20T09:41:07.113Z", "provider": "openai", "model": "gpt-4o-2024-08-06",
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}
    })
}

pub(crate) fn with(mut event: Value, field: &str, value: impl Into<Value>) -> Value {
    event[field] = value.into();
    event
}

pub(crate) fn statuses(answer: &IngestAnswer) -> Vec<IngestStatus> {
    answer.results.iter().map(|result| result.status).collect()
}

pub(crate) fn inputs(events: &[Value]) -> Vec<EventInput> {
    serde_json::from_value(json!(events)).unwrap()
}

/// A source of generated events, the same in every run, so that a failure can be looked at.
pub(crate) fn seeded(seed: u64) -> TestRunner {
    let config = Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
}
