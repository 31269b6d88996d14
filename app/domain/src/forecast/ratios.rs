//! A weighted sample of actual / forecast, and what can be read from it.

/// Ratios of actual to forecast spend, each with its weight.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ratios {
    /// Rising ratios, each with the share of weight up to its middle.
    points: Vec<(f64, f64)>,
}

impl Ratios {
    /// Orders the sample; ratios without weight or that are no numbers are left out.
    pub(super) fn new(mut sample: Vec<(f64, f64)>) -> Self {
        sample.retain(|(ratio, weight)| ratio.is_finite() && *weight > 0.0);
        sample.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = sample.iter().map(|(_, weight)| weight).sum();
        let mut before = 0.0;
        let points = sample
            .into_iter()
            .map(|(ratio, weight)| {
                let middle = (before + weight / 2.0) / total;
                before += weight;
                (ratio, middle)
            })
            .collect();
        Self { points }
    }

    /// The ratio that a share `p` of the weight lies below; straight lines between the sample's middles, 1 without a sample.
    pub(super) fn quantile(&self, p: f64) -> f64 {
        let after = self.points.partition_point(|(_, share)| *share < p);
        match (after.checked_sub(1).and_then(|at| self.points.get(at)), self.points.get(after)) {
            (Some((low, from)), Some((high, to))) => {
                low + (high - low) * (p - from) / (to - from).max(f64::MIN_POSITIVE)
            }
            (Some((edge, _)), None) | (None, Some((edge, _))) => *edge,
            (None, None) => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_middles_of_the_weights() {
        let ratios = Ratios::new(vec![(2.0, 1.0), (1.0, 1.0), (f64::NAN, 5.0), (9.0, 0.0)]);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(ratios.quantile(0.25), 1.0));
        assert!(close(ratios.quantile(0.5), 1.5));
        assert!(close(ratios.quantile(0.75), 2.0));
        assert!(close(ratios.quantile(0.01), 1.0) && close(ratios.quantile(0.99), 2.0));
        assert!(close(Ratios::default().quantile(0.1), 1.0));
    }
}
