//! Latency as counts per class: histograms that add up to the histogram of everything.
//!
//! Classes are a quarter of an octave wide, so that a quantile read from them is off by at most a tenth: 0 to 16 ms is the first, then 16–20, 20–24, 24–28, 28–32, 32–40 … up to 2^20 ms (17.5 minutes), and one for everything above.

use rust_decimal::prelude::ToPrimitive;

/// Number of classes.
pub const CLASSES: usize = 66;

const FIRST_OCTAVE: u32 = 4;

/// The class of a latency in milliseconds.
#[must_use]
pub fn class(latency_ms: u64) -> usize {
    let Some(octave) = latency_ms.checked_ilog2().and_then(|octave| octave.checked_sub(FIRST_OCTAVE)) else { return 0 };
    let quarter = (latency_ms >> (octave + FIRST_OCTAVE - 2)) & 3;
    let class = 1 + u64::from(octave) * 4 + quarter;
    class.to_usize().map_or(CLASSES - 1, |class| class.min(CLASSES - 1))
}

/// First latency of every class but the first, in milliseconds.
#[must_use]
pub fn bounds() -> Vec<i64> {
    (0..CLASSES - 1)
        .map(|index| {
            let (octave, quarter) = (index / 4, index % 4);
            (4 + i64::try_from(quarter).unwrap_or(0)) << (octave + 2)
        })
        .collect()
}

/// Adds counts to counts; the shorter one counts as zeros beyond its end.
pub fn add(sum: &mut Vec<i64>, counts: &[i64]) {
    if sum.len() < counts.len() {
        sum.resize(counts.len(), 0);
    }
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// Counts one latency.
pub fn count(counts: &mut Vec<i64>, latency_ms: u64) {
    let class = class(latency_ms);
    if counts.len() <= class {
        counts.resize(class + 1, 0);
    }
    counts[class] += 1;
}

/// The latency in milliseconds below which `per_mille` of the calls lie, read off within its class; none without counts.
#[must_use]
pub fn quantile(counts: &[i64], per_mille: u16) -> Option<u64> {
    let total: i64 = counts.iter().sum();
    if total <= 0 {
        return None;
    }
    let bounds = bounds();
    let rank = total * i64::from(per_mille.min(1_000));
    let mut below = 0;
    for (class, count) in counts.iter().enumerate() {
        if *count > 0 && (below + count) * 1_000 >= rank {
            let from = if class == 0 { 0 } else { bounds[class - 1] };
            let to = bounds.get(class).copied().unwrap_or(from);
            let within = (to - from) * (rank - below * 1_000).max(0) / (count * 1_000);
            return (from + within).to_u64();
        }
        below += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_lies_in_the_class_whose_bounds_hold_it() {
        let bounds = bounds();
        assert_eq!(bounds.len(), CLASSES - 1);
        assert_eq!(&bounds[..6], [16, 20, 24, 28, 32, 40]);
        assert_eq!(bounds[CLASSES - 2], 1 << 20);
        for latency_ms in (0..70_000).chain([1 << 20, (1 << 20) - 1, u64::MAX]) {
            let class = class(latency_ms);
            let latency = i64::try_from(latency_ms).unwrap_or(i64::MAX);
            assert_eq!(class, bounds.iter().filter(|bound| **bound <= latency).count(), "{latency_ms}");
        }
    }

    #[test]
    fn quantiles_are_off_by_at_most_a_tenth() {
        let mut counts = vec![];
        let latencies: Vec<u64> = (1..=10_000).map(|n| 100 + n).collect();
        for latency in &latencies {
            count(&mut counts, *latency);
        }
        for (per_mille, exact) in [(500, 5_100), (950, 9_600), (10, 200)] {
            let read = quantile(&counts, per_mille).unwrap();
            assert!(read.abs_diff(exact) * 10 <= exact, "{per_mille}: {read} for {exact}");
        }
        assert_eq!(quantile(&[], 500), None);
    }

    #[test]
    fn histograms_add_up() {
        let mut sum = vec![1, 2];
        add(&mut sum, &[1, 0, 5]);
        assert_eq!(sum, [2, 2, 5]);
    }
}
