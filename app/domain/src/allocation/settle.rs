//! What everybody has at the end: sums by day and route, shared out by the rules.

use super::apportion::apportion;
use super::plan::{Holder, Place, Plan, Route, RouteId};
use super::rule::Method;
use crate::period::Period;
use chrono::{Datelike, NaiveDate};
use foldhash::fast::FixedState;
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
    /// Attempts whose cost is not known.
    pub unpriced: i128,
}

impl Amounts {
    /// Sums as the ledger has them, of attempts whose costs are known; an amount has at most 12 places there.
    #[must_use]
    pub fn new(spend: Decimal, requests: i64, tokens: i64) -> Self {
        let mut exact = spend;
        exact.rescale(crate::money::PLACES);
        Self { units: exact.mantissa(), requests: requests.into(), tokens: tokens.into(), unpriced: 0 }
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

    fn map(&self, of: impl Fn(i128) -> i128) -> Self {
        let Self { units, requests, tokens, unpriced } = *self;
        Self { units: of(units), requests: of(requests), tokens: of(tokens), unpriced: of(unpriced) }
    }

    /// Its parts in proportion to what a weight says of each sum; all of them add up to it.
    fn apportion<W>(&self, weights: &[W], weight: impl Fn(&W, Sum) -> i128) -> Vec<Self> {
        let cut = |whole, sum| apportion(whole, &weights.iter().map(|of| weight(of, sum)).collect::<Vec<_>>());
        let (units, requests) = (cut(self.units, |of| of.units), cut(self.requests, |of| of.requests));
        let (tokens, unpriced) = (cut(self.tokens, |of| of.tokens), cut(self.unpriced, |of| of.unpriced));
        let parts = units.into_iter().zip(requests).zip(tokens).zip(unpriced);
        let part = |(((units, requests), tokens), unpriced)| Self { units, requests, tokens, unpriced };
        parts.map(part).collect()
    }
}

/// One of the sums.
type Sum = fn(&Amounts) -> i128;

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.units += other.units;
        self.requests += other.requests;
        self.tokens += other.tokens;
        self.unpriced += other.unpriced;
    }
}

impl Neg for Amounts {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(|sum| -sum)
    }
}

/// Sums of one day that go one way; where nothing of them is split, of all days from this one on on which nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The organization's day.
    pub day: NaiveDate,
    /// Which way.
    pub route: RouteId,
    /// Of which part of the usage, where parts are told apart at the end; else 0.
    pub part: usize,
    /// How much.
    pub amounts: Amounts,
}

/// What a rule moved from one place to another in some days, which begin on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// The same of each part of the usage but 0. Whatever parts there are, those of a place add up to what is there.
    pub parts: BTreeMap<(NaiveDate, Place, usize), Amounts>,
    /// What was used in each month, without any shares: what splits go by.
    pub used: BTreeMap<(NaiveDate, Place), Amounts>,
    /// Rules that split evenly for want of anything to go by, with the month.
    pub evenly: BTreeSet<(usize, NaiveDate)>,
}

/// Where a part of what goes one way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion {
    /// Where.
    pub place: Place,
    /// The rule that brought it there last, by its number in the plan; none where no rule took it.
    pub rule: Option<usize>,
    /// How much of [`Portion::WHOLE`] it is.
    pub weight: i128,
}

impl Portion {
    /// What the weights of all portions of one thing add up to.
    pub const WHOLE: i128 = 1_000_000_000_000;

    /// How much of the whole it is, from 0 to 1; the ratios of all portions add up to 1.
    #[must_use]
    pub fn ratio(&self) -> Decimal {
        Amounts { units: self.weight, ..Amounts::default() }.spend().normalize()
    }
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
        let mut settled = Settled::new(self, BTreeMap::new());
        for Cell { day, route, part, amounts } in cells {
            let route = self.route(route);
            if route.split.is_none() {
                *settled.used.entry((month_of(day), route.end())).or_default() += amounts;
            }
            if wanted.contains(day) {
                settled.enter((day, since(day)), route, part, amounts);
            }
        }
        settled.finish(list, since)
    }

    /// Where usage on a route ends on a day, and in which proportions, as `usage` was settled by the same rules.
    #[must_use]
    pub fn portions(&self, list: usize, day: NaiveDate, route: RouteId, usage: &Allocation) -> Vec<Portion> {
        let route = self.route(route);
        let mut settled = Settled::new(self, usage.used.clone());
        settled.enter((day, day), route, 0, Amounts { units: Portion::WHOLE, ..Amounts::default() });
        let made = settled.finish(list, |day| day);
        let portion = |((_, place), amounts): (&(NaiveDate, Place), &Amounts)| {
            let rules = made.moved.keys().filter(|step| step.to == *place).map(|step| step.rule);
            Portion { place: *place, rule: rules.max().or(route.split), weight: amounts.units }
        };
        made.at_end.iter().map(portion).collect()
    }

    /// Shares charges out by one list of rules, as `usage` was by the same: what a project or nobody was charged on a day goes on by rules that ask for nothing but who has something.
    pub fn settle_charges(
        &self,
        list: usize,
        charges: impl IntoIterator<Item = (NaiveDate, Holder, Amounts)>,
        usage: &Allocation,
        since: impl Fn(NaiveDate) -> NaiveDate,
    ) -> Allocation {
        let mut settled = Settled::new(self, usage.used.clone());
        for (day, holder, amounts) in charges {
            settled.enter((day, since(day)), &self.way_of_charges(list, day, holder), 0, amounts);
        }
        settled.finish(list, since)
    }
}

/// What waits to be split, by rule and where it comes from, with the part of the usage that it is; a part may come more than once.
type Pools = BTreeMap<(usize, Place), Vec<(usize, Amounts)>>;

/// A table of sums while they grow: a year has a million of them to find again, by keys that nobody chooses to collide.
type Table<K, V = Amounts> = HashMap<K, V, FixedState>;

struct Settled<'a> {
    plan: &'a Plan,
    own: Table<(NaiveDate, Place)>,
    moved: Table<Move>,
    at_end: Table<(NaiveDate, Place)>,
    parts: Table<(NaiveDate, Place, usize)>,
    used: BTreeMap<(NaiveDate, Place), Amounts>,
    evenly: BTreeSet<(usize, NaiveDate)>,
    /// What waits on each day.
    days: BTreeMap<NaiveDate, Pools>,
    /// In which proportion a rule splits in a month.
    weights: Table<(usize, NaiveDate), Vec<i128>>,
    /// Where the shares of a rule go in an epoch.
    shares: Table<(usize, usize), Vec<Route>>,
}

/// In order, without what came to nothing.
fn in_order<K: Ord>(table: Table<K>) -> BTreeMap<K, Amounts> {
    table.into_iter().filter(|(_, amounts)| !amounts.is_empty()).collect()
}

impl<'a> Settled<'a> {
    fn new(plan: &'a Plan, used: BTreeMap<(NaiveDate, Place), Amounts>) -> Self {
        Self {
            plan,
            own: Table::default(),
            moved: Table::default(),
            at_end: Table::default(),
            parts: Table::default(),
            used,
            evenly: BTreeSet::new(),
            days: BTreeMap::new(),
            weights: Table::default(),
            shares: Table::default(),
        }
    }

    fn enter(&mut self, (day, since): (NaiveDate, NaiveDate), route: &Route, part: usize, amounts: Amounts) {
        *self.own.entry((since, route.start)).or_default() += amounts;
        if let Some(waits) = self.follow(since, route, part, amounts) {
            self.days.entry(day).or_default().entry(waits).or_default().push((part, amounts));
        }
    }

    fn finish(mut self, list: usize, since: impl Fn(NaiveDate) -> NaiveDate) -> Allocation {
        for (day, pools) in std::mem::take(&mut self.days) {
            self.split(list, (day, since(day)), pools);
        }
        Allocation {
            own: in_order(self.own),
            moved: in_order(self.moved),
            at_end: in_order(self.at_end),
            parts: in_order(self.parts),
            used: self.used,
            evenly: self.evenly,
        }
    }

    fn moved(&mut self, since: NaiveDate, rule: usize, (from, to): (Place, Place), amounts: Amounts) {
        if from != to {
            *self.moved.entry(Move { since, rule, from, to }).or_default() += amounts;
        }
    }

    /// Goes along a route to its end, or to where it waits for a rule to split it.
    fn follow(&mut self, since: NaiveDate, route: &Route, part: usize, amounts: Amounts) -> Option<(usize, Place)> {
        let mut place = route.start;
        for (rule, to) in &route.moves {
            self.moved(since, *rule, (place, *to), amounts);
            place = *to;
        }
        if route.split.is_none() {
            *self.at_end.entry((since, place)).or_default() += amounts;
            if part != 0 {
                *self.parts.entry((since, place, part)).or_default() += amounts;
            }
        }
        route.split.map(|rule| (rule, place))
    }

    /// Splits what waits on a day, in the order of the rules: a share goes only to later ones.
    fn split(&mut self, list: usize, (day, since): (NaiveDate, NaiveDate), mut pools: Pools) {
        let (epoch, month) = (self.plan.epoch(day), month_of(day));
        while let Some(((rule, from), waiting)) = pools.pop_first() {
            let waiting = by_part(waiting);
            let mut whole = Amounts::default();
            waiting.iter().for_each(|(_, amounts)| whole += *amounts);
            // What is split is the whole; each part of it gets its share of what is left, and the last one the rest.
            let mut left = whole.apportion(self.weights(rule, month), |weight, _| *weight);
            let way = (epoch, rule);
            let routes = self.shares.remove(&way).unwrap_or_else(|| self.plan.shares(epoch, list, rule));
            let last = waiting.last().map(|(part, _)| *part);
            for (part, amounts) in waiting {
                let shares = match last == Some(part) {
                    true => std::mem::take(&mut left),
                    false => amounts.apportion(&left, |left, sum| sum(left)),
                };
                left.iter_mut().zip(&shares).for_each(|(left, share)| *left += -*share);
                for (route, share) in routes.iter().zip(shares) {
                    self.moved(since, rule, (from, route.start), share);
                    if let Some(waits) = self.follow(since, route, part, share) {
                        pools.entry(waits).or_default().push((part, share));
                    }
                }
            }
            self.shares.insert(way, routes);
        }
    }

    fn weights(&mut self, rule: usize, month: NaiveDate) -> &[i128] {
        let Self { plan, used, evenly, weights, .. } = self;
        weights.entry((rule, month)).or_insert_with(|| {
            let compiled = &plan.compiled[rule];
            let weights: Vec<i128> = match compiled.method {
                Method::Fixed => compiled.percents.clone(),
                Method::BusinessMetric => plan.metric_weights(rule, month),
                method => compiled.among.iter().map(|target| weight(method, *target, month, used)).collect(),
            };
            let is_by_something = !matches!(compiled.method, Method::Even | Method::Fixed);
            if is_by_something && weights.iter().all(|weight| *weight <= 0) {
                evenly.insert((rule, month));
            }
            weights
        })
    }
}

/// What waits of each part, in the order of the parts.
fn by_part(mut waiting: Vec<(usize, Amounts)>) -> Vec<(usize, Amounts)> {
    waiting.sort_by_key(|(part, _)| *part);
    waiting.dedup_by(|(part, amounts), (before, sum)| {
        let is_same = part == before;
        if is_same {
            *sum += *amounts;
        }
        is_same
    });
    waiting
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
