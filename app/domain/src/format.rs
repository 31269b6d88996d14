//! Numbers, money and times as text: one hand for pages and mails.
//!
//! Pure: the zone's offset and today's date come in with the value.
//! Texts round, totals never add up displayed texts.
//! A minus is U+2212 and the space before `%` does not break.

use crate::period::Period;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Offset, Timelike};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use std::cmp::Ordering;

/// What stands where there is no value.
pub const NONE: &str = "—";
const MINUS: &str = "\u{2212}";
const SPACE: &str = "\u{a0}";

// --- money

/// An amount in dollars for reading: "$1,234.56"; below ten cents three significant digits, so that small costs stay legible: "$0.000012".
#[must_use]
pub fn money(amount: Decimal) -> String {
    with_sign(amount, &format!("${}", digits(amount.abs())))
}

/// Like [`money`] without the dollar sign, for a column whose head names the unit: "8,120.44".
#[must_use]
pub fn money_plain(amount: Decimal) -> String {
    with_sign(amount, &digits(amount.abs()))
}

/// A cost that may be unknown: "unpriced" instead of a zero that would be wrong.
#[must_use]
pub fn cost(amount: Option<Decimal>) -> String {
    amount.map_or_else(|| "unpriced".to_owned(), money)
}

/// An amount to about three digits: "$18.4k", "$1.25M", "$812", "$31.20".
#[must_use]
pub fn money_compact(amount: Decimal) -> String {
    let size = amount.abs();
    if size < Decimal::ONE_HUNDRED {
        return money(amount);
    }
    with_sign(amount, &format!("${}", compact(size)))
}

/// An amount with all twelve places, as on a receipt: "$0.014445000000".
#[must_use]
pub fn money_exact(amount: Decimal) -> String {
    let text = crate::money::exact(amount.abs());
    with_sign(amount, &format!("${}", group(&text)))
}

/// Every digit of an amount without trailing zeros, at least cents: "$18,402.170331"; for the value on hover.
#[must_use]
pub fn money_full(amount: Decimal) -> String {
    let mut text = amount.abs().normalize();
    if text.scale() < 2 {
        text.rescale(2);
    }
    with_sign(amount, &format!("${}", group(&text.to_string())))
}

/// An amount that is not known to the cent, to whole dollars from a hundred on: "$24,900", "$31.20".
#[must_use]
pub fn money_rounded(amount: Decimal) -> String {
    if amount.abs() < Decimal::ONE_HUNDRED {
        return money(amount);
    }
    with_sign(amount, &format!("${}", group(&round(amount.abs(), 0).to_string())))
}

/// A difference in dollars with its sign: "+$2,030.00", "−$150.00".
#[must_use]
pub fn money_signed(amount: Decimal) -> String {
    plus(amount, money(amount))
}

/// A rate per million units: "$3.00 / 1M".
#[must_use]
pub fn rate_per_million(rate: Decimal) -> String {
    format!("{}{SPACE}/{SPACE}1M", money_full(rate))
}

fn with_sign(amount: Decimal, text: &str) -> String {
    // "−$0.00" would be a sign on nothing.
    let zero = text.bytes().all(|byte| !byte.is_ascii_digit() || byte == b'0');
    if amount.is_sign_negative() && !zero { format!("{MINUS}{text}") } else { text.to_owned() }
}

fn plus(amount: Decimal, text: String) -> String {
    if amount > Decimal::ZERO { format!("+{text}") } else { text }
}

/// A positive amount: two places; below ten cents three significant digits, at least two places, at most twelve.
fn digits(amount: Decimal) -> String {
    let amount = crate::money::round_line(amount);
    let mut rounded = round(amount, places(amount)).normalize();
    if rounded.scale() < 2 {
        rounded.rescale(2);
    }
    group(&rounded.to_string())
}

fn places(amount: Decimal) -> u32 {
    let dime = Decimal::new(1, 1);
    if amount.is_zero() || amount >= dime {
        return 2;
    }
    let mut places = 3;
    let mut first = dime;
    while amount < first && places < crate::money::PLACES {
        first /= Decimal::TEN;
        places += 1;
    }
    places
}

fn round(amount: Decimal, places: u32) -> Decimal {
    let mut rounded = amount.round_dp_with_strategy(places, RoundingStrategy::MidpointNearestEven);
    rounded.rescale(places);
    rounded
}

/// Thousands separators in the whole part of a plain number.
fn group(text: &str) -> String {
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::with_capacity(text.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(rest);
    out
}

// --- counts

/// Three digits and a unit: "981k", "1.25M", "18.4k"; below a thousand the number itself.
fn compact(size: Decimal) -> String {
    let mut scaled = size;
    let mut unit = "";
    for next in ["k", "M", "B", "T"] {
        // 999.5 would round to "1000".
        if scaled < Decimal::new(9995, 1) {
            break;
        }
        scaled /= Decimal::ONE_THOUSAND;
        unit = next;
    }
    let places = if unit.is_empty() || scaled >= Decimal::new(995, 1) {
        0
    } else if scaled >= Decimal::new(995, 2) {
        1
    } else {
        2
    };
    format!("{}{unit}", group(&round(scaled, places).normalize().to_string()))
}

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

// --- shares and changes

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

// --- axes

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

// --- time

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

/// A day: "Nov 20".
#[must_use]
pub fn day(day: NaiveDate) -> String {
    day.format("%b %-d").to_string()
}

/// A day with its year: "Nov 20, 2026".
#[must_use]
pub fn day_year(day: NaiveDate) -> String {
    day.format("%b %-d, %Y").to_string()
}

/// A day with its weekday: "Fri, Nov 20".
#[must_use]
pub fn weekday(day: NaiveDate) -> String {
    day.format("%a, %b %-d").to_string()
}

/// A month with its year: "November 2026".
#[must_use]
pub fn month(day: NaiveDate) -> String {
    day.format("%B %Y").to_string()
}

/// A month alone: "November".
#[must_use]
pub fn month_name(day: NaiveDate) -> String {
    day.format("%B").to_string()
}

/// A local time to the minute: "Nov 20, 09:41".
#[must_use]
pub fn time(at: DateTime<FixedOffset>) -> String {
    at.format("%b %-d, %H:%M").to_string()
}

/// A local time to the second: "Nov 20, 09:41:07".
#[must_use]
pub fn time_seconds(at: DateTime<FixedOffset>) -> String {
    at.format("%b %-d, %H:%M:%S").to_string()
}

/// A local time in full, for the value on hover: "2026-11-20 09:41:07.113 UTC+5:30".
#[must_use]
pub fn time_exact(at: DateTime<FixedOffset>) -> String {
    let millis = at.nanosecond() / 1_000_000;
    format!("{}.{millis:03} {}", at.format("%Y-%m-%d %H:%M:%S"), offset(at.offset().fix()))
}

/// The value of an HTML `datetime` attribute.
#[must_use]
pub fn time_machine(at: DateTime<FixedOffset>) -> String {
    at.to_rfc3339()
}

/// The hour of a local time: "09:00".
#[must_use]
pub fn hour(at: DateTime<FixedOffset>) -> String {
    at.format("%H:%M").to_string()
}

/// An offset from UTC: "UTC", "UTC+5:30", "UTC−5".
#[must_use]
pub fn offset(offset: FixedOffset) -> String {
    let secs = offset.local_minus_utc();
    if secs == 0 {
        return "UTC".to_owned();
    }
    let sign = if secs < 0 { MINUS } else { "+" };
    let minutes = secs.abs() / 60;
    let rest = if minutes % 60 == 0 { String::new() } else { format!(":{:02}", minutes % 60) };
    format!("UTC{sign}{}{rest}", minutes / 60)
}

/// A span of days: "Nov 1 – 23", "Nov 28 – Dec 3", "November" for a whole month, "Nov 20" for one day; with the year where it is not `today`'s.
#[must_use]
pub fn range(period: Period, today: NaiveDate) -> String {
    let (from, to) = (period.from, period.last_day());
    if from.year() != to.year() {
        return format!("{} – {}", day_year(from), day_year(to));
    }
    let year = if to.year() == today.year() { String::new() } else { format!(", {}", to.year()) };
    if from == to {
        format!("{}{year}", day(from))
    } else if period == Period::month_of(from) {
        if year.is_empty() { month_name(from) } else { month(from) }
    } else if from.month() == to.month() {
        format!("{} – {}{year}", day(from), to.day())
    } else {
        format!("{} – {}{year}", day(from), day(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Shows no-break spaces as plain ones.
    fn plain(text: String) -> String {
        text.replace(SPACE, " ")
    }

    #[test]
    fn money_has_two_places_and_small_costs_three_digits() {
        for (input, expected) in [
            ("0", "$0.00"),
            ("1234.56", "$1,234.56"),
            ("1234567.891", "$1,234,567.89"),
            ("999.995", "$1,000.00"),
            ("0.45", "$0.45"),
            ("0.4567", "$0.46"),
            ("0.02", "$0.02"),
            ("0.014445", "$0.0144"),
            ("0.0072", "$0.0072"),
            ("0.000012", "$0.000012"),
            ("0.0000123456", "$0.0000123"),
            ("0.000000000001", "$0.000000000001"),
            ("0.0000000000001", "$0.00"),
            ("-150", "−$150.00"),
            ("-0.0000000000001", "$0.00"),
            ("0.09999", "$0.10"),
        ] {
            assert_eq!(money(amount(input)), expected, "{input}");
        }
    }

    #[test]
    fn money_in_other_forms() {
        assert_eq!(money_plain(amount("8120.436")), "8,120.44");
        assert_eq!(money_exact(amount("0.014445")), "$0.014445000000");
        assert_eq!(money_exact(amount("-1234.5")), "−$1,234.500000000000");
        assert_eq!(money_full(amount("18402.170331000000")), "$18,402.170331");
        assert_eq!(money_full(amount("3")), "$3.00");
        assert_eq!(money_signed(amount("2030")), "+$2,030.00");
        assert_eq!(money_signed(amount("-150")), "−$150.00");
        assert_eq!(money_signed(amount("0")), "$0.00");
        assert_eq!(money_rounded(amount("-24900.49")), "−$24,900");
        assert_eq!(money_rounded(amount("99.994")), "$99.99");
        assert_eq!(cost(None), "unpriced");
        assert_eq!(plain(rate_per_million(amount("0.3"))), "$0.30 / 1M");
        assert_eq!(plain(rate_per_million(amount("0.075"))), "$0.075 / 1M");
    }

    #[test]
    fn compact_money_keeps_three_digits() {
        for (input, expected) in [
            ("31.2", "$31.20"),
            ("812.4", "$812"),
            ("999.4", "$999"),
            ("999.7", "$1k"),
            ("1250", "$1.25k"),
            ("18402.17", "$18.4k"),
            ("999499", "$999k"),
            ("999600", "$1M"),
            ("1250000", "$1.25M"),
            ("-18402", "−$18.4k"),
            ("2500000000000000", "$2,500T"),
        ] {
            assert_eq!(money_compact(amount(input)), expected, "{input}");
        }
    }

    #[test]
    fn counts_and_quantities() {
        assert_eq!(count(412_008_i64), "412,008");
        assert_eq!(count(0_u32), "0");
        assert_eq!(count(-1234), "−1,234");
        assert_eq!(count_compact(981_234_u64), "981k");
        assert_eq!(count_compact(20_480_i64), "20.5k");
        assert_eq!(count_compact(812), "812");
        assert_eq!(count_compact(i128::MAX), "170,141,183,460,469,231,731,687,303,715,884,105,727");
        assert_eq!(quantity(amount("20480")), "20,480");
        assert_eq!(quantity(amount("12.50")), "12.5");
        assert_eq!(quantity_compact(amount("12.345")), "12.34");
        assert_eq!(plain(counted(1, "event")), "1 event");
        assert_eq!(plain(counted(41_i64, "event")), "41 events");
    }

    #[test]
    fn nearly_everything_is_not_everything() {
        for (input, expected) in [
            (0.0, "0 %"),
            (0.0001, "< 0.1 %"),
            (0.441, "44.1 %"),
            (0.9, "90.0 %"),
            (0.99996, "99.9 %"),
            (1.0, "100 %"),
            (1.2346, "123.5 %"),
            (1055.796, "×1,056"),
            (-0.052, "−5.2 %"),
            (f64::NAN, "—"),
        ] {
            assert_eq!(plain(percent(input)), expected, "{input}");
        }
        assert_eq!(plain(percent_whole(0.744)), "74 %");
        assert_eq!(plain(percent_whole(12.0)), "1,200 %");
    }

    #[test]
    fn changes_carry_their_sign() {
        for (now, before, text, sign) in [
            ("112.4", "100", "+12.4 %", 1.0),
            ("91.2", "100", "−8.8 %", -1.0),
            ("100", "100", "0.0 %", 0.0),
            ("5", "0", "new", 1.0),
            ("0", "0", "—", 0.0),
            ("0", "7", "−100.0 %", -1.0),
            ("1200", "100", "×12", 1.0),
        ] {
            let change = change(amount(now), amount(before));
            assert_eq!(
                (plain(change.text), change.sign.partial_cmp(&sign)),
                (text.to_owned(), Some(std::cmp::Ordering::Equal)),
                "{now} {before}"
            );
        }
        assert_eq!(change(amount("3"), amount("5.5")).difference, "−$2.50");
    }

    #[test]
    fn axes_are_short() {
        for (input, expected) in [
            (0.0, "$0"),
            (400.0, "$400"),
            (1600.0, "$1,600"),
            (12_000.0, "$12k"),
            (0.05, "$0.05"),
            (0.00002, "$0.00002"),
            (2.5, "$2.5"),
            (-200.0, "−$200"),
            (1_500_000.0, "$1.5M"),
        ] {
            assert_eq!(axis_money(input), expected, "{input}");
        }
        // 0.1 + 0.2 in binary.
        assert_eq!(axis_money(0.300_000_000_000_000_04), "$0.3");
    }

    #[test]
    fn durations() {
        assert_eq!(plain(milliseconds(410)), "410 ms");
        assert_eq!(plain(milliseconds(2140)), "2,140 ms");
        assert_eq!(plain(milliseconds(12_440)), "12.4 s");
        assert_eq!(plain(milliseconds(200_000)), "3 min 20 s");
        assert_eq!(plain(span(4)), "4 s");
        assert_eq!(plain(span(-3)), "0 s");
        assert_eq!(plain(span(750)), "12 min");
        assert_eq!(plain(span(10_800)), "3 h");
        assert_eq!(plain(span(200_000)), "2 days");
    }

    #[test]
    fn local_times() {
        let at = DateTime::parse_from_rfc3339("2026-11-20T09:41:07.113+05:30").unwrap();
        assert_eq!(time(at), "Nov 20, 09:41");
        assert_eq!(time_seconds(at), "Nov 20, 09:41:07");
        assert_eq!(time_exact(at), "2026-11-20 09:41:07.113 UTC+5:30");
        assert_eq!(hour(at), "09:41");
        assert_eq!(offset(FixedOffset::west_opt(5 * 3600).unwrap()), "UTC−5");
        assert_eq!(offset(FixedOffset::east_opt(0).unwrap()), "UTC");
        assert_eq!(weekday(date("2026-11-20")), "Fri, Nov 20");
        assert_eq!(month(date("2026-11-20")), "November 2026");
    }

    #[test]
    fn spans_of_days_say_no_more_than_needed() {
        let today = date("2026-11-23");
        for (from, to, expected) in [
            ("2026-11-01", "2026-11-24", "Nov 1 – 23"),
            ("2026-11-01", "2026-12-01", "November"),
            ("2025-11-01", "2025-12-01", "November 2025"),
            ("2026-11-20", "2026-11-21", "Nov 20"),
            ("2025-11-20", "2025-11-21", "Nov 20, 2025"),
            ("2026-10-28", "2026-11-04", "Oct 28 – Nov 3"),
            ("2025-10-01", "2025-10-24", "Oct 1 – 23, 2025"),
            ("2025-12-28", "2026-01-04", "Dec 28, 2025 – Jan 3, 2026"),
        ] {
            assert_eq!(range(Period::new(date(from), date(to)).unwrap(), today), expected);
        }
    }

    #[test]
    fn sizes_have_their_unit() {
        assert_eq!((bytes(1), bytes(812)), ("1\u{a0}byte".to_owned(), "812\u{a0}bytes".to_owned()));
        assert_eq!((bytes(33_001), bytes(12_399_999)), ("34\u{a0}kB".to_owned(), "12.3\u{a0}MB".to_owned()));
    }
}
