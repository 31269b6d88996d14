//! How a sum of spend is known: what it rests on, how much of the usage it covers, and how fresh it is.

use super::Sums;
use crate::format;
use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a sum rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SpendBasis {
    /// As events were priced when they came.
    Booked,
    /// Booked, and moved since by repricing, contracts or corrections.
    Restated,
    /// Costs that providers reported count in some of it.
    Reported,
}

/// How a sum is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The sum: booked plus adjustments.
    pub spend: Decimal,
    /// As it was booked.
    pub booked: Decimal,
    /// Attempts in the span, and those of them without a known cost, which are not in the sum.
    pub requests: i64,
    /// See `requests`.
    pub unpriced_requests: i64,
    /// Whether costs that providers reported counted on some of its days.
    pub reported: bool,
    /// When the newest event happened that the reader sees, in the organization's zone; none before the first.
    pub newest_event_at: Option<DateTime<FixedOffset>>,
}

impl Provenance {
    /// Of some sums.
    #[must_use]
    pub fn of(sums: &Sums, reported: bool, newest_event_at: Option<DateTime<FixedOffset>>) -> Self {
        let Sums { spend, booked, requests, unpriced_requests, .. } = *sums;
        Self { spend, booked, requests, unpriced_requests, reported, newest_event_at }
    }

    /// What adjustments moved since it was booked.
    #[must_use]
    pub fn adjusted(&self) -> Decimal {
        self.spend - self.booked
    }

    /// What the sum rests on.
    #[must_use]
    pub fn basis(&self) -> Vec<SpendBasis> {
        let own = if self.adjusted().is_zero() { SpendBasis::Booked } else { SpendBasis::Restated };
        std::iter::once(own).chain(self.reported.then_some(SpendBasis::Reported)).collect()
    }

    /// Requests whose cost is known, of all, from 0 to 1; none where there are none.
    #[must_use]
    pub fn coverage(&self) -> Option<Decimal> {
        Decimal::from(self.requests - self.unpriced_requests).checked_div(self.requests.into())
    }

    /// All of it in words, a line each: what stands on a figure when the pointer rests on it.
    #[must_use]
    pub fn text(&self) -> String {
        let adjusted = self.adjusted();
        let basis = if adjusted.is_zero() {
            "Booked, not adjusted since".to_owned()
        } else {
            let by = format::money_full_signed(adjusted);
            format!("Restated: booked {}, adjusted by {by}", format::money_full(self.booked))
        };
        let coverage = self.coverage().map(|_| {
            let share = format::ratio((self.requests - self.unpriced_requests).into(), self.requests.into());
            let share = share.map(format::percent).unwrap_or_default();
            format!("{share} of {} priced", format::counted(self.requests, "request"))
        });
        let newest = self.newest_event_at.map(|at| format!("Newest event {}", format::time_exact(at)));
        let reported = self.reported.then(|| "Costs that providers reported count where chosen".to_owned());
        let lines = [Some(format::money_full(self.spend)), Some(basis), reported, coverage, newest];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(spend: &str, booked: &str, unpriced_requests: i64) -> Sums {
        let [spend, booked] = [spend, booked].map(|text| text.parse().unwrap());
        Sums { spend, booked, requests: 8, unpriced_requests, ..Sums::default() }
    }

    fn plain(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn a_sum_says_what_it_rests_on() {
        let newest = "2026-11-20T09:41:07.113+05:30".parse().unwrap();
        let restated = Provenance::of(&sums("12.5", "14.25", 2), true, Some(newest));
        assert_eq!(restated.basis(), [SpendBasis::Restated, SpendBasis::Reported]);
        assert_eq!(restated.coverage(), Some("0.75".parse().unwrap()));
        assert_eq!(
            plain(&restated.text()),
            "$12.50\nRestated: booked $14.25, adjusted by −$1.75\nCosts that providers reported count where chosen\n75.0 % of 8 requests priced\nNewest event 2026-11-20 09:41:07.113 UTC+5:30"
        );
        let booked = Provenance::of(&sums("14.25", "14.25", 0), false, None);
        assert_eq!(booked.basis(), [SpendBasis::Booked]);
        assert_eq!(plain(&booked.text()), "$14.25\nBooked, not adjusted since\n100 % of 8 requests priced");
        let nothing = Provenance::of(&Sums::default(), false, None);
        assert_eq!((nothing.coverage(), nothing.text().as_str()), (None, "$0.00\nBooked, not adjusted since"));
    }
}
