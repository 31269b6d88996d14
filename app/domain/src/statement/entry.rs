//! Entries: a statement as a flat list of amounts, each of one month, team, project, and model or charge.
//!
//! Versions are compared by entries, and what moved in a closed month is their difference: what counts now, less what closed statements hold of the month.
//! So closed amounts, adjustments in closed months and those of the open month are together what counts now, to the last place.

use super::{MarkupLine, MonthStatement, month_text};
use crate::allocation::SharedLine;
use crate::charge::{ChargeKind, ChargeLine};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an entry's amount is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EntrySource {
    /// Calls of one model.
    Usage {
        /// Who sells the model.
        provider: String,
        /// The model as sent.
        model: String,
    },
    /// A charge beside events.
    Charge {
        /// What it is for.
        charge: ChargeKind,
        /// What it says.
        description: String,
    },
    /// What an allocation rule brought and took.
    Shared {
        /// Name of the rule.
        rule: String,
        /// Whether it is of charges beside events; else it is of usage.
        of_charges: bool,
    },
    /// What markup adds.
    Markup,
}

impl EntrySource {
    /// "openai/gpt-4o", "charge/GPU pool", "shared/Vector store", "markup".
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Usage { provider, model } => format!("{provider}/{model}"),
            Self::Charge { description, .. } => format!("charge/{description}"),
            Self::Shared { rule, of_charges: false } => format!("shared/{rule}"),
            Self::Shared { rule, of_charges: true } => format!("shared charge/{rule}"),
            Self::Markup => "markup".to_owned(),
        }
    }
}

/// What tells one entry from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryKey {
    /// First day of the month that it belongs to: before the statement's own for an adjustment.
    pub month: NaiveDate,
    /// Short name of the team; none where nobody owns it.
    pub team: Option<String>,
    /// Short name of the project; none for charges of a team or of nobody.
    pub project: Option<String>,
    /// What it is for.
    pub source: EntrySource,
}

impl EntryKey {
    /// The name of the line on the statement of a month, by which it is disputed: "support-bot/openai/gpt-4o", "2026-10: support-bot/charge/GPU pool".
    #[must_use]
    pub fn line(&self, statement: NaiveDate) -> String {
        let month = match self.month == statement {
            true => String::new(),
            false => format!("{}: ", month_text(self.month)),
        };
        let project = self.project.as_ref().map(|project| format!("{project}/")).unwrap_or_default();
        format!("{month}{project}{}", self.source.label())
    }
}

/// One amount of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose it is, and for what.
    #[serde(flatten)]
    pub key: EntryKey,
    /// In US dollars.
    pub amount: Decimal,
}

/// What is different between two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryChange {
    /// The line.
    pub key: EntryKey,
    /// Its amount in the one; zero where it has none.
    pub before: Decimal,
    /// Its amount in the other.
    pub after: Decimal,
}

/// Amounts by what they are for; those that come to nothing are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries(BTreeMap<EntryKey, Decimal>);

impl Entries {
    /// Adds an amount to what is there for the same.
    pub fn add(&mut self, key: EntryKey, amount: Decimal) {
        let sum = self.0.get(&key).copied().unwrap_or_default() + amount;
        if sum.is_zero() {
            self.0.remove(&key);
        } else {
            self.0.insert(key, sum);
        }
    }

    /// In the order of months, teams and projects.
    pub fn iter(&self) -> impl Iterator<Item = (&EntryKey, Decimal)> {
        self.0.iter().map(|(key, amount)| (key, *amount))
    }

    /// What there is for one.
    #[must_use]
    pub fn amount(&self, key: &EntryKey) -> Decimal {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> Decimal {
        self.0.values().sum()
    }

    /// What is here beyond the others: what has to be added to them to come to these.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut difference = self.clone();
        before.iter().for_each(|(key, amount)| difference.add(key.clone(), -amount));
        difference
    }

    /// What is different in these than before, line by line.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<EntryChange> {
        let change = |(key, _): (&EntryKey, Decimal)| EntryChange {
            key: key.clone(),
            before: before.amount(key),
            after: self.amount(key),
        };
        self.since(before).iter().map(change).collect()
    }

    /// As a list.
    #[must_use]
    pub fn into_list(self) -> Vec<Entry> {
        self.0.into_iter().map(|(key, amount)| Entry { key, amount }).collect()
    }
}

impl FromIterator<Entry> for Entries {
    fn from_iter<T: IntoIterator<Item = Entry>>(list: T) -> Self {
        let mut entries = Self::default();
        list.into_iter().for_each(|entry| entries.add(entry.key, entry.amount));
        entries
    }
}

impl MonthStatement {
    /// The statement as entries, adjustments of earlier months included; needs its lines. They add up to [`MonthStatement::grand_total`].
    #[must_use]
    pub fn entries(&self) -> Entries {
        let mut entries: Entries = self.adjustments.iter().cloned().collect();
        for team in &self.teams {
            let slug = team.team.as_ref().map(|team| team.slug.as_str());
            for project in &team.projects {
                let of = Some(project.project.slug.as_str());
                for line in &project.lines {
                    let source = EntrySource::Usage { provider: line.provider.clone(), model: line.model.clone() };
                    entries.add(self.entry_key(slug, of, source), line.amount.unwrap_or_default());
                }
                self.add_charges(&mut entries, slug, of, &project.charges);
                self.add_shared(&mut entries, slug, of, &project.shared);
                self.add_markup(&mut entries, slug, of, project.markup.as_ref());
            }
            self.add_charges(&mut entries, slug, None, &team.charges);
            self.add_shared(&mut entries, slug, None, &team.shared);
            self.add_markup(&mut entries, slug, None, team.markup.as_ref());
        }
        self.add_charges(&mut entries, None, None, &self.unallocated);
        self.add_shared(&mut entries, None, None, &self.unallocated_shared);
        entries
    }

    fn add_charges(&self, entries: &mut Entries, team: Option<&str>, project: Option<&str>, charges: &[ChargeLine]) {
        for line in charges {
            let source = EntrySource::Charge { charge: line.kind, description: line.description.clone() };
            entries.add(self.entry_key(team, project, source), line.amount);
        }
    }

    fn add_shared(&self, entries: &mut Entries, team: Option<&str>, project: Option<&str>, lines: &[SharedLine]) {
        for line in lines {
            let source = EntrySource::Shared { rule: line.rule.clone(), of_charges: line.is_charge };
            entries.add(self.entry_key(team, project, source), line.amount);
        }
    }

    fn add_markup(&self, entries: &mut Entries, team: Option<&str>, project: Option<&str>, line: Option<&MarkupLine>) {
        if let Some(line) = line {
            entries.add(self.entry_key(team, project, EntrySource::Markup), line.amount);
        }
    }

    fn entry_key(&self, team: Option<&str>, project: Option<&str>, source: EntrySource) -> EntryKey {
        let owned = |slug: Option<&str>| slug.map(str::to_owned);
        EntryKey { month: self.month.from, team: owned(team), project: owned(project), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn month(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Months::new(number)
    }

    fn key(of: u32, team: u32, model: u32) -> EntryKey {
        EntryKey {
            month: month(of),
            team: (team > 0).then(|| format!("team-{team}")),
            project: Some("main".to_owned()),
            source: EntrySource::Usage { provider: "openai".to_owned(), model: format!("model-{model}") },
        }
    }

    /// What can happen to the books: something moves the sums of a month, or the next month is closed.
    #[derive(Clone, Debug)]
    enum Happening {
        Moved(u32, u32, u32, Decimal),
        Closed,
    }

    fn happenings() -> impl Strategy<Value = Vec<Happening>> {
        let amount = (-9_000_000_000_000_000_i128..9_000_000_000_000_000)
            .prop_map(|units| Decimal::from_i128_with_scale(units, 12));
        let moved = (0_u32..6, 0_u32..3, 0_u32..2, amount)
            .prop_map(|(of, team, model, by)| Happening::Moved(of, team, model, by));
        proptest::collection::vec(prop_oneof![4 => moved, 1 => Just(Happening::Closed)], 0..60)
    }

    proptest! {
        /// After whatever order of late events, repricing and closes: closed statements, what the open month holds of closed ones, and the open months are together what counts, by month, team and model; nothing is posted twice.
        #[test]
        fn closed_and_posted_and_pending_are_what_counts(happenings in happenings()) {
            let mut now = Entries::default();
            let mut booked = Entries::default();
            let mut closed = 0;
            let of = |entries: &Entries, wanted: &dyn Fn(NaiveDate) -> bool| -> Entries {
                entries.iter().filter(|(key, _)| wanted(key.month)).map(|(key, amount)| Entry { key: key.clone(), amount }).collect()
            };
            for happening in happenings {
                match happening {
                    Happening::Moved(of, team, model, by) => now.add(key(of, team, model), by),
                    Happening::Closed => {
                        let adjustments = of(&now, &|day| day < month(closed)).since(&booked);
                        let own = of(&now, &|day| day == month(closed));
                        for (key, amount) in own.iter().chain(adjustments.iter()) {
                            booked.add(key.clone(), amount);
                        }
                        closed += 1;
                        prop_assert!(of(&now, &|day| day < month(closed)).since(&booked) == Entries::default());
                    }
                }
                let pending = of(&now, &|day| day < month(closed)).since(&booked);
                let open = of(&now, &|day| day >= month(closed));
                prop_assert_eq!(booked.total() + pending.total() + open.total(), now.total());
                for (key, amount) in now.iter() {
                    let parts = booked.amount(key) + pending.amount(key) + open.amount(key);
                    prop_assert_eq!(parts, amount);
                }
            }
        }
    }

    #[test]
    fn a_line_is_named_by_what_it_is_for() {
        let of = month(10);
        assert_eq!(key(10, 1, 2).line(of), "main/openai/model-2");
        assert_eq!(key(9, 1, 2).line(of), "2026-10: main/openai/model-2");
        let source = EntrySource::Charge { charge: ChargeKind::Seats, description: "Licences".to_owned() };
        assert_eq!(EntryKey { project: None, source, ..key(10, 1, 2) }.line(of), "charge/Licences");
    }
}
