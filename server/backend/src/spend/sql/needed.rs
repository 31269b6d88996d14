//! Sums that only some measures need: counts of calls, tokens by kind and what plans include, peaks.

use super::{Query, is_coarse, push_days, sums_of};
use crate::OrgScope;
use domain::meter::Meter;
use domain::period::Period;
use domain::spend::{ByMeter, CallCounts, Needs, Peak, SpendQuery, Sums};
use sqlx::Row;
use sqlx::postgres::PgRow;

/// What some measures need besides, of rows and of such sums alike.
pub(super) const CALLS: &str =
    ", coalesce(sum(retries), 0)::bigint as retries, coalesce(sum(retry_cost), 0) as retry_cost,
    coalesce(sum(cache_hits), 0)::bigint as cache_hits";
pub(super) const BY_METER: &str =
    ", coalesce(sum(input), 0)::bigint as input, coalesce(sum(cache_read), 0)::bigint as cache_read,
    coalesce(sum(output), 0)::bigint as output, coalesce(sum(included), 0) as included";

/// The usual sums with what some measures need.
pub(super) fn needed_sums_of(row: &PgRow, needs: Needs) -> Result<Sums, sqlx::Error> {
    let mut sums = sums_of(row)?;
    if needs.calls {
        let (retries, retry_cost) = (row.try_get("retries")?, row.try_get("retry_cost")?);
        sums.calls = Some(CallCounts { retries, retry_cost, cache_hits: row.try_get("cache_hits")? });
    }
    if needs.meters {
        let (input, cache_read, output) = (row.try_get("input")?, row.try_get("cache_read")?, row.try_get("output")?);
        sums.by_meter = Some(ByMeter { input, cache_read, output, included: row.try_get("included")? });
    }
    if needs.peak {
        sums.peak = Some(Peak { requests: row.try_get("peak_requests")?, tokens: row.try_get("peak_tokens")? });
    }
    Ok(sums)
}

/// The words of a row of sums by day, coarser and finer.
const COARSE_WORDS: &str = "org_id, day, project_id, provider, model, status, ";
const WORDS: &str =
    "org_id, day, project_id, key_id, provider, model, operation, status, feature, environment, cohort, step, ";

/// Sums by day beside what their meters tell.
pub(super) fn push_by_meter(sql: &mut Query, scope: &OrgScope, period: Period, query: &SpendQuery) {
    let (words, days, meters) = if is_coarse(query) {
        (COARSE_WORDS, "spend_by_coarse_day", "spend_by_coarse_meter")
    } else {
        (WORDS, "spend_by_day", "spend_by_meter")
    };
    sql.push("(select ").push(words);
    sql.push(
        "requests, booked, adjusted, tokens, unpriced_requests, unpriced_upper_bound, errors, avoided_cost, retries,
            retry_cost, cache_hits, 0::numeric as input, 0::numeric as cache_read, 0::numeric as output,
            0::numeric as included from ",
    );
    push_days(sql.push(days).push(" where "), scope, period, "");
    sql.push(" union all select ").push(words).push("0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0");
    let kinds: [fn(Meter) -> bool; 3] =
        [Meter::is_input_token, Meter::is_cache_read, |meter| meter.is_token() && !meter.is_input_token()];
    for is_kind in kinds {
        let words: Vec<&str> = Meter::ALL.iter().filter(|meter| is_kind(**meter)).map(|meter| meter.as_str()).collect();
        sql.push(", case when meter = any(").push_bind(words).push(") then quantity else 0 end");
    }
    sql.push(", case when meter = ").push_bind(Meter::Included.as_str()).push(" then -booked - adjusted else 0 end");
    push_days(sql.push(" from ").push(meters).push(" where "), scope, period, "");
    sql.push(") as r");
}
