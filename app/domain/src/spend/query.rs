//! The query as a value: built in code, read from parameters, written back, matched to a rollup.

use super::{
    Dimension, Filter, Granularity, MAX_FILTER_VALUES, MAX_GROUP_BY, MAX_HOUR_DAYS, MAX_VALUE_LEN, Measure, Measured,
    Needs, SpendQuery, SpendRange,
};
use crate::period::{MAX_DAYS, Period};
use crate::problem::{FieldProblem, Problem};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};
use std::str::FromStr;

/// Most labels of one query: those of two groups and of two filters.
pub const MAX_LABELS: usize = 4;

/// What answers a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Days of the organization's zone.
    Days(Period),
    /// Quarters of an hour, for hours and for spans that begin or end within a day.
    Quarters,
    /// Days by one label of many values.
    Labels(Period, Dimension),
    /// Events, for labels that no rollup has together, or by the hour.
    Events(Vec<Dimension>),
    /// Days shared out by the allocation rules.
    Allocated(Period),
}

impl SpendQuery {
    /// Everything in a span: no buckets, no groups, no filters.
    #[must_use]
    pub fn over(range: impl Into<SpendRange>) -> Self {
        Self {
            range: range.into(),
            bucket: Granularity::None,
            group_by: Vec::new(),
            measures: Measure::DEFAULT.to_vec(),
            metric: None,
            filters: Vec::new(),
        }
    }

    /// The same, cut by `bucket`.
    #[must_use]
    pub fn per(mut self, bucket: Granularity) -> Self {
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
        self.filters.push(Filter::only(dimension, vec![value.into()]));
        self
    }

    /// Every dimension that it groups or filters by; one may come more than once.
    pub fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.group_by.iter().chain(self.filters.iter().map(|filter| &filter.dimension))
    }

    /// The same, with what some measures need.
    #[must_use]
    pub fn measuring(mut self, measures: impl Into<Vec<Measure>>) -> Self {
        self.measures = measures.into();
        self
    }

    /// Which sums it needs beyond the usual ones.
    #[must_use]
    pub fn needs(&self) -> Needs {
        Needs::of(&self.measures)
    }

    /// What carries every dimension of the query: a rollup, or events where no rollup does. Rollups have labels (customer, user, tags) by day and one at a time, each beside every other dimension.
    ///
    /// # Errors
    /// [`Problem::Unprocessable`] with more than [`MAX_LABELS`] labels, or for a measure that no rollup carries so.
    pub fn source(&self) -> Result<Source, Problem> {
        let needs = self.needs();
        let refuse = |detail: &str| Err(Problem::Unprocessable { detail: detail.to_owned() });
        if self.is_allocated() {
            return match self.days() {
                Some(days) if !self.dimensions().any(Dimension::is_label) => {
                    match self.measures.iter().all(|measure| measure.is_shared_out()) {
                        true => Ok(Source::Allocated(days)),
                        false => refuse(
                            "Allocation rules share out spend, requests and tokens: ask for one of these by allocated team, or for what follows from them.",
                        ),
                    }
                }
                _ => refuse(
                    "Allocated teams are known by whole days, and beside any dimension but customer, user and tags.",
                ),
            };
        }
        let source = self.carrier()?;
        let by_label = matches!(source, Source::Labels(..) | Source::Events(_));
        if needs != Needs::default() && by_label {
            return refuse(
                "Retries, response-cache hits, tokens by kind, included usage, latencies, peaks and the number of customers are not kept by customer, user or tag.",
            );
        }
        if needs.is_by_day() && (needs.peak || source == Source::Quarters) {
            return refuse(
                "Tokens by kind, included usage, latencies and customers are kept by day: ask for whole days, in buckets of a day or longer, and without a peak.",
            );
        }
        if !needs.peak {
            return Ok(source);
        }
        if self.range.days() > MAX_HOUR_DAYS {
            return refuse(&format!("A peak is found among quarters of an hour, of at most {MAX_HOUR_DAYS} days."));
        }
        Ok(Source::Quarters)
    }

    /// Whether it asks who answers for usage by the allocation rules.
    #[must_use]
    pub fn is_allocated(&self) -> bool {
        self.dimensions().any(|dimension| *dimension == Dimension::AllocatedTeam)
    }

    /// The days that it asks about; none where it asks for hours or for instants.
    fn days(&self) -> Option<Period> {
        match self.range {
            SpendRange::Days { from, to } if self.bucket != Granularity::Hour => Some(Period { from, to }),
            _ => None,
        }
    }

    /// What carries every dimension, whatever is measured.
    fn carrier(&self) -> Result<Source, Problem> {
        let mut labels: Vec<&Dimension> = Vec::new();
        for label in self.dimensions().filter(|dimension| dimension.is_label()) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        if labels.len() > MAX_LABELS {
            let detail = format!("Use at most {MAX_LABELS} of customer, user and tags in one query.");
            return Err(Problem::Unprocessable { detail });
        }
        Ok(match (labels.as_slice(), self.days()) {
            ([], Some(period)) => Source::Days(period),
            ([], None) => Source::Quarters,
            ([label], Some(period)) => Source::Labels(period, (*label).clone()),
            (labels, _) => Source::Events(labels.iter().copied().cloned().collect()),
        })
    }

    /// Reads the parameters of `GET /v1/spend`, decoded.
    ///
    /// `from` and `to` are needed; a dimension's name is a filter, a leading `!` excludes, and a `~` before a text asks for values that contain it.
    /// A value that itself begins with `!`, `~` or `\` is written with a `\` before it.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong parameter.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut wrong = Vec::new();
        let mut query = Self::over(Period { from: NaiveDate::MIN, to: NaiveDate::MAX });
        let (mut from, mut to) = (None, None);
        let mut measures: Vec<Measured> = Vec::new();
        for (name, value) in pairs {
            let taken = match name.as_str() {
                "from" => once(&mut from, name, value),
                "to" => once(&mut to, name, value),
                "bucket" => value.parse().map(|bucket| query.bucket = bucket),
                "group_by" => parse_list(value, name, MAX_GROUP_BY, &mut query.group_by),
                "measure" => parse_list(value, name, Measure::ALL.len(), &mut measures),
                _ => Filter::read(&mut query.filters, name, value),
            };
            wrong.extend(taken.err());
        }
        let mut metrics = measures.iter_mut().filter_map(|measured| measured.metric.take());
        query.metric = metrics.next();
        if metrics.next().is_some() {
            wrong.push(FieldProblem::new("measure", "too_many", "Ask for the units of one business metric at a time."));
        }
        drop(metrics);
        if !measures.is_empty() {
            query.measures = measures.into_iter().map(|measured| measured.measure).collect();
        }
        match parse_range(from, to) {
            Ok(range) => query.range = range,
            Err(problems) => wrong.extend(problems),
        }
        wrong.extend(too_many_values(&query.filters));
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
        if self.bucket != Granularity::None {
            pairs.push(("bucket".to_owned(), self.bucket.as_str().to_owned()));
        }
        if !self.group_by.is_empty() {
            let names: Vec<_> = self.group_by.iter().map(Dimension::name).collect();
            pairs.push(("group_by".to_owned(), names.join(",")));
        }
        if self.measures != Measure::DEFAULT {
            let names: Vec<_> =
                self.measures.iter().map(|measure| Measured::word(*measure, self.metric.as_ref())).collect();
            pairs.push(("measure".to_owned(), names.join(",")));
        }
        for filter in &self.filters {
            pairs.extend(filter.to_pairs());
        }
        pairs
    }
}

impl Filter {
    /// Adds what a parameter says to filters: its name is a dimension's, a leading `!` excludes, a `~` behind it asks for a part of the value.
    ///
    /// # Errors
    /// A field problem that names the parameter.
    pub fn read(filters: &mut Vec<Self>, name: &str, value: &str) -> Result<(), FieldProblem> {
        let dimension: Dimension =
            name.parse().map_err(|_| FieldProblem::new(name, "unknown", format!("`{name}` is not a parameter.")))?;
        let (exclude, value) = match value.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, value),
        };
        let (contains, value) = match value.strip_prefix('~') {
            Some("") => {
                return Err(FieldProblem::new(name, "invalid", "Say what the value contains: `~` before a text."));
            }
            Some(part) => (true, part),
            None => (false, value.strip_prefix('\\').unwrap_or(value)),
        };
        if value.chars().count() > MAX_VALUE_LEN || value.contains('\0') {
            return Err(FieldProblem::new(
                name,
                "invalid",
                format!("Use at most {MAX_VALUE_LEN} printable characters."),
            ));
        }
        if dimension == Dimension::ApiKey && !contains && uuid::Uuid::parse_str(value).is_err() {
            return Err(FieldProblem::new(name, "invalid", "Use the id of an API key."));
        }
        let same = |filter: &&mut Self| {
            filter.dimension == dimension && filter.exclude == exclude && filter.contains == contains
        };
        match filters.iter_mut().find(same) {
            Some(filter) => {
                if !filter.values.iter().any(|known| known == value) {
                    filter.values.push(value.to_owned());
                }
            }
            None => filters.push(Self { dimension, values: vec![value.to_owned()], exclude, contains }),
        }
        Ok(())
    }

    /// As [`Self::read`], for lists of events: these have no allocated team.
    ///
    /// # Errors
    /// A field problem that names the parameter.
    pub fn read_of_events(filters: &mut Vec<Self>, name: &str, value: &str) -> Result<(), FieldProblem> {
        if name.parse::<Dimension>().is_ok_and(|dimension| !dimension.is_of_events()) {
            let detail = "Rules share out sums, not events. Use this filter in Explore or GET /v1/spend.";
            return Err(FieldProblem::new(name, "unknown", detail));
        }
        Self::read(filters, name, value)
    }

    /// The values of a dimension that it lets through; empty text means missing.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        let is_one = |of: &String| match self.contains {
            true => value.to_lowercase().contains(&of.to_lowercase()),
            false => value == of,
        };
        self.values.iter().any(is_one) != self.exclude
    }

    /// The filters among the parameters of a page; what is no dimension is left out.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong one.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Vec<Self>, Problem> {
        Self::all(pairs, Self::read)
    }

    /// As [`Self::from_pairs`], for lists of events.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong one.
    pub fn of_events(pairs: &[(String, String)]) -> Result<Vec<Self>, Problem> {
        Self::all(pairs, Self::read_of_events)
    }

    fn all(
        pairs: &[(String, String)],
        read: fn(&mut Vec<Self>, &str, &str) -> Result<(), FieldProblem>,
    ) -> Result<Vec<Self>, Problem> {
        let mut filters = Vec::new();
        let named = pairs.iter().filter(|(name, _)| name.parse::<Dimension>().is_ok());
        let mut wrong: Vec<_> = named.filter_map(|(name, value)| read(&mut filters, name, value).err()).collect();
        wrong.extend(too_many_values(&filters));
        if wrong.is_empty() { Ok(filters) } else { Err(Problem::invalid(wrong)) }
    }

    /// The parameters that say it.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let exclude = if self.exclude { "!" } else { "" };
        let escape = |value: &str| match value.chars().next() {
            _ if self.contains => "~",
            Some('!' | '~' | '\\') => "\\",
            _ => "",
        };
        let text = |value: &String| format!("{exclude}{}{value}", escape(value));
        self.values.iter().map(|value| (self.dimension.name(), text(value))).collect()
    }
}

fn too_many_values(filters: &[Filter]) -> Option<FieldProblem> {
    let values: usize = filters.iter().map(|filter| filter.values.len()).sum();
    let detail = format!("Use at most {MAX_FILTER_VALUES} filter values.");
    (values > MAX_FILTER_VALUES).then(|| FieldProblem::new("filters", "too_many", detail))
}

fn once(slot: &mut Option<String>, name: &str, value: &str) -> Result<(), FieldProblem> {
    match slot.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(FieldProblem::new(name, "repeated", format!("Give `{name}` once."))),
    }
}

pub(crate) fn parse_list<T>(text: &str, name: &str, most: usize, list: &mut Vec<T>) -> Result<(), FieldProblem>
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
    let range = match (from, to) {
        (Edge::Day(from), Edge::Day(to)) => SpendRange::Days { from, to },
        (Edge::Instant(from), Edge::Instant(to)) => SpendRange::Instants { from, to },
        _ => return Err(vec![FieldProblem::new("to", "mixed", "Use two dates or two instants.")]),
    };
    let days = range.days();
    if days < 1 {
        return Err(vec![FieldProblem::new("to", "not_after_from", "`to` lies after `from`; it is not included.")]);
    }
    if days > MAX_DAYS + 1 {
        return Err(vec![FieldProblem::new("to", "too_long", format!("Ask for at most {MAX_DAYS} days."))]);
    }
    Ok(range)
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
            "from=2026-11-01&to=2026-12-01&feature=~tri&feature=~!x&feature=!~\\y&feature=\\~z&api_key=~ci",
            "from=2026-11-01&to=2026-12-01&bucket=year&measure=cost_per_request,retries",
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
    fn a_page_takes_the_filters_among_its_parameters() {
        let filters = Filter::from_pairs(&pairs("period=7d&model=gpt-4o&model=!o1&chart=bar&project=")).unwrap();
        let text: Vec<_> =
            filters.iter().flat_map(Filter::to_pairs).map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(text, ["model=gpt-4o", "model=!o1", "project="]);
        assert!(Filter::from_pairs(&pairs("api_key=x")).is_err());
        assert!(
            Filter::from_pairs(&(0..101).map(|n| ("model".to_owned(), n.to_string())).collect::<Vec<_>>()).is_err()
        );
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
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&bucket=decade"), code("bucket", "unknown"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&model=~"), code("model", "invalid"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&group_by=colour"), code("group_by", "unknown"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&group_by=model,model"), code("group_by", "repeated"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&group_by=model,project,team"), code("group_by", "too_many"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&measure=latency"), code("measure", "unknown"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&groupby=model"), code("groupby", "unknown"));
        assert_eq!(wrong("from=2026-11-01&to=2026-12-01&api_key=x"), code("api_key", "invalid"));
        assert_eq!(wrong("bucket=decade&from=x&to=y").len(), 3);
    }

    #[test]
    fn the_rollup_follows_from_the_dimensions() {
        let days = Period::new("2026-11-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
        let source = |text: &str| read(&format!("from=2026-11-01&to=2026-12-01&{text}")).source();
        assert_eq!(source("bucket=week&group_by=team,status"), Ok(Source::Days(days)));
        assert_eq!(source("bucket=hour&group_by=feature"), Ok(Source::Quarters));
        assert_eq!(read("from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&bucket=day").source(), Ok(Source::Quarters));
        assert_eq!(source("bucket=hour&group_by=step,cohort"), Ok(Source::Quarters));
        assert_eq!(source("group_by=customer,status&operation=chat"), Ok(Source::Labels(days, Dimension::Customer)));
        assert_eq!(source("group_by=step&tag.a=x&feature=y"), Ok(Source::Labels(days, Dimension::Tag("a".to_owned()))));
        let tag = |key: &str| Dimension::Tag(key.to_owned());
        assert_eq!(source("group_by=customer,user"), Ok(Source::Events(vec![Dimension::Customer, Dimension::User])));
        assert_eq!(source("bucket=hour&customer=acme"), Ok(Source::Events(vec![Dimension::Customer])));
        assert_eq!(source("tag.a=1&tag.b=2&group_by=tag.a"), Ok(Source::Events(vec![tag("a"), tag("b")])));
        let refused = |text: &str| matches!(source(text), Err(Problem::Unprocessable { .. }));
        assert_eq!(source("measure=cache_read_share&group_by=feature&bucket=year"), Ok(Source::Days(days)));
        assert_eq!(source("measure=retries&bucket=hour"), Ok(Source::Quarters));
        assert_eq!(source("measure=peak_requests_per_minute&bucket=day"), Ok(Source::Quarters));
        assert_eq!(source("measure=error_rate&customer=x"), Ok(Source::Labels(days, Dimension::Customer)));
        assert!(refused("measure=input_tokens&bucket=hour") && refused("measure=retries&group_by=customer"));
        assert!(
            refused("measure=peak_tokens_per_minute,input_tokens") && refused("measure=peak_tokens_per_minute&user=x")
        );
        let quarter = read("from=2026-10-01&to=2026-12-01&measure=peak_tokens_per_minute").source();
        assert!(matches!(quarter, Err(Problem::Unprocessable { .. })));
        let five = source("group_by=customer,user&tag.a=1&tag.b=2&tag.c=3");
        assert!(matches!(five, Err(Problem::Unprocessable { .. })));
    }
}
