//! What an export is asked for.

use super::Version;
use crate::period::Period;
use crate::problem::{FieldProblem, Problem};
use crate::spend::{Dimension, Granularity, SpendQuery, SpendRange, parse_list};
use std::str::FromStr;

/// Most dimensions that become tags of one export.
pub const MAX_TAGS: usize = 10;

/// How the rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated values.
    #[default]
    Csv,
    /// Apache Parquet: decimals of 38 digits with 18 places, instants in microseconds.
    Parquet,
}

impl FileFormat {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Parquet];

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Parquet => "Parquet",
        }
    }

    /// The word in addresses, which is also the file's ending.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

impl FromStr for FileFormat {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, FieldProblem> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| FieldProblem::new("format", "unknown", "Use csv or parquet."))
    }
}

/// A dimension that can stand in the column of tags: what has no column of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagKey(pub Dimension);

impl FromStr for TagKey {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, FieldProblem> {
        let wrong = || {
            let detail = format!(
                "`{text}` is no tag: use feature, environment, customer, user, cohort, step, operation, api_key or tag.<key>."
            );
            FieldProblem::new("tags", "unknown", detail)
        };
        match text.parse().map_err(|_| wrong())? {
            Dimension::Project
            | Dimension::Team
            | Dimension::AllocatedTeam
            | Dimension::ProductLine
            | Dimension::Model
            | Dimension::Provider
            | Dimension::Status
            | Dimension::UnreadUsage => Err(wrong()),
            dimension => Ok(Self(dimension)),
        }
    }
}

impl TagKey {
    /// The key in the column of tags. Free tags keep the sender's own key; what Tallystick names itself has its prefix, as FOCUS asks of tags that a provider defines.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.0 {
            Dimension::Tag(key) => key.clone(),
            named => format!("tallystick:{}", named.name()),
        }
    }
}

/// What an export is asked for: which edition, which days, how finely, which tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FocusQuery {
    /// The edition.
    pub version: Version,
    /// Days of the organization's zone.
    pub period: Period,
    /// Whether a row is an hour and not a day.
    pub hourly: bool,
    /// What stands in the column of tags; rows are apart by it.
    pub tags: Vec<TagKey>,
    /// How it is written.
    pub format: FileFormat,
}

impl FocusQuery {
    /// Days as version 1.2, without tags, in CSV.
    #[must_use]
    pub const fn over(period: Period) -> Self {
        Self { version: Version::V1_2, period, hourly: false, tags: Vec::new(), format: FileFormat::Csv }
    }

    /// Reads `version`, `from`, `to`, `bucket` (`day` or `hour`), `tags` and `format`, decoded; `from` and `to` are needed.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong parameter.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut query = Self::over(Period { from: chrono::NaiveDate::MIN, to: chrono::NaiveDate::MAX });
        let (mut wrong, mut span) = (Vec::new(), Vec::new());
        for (name, value) in pairs {
            let taken = match name.as_str() {
                "version" => value.parse().map(|version| query.version = version),
                "format" => value.parse().map(|format| query.format = format),
                "tags" => parse_list(value, name, MAX_TAGS, &mut query.tags),
                "bucket" => match value.parse() {
                    Ok(bucket @ (Granularity::Day | Granularity::Hour)) => {
                        query.hourly = bucket == Granularity::Hour;
                        Ok(())
                    }
                    _ => Err(FieldProblem::new("bucket", "unknown", "Use day or hour.")),
                },
                "from" | "to" => {
                    span.push((name.clone(), value.clone()));
                    Ok(())
                }
                _ => Err(FieldProblem::new(name, "unknown", format!("`{name}` is not a parameter."))),
            };
            wrong.extend(taken.err());
        }
        match SpendQuery::from_pairs(&span).map(|spend| spend.range) {
            Ok(SpendRange::Days { from, to }) => query.period = Period { from, to },
            Ok(SpendRange::Instants { .. }) => {
                wrong.push(FieldProblem::new("from", "invalid", "Use two dates such as 2026-11-01."));
            }
            Err(Problem::Invalid { fields, .. }) => wrong.extend(fields),
            Err(other) => return Err(other),
        }
        if wrong.is_empty() { Ok(query) } else { Err(Problem::invalid(wrong)) }
    }

    /// The parameters that [`Self::from_pairs`] reads back into the same query.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let bucket = if self.hourly { Granularity::Hour } else { Granularity::Day };
        let tags: Vec<String> = self.tags.iter().map(|tag| tag.0.name()).collect();
        let pairs = [
            ("version", self.version.as_str().to_owned()),
            ("from", self.period.from.to_string()),
            ("to", self.period.to.to_string()),
            ("bucket", bucket.as_str().to_owned()),
            ("tags", tags.join(",")),
            ("format", self.format.as_str().to_owned()),
        ];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Name of the file: `focus-1.2-2026-11-01-2026-12-01.csv`.
    #[must_use]
    pub fn file_name(&self) -> String {
        let Period { from, to } = self.period;
        format!("focus-{}-{from}-{to}.{}", self.version.as_str(), self.format.as_str())
    }
}
