//! Numbers, money and times as text: one hand for pages and mails.
//!
//! Pure: the zone's offset and today's date come in with the value.
//! Texts round, totals never add up displayed texts.
//! A minus is U+2212 and the space before `%` does not break.

mod amounts;
mod numbers;
#[cfg(test)]
mod tests;
mod times;

pub use amounts::{
    cost, money, money_compact, money_exact, money_full, money_full_signed, money_of_call, money_plain, money_rounded,
    money_signed, rate_per_million,
};
pub use numbers::{
    Change, axis_count, axis_money, axis_percent, bytes, change, count, count_compact, counted, milliseconds, percent,
    percent_cut, percent_signed, percent_whole, quantity, quantity_compact, ratio, span, to_plot_value,
};
pub use times::{
    day, day_year, hour, month, month_name, offset, range, time, time_exact, time_machine, time_seconds, weekday,
};

/// What stands where there is no value.
pub const NONE: &str = "—";
const MINUS: &str = "\u{2212}";
const SPACE: &str = "\u{a0}";
