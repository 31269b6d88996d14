//! Queries of `repricing_runs`.

use super::NewRun;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::{EventKey, OrgId, RunId};
use domain::period::Period;
use domain::price::contract::ContractMonth;
use domain::problem::FieldProblem;
use domain::repricing::{RepricingRun, RunInput, RunKind, RunPhase, RunState, Summary};
use domain::span::Edge;
use domain::spend::Filter;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// Runs that wait, looked at until one is found that nobody is at: more than there are servers.
const AT_HAND: i64 = 100;

/// PostgreSQL's channel that says that a run waits.
pub(super) const CHANNEL: &str = "tallystick_runs";

const RUN: &str = "select runs.*, coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as created_by
    from repricing_runs as runs
    left join users on users.user_id = runs.user_id
    left join api_keys on api_keys.org_id = runs.org_id and api_keys.key_id = runs.key_id
    where runs.org_id = $1";

/// A run as it is stored.
pub(super) struct RunRow {
    pub(super) run_id: RunId,
    pub(super) kind: RunKind,
    pub(super) phase: RunPhase,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
    pub(super) filters: Vec<Filter>,
    pub(super) known_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    created_by: String,
    reason: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    reverse_reason: Option<String>,
    failure: Option<String>,
    /// The last event that was looked at.
    pub(super) cursor_key: Option<EventKey>,
    pub(super) preview: Option<Summary>,
    pub(super) outcome: Option<Summary>,
    pub(super) reversal: Option<Summary>,
    /// What a run of the contract has counted and charged.
    pub(super) contract: Option<ContractMonth>,
}

impl RunRow {
    /// As pages show it.
    pub(super) fn view(self, scope: &OrgScope) -> Result<RepricingRun, Error> {
        let local = |at: DateTime<Utc>| scope.zone().local(at);
        let at = local(self.ended_at.unwrap_or(self.created_at));
        let preview = self.preview.unwrap_or_default();
        let outcome = self.outcome.unwrap_or_default();
        let reversal = self.reversal.unwrap_or_default();
        let reason = self.reverse_reason.unwrap_or_default();
        let state = match self.phase {
            RunPhase::Draft => RunState::Draft { so_far: preview },
            RunPhase::Previewed => RunState::Previewed { preview },
            RunPhase::Running => RunState::Running { preview, so_far: outcome },
            RunPhase::Done => RunState::Done { preview, outcome, at },
            RunPhase::Reversing => RunState::Reversing { outcome, so_far: reversal, reason },
            RunPhase::Reversed => RunState::Reversed { outcome, reversal, reason, at },
            RunPhase::Discarded => RunState::Discarded { at },
            RunPhase::Failed => RunState::Failed { outcome, detail: self.failure.unwrap_or_default(), at },
        };
        let input = match &self.contract {
            Some(contract) => RunInput::contract(Period::month_of(contract.month)),
            None => RunInput {
                kind: self.kind,
                from: self.from.map(Edge::At),
                to: self.to.map(Edge::At),
                filters: self.filters,
            },
        };
        Ok(RepricingRun {
            run_id: self.run_id,
            input,
            created_at: local(self.created_at),
            created_by: self.created_by,
            known_at: local(self.known_at),
            reason: self.reason,
            state,
            contract: self.contract,
        })
    }
}

fn inconsistent(column: &'static str, detail: impl ToString) -> Error {
    Error::inconsistent("repricing_runs", column, detail)
}

fn run_row(row: &PgRow) -> Result<RunRow, Error> {
    let kind: &str = row.try_get("kind")?;
    let filters = serde_json::from_value(row.try_get("filters")?).map_err(|error| inconsistent("filters", error))?;
    let summary = |column: &'static str| read_json::<Summary>(row, column);
    Ok(RunRow {
        run_id: RunId(row.try_get("run_id")?),
        kind: kind.parse().map_err(|_| inconsistent("kind", kind))?,
        phase: row
            .try_get::<&str, _>("state")?
            .parse()
            .map_err(|wrong: FieldProblem| inconsistent("state", wrong.detail))?,
        from: row.try_get("period_from")?,
        to: row.try_get("period_to")?,
        filters,
        known_at: row.try_get("known_at")?,
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        reason: row.try_get("reason")?,
        ended_at: row.try_get("ended_at")?,
        reverse_reason: row.try_get("reverse_reason")?,
        failure: row.try_get("failure")?,
        cursor_key: row.try_get::<Option<Uuid>, _>("cursor_key")?.map(EventKey),
        preview: summary("preview")?,
        outcome: summary("outcome")?,
        reversal: summary("reversal")?,
        contract: read_json(row, "contract")?,
    })
}

fn read_json<T: DeserializeOwned>(row: &PgRow, column: &'static str) -> Result<Option<T>, Error> {
    let json: Option<Value> = row.try_get(column)?;
    json.map(|json| serde_json::from_value(json).map_err(|error| inconsistent(column, error))).transpose()
}

fn json(value: &impl serde::Serialize, column: &'static str) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| inconsistent(column, error))
}

pub(super) async fn notify(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(connection).await?;
    Ok(())
}

/// Begins a run: as a draft, or with a reason at once.
pub(super) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    new: &NewRun,
    reason: Option<&str>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into repricing_runs (org_id, run_id, kind, state, period_from, period_to, filters, known_at, created_at,
            user_id, key_id, reason, confirmed_at, contract)
         values ($1, $2, $3, case when $10::text is null then 'draft' else 'running' end, $4, $5, $6, $7, $7, $8, $9, $10,
            case when $10::text is null then null else $7 end, $11)",
    )
    .bind(scope.org_id().0)
    .bind(new.run_id.0)
    .bind(new.kind.as_str())
    .bind(new.from)
    .bind(new.to)
    .bind(json(&new.filters, "filters")?)
    .bind(new.now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .bind(reason)
    .bind(new.contract.as_ref().map(|contract| json(contract, "contract")).transpose()?)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn run(pool: &PgPool, scope: &OrgScope, run_id: RunId) -> Result<Option<RunRow>, Error> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{RUN} and run_id = $2")))
        .bind(scope.org_id().0)
        .bind(run_id.0)
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(run_row).transpose()
}

/// Runs, newest first: all that began before one, at most so many.
pub(super) async fn runs(
    pool: &PgPool,
    scope: &OrgScope,
    before: Option<RunId>,
    limit: i64,
) -> Result<Vec<RunRow>, Error> {
    let sql = format!("{RUN} and ($2::uuid is null or run_id < $2) order by run_id desc limit $3");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(scope.org_id().0)
        .bind(before.map(|run_id| run_id.0))
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(run_row).collect()
}

/// Runs that tell how far months of the contract are settled, newest first: those of the contract over months from `since` on,
/// and whatever moved money after the first of them.
pub(super) async fn of_contract(pool: &PgPool, scope: &OrgScope, since: DateTime<Utc>) -> Result<Vec<RunRow>, Error> {
    let sql = format!(
        "{RUN} and runs.state <> 'discarded' and (
            (runs.kind = 'contract' and runs.period_from >= $2)
            or ((runs.outcome ->> 'moved')::bigint > 0 and runs.ended_at > (
                select min(settled.ended_at) from repricing_runs as settled
                where settled.org_id = $1 and settled.kind = 'contract' and settled.period_from >= $2
                  and settled.state = 'done')))
         order by run_id desc"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(scope.org_id().0).bind(since).fetch_all(pool).await?;
    rows.iter().map(run_row).collect()
}

/// A run, kept for the caller until the transaction ends.
pub(super) async fn lock(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
) -> Result<Option<RunRow>, Error> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{RUN} and run_id = $2 for update of runs")))
        .bind(scope.org_id().0)
        .bind(run_id.0)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(run_row).transpose()
}

/// A run that waits for its next step, for the caller alone; none if somebody else is at it.
pub(super) async fn claim(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
) -> Result<Option<RunRow>, Error> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "{RUN} and run_id = $2 and state in ('draft', 'running', 'reversing') for update of runs skip locked"
    )))
    .bind(scope.org_id().0)
    .bind(run_id.0)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(run_row).transpose()
}

/// Some run that waits and that nobody is at: those that move money first, then the oldest.
pub(super) async fn waiting(pool: &PgPool) -> Result<Option<(OrgId, RunId)>, Error> {
    // Each is looked at for itself: a cluster locks rows of one organization at a time.
    let rows = sqlx::query(
        "select org_id, run_id from repricing_runs where state in ('draft', 'running', 'reversing')
         order by state = 'draft', run_id limit $1",
    );
    for row in rows.bind(AT_HAND).fetch_all(pool).await? {
        let (org_id, run_id): (Uuid, Uuid) = (row.try_get("org_id")?, row.try_get("run_id")?);
        let free = sqlx::query(
            "select 1 from repricing_runs
             where org_id = $1 and run_id = $2 and state in ('draft', 'running', 'reversing') for update skip locked",
        );
        if free.bind(org_id).bind(run_id).fetch_optional(pool).await?.is_some() {
            return Ok(Some((OrgId(org_id), RunId(run_id))));
        }
    }
    Ok(None)
}

/// Whether a run that was not discarded and has not ended began after an instant.
pub(super) async fn knows(
    connection: &mut PgConnection,
    scope: &OrgScope,
    recorded_at: DateTime<Utc>,
) -> Result<bool, Error> {
    let found = sqlx::query_scalar(
        "select exists (
             select 1 from repricing_runs
             where org_id = $1 and known_at >= $2 and state in ('draft', 'previewed', 'running', 'reversing'))",
    );
    Ok(found.bind(scope.org_id().0).bind(recorded_at).fetch_one(connection).await?)
}

pub(super) async fn confirm(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update repricing_runs set state = 'running', reason = $3, confirmed_at = $4, cursor_key = null
         where org_id = $1 and run_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(run_id.0)
    .bind(reason)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn reverse(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update repricing_runs set state = 'reversing', reverse_reason = $3, ended_at = $4, cursor_key = null
         where org_id = $1 and run_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(run_id.0)
    .bind(reason)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a run in a phase that needs no more.
pub(super) async fn end(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    phase: RunPhase,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update repricing_runs set state = $3, ended_at = $4 where org_id = $1 and run_id = $2")
        .bind(scope.org_id().0)
        .bind(run_id.0)
        .bind(phase.as_str())
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes why a run ended; one that had not moved anything can be drafted again.
pub(super) async fn fail(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    detail: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update repricing_runs set state = 'failed', failure = $3, ended_at = $4
         where org_id = $1 and run_id = $2 and state in ('draft', 'running', 'reversing')",
    )
    .bind(scope.org_id().0)
    .bind(run_id.0)
    .bind(detail)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Which sums a step adds to.
#[derive(Clone, Copy)]
pub(super) enum Sums {
    Preview,
    Outcome,
    Reversal,
}

/// Notes how far a run is.
pub(super) async fn advanced(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    phase: RunPhase,
    last: Option<EventKey>,
    (sums, summary): (Sums, &Summary),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let sql = match sums {
        Sums::Preview => {
            "update repricing_runs set state = $3, cursor_key = coalesce($4, cursor_key),
                ended_at = $5, preview = $6 where org_id = $1 and run_id = $2"
        }
        Sums::Outcome => {
            "update repricing_runs set state = $3, cursor_key = coalesce($4, cursor_key),
                ended_at = $5, outcome = $6 where org_id = $1 and run_id = $2"
        }
        Sums::Reversal => {
            "update repricing_runs set state = $3, cursor_key = coalesce($4, cursor_key),
                ended_at = $5, reversal = $6 where org_id = $1 and run_id = $2"
        }
    };
    sqlx::query(sql)
        .bind(scope.org_id().0)
        .bind(run_id.0)
        .bind(phase.as_str())
        .bind(last.map(|key| key.0))
        .bind(now)
        .bind(json(summary, "summary")?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes the last event that was looked at, where nothing is summed yet.
pub(super) async fn looked_at(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    last: Option<EventKey>,
) -> Result<(), Error> {
    let Some(key) = last else { return Ok(()) };
    sqlx::query("update repricing_runs set cursor_key = $3 where org_id = $1 and run_id = $2")
        .bind(scope.org_id().0)
        .bind(run_id.0)
        .bind(key.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes what a run of the contract has counted and charged; with `again`, its next step begins with the first event.
pub(super) async fn counted(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    contract: &ContractMonth,
    again: bool,
) -> Result<(), Error> {
    sqlx::query(
        "update repricing_runs set contract = $3, cursor_key = case when $4 then null else cursor_key end
         where org_id = $1 and run_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(run_id.0)
    .bind(json(contract, "contract")?)
    .bind(again)
    .execute(connection)
    .await?;
    Ok(())
}
