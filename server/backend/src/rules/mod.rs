//! Dated rules: entered, ended, undone, listed and known as of an instant, the same way for every kind ([`domain::rule`]).
//!
//! A rule is superseded, never edited and never deleted.
//! Changes of one organization's rules come one after the other, so of rules with one key only one holds at a time.
//! A kind brings no query of its own for any of this; what it means is its own room's.

mod sql;
mod undo;

pub(crate) use sql::{
    CHANNEL, StoredRule, about, by_ids, changes, holding, known, listed, live_ones, lock, of_kind, one, undone,
};
pub(crate) use undo::Undo;

use crate::{Backend, Error, OrgScope, audit};
use chrono::{DateTime, Duration, Utc};
use domain::identity::Permission;
use domain::ids::RuleChangeId;
use domain::problem::Problem;
use domain::rule::{Rule, RuleKind};
use domain::span::{Edge, Span};
use sqlx::{PgConnection, Postgres, Transaction};

/// Most rules of one kind, and most changes, that a list names.
pub(crate) const MAX_LISTED: i64 = 5_000;

/// One change on its way: a transaction that other changes of the organization's rules wait for.
pub(crate) struct Change<'a> {
    backend: &'a Backend,
    scope: &'a OrgScope,
    change_id: RuleChangeId,
    now: DateTime<Utc>,
    transaction: Transaction<'static, Postgres>,
}

impl<'a> Change<'a> {
    /// Waits for the change before it.
    pub(crate) async fn begin(backend: &'a Backend, scope: &'a OrgScope) -> Result<Self, Error> {
        let mut transaction = backend.pool.begin().await?;
        let last = sql::lock(&mut transaction, scope).await?;
        Ok(Self::after(last, backend, scope, transaction))
    }

    /// In a transaction that has locked the organization's rules, after the change before it.
    fn after(
        last: Option<DateTime<Utc>>,
        backend: &'a Backend,
        scope: &'a OrgScope,
        transaction: Transaction<'static, Postgres>,
    ) -> Self {
        let change_id = RuleChangeId(backend.clock.new_id());
        let now = last.map_or(backend.clock.now(), |last| backend.clock.now().max(last + Duration::microseconds(1)));
        Self { backend, scope, change_id, now, transaction }
    }

    /// What else belongs to the change.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Enters a rule; those of its key give way at its time.
    pub(crate) async fn enter<R: Rule>(&mut self, rule: &R) -> Result<(), Error> {
        if let Some(key) = rule.conflict_key() {
            self.give_way(R::KIND, sql::Wanted::Key(&key), rule.span()).await?;
        }
        self.insert(std::slice::from_ref(rule)).await
    }

    /// Enters rules for whose time [`Self::clear`] made room, and which do not overlap each other.
    pub(crate) async fn insert<R: Rule>(&mut self, rules: &[R]) -> Result<(), Error> {
        let entered = sql::Entered { change_id: self.change_id, at: self.now };
        sql::insert(&mut self.transaction, self.scope, rules, entered).await
    }

    /// Ends all rules about a subject for a span; what lies beside it stays.
    pub(crate) async fn clear(&mut self, kind: RuleKind, subject: &str, span: Span) -> Result<(), Error> {
        self.give_way(kind, sql::Wanted::Subject(subject), span).await
    }

    async fn give_way(&mut self, kind: RuleKind, wanted: sql::Wanted<'_>, span: Span) -> Result<(), Error> {
        let held = sql::overlapping(&mut self.transaction, self.scope, kind, wanted, span).await?;
        self.truncate(&held, span).await
    }

    /// Supersedes rules by what is left of them beside a span.
    async fn truncate(&mut self, held: &[(i64, Span)], span: Span) -> Result<(), Error> {
        let by = sql::Entered { change_id: self.change_id, at: self.now };
        let ids: Vec<i64> = held.iter().map(|(rule_id, _)| *rule_id).collect();
        let left = held.iter().flat_map(|(rule_id, held)| held.subtract(span).map(|left| (*rule_id, left)));
        let left: Vec<(i64, Span)> = left.collect();
        sql::supersede(&mut self.transaction, self.scope, &ids, by).await?;
        sql::copy(&mut self.transaction, self.scope, &left, by).await
    }

    /// Writes the entry of the change and the audit row, tells all servers, and commits.
    pub(crate) async fn commit(self, action: &str, detail: &str) -> Result<RuleChangeId, Error> {
        self.finish(action, detail, None).await
    }

    async fn finish(mut self, action: &str, detail: &str, undoes: Option<RuleChangeId>) -> Result<RuleChangeId, Error> {
        let Self { backend, scope, change_id, now, .. } = self;
        sql::insert_change(&mut self.transaction, scope, change_id, now, detail, undoes).await?;
        audit::record(backend, scope, &mut self.transaction, action, detail).await?;
        sql::notify(&mut self.transaction).await?;
        self.transaction.commit().await?;
        backend.own_books.changed();
        Ok(change_id)
    }
}

/// Enters rules as one change.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn enter<R: Rule>(backend: &Backend, scope: &OrgScope, rules: &[R]) -> Result<RuleChangeId, Error> {
    let mut change = Change::begin(backend, scope).await?;
    for rule in rules {
        change.enter(rule).await?;
    }
    let detail: Vec<String> = rules.iter().map(|rule| entered_text(scope, rule)).collect();
    change.commit(&format!("{}.entered", R::KIND.as_str()), &detail.join(" ")).await
}

/// What an entry says in the audit log.
pub(crate) fn entered_text<R: Rule>(scope: &OrgScope, rule: &R) -> String {
    let edge = |word: &str, at: Option<DateTime<Utc>>| {
        at.map_or_else(String::new, |at| format!(", {word} {}", R::KIND.edge_text(at, scope.zone())))
    };
    let span = rule.span();
    format!("Entered the {}{}{}.", rule.describe(), edge("from", span.from), edge("until before", span.to))
}

/// Ends a rule of any kind; at or before its begin it is withdrawn altogether.
///
/// It is superseded: receipts and statements that name it keep it.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`] for a rule that does not count, [`Problem::Invalid`] for an end after the rule's own, or that its kind does not know; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn end(backend: &Backend, scope: &OrgScope, rule_id: u64, end: Edge) -> Result<RuleChangeId, Error> {
    end_because(backend, scope, rule_id, end, "").await
}

/// As [`end`], with a sentence that says why.
///
/// # Errors
/// As [`end`].
pub(crate) async fn end_because(
    backend: &Backend,
    scope: &OrgScope,
    rule_id: u64,
    end: Edge,
    why: &str,
) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let rule_id = i64::try_from(rule_id).map_err(|_| Problem::NotFound)?;
    let mut change = Change::begin(backend, scope).await?;
    let rule = sql::live(&mut change.transaction, scope, rule_id).await?.ok_or(Problem::NotFound)?;
    let end = rule.kind.instant(end, scope.zone()).map_err(|problem| Problem::invalid(vec![problem]))?;
    if rule.span.to.is_some_and(|to| to <= end) {
        return Err(Problem::field("valid_to", "after_end", "It ends before that already.").into());
    }
    change.truncate(&[(rule_id, rule.span)], Span { from: Some(end), to: None }).await?;
    let mut detail = if rule.span.from.is_some_and(|from| from >= end) {
        format!("Withdrew the {}.", rule.description)
    } else {
        format!("Ended the {} before {}.", rule.description, rule.kind.edge_text(end, scope.zone()))
    };
    if !why.is_empty() {
        detail = format!("{detail} {why}");
    }
    change.commit(&format!("{}.ended", rule.kind.as_str()), &detail).await
}
