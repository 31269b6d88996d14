//! Which days and which scope a question about unit costs has, as an address says it.

use super::Selection;
use crate::period::Period;
use crate::problem::FieldProblem;
use crate::spend::{Granularity, starts};
use chrono::NaiveDate;

/// Reads `from`, `to` and `bucket`; every other name is a label with its value.
///
/// # Errors
/// A problem for every wrong parameter.
pub fn question(pairs: &[(String, String)]) -> Result<(Period, Vec<Period>, Selection), Vec<FieldProblem>> {
    let of = |name: &str| pairs.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str());
    let mut wrong = Vec::new();
    let mut day = |name: &str| {
        let day = of(name).and_then(|text| text.parse::<NaiveDate>().ok());
        if day.is_none() {
            wrong.push(FieldProblem::new(name, "invalid", "Use a day such as 2026-11-01."));
        }
        day
    };
    let (from, to) = (day("from"), day("to"));
    let period = from.zip(to).and_then(|(from, to)| Period::new(from, to));
    if from.is_some() && to.is_some() && period.is_none() {
        wrong.push(FieldProblem::new("to", "invalid", "It ends after it begins, at most ten years later."));
    }
    let bucket = match of("bucket") {
        None | Some("none") => Some(Granularity::None),
        Some("day") => Some(Granularity::Day),
        Some("week") => Some(Granularity::Week),
        Some("month") => Some(Granularity::Month),
        Some(_) => {
            wrong.push(FieldProblem::new("bucket", "unknown", "Use none, day, week or month."));
            None
        }
    };
    let labels = pairs.iter().filter(|(name, _)| !["from", "to", "bucket"].contains(&name.as_str()));
    match (period, bucket) {
        (Some(period), Some(bucket)) if wrong.is_empty() => {
            Ok((period, steps(period, bucket), labels.cloned().collect()))
        }
        _ => Err(wrong),
    }
}

/// The steps of a period; none without buckets.
#[must_use]
pub fn steps(period: Period, bucket: Granularity) -> Vec<Period> {
    let begins = starts(period, bucket);
    let ends = begins.iter().skip(1).copied().chain([period.to]);
    begins.iter().copied().zip(ends).map(|(from, to)| Period { from: from.max(period.from), to }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Result<(Period, Vec<Period>, Selection), Vec<String>> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        question(&pairs).map_err(|wrong| wrong.into_iter().map(|wrong| wrong.pointer).collect())
    }

    #[test]
    fn labels_are_what_is_no_parameter() {
        let (period, steps, labels) =
            asked(&[("from", "2026-11-10"), ("to", "2026-12-02"), ("bucket", "month"), ("project", "search")]).unwrap();
        assert_eq!((period.days(), steps.len(), labels["project"].as_str()), (22, 2, "search"));
        assert_eq!((steps[0].days(), steps[1].days()), (21, 1));
        assert_eq!(asked(&[("from", "2026-11-01"), ("to", "2026-12-01")]).unwrap().1, []);
        assert_eq!(asked(&[("to", "x"), ("bucket", "hour")]).unwrap_err(), ["from", "to", "bucket"]);
        assert_eq!(asked(&[("from", "2026-11-01"), ("to", "2026-11-01")]).unwrap_err(), ["to"]);
    }
}
