//! Queries of `series` and `labels`, what all queries of events share, and the end of an organization.

use super::key::first_key;
use super::series::{Label, Series};
use crate::scope::ProjectDays;
use crate::{Error, OrgScope, Visible};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use domain::ids::{KeyId, OrgId, ProjectId};
use domain::problem::FieldProblem;
use domain::spend::{Dimension, Filter, OTHER};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, QueryBuilder, Row};
use std::borrow::Cow;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Limits a query of sums to what the caller sees, by the columns of a row's project and day.
pub(crate) fn push_seen_days(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, project: &str, day: &str) {
    push_seen(sql, scope, (project, day, "date"), |day| day);
}

/// Limits a query of events `e` with their series `s` to what the caller sees.
pub(crate) fn push_seen_events(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope) {
    push_seen(sql, scope, ("s.project_id", "e.event_key", "uuid"), |day| first_key(scope.zone().start_of(day)));
}

/// `edge` is what a column holds at least that belongs to a day.
fn push_seen<T>(
    sql: &mut QueryBuilder<Postgres>,
    scope: &OrgScope,
    (project, column, kind): (&str, &str, &str),
    edge: impl Fn(NaiveDate) -> T,
) where
    Vec<Option<T>>: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres>,
    T: 'static,
{
    let Visible::Only(part) = scope.visible() else { return };
    sql.push(" and (").push(project).push(" = any(").push_bind(part.always()).push(")");
    let days: Vec<_> = part.days().collect();
    if !days.is_empty() {
        let edges = |of: fn(&ProjectDays) -> Option<NaiveDate>| days.iter().map(|days| of(days).map(&edge)).collect();
        let (first, end): (Vec<_>, Vec<_>) = (edges(|days| days.from), edges(|days| days.to));
        let projects: Vec<_> = days.iter().map(|days| days.project_id.0).collect();
        sql.push(" or exists (select 1 from unnest(").push_bind(projects).push("::uuid[], ").push_bind(first);
        sql.push("::").push(kind).push("[], ").push_bind(end).push("::").push(kind);
        sql.push("[]) as seen (of_project, seen_from, seen_to) where of_project = ").push(project);
        sql.push(" and (seen_from is null or seen_from <= ").push(column);
        sql.push(") and (seen_to is null or seen_to > ").push(column).push("))");
    }
    sql.push(")");
}

/// What an organization has in the database.
#[derive(Debug, Default)]
pub(super) struct KnownRows {
    pub(super) series: Vec<Series<'static>>,
    /// Labels with their numbers and names, without their values.
    pub(super) labels: Vec<(i64, String)>,
    /// Shapes and plans, not more than are remembered.
    pub(super) entries: Vec<i64>,
}

/// Every series and label of an organization, and the numbers of at most so many of its shapes and plans.
pub(super) async fn all(pool: &PgPool, scope: &OrgScope, entries: usize) -> Result<KnownRows, Error> {
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
    let known = sqlx::query_scalar(
        "select id from (
             select plan_id as id from plans where org_id = $1 union all select shape_id from shapes where org_id = $1
         ) as entries limit $2",
    );
    let known = known.bind(scope.org_id().0).bind(i64::try_from(entries).unwrap_or(i64::MAX));
    Ok(KnownRows {
        series: series.collect::<Result<_, Error>>()?,
        labels: labels.bind(scope.org_id().0).fetch_all(pool).await?,
        entries: known.fetch_all(pool).await?,
    })
}

/// Writes shapes or plans that are not there yet: table and column, then entries in the order in which everybody locks rows.
pub(super) async fn insert_entries(
    connection: &mut PgConnection,
    (table, column): (&'static str, &'static str),
    entries: &BTreeMap<(OrgId, i64), &str>,
) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "insert into {table} (org_id, {column}_id, {column}) select org_id, id, content::jsonb
         from unnest($1::uuid[], $2::bigint[], $3::text[]) as entry (org_id, id, content)
         on conflict on constraint {table}_pkey do nothing"
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(entries.keys().map(|(org_id, _)| org_id.0).collect::<Vec<_>>())
        .bind(entries.keys().map(|(_, id)| *id).collect::<Vec<_>>())
        .bind(entries.values().copied().collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes what is not there yet; rows come in the order in which everybody locks them.
pub(super) async fn insert_missing(
    connection: &mut PgConnection,
    series: &BTreeMap<(OrgId, i64), &Series<'static>>,
    labels: &BTreeMap<(OrgId, i64), &Label<'static>>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    macro_rules! all {
        ($rows:expr, $row:pat => $value:expr) => {
            $rows.iter().map(|$row| $value).collect::<Vec<_>>()
        };
    }
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
        sqlx::query(
            "insert into coarse_series (org_id, coarse_id, project_id, provider, model, status)
             select distinct on (org_id, coarse_id) org_id, coarse_id, project_id, provider, model, status
             from unnest($1::uuid[], $2::bigint[]) as new (org_id, series_id) join series using (org_id, series_id)
             order by org_id, coarse_id
             on conflict on constraint coarse_series_pkey do nothing",
        )
        .bind(all!(series, ((org_id, _), _) => org_id.0))
        .bind(all!(series, ((_, id), _) => *id))
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
///
/// Where some projects are seen alone, theirs: labels belong to no project, so of these those that were used since a day.
pub(super) async fn values(
    pool: &PgPool,
    scope: &OrgScope,
    since: NaiveDate,
) -> Result<BTreeMap<String, (u64, Option<DateTime<FixedOffset>>)>, Error> {
    let rows = sqlx::query(
        "with sent as (
             select words.dimension, words.value, min(created_at) as since
             from series cross join lateral (values ('provider', provider), ('model', model), ('operation', operation),
                ('feature', feature), ('environment', environment), ('cohort', cohort), ('step', step)) as words (dimension, value)
             where org_id = $1 and words.value <> '' and ($3::uuid[] is null or project_id = any($3)) group by 1, 2
             union all
             select label, value, created_at from labels where org_id = $1 and ($3::uuid[] is null or label_id in (
                 select label_id from rollup_label_day where org_id = $1 and day >= $4 and series_id in (
                     select series_id from series where org_id = $1 and project_id = any($3))))
         )
         select dimension, count(*) filter (where value <> $2) as values, min(since) filter (where value = $2) as other_since
         from sent group by dimension",
    );
    let rows = rows.bind(scope.org_id().0).bind(OTHER).bind(scope.projects_ever()).bind(since).fetch_all(pool).await?;
    let known = |row: &sqlx::postgres::PgRow| {
        let values: i64 = row.try_get("values")?;
        let since: Option<DateTime<Utc>> = row.try_get("other_since")?;
        Ok((row.try_get("dimension")?, (values.unsigned_abs(), since.map(|at| scope.zone().local(at)))))
    };
    rows.iter().map(known).collect()
}

/// Whether a text of a row is one of a filter's values, or contains one of them in upper or lower case. Null where the text is.
pub(crate) fn push_match(sql: &mut QueryBuilder<Postgres>, text: &str, filter: &Filter) {
    let values = filter.values.clone();
    if filter.contains {
        // Not `like`, whose signs would have to be escaped.
        sql.push("exists (select 1 from unnest(")
            .push_bind(values)
            .push("::text[]) as part where position(lower(part) in lower(");
        sql.push(text).push(")) > 0)");
    } else {
        sql.push(text).push(" = any(").push_bind(values).push(")");
    }
}

/// The keys that a filter names: by their ids, or by a part of their names.
pub(crate) fn push_keys(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, key: &str, filter: &Filter) {
    if filter.contains {
        sql.push(key).push(" in (select key_id from api_keys where api_keys.org_id = ").push_bind(scope.org_id().0);
        sql.push(" and ");
        push_match(sql, "api_keys.name", filter);
        sql.push(")");
    } else {
        let ids: Vec<Uuid> = filter.values.iter().filter_map(|value| Uuid::parse_str(value).ok()).collect();
        sql.push(key).push(" = any(").push_bind(ids).push(")");
    }
}

/// As [`push_match`], where a text of a row is a value as it counts: of a filter's values each is looked for as it counts, too.
pub(crate) fn push_counted(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, text: &str, filter: &Filter) {
    if filter.contains || !filter.dimension.is_chosen_by_senders() {
        return push_match(sql, text, filter);
    }
    sql.push(text).push(" = any(array(");
    push_canonical(sql, scope, filter);
    sql.push("))");
}

/// The values as which those of a filter count.
fn push_canonical(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, filter: &Filter) {
    sql.push("select coalesce(alias.canonical, asked.value) as value from unnest(").push_bind(filter.values.clone());
    sql.push("::text[]) as asked (value) left join value_aliases as alias on alias.value = asked.value");
    push_aliases(sql.push(" and "), scope, filter);
}

fn push_aliases(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, filter: &Filter) {
    sql.push("alias.org_id = ").push_bind(scope.org_id().0);
    sql.push(" and alias.dimension = ").push_bind(filter.dimension.name());
}

/// As [`push_counted`], where the text is a value as it was sent.
fn push_sent(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, text: &str, filter: &Filter) {
    sql.push("(");
    if filter.contains {
        push_match(sql, text, filter);
        sql.push(" and ").push(text).push(" <> all(array(select alias.value from value_aliases as alias where ");
        push_aliases(sql, scope, filter);
        sql.push(")) or ").push(text).push(" = any(array(select alias.value from value_aliases as alias where ");
        push_aliases(sql, scope, filter);
        push_match(sql.push(" and "), "alias.canonical", filter);
    } else {
        sql.push(text).push(" = any(array(with counted as (");
        push_canonical(sql, scope, filter);
        sql.push(") select value from counted union all select alias.value from value_aliases as alias join counted on counted.value = alias.canonical where ");
        push_aliases(sql, scope, filter);
    }
    sql.push(")))");
}

/// By which words a filter looks: a list by those as which they count, a run by those that were sent, so that it ends as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    Counted,
    Sent,
}

impl Words {
    fn push(self, sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, text: &str, filter: &Filter) {
        match self {
            Self::Counted => push_sent(sql, scope, text, filter),
            Self::Sent => push_match(sql, text, filter),
        }
    }
}

/// Adds one filter of an event list; events are `e`, their series `s`, their projects `projects`.
pub(crate) fn push_filter(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, filter: &Filter, words: Words) {
    sql.push(if filter.exclude { " and not " } else { " and " });
    match &filter.dimension {
        Dimension::Project => push_match(sql, "projects.slug", filter),
        Dimension::Team => {
            push_level(sql, scope, filter, "project_ownership as span join teams using (org_id, team_id)")
        }
        Dimension::ProductLine => {
            let spans = "project_product_lines as span join product_lines using (org_id, product_line_id)";
            push_level(sql, scope, filter, spans);
        }
        Dimension::ApiKey => push_keys(sql, scope, "s.key_id", filter),
        Dimension::Status => push_match(sql, "s.status", filter),
        Dimension::Provider => push_word(sql, scope, "provider", filter, Words::Sent),
        Dimension::Model => push_word(sql, scope, "model", filter, Words::Sent),
        Dimension::Operation => push_word(sql, scope, "operation", filter, Words::Sent),
        Dimension::Feature => push_word(sql, scope, "feature", filter, words),
        Dimension::Environment => push_word(sql, scope, "environment", filter, words),
        Dimension::Cohort => push_word(sql, scope, "cohort", filter, words),
        Dimension::Step => push_word(sql, scope, "step", filter, words),
        Dimension::Customer | Dimension::User | Dimension::UnreadUsage | Dimension::Tag(_) => {
            push_label(sql, scope, filter, words);
        }
        // No event has it, and whoever asks is told so before.
        Dimension::AllocatedTeam => drop(sql.push("false")),
    }
}

/// Events whose project belonged on their day to something with one of these slugs; an empty one where it belonged to nothing.
fn push_level(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, filter: &Filter, spans: &'static str) {
    sql.push("exists (select 1 from (select coalesce((select slug from ").push(spans);
    sql.push(" where org_id = ").push_bind(scope.org_id().0).push(" and span.project_id = s.project_id");
    for edge in [" >= span.valid_from", " < span.valid_to"] {
        sql.push(" and (event_time(e.event_key) at time zone ")
            .push_bind(scope.zone().name())
            .push(")::date")
            .push(edge);
    }
    sql.push("), '')) as level (slug) where ");
    push_match(sql, "level.slug", filter);
    sql.push(")");
}

/// Events whose series has one of these words, or which were sent with it although it counts as another.
fn push_word(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, column: &'static str, filter: &Filter, words: Words) {
    let own = format!("s.{column}");
    sql.push("(");
    words.push(sql, scope, &own, filter);
    sql.push(" and (e.words is null or ").push(&own).push(" = ").push_bind(OTHER).push(") or ");
    words.push(sql, scope, &format!("coalesce(e.words ->> '{column}', '')"), filter);
    sql.push(" and e.words is not null)");
}

/// Events with one of these values of a label, by the numbers that they have, or which were sent with it although it counts as another; empty text means none.
fn push_label(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, filter: &Filter, words: Words) {
    let name = filter.dimension.name();
    let is_missing = !filter.contains && filter.values.iter().any(String::is_empty);
    sql.push("(exists (select 1 from label_ids(e.labels) as label_id where label_id = any(");
    if filter.contains {
        sql.push("array(select l.label_id from labels as l where l.org_id = ").push_bind(scope.org_id().0);
        sql.push(" and l.label = ").push_bind(name.clone()).push(" and ");
        words.push(sql, scope, "l.value", filter);
        sql.push(")");
    } else {
        let id = |value: &String| Label { label: Cow::Borrowed(&*name), value: Cow::Borrowed(&**value) }.id();
        let ids: Vec<i64> = filter.values.iter().filter(|value| !value.is_empty()).map(id).collect();
        sql.push_bind(ids);
        if words == Words::Counted && filter.dimension.is_chosen_by_senders() {
            // The numbers of the values themselves follow from their words; of others that count as the same they are looked up.
            sql.push(" || array(select l.label_id from value_aliases as alias join labels as l on l.org_id = alias.org_id and l.label = alias.dimension and l.value in (alias.value, alias.canonical) where ");
            push_aliases(sql, scope, filter);
            sql.push(" and alias.canonical = any(array(");
            push_canonical(sql, scope, filter);
            sql.push(")))");
        }
    }
    // Most events have no such words: what is unknown is no, or nothing could be left out.
    sql.push(")) or exists (select 1 from (select e.words ->> ")
        .push_bind(name.clone())
        .push(") as sent (word) where ");
    words.push(sql, scope, "sent.word", filter);
    sql.push(")");
    if is_missing {
        sql.push(" or not coalesce(e.words ? ").push_bind(name.clone()).push(", false) and not exists (");
        sql.push("select 1 from labels as l where l.org_id = e.org_id");
        sql.push(" and l.label_id = any(array(select label_ids(e.labels))) and l.label = ").push_bind(name).push(")");
    }
    sql.push(")");
}

/// The tables of the ledger beside `events`.
const TABLES: [&str; 31] = [
    "event_ids",
    "rejected_events",
    "adjustments",
    "event_copies",
    "running_totals",
    "provider_responses",
    "possible_duplicates",
    "trace_calls",
    "traces",
    "rollup_quarter",
    "rollup_day",
    "rollup_label_day",
    "rollup_meter_day",
    "rollup_latency_day",
    "rollup_term_day",
    "rollup_coarse_day",
    "rollup_coarse_label_day",
    "rollup_coarse_meter_day",
    "rollup_version",
    "staged_days",
    "staged_label_day",
    "staged_meter_day",
    "staged_latency_day",
    "staged_term_day",
    "newest_events",
    "coarse_series",
    "series",
    "labels",
    "shapes",
    "plans",
    "dirty_marks",
];

/// Has PostgreSQL look at what the ledger holds now: until it does by itself, a minute later, it plans as if there was nothing.
pub(super) async fn analyze(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query(AssertSqlSafe(format!("analyze events, {}", TABLES.join(", ")))).execute(connection).await?;
    Ok(())
}

/// Deletes at most `limit` rows of the organization from the first table that has any; how many.
pub(super) async fn delete_some(connection: &mut PgConnection, scope: &OrgScope, limit: i64) -> Result<u64, Error> {
    // Between two keys, so that only the partitions in which they lie are looked at.
    let (first, last): (Option<Uuid>, Option<Uuid>) = sqlx::query_as(
        "with next as (select event_key from events where org_id = $1 order by event_key limit $2)
         select (select event_key from next order by event_key limit 1), (select event_key from next order by event_key desc limit 1)",
    )
    .bind(scope.org_id().0)
    .bind(limit)
    .fetch_one(&mut *connection)
    .await?;
    if let Some((first, last)) = first.zip(last) {
        let deleted = sqlx::query("delete from events where org_id = $1 and event_key >= $2 and event_key <= $3");
        let deleted = deleted.bind(scope.org_id().0).bind(first).bind(last).execute(connection).await?;
        return Ok(deleted.rows_affected());
    }
    for table in TABLES {
        let delete = format!(
            "delete from {table} where org_id = $1 and ctid = any(array(select ctid from {table} where org_id = $1 limit $2))"
        );
        let deleted = sqlx::query(AssertSqlSafe(delete)).bind(scope.org_id().0).bind(limit);
        let deleted = deleted.execute(&mut *connection).await?.rows_affected();
        if deleted > 0 {
            return Ok(deleted);
        }
    }
    Ok(0)
}
