//! The sample's own chance: the same seed gives the same events on every machine.

use super::figures::PERCENT;

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): small, quick, good enough to draw samples. Not for secrets.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent stream for a part of the sample, so that a change in one part leaves the others as they are.
    pub(super) fn stream(&self, number: u64) -> Self {
        let mut stream = Self(self.0 ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
        stream.bits();
        stream
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to but not including 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A whole number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.bits() % (high.saturating_sub(low) + 1)
    }

    /// One of the values; earlier ones more often, like customers and repositories.
    pub(super) fn pick<'a>(&mut self, values: &[&'a str]) -> &'a str {
        let skewed = self.unit().powf(1.8) * values.len() as f64;
        usize::try_from(whole(skewed)).ok().and_then(|index| values.get(index)).copied().unwrap_or_default()
    }

    /// A draw from a quantile table, straight between its points.
    pub(super) fn quantile(&mut self, table: &[f64]) -> f64 {
        let percent = self.unit() * 100.0;
        let after = PERCENT.partition_point(|point| *point <= percent);
        let at = |index: usize| Some((*PERCENT.get(index)?, *table.get(index)?));
        match (after.checked_sub(1).and_then(at), at(after)) {
            (Some((p0, v0)), Some((p1, v1))) => v0 + (v1 - v0) * (percent - p0) / (p1 - p0),
            (edge, other) => edge.or(other).map_or(0.0, |(_, value)| value),
        }
    }

    /// The same as a whole number of tokens.
    pub(super) fn tokens(&mut self, table: &[f64]) -> u64 {
        whole(self.quantile(table))
    }

    /// How many of something happen where `mean` are expected (Knuth's Poisson; for means far below 700).
    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
        let limit = (-mean).exp();
        let (mut count, mut product) = (0, self.unit());
        while product > limit {
            count += 1;
            product *= self.unit();
        }
        count
    }
}

/// The whole part of a number that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of floats saturates, negative ones become 0"
)]
pub(super) const fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_streams_differ() {
        let draws = |mut rng: Rng| (0..4).map(|_| rng.bits()).collect::<Vec<_>>();
        assert_eq!(draws(Rng::new(7)), draws(Rng::new(7)));
        assert_ne!(draws(Rng::new(7).stream(1)), draws(Rng::new(7).stream(2)));
    }

    #[test]
    fn draws_follow_their_table_and_mean() {
        let mut rng = Rng::new(1);
        let table = PERCENT.map(|percent| percent * 2.0);
        let mean = (0..20_000).map(|_| rng.quantile(&table)).sum::<f64>() / 20_000.0;
        assert!((98.0..102.0).contains(&mean), "{mean}");
        let mean = (0..20_000).map(|_| rng.poisson(3.5) as f64).sum::<f64>() / 20_000.0;
        assert!((3.4..3.6).contains(&mean), "{mean}");
    }
}
