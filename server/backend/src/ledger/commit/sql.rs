//! Queries of the ingest transaction. They mix organizations: every row carries its own.

use super::arrays::{self, ColumnType, UUID};
use super::{copy, month, row};
use crate::ledger::content::ContentHash;
use crate::ledger::event::NewEvent;
use crate::ledger::possible_duplicates::ResponseIdClaim;
use crate::ledger::rollup::ChangedDays;
use crate::locks::{self, Lock, LockKey};
use crate::{Clock, Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{EventKey, OrgId};
use domain::period::Zone;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use uuid::Uuid;

/// From so many rows on, a COPY saves more than its ways to the database cost.
pub(super) const WORTH_COPYING: usize = 256;

/// Ids that were recorded before, by the event key that wanted them now.
pub(super) type KnownIds = HashMap<EventKey, KnownId>;
/// Booked costs of events that were recorded before.
pub(super) type BookedCosts = HashMap<EventKey, Option<Decimal>>;

/// What is remembered of a recorded id.
pub(super) struct KnownId {
    pub(super) org_id: OrgId,
    pub(super) event_key: EventKey,
    pub(super) content_hash: ContentHash,
}

/// Whether a write failed because the month's partition is not there.
pub(super) fn is_missing_partition(error: &Error) -> bool {
    matches!(error, Error::Database(sqlx::Error::Database(database))
        if database.code().as_deref() == Some("23514") && database.constraint().is_none())
}

/// Waits until no committer is in the organization, and keeps them out until the transaction ends.
///
/// The organization's row comes first, as with everybody who takes both.
pub(crate) async fn lock_organization(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    sqlx::query("select 1 from organizations where org_id = $1 for no key update")
        .bind(scope.org_id().0)
        .execute(&mut *connection)
        .await?;
    // What is rebuilt or deleted under this lock may be years of events.
    sqlx::query("select set_config('statement_timeout', '0', true)").execute(&mut *connection).await?;
    locks::hold(connection, Lock::Events.of(scope.org_id())).await
}

/// Enters the organizations that nobody rebuilds; also makes sure that the commit will be synchronous and no lock is waited for longer than `lock_wait`.
pub(super) async fn enter_organizations(
    connection: &mut PgConnection,
    organizations: &BTreeSet<OrgId>,
    lock_wait: Duration,
) -> Result<Vec<OrgId>, Error> {
    let keys: Vec<LockKey> = organizations.iter().map(|org_id| Lock::Events.of(*org_id)).collect();
    let entered = locks::try_hold_shared(connection, &keys, lock_wait).await?;
    Ok(organizations.iter().zip(entered).filter(|(_, entered)| *entered).map(|(org_id, _)| *org_id).collect())
}

/// What the committer has to know of an organization.
#[derive(Clone, Copy)]
pub(super) struct OrgSettings {
    pub(super) zone: Zone,
    /// Nothing from before this instant is taken: events that old have left by retention.
    pub(super) since: Option<DateTime<Utc>>,
    /// How often rules were undone.
    pub(super) rules_undone: i32,
    /// Whether possible duplicates are left out.
    pub(super) drops_possible_duplicates: bool,
}

/// Enters one organization, waiting while somebody rebuilds it, and answers with its zone, which cannot change until the transaction ends; none if it is gone.
pub(crate) async fn enter_organization(
    connection: &mut PgConnection,
    org_id: OrgId,
    now: DateTime<Utc>,
) -> Result<Option<Zone>, Error> {
    locks::hold_shared(connection, Lock::Events.of(org_id)).await?;
    Ok(settings(connection, &[org_id], now).await?.remove(&org_id).map(|org| org.zone))
}

/// Organizations, read after they were entered: a change of zone or retention waits until the transaction ends.
pub(super) async fn settings(
    connection: &mut PgConnection,
    organizations: &[OrgId],
    now: DateTime<Utc>,
) -> Result<HashMap<OrgId, OrgSettings>, Error> {
    let ids: Vec<Uuid> = organizations.iter().map(|org_id| org_id.0).collect();
    let rows = sqlx::query(
        "select org_id, time_zone, rules_undone, drop_possible_duplicates, greatest(
             events_from::timestamp at time zone 'UTC', $2 - make_interval(days => retention_days)) as since
         from organizations where org_id = any($1)",
    )
    .bind(ids)
    .bind(now)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let zone: &str = row.try_get("time_zone")?;
            let zone = Zone::parse(zone)
                .map_err(|problem| Error::inconsistent("organizations", "time_zone", problem.detail))?;
            let (since, rules_undone) = (row.try_get("since")?, row.try_get("rules_undone")?);
            let drops_possible_duplicates = row.try_get("drop_possible_duplicates")?;
            Ok((OrgId(row.try_get("org_id")?), OrgSettings { zone, since, rules_undone, drops_possible_duplicates }))
        })
        .collect()
}

/// How much of what was asked for was nobody's before.
pub(super) struct Claimed {
    /// All ids.
    pub(super) all_ids: bool,
    /// All ids of answers.
    pub(super) all_responses: bool,
}

/// Claims the ids of events and the ids of their answers, both sorted; an event whose id is known claims no answer.
///
/// One statement, because a way to the database and back costs as much as a few rows. All ids are claimed before the first answer, or two servers could wait for each other: the sort needs them all.
pub(super) async fn claim(
    connection: &mut PgConnection,
    events: &[&NewEvent],
    claims: &[&ResponseIdClaim<'_>],
) -> Result<Claimed, Error> {
    if events.is_empty() {
        return Ok(Claimed { all_ids: true, all_responses: true });
    }
    macro_rules! all {
        ($row:ident of $rows:ident => $value:expr) => {
            $rows.iter().map(|$row| $value).collect::<Vec<_>>()
        };
    }
    let claimed = sqlx::query(
        "with claimed as (
             insert into event_ids (org_id, id_hash, content_hash, event_key)
             select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[])
             on conflict on constraint event_ids_pkey do nothing
             returning event_key
         ), answered as (
             insert into provider_responses (org_id, response_hash, event_key)
             select answer.org_id, answer.response_hash, answer.event_key
             from unnest($5::uuid[], $6::uuid[], $7::uuid[]) as answer (org_id, response_hash, event_key)
             join claimed using (event_key)
             order by answer.org_id, answer.response_hash
             on conflict on constraint provider_responses_pkey do nothing
             returning 1
         )
         select (select count(*) from claimed) as ids, (select count(*) from answered) as answers",
    )
    .bind(all!(event of events => event.org_id.0))
    .bind(all!(event of events => Uuid::from_bytes(event.id_hash)))
    .bind(all!(event of events => Uuid::from_bytes(event.content_hash)))
    .bind(all!(event of events => event.event_key.0))
    .bind(all!(claim of claims => claim.event.org_id.0))
    .bind(all!(claim of claims => Uuid::from_bytes(claim.hash)))
    .bind(all!(claim of claims => claim.event.event_key.0))
    .fetch_one(connection)
    .await?;
    let count = |column| Ok::<_, Error>(usize::try_from(claimed.try_get::<i64, _>(column)?).unwrap_or_default());
    Ok(Claimed { all_ids: count("ids")? == events.len(), all_responses: count("answers")? == claims.len() })
}

/// Claims the same by COPY; `false` when any was claimed before, and then none is.
pub(super) async fn copy_claims(
    connection: &mut PgConnection,
    events: &[&NewEvent],
    claims: &[&ResponseIdClaim<'_>],
) -> Result<bool, Error> {
    let mut attempt = connection.begin().await?;
    let ids = events.iter().map(|event| copy::Claim {
        org_id: event.org_id,
        hash: &event.id_hash,
        content: Some(&event.content_hash),
        event_key: event.event_key,
    });
    let responses = claims.iter().map(|claim| copy::Claim {
        org_id: claim.event.org_id,
        hash: &claim.hash,
        content: None,
        event_key: claim.event.event_key,
    });
    let [ids, responses]: [Vec<_>; 2] = [ids.map(|id| id.row()).collect(), responses.map(|id| id.row()).collect()];
    let copied = async {
        EVENT_IDS.insert(&mut attempt, ids.iter().map(|row| &row[..])).await?;
        PROVIDER_RESPONSES.insert(&mut attempt, responses.iter().map(|row| &row[..])).await
    };
    match copied.await {
        Ok(()) => {
            attempt.commit().await?;
            Ok(true)
        }
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            attempt.rollback().await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// A table into which rows are put that were made for a binary COPY.
struct Table<'a> {
    name: &'static str,
    columns: &'a [(&'static str, ColumnType)],
}

const EVENTS: Table<'_> = Table { name: "events", columns: &row::COLUMNS };
const EVENT_IDS: Table<'_> = Table {
    name: "event_ids",
    columns: &[("org_id", UUID), ("id_hash", UUID), ("content_hash", UUID), ("event_key", UUID)],
};
const PROVIDER_RESPONSES: Table<'_> =
    Table { name: "provider_responses", columns: &[("org_id", UUID), ("response_hash", UUID), ("event_key", UUID)] };

impl Table<'_> {
    /// By COPY where there are many rows, which costs less; else by one statement.
    ///
    /// A COPY writes twice in a row. The kernel holds the second back for 40 ms, because sqlx 0.9.0 leaves `TCP_NODELAY` off (its issue 4335).
    async fn insert<'a>(
        &self,
        connection: &mut PgConnection,
        rows: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<(), sqlx::Error> {
        let names = self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let name = self.name;
        match rows.clone().count() {
            0 => {}
            1..WORTH_COPYING => {
                let arrays = (1..).zip(self.columns).map(|(place, (_, column))| format!("${place}::{}[]", column.name));
                let arrays = arrays.collect::<Vec<_>>().join(", ");
                let sql = format!("insert into {name} ({names}) select * from unnest({arrays})");
                let columns = arrays::columns(self.columns.iter().map(|(_, column)| *column), rows);
                let query =
                    columns.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, column| query.bind(column));
                query.execute(connection).await?;
            }
            WORTH_COPYING.. => {
                let sql = format!("copy {name} ({names}) from stdin (format binary)");
                let mut copy = connection.copy_in_raw(&sql).await?;
                copy.send(copy::framed(rows)).await?;
                copy.finish().await?;
            }
        }
        Ok(())
    }
}

/// Which ids of events were recorded before.
pub(super) async fn known_ids(connection: &mut PgConnection, events: &[&NewEvent]) -> Result<KnownIds, Error> {
    let orgs: Vec<Uuid> = events.iter().map(|event| event.org_id.0).collect();
    let ids: Vec<Uuid> = events.iter().map(|event| Uuid::from_bytes(event.id_hash)).collect();
    let keys: Vec<Uuid> = events.iter().map(|event| event.event_key.0).collect();
    let rows = sqlx::query(
        "select wanted.event_key as wanted_key, known.org_id, known.event_key, known.content_hash
         from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (org_id, id_hash, event_key)
         join event_ids as known on known.org_id = wanted.org_id and known.id_hash = wanted.id_hash
         where known.event_key <> wanted.event_key",
    );
    let rows = rows.bind(&orgs).bind(&ids).bind(&keys).fetch_all(connection).await?;
    rows.iter().map(known_id).collect()
}

/// A recorded id, by the event key that wanted it now.
pub(super) fn known_id(row: &PgRow) -> Result<(EventKey, KnownId), Error> {
    let known = KnownId {
        org_id: OrgId(row.try_get("org_id")?),
        event_key: EventKey(row.try_get("event_key")?),
        content_hash: row.try_get::<Uuid, _>("content_hash")?.into_bytes(),
    };
    Ok((EventKey(row.try_get("wanted_key")?), known))
}

/// What recorded events were booked with. Their keys carry their time, so that each is found in its partition.
pub(super) async fn booked_costs(
    connection: &mut PgConnection,
    known: impl IntoIterator<Item = &KnownId>,
) -> Result<BookedCosts, Error> {
    let mut orgs = vec![];
    let mut keys = vec![];
    for id in known {
        orgs.push(id.org_id.0);
        keys.push(id.event_key.0);
    }
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "select known.event_key, found.cost
         from unnest($1::uuid[], $2::uuid[]) as known (org_id, event_key)
         cross join lateral (
             select events.cost from events where events.org_id = known.org_id and events.event_key = known.event_key
         ) as found",
    )
    .bind(orgs)
    .bind(keys)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((EventKey(row.try_get("event_key")?), row.try_get("cost")?))).collect()
}

/// Writes events.
pub(super) async fn insert_events(connection: &mut PgConnection, events: &[&NewEvent]) -> Result<(), Error> {
    Ok(EVENTS.insert(connection, events.iter().map(|event| &event.row[..])).await?)
}

/// Appends marks for what moved and wakes whoever watches budgets, when the transaction commits.
pub(crate) async fn mark_moved(
    connection: &mut PgConnection,
    clock: &dyn Clock,
    moved: &ChangedDays,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "with marks as (
             insert into dirty_marks (org_id, mark_id, project_id, day, created_at)
             select moved.org_id, moved.mark_id, moved.project_id, moved.day, $5
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::date[]) as moved (org_id, mark_id, project_id, day)
         )
         select pg_notify('dirty_marks', '')",
    )
    .bind(moved.iter().map(|(org_id, _, _)| org_id.0).collect::<Vec<_>>())
    .bind(moved.iter().map(|_| clock.new_id()).collect::<Vec<_>>())
    .bind(moved.iter().map(|(_, project_id, _)| project_id.0).collect::<Vec<_>>())
    .bind(moved.iter().map(|(_, _, day)| *day).collect::<Vec<_>>())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes a month's partition apart and attaches it, unless it is there: `create table … partition of` would lock the whole table.
/// Two servers that try at the same time take turns.
pub(super) async fn create_partition(pool: &PgPool, month: NaiveDate) -> Result<(), Error> {
    let name = month::name(month);
    let attached = "select exists (
        select 1 from pg_inherits
        join pg_class as part on part.oid = pg_inherits.inhrelid
        where pg_inherits.inhparent = 'events'::regclass and part.relname = $1)";
    if sqlx::query_scalar::<_, bool>(attached).bind(&name).fetch_one(pool).await? {
        return Ok(());
    }
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    locks::hold(&mut transaction, Lock::Partitions.of_all()).await?;
    if !sqlx::query_scalar::<_, bool>(attached).bind(&name).fetch_one(&mut *transaction).await? {
        let [first, next] = [month, month::next(month)].map(month::first_key);
        // The name and the bounds are made of a date.
        sqlx::query(AssertSqlSafe(format!(
            "create table {name} (like events including defaults including constraints)"
        )))
        .execute(&mut *transaction)
        .await?;
        sqlx::query(AssertSqlSafe(format!(
            "alter table events attach partition {name} for values from ('{first}') to ('{next}')"
        )))
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}
