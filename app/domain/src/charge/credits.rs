//! Prepaid credits: what usage drew, what is left, when it will be used up, and what will expire unused.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days whose mean is the present pace.
const PACE_DAYS: i64 = 30;
/// How far ahead the pace is followed, in days.
const MAX_AHEAD: u64 = 3_650;

/// Credits of a provider, paid before they are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The charge that they were entered as.
    pub charge_id: u64,
    /// Canonical name of the provider whose usage draws them.
    pub provider: String,
    /// What they are worth in US dollars.
    pub amount: Decimal,
    /// First day on which usage draws them.
    pub from: NaiveDate,
    /// First day on which they are gone; none: they do not expire.
    pub expires: Option<NaiveDate>,
}

/// How far credits are used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurnDown {
    /// The credits.
    pub credit: Credit,
    /// What usage drew up to and including today.
    pub used: Decimal,
    /// What can still be drawn; zero once they expired.
    pub left: Decimal,
    /// What was left when they expired.
    pub lost: Decimal,
    /// The provider's mean spend of a day, over the last 30 days or since the purchase.
    pub pace: Decimal,
    /// The day on which they were used up, or will be at this pace; none where that never comes.
    pub used_up_on: Option<NaiveDate>,
    /// What will expire unused at this pace.
    pub will_expire: Decimal,
}

/// Draws credits of one provider by its spend of each day: those that expire first go first, of equals those bought first.
///
/// `today` is not over; it counts with what it has so far.
#[must_use]
pub fn burn_down(credits: &[Credit], spend: &BTreeMap<NaiveDate, Decimal>, today: NaiveDate) -> Vec<BurnDown> {
    let mut order: Vec<usize> = (0..credits.len()).collect();
    order.sort_by_key(|at| {
        let credit = &credits[*at];
        (credit.expires.unwrap_or(NaiveDate::MAX), credit.from, credit.charge_id)
    });
    let mut left: Vec<Decimal> = credits.iter().map(|credit| credit.amount).collect();
    let mut used_up: Vec<Option<NaiveDate>> = vec![None; credits.len()];
    let mut draw = |left: &mut Vec<Decimal>, day: NaiveDate, spent: Decimal| {
        let mut wanted = spent.max(Decimal::ZERO);
        for at in &order {
            let credit = &credits[*at];
            let counts = credit.from <= day && credit.expires.is_none_or(|expires| day < expires);
            if counts && !left[*at].is_zero() && !wanted.is_zero() {
                let drawn = wanted.min(left[*at]);
                left[*at] -= drawn;
                wanted -= drawn;
                if left[*at].is_zero() {
                    used_up[*at] = Some(day);
                }
            }
        }
    };
    for (day, spent) in spend.range(..=today) {
        draw(&mut left, *day, *spent);
    }
    let now = left.clone();
    let pace = pace(credits, spend, today);
    if !pace.is_zero() {
        let last = credits.iter().filter_map(|credit| credit.expires).max();
        let ahead = (1..=MAX_AHEAD).map_while(|days| today.checked_add_days(Days::new(days)));
        for day in ahead {
            let is_over = credits.iter().all(|credit| credit.expires.is_some()) && last.is_none_or(|last| day >= last);
            if is_over || left.iter().all(Decimal::is_zero) {
                break;
            }
            draw(&mut left, day, pace);
        }
    }
    let state = |(at, credit): (usize, &Credit)| {
        let is_gone = credit.expires.is_some_and(|expires| expires <= today);
        BurnDown {
            credit: credit.clone(),
            used: credit.amount - now[at],
            left: if is_gone { Decimal::ZERO } else { now[at] },
            lost: if is_gone { now[at] } else { Decimal::ZERO },
            pace,
            used_up_on: used_up[at],
            will_expire: if is_gone || credit.expires.is_none() { Decimal::ZERO } else { left[at] },
        }
    };
    credits.iter().enumerate().map(state).collect()
}

/// The mean spend of a whole day: of the last 30, or of those since the first purchase.
fn pace(credits: &[Credit], spend: &BTreeMap<NaiveDate, Decimal>, today: NaiveDate) -> Decimal {
    let Some(first) = credits.iter().map(|credit| credit.from).min() else { return Decimal::ZERO };
    let days = (today - first).num_days().clamp(1, PACE_DAYS);
    let from = today.checked_sub_days(Days::new(days.unsigned_abs())).unwrap_or(today);
    let spent: Decimal = spend.range(from..today).map(|(_, spent)| *spent).sum();
    crate::money::round_line(spent / Decimal::from(days)).max(Decimal::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn credit(charge_id: u64, amount: i64, from: &str, expires: Option<&str>) -> Credit {
        let expires = expires.map(day);
        Credit { charge_id, provider: "openai".to_owned(), amount: Decimal::from(amount), from: day(from), expires }
    }

    fn every_day(from: &str, to: &str, amount: i64) -> BTreeMap<NaiveDate, Decimal> {
        day(from).iter_days().take_while(|at| *at < day(to)).map(|at| (at, Decimal::from(amount))).collect()
    }

    #[test]
    fn usage_draws_what_expires_first_and_the_rest_goes_on_at_its_pace() {
        let credits = [credit(1, 1_000, "2026-11-01", None), credit(2, 100, "2026-11-05", Some("2026-12-01"))];
        let spend = every_day("2026-10-20", "2026-11-11", 10);
        let [open, dated] = burn_down(&credits, &spend, day("2026-11-11")).try_into().unwrap();
        // Four days before the second came, then the second alone.
        assert_eq!((open.used, open.left), (40.into(), 960.into()));
        assert_eq!((dated.used, dated.left, dated.pace), (60.into(), 40.into(), 10.into()));
        assert_eq!((dated.used_up_on, dated.will_expire), (Some(day("2026-11-15")), 0.into()));
        assert_eq!(open.used_up_on, Some(day("2027-02-19")));
    }

    #[test]
    fn what_is_left_at_the_end_is_lost_and_said_before() {
        let credits = [credit(1, 1_000, "2026-11-01", Some("2026-12-01"))];
        let spend = every_day("2026-11-01", "2026-11-21", 10);
        let before = burn_down(&credits, &spend, day("2026-11-21")).remove(0);
        assert_eq!((before.left, before.lost), (800.into(), 0.into()));
        assert_eq!((before.used_up_on, before.will_expire), (None, 710.into()));
        let after = burn_down(&credits, &spend, day("2026-12-01")).remove(0);
        assert_eq!((after.left, after.lost, after.will_expire), (0.into(), 800.into(), 0.into()));
        let unused = burn_down(&credits, &BTreeMap::new(), day("2026-11-21")).remove(0);
        assert_eq!((unused.pace, unused.will_expire), (0.into(), 1_000.into()));
    }

    proptest! {
        /// No more is drawn than was spent or bought, and used + left + lost is what was bought.
        #[test]
        fn nothing_is_drawn_twice(
            credits in prop::collection::vec((1_i64..500, 0_u64..40, prop::option::of(1_u64..60)), 0..5),
            spent in prop::collection::vec(-5_i64..60, 0..60), today in 0_u64..70,
        ) {
            let first = day("2026-01-01");
            let credits: Vec<Credit> = (0..).zip(&credits).map(|(id, (amount, from, days))| {
                let from = first + Days::new(*from);
                let expires = days.map(|days| from + Days::new(days));
                Credit { charge_id: id, provider: "openai".to_owned(), amount: Decimal::from(*amount), from, expires }
            }).collect();
            let spend: BTreeMap<NaiveDate, Decimal> =
                (0..).zip(&spent).map(|(at, spent)| (first + Days::new(at), Decimal::from(*spent))).collect();
            let today = first + Days::new(today);
            let states = burn_down(&credits, &spend, today);
            let drawn: Decimal = states.iter().map(|state| state.used).sum();
            let could: Decimal = spend.range(..=today).map(|(_, spent)| (*spent).max(Decimal::ZERO)).sum();
            prop_assert!(drawn <= could);
            for state in &states {
                prop_assert_eq!(state.used + state.left + state.lost, state.credit.amount);
                prop_assert!(state.will_expire <= state.left);
                prop_assert!(state.left.is_zero() || state.lost.is_zero());
            }
        }
    }
}
