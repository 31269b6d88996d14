//! A value of a metric as it is sent, or read from a row of a file.

use super::{BusinessMetric, MetricValue};
use crate::charge::{check_labels, labels_of};
use crate::import::FileForm;
use crate::money::PLACES;
use crate::period::Period;
use crate::price::own::Wrong;
use crate::problem::FieldProblem;
use crate::project::Slug;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most values that are recorded at once.
pub const MAX_VALUES: usize = 2_000;
/// Longest unit, in characters.
const MAX_UNIT_LEN: usize = 40;
/// Largest value.
const MAX_VALUE: u64 = 1_000_000_000_000;

/// A value as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MetricForm {
    /// The metric: lower-case letters, digits and hyphens.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "tickets-resolved", max_length = 64))]
    pub name: String,
    /// What it counts; `USD` for revenue, which has a margin. Always the same for one metric.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "tickets", max_length = 40))]
    pub unit: String,
    /// A day such as `2026-11-20`, a month such as `2026-11`, or the first day and the day after the last as `2026-11-16/2026-11-23`, in the organization's calendar.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "2026-11-20"))]
    pub period: String,
    /// A decimal number.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "412"))]
    pub value: String,
    /// What it is of. `project`, `team`, `customer`, `feature` and `environment` are looked up in spend too.
    pub labels: BTreeMap<String, String>,
}

/// A value on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewValue {
    /// Of which metric.
    pub metric: BusinessMetric,
    /// The value.
    pub value: MetricValue,
}

impl MetricForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<NewValue, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let name = Slug::parse(self.name.trim()).map_err(|wrong| FieldProblem { pointer: "name".to_owned(), ..wrong });
        let (name, unit) = (wrong.take(name), wrong.take(read_unit(&self.unit)));
        let (period, value) = (wrong.take(parse_period(&self.period)), wrong.take(read_value(&self.value)));
        let labels = wrong.take(check_labels(&self.labels));
        let (Some((name, unit)), Some((period, value)), Some(labels)) = (name.zip(unit), period.zip(value), labels)
        else {
            return Err(wrong.0);
        };
        Ok(NewValue { metric: BusinessMetric { name, unit }, value: MetricValue { period, labels, value } })
    }
}

impl FileForm for MetricForm {
    const COLUMNS: &'static [&'static str] = &["name", "unit", "period", "value", "labels"];

    fn set(&mut self, column: &str, cell: String) -> Result<(), FieldProblem> {
        match column {
            "name" => self.name = cell,
            "unit" => self.unit = cell,
            "period" => self.period = cell,
            "value" => self.value = cell,
            _ => self.labels = labels_of(&cell)?,
        }
        Ok(())
    }
}

/// Reads the days of a value: a day, a month, or two days with a slash between, of which the second is the day after the last.
///
/// # Errors
/// A field problem for `period`.
pub fn parse_period(text: &str) -> Result<Period, FieldProblem> {
    let day = |text: &str| {
        // Ten characters: chrono also reads days without their leading zeros.
        let day = Some(text.trim()).filter(|text| text.len() == 10)?.parse::<NaiveDate>().ok();
        day.filter(|day| (1990..2200).contains(&chrono::Datelike::year(day)))
    };
    let text = text.trim();
    let read = match text.split_once('/') {
        Some((from, to)) => day(from).zip(day(to)).and_then(|(from, to)| Period::new(from, to)),
        None if text.len() == 7 => day(&format!("{text}-01")).map(Period::month_of),
        None => day(text).and_then(|day| Period::new(day, day.succ_opt()?)),
    };
    read.ok_or_else(|| {
        let detail = "Use a day such as 2026-11-20, a month such as 2026-11, or 2026-11-16/2026-11-23.";
        FieldProblem::new("period", "invalid", detail)
    })
}

fn read_unit(text: &str) -> Result<String, FieldProblem> {
    let unit = text.trim();
    if unit.is_empty() || unit.chars().count() > MAX_UNIT_LEN || unit.chars().any(char::is_control) {
        let detail = format!("Say what it counts in at most {MAX_UNIT_LEN} characters, such as tickets, or USD.");
        return Err(FieldProblem::new("unit", "invalid", detail));
    }
    Ok(unit.to_owned())
}

fn read_value(text: &str) -> Result<Decimal, FieldProblem> {
    let value = text.trim().replace([',', '_', ' '], "").parse::<Decimal>().ok().map(|value| value.normalize());
    let fits = |value: &Decimal| value.scale() <= PLACES && value.abs() <= Decimal::from(MAX_VALUE);
    value.filter(fits).ok_or_else(|| FieldProblem::new("value", "invalid", "Use a number such as 412 or 18400.50."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_what_it_counts_and_when() {
        let form = MetricForm {
            name: "tickets-resolved".to_owned(),
            unit: "tickets".to_owned(),
            period: "2026-02".to_owned(),
            value: "1,200.50".to_owned(),
            labels: BTreeMap::from([("project".to_owned(), "search".to_owned())]),
        };
        let read = form.parse().unwrap();
        assert_eq!((read.value.period.days(), read.value.value), (28, Decimal::new(120_050, 2)));
        assert!(!read.metric.is_revenue());
        let wrong: Vec<String> =
            MetricForm::default().parse().unwrap_err().into_iter().map(|wrong| wrong.pointer).collect();
        assert_eq!(wrong, ["name", "unit", "period", "value"]);
    }

    #[test]
    fn days_are_read() {
        let days = |text: &str| parse_period(text).map(|period| (period.from.to_string(), period.days())).ok();
        assert_eq!(days("2026-11-20"), Some(("2026-11-20".to_owned(), 1)));
        assert_eq!(days("2026-11-16/2026-11-23"), Some(("2026-11-16".to_owned(), 7)));
        for wrong in ["", "2026", "2026-13", "2026-11-23/2026-11-16", "0001-01-01", "2026-11-1"] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
    }
}
