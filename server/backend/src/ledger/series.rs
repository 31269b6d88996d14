//! Where an event counts: its series (the combination of its dimensions with few values) and its labels (dimensions with many).
//!
//! Numbers are 63 bits of the content's SHA-256, so that servers agree without asking each other; `verify` would find two contents under one number.
//! An organization's series and labels are bounded. Beyond a limit the value that is newest counts as [`OTHER`]: the event keeps it, and no money is lost.

use super::sql;
use crate::hash::{digest, head};
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::event::{EventInput, Status};
use domain::identity::Permission;
use domain::ids::{KeyId, OrgId, ProjectId};
use domain::spend::{Dimension, KnownDimension, OTHER};
use foldhash::{HashMap, HashMapExt, HashSet};
use moka::future::Cache;
use sqlx::PgPool;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Organizations whose series are held in memory, and for how long after their last event.
const HELD: u64 = 10_000;
const HELD_FOR: Duration = Duration::from_secs(3_600);

/// How much an organization may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Series with all their values; with the sender's own words as [`OTHER`] there may be as many again.
    pub(crate) series: usize,
    /// Values of one of the sender's own words: feature, environment, cohort, step.
    pub(crate) words: usize,
    /// Labels: customer, user and keys of tags.
    pub(crate) labels: usize,
    /// Values of one label.
    pub(crate) values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: 20_000, words: 2_000, labels: 256, values: 20_000 }
    }
}

/// A combination of dimensions with few values. Empty text means missing.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let names = [&self.provider, &self.model, &self.operation];
        let words = names.into_iter().chain([&self.feature, &self.environment, &self.cohort, &self.step]);
        let parts = [&project[..], &key[..], self.status.as_str().as_bytes()].into_iter();
        number(digest(parts.chain(words.map(|word| word.as_bytes()))))
    }

    /// The sender's own words by name.
    fn words(&mut self) -> [(&'static str, &mut Cow<'a, str>); 4] {
        [
            ("feature", &mut self.feature),
            ("environment", &mut self.environment),
            ("cohort", &mut self.cohort),
            ("step", &mut self.step),
        ]
    }

    fn names(&mut self) -> [&mut Cow<'a, str>; 3] {
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label<'a> {
    /// `customer`, `user` or `tag.<key>`.
    pub(crate) label: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

/// How the labels of tags begin.
const TAG: &str = "tag.";

impl<'a> Label<'a> {
    fn of(sent: &'a EventInput) -> impl Iterator<Item = Self> {
        let own = [("customer", &sent.customer), ("user", &sent.user)];
        let own = own.into_iter().filter_map(|(label, value)| Some((Cow::Borrowed(label), value.as_deref()?)));
        let tags = sent.tags.iter().map(|(key, value)| (Cow::Owned(format!("{TAG}{key}")), value.as_str()));
        own.chain(tags).map(|(label, value)| Self { label, value: Cow::Borrowed(value) })
    }

    /// Its number.
    pub(crate) fn id(&self) -> i64 {
        number(digest([&*self.label, &*self.value]))
    }

    fn into_owned(self) -> Label<'static> {
        Label { label: Cow::Owned(self.label.into_owned()), value: Cow::Owned(self.value.into_owned()) }
    }
}

fn number(digest: [u8; 32]) -> i64 {
    i64::from_be_bytes(head(digest)) & i64::MAX
}

/// Where an event counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) series_id: i64,
    pub(crate) labels: Vec<i64>,
    /// What has to be written before the event, because this server has not seen it committed.
    pub(crate) unseen: Option<Box<Unseen>>,
}

/// Series and labels that this server has not seen committed.
#[derive(Clone, Debug)]
pub(crate) struct Unseen {
    known: Known,
    series: Option<(i64, Series<'static>)>,
    labels: Vec<(i64, Label<'static>)>,
}

impl Unseen {
    /// They are committed: from now on nobody has to write them.
    pub(crate) fn committed(&self) {
        let mut known = self.known.lock();
        if let Some((id, _)) = &self.series {
            known.series.insert(*id, true);
        }
        for (id, _) in &self.labels {
            known.labels.insert(*id, true);
        }
    }
}

/// What a transaction has to write before its events, in the order in which everybody locks rows.
#[derive(Default)]
pub(crate) struct Missing<'a> {
    pub(super) series: BTreeMap<(OrgId, i64), &'a Series<'static>>,
    pub(super) labels: BTreeMap<(OrgId, i64), &'a Label<'static>>,
}

impl<'a> Missing<'a> {
    /// Of some events.
    pub(crate) fn of(places: impl Iterator<Item = (OrgId, &'a Place)>) -> Self {
        let mut missing = Self::default();
        for (org_id, unseen) in places.filter_map(|(org_id, place)| Some((org_id, place.unseen.as_deref()?))) {
            missing.series.extend(unseen.series.iter().map(|(id, series)| ((org_id, *id), series)));
            missing.labels.extend(unseen.labels.iter().map(|(id, label)| ((org_id, *id), label)));
        }
        missing
    }

    /// Writes them, unless another server did.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn write(&self, connection: &mut sqlx::PgConnection, now: DateTime<Utc>) -> Result<(), Error> {
        sql::insert_missing(connection, self, now).await
    }
}

/// What one organization has, shared by everyone who places its events.
#[derive(Clone, Debug)]
pub(crate) struct Known(Arc<Mutex<Values>>);

#[derive(Debug, Default)]
struct Values {
    limits: Limits,
    /// Each with whether this server has seen it committed; what is not committed counts against the limits all the same.
    series: HashMap<i64, bool>,
    labels: HashMap<i64, bool>,
    /// Values of each of the sender's own words, by the number that they would have as labels.
    words: HashMap<&'static str, HashSet<i64>>,
    /// How many values each label has.
    counts: HashMap<String, usize>,
}

impl Known {
    fn new(limits: Limits, series: Vec<Series<'static>>, labels: Vec<(i64, String)>) -> Self {
        let mut values = Values { limits, labels: HashMap::with_capacity(labels.len()), ..Values::default() };
        for mut series in series {
            values.series.insert(series.id(), true);
            for (name, word) in series.words() {
                values.has_word(name, word);
            }
        }
        for (id, label) in labels {
            values.labels.insert(id, true);
            *values.counts.entry(label).or_default() += 1;
        }
        Self(Arc::new(Mutex::new(values)))
    }

    /// Counts nobody could have broken by a panic.
    fn lock(&self) -> MutexGuard<'_, Values> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where an event counts.
    pub(crate) fn place(&self, mut series: Series<'_>, sent: &EventInput) -> Place {
        let mut values = self.lock();
        let (series_id, is_committed) = values.series(&mut series);
        let mut ids = vec![];
        let mut unseen_labels = vec![];
        for mut label in Label::of(sent) {
            let (id, is_committed) = values.label(&mut label);
            // Several labels may have become one.
            if !ids.contains(&id) {
                ids.push(id);
                if !is_committed {
                    unseen_labels.push((id, label.into_owned()));
                }
            }
        }
        drop(values);
        let unseen = (!is_committed || !unseen_labels.is_empty()).then(|| {
            let series = (!is_committed).then(|| (series_id, series.into_owned()));
            Box::new(Unseen { known: self.clone(), series, labels: unseen_labels })
        });
        Place { series_id, labels: ids, unseen }
    }
}

impl Values {
    /// The number of a series, which is changed to the one that the limits leave, and whether it is committed.
    fn series(&mut self, series: &mut Series<'_>) -> (i64, bool) {
        let id = series.id();
        if let Some(is_committed) = self.series.get(&id) {
            return (id, *is_committed);
        }
        for (name, word) in series.words() {
            if !self.has_word(name, word) {
                *word = Cow::Borrowed(OTHER);
            }
        }
        if self.is_full(series.id(), self.limits.series) {
            for (_, word) in series.words().into_iter().filter(|(_, word)| !word.is_empty()) {
                *word = Cow::Borrowed(OTHER);
            }
        }
        // Names of models are the sender's words too, though nobody means to have many.
        if self.is_full(series.id(), 2 * self.limits.series) {
            for name in series.names() {
                *name = Cow::Borrowed(OTHER);
            }
        }
        let id = series.id();
        (id, *self.series.entry(id).or_insert(false))
    }

    fn is_full(&self, id: i64, most: usize) -> bool {
        self.series.len() >= most && !self.series.contains_key(&id)
    }

    /// Whether a word's value is known, or may be added and is.
    fn has_word(&mut self, name: &'static str, value: &str) -> bool {
        if value.is_empty() || value == OTHER {
            return true;
        }
        let id = Label { label: Cow::Borrowed(name), value: Cow::Borrowed(value) }.id();
        let known = self.words.entry(name).or_default();
        let has_room = known.len() < self.limits.words;
        if has_room {
            known.insert(id);
        }
        has_room || known.contains(&id)
    }

    /// The number of a label, which is changed to the one that the limits leave, and whether it is committed.
    fn label(&mut self, label: &mut Label<'_>) -> (i64, bool) {
        let id = label.id();
        if let Some(is_committed) = self.labels.get(&id) {
            return (id, *is_committed);
        }
        let is_new = !self.counts.contains_key(&*label.label);
        if is_new && label.label.starts_with(TAG) && self.counts.len() >= self.limits.labels {
            *label = Label { label: Cow::Owned(format!("{TAG}{OTHER}")), value: Cow::Borrowed(OTHER) };
        }
        let count = self.counts.entry(label.label.clone().into_owned()).or_default();
        if *count >= self.limits.values {
            label.value = Cow::Borrowed(OTHER);
        }
        let id = label.id();
        let is_committed = *self.labels.entry(id).or_insert_with(|| {
            *count += 1;
            false
        });
        (id, is_committed)
    }
}

/// What organizations that sent something lately have; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Cache<OrgId, Known>);

impl Default for Memory {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(HELD).time_to_idle(HELD_FOR).build())
    }
}

impl Memory {
    /// What an organization has; read from the database the first time.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn of(&self, pool: &PgPool, scope: &OrgScope) -> Result<Known, Error> {
        if let Some(known) = self.0.get(&scope.org_id()).await {
            return Ok(known);
        }
        let (series, labels) = sql::all(pool, scope).await?;
        // Whoever read at the same time and came first keeps what it admitted meanwhile.
        let known = Known::new(Limits::default(), series, labels);
        Ok(self.0.entry(scope.org_id()).or_insert(known).await.into_value())
    }
}

/// The dimensions that an organization can group and filter by: those with a name, and the tags that it sent.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
pub async fn dimensions(backend: &Backend, scope: &OrgScope) -> Result<Vec<KnownDimension>, Error> {
    scope.require(Permission::Read)?;
    let Limits { words, values, .. } = Limits::default();
    let sent = sql::values(&backend.pool, scope).await?;
    let tags = sent.keys().filter_map(|name| name.parse().ok()).filter(|tag| matches!(tag, Dimension::Tag(_)));
    let known = |dimension: Dimension| {
        let limit = match dimension {
            Dimension::Feature | Dimension::Environment | Dimension::Cohort | Dimension::Step => Some(words),
            Dimension::Customer | Dimension::User | Dimension::Tag(_) => Some(values),
            _ => None,
        };
        let (values, other_since) = sent.get(&dimension.name()).copied().unzip();
        let limit = limit.and_then(|limit| u64::try_from(limit).ok());
        KnownDimension { dimension, values, limit, other_since: other_since.flatten() }
    };
    Ok(Dimension::NAMED.into_iter().chain(tags).map(known).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const LIMITS: Limits = Limits { series: 8, words: 3, labels: 4, values: 3 };

    fn sent(feature: &str, model: &str) -> EventInput {
        EventInput { model: model.to_owned(), feature: Some(feature.to_owned()), ..EventInput::default() }
    }

    fn place(known: &Known, sent: &EventInput) -> Place {
        let whose = (ProjectId(Uuid::nil()), KeyId(Uuid::nil()));
        known.place(Series::of(whose, Status::Success, "chat", sent), sent)
    }

    fn series(place: &Place) -> &Series<'static> {
        &place.unseen.as_ref().unwrap().series.as_ref().unwrap().1
    }

    #[test]
    fn what_is_committed_is_not_written_again() {
        let known = Known::new(LIMITS, vec![], vec![]);
        let event = EventInput { customer: Some("acme".to_owned()), ..sent("a", "m") };
        let first = place(&known, &event);
        assert!(place(&known, &event).unseen.is_some(), "nobody committed it");
        first.unseen.unwrap().committed();
        let again = place(&known, &event);
        assert!(again.unseen.is_none());
        assert_eq!((again.series_id, again.labels), (first.series_id, first.labels));
    }

    #[test]
    fn the_newest_values_of_a_word_become_other() {
        let known = Known::new(LIMITS, vec![], vec![]);
        let features: Vec<_> = ["a", "b", "c", "d", "a", ""]
            .map(|feature| series(&place(&known, &sent(feature, "m"))).feature.clone())
            .into();
        assert_eq!(features, ["a", "b", "c", OTHER, "a", ""]);
    }

    #[test]
    fn nobody_has_more_series_than_the_limits_leave() {
        let known = Known::new(LIMITS, vec![], vec![]);
        let mut ids = HashSet::default();
        for n in 0..1_000 {
            ids.insert(place(&known, &sent(&(n % 2).to_string(), &n.to_string())).series_id);
        }
        assert_eq!(ids.len(), 2 * LIMITS.series + 1, "as many again without the words, and one for the rest");
        assert!(ids.contains(&place(&known, &sent("0", "0")).series_id), "what was admitted stays");
    }

    #[test]
    fn the_newest_values_of_a_label_and_the_newest_tags_become_other() {
        let known = Known::new(LIMITS, vec![], vec![]);
        let labelled = |key: &str, value: &str| {
            let tags = [(key.to_owned(), value.to_owned())].into();
            let place = place(&known, &EventInput { tags, ..sent("", "m") });
            let label = place.unseen.unwrap().labels.remove(0).1;
            format!("{}={}", label.label, label.value)
        };
        assert_eq!(
            ["1", "2", "3", "4", "5"].map(|value| labelled("a", value)),
            ["tag.a=1", "tag.a=2", "tag.a=3", "tag.a=(other)", "tag.a=(other)"]
        );
        assert_eq!(
            ["b", "c", "d", "e"].map(|key| labelled(key, "1")),
            ["tag.b=1", "tag.c=1", "tag.d=1", "tag.(other)=(other)"]
        );
        let many = (0..32).map(|n| (format!("fresh{n}"), n.to_string())).collect();
        let customer = Some("acme".to_owned());
        let placed = place(&known, &EventInput { tags: many, customer, ..sent("", "m") });
        assert_eq!(placed.labels.len(), 2, "fresh tags are one label, and a customer is never a fresh tag");
    }

    #[test]
    fn what_was_there_before_a_start_counts() {
        let of = |feature| {
            let event = sent(feature, "m");
            Series::of((ProjectId(Uuid::nil()), KeyId(Uuid::nil())), Status::Success, "chat", &event).into_owned()
        };
        let label = Label { label: Cow::Borrowed("user"), value: Cow::Borrowed("u") };
        let known = Known::new(LIMITS, vec![of("a"), of("b"), of("c")], vec![(label.id(), "user".to_owned())]);
        assert!(place(&known, &EventInput { user: Some("u".to_owned()), ..sent("b", "m") }).unseen.is_none());
        assert_eq!(series(&place(&known, &sent("d", "m"))).feature, OTHER);
    }
}
