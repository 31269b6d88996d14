//! Queries of who owns what, of series and labels, and of the sums by day and way.

use crate::{Error, OrgScope};
use chrono::NaiveDate;
use domain::allocation::{Amounts, Owners, SeriesWords};
use domain::period::Period;
use domain::spend::Dimension;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row, Transaction};
use std::collections::HashMap;
use uuid::Uuid;

/// A transaction that sees one moment, so that sums, series, rules and owners fit together.
pub(crate) async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, Error> {
    Ok(pool.begin_with("begin isolation level repeatable read read only").await?)
}

/// Who owned what in some days, with the ids of the projects.
pub(super) async fn owners(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: Period,
) -> Result<(Owners, HashMap<Uuid, usize>), Error> {
    let projects =
        named(connection, scope, "select project_id, slug from projects where org_id = $1 order by slug").await?;
    let teams = named(connection, scope, "select team_id, slug from teams where org_id = $1 order by slug").await?;
    let lines = "select product_line_id, slug from product_lines where org_id = $1 order by slug";
    let lines = named(connection, scope, lines).await?;
    let owned = "select project_id, team_id, greatest(valid_from, $2), least(valid_to, $3) from project_ownership
         where org_id = $1 and valid_from < $3 and valid_to > $2";
    let owned = spans(connection, scope, days, owned).await?;
    let in_lines =
        "select project_id, product_line_id, greatest(valid_from, $2), least(valid_to, $3) from project_product_lines
         where org_id = $1 and valid_from < $3 and valid_to > $2";
    let in_lines = spans(connection, scope, days, in_lines).await?;
    let numbered = |rows: &[(Uuid, String)]| -> HashMap<Uuid, usize> {
        rows.iter().enumerate().map(|(number, (id, _))| (*id, number)).collect()
    };
    let project_numbers = numbered(&projects);
    let in_numbers = |spans: &[SpanRow], to: &[(Uuid, String)]| {
        let numbers = numbered(to);
        let span = |(project, of, from, to): &SpanRow| {
            Some((*project_numbers.get(project)?, *numbers.get(of)?, Period { from: *from, to: *to }))
        };
        spans.iter().filter_map(span).collect()
    };
    let owners = Owners {
        spans: in_numbers(&owned, &teams),
        line_spans: in_numbers(&in_lines, &lines),
        lines: lines.into_iter().map(|(_, slug)| slug).collect(),
        projects: projects.into_iter().map(|(_, slug)| slug).collect(),
        teams: teams.into_iter().map(|(_, slug)| slug).collect(),
    };
    Ok((owners, project_numbers))
}

/// Project, what it belonged to, and the days.
type SpanRow = (Uuid, Uuid, NaiveDate, NaiveDate);

async fn named(
    connection: &mut PgConnection,
    scope: &OrgScope,
    sql: &'static str,
) -> Result<Vec<(Uuid, String)>, Error> {
    Ok(sqlx::query_as(sql).bind(scope.org_id().0).fetch_all(connection).await?)
}

async fn spans(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: Period,
    sql: &'static str,
) -> Result<Vec<SpanRow>, Error> {
    Ok(sqlx::query_as(sql).bind(scope.org_id().0).bind(days.from).bind(days.to).fetch_all(connection).await?)
}

/// Values that count as others, by label and value.
pub(super) async fn aliases(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<HashMap<(String, String), String>, Error> {
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("select dimension, value, canonical from value_aliases where org_id = $1")
            .bind(scope.org_id().0)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(label, value, canonical)| ((label, value), canonical)).collect())
}

/// Every series of the organization with its words as they count.
pub(super) async fn series(
    connection: &mut PgConnection,
    scope: &OrgScope,
    projects: &HashMap<Uuid, usize>,
) -> Result<Vec<(i64, SeriesWords)>, Error> {
    let rows = sqlx::query(
        "select series_id, project_id, key_id::text as api_key, provider, model, operation, status, feature, environment,
            cohort, step
         from series_words where org_id = $1 order by series_id",
    );
    let rows = rows.bind(scope.org_id().0).fetch_all(connection).await?;
    let word = |dimension: &Dimension| dimension.is_of_events() && !dimension.is_label() && !dimension.is_of_project();
    let words: Vec<(Dimension, String)> =
        Dimension::NAMED.into_iter().filter(word).map(|dimension| (dimension.clone(), dimension.name())).collect();
    rows.iter()
        .map(|row| {
            let project: Uuid = row.try_get("project_id")?;
            let project = projects.get(&project).copied();
            let project = project.ok_or_else(|| Error::inconsistent("series", "project_id", "no such project"))?;
            let words = words.iter().map(|(dimension, name)| Ok((dimension.clone(), row.try_get(name.as_str())?)));
            Ok((row.try_get("series_id")?, SeriesWords { project, words: words.collect::<Result<_, sqlx::Error>>()? }))
        })
        .collect()
}

/// Values of labels as they count, with the numbers under which sums have them.
pub(super) async fn labels(
    connection: &mut PgConnection,
    scope: &OrgScope,
    keys: &[Dimension],
) -> Result<Vec<(i64, String, String)>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as("select label_id, label, value from label_words where org_id = $1 and label = any($2)")
        .bind(scope.org_id().0)
        .bind(keys.iter().map(Dimension::name).collect::<Vec<_>>());
    Ok(rows.fetch_all(connection).await?)
}

/// How the ledger's sums are put together: by groups of series and classes of labels, by day or by part of the days.
#[derive(Default)]
pub(super) struct Grouping {
    /// First days of the parts.
    pub(super) parts: Vec<NaiveDate>,
    /// Series with their groups, and whether their sums are wanted by day.
    pub(super) series: Vec<(i64, i32, bool)>,
    /// Labels with their classes, which begin with 1.
    pub(super) labels: Vec<(i64, i32)>,
}

/// Sums of a day, or of a part that begins there, of a group; those of class 0 are of all its usage, with or without a label.
pub(super) struct GroupSums {
    pub(super) day: NaiveDate,
    pub(super) group: i32,
    pub(super) class: i32,
    pub(super) amounts: Amounts,
}

/// The sums of some days. PostgreSQL is kept from looking for each series by itself, from sorting a year of sums, and from compiling what runs once; grouped arrays tell it that a series and a label come once, so that it hashes these and not the sums.
pub(super) async fn sums(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: Period,
    grouping: &Grouping,
) -> Result<Vec<GroupSums>, Error> {
    for setting in [
        "set local enable_nestloop = off",
        "set local enable_sort = off",
        "set local jit = off",
        "set local work_mem = '64MB'",
    ] {
        sqlx::query(setting).execute(&mut *connection).await?;
    }
    let mut found = Vec::new();
    for (class, table) in [("0", "rollup_day as r"), ("label.class", "rollup_label_day as r")] {
        let is_labelled = class != "0";
        if is_labelled && grouping.labels.is_empty() {
            break;
        }
        let mut sql: QueryBuilder<Postgres> = QueryBuilder::new("select case when member.by_day then r.day else (");
        sql.push_bind(&grouping.parts).push("::date[])[width_bucket(r.day, ").push_bind(&grouping.parts);
        sql.push("::date[])] end as day, member.series_group, ").push(class);
        sql.push(
            " as class, sum(r.booked + r.adjusted) as spend, sum(r.requests)::bigint as requests,
                sum(r.tokens)::bigint as tokens, sum(r.unpriced_requests)::bigint as unpriced
             from ",
        );
        sql.push(table);
        sql.push(" join (select series_id, min(series_group) as series_group, bool_or(by_day) as by_day from unnest(");
        sql.push_bind(grouping.series.iter().map(|(series, ..)| *series).collect::<Vec<_>>()).push("::bigint[], ");
        sql.push_bind(grouping.series.iter().map(|(_, group, _)| *group).collect::<Vec<_>>()).push("::int[], ");
        sql.push_bind(grouping.series.iter().map(|(.., by_day)| *by_day).collect::<Vec<_>>());
        sql.push(
            "::bool[]) as told (series_id, series_group, by_day) group by 1) as member
             on member.series_id = r.series_id",
        );
        if is_labelled {
            sql.push(" join (select label_id, min(class) as class from unnest(");
            sql.push_bind(grouping.labels.iter().map(|(label, _)| *label).collect::<Vec<_>>()).push("::bigint[], ");
            sql.push_bind(grouping.labels.iter().map(|(_, class)| *class).collect::<Vec<_>>());
            sql.push("::int[]) as told (label_id, class) group by 1) as label on label.label_id = r.label_id");
        }
        sql.push(" where r.org_id = ").push_bind(scope.org_id().0);
        sql.push(" and r.day >= ").push_bind(days.from).push(" and r.day < ").push_bind(days.to);
        sql.push(" group by 1, 2, 3");
        for row in sql.build().fetch_all(&mut *connection).await? {
            let amounts = Amounts::new(row.try_get("spend")?, row.try_get("requests")?, row.try_get("tokens")?);
            found.push(GroupSums {
                day: row.try_get("day")?,
                group: row.try_get("series_group")?,
                class: row.try_get("class")?,
                amounts: Amounts { unpriced: row.try_get::<i64, _>("unpriced")?.into(), ..amounts },
            });
        }
    }
    Ok(found)
}

/// The ids of the API keys whose names have one of these parts, in upper or lower case.
pub(super) async fn keys_named(
    connection: &mut PgConnection,
    scope: &OrgScope,
    parts: &[String],
) -> Result<Vec<String>, Error> {
    let keys = sqlx::query_scalar(
        "select key_id::text from api_keys where org_id = $1
            and exists (select 1 from unnest($2::text[]) as part where position(lower(part) in lower(name)) > 0)",
    );
    Ok(keys.bind(scope.org_id().0).bind(parts).fetch_all(connection).await?)
}

/// The name of an API key.
pub(super) async fn key_name(pool: &PgPool, scope: &OrgScope, key: &str) -> Result<Option<String>, Error> {
    let name = sqlx::query_scalar("select name from api_keys where org_id = $1 and key_id::text = $2");
    Ok(name.bind(scope.org_id().0).bind(key).fetch_optional(pool).await?)
}
