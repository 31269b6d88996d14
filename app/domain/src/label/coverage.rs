//! Labels that every event should carry, and how much of the usage does.

use super::parse_label;
use crate::format;
use crate::problem::FieldProblem;
use crate::project::Slug;
use crate::spend::{Dimension, Sums};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::ops::{AddAssign, Sub};

/// A label is told in "Needs attention" where its share of the spend fell by so much: 5 points.
pub const FALL: f64 = 0.05;

/// A label that events should carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredLabel {
    /// The label.
    pub dimension: Dimension,
    /// Slug of the project whose events should; none: all events.
    pub project: Option<String>,
}

/// The same as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RequiredForm {
    /// `feature`, `environment`, `customer`, `user`, `cohort`, `step` or a tag such as `tag.cost_type`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "tag.cost_type"))]
    pub label: String,
    /// Slug of the project whose events should carry it; empty: all events.
    #[cfg_attr(feature = "openapi", schema(example = "support-bot"))]
    pub project: String,
}

impl RequiredForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<RequiredLabel, Vec<FieldProblem>> {
        let project = match self.project.trim() {
            "" => Ok(None),
            slug => Slug::parse(slug).map(|slug| Some(slug.into())),
        };
        let project = project.map_err(|wrong| FieldProblem { pointer: "project".to_owned(), ..wrong });
        match (parse_label(&self.label), project) {
            (Ok(dimension), Ok(project)) => Ok(RequiredLabel { dimension, project }),
            (label, project) => Err([label.err(), project.err()].into_iter().flatten().collect()),
        }
    }
}

/// What an event says to carry a label.
#[must_use]
pub fn example(dimension: &Dimension) -> String {
    match dimension {
        Dimension::Tag(key) => format!(r#""tags": {{"{key}": "…"}}"#),
        other => format!(r#""{}": "…""#, other.name()),
    }
}

/// Usage by money and by requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Known spend, in US dollars.
    pub spend: Decimal,
    /// Attempts.
    pub requests: i64,
}

impl Amount {
    /// How much of a whole is not in this, by money: 1 is all of it; none without spend.
    #[must_use]
    pub fn spend_outside(self, whole: Self) -> Option<f64> {
        format::ratio(whole.spend - self.spend, whole.spend)
    }

    /// The same by requests.
    #[must_use]
    pub fn requests_outside(self, whole: Self) -> Option<f64> {
        format::ratio((whole.requests - self.requests).into(), whole.requests.into())
    }
}

impl From<&Sums> for Amount {
    fn from(sums: &Sums) -> Self {
        Self { spend: sums.spend, requests: sums.requests }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.spend += other.spend;
        self.requests += other.requests;
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { spend: self.spend - other.spend, requests: self.requests - other.requests }
    }
}

/// What one key sent of one project without a label that it should carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageRow {
    /// The label.
    pub dimension: Dimension,
    /// Slug of the project.
    pub project: String,
    /// Id of the API key.
    pub api_key: String,
    /// Its name.
    pub key_name: String,
    /// What came without the label.
    pub missing: Amount,
    /// All that the key sent of the project.
    pub total: Amount,
}

/// How much of the usage of some days carries the labels that it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Each required label, with what came without it, and of how much.
    pub labels: Vec<(RequiredLabel, Amount, Amount)>,
    /// Where labels are missing, the most dollars first.
    pub rows: Vec<CoverageRow>,
}

impl Coverage {
    /// Puts together what each project and key sent, and what of it came without each label.
    ///
    /// A label that is required of all projects and of one of them is counted once for this project.
    #[must_use]
    pub fn of(required: &[RequiredLabel], total: &[Sent], missing: &[(Dimension, Vec<Sent>)]) -> Self {
        let mut coverage = Self::default();
        for label in required {
            let is_its = |sent: &&Sent| label.project.as_ref().is_none_or(|project| *project == sent.project);
            let sum = |rows: &[Sent]| {
                let mut sum = Amount::default();
                rows.iter().filter(is_its).for_each(|sent| sum += sent.amount);
                sum
            };
            let without = missing.iter().find(|(of, _)| *of == label.dimension).map_or(&[][..], |(_, rows)| rows);
            coverage.labels.push((label.clone(), sum(without), sum(total)));
            for sent in without.iter().filter(is_its) {
                let all = total.iter().find(|of| of.project == sent.project && of.api_key == sent.api_key);
                let row = CoverageRow {
                    dimension: label.dimension.clone(),
                    project: sent.project.clone(),
                    api_key: sent.api_key.clone(),
                    key_name: sent.api_key.clone(),
                    missing: sent.amount,
                    total: all.map_or(sent.amount, |all| all.amount),
                };
                if !coverage.rows.contains(&row) && sent.amount.requests > 0 {
                    coverage.rows.push(row);
                }
            }
        }
        coverage.rows.sort_by_key(|row| (Reverse(row.missing.spend), Reverse(row.missing.requests)));
        coverage
    }
}

/// What a key sent of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Slug of the project.
    pub project: String,
    /// Id of the API key.
    pub api_key: String,
    /// How much.
    pub amount: Amount,
}

/// A required label that less of the spend carries than before.
#[derive(Clone, Debug, PartialEq)]
pub struct Fallen {
    /// The label, of all projects or of one.
    pub label: RequiredLabel,
    /// The share of the spend that carried it in the days before, 0 to 1.
    pub before: f64,
    /// The share in these days.
    pub now: f64,
    /// What came without it in these days, in US dollars.
    pub missing: Decimal,
}

impl Fallen {
    /// A label whose share fell by [`FALL`] or more between two spans of days: what came without it in each, and of how much.
    #[must_use]
    pub fn of(label: &RequiredLabel, before: (Amount, Amount), now: (Amount, Amount)) -> Option<Self> {
        let share = |(missing, total): (Amount, Amount)| missing.spend_outside(total);
        let (was, is) = (share(before)?, share(now)?);
        // A rounding error of a share must not keep a fall of five points from being one.
        let has_fallen = was - is >= FALL - 1e-9;
        has_fallen.then(|| Self { label: label.clone(), before: was, now: is, missing: now.0.spend })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(spend: i64, requests: i64) -> Amount {
        Amount { spend: spend.into(), requests }
    }

    fn sent(project: &str, api_key: &str, spend: i64, requests: i64) -> Sent {
        Sent { project: project.to_owned(), api_key: api_key.to_owned(), amount: amount(spend, requests) }
    }

    #[test]
    fn coverage_names_the_dearest_gap_first_and_counts_each_once() {
        let required = |project: Option<&str>| RequiredLabel {
            dimension: Dimension::Feature,
            project: project.map(str::to_owned),
        };
        let total = [sent("a", "k", 10, 4), sent("a", "l", 5, 5), sent("b", "k", 5, 1)];
        let missing = [(Dimension::Feature, vec![sent("a", "l", 1, 5), sent("b", "k", 4, 1)])];
        let coverage = Coverage::of(&[required(None), required(Some("a"))], &total, &missing);
        let told: Vec<_> = coverage.rows.iter().map(|row| (row.project.as_str(), row.missing, row.total)).collect();
        assert_eq!(told, [("b", amount(4, 1), amount(5, 1)), ("a", amount(1, 5), amount(5, 5))]);
        let shares: Vec<_> =
            coverage.labels.iter().map(|(_, missing, of)| missing.spend_outside(*of).unwrap()).collect();
        assert!((shares[0] - 0.75).abs() < 1e-9 && (shares[1] - 14.0 / 15.0).abs() < 1e-9, "{shares:?}");
        assert_eq!(coverage.labels[0].1.requests_outside(coverage.labels[0].2), Some(0.4));
        assert_eq!(Coverage::of(&[required(None)], &[], &[]).labels[0].1.spend_outside(Amount::default()), None);
    }

    #[test]
    fn a_fall_of_five_points_is_told() {
        let label = RequiredLabel { dimension: Dimension::Customer, project: None };
        let of = |before: i64, now: i64| {
            Fallen::of(&label, (amount(before, 1), amount(100, 1)), (amount(now, 1), amount(100, 1)))
        };
        assert_eq!(of(10, 14), None);
        assert_eq!(of(10, 15).unwrap().missing, Decimal::from(15));
        assert_eq!(of(15, 0), None);
        assert_eq!(Fallen::of(&label, (amount(0, 0), amount(0, 0)), (amount(1, 1), amount(1, 1))), None);
    }

    #[test]
    fn a_requirement_says_every_wrong_field() {
        let form = |label: &str, project: &str| RequiredForm { label: label.to_owned(), project: project.to_owned() };
        let read = form("tag.cost_type", " ").parse().unwrap();
        assert_eq!((read.dimension.name().as_str(), read.project), ("tag.cost_type", None));
        let wrong = form("project", "No slug").parse().unwrap_err();
        assert_eq!(wrong.iter().map(|wrong| wrong.pointer.as_str()).collect::<Vec<_>>(), ["label", "project"]);
        assert_eq!(example(&Dimension::Tag("cost_type".to_owned())), r#""tags": {"cost_type": "…"}"#);
    }
}
