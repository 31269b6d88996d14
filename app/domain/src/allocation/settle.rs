//! What everybody has at the end: sums by day and route, shared out by the rules.

use super::apportion::apportion;
use super::plan::{Holder, Place, Plan, Route, RouteId};
use super::rule::Method;
use crate::period::Period;
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{AddAssign, Neg};

/// Sums that move together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Money, in units of the 12th place of a dollar.
    pub units: i128,
    /// Attempts.
    pub requests: i128,
    /// Tokens.
    pub tokens: i128,
}

impl Amounts {
    /// Sums as the ledger has them; an amount has at most 12 places there.
    #[must_use]
    pub fn new(spend: Decimal, requests: i64, tokens: i64) -> Self {
        let mut exact = spend;
        exact.rescale(crate::money::PLACES);
        Self { units: exact.mantissa(), requests: requests.into(), tokens: tokens.into() }
    }

    /// The money in dollars.
    #[must_use]
    pub fn spend(&self) -> Decimal {
        Decimal::try_from_i128_with_scale(self.units, crate::money::PLACES).unwrap_or(Decimal::MAX)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Its parts in proportion to weights; all of them add up to it.
    fn apportion(&self, weights: &[i128]) -> Vec<Self> {
        let cut = |whole| apportion(whole, weights);
        let (units, requests, tokens) = (cut(self.units), cut(self.requests), cut(self.tokens));
        let parts = units.into_iter().zip(requests).zip(tokens);
        parts.map(|((units, requests), tokens)| Self { units, requests, tokens }).collect()
    }
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.units += other.units;
        self.requests += other.requests;
        self.tokens += other.tokens;
    }
}

impl Neg for Amounts {
    type Output = Self;
    fn neg(self) -> Self {
        Self { units: -self.units, requests: -self.requests, tokens: -self.tokens }
    }
}

/// Sums of one day that go one way; where nothing of them is split, of all days from this one on on which nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The organization's day.
    pub day: NaiveDate,
    /// Which way.
    pub route: RouteId,
    /// How much.
    pub amounts: Amounts,
}

/// What a rule moved from one place to another in some days, which begin on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// First day of the span that is summed.
    pub since: NaiveDate,
    /// The rule, by its number in the plan.
    pub rule: usize,
    /// Where it was.
    pub from: Place,
    /// Where it is now.
    pub to: Place,
}

/// What everybody has. In every span, what is owned adds up to what is there at the end, and each place has its own, plus what came, less what went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// What projects used, by span and place.
    pub own: BTreeMap<(NaiveDate, Place), Amounts>,
    /// What rules moved.
    pub moved: BTreeMap<Move, Amounts>,
    /// What is where at the end.
    pub at_end: BTreeMap<(NaiveDate, Place), Amounts>,
    /// Rules that split evenly for want of anything to go by, with the month.
    pub evenly: BTreeSet<(usize, NaiveDate)>,
}

/// First day of a day's calendar month.
#[must_use]
pub fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

impl Plan {
    /// Shares sums out by one list of rules. `cells` have to be those of whole calendar months, because splits go by what is used in a month; what is answered is of `wanted` days, summed by what `since` makes of each.
    pub fn settle(
        &self,
        list: usize,
        cells: impl IntoIterator<Item = Cell>,
        wanted: Period,
        since: impl Fn(NaiveDate) -> NaiveDate,
    ) -> Allocation {
        let mut settled = Settled {
            plan: self,
            made: Allocation::default(),
            pools: Pools::new(),
            direct: BTreeMap::new(),
            weights: HashMap::new(),
            shares: HashMap::new(),
        };
        let mut days: BTreeMap<NaiveDate, Pools> = BTreeMap::new();
        for Cell { day, route, amounts } in cells {
            let route = self.route(route);
            if route.split.is_none() {
                *settled.direct.entry((month_of(day), route.end())).or_default() += amounts;
            }
            if wanted.contains(day) {
                let span = since(day);
                *settled.made.own.entry((span, route.start)).or_default() += amounts;
                let waiting = days.entry(day).or_default();
                std::mem::swap(waiting, &mut settled.pools);
                settled.follow(span, route, amounts);
                std::mem::swap(waiting, &mut settled.pools);
            }
        }
        for (day, pools) in days {
            settled.pools = pools;
            settled.split(list, day, since(day));
        }
        let Allocation { own, moved, at_end, .. } = &mut settled.made;
        own.retain(|_, amounts| !amounts.is_empty());
        moved.retain(|_, amounts| !amounts.is_empty());
        at_end.retain(|_, amounts| !amounts.is_empty());
        settled.made
    }
}

/// What waits to be split, by rule and where it comes from.
type Pools = BTreeMap<(usize, Place), Amounts>;

struct Settled<'a> {
    plan: &'a Plan,
    made: Allocation,
    pools: Pools,
    /// What was used in each month, without any shares.
    direct: BTreeMap<(NaiveDate, Place), Amounts>,
    /// In which proportion a rule splits in a month.
    weights: HashMap<(usize, NaiveDate), Vec<i128>>,
    /// Where the shares of a rule go in an epoch.
    shares: HashMap<(usize, usize), Vec<Route>>,
}

impl Settled<'_> {
    fn moved(&mut self, since: NaiveDate, rule: usize, (from, to): (Place, Place), amounts: Amounts) {
        if from != to {
            *self.made.moved.entry(Move { since, rule, from, to }).or_default() += amounts;
        }
    }

    fn follow(&mut self, since: NaiveDate, route: &Route, amounts: Amounts) {
        let mut place = route.start;
        for (rule, to) in &route.moves {
            self.moved(since, *rule, (place, *to), amounts);
            place = *to;
        }
        match route.split {
            Some(rule) => *self.pools.entry((rule, place)).or_default() += amounts,
            None => *self.made.at_end.entry((since, place)).or_default() += amounts,
        }
    }

    /// Splits what waits on a day, in the order of the rules: a share goes only to later ones.
    fn split(&mut self, list: usize, day: NaiveDate, since: NaiveDate) {
        let (epoch, month) = (self.plan.epoch(day), month_of(day));
        while let Some(((rule, from), amounts)) = self.pools.pop_first() {
            let parts = amounts.apportion(&self.weights(rule, month));
            let way = (epoch, rule);
            let routes = self.shares.remove(&way).unwrap_or_else(|| self.plan.shares(epoch, list, rule));
            for (route, part) in routes.iter().zip(parts) {
                self.moved(since, rule, (from, route.start), part);
                self.follow(since, route, part);
            }
            self.shares.insert(way, routes);
        }
    }

    fn weights(&mut self, rule: usize, month: NaiveDate) -> Vec<i128> {
        if let Some(weights) = self.weights.get(&(rule, month)) {
            return weights.clone();
        }
        let compiled = &self.plan.compiled[rule];
        let weights: Vec<i128> = match compiled.method {
            Method::Fixed => compiled.percents.clone(),
            Method::BusinessMetric => self.plan.metric_weights(rule, month),
            method => compiled.among.iter().map(|target| weight(method, *target, month, &self.direct)).collect(),
        };
        let is_by_something = !matches!(compiled.method, Method::Even | Method::Fixed);
        if is_by_something && weights.iter().all(|weight| *weight <= 0) {
            self.made.evenly.insert((rule, month));
        }
        self.weights.insert((rule, month), weights.clone());
        weights
    }
}

/// What a target used in a month, without any shares: what counts in a split.
fn weight(method: Method, target: Holder, month: NaiveDate, direct: &BTreeMap<(NaiveDate, Place), Amounts>) -> i128 {
    let of = |amounts: &Amounts| match method {
        Method::Spend => amounts.units,
        Method::Requests => amounts.requests,
        Method::Tokens => amounts.tokens,
        Method::Relabel | Method::Even | Method::Fixed | Method::BusinessMetric | Method::Shared => 0,
    };
    let is_of = |place: &Place| match target {
        Holder::Team(team) => place.team == Some(team),
        holder => place.holder == holder,
    };
    let first = (month, Place { holder: Holder::Project(0), team: None });
    let months = direct.range(first..).take_while(|((of, _), _)| *of == month);
    months.filter(|((_, place), _)| is_of(place)).map(|(_, amounts)| of(amounts)).sum()
}
