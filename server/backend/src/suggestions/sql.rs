//! Queries of names and values by what they hold.

use crate::ledger::push_seen_days;
use crate::{Error, OrgScope};
use domain::period::Period;
use domain::suggestion::{Suggestion, folded, words};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, QueryBuilder, Row};

/// Most values of a label that are looked through for what stands inside of them.
const MAX_SCANNED: i64 = 50_000;

/// As `domain::suggestion::folded`; the index of labels has the same expression.
macro_rules! folded {
    ($column:literal) => {
        concat!("translate(lower(", $column, "), ' -_./:@+,()', '')")
    };
}

/// Visible things that have names, those in use, of some kinds.
pub(super) async fn named(
    pool: &PgPool,
    scope: &OrgScope,
    kinds: &[&str],
    typed: &str,
    limit: i64,
) -> Result<Vec<Suggestion>, Error> {
    let rows = sqlx::query(concat!(
        "with named (kind, value, name) as (
             select 'project', slug, name from projects where org_id = $1 and archived_at is null
                and ($5::uuid[] is null or project_id = any($5))
             union all select 'team', slug, name from teams where org_id = $1 and archived_at is null
                and ($5::uuid[] is null or team_id = any($5))
             union all select 'product_line', slug, name from product_lines where org_id = $1 and archived_at is null
                and ($5::uuid[] is null or exists (
                    select 1 from project_product_lines as span
                    where span.org_id = $1 and span.product_line_id = product_lines.product_line_id
                      and span.project_id = any($5)))
             union all select 'budget', budget_id::text, name from budgets where org_id = $1 and archived_at is null
                and ($5::uuid[] is null or coalesce(team_id, project_id) = any($5))
             union all select 'api_key', key_id::text, name from api_keys where org_id = $1 and revoked_at is null
                and ($5::uuid[] is null or project_id = any($5))
         )
         select kind, value, name, null as provider from named
         where kind = any($2) and not exists (select 1 from unnest($3::text[]) as word where strpos(",
        folded!("name"),
        ", word) = 0)
         order by lower(name), value limit $4"
    ));
    let rows = rows.bind(scope.org_id().0).bind(kinds).bind(words(typed)).bind(limit).bind(scope.visible_owners());
    let rows = rows.fetch_all(pool).await?;
    rows.iter().map(suggestion).collect()
}

/// Values of a dimension with few, as those that visible projects sent count; of models those of one provider, where one is named.
pub(super) async fn sent(
    pool: &PgPool,
    scope: &OrgScope,
    (dimension, provider): (&str, Option<&str>),
    typed: &str,
    limit: i64,
) -> Result<Vec<Suggestion>, Error> {
    let rows = sqlx::query(concat!(
        "with sent as (
             select provider, case $2 when 'provider' then provider when 'model' then model when 'operation' then operation
                 when 'status' then status when 'feature' then feature when 'environment' then environment
                 when 'cohort' then cohort when 'step' then step end as value
             from series_words where org_id = $1 and ($3::text is null or provider = $3)
                and ($6::uuid[] is null or project_id = any($6))
         )
         select $2 as kind, value, value as name, case when min(provider) = max(provider) then min(provider) end as provider
         from sent
         where value <> '' and not exists (select 1 from unnest($4::text[]) as word where strpos(",
        folded!("value"),
        ", word) = 0)
         group by value order by value limit $5"
    ));
    let rows = rows.bind(scope.org_id().0).bind(dimension).bind(provider).bind(words(typed)).bind(limit);
    rows.bind(scope.visible_projects()).fetch_all(pool).await?.iter().map(suggestion).collect()
}

/// Values of a dimension with many, without those that count as others: those that begin so, and where these are too few, those that hold it among the first [`MAX_SCANNED`].
pub(super) async fn labels(
    pool: &PgPool,
    scope: &OrgScope,
    label: &str,
    typed: &str,
    limit: usize,
) -> Result<Vec<Suggestion>, Error> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    // Compared as the index compares: `like` with a parameter would not always use it.
    let begin = sqlx::query(concat!(
        "select label as kind, value, value as name, null as provider from labels
         where org_id = $1 and label = $2 and ",
        folded!("value"),
        " ~>=~ $3 and ",
        folded!("value"),
        " ~<~ ($3 || chr(1114111)) and not exists (
             select 1 from value_aliases as alias
             where alias.org_id = labels.org_id and alias.dimension = labels.label and alias.value = labels.value)
         order by ",
        folded!("value"),
        " using ~<~ limit $4"
    ));
    let begin = begin.bind(scope.org_id().0).bind(label).bind(folded(typed)).bind(most).fetch_all(pool).await?;
    let mut found = begin.iter().map(suggestion).collect::<Result<Vec<_>, Error>>()?;
    if found.len() < limit && !words(typed).is_empty() {
        let hold = sqlx::query(concat!(
            "select $2 as kind, value, value as name, null as provider from (
                 select value, ",
            folded!("value"),
            " as folded from labels where org_id = $1 and label = $2 and not exists (
                 select 1 from value_aliases as alias
                 where alias.org_id = labels.org_id and alias.dimension = labels.label and alias.value = labels.value)
             order by ",
            folded!("value"),
            " using ~<~ limit $5
             ) as scanned
             where not exists (select 1 from unnest($3::text[]) as word where strpos(folded, word) = 0) limit $4"
        ));
        let hold = hold.bind(scope.org_id().0).bind(label).bind(words(typed)).bind(most).bind(MAX_SCANNED);
        let hold = hold.fetch_all(pool).await?.iter().map(suggestion).collect::<Result<Vec<_>, Error>>()?;
        let new: Vec<_> = hold.into_iter().filter(|one| !found.contains(one)).collect();
        found.extend(new);
    }
    Ok(found)
}

/// Values of a label of the events that the caller sees, of some days: they are looked for among sums, because values themselves belong to no project.
pub(super) async fn seen_labels(
    pool: &PgPool,
    scope: &OrgScope,
    label: &str,
    (typed, days): (&str, Period),
    limit: i64,
) -> Result<Vec<Suggestion>, Error> {
    let mut sql = QueryBuilder::new(
        "select label as kind, value, value as name, null as provider from spend_by_label where org_id = ",
    );
    sql.push_bind(scope.org_id().0).push(" and label = ").push_bind(label).push(" and day >= ").push_bind(days.from);
    sql.push(" and day < ").push_bind(days.to);
    push_seen_days(&mut sql, scope, "project_id", "day");
    sql.push(" and not exists (select 1 from unnest(").push_bind(words(typed));
    sql.push(concat!("::text[]) as word where strpos(", folded!("value"), ", word) = 0)"));
    sql.push(" group by label, value order by value limit ").push_bind(limit);
    sql.build().fetch_all(pool).await?.iter().map(suggestion).collect()
}

fn suggestion(row: &PgRow) -> Result<Suggestion, Error> {
    Ok(Suggestion {
        kind: row.try_get("kind")?,
        value: row.try_get("value")?,
        name: row.try_get("name")?,
        provider: row.try_get("provider")?,
    })
}
