//! A contract over one month: what it counts and charges, and whether that is settled.

use super::{Blend, ContractTerm, Volume};
use crate::ids::RunId;
use crate::period::Period;
use crate::repricing::{RepricingRun, RunState, Summary};
use crate::rule::Dated;
use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One term over one month, as a run counts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermMonth {
    /// The term.
    pub term_id: u64,
    /// The term in one line.
    pub words: String,
    /// What its units are called.
    pub units: String,
    /// All that it counts in the month, so far as it is counted.
    pub total: Volume,
    /// What the contract charges for it; known when everything is counted.
    pub charge: Option<Decimal>,
    /// The calls that were charged already.
    pub reached: Volume,
}

/// What a run over a month of the contract has counted and charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractMonth {
    /// First day of the month.
    pub month: NaiveDate,
    /// Whether all calls are counted: only then can the first be charged.
    pub counted: bool,
    /// The terms that hold in it, by id.
    pub terms: Vec<TermMonth>,
}

impl ContractMonth {
    /// Nothing is counted yet.
    #[must_use]
    pub const fn new(month: NaiveDate) -> Self {
        Self { month, counted: false, terms: Vec::new() }
    }

    /// Counts some use of a term.
    pub fn count(&mut self, term: &ContractTerm, volume: Volume) {
        let at = match self.terms.binary_search_by_key(&term.term_id, |known| known.term_id) {
            Ok(at) => at,
            Err(at) => {
                let (term_id, words, units) = (term.term_id, term.words(), term.units());
                let (total, reached) = (Volume::default(), Volume::default());
                self.terms.insert(at, TermMonth { term_id, words, units, total, charge: None, reached });
                at
            }
        };
        self.terms[at].total += volume;
    }

    /// Everything is counted: what each term charges.
    ///
    /// Terms that hold and count nothing are not in the list. None where a number is beyond a decimal.
    #[must_use]
    pub fn close(mut self, terms: &[ContractTerm]) -> Option<Self> {
        for month in &mut self.terms {
            let term = terms.iter().find(|term| term.term_id == month.term_id)?;
            month.charge = Some(term.blend(month.total.quantity)?.charge(month.total)?);
        }
        self.counted = true;
        Some(self)
    }

    /// What the contract adds to the cost of the next call; none for a use that was not counted, or beyond a decimal.
    pub fn charge(&mut self, term: &ContractTerm, call: Volume) -> Option<Decimal> {
        let at = self.terms.binary_search_by_key(&term.term_id, |known| known.term_id).ok()?;
        let month = &mut self.terms[at];
        let blend: Blend = term.blend(month.total.quantity)?;
        blend.next(&mut month.reached, call)
    }

    /// Whether exactly what was counted was charged.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.terms.iter().all(|month| month.reached == month.total)
    }
}

/// Whether the contract is applied to a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MonthState {
    /// No run has applied it, or all were reversed.
    Open,
    /// Applied, and nothing has changed since.
    Applied,
    /// Applied; calls came since.
    NewerCalls,
    /// Applied; another run moved costs of its calls since, or took such a move back.
    CostsMoved,
    /// Applied; terms were entered or ended since.
    TermsChanged,
}

impl MonthState {
    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "not applied",
            Self::Applied => "applied",
            Self::NewerCalls => "newer calls",
            Self::CostsMoved => "costs moved since",
            Self::TermsChanged => "terms changed",
        }
    }
}

/// A month under the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthStatus {
    /// The month.
    pub month: Period,
    /// Whether it is over, so that only late calls can still change it.
    pub is_over: bool,
    /// Whether the contract is applied to it.
    pub state: MonthState,
    /// Calls that came since it was applied.
    pub newer_calls: u64,
    /// What the contract adds to spend as it is applied now; mostly below zero.
    pub effect: Decimal,
    /// The run that applied it last, and when that ended.
    pub applied: Option<(RunId, DateTime<FixedOffset>)>,
    /// A preview of it that waits to be confirmed.
    pub previewed: Option<RunId>,
}

/// What is known of a month beside its runs and terms.
#[derive(Clone, Copy, Debug)]
pub struct MonthSums {
    /// The month.
    pub month: Period,
    /// Calls of providers that the contract concerns; answers from the sender's own cache are none.
    pub calls: u64,
    /// What the contract adds to spend now.
    pub effect: Decimal,
}

impl MonthStatus {
    /// Where a month stands, by all runs of the organization and all terms that were ever entered.
    #[must_use]
    pub fn of(sums: MonthSums, today: NaiveDate, runs: &[RepricingRun], terms: &[Dated<ContractTerm>]) -> Self {
        let MonthSums { month, calls, effect } = sums;
        let of_month = || runs.iter().filter(|run| run.input.month() == Some(month));
        let applied = of_month().filter_map(|run| Some((run, applied(run)?))).max_by_key(|(_, (_, at))| *at);
        let (state, newer_calls) = match applied {
            None => (MonthState::Open, 0),
            Some((run, (outcome, at))) => {
                let newer = calls.saturating_sub(outcome.looked_at);
                (state(run, at, newer, month, runs, terms), newer)
            }
        };
        let since = applied.map(|(run, _)| run.run_id);
        let is_open = |run: &&RepricingRun| matches!(run.state, RunState::Draft { .. } | RunState::Previewed { .. });
        let previewed = of_month().filter(is_open).map(|run| run.run_id).max().filter(|id| Some(*id) > since);
        Self {
            month,
            is_over: today >= month.to,
            state,
            newer_calls,
            effect,
            applied: applied.map(|(run, (_, at))| (run.run_id, at)),
            previewed,
        }
    }
}

/// What a run moved and when that ended, where it stands.
fn applied(run: &RepricingRun) -> Option<(&Summary, DateTime<FixedOffset>)> {
    match &run.state {
        RunState::Done { outcome, at, .. } => Some((outcome, *at)),
        _ => None,
    }
}

fn state(
    run: &RepricingRun,
    at: DateTime<FixedOffset>,
    newer_calls: u64,
    month: Period,
    runs: &[RepricingRun],
    terms: &[Dated<ContractTerm>],
) -> MonthState {
    if terms_changed(run, month, terms) {
        MonthState::TermsChanged
    } else if runs.iter().any(|other| moved_since(other, at, month)) {
        MonthState::CostsMoved
    } else if newer_calls > 0 {
        MonthState::NewerCalls
    } else {
        MonthState::Applied
    }
}

/// Whether other terms hold in the month than when the run began.
fn terms_changed(run: &RepricingRun, month: Period, terms: &[Dated<ContractTerm>]) -> bool {
    let held = |known: &dyn Fn(&Dated<ContractTerm>) -> bool| -> Vec<&ContractTerm> {
        let mut rows: Vec<_> =
            terms.iter().filter(|term| known(term) && term.row.holds_in(month)).map(|term| &term.row).collect();
        rows.sort_by_key(|row| row.rank);
        rows
    };
    let then = held(&|term| {
        let entry = &term.entry;
        entry.recorded_at <= run.known_at && entry.superseded_at.is_none_or(|at| at > run.known_at)
    });
    let now = held(&|term| term.is_live());
    then.len() != now.len() || then.iter().zip(now).any(|(then, now)| !then.same_terms(now))
}

/// Whether a run moved costs of the month after an instant, or took that back.
fn moved_since(run: &RepricingRun, since: DateTime<FixedOffset>, month: Period) -> bool {
    let (moved, at) = match &run.state {
        RunState::Done { outcome, at, .. } | RunState::Failed { outcome, at, .. } => (outcome, at),
        RunState::Reversed { reversal, at, .. } => (reversal, at),
        _ => return false,
    };
    let in_month = || moved.elsewhere > 0 || moved.moves.iter().any(|row| row.month == month.from);
    *at > since && in_month()
}
