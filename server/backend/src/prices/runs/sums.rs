//! What adjustments add to the sums of a run or of a preview: by month, the day's owner and model.

use crate::ledger::adjust::{Adjustment, CostState};
use crate::ledger::booking::Booking;
use crate::{Error, OrgScope, projects};
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
    events: &[CostState],
    adjustments: &[Adjustment<'_>],
) -> Result<(), Error> {
    let day_of = |event: &CostState| zone.day_of(event.event.timestamp);
    let asked: BTreeSet<_> = adjustments.iter().map(|one| (one.state.event.project_id, day_of(one.state))).collect();
    let owners = projects::owners_on(connection, scope, &asked).await?;
    summary.looked_at += events.len() as u64;
    for one in adjustments {
        let day: NaiveDate = day_of(one.state);
        let owner = owners.get(&(one.state.event.project_id, day)).cloned().unwrap_or_default();
        summary.priced += u64::from(is_priced(one));
        let bound = |booking: &Booking| booking.upper_bound.unwrap_or_default();
        summary.upper_bound += bound(&one.to) - bound(&one.state.current);
        summary.add_moves(Moves {
            month: Period::month_of(day).from,
            team: owner.team,
            project: owner.project,
            provider: one.state.event.sent.provider.clone(),
            model: one.state.event.sent.model.clone(),
            events: 1,
            before: one.state.current.cost.unwrap_or_default(),
            after: one.to.cost.unwrap_or_default(),
        });
    }
    Ok(())
}

/// Events without a price before and after.
pub(super) fn still_unpriced(events: &[CostState], adjustments: &[Adjustment<'_>]) -> u64 {
    let unpriced = events.iter().filter(|event| event.current.cost.is_none()).count();
    let priced = adjustments.iter().filter(|one| is_priced(one)).count();
    (unpriced - priced) as u64
}

fn is_priced(one: &Adjustment<'_>) -> bool {
    one.state.current.cost.is_none() && one.to.cost.is_some()
}
