//! The spend query: one query behind Overview, Explore, statements and API.

use crate::ids::{ProjectId, TeamId};
use crate::period::{MAX_DAYS, Period};
use crate::problem::{FieldProblem, Problem};
use crate::{csv, money};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
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
    /// The model as sent.
    Model,
    /// Who sells the model.
    Provider,
    /// `chat`, `embeddings` …
    Operation,
    /// Feature label.
    Feature,
    /// Environment label.
    Environment,
    /// Id of the API key.
    ApiKey,
    /// What the attempt ended with.
    Status,
    /// Customer label (daily).
    Customer,
    /// User label (daily).
    User,
    /// Cohort label (daily).
    Cohort,
    /// Step label (daily).
    Step,
    /// A free tag (daily): `tag.prompt_version`.
    Tag(String),
}

impl Dimension {
    /// All named dimensions, in the order of Explore's list.
    pub const NAMED: [Self; 13] = [
        Self::Project,
        Self::Team,
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
    ];

    /// The word in URL and JSON.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Project => "project".to_owned(),
            Self::Team => "team".to_owned(),
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
            Self::Tag(key) => format!("tag.{key}"),
        }
    }

    /// The word on the screen.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::ApiKey => "API key".to_owned(),
            Self::Tag(key) => format!("Tag {key}"),
            other => {
                let name = other.name();
                let mut letters = name.chars();
                letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
            }
        }
    }

    /// Whether the rollup of labels carries it beside a label.
    #[must_use]
    pub const fn goes_with_labels(&self) -> bool {
        matches!(self, Self::Project | Self::Team | Self::Provider | Self::Model)
    }

    /// Whether it lives in the daily table of high-cardinality labels.
    #[must_use]
    pub const fn is_label(&self) -> bool {
        matches!(self, Self::Customer | Self::User | Self::Cohort | Self::Step | Self::Tag(_))
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
pub enum Bucket {
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
}

impl Bucket {
    /// All buckets.
    pub const ALL: [Self; 5] = [Self::None, Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The word in URL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl FromStr for Bucket {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|bucket| bucket.as_str() == text)
            .ok_or_else(|| FieldProblem::new("bucket", "unknown", "Use none, hour, day, week or month."))
    }
}

/// What is summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Money.
    #[default]
    Spend,
    /// Attempts.
    Requests,
    /// All tokens.
    Tokens,
}

impl Measure {
    /// All measures.
    pub const ALL: [Self; 3] = [Self::Spend, Self::Requests, Self::Tokens];

    /// The word in URL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spend => "spend",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

impl FromStr for Measure {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|measure| measure.as_str() == text)
            .ok_or_else(|| FieldProblem::new("measure", "unknown", "Use spend, requests or tokens."))
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

/// Which values of a dimension count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Of which dimension.
    pub dimension: Dimension,
    /// The values; empty text means missing.
    pub values: Vec<String>,
    /// Whether these are left out instead.
    pub exclude: bool,
}

/// The spend query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendQuery {
    /// Which span.
    pub range: SpendRange,
    /// How time is cut.
    pub bucket: Bucket,
    /// By what rows are made, in order; at most [`MAX_GROUP_BY`].
    pub group_by: Vec<Dimension>,
    /// What the answer shows; the sums are always all computed.
    pub measures: Vec<Measure>,
    /// All must hold.
    pub filters: Vec<Filter>,
}

/// Which rollup answers a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Days of the organization's zone.
    Days(Period),
    /// Quarters of an hour, for hours and for spans that begin or end within a day.
    Quarters,
    /// Days by one label of many values.
    Labels(Period, Dimension),
}

impl SpendQuery {
    /// Everything in a span of days: no buckets, no groups, no filters.
    #[must_use]
    pub fn over(period: Period) -> Self {
        Self {
            range: SpendRange::Days { from: period.from, to: period.to },
            bucket: Bucket::None,
            group_by: Vec::new(),
            measures: Measure::ALL.to_vec(),
            filters: Vec::new(),
        }
    }

    /// The same, cut by `bucket`.
    #[must_use]
    pub fn per(mut self, bucket: Bucket) -> Self {
        self.bucket = bucket;
        self
    }

    /// The same, in groups.
    #[must_use]
    pub fn by(mut self, group_by: impl IntoIterator<Item = Dimension>) -> Self {
        self.group_by = group_by.into_iter().collect();
        self
    }

    /// The same, of one value of a dimension; empty text means missing.
    #[must_use]
    pub fn only(mut self, dimension: Dimension, value: impl Into<String>) -> Self {
        self.filters.push(Filter { dimension, values: vec![value.into()], exclude: false });
        self
    }

    /// The rollup that carries every dimension of the query.
    ///
    /// # Errors
    /// [`Problem::Unprocessable`] where none does: labels of many values are daily, one at a time, and only with project, team, provider and model.
    pub fn source(&self) -> Result<Source, Problem> {
        let cannot = |detail: String| Err(Problem::Unprocessable { detail });
        let mut asked = self.group_by.iter().chain(self.filters.iter().map(|filter| &filter.dimension));
        let label = asked.clone().find(|dimension| dimension.is_label());
        let days = match self.range {
            SpendRange::Days { from, to } if self.bucket != Bucket::Hour => Some(Period { from, to }),
            _ => None,
        };
        match (label, days) {
            (None, Some(period)) => Ok(Source::Days(period)),
            (None, None) => Ok(Source::Quarters),
            (Some(label), None) => cannot(format!("`{label}` is kept by day: use whole days, and not hours.")),
            (Some(label), Some(period)) => match asked.find(|other| *other != label && !other.goes_with_labels()) {
                Some(other) => cannot(format!(
                    "`{label}` and `{other}` cannot be combined: `{label}` goes with project, team, provider and model."
                )),
                None => Ok(Source::Labels(period, label.clone())),
            },
        }
    }

    /// Reads the parameters of `GET /v1/spend`, decoded.
    ///
    /// `from` and `to` are needed; a dimension's name is a filter, and a leading `!` excludes.
    /// A value that itself begins with `!` or `\` is written with a `\` before it.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong parameter.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut wrong = Vec::new();
        let mut query = Self::over(Period { from: NaiveDate::MIN, to: NaiveDate::MAX });
        let (mut from, mut to) = (None, None);
        let mut measures = Vec::new();
        for (name, value) in pairs {
            let taken = match name.as_str() {
                "from" => once(&mut from, name, value),
                "to" => once(&mut to, name, value),
                "bucket" => value.parse().map(|bucket| query.bucket = bucket),
                "group_by" => parse_list(value, name, MAX_GROUP_BY, &mut query.group_by),
                "measure" => parse_list(value, name, Measure::ALL.len(), &mut measures),
                _ => query.read_filter(name, value),
            };
            wrong.extend(taken.err());
        }
        if !measures.is_empty() {
            query.measures = measures;
        }
        match parse_range(from, to) {
            Ok(range) => query.range = range,
            Err(problems) => wrong.extend(problems),
        }
        if query.filters.iter().map(|filter| filter.values.len()).sum::<usize>() > MAX_FILTER_VALUES {
            wrong.push(FieldProblem::new("filters", "too_many", format!("Use at most {MAX_FILTER_VALUES} values.")));
        }
        if wrong.is_empty() { Ok(query) } else { Err(Problem::invalid(wrong)) }
    }

    /// The parameters that [`Self::from_pairs`] reads back into the same query.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let (from, to) = match self.range {
            SpendRange::Days { from, to } => (from.to_string(), to.to_string()),
            SpendRange::Instants { from, to } => (instant_text(from), instant_text(to)),
        };
        let mut pairs = vec![("from".to_owned(), from), ("to".to_owned(), to)];
        if self.bucket != Bucket::None {
            pairs.push(("bucket".to_owned(), self.bucket.as_str().to_owned()));
        }
        if !self.group_by.is_empty() {
            let names: Vec<_> = self.group_by.iter().map(Dimension::name).collect();
            pairs.push(("group_by".to_owned(), names.join(",")));
        }
        if self.measures != Measure::ALL {
            let names: Vec<_> = self.measures.iter().map(|measure| measure.as_str()).collect();
            pairs.push(("measure".to_owned(), names.join(",")));
        }
        for filter in &self.filters {
            pairs.extend(filter.to_pairs());
        }
        pairs
    }

    fn read_filter(&mut self, name: &str, value: &str) -> Result<(), FieldProblem> {
        let dimension: Dimension =
            name.parse().map_err(|_| FieldProblem::new(name, "unknown", format!("`{name}` is not a parameter.")))?;
        let (exclude, value) = match value.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, value),
        };
        let value = value.strip_prefix('\\').unwrap_or(value);
        if value.chars().count() > MAX_VALUE_LEN || value.contains('\0') {
            return Err(FieldProblem::new(
                name,
                "invalid",
                format!("Use at most {MAX_VALUE_LEN} printable characters."),
            ));
        }
        if dimension == Dimension::ApiKey && uuid::Uuid::parse_str(value).is_err() {
            return Err(FieldProblem::new(name, "invalid", "Use the id of an API key."));
        }
        let same = |filter: &&mut Filter| filter.dimension == dimension && filter.exclude == exclude;
        match self.filters.iter_mut().find(same) {
            Some(filter) => {
                if !filter.values.iter().any(|known| known == value) {
                    filter.values.push(value.to_owned());
                }
            }
            None => self.filters.push(Filter { dimension, values: vec![value.to_owned()], exclude }),
        }
        Ok(())
    }
}

impl Filter {
    /// The parameters that say it.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let sign = if self.exclude { "!" } else { "" };
        let escape = |value: &str| if value.starts_with(['!', '\\']) { "\\" } else { "" };
        let text = |value: &String| format!("{sign}{}{value}", escape(value));
        self.values.iter().map(|value| (self.dimension.name(), text(value))).collect()
    }
}

fn once(slot: &mut Option<String>, name: &str, value: &str) -> Result<(), FieldProblem> {
    match slot.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(FieldProblem::new(name, "repeated", format!("Give `{name}` once."))),
    }
}

fn parse_list<T>(text: &str, name: &str, most: usize, list: &mut Vec<T>) -> Result<(), FieldProblem>
where
    T: FromStr<Err = FieldProblem> + PartialEq,
{
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let item = word.parse()?;
        if list.contains(&item) {
            return Err(FieldProblem::new(name, "repeated", format!("Give `{word}` once.")));
        }
        list.push(item);
    }
    if list.len() > most {
        return Err(FieldProblem::new(name, "too_many", format!("Use at most {most} in `{name}`.")));
    }
    Ok(())
}

fn instant_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

enum Edge {
    Day(NaiveDate),
    Instant(DateTime<Utc>),
}

fn parse_edge(name: &str, text: Option<String>) -> Result<Edge, FieldProblem> {
    let text = text.ok_or_else(|| FieldProblem::new(name, "required", format!("`{name}` is needed.")))?;
    let example = "Use a date such as 2026-11-01 or an instant such as 2026-11-01T09:15:00Z.";
    let wrong = || FieldProblem::new(name, "invalid", example);
    if let Ok(day) = text.parse::<NaiveDate>() {
        return if (1..=9_999).contains(&day.year()) { Ok(Edge::Day(day)) } else { Err(wrong()) };
    }
    let at = DateTime::parse_from_rfc3339(&text).map_err(|_| wrong())?;
    let on_quarter = at.timestamp().rem_euclid(15 * 60) == 0 && at.timestamp_subsec_nanos() == 0;
    if on_quarter {
        Ok(Edge::Instant(at.to_utc()))
    } else {
        Err(FieldProblem::new(name, "not_on_quarter", "Instants lie on quarters of an hour."))
    }
}

fn parse_range(from: Option<String>, to: Option<String>) -> Result<SpendRange, Vec<FieldProblem>> {
    let (from, to) = match (parse_edge("from", from), parse_edge("to", to)) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => return Err(from.err().into_iter().chain(to.err()).collect()),
    };
    let (range, days) = match (from, to) {
        (Edge::Day(from), Edge::Day(to)) => (SpendRange::Days { from, to }, (to - from).num_days()),
        (Edge::Instant(from), Edge::Instant(to)) => {
            let quarters = (to - from).num_minutes() / 15;
            (SpendRange::Instants { from, to }, quarters.div_euclid(96) + i64::from(quarters > 0))
        }
        _ => return Err(vec![FieldProblem::new("to", "mixed", "Use two dates or two instants.")]),
    };
    if days < 1 {
        return Err(vec![FieldProblem::new("to", "not_after_from", "`to` lies after `from`; it is not included.")]);
    }
    if days > MAX_DAYS + 1 {
        return Err(vec![FieldProblem::new("to", "too_long", format!("Ask for at most {MAX_DAYS} days."))]);
    }
    Ok(range)
}

/// Exact sums: what every row and total carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Booked plus adjustments.
    pub spend: Decimal,
    /// Attempts.
    pub requests: i64,
    /// All tokens.
    pub tokens: i64,
    /// Attempts without a known cost.
    pub unpriced_requests: i64,
    /// Upper-bound estimate of those.
    pub unpriced_upper_bound: Decimal,
    /// Attempts that did not succeed.
    pub errors: i64,
    /// Cost avoided by the sender's own response cache.
    pub avoided_cost: Decimal,
}

impl Sums {
    /// Whether nothing happened at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Spend that counts against a budget: what is known plus the upper bound of what is not.
    #[must_use]
    pub fn with_estimate(&self) -> Decimal {
        self.spend + self.unpriced_upper_bound
    }

    /// Adds another row's sums.
    pub fn add(&mut self, other: &Self) {
        self.spend += other.spend;
        self.requests += other.requests;
        self.tokens += other.tokens;
        self.unpriced_requests += other.unpriced_requests;
        self.unpriced_upper_bound += other.unpriced_upper_bound;
        self.errors += other.errors;
        self.avoided_cost += other.avoided_cost;
    }
}

/// One row of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendRow {
    /// Start of the bucket: RFC 3339 with offset for hours, a date for days, its Monday for weeks, `YYYY-MM` for months; none without buckets.
    pub bucket: Option<String>,
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
}

impl Sums {
    /// One measure as the API writes it.
    #[must_use]
    pub fn text(&self, measure: Measure) -> String {
        match measure {
            Measure::Spend => money::exact(self.spend),
            Measure::Requests => self.requests.to_string(),
            Measure::Tokens => self.tokens.to_string(),
        }
    }
}

impl SpendAnswer {
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
        let bucket = (query.bucket != Bucket::None).then_some("bucket");
        let measures = query.measures.iter().map(|measure| measure.as_str());
        let header = bucket.into_iter().chain(names.iter().map(String::as_str)).chain(measures);
        let mut table = csv::Table::new(header.chain(["unpriced_requests"]));
        for row in &self.rows {
            let keys = row.keys.iter().map(|key| key.clone().unwrap_or_default());
            let measures = query.measures.iter().map(|measure| row.sums.text(*measure));
            let unpriced = row.sums.unpriced_requests.to_string();
            let cells: Vec<_> = row.bucket.iter().cloned().chain(keys).chain(measures).chain([unpriced]).collect();
            table.row(cells.iter().map(String::as_str));
        }
        Ok(table.into_text())
    }
}

/// One project's sums on one day, with the team that owned it that day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectDay {
    /// The organization's day.
    pub day: NaiveDate,
    /// The project.
    pub project_id: ProjectId,
    /// Its owner on that day; none only where no ownership is recorded.
    pub team_id: Option<TeamId>,
    /// The sums.
    pub sums: Sums,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        text.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    fn read(text: &str) -> SpendQuery {
        SpendQuery::from_pairs(&pairs(text)).unwrap()
    }

    fn wrong(text: &str) -> Vec<(String, String)> {
        match SpendQuery::from_pairs(&pairs(text)) {
            Err(Problem::Invalid { fields, .. }) => fields.into_iter().map(|f| (f.pointer, f.code)).collect(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn parameters_are_read_and_written_back() {
        for text in [
            "from=2026-11-01&to=2026-12-01",
            "from=2026-11-01&to=2026-12-01&bucket=day&group_by=project,model&measure=spend,requests&provider=openai",
            "from=2026-11-01T18:30:00Z&to=2026-11-02T18:45:00Z&bucket=hour&provider=openai&provider=anthropic&provider=!aws",
            "from=2026-11-01&to=2026-12-01&group_by=tag.prompt_version&tag.prompt_version=!&customer=",
            "from=2026-11-01&to=2026-12-01&feature=\\!x&feature=\\\\y&feature=!\\!z",
        ] {
            let query = read(text);
            assert_eq!(query.to_pairs(), pairs(text), "{text}");
        }
        let query = read("from=2026-11-01&to=2026-12-01&feature=\\!x&feature=!\\!z&feature=!");
        assert_eq!(query.filters[0].values, ["!x"]);
        assert_eq!(
            (query.filters[1].values.as_slice(), query.filters[1].exclude),
            (&["!z".to_owned(), String::new()][..], true)
        );
        let query = read(
            "from=2026-11-01T00:00:00%2B05:30&to=2026-11-02"
                .replace("%2B", "+")
                .replace("-02", "-02T00:00:00+05:30")
                .as_str(),
        );
        assert_eq!(query.to_pairs()[0].1, "2026-10-31T18:30:00Z");
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let code = |name: &str, code: &str| vec![(name.to_owned(), code.to_owned())];
        assert_eq!(wrong("to=2026-12-01"), code("from", "required"));
        assert_eq!(wrong("from=2026-12-01&to=2026-12-01"), code("to", "not_after_from"));
        assert_eq!(wrong("from=0001-01-01&to=2026-12-01"), code("to", "too_long"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01T00:00:00Z"), code("to", "mixed"));
        assert_eq!(wrong("from=2026-11-01T00:07:00Z&to=2026-12-01T00:00:00Z"), code("from", "not_on_quarter"));
        assert_eq!(wrong("from=x&to=2026-12-01"), code("from", "invalid"));
        assert_eq!(wrong("from=-20000-01-01&to=-20000-01-02").len(), 2);
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&from=2026-11-02"), code("from", "repeated"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&bucket=year"), code("bucket", "unknown"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&group_by=colour"), code("group_by", "unknown"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&group_by=model,model"), code("group_by", "repeated"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&group_by=model,project,team"), code("group_by", "too_many"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&measure=latency"), code("measure", "unknown"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&groupby=model"), code("groupby", "unknown"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&api_key=x"), code("api_key", "invalid"));
        assert_eq!(wrong("bucket=year&from=x&to=y").len(), 3);
    }

    #[test]
    fn the_rollup_follows_from_the_dimensions() {
        let days = Period::new("2026-11-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
        let source = |text: &str| read(&format!("from=2026-11-01&to=2026-12-01&{text}")).source();
        assert_eq!(source("bucket=week&group_by=team,status"), Ok(Source::Days(days)));
        assert_eq!(source("bucket=hour&group_by=feature"), Ok(Source::Quarters));
        assert_eq!(read("from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&bucket=day").source(), Ok(Source::Quarters));
        assert_eq!(source("group_by=customer,model&project=a"), Ok(Source::Labels(days, Dimension::Customer)));
        for cannot in
            ["group_by=customer,user", "group_by=customer&feature=x", "bucket=hour&customer=acme", "tag.a=1&tag.b=2"]
        {
            assert!(matches!(source(cannot), Err(Problem::Unprocessable { .. })), "{cannot}");
        }
    }
}
