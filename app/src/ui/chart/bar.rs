//! Stacked bars.

use std::fmt::Write;

use super::axis::{as_f64, x};
use super::markup::number;
use super::scale::{SIZE, Scale, Span};

/// From this many bars on there is no gap between them.
const CROWDED: usize = 100;
/// In a large chart a bar is never wider than this share of it.
pub(super) const WIDEST: f64 = 0.07;

/// Width of a bar in the drawing's coordinates.
fn width(steps: usize, widest: f64) -> f64 {
    let room = 1.0 / as_f64(steps.max(1));
    let share = if steps >= CROWDED { room } else { (room * 0.84).min(widest) };
    share * SIZE
}

/// One path for all bars of one series; values without height are left out.
pub(super) fn path(spans: &[Span], scale: &Scale, widest: f64) -> String {
    let width = width(spans.len(), widest);
    let mut path = String::new();
    for (index, (from, to)) in spans.iter().enumerate() {
        let (top, bottom) = (scale.y(from.max(*to)), scale.y(from.min(*to)));
        if bottom - top < 0.05 {
            continue;
        }
        let left = x(index, spans.len()) - width / 2.0;
        // Writing to a string cannot fail.
        let _ =
            write!(path, "M{} {}h{}V{}h-{}z", number(left), number(bottom), number(width), number(top), number(width));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_stands_in_the_middle_of_its_step() {
        let scale = Scale::nice([10.0], 2);
        assert_eq!(
            path(&[(0.0, 5.0), (0.0, 0.0), (5.0, 10.0)], &scale, WIDEST),
            "M131.7 1000h70V500h-70zM798.3 500h70V0h-70z"
        );
    }

    #[test]
    fn a_negative_bar_hangs_from_zero() {
        let scale = Scale::nice([-10.0, 10.0], 2);
        assert_eq!(path(&[(0.0, -10.0)], &scale, WIDEST), "M465 1000h70V500h-70z");
        assert_eq!(path(&[], &scale, WIDEST), "");
    }

    #[test]
    fn many_bars_touch() {
        let scale = Scale::nice([1.0], 2);
        assert!(path(&vec![(0.0, 1.0); 200], &scale, WIDEST).starts_with("M0 1000h5V0h-5zM5 1000h5"));
    }
}
