//! Where an event counts: its series (the combination of its dimensions with few values) and its labels (dimensions with many).
//!
//! Numbers are 63 bits of the content's SHA-256, so that servers agree without asking each other; `verify` finds two contents under one number.

use crate::hash::{digest, head};
use domain::event::{EventInput, Status};
use domain::ids::{KeyId, ProjectId};
use serde::Deserialize;
use std::borrow::Cow;

/// A combination of dimensions with few values. Empty text means missing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Series<'a> {
    pub(crate) project_id: ProjectId,
    pub(crate) key_id: KeyId,
    pub(crate) status: Status,
    pub(crate) provider: Cow<'a, str>,
    pub(crate) model: Cow<'a, str>,
    pub(crate) operation: Cow<'a, str>,
    pub(crate) feature: Cow<'a, str>,
    pub(crate) environment: Cow<'a, str>,
    pub(crate) cohort: Cow<'a, str>,
    pub(crate) step: Cow<'a, str>,
}

impl<'a> Series<'a> {
    /// The series of an event before any limit.
    pub(crate) fn of(
        (project_id, key_id): (ProjectId, KeyId),
        status: Status,
        operation: &'a str,
        sent: &'a EventInput,
    ) -> Self {
        let word = |word: &'a Option<String>| Cow::Borrowed(word.as_deref().unwrap_or_default());
        Self {
            project_id,
            key_id,
            status,
            provider: Cow::Borrowed(&sent.provider),
            model: Cow::Borrowed(&sent.model),
            operation: Cow::Borrowed(operation),
            feature: word(&sent.feature),
            environment: word(&sent.environment),
            cohort: word(&sent.cohort),
            step: word(&sent.step),
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> i64 {
        let (project, key) = (self.project_id.0.as_bytes(), self.key_id.0.as_bytes());
        let parts = [&project[..], &key[..], self.status.as_str().as_bytes()].into_iter();
        number(digest(parts.chain(self.texts().map(str::as_bytes))))
    }

    /// Its texts.
    pub(crate) fn texts(&self) -> [&str; 7] {
        let Self { provider, model, operation, feature, environment, cohort, step, .. } = self;
        [provider, model, operation, feature, environment, cohort, step]
    }

    /// Gives an event the words that its series keeps; that of the operation stays as it was sent or left out.
    pub(crate) fn put(&self, sent: &mut EventInput) {
        let word = |word: &Cow<'_, str>| Some(word.clone().into_owned()).filter(|word| !word.is_empty());
        (sent.provider, sent.model) = (self.provider.clone().into_owned(), self.model.clone().into_owned());
        (sent.feature, sent.environment) = (word(&self.feature), word(&self.environment));
        (sent.cohort, sent.step) = (word(&self.cohort), word(&self.step));
    }

    /// The sender's own words by name.
    pub(super) fn words(&mut self) -> [(&'static str, &mut Cow<'a, str>); 4] {
        [
            ("feature", &mut self.feature),
            ("environment", &mut self.environment),
            ("cohort", &mut self.cohort),
            ("step", &mut self.step),
        ]
    }

    pub(super) fn names(&mut self) -> [&mut Cow<'a, str>; 3] {
        [&mut self.provider, &mut self.model, &mut self.operation]
    }

    pub(crate) fn into_owned(self) -> Series<'static> {
        let owned = |word: Cow<'_, str>| Cow::Owned(word.into_owned());
        Series {
            project_id: self.project_id,
            key_id: self.key_id,
            status: self.status,
            provider: owned(self.provider),
            model: owned(self.model),
            operation: owned(self.operation),
            feature: owned(self.feature),
            environment: owned(self.environment),
            cohort: owned(self.cohort),
            step: owned(self.step),
        }
    }
}

/// A value of a dimension with many.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Label<'a> {
    /// `customer`, `user` or `tag.<key>`.
    pub(crate) label: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

/// How the labels of tags begin.
pub(super) const TAG: &str = "tag.";

/// The label of usage that no rule read when the event was recorded.
pub(super) const UNREAD: &str = "unread_usage";

impl<'a> Label<'a> {
    /// Those of an event, with the names of its usage that no rule read.
    pub(super) fn of(sent: &'a EventInput, unread: Option<&'a str>) -> impl Iterator<Item = Self> {
        let own = [("customer", sent.customer.as_deref()), ("user", sent.user.as_deref()), (UNREAD, unread)];
        let own = own.into_iter().filter_map(|(label, value)| Some((Cow::Borrowed(label), value?)));
        let tags = sent.tags.iter().map(|(key, value)| (Cow::Owned(format!("{TAG}{key}")), value.as_str()));
        own.chain(tags).map(|(label, value)| Self { label, value: Cow::Borrowed(value) })
    }

    /// Its number.
    pub(crate) fn id(&self) -> i64 {
        number(digest([&*self.label, &*self.value]))
    }

    /// Gives an event the label.
    pub(crate) fn put(&self, sent: &mut EventInput) {
        let value = self.value.clone().into_owned();
        match self.label.strip_prefix(TAG) {
            Some(key) => drop(sent.tags.insert(key.to_owned(), value)),
            None if self.label == "customer" => sent.customer = Some(value),
            None if self.label == "user" => sent.user = Some(value),
            // What was not read stands in the usage object as it was sent.
            None => {}
        }
    }

    pub(super) fn into_owned(self) -> Label<'static> {
        Label { label: Cow::Owned(self.label.into_owned()), value: Cow::Owned(self.value.into_owned()) }
    }
}

pub(super) fn number(digest: [u8; 32]) -> i64 {
    i64::from_be_bytes(head(digest)) & i64::MAX
}
