//! Scheduled exports against a storage that speaks S3: whole files or none, whatever breaks between.

use crate::support::{Server, at};
use backend::exports::schedules::{self, Settings};
use backend::{Backend, OrgScope, exports, spend};
use chrono::Duration;
use domain::export::{Cadence, DestinationForm, ExportRun, ExportRunState, ScheduleForm};
use domain::identity::Role;
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::Attention;
use futures::TryStreamExt;
use serde_json::Value;
use sha2::{Digest, Sha256};
use testkit::seed::{self, Organization};
use testkit::{Fault, ObjectStorage};

/// 06:30 of a Friday in Kolkata.
const NOW: &str = "2026-11-20T01:00:00Z";
const FILE: &str = "llm/daily/focus-1.2-2026-11-19-2026-11-20.csv";
const MANIFEST: &str = "llm/daily/focus-1.2-2026-11-19-2026-11-20.csv.manifest.json";

struct World {
    server: Server,
    backend: Backend,
    storage: ObjectStorage,
    acme: Organization,
}

impl World {
    /// An organization with a destination and a daily schedule at six, and usage of yesterday.
    async fn new() -> Self {
        let server = Server::at(NOW).await;
        let backend = server.backend.clone().with_storage(seed::storage());
        let storage = ObjectStorage::start().await;
        let acme = server.organization("Acme", "Asia/Kolkata").await;
        acme.spend("2026-11-19", "12.5").await;
        let world = Self { server, backend, storage, acme };
        world.save(ObjectStorage::SECRET).await;
        let form =
            ScheduleForm { destination: "lake".to_owned(), cadence: "daily".to_owned(), hour: 6, ..Default::default() };
        assert!(schedules::save_schedule(&world.backend, world.owner(), "daily", &form).await.unwrap());
        world
    }

    fn owner(&self) -> &OrgScope {
        &self.acme.owner
    }

    async fn save(&self, secret: &str) -> bool {
        let form = DestinationForm {
            kind: "s3".to_owned(),
            endpoint: self.storage.endpoint(),
            bucket: ObjectStorage::BUCKET.to_owned(),
            prefix: "llm".to_owned(),
            account: ObjectStorage::KEY_ID.to_owned(),
            ..DestinationForm::default()
        };
        schedules::save_destination(&self.backend, self.owner(), "lake", &form, &secret.into()).await.unwrap()
    }

    async fn run_now(&self) {
        schedules::run_now(&self.backend, self.owner(), "daily").await.unwrap();
        self.work().await;
    }

    async fn work(&self) {
        schedules::run_due(&self.backend).await.unwrap();
    }

    /// The newest first.
    async fn runs(&self) -> Vec<ExportRun> {
        schedules::runs(&self.backend, self.owner(), Some("daily")).await.unwrap()
    }

    async fn last(&self) -> ExportRun {
        self.runs().await.remove(0)
    }

    /// The file lies there as a download would be now, with the manifest that fits it, and nothing else does.
    async fn assert_whole(&self, revision: u64) {
        let span = Period::new("2026-11-19".parse().unwrap(), "2026-11-20".parse().unwrap()).unwrap();
        let query = domain::focus::query::FocusQuery::over(span);
        let pieces = exports::file(&self.backend, self.owner(), &query).await.unwrap();
        let bytes: Vec<u8> = pieces.map_ok(|piece| piece.bytes).try_concat().await.unwrap();
        assert_eq!(self.storage.object(FILE).unwrap(), bytes);
        let manifest: Value = serde_json::from_slice(&self.storage.object(MANIFEST).unwrap()).unwrap();
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(manifest["sha256"], hash);
        assert_eq!((&manifest["bytes"], &manifest["revision"]), (&bytes.len().into(), &revision.into()));
        assert_eq!(self.storage.objects(), [FILE, MANIFEST]);
        assert_eq!(self.storage.leftovers(), 0);
    }
}

#[tokio::test]
async fn a_day_is_sent_once_it_is_over_and_again_when_it_moved() {
    let world = World::new().await;
    world.work().await;
    assert_eq!(world.storage.objects(), [""; 0], "its hour has not struck since it was made");
    world.server.clock.set(at("2026-11-21T00:30:00Z"));
    world.work().await;
    let runs = world.runs().await;
    let spans: Vec<_> = runs.iter().map(|run| run.span.from.to_string()).collect();
    assert_eq!(spans, ["2026-11-20", "2026-11-19"], "days that ended since the day it was made");
    let file = runs[1].file.as_ref().unwrap();
    let lines = String::from_utf8(world.storage.object(FILE).unwrap()).unwrap().lines().count();
    assert_eq!((file.object.as_str(), file.revision, file.rows), (FILE, 1, lines as u64 - 1));
    let manifest: Value = serde_json::from_slice(&world.storage.object(MANIFEST).unwrap()).unwrap();
    assert_eq!(manifest["billed_cost"], "12.500000000000");
    assert_eq!(manifest["time_zone"], "Asia/Kolkata");

    world.server.clock.advance(Duration::hours(1));
    world.work().await;
    assert_eq!(world.runs().await.len(), 2, "nothing is due");

    world.acme.spend("2026-11-19", "1").await;
    world.server.clock.set(at("2026-11-22T00:30:00Z"));
    world.work().await;
    let runs = world.runs().await;
    let told: Vec<_> =
        runs.iter().map(|run| (run.span.from.to_string(), run.file.as_ref().unwrap().revision)).collect();
    let expected = [("2026-11-21", 1), ("2026-11-19", 2), ("2026-11-20", 1), ("2026-11-19", 1)];
    assert_eq!(told, expected.map(|(day, revision)| (day.to_owned(), revision)), "a late event came for the 19th");
    let manifest: Value = serde_json::from_slice(&world.storage.object(MANIFEST).unwrap()).unwrap();
    assert_eq!(manifest["billed_cost"], "13.500000000000");
}

#[tokio::test]
async fn run_now_sends_the_day_that_ended_last() {
    let world = World::new().await;
    world.run_now().await;
    world.assert_whole(1).await;
    let run = world.last().await;
    assert_eq!((run.state, run.attempts, run.error), (ExportRunState::Done, 1, None));
    assert_eq!(Cadence::Daily.finished("2026-11-20".parse().unwrap()), run.span);
    world.run_now().await;
    world.assert_whole(2).await;
}

/// Each fault is more than one request's retries can mend, and the next attempt finds the storage well again.
#[tokio::test]
async fn an_attempt_that_breaks_off_leaves_nothing_and_the_next_one_is_whole() {
    for (like, fault, times) in [
        ("POST /lake/llm/daily/focus-1.2-2026-11-19-2026-11-20.csv?uploads", Fault::Unavailable, 4),
        ("partNumber=1", Fault::Unavailable, 4),
        ("partNumber=1", Fault::Cut, 4),
        ("POST /lake/llm/daily/focus-1.2-2026-11-19-2026-11-20.csv?uploadId", Fault::Cut, 4),
        ("manifest.json", Fault::Unavailable, 4),
    ] {
        let world = World::new().await;
        world.storage.fail(like, fault, times);
        world.run_now().await;
        let run = world.last().await;
        assert_eq!((run.state, run.attempts), (ExportRunState::Planned, 1), "{like} {fault:?}");
        let answer = run.error.unwrap();
        assert!(answer.starts_with("The storage "), "{answer}");
        assert_eq!(world.storage.object(MANIFEST), None, "no manifest says that the file is whole");
        assert_eq!(world.storage.leftovers(), 0, "{like} {fault:?}");
        assert_eq!(run.next_attempt_at.unwrap().to_utc(), at(NOW) + Duration::seconds(60));
        world.work().await;
        assert_eq!(world.last().await.attempts, 1, "not before its time");
        world.server.clock.advance(Duration::seconds(60));
        world.work().await;
        assert_eq!((world.last().await.state, world.last().await.error), (ExportRunState::Done, None));
        world.assert_whole(1).await;
    }
}

#[tokio::test]
async fn a_part_that_breaks_is_sent_again_at_once() {
    let world = World::new().await;
    world.storage.fail("partNumber=1", Fault::Cut, 1);
    world.storage.fail("partNumber=1", Fault::Unavailable, 1);
    world.run_now().await;
    assert_eq!(world.last().await.attempts, 1);
    world.assert_whole(1).await;
    let parts = world.storage.requests().into_iter().filter(|request| request.contains("partNumber=1"));
    assert_eq!(parts.count(), 3);
}

/// The storage may have made the object although nobody heard of it.
#[tokio::test]
async fn an_answer_that_is_lost_ends_in_one_whole_file() {
    let world = World::new().await;
    world.storage.fail("csv?uploadId", Fault::HangUp, 1);
    world.run_now().await;
    world.server.clock.advance(Duration::seconds(60));
    world.work().await;
    assert_eq!(world.last().await.state, ExportRunState::Done);
    world.assert_whole(1).await;
}

#[tokio::test]
async fn another_server_goes_on_where_one_was_killed() {
    let world = World::new().await;
    world.storage.fail("partNumber=1", Fault::Stall, 1);
    schedules::run_now(&world.backend, world.owner(), "daily").await.unwrap();
    let doomed = world.backend.clone();
    let doomed = tokio::spawn(async move { schedules::run_due(&doomed).await });
    world.storage.asked("partNumber=1").await;
    assert_eq!(schedules::run_due(&world.backend).await.unwrap(), 0, "the run is the other's");
    doomed.abort();
    assert!(doomed.await.unwrap_err().is_cancelled());
    assert_eq!(world.storage.objects(), [""; 0]);
    assert_ne!(world.storage.leftovers(), 0, "it had no time to tidy up");
    let another = world.server.another().await.with_storage(seed::storage());
    assert_eq!(schedules::run_due(&another).await.unwrap(), 0, "it may still be at it");
    world.server.clock.advance(Duration::seconds(90));
    assert_eq!(schedules::run_due(&another).await.unwrap(), 1);
    assert_eq!((world.last().await.state, world.last().await.attempts), (ExportRunState::Done, 2));
    world.assert_whole(1).await;
}

#[tokio::test]
async fn a_schedule_whose_storage_refuses_rests_until_somebody_has_looked() {
    let world = World::new().await;
    world.acme.member("ada@acme.example", Role::Admin).await;
    world.acme.member("vi@acme.example", Role::Viewer).await;
    world.save("another secret").await;
    world.run_now().await;
    let run = world.last().await;
    assert_eq!((run.state, run.attempts), (ExportRunState::Failed, 1), "trying again cannot help");
    let answer = run.error.unwrap();
    assert!(answer.starts_with("The storage refused access"), "{answer}");
    assert!(answer.contains("SignatureDoesNotMatch") && !answer.contains("another secret"), "{answer}");
    let state = schedules::schedules(&world.backend, world.owner()).await.unwrap().remove(0);
    assert_eq!(state.paused_at.unwrap().to_utc(), at(NOW));
    let mut told: Vec<_> = backend::delivery::shown(&local(&world.backend)).await.unwrap();
    told.retain(|mail| mail.subject == "Scheduled export daily is paused");
    let mut to: Vec<_> = told.iter().map(|mail| mail.recipient.clone()).collect();
    to.sort();
    assert_eq!(to, ["ada@acme.example", world.acme.email.as_str()], "owners and admins");
    assert!(told[0].text.contains("/o/acme/exports/scheduled"), "{}", told[0].text);
    let ahead = backend::forecast::forecast_inputs(&world.backend, world.owner()).await.unwrap();
    let attention = spend::attention(&world.backend, world.owner(), &ahead).await.unwrap();
    assert!(attention.contains(&Attention::PausedExports { count: 1 }), "{attention:?}");

    world.server.clock.set(at("2026-11-21T00:30:00Z"));
    world.work().await;
    assert_eq!(world.runs().await.len(), 1, "it rests");
    assert!(!world.save(ObjectStorage::SECRET).await, "replaced");
    world.run_now().await;
    let state = schedules::schedules(&world.backend, world.owner()).await.unwrap().remove(0);
    assert_eq!(state.paused_at, None);
    world.server.clock.set(at("2026-11-22T00:30:00Z"));
    world.work().await;
    assert!(world.storage.object(FILE).is_some(), "what was missed comes after");
}

/// The same database as local mode sees it, where mails are shown.
fn local(backend: &Backend) -> Backend {
    let mut local = backend.clone();
    local.local = true;
    local
}

#[tokio::test]
async fn attempts_stretch_over_hours_and_end() {
    let world = World::new().await;
    world.storage.fail("partNumber", Fault::Unavailable, 1_000);
    world.run_now().await;
    for (attempt, wait) in (1..).zip([60, 300, 1_800, 7_200, 21_600]) {
        assert_eq!((world.last().await.state, world.last().await.attempts), (ExportRunState::Planned, attempt));
        world.server.clock.advance(Duration::seconds(wait));
        world.work().await;
    }
    assert_eq!((world.last().await.state, world.last().await.attempts), (ExportRunState::Failed, 6));
}

#[tokio::test]
async fn a_test_writes_and_deletes_and_says_what_came_back() {
    let world = World::new().await;
    let test = async || schedules::test_destination(&world.backend, world.owner(), "lake").await.unwrap();
    assert_eq!(test().await, None);
    assert_eq!(world.storage.objects(), [""; 0]);
    let asked = world.storage.requests();
    assert!(
        asked[0].starts_with("PUT /lake/llm/lake/tallystick-test-") && asked[1] == "POST /lake?delete",
        "{asked:?}"
    );
    world.storage.fail("?delete", Fault::Unavailable, 4);
    assert!(test().await.unwrap().starts_with("The test file llm/lake/tallystick-test-"));
    let destination = schedules::destinations(&world.backend, world.owner()).await.unwrap().remove(0);
    let (tested_at, error) = destination.tested.unwrap();
    assert_eq!(tested_at.to_utc(), at(NOW));
    assert!(error.unwrap().contains("was written, but not deleted"));
}

#[tokio::test]
async fn no_request_goes_to_a_private_address_unless_the_operator_allows_it() {
    let world = World::new().await;
    let strict = world.backend.clone().with_storage(Settings { allow_private: false, ..seed::storage() });
    let plain = DestinationForm {
        kind: "s3".to_owned(),
        endpoint: world.storage.endpoint(),
        bucket: "lake".to_owned(),
        account: "AKIA0001".to_owned(),
        ..DestinationForm::default()
    };
    let save = async |form: &DestinationForm| {
        schedules::save_destination(&strict, world.owner(), "inside", form, &"secret".into()).await
    };
    assert_eq!(save(&plain).await.unwrap_err().into_problem().fields()[0].pointer, "endpoint");
    let port = world.storage.endpoint().rsplit(':').next().unwrap().to_owned();
    for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"] {
        let form = DestinationForm { endpoint: format!("https://{host}:{port}"), ..plain.clone() };
        save(&form).await.unwrap();
        let answer = schedules::test_destination(&strict, world.owner(), "inside").await.unwrap().unwrap();
        assert!(answer.contains("ALLOW_PRIVATE_STORAGE"), "{host}: {answer}");
    }
    assert_eq!(world.storage.requests(), [""; 0]);
}

#[tokio::test]
async fn a_secret_lies_encrypted_and_opens_with_its_key_alone() {
    let world = World::new().await;
    let pool = &world.backend.pool;
    let sealed: Vec<u8> = sqlx::query_scalar("select secret from export_destinations").fetch_one(pool).await.unwrap();
    let secret = ObjectStorage::SECRET.as_bytes();
    assert!(!sealed.windows(secret.len()).any(|part| part == secret));
    let audit: Vec<String> = sqlx::query_scalar("select detail from audit_log").fetch_all(pool).await.unwrap();
    assert!(audit.iter().any(|detail| detail == "Saved the export destination lake: s3://lake/llm."), "{audit:?}");
    assert!(audit.iter().all(|detail| !detail.contains(ObjectStorage::SECRET)));
    let refused = |error: backend::Error| error.into_problem().detail();
    let without = world.backend.clone().with_storage(Settings { secrets: None, ..seed::storage() });
    let test = schedules::test_destination(&without, world.owner(), "lake").await;
    assert!(refused(test.unwrap_err()).contains("SECRETS_KEY is another one"));
    let form = DestinationForm { kind: "gcs".to_owned(), bucket: "lake".to_owned(), ..DestinationForm::default() };
    let wrong = schedules::save_destination(&without, world.owner(), "google", &form, &"{}".into()).await;
    assert_eq!(wrong.unwrap_err().into_problem().fields()[0].pointer, "secret");
    // What was sealed for one name opens for no other.
    sqlx::query("insert into export_destinations (org_id, name, kind, endpoint, region, bucket, prefix, account, secret, saved_at)
                 select org_id, 'copy', kind, endpoint, region, bucket, prefix, account, secret, saved_at from export_destinations")
        .execute(pool)
        .await
        .unwrap();
    let copied = schedules::test_destination(&world.backend, world.owner(), "copy").await;
    assert!(refused(copied.unwrap_err()).contains("SECRETS_KEY is another one"));
}

#[tokio::test]
async fn a_destination_goes_only_when_no_schedule_needs_it() {
    let world = World::new().await;
    let delete = async || schedules::delete_destination(&world.backend, world.owner(), "lake").await;
    assert!(matches!(delete().await.unwrap_err().into_problem(), Problem::Conflict { .. }));
    let globex = world.server.organization("Globex", "UTC").await;
    let theirs = schedules::delete_schedule(&world.backend, &globex.owner, "daily").await;
    assert_eq!(theirs.unwrap_err().into_problem(), Problem::NotFound);
    world.run_now().await;
    schedules::delete_schedule(&world.backend, world.owner(), "daily").await.unwrap();
    delete().await.unwrap();
    assert!(world.storage.object(FILE).is_some(), "files stay");
    let unknown = ScheduleForm { destination: "lake".to_owned(), cadence: "daily".to_owned(), ..Default::default() };
    let refused = schedules::save_schedule(&world.backend, world.owner(), "daily", &unknown).await;
    assert_eq!(refused.unwrap_err().into_problem().fields()[0].pointer, "destination");
}
