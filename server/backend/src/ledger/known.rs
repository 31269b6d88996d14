//! What a server knows of an organization's series, labels, shapes and plans, so that only what is new has to be written.
//!
//! Series and labels are bounded. Beyond a limit the value that is newest counts as [`OTHER`]: the event keeps it, and no money is lost.

use super::limits::Limits;
use super::series::{Label, Series, TAG, number};
use super::sql::{self, KnownRows};
use crate::hash::digest;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::event::EventInput;
use domain::ids::OrgId;
use domain::spend::OTHER;
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

/// Where an event counts, and what it has in common with others.
#[derive(Clone, Debug, Default)]
pub(crate) struct DictionaryRefs {
    pub(crate) series_id: i64,
    pub(crate) labels: Vec<i64>,
    pub(crate) shape_id: i64,
    pub(crate) plan_id: i64,
    /// Whether one of its words counts as [`OTHER`].
    pub(crate) is_other: bool,
    /// What has to be written before the event, because this server has not seen it committed.
    pub(crate) unseen: Option<Box<Unseen>>,
}

/// What this server has not seen committed.
#[derive(Clone, Debug)]
pub(crate) struct Unseen {
    known: Known,
    series: Option<(i64, Series<'static>)>,
    labels: Vec<(i64, Label<'static>)>,
    shape: Option<Entry>,
    plan: Option<Entry>,
}

impl Unseen {
    /// It is committed: from now on nobody has to write it.
    pub(crate) fn committed(&self) {
        let mut known = self.known.lock();
        if let Some((id, _)) = &self.series {
            known.series.insert(*id, true);
        }
        for (id, _) in &self.labels {
            known.labels.insert(*id, true);
        }
        for Entry { id, .. } in self.shape.iter().chain(&self.plan) {
            if known.entries.len() < known.limits.entries {
                known.entries.insert(*id);
            }
        }
    }
}

/// A shape or a plan with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    json: String,
}

impl Entry {
    /// Anything, by a kind: two of different kinds never share a number.
    pub(crate) fn of(kind: &str, content: &impl serde::Serialize) -> Self {
        // Maps with text keys always have a JSON form.
        let json = serde_json::to_string(content).unwrap_or_default();
        Self { id: number(digest([kind, &json])), json }
    }
}

/// What a transaction has to write before what names it, in the order in which everybody locks rows.
#[derive(Default)]
pub(crate) struct Missing<'a> {
    series: BTreeMap<(OrgId, i64), &'a Series<'static>>,
    labels: BTreeMap<(OrgId, i64), &'a Label<'static>>,
    shapes: BTreeMap<(OrgId, i64), &'a str>,
    plans: BTreeMap<(OrgId, i64), &'a str>,
}

impl<'a> Missing<'a> {
    /// Of some events.
    pub(crate) fn of(places: impl Iterator<Item = (OrgId, &'a DictionaryRefs)>) -> Self {
        let mut missing = Self::default();
        let entry = |org_id, entry: &'a Entry| ((org_id, entry.id), entry.json.as_str());
        for (org_id, unseen) in places.filter_map(|(org_id, place)| Some((org_id, place.unseen.as_deref()?))) {
            missing.series.extend(unseen.series.iter().map(|(id, series)| ((org_id, *id), series)));
            missing.labels.extend(unseen.labels.iter().map(|(id, label)| ((org_id, *id), label)));
            missing.shapes.extend(unseen.shape.iter().map(|shape| entry(org_id, shape)));
            missing.plans.extend(unseen.plan.iter().map(|plan| entry(org_id, plan)));
        }
        missing
    }

    /// Of some receipts of an organization.
    pub(crate) fn of_plans(org_id: OrgId, plans: impl Iterator<Item = &'a Entry>) -> Self {
        Self { plans: plans.map(|plan| ((org_id, plan.id), plan.json.as_str())).collect(), ..Self::default() }
    }

    /// Writes it, unless another server did.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn write(&self, connection: &mut sqlx::PgConnection, now: DateTime<Utc>) -> Result<(), Error> {
        sql::insert_missing(connection, &self.series, &self.labels, now).await?;
        sql::insert_entries(connection, ("shapes", "shape"), &self.shapes).await?;
        sql::insert_entries(connection, ("plans", "plan"), &self.plans).await
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
    /// Numbers of shapes and plans that were committed.
    entries: HashSet<i64>,
}

impl Known {
    fn new(limits: Limits, KnownRows { series, labels, entries }: KnownRows) -> Self {
        let entries = entries.into_iter().collect();
        let labels_by_id = HashMap::with_capacity(labels.len());
        let mut values = Values { limits, labels: labels_by_id, entries, ..Values::default() };
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

    /// Where an event counts, with its shape and its plan.
    pub(crate) fn resolve(
        &self,
        mut series: Series<'_>,
        (sent, unread): (&EventInput, Option<&str>),
        [shape, plan]: [Entry; 2],
    ) -> DictionaryRefs {
        let own_id = series.id();
        let mut values = self.lock();
        let (series_id, is_committed) = values.series(own_id, &mut series);
        let mut is_other = series_id != own_id;
        let mut labels = vec![];
        let mut unseen_labels = vec![];
        for mut label in Label::of(sent, unread) {
            let own_id = label.id();
            let (id, is_committed) = values.label(own_id, &mut label);
            is_other |= id != own_id;
            // Several labels may have become one.
            if !labels.contains(&id) {
                labels.push(id);
                if !is_committed {
                    unseen_labels.push((id, label.into_owned()));
                }
            }
        }
        let (shape_id, plan_id) = (shape.id, plan.id);
        let [shape, plan] = [shape, plan].map(|entry| Some(entry).filter(|entry| !values.entries.contains(&entry.id)));
        drop(values);
        let is_seen = is_committed && unseen_labels.is_empty() && shape.is_none() && plan.is_none();
        let unseen = (!is_seen).then(|| {
            let series = (!is_committed).then(|| (series_id, series.into_owned()));
            Box::new(Unseen { known: self.clone(), series, labels: unseen_labels, shape, plan })
        });
        DictionaryRefs { series_id, labels, shape_id, plan_id, is_other, unseen }
    }
}

impl Values {
    /// The number of a series, which is changed to the one that the limits leave, and whether it is committed.
    fn series(&mut self, id: i64, series: &mut Series<'_>) -> (i64, bool) {
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
    fn label(&mut self, id: i64, label: &mut Label<'_>) -> (i64, bool) {
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
pub(crate) struct Memory {
    limits: Limits,
    known: Cache<OrgId, Known>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Memory {
    /// An empty memory for organizations that may have so much.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, known: Cache::builder().max_capacity(HELD).time_to_idle(HELD_FOR).build() }
    }

    /// How much one organization may have.
    pub(crate) const fn limits(&self) -> Limits {
        self.limits
    }

    /// What an organization has; read from the database the first time.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn of(&self, pool: &PgPool, scope: &OrgScope) -> Result<Known, Error> {
        if let Some(known) = self.known.get(&scope.org_id()).await {
            return Ok(known);
        }
        // Whoever read at the same time and came first keeps what it admitted meanwhile.
        let known = Known::new(self.limits, sql::all(pool, scope, self.limits.entries).await?);
        Ok(self.known.entry(scope.org_id()).or_insert(known).await.into_value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::Status;
    use domain::ids::{KeyId, ProjectId};
    use uuid::Uuid;

    const LIMITS: Limits = Limits { series: 8, words: 3, labels: 4, values: 3, entries: 2 };

    fn sent(feature: &str, model: &str) -> EventInput {
        EventInput { model: model.to_owned(), feature: Some(feature.to_owned()), ..EventInput::default() }
    }

    fn place(known: &Known, sent: &EventInput) -> DictionaryRefs {
        let whose = (ProjectId(Uuid::nil()), KeyId(Uuid::nil()));
        let entries = ["shape", sent.region.as_deref().unwrap_or_default()];
        let entries = entries.map(|text| Entry::of("test", &text));
        known.resolve(Series::of(whose, Status::Success, "chat", sent), (sent, None), entries)
    }

    fn series(place: &DictionaryRefs) -> &Series<'static> {
        &place.unseen.as_ref().unwrap().series.as_ref().unwrap().1
    }

    #[test]
    fn what_is_committed_is_not_written_again() {
        let known = Known::new(LIMITS, KnownRows::default());
        let event = EventInput { customer: Some("acme".to_owned()), ..sent("a", "m") };
        let first = place(&known, &event);
        assert!(place(&known, &event).unseen.is_some(), "nobody committed it");
        first.unseen.unwrap().committed();
        let again = place(&known, &event);
        assert!(again.unseen.is_none());
        assert_eq!((again.series_id, again.labels), (first.series_id, first.labels));
    }

    #[test]
    fn more_plans_than_are_remembered_are_written_each_time() {
        let known = Known::new(LIMITS, KnownRows::default());
        let unseen = |region: &str| {
            let unseen = place(&known, &EventInput { region: Some(region.to_owned()), ..sent("a", "m") }).unseen;
            unseen.inspect(|unseen| unseen.committed()).is_some()
        };
        assert_eq!(["a", "a", "b", "b", "a"].map(unseen), [true, false, true, true, false]);
    }

    #[test]
    fn the_newest_values_of_a_word_become_other() {
        let known = Known::new(LIMITS, KnownRows::default());
        let features: Vec<_> = ["a", "b", "c", "d", "a", ""]
            .map(|feature| series(&place(&known, &sent(feature, "m"))).feature.clone())
            .into();
        assert_eq!(features, ["a", "b", "c", OTHER, "a", ""]);
    }

    #[test]
    fn nobody_has_more_series_than_the_limits_leave() {
        let known = Known::new(LIMITS, KnownRows::default());
        let mut ids = HashSet::default();
        for n in 0..1_000 {
            ids.insert(place(&known, &sent(&(n % 2).to_string(), &n.to_string())).series_id);
        }
        assert_eq!(ids.len(), 2 * LIMITS.series + 1, "as many again without the words, and one for the rest");
        assert!(ids.contains(&place(&known, &sent("0", "0")).series_id), "what was admitted stays");
    }

    #[test]
    fn the_newest_values_of_a_label_and_the_newest_tags_become_other() {
        let known = Known::new(LIMITS, KnownRows::default());
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
        let series = vec![of("a"), of("b"), of("c")];
        let known = Known::new(
            LIMITS,
            KnownRows { series, labels: vec![(label.id(), "user".to_owned())], ..KnownRows::default() },
        );
        let unseen = place(&known, &EventInput { user: Some("u".to_owned()), ..sent("b", "m") }).unseen.unwrap();
        assert!(unseen.series.is_none() && unseen.labels.is_empty());
        assert_eq!(self::series(&place(&known, &sent("d", "m"))).feature, OTHER);
    }
}
