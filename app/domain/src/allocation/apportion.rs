//! Cutting an amount into parts that add up to it exactly.

/// The parts of a whole in proportion to weights, by largest remainder: where two are alike, the earlier part gets the unit.
///
/// Weights below zero count as zero; where none counts, the parts are even. The parts always add up to the whole, whatever its sign.
#[must_use]
pub(crate) fn apportion(whole: i128, weights: &[i128]) -> Vec<i128> {
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let weights = counted(whole, weights);
    let sum: i128 = weights.iter().sum();
    if sum == 0 {
        return Vec::new();
    }
    let size = whole.abs();
    let mut parts: Vec<i128> = weights.iter().map(|weight| size * weight / sum).collect();
    let missing = size - parts.iter().sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|at| std::cmp::Reverse(size * weights[*at] % sum));
    // Fewer units are missing than there are parts.
    by_remainder.into_iter().take(usize::try_from(missing).unwrap_or_default()).for_each(|at| parts[at] += 1);
    parts.into_iter().map(|part| part * whole.signum()).collect()
}

/// The weights that count, small enough that a whole times any of them is a number of 127 bits.
fn counted(whole: i128, weights: &[i128]) -> Vec<i128> {
    let mut weights: Vec<i128> = weights.iter().map(|weight| (*weight).max(0)).collect();
    let bits = |number: i128| 128 - number.unsigned_abs().leading_zeros();
    let largest = weights.iter().copied().max().unwrap_or_default();
    let length = bits(i128::try_from(weights.len()).unwrap_or(i128::MAX));
    let excess = (bits(whole) + bits(largest) + length).saturating_sub(126);
    weights.iter_mut().for_each(|weight| *weight >>= excess);
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_remainders_get_what_is_left() {
        assert_eq!(apportion(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(apportion(10, &[66, 17, 17]), [6, 2, 2]);
        assert_eq!(apportion(-100, &[1, 1, 1]), [-34, -33, -33]);
        assert_eq!(apportion(7, &[0, 5, 0]), [0, 7, 0]);
        assert_eq!(apportion(5, &[0, -3]), [3, 2], "nothing counts: evenly");
        assert_eq!(apportion(5, &[]), [] as [i128; 0]);
    }

    proptest! {
        /// Whatever the sizes: exact, within one unit of the true part, and nothing for whoever has no weight beside others.
        #[test]
        fn parts_add_up_and_none_is_a_unit_off(
            whole in -(1_i128 << 90)..(1_i128 << 90),
            weights in prop::collection::vec(-5_i128..(1_i128 << 70), 1..9),
        ) {
            let parts = apportion(whole, &weights);
            prop_assert_eq!(parts.iter().sum::<i128>(), whole);
            let sum: i128 = weights.iter().map(|weight| (*weight).max(0)).sum();
            if sum > 0 && whole.abs() < 1 << 40 && sum < 1 << 80 {
                for (part, weight) in parts.iter().zip(&weights) {
                    let exact = whole * (*weight).max(0);
                    prop_assert!((part * sum - exact).abs() < sum, "{} of {}", part, whole);
                }
            }
        }
    }
}
