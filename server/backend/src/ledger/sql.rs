//! Queries of `series` and `labels`.

use super::series::{Label, Missing, Series};
use crate::{Error, OrgScope};
use chrono::{DateTime, FixedOffset, Utc};
use domain::ids::{KeyId, ProjectId};
use domain::problem::FieldProblem;
use domain::spend::OTHER;
use sqlx::{PgConnection, PgPool, Row};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Labels with their numbers and names, without their values.
type LabelNames = Vec<(i64, String)>;

/// Every series and label of an organization.
pub(super) async fn all(pool: &PgPool, scope: &OrgScope) -> Result<(Vec<Series<'static>>, LabelNames), Error> {
    let series = sqlx::query(
        "select project_id, key_id, status, provider, model, operation, feature, environment, cohort, step
         from series where org_id = $1",
    );
    let series = series.bind(scope.org_id().0).fetch_all(pool).await?;
    let series = series.iter().map(|row| {
        let word = |column| Ok::<_, Error>(Cow::Owned(row.try_get(column)?));
        let wrong = |problem: FieldProblem| Error::inconsistent("series", "status", problem.detail);
        Ok(Series {
            project_id: ProjectId(row.try_get("project_id")?),
            key_id: KeyId(row.try_get("key_id")?),
            status: row.try_get::<&str, _>("status")?.parse().map_err(wrong)?,
            provider: word("provider")?,
            model: word("model")?,
            operation: word("operation")?,
            feature: word("feature")?,
            environment: word("environment")?,
            cohort: word("cohort")?,
            step: word("step")?,
        })
    });
    let labels = sqlx::query_as("select label_id, label from labels where org_id = $1");
    Ok((series.collect::<Result<_, Error>>()?, labels.bind(scope.org_id().0).fetch_all(pool).await?))
}

/// Writes what is not there yet; rows come in the order in which everybody locks them.
pub(super) async fn insert_missing(
    connection: &mut PgConnection,
    missing: &Missing<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    macro_rules! all {
        ($rows:expr, $row:pat => $value:expr) => {
            $rows.iter().map(|$row| $value).collect::<Vec<_>>()
        };
    }
    let (series, labels) = (&missing.series, &missing.labels);
    if !series.is_empty() {
        let word =
            |word: for<'s> fn(&'s Series<'static>) -> &'s str| all!(series, (_, series) => word(series).to_owned());
        sqlx::query(
            "insert into series (org_id, series_id, project_id, key_id, status, provider, model, operation, feature,
                environment, cohort, step, created_at)
             select *, $13 from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
             on conflict on constraint series_pkey do nothing",
        )
        .bind(all!(series, ((org_id, _), _) => org_id.0))
        .bind(all!(series, ((_, id), _) => *id))
        .bind(all!(series, (_, series) => series.project_id.0))
        .bind(all!(series, (_, series) => series.key_id.0))
        .bind(word(|series| series.status.as_str()))
        .bind(word(|series| &series.provider))
        .bind(word(|series| &series.model))
        .bind(word(|series| &series.operation))
        .bind(word(|series| &series.feature))
        .bind(word(|series| &series.environment))
        .bind(word(|series| &series.cohort))
        .bind(word(|series| &series.step))
        .bind(now)
        .execute(&mut *connection)
        .await?;
    }
    if !labels.is_empty() {
        let word = |word: for<'l> fn(&'l Label<'static>) -> &'l str| all!(labels, (_, label) => word(label).to_owned());
        sqlx::query(
            "insert into labels (org_id, label_id, label, value, created_at)
             select *, $5 from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])
             on conflict on constraint labels_pkey do nothing",
        )
        .bind(all!(labels, ((org_id, _), _) => org_id.0))
        .bind(all!(labels, ((_, id), _) => *id))
        .bind(word(|label| &label.label))
        .bind(word(|label| &label.value))
        .bind(now)
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// How many values each dimension has that comes with events, and since when it has [`OTHER`] beside them.
pub(super) async fn values(
    pool: &PgPool,
    scope: &OrgScope,
) -> Result<BTreeMap<String, (u64, Option<DateTime<FixedOffset>>)>, Error> {
    let rows = sqlx::query(
        "with sent as (
             select words.dimension, words.value, min(created_at) as since
             from series cross join lateral (values ('provider', provider), ('model', model), ('operation', operation),
                ('feature', feature), ('environment', environment), ('cohort', cohort), ('step', step)) as words (dimension, value)
             where org_id = $1 and words.value <> '' group by 1, 2
             union all
             select label, value, created_at from labels where org_id = $1
         )
         select dimension, count(*) filter (where value <> $2) as values, min(since) filter (where value = $2) as other_since
         from sent group by dimension",
    );
    let rows = rows.bind(scope.org_id().0).bind(OTHER).fetch_all(pool).await?;
    let known = |row: &sqlx::postgres::PgRow| {
        let values: i64 = row.try_get("values")?;
        let since: Option<DateTime<Utc>> = row.try_get("other_since")?;
        Ok((row.try_get("dimension")?, (values.unsigned_abs(), since.map(|at| scope.zone().local(at)))))
    };
    rows.iter().map(known).collect()
}

/// All sums of the organization, and where they counted.
pub(crate) async fn delete_all(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    for sql in [
        "delete from rollup_quarter where org_id = $1",
        "delete from rollup_day where org_id = $1",
        "delete from rollup_label_day where org_id = $1",
        "delete from rollup_meter_day where org_id = $1",
        "delete from rollup_term_day where org_id = $1",
        "delete from series where org_id = $1",
        "delete from labels where org_id = $1",
    ] {
        sqlx::query(sql).bind(scope.org_id().0).execute(&mut *connection).await?;
    }
    Ok(())
}
