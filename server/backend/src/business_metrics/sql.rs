//! Queries of `business_metrics` and `business_metric_values`.

use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::business_metric::{BusinessMetric, MetricEntry, MetricValue, NewValue, RecordedValue};
use domain::period::Period;
use domain::project::Slug;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::collections::{BTreeMap, HashMap};

fn labels(row: &PgRow) -> Result<BTreeMap<String, String>, Error> {
    let labels: Value = row.try_get("labels")?;
    serde_json::from_value(labels).map_err(|error| Error::inconsistent("business_metric_values", "labels", error))
}

fn value(row: &PgRow) -> Result<MetricValue, Error> {
    let period = Period { from: row.try_get("valid_from")?, to: row.try_get("valid_to")? };
    Ok(MetricValue { period, labels: labels(row)?, value: row.try_get("value")? })
}

/// All metrics with their units.
pub(super) async fn units(db: impl PgExecutor<'_>, scope: &OrgScope) -> Result<HashMap<String, String>, Error> {
    let rows = sqlx::query("select name, unit from business_metrics where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("unit")?))).collect()
}

pub(super) async fn insert_metrics(
    connection: &mut PgConnection,
    scope: &OrgScope,
    metrics: &BTreeMap<String, String>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into business_metrics (org_id, name, unit, created_at)
         select $1, new.name, new.unit, $4 from unnest($2::text[], $3::text[]) as new (name, unit)",
    )
    .bind(scope.org_id().0)
    .bind(metrics.keys().cloned().collect::<Vec<_>>())
    .bind(metrics.values().cloned().collect::<Vec<_>>())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// What counts for the days and labels of some values, in their order; none where nothing does.
pub(super) async fn present(
    connection: &mut PgConnection,
    scope: &OrgScope,
    values: &[NewValue],
) -> Result<Vec<Option<Decimal>>, Error> {
    let rows = sqlx::query(
        "select held.value from unnest($2::text[], $3::date[], $4::date[], $5::jsonb[]) with ordinality
             as asked (name, valid_from, valid_to, labels, place)
         left join business_metric_values as held on held.org_id = $1 and held.superseded_at is null
             and held.name = asked.name and held.valid_from = asked.valid_from and held.valid_to = asked.valid_to
             and held.labels = asked.labels
         order by asked.place",
    )
    .bind(scope.org_id().0)
    .bind(names(values))
    .bind(values.iter().map(|new| new.value.period.from).collect::<Vec<_>>())
    .bind(values.iter().map(|new| new.value.period.to).collect::<Vec<_>>())
    .bind(label_values(values))
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(row.try_get("value")?)).collect()
}

/// Supersedes what counts for the same days and labels, and records the values, each after the one before although a clock stands still.
pub(super) async fn record(
    connection: &mut PgConnection,
    scope: &OrgScope,
    values: &[NewValue],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (from, to): (Vec<_>, Vec<_>) = values.iter().map(|new| (new.value.period.from, new.value.period.to)).unzip();
    sqlx::query(
        "update business_metric_values as held set superseded_at = $6
         from unnest($2::text[], $3::date[], $4::date[], $5::jsonb[]) as new (name, valid_from, valid_to, labels)
         where held.org_id = $1 and held.superseded_at is null and held.name = new.name
           and held.valid_from = new.valid_from and held.valid_to = new.valid_to and held.labels = new.labels",
    )
    .bind(scope.org_id().0)
    .bind(names(values))
    .bind(&from)
    .bind(&to)
    .bind(label_values(values))
    .bind(now)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "insert into business_metric_values (org_id, name, valid_from, valid_to, labels, value, recorded_at, user_id, key_id)
         select $1, new.name, new.valid_from, new.valid_to, new.labels, new.value, greatest($7::timestamptz, (
                select max(held.recorded_at) + interval '1 microsecond' from business_metric_values as held
                where held.org_id = $1 and held.name = new.name and held.valid_from = new.valid_from
                  and held.valid_to = new.valid_to and held.labels = new.labels)), $8, $9
         from unnest($2::text[], $3::date[], $4::date[], $5::jsonb[], $6::numeric[])
             as new (name, valid_from, valid_to, labels, value)",
    )
    .bind(scope.org_id().0)
    .bind(names(values))
    .bind(&from)
    .bind(&to)
    .bind(label_values(values))
    .bind(values.iter().map(|new| new.value.value).collect::<Vec<_>>())
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

fn names(values: &[NewValue]) -> Vec<String> {
    values.iter().map(|new| new.metric.name.to_string()).collect()
}

fn label_values(values: &[NewValue]) -> Vec<Value> {
    values.iter().map(|new| serde_json::json!(new.value.labels)).collect()
}

/// All metrics in order of name; for a caller who sees some projects, with the values of these alone.
pub(super) async fn entries(
    pool: &PgPool,
    scope: &OrgScope,
    projects: Option<&[String]>,
) -> Result<Vec<MetricEntry>, Error> {
    let rows = sqlx::query(
        "select metric.name, metric.unit, count(*) as counted, min(held.valid_from) as valid_from, max(held.valid_to) as valid_to,
            max(held.recorded_at) as recorded_at,
            array(select distinct jsonb_object_keys(own.labels) from business_metric_values as own
                  where own.org_id = metric.org_id and own.name = metric.name and own.superseded_at is null order by 1) as labels
         from business_metrics as metric join business_metric_values as held
             on held.org_id = metric.org_id and held.name = metric.name and held.superseded_at is null
         where metric.org_id = $1 and ($2::text[] is null or held.labels ->> 'project' = any($2))
         group by metric.org_id, metric.name, metric.unit order by metric.name",
    )
    .bind(scope.org_id().0)
    .bind(projects)
    .fetch_all(pool)
    .await?;
    let entry = |row: &PgRow| {
        Ok(MetricEntry {
            metric: metric(row.try_get("name")?, row.try_get("unit")?)?,
            values: row.try_get::<i64, _>("counted")?.unsigned_abs(),
            from: row.try_get("valid_from")?,
            to: row.try_get("valid_to")?,
            recorded_at: scope.zone().local(row.try_get("recorded_at")?),
            labels: row.try_get("labels")?,
        })
    };
    rows.iter().map(entry).collect()
}

fn metric(name: &str, unit: &str) -> Result<BusinessMetric, Error> {
    let slug = Slug::parse(name).map_err(|wrong| Error::inconsistent("business_metrics", "name", wrong.detail))?;
    Ok(BusinessMetric { name: slug, unit: unit.to_owned() })
}

/// The values of some metrics, or of all, that count and lie wholly in a period, by metric.
pub(super) async fn values(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    names: Option<&[&str]>,
    period: Period,
    projects: Option<&[String]>,
) -> Result<HashMap<String, Vec<MetricValue>>, Error> {
    let rows = sqlx::query(
        "select name, valid_from, valid_to, labels, value from business_metric_values
         where org_id = $1 and ($2::text[] is null or name = any($2)) and valid_from >= $3 and valid_to <= $4 and superseded_at is null
           and ($5::text[] is null or labels ->> 'project' = any($5))
         order by valid_from, valid_to",
    )
    .bind(scope.org_id().0)
    .bind(names)
    .bind(period.from)
    .bind(period.to)
    .bind(projects)
    .fetch_all(db)
    .await?;
    let mut found: HashMap<String, Vec<MetricValue>> = HashMap::new();
    for row in &rows {
        found.entry(row.try_get("name")?).or_default().push(value(row)?);
    }
    Ok(found)
}

/// The newest values of a metric with those that were superseded, as far as the caller sees them.
pub(super) async fn history(
    pool: &PgPool,
    scope: &OrgScope,
    name: &str,
    projects: Option<&[String]>,
    limit: i64,
) -> Result<Vec<RecordedValue>, Error> {
    let rows = sqlx::query(
        "select v.valid_from, v.valid_to, v.labels, v.value, v.recorded_at, v.superseded_at,
            coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as recorded_by
         from business_metric_values as v
         left join users on users.user_id = v.user_id
         left join api_keys on api_keys.org_id = v.org_id and api_keys.key_id = v.key_id
         where v.org_id = $1 and v.name = $2 and ($3::text[] is null or v.labels ->> 'project' = any($3))
         order by v.recorded_at desc, v.valid_from desc, v.labels limit $4",
    )
    .bind(scope.org_id().0)
    .bind(name)
    .bind(projects)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    let local = |at| scope.zone().local(at);
    let read = |row: &PgRow| {
        Ok(RecordedValue {
            value: value(row)?,
            recorded_at: local(row.try_get("recorded_at")?),
            recorded_by: row.try_get("recorded_by")?,
            superseded_at: row.try_get::<Option<DateTime<Utc>>, _>("superseded_at")?.map(local),
        })
    };
    rows.iter().map(read).collect()
}
