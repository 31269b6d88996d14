//! Where files go.

use crate::problem::FieldProblem;
use crate::project::Slug;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Longest prefix.
const MAX_PREFIX: usize = 200;
/// Longest of the other words.
const MAX_WORD: usize = 222;

/// Which storage speaks what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// Amazon S3 and what speaks like it: R2, MinIO, Ceph, Wasabi.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl StoreKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::S3, Self::Google, Self::Azure];

    /// The word in SQL, JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gcs",
            Self::Azure => "azure",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::S3 => "S3-compatible",
            Self::Google => "Google Cloud Storage",
            Self::Azure => "Azure Blob Storage",
        }
    }
}

impl FromStr for StoreKind {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, FieldProblem> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| FieldProblem::new("kind", "unknown", "Use s3, gcs or azure."))
    }
}

/// A place in a storage, without what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which storage.
    pub kind: StoreKind,
    /// Address of an S3-compatible server; none for Amazon's.
    pub endpoint: Option<String>,
    /// Region of S3.
    pub region: Option<String>,
    /// Bucket, or container of Azure.
    pub bucket: String,
    /// Folder in it, without slashes at its ends; may be empty.
    pub prefix: String,
    /// Access key id of S3, or storage account of Azure.
    pub account: Option<String>,
}

impl Place {
    /// The place in one line: `s3://bucket/prefix`.
    #[must_use]
    pub fn label(&self) -> String {
        let (scheme, host) = match (self.kind, &self.account) {
            (StoreKind::S3, _) => ("s3", String::new()),
            (StoreKind::Google, _) => ("gs", String::new()),
            (StoreKind::Azure, account) => ("az", format!("{}/", account.as_deref().unwrap_or_default())),
        };
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("{scheme}://{host}{}{slash}{}", self.bucket, self.prefix)
    }

    /// The name of a file of a schedule.
    #[must_use]
    pub fn object(&self, schedule: &Slug, file: &str) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("{}{slash}{schedule}/{file}", self.prefix)
    }
}

/// A destination as it is listed; its credentials are never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its name.
    pub name: Slug,
    /// Where it is.
    pub place: Place,
    /// When its credentials were entered.
    pub saved_at: DateTime<FixedOffset>,
    /// When it was tested last, and what went wrong, if anything.
    pub tested: Option<(DateTime<FixedOffset>, Option<String>)>,
}

/// A destination as somebody enters it, without its secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DestinationForm {
    /// `s3`, `gcs` or `azure`.
    pub kind: String,
    /// Address of an S3-compatible server, such as `https://s3.example.com`; empty for Amazon's.
    pub endpoint: String,
    /// Region of S3; `us-east-1` where it is empty.
    pub region: String,
    /// Bucket, or container of Azure.
    pub bucket: String,
    /// Folder in it; may be empty.
    pub prefix: String,
    /// Access key id of S3, or storage account of Azure; empty for Google.
    pub account: String,
}

impl DestinationForm {
    /// The place that it names.
    ///
    /// # Errors
    /// Every wrong field.
    pub fn parse(&self) -> Result<Place, Vec<FieldProblem>> {
        let mut wrong = Vec::new();
        let kind = match self.kind.parse::<StoreKind>() {
            Ok(kind) => kind,
            Err(problem) => return Err(vec![problem]),
        };
        let mut refuse = |field: &str, detail: &str| wrong.push(FieldProblem::new(field, "invalid", detail));
        let [endpoint, region, bucket, account] =
            [&self.endpoint, &self.region, &self.bucket, &self.account].map(|text| text.trim());
        let prefix = self.prefix.trim().trim_matches('/');
        if !is_word(bucket, 3, "-._") || bucket.chars().any(|c| c.is_ascii_uppercase()) {
            refuse("bucket", "Enter its name: 3 or more lower-case letters, digits, hyphens or dots.");
        }
        let is_segment = |segment: &str| is_word(segment, 1, "-_.=") && !segment.starts_with('.');
        if prefix.len() > MAX_PREFIX || !(prefix.is_empty() || prefix.split('/').all(is_segment)) {
            refuse("prefix", "Use letters, digits, and -_.= between slashes, at most 200.");
        }
        if kind == StoreKind::S3 {
            if !endpoint.is_empty() && !is_origin(endpoint) {
                refuse("endpoint", "Enter an address without a path, such as https://s3.example.com.");
            }
            if !region.is_empty() && !is_word(region, 2, "-") {
                refuse("region", "Enter a region such as eu-central-1.");
            }
            if !is_word(account, 3, "-_") {
                refuse("account", "Enter the access key id.");
            }
        }
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if kind == StoreKind::Azure && !((3..=24).contains(&account.len()) && account.chars().all(is_plain)) {
            refuse("account", "Enter the storage account: 3 to 24 lower-case letters and digits.");
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let of_s3 = |text: &str| (kind == StoreKind::S3 && !text.is_empty()).then(|| text.to_owned());
        Ok(Place {
            kind,
            endpoint: of_s3(endpoint.trim_end_matches('/')),
            region: of_s3(if region.is_empty() { "us-east-1" } else { region }),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            account: (kind != StoreKind::Google).then(|| account.to_owned()),
        })
    }
}

fn is_word(text: &str, least: usize, others: &str) -> bool {
    (least..=MAX_WORD).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// A scheme and a host, perhaps a port, and nothing that an address can hide more in.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.map(|host| host.trim_end_matches('/')).is_some_and(|host| is_word(host, 1, "-.:[]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3() -> DestinationForm {
        DestinationForm {
            kind: "s3".to_owned(),
            endpoint: "https://s3.example.com/".to_owned(),
            bucket: "finance-lake".to_owned(),
            prefix: "/llm/focus/".to_owned(),
            account: "AKIA0001".to_owned(),
            ..DestinationForm::default()
        }
    }

    #[test]
    fn a_place_is_what_was_entered_without_slashes_too_many() {
        let place = s3().parse().unwrap();
        assert_eq!(
            (place.endpoint.as_deref(), place.region.as_deref()),
            (Some("https://s3.example.com"), Some("us-east-1"))
        );
        assert_eq!(place.label(), "s3://finance-lake/llm/focus");
        let schedule = Slug::parse("daily").unwrap();
        assert_eq!(place.object(&schedule, "a.csv"), "llm/focus/daily/a.csv");
        assert_eq!(Place { prefix: String::new(), ..place }.object(&schedule, "a.csv"), "daily/a.csv");
    }

    #[test]
    fn what_an_address_could_hide_is_refused_by_its_field() {
        let fields = |form: DestinationForm| -> Vec<String> {
            form.parse().err().unwrap_or_default().into_iter().map(|wrong| wrong.pointer).collect()
        };
        for endpoint in
            ["s3.example.com", "https://key@s3.example.com", "https://s3.example.com/x", "ftp://x", "https://a?b"]
        {
            assert_eq!(fields(DestinationForm { endpoint: endpoint.to_owned(), ..s3() }), ["endpoint"], "{endpoint}");
        }
        for prefix in ["a/../b", "a//b", "a b", ".hidden", "a?b"] {
            assert_eq!(fields(DestinationForm { prefix: prefix.to_owned(), ..s3() }), ["prefix"], "{prefix}");
        }
        let azure = DestinationForm { kind: "azure".to_owned(), account: "evil.example".to_owned(), ..s3() };
        assert_eq!(fields(azure), ["account"]);
        assert_eq!(
            fields(DestinationForm { bucket: "a/b".to_owned(), account: String::new(), ..s3() }),
            ["bucket", "account"]
        );
        assert_eq!(fields(DestinationForm { kind: "ftp".to_owned(), ..s3() }), ["kind"]);
    }
}
