//! What one event used, part by part.

use super::{Meter, Meters, Unread};

/// Most bytes of the names of unread fields, so that they fit into a label.
const MAX_UNREAD_NAMES: usize = 200;

/// What one event used, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Usually one; several where the provider made calls of its own, each priced as a request by itself.
    pub parts: Vec<UsagePart>,
    /// Numbers that no rule read: they may be usage that nobody is charged for.
    pub unread: Vec<Unread>,
}

/// What one model call used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsagePart {
    /// The model of this call, where it is not the event's.
    pub model: Option<String>,
    /// Its disjoint quantities.
    pub meters: Meters,
}

impl Usage {
    /// All parts together: what is stored, shown and summed.
    #[must_use]
    pub fn total(&self) -> Meters {
        match &self.parts[..] {
            [only] => only.meters.clone(),
            parts => sum(parts.iter()),
        }
    }

    /// The same with cache writes of an unstated time as those for an hour; none where there are none, or where some say their time.
    #[must_use]
    pub fn with_hour_writes(&self) -> Option<Self> {
        let written = self.total();
        let says_time =
            [Meter::InputCacheWrite5m, Meter::InputCacheWrite30m, Meter::InputCacheWrite1h, Meter::InputCacheWrite12h]
                .into_iter()
                .any(|meter| !written.get(meter).is_zero());
        if says_time || written.get(Meter::InputCacheWrite).is_zero() {
            return None;
        }
        let for_an_hour = |meter| if meter == Meter::InputCacheWrite { Meter::InputCacheWrite1h } else { meter };
        let mut usage = self.clone();
        for part in &mut usage.parts {
            part.meters = part.meters.iter().map(|(meter, quantity)| (for_an_hour(meter), quantity)).collect();
        }
        Some(usage)
    }

    /// What was used since running totals stood at `before`; none where anything is less, as after a restart of the counters.
    #[must_use]
    pub fn grown_since(&self, before: &Self) -> Option<Self> {
        let of =
            |usage: &Self, model: Option<&str>| sum(usage.parts.iter().filter(|part| part.model.as_deref() == model));
        let is_there =
            |part: &UsagePart| self.parts.iter().any(|now| now.model == part.model) || part.meters.is_empty();
        if !before.parts.iter().all(is_there) {
            return None;
        }
        let mut models: Vec<Option<&str>> = self.parts.iter().map(|part| part.model.as_deref()).collect();
        models.sort_unstable();
        models.dedup();
        let grown = models.into_iter().map(|model| {
            let meters = of(self, model).minus(&of(before, model))?;
            Some(UsagePart { model: model.map(str::to_owned), meters })
        });
        Some(Self { parts: grown.collect::<Option<_>>()?, unread: self.unread.clone() })
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.meters.is_empty())
    }

    /// The names of the fields that no rule read, with commas between them; none where all was read. What does not fit is left out.
    #[must_use]
    pub fn unread_names(&self) -> Option<String> {
        let mut names = String::new();
        for Unread { field, .. } in &self.unread {
            let comma = if names.is_empty() { "" } else { "," };
            if names.len() + comma.len() + field.len() <= MAX_UNREAD_NAMES {
                names.push_str(comma);
                names.push_str(field);
            }
        }
        match (names.is_empty(), self.unread.is_empty()) {
            (false, _) => Some(names),
            (true, false) => Some("(long names)".to_owned()),
            (true, true) => None,
        }
    }
}

impl From<Meters> for Usage {
    fn from(meters: Meters) -> Self {
        Self { parts: vec![UsagePart { model: None, meters }], unread: vec![] }
    }
}

fn sum<'a>(parts: impl Iterator<Item = &'a UsagePart>) -> Meters {
    parts.fold(Meters::new(), |mut sum, part| {
        sum.extend(&part.meters);
        sum
    })
}
