//! How long calls took, beside the sums of the same rows.

use super::{
    Query, Source, bucket_at, bucket_start, keys_of, push_days, push_filter, push_group_keys, push_owner, push_part,
    push_words,
};
use crate::{Error, OrgScope};
use domain::budget::SpendScope;
use domain::period::Period;
use domain::spend::{BucketStart, Latencies, SpendQuery, SpendRow, Sums};
use sqlx::{PgPool, Row};
use std::collections::HashMap;

/// What identifies a row.
pub(super) type RowKey = (Option<BucketStart>, Vec<Option<String>>);

/// Adds to the rows of a query of days, and to their total, how long their calls took.
pub(super) async fn add(
    pool: &PgPool,
    scope: &OrgScope,
    part: SpendScope,
    query: &SpendQuery,
    period: Period,
    (rows, total): (&mut [SpendRow], &mut Sums),
) -> Result<(), Error> {
    let mut by_row: HashMap<RowKey, Latencies> = HashMap::new();
    let all = total.latencies.insert(Latencies::default());
    for row in latencies_sql(scope, part, query, period).build().fetch_all(pool).await? {
        let at = (bucket_start(&row, query.bucket)?, keys_of(&row, query)?);
        let (class, responses, first_tokens) =
            (row.try_get("latency_class")?, row.try_get("responses")?, row.try_get("first_tokens")?);
        for latencies in [&mut *all, by_row.entry(at).or_default()] {
            latencies.responses.count(class, responses);
            latencies.first_tokens.count(class, first_tokens);
        }
    }
    for row in rows {
        let at = (row.bucket, row.keys.clone());
        row.sums.latencies = Some(by_row.remove(&at).unwrap_or_default());
    }
    Ok(())
}

fn latencies_sql(scope: &OrgScope, part: SpendScope, query: &SpendQuery, period: Period) -> Query {
    let source = Source::Days(period);
    let mut sql = Query::new("with counted as (select ");
    sql.push(bucket_at(query.bucket, &source)).push(" as bucket_at, ");
    push_group_keys(&mut sql, query, &source);
    sql.push(
        "r.latency_class, sum(r.responses)::bigint as responses, sum(r.first_tokens)::bigint as first_tokens
         from latency_by_day as r",
    );
    push_owner(&mut sql, scope, query, "r.day");
    push_days(sql.push(" where "), scope, period, "r.");
    push_part(&mut sql, scope, part, "r.day");
    for filter in &query.filters {
        push_filter(&mut sql, scope, filter, &source);
    }
    sql.push(" group by 1, 2, 3, 4, 5) select bucket_at, null::int as bucket_secs, ");
    push_words(&mut sql, scope, query);
    sql.push("latency_class, responses, first_tokens from counted");
    sql
}
