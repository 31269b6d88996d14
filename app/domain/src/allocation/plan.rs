//! Which way usage goes: rules as a function of its series, its label and the day.
//!
//! Ways do not depend on amounts, so they are found once per kind of usage, and only sums by day and way are asked of the ledger.

use super::metric::{MetricValues, weight};
use super::month_of;
use super::rule::{AllocationRule, Method, Target};
use crate::period::Period;
use crate::spend::Dimension;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use foldhash::fast::FixedState;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::{BTreeSet, HashMap};

/// Who can have usage: projects and teams by their short names, and who owned what when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// Short names of the projects.
    pub projects: Vec<String>,
    /// Short names of the teams.
    pub teams: Vec<String>,
    /// Project and team, both by their place in these lists, and the days.
    pub spans: Vec<(usize, usize, Period)>,
    /// Short names of the product lines.
    pub lines: Vec<String>,
    /// Project and product line, both by their place in these lists, and the days.
    pub line_spans: Vec<(usize, usize, Period)>,
}

/// What has usage at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A project, by its place in [`Owners::projects`].
    Project(usize),
    /// A team itself, by its place in [`Owners::teams`].
    Team(usize),
    /// Nobody: it is shared, and no rule took it.
    Nobody,
}

/// A holder with the team that it belonged to on the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Who.
    pub holder: Holder,
    /// The team; none: what is here is unallocated.
    pub team: Option<usize>,
}

/// Where usage of one kind goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The project that used it.
    pub start: Place,
    /// By which rules it moves on, and where to.
    pub moves: Vec<(usize, Place)>,
    /// The rule that splits it at the end.
    pub split: Option<usize>,
}

impl Route {
    /// Where it is at the end, or is when it is split.
    #[must_use]
    pub fn end(&self) -> Place {
        self.moves.last().map_or(self.start, |(_, to)| *to)
    }

    /// Whether it stays where nobody answers for it.
    #[must_use]
    pub fn is_unallocated(&self) -> bool {
        self.split.is_none() && self.end().team.is_none()
    }
}

/// Number of a route in its plan.
pub type RouteId = usize;

/// The words of a series: empty text means missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesWords {
    /// The project, by its place in [`Owners::projects`].
    pub project: usize,
    /// Its words by dimension, but for labels and what follows from the project.
    pub words: Vec<(Dimension, String)>,
}

impl SeriesWords {
    /// Its word of a dimension.
    #[must_use]
    pub fn word(&self, dimension: &Dimension) -> &str {
        self.words.iter().find(|(of, _)| of == dimension).map_or("", |(_, word)| word)
    }
}

/// Series of a group, with a label of a class, go one way by each list of rules while the same rules hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    /// The class of the label; 0 is usage without one that matters.
    pub class: usize,
    /// When the same rules hold, by its number.
    pub epoch: usize,
    /// The route by each list.
    pub routes: Vec<RouteId>,
}

/// A rule, ready to be applied.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) method: Method,
    pub(super) among: Vec<Holder>,
    /// Percentages, in units of the last place that a decimal has.
    pub(super) percents: Vec<i128>,
    /// Days on which it holds.
    days: (NaiveDate, NaiveDate),
    /// Whether each project, and a missing one, fits.
    projects: Vec<bool>,
    /// The same of teams.
    teams: Vec<bool>,
    /// The same of product lines.
    lines: Vec<bool>,
}

/// The rules that hold, and who owns what, at one time.
#[derive(Debug, PartialEq, Eq)]
struct Epoch {
    owners: Vec<Option<usize>>,
    /// The product line of each project.
    lines: Vec<Option<usize>>,
    /// Rules in force, of each list.
    active: Vec<Fits>,
}

/// Which rules something fits: a bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Fits(Vec<u64>);

impl Fits {
    fn has(&self, rule: usize) -> bool {
        self.0.get(rule / 64).is_some_and(|bits| bits >> (rule % 64) & 1 == 1)
    }

    fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one & other).collect())
    }

    /// Whether two others have the same of these rules.
    fn agree(&self, one: &Self, other: &Self) -> bool {
        self.0.iter().zip(one.0.iter().zip(&other.0)).all(|(own, (one, other))| own & one == own & other)
    }
}

impl FromIterator<bool> for Fits {
    fn from_iter<T: IntoIterator<Item = bool>>(fits: T) -> Self {
        let mut bits = Vec::new();
        for (rule, fits) in fits.into_iter().enumerate() {
            if rule % 64 == 0 {
                bits.push(0);
            }
            if let Some(last) = bits.last_mut().filter(|_| fits) {
                *last |= 1 << (rule % 64);
            }
        }
        Self(bits)
    }
}

/// Lists of rules over some days, of which each says where usage goes.
#[derive(Debug)]
pub struct Plan {
    rules: Vec<AllocationRule>,
    pub(super) compiled: Vec<Compiled>,
    /// The days, cut wherever anything changes: the first day of each part, and its epoch.
    parts: Vec<(NaiveDate, usize)>,
    epochs: Vec<Epoch>,
    /// Rules that take whole projects, and so shares too.
    whole: Fits,
    /// Rules that ask for nothing but who has something, and so charges too.
    by_holder: Fits,
    /// Which rules a label's values fit, beside no label, which is 0.
    classes: Vec<(Dimension, Fits)>,
    routes: Vec<Route>,
    ids: HashMap<Route, RouteId, FixedState>,
    known: HashMap<(usize, usize, usize, Fits), RouteId, FixedState>,
    /// In which proportion a rule splits a month by its metric.
    by_metric: HashMap<(usize, NaiveDate), Vec<i128>>,
    /// Series are alike where their projects are the same and the same rules fit.
    groups: Vec<(usize, Fits)>,
}

impl Plan {
    /// Lists of rules, each in its order, over some days. Those of `wanted` are parts of their own.
    #[must_use]
    pub fn new(owners: &Owners, lists: &[Vec<AllocationRule>], days: Period, wanted: Period) -> Self {
        let rules: Vec<AllocationRule> = lists.iter().flatten().cloned().collect();
        let compiled: Vec<Compiled> = rules.iter().map(|rule| Compiled::of(rule, owners)).collect();
        let mut ends = vec![0];
        lists.iter().for_each(|list| ends.push(ends.last().map_or(0, |end| end + list.len())));
        let lists: Vec<std::ops::Range<usize>> = ends.windows(2).map(|pair| pair[0]..pair[1]).collect();
        let (parts, epochs) = parts(owners, &compiled, &lists, (days, wanted));
        Self {
            parts,
            epochs,
            whole: rules.iter().map(AllocationRule::takes_whole_projects).collect(),
            by_holder: rules.iter().map(AllocationRule::asks_for_holders_alone).collect(),
            rules,
            compiled,
            classes: Vec::new(),
            routes: Vec::new(),
            ids: HashMap::default(),
            known: HashMap::default(),
            by_metric: HashMap::new(),
            groups: Vec::new(),
        }
    }

    /// The same plan with the values of the metrics that its rules split by; without values a split is even.
    #[must_use]
    pub fn with_metrics(mut self, owners: &Owners, values: &MetricValues) -> Self {
        let months: BTreeSet<NaiveDate> = self.parts.iter().map(|(day, _)| month_of(*day)).collect();
        for (rule, compiled) in self.compiled.iter().enumerate() {
            let Some(values) = self.rules[rule].metric.as_ref().and_then(|metric| values.get(metric)) else { continue };
            for first in &months {
                let of = |target: &Holder| weight(owners, values, Period::month_of(*first), *target);
                self.by_metric.insert((rule, *first), compiled.among.iter().map(of).collect());
            }
        }
        self
    }

    /// The metrics that rules split by.
    #[must_use]
    pub fn metrics(&self) -> BTreeSet<&str> {
        self.rules.iter().filter_map(|rule| rule.metric.as_deref()).collect()
    }

    /// In which proportion a rule splits a month by its metric; nothing counts where there are no values.
    pub(super) fn metric_weights(&self, rule: usize, month: NaiveDate) -> Vec<i128> {
        let none = || vec![0; self.compiled[rule].among.len()];
        self.by_metric.get(&(rule, month)).cloned().unwrap_or_else(none)
    }

    /// A rule by its number in routes: those of the second list follow on those of the first.
    #[must_use]
    pub fn rule(&self, at: usize) -> &AllocationRule {
        &self.rules[at]
    }

    /// A route.
    #[must_use]
    pub fn route(&self, id: RouteId) -> &Route {
        &self.routes[id]
    }

    /// The dimensions of many values that rules ask about.
    #[must_use]
    pub fn label_keys(&self) -> Vec<Dimension> {
        let keys: BTreeSet<&Dimension> = self.rules.iter().filter_map(AllocationRule::label_key).collect();
        keys.into_iter().cloned().collect()
    }

    /// The class of a label: values that fit the same rules are one class, and 0 is that of usage without it.
    pub fn class(&mut self, key: &Dimension, value: &str) -> usize {
        let fits = self.label_fits(key, value);
        if fits == self.label_fits(key, "") {
            return 0;
        }
        let found = self.classes.iter().position(|(of, known)| of == key && *known == fits);
        found.unwrap_or_else(|| {
            self.classes.push((key.clone(), fits));
            self.classes.len() - 1
        }) + 1
    }

    /// The class of a label as far as values like it are known; else it is as usage without it.
    #[must_use]
    pub fn known_class(&self, key: &Dimension, value: &str) -> usize {
        if value.is_empty() {
            return 0;
        }
        let fits = self.label_fits(key, value);
        self.classes.iter().position(|(of, known)| of == key && *known == fits).map_or(0, |class| class + 1)
    }

    fn label_fits(&self, key: &Dimension, value: &str) -> Fits {
        self.fits(|dimension| dimension.is_label().then(|| if dimension == key { value } else { "" }))
    }

    /// Which rules fit words; dimensions that have none do not count.
    fn fits<'a>(&self, word: impl Fn(&Dimension) -> Option<&'a str>) -> Fits {
        let fits = |rule: &AllocationRule| {
            let mut conditions = rule.conditions.iter();
            conditions.all(|condition| word(&condition.dimension).is_none_or(|word| condition.fits(word)))
        };
        self.rules.iter().map(fits).collect()
    }

    /// The group of a series.
    pub fn group(&mut self, series: &SeriesWords) -> usize {
        let fits = self.fits(|dimension| {
            let is_own = !dimension.is_label() && !dimension.is_of_project();
            is_own.then(|| series.word(dimension))
        });
        let key = (series.project, fits);
        self.groups.iter().position(|group| *group == key).unwrap_or_else(|| {
            self.groups.push(key);
            self.groups.len() - 1
        })
    }

    /// Which way usage of a group goes, without a label and with one of each class: only where a class goes another way is it named.
    pub fn lanes(&mut self, group: usize) -> Vec<Lane> {
        let (project, own) = self.groups[group].clone();
        let none = own.and(&self.fits(|dimension| dimension.is_label().then_some("")));
        let classes: Vec<Fits> = self.classes.iter().map(|(_, fits)| own.and(fits)).collect();
        let mut lanes = Vec::new();
        for epoch in 0..self.epochs.len() {
            let usual = self.ways(epoch, project, &none);
            for (class, fits) in (1..).zip(&classes) {
                let in_force = &self.epochs[epoch].active;
                if in_force.iter().any(|active| !active.agree(fits, &none)) {
                    let routes = self.ways(epoch, project, fits);
                    lanes.extend((routes != usual).then_some(Lane { class, epoch, routes }));
                }
            }
            lanes.push(Lane { class: 0, epoch, routes: usual });
        }
        lanes
    }

    /// The days, cut wherever anything changes and at months: the first day of each part, and its epoch.
    #[must_use]
    pub fn parts(&self) -> &[(NaiveDate, usize)] {
        &self.parts
    }

    fn ways(&mut self, epoch: usize, project: usize, fits: &Fits) -> Vec<RouteId> {
        (0..self.epochs[epoch].active.len()).map(|list| self.way(epoch, list, project, fits)).collect()
    }

    fn way(&mut self, epoch: usize, list: usize, project: usize, fits: &Fits) -> RouteId {
        let key = (epoch, list, project, self.epochs[epoch].active[list].and(fits));
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        let start = self.place(epoch, Holder::Project(project));
        let route = self.walk(epoch, list, start, 0, fits);
        let next = self.routes.len();
        let id = *self.ids.entry(route.clone()).or_insert(next);
        if id == next {
            self.routes.push(route);
        }
        self.known.insert(key, id);
        id
    }

    fn place(&self, epoch: usize, holder: Holder) -> Place {
        let team = match holder {
            Holder::Project(project) => self.epochs[epoch].owners[project],
            Holder::Team(team) => Some(team),
            Holder::Nobody => None,
        };
        Place { holder, team }
    }

    /// The product line that a project belongs to; none of what is a team's or nobody's.
    fn line_of(&self, epoch: usize, place: Place) -> Option<usize> {
        match place.holder {
            Holder::Project(project) => self.epochs[epoch].lines[project],
            Holder::Team(_) | Holder::Nobody => None,
        }
    }

    /// Through the rules of a list from one on, as far as the first that splits.
    fn walk(&self, epoch: usize, list: usize, start: Place, from: usize, fits: &Fits) -> Route {
        let mut route = Route { start, moves: Vec::new(), split: None };
        let mut shared_by = None;
        let in_force = self.epochs[epoch].active[list].and(fits);
        for rule in (from..self.rules.len()).filter(|rule| in_force.has(*rule)) {
            let (compiled, place) = (&self.compiled[rule], route.end());
            if !compiled.takes(place, self.line_of(epoch, place)) {
                continue;
            }
            match (compiled.method, compiled.among.first()) {
                (Method::Shared, _) => shared_by = Some(rule),
                (Method::Relabel, target) => {
                    shared_by = None;
                    let to = self.place(epoch, target.copied().unwrap_or(Holder::Nobody));
                    if to != place {
                        route.moves.push((rule, to));
                    }
                }
                _ => {
                    route.split = Some(rule);
                    return route;
                }
            }
        }
        route.moves.extend(shared_by.map(|rule| (rule, self.place(epoch, Holder::Nobody))));
        route
    }

    /// The epoch of a day.
    #[must_use]
    pub fn epoch(&self, day: NaiveDate) -> usize {
        let part = self.parts.partition_point(|(from, _)| *from <= day).saturating_sub(1);
        self.parts.get(part).map_or(0, |(_, epoch)| *epoch)
    }

    /// Where what a project or nobody is charged on a day goes. What a team is charged for itself stays there.
    pub(super) fn way_of_charges(&self, list: usize, day: NaiveDate, holder: Holder) -> Route {
        let epoch = self.epoch(day);
        let start = self.place(epoch, holder);
        match holder {
            Holder::Team(_) => Route { start, moves: Vec::new(), split: None },
            Holder::Project(_) | Holder::Nobody => self.walk(epoch, list, start, 0, &self.by_holder),
        }
    }

    /// The team that owned a project on a day.
    #[must_use]
    pub fn owner(&self, day: NaiveDate, project: usize) -> Option<usize> {
        self.place(self.epoch(day), Holder::Project(project)).team
    }

    /// The product line that a project belonged to on a day.
    #[must_use]
    pub fn line(&self, day: NaiveDate, project: usize) -> Option<usize> {
        self.epochs.get(self.epoch(day)).and_then(|epoch| epoch.lines[project])
    }

    /// Where the shares of a split go: as they are, or by later rules that take whole projects.
    pub(super) fn shares(&self, epoch: usize, list: usize, split_by: usize) -> Vec<Route> {
        let targets = self.compiled[split_by].among.iter();
        targets.map(|target| self.walk(epoch, list, self.place(epoch, *target), split_by + 1, &self.whole)).collect()
    }
}

impl Compiled {
    fn of(rule: &AllocationRule, owners: &Owners) -> Self {
        let fits = |dimension: Dimension, word: &str| {
            rule.conditions.iter().filter(|condition| condition.dimension == dimension).all(|one| one.fits(word))
        };
        let all = |dimension: &Dimension, names: &[String]| {
            let names = names.iter().map(String::as_str).chain([""]);
            names.map(|name| fits(dimension.clone(), name)).collect()
        };
        let at = |names: &[String], slug: &str| names.iter().position(|name| name == slug);
        let holder = |target: &Target| match target {
            Target::Project(slug) => at(&owners.projects, slug).map(Holder::Project),
            Target::Team(slug) => at(&owners.teams, slug).map(Holder::Team),
        };
        let percent = |percent: Option<Decimal>| {
            let scaled = percent.unwrap_or_default() * Decimal::from(1_000_000);
            scaled.to_i128().unwrap_or_default()
        };
        let edge = |at: Option<DateTime<Utc>>, open: NaiveDate| at.map_or(open, |at| at.date_naive());
        Self {
            method: rule.method,
            among: rule.among.iter().map(|share| holder(&share.target).unwrap_or(Holder::Nobody)).collect(),
            percents: rule.among.iter().map(|share| percent(share.percent)).collect(),
            days: (edge(rule.valid_from, NaiveDate::MIN), edge(rule.valid_to, NaiveDate::MAX)),
            projects: all(&Dimension::Project, &owners.projects),
            teams: all(&Dimension::Team, &owners.teams),
            lines: all(&Dimension::ProductLine, &owners.lines),
        }
    }

    fn takes(&self, place: Place, line: Option<usize>) -> bool {
        let missing = |fits: &[bool]| fits.last().copied().unwrap_or_default();
        let of = |fits: &[bool], at: Option<usize>| at.map_or_else(|| missing(fits), |at| fits[at]);
        let project = match place.holder {
            Holder::Project(project) => self.projects[project],
            Holder::Team(_) | Holder::Nobody => missing(&self.projects),
        };
        project && of(&self.teams, place.team) && of(&self.lines, line)
    }
}

fn parts(
    owners: &Owners,
    compiled: &[Compiled],
    lists: &[std::ops::Range<usize>],
    (days, wanted): (Period, Period),
) -> (Vec<(NaiveDate, usize)>, Vec<Epoch>) {
    let edges = compiled.iter().flat_map(|rule| [rule.days.0, rule.days.1]);
    let moves = owners.spans.iter().chain(&owners.line_spans).flat_map(|(.., span)| [span.from, span.to]);
    let months = days.iter().filter(|day| day.day() == 1);
    let edges = edges.chain(moves).chain(months).chain([days.from, wanted.from, wanted.to]);
    let edges: BTreeSet<NaiveDate> = edges.filter(|day| days.contains(*day)).collect();
    let mut epochs: Vec<Epoch> = Vec::new();
    let part = |day: NaiveDate| {
        let on_day = |spans: &[(usize, usize, Period)]| {
            let mut of = vec![None; owners.projects.len()];
            let held = spans.iter().filter(|(.., span)| span.contains(day));
            held.for_each(|(project, to, _)| of[*project] = Some(*to));
            of
        };
        let in_force = |rule: usize| compiled[rule].days.0 <= day && day < compiled[rule].days.1;
        let active =
            lists.iter().map(|list| (0..compiled.len()).map(|rule| list.contains(&rule) && in_force(rule)).collect());
        let epoch =
            Epoch { owners: on_day(&owners.spans), lines: on_day(&owners.line_spans), active: active.collect() };
        let known = epochs.iter().position(|known| *known == epoch).unwrap_or_else(|| {
            epochs.push(epoch);
            epochs.len() - 1
        });
        (day, known)
    };
    let parts = edges.into_iter().map(part).collect();
    (parts, epochs)
}
