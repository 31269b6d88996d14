//! Teams, projects and who owns what since when.

use crate::identity::KeyScope;
use crate::ids::{KeyId, ProductLineId, ProjectId, TeamId};
use crate::problem::FieldProblem;
use crate::spend::Sums;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A short name in addresses and events: lower-case letters, digits and inner hyphens, at most 64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// Longest slug.
    pub const MAX_LEN: usize = 64;

    /// Reads a slug as written.
    ///
    /// # Errors
    /// A field problem for `slug`.
    pub fn parse(text: &str) -> Result<Self, FieldProblem> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_' || c == '.';
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let fits = text.len() <= Self::MAX_LEN && text.chars().all(inner);
        if fits && edge(text.chars().next()) && edge(text.chars().last()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldProblem::new(
                "slug",
                "invalid",
                "Use 1 to 64 lower-case letters, digits, hyphens, dots or underscores, such as support-bot.",
            ))
        }
    }

    /// A slug made from a name: what is not a letter or digit becomes a hyphen.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in name.to_lowercase().chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() == 48 {
                break;
            }
        }
        Self::parse(slug.trim_end_matches('-')).ok()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Slug {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|problem| problem.detail)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

/// Longest name of a team, project, key, budget or organization, in characters.
pub const MAX_NAME_LEN: usize = 80;

/// A trimmed, non-empty name without control characters.
///
/// # Errors
/// A field problem for `field`.
pub fn parse_name(field: &str, text: &str) -> Result<String, FieldProblem> {
    let name = text.trim();
    if name.is_empty() {
        return Err(FieldProblem::new(field, "required", "Enter a name."));
    }
    if name.chars().count() > MAX_NAME_LEN || name.chars().any(char::is_control) {
        return Err(FieldProblem::new(field, "invalid", format!("Use at most {MAX_NAME_LEN} printable characters.")));
    }
    Ok(name.to_owned())
}

/// A cost centre code: empty, or at most 40 printable characters.
///
/// # Errors
/// A field problem for `cost_centre`.
pub fn parse_cost_centre(text: &str) -> Result<Option<String>, FieldProblem> {
    let code = text.trim();
    if code.is_empty() {
        return Ok(None);
    }
    if code.chars().count() > 40 || code.chars().any(char::is_control) {
        return Err(FieldProblem::new("cost_centre", "invalid", "Use at most 40 printable characters."));
    }
    Ok(Some(code.to_owned()))
}

/// A team: owns projects and receives statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub team_id: TeamId,
    /// Its short name in addresses, unique in the organization.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Where finance books it.
    pub cost_centre: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Set when it was put away; its history stays.
    pub archived_at: Option<DateTime<Utc>>,
}

/// A project: the unit of showback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    pub project_id: ProjectId,
    /// The immutable word that events carry, unique in the organization.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Where finance books it.
    pub cost_centre: Option<String>,
    /// The team that owns it today.
    pub team_id: TeamId,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Set when it was put away; its history stays.
    pub archived_at: Option<DateTime<Utc>>,
}

/// A span of days in which a team owned a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// The project.
    pub project_id: ProjectId,
    /// The owner.
    pub team_id: TeamId,
    /// First day, in the organization's zone; none means since the beginning of time.
    pub valid_from: Option<NaiveDate>,
    /// Day after the last one; none means without an end date.
    pub valid_to: Option<NaiveDate>,
}

/// A product line: an optional level above projects, beside teams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductLine {
    /// Its id.
    pub product_line_id: ProductLineId,
    /// Its short name in addresses, unique in the organization.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Set when it was put away; its history stays.
    pub archived_at: Option<DateTime<Utc>>,
}

/// A span of days in which a project belonged to a product line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductLineSpan {
    /// The project.
    pub project_id: ProjectId,
    /// The product line.
    pub product_line_id: ProductLineId,
    /// First day, in the organization's zone; none means since the beginning of time.
    pub valid_from: Option<NaiveDate>,
    /// Day after the last one; none means without an end date.
    pub valid_to: Option<NaiveDate>,
}

impl ProductLineSpan {
    /// Whether a day lies in it.
    #[must_use]
    pub fn holds(&self, day: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day < to)
    }
}

/// A project on a day: what it is called, and who owned it then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Slug of the project.
    pub project: String,
    /// Its name.
    pub project_name: String,
    /// Slug of the team that owned it on the day.
    pub team: Option<String>,
    /// Cost centre of the project, or else of the team.
    pub cost_centre: Option<String>,
}

/// Which project the events of a key belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyProject {
    /// Only this project; the key sees nothing else.
    Bound(ProjectId),
    /// Any project; events without one go to this.
    AllWithDefault(ProjectId),
}

impl KeyProject {
    /// The project of an event that names none.
    #[must_use]
    pub const fn default_project(self) -> ProjectId {
        match self {
            Self::Bound(project) | Self::AllWithDefault(project) => project,
        }
    }
}

/// An API key as the list shows it; the secret itself is shown once and stored hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub key_id: KeyId,
    /// Its name.
    pub name: String,
    /// First characters of the key, for recognition.
    pub prefix: String,
    /// Last four characters of the key.
    pub last_four: String,
    /// What it may do.
    pub scopes: Vec<KeyScope>,
    /// Which project it serves.
    pub project: KeyProject,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// From when on it is refused.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A project in the tree, with what it spent this month to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectLeaf {
    /// The project.
    pub project: Project,
    /// Month to date, whoever owned it on each day.
    pub sums: Sums,
}

/// A team in the tree with the projects it owns today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamBranch {
    /// The team.
    pub team: Team,
    /// Month to date of the days on which it owned something.
    pub sums: Sums,
    /// Its projects, by falling spend.
    pub projects: Vec<ProjectLeaf>,
}

/// A product line in the tree with the projects that belong to it today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductLineBranch {
    /// The product line.
    pub line: ProductLine,
    /// Month to date of the days on which projects belonged to it.
    pub sums: Sums,
    /// Slugs of the projects that belong to it today.
    pub projects: Vec<Slug>,
}

/// All teams and projects: the page Teams and projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectTree {
    /// Teams, archived ones last.
    pub teams: Vec<TeamBranch>,
    /// Product lines in use, and those that spent something; what belongs to none is missing.
    pub lines: Vec<ProductLineBranch>,
    /// Month to date of the whole organization.
    pub total: Sums,
    /// First day of the month that the sums are about.
    pub month: NaiveDate,
}

/// A past or present owner of a project, as its page lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerSpan {
    /// The team.
    pub team: Team,
    /// First day; none means since the beginning of time.
    pub valid_from: Option<NaiveDate>,
    /// Day after the last one; none means without an end date.
    pub valid_to: Option<NaiveDate>,
}

/// A product line that a project belongs to, or did, as its page lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOfProject {
    /// The product line.
    pub line: ProductLine,
    /// The days.
    pub span: ProductLineSpan,
}

/// Everything about one project but its spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectDetail {
    /// The project.
    pub project: Project,
    /// Its owners, the newest first.
    pub owners: Vec<OwnerSpan>,
    /// Teams that could own it.
    pub teams: Vec<Team>,
    /// Its product lines, the newest first.
    pub lines: Vec<LineOfProject>,
    /// Product lines that it could belong to.
    pub product_lines: Vec<ProductLine>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_from_names() {
        assert_eq!(Slug::from_name("Support Bot (EU)").unwrap().as_str(), "support-bot-eu");
        assert!(Slug::from_name("§§").is_none());
        assert!(Slug::parse("-x").is_err());
        assert!(Slug::parse("Support").is_err());
    }
}
