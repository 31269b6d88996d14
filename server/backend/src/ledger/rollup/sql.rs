//! Every table of sums, declared once: its key, what it sums, and the statements that follow from both.
//!
//! `verify` recomputes sums by queries of its own, because its independence is its worth; only the names of columns come from here.

use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{OrgId, ProjectId};
use domain::meter::Meter;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::marker::PhantomData;
use std::ops::{AddAssign, Neg};
use std::sync::LazyLock;
use uuid::Uuid;

pub(crate) type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Columns of a rollup that a Rust type holds.
pub(crate) trait Columns: Sized + Send + Sync + 'static {
    /// Names with their types in SQL, in the order of the table.
    const COLUMNS: &'static [(&'static str, &'static str)];

    /// Binds one array per column.
    fn bind<'q>(query: Query<'q>, rows: impl Iterator<Item = &'q Self> + Clone) -> Query<'q>;

    /// Reads them from a row of the table.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Inconsistent`].
    fn read(row: &PgRow) -> Result<Self, Error>;

    /// Adds them to a row as people read it.
    fn show(&self, row: &mut Map<String, Value>);
}

/// A column of a rollup.
trait Column: Sized + ToString {
    fn read(row: &PgRow, name: &'static str) -> Result<Self, Error>;
}

macro_rules! column {
    ($($type:ty),+) => {
        $(impl Column for $type {
            fn read(row: &PgRow, name: &'static str) -> Result<Self, Error> {
                Ok(row.try_get(name)?)
            }
        })+
    };
}

column!(Uuid, NaiveDate, DateTime<Utc>, i32, i64, Decimal);

/// The word of a meter.
impl Column for &'static str {
    fn read(row: &PgRow, name: &'static str) -> Result<Self, Error> {
        let word: &str = row.try_get(name)?;
        Meter::parse(word).map(Meter::as_str).ok_or_else(|| Error::inconsistent("rollups", name, word))
    }
}

macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($column:ident: $type:ty = $sql:literal),+ $(,)? }) => {
        $(#[$doc])*
        pub(crate) struct $name { $(pub(crate) $column: $type),+ }

        impl Columns for $name {
            const COLUMNS: &'static [(&'static str, &'static str)] = &[$((stringify!($column), $sql)),+];

            fn bind<'q>(query: Query<'q>, rows: impl Iterator<Item = &'q Self> + Clone) -> Query<'q> {
                query$(.bind(rows.clone().map(|row| row.$column).collect::<Vec<$type>>()))+
            }

            fn read(row: &PgRow) -> Result<Self, Error> {
                Ok(Self { $($column: <$type as Column>::read(row, stringify!($column))?),+ })
            }

            fn show(&self, row: &mut Map<String, Value>) {
                $(row.insert(stringify!($column).to_owned(), Value::from(self.$column.to_string()));)+
            }
        }
    };
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident { $($column:ident: $type:ty = $sql:literal),+ $(,)? }) => {
        columns! {
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            $name { org_id: Uuid = "uuid", $($column: $type = $sql),+ }
        }
    };
}

macro_rules! sums {
    ($(#[$doc:meta])* $name:ident { $($column:ident: $type:ty = $sql:literal),+ $(,)? }) => {
        columns! {
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            $name { $($column: $type = $sql),+ }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                $(self.$column += other.$column;)+
            }
        }

        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self { $($column: -self.$column),+ }
            }
        }
    };
}

key! { /// A series in a quarter of an hour.
QuarterKey { quarter: DateTime<Utc> = "timestamptz", series_id: i64 = "bigint" } }
key! { /// A series on a day.
DayKey { day: NaiveDate = "date", series_id: i64 = "bigint" } }
key! { /// A label on a day, by series.
LabelKey { day: NaiveDate = "date", label_id: i64 = "bigint", series_id: i64 = "bigint" } }
key! { /// A meter of a series on a day.
MeterKey { day: NaiveDate = "date", series_id: i64 = "bigint", meter: &'static str = "text" } }
key! { /// Calls of a series on a day that took about as long.
LatencyKey { day: NaiveDate = "date", series_id: i64 = "bigint", latency_class: i32 = "integer" } }
key! { /// What a term of the contract moved of a meter.
TermKey { day: NaiveDate = "date", series_id: i64 = "bigint", meter: &'static str = "text", term_id: i64 = "bigint" } }

sums! { /// Sums of calls.
    CallSums {
        requests: i32 = "integer",
        tokens: i64 = "bigint",
        unpriced_requests: i32 = "integer",
        retries: i32 = "integer",
        cache_hits: i32 = "integer",
        booked: Decimal = "numeric",
        adjusted: Decimal = "numeric",
        unpriced_upper_bound: Decimal = "numeric",
        avoided_cost: Decimal = "numeric",
        retry_cost: Decimal = "numeric",
    }
}
sums! { /// Sums of calls that carry a label.
    LabelSums {
        requests: i32 = "integer",
        tokens: i64 = "bigint",
        unpriced_requests: i32 = "integer",
        booked: Decimal = "numeric",
        adjusted: Decimal = "numeric",
        unpriced_upper_bound: Decimal = "numeric",
        avoided_cost: Decimal = "numeric",
    }
}
sums! { /// Sums of a meter.
MeterSums { requests: i32 = "integer", quantity: Decimal = "numeric", booked: Decimal = "numeric", adjusted: Decimal = "numeric" } }
sums! { /// Whole answers, and first tokens, that took so long.
LatencySums { responses: i32 = "integer", first_tokens: i32 = "integer" } }
sums! { /// What a term moved.
TermSums { adjusted: Decimal = "numeric" } }

/// A table of sums.
pub(crate) struct Rollup<K, S> {
    pub(crate) table: &'static str,
    columns: PhantomData<(K, S)>,
}

pub(crate) const QUARTERS: Rollup<QuarterKey, CallSums> = Rollup::new("rollup_quarter");
pub(crate) const DAYS: Rollup<DayKey, CallSums> = Rollup::new("rollup_day");
pub(crate) const LABELS: Rollup<LabelKey, LabelSums> = Rollup::new("rollup_label_day");
pub(crate) const METERS: Rollup<MeterKey, MeterSums> = Rollup::new("rollup_meter_day");
pub(crate) const LATENCIES: Rollup<LatencyKey, LatencySums> = Rollup::new("rollup_latency_day");
pub(crate) const TERMS: Rollup<TermKey, TermSums> = Rollup::new("rollup_term_day");

/// What days of another zone come to, which will take the place of those that count.
pub(crate) const STAGED_LABELS: Rollup<LabelKey, LabelSums> = Rollup::new("staged_label_day");
pub(crate) const STAGED_METERS: Rollup<MeterKey, MeterSums> = Rollup::new("staged_meter_day");
pub(crate) const STAGED_LATENCIES: Rollup<LatencyKey, LatencySums> = Rollup::new("staged_latency_day");
pub(crate) const STAGED_TERMS: Rollup<TermKey, TermSums> = Rollup::new("staged_term_day");

/// Rows sorted by key, so that everybody locks them in one order.
pub(crate) type Rows<K, S> = Vec<(K, S)>;

impl<K: Columns, S: Columns> Rollup<K, S> {
    const fn new(table: &'static str) -> Self {
        Self { table, columns: PhantomData }
    }

    /// How many values [`Self::bind`] binds.
    pub(crate) const WIDTH: usize = K::COLUMNS.len() + S::COLUMNS.len();

    fn names() -> impl Iterator<Item = &'static str> {
        K::COLUMNS.iter().chain(S::COLUMNS).map(|(name, _)| *name)
    }

    /// Adds rows to what is there; the arrays are numbered from after `bound` on.
    pub(crate) fn upsert(&self, bound: usize) -> String {
        let rows = format!("select * from {}", arrays(K::COLUMNS.iter().chain(S::COLUMNS), bound));
        added::<S>(self.table, &Self::names().collect::<Vec<_>>().join(", "), &rows)
    }

    /// The rows of an organization for which a condition holds, whose bound values begin with `$2`.
    pub(crate) fn select(&self, within: &str) -> String {
        let names = Self::names().collect::<Vec<_>>().join(", ");
        format!("select {names} from {} where org_id = $1 and {within}", self.table)
    }

    /// Inserts an organization's rows of another table of the same columns for which a condition holds, whose bound values begin with `$2`: what comes to nothing has no row.
    pub(crate) fn take_over(&self, other: &Self, within: &str) -> String {
        let any = S::COLUMNS.iter().map(|(name, _)| format!("{name} <> 0")).collect::<Vec<_>>().join(" or ");
        let names = Self::names().collect::<Vec<_>>().join(", ");
        format!("insert into {} ({names}) {} and ({any})", self.table, other.select(within))
    }

    /// A row of [`Self::select`].
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Inconsistent`].
    pub(crate) fn read(row: &PgRow) -> Result<(K, S), Error> {
        Ok((K::read(row)?, S::read(row)?))
    }

    /// A row as JSON, every value as a text: JSON readers are not exact.
    pub(crate) fn show(key: &K, sums: &S) -> String {
        let mut row = Map::new();
        key.show(&mut row);
        sums.show(&mut row);
        Value::Object(row).to_string()
    }

    /// Adds rows to what is there.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn add(&self, connection: &mut PgConnection, rows: &Rows<K, S>) -> Result<(), Error> {
        if !rows.is_empty() {
            self.bind(sqlx::query(AssertSqlSafe(self.upsert(0))), rows).execute(connection).await?;
        }
        Ok(())
    }

    /// Binds rows to [`Self::upsert`].
    pub(crate) fn bind<'q>(&self, query: Query<'q>, rows: &'q Rows<K, S>) -> Query<'q> {
        S::bind(K::bind(query, rows.iter().map(|(key, _)| key)), rows.iter().map(|(_, sums)| sums))
    }

    /// Adds rows to what is there; what comes to nothing goes.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn add_and_prune(&self, connection: &mut PgConnection, rows: &Rows<K, S>) -> Result<(), Error> {
        self.add(connection, rows).await?;
        self.prune(connection, rows).await
    }

    /// What comes to nothing goes, of rows that this transaction has written.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(super) async fn prune(&self, connection: &mut PgConnection, rows: &Rows<K, S>) -> Result<(), Error> {
        let same = K::COLUMNS.iter().map(|(name, _)| format!("r.{name} = gone.{name}"));
        prune_keys(connection, rows, pruned::<S>(self.table, &gone::<K>(), same)).await
    }
}

/// Coarser sums of a table: they follow from its rows and are made from them wherever these are written.
pub(crate) struct Coarse<K, S> {
    pub(crate) table: &'static str,
    of: Rollup<K, S>,
    /// The column of the series that stands in the key in place of its number.
    by: &'static str,
}

pub(crate) const COARSE_DAYS: Coarse<DayKey, CallSums> =
    Coarse { table: "rollup_coarse_day", of: DAYS, by: "coarse_id" };
pub(crate) const COARSE_LABELS: Coarse<LabelKey, LabelSums> =
    Coarse { table: "rollup_coarse_label_day", of: LABELS, by: "status" };
pub(crate) const COARSE_METERS: Coarse<MeterKey, MeterSums> =
    Coarse { table: "rollup_coarse_meter_day", of: METERS, by: "coarse_id" };

impl<K: Columns, S: Columns> Coarse<K, S> {
    /// Names of its key, each with the alias of the finer row or of its series.
    fn key(&self) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
        let by = self.by;
        K::COLUMNS.iter().map(move |(name, _)| if *name == "series_id" { ("s", by) } else { ("r", *name) })
    }

    pub(crate) fn names(&self) -> String {
        let sums = S::COLUMNS.iter().map(|(name, _)| *name);
        self.key().map(|(_, name)| name).chain(sums).collect::<Vec<_>>().join(", ")
    }

    /// Sums of rows `r` of the finer table, in the order in which everybody locks rows.
    fn sums(&self, rows: &str, condition: &str) -> String {
        let key = self.key().map(|(row, name)| format!("{row}.{name}")).collect::<Vec<_>>().join(", ");
        let sums = S::COLUMNS.iter().map(|(name, sql)| format!("sum(r.{name})::{sql} as {name}"));
        format!(
            "select {key}, {} from {rows} join series as s on s.org_id = r.org_id and s.series_id = r.series_id
             where {condition} group by {key} order by {key}",
            sums.collect::<Vec<_>>().join(", ")
        )
    }

    /// Adds rows of the finer table, bound as [`Rollup::upsert`] binds them, to what is there.
    fn upsert(&self, bound: usize) -> String {
        let names = Rollup::<K, S>::names().collect::<Vec<_>>().join(", ");
        let rows = format!("{} as r ({names})", arrays(K::COLUMNS.iter().chain(S::COLUMNS), bound));
        added::<S>(self.table, &self.names(), &self.sums(&rows, "true"))
    }

    /// What it has to be of an organization's days for which a condition on the finer rows `r` holds, whose bound values begin with `$2`: what comes to nothing has no row.
    pub(crate) fn expected(&self, within: &str) -> String {
        let sums = self.sums(&format!("{} as r", self.of.table), &format!("r.org_id = $1 and {within}"));
        let any = S::COLUMNS.iter().map(|(name, _)| format!("{name} <> 0")).collect::<Vec<_>>().join(" or ");
        format!("select {} from ({sums}) as sums where {any}", self.names())
    }

    /// Adds rows of the finer table to what is there; what comes to nothing goes.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn add_and_prune(&self, connection: &mut PgConnection, rows: &Rows<K, S>) -> Result<(), Error> {
        if !rows.is_empty() {
            self.of.bind(sqlx::query(AssertSqlSafe(self.upsert(0))), rows).execute(&mut *connection).await?;
        }
        self.prune(connection, rows).await
    }

    /// What comes to nothing goes, where this transaction has written rows of the finer table.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(super) async fn prune(&self, connection: &mut PgConnection, rows: &Rows<K, S>) -> Result<(), Error> {
        let series = "join series as s on s.org_id = gone.org_id and s.series_id = gone.series_id";
        let same = self.key().map(|(row, name)| {
            let other = if row == "s" { "s" } else { "gone" };
            format!("r.{name} = {other}.{name}")
        });
        prune_keys(connection, rows, pruned::<S>(self.table, &format!("{} {series}", gone::<K>()), same)).await
    }
}

/// Runs [`pruned`] for the keys of rows.
async fn prune_keys<K: Columns, S>(
    connection: &mut PgConnection,
    rows: &Rows<K, S>,
    prune: String,
) -> Result<(), Error> {
    if !rows.is_empty() {
        K::bind(sqlx::query(AssertSqlSafe(prune)), rows.iter().map(|(key, _)| key)).execute(connection).await?;
    }
    Ok(())
}

/// Adds what a query answers with to what a table has.
fn added<S: Columns>(table: &str, names: &str, rows: &str) -> String {
    let sums = S::COLUMNS.iter().map(|(name, _)| format!("{name} = {table}.{name} + excluded.{name}"));
    let sums = sums.collect::<Vec<_>>().join(", ");
    format!("insert into {table} ({names}) {rows} on conflict on constraint {table}_pkey do update set {sums}")
}

/// Keys, bound as arrays, whose rows may have come to nothing.
fn gone<K: Columns>() -> String {
    let names = K::COLUMNS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    format!("{} as gone ({names})", arrays(K::COLUMNS.iter(), 0))
}

/// Deletes the rows `r` of a table that are the same as others and come to nothing.
fn pruned<S: Columns>(table: &str, others: &str, same: impl Iterator<Item = String>) -> String {
    let empty = S::COLUMNS.iter().map(|(name, _)| format!("r.{name} = 0"));
    let conditions = same.chain(empty).collect::<Vec<_>>().join(" and ");
    format!("delete from {table} as r using {others} where {conditions}")
}

fn arrays<'a>(columns: impl Iterator<Item = &'a (&'static str, &'static str)>, bound: usize) -> String {
    let mut arrays = String::from("unnest(");
    for (place, (_, sql)) in columns.enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        // Writing to a text cannot fail.
        let _infallible = write!(arrays, "{comma}${}::{sql}[]", bound + place + 1);
    }
    arrays + ")"
}

/// Gives days another version each, whose organizations and dates are bound as arrays after `bound`.
fn renewed(bound: usize) -> String {
    format!("{RENEW} from unnest(${}::uuid[], ${}::date[]) as moved (org_id, day) {RENEWED}", bound + 1, bound + 2)
}

/// Versions say nothing but that they differ, so whatever comes by chance will do.
const RENEW: &str = "insert into rollup_version (org_id, day, version) select org_id, day, hashtextextended(gen_random_uuid()::text, 0)";
const RENEWED: &str = "on conflict on constraint rollup_version_pkey do update set version = excluded.version";

/// Organizations and days, sorted, so that everybody locks them in one order.
pub(super) type Days = BTreeSet<(OrgId, NaiveDate)>;

fn bind_days<'q>(query: Query<'q>, days: &Days) -> Query<'q> {
    let (orgs, dates): (Vec<Uuid>, Vec<NaiveDate>) = days.iter().map(|(org_id, day)| (org_id.0, *day)).unzip();
    query.bind(orgs).bind(dates)
}

/// Gives days another version each: the last thing that a transaction does which moved their sums.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn renew(connection: &mut PgConnection, days: &Days) -> Result<(), Error> {
    bind_days(sqlx::query(AssertSqlSafe(renewed(0))), days).execute(connection).await?;
    Ok(())
}

/// The same for every day that an organization has sums of, or had.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn renew_all(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    let days = "select org_id, day from rollup_day where org_id = $1 union select org_id, day from rollup_version where org_id = $1 order by 1, 2";
    let all = format!("{RENEW} from ({days}) as moved {RENEWED}");
    sqlx::query(AssertSqlSafe(all)).bind(scope.org_id().0).execute(connection).await?;
    Ok(())
}

/// The newest event of each project.
pub(super) type Newest = BTreeMap<(OrgId, ProjectId), DateTime<Utc>>;

/// Moves the newest events on, whose organizations, projects and times are bound as arrays after `bound`.
fn moved_on(bound: usize) -> String {
    format!(
        "insert into newest_events (org_id, project_id, happened_at)
         select * from unnest(${}::uuid[], ${}::uuid[], ${}::timestamptz[]) on conflict on constraint newest_events_pkey
            do update set happened_at = excluded.happened_at where newest_events.happened_at < excluded.happened_at",
        bound + 1,
        bound + 2,
        bound + 3
    )
}

fn bind_newest<'q>(query: Query<'q>, newest: &Newest) -> Query<'q> {
    let orgs: Vec<Uuid> = newest.keys().map(|(org_id, _)| org_id.0).collect();
    let projects: Vec<Uuid> = newest.keys().map(|(_, project_id)| project_id.0).collect();
    query.bind(orgs).bind(projects).bind(newest.values().copied().collect::<Vec<_>>())
}

/// All upserts as one statement, because a way to the database and back costs as much as a few rows.
///
/// PostgreSQL runs such parts from the last to the first, so they stand in the reverse of the order in which everybody locks rows: quarters, days, their coarser ones, labels, their coarser ones, meters, their coarser ones, latencies, newest events, versions. [`super::RollupDelta::adjust`] keeps to it.
static ADD: LazyLock<String> = LazyLock::new(|| {
    let latencies = LATENCIES.upsert(0);
    let mut bound = Rollup::<LatencyKey, LatencySums>::WIDTH;
    let (meters, coarse_meters) = (METERS.upsert(bound), COARSE_METERS.upsert(bound));
    bound += Rollup::<MeterKey, MeterSums>::WIDTH;
    let (labels, coarse_labels) = (LABELS.upsert(bound), COARSE_LABELS.upsert(bound));
    bound += Rollup::<LabelKey, LabelSums>::WIDTH;
    let (days, coarse_days) = (DAYS.upsert(bound), COARSE_DAYS.upsert(bound));
    bound += Rollup::<DayKey, CallSums>::WIDTH;
    let quarters = QUARTERS.upsert(bound);
    bound += Rollup::<QuarterKey, CallSums>::WIDTH;
    let (versions, newest) = (renewed(bound), moved_on(bound + 2));
    format!(
        "with versions as ({versions}), newest as ({newest}), latencies as ({latencies}), coarse_meters as ({coarse_meters}), meters as ({meters}), coarse_labels as ({coarse_labels}), labels as ({labels}), coarse_days as ({coarse_days}),
             days as ({days}), quarters as ({quarters}) select"
    )
});

/// Adds rows to all tables of new events, and gives days another version.
pub(super) async fn add(
    connection: &mut PgConnection,
    rows: &super::WrittenSums,
    moved: &Days,
    newest: &Newest,
) -> Result<(), Error> {
    let query = LATENCIES.bind(sqlx::query(AssertSqlSafe(ADD.as_str())), &rows.latencies);
    let query = LABELS.bind(METERS.bind(query, &rows.meters), &rows.labels);
    let query = QUARTERS.bind(DAYS.bind(query, &rows.days), &rows.quarters);
    bind_newest(bind_days(query, moved), newest).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_follow_from_the_declaration() {
        assert_eq!(
            TERMS.upsert(3),
            "insert into rollup_term_day (org_id, day, series_id, meter, term_id, adjusted) select * from \
             unnest($4::uuid[], $5::date[], $6::bigint[], $7::text[], $8::bigint[], $9::numeric[]) \
             on conflict on constraint rollup_term_day_pkey do update set adjusted = rollup_term_day.adjusted + excluded.adjusted"
        );
        assert_eq!(
            TERMS.select("day = $2"),
            "select org_id, day, series_id, meter, term_id, adjusted from rollup_term_day where org_id = $1 and day = $2"
        );
        assert_eq!(
            TERMS.take_over(&STAGED_TERMS, "day = $2"),
            "insert into rollup_term_day (org_id, day, series_id, meter, term_id, adjusted) \
             select org_id, day, series_id, meter, term_id, adjusted from staged_term_day where org_id = $1 and day = $2 \
             and (adjusted <> 0)"
        );
        assert_eq!(Rollup::<DayKey, TermSums>::WIDTH, 4);
    }

    #[test]
    fn everybody_locks_rows_in_one_order() {
        let order = [
            "quarters",
            "days",
            "coarse_days",
            "labels",
            "coarse_labels",
            "meters",
            "coarse_meters",
            "latencies",
            "newest",
            "versions",
        ];
        let places = order.map(|part| ADD.find(&format!(" {part} as (insert")).unwrap());
        assert!(places.is_sorted_by(|one, next| one > next), "PostgreSQL runs the last part first: {places:?}");
    }
}
