//! When things happen in the sample: the quarter, its busy and quiet hours, and its stories.

use super::figures::{DAY_OF_WEEK, DAY_TO_DAY, HOUR_OF_DAY};
use super::rng::Rng;
use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, Timelike, Utc, Weekday};
use domain::period::Zone;

/// Days of the sample, today included.
pub const DAYS: u64 = 92;
/// How many days before the end search was opened to everybody.
const LAUNCH_DAYS_AGO: u64 = 38;
/// How many days before the end, at least, the runaway weekend began: of the last two weeks, in which unusual days are told.
const RUNAWAY_DAYS_AGO: u64 = 4;
/// How many days before the end search answered from the wrong model.
const SWITCHED_DAYS_AGO: u64 = 3;
/// Organic growth from the first to the last day.
const GROWTH: f64 = 0.25;

/// The quarter that ends at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    zone: Zone,
    end: DateTime<Utc>,
    last: NaiveDate,
}

/// One day of the quarter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    /// Its date in the organization's zone.
    pub date: NaiveDate,
    /// Its number, from 0.
    pub index: u64,
    /// How many days before the last one.
    pub ago: u64,
}

/// Whose working rhythm a project follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rhythm {
    /// Customers: every day, the measured week at half its swing.
    Customers,
    /// Colleagues: little at night and at weekends.
    Colleagues,
}

impl Calendar {
    pub(super) fn new(end: DateTime<Utc>, zone: Zone) -> Self {
        Self { zone, end, last: zone.day_of(end) }
    }

    pub(super) fn days(self) -> impl Iterator<Item = Day> {
        (0..DAYS).map(move |index| {
            let ago = DAYS - 1 - index;
            Day { date: self.last - Days::new(ago), index, ago }
        })
    }

    /// Whether it is not yet the end.
    pub(super) fn holds(self, at: DateTime<Utc>) -> bool {
        at <= self.end
    }

    /// When the days' actions of a project begin, `per_day` of them on a mean day before growth.
    pub(super) fn moments(self, day: Day, rhythm: Rhythm, per_day: f64, rng: &mut Rng) -> Vec<DateTime<Utc>> {
        // Half the measured swing from day to day: the other half is the week's shape, which comes on top.
        let noise = rng.quantile(&DAY_TO_DAY).sqrt();
        let growth = 1.0 + GROWTH * day.index as f64 / DAYS as f64;
        let mean = per_day * noise * growth * rhythm.weekday(day.date.weekday());
        let start = self.start(day);
        let hours = (self.start_of_next(day) - start).num_hours();
        let mut moments = Vec::new();
        for hour in (0..hours).map(|hour| start + Duration::hours(hour)) {
            for _ in 0..rng.poisson(mean / 24.0 * rhythm.hour(self.zone.local(hour).hour())) {
                moments.push(hour + Duration::milliseconds(whole_hour_ms(rng)));
            }
        }
        moments.sort_unstable();
        moments
    }

    /// The first instant of a day.
    pub(super) fn start(self, day: Day) -> DateTime<Utc> {
        self.zone.start_of(day.date)
    }

    /// The first instant of the day after.
    pub(super) fn start_of_next(self, day: Day) -> DateTime<Utc> {
        self.zone.start_of(day.date + Days::new(1))
    }

    /// Search is open to everybody.
    pub(super) const fn launched(day: Day) -> bool {
        day.ago <= LAUNCH_DAYS_AGO
    }

    /// A setting was wrong for a day: search answers from the dearest model.
    pub(super) const fn switched(day: Day) -> bool {
        day.ago == SWITCHED_DAYS_AGO
    }

    /// The hours of a night job that retried without an end from Saturday 02:00 to Sunday 18:00.
    pub(super) fn runaway(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let latest = self.last - Days::new(RUNAWAY_DAYS_AGO);
        let back = (latest.weekday().num_days_from_monday() + 7 - Weekday::Sat.num_days_from_monday()) % 7;
        let saturday = self.zone.start_of(latest - Days::new(u64::from(back)));
        (saturday + Duration::hours(2), saturday + Duration::hours(42))
    }
}

/// The first instant of the quarter that ends at an instant.
pub(super) fn first_instant(end: DateTime<Utc>, zone: Zone) -> DateTime<Utc> {
    zone.start_of(zone.day_of(end) - Days::new(DAYS - 1))
}

fn whole_hour_ms(rng: &mut Rng) -> i64 {
    i64::try_from(rng.between(0, 3_599_999)).unwrap_or_default()
}

impl Rhythm {
    fn weekday(self, weekday: Weekday) -> f64 {
        let measured = DAY_OF_WEEK.get(weekday.num_days_from_monday() as usize).copied().unwrap_or(1.0);
        let weekend = matches!(weekday, Weekday::Sat | Weekday::Sun);
        match self {
            Self::Customers => measured.sqrt(),
            Self::Colleagues if weekend => 0.15,
            Self::Colleagues => 1.3 * measured.sqrt(),
        }
    }

    fn hour(self, hour: u32) -> f64 {
        let measured = HOUR_OF_DAY.get(hour as usize).copied().unwrap_or(1.0);
        match self {
            Self::Customers => measured,
            Self::Colleagues if (8..19).contains(&hour) => 1.4 * measured,
            Self::Colleagues => 0.15 * measured,
        }
    }
}
