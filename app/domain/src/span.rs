//! Spans of time and their edges.

#[cfg(feature = "tz")]
use crate::period::Zone;
use crate::problem::FieldProblem;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Begin or end of a span: a day of the organization's zone or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// The first instant of this day.
    Day(NaiveDate),
    /// This instant.
    At(DateTime<Utc>),
}

impl Edge {
    /// Reads a date or an instant in RFC 3339.
    ///
    /// # Errors
    /// A field problem for the parameter `name`.
    pub fn read(name: &str, text: &str) -> Result<Self, FieldProblem> {
        let day = text.parse().ok().map(Self::Day);
        day.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| Self::At(at.to_utc()))).ok_or_else(|| {
            let detail = "Use a date such as 2026-11-01 or an instant such as 2026-11-01T09:41:07Z.";
            FieldProblem::new(name, "invalid", detail)
        })
    }

    /// As [`Self::read`] reads it.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Day(day) => day.to_string(),
            Self::At(at) => at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        }
    }

    /// Its instant in a zone.
    #[cfg(feature = "tz")]
    #[must_use]
    pub fn instant(self, zone: Zone) -> DateTime<Utc> {
        match self {
            Self::Day(day) => zone.start_of(day),
            Self::At(at) => at,
        }
    }
}

/// From an instant until before another; none is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// None: from the beginning of time.
    pub from: Option<DateTime<Utc>>,
    /// None: without an end date.
    pub to: Option<DateTime<Utc>>,
}

impl Span {
    /// All time.
    pub const ALWAYS: Self = Self { from: None, to: None };

    /// A span that ends after it begins.
    ///
    /// # Errors
    /// A field problem for `valid_to`.
    pub fn new(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Result<Self, FieldProblem> {
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(FieldProblem::new("valid_to", "before_begin", "The end lies before the begin."));
        }
        Ok(Self { from, to })
    }

    /// Whether it holds at an instant.
    #[must_use]
    pub fn holds(self, at: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// Whether any instant is in both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let begins_before_end_of =
            |from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>| from.zip(to).is_none_or(|(from, to)| from < to);
        begins_before_end_of(self.from, other.to) && begins_before_end_of(other.from, self.to)
    }

    /// What is left of it beside another: before, after, both or neither.
    pub fn subtract(self, other: Self) -> impl Iterator<Item = Self> {
        let overlaps = self.overlaps(other);
        let before = other.from.filter(|from| self.from.is_none_or(|begin| begin < *from));
        let after = other.to.filter(|to| self.to.is_none_or(|end| *to < end));
        let parts = if overlaps {
            [before.map(|to| Self { to: Some(to), ..self }), after.map(|from| Self { from: Some(from), ..self })]
        } else {
            [Some(self), None]
        };
        parts.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(hour * 3_600, 0).unwrap()
    }

    fn spans() -> impl Strategy<Value = Span> {
        let edge = || prop::option::of(0_i64..20);
        (edge(), edge()).prop_filter_map("ends after it begins", |(from, to)| Span::new(from.map(at), to.map(at)).ok())
    }

    proptest! {
        /// The parts hold where the old span holds and the new one does not, each instant once.
        #[test]
        fn what_is_left_holds_exactly_where_the_other_does_not((old, new) in (spans(), spans()), hour in -1_i64..21) {
            let instant = at(hour);
            let left: Vec<Span> = old.subtract(new).collect();
            let holding = left.iter().filter(|part| part.holds(instant)).count();
            prop_assert_eq!(holding, usize::from(old.holds(instant) && !new.holds(instant)));
            prop_assert!(left.iter().all(|part| Span::new(part.from, part.to).is_ok()));
        }

        #[test]
        fn spans_overlap_where_an_instant_is_in_both((one, other) in (spans(), spans())) {
            let in_both = (-1..21).any(|hour| one.holds(at(hour)) && other.holds(at(hour)));
            prop_assert_eq!(one.overlaps(other), in_both);
        }
    }

    #[test]
    fn a_span_ends_after_it_begins() {
        assert_eq!(Span::new(Some(at(2)), Some(at(2))).unwrap_err().code, "before_begin");
        assert_eq!(Span::new(Some(at(2)), None).unwrap().from, Some(at(2)));
    }
}
