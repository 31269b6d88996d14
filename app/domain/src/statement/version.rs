//! Versions: a month's statement as it was at a moment, never changed, each with a hash over all of it and over the version before.
//!
//! What is hashed is JSON in one form: names in order, no spaces (`jq -cS` writes the same), in UTF-8, by SHA-256.
//! A version's hash is that of its fields without `hash`; among them are the hash of its body and the hash of the organization's version before, so that none can be changed, added or left out unseen by whoever knows a later hash.

use super::close::{CheckItem, CheckState, MonthState};
use super::part::add_up;
use super::{MarkupLine, MonthStatement, ProjectStatement, month_text, parse_month};
use crate::money;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;

/// What a [`Bundle`] says it is.
pub const BUNDLE_FORMAT: &str = "tallystick.statements/2";

/// The format before, which has no markup.
const OLDER_FORMAT: &str = "tallystick.statements/1";

/// A version without what it states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Version {
    /// Its place among all versions of the organization, from 1.
    pub position: u32,
    /// The month.
    #[serde(with = "month_word")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "2026-11"))]
    pub month: NaiveDate,
    /// Its number among the versions of the month, from 1.
    pub number: u32,
    /// Whether the month was closed with it.
    pub closed: bool,
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// Who took it: an e-mail address, or an API key.
    pub by: String,
    /// Usage, charges, markup and adjustments together: a decimal string with 12 places.
    #[serde(with = "money::amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "480.150000000000"))]
    pub total: Decimal,
    /// SHA-256 of the body.
    pub body_hash: String,
    /// Hash of the organization's version before; null for the first.
    pub previous: Option<String>,
    /// SHA-256 of all the other fields.
    pub hash: String,
}

impl Version {
    /// The version with its hash.
    #[must_use]
    pub fn sealed(self) -> Self {
        Self { hash: self.computed_hash(), ..self }
    }

    /// The hash as it follows from the other fields.
    #[must_use]
    pub fn computed_hash(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.remove("hash");
        }
        sha256(&canonical(&value))
    }

    /// "2026-11 version 2".
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} version {}", month_text(self.month), self.number)
    }
}

mod month_word {
    use super::{Deserialize, Deserializer, NaiveDate, Serializer, month_text, parse_month};

    pub(super) fn serialize<S: Serializer>(month: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&month_text(*month))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(parse_month(&text).map_err(serde::de::Error::custom)?.from)
    }
}

/// What a version states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementBody {
    /// What everyone owes, with lines.
    pub statement: MonthStatement,
    /// The checklist as it stood.
    pub checklist: Vec<CheckItem>,
}

impl StatementBody {
    /// As it is stored and hashed.
    ///
    /// # Errors
    /// Those of serialization.
    pub fn canonical(&self) -> Result<String, serde_json::Error> {
        Ok(canonical(&serde_json::to_value(self)?))
    }
}

/// JSON in the one form that is hashed: names of every object in the order of their bytes, no spaces.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            // Whatever order the parser keeps.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (place, (name, item)) in fields.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(item, text);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// SHA-256 of a text, as 64 hexadecimal digits.
#[must_use]
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

/// What is checked without the server: every version up to one, with the bodies of its month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bundle {
    /// What this is: `tallystick.statements/2`; `tallystick.statements/1` has no markup.
    pub format: String,
    /// Short name of the organization.
    pub organization: String,
    /// In the order in which they were taken.
    pub versions: Vec<BundledVersion>,
}

/// A version in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BundledVersion {
    /// The version.
    #[serde(flatten)]
    pub version: Version,
    /// What it states; null for other months, whose hashes are enough for the chain.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub body: Option<Value>,
}

/// Something in a bundle that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: "2026-11 version 2, project support-bot".
    pub place: String,
    /// What is wrong.
    pub detail: String,
}

/// Computes everything in a bundle again that follows from something else: sums of lines, totals, hashes, the chain and the order of closes. Empty where all is well.
#[must_use]
pub fn verify(bundle: &Bundle) -> Vec<Finding> {
    let mut findings = Findings::default();
    if ![BUNDLE_FORMAT, OLDER_FORMAT].contains(&bundle.format.as_str()) {
        findings.add("file", format!("The format is {:?}, not {BUNDLE_FORMAT:?}.", bundle.format));
    }
    if bundle.versions.is_empty() {
        findings.add("file", "There is no version in it.");
    }
    let mut previous: Option<&Version> = None;
    let mut closed: Vec<NaiveDate> = Vec::new();
    for BundledVersion { version, body } in &bundle.versions {
        check_chain(version, previous, &closed, &mut findings);
        if let Some(body) = body {
            check_body(version, body, &closed, &mut findings);
        }
        if version.closed {
            closed.push(version.month);
        }
        previous = Some(version);
    }
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, place: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Finding { place: place.into(), detail: detail.into() });
    }

    fn sums(&mut self, place: &str, what: &str, added: Decimal, stated: Decimal) {
        if added != stated {
            let (added, stated) = (money::exact(added), money::exact(stated));
            self.add(place, format!("{what} add up to {added}, not to {stated}."));
        }
    }
}

fn check_chain(version: &Version, previous: Option<&Version>, closed: &[NaiveDate], findings: &mut Findings) {
    let place = version.label();
    let computed = version.computed_hash();
    if computed != version.hash {
        findings.add(&place, format!("The hash is {}, but its fields give {computed}.", version.hash));
    }
    if version.previous.as_deref() != previous.map(|version| version.hash.as_str()) {
        findings
            .add(&place, "The hash of the version before is another one: a version was changed, added or left out.");
    }
    let expected = previous.map_or(1, |version| version.position.saturating_add(1));
    if version.position != expected {
        findings.add(&place, format!("Its position is {}, not {expected}.", version.position));
    }
    if closed.contains(&version.month) {
        findings.add(&place, "It was taken after the month was closed.");
    }
}

fn check_body(version: &Version, body: &Value, closed: &[NaiveDate], findings: &mut Findings) {
    let place = version.label();
    let computed = sha256(&canonical(body));
    if computed != version.body_hash {
        findings.add(&place, format!("The body's hash is {}, but its content gives {computed}.", version.body_hash));
    }
    let body: StatementBody = match serde_json::from_value(body.clone()) {
        Ok(body) => body,
        Err(error) => return findings.add(&place, format!("The body cannot be read: {error}.")),
    };
    let statement = &body.statement;
    if statement.month.from != version.month {
        findings.add(&place, "The body is of another month.");
    }
    if (statement.state == MonthState::Closed) != version.closed {
        findings.add(&place, "The body is of another state.");
    }
    for item in body.checklist.iter().filter(|item| version.closed && item.state == CheckState::Open) {
        findings.add(&place, format!("Closed although the checklist was not satisfied: {}.", item.check.label()));
    }
    for entry in statement.adjustments.iter().filter(|entry| !closed.contains(&entry.key.month)) {
        let line = entry.key.line(version.month);
        findings.add(&place, format!("The adjustment {line} is of a month that was not closed before."));
    }
    check_sums(&place, statement, findings);
    findings.sums(&place, "Entries", statement.entries().total(), version.total);
    findings.sums(&place, "Usage, charges, markup and adjustments", statement.grand_total(), version.total);
}

fn check_sums(place: &str, statement: &MonthStatement, findings: &mut Findings) {
    let mut total = Decimal::ZERO;
    let mut seen = BTreeSet::new();
    for team in &statement.teams {
        let name = team.team.as_ref().map_or("without owner", |team| team.slug.as_str());
        let of_team = format!("{place}, team {name}");
        if !seen.insert(name) {
            findings.add(&of_team, "It stands there twice.");
        }
        for project in &team.projects {
            check_project(&format!("{of_team}, project {}", project.project.slug), project, findings);
        }
        check_markup(&of_team, team.own_total(), team.markup.as_ref(), findings);
        let projects = add_up(team.projects.iter().map(|project| &project.sums));
        findings.sums(&of_team, "The projects", projects.spend, team.sums.spend);
        total += team.sums.spend;
    }
    findings.sums(place, "The teams", total, statement.total.spend);
}

fn check_project(place: &str, project: &ProjectStatement, findings: &mut Findings) {
    let lines = project.lines.iter().filter_map(|line| line.amount).sum();
    findings.sums(place, "The lines", lines, project.sums.spend);
    check_markup(place, project.total(), project.markup.as_ref(), findings);
}

/// Its amount follows from its percent.
fn check_markup(place: &str, owed: Decimal, line: Option<&MarkupLine>, findings: &mut Findings) {
    let Some(line) = line else { return };
    let added = MarkupLine::on(owed, line.percent).map(|line| line.amount).unwrap_or_default();
    findings.sums(place, "Percents of the markup", added, line.amount);
}

#[cfg(test)]
pub(super) mod tests;
