//! From values to places on the drawing: round ticks, stacks.

/// Height and width of the drawing's own coordinates; it is stretched to its place on the page.
pub(super) const SIZE: f64 = 1000.0;

/// The vertical scale: a range that begins and ends on a tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Ticks from the lowest to the highest, evenly spaced; zero is one of them.
    pub ticks: Vec<f64>,
}

impl Scale {
    /// A scale that holds zero and every value, with about `count` steps of 1, 2, 2.5 or 5 times a power of ten.
    ///
    /// Values that are not finite are left out; without any positive or negative value there is one step from zero to one.
    #[must_use]
    pub fn nice(values: impl IntoIterator<Item = f64>, count: u8) -> Self {
        let (low, high) = values
            .into_iter()
            .filter(|value| value.is_finite())
            .fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let range = high - low;
        if range <= 0.0 || !range.is_finite() {
            return Self { ticks: vec![0.0, 1.0] };
        }
        let step = round_step(range / f64::from(count.max(1)));
        // A hair of tolerance: three tenths in binary are a little more than three steps of one tenth.
        let first = (low / step + 1e-9).floor();
        let last = (high / step - 1e-9).ceil();
        let mut ticks = Vec::new();
        let mut at = first;
        while at <= last {
            ticks.push(at * step);
            at += 1.0;
        }
        Self { ticks }
    }

    /// The lowest value of the range.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.ticks.first().copied().unwrap_or(0.0)
    }

    /// The highest value of the range.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.ticks.last().copied().unwrap_or(1.0)
    }

    /// How far below the top a value stands, as a share of the height.
    #[must_use]
    pub fn depth(&self, value: f64) -> f64 {
        let range = self.high() - self.low();
        let value = if value.is_finite() { value.clamp(self.low(), self.high()) } else { 0.0 };
        if range > 0.0 { (self.high() - value) / range } else { 1.0 }
    }

    /// The vertical coordinate of a value.
    pub(super) fn y(&self, value: f64) -> f64 {
        self.depth(value) * SIZE
    }
}

/// The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10.0_f64.powf(rough.log10().floor());
    let factor = rough / power;
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|step| factor <= step + 1e-9).unwrap_or(10.0);
    factor * power
}

/// Where the part of one series begins and ends in its stack.
pub(super) type Span = (f64, f64);

/// Stacks series over each other, step by step: positive values upwards from zero, negative ones downwards.
///
/// A missing or non-finite value takes no room.
#[must_use]
pub(super) fn stack(series: &[&[f64]], steps: usize) -> Vec<Vec<Span>> {
    let mut up = vec![0.0; steps];
    let mut down = vec![0.0; steps];
    series
        .iter()
        .map(|values| {
            up.iter_mut()
                .zip(&mut down)
                .enumerate()
                .map(|(index, (up, down))| {
                    let value = values.get(index).copied().filter(|value| value.is_finite()).unwrap_or(0.0);
                    let edge = if value < 0.0 { down } else { up };
                    let from = *edge;
                    *edge += value;
                    (from, *edge)
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: &[f64], right: &[f64]) -> bool {
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| (left - right).abs() < 1e-9)
    }

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        for (values, count, ticks) in [
            (vec![1520.0, 300.0], 4, vec![0.0, 500.0, 1000.0, 1500.0, 2000.0]),
            (vec![1520.0], 5, vec![0.0, 500.0, 1000.0, 1500.0, 2000.0]),
            (vec![980.0], 4, vec![0.0, 250.0, 500.0, 750.0, 1000.0]),
            (vec![0.00003], 4, vec![0.0, 0.00001, 0.00002, 0.00003]),
            (vec![7.0], 4, vec![0.0, 2.0, 4.0, 6.0, 8.0]),
            (vec![-30.0, 50.0], 4, vec![-40.0, -20.0, 0.0, 20.0, 40.0, 60.0]),
            (vec![-3.0], 3, vec![-3.0, -2.0, -1.0, 0.0]),
            (vec![0.3], 3, vec![0.0, 0.1, 0.2, 0.3]),
        ] {
            let scale = Scale::nice(values.clone(), count);
            assert!(close(&scale.ticks, &ticks), "{values:?}: {:?}", scale.ticks);
        }
    }

    #[test]
    fn nothing_and_only_zeros_still_have_a_scale() {
        for values in [vec![], vec![0.0, 0.0], vec![f64::NAN], vec![f64::INFINITY]] {
            assert!(close(&Scale::nice(values, 4).ticks, &[0.0, 1.0]));
        }
    }

    #[test]
    fn places_go_from_the_top_down_and_stay_inside() {
        let scale = Scale::nice([80.0], 4);
        assert!(close(&[scale.depth(80.0), scale.depth(20.0), scale.depth(0.0)], &[0.0, 0.75, 1.0]));
        assert!(close(&[scale.depth(200.0), scale.depth(-5.0), scale.depth(f64::NAN)], &[0.0, 1.0, 1.0]));
    }

    #[test]
    fn a_stack_ends_at_the_sum_of_its_parts() {
        let stacked = stack(&[&[1.0, 2.0, 0.0], &[3.0, 4.0], &[5.0, f64::NAN, 6.0]], 3);
        assert_eq!(
            stacked,
            vec![
                vec![(0.0, 1.0), (0.0, 2.0), (0.0, 0.0)],
                vec![(1.0, 4.0), (2.0, 6.0), (0.0, 0.0)],
                vec![(4.0, 9.0), (6.0, 6.0), (0.0, 6.0)],
            ]
        );
    }

    #[test]
    fn negative_parts_hang_below_zero() {
        let stacked = stack(&[&[2.0], &[-1.0], &[3.0], &[-4.0]], 1);
        assert_eq!(stacked, vec![vec![(0.0, 2.0)], vec![(0.0, -1.0)], vec![(2.0, 5.0)], vec![(-1.0, -5.0)]]);
        assert_eq!(stack(&[], 3), Vec::<Vec<Span>>::new());
        assert_eq!(stack(&[&[1.0]], 0), vec![Vec::<Span>::new()]);
    }
}
