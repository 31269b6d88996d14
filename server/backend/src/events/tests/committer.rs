//! Groups, several servers, what happens when something fails.

use super::{Fixture, event, send_to, server, statuses, with};
use crate::ledger::commit::Committer;
use crate::{Backend, Error, OrgScope, Pools, Sizes, TestClock};
use domain::event::{IngestAnswer, IngestStatus};
use domain::ids::OrgId;
use domain::problem::Problem;
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;
use std::time::Duration;
use testkit::Proxy;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[tokio::test]
async fn two_servers_beside_one_database_record_every_event_once() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "Asia/Kathmandu").await;
    let other_org = fixture.organization("globex", "UTC").await;
    let servers = [fixture.backend.clone(), server(&fixture.database)];
    // Every event is sent twice to each server, in opposite orders, by many requests at once.
    let events: Vec<Value> = (0..240)
        .map(|n| {
            with(with(event(&format!("e{n}")), "feature", format!("f{}", n % 7)), "customer", format!("c{}", n % 11))
        })
        .collect();
    let mut tasks = tokio::task::JoinSet::new();
    for (turn, backend) in servers.iter().cycle().take(4).enumerate() {
        for chunk in events.chunks(20) {
            let (backend, mut chunk) = (backend.clone(), chunk.to_vec());
            let scope = if turn == 3 { other_org.clone() } else { scope.clone() };
            if turn % 2 == 1 {
                chunk.reverse();
            }
            tasks.spawn(async move { send_to(&backend, &scope, &chunk).await });
        }
    }
    let answers = tasks.join_all().await;
    let accepted: u32 = answers.iter().map(|answer| answer.accepted).sum();
    let duplicates: u32 = answers.iter().map(|answer| answer.duplicates).sum();
    assert_eq!((accepted, duplicates), (480, 480));
    assert_eq!(fixture.count("select count(*) from events").await, 480);
    fixture.assert_rollups_follow(&scope).await;
    fixture.assert_rollups_follow(&other_org).await;
}

#[tokio::test]
async fn what_waits_is_written_together_and_one_bad_request_spoils_no_other() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    sqlx::query("alter table events add constraint no_poison check (session_id <> 'poison')")
        .execute(fixture.database.pool())
        .await
        .unwrap();
    // While the first request waits for this lock, the others gather into one group behind it.
    let mut lock = fixture.database.pool().begin().await.unwrap();
    sqlx::query("lock table event_ids in exclusive mode").execute(&mut *lock).await.unwrap();
    let send = |id: &'static str, session: &'static str| {
        let (backend, scope) = (fixture.backend.clone(), scope.clone());
        tokio::spawn(async move {
            let body = serde_json::json!([with(event(id), "session_id", session)]).to_string();
            crate::events::ingest(&backend, &scope, &crate::events::split(body.as_bytes(), false).unwrap()).await
        })
    };
    let first = send("first", "s");
    while crate::events::waiting(&fixture.backend) < 1 {
        tokio::task::yield_now().await;
    }
    let rest = [send("a", "s"), send("b", "poison"), send("c", "s")];
    while crate::events::waiting(&fixture.backend) < 4 {
        tokio::task::yield_now().await;
    }
    lock.rollback().await.unwrap();
    assert_eq!(first.await.unwrap().unwrap().accepted, 1);
    let [a, b, c] = rest;
    assert_eq!(a.await.unwrap().unwrap().accepted, 1);
    assert!(b.await.unwrap().is_err(), "refused by the constraint: not acknowledged");
    assert_eq!(c.await.unwrap().unwrap().accepted, 1);
    assert_eq!(fixture.count("select count(*) from events").await, 3);
    assert_eq!(fixture.count("select count(*) from event_ids").await, 3, "a failed event has not taken its id");
    assert_eq!(crate::events::waiting(&fixture.backend), 0, "all room is given back");
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn a_full_committer_says_when_to_come_back() {
    let fixture = Fixture::new().await;
    let committer = Committer::start(&fixture.database.pool().clone().into(), Arc::new(TestClock::at(super::now())));
    let (loud, quiet) = (OrgId(Uuid::from_u128(1)), OrgId(Uuid::from_u128(2)));
    let all: Vec<_> = std::iter::from_fn(|| committer.reserve(loud, 5_000, 0).ok()).collect();
    assert!(matches!(committer.reserve(loud, 5_000, 0), Err(Problem::Unavailable { retry_after_secs: 1.. })));
    assert!(committer.reserve(quiet, 5_000, 0).is_ok(), "another organization has room all the same");
    drop(all);
    assert!(committer.reserve(loud, 5_000, 0).is_ok());
}

#[tokio::test]
async fn without_postgresql_nothing_is_acknowledged() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let options = "postgres://nobody@127.0.0.1:1/none".parse().unwrap();
    let nowhere = PgPoolOptions::new().acquire_timeout(Duration::from_millis(200)).connect_lazy_with(options);
    let backend = Backend::new(nowhere, Arc::new(TestClock::at(super::now())), "http://localhost", true);
    let body = serde_json::json!([event("a")]).to_string();
    let error = crate::events::ingest(&backend, &scope, &crate::events::split(body.as_bytes(), false).unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error.into_problem(), Problem::Unavailable { .. }));
    assert_eq!(crate::events::waiting(&backend), 0);
}

#[tokio::test]
async fn draining_finishes_what_was_accepted_and_takes_no_more() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let mut lock = fixture.database.pool().begin().await.unwrap();
    sqlx::query("lock table event_ids in exclusive mode").execute(&mut *lock).await.unwrap();
    let sending = {
        let (backend, scope) = (fixture.backend.clone(), scope.clone());
        tokio::spawn(async move { send_to(&backend, &scope, &[event("a")]).await })
    };
    while crate::events::waiting(&fixture.backend) < 1 {
        tokio::task::yield_now().await;
    }
    let draining = {
        let backend = fixture.backend.clone();
        tokio::spawn(async move { crate::events::drain(&backend).await })
    };
    lock.rollback().await.unwrap();
    draining.await.unwrap();
    assert_eq!(statuses(&sending.await.unwrap()), [IngestStatus::Accepted]);
    let body = serde_json::json!([event("b")]).to_string();
    let late =
        crate::events::ingest(&fixture.backend, &scope, &crate::events::split(body.as_bytes(), false).unwrap()).await;
    assert!(matches!(late.unwrap_err().into_problem(), Problem::Unavailable { .. }));
}

#[tokio::test]
async fn a_partition_that_went_away_is_made_again() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    assert_eq!(fixture.send(&scope, &[event("a")]).await.accepted, 1);
    sqlx::query("drop table events_2026_11").execute(fixture.database.pool()).await.unwrap();
    assert_eq!(fixture.send(&scope, &[event("b")]).await.accepted, 1);
    assert_eq!(fixture.count("select count(*) from events").await, 1);
    let partitions = "select count(*) from pg_inherits where inhparent = 'events'::regclass";
    assert_eq!(fixture.count(partitions).await, 2, "this month's and the next one's");
    assert_eq!(
        fixture.send(&scope, &[with(event("old"), "timestamp", "2019-02-28T23:59:59.999999Z")]).await.accepted,
        1
    );
    assert_eq!(fixture.count("select count(*) from events_2019_02").await, 1);
}

#[tokio::test]
async fn an_organization_that_is_being_rebuilt_or_gone_is_asked_to_come_back() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let bystander = fixture.organization("globex", "UTC").await;
    let mut rebuilding = fixture.database.pool().begin().await.unwrap();
    crate::ledger::rebuild_days(&mut rebuilding, &scope, scope.zone()).await.unwrap();
    let body = serde_json::json!([event("a"), with(event("b"), "status", "bad")]).to_string();
    let items = crate::events::split(body.as_bytes(), false).unwrap();
    let refused = crate::events::ingest(&fixture.backend, &scope, &items).await.unwrap_err().into_problem();
    assert!(matches!(refused, Problem::Unavailable { .. }));
    assert_eq!(fixture.send(&bystander, &[event("a")]).await.accepted, 1, "others go on");
    rebuilding.commit().await.unwrap();
    assert_eq!(fixture.count("select count(*) from rejected_events").await, 0);
    let answer = fixture.send(&scope, &[event("a"), with(event("b"), "status", "bad")]).await;
    assert_eq!((answer.accepted, answer.rejected), (1, 1));

    let mut deleting = fixture.database.pool().begin().await.unwrap();
    crate::ledger::lock_events(&mut deleting, &scope).await.unwrap();
    while crate::ledger::delete_some(&mut deleting, &scope, 1).await.unwrap() > 0 {}
    deleting.commit().await.unwrap();
    for left in ["select count(*) from events", "select count(*) from event_ids", "select count(*) from rollup_day"] {
        assert_eq!(fixture.count(left).await, 1, "only the bystander's: {left}");
    }
}

#[tokio::test]
async fn what_was_priced_with_rules_that_are_undone_meanwhile_is_not_recorded() {
    let fixture = Fixture::new().await;
    let backend = &fixture.backend;
    let scope = fixture.organization("acme", "UTC").await;
    let bystander = fixture.organization("globex", "UTC").await;
    let stop = CancellationToken::new();
    let watching = {
        let (backend, stop) = (backend.clone(), stop.clone());
        tokio::spawn(async move { crate::prices::watch(&backend, &stop).await })
    };
    // Until the server listens, it reads its rules anew for every request.
    let mut sent = 0;
    while backend.own_books.get(&scope.org_id()).await.is_none() {
        assert_eq!(fixture.send(&scope, &[event(&format!("a{sent}"))]).await.accepted, 1);
        sent += 1;
    }
    // Another server undoes a change, and its notice has not arrived.
    let undo = "update organizations set rules_undone = rules_undone + 1 where org_id = $1";
    sqlx::query(undo).bind(scope.org_id().0).execute(fixture.database.pool()).await.unwrap();
    let body = serde_json::json!([event("b"), with(event("c"), "status", "bad")]).to_string();
    let items = crate::events::split(body.as_bytes(), false).unwrap();
    let refused = crate::events::ingest(backend, &scope, &items).await.unwrap_err().into_problem();
    assert!(matches!(refused, Problem::Unavailable { .. }), "{refused:?}");
    assert_eq!(fixture.send(&bystander, &[event("a")]).await.accepted, 1, "others go on");
    assert_eq!(fixture.count("select count(*) from events").await, sent + 1);
    assert_eq!(fixture.count("select count(*) from rejected_events").await, 0);

    backend.own_books.changed();
    let answer = fixture.send(&scope, &[event("b"), with(event("c"), "status", "bad")]).await;
    assert_eq!((answer.accepted, answer.rejected), (1, 1), "sent again, it has the price that holds");
    stop.cancel();
    watching.await.unwrap().unwrap();
}

/// Sends one event until it is answered with a result.
async fn send_until_answered(backend: &Backend, scope: &OrgScope, event: serde_json::Value) -> IngestAnswer {
    let body = serde_json::json!([event]).to_string();
    let items = crate::events::split(body.as_bytes(), false).unwrap();
    loop {
        match crate::events::ingest(backend, scope, &items).await.map_err(Error::into_problem) {
            Ok(answer) => return answer,
            Err(problem) => assert_eq!(problem.status(), 503, "{problem:?}"),
        }
    }
}

fn impatient(pools: Pools) -> Backend {
    waiting_for(Duration::from_secs(2), pools)
}

/// Events that are held up on purpose must not be given up, however slow the machine is.
const PATIENT: Duration = Duration::from_secs(3_600);

fn patient(fixture: &Fixture) -> Backend {
    waiting_for(PATIENT, fixture.database.pool().clone().into())
}

fn waiting_for(patience: Duration, pools: Pools) -> Backend {
    let pools = Pools { patience, ..pools };
    Backend::new(pools, Arc::new(TestClock::at(super::now())), "http://localhost", true)
}

#[tokio::test]
async fn a_path_to_postgresql_that_falls_silent_costs_moments_and_counts_nothing_twice() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let proxy = Proxy::start(&fixture.database.pool().connect_options());
    let pool = crate::pool_options(3, None).connect_with(proxy.options()).await.unwrap();
    let backend = impatient(pool.into());
    assert_eq!(super::send_to(&backend, &scope, &[event("a")]).await.accepted, 1);
    proxy.fall_silent();
    let body = serde_json::json!([event("b")]).to_string();
    let items = crate::events::split(body.as_bytes(), false).unwrap();
    let problem = crate::events::ingest(&backend, &scope, &items).await.unwrap_err().into_problem();
    assert!(problem.status() == 503 && problem.retry_after_secs().is_some(), "{problem:?}");
    proxy.recover();
    let answer = send_until_answered(&backend, &scope, event("b")).await;
    assert_eq!(answer.accepted + answer.duplicates, 1);
    assert_eq!(crate::events::waiting(&backend), 0, "all room is given back");
    assert_eq!(fixture.count("select count(*) from events").await, 2);
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn a_commit_without_an_answer_says_that_its_outcome_is_unknown() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    // PostgreSQL commits, later than the committer waits. A cluster has to be told that triggers are meant; elsewhere nobody knows the setting.
    let mut transaction = fixture.database.pool().begin().await.unwrap();
    for sql in [
        "set local citus.enable_unsafe_triggers = on",
        "create function wait() returns trigger language plpgsql as 'begin perform pg_sleep(4); return null; end'",
        "create constraint trigger wait after insert on event_ids deferrable initially deferred
            for each row execute function wait()",
    ] {
        sqlx::query(sql).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let backend = impatient(fixture.database.pool().clone().into());
    let body = serde_json::json!([event("a")]).to_string();
    let items = crate::events::split(body.as_bytes(), false).unwrap();
    let problem = crate::events::ingest(&backend, &scope, &items).await.unwrap_err().into_problem();
    assert!(matches!(problem, Problem::OutcomeUnknown { retry_after_secs: 1.. }), "{problem:?}");
    let again = send_until_answered(&backend, &scope, event("a")).await;
    assert_eq!(again.duplicates, 1, "it was recorded");
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn readers_cannot_take_the_connections_of_ingestion() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let sizes = Sizes { pages: 1, api: 1, ingest: 3, work: 1 };
    let pools = Pools::apart(&fixture.database.pool().connect_options(), sizes);
    let backend = Backend::new(pools.clone(), Arc::new(TestClock::at(super::now())), "http://localhost", true);
    let (mut page, _program) = (pools.pages.acquire().await.unwrap(), pools.api.acquire().await.unwrap());
    assert_eq!(super::send_to(&backend.for_ingest(), &scope, &[event("a")]).await.accepted, 1);
    backend.ping().await.unwrap();
    let limit: String = sqlx::query_scalar("show statement_timeout").fetch_one(&mut *page).await.unwrap();
    assert_eq!(limit, "30s");
}

#[tokio::test]
async fn full_batches_with_fresh_tags_and_anothers_single_event_are_all_recorded() {
    let fixture = Fixture::new().await;
    let (loud, quiet) = (fixture.organization("loud", "UTC").await, fixture.organization("quiet", "UTC").await);
    let backend = patient(&fixture);
    let mut lock = fixture.database.pool().begin().await.unwrap();
    sqlx::query("lock table event_ids in exclusive mode").execute(&mut *lock).await.unwrap();
    let batch =
        |n: usize| (0..400).map(|k| with(event(&format!("{n}_{k}")), "tags", fresh_tags(n, k))).collect::<Vec<_>>();
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..6 {
        let (backend, scope, events) = (backend.clone(), loud.clone(), batch(n));
        sending.spawn(async move { (n, send_to(&backend, &scope, &events).await) });
    }
    let own = {
        let backend = backend.clone();
        tokio::spawn(async move { send_to(&backend, &quiet, &[event("mine")]).await })
    };
    while crate::events::waiting(&backend) < 6 * 400 + 1 {
        tokio::task::yield_now().await;
    }
    lock.rollback().await.unwrap();
    assert_eq!(statuses(&own.await.unwrap()), [IngestStatus::Accepted]);
    while let Some(sent) = sending.join_next().await {
        assert_eq!(sent.unwrap().1.accepted, 400);
    }
    fixture.assert_rollups_follow(&loud).await;
}

/// 32 tags that nobody sent before.
fn fresh_tags(n: usize, k: usize) -> Value {
    (0..32).map(|tag| (format!("tag_{n}_{k}_{tag}"), Value::from("x"))).collect()
}

/// However much one organization has waiting, another's event is in the next group that is made: it waits for what is being written when it comes, and for nothing else.
///
/// The writers share one connection here, so that transactions are numbered in the order in which groups are made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_batches_of_one_organization_delay_no_other_by_more_than_one_commit() {
    let fixture = Fixture::new().await;
    let (loud, quiet) = (fixture.organization("loud", "UTC").await, fixture.organization("quiet", "UTC").await);
    let whole: Pools = fixture.database.pool().clone().into();
    let ingest = sqlx::postgres::PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENT);
    let ingest = ingest.connect_with(fixture.database.pool().connect_options().as_ref().clone()).await.unwrap();
    let server = waiting_for(PATIENT, Pools { ingest, ..whole });
    let mut lock = fixture.database.pool().begin().await.unwrap();
    sqlx::query("lock table event_ids in exclusive mode").execute(&mut *lock).await.unwrap();
    let send = |scope: &crate::OrgScope, ids: Vec<String>| {
        let (backend, scope) = (server.clone(), scope.clone());
        let tagged = |id: &String| with(event(id), "tags", serde_json::json!({"fresh": id}));
        let body = serde_json::Value::from(ids.iter().map(tagged).collect::<Vec<_>>()).to_string();
        tokio::spawn(async move {
            crate::events::ingest(&backend, &scope, &crate::events::split(body.as_bytes(), false).unwrap()).await
        })
    };
    // As many batches as there is room for: several transactions' worth. Both writers are held up by the lock.
    let batches: Vec<_> =
        (0..9).map(|batch| send(&loud, (0..2_000).map(|n| format!("b{batch}-{n}")).collect())).collect();
    while crate::events::waiting(&server) < 18_000 {
        tokio::task::yield_now().await;
    }
    let event = send(&quiet, vec!["q".to_owned()]);
    while crate::events::waiting(&server) < 18_001 {
        tokio::task::yield_now().await;
    }
    lock.rollback().await.unwrap();
    assert_eq!(event.await.unwrap().unwrap().accepted, 1);
    for batch in batches {
        assert_eq!(batch.await.unwrap().unwrap().accepted, 2_000);
    }
    let own = fixture.count("select xmin::text::bigint from events where id = 'q'").await;
    let before = "select count(distinct xmin::text) from events where id <> 'q' and xmin::text::bigint < $1";
    let before: i64 = sqlx::query_scalar(before).bind(own).fetch_one(fixture.database.pool()).await.unwrap();
    assert!(before <= 2, "what both writers had in hand, and nothing of what waited");
    let whole = "select count(distinct xmin::text) from events";
    assert!(fixture.count(whole).await > 2, "it took several transactions");
}
