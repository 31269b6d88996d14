//! Stacked areas.

use std::fmt::Write;

use super::axis::x;
use super::markup::number;
use super::scale::{Scale, Span};

/// The area of one series between its lower and upper edge, through the middles of the steps.
pub(super) fn path(spans: &[Span], scale: &Scale) -> String {
    outline(spans.iter().copied().enumerate(), spans.len(), scale)
}

/// Forth along the upper edge and back along the lower.
pub(super) fn outline(spans: impl Iterator<Item = (usize, Span)> + Clone, steps: usize, scale: &Scale) -> String {
    let mut path = String::new();
    let mut command = 'M';
    let back: Vec<(usize, Span)> = spans.clone().collect();
    for (index, (_, upper)) in spans {
        // Writing to a string cannot fail.
        let _ = write!(path, "{command}{} {}", number(x(index, steps)), number(scale.y(upper)));
        command = 'L';
    }
    for (index, (lower, _)) in back.into_iter().rev() {
        let _ = write!(path, "L{} {}", number(x(index, steps)), number(scale.y(lower)));
    }
    if !path.is_empty() {
        path.push('z');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_goes_forth_above_and_back_below() {
        let scale = Scale::nice([10.0], 2);
        assert_eq!(path(&[(0.0, 5.0), (5.0, 10.0)], &scale), "M250 500L750 0L750 500L250 1000z");
        assert_eq!(path(&[], &scale), "");
    }
}
