//! Charges: dated costs beside events, such as GPU hours, seats, vector stores, prepaid credits and subscriptions.
//!
//! A charge is a rule ([`crate::rule`]): entered by somebody for a reason, ended, undone, never edited.
//! What it costs on a day follows from it alone; the days of its span add up to its amount exactly.

mod credits;
mod form;
mod line;

pub use credits::{BurnDown, Credit, burn_down};
pub(crate) use form::check_labels;
pub use form::{ChargeForm, MAX_CHARGES, labels_of, parse_end};
pub use line::{ChargeCost, ChargeLine, ChargePart, charged};

use crate::format;
use crate::money::{PLACES, round_line};
use crate::period::Period;
use crate::problem::FieldProblem;
use crate::project::Slug;
use crate::rule::{Rule, RuleKind, midnight};
use crate::span::Span;
use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::str::FromStr;

/// What a charge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ChargeKind {
    /// Own or rented accelerators.
    GpuHours,
    /// Capacity that a provider holds ready.
    ProvisionedThroughput,
    /// Stored embeddings and their index.
    VectorStore,
    /// Licences by head.
    Seats,
    /// Paid before it is used; drawn by the provider's usage.
    PrepaidCredits,
    /// A plan with included usage, such as a coding agent's.
    Subscription,
    /// Anything else.
    Other,
}

impl ChargeKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::GpuHours,
        Self::ProvisionedThroughput,
        Self::VectorStore,
        Self::Seats,
        Self::PrepaidCredits,
        Self::Subscription,
        Self::Other,
    ];

    /// The word in JSON, CSV and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GpuHours => "gpu_hours",
            Self::ProvisionedThroughput => "provisioned_throughput",
            Self::VectorStore => "vector_store",
            Self::Seats => "seats",
            Self::PrepaidCredits => "prepaid_credits",
            Self::Subscription => "subscription",
            Self::Other => "other",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::GpuHours => "GPU hours",
            Self::ProvisionedThroughput => "Provisioned throughput",
            Self::VectorStore => "Vector store",
            Self::Seats => "Seats",
            Self::PrepaidCredits => "Prepaid credits",
            Self::Subscription => "Subscription",
            Self::Other => "Other",
        }
    }
}

impl FromStr for ChargeKind {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text.trim()).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            FieldProblem::new("kind", "unknown", format!("Choose one of {words}."))
        })
    }
}

/// What a charge comes to, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargePrice {
    /// One amount for all its days, an equal part each.
    Amount {
        /// Below zero for what is given back.
        amount: Decimal,
        /// The days that it was entered for: a charge that is ended early keeps what its days had.
        days: Period,
    },
    /// So much a calendar month, an equal part of it each day.
    Monthly {
        /// How many units.
        quantity: Decimal,
        /// What a unit costs in a month.
        rate: Decimal,
    },
    /// Paid before it is used: no cost of its own, but what is left when it expires.
    Credits {
        /// What the credits are worth, at the prices that events are booked with.
        amount: Decimal,
    },
}

/// Whose cost a charge is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeOwner {
    /// Nobody's yet: shared by the organization.
    Unallocated,
    /// A project's, and so of the team that owns it on the day.
    Project(Slug),
    /// A team's own.
    Team(Slug),
}

impl ChargeOwner {
    /// The project, if it is one's.
    #[must_use]
    pub const fn project(&self) -> Option<&Slug> {
        if let Self::Project(slug) = self { Some(slug) } else { None }
    }

    /// The team, if it is a team's own.
    #[must_use]
    pub const fn team(&self) -> Option<&Slug> {
        if let Self::Team(slug) = self { Some(slug) } else { None }
    }
}

/// A dated cost beside events. It is superseded, never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Its number among the rules.
    pub charge_id: u64,
    /// The sender's own id: the same id is entered once.
    pub id: Option<String>,
    /// What it is for.
    pub kind: ChargeKind,
    /// What it says on statements.
    pub description: String,
    /// Canonical name of who charges it.
    pub provider: Option<String>,
    /// What it comes to.
    pub price: ChargePrice,
    /// First day, in the organization's calendar.
    pub from: NaiveDate,
    /// Day after the last one; of credits the day on which they expire. None means without an end date.
    pub to: Option<NaiveDate>,
    /// Whose cost it is.
    pub owner: ChargeOwner,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Where finance books it, if not under its owner's code.
    pub cost_centre: Option<String>,
    /// Usage that a subscription includes each month, in US dollars at the prices that events are booked with.
    pub included: Option<Decimal>,
    /// Where the figure comes from, such as an invoice.
    pub source: String,
    /// Why it was entered.
    pub reason: String,
}

impl Charge {
    /// Those of its days that lie in a period.
    #[must_use]
    pub fn days_in(&self, period: Period) -> Option<Period> {
        let (from, to) = (self.from.max(period.from), self.to.unwrap_or(NaiveDate::MAX).min(period.to));
        (from < to).then_some(Period { from, to })
    }

    /// What its days in a period cost. Whatever a span is cut into, the parts add up to it exactly.
    #[must_use]
    pub fn amount_in(&self, period: Period) -> Decimal {
        let Some(shown) = self.days_in(period) else { return Decimal::ZERO };
        match self.price {
            ChargePrice::Amount { amount, days } => part(amount, days, shown),
            ChargePrice::Monthly { .. } => {
                let months = std::iter::successors(Some(Period::month_of(shown.from)), |month| {
                    (month.to < shown.to).then(|| Period::month_of(month.to))
                });
                months.map(|month| part(self.month_amount(), month, shown)).sum()
            }
            ChargePrice::Credits { .. } => Decimal::ZERO,
        }
    }

    /// What a whole month of it costs; zero where it is not priced by the month.
    #[must_use]
    pub fn month_amount(&self) -> Decimal {
        match self.price {
            ChargePrice::Monthly { quantity, rate } => round_line(quantity * rate),
            ChargePrice::Amount { .. } | ChargePrice::Credits { .. } => Decimal::ZERO,
        }
    }

    /// As credits, if it is some.
    #[must_use]
    pub fn credit(&self) -> Option<Credit> {
        let (ChargePrice::Credits { amount }, Some(provider)) = (self.price, &self.provider) else { return None };
        let (from, expires) = (self.from, self.to);
        Some(Credit { charge_id: self.charge_id, provider: provider.clone(), amount, from, expires })
    }

    /// What it comes to in words: "$12,000.00 for 92 days", "5 × $200.00 a month", "$10,000.00 of credits".
    #[must_use]
    pub fn price_text(&self) -> String {
        match self.price {
            ChargePrice::Amount { amount, days } => {
                format!("{} for {}", format::money(amount), format::counted(days.days(), "day"))
            }
            ChargePrice::Monthly { quantity, rate } if quantity == Decimal::ONE => {
                format!("{} a month", format::money(rate))
            }
            ChargePrice::Monthly { quantity, rate } => {
                format!("{} × {} a month", format::quantity(quantity), format::money(rate))
            }
            ChargePrice::Credits { amount } => format!("{} of credits", format::money(amount)),
        }
    }
}

/// What of an amount for all `days` falls on those of them that lie in `shown`.
fn part(amount: Decimal, days: Period, shown: Period) -> Decimal {
    let before = |day: NaiveDate| (day - days.from).num_days().clamp(0, days.days());
    first_days(amount, before(shown.to), days.days()) - first_days(amount, before(shown.from), days.days())
}

/// What of an amount falls on the first `count` of `all` days: each day has the same part, and the earliest one unit of the last place more, until what the division leaves is given out (largest remainder).
fn first_days(amount: Decimal, count: i64, all: i64) -> Decimal {
    let (count, all) = (Decimal::from(count), Decimal::from(all));
    let least = amount.checked_div(all).unwrap_or_default();
    let least = least.round_dp_with_strategy(PLACES, RoundingStrategy::ToNegativeInfinity);
    let rest = amount - least * all;
    least * count + rest.min(count * Decimal::new(1, PLACES))
}

impl Rule for Charge {
    const KIND: RuleKind = RuleKind::Charge;

    fn numbered(self, rule_id: u64, _rank: u64) -> Self {
        Self { charge_id: rule_id, ..self }
    }

    fn within(self, span: Span) -> Self {
        let from = span.from.map_or(self.from, |from| from.date_naive());
        Self { from, to: span.to.map(|to| to.date_naive()), ..self }
    }

    fn span(&self) -> Span {
        Span { from: Some(midnight(self.from)), to: self.to.map(midnight) }
    }

    fn subject(&self) -> String {
        self.id.clone().unwrap_or_default()
    }

    /// Charges add up.
    fn conflict_key(&self) -> Option<String> {
        None
    }

    fn describe(&self) -> String {
        let owner = match &self.owner {
            ChargeOwner::Unallocated => "nobody yet".to_owned(),
            ChargeOwner::Project(slug) => format!("the project {slug}"),
            ChargeOwner::Team(slug) => format!("the team {slug}"),
        };
        format!("charge “{}” ({}, {}) of {owner}", self.description, self.kind.label(), self.price_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(number: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::TimeDelta::days(number)
    }

    fn period(from: i64, days: i64) -> Period {
        Period::new(day(from), day(from + days)).unwrap()
    }

    fn charge(price: ChargePrice, from: NaiveDate, to: Option<NaiveDate>) -> Charge {
        Charge {
            charge_id: 0,
            id: None,
            kind: ChargeKind::GpuHours,
            description: "GPU pool".to_owned(),
            provider: None,
            price,
            from,
            to,
            owner: ChargeOwner::Unallocated,
            labels: BTreeMap::new(),
            cost_centre: None,
            included: None,
            source: "Invoice 7".to_owned(),
            reason: "Month end".to_owned(),
        }
    }

    fn amounts() -> impl Strategy<Value = Decimal> {
        (-1_000_000_000_000_000_000_000_i128..1_000_000_000_000_000_000_000)
            .prop_map(|units| Decimal::from_i128_with_scale(units, PLACES))
    }

    fn of_days(amount: Decimal, days: Period) -> Charge {
        charge(ChargePrice::Amount { amount, days }, days.from, Some(days.to))
    }

    proptest! {
        /// The days add up to the amount to the last place, and no two differ by more than one unit of it.
        #[test]
        fn days_add_up_to_the_amount(amount in amounts(), days in 1_i64..3_700) {
            let days = period(0, days);
            let charge = of_days(amount, days);
            let of_day = |day: NaiveDate| charge.amount_in(Period::new(day, day.succ_opt().unwrap()).unwrap());
            let parts: Vec<Decimal> = days.iter().map(of_day).collect();
            prop_assert_eq!(parts.iter().sum::<Decimal>(), amount);
            prop_assert_eq!(charge.amount_in(period(-10, 3_700)) + charge.amount_in(period(3_690, 3_700)), amount);
            let (least, most) = (parts.iter().min().unwrap(), parts.iter().max().unwrap());
            prop_assert!(*most - *least <= Decimal::new(1, PLACES));
            prop_assert!(parts.is_sorted_by(|one, next| one >= next), "the earliest days have more");
            prop_assert!(parts.iter().all(|part| part.scale() <= PLACES));
        }

        /// However time is cut, the parts add up: for amounts and for months.
        #[test]
        fn parts_of_a_span_add_up(
            amount in amounts(), monthly in any::<bool>(),
            (from, days) in (0_i64..500, 1_i64..700), (start, length, cut) in (-50_i64..700, 2_i64..600, 1_i64..600),
        ) {
            let days = period(from, days);
            let charge = if monthly {
                charge(ChargePrice::Monthly { quantity: Decimal::new(35, 1), rate: amount.abs().round_dp(2) }, days.from, Some(days.to))
            } else {
                of_days(amount, days)
            };
            let (whole, cut) = (period(start, length), cut.min(length - 1));
            let parts = charge.amount_in(period(start, cut)) + charge.amount_in(period(start + cut, length - cut));
            prop_assert_eq!(parts, charge.amount_in(whole));
        }

        /// A charge that is ended keeps what its days had before.
        #[test]
        fn an_end_moves_no_day_before_it(amount in amounts(), days in 2_i64..400, cut in 1_i64..399) {
            let (cut, days) = (period(0, cut.min(days - 1)), period(0, days));
            let whole = of_days(amount, days);
            let ended = whole.clone().within(Span { from: Some(midnight(days.from)), to: Some(midnight(cut.to)) });
            prop_assert_eq!(ended.amount_in(days), whole.amount_in(cut));
        }
    }

    #[test]
    fn a_month_costs_its_rate_whatever_its_length() {
        let from = "2026-01-15".parse().unwrap();
        let seats = charge(ChargePrice::Monthly { quantity: Decimal::from(5), rate: Decimal::from(20) }, from, None);
        let of = |from: &str, to: &str| {
            seats.amount_in(Period { from: from.parse().unwrap(), to: to.parse().unwrap() }).to_string()
        };
        assert_eq!(of("2026-02-01", "2026-03-01"), "100.000000000000");
        assert_eq!(of("2026-03-01", "2026-04-01"), "100.000000000000");
        // 17 of 31 days.
        assert_eq!(of("2026-01-01", "2026-02-01"), "54.838709677418");
        assert_eq!(of("2025-01-01", "2026-01-01"), "0");
    }

    #[test]
    fn what_a_charge_says_survives_storage() {
        let row = charge(ChargePrice::Credits { amount: Decimal::from(500) }, day(3), Some(day(90)));
        let stored = serde_json::to_value(row.clone().within(Span::ALWAYS)).unwrap();
        let read: Charge = serde_json::from_value(stored).unwrap();
        assert_eq!(read.within(row.span()), row);
        assert_eq!(row.describe(), "charge “GPU pool” (GPU hours, $500.00 of credits) of nobody yet");
    }
}
