//! Spans of days with a name, and what they are compared with: one list for the picker, addresses and the API.

use super::{Period, next_day};
use crate::problem::FieldProblem;
use chrono::{DateTime, Datelike, Days, Duration, FixedOffset, Months, NaiveDate, SecondsFormat, Timelike, Utc};
use std::str::FromStr;

/// What named spans are seen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The organization's present day.
    pub today: NaiveDate,
    /// First month of its fiscal year, 1 to 12.
    pub fiscal_year_start_month: u8,
}

impl Calendar {
    /// The fiscal year that holds the present day, whole.
    #[must_use]
    pub fn fiscal_year(self) -> Period {
        let month = u32::from(self.fiscal_year_start_month.clamp(1, 12));
        let year = if self.today.month() < month { self.today.year() - 1 } else { self.today.year() };
        let from = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(self.today);
        Period { from, to: from.checked_add_months(Months::new(12)).unwrap_or(NaiveDate::MAX) }
    }

    /// The named spans, in the order of the menu; those of a fiscal year that begins in January are the calendar year's.
    pub fn presets(self) -> impl Iterator<Item = Preset> {
        Preset::ALL.into_iter().filter(move |preset| !preset.is_fiscal() || self.fiscal_year_start_month != 1)
    }
}

/// A span with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Today so far.
    Today,
    /// The day before.
    Yesterday,
    /// The hour that is under way and the 23 before it.
    Hours24,
    /// Seven days up to today.
    Days7,
    /// Thirty days up to today.
    Days30,
    /// Ninety days up to today.
    Days90,
    /// The month to date.
    #[default]
    ThisMonth,
    /// The whole month before.
    LastMonth,
    /// The calendar quarter to date.
    ThisQuarter,
    /// The whole quarter before.
    LastQuarter,
    /// The calendar year to date.
    ThisYear,
    /// The whole year before.
    LastYear,
    /// The fiscal year to date.
    FiscalYear,
    /// The whole fiscal year before.
    LastFiscalYear,
}

impl Preset {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 14] = [
        Self::Today,
        Self::Yesterday,
        Self::Hours24,
        Self::Days7,
        Self::Days30,
        Self::Days90,
        Self::ThisMonth,
        Self::LastMonth,
        Self::ThisQuarter,
        Self::LastQuarter,
        Self::ThisYear,
        Self::LastYear,
        Self::FiscalYear,
        Self::LastFiscalYear,
    ];

    /// The word in addresses: `?period=7d`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::Hours24 => "24h",
            Self::Days7 => "7d",
            Self::Days30 => "30d",
            Self::Days90 => "90d",
            Self::ThisMonth => "this-month",
            Self::LastMonth => "last-month",
            Self::ThisQuarter => "quarter",
            Self::LastQuarter => "last-quarter",
            Self::ThisYear => "year",
            Self::LastYear => "last-year",
            Self::FiscalYear => "fiscal-year",
            Self::LastFiscalYear => "last-fiscal-year",
        }
    }

    /// The words in the menu.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Today => "Today",
            Self::Yesterday => "Yesterday",
            Self::Hours24 => "Last 24 hours",
            Self::Days7 => "Last 7 days",
            Self::Days30 => "Last 30 days",
            Self::Days90 => "Last 90 days",
            Self::ThisMonth => "This month",
            Self::LastMonth => "Last month",
            Self::ThisQuarter => "This quarter",
            Self::LastQuarter => "Last quarter",
            Self::ThisYear => "This year",
            Self::LastYear => "Last year",
            Self::FiscalYear => "Fiscal year",
            Self::LastFiscalYear => "Last fiscal year",
        }
    }

    /// Whether it follows the organization's fiscal year.
    #[must_use]
    pub const fn is_fiscal(self) -> bool {
        matches!(self, Self::FiscalYear | Self::LastFiscalYear)
    }

    /// Its days; of the last 24 hours the two days that hold them.
    #[must_use]
    pub fn period(self, calendar: Calendar) -> Period {
        let today = calendar.today;
        let to_date = |months| Period { to: next_day(today), ..Period::months_of(today, months) };
        let whole_before = |months| {
            let begin = Period::months_of(today, months).from;
            Period::months_of(begin.pred_opt().unwrap_or(begin), months)
        };
        match self {
            Self::Today => Period::last_days(today, 1),
            Self::Yesterday => Period::last_days(today.pred_opt().unwrap_or(today), 1),
            Self::Hours24 => Period::last_days(today, 2),
            Self::Days7 => Period::last_days(today, 7),
            Self::Days30 => Period::last_days(today, 30),
            Self::Days90 => Period::last_days(today, 90),
            Self::ThisMonth => to_date(1),
            Self::LastMonth => whole_before(1),
            Self::ThisQuarter => to_date(3),
            Self::LastQuarter => whole_before(3),
            Self::ThisYear => to_date(12),
            Self::LastYear => whole_before(12),
            Self::FiscalYear => Period { to: next_day(today), ..calendar.fiscal_year() },
            Self::LastFiscalYear => calendar.fiscal_year().months_before(12),
        }
    }
}

impl FromStr for Preset {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            FieldProblem::new("period", "unknown", format!("Use one of {words}."))
        })
    }
}

/// The last 24 hours as seen from `now`: the organization's hour that is under way, and the 23 before it.
#[must_use]
pub fn last_24_hours(now: DateTime<FixedOffset>) -> (DateTime<Utc>, DateTime<Utc>) {
    let begun = Duration::minutes(now.minute().into()) + Duration::seconds(now.second().into());
    let hour = now.to_utc() - begun - Duration::nanoseconds(now.timestamp_subsec_nanos().into());
    (hour - Duration::hours(23), hour + Duration::hours(1))
}

/// Puts `from` and `to` in the place of a named `period` among the parameters of a query.
///
/// # Errors
/// A field problem for a word that names none, and where `from` or `to` is given too.
pub fn resolve(
    pairs: &mut Vec<(String, String)>,
    now: DateTime<FixedOffset>,
    fiscal_year_start_month: u8,
) -> Result<(), FieldProblem> {
    let Some(at) = pairs.iter().position(|(name, _)| name == "period") else { return Ok(()) };
    let preset: Preset = pairs.remove(at).1.parse()?;
    if let Some((name, _)) = pairs.iter().find(|(name, _)| ["from", "to", "period"].contains(&name.as_str())) {
        return Err(FieldProblem::new(name.clone(), "repeated", "Use either `period`, or `from` and `to`."));
    }
    let (from, to) = if preset == Preset::Hours24 {
        let (from, to) = last_24_hours(now);
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        (text(from), text(to))
    } else {
        let period = preset.period(Calendar { today: now.date_naive(), fiscal_year_start_month });
        (period.from.to_string(), period.to.to_string())
    };
    pairs.extend([("from".to_owned(), from), ("to".to_owned(), to)]);
    Ok(())
}

/// What a span is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Comparison {
    /// The span before it.
    #[default]
    Previous,
    /// The same days a year before.
    LastYear,
}

impl Comparison {
    /// Both, in the order of the menu.
    pub const ALL: [Self; 2] = [Self::Previous, Self::LastYear];

    /// The word in addresses: `?compare=last-year`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Previous => "previous",
            Self::LastYear => "last-year",
        }
    }

    /// The words in the menu.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Previous => "Previous period",
            Self::LastYear => "Same period last year",
        }
    }

    /// The days that a span is compared with.
    #[must_use]
    pub fn of(self, period: Period) -> Period {
        match self {
            Self::Previous => period.previous(),
            Self::LastYear => period.months_before(12),
        }
    }
}

impl FromStr for Comparison {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|comparison| comparison.as_str() == text)
            .ok_or_else(|| FieldProblem::new("compare", "unknown", "Use previous or last-year."))
    }
}

/// The days that a chart lays under a span, weekday under weekday: as many whole weeks before it as come nearest to `before`, and how many. Spans of less than a week are laid over the days as they are.
#[must_use]
pub fn same_weekdays(period: Period, before: Period) -> (Period, Option<u64>) {
    if period.days() < 7 {
        return (before, None);
    }
    let distance = (period.from - before.from).num_days().unsigned_abs();
    let weeks = ((distance + 3) / 7).max(1);
    let shifted = |day: NaiveDate| day.checked_sub_days(Days::new(7 * weeks)).unwrap_or(NaiveDate::MIN);
    (Period { from: shifted(period.from), to: shifted(period.to) }, Some(weeks))
}

/// The months of `count` that hold a day, counted from January: its quarter with 3, its year with 12.
pub(super) fn first_month(day: NaiveDate, count: u32) -> NaiveDate {
    let month = day.month0() / count * count + 1;
    NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn period(from: &str, to: &str) -> Period {
        Period::new(date(from), date(to)).unwrap()
    }

    /// A fiscal year from April.
    fn april(today: &str) -> Calendar {
        Calendar { today: date(today), fiscal_year_start_month: 4 }
    }

    #[test]
    fn the_fiscal_year_is_offered_where_it_is_another_than_the_calendars() {
        let offered = |month| Calendar { fiscal_year_start_month: month, ..april("2026-11-23") }.presets().count();
        assert_eq!((offered(1), offered(4)), (Preset::ALL.len() - 2, Preset::ALL.len()));
    }

    #[test]
    fn named_spans_are_seen_from_today() {
        for (word, from, to) in [
            ("today", "2026-11-23", "2026-11-24"),
            ("yesterday", "2026-11-22", "2026-11-23"),
            ("24h", "2026-11-22", "2026-11-24"),
            ("7d", "2026-11-17", "2026-11-24"),
            ("30d", "2026-10-25", "2026-11-24"),
            ("90d", "2026-08-26", "2026-11-24"),
            ("this-month", "2026-11-01", "2026-11-24"),
            ("last-month", "2026-10-01", "2026-11-01"),
            ("quarter", "2026-10-01", "2026-11-24"),
            ("last-quarter", "2026-07-01", "2026-10-01"),
            ("year", "2026-01-01", "2026-11-24"),
            ("last-year", "2025-01-01", "2026-01-01"),
            ("fiscal-year", "2026-04-01", "2026-11-24"),
            ("last-fiscal-year", "2025-04-01", "2026-04-01"),
        ] {
            let preset: Preset = word.parse().unwrap();
            assert_eq!((preset.as_str(), preset.period(april("2026-11-23"))), (word, period(from, to)));
        }
        assert_eq!(Preset::LastQuarter.period(april("2026-02-10")), period("2025-10-01", "2026-01-01"));
        assert_eq!(Preset::FiscalYear.period(april("2026-03-31")), period("2025-04-01", "2026-04-01"));
        assert_eq!(Preset::FiscalYear.period(april("2026-04-01")), period("2026-04-01", "2026-04-02"));
        assert_eq!("decade".parse::<Preset>().unwrap_err().code, "unknown");
    }

    #[test]
    fn a_span_is_compared_with_the_one_before_or_that_of_last_year() {
        let previous = |from, to| Comparison::Previous.of(period(from, to));
        assert_eq!(previous("2026-10-01", "2026-11-24"), period("2026-07-01", "2026-08-24"), "a quarter to date");
        assert_eq!(previous("2026-07-01", "2026-10-01"), period("2026-04-01", "2026-07-01"));
        assert_eq!(previous("2026-01-01", "2026-11-24"), period("2025-01-01", "2025-11-24"), "a year to date");
        assert_eq!(previous("2025-01-01", "2026-01-01"), period("2024-01-01", "2025-01-01"));
        assert_eq!(previous("2026-11-23", "2026-11-24"), period("2026-11-22", "2026-11-23"));
        let last_year = |from, to| Comparison::LastYear.of(period(from, to));
        assert_eq!(last_year("2026-11-01", "2026-11-24"), period("2025-11-01", "2025-11-24"));
        assert_eq!(last_year("2024-02-29", "2024-03-01"), period("2023-02-28", "2023-03-01"));
    }

    #[test]
    fn weekdays_lie_under_weekdays() {
        let november = period("2026-11-01", "2026-12-01");
        let (under, weeks) = same_weekdays(november, november.previous());
        assert_eq!((under, weeks), (period("2026-10-04", "2026-11-03"), Some(4)));
        for preset in Preset::ALL {
            for comparison in Comparison::ALL {
                let shown = preset.period(april("2026-11-23"));
                let (under, weeks) = same_weekdays(shown, comparison.of(shown));
                assert_eq!(weeks.is_some(), shown.days() >= 7);
                assert!(weeks.is_none() || under.from.weekday() == shown.from.weekday(), "{preset:?}");
                assert_eq!(under.days(), shown.days(), "{preset:?}");
            }
        }
        let (_, weeks) = same_weekdays(november, Comparison::LastYear.of(november));
        assert_eq!(weeks, Some(52));
    }

    #[test]
    fn a_named_span_becomes_days_or_hours() {
        let now: DateTime<FixedOffset> = "2026-11-23T15:05:09+05:30".parse().unwrap();
        let resolved = |text: &str| {
            let mut pairs: Vec<_> = text
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            resolve(&mut pairs, now, 4).map(|()| {
                pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
            })
        };
        assert_eq!(resolved("period=7d&model=x").unwrap(), "model=x&from=2026-11-17&to=2026-11-24");
        assert_eq!(resolved("period=fiscal-year").unwrap(), "from=2026-04-01&to=2026-11-24");
        assert_eq!(resolved("period=24h").unwrap(), "from=2026-11-22T10:30:00Z&to=2026-11-23T10:30:00Z");
        assert_eq!(resolved("from=2026-11-01&to=2026-11-02").unwrap(), "from=2026-11-01&to=2026-11-02");
        for (text, pointer) in
            [("period=7d&from=2026-11-01", "from"), ("period=7d&period=30d", "period"), ("period=x", "period")]
        {
            assert_eq!(resolved(text).unwrap_err().pointer, pointer, "{text}");
        }
    }
}
