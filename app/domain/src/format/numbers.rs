//! Counts, quantities, parts of a whole, changes, axes and durations.

use super::amounts::{compact, group, money_signed, round, with_sign};
use super::{MINUS, NONE, SPACE};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::cmp::Ordering;

/// A whole number with separators: "412,008".
#[must_use]
pub fn count(number: impl Into<i128>) -> String {
    let number = number.into();
    let text = group(&number.unsigned_abs().to_string());
    if number < 0 { format!("{MINUS}{text}") } else { text }
}

/// A whole number to three digits: "412k"; give [`count`] as the title beside it.
#[must_use]
pub fn count_compact(number: impl Into<i128>) -> String {
    let number = number.into();
    Decimal::try_from_i128_with_scale(number, 0).map_or_else(|_| count(number), quantity_compact)
}

/// An exact quantity of a meter, which may have a fraction (seconds of audio): "20,480", "12.5".
#[must_use]
pub fn quantity(amount: Decimal) -> String {
    with_sign(amount, &group(&amount.abs().normalize().to_string()))
}

/// A quantity to three digits: "20.5k".
#[must_use]
pub fn quantity_compact(amount: Decimal) -> String {
    let size = amount.abs();
    let text = if size < Decimal::ONE_THOUSAND && !size.is_integer() {
        round(size, 2).normalize().to_string()
    } else {
        compact(size)
    };
    with_sign(amount, &text)
}

/// A number with its word, which gets an `s` unless it is one: "1 event", "41 events".
#[must_use]
pub fn counted(number: impl Into<i128>, word: &str) -> String {
    let number = number.into();
    let plural = if number == 1 { "" } else { "s" };
    format!("{}{SPACE}{word}{plural}", count(number))
}

/// The place of a value on a drawing; never used to compute money.
#[must_use]
pub fn to_plot_value(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(0.0)
}

/// A part of a whole as a ratio, nothing when the whole is zero.
#[must_use]
pub fn ratio(part: Decimal, whole: Decimal) -> Option<f64> {
    part.checked_div(whole).map(to_plot_value)
}

/// A ratio as percent with one decimal: "44.1 %", from ten times on as a factor: "×12". All but not quite everything is never "100 %", and something is never "0 %".
#[must_use]
pub fn percent(ratio: f64) -> String {
    if !ratio.is_finite() {
        return NONE.to_owned();
    }
    if ratio >= FACTOR_FROM {
        return factor(ratio);
    }
    let value = ratio * 100.0;
    let rounded = if value < 100.0 && value > 99.0 { value.min(99.9) } else { value };
    if value > 0.0 && value < 0.05 {
        return format!("<{SPACE}0.1{SPACE}%");
    }
    let text = format!("{:.1}", rounded.abs());
    let text = text.strip_suffix(".0").filter(|_| [0.0, 100.0].iter().any(|end| same(value, *end))).unwrap_or(&text);
    format!("{}{}{SPACE}%", if value < 0.0 { MINUS } else { "" }, group(text))
}

/// An exact percentage cut (not rounded) to one decimal, so that it never claims what is not reached: "77.6 %", from ten times on as a factor: "×12".
#[must_use]
pub fn percent_cut(percent: Decimal) -> String {
    if percent >= Decimal::ONE_THOUSAND {
        return format!("×{}", group(&(percent / Decimal::ONE_HUNDRED).trunc().to_string()));
    }
    let mut percent = percent.trunc_with_scale(1);
    percent.rescale(1);
    format!("{percent}{SPACE}%")
}

/// A ratio as whole percent: "74 %"; for how much of a budget is used.
#[must_use]
pub fn percent_whole(ratio: f64) -> String {
    if !ratio.is_finite() {
        return NONE.to_owned();
    }
    let sign = if ratio <= -0.005 { MINUS } else { "" };
    format!("{sign}{}{SPACE}%", group(&format!("{:.0}", (ratio * 100.0).abs())))
}

/// A change as signed percent: "+12.4 %", "−8.8 %", from a thousand percent on as a factor: "×12".
#[must_use]
pub fn percent_signed(ratio: f64) -> String {
    if !ratio.is_finite() {
        return NONE.to_owned();
    }
    if ratio >= FACTOR_FROM {
        return factor(ratio + 1.0);
    }
    let text = format!("{:.1}", (ratio * 100.0).abs());
    let sign = if text == "0.0" {
        ""
    } else if ratio < 0.0 {
        MINUS
    } else {
        "+"
    };
    format!("{sign}{text}{SPACE}%")
}

/// Ratios from here on are read as factors: "1,055.8 times" says more than "105579.6 %".
const FACTOR_FROM: f64 = 10.0;

fn factor(times: f64) -> String {
    format!("×{}", group(&format!("{times:.0}")))
}

fn same(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-9
}

/// How a value changed against an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Signed percent, "new" where there was nothing before, a dash where both are nothing.
    pub text: String,
    /// Positive for more, negative for less, zero for neither.
    pub sign: f64,
    /// The difference in dollars with its sign, for the value on hover.
    pub difference: String,
}

/// The change from `before` to `now`.
#[must_use]
pub fn change(now: Decimal, before: Decimal) -> Change {
    let difference = now - before;
    let text = match ratio(difference, before) {
        Some(ratio) => percent_signed(ratio),
        None if now.is_zero() => NONE.to_owned(),
        None => "new".to_owned(),
    };
    let sign = match difference.cmp(&Decimal::ZERO) {
        Ordering::Less => -1.0,
        Ordering::Equal => 0.0,
        Ordering::Greater => 1.0,
    };
    Change { text, sign, difference: money_signed(difference) }
}

/// Label of an axis in dollars: "$1,600", "$0.05", "$12k".
#[must_use]
pub fn axis_money(value: f64) -> String {
    let text = axis_count(value.abs());
    format!("{}${text}", if value < 0.0 { MINUS } else { "" })
}

/// Label of an axis of counts: "800", "12k", "1.5M".
#[must_use]
pub fn axis_count(value: f64) -> String {
    let Some(size) = Decimal::from_f64_retain(value.abs()) else { return String::new() };
    let text = if size >= Decimal::TEN * Decimal::ONE_THOUSAND {
        compact(size)
    } else if size >= Decimal::ONE_HUNDRED || size.is_zero() {
        group(&round(size, 0).to_string())
    } else {
        round(size, 12).round_sf(3).unwrap_or(size).normalize().to_string()
    };
    format!("{}{text}", if value < 0.0 { MINUS } else { "" })
}

/// Label of an axis of ratios: "20 %".
#[must_use]
pub fn axis_percent(value: f64) -> String {
    percent_whole(value)
}

/// The size of a file: `812 bytes`, `34 kB`, `12.3 MB`.
#[must_use]
pub fn bytes(size: u64) -> String {
    match size {
        0..1_000 => counted(size, "byte"),
        1_000..1_000_000 => format!("{}{SPACE}kB", size.div_ceil(1_000)),
        _ => format!("{}.{}{SPACE}MB", size / 1_000_000, size % 1_000_000 / 100_000),
    }
}

/// A duration in milliseconds: "410 ms", "2,140 ms", "12.4 s", "3 min 20 s".
#[must_use]
pub fn milliseconds(ms: impl Into<i128>) -> String {
    let ms = ms.into();
    if ms < 10_000 {
        format!("{}{SPACE}ms", count(ms))
    } else if ms < 60_000 {
        format!("{}.{}{SPACE}s", ms / 1000, ms % 1000 / 100)
    } else {
        let secs = ms / 1000;
        format!("{}{SPACE}min{SPACE}{}{SPACE}s", count(secs / 60), secs % 60)
    }
}

/// A span of seconds in its largest unit: "4 s", "12 min", "3 h", "2 days".
#[must_use]
pub fn span(secs: i64) -> String {
    match secs.max(0) {
        secs @ 0..60 => format!("{secs}{SPACE}s"),
        secs @ 60..3_600 => format!("{}{SPACE}min", secs / 60),
        secs @ 3_600..172_800 => format!("{}{SPACE}h", secs / 3_600),
        secs => format!("{}{SPACE}days", secs / 86_400),
    }
}
