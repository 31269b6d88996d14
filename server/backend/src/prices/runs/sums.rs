//! What adjustments add to the sums of a run or of a rehearsal: by month, the day's owner and model.

use super::sql;
use crate::ledger::adjust::{Adjustment, Recorded};
use crate::ledger::booking::Booking;
use crate::{Error, OrgScope};
use chrono::NaiveDate;
use domain::period::{Period, Zone};
use domain::repricing::{Moves, Summary};
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// Adds what moves, and how many events were looked at.
pub(super) async fn add(
    connection: &mut PgConnection,
    scope: &OrgScope,
    zone: Zone,
    summary: &mut Summary,
    events: &[Recorded],
    adjustments: &[Adjustment<'_>],
) -> Result<(), Error> {
    let day_of = |event: &Recorded| zone.day_of(event.event.timestamp);
    let asked: BTreeSet<_> =
        adjustments.iter().map(|one| (one.recorded.event.project_id, day_of(one.recorded))).collect();
    let owners = sql::owners(connection, scope, &asked).await?;
    summary.looked_at += events.len() as u64;
    for one in adjustments {
        let day: NaiveDate = day_of(one.recorded);
        let owner = owners.get(&(one.recorded.event.project_id, day)).cloned().unwrap_or_default();
        summary.priced += u64::from(is_priced(one));
        let bound = |booking: &Booking| booking.upper_bound.unwrap_or_default();
        summary.upper_bound += bound(&one.to) - bound(&one.recorded.current);
        summary.add_moves(Moves {
            month: Period::month_of(day).from,
            team: owner.team,
            project: owner.project,
            provider: one.recorded.event.sent.provider.clone(),
            model: one.recorded.event.sent.model.clone(),
            events: 1,
            before: one.recorded.current.cost.unwrap_or_default(),
            after: one.to.cost.unwrap_or_default(),
        });
    }
    Ok(())
}

/// Events without a price before and after.
pub(super) fn still_unpriced(events: &[Recorded], adjustments: &[Adjustment<'_>]) -> u64 {
    let unpriced = events.iter().filter(|event| event.current.cost.is_none()).count();
    let priced = adjustments.iter().filter(|one| is_priced(one)).count();
    (unpriced - priced) as u64
}

fn is_priced(one: &Adjustment<'_>) -> bool {
    one.recorded.current.cost.is_none() && one.to.cost.is_some()
}
