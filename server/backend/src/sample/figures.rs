//! Figures measured on production traces: what real usage looks like.
//!
//! Written by `cargo xtask measure-traces`; do not edit.
//! Quantile tables hold the percentiles of [`PERCENT`].

/// Points of the quantile tables.
pub(super) const PERCENT: [f64; 22] = [
    0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 80.0, 85.0, 90.0,
    95.0, 99.0, 100.0,
];

/// Input tokens per request of a code completion service. Azure LLM inference trace 2023 (CC-BY 4.0; Patel et al., Splitwise, ISCA 2024).
pub(super) const CODE_INPUT: [f64; 22] = [
    3.0, 75.0, 147.0, 232.0, 385.0, 578.0, 770.0, 938.0, 1075.0, 1261.0, 1469.0, 1690.0, 1909.0, 2163.0, 2433.0,
    2744.0, 3192.0, 3919.0, 5186.0, 7302.0, 7436.0, 7437.0,
];

/// Output tokens per request of a code completion service. Azure LLM inference trace 2023 (CC-BY 4.0; Patel et al., Splitwise, ISCA 2024).
pub(super) const CODE_OUTPUT: [f64; 22] = [
    6.0, 6.0, 7.0, 7.0, 8.0, 9.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 16.0, 18.0, 20.0, 24.0, 29.0, 39.0, 55.0, 90.0,
    249.0, 1899.0,
];

/// Input tokens per request of a conversation service. Azure LLM inference trace 2023 (CC-BY 4.0; Patel et al., Splitwise, ISCA 2024).
pub(super) const CONVERSATION_INPUT: [f64; 22] = [
    2.0, 181.0, 207.0, 372.0, 387.0, 396.0, 403.0, 414.0, 703.0, 984.0, 1020.0, 1045.0, 1071.0, 1097.0, 1130.0, 1189.0,
    1315.0, 1876.0, 2734.0, 4083.0, 4142.0, 14050.0,
];

/// Output tokens per request of a conversation service. Azure LLM inference trace 2023 (CC-BY 4.0; Patel et al., Splitwise, ISCA 2024).
pub(super) const CONVERSATION_OUTPUT: [f64; 22] = [
    7.0, 41.0, 54.0, 67.0, 77.0, 85.0, 91.0, 96.0, 103.0, 113.0, 129.0, 151.0, 177.0, 217.0, 384.0, 395.0, 400.0,
    411.0, 424.0, 451.0, 601.0, 1000.0,
];

/// Input tokens per request of long conversations with documents. Mooncake trace of Kimi (Apache-2.0).
pub(super) const LONG_INPUT: [f64; 22] = [
    891.0, 901.0, 964.0, 1261.0, 1662.0, 2306.0, 3263.0, 4250.0, 4993.0, 5870.0, 6909.0, 8186.0, 9570.0, 11236.0,
    13196.0, 15366.0, 17869.0, 21461.0, 27367.0, 39549.0, 85399.0, 126195.0,
];

/// Output tokens per request of long conversations with documents. Mooncake trace of Kimi (Apache-2.0).
pub(super) const LONG_OUTPUT: [f64; 22] = [
    1.0, 10.0, 24.0, 46.0, 100.0, 156.0, 213.0, 256.0, 291.0, 322.0, 350.0, 375.0, 399.0, 423.0, 447.0, 472.0, 504.0,
    543.0, 597.0, 698.0, 1115.0, 2000.0,
];

/// Share of a request's input tokens that an earlier request had sent as the same prefix, of long conversations with documents. Mooncake trace of Kimi (Apache-2.0).
pub(super) const LONG_CACHED: [f64; 22] = [
    0.000, 0.018, 0.028, 0.038, 0.052, 0.069, 0.090, 0.112, 0.146, 0.247, 0.363, 0.460, 0.537, 0.568, 0.573, 0.712,
    0.836, 0.909, 0.948, 0.976, 0.999, 1.000,
];

/// Requests by hour of the day as a share of the mean hour. BurstGPT (CC-BY 4.0).
pub(super) const HOUR_OF_DAY: [f64; 24] = [
    0.963, 0.914, 0.585, 0.525, 0.377, 0.350, 0.198, 0.157, 0.182, 0.426, 0.900, 1.317, 1.786, 1.537, 1.839, 1.435,
    1.511, 1.388, 1.210, 1.605, 1.385, 1.203, 1.156, 1.050,
];

/// Requests by day of the week from Monday as a share of the mean day: the larger model of ServeGen's production cloud over two weeks (Apache-2.0), turned so that its two quietest neighbours are the weekend, for the trace does not name its days.
pub(super) const DAY_OF_WEEK: [f64; 7] = [0.981, 1.497, 1.371, 0.979, 0.769, 0.759, 0.645];

/// A day's requests as a share of its week's mean day: three models of ServeGen's production cloud over two weeks (Apache-2.0).
pub(super) const DAY_TO_DAY: [f64; 22] = [
    0.480, 0.656, 0.686, 0.735, 0.777, 0.810, 0.845, 0.866, 0.926, 0.978, 1.000, 1.032, 1.034, 1.050, 1.072, 1.089,
    1.145, 1.182, 1.323, 1.424, 1.580, 1.580,
];
