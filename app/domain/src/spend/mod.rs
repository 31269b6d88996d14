//! The spend query: one query behind Overview, Explore, statements and API.

mod anomaly;
mod attention;
mod bucket_start;
mod changes;
mod estimate;
mod explore;
mod known;
mod latency;
mod measure;
mod overview;
mod provenance;
mod query;
mod sums;

pub use anomaly::{
    AnomalyCause, Contribution, LOOKBACK_DAYS, UnusualDay, causes, days_needed, is_quiet, unusual_days, usual_day,
};
pub use attention::{Anomaly, Attention, by_amount};
pub use bucket_start::BucketStart;
pub use changes::{Cause, CellKey, Changes, Metered, Mover, Reason, Used, changes};
pub use estimate::{Estimate, PaidMeter, PaidPrices, UnpricedUsage, estimate_days};
pub use explore::{
    ChartKind, ComparisonLine, Explore, ExploreQuery, ExploreStep, Group, HeatCell, HeatMap, MAX_GROUPS, MAX_HOUR_DAYS,
    SHOWN_GROUPS, TOPS, TREEMAP_GROUPS,
};
pub use known::{KnownDimension, OTHER};
pub use latency::{Histogram, Latencies, latency_class};
pub use measure::{Measure, MeasureUnit, Measured, Needs};
pub use overview::{ModelPart, MonthOutlook, Overview, ProjectPart, Step, TeamPart, bucket_for, starts};
pub use provenance::{Provenance, SpendBasis};
pub(crate) use query::parse_list;
pub use query::{MAX_LABELS, Source};
pub use sums::{ByMeter, CallCounts, Peak, Sums, Units};

use crate::budget::SpendScope;
use crate::csv;
use crate::ids::{ProjectId, TeamId};
use crate::period::Period;
use crate::problem::{FieldProblem, Problem};
use crate::project::Slug;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Most rows of an answer; where there are more, it says `truncated`.
pub const MAX_ROWS: usize = 10_000;
/// Most dimensions that a query groups by.
pub const MAX_GROUP_BY: usize = 2;
/// Most filter values of a query.
pub const MAX_FILTER_VALUES: usize = 100;
/// Longest filter value, in characters.
pub const MAX_VALUE_LEN: usize = 200;

/// What spend can be grouped and filtered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Dimension {
    /// Slug of the project.
    Project,
    /// Slug of the team that owned the project on that day.
    Team,
    /// Slug of the team that answers for it by the allocation rules ([`crate::allocation`]).
    AllocatedTeam,
    /// Slug of the product line that the project belonged to on that day.
    ProductLine,
    /// The model as sent.
    Model,
    /// Who sells the model.
    Provider,
    /// `chat`, `embeddings` …
    Operation,
    /// Feature.
    Feature,
    /// Environment.
    Environment,
    /// Id of the API key.
    ApiKey,
    /// What the attempt ended with.
    Status,
    /// Customer, a label.
    Customer,
    /// User, a label.
    User,
    /// Cohort.
    Cohort,
    /// Step of an interaction.
    Step,
    /// Numbers of the usage object that no rule read, a label: the names of the fields, as [`crate::meter::Usage::unread_names`] joins them.
    UnreadUsage,
    /// A free tag, a label: `tag.prompt_version`.
    Tag(String),
}

impl Dimension {
    /// All named dimensions, in the order of Explore's list.
    pub const NAMED: [Self; 16] = [
        Self::Project,
        Self::Team,
        Self::AllocatedTeam,
        Self::ProductLine,
        Self::Model,
        Self::Provider,
        Self::Feature,
        Self::Environment,
        Self::Customer,
        Self::ApiKey,
        Self::Operation,
        Self::Status,
        Self::User,
        Self::Cohort,
        Self::Step,
        Self::UnreadUsage,
    ];

    /// The word in URL and JSON.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Project => "project".to_owned(),
            Self::Team => "team".to_owned(),
            Self::AllocatedTeam => "allocated_team".to_owned(),
            Self::ProductLine => "product_line".to_owned(),
            Self::Model => "model".to_owned(),
            Self::Provider => "provider".to_owned(),
            Self::Operation => "operation".to_owned(),
            Self::Feature => "feature".to_owned(),
            Self::Environment => "environment".to_owned(),
            Self::ApiKey => "api_key".to_owned(),
            Self::Status => "status".to_owned(),
            Self::Customer => "customer".to_owned(),
            Self::User => "user".to_owned(),
            Self::Cohort => "cohort".to_owned(),
            Self::Step => "step".to_owned(),
            Self::UnreadUsage => "unread_usage".to_owned(),
            Self::Tag(key) => format!("tag.{key}"),
        }
    }

    /// The word on the screen.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::AllocatedTeam => "Allocated team".to_owned(),
            Self::ApiKey => "API key".to_owned(),
            Self::UnreadUsage => "Unread usage".to_owned(),
            Self::ProductLine => "Product line".to_owned(),
            Self::Tag(key) => format!("Tag {key}"),
            other => {
                let name = other.name();
                let mut letters = name.chars();
                letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
            }
        }
    }

    /// Whether its value follows from the project and the day.
    #[must_use]
    pub const fn is_of_project(&self) -> bool {
        matches!(self, Self::Project | Self::Team | Self::ProductLine)
    }

    /// Whether an event can be without a value; a project can be without a team.
    #[must_use]
    pub const fn may_be_missing(&self) -> bool {
        !matches!(self, Self::Project | Self::Model | Self::Provider | Self::Operation | Self::ApiKey | Self::Status)
    }

    /// Whether events have it: who answers for usage follows from rules and sums.
    #[must_use]
    pub const fn is_of_events(&self) -> bool {
        !matches!(self, Self::AllocatedTeam)
    }

    /// Whether its values are words that senders choose: labels that organizations agree on.
    #[must_use]
    pub const fn is_chosen_by_senders(&self) -> bool {
        matches!(
            self,
            Self::Feature | Self::Environment | Self::Customer | Self::User | Self::Cohort | Self::Step | Self::Tag(_)
        )
    }

    /// Whether it is a label: a dimension of many values, of which rollups have one at a time, by day.
    #[must_use]
    pub const fn is_label(&self) -> bool {
        matches!(self, Self::Customer | Self::User | Self::UnreadUsage | Self::Tag(_))
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl FromStr for Dimension {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(key) = text.strip_prefix("tag.").filter(|key| !key.is_empty() && key.len() <= 64) {
            return Ok(Self::Tag(key.to_owned()));
        }
        Self::NAMED
            .into_iter()
            .find(|dimension| dimension.name() == text)
            .ok_or_else(|| FieldProblem::new("group_by", "unknown", format!("`{text}` is not a dimension.")))
    }
}

impl TryFrom<String> for Dimension {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|problem: FieldProblem| problem.detail)
    }
}

impl From<Dimension> for String {
    fn from(dimension: Dimension) -> Self {
        dimension.name()
    }
}

/// How time is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// Not at all: one row per group.
    #[default]
    None,
    /// The organization's hours.
    Hour,
    /// Its days.
    Day,
    /// Its weeks, from Monday.
    Week,
    /// Its months.
    Month,
    /// Its quarters of a year.
    Quarter,
    /// Its years.
    Year,
}

impl Granularity {
    /// All buckets.
    pub const ALL: [Self; 7] = [Self::None, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The word in URL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

impl FromStr for Granularity {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|bucket| bucket.as_str() == text)
            .ok_or_else(|| FieldProblem::new("bucket", "unknown", "Use none, hour, day, week, month, quarter or year."))
    }
}

/// The asked span, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendRange {
    /// Days in the organization's zone.
    Days {
        /// First day.
        from: NaiveDate,
        /// Day after the last.
        to: NaiveDate,
    },
    /// Instants on quarters of an hour.
    Instants {
        /// First instant.
        from: DateTime<Utc>,
        /// End.
        to: DateTime<Utc>,
    },
}

impl From<Period> for SpendRange {
    fn from(Period { from, to }: Period) -> Self {
        Self::Days { from, to }
    }
}

impl SpendRange {
    /// How many days it has; of instants, how many days of 24 hours they begin.
    #[must_use]
    pub fn days(&self) -> i64 {
        match self {
            Self::Days { from, to } => (*to - *from).num_days(),
            Self::Instants { from, to } => ((*to - *from).num_minutes() / 15 + 95).div_euclid(96),
        }
    }
}

/// Which values of a dimension count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Filter {
    /// Of which dimension.
    pub dimension: Dimension,
    /// The values; empty text means missing. Or parts of values, of which each value has at least one.
    pub values: Vec<String>,
    /// Whether these are left out instead.
    pub exclude: bool,
    /// Whether values count that contain one of the texts, in upper or lower case: slugs of projects and teams, names of API keys.
    #[serde(default)]
    pub contains: bool,
}

impl Filter {
    /// Only these values of a dimension.
    #[must_use]
    pub const fn only(dimension: Dimension, values: Vec<String>) -> Self {
        Self { dimension, values, exclude: false, contains: false }
    }

    /// What it says of its values: "is", "does not contain".
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match (self.contains, self.exclude) {
            (false, false) => "is",
            (false, true) => "is not",
            (true, false) => "contains",
            (true, true) => "does not contain",
        }
    }

    /// Everything that has a value of the dimension.
    #[must_use]
    pub fn present(dimension: Dimension) -> Self {
        Self { exclude: true, ..Self::only(dimension, vec![String::new()]) }
    }
}

/// The spend query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendQuery {
    /// Which span.
    pub range: SpendRange,
    /// How time is cut.
    pub bucket: Granularity,
    /// By what rows are made, in order; at most [`MAX_GROUP_BY`].
    pub group_by: Vec<Dimension>,
    /// What the answer shows; sums beyond the usual ones are computed only where one of these needs them.
    pub measures: Vec<Measure>,
    /// The business metric of whose units a measure is.
    pub metric: Option<Slug>,
    /// All must hold.
    pub filters: Vec<Filter>,
}

/// One row of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendRow {
    /// Where the bucket begins; none without buckets.
    pub bucket: Option<BucketStart>,
    /// One value per grouped dimension, in the query's order; none means missing.
    pub keys: Vec<Option<String>>,
    /// The sums.
    pub sums: Sums,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendAnswer {
    /// ISO 4217 code.
    pub currency: String,
    /// IANA name of the organization's zone.
    pub time_zone: String,
    /// Grouped dimensions, in order.
    pub group_by: Vec<Dimension>,
    /// Rows by bucket, then by falling spend.
    pub rows: Vec<SpendRow>,
    /// Over everything that matches, also where rows were cut.
    pub total: Sums,
    /// Whether rows were cut at the limit.
    pub truncated: bool,
    /// Minutes of each bucket that have passed, and of the whole span under none; empty unless a measure needs them.
    pub minutes: BTreeMap<Option<BucketStart>, Decimal>,
}

impl SpendAnswer {
    /// One measure of a bucket's sums, or of the total's under none, as the API writes it; none for a ratio of nothing.
    #[must_use]
    pub fn text(&self, measure: Measure, bucket: Option<BucketStart>, sums: &Sums) -> Option<String> {
        measure.text(sums, self.minutes.get(&bucket).copied().unwrap_or_default())
    }

    /// The rows as CSV: bucket, dimensions, the query's measures and the requests without a price.
    ///
    /// # Errors
    /// [`Problem::Unprocessable`] where rows were cut: a file would not say so.
    pub fn csv(&self, query: &SpendQuery) -> Result<String, Problem> {
        if self.truncated {
            let detail = format!("These are more than {MAX_ROWS} rows. Ask for fewer days, or group by less.");
            return Err(Problem::Unprocessable { detail });
        }
        let names: Vec<_> = self.group_by.iter().map(Dimension::name).collect();
        let bucket = (query.bucket != Granularity::None).then_some("bucket");
        let measures = query.measures.iter().map(|measure| measure.as_str());
        let header = bucket.into_iter().chain(names.iter().map(String::as_str)).chain(measures);
        let mut table = csv::Table::new(header.chain(["unpriced_requests"]));
        for row in &self.rows {
            let keys = row.keys.iter().map(|key| key.clone().unwrap_or_default());
            let text = |measure: &Measure| self.text(*measure, row.bucket, &row.sums).unwrap_or_default();
            let measures = query.measures.iter().map(text);
            let unpriced = row.sums.unpriced_requests.to_string();
            let cells: Vec<_> =
                row.bucket.iter().map(ToString::to_string).chain(keys).chain(measures).chain([unpriced]).collect();
            table.row(cells.iter().map(String::as_str));
        }
        Ok(table.into_text())
    }
}

/// What one project spent on one day, with the team that owned it that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectDay {
    /// The organization's day.
    pub day: NaiveDate,
    /// The project.
    pub project_id: ProjectId,
    /// Its owner on that day; none only where no ownership is recorded.
    pub team_id: Option<TeamId>,
    /// Known spend in USD.
    pub spend: Decimal,
    /// What its unpriced usage is estimated to have cost.
    pub estimate: Estimate,
}

impl ProjectDay {
    /// Dollars that budgets and forecasts count: known spend and the estimate of what has no price.
    #[must_use]
    pub fn counted(&self) -> Decimal {
        self.spend + self.estimate.amount
    }

    /// Whether it is of a part of the organization; a team's are the days on which it owned the project.
    #[must_use]
    pub fn is_of(&self, part: SpendScope) -> bool {
        match part {
            SpendScope::Organization => true,
            SpendScope::Team(team) => self.team_id == Some(team),
            SpendScope::Project(project) => self.project_id == project,
        }
    }
}
