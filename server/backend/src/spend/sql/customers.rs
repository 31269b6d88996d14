//! How many customers there were, beside the sums of the same rows.

use super::beside::{RowKey, push_beside};
use super::{Query, bucket_start, keys_of, push_words};
use crate::{Error, OrgScope};
use domain::budget::SpendScope;
use domain::period::Period;
use domain::spend::{Dimension, OTHER, SpendQuery, SpendRow, Sums};
use sqlx::{PgPool, Row};
use std::collections::HashMap;

/// Adds to the rows of a query of days, and to their total, how many customers there were: none where some of them count as one.
pub(super) async fn add(
    pool: &PgPool,
    scope: &OrgScope,
    part: SpendScope,
    query: &SpendQuery,
    period: Period,
    (rows, total): (&mut [SpendRow], &mut Sums),
) -> Result<(), Error> {
    let mut by_row: HashMap<RowKey, Option<i64>> = HashMap::new();
    for row in customers_sql(scope, part, query, period).build().fetch_all(pool).await? {
        let customers = row.try_get("customers")?;
        if row.try_get("is_total")? {
            total.customers = customers;
        } else {
            by_row.insert((bucket_start(&row, query.bucket)?, keys_of(&row, query)?), customers);
        }
    }
    for row in rows {
        let at = (row.bucket, row.keys.clone());
        row.sums.customers = by_row.remove(&at).unwrap_or(Some(0));
    }
    Ok(())
}

fn customers_sql(scope: &OrgScope, part: SpendScope, query: &SpendQuery, period: Period) -> Query {
    let mut sql = Query::new("with used as (");
    push_beside(&mut sql, scope, part, query, period, ("r.value", "spend_by_label"));
    sql.push(" and r.label = ").push_bind(Dimension::Customer.name());
    sql.push(" group by 1, 2, 3, 4, r.value having sum(r.requests) <> 0), ");
    let counted = |sql: &mut Query, of: &'static str| {
        sql.push("case when bool_or(value = ").push_bind(OTHER).push(") then null else count(").push(of);
        sql.push(") end as customers from used");
    };
    sql.push("counted as (select bucket_at, key_1, key_2, key_3, ");
    counted(&mut sql, "*");
    sql.push(
        " group by 1, 2, 3, 4) select true as is_total, null::timestamp as bucket_at, null::int as bucket_secs,
            null as key_1, null as key_2, null as key_3, ",
    );
    counted(&mut sql, "distinct value");
    sql.push(" union all select false, bucket_at, null::int, ");
    push_words(&mut sql, scope, query);
    sql.push("customers from counted");
    sql
}
