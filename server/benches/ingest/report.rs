//! The tables that are printed: medians with their spread.

pub(crate) use crate::print::{heading, line, quantile};

/// What one side reached in each of its turns.
pub(crate) struct Side {
    name: &'static str,
    unit: &'static str,
    turns: Vec<f64>,
}

impl Side {
    pub(crate) const fn new(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, turns: vec![] }
    }

    pub(crate) fn add(&mut self, turn: f64) {
        self.turns.push(turn);
    }

    pub(crate) fn median(&self) -> f64 {
        quantile(&self.turns, 0.5)
    }

    /// Median, lowest and highest.
    pub(crate) fn print(&self) {
        let (low, high) = (quantile(&self.turns, 0.0), quantile(&self.turns, 1.0));
        line(&format!("  {:44} {:>10.1} ({low:.1} to {high:.1}) {}", self.name, self.median(), self.unit));
    }
}

/// A ratio beside its goal.
pub(crate) fn ratio(what: &str, value: f64, goal: &str) {
    line(&format!("  {what:44} {value:>10.2} (goal {goal})"));
}
