//! The range around what is expected.

use super::area::outline;
use super::line::runs;
use super::scale::Scale;

/// One closed outline per stretch of steps that have a range.
pub(super) fn path(values: &[Option<(f64, f64)>], steps: usize, scale: &Scale) -> String {
    runs(values).into_iter().map(|run| outline(run.into_iter(), steps, scale)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_covers_only_the_steps_that_have_one() {
        let scale = Scale::nice([10.0], 2);
        let values = [None, None, Some((0.0, 5.0)), Some((5.0, 10.0))];
        assert_eq!(path(&values, 4, &scale), "M625 500L875 0L875 500L625 1000z");
        assert_eq!(path(&[None], 1, &scale), "");
    }
}
