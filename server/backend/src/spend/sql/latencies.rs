//! How long calls took, beside the sums of the same rows.

use super::beside::{RowKey, push_beside};
use super::{Query, bucket_start, keys_of, push_words};
use crate::{Error, OrgScope};
use domain::budget::SpendScope;
use domain::period::Period;
use domain::spend::{Latencies, SpendQuery, SpendRow, Sums};
use sqlx::{PgPool, Row};
use std::collections::HashMap;

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
    const COUNTS: &str =
        "r.latency_class, sum(r.responses)::bigint as responses, sum(r.first_tokens)::bigint as first_tokens";
    let mut sql = Query::new("with counted as (");
    push_beside(&mut sql, scope, part, query, period, (COUNTS, "latency_by_day"));
    sql.push(" group by 1, 2, 3, 4, 5) select bucket_at, null::int as bucket_secs, ");
    push_words(&mut sql, scope, query);
    sql.push("latency_class, responses, first_tokens from counted");
    sql
}
