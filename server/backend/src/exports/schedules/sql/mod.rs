//! Queries of destinations, schedules and runs. The worker serves all organizations: what it claims takes no scope.

mod destinations;

pub(super) use destinations::{delete_destination, destinations, save_destination, sealed, tested};

use crate::error::OnConstraint;
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::export::{ExportFile, ExportRun, ExportRunState, Schedule, ScheduleForm, ScheduleState};
use domain::ids::{ExportRunId, OrgId};
use domain::period::Period;
use domain::problem::Problem;
use domain::project::Slug;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

fn word<T: FromStr>(row: &PgRow, table: &'static str, column: &'static str) -> Result<T, Error> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| Error::inconsistent(table, column, text))
}

fn slug(row: &PgRow, table: &'static str, column: &'static str) -> Result<Slug, Error> {
    let text: &str = row.try_get(column)?;
    Slug::parse(text).map_err(|_| Error::inconsistent(table, column, text))
}

fn schedule(row: &PgRow) -> Result<Schedule, Error> {
    let hour: i16 = row.try_get("hour")?;
    let form = ScheduleForm {
        destination: row.try_get("destination")?,
        cadence: row.try_get("cadence")?,
        hour: u8::try_from(hour).map_err(|_| Error::inconsistent("export_schedules", "hour", hour))?,
        version: row.try_get("version")?,
        format: row.try_get("format")?,
        bucket: row.try_get("bucket")?,
        tags: row.try_get("tags")?,
    };
    let name: &str = row.try_get("name")?;
    form.parse(name).map_err(|wrong| Error::inconsistent("export_schedules", "name", format!("{name}: {wrong:?}")))
}

pub(super) async fn schedules(pool: &PgPool, scope: &OrgScope) -> Result<Vec<ScheduleState>, Error> {
    let rows = sqlx::query(
        "select name, destination, cadence, hour, version, format, bucket, tags, next_at, paused_at
         from export_schedules where org_id = $1 order by name",
    )
    .bind(scope.org_id().0)
    .fetch_all(pool)
    .await?;
    let zone = scope.zone();
    let state = |row: &PgRow| {
        let paused_at: Option<DateTime<Utc>> = row.try_get("paused_at")?;
        Ok(ScheduleState {
            schedule: schedule(row)?,
            next_at: zone.local(row.try_get("next_at")?),
            paused_at: paused_at.map(|at| zone.local(at)),
        })
    };
    rows.iter().map(state).collect()
}

pub(super) async fn count_paused(pool: &PgPool, scope: &OrgScope) -> Result<u64, Error> {
    let paused: i64 =
        sqlx::query_scalar("select count(*) from export_schedules where org_id = $1 and paused_at is not null")
            .bind(scope.org_id().0)
            .fetch_one(pool)
            .await?;
    Ok(paused.unsigned_abs())
}

/// A schedule, locked, and the day on which it began.
pub(super) async fn lock_schedule(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: &Slug,
) -> Result<Option<(Schedule, DateTime<Utc>)>, Error> {
    let row = sqlx::query(
        "select name, destination, cadence, hour, version, format, bucket, tags, created_at
         from export_schedules where org_id = $1 and name = $2 for no key update",
    )
    .bind(scope.org_id().0)
    .bind(name.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((schedule(&row)?, row.try_get("created_at")?))).transpose()
}

/// Whether it is new. Its pause ends.
pub(super) async fn save_schedule(
    connection: &mut PgConnection,
    scope: &OrgScope,
    new: &Schedule,
    next_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let form = new.form();
    let unknown = || Problem::field("destination", "unknown", "Choose a destination of this organization.");
    let is_new = sqlx::query_scalar(
        "insert into export_schedules
             (org_id, name, destination, cadence, hour, version, format, bucket, tags, created_at, next_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict on constraint export_schedules_pkey do update set
             destination = excluded.destination, cadence = excluded.cadence, hour = excluded.hour,
             version = excluded.version, format = excluded.format, bucket = excluded.bucket, tags = excluded.tags,
             next_at = excluded.next_at, paused_at = null
         returning xmax = 0",
    )
    .bind(scope.org_id().0)
    .bind(new.name.as_str())
    .bind(form.destination)
    .bind(form.cadence)
    .bind(i16::from(form.hour))
    .bind(form.version)
    .bind(form.format)
    .bind(form.bucket)
    .bind(form.tags)
    .bind(now)
    .bind(next_at)
    .fetch_one(connection)
    .await
    .on_constraint("export_schedules_destination_fkey", unknown)?;
    Ok(is_new)
}

/// Whether there was one.
pub(super) async fn delete_schedule(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: &Slug,
) -> Result<bool, Error> {
    let done = sqlx::query("delete from export_schedules where org_id = $1 and name = $2")
        .bind(scope.org_id().0)
        .bind(name.as_str())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// A schedule whose hour has struck, locked until the transaction ends.
pub(super) async fn due(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<Option<(OrgId, Slug)>, Error> {
    let row = sqlx::query(
        "select org_id, name from export_schedules where next_at <= $1 and paused_at is null
         order by next_at limit 1 for no key update skip locked",
    )
    .bind(now)
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((OrgId(row.try_get("org_id")?), slug(&row, "export_schedules", "name")?))).transpose()
}

pub(super) async fn set_next(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: &Slug,
    next_at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update export_schedules set next_at = $3, paused_at = null where org_id = $1 and name = $2")
        .bind(scope.org_id().0)
        .bind(name.as_str())
        .bind(next_at)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn pause(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: &Slug,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update export_schedules set paused_at = $3 where org_id = $1 and name = $2")
        .bind(scope.org_id().0)
        .bind(name.as_str())
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// The versions of the days of a period that have sums.
pub(super) async fn day_versions(
    connection: &mut PgConnection,
    scope: &OrgScope,
    period: Period,
) -> Result<BTreeMap<NaiveDate, i64>, Error> {
    let rows = sqlx::query("select day, version from rollup_version where org_id = $1 and day >= $2 and day < $3")
        .bind(scope.org_id().0)
        .bind(period.from)
        .bind(period.to)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("day")?, row.try_get("version")?))).collect()
}

/// Of the days of which a schedule has files, the versions that the newest was made of.
pub(super) async fn done_versions(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: &Slug,
) -> Result<HashMap<Period, String>, Error> {
    let rows = sqlx::query(
        "select distinct on (valid_from, valid_to) valid_from, valid_to, data_version from export_runs
         where org_id = $1 and schedule = $2 and state = 'done'
         order by valid_from, valid_to, finished_at desc",
    )
    .bind(scope.org_id().0)
    .bind(name.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((span(row)?, row.try_get("data_version")?))).collect()
}

fn span(row: &PgRow) -> Result<Period, Error> {
    Ok(Period { from: row.try_get("valid_from")?, to: row.try_get("valid_to")? })
}

/// Plans a file of some days; one that waits already is due now.
pub(super) async fn plan(
    connection: &mut PgConnection,
    scope: &OrgScope,
    name: &Slug,
    span: Period,
    run_id: ExportRunId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into export_runs as held
             (org_id, run_id, schedule, valid_from, valid_to, state, attempts, planned_at, next_attempt_at)
         values ($1, $2, $3, $4, $5, 'planned', 0, $6, $6)
         on conflict (org_id, schedule, valid_from, valid_to) where state in ('planned', 'running')
         do update set next_attempt_at = case held.state when 'planned' then $6 else held.next_attempt_at end",
    )
    .bind(scope.org_id().0)
    .bind(run_id.0)
    .bind(name.as_str())
    .bind(span.from)
    .bind(span.to)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// A run that this server is at. Its number of attempts tells it from those of others.
#[derive(Clone, Debug)]
pub(super) struct Claimed {
    pub(super) org_id: OrgId,
    pub(super) run_id: ExportRunId,
    pub(super) schedule: Slug,
    pub(super) span: Period,
    pub(super) attempts: u32,
    /// What an attempt left that broke off: the object and the upload's id.
    pub(super) left: Option<(String, String)>,
}

impl Claimed {
    fn attempt(&self) -> i32 {
        i32::try_from(self.attempts).unwrap_or(i32::MAX)
    }
}

pub(super) async fn claim(
    pool: &PgPool,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> Result<Option<Claimed>, Error> {
    let row = sqlx::query(
        "with due as (
             select org_id, run_id from export_runs
             where state in ('planned', 'running') and next_attempt_at <= $1
             order by attempts, next_attempt_at
             limit 1
             for update skip locked
         )
         update export_runs as run
         set state = 'running', attempts = attempts + 1, started_at = $1, next_attempt_at = $2
         from due
         where run.org_id = due.org_id and run.run_id = due.run_id
         returning run.org_id, run.run_id, schedule, valid_from, valid_to, attempts, upload_object, upload_id",
    )
    .bind(now)
    .bind(lease_until)
    .fetch_optional(pool)
    .await?;
    let claimed = |row: PgRow| {
        let attempts: i32 = row.try_get("attempts")?;
        let object: Option<String> = row.try_get("upload_object")?;
        Ok(Claimed {
            org_id: OrgId(row.try_get("org_id")?),
            run_id: ExportRunId(row.try_get("run_id")?),
            schedule: slug(&row, "export_runs", "schedule")?,
            span: span(&row)?,
            attempts: u32::try_from(attempts).map_err(|_| Error::inconsistent("export_runs", "attempts", attempts))?,
            left: object.zip(row.try_get("upload_id")?),
        })
    };
    row.map(claimed).transpose()
}

/// Whether the run is still this server's: its lease goes on.
pub(super) async fn renew(pool: &PgPool, run: &Claimed, lease_until: DateTime<Utc>) -> Result<bool, Error> {
    let done = sqlx::query(
        "update export_runs set next_attempt_at = $4
         where org_id = $1 and run_id = $2 and state = 'running' and attempts = $3",
    )
    .bind(run.org_id.0)
    .bind(run.run_id.0)
    .bind(run.attempt())
    .bind(lease_until)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether the run is still this server's: the upload that has begun is written down.
pub(super) async fn begun(pool: &PgPool, run: &Claimed, object: &str, upload: &str) -> Result<bool, Error> {
    let done = sqlx::query(
        "update export_runs set upload_object = $4, upload_id = $5
         where org_id = $1 and run_id = $2 and state = 'running' and attempts = $3",
    )
    .bind(run.org_id.0)
    .bind(run.run_id.0)
    .bind(run.attempt())
    .bind(object)
    .bind(upload)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How many files of these days there are.
pub(super) async fn files(pool: &PgPool, scope: &OrgScope, run: &Claimed) -> Result<u32, Error> {
    let files: i64 = sqlx::query_scalar(
        "select count(*) from export_runs
         where org_id = $1 and schedule = $2 and valid_from = $3 and valid_to = $4 and state = 'done'",
    )
    .bind(scope.org_id().0)
    .bind(run.schedule.as_str())
    .bind(run.span.from)
    .bind(run.span.to)
    .fetch_one(pool)
    .await?;
    Ok(u32::try_from(files).unwrap_or(u32::MAX))
}

pub(super) async fn done(
    pool: &PgPool,
    run: &Claimed,
    file: &ExportFile,
    data_version: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    sqlx::query(
        "update export_runs
         set state = 'done', finished_at = $4, object = $5, revision = $6, bytes = $7, rows = $8, sha256 = $9,
             data_version = $10, error = null, upload_object = null, upload_id = null
         where org_id = $1 and run_id = $2 and state = 'running' and attempts = $3",
    )
    .bind(run.org_id.0)
    .bind(run.run_id.0)
    .bind(run.attempt())
    .bind(now)
    .bind(&file.object)
    .bind(i32::try_from(file.revision).unwrap_or(i32::MAX))
    .bind(number(file.bytes))
    .bind(number(file.rows))
    .bind(&file.sha256)
    .bind(data_version)
    .execute(pool)
    .await?;
    Ok(())
}

/// What an attempt that failed leads to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// The next attempt, at this instant.
    Again(DateTime<Utc>),
    /// Nothing more.
    GivenUp,
}

/// Whether the run was still this server's.
pub(super) async fn failed(
    connection: &mut PgConnection,
    run: &Claimed,
    error: &str,
    then: Then,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let (state, next, finished) = match then {
        Then::Again(next) => ("planned", next, None),
        Then::GivenUp => ("failed", now, Some(now)),
    };
    let done = sqlx::query(
        "update export_runs set state = $4, next_attempt_at = $5, finished_at = $6, error = $7
         where org_id = $1 and run_id = $2 and state = 'running' and attempts = $3",
    )
    .bind(run.org_id.0)
    .bind(run.run_id.0)
    .bind(run.attempt())
    .bind(state)
    .bind(next)
    .bind(finished)
    .bind(error)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives a run back that this server cannot go on with: the attempt does not count.
pub(super) async fn release(pool: &PgPool, run: &Claimed, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(
        "update export_runs set state = 'planned', attempts = attempts - 1, next_attempt_at = $4
         where org_id = $1 and run_id = $2 and state = 'running' and attempts = $3",
    )
    .bind(run.org_id.0)
    .bind(run.run_id.0)
    .bind(run.attempt())
    .bind(now)
    .execute(pool)
    .await?;
    Ok(())
}

/// The newest runs, of one schedule or all.
pub(super) async fn runs(
    pool: &PgPool,
    scope: &OrgScope,
    name: Option<&Slug>,
    limit: i64,
) -> Result<Vec<ExportRun>, Error> {
    let rows = sqlx::query(
        "select run_id, schedule, valid_from, valid_to, state, attempts, planned_at, next_attempt_at, started_at,
             finished_at, object, revision, bytes, rows, sha256, error
         from export_runs where org_id = $1 and ($2::text is null or schedule = $2)
         order by planned_at desc, valid_from desc limit $3",
    )
    .bind(scope.org_id().0)
    .bind(name.map(Slug::as_str))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| run(row, scope)).collect()
}

fn run(row: &PgRow, scope: &OrgScope) -> Result<ExportRun, Error> {
    let state: &str = row.try_get("state")?;
    let state = ExportRunState::ALL
        .into_iter()
        .find(|known| known.as_str() == state)
        .ok_or_else(|| Error::inconsistent("export_runs", "state", state))?;
    let is_over = matches!(state, ExportRunState::Done | ExportRunState::Failed);
    let (attempts, zone): (i32, _) = (row.try_get("attempts")?, scope.zone());
    let next: DateTime<Utc> = row.try_get("next_attempt_at")?;
    let [started, finished] =
        ["started_at", "finished_at"].map(|column| row.try_get::<Option<DateTime<Utc>>, _>(column));
    let (started, finished) = (started?, finished?);
    let seconds = started.zip(finished).map(|(started, finished)| (finished - started).num_seconds().unsigned_abs());
    Ok(ExportRun {
        run_id: ExportRunId(row.try_get("run_id")?),
        schedule: slug(row, "export_runs", "schedule")?,
        span: span(row)?,
        state,
        attempts: attempts.unsigned_abs(),
        planned_at: zone.local(row.try_get("planned_at")?),
        next_attempt_at: (!is_over).then(|| zone.local(next)),
        finished_at: finished.map(|at| zone.local(at)),
        seconds,
        file: file(row)?,
        error: row.try_get("error")?,
    })
}

fn file(row: &PgRow) -> Result<Option<ExportFile>, Error> {
    let Some(object) = row.try_get("object")? else { return Ok(None) };
    let revision: i32 = row.try_get("revision")?;
    let number = |column| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
    Ok(Some(ExportFile {
        object,
        revision: revision.unsigned_abs(),
        bytes: number("bytes")?,
        rows: number("rows")?,
        sha256: row.try_get("sha256")?,
    }))
}

/// Wakes the workers once the transaction is committed.
pub(super) async fn notify(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("select pg_notify($1, '')").bind(super::CHANNEL).execute(connection).await?;
    Ok(())
}
