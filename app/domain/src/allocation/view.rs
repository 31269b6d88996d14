//! What people read of an allocation.

use super::plan::{Holder, Owners, Place, Plan};
use super::rule::AllocationRule;
use super::settle::{Allocation, Amounts};
use crate::period::Period;
use crate::rule::Dated;
use crate::spend::Dimension;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// Who has usage, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// A project, by its short name.
    Project(String),
    /// A team, by its short name.
    Team(String),
    /// Nobody: it is unallocated.
    Nobody,
    /// Somebody whom the reader does not see.
    Others,
}

impl Party {
    /// The word in JSON and addresses.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Team(_) => "team",
            Self::Nobody => "unallocated",
            Self::Others => "others",
        }
    }

    /// Its short name.
    #[must_use]
    pub fn slug(&self) -> Option<&str> {
        match self {
            Self::Project(slug) | Self::Team(slug) => Some(slug),
            Self::Nobody | Self::Others => None,
        }
    }

    /// Whoever holds something.
    #[must_use]
    pub fn of(owners: &Owners, holder: Holder) -> Self {
        match holder {
            Holder::Project(project) => Self::Project(owners.projects[project].clone()),
            Holder::Team(team) => Self::Team(owners.teams[team].clone()),
            Holder::Nobody => Self::Nobody,
        }
    }

    fn team_of(owners: &Owners, place: Place) -> Self {
        place.team.map_or(Self::Nobody, |team| Self::Team(owners.teams[team].clone()))
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slug() {
            Some(slug) => write!(f, "{} {slug}", self.kind()),
            None => f.write_str(self.kind()),
        }
    }
}

/// What somebody has: its own, and what rules brought and took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub party: Party,
    /// What it used.
    pub own: Amounts,
    /// What rules brought from others.
    pub came: Amounts,
    /// What rules took to others.
    pub went: Amounts,
}

impl Account {
    /// What it answers for: its own, plus what came, less what went.
    #[must_use]
    pub fn total(&self) -> Amounts {
        let mut total = self.own;
        total += self.came;
        total += -self.went;
        total
    }
}

/// What a rule moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Number of the rule.
    pub rule_id: u64,
    /// Its name.
    pub rule: String,
    /// Who had it.
    pub from: Party,
    /// Whose team that was on those days.
    pub from_team: Party,
    /// Who has it now.
    pub to: Party,
    /// Whose team that was.
    pub to_team: Party,
    /// How much.
    pub amounts: Amounts,
}

/// What most of the unallocated rest has in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// A dimension.
    pub dimension: Dimension,
    /// Its value.
    pub value: String,
    /// The value as people know it: an API key by its name.
    pub label: String,
    /// How much of the rest has it.
    pub amounts: Amounts,
}

/// Who answers for what in some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// The days, in the organization's zone.
    pub period: Period,
    /// ISO 4217 code.
    pub currency: String,
    /// IANA name of the organization's zone.
    pub time_zone: String,
    /// Everything.
    pub total: Amounts,
    /// What nobody answers for.
    pub unallocated: Amounts,
    /// What most of that has in common.
    pub cause: Option<Cause>,
    /// By team, the largest first; with what is unallocated they add up to everything.
    pub teams: Vec<Account>,
    /// By project, the largest first, and what counts for a team and none of its projects; with what is unallocated they add up to everything.
    pub projects: Vec<Account>,
    /// What each rule moved from whom to whom, in the order of the rules.
    pub flows: Vec<Flow>,
    /// Rules that split evenly in a month, because none of their targets had anything to go by.
    pub evenly: Vec<(String, NaiveDate)>,
}

impl Allocated {
    /// As it stands in a settled list of rules; without a cause.
    #[must_use]
    pub fn of(plan: &Plan, owners: &Owners, made: &Allocation, (period, time_zone): (Period, &str)) -> Self {
        let team = |place: Place| Party::team_of(owners, place);
        let holder = |place: Place| match place.team {
            None => Party::Nobody,
            Some(_) => Party::of(owners, place.holder),
        };
        let unallocated = accounts(made, team).remove(&Party::Nobody).map(|account| account.total());
        let mut total = Amounts::default();
        made.own.values().for_each(|amounts| total += *amounts);
        Self {
            period,
            currency: "USD".to_owned(),
            time_zone: time_zone.to_owned(),
            total,
            unallocated: unallocated.unwrap_or_default(),
            cause: None,
            teams: sorted(accounts(made, team)),
            projects: sorted(accounts(made, holder)),
            flows: flows(plan, owners, made),
            evenly: made.evenly.iter().map(|(rule, month)| (plan.rule(*rule).name.clone(), *month)).collect(),
        }
    }

    /// What somebody answers for.
    #[must_use]
    pub fn allocated(&self) -> Amounts {
        let mut allocated = self.total;
        allocated += -self.unallocated;
        allocated
    }

    /// What a rule moved in all: of several parts of a rule, each has its number.
    #[must_use]
    pub fn moved_by(&self, rule_id: u64) -> Amounts {
        let mut moved = Amounts::default();
        self.flows.iter().filter(|flow| flow.rule_id == rule_id).for_each(|flow| moved += flow.amounts);
        moved
    }
}

/// What each rule moved from whom to whom, in the order of the rules.
#[must_use]
pub fn flows(plan: &Plan, owners: &Owners, made: &Allocation) -> Vec<Flow> {
    let mut flows: BTreeMap<(usize, Place, Place), Amounts> = BTreeMap::new();
    for (step, amounts) in &made.moved {
        *flows.entry((step.rule, step.from, step.to)).or_default() += *amounts;
    }
    let flow = |((rule, from, to), amounts): ((usize, Place, Place), Amounts)| {
        let rule = plan.rule(rule);
        Flow {
            rule_id: rule.rule_id,
            rule: rule.name.clone(),
            from: Party::of(owners, from.holder),
            from_team: Party::team_of(owners, from),
            to: Party::of(owners, to.holder),
            to_team: Party::team_of(owners, to),
            amounts,
        }
    };
    flows.into_iter().map(flow).collect()
}

/// Usage that a rule took, as it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Short name of the project.
    pub project: String,
    /// Who sold the calls.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The feature; empty where none was sent.
    pub feature: String,
    /// How much.
    pub amounts: Amounts,
}

/// What a rule did in some days, down to what was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleExplained {
    /// The rule.
    pub rule: Dated<AllocationRule>,
    /// From whom to whom it moved how much.
    pub flows: Vec<Flow>,
    /// What it took, as it was used, the largest first.
    pub origins: Vec<Origin>,
    /// What it took of shares that earlier rules had split.
    pub shares: Amounts,
    /// What it moved by day.
    pub days: Vec<(NaiveDate, Amounts)>,
    /// From whom to whom it moved how much of charges beside events.
    pub charges: Vec<Flow>,
}

fn accounts(made: &Allocation, party: impl Fn(Place) -> Party) -> BTreeMap<Party, Account> {
    let mut accounts: BTreeMap<Party, Account> = BTreeMap::new();
    let blank = |party: Party| {
        let none = Amounts::default();
        Account { party, own: none, came: none, went: none }
    };
    let mut add = |place: Place, field: fn(&mut Account) -> &mut Amounts, amounts: Amounts| {
        let of = party(place);
        *field(accounts.entry(of.clone()).or_insert_with(|| blank(of))) += amounts;
    };
    made.own.iter().for_each(|((_, place), amounts)| add(*place, |account| &mut account.own, *amounts));
    for (step, amounts) in &made.moved {
        if party(step.from) != party(step.to) {
            add(step.from, |account| &mut account.went, *amounts);
            add(step.to, |account| &mut account.came, *amounts);
        }
    }
    accounts
}

fn sorted(mut accounts: BTreeMap<Party, Account>) -> Vec<Account> {
    accounts.remove(&Party::Nobody);
    let mut accounts: Vec<Account> = accounts.into_values().collect();
    accounts.sort_by_key(|account| Reverse(account.total().units));
    accounts
}

/// What a rule would change, by team and month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocationPreview {
    /// First days of the months, the oldest first.
    pub months: Vec<NaiveDate>,
    /// By team and what is unallocated, the largest change first: the change of each month. The changes of a month add up to zero.
    pub changes: Vec<(Party, Vec<Amounts>)>,
    /// What the rule would move in these months.
    pub moved: Amounts,
    /// Months in which it would split evenly, because none of its targets had anything to go by.
    pub evenly: Vec<NaiveDate>,
}

impl AllocationPreview {
    /// The difference between two lists of rules, settled by month; the rule is the one of this number in the plan.
    #[must_use]
    pub fn of(owners: &Owners, months: &[NaiveDate], [before, after]: [&Allocation; 2], rule: usize) -> Self {
        let mut changes: BTreeMap<Party, Vec<Amounts>> = BTreeMap::new();
        let mut add = |(month, place): &(NaiveDate, Place), amounts: Amounts| {
            let change =
                changes.entry(Party::team_of(owners, *place)).or_insert_with(|| vec![Amounts::default(); months.len()]);
            if let Some(at) = months.iter().position(|of| of == month) {
                change[at] += amounts;
            }
        };
        before.at_end.iter().for_each(|(key, amounts)| add(key, -*amounts));
        after.at_end.iter().for_each(|(key, amounts)| add(key, *amounts));
        changes.retain(|_, months| months.iter().any(|amounts| !amounts.is_empty()));
        let mut changes: Vec<(Party, Vec<Amounts>)> = changes.into_iter().collect();
        let size = |months: &[Amounts]| months.iter().map(|amounts| amounts.units).sum::<i128>().abs();
        changes.sort_by_key(|(_, months)| Reverse(size(months)));
        let mut moved = Amounts::default();
        after.moved.iter().filter(|(step, _)| step.rule == rule).for_each(|(_, amounts)| moved += *amounts);
        let evenly = after.evenly.iter().filter(|(of, _)| *of == rule).map(|(_, month)| *month).collect();
        Self { months: months.to_vec(), changes, moved, evenly }
    }
}
