//! Queries of `rules` and `rule_changes`.

use crate::{Error, OrgScope, identity};
use chrono::{DateTime, Utc};
use domain::ids::RuleChangeId;
use domain::rule::{Dated, Entry, History, Rule, RuleChange, RuleKind};
use domain::span::Span;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// PostgreSQL's channel that says that somebody changed rules.
pub(crate) const CHANNEL: &str = "tallystick_rules";

macro_rules! columns {
    () => {
        "r.rule_id, r.rank, r.kind, r.valid_from, r.valid_to, r.description, r.fields, r.superseded_at is not null as is_superseded"
    };
}

/// Who made a change `c`.
macro_rules! recorded_by {
    () => {
        "coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as recorded_by"
    };
}

macro_rules! join_recorded_by {
    () => {
        " left join users on users.user_id = c.user_id
          left join api_keys on api_keys.org_id = c.org_id and api_keys.key_id = c.key_id"
    };
}

/// A rule as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredRule {
    pub(crate) rule_id: u64,
    rank: u64,
    pub(crate) kind: RuleKind,
    pub(super) span: Span,
    pub(super) description: String,
    fields: Value,
    pub(super) is_superseded: bool,
}

impl StoredRule {
    fn of(row: &PgRow) -> Result<Self, Error> {
        let number =
            |column: &'static str| -> Result<u64, Error> { Ok(row.try_get::<i64, _>(column)?.cast_unsigned()) };
        let kind: &str = row.try_get("kind")?;
        Ok(Self {
            rule_id: number("rule_id")?,
            rank: number("rank")?,
            kind: RuleKind::parse(kind).ok_or_else(|| Error::inconsistent("rules", "kind", kind))?,
            span: Span { from: row.try_get("valid_from")?, to: row.try_get("valid_to")? },
            description: row.try_get("description")?,
            fields: row.try_get("fields")?,
            is_superseded: row.try_get("is_superseded")?,
        })
    }

    /// As the rule that it is.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] for fields that its kind does not read.
    pub(crate) fn read<R: Rule>(&self) -> Result<R, Error> {
        // Borrowed: a book of thousands of rules is read at once.
        let rule = R::deserialize(&self.fields).map_err(|error| Error::inconsistent("rules", "fields", error))?;
        Ok(rule.numbered(self.rule_id, self.rank).within(self.span))
    }
}

/// Those of the rules that are of a kind.
pub(crate) fn of_kind<R: Rule>(rules: &[StoredRule]) -> Result<Vec<R>, Error> {
    rules.iter().filter(|rule| rule.kind == R::KIND).map(StoredRule::read).collect()
}

/// With what a rule is entered or superseded.
#[derive(Clone, Copy)]
pub(super) struct Entered {
    pub(super) change_id: RuleChangeId,
    pub(super) at: DateTime<Utc>,
}

/// Which rules of a kind.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    Key(&'a str),
    Subject(&'a str),
}

pub(super) async fn notify(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(connection).await?;
    Ok(())
}

/// Changes of one organization's rules come one after the other: waits for the one before, and answers with its time.
///
/// What is dated by the clock of a server comes after that time, also where the clocks of two servers are apart.
pub(crate) async fn lock(connection: &mut PgConnection, scope: &OrgScope) -> Result<Option<DateTime<Utc>>, Error> {
    identity::lock_organization(connection, scope).await?;
    let last = sqlx::query_scalar("select max(recorded_at) from rule_changes where org_id = $1");
    Ok(last.bind(scope.org_id().0).fetch_one(connection).await?)
}

/// How often rules were undone: to be read before rules that events are priced with.
pub(crate) async fn undone(db: impl PgExecutor<'_>, scope: &OrgScope) -> Result<i32, Error> {
    let count = sqlx::query_scalar("select rules_undone from organizations where org_id = $1");
    Ok(count.bind(scope.org_id().0).fetch_optional(db).await?.unwrap_or_default())
}

pub(super) async fn count_undone(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    sqlx::query("update organizations set rules_undone = rules_undone + 1 where org_id = $1")
        .bind(scope.org_id().0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Rules of these kinds that count, or that counted at an instant; those entered first at the top.
pub(crate) async fn known(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    kinds: &[RuleKind],
    known_at: Option<DateTime<Utc>>,
) -> Result<Vec<StoredRule>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        " from rules as r
          where r.org_id = $1 and r.kind = any($2)
            and (($3::timestamptz is null and r.superseded_at is null)
                 or (r.recorded_at <= $3 and (r.superseded_at is null or r.superseded_at > $3)))
          order by r.rank, r.rule_id"
    ))
    .bind(scope.org_id().0)
    .bind(kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
    .bind(known_at)
    .fetch_all(db)
    .await?;
    rows.iter().map(StoredRule::of).collect()
}

/// Rules of a kind by number, superseded ones too; numbers of other organizations' rules find nothing.
pub(crate) async fn by_ids<R: Rule>(pool: &PgPool, scope: &OrgScope, ids: &[u64]) -> Result<HashMap<u64, R>, Error> {
    let ids: Vec<i64> = ids.iter().map(|id| id.cast_signed()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        " from rules as r where r.org_id = $1 and r.rule_id = any($2) and r.kind = $3"
    ))
    .bind(scope.org_id().0)
    .bind(ids)
    .bind(R::KIND.as_str())
    .fetch_all(pool)
    .await?;
    let read = |row: &PgRow| {
        let stored = StoredRule::of(row)?;
        Ok((stored.rule_id, stored.read()?))
    };
    rows.iter().map(read).collect()
}

/// Rules of a kind with their history: those that count first, the newest at the top.
pub(crate) async fn listed<R: Rule>(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<History<Dated<R>>, Error> {
    list(pool, scope, Listed { limit, ..Listed::ALL }).await
}

/// As [`listed`], all of those that count.
pub(crate) async fn live_ones<R: Rule>(pool: &PgPool, scope: &OrgScope) -> Result<Vec<Dated<R>>, Error> {
    Ok(list(pool, scope, Listed { only_live: true, ..Listed::ALL }).await?.rows)
}

/// As [`listed`], the one of a number.
pub(crate) async fn one<R: Rule>(pool: &PgPool, scope: &OrgScope, rule_id: u64) -> Result<Option<Dated<R>>, Error> {
    let Ok(rule_id) = i64::try_from(rule_id) else { return Ok(None) };
    Ok(list(pool, scope, Listed { rule_id: Some(rule_id), ..Listed::ALL }).await?.rows.pop())
}

/// Rules of a kind that count and hold at any time of a span; those entered first at the top.
pub(crate) async fn holding<R: Rule>(db: impl PgExecutor<'_>, scope: &OrgScope, span: Span) -> Result<Vec<R>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        " from rules as r
          where r.org_id = $1 and r.kind = $2 and r.superseded_at is null
            and tstzrange(r.valid_from, r.valid_to) && tstzrange($3, $4)
          order by r.rank, r.rule_id"
    ))
    .bind(scope.org_id().0)
    .bind(R::KIND.as_str())
    .bind(span.from)
    .bind(span.to)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| StoredRule::of(row)?.read()).collect()
}

/// As [`listed`], of these subjects.
pub(crate) async fn about<R: Rule>(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    subjects: &[String],
    limit: i64,
) -> Result<Vec<Dated<R>>, Error> {
    Ok(list(db, scope, Listed { subjects: Some(subjects), limit, ..Listed::ALL }).await?.rows)
}

/// Which rules of a kind are listed.
struct Listed<'a> {
    subjects: Option<&'a [String]>,
    rule_id: Option<i64>,
    only_live: bool,
    limit: i64,
}

impl Listed<'_> {
    const ALL: Self = Self { subjects: None, rule_id: None, only_live: false, limit: i64::MAX };
}

async fn list<R: Rule>(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    wanted: Listed<'_>,
) -> Result<History<Dated<R>>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        ", r.recorded_at, r.superseded_at, r.change_id, count(*) over () as found, ",
        recorded_by!(),
        " from rules as r join rule_changes as c on c.org_id = r.org_id and c.change_id = r.change_id",
        join_recorded_by!(),
        " where r.org_id = $1 and r.kind = $2 and ($3::text[] is null or r.subject = any($3))
            and (r.superseded_at is null or not $5) and ($6::bigint is null or r.rule_id = $6)
          order by is_superseded, r.rank desc, r.rule_id desc limit $4"
    ))
    .bind(scope.org_id().0)
    .bind(R::KIND.as_str())
    .bind(wanted.subjects)
    .bind(wanted.limit)
    .bind(wanted.only_live)
    .bind(wanted.rule_id)
    .fetch_all(db)
    .await?;
    history(&rows, |row| {
        let stored = StoredRule::of(row)?;
        Ok(Dated { rule_id: stored.rule_id, row: stored.read()?, entry: entry(scope, row)? })
    })
}

/// Rows of a query that says in each how many it `found` before its limit.
fn history<T>(rows: &[PgRow], read: impl Fn(&PgRow) -> Result<T, Error>) -> Result<History<T>, Error> {
    let found: i64 = rows.first().map_or(Ok(0), |row| row.try_get("found"))?;
    let rows = rows.iter().map(read).collect::<Result<Vec<T>, Error>>()?;
    Ok(History { more: u64::try_from(found).unwrap_or_default().saturating_sub(rows.len() as u64), rows })
}

fn entry(scope: &OrgScope, row: &PgRow) -> Result<Entry, sqlx::Error> {
    let local = |at| scope.zone().local(at);
    Ok(Entry {
        recorded_at: local(row.try_get("recorded_at")?),
        recorded_by: row.try_get("recorded_by")?,
        change_id: RuleChangeId(row.try_get("change_id")?),
        superseded_at: row.try_get::<Option<DateTime<Utc>>, _>("superseded_at")?.map(local),
    })
}

/// A rule that counts.
pub(super) async fn live(
    connection: &mut PgConnection,
    scope: &OrgScope,
    rule_id: i64,
) -> Result<Option<StoredRule>, Error> {
    let row = sqlx::query(concat!(
        "select ",
        columns!(),
        " from rules as r where r.org_id = $1 and r.rule_id = $2 and r.superseded_at is null"
    ))
    .bind(scope.org_id().0)
    .bind(rule_id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(StoredRule::of).transpose()
}

/// Rules that count at any time of a span, and when.
pub(super) async fn overlapping(
    connection: &mut PgConnection,
    scope: &OrgScope,
    kind: RuleKind,
    wanted: Wanted<'_>,
    span: Span,
) -> Result<Vec<(i64, Span)>, Error> {
    let (key, subject) = match wanted {
        Wanted::Key(key) => (Some(key), None),
        Wanted::Subject(subject) => (None, Some(subject)),
    };
    let rows = sqlx::query(
        "select rule_id, valid_from, valid_to from rules
         where org_id = $1 and superseded_at is null and kind = $2
           and ($3::text is null or conflict_key = $3) and ($4::text is null or subject = $4)
           and tstzrange(valid_from, valid_to) && tstzrange($5, $6)
         order by rule_id",
    )
    .bind(scope.org_id().0)
    .bind(kind.as_str())
    .bind(key)
    .bind(subject)
    .bind(span.from)
    .bind(span.to)
    .fetch_all(connection)
    .await?;
    rows.iter().map(placed).collect()
}

/// Enters rules under the next numbers.
pub(super) async fn insert<R: Rule>(
    connection: &mut PgConnection,
    scope: &OrgScope,
    rules: &[R],
    entered: Entered,
) -> Result<(), Error> {
    let fields = |rule: &R| serde_json::to_value(rule.clone().numbered(0, 0).within(Span::ALWAYS));
    let fields: Result<Vec<Value>, _> = rules.iter().map(fields).collect();
    sqlx::query(
        "insert into rules (org_id, rule_id, kind, subject, conflict_key, rank, valid_from, valid_to, description, fields,
            recorded_at, change_id)
         select $1, n.rule_id, $2, n.subject, n.conflict_key, n.rule_id, n.valid_from, n.valid_to, n.description, n.fields,
            $3, $4
         from (
             select nextval('rule_ids') as rule_id, new.*
             from unnest($5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::jsonb[])
                 as new (subject, conflict_key, valid_from, valid_to, description, fields)
         ) as n",
    )
    .bind(scope.org_id().0)
    .bind(R::KIND.as_str())
    .bind(entered.at)
    .bind(entered.change_id.0)
    .bind(rules.iter().map(R::subject).collect::<Vec<_>>())
    .bind(rules.iter().map(R::conflict_key).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.span().from).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.span().to).collect::<Vec<_>>())
    .bind(rules.iter().map(R::describe).collect::<Vec<_>>())
    .bind(fields.map_err(|error| Error::inconsistent("rules", "fields", error))?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Enters rules again, each at a time, in their old places among the others.
pub(super) async fn copy(
    connection: &mut PgConnection,
    scope: &OrgScope,
    rules: &[(i64, Span)],
    entered: Entered,
) -> Result<(), Error> {
    sqlx::query(
        "insert into rules (org_id, rule_id, kind, subject, conflict_key, rank, valid_from, valid_to, description, fields,
            recorded_at, change_id)
         select org_id, nextval('rule_ids'), kind, subject, conflict_key, rank, again.valid_from, again.valid_to, description,
            fields, $5, $6
         from unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[]) as again (rule_id, valid_from, valid_to)
         join rules using (rule_id) where org_id = $1",
    )
    .bind(scope.org_id().0)
    .bind(rules.iter().map(|(rule_id, _)| *rule_id).collect::<Vec<_>>())
    .bind(rules.iter().map(|(_, span)| span.from).collect::<Vec<_>>())
    .bind(rules.iter().map(|(_, span)| span.to).collect::<Vec<_>>())
    .bind(entered.at)
    .bind(entered.change_id.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// What a change superseded, and when that held.
pub(super) async fn superseded_by(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: RuleChangeId,
) -> Result<Vec<(i64, Span)>, Error> {
    let rows = sqlx::query(
        "select rule_id, valid_from, valid_to from rules where org_id = $1 and superseded_by = $2 order by rule_id",
    )
    .bind(scope.org_id().0)
    .bind(change.0)
    .fetch_all(connection)
    .await?;
    rows.iter().map(placed).collect()
}

/// Whether what a change superseded would hold at the time of a rule of the same key that came since.
pub(super) async fn is_in_the_way(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: RuleChangeId,
) -> Result<bool, Error> {
    let found = sqlx::query_scalar(
        "select exists (
             select 1 from rules as before join rules as live
                 on live.org_id = before.org_id and live.kind = before.kind and live.conflict_key = before.conflict_key
                 and tstzrange(live.valid_from, live.valid_to) && tstzrange(before.valid_from, before.valid_to)
             where before.org_id = $1 and before.superseded_by = $2 and live.superseded_at is null and live.change_id <> $2)",
    );
    Ok(found.bind(scope.org_id().0).bind(change.0).fetch_one(connection).await?)
}

fn placed(row: &PgRow) -> Result<(i64, Span), Error> {
    Ok((row.try_get("rule_id")?, Span { from: row.try_get("valid_from")?, to: row.try_get("valid_to")? }))
}

pub(super) async fn supersede(
    connection: &mut PgConnection,
    scope: &OrgScope,
    ids: &[i64],
    by: Entered,
) -> Result<(), Error> {
    sqlx::query("update rules set superseded_at = $3, superseded_by = $4 where org_id = $1 and rule_id = any($2)")
        .bind(scope.org_id().0)
        .bind(ids)
        .bind(by.at)
        .bind(by.change_id.0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn insert_change(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: RuleChangeId,
    now: DateTime<Utc>,
    detail: &str,
    undoes: Option<RuleChangeId>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into rule_changes (org_id, change_id, recorded_at, user_id, key_id, detail, undoes)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(scope.org_id().0)
    .bind(change.0)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .bind(detail)
    .bind(undoes.map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// What was done to rules, newest first.
pub(crate) async fn changes(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<History<RuleChange>, Error> {
    let rows = sqlx::query(concat!(
        "select c.change_id, c.recorded_at, c.detail, c.undoes, count(*) over () as found, ",
        recorded_by!(),
        ", exists (select 1 from rule_changes as later where later.org_id = c.org_id and later.undoes = c.change_id) as undone
         from rule_changes as c",
        join_recorded_by!(),
        " where c.org_id = $1 order by c.recorded_at desc limit $2"
    ))
    .bind(scope.org_id().0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    let read = |row: &PgRow| {
        Ok(RuleChange {
            change_id: RuleChangeId(row.try_get("change_id")?),
            recorded_at: scope.zone().local(row.try_get("recorded_at")?),
            recorded_by: row.try_get("recorded_by")?,
            detail: row.try_get("detail")?,
            undone: row.try_get("undone")?,
            undoes: row.try_get::<Option<Uuid>, _>("undoes")?.map(RuleChangeId),
        })
    };
    history(&rows, read)
}

/// A change that is to be undone.
pub(super) struct Found {
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) detail: String,
    pub(super) undone: bool,
}

pub(super) async fn change(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: RuleChangeId,
) -> Result<Option<Found>, Error> {
    let row = sqlx::query(
        "select recorded_at, detail,
            exists (select 1 from rule_changes as later where later.org_id = c.org_id and later.undoes = c.change_id) as undone
         from rule_changes as c where org_id = $1 and change_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(change.0)
    .fetch_optional(connection)
    .await?;
    let read = |row: PgRow| {
        Ok(Found {
            recorded_at: row.try_get("recorded_at")?,
            detail: row.try_get("detail")?,
            undone: row.try_get("undone")?,
        })
    };
    row.map(read).transpose()
}

/// What a change entered.
pub(super) async fn entered_by(
    connection: &mut PgConnection,
    scope: &OrgScope,
    change: RuleChangeId,
) -> Result<Vec<StoredRule>, Error> {
    let rows = sqlx::query(concat!(
        "select ",
        columns!(),
        " from rules as r where r.org_id = $1 and r.change_id = $2 order by r.rule_id"
    ))
    .bind(scope.org_id().0)
    .bind(change.0)
    .fetch_all(connection)
    .await?;
    rows.iter().map(StoredRule::of).collect()
}
