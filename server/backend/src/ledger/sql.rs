//! Queries of `series` and `labels`, what all queries of events share, and the end of an organization.

use super::series::{Label, Missing, Series};
use crate::{Error, OrgScope};
use chrono::{DateTime, FixedOffset, Utc};
use domain::ids::{KeyId, ProjectId};
use domain::problem::FieldProblem;
use domain::spend::{Dimension, Filter, OTHER};
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row};
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

/// Adds one filter of an event list; events are `e`, their projects `projects`.
pub(crate) fn push_filter(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, filter: &Filter) {
    sql.push(if filter.exclude { " and not " } else { " and " });
    let org = scope.org_id().0;
    let values = filter.values.clone();
    match &filter.dimension {
        Dimension::Project => {
            sql.push("projects.slug = any(").push_bind(values).push(")");
        }
        Dimension::Team => {
            sql.push("exists (select 1 from project_ownership as owner join teams on teams.org_id = owner.org_id and teams.team_id = owner.team_id where owner.org_id = ")
                .push_bind(org)
                .push(" and owner.project_id = e.project_id and (e.\"timestamp\" at time zone ")
                .push_bind(scope.zone().name())
                .push(")::date >= owner.valid_from and (e.\"timestamp\" at time zone ")
                .push_bind(scope.zone().name())
                .push(")::date < owner.valid_to and teams.slug = any(")
                .push_bind(values)
                .push("))");
        }
        other => {
            sql.push("(");
            match other {
                Dimension::Tag(key) => sql.push("coalesce(e.tags ->> ").push_bind(key.clone()).push(", '')"),
                named => sql.push(column(named)),
            };
            sql.push(" = any(").push_bind(values).push(")");
            if filter.values.iter().any(|value| value == OTHER) {
                push_other(sql, other);
            }
            sql.push(")");
        }
    }
}

/// Or events whose value of a dimension counts as [`OTHER`].
fn push_other(sql: &mut QueryBuilder<Postgres>, dimension: &Dimension) {
    let word = match dimension {
        Dimension::Provider => "s.provider",
        Dimension::Model => "s.model",
        Dimension::Operation => "s.operation",
        Dimension::Feature => "s.feature",
        Dimension::Environment => "s.environment",
        Dimension::Cohort => "s.cohort",
        Dimension::Step => "s.step",
        Dimension::Customer | Dimension::User | Dimension::Tag(_) => {
            sql.push(
                " or exists (select 1 from labels as l
                    where l.org_id = e.org_id and l.label_id = any(e.labels) and l.value = ",
            );
            sql.push_bind(OTHER).push(" and l.label = ").push_bind(dimension.name()).push(")");
            return;
        }
        Dimension::Project | Dimension::Team | Dimension::ApiKey | Dimension::Status => return,
    };
    sql.push(" or exists (select 1 from series as s where s.org_id = e.org_id and s.series_id = e.series_id and ");
    sql.push(word).push(" = ").push_bind(OTHER).push(")");
}

/// The column of a dimension that has one; empty text means missing.
const fn column(dimension: &Dimension) -> &'static str {
    match dimension {
        Dimension::Model => "e.model",
        Dimension::Provider => "e.provider",
        Dimension::Operation => "e.operation",
        Dimension::Feature => "coalesce(e.feature, '')",
        Dimension::Environment => "coalesce(e.environment, '')",
        Dimension::ApiKey => "e.key_id::text",
        Dimension::Status => "e.status",
        Dimension::Customer => "coalesce(e.customer, '')",
        Dimension::User => "coalesce(e.\"user\", '')",
        Dimension::Cohort => "coalesce(e.cohort, '')",
        Dimension::Step => "coalesce(e.step, '')",
        Dimension::Project | Dimension::Team | Dimension::Tag(_) => "''",
    }
}

/// Everything of the ledger that belongs to the organization.
pub(super) async fn delete_all(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    for sql in [
        "delete from events where org_id = $1",
        "delete from event_ids where org_id = $1",
        "delete from rejected_events where org_id = $1",
        "delete from adjustments where org_id = $1",
        "delete from provider_responses where org_id = $1",
        "delete from suspected_doubles where org_id = $1",
        "delete from rollup_quarter where org_id = $1",
        "delete from rollup_day where org_id = $1",
        "delete from rollup_label_day where org_id = $1",
        "delete from rollup_meter_day where org_id = $1",
        "delete from rollup_term_day where org_id = $1",
        "delete from series where org_id = $1",
        "delete from labels where org_id = $1",
        "delete from dirty_marks where org_id = $1",
    ] {
        sqlx::query(sql).bind(scope.org_id().0).execute(&mut *connection).await?;
    }
    Ok(())
}
