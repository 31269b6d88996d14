//! Queries of who owns what, of series and labels, and of the sums by day and way.

use crate::{Error, OrgScope};
use chrono::NaiveDate;
use domain::allocation::{Amounts, Owners, SeriesWords};
use domain::period::Period;
use domain::spend::Dimension;
use sqlx::{PgConnection, PgPool, Postgres, Row, Transaction};
use std::collections::HashMap;
use uuid::Uuid;

/// A transaction that sees one moment, so that sums, series, rules and owners fit together.
pub(super) async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, Error> {
    Ok(pool.begin_with("begin isolation level repeatable read read only").await?)
}

/// Who owned what in some days, with the ids of the projects.
pub(super) async fn owners(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: Period,
) -> Result<(Owners, HashMap<Uuid, usize>), Error> {
    let projects: Vec<(Uuid, String)> =
        sqlx::query_as("select project_id, slug from projects where org_id = $1 order by slug")
            .bind(scope.org_id().0)
            .fetch_all(&mut *connection)
            .await?;
    let teams: Vec<(Uuid, String)> = sqlx::query_as("select team_id, slug from teams where org_id = $1 order by slug")
        .bind(scope.org_id().0)
        .fetch_all(&mut *connection)
        .await?;
    let spans: Vec<(Uuid, Uuid, NaiveDate, NaiveDate)> = sqlx::query_as(
        "select project_id, team_id, greatest(valid_from, $2), least(valid_to, $3) from project_ownership
         where org_id = $1 and valid_from < $3 and valid_to > $2",
    )
    .bind(scope.org_id().0)
    .bind(days.from)
    .bind(days.to)
    .fetch_all(connection)
    .await?;
    let numbered = |rows: &[(Uuid, String)]| -> HashMap<Uuid, usize> {
        rows.iter().enumerate().map(|(number, (id, _))| (*id, number)).collect()
    };
    let (project_numbers, team_numbers) = (numbered(&projects), numbered(&teams));
    let span = |(project, team, from, to): &(Uuid, Uuid, NaiveDate, NaiveDate)| {
        Some((*project_numbers.get(project)?, *team_numbers.get(team)?, Period { from: *from, to: *to }))
    };
    let owners = Owners {
        spans: spans.iter().filter_map(span).collect(),
        projects: projects.into_iter().map(|(_, slug)| slug).collect(),
        teams: teams.into_iter().map(|(_, slug)| slug).collect(),
    };
    Ok((owners, project_numbers))
}

/// Every series of the organization with its words.
pub(super) async fn series(
    connection: &mut PgConnection,
    scope: &OrgScope,
    projects: &HashMap<Uuid, usize>,
) -> Result<Vec<(i64, SeriesWords)>, Error> {
    let rows = sqlx::query(
        "select series_id, project_id, key_id::text as api_key, provider, model, operation, status, feature, environment,
            cohort, step
         from series where org_id = $1 order by series_id",
    );
    let rows = rows.bind(scope.org_id().0).fetch_all(connection).await?;
    let word = |dimension: &Dimension| {
        !dimension.is_label() && !matches!(dimension, Dimension::Project | Dimension::Team)
    };
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

/// Values of labels, with the numbers under which sums have them.
pub(super) async fn labels(
    connection: &mut PgConnection,
    scope: &OrgScope,
    keys: &[Dimension],
) -> Result<Vec<(i64, String, String)>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as("select label_id, label, value from labels where org_id = $1 and label = any($2)")
        .bind(scope.org_id().0)
        .bind(keys.iter().map(Dimension::name).collect::<Vec<_>>());
    Ok(rows.fetch_all(connection).await?)
}

/// For some days, a series without one of the labels that matter, which is class 0, or with one of a class: by which way its sums go.
#[derive(Default)]
pub(super) struct Lanes {
    pub(super) series: Vec<i64>,
    pub(super) classes: Vec<i32>,
    pub(super) from: Vec<NaiveDate>,
    pub(super) to: Vec<NaiveDate>,
    pub(super) ways: Vec<i32>,
    /// Labels and their classes.
    pub(super) labels: Vec<i64>,
    pub(super) label_classes: Vec<i32>,
}

/// Sums by day and way. What a label has goes its way, and is not with the rest.
pub(super) async fn sums(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: Period,
    lanes: &Lanes,
) -> Result<Vec<(NaiveDate, i32, Amounts)>, Error> {
    let rows = sqlx::query(
        "with lane as materialized (
            select * from unnest($4::bigint[], $5::int[], $6::date[], $7::date[], $8::int[])
                as lane (series_id, class, from_day, to_day, way)),
         usage as (
            select r.day, lane.way, r.booked + r.adjusted as spend, r.requests, r.tokens
            from rollup_day as r join lane
                on lane.series_id = r.series_id and lane.class = 0 and r.day >= lane.from_day and r.day < lane.to_day
            where r.org_id = $1 and r.day >= $2 and r.day < $3
            union all
            select r.day, side.way, side.sign * (r.booked + r.adjusted), side.sign * r.requests, side.sign * r.tokens
            from rollup_label_day as r
            join unnest($9::bigint[], $10::int[]) as label (label_id, class) on label.label_id = r.label_id
            join lane on lane.series_id = r.series_id and lane.class = label.class
                and r.day >= lane.from_day and r.day < lane.to_day
            join lane as rest on rest.series_id = r.series_id and rest.class = 0
                and r.day >= rest.from_day and r.day < rest.to_day
            cross join lateral (values (lane.way, 1), (rest.way, -1)) as side (way, sign)
            where r.org_id = $1 and r.day >= $2 and r.day < $3)
         select day, way, sum(spend) as spend, sum(requests)::bigint as requests, sum(tokens)::bigint as tokens
         from usage group by day, way",
    )
    .bind(scope.org_id().0)
    .bind(days.from)
    .bind(days.to)
    .bind(&lanes.series)
    .bind(&lanes.classes)
    .bind(&lanes.from)
    .bind(&lanes.to)
    .bind(&lanes.ways)
    .bind(&lanes.labels)
    .bind(&lanes.label_classes)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let amounts = Amounts::new(row.try_get("spend")?, row.try_get("requests")?, row.try_get("tokens")?);
            Ok((row.try_get("day")?, row.try_get("way")?, amounts))
        })
        .collect()
}

/// The name of an API key.
pub(super) async fn key_name(connection: &mut PgConnection, scope: &OrgScope, key: &str) -> Result<Option<String>, Error> {
    let name = sqlx::query_scalar("select name from api_keys where org_id = $1 and key_id::text = $2");
    Ok(name.bind(scope.org_id().0).bind(key).fetch_optional(connection).await?)
}
