//! What Overview shows of an organization, a team or a project.

use super::{Changes, ComparisonLine, Granularity, Provenance, Sums};
use crate::budget::{BudgetState, Crossing};
use crate::forecast::Forecast;
use crate::period::Period;
use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The steps of a chart over a span of days: days, for long spans weeks or months.
#[must_use]
pub fn bucket_for(days: i64) -> Granularity {
    match days {
        ..=92 => Granularity::Day,
        93..=400 => Granularity::Week,
        _ => Granularity::Month,
    }
}

/// The starts of all steps of a span, the first perhaps before it (its week's Monday, its month's first).
///
/// None for hours, which need a zone, and for no buckets.
#[must_use]
pub fn starts(period: Period, bucket: Granularity) -> Vec<NaiveDate> {
    let first = match bucket {
        Granularity::None | Granularity::Hour => return Vec::new(),
        Granularity::Day => period.from,
        Granularity::Week => {
            let since_monday = Days::new(period.from.weekday().num_days_from_monday().into());
            period.from.checked_sub_days(since_monday).unwrap_or(period.from)
        }
        Granularity::Month => Period::month_of(period.from).from,
        Granularity::Quarter => Period::months_of(period.from, 3).from,
        Granularity::Year => Period::months_of(period.from, 12).from,
    };
    let next = |day: &NaiveDate| match bucket {
        Granularity::Week => day.checked_add_days(Days::new(7)),
        Granularity::Month => day.checked_add_months(Months::new(1)),
        Granularity::Quarter => day.checked_add_months(Months::new(3)),
        Granularity::Year => day.checked_add_months(Months::new(12)),
        _ => day.succ_opt(),
    };
    std::iter::successors(Some(first), next).take_while(|day| *day < period.to).collect()
}

/// One step of the chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its first day.
    pub start: NaiveDate,
    /// Spend of each project, in the order of [`Overview::projects`].
    pub by_project: Vec<Decimal>,
    /// Spend of the day that it is compared with, where there is one.
    pub before: Option<Decimal>,
}

impl Step {
    /// Spend of all projects.
    #[must_use]
    pub fn spend(&self) -> Decimal {
        self.by_project.iter().sum()
    }
}

/// One project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectPart {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its sums.
    pub sums: Sums,
    /// Its sums in the span before.
    pub before: Option<Sums>,
    /// Its number among the organization's projects, by when they were created: by it a project keeps its colour.
    pub order: usize,
}

/// One team, with the projects it owned on each day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamPart {
    /// Its slug; none where nobody owned the project.
    pub slug: Option<String>,
    /// Its name.
    pub name: String,
    /// Its sums.
    pub sums: Sums,
    /// Its sums in the span before.
    pub before: Option<Sums>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPart {
    /// Who sells it.
    pub provider: String,
    /// The model as sent.
    pub model: String,
    /// Its sums.
    pub sums: Sums,
    /// Its sums in the span before.
    pub before: Option<Sums>,
}

/// Spend in a span of days, taken apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// The present moment in the organization's zone.
    pub now: DateTime<FixedOffset>,
    /// Which days.
    pub period: Period,
    /// The days compared with.
    pub previous: Option<Period>,
    /// Over everything.
    pub total: Sums,
    /// The same over the days compared with.
    pub before: Option<Sums>,
    /// How the chart cuts time.
    pub bucket: Granularity,
    /// Every step of the chart: of the whole month where the span is the month so far.
    pub steps: Vec<Step>,
    /// Projects by falling spend.
    pub projects: Vec<ProjectPart>,
    /// Teams by falling spend; empty where the page is about one team or project.
    pub teams: Vec<TeamPart>,
    /// Models by falling spend.
    pub models: Vec<ModelPart>,
    /// What the steps of the chart are compared with.
    pub line: Option<ComparisonLine>,
    /// Thresholds of budgets of exactly this part that were reached in the chart's days, in order; nothing where filters are in force.
    pub crossings: Vec<Crossing>,
    /// What changed; none without comparison.
    pub changes: Option<Changes>,
    /// Whether costs that providers reported counted on some of the days.
    pub reported_costs: bool,
    /// When the newest event happened; none before the first.
    pub newest_event_at: Option<DateTime<FixedOffset>>,
    /// Spend of the last four whole quarters of an hour; none where filters are kept by day only.
    pub last_hour: Option<Decimal>,
    /// Requests of the span with usage that no rule read; none where filters name another label.
    pub unread_requests: Option<i64>,
    /// Charges beside events in the span, which are no part of the total; none under filters.
    pub charged: Option<Decimal>,
    /// What usage of the span would have cost that plans include, which is no part of the total; zero where filters name a label.
    pub included: Decimal,
}

/// Where the present month is going.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonthOutlook {
    /// Where it will end.
    pub forecast: Forecast,
    /// The budget of exactly this part that is used most, if there is one.
    pub budget: Option<BudgetState>,
    /// Alerts of the whole organization that nobody acknowledged.
    pub open_alerts: u64,
}

impl Overview {
    /// How the total is known.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        Provenance::of(&self.total, self.reported_costs, self.newest_event_at)
    }

    /// The organization's present day.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.now.date_naive()
    }

    /// Whether the span is the present month so far.
    #[must_use]
    pub fn is_month_to_date(&self) -> bool {
        self.period == Period::month_to_date(self.today())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, to: &str) -> Period {
        Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
    }

    #[test]
    fn steps_cover_the_span() {
        let text = |period, bucket| starts(period, bucket).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            text(period("2026-11-29", "2026-12-02"), Granularity::Day),
            ["2026-11-29", "2026-11-30", "2026-12-01"]
        );
        assert_eq!(
            text(period("2026-11-04", "2026-11-17"), Granularity::Week),
            ["2026-11-02", "2026-11-09", "2026-11-16"]
        );
        assert_eq!(text(period("2026-11-30", "2027-01-01"), Granularity::Month), ["2026-11-01", "2026-12-01"]);
        let quarters = text(period("2026-06-30", "2027-01-02"), Granularity::Quarter);
        assert_eq!(quarters, ["2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01"]);
        assert_eq!(text(period("2026-06-30", "2027-01-02"), Granularity::Year), ["2026-01-01", "2027-01-01"]);
        assert_eq!(bucket_for(period("2026-11-01", "2026-12-01").days()), Granularity::Day);
        assert_eq!(bucket_for(period("2026-01-01", "2027-01-01").days()), Granularity::Week);
        assert_eq!(bucket_for(period("2024-01-01", "2027-01-01").days()), Granularity::Month);
    }
}
