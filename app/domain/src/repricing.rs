//! Runs that price or reprice events which were recorded already, and the adjustments that they append.
//!
//! History does not move by itself: a person starts a run, sees what it would move, and confirms it with a reason.
//! What was booked stays; spend is booked plus adjustments.

mod input;

pub use input::{RunForm, RunInput};

use crate::ids::RunId;
use crate::price::contract::ContractMonth;
use crate::problem::FieldProblem;
use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Longest reason, in characters.
const MAX_REASON: usize = 500;
/// Most rows that a summary keeps apart; the rest is summed in one.
pub const MAX_MOVES: usize = 2_000;

/// Which events a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Those that wait for a price.
    Pricing,
    /// All, also those whose cost is known.
    Repricing,
    /// All of one month: the contract's terms are counted and applied, prices stay.
    Contract,
}

impl RunKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Pricing, Self::Repricing, Self::Contract];

    /// The word in SQL, JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pricing => "pricing",
            Self::Repricing => "repricing",
            Self::Contract => "contract",
        }
    }
}

impl FromStr for RunKind {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| FieldProblem::new("kind", "unknown", "Use pricing, repricing or contract."))
    }
}

/// The reason for a run or its reversal.
///
/// # Errors
/// A field problem for `reason`.
pub fn parse_reason(text: &str) -> Result<String, FieldProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldProblem::new("reason", "required", "Say why, for those who read the numbers later."));
    }
    if text.chars().count() > MAX_REASON || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(FieldProblem::new("reason", "too_long", format!("Use at most {MAX_REASON} plain characters.")));
    }
    Ok(text.to_owned())
}

/// What moves, or moved, of one project in one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moves {
    /// First day of the month in the organization's zone.
    pub month: NaiveDate,
    /// Slug of the team that owned the project on the day; none where no owner is recorded.
    pub team: Option<String>,
    /// Slug of the project.
    pub project: String,
    /// Who sells the model.
    pub provider: String,
    /// The model as sent.
    pub model: String,
    /// Events whose cost moves.
    pub events: u64,
    /// Known cost of these before.
    pub before: Decimal,
    /// Known cost of these after.
    pub after: Decimal,
}

impl Moves {
    /// What is added to spend.
    #[must_use]
    pub fn delta(&self) -> Decimal {
        self.after - self.before
    }
}

/// The sums of a phase of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Events that were looked at.
    pub looked_at: u64,
    /// Events whose cost moves.
    pub moved: u64,
    /// Events among these that had no price and get one.
    pub priced: u64,
    /// Events that have no price afterwards either.
    pub still_unpriced: u64,
    /// What the upper-bound estimates of unpriced events change by.
    pub upper_bound: Decimal,
    /// Known cost of the events that move, before.
    pub before: Decimal,
    /// Known cost of these, after.
    pub after: Decimal,
    /// By month, team, project and model, in this order; see [`MAX_MOVES`].
    pub moves: Vec<Moves>,
    /// Events that move and are in none of the rows of `moves`, because these are too many.
    pub elsewhere: u64,
}

impl Summary {
    /// What is added to spend.
    #[must_use]
    pub fn delta(&self) -> Decimal {
        self.after - self.before
    }

    /// Counts events of one kind; rows with the same key are one row.
    pub fn add_moves(&mut self, moves: Moves) {
        self.moved += moves.events;
        self.before += moves.before;
        self.after += moves.after;
        let key =
            |row: &Moves| (row.month, row.team.clone(), row.project.clone(), row.provider.clone(), row.model.clone());
        match self.moves.binary_search_by_key(&key(&moves), key) {
            Ok(at) => {
                let row = &mut self.moves[at];
                row.events += moves.events;
                row.before += moves.before;
                row.after += moves.after;
            }
            Err(at) if self.moves.len() < MAX_MOVES => self.moves.insert(at, moves),
            Err(_) => self.elsewhere += moves.events,
        }
    }

    /// The delta by any key of the rows, in the order of the key: by team, by project, by month.
    #[must_use]
    pub fn by<K: Ord>(&self, key: impl Fn(&Moves) -> K) -> Vec<(K, u64, Decimal)> {
        let mut sums = std::collections::BTreeMap::<K, (u64, Decimal)>::new();
        for row in &self.moves {
            let sum = sums.entry(key(row)).or_default();
            sum.0 += row.events;
            sum.1 += row.delta();
        }
        sums.into_iter().map(|(key, (events, delta))| (key, events, delta)).collect()
    }
}

/// Most events that are looked at for a preview.
pub const MAX_PREVIEWED: u64 = 10_000;
/// Most projects that a preview names; the others are summed.
const MAX_PREVIEW_PROJECTS: usize = 6;

/// What a price or a name would do to the events that wait for it: shown before it is entered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpactPreview {
    /// Events of that name that wait and were looked at, the oldest first.
    pub unpriced: u64,
    /// Those among them that would get a price.
    pub priced: u64,
    /// What these would cost.
    pub cost: Decimal,
    /// Slug, events and cost of the projects that pay most.
    pub projects: Vec<(String, u64, Decimal)>,
    /// Events and cost of all other projects.
    pub others: (u64, Decimal),
    /// Whether more wait than were looked at.
    pub more: bool,
}

impl ImpactPreview {
    /// From the sums of a preview.
    #[must_use]
    pub fn of(summary: &Summary, more: bool) -> Self {
        let mut projects: Vec<(String, u64, Decimal)> = summary.by(|row| row.project.clone());
        projects.sort_by(|one, two| two.2.cmp(&one.2).then_with(|| one.0.cmp(&two.0)));
        let rest = projects.split_off(projects.len().min(MAX_PREVIEW_PROJECTS));
        let listed: (u64, Decimal) = sum_of(&projects);
        Self {
            unpriced: summary.looked_at,
            priced: summary.priced,
            cost: summary.delta(),
            projects,
            others: if rest.is_empty() && summary.elsewhere == 0 {
                (0, Decimal::ZERO)
            } else {
                (summary.moved - listed.0, summary.delta() - listed.1)
            },
            more,
        }
    }

    /// Names exactly this effect: whoever sends it has seen it.
    #[must_use]
    pub fn token(&self) -> String {
        format!("{}/{}/{}", self.priced, self.unpriced, crate::money::exact(self.cost))
    }

    /// One sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        use crate::format::{count, counted, money};
        if self.unpriced == 0 {
            return "No event waits under this name.".to_owned();
        }
        let (priced, unpriced, cost) = (count(self.priced), counted(self.unpriced, "waiting event"), money(self.cost));
        let which = if self.more { "the oldest " } else { "" };
        let start = format!("Prices {priced} of {which}{unpriced} for {cost}");
        match &self.projects[..] {
            [] => format!("{start}."),
            [(project, ..)] if self.others.0 == 0 => format!("{start}, all in {project}."),
            projects => {
                let named = projects.iter().map(|(project, events, cost)| (project.as_str(), *events, *cost));
                let others = (self.others.0 > 0).then_some(("other projects", self.others.0, self.others.1));
                let by_project = named
                    .chain(others)
                    .map(|(name, events, cost)| format!("{name} {} ({})", money(cost), count(events)));
                format!("{start}: {}.", by_project.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn sum_of(projects: &[(String, u64, Decimal)]) -> (u64, Decimal) {
    projects.iter().fold((0, Decimal::ZERO), |sum, (_, events, cost)| (sum.0 + events, sum.1 + cost))
}

/// Where a run stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunPhase {
    /// The preview is being made.
    Draft,
    /// The preview is made, nothing has moved.
    Previewed,
    /// Confirmed, and moving money.
    Running,
    /// Everything has moved.
    Done,
    /// Being taken back.
    Reversing,
    /// Taken back.
    Reversed,
    /// Thrown away before anything moved.
    Discarded,
    /// Stopped by an error of the server.
    Failed,
}

impl RunPhase {
    /// All phases.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Previewed,
        Self::Running,
        Self::Done,
        Self::Reversing,
        Self::Reversed,
        Self::Discarded,
        Self::Failed,
    ];

    /// The word in SQL, JSON and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Previewed => "previewed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Reversing => "reversing",
            Self::Reversed => "reversed",
            Self::Discarded => "discarded",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for RunPhase {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|phase| phase.as_str() == text);
        found.ok_or_else(|| FieldProblem::new("state", "unknown", format!("`{text}` is no state of a run.")))
    }
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// The preview is being made; so far it says this.
    Draft {
        /// Sums so far.
        so_far: Summary,
    },
    /// Nothing has moved yet; this is what would.
    Previewed {
        /// What would move.
        preview: Summary,
    },
    /// Confirmed; this has repriced so far.
    Running {
        /// What was to be expected.
        preview: Summary,
        /// Sums so far.
        so_far: Summary,
    },
    /// Everything has moved.
    Done {
        /// What was to be expected.
        preview: Summary,
        /// What moved.
        outcome: Summary,
        /// Since when.
        at: DateTime<FixedOffset>,
    },
    /// Being taken back.
    Reversing {
        /// What had moved.
        outcome: Summary,
        /// What was reverted so far.
        so_far: Summary,
        /// Why.
        reason: String,
    },
    /// Taken back.
    Reversed {
        /// What had moved.
        outcome: Summary,
        /// What was taken back.
        reversal: Summary,
        /// Why.
        reason: String,
        /// Since when.
        at: DateTime<FixedOffset>,
    },
    /// Thrown away before anything moved.
    Discarded {
        /// Since when.
        at: DateTime<FixedOffset>,
    },
    /// Stopped by an error of the server; what had moved until then can be reversed.
    Failed {
        /// What moved until then.
        outcome: Summary,
        /// What happened, in one sentence.
        detail: String,
        /// Since when.
        at: DateTime<FixedOffset>,
    },
}

impl RunState {
    /// Where it stands, in one word.
    #[must_use]
    pub const fn phase(&self) -> RunPhase {
        match self {
            Self::Draft { .. } => RunPhase::Draft,
            Self::Previewed { .. } => RunPhase::Previewed,
            Self::Running { .. } => RunPhase::Running,
            Self::Done { .. } => RunPhase::Done,
            Self::Reversing { .. } => RunPhase::Reversing,
            Self::Reversed { .. } => RunPhase::Reversed,
            Self::Discarded { .. } => RunPhase::Discarded,
            Self::Failed { .. } => RunPhase::Failed,
        }
    }

    /// Whether the server is at work on it.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::Draft { .. } | Self::Running { .. } | Self::Reversing { .. })
    }
}

/// A run as its page and the list show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepricingRun {
    /// Its id.
    pub run_id: RunId,
    /// Which events, over which time.
    pub input: RunInput,
    /// Begun when, in the organization's zone.
    pub created_at: DateTime<FixedOffset>,
    /// By whom: an e-mail address, the name of a key, or `Tallystick`.
    pub created_by: String,
    /// Own prices and names entered after this instant are not used by it.
    pub known_at: DateTime<FixedOffset>,
    /// Why; none until it is confirmed.
    pub reason: Option<String>,
    /// Where it stands.
    pub state: RunState,
    /// What a run of the contract has counted; none for other runs.
    #[serde(default)]
    pub contract: Option<ContractMonth>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moves(project: &str, events: u64, before: i64, after: i64) -> Moves {
        Moves {
            month: NaiveDate::from_ymd_opt(2026, 11, 1).unwrap(),
            team: None,
            project: project.to_owned(),
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            events,
            before: before.into(),
            after: after.into(),
        }
    }

    #[test]
    fn a_summary_adds_up_by_any_key() {
        let mut summary = Summary::default();
        for row in [moves("b", 1, 5, 3), moves("a", 2, 1, 2), moves("b", 3, 1, 1)] {
            summary.add_moves(row);
        }
        assert_eq!(summary.moves, [moves("a", 2, 1, 2), moves("b", 4, 6, 4)]);
        assert_eq!((summary.moved, summary.delta()), (6, (-1).into()));
        assert_eq!(summary.by(|row| row.month).len(), 1);
        assert_eq!(summary.by(|row| row.project.clone())[1], ("b".to_owned(), 4, (-2).into()));
    }

    #[test]
    fn a_summary_with_too_many_rows_still_adds_up() {
        let mut summary = Summary::default();
        for n in 0..=MAX_MOVES {
            summary.add_moves(moves(&n.to_string(), 1, 0, 1));
        }
        assert_eq!((summary.moves.len(), summary.elsewhere), (MAX_MOVES, 1));
        assert_eq!(summary.delta(), Decimal::from(MAX_MOVES + 1));
    }

    #[test]
    fn an_effect_says_who_would_pay_what() {
        let mut summary = Summary { looked_at: 20, priced: 10, ..Summary::default() };
        for (at, project) in ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter().enumerate() {
            let cost = i64::try_from(at).unwrap() + 1;
            summary.add_moves(moves(project, if project == "a" { 3 } else { 1 }, 0, cost));
        }
        let effect = ImpactPreview::of(&summary, false);
        assert_eq!((effect.cost, effect.others), (36.into(), (4, 3.into())));
        assert_eq!(effect.projects[0], ("h".to_owned(), 1, 8.into()));
        assert_eq!(
            effect.sentence().replace('\u{a0}', " "),
            "Prices 10 of 20 waiting events for $36.00: h $8.00 (1), g $7.00 (1), f $6.00 (1), e $5.00 (1), d $4.00 (1), \
             c $3.00 (1), other projects $3.00 (4)."
        );
        assert_ne!(effect.token(), ImpactPreview { cost: 35.into(), ..effect.clone() }.token());
        assert_eq!(ImpactPreview::default().sentence(), "No event waits under this name.");
        let said = |effect: &ImpactPreview| effect.sentence().replace('\u{a0}', " ");
        let more = ImpactPreview { more: true, unpriced: 1, priced: 1, ..ImpactPreview::default() };
        assert_eq!(said(&more), "Prices 1 of the oldest 1 waiting event for $0.00.");
        let one = ImpactPreview { projects: vec![("main".to_owned(), 1, Decimal::ONE)], cost: Decimal::ONE, ..more };
        assert_eq!(said(&one), "Prices 1 of the oldest 1 waiting event for $1.00, all in main.");
    }

    #[test]
    fn a_reason_has_to_be_given() {
        assert!(parse_reason(" ").is_err());
    }
}
