//! How much of a month can be charged back as it stands: what is priced, allocated and undisputed.

use super::close::{CloseFacts, TeamReply, Waiver};
use super::{MonthStatement, TeamStatement};
use crate::format;
use rust_decimal::{Decimal, RoundingStrategy};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Places of a share: tenths of a percent.
const SHARE_PLACES: u32 = 3;

/// A month's own money, and what of it holds a chargeback back. Adjustments of closed months are no part of it.
///
/// Its three parts have nothing in common: what has no price is in no known amount, what is unallocated is of no team, and only teams dispute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Usage and charges whose cost is known.
    pub known: Decimal,
    /// What usage without a price can have cost at most, by the price book; nothing where it is waived.
    pub unpriced_at_most: Decimal,
    /// Requests without a price; none where they are waived.
    pub unpriced_requests: i64,
    /// All requests.
    pub requests: i64,
    /// What nobody answers for, and what statements do not add up to.
    pub unallocated: Decimal,
    /// What teams dispute without an answer yet.
    pub disputed: Decimal,
    /// Disputes without an answer.
    pub open_disputes: usize,
}

impl Readiness {
    /// Of a closed month: nothing is disputed, and what has no price is waived.
    #[must_use]
    pub fn of_closed(statement: &MonthStatement) -> Self {
        Self {
            known: statement.grand_total() - statement.marked_up() - statement.adjusted(),
            requests: statement.total.requests,
            unallocated: statement.unallocated().abs(),
            ..Self::default()
        }
    }

    /// Without what somebody answers for.
    #[must_use]
    pub fn waived_by(self, waiver: Option<&Waiver>) -> Self {
        match waiver {
            Some(waiver) if waiver.covers(self.unpriced_requests) => {
                Self { unpriced_at_most: Decimal::ZERO, unpriced_requests: 0, ..self }
            }
            _ => self,
        }
    }

    /// The chargeback-ready share: what is priced, allocated and undisputed, of what is known and what unpriced usage can have cost at most.
    ///
    /// Cut to tenths of a percent, from 0 to 1; 1 only where nothing is unpriced, unallocated or disputed.
    #[must_use]
    pub fn share(&self) -> Decimal {
        let held = self.unpriced_at_most + self.unallocated + self.disputed;
        let is_open = self.unpriced_requests > 0 || self.open_disputes > 0 || !self.unallocated.is_zero();
        share(self.known + self.unpriced_at_most, held, is_open)
    }

    /// What is priced, of what is known and what unpriced usage can have cost at most.
    #[must_use]
    pub fn priced(&self) -> Decimal {
        share(self.known + self.unpriced_at_most, self.unpriced_at_most, self.unpriced_requests > 0)
    }

    /// Requests with a price, of all requests.
    #[must_use]
    pub fn priced_requests(&self) -> Decimal {
        share(self.requests.into(), self.unpriced_requests.into(), self.unpriced_requests > 0)
    }

    /// What teams answer for, of what is known.
    #[must_use]
    pub fn allocated(&self) -> Decimal {
        share(self.known, self.unallocated, !self.unallocated.is_zero())
    }

    /// What nobody disputes, of what is known.
    #[must_use]
    pub fn undisputed(&self) -> Decimal {
        share(self.known, self.disputed, self.open_disputes > 0)
    }

    /// What holds it back, the most money first: "$312.00 unallocated, 3 requests unpriced"; empty where nothing does.
    #[must_use]
    pub fn held_back(&self) -> String {
        let count = |number: usize| i128::try_from(number).unwrap_or(i128::MAX);
        let unallocated =
            (!self.unallocated.is_zero()).then(|| format!("{} unallocated", format::money(self.unallocated)));
        let unpriced = (self.unpriced_requests > 0).then(|| {
            let most = format!(" (up to {})", format::money(self.unpriced_at_most));
            let most = if self.unpriced_at_most.is_zero() { String::new() } else { most };
            format!("{} unpriced{most}", format::counted(self.unpriced_requests, "request"))
        });
        let disputed = (self.open_disputes > 0).then(|| match self.disputed.is_zero() {
            true => format!("{} open", format::counted(count(self.open_disputes), "dispute")),
            false => format!("{} disputed", format::money(self.disputed)),
        });
        let mut parts = [(self.unallocated, unallocated), (self.disputed, disputed), (self.unpriced_at_most, unpriced)];
        parts.sort_by_key(|(amount, _)| Reverse(*amount));
        parts.into_iter().filter_map(|(_, text)| text).collect::<Vec<_>>().join(", ")
    }
}

/// What is left of a whole, from 0 to 1: 1 where nothing is open, less where anything is, be it worth nothing.
fn share(whole: Decimal, held: Decimal, is_open: bool) -> Decimal {
    if !is_open {
        return Decimal::ONE;
    }
    let left = (whole - held).max(Decimal::ZERO);
    let share = if whole > Decimal::ZERO { left / whole } else { Decimal::ZERO };
    let below = Decimal::ONE - Decimal::new(1, SHARE_PLACES);
    share.round_dp_with_strategy(SHARE_PLACES, RoundingStrategy::ToZero).min(below)
}

impl CloseFacts {
    /// How much of the month can be charged back as it stands.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let readiness = Readiness {
            known: self.counted,
            unpriced_at_most: self.unpriced_at_most,
            unpriced_requests: self.unpriced,
            requests: self.requests,
            unallocated: self.unallocated.abs() + (self.counted - self.stated).abs(),
            disputed: self.disputed,
            open_disputes: self.open_disputes,
        };
        readiness.waived_by(self.waiver.as_ref())
    }
}

/// What teams dispute without an answer yet, by the statement that they dispute: the amount of a dispute, else that of its line, else all that its team owes.
///
/// Of a line, and of a team, never more than there is of it; adjustments of closed months are left out.
#[must_use]
pub fn disputed(statement: &MonthStatement, replies: &[TeamReply]) -> Decimal {
    let own = MonthStatement { adjustments: Vec::new(), ..statement.clone() };
    let mut lines: BTreeMap<(&str, String), Decimal> = BTreeMap::new();
    for (key, amount) in own.entries().iter() {
        let team = replies.iter().map(|reply| reply.team.as_str()).find(|team| key.team.as_deref() == Some(team));
        if let Some(team) = team {
            *lines.entry((team, key.line(own.month.from))).or_default() += amount;
        }
    }
    let mut by_line: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
    for reply in replies {
        let Some(dispute) = reply.dispute.as_ref().filter(|dispute| dispute.answer.is_none()) else { continue };
        let there = match &dispute.line {
            Some(line) => lines.get(&(reply.team.as_str(), line.clone())).copied().unwrap_or_default(),
            None => total_of(&own, &reply.team),
        };
        let sum = by_line.entry((&reply.team, dispute.line.as_deref().unwrap_or_default())).or_default();
        *sum = (*sum + dispute.amount.unwrap_or(there).abs()).min(there.abs());
    }
    let mut by_team: BTreeMap<&str, Decimal> = BTreeMap::new();
    by_line.into_iter().for_each(|((team, _), amount)| *by_team.entry(team).or_default() += amount);
    by_team.into_iter().map(|(team, amount)| amount.min(total_of(&own, team).abs())).sum()
}

fn total_of(statement: &MonthStatement, team: &str) -> Decimal {
    let is_it = |of: &&TeamStatement| of.team.as_ref().is_some_and(|owner| owner.slug == team);
    statement.teams.iter().filter(is_it).map(TeamStatement::total).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::{CheckItem, CheckState};
    use proptest::prelude::*;

    fn amount(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn what_holds_a_month_back_is_told_the_most_money_first() {
        let ready = Readiness { known: amount("5379.31"), requests: 1_000, ..Readiness::default() };
        assert_eq!((ready.share(), ready.held_back().as_str()), (Decimal::ONE, ""));
        let held = Readiness { unallocated: amount("312"), unpriced_requests: 3, ..ready.clone() };
        assert_eq!(
            (held.share(), held.allocated(), held.priced()),
            (amount("0.941"), amount("0.941"), amount("0.999"))
        );
        assert_eq!(held.priced_requests(), amount("0.997"));
        assert_eq!(held.held_back().replace('\u{a0}', " "), "$312.00 unallocated, 3 requests unpriced");
        let all = Readiness { unpriced_at_most: amount("620.69"), disputed: amount("600"), open_disputes: 1, ..held };
        assert_eq!((all.share(), all.priced(), all.undisputed()), (amount("0.744"), amount("0.896"), amount("0.888")));
        let said = "3 requests unpriced (up to $620.69), $600.00 disputed, $312.00 unallocated";
        assert_eq!(all.held_back().replace('\u{a0}', " "), said);
        let nothing = Readiness { unpriced_requests: 1, requests: 1, ..Readiness::default() };
        assert_eq!((nothing.share(), Readiness::default().share()), (Decimal::ZERO, Decimal::ONE));
        let hair = Readiness { unallocated: Decimal::new(1, 12), ..ready };
        assert_eq!(hair.share(), amount("0.999"), "never all of it by rounding");
    }

    fn facts() -> impl Strategy<Value = CloseFacts> {
        let cents =
            || prop_oneof![3 => Just(0_i64), 5 => -50_000_i64..5_000_000].prop_map(|cents| Decimal::new(cents, 2));
        let count = || prop_oneof![Just(0_i64), 1_i64..90];
        ((cents(), cents(), cents()), (cents(), cents()), (count(), 0_usize..3, any::<bool>())).prop_map(
            |((counted, unallocated, missing), (at_most, disputed), (unpriced, open_disputes, waived))| {
                let facts = crate::statement::close::tests::facts();
                let (reason, by, at) = ("Trial.".to_owned(), "ada".to_owned(), chrono::DateTime::UNIX_EPOCH);
                CloseFacts {
                    waiver: waived.then_some(Waiver { up_to: 60, reason, by, at }),
                    unpriced_at_most: if unpriced > 0 { at_most.abs() } else { Decimal::ZERO },
                    disputed: if open_disputes > 0 { disputed.abs() } else { Decimal::ZERO },
                    requests: unpriced + 10,
                    stated: counted - missing,
                    ..CloseFacts { unpriced, counted, unallocated, open_disputes, ..facts }
                }
            },
        )
    }

    proptest! {
        /// A share is in [0, 1], no larger than any of its parts, and 1 where and only where the checklist has nothing open of pricing, allocation and disputes, and nothing is unallocated.
        #[test]
        fn a_month_is_ready_only_where_its_checklist_is(facts in facts()) {
            let ready = facts.readiness();
            let shares = [ready.priced(), ready.priced_requests(), ready.allocated(), ready.undisputed(), ready.share()];
            for share in shares {
                prop_assert!((Decimal::ZERO..=Decimal::ONE).contains(&share), "{:?}", ready);
            }
            for part in [ready.priced(), ready.allocated(), ready.undisputed()] {
                prop_assert!(ready.share() <= part, "{:?}", ready);
            }
            let of_three = |item: &&CheckItem| ["priced", "allocated", "disputes"].contains(&item.check.as_str());
            let holds = facts.checklist().iter().filter(of_three).all(|item| item.state != CheckState::Open);
            prop_assert_eq!(ready.share() == Decimal::ONE, holds && facts.unallocated.is_zero());
            prop_assert_eq!(ready.held_back().is_empty(), ready.share() == Decimal::ONE);
        }
    }
}
