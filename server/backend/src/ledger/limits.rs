//! How many series, words and labels an organization may have.

/// How much one organization may have; beyond it the newest counts as [`domain::spend::OTHER`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Series with all their values; with the sender's own words as [`domain::spend::OTHER`] there may be as many again.
    pub series: usize,
    /// Values of one of the sender's own words: feature, environment, cohort, step.
    pub words: usize,
    /// Labels: customer, user and keys of tags.
    pub labels: usize,
    /// Values of one label.
    pub values: usize,
    /// Shapes and plans that are remembered. A sender that has more of them has each written as if it were new.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: 20_000, words: 2_000, labels: 256, values: 20_000, entries: 20_000 }
    }
}
