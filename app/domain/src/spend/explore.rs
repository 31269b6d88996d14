//! Explore: one measure by one or two dimensions over time, beside the span before.

use super::{
    BucketStart, Dimension, Filter, Granularity, MAX_GROUP_BY, Measure, Measured, SpendQuery, SpendRange, Sums,
    bucket_for,
};
use crate::period::{Period, same_weekdays};
use crate::problem::Problem;
use crate::project::Slug;
use chrono::{DateTime, Datelike, FixedOffset, Timelike};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Longest span that is cut into hours, in days.
pub const MAX_HOUR_DAYS: i64 = 31;
/// How many groups can have a colour of their own, beside those without a value; the others are drawn as one.
pub const TOPS: [usize; 4] = [5, 6, 10, 20];
/// Groups in the table, unless all are asked for: what one looks at is the largest.
pub const SHOWN_GROUPS: usize = 50;
/// Most groups in the table.
pub const MAX_GROUPS: usize = 500;
/// Groups of a treemap; the others are one field.
pub const TREEMAP_GROUPS: usize = 60;

/// How Explore draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// Bars on each other.
    #[default]
    Bars,
    /// A line per group.
    Lines,
    /// Areas on each other.
    Area,
    /// Weekdays by hours of the day.
    Heatmap,
    /// Fields within fields, as large as their values.
    Treemap,
    /// Nothing but the table.
    Table,
}

impl ChartKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Bars, Self::Lines, Self::Area, Self::Heatmap, Self::Treemap, Self::Table];

    /// The word in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Lines => "lines",
            Self::Area => "area",
            Self::Heatmap => "heatmap",
            Self::Treemap => "treemap",
            Self::Table => "table",
        }
    }

    /// Whether it shows one step of time after the other.
    #[must_use]
    pub const fn is_over_time(self) -> bool {
        matches!(self, Self::Bars | Self::Lines | Self::Area)
    }
}

/// What Explore is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExploreQuery {
    /// Which span.
    pub range: SpendRange,
    /// The span compared with.
    pub previous: Option<SpendRange>,
    /// What is drawn.
    pub measure: Measure,
    /// The business metric of whose units it is.
    pub metric: Option<Slug>,
    /// By what it is split: one dimension or two.
    pub group_by: Vec<Dimension>,
    /// How time is cut; none chooses by the span's length.
    pub bucket: Option<Granularity>,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Whether the table has up to [`MAX_GROUPS`] groups, not only the largest [`SHOWN_GROUPS`].
    pub all: bool,
    /// How many groups are drawn, beside those without a value: one of [`TOPS`].
    pub top: usize,
    /// How it is drawn, where the measure can be drawn so.
    pub chart: ChartKind,
}

impl ExploreQuery {
    /// Spend by project as bars.
    #[must_use]
    pub fn over(range: impl Into<SpendRange>) -> Self {
        Self {
            range: range.into(),
            previous: None,
            measure: Measure::Spend,
            metric: None,
            group_by: vec![Dimension::Project],
            bucket: None,
            filters: Vec::new(),
            all: false,
            top: TOPS[0],
            chart: ChartKind::Bars,
        }
    }

    /// Reads `measure`, `group_by`, `bucket`, `chart`, `top`, `rows` and filters among the parameters of a page.
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
        let all =
            |name: &'static str| pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str());
        let get = |name| all(name).next();
        let mut group_by: Vec<Dimension> = Vec::new();
        for dimension in all("group_by").flat_map(|words| words.split(',')).filter_map(|word| word.parse().ok()) {
            if group_by.len() < MAX_GROUP_BY && !group_by.contains(&dimension) {
                group_by.push(dimension);
            }
        }
        let usual = Self::over(range);
        let measured: Option<Measured> = get("measure").and_then(|word| word.parse().ok());
        let (measure, metric) = measured.map(|of| (of.measure, of.metric)).unwrap_or_default();
        Ok(Self {
            previous,
            measure,
            metric,
            group_by: if group_by.is_empty() { usual.group_by } else { group_by },
            bucket: get("bucket").and_then(|word| word.parse().ok()),
            filters: Filter::from_pairs(pairs)?,
            all: get("rows") == Some("all"),
            top: get("top").and_then(|word| word.parse().ok()).filter(|top| TOPS.contains(top)).unwrap_or(usual.top),
            chart: ChartKind::ALL.into_iter().find(|kind| get("chart") == Some(kind.as_str())).unwrap_or_default(),
            ..usual
        })
    }

    /// The measure as it is written in the address.
    #[must_use]
    pub fn measure_word(&self) -> String {
        Measured::word(self.measure, self.metric.as_ref())
    }

    /// The measure on the screen.
    #[must_use]
    pub fn measure_label(&self) -> String {
        Measured::label(self.measure, self.metric.as_ref())
    }

    /// Most groups that the table has.
    #[must_use]
    pub const fn groups(&self) -> usize {
        if self.all { MAX_GROUPS } else { SHOWN_GROUPS }
    }

    /// The dimension that comes first.
    #[must_use]
    pub fn dimension(&self) -> &Dimension {
        self.group_by.first().unwrap_or(&Dimension::Project)
    }

    /// The steps that can be chosen: hours only for short spans and only where no label is involved; of instants only hours.
    #[must_use]
    pub fn buckets(&self) -> Vec<Granularity> {
        if matches!(self.range, SpendRange::Instants { .. }) {
            return vec![Granularity::Hour];
        }
        let hours = self.has_hours();
        let fits = |bucket: &Granularity| match bucket {
            Granularity::None => false,
            Granularity::Hour => hours,
            _ => true,
        };
        Granularity::ALL.into_iter().filter(fits).collect()
    }

    /// Whether sums by the hour are at hand.
    fn has_hours(&self) -> bool {
        let mut dimensions = self.filters.iter().map(|filter| &filter.dimension).chain(&self.group_by);
        let is_by_day = |dimension: &Dimension| dimension.is_label() || *dimension == Dimension::AllocatedTeam;
        self.range.days() <= MAX_HOUR_DAYS && !dimensions.any(is_by_day) && !self.measure.needs().is_by_day()
    }

    /// The kinds of charts that can be chosen: what does not add up is not stacked, and weekdays by hours need sums by the hour.
    #[must_use]
    pub fn charts(&self) -> Vec<ChartKind> {
        let fits = |kind: &ChartKind| match kind {
            ChartKind::Lines | ChartKind::Table => true,
            ChartKind::Heatmap => self.has_hours() && !self.measure.needs().peak,
            ChartKind::Bars | ChartKind::Area | ChartKind::Treemap => self.measure.adds_up(),
        };
        ChartKind::ALL.into_iter().filter(fits).collect()
    }

    /// How it is drawn.
    #[must_use]
    pub fn effective_chart(&self) -> ChartKind {
        let charts = self.charts();
        charts.iter().find(|kind| **kind == self.chart).or(charts.first()).copied().unwrap_or_default()
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

    /// What is asked for besides the usual sums.
    #[must_use]
    pub fn measures(&self) -> Vec<Measure> {
        let own = Some(self.measure).filter(|measure| !Measure::DEFAULT.contains(measure));
        Measure::DEFAULT.into_iter().chain(own).collect()
    }

    /// The same question as `GET /v1/spend` takes it.
    #[must_use]
    pub fn as_spend_query(&self) -> SpendQuery {
        let query = SpendQuery::over(self.range).per(self.effective_bucket()).by(self.group_by.clone());
        SpendQuery { filters: self.filters.clone(), metric: self.metric.clone(), ..query.measuring(self.measures()) }
    }

    /// What the sums of a group are ranked by: what does not add up says nothing about how large a group is, so there it is spend.
    #[must_use]
    pub fn rank(&self, sums: &Sums) -> Decimal {
        let value = if self.measure.adds_up() { sums.of(self.measure, Decimal::ZERO) } else { None };
        value.unwrap_or(sums.spend)
    }
}

/// One value of the dimension, or of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The values as filters take them, in the order of the dimensions; none means missing.
    pub keys: Vec<Option<String>>,
    /// Their names, where they have one besides: a project's, a team's, an API key's.
    pub names: Vec<Option<String>>,
    /// Its sums.
    pub sums: Sums,
    /// Its sums in the span before.
    pub before: Option<Sums>,
    /// For those that are drawn, the number among all values of the first dimension, by when they were first seen: by it a value keeps its colour.
    pub order: Option<usize>,
}

impl Group {
    /// Whether a value is missing: such usage is nobody's, so it never hides among the rest.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.keys.iter().any(Option::is_none)
    }

    /// The value of the first dimension.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.keys.first()?.as_deref()
    }

    /// Its name, where it has one besides.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.names.first()?.as_deref()
    }
}

/// One step of the chart. What cannot be said, such as a ratio of nothing, has no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExploreStep {
    /// Where it begins.
    pub bucket: BucketStart,
    /// The measure of each group that is drawn, in their order.
    pub drawn: Vec<Option<Decimal>>,
    /// The measure of all other groups together.
    pub rest: Option<Decimal>,
    /// The measure of all groups together.
    pub total: Option<Decimal>,
    /// The same of the step that it is compared with, where there is one.
    pub before: Option<Decimal>,
}

/// An hour of a weekday: everything in those hours of the span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeatCell {
    /// The sums.
    pub sums: Sums,
    /// How many minutes they were counted in.
    pub minutes: Decimal,
}

/// Weekdays from Monday, each with its 24 hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeatMap(Vec<HeatCell>);

impl Default for HeatMap {
    fn default() -> Self {
        Self(vec![HeatCell::default(); 7 * 24])
    }
}

impl HeatMap {
    /// Adds an hour that begins at a local time.
    pub fn add(&mut self, at: DateTime<FixedOffset>, sums: &Sums, minutes: Decimal) {
        let index = at.weekday().num_days_from_monday() * 24 + at.hour();
        let cell = usize::try_from(index).ok().and_then(|index| self.0.get_mut(index));
        if let Some(cell) = cell {
            cell.sums.add(sums);
            cell.minutes += minutes;
        }
    }

    /// The weekdays from Monday.
    pub fn weekdays(&self) -> impl Iterator<Item = &[HeatCell]> {
        self.0.chunks(24)
    }
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
    /// The largest groups first, at most [`ExploreQuery::groups`] and those that are drawn.
    pub groups: Vec<Group>,
    /// How many more groups there are, with usage in the span.
    pub more_groups: u64,
    /// How many groups with usage are not drawn.
    pub other_groups: u64,
    /// Every step of the span; none where nothing is drawn over time.
    pub steps: Vec<ExploreStep>,
    /// Where weekdays are drawn by hours.
    pub heat: Option<HeatMap>,
    /// What the steps are compared with.
    pub line: Option<ComparisonLine>,
    /// Over all groups.
    pub total: Sums,
    /// The same in the span before.
    pub before: Option<Sums>,
    /// Minutes of the span that have passed.
    pub minutes: Decimal,
    /// Minutes of the span before.
    pub minutes_before: Decimal,
}

impl Explore {
    /// The groups that are drawn, in the order of [`ExploreStep::drawn`].
    pub fn drawn(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| group.order.is_some())
    }

    /// Everything without a value of one of the dimensions.
    #[must_use]
    pub fn missing(&self) -> Sums {
        let mut sums = Sums::default();
        self.groups.iter().filter(|group| group.is_missing()).for_each(|group| sums.add(&group.sums));
        sums
    }

    /// The measure of sums of the span.
    #[must_use]
    pub fn value(&self, sums: &Sums) -> Option<Decimal> {
        sums.of(self.query.measure, self.minutes)
    }

    /// The measure of sums of the span before.
    #[must_use]
    pub fn value_before(&self, sums: &Sums) -> Option<Decimal> {
        sums.of(self.query.measure, self.minutes_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(days: u64, dimension: Dimension, bucket: Option<Granularity>) -> ExploreQuery {
        let range = Period::last_days("2026-11-23".parse().unwrap(), days);
        ExploreQuery { group_by: vec![dimension], bucket, ..ExploreQuery::over(range) }
    }

    #[test]
    fn hours_are_offered_where_they_can_be_answered() {
        assert_eq!(query(2, Dimension::Model, None).effective_bucket(), Granularity::Hour);
        assert_eq!(query(2, Dimension::Customer, Some(Granularity::Hour)).effective_bucket(), Granularity::Day);
        assert_eq!(query(31, Dimension::Model, Some(Granularity::Hour)).effective_bucket(), Granularity::Hour);
        assert_eq!(query(32, Dimension::Model, Some(Granularity::Hour)).effective_bucket(), Granularity::Day);
        assert_eq!(query(300, Dimension::Model, None).effective_bucket(), Granularity::Week);
        assert_eq!(query(300, Dimension::Model, Some(Granularity::None)).effective_bucket(), Granularity::Week);
        assert_eq!(query(300, Dimension::Model, Some(Granularity::Year)).effective_bucket(), Granularity::Year);
        assert!(query(9, Dimension::Customer, None).as_spend_query().source().is_ok());
        let at = |text: &str| text.parse().unwrap();
        let range = SpendRange::Instants { from: at("2026-11-22T10:00:00Z"), to: at("2026-11-23T10:00:00Z") };
        let day = ExploreQuery { range, ..query(9, Dimension::Customer, Some(Granularity::Week)) };
        assert_eq!((day.range.days(), day.effective_bucket()), (1, Granularity::Hour));
    }

    #[test]
    fn what_can_be_drawn_follows_from_the_measure() {
        let of = |measure, chart| ExploreQuery { measure, chart, ..query(9, Dimension::Model, None) };
        assert_eq!(of(Measure::Spend, ChartKind::Treemap).effective_chart(), ChartKind::Treemap);
        assert_eq!(of(Measure::ErrorRate, ChartKind::Bars).effective_chart(), ChartKind::Lines);
        assert_eq!(of(Measure::ErrorRate, ChartKind::Heatmap).effective_chart(), ChartKind::Heatmap);
        assert_eq!(of(Measure::InputTokens, ChartKind::Heatmap).effective_chart(), ChartKind::Bars);
        assert_eq!(of(Measure::PeakTokensPerMinute, ChartKind::Heatmap).effective_chart(), ChartKind::Lines);
        for measure in Measure::ALL {
            let asked = of(*measure, ChartKind::Lines);
            assert!(asked.as_spend_query().source().is_ok(), "{measure:?}");
            assert!(asked.measures().contains(measure));
        }
    }

    #[test]
    fn two_dimensions_are_read_from_one_parameter_or_two() {
        let read = |text: &str| {
            let pairs: Vec<_> = text.split('&').filter_map(|pair| pair.split_once('=')).collect();
            let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            ExploreQuery::from_pairs(&pairs, query(9, Dimension::Model, None).range, None).unwrap()
        };
        let both = [Dimension::Team, Dimension::Model];
        assert_eq!(read("group_by=team,model").group_by, both);
        assert_eq!(read("group_by=team&group_by=model").group_by, both);
        assert_eq!(read("group_by=team&group_by=").group_by, both[..1]);
        assert_eq!(read("group_by=team,team&group_by=x").group_by, both[..1]);
        assert_eq!((read("top=10").top, read("top=7").top, read("").group_by), (10, 5, vec![Dimension::Project]));
    }
}
