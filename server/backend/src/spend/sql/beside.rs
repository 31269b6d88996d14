//! What stands beside the sums of the rows of a query of days, read by a query of its own.

use super::{Query, Source, bucket_at, push_days, push_filter, push_group_keys, push_owner, push_part};
use crate::OrgScope;
use domain::budget::SpendScope;
use domain::period::Period;
use domain::spend::{BucketStart, SpendQuery};

/// What identifies a row.
pub(super) type RowKey = (Option<BucketStart>, Vec<Option<String>>);

/// Selects `what` of `view`, whose rows are `r`, with the bucket and the keys of the row that it belongs to: columns one to four.
pub(super) fn push_beside(
    sql: &mut Query,
    scope: &OrgScope,
    part: SpendScope,
    query: &SpendQuery,
    period: Period,
    (what, view): (&'static str, &'static str),
) {
    let source = Source::Days(period);
    sql.push("select ").push(bucket_at(query.bucket, &source)).push(" as bucket_at, ");
    push_group_keys(sql, query, &source);
    sql.push(what).push(" from ").push(view).push(" as r");
    push_owner(sql, scope, query, "r.day");
    push_days(sql.push(" where "), scope, period, "r.");
    push_part(sql, scope, part, "r.day");
    for filter in &query.filters {
        push_filter(sql, scope, filter, &source);
    }
}
