//! Where figures lead: from any bar or cell one step deeper.

use crate::layout::{NavItem, UrlQuery};
use domain::period::Period;
use domain::spend::{BucketStart, Dimension, Filter, Measure};

/// Parameters of Explore that are no filter and no days.
const VIEW: [&str; 7] = ["measure", "group_by", "bucket", "chart", "top", "sort", "rows"];

/// The parameters with the filters of a value added; none means missing.
pub(super) fn with_value(query: &UrlQuery, dimension: &Dimension, value: Option<&str>, exclude: bool) -> UrlQuery {
    let filter = Filter { exclude, ..Filter::only(dimension.clone(), vec![value.unwrap_or_default().to_owned()]) };
    let name = dimension.name();
    // Only one value of a dimension is looked at after a click; exclusions add up.
    let base = if exclude { query.clone() } else { query.without(&[&name]) };
    filter.to_pairs().into_iter().fold(base, |query, (name, value)| query.and(&name, &value))
}

/// The events of these days that have all these values; an empty one means missing.
pub(crate) fn events_of<'a>(days: Period, values: impl IntoIterator<Item = (Dimension, &'a str)>) -> UrlQuery {
    let with =
        |query: UrlQuery, (dimension, value): (Dimension, &str)| with_value(&query, &dimension, Some(value), false);
    values.into_iter().fold(UrlQuery::days(days), with)
}

/// The parameters with these days.
pub(super) fn with_days(query: &UrlQuery, period: Period) -> UrlQuery {
    query
        .without(&["period", "from", "to", "through"])
        .and("from", &period.from.to_string())
        .and("to", &period.to.to_string())
}

/// Explore for one step of a chart, cut finer.
pub(super) fn step(org: &str, query: &UrlQuery, start: BucketStart) -> Option<String> {
    let days = Period::new(start.day(), start.end()).filter(|_| start.hour().is_none())?;
    Some(with_days(&query.without(&["bucket"]), days).at(&NavItem::Explore.path(org)))
}

/// Explore split by a dimension, with the page's days and filters.
pub(super) fn explore_by(org: &str, query: &UrlQuery, dimension: &Dimension) -> String {
    query.without(&VIEW).and("group_by", &dimension.name()).at(&NavItem::Explore.path(org))
}

/// Explore of what plans include, by key.
pub(super) fn explore_included(org: &str, query: &UrlQuery) -> String {
    let query = query.without(&VIEW).and("measure", Measure::IncludedValue.as_str());
    query.and("group_by", &Dimension::ApiKey.name()).at(&NavItem::Explore.path(org))
}

/// The events behind a value.
pub(super) fn events(org: &str, query: &UrlQuery, dimension: &Dimension, value: Option<&str>) -> String {
    with_value(&query.sticky(), dimension, value, false).at(&NavItem::Events.path(org))
}

/// By what to split after one value of a dimension was chosen.
pub(super) fn next_dimension(dimension: &Dimension) -> Dimension {
    match dimension {
        Dimension::Team | Dimension::ProductLine => Dimension::Project,
        Dimension::Project | Dimension::Customer | Dimension::Feature | Dimension::Environment => Dimension::Model,
        Dimension::Provider => Dimension::Model,
        _ => Dimension::Project,
    }
}
