//! Spans of time with open ends.

use chrono::{DateTime, Utc};

/// From an instant until before another; the ends of time stand for open ends. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Span {
    /// An end that does not lie behind the begin leaves nothing; such a span overlaps no other.
    pub(super) fn of(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Self {
        let (from, to) = (from.unwrap_or(DateTime::<Utc>::MIN_UTC), to.unwrap_or(DateTime::<Utc>::MAX_UTC));
        Self { from, to: to.max(from) }
    }

    pub(super) fn from(self) -> Option<DateTime<Utc>> {
        (self.from != DateTime::<Utc>::MIN_UTC).then_some(self.from)
    }

    pub(super) fn to(self) -> Option<DateTime<Utc>> {
        (self.to != DateTime::<Utc>::MAX_UTC).then_some(self.to)
    }

    fn is_empty(self) -> bool {
        self.from >= self.to
    }

    /// Whether they share an instant.
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.intersection(other).is_some()
    }

    /// What they share.
    pub(super) fn intersection(self, other: Self) -> Option<Self> {
        let shared = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (!shared.is_empty()).then_some(shared)
    }

    /// What others leave of it, in order.
    pub(super) fn subtract_all(self, others: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut left: Vec<Self> = (!self.is_empty()).then_some(self).into_iter().collect();
        for other in others {
            left = left.into_iter().flat_map(|span| span.subtract_span(other)).collect();
        }
        left
    }

    fn subtract_span(self, other: Self) -> Vec<Self> {
        if !self.overlaps(other) {
            return vec![self];
        }
        let before = Self { to: other.from, ..self };
        let after = Self { from: other.to, ..self };
        [before, after].into_iter().filter(|span| !span.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> Option<DateTime<Utc>> {
        Some(format!("2026-11-{day:02}T00:00:00Z").parse().unwrap())
    }

    #[test]
    fn others_are_subtracted() {
        let month = Span::of(day(1), day(30));
        assert_eq!(
            month.subtract_all([Span::of(day(5), day(9))]),
            [Span::of(day(1), day(5)), Span::of(day(9), day(30))]
        );
        assert_eq!(month.subtract_all([Span::of(None, day(9)), Span::of(day(20), None)]), [Span::of(day(9), day(20))]);
        assert_eq!(month.subtract_all([Span::of(None, None)]), []);
        assert_eq!(month.subtract_all([Span::of(day(30), None), Span::of(day(4), day(4))]), [month]);
        assert!(!Span::of(day(9), day(5)).overlaps(month), "ends before it begins");
    }
}
