//! API keys: who gets in, and how soon nobody does any more.

use crate::support::Server;
use backend::keys::{self, NewKey};
use backend::{Backend, Clock, Error, OrgScope, Visible};
use chrono::Duration;
use domain::identity::{KeyScope, Role};
use domain::problem::Problem;
use domain::project::KeyProject;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;
use testkit::{TestDatabase, seed};
use tokio_util::sync::CancellationToken;

const NOW: &str = "2026-11-20T12:00:00Z";

fn ingest_key(project: KeyProject) -> NewKey {
    NewKey { name: "robot".to_owned(), scopes: BTreeSet::from([KeyScope::Ingest]), project, expires_at: None }
}

async fn refused(backend: &Backend, key: &SecretString) -> bool {
    match keys::authenticate(backend, key.expose_secret()).await {
        Ok(_) => false,
        Err(Error::Problem(Problem::Unauthenticated)) => true,
        Err(other) => panic!("{other}"),
    }
}

async fn last_used(backend: &Backend, owner: &OrgScope) -> Option<String> {
    keys::list(backend, owner).await.unwrap()[0].last_used_at.map(|at| at.to_rfc3339())
}

#[tokio::test]
async fn a_bound_key_sees_its_project_only() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    let other = seed::project(&backend, &acme.owner, "other").await;
    let (_, bound) = seed::bound_key(&backend, &acme.owner, &acme.project).await;
    assert_eq!(acme.api.visible(), &Visible::All);
    assert_eq!(bound.zone().name(), "Asia/Kolkata");
    assert!(bound.sees(acme.project.project_id) && !bound.sees(other.project_id));
    let seen = backend::projects::list_projects(&backend, &bound).await.unwrap();
    assert_eq!(seen.iter().map(|project| project.slug.as_str()).collect::<Vec<_>>(), ["main"]);
    let listed = keys::list(&backend, &bound).await.unwrap();
    assert!(listed.iter().all(|key| key.project == KeyProject::Bound(acme.project.project_id)) && listed.len() == 1);
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_here_and_on_other_servers() {
    let database = TestDatabase::new().await;
    let (here, clock) = seed::backend(&database, NOW);
    let there = Backend::new(database.pool().clone(), clock, "http://127.0.0.1:3000", true);
    let stop = CancellationToken::new();
    let watchers = [&here, &there].map(|backend| {
        let (backend, stop) = (backend.clone(), stop.clone());
        tokio::spawn(async move { keys::watch(&backend, &stop).await })
    });
    let acme = seed::organization(&here, "UTC").await;
    // Served from memory on both from the moment they listen; from the database before. Either way it works.
    for _ in 0..20 {
        assert!(!refused(&here, &acme.key).await && !refused(&there, &acme.key).await);
    }
    keys::revoke(&here, &acme.owner, acme.api.key_id().unwrap()).await.unwrap();
    assert!(refused(&here, &acme.key).await);
    // The notice travels through PostgreSQL; it is not asserted how fast, only that it arrives long before an entry grows old by itself.
    tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while !refused(&there, &acme.key).await {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    stop.cancel();
    for watcher in watchers {
        watcher.await.unwrap().unwrap();
    }
    assert!(refused(&here, &acme.key).await && refused(&there, &acme.key).await);
}

#[tokio::test]
async fn a_server_that_does_not_listen_asks_the_database_every_time() {
    let database = TestDatabase::new().await;
    let (here, clock) = seed::backend(&database, NOW);
    let deaf = Backend::new(database.pool().clone(), clock, "http://127.0.0.1:3000", true);
    let acme = seed::organization(&here, "UTC").await;
    assert!(!refused(&deaf, &acme.key).await);
    keys::revoke(&here, &acme.owner, acme.api.key_id().unwrap()).await.unwrap();
    assert!(refused(&deaf, &acme.key).await);
}

#[tokio::test]
async fn a_key_expires_by_the_clock() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let mut new = ingest_key(KeyProject::AllWithDefault(acme.project.project_id));
    new.expires_at = Some(clock.now() + Duration::hours(1));
    let key = keys::create(&backend, &acme.owner, new.clone()).await.unwrap();
    clock.advance(Duration::minutes(59));
    assert!(!refused(&backend, &key.secret).await);
    clock.advance(Duration::minutes(1));
    assert!(refused(&backend, &key.secret).await);
    let again = keys::create(&backend, &acme.owner, new).await.unwrap_err().into_problem();
    assert_eq!(again.fields()[0].pointer, "expires_at");
}

#[tokio::test]
async fn the_last_use_is_noted_once_a_minute() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    assert_eq!(last_used(&backend, &acme.owner).await.as_deref(), Some("2026-11-20T12:00:00+00:00"));
    clock.advance(Duration::seconds(59));
    assert!(!refused(&backend, &acme.key).await);
    assert_eq!(last_used(&backend, &acme.owner).await.as_deref(), Some("2026-11-20T12:00:00+00:00"));
    clock.advance(Duration::seconds(1));
    assert!(!refused(&backend, &acme.key).await);
    assert_eq!(last_used(&backend, &acme.owner).await.as_deref(), Some("2026-11-20T12:01:00+00:00"));
}

#[tokio::test]
async fn a_key_of_another_organization_cannot_be_touched() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let globex = seed::organization(&backend, "UTC").await;
    let revoked = keys::revoke(&backend, &globex.owner, acme.api.key_id().unwrap()).await;
    assert_eq!(revoked.unwrap_err().into_problem(), Problem::NotFound);
    let foreign = ingest_key(KeyProject::Bound(acme.project.project_id));
    let created = keys::create(&backend, &globex.owner, foreign).await.unwrap_err().into_problem();
    assert_eq!(created.fields()[0].pointer, "project");
    assert!(!refused(&backend, &acme.key).await);
}

#[tokio::test]
async fn keys_do_not_make_or_revoke_keys() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let new = ingest_key(KeyProject::AllWithDefault(acme.project.project_id));
    let made = keys::create(&backend, &acme.api, new).await.unwrap_err().into_problem();
    let revoked = keys::revoke(&backend, &acme.api, acme.api.key_id().unwrap()).await.unwrap_err().into_problem();
    assert_eq!((made.status(), revoked.status()), (403, 403));
}

#[tokio::test]
async fn only_hashes_are_stored() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let body = acme.key.expose_secret().strip_prefix(keys::PREFIX).unwrap();
    let everything: String = sqlx::query_scalar(
        "select (select string_agg(api_keys::text, ' ') from api_keys)
             || (select string_agg(encode(key_hash, 'hex'), ' ') from api_key_hashes)
             || (select string_agg(audit_log::text, ' ') from audit_log)",
    )
    .fetch_one(&backend.pool)
    .await
    .unwrap();
    assert!(everything.contains("bootstrap") && !everything.contains(body) && !everything.contains(&body[8..28]));
}

#[tokio::test]
async fn all_that_is_wrong_with_a_new_key_is_said_at_once() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let new = NewKey {
        name: " ".to_owned(),
        scopes: BTreeSet::new(),
        project: KeyProject::Bound(acme.project.project_id),
        expires_at: Some(clock.now()),
    };
    let problem = keys::create(&backend, &acme.owner, new).await.unwrap_err().into_problem();
    let fields: Vec<_> = problem.fields().iter().map(|field| field.pointer.as_str()).collect();
    assert_eq!(fields, ["name", "scopes", "expires_at"]);
}

#[tokio::test]
async fn a_key_can_do_no_more_than_who_makes_it() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let member = acme.member("member@example.com", Role::Member).await;
    let project = KeyProject::AllWithDefault(acme.project.project_id);
    let admin = || NewKey { scopes: BTreeSet::from([KeyScope::Admin]), ..ingest_key(project) };
    let refused = keys::create(&server.backend, &member, admin()).await.unwrap_err().into_problem();
    assert_eq!(refused.fields()[0].pointer, "scopes", "through it a member would change settings");
    assert!(keys::create(&server.backend, &member, ingest_key(project)).await.is_ok());
    assert!(keys::create(&server.backend, &acme.owner, admin()).await.is_ok());
}
