//! How numbers, money and times are shown.

use super::*;
use crate::period::Period;
use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;

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
fn money_in_a_column_has_one_number_of_places() {
    for (input, sum, call) in [
        ("8120.436", "8,120.44", "8,120.4360"),
        ("0", "0.00", "0.0000"),
        ("0.083125", "0.08", "0.0831"),
        ("0.004", "< 0.01", "0.0040"),
        ("0.000012", "< 0.01", "< 0.0001"),
        ("-1.5", "−1.50", "−1.5000"),
        ("-0.0000001", "> −0.01", "> −0.0001"),
    ] {
        assert_eq!(
            (plain(money_plain(amount(input))).as_str(), plain(money_of_call(amount(input))).as_str()),
            (sum, call)
        );
    }
}

#[test]
fn money_in_other_forms() {
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
        let moved = change(amount(now), amount(before));
        assert_eq!(
            (plain(moved.text), moved.sign.partial_cmp(&sign)),
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
