//! When files are made, and of which days.

use crate::focus::query::FocusQuery;
use crate::period::Period;
use crate::problem::{FieldProblem, Problem};
use crate::project::Slug;
use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How many days a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// A day.
    Daily,
    /// A week from Monday on.
    Weekly,
    /// A calendar month.
    Monthly,
}

impl Cadence {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Daily, Self::Weekly, Self::Monthly];

    /// The word in SQL, JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Daily => "Daily",
            Self::Weekly => "Weekly, from Monday",
            Self::Monthly => "Monthly",
        }
    }

    /// Earlier spans that are looked at for days that moved: a quarter of days, half a year of weeks, a year of months.
    const fn looked_back(self) -> u32 {
        match self {
            Self::Daily => 92,
            Self::Weekly => 26,
            Self::Monthly => 12,
        }
    }

    /// The day, week or month that ended last before a day.
    #[must_use]
    pub fn finished(self, today: NaiveDate) -> Period {
        let to = match self {
            Self::Daily => today,
            Self::Weekly => today - Days::new(today.weekday().num_days_from_monday().into()),
            Self::Monthly => Period::month_of(today).from,
        };
        Period { from: self.start_before(to), to }
    }

    /// Spans that are over, the latest first, as far back as is looked for days that moved.
    pub fn finished_lately(self, today: NaiveDate) -> impl Iterator<Item = Period> {
        let last = self.finished(today);
        let before = move |span: &Period| Some(Period { from: self.start_before(span.from), to: span.from });
        let spans = usize::try_from(self.looked_back()).unwrap_or(usize::MAX);
        std::iter::successors(Some(last), before).take(spans)
    }

    fn start_before(self, end: NaiveDate) -> NaiveDate {
        let start = match self {
            Self::Daily => end.pred_opt(),
            Self::Weekly => end.checked_sub_days(Days::new(7)),
            Self::Monthly => end.checked_sub_months(Months::new(1)),
        };
        start.unwrap_or(end)
    }
}

impl FromStr for Cadence {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, FieldProblem> {
        let found = Self::ALL.into_iter().find(|cadence| cadence.as_str() == text);
        found.ok_or_else(|| FieldProblem::new("cadence", "unknown", "Use daily, weekly or monthly."))
    }
}

/// What is exported, where to and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its name, which is also the folder of its files.
    pub name: Slug,
    /// The destination.
    pub destination: Slug,
    /// How many days a file is of.
    pub cadence: Cadence,
    /// From this hour of the organization's day on, 0 to 23.
    pub hour: u8,
    dataset: FocusQuery,
}

impl Schedule {
    /// What a file of some days is asked for.
    #[must_use]
    pub fn query(&self, period: Period) -> FocusQuery {
        FocusQuery { period, ..self.dataset.clone() }
    }

    /// What stands in the form of this schedule.
    #[must_use]
    pub fn form(&self) -> ScheduleForm {
        let mut form = ScheduleForm {
            destination: self.destination.to_string(),
            cadence: self.cadence.as_str().to_owned(),
            hour: self.hour,
            ..ScheduleForm::default()
        };
        for (name, value) in self.dataset.to_pairs() {
            match name.as_str() {
                "version" => form.version = value,
                "format" => form.format = value,
                "bucket" => form.bucket = value,
                "tags" => form.tags = value,
                _ => {}
            }
        }
        form
    }
}

/// A schedule with how it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleState {
    /// The schedule.
    pub schedule: Schedule,
    /// When it is looked at next.
    pub next_at: DateTime<FixedOffset>,
    /// Since when it rests because a run was given up.
    pub paused_at: Option<DateTime<FixedOffset>>,
}

/// A schedule as somebody enters it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduleForm {
    /// Name of the destination.
    pub destination: String,
    /// `daily`, `weekly` (from Monday) or `monthly`: the days of a file, which is made once they are over.
    pub cadence: String,
    /// From this hour of the organization's day on, 0 to 23.
    #[cfg_attr(feature = "openapi", schema(maximum = 23))]
    pub hour: u8,
    /// FOCUS version: `1.2` (where it is empty), `1.3` or `1.4`.
    pub version: String,
    /// `csv` (where it is empty) or `parquet`.
    pub format: String,
    /// `day` (where it is empty) or `hour`: what a row adds up.
    pub bucket: String,
    /// As of `GET /v1/export/focus`; may be empty.
    pub tags: String,
}

impl ScheduleForm {
    /// The schedule of this name.
    ///
    /// # Errors
    /// Every wrong field.
    pub fn parse(&self, name: &str) -> Result<Schedule, Vec<FieldProblem>> {
        let mut wrong = Vec::new();
        let slug = |pointer: &str, text: &str| {
            Slug::parse(text.trim()).map_err(|wrong| FieldProblem { pointer: pointer.to_owned(), ..wrong })
        };
        let name = slug("name", name).map_err(|problem| wrong.push(problem));
        let destination = slug("destination", &self.destination).map_err(|problem| wrong.push(problem));
        let cadence = self.cadence.parse::<Cadence>().map_err(|problem| wrong.push(problem));
        if self.hour > 23 {
            wrong.push(FieldProblem::new("hour", "too_large", "Use an hour from 0 to 23."));
        }
        // Days of no meaning: every run brings its own.
        let days = [("from", "2026-01-01"), ("to", "2026-01-02")];
        let words =
            [("version", &self.version), ("format", &self.format), ("bucket", &self.bucket), ("tags", &self.tags)];
        let words = words.into_iter().map(|(name, value)| (name, value.trim())).filter(|(_, value)| !value.is_empty());
        let pairs: Vec<_> =
            days.into_iter().chain(words).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let dataset =
            FocusQuery::from_pairs(&pairs).map_err(|problem| wrong.extend_from_slice(Problem::fields(&problem)));
        match (name, destination, cadence, dataset) {
            (Ok(name), Ok(destination), Ok(cadence), Ok(dataset)) if wrong.is_empty() => {
                Ok(Schedule { name, destination, cadence, hour: self.hour, dataset })
            }
            _ => Err(wrong),
        }
    }
}

#[cfg(feature = "tz")]
mod local {
    use crate::period::Zone;
    use chrono::{DateTime, Duration, NaiveDate, Timelike, Utc};

    impl super::Schedule {
        /// The first instant after `now` at which the schedule's hour strikes in the zone; where a clock change skips that hour, the one before.
        #[must_use]
        pub fn next_at(&self, zone: Zone, now: DateTime<Utc>) -> DateTime<Utc> {
            let strikes = |day: NaiveDate| {
                let hours = i64::from(self.hour);
                let at = zone.start_of(day) + Duration::hours(hours);
                // Clocks change by less than half a day.
                let ahead = (i64::from(zone.local(at).hour()) - hours + 12).rem_euclid(24) - 12;
                at - Duration::hours(ahead)
            };
            let today = zone.day_of(now);
            let days = std::iter::successors(Some(today), NaiveDate::succ_opt);
            days.map(strikes).find(|at| *at > now).unwrap_or(DateTime::<Utc>::MAX_UTC)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::super::*;
        use super::*;

        #[test]
        fn the_hour_is_the_organizations_also_where_clocks_change() {
            let form = ScheduleForm {
                destination: "lake".to_owned(),
                cadence: "daily".to_owned(),
                hour: 6,
                ..ScheduleForm::default()
            };
            let schedule = form.parse("focus").unwrap();
            let berlin = Zone::parse("Europe/Berlin").unwrap();
            for (now, next) in [
                ("2026-11-30T04:59:59Z", "2026-11-30T05:00:00Z"),
                ("2026-11-30T05:00:00Z", "2026-12-01T05:00:00Z"),
                ("2026-03-28T05:00:00Z", "2026-03-29T04:00:00Z"),
                ("2026-10-24T05:00:00Z", "2026-10-25T05:00:00Z"),
            ] {
                let [now, next] = [now, next].map(|at| at.parse::<DateTime<Utc>>().unwrap());
                assert_eq!(schedule.next_at(berlin, now), next, "{now}");
            }
            let late = Schedule { hour: 23, ..schedule };
            let now = "2026-03-29T00:00:00Z".parse().unwrap();
            assert_eq!(late.next_at(berlin, now).to_rfc3339(), "2026-03-29T21:00:00+00:00");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_is_of_days_that_are_over() {
        let finished = |cadence: Cadence, today: &str| {
            let Period { from, to } = cadence.finished(day(today));
            (from.to_string(), to.to_string())
        };
        let is = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(finished(Cadence::Daily, "2026-03-01"), is("2026-02-28", "2026-03-01"));
        assert_eq!(
            finished(Cadence::Weekly, "2026-11-29"),
            is("2026-11-16", "2026-11-23"),
            "a Sunday ends no week yet"
        );
        assert_eq!(finished(Cadence::Weekly, "2026-11-30"), is("2026-11-23", "2026-11-30"));
        assert_eq!(finished(Cadence::Monthly, "2026-01-01"), is("2025-12-01", "2026-01-01"));
    }

    #[test]
    fn earlier_spans_lie_end_to_end() {
        for cadence in Cadence::ALL {
            let spans: Vec<_> = cadence.finished_lately(day("2026-03-31")).collect();
            assert!(spans.windows(2).all(|pair| pair[1].to == pair[0].from), "{cadence:?}");
            assert!(spans.iter().all(|span| cadence.finished(span.to) == *span), "{cadence:?}");
        }
    }

    #[test]
    fn a_form_names_every_wrong_field_and_comes_back_as_it_was() {
        let form = ScheduleForm {
            destination: "Lake!".to_owned(),
            cadence: "hourly".to_owned(),
            hour: 24,
            version: "9".to_owned(),
            ..ScheduleForm::default()
        };
        let wrong = form.parse("").unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|wrong| wrong.pointer.as_str()).collect();
        assert_eq!(fields, ["name", "destination", "cadence", "hour", "version"]);
        let form = ScheduleForm {
            destination: "lake".to_owned(),
            cadence: "monthly".to_owned(),
            hour: 3,
            version: "1.3".to_owned(),
            format: "parquet".to_owned(),
            bucket: "hour".to_owned(),
            tags: "customer,tag.team".to_owned(),
        };
        let schedule = form.parse("focus-monthly").unwrap();
        assert_eq!(schedule.form(), form);
        let span = Cadence::Monthly.finished(day("2026-11-30"));
        assert_eq!(schedule.query(span).file_name(), "focus-1.3-2026-10-01-2026-11-01.parquet");
    }
}
