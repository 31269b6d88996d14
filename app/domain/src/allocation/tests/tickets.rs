//! Values of a business metric at random, and what a month's come to by hand.

use super::super::{Owners, Target};
use super::{PROJECTS, TEAMS, day};
use crate::business_metric::MetricValue;
use crate::period::Period;
use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A value of the metric: whose it is, and how many on a day of the two months, or on each day of one.
#[derive(Clone, Debug)]
pub(super) struct Tickets {
    pub(super) of: Target,
    pub(super) day: u64,
    pub(super) is_of_month: bool,
    pub(super) number: i64,
}

pub(super) fn tickets() -> impl Strategy<Value = Vec<Tickets>> {
    let of = prop_oneof![
        9 => prop::sample::select(&PROJECTS).prop_map(|slug| Target::Project(slug.to_owned())),
        1 => prop::sample::select(&TEAMS).prop_map(|slug| Target::Team(slug.to_owned())),
    ];
    let value = (of, 0_u64..61, any::<bool>(), -3_i64..40);
    let value = value.prop_map(|(of, day, is_of_month, number)| Tickets { of, day, is_of_month, number });
    // One value counts for the same days and labels.
    prop::collection::vec(value, 0..8).prop_map(|mut values| {
        let key =
            |one: &Tickets| (one.of.clone(), one.is_of_month, if one.is_of_month { one.day / 31 } else { one.day });
        values.sort_by_key(key);
        values.dedup_by_key(|one| key(one));
        values
    })
}

impl Tickets {
    fn month(&self) -> Period {
        Period::month_of(day(self.day))
    }

    pub(super) fn recorded(&self) -> MetricValue {
        let month = self.month();
        let period = if self.is_of_month { month } else { Period { from: day(self.day), to: day(self.day + 1) } };
        let (label, slug) = match &self.of {
            Target::Project(slug) => ("project", slug),
            Target::Team(slug) => ("team", slug),
        };
        let value = Decimal::from(self.number * period.days());
        MetricValue { period, labels: BTreeMap::from([(label.to_owned(), slug.clone())]), value }
    }
}

/// What somebody has of the metric in a month, day by day by hand.
pub(super) fn tickets_of(owners: &Owners, tickets: &[Tickets], month: Period, target: &Target) -> i128 {
    let of_month: Vec<&Tickets> = tickets.iter().filter(|one| one.month() == month).collect();
    let on = |of: &Target, at: NaiveDate| -> i64 {
        let own = || of_month.iter().filter(|one| one.of == *of);
        // A month's value counts only where none of its days has one.
        let is_by_day = own().any(|one| !one.is_of_month);
        own()
            .filter(|one| one.is_of_month != is_by_day && (one.is_of_month || day(one.day) == at))
            .map(|one| one.number)
            .sum()
    };
    let teams_are_known = of_month.iter().any(|one| matches!(one.of, Target::Team(_)));
    let of_day = |at: NaiveDate| match target {
        Target::Team(slug) if !teams_are_known => {
            let owned = owners.spans.iter().filter(|(_, team, span)| TEAMS[*team] == slug && span.contains(at));
            owned.map(|(project, ..)| on(&Target::Project(PROJECTS[*project].to_owned()), at)).sum()
        }
        target => on(target, at),
    };
    i128::from(month.iter().map(of_day).sum::<i64>()) * 1_000_000_000_000
}
