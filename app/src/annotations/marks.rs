//! The annotations of a chart: marks on it, texts in its table, and the list below it.

use super::{concerns, path, when};
use crate::layout::UrlQuery;
use crate::page::Visit;
use crate::ui::chart::{ChartData, Mark};
use crate::ui::html;
use backend::Error;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use domain::annotation::Annotation;
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::period::Period;
use leptos::prelude::*;

/// Most marks on one chart: the newest.
const MOST: usize = 12;

/// What happened in the days of a chart.
pub(crate) struct Marks {
    org: String,
    may_annotate: bool,
    period: Period,
    shown: Vec<Annotation>,
    more: usize,
}

impl Marks {
    /// Reads what concerns a part in a period.
    pub(crate) async fn read(visit: &Visit, part: SpendScope, period: Period) -> Result<Self, Error> {
        let mut shown = backend::annotations::happened(&visit.backend, &visit.scope, part, period).await?;
        let more = shown.len().saturating_sub(MOST);
        let (org, may_annotate) = (visit.org().to_owned(), visit.frame.may(Permission::ManageViews));
        Ok(Self { org, may_annotate, period, shown: shown.split_off(more), more })
    }

    /// Puts them on a chart whose steps are these days.
    pub(crate) fn on_days(&self, data: ChartData, days: impl IntoIterator<Item = NaiveDate>) -> ChartData {
        self.on(data, days.into_iter().map(|day| day.and_time(NaiveTime::MIN)))
    }

    /// Puts them on a chart whose steps begin at these local times.
    pub(crate) fn on(&self, data: ChartData, starts: impl IntoIterator<Item = NaiveDateTime>) -> ChartData {
        let starts: Vec<_> = starts.into_iter().collect();
        let step = |at: NaiveDateTime| starts.iter().rposition(|start| *start <= at).unwrap_or_default();
        let first = starts.first().copied().unwrap_or(NaiveDateTime::MAX);
        let mark = |(at, of): (usize, &Annotation)| {
            let began = of.from.naive_local();
            let ended = of.to.map_or(began, |to| to.naive_local() - chrono::Duration::microseconds(1));
            let text = format!("{}: {}", of.kind.label(), of.text);
            (ended >= first).then(|| Mark { number: at + 1, from: step(began), last: step(ended), text })
        };
        let marks = self.shown.iter().enumerate().filter_map(mark).collect();
        ChartData { marks, ..data }
    }

    /// The list below the chart, in the order of its marks, and where another is added.
    pub(crate) fn list(&self) -> AnyView {
        let item = |of: &Annotation| {
            let text = format!("{} ", of.kind.label());
            let about = concerns(of).map(|about| format!(" · {about}")).unwrap_or_default();
            let link = of.link.clone().map(|link| view! { " "<a href=link rel="noreferrer">"more"</a> });
            let edit = of.annotation_id.filter(|_| self.may_annotate).map(|id| {
                let (href, name) = (format!("{}/{id}", path(&self.org)), format!("Edit {}", of.text));
                view! { " "<a class="soft" href=href aria-label=name>"edit"</a> }
            });
            let (when, words) = (when(of), of.text.clone());
            view! { <li><span class="soft">{when}" "{text}</span>{words}<span class="soft">{about}</span>{link}{edit}</li> }
        };
        let items = self.shown.iter().map(item).collect_view();
        let all = UrlQuery::days(self.period).at(&path(&self.org));
        let more = (self.more > 0).then(|| {
            let href = all.clone();
            view! { <a href=href>{format!("{} earlier", self.more)}</a>" " }
        });
        let add = self.may_annotate.then(|| view! { <a href=format!("{all}#new")>"Annotate"</a> });
        let list = (!self.shown.is_empty()).then(|| view! { <ol class="marks" aria-label="Annotations">{items}</ol> });
        let more = (more.is_some() || add.is_some()).then(|| view! { <p class="soft small">{more}{add}</p> });
        html! { {list}{more} }
    }
}
