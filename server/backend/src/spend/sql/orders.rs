//! In which order the values of a dimension were first seen: by it a value keeps its colour, however spend moves.

use super::Query;
use crate::{Error, OrgScope};
use domain::spend::Dimension;
use sqlx::PgPool;
use std::collections::BTreeMap;

/// The number of each value among all of the dimension in the organization, from 0; of all values, or of some.
///
/// Projects, teams and keys count by their ids, which grow with time; words by their first series; labels by their first event.
pub(in crate::spend) async fn orders(
    pool: &PgPool,
    scope: &OrgScope,
    dimension: &Dimension,
    only: Option<Vec<String>>,
) -> Result<BTreeMap<String, usize>, Error> {
    let mut sql = Query::new("select word, number - 1 from (select ");
    sql.push(source(dimension));
    sql.push(" where org_id = ").push_bind(scope.org_id().0);
    if dimension.is_label() {
        sql.push(" and label = ").push_bind(dimension.name()).push(" group by 1");
    } else if dimension.is_of_events() && !dimension.is_of_project() && *dimension != Dimension::ApiKey {
        sql.push(" group by 1");
    }
    sql.push(") as known");
    if let Some(only) = only {
        sql.push(" where word = any(").push_bind(only).push(")");
    }
    let rows: Vec<(String, i64)> = sql.build_query_as().fetch_all(pool).await?;
    Ok(rows.into_iter().filter_map(|(word, number)| Some((word, usize::try_from(number).ok()?))).collect())
}

/// By first series: numbers of series follow from their content, so they tell no time.
macro_rules! by_series {
    ($word:literal) => {
        concat!(
            $word,
            " as word, row_number() over (order by min(created_at), ",
            $word,
            ") as number from series_words"
        )
    };
}

const fn source(dimension: &Dimension) -> &'static str {
    match dimension {
        Dimension::Project => "slug as word, row_number() over (order by project_id) as number from projects",
        Dimension::Team | Dimension::AllocatedTeam => {
            "slug as word, row_number() over (order by team_id) as number from teams"
        }
        Dimension::ProductLine => {
            "slug as word, row_number() over (order by product_line_id) as number from product_lines"
        }
        Dimension::ApiKey => "key_id::text as word, row_number() over (order by key_id) as number from api_keys",
        Dimension::Model => by_series!("model"),
        Dimension::Provider => by_series!("provider"),
        Dimension::Operation => by_series!("operation"),
        Dimension::Feature => by_series!("feature"),
        Dimension::Environment => by_series!("environment"),
        Dimension::Status => by_series!("status"),
        Dimension::Cohort => by_series!("cohort"),
        Dimension::Step => by_series!("step"),
        Dimension::Customer | Dimension::User | Dimension::UnreadUsage | Dimension::Tag(_) => {
            "value as word, row_number() over (order by min(created_at), value) as number from label_words"
        }
    }
}
