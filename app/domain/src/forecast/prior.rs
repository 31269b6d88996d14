//! What a band rests on while the organization has little past of its own.

use super::past::Steadiness;

/// Horizons of the table, in days; between them the nearest in proportion counts.
pub(super) const HORIZONS: [usize; 7] = [1, 2, 4, 7, 14, 21, 30];
/// Equally likely ratios per cell: the 5th, 15th, … 95th percentile.
pub(super) const LEVELS: usize = 10;

/// Ratios of actual to forecast spend by steadiness, horizon and level.
pub(super) type Prior = [[[f64; LEVELS]; HORIZONS.len()]; 4];

/// The cell for a horizon in days.
pub(super) fn at(prior: &Prior, steadiness: Steadiness, horizon: usize) -> &[f64; LEVELS] {
    let log = |days: usize| (days.max(1) as f64).ln();
    let distance = |index: usize| HORIZONS.get(index).map_or(f64::MAX, |days| (log(*days) - log(horizon)).abs());
    let nearest = (0..HORIZONS.len()).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).unwrap_or_default();
    &prior[steadiness.index()][nearest]
}

/// Facts measured on the daily cost of 69 projects over 120 days: the weekday rule, from every day that has four weeks before it.
///
/// Source: series `sg120`, built from the request rates of a production LLM cloud (ServeGen, Apache-2.0).
/// The test `forecast::measured::the_shipped_table_is_what_the_series_give` measures it again.
pub(super) const SHIPPED: Prior = [
    // Steady
    [
        [0.67, 0.84, 0.92, 0.98, 1.03, 1.09, 1.15, 1.22, 1.33, 1.66],
        [0.72, 0.86, 0.93, 0.99, 1.05, 1.1, 1.15, 1.22, 1.32, 1.7],
        [0.8, 0.89, 0.95, 1.0, 1.05, 1.1, 1.15, 1.21, 1.31, 2.45],
        [0.83, 0.92, 0.96, 1.01, 1.06, 1.1, 1.15, 1.21, 1.29, 2.56],
        [0.86, 0.96, 1.01, 1.04, 1.08, 1.13, 1.18, 1.25, 1.57, 2.61],
        [0.84, 0.96, 1.02, 1.07, 1.11, 1.16, 1.22, 1.33, 1.67, 2.49],
        [0.8, 1.0, 1.05, 1.1, 1.14, 1.19, 1.26, 1.46, 1.64, 2.5],
    ],
    // Uneven
    [
        [0.06, 0.52, 0.72, 0.85, 0.96, 1.06, 1.19, 1.34, 1.61, 2.58],
        [0.35, 0.63, 0.79, 0.89, 0.98, 1.07, 1.17, 1.29, 1.49, 2.15],
        [0.5, 0.72, 0.82, 0.91, 0.99, 1.05, 1.14, 1.24, 1.39, 1.92],
        [0.56, 0.76, 0.85, 0.92, 0.98, 1.04, 1.13, 1.22, 1.37, 1.87],
        [0.64, 0.81, 0.89, 0.96, 1.01, 1.06, 1.15, 1.26, 1.38, 2.18],
        [0.59, 0.85, 0.93, 0.99, 1.04, 1.1, 1.17, 1.3, 1.42, 2.25],
        [0.64, 0.87, 0.95, 1.02, 1.07, 1.12, 1.19, 1.32, 1.55, 2.07],
    ],
    // Rough
    [
        [0.0, 0.09, 0.35, 0.67, 0.93, 1.08, 1.23, 1.49, 1.97, 3.82],
        [0.0, 0.31, 0.55, 0.77, 0.94, 1.07, 1.22, 1.45, 1.84, 3.44],
        [0.17, 0.47, 0.66, 0.78, 0.94, 1.07, 1.2, 1.41, 1.72, 2.67],
        [0.26, 0.55, 0.71, 0.82, 0.94, 1.07, 1.2, 1.4, 1.66, 2.23],
        [0.36, 0.63, 0.76, 0.87, 0.99, 1.11, 1.22, 1.35, 1.64, 2.26],
        [0.43, 0.67, 0.79, 0.91, 1.0, 1.09, 1.21, 1.41, 1.66, 2.31],
        [0.46, 0.71, 0.85, 0.96, 1.05, 1.15, 1.27, 1.46, 1.7, 2.26],
    ],
    // Wild
    [
        [0.0, 0.0, 0.08, 0.31, 0.6, 0.96, 1.23, 1.6, 2.21, 4.26],
        [0.0, 0.06, 0.25, 0.45, 0.7, 0.95, 1.16, 1.51, 2.07, 4.12],
        [0.03, 0.23, 0.37, 0.56, 0.7, 0.89, 1.12, 1.48, 1.96, 3.34],
        [0.11, 0.32, 0.46, 0.57, 0.71, 0.87, 1.08, 1.44, 1.85, 2.69],
        [0.27, 0.46, 0.57, 0.68, 0.82, 0.95, 1.09, 1.29, 1.62, 2.59],
        [0.26, 0.49, 0.62, 0.72, 0.83, 0.96, 1.06, 1.24, 1.54, 2.45],
        [0.24, 0.5, 0.65, 0.75, 0.83, 0.92, 1.07, 1.27, 1.62, 2.24],
    ],
];
