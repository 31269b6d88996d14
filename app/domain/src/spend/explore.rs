//! Explore: one measure by one dimension over time, beside the span before.

use super::{BucketStart, Dimension, Filter, Granularity, Measure, SpendQuery, SpendRange, Sums, bucket_for};
use crate::period::{Period, same_weekdays};
use crate::problem::Problem;
use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Longest span that is cut into hours, in days.
pub const MAX_HOUR_DAYS: i64 = 31;
/// Groups with a colour of their own; the others are drawn as one.
pub const DRAWN_GROUPS: usize = 5;
/// Groups in the table, unless all are asked for: what one looks at is the largest.
pub const SHOWN_GROUPS: usize = 50;
/// Most groups in the table.
pub const MAX_GROUPS: usize = 500;

/// What Explore is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExploreQuery {
    /// Which span.
    pub range: SpendRange,
    /// The span compared with.
    pub previous: Option<SpendRange>,
    /// What is drawn.
    pub measure: Measure,
    /// By what it is split.
    pub dimension: Dimension,
    /// How time is cut; none chooses by the span's length.
    pub bucket: Option<Granularity>,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Whether the table has up to [`MAX_GROUPS`] groups, not only the largest [`SHOWN_GROUPS`].
    pub all: bool,
}

impl ExploreQuery {
    /// Reads `measure`, `group_by`, `bucket`, `rows` and filters among the parameters of a page.
    ///
    /// What is missing or cannot be read is spend by project, cut by the span's length: an address that was cut off still shows something true.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for a filter that cannot be read: without it the page would show more than was asked.
    pub fn from_pairs(
        pairs: &[(String, String)],
        range: SpendRange,
        previous: Option<SpendRange>,
    ) -> Result<Self, Problem> {
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        Ok(Self {
            range,
            previous,
            measure: get("measure").and_then(|word| word.parse().ok()).unwrap_or_default(),
            dimension: get("group_by").and_then(|word| word.parse().ok()).unwrap_or(Dimension::Project),
            bucket: get("bucket").and_then(|word| word.parse().ok()),
            filters: Filter::from_pairs(pairs)?,
            all: get("rows") == Some("all"),
        })
    }

    /// Most groups that the table has.
    #[must_use]
    pub const fn groups(&self) -> usize {
        if self.all { MAX_GROUPS } else { SHOWN_GROUPS }
    }

    /// The steps that can be chosen: hours only for short spans and only where no label is involved; of instants only hours.
    #[must_use]
    pub fn buckets(&self) -> Vec<Granularity> {
        if matches!(self.range, SpendRange::Instants { .. }) {
            return vec![Granularity::Hour];
        }
        let labels = self.filters.iter().map(|filter| &filter.dimension).chain([&self.dimension]);
        let hours = self.range.days() <= MAX_HOUR_DAYS && !labels.clone().any(Dimension::is_label);
        let fits = |bucket: &Granularity| match bucket {
            Granularity::None => false,
            Granularity::Hour => hours,
            Granularity::Day | Granularity::Week | Granularity::Month => true,
        };
        Granularity::ALL.into_iter().filter(fits).collect()
    }

    /// The steps that are drawn: the chosen ones where they can be.
    #[must_use]
    pub fn effective_bucket(&self) -> Granularity {
        match self.bucket {
            Some(bucket) if self.buckets().contains(&bucket) => bucket,
            _ if self.range.days() <= 2 && self.buckets().contains(&Granularity::Hour) => Granularity::Hour,
            _ => bucket_for(self.range.days()),
        }
    }

    /// The same question as `GET /v1/spend` takes it.
    #[must_use]
    pub fn as_spend_query(&self) -> SpendQuery {
        let mut query = SpendQuery::over(self.range).per(self.effective_bucket()).by([self.dimension.clone()]);
        query.filters.clone_from(&self.filters);
        query
    }
}

/// One value of the dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The value as filters take it; none means missing.
    pub key: Option<String>,
    /// Its name, where it has one besides: a project's, a team's, an API key's.
    pub name: Option<String>,
    /// Its sums.
    pub sums: Sums,
    /// Its sums in the span before.
    pub before: Option<Sums>,
    /// Its number among all values of the dimension, by when they were first seen: by it a value keeps its colour. None for those that are not drawn.
    pub order: Option<usize>,
}

/// One step of the chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExploreStep {
    /// Where it begins.
    pub bucket: BucketStart,
    /// The measure of each of the first [`DRAWN_GROUPS`] groups.
    pub drawn: Vec<Decimal>,
    /// The measure of all groups together.
    pub total: Decimal,
    /// The same of the step that it is compared with, where there is one.
    pub before: Option<Decimal>,
}

/// The spend of earlier steps that a chart lays under its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComparisonLine {
    /// The same weekdays, so many whole weeks before.
    Weeks(u64),
    /// The same place in the span before, for hours and for spans of less than a week.
    Before(SpendRange),
}

impl ComparisonLine {
    /// What a chart of days lays under a span, and the days themselves.
    #[must_use]
    pub fn of_days(period: Period, before: Period) -> (Self, Period) {
        let (days, weeks) = same_weekdays(period, before);
        (weeks.map_or_else(|| Self::Before(days.into()), Self::Weeks), days)
    }
}

/// What Explore shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explore {
    /// What was asked.
    pub query: ExploreQuery,
    /// The present moment in the organization's zone.
    pub now: DateTime<FixedOffset>,
    /// Groups by falling measure, at most [`ExploreQuery::groups`].
    pub groups: Vec<Group>,
    /// How many more groups there are, with usage in the span.
    pub more_groups: u64,
    /// Every step of the span.
    pub steps: Vec<ExploreStep>,
    /// What the steps are compared with.
    pub line: Option<ComparisonLine>,
    /// Over all groups.
    pub total: Sums,
    /// The same in the span before.
    pub before: Option<Sums>,
}

impl Sums {
    /// One measure as a number.
    #[must_use]
    pub fn of(&self, measure: Measure) -> Decimal {
        match measure {
            Measure::Spend => self.spend,
            Measure::Booked => self.booked,
            Measure::Requests => self.requests.into(),
            Measure::Tokens => self.tokens.into(),
        }
    }

    /// What one priced request cost; none where there is none.
    #[must_use]
    pub fn per_request(&self) -> Option<Decimal> {
        self.spend.checked_div(Decimal::from(self.requests - self.unpriced_requests))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_offered_where_they_can_be_answered() {
        let query = |days, dimension, bucket| ExploreQuery {
            range: Period::last_days("2026-11-23".parse().unwrap(), days).into(),
            previous: None,
            measure: Measure::Spend,
            dimension,
            bucket,
            filters: Vec::new(),
            all: false,
        };
        assert_eq!(query(2, Dimension::Model, None).effective_bucket(), Granularity::Hour);
        assert_eq!(query(2, Dimension::Customer, Some(Granularity::Hour)).effective_bucket(), Granularity::Day);
        assert_eq!(query(31, Dimension::Model, Some(Granularity::Hour)).effective_bucket(), Granularity::Hour);
        assert_eq!(query(32, Dimension::Model, Some(Granularity::Hour)).effective_bucket(), Granularity::Day);
        assert_eq!(query(300, Dimension::Model, None).effective_bucket(), Granularity::Week);
        assert_eq!(query(300, Dimension::Model, Some(Granularity::None)).effective_bucket(), Granularity::Week);
        assert!(query(9, Dimension::Customer, None).as_spend_query().source().is_ok());
        let at = |text: &str| text.parse().unwrap();
        let range = SpendRange::Instants { from: at("2026-11-22T10:00:00Z"), to: at("2026-11-23T10:00:00Z") };
        let day = ExploreQuery { range, ..query(9, Dimension::Customer, Some(Granularity::Week)) };
        assert_eq!((day.range.days(), day.effective_bucket()), (1, Granularity::Hour));
    }
}
