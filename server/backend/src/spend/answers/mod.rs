//! Answers that were given before, kept for as long as the days they are about stay the same.
//!
//! A span is asked in parts, because days that are long over seldom move and today does all the time: then only the last part is read again.
//! Every transaction that moves a day's sums gives the day another version, so whoever asks after an acknowledgement sees what was acknowledged, on every server.

#[cfg(test)]
pub(crate) mod tests;

use super::sql;
use crate::allocation::{self, SharedFlow, whole_months};
use crate::scope::Visible;
use crate::{Backend, Error, OrgScope};
use chrono::NaiveDate;
use domain::allocation::Allocated;
use domain::budget::SpendScope;
use domain::ids::OrgId;
use domain::meter::Meter;
use domain::period::Period;
use domain::spend::{
    AnomalyCause, CellKey, Dimension, Filter, Granularity, Metered, Needs, PaidMeter, ProjectDay, Source, SpendQuery,
    SpendRange, SpendRow, Sums, UnpricedUsage,
};
use moka::future::Cache;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Most rows of a part of an answer: a longer one is cheaper to sum in one piece by PostgreSQL than to put together here.
const MOST_ROWS: usize = 20_000;
/// About the memory of the answers of one kind, in rows of about 250 bytes.
const KEPT_ROWS: u64 = 60_000;
/// Answers that nobody asked for lately go.
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// What identifies a part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    org_id: OrgId,
    visible: Visible,
    part: SpendScope,
    bucket: Granularity,
    group_by: Vec<Dimension>,
    filters: Vec<Filter>,
    needs: Needs,
    days: Period,
    state: State,
    /// Of what charges cost, where that matters: a hash.
    charged: u64,
}

/// What an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// Of all versions of the days, and of the values that count as others.
    pub(super) versions: Decimal,
    /// Of the words and owners of projects, where they matter.
    pub(super) projects: Decimal,
    /// Of the allocation rules that count, and of the business metrics that they may split by, where they matter.
    pub(super) rules: Decimal,
}

/// Quantity and spend of a meter of a model of a project.
pub(super) type MeterRow = (CellKey, Meter, Metered);

/// Answers of each kind; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    rows: Kept<SpendRow>,
    meters: Kept<MeterRow>,
    project_days: Kept<ProjectDay>,
    unpriced: Kept<UnpricedUsage>,
    paid: Kept<PaidMeter>,
    causes: Kept<AnomalyCause>,
    allocated: Kept<Allocated>,
    shared: Kept<SharedFlow>,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            rows: Kept::weighing(|_| 1),
            meters: Kept::weighing(|_| 1),
            project_days: Kept::weighing(|_| 1),
            unpriced: Kept::weighing(|_| 1),
            paid: Kept::weighing(|_| 1),
            causes: Kept::weighing(|_| 1),
            allocated: Kept::weighing(|made| made.flows.len() + made.teams.len() + made.projects.len()),
            shared: Kept::weighing(|_| 4),
        }
    }
}

#[derive(Clone, Debug)]
struct Kept<T: Send + Sync + 'static>(Cache<Question, Option<Rows<T>>>);

pub(crate) type Rows<T> = Arc<Vec<T>>;

/// A part of an answer: known, maybe as too long, or yet to be read.
type Part<T> = Result<Option<Rows<T>>, Question>;

impl<T: Send + Sync + 'static> Kept<T> {
    /// Nothing yet; `size` says how many rows one is as large as.
    fn weighing(size: fn(&T) -> usize) -> Self {
        let rows = move |part: &Option<Rows<T>>| part.iter().flat_map(|rows| rows.iter()).map(size).sum::<usize>();
        let weigh = move |_: &Question, part: &Option<Rows<T>>| u32::try_from(rows(part) + 4).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weigh).max_capacity(KEPT_ROWS).time_to_idle(KEPT_FOR).build())
    }

    async fn part(&self, question: Question) -> Part<T> {
        self.0.get(&question).await.ok_or(question)
    }

    /// A part that is known, or read now and kept; none where it is too long, which is kept too, so that it is found out once.
    async fn settle<F>(&self, part: Part<T>, read: impl FnOnce(Period) -> F) -> Result<Option<Rows<T>>, Error>
    where
        F: Future<Output = Result<Vec<T>, Error>>,
    {
        let question = match part {
            Ok(known) => return Ok(known),
            Err(question) => question,
        };
        // What reads is the larger part of every question, and some pages ask a dozen at once.
        let rows = Some(Box::pin(read(question.days)).await?).filter(|rows| rows.len() <= MOST_ROWS).map(Arc::new);
        self.0.insert(question, rows.clone()).await;
        Ok(rows)
    }
}

/// Who asks about which part of the organization.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) backend: &'a Backend,
    pub(crate) scope: &'a OrgScope,
    pub(crate) part: SpendScope,
}

impl Asker<'_> {
    /// The rows of a query of days, in order, and the total over all; none where they are too many to be put together.
    pub(super) async fn rows(self, query: &SpendQuery, span: Period) -> Result<Option<(Vec<SpendRow>, Sums)>, Error> {
        let kept = &self.backend.answers.rows;
        let mut parts = Vec::new();
        for part in self.parts(kept, query, span).await? {
            let Some(rows) = kept.settle(part, |days| self.read(query, days)).await? else { return Ok(None) };
            parts.push(rows);
        }
        Ok(Some(add_rows(&parts, query.needs())))
    }

    /// The same of allocated teams, where they are too many to be kept.
    pub(super) async fn allocated_rows(
        self,
        query: &SpendQuery,
        span: Period,
        limit: usize,
    ) -> Result<(Vec<SpendRow>, Sums), Error> {
        let rows = Box::pin(allocation::grouped(self.backend, self.scope, query, span)).await?;
        let (mut rows, total) = add_rows(&[Arc::new(rows)], query.needs());
        rows.truncate(limit);
        Ok((rows, total))
    }

    async fn read(self, query: &SpendQuery, days: Period) -> Result<Vec<SpendRow>, Error> {
        let range = SpendRange::Days { from: days.from, to: days.to };
        let query = SpendQuery { range, ..query.clone() };
        match query.source()? {
            Source::Allocated(days) => allocation::grouped(self.backend, self.scope, &query, days).await,
            source => {
                Ok(sql::grouped(&self.backend.pool, self.scope, self.part, &query, &source, MOST_ROWS + 1).await?.0)
            }
        }
    }

    /// Who answers for what in some days: worked out by `read` where it is not known.
    pub(crate) async fn allocated<F>(
        self,
        span: Period,
        read: impl Fn(Period) -> F,
    ) -> Result<Option<Rows<Allocated>>, Error>
    where
        F: Future<Output = Result<Vec<Allocated>, Error>>,
    {
        let kept = &self.backend.answers.allocated;
        let query = SpendQuery::over(span).by([Dimension::AllocatedTeam]);
        match self.known(kept, vec![(&query, span)]).await?.pop() {
            Some(part) => kept.settle(part, read).await,
            None => Ok(None),
        }
    }

    /// What rules moved in some days of usage, and of charges whose costs have this hash: worked out by `read` where it is not known; none where it is too much to keep.
    pub(crate) async fn shared<F>(
        self,
        span: Period,
        charged: u64,
        read: impl FnOnce(Period) -> F,
    ) -> Result<Option<Rows<SharedFlow>>, Error>
    where
        F: Future<Output = Result<Vec<SharedFlow>, Error>>,
    {
        let kept = &self.backend.answers.shared;
        let query = SpendQuery::over(span).by([Dimension::AllocatedTeam]);
        let Some(question) = self.questions(vec![(&query, span)]).await?.pop() else { return Ok(None) };
        kept.settle(kept.part(Question { charged, ..question }).await, read).await
    }

    /// Quantity and spend of every meter of every model of every project.
    pub(super) async fn meters(self, query: &SpendQuery, span: Period) -> Result<Vec<MeterRow>, Error> {
        let kept = &self.backend.answers.meters;
        let read = |days| sql::meters(&self.backend.pool, self.scope, self.part, query, days);
        let mut sums: BTreeMap<(CellKey, Meter), Metered> = BTreeMap::new();
        for part in self.parts(kept, query, span).await? {
            let Some(rows) = kept.settle(part, read).await? else { return read(span).await };
            for (key, meter, metered) in rows.iter() {
                let sum = sums.entry((key.clone(), *meter)).or_default();
                sum.quantity += metered.quantity;
                sum.spend += metered.spend;
            }
        }
        Ok(sums.into_iter().map(|((key, meter), metered)| (key, meter, metered)).collect())
    }

    /// Sums by day and project, with each day's owner; nothing is estimated yet.
    pub(super) async fn project_days(self, span: Period) -> Result<Vec<ProjectDay>, Error> {
        let query = SpendQuery::over(span).per(Granularity::Day).by([Dimension::Project, Dimension::Team]);
        let read = |days| sql::by_project_day(&self.backend.pool, self.scope, days);
        self.all(&self.backend.answers.project_days, &query, span, read).await
    }

    /// What was used without a price.
    pub(super) async fn unpriced(self, span: Period) -> Result<Vec<UnpricedUsage>, Error> {
        let read = |days| sql::unpriced(&self.backend.pool, self.scope, days);
        self.all(&self.backend.answers.unpriced, &SpendQuery::over(span), span, read).await
    }

    /// What meters of models cost.
    pub(super) async fn paid(self, span: Period) -> Result<Vec<PaidMeter>, Error> {
        let read = |days| sql::paid(&self.backend.pool, self.scope, days);
        self.all(&self.backend.answers.paid, &SpendQuery::over(span), span, read).await
    }

    /// What explains each of these days of a project, beside so many days before: worked out by `explain` where it is not known.
    pub(super) async fn causes<F>(
        self,
        asked: &[(&str, NaiveDate)],
        days_before: u32,
        explain: impl Fn(usize) -> F,
    ) -> Result<Vec<Vec<AnomalyCause>>, Error>
    where
        F: Future<Output = Result<Vec<AnomalyCause>, Error>>,
    {
        let kept = &self.backend.answers.causes;
        let query = |(project, day): &(&str, NaiveDate)| {
            let span = Period::last_days(*day, u64::from(days_before) + 1);
            (SpendQuery::over(span).only(Dimension::Project, *project), span)
        };
        let queries: Vec<_> = asked.iter().map(query).collect();
        let parts = self.known(kept, queries.iter().map(|(query, span)| (query, *span)).collect()).await?;
        let settled = parts.into_iter().enumerate().map(async |(place, part)| {
            let causes = kept.settle(part, |_| explain(place)).await?;
            Ok::<_, Error>(causes.map(|causes| causes.to_vec()).unwrap_or_default())
        });
        futures::future::try_join_all(settled).await
    }

    /// The rows of all parts one after the other.
    async fn all<T: Clone + Send + Sync + 'static, F>(
        self,
        kept: &Kept<T>,
        query: &SpendQuery,
        span: Period,
        read: impl Fn(Period) -> F,
    ) -> Result<Vec<T>, Error>
    where
        F: Future<Output = Result<Vec<T>, Error>>,
    {
        let mut all = Vec::new();
        for part in self.parts(kept, query, span).await? {
            let Some(rows) = kept.settle(part, &read).await? else { return read(span).await };
            all.extend(rows.iter().cloned());
        }
        Ok(all)
    }

    /// The parts of a span, known or not.
    async fn parts<T: Send + Sync + 'static>(
        self,
        kept: &Kept<T>,
        query: &SpendQuery,
        span: Period,
    ) -> Result<Vec<Part<T>>, Error> {
        let today = self.scope.zone().day_of(self.backend.clock.now());
        // Rules split by what was used in a whole month, so no day of this one is over.
        let parts = match query.is_allocated() {
            true => cut(span, vec![Period::month_of(today).from]),
            false => split(span, today),
        };
        self.known(kept, parts.into_iter().map(|days| (query, days)).collect()).await
    }

    /// What is known of each of these queries about its days, and how to ask for the rest.
    async fn known<T: Send + Sync + 'static>(
        self,
        kept: &Kept<T>,
        asked: Vec<(&SpendQuery, Period)>,
    ) -> Result<Vec<Part<T>>, Error> {
        let questions = self.questions(asked).await?;
        let mut parts = Vec::with_capacity(questions.len());
        for question in questions {
            parts.push(kept.part(question).await);
        }
        Ok(parts)
    }

    /// Each of these queries about its days, with what its answer rests on.
    async fn questions(self, asked: Vec<(&SpendQuery, Period)>) -> Result<Vec<Question>, Error> {
        let is_allocated = asked.iter().any(|(query, _)| query.is_allocated());
        let rests_on = |days: Period| if is_allocated { whole_months(days) } else { days };
        let spans: Vec<Period> = asked.iter().map(|(_, days)| rests_on(*days)).collect();
        let rests_on_projects = asked.iter().any(|(query, _)| self.rests_on_projects(query));
        // What is read after this may be newer than the states say: whoever comes later with the same states would not mind.
        let states = sql::states(&self.backend.pool, self.scope, &spans, [rests_on_projects, is_allocated]).await?;
        let question = |((query, days), state): ((&SpendQuery, Period), State)| Question {
            org_id: self.scope.org_id(),
            visible: self.scope.visible().clone(),
            part: self.part,
            bucket: query.bucket,
            group_by: query.group_by.clone(),
            filters: query.filters.clone(),
            needs: query.needs(),
            days,
            state,
            charged: 0,
        };
        Ok(asked.into_iter().zip(states).map(question).collect())
    }

    /// Whether an answer changes with the words and owners of projects.
    fn rests_on_projects(self, query: &SpendQuery) -> bool {
        matches!(self.part, SpendScope::Team(_))
            || query.is_allocated()
            || query.dimensions().any(Dimension::is_of_project)
    }
}

/// The parts of a span: the months long over, last month, this one, and the days on which events still come.
fn split(span: Period, today: NaiveDate) -> Vec<Period> {
    let month = Period::month_of(today).from;
    let last_month = month.pred_opt().map_or(month, |day| Period::month_of(day).from);
    let yesterday = today.pred_opt().unwrap_or(today);
    cut(span, vec![last_month, month, yesterday])
}

fn cut(span: Period, mut bounds: Vec<NaiveDate>) -> Vec<Period> {
    bounds.retain(|day| span.from < *day && *day < span.to);
    bounds.sort_unstable();
    let starts = std::iter::once(span.from).chain(bounds.iter().copied());
    let ends = bounds.iter().copied().chain(std::iter::once(span.to));
    starts.zip(ends).map(|(from, to)| Period { from, to }).collect()
}

/// Adds the rows of all parts, where a week or a group has days in more than one.
fn add_rows(parts: &[Arc<Vec<SpendRow>>], needs: Needs) -> (Vec<SpendRow>, Sums) {
    let mut rows = match parts {
        [only] => only.to_vec(),
        parts => {
            let mut sums: BTreeMap<_, Sums> = BTreeMap::new();
            for row in parts.iter().flat_map(|rows| rows.iter()) {
                sums.entry((row.bucket, &row.keys)).or_default().add(&row.sums);
            }
            sums.into_iter().map(|((bucket, keys), sums)| SpendRow { bucket, keys: keys.clone(), sums }).collect()
        }
    };
    rows.sort_by(sql::in_order);
    let mut total = Sums::nothing(needs);
    rows.iter().for_each(|row| total.add(&row.sums));
    (rows, total)
}
