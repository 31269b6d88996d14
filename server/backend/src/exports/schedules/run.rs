//! Runs: planned when days are over or have moved, claimed by one server at a time, tried again, given up.

use super::store::{Failure, Storage};
use super::upload::{Broken, PART, abort, upload};
use super::{opened, sql};
use crate::delivery::{self, Button, Letter, NewMail, Row, without_links};
use crate::exports::{file, manifest};
use crate::{Backend, Error, OrgScope, hashed, identity, steps};
use chrono::{DateTime, Duration, NaiveDate, SecondsFormat, Utc};
use domain::export::ExportFile;
use domain::focus::query::FocusQuery;
use domain::format;
use domain::identity::Permission;
use domain::ids::ExportRunId;
use domain::money::exact;
use domain::period::Period;
use domain::problem::Problem;
use domain::project::Slug;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use rust_decimal::Decimal;
use serde::Serialize;
use sql::{Claimed, Then};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// A claimed run is somebody else's after so many seconds without a sign of its server.
const LEASE_SECS: i64 = 90;
/// Between two signs.
const SIGN: std::time::Duration = std::time::Duration::from_secs(30);
/// Seconds to wait after the first, second … failed attempt; after the last one the run is given up (about nine hours).
const BACK_OFF_SECS: [i64; 5] = [60, 300, 1_800, 7_200, 21_600];

/// Makes files until `stop`, one at a time. Any number of servers may do it.
///
/// # Errors
/// [`Error::Database`]: start it again after a while; nothing is lost.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn run_worker(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    steps::run(&backend.pool, super::CHANNEL, stop, || step(backend, stop)).await
}

/// Plans and makes everything that is due now; how many steps that took.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn run_due(backend: &Backend) -> Result<usize, Error> {
    let (never, mut steps) = (CancellationToken::new(), 0);
    while step(backend, &never).await? {
        steps += 1;
    }
    Ok(steps)
}

async fn step(backend: &Backend, stop: &CancellationToken) -> Result<bool, Error> {
    if plan_next(backend).await? {
        return Ok(true);
    }
    let now = backend.clock.now();
    let Some(run) = sql::claim(&backend.pool, now, lease(now)).await? else { return Ok(false) };
    // Where the organization was deleted meanwhile, its runs went with it.
    if let Some(scope) = identity::system_scope_if_there(backend, run.org_id).await? {
        Box::pin(attempt(backend, &scope, &run, stop)).await?;
    }
    Ok(true)
}

fn lease(now: DateTime<Utc>) -> DateTime<Utc> {
    now + Duration::seconds(LEASE_SECS)
}

/// Plans the files of a schedule whose hour has struck: of days that ended, and of days that moved since.
async fn plan_next(backend: &Backend) -> Result<bool, Error> {
    let now = backend.clock.now();
    let mut transaction = backend.pool.begin().await?;
    let Some((org_id, name)) = sql::due(&mut transaction, now).await? else { return Ok(false) };
    let Some(scope) = identity::system_scope_if_there(backend, org_id).await? else { return Ok(false) };
    let found = sql::lock_schedule(&mut transaction, &scope, &name).await?;
    let Some((schedule, created_at)) = found else { return Ok(false) };
    let zone = scope.zone();
    let spans: Vec<Period> = schedule.cadence.finished_lately(zone.day_of(now)).collect();
    let [Some(newest), Some(oldest)] = [spans.first(), spans.last()] else { return Ok(false) };
    let whole = Period { from: oldest.from, to: newest.to };
    let days = sql::day_versions(&mut transaction, &scope, whole).await?;
    let done = sql::done_versions(&mut transaction, &scope, &name).await?;
    for span in spans.iter().rev() {
        let is_wanted = match done.get(span) {
            Some(version) => *version != version_of(&days, *span),
            None => span.to >= zone.day_of(created_at),
        };
        if is_wanted {
            let run_id = ExportRunId(backend.clock.new_id());
            sql::plan(&mut transaction, &scope, &name, *span, run_id, now).await?;
        }
    }
    sql::set_next(&mut transaction, &scope, &name, schedule.next_at(zone, now)).await?;
    transaction.commit().await?;
    Ok(true)
}

/// One word for the state of some days' sums.
fn version_of(days: &BTreeMap<NaiveDate, i64>, span: Period) -> String {
    let days = days.range(span.from..span.to).map(|(day, version)| format!("{day} {version}"));
    hashed(&days.collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>())
}

async fn attempt(backend: &Backend, scope: &OrgScope, run: &Claimed, stop: &CancellationToken) -> Result<(), Error> {
    let made = tokio::select! {
        made = make(backend, scope, run) => made,
        // Another server has it now.
        lost = hold(backend, run) => return lost,
        () = stop.cancelled() => return sql::release(&backend.pool, run, backend.clock.now()).await,
    };
    let failure = match made {
        Ok(()) => return Ok(()),
        Err(Broken::Storage(failure)) => failure,
        Err(Broken::Ours(Error::Problem(problem))) => Failure { text: problem.detail(), is_final: true },
        Err(Broken::Ours(error)) => {
            tracing::error!(org_id = %run.org_id, schedule = %run.schedule, %error, "a scheduled export broke off");
            Failure { text: "The server could not read the rows; its log says why.".to_owned(), is_final: false }
        }
    };
    tracing::info!(org_id = %run.org_id, schedule = %run.schedule, attempts = run.attempts, answer = failure.text, "scheduled export failed");
    failed(backend, scope, run, &failure).await
}

/// Keeps the run's lease; returns when it is lost.
async fn hold(backend: &Backend, run: &Claimed) -> Result<(), Error> {
    loop {
        tokio::time::sleep(SIGN).await;
        if !sql::renew(&backend.pool, run, lease(backend.clock.now())).await? {
            return Ok(());
        }
    }
}

/// Makes the file with its manifest.
async fn make(backend: &Backend, scope: &OrgScope, run: &Claimed) -> Result<(), Broken> {
    let schedules = sql::schedules(&backend.pool, scope).await?;
    let schedule = schedules.into_iter().map(|state| state.schedule).find(|schedule| schedule.name == run.schedule);
    let schedule = schedule.ok_or(Error::Problem(Problem::NotFound))?;
    let (place, store) = opened(backend, scope, &schedule.destination).await?;
    if let Some((object, upload)) = &run.left {
        abort(&*store, &Path::from(object.as_str()), upload).await;
    }
    // Read before the rows: what moves meanwhile leads to another file.
    let mut connection = backend.pool.acquire().await.map_err(Error::from)?;
    let data_version = version_of(&sql::day_versions(&mut connection, scope, run.span).await?, run.span);
    drop(connection);
    let query = schedule.query(run.span);
    let object = place.object(&schedule.name, &query.file_name());
    let written = Box::pin(send(backend, scope, run, &*store, &query, &object)).await?;
    let now = backend.clock.now();
    put_manifest(backend, scope, &*store, &query, &written, now).await?;
    sql::done(&backend.pool, run, &written.file, &data_version, now).await?;
    Ok(())
}

/// A file that lies in the storage.
struct Written {
    file: ExportFile,
    billed: Decimal,
}

async fn send(
    backend: &Backend,
    scope: &OrgScope,
    run: &Claimed,
    store: &dyn Storage,
    query: &FocusQuery,
    object: &str,
) -> Result<Written, Broken> {
    let path = Path::from(object);
    let pieces = Box::pin(file(backend, scope, query)).await?;
    let id = store.create_multipart(&path).await?;
    if !sql::begun(&backend.pool, run, object, &id).await? {
        abort(store, &path, &id).await;
        return Err(Error::server("scheduled export", "another server has the run").into());
    }
    let uploaded = Box::pin(upload(store, &path, &id, pieces, PART)).await?;
    let revision = sql::files(&backend.pool, scope, run).await?.saturating_add(1);
    let file = ExportFile {
        object: object.to_owned(),
        revision,
        bytes: uploaded.bytes,
        rows: uploaded.rows,
        sha256: uploaded.sha256,
    };
    Ok(Written { file, billed: uploaded.billed })
}

/// What stands beside a file, so that a reader knows whether it is whole and new.
#[derive(Serialize)]
struct ManifestDocument<'a> {
    object: &'a str,
    revision: u32,
    bytes: u64,
    rows: u64,
    sha256: &'a str,
    focus_version: &'static str,
    format: &'static str,
    from: NaiveDate,
    to: NaiveDate,
    time_zone: String,
    billed_cost: String,
    currency: &'static str,
    requests: i64,
    unpriced_requests: i64,
    made_at: String,
}

async fn put_manifest(
    backend: &Backend,
    scope: &OrgScope,
    store: &dyn Storage,
    query: &FocusQuery,
    Written { file, billed }: &Written,
    now: DateTime<Utc>,
) -> Result<(), Broken> {
    let sums = manifest(backend, scope, query).await?;
    let document = ManifestDocument {
        object: &file.object,
        revision: file.revision,
        bytes: file.bytes,
        rows: file.rows,
        sha256: &file.sha256,
        focus_version: query.version.as_str(),
        format: query.format.as_str(),
        from: query.period.from,
        to: query.period.to,
        time_zone: sums.time_zone,
        billed_cost: exact(*billed),
        currency: "USD",
        requests: sums.requests,
        unpriced_requests: sums.unpriced_requests,
        made_at: now.to_rfc3339_opts(SecondsFormat::Secs, true),
    };
    let json = serde_json::to_vec_pretty(&document).map_err(|error| Error::server("scheduled export", error))?;
    let path = Path::from(format!("{}.manifest.json", file.object));
    store.put(&path, PutPayload::from(json)).await?;
    Ok(())
}

/// Tries again later, or gives the run up: its schedule then rests, and whoever can mend it is told.
async fn failed(backend: &Backend, scope: &OrgScope, run: &Claimed, failure: &Failure) -> Result<(), Error> {
    let now = backend.clock.now();
    let wait = usize::try_from(run.attempts).ok().and_then(|attempts| BACK_OFF_SECS.get(attempts.checked_sub(1)?));
    let then = match wait {
        Some(wait) if !failure.is_final => Then::Again(now + Duration::seconds(*wait)),
        _ => Then::GivenUp,
    };
    let mut transaction = backend.pool.begin().await?;
    let is_ours = sql::failed(&mut transaction, run, &failure.text, then, now).await?;
    if is_ours && matches!(then, Then::GivenUp) {
        sql::pause(&mut transaction, scope, &run.schedule, now).await?;
        tell(backend, scope, &mut transaction, run, &failure.text).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn tell(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    run: &Claimed,
    answer: &str,
) -> Result<(), Error> {
    let organization = identity::organization(backend, scope).await?;
    let letter = letter(backend, &organization.slug, &run.schedule, run, answer);
    let parts = letter.render()?;
    for member in identity::list_members(backend, scope).await? {
        if !member.role.may(Permission::ManageOrganization) {
            continue;
        }
        let mail = NewMail {
            org_id: Some(scope.org_id()),
            kind: "export_paused",
            recipient: member.email,
            subject: letter.title.clone(),
            text: parts.text.clone(),
            html: parts.html.clone(),
            alert_id: None,
        };
        match delivery::enqueue(backend, connection, mail).await {
            // "Needs attention" says it all the same.
            Ok(_) | Err(Error::Problem(Problem::RateLimited { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn letter(backend: &Backend, org: &str, schedule: &Slug, run: &Claimed, answer: &str) -> Letter {
    let days = format!("{} – {}", format::day_year(run.span.from), format::day_year(run.span.last_day()));
    let row = |name: &str, value: String| Row { name: name.to_owned(), value };
    Letter {
        title: format!("Scheduled export {} is paused", without_links(schedule.as_str())),
        paragraphs: vec![
            "Its last file could not be sent, so no more files are made. Fix what the storage says, test the destination, and run the schedule again.".to_owned(),
        ],
        rows: vec![row("Days", days), row("Attempts", run.attempts.to_string()), row("Answer", without_links(answer))],
        button: Some(Button {
            label: "Open scheduled exports".to_owned(),
            url: format!("{}/o/{org}/exports/scheduled", backend.public_url),
        }),
        why: vec!["This mail goes to every owner and admin of the organization.".to_owned()],
        ..Letter::default()
    }
}
