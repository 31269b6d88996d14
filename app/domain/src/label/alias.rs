//! Values that are one: `eng` counts as `Engineering`.

use super::parse_label;
use crate::problem::FieldProblem;
use crate::spend::{Dimension, MAX_VALUE_LEN, OTHER};
use crate::suggestion::PUNCTUATION;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A value that counts as another, of one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueAlias {
    /// Of which label.
    pub dimension: Dimension,
    /// What is sent.
    pub value: String,
    /// As which it counts.
    pub canonical: String,
    /// Since when it does, for days that are over too.
    pub created_at: DateTime<FixedOffset>,
    /// Who entered it: an e-mail address or the name of a key.
    pub created_by: String,
}

/// An alias as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AliasForm {
    /// `feature`, `environment`, `customer`, `user`, `cohort`, `step` or a tag such as `tag.department`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "tag.department"))]
    pub label: String,
    /// What is sent. Case counts.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "eng", max_length = 200))]
    pub value: String,
    /// As which value it counts.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "Engineering", max_length = 200))]
    pub canonical: String,
}

/// An alias on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlias {
    /// Of which label.
    pub dimension: Dimension,
    /// What is sent.
    pub value: String,
    /// As which it counts.
    pub canonical: String,
}

impl AliasForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<NewAlias, Vec<FieldProblem>> {
        let value = |field: &str, text: &str| {
            let fits = (1..=MAX_VALUE_LEN).contains(&text.chars().count()) && !text.contains('\0') && text != OTHER;
            let detail = format!("Enter a value of at most {MAX_VALUE_LEN} characters.");
            fits.then(|| text.to_owned()).ok_or_else(|| FieldProblem::new(field, "invalid", detail))
        };
        let fields = (parse_label(&self.label), value("value", &self.value), value("canonical", self.canonical.trim()));
        match fields {
            (Ok(_), Ok(value), Ok(canonical)) if value == canonical => {
                Err(vec![FieldProblem::new("canonical", "same", "It is the same value.")])
            }
            (Ok(dimension), Ok(value), Ok(canonical)) => Ok(NewAlias { dimension, value, canonical }),
            (label, value, canonical) => {
                Err([label.err(), value.err(), canonical.err()].into_iter().flatten().collect())
            }
        }
    }
}

/// Values of a label that look like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasProposal {
    /// Of which label.
    pub dimension: Dimension,
    /// The value that is used most.
    pub canonical: String,
    /// The others, those that are used most first.
    pub values: Vec<String>,
}

/// Values that differ in case, punctuation or plural only, with how often each was used; as one counts the value that was used most.
#[must_use]
pub fn proposals(dimension: &Dimension, used: &[(String, i64)]) -> Vec<AliasProposal> {
    let mut alike: BTreeMap<String, Vec<&(String, i64)>> = BTreeMap::new();
    let named = used.iter().filter(|(value, _)| !value.is_empty() && value != OTHER);
    named.for_each(|used| alike.entry(plain(&used.0)).or_default().push(used));
    let proposal = |mut values: Vec<&(String, i64)>| {
        values.sort_by_key(|(value, requests)| (Reverse(*requests), value.clone()));
        let mut values = values.into_iter().map(|(value, _)| value.clone());
        let canonical = values.next()?;
        let values: Vec<String> = values.collect();
        (!values.is_empty()).then(|| AliasProposal { dimension: dimension.clone(), canonical, values })
    };
    alike.into_values().filter_map(proposal).collect()
}

/// A value without case, punctuation and plural. Between digits punctuation counts: 1.0 is not 10.
fn plain(value: &str) -> String {
    let letters: Vec<char> = value.chars().flat_map(char::to_lowercase).collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(char::is_ascii_digit);
    let kept = letters.iter().enumerate().filter_map(|(at, letter)| {
        let is_dropped = PUNCTUATION.contains(*letter);
        let between = is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
        (!is_dropped || between).then_some(if is_dropped { '.' } else { *letter })
    });
    let plain: String = kept.collect();
    match plain.strip_suffix('s') {
        Some(stem) if stem.chars().count() > 2 && !stem.ends_with('s') => match stem.strip_suffix("ie") {
            Some(stem) => format!("{stem}y"),
            None => stem.to_owned(),
        },
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proposed(used: &[(&str, i64)]) -> Vec<(String, Vec<String>)> {
        let used: Vec<_> = used.iter().map(|(value, requests)| ((*value).to_owned(), *requests)).collect();
        proposals(&Dimension::Feature, &used).into_iter().map(|of| (of.canonical, of.values)).collect()
    }

    #[test]
    fn values_that_look_like_one_are_proposed_under_the_most_used() {
        let pair = |canonical: &str, values: &[&str]| {
            (canonical.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
        };
        let used = [("Chat-Bot", 3), ("chatbot", 9), ("chat bots", 1), ("search", 5), ("", 50), ("(other)", 7)];
        assert_eq!(proposed(&used), [pair("chatbot", &["Chat-Bot", "chat bots"])]);
        assert_eq!(proposed(&[("story", 1), ("Stories", 1)]), [pair("Stories", &["story"])]);
        for different in [["1.0", "10"], ["v1.1", "v11"], ["as", "a"], ["pass", "pas"], ["eng", "engineering"]] {
            assert_eq!(proposed(&[(different[0], 1), (different[1], 1)]), [], "{different:?}");
        }
        assert_eq!(proposed(&[("2026-11", 1), ("2026/11", 2)]), [pair("2026/11", &["2026-11"])]);
    }

    #[test]
    fn an_alias_says_every_wrong_field() {
        let form = |label: &str, value: &str, canonical: &str| AliasForm {
            label: label.to_owned(),
            value: value.to_owned(),
            canonical: canonical.to_owned(),
        };
        let read = form("tag.department", "eng", " Engineering ").parse().unwrap();
        assert_eq!((read.value.as_str(), read.canonical.as_str()), ("eng", "Engineering"));
        let wrong = |form: AliasForm| -> Vec<String> {
            form.parse().unwrap_err().into_iter().map(|wrong| wrong.pointer).collect()
        };
        assert_eq!(wrong(form("model", "", "")), ["label", "value", "canonical"]);
        assert_eq!(wrong(form("feature", "x", "x")), ["canonical"]);
        assert_eq!(wrong(form("feature", OTHER, "x")), ["value"]);
    }

    proptest! {
        /// Each value stands in one proposal at most, and never beside itself.
        #[test]
        fn no_value_is_proposed_twice(used in prop::collection::btree_map("[a-cS .s1-3]{1,4}", 0_i64..5, 0..12)) {
            let used: Vec<(String, i64)> = used.into_iter().collect();
            let mut seen = Vec::new();
            for proposal in proposals(&Dimension::Feature, &used) {
                let all: Vec<&String> = proposal.values.iter().chain([&proposal.canonical]).collect();
                prop_assert!(all.iter().all(|value| plain(value) == plain(&proposal.canonical)));
                seen.extend(all.into_iter().cloned());
            }
            let count = seen.len();
            seen.sort();
            seen.dedup();
            prop_assert_eq!(seen.len(), count);
        }
    }
}
