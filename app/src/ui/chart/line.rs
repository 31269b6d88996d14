//! Lines and steps.

use std::fmt::Write;

use super::axis::{edge, x};
use super::markup::number;
use super::scale::{SIZE, Scale};

/// A path through the middles of the steps with a gap where there is no value; a lone value becomes a dot.
pub(super) fn path(values: &[Option<f64>], steps: usize, scale: &Scale) -> String {
    let mut path = String::new();
    for run in runs(values) {
        let mut command = 'M';
        for (index, value) in &run {
            // Writing to a string cannot fail.
            let _ = write!(path, "{command}{} {}", number(x(*index, steps)), number(scale.y(*value)));
            command = 'L';
        }
        if run.len() == 1 {
            // With round caps a line without length is a dot.
            path.push_str("h0");
        }
    }
    path
}

/// A path that is flat within each step.
pub(super) fn step_path(values: &[Option<f64>], steps: usize, scale: &Scale) -> String {
    let mut path = String::new();
    for run in runs(values) {
        for (rank, (index, value)) in run.iter().enumerate() {
            let left = number(edge(*index, steps) * SIZE);
            let y = number(scale.y(*value));
            let right = number(edge(index + 1, steps) * SIZE);
            let _ = if rank == 0 { write!(path, "M{left} {y}H{right}") } else { write!(path, "V{y}H{right}") };
        }
    }
    path
}

/// Stretches of values without a gap, with the index of each.
pub(super) fn runs<T: Copy>(values: &[Option<T>]) -> Vec<Vec<(usize, T)>> {
    let mut runs: Vec<Vec<(usize, T)>> = Vec::new();
    let mut open = false;
    for (index, value) in values.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) if open => run.push((index, *value)),
            (Some(value), _) => runs.push(vec![(index, *value)]),
            (None, _) => {}
        }
        open = value.is_some();
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_interrupts_the_line_and_a_lone_value_is_a_dot() {
        let scale = Scale::nice([10.0], 2);
        let values = [Some(0.0), Some(10.0), None, Some(5.0)];
        assert_eq!(path(&values, 4, &scale), "M125 1000L375 0M875 500h0");
        assert_eq!(path(&[], 0, &scale), "");
        assert_eq!(path(&[None, None], 2, &scale), "");
    }

    #[test]
    fn a_flat_line_holds_for_its_step() {
        let scale = Scale::nice([10.0], 2);
        assert_eq!(step_path(&[Some(10.0), Some(5.0), None, Some(0.0)], 4, &scale), "M0 0H250V500H500M750 1000H1000");
    }
}
