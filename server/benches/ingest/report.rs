//! The tables that are printed: medians with their spread.

use std::io::Write;

/// A line on standard output.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A heading.
pub(crate) fn heading(text: &str) {
    line(&format!("\n{text}"));
}

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

/// The value below which this share of the values lies; nearest rank.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list of measured values"
    )]
    let place = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}
