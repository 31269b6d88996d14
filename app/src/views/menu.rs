//! The menu of views on Explore: opened, saved, renamed, shared, brought up to date, pinned and deleted.

use super::api::{ArrangeViews, ChangeView, DeleteView, RestoreView, SaveView};
use super::{VIEW, address, query_of};
use crate::error::AppError;
use crate::form::{Posted, hidden};
use crate::layout::{PeriodSelection, UrlQuery};
use crate::page::Visit;
use crate::ui::{
    Button, Checkbox, Field, FormErrors, Menu, MenuItem, MenuRule, NOTICE_PARAM, Notice, NoticeText, Tone, UrlNotice,
    html,
};
use domain::identity::Permission;
use domain::problem::Problem;
use domain::project::MAX_NAME_LEN;
use domain::spend::ExploreQuery;
use domain::view::{Board, Question, SavedView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The parameter that names a view which was just deleted.
pub(crate) const REMOVED: &str = "removed";

const NOTICES: &[NoticeText] = &[
    NoticeText { code: "saved", tone: Tone::Good, text: "The view is saved. Its address stays the same." },
    NoticeText { code: "changed", tone: Tone::Good, text: "The view is changed." },
    NoticeText { code: "restored", tone: Tone::Good, text: "The view is back, where it was pinned, too." },
];

/// The views that the reader sees, and the one that is open.
pub(crate) struct Views {
    all: Vec<SavedView>,
    open: Option<SavedView>,
    is_pinned: bool,
}

impl Views {
    /// Reads them, with the one that the address names.
    pub(crate) async fn read(visit: &Visit) -> Result<Self, AppError> {
        let all = backend::views::list(&visit.backend, &visit.scope).await?;
        let named = visit.query.get(VIEW).map(str::to_owned);
        let open = named.as_ref().and_then(|id| all.iter().find(|view| view.view_id.to_string() == *id)).cloned();
        if named.is_some() && open.is_none() {
            return Err(Problem::NotFound.into());
        }
        let mine = match &open {
            Some(_) => backend::views::placed(&visit.backend, &visit.scope, Board::Mine, &all).await?,
            None => Vec::new(),
        };
        let is_pinned = mine.iter().any(|(placed, _)| open.as_ref().is_some_and(|open| open.view_id == placed.view_id));
        Ok(Self { all, open, is_pinned })
    }

    /// Where the address of a view leads: to what it asks, which can be changed from there on.
    pub(crate) fn leads_to(&self, visit: &Visit) -> Option<String> {
        let open = self.open.as_ref().filter(|_| !Question::is_asked(&visit.query.pairs()))?;
        let query = query_of(&open.question).and(VIEW, &open.view_id.to_string());
        let query = match visit.query.get(NOTICE_PARAM) {
            Some(notice) => query.and(NOTICE_PARAM, notice),
            None => query,
        };
        Some(query.at(&visit.path))
    }

    /// The name of the open view.
    pub(crate) fn title(&self) -> Option<String> {
        self.open.as_ref().map(|view| view.name.clone())
    }

    /// What became of a view, and what the open one misses.
    pub(crate) fn notices(&self, visit: &Visit) -> AnyView {
        let removed = visit.query.get(REMOVED).map(|id| {
            let fields = hidden([("org", visit.org()), ("view", id)]);
            html! {
                <form method="post" action=RestoreView::url()>
                    {fields}
                    <Notice>"The view is deleted. "<Button small=true>"Undo"</Button></Notice>
                </form>
            }
        });
        let gone = self.open.as_ref().filter(|open| !open.gone.is_empty());
        let gone = gone.map(|open| open.gone.join(" ")).map(|gone| html! { <Notice tone=Tone::Warn>{gone}</Notice> });
        let errors = [
            Posted::<SaveView>::here().errors(),
            Posted::<ChangeView>::here().errors(),
            Posted::<DeleteView>::here().errors(),
            Posted::<RestoreView>::here().errors(),
            Posted::<ArrangeViews>::here().errors(),
        ];
        html! { <UrlNotice known=NOTICES/>{removed}<FormErrors errors=errors.concat()/>{gone} }
    }

    /// All views, and what can be done with this question and the open one.
    pub(crate) fn menu(&self, visit: &Visit, asked: &ExploreQuery) -> AnyView {
        let org = visit.org();
        let items = self.all.iter().map(|view| {
            let note = match (view.shared, view.is_own) {
                (false, _) => "private".to_owned(),
                (true, true) => "shared".to_owned(),
                (true, false) => format!("shared by {}", view.saved_by),
            };
            let current = self.open.as_ref().is_some_and(|open| open.view_id == view.view_id);
            let (href, name) = (address(org, view.view_id), view.name.clone());
            view! { <MenuItem href=href current=current note=note>{name}</MenuItem> }
        });
        let none = self.all.is_empty().then(|| view! { <p class="menu-head">"No saved views yet"</p> });
        let close = self.open.as_ref().map(|_| {
            let rest = visit.query.without(&[VIEW]).at(&visit.path);
            view! { <MenuItem href=rest>"Leave this view"</MenuItem> }
        });
        let label = self.title().unwrap_or_else(|| "Views".to_owned());
        let name = self.open.as_ref().map_or_else(|| label.clone(), |open| format!("View {}", open.name));
        let (items, open, save) = (items.collect_view(), self.open_view(visit, asked), save(visit));
        html! {
            <Menu label=label name=name end=true>
                {none}{items}{close}
                {open}
                <MenuRule/>
                {save}
            </Menu>
        }
    }

    /// What can be done with the open view.
    fn open_view(&self, visit: &Visit, asked: &ExploreQuery) -> Option<AnyView> {
        let view = self.open.as_ref()?;
        let id = view.view_id.to_string();
        let fields = || hidden([("org", visit.org()), ("view", &id)]);
        let (pin, act) =
            if self.is_pinned { ("Unpin from my Overview", "remove") } else { ("Pin to my Overview", "add") };
        let change = view.may_change.then(|| {
            let changed = !is_same(visit, &view.question, asked);
            let query = visit.query.without(&[VIEW]).at("");
            let update = changed.then(|| {
                view! {
                    <form method="post" action=ChangeView::url()>
                        {fields()}
                        {hidden([("query", query.as_str())])}
                        <button class="menu-item" type="submit">"Update to these settings"</button>
                    </form>
                }
            });
            let share = sharing(visit, view.shared);
            view! {
                {update}
                <form method="post" action=DeleteView::url()>
                    {fields()}
                    <button class="menu-item" type="submit">"Delete"</button>
                </form>
                <form class="menu-form" method="post" action=ChangeView::url()>
                    {fields()}
                    <Field label="Name" name="name" id="view-rename" value=view.name.clone() maxlength=name_len()/>
                    {share}
                    <Button>"Save changes"</Button>
                </form>
            }
        });
        Some(html! {
            <MenuRule/>
            <form method="post" action=ArrangeViews::url()>
                {fields()}
                {hidden([("board", "mine"), ("act", act)])}
                <button class="menu-item" type="submit">{pin}</button>
            </form>
            {change}
        })
    }
}

/// Saves what is shown under a new name.
fn save(visit: &Visit) -> AnyView {
    let query = visit.query.without(&[VIEW, REMOVED]).at("");
    let fields = hidden([("org", visit.org()), ("query", query.as_str())]);
    let (form, share) = (Posted::<SaveView>::here(), sharing(visit, false));
    html! {
        <form class="menu-form" method="post" action=SaveView::url()>
            {fields}
            <Field label="Save as" name="name" id="view-name" value=form.kept_or("name", "") maxlength=name_len()/>
            {share}
            <Button>"Save view"</Button>
        </form>
    }
}

fn sharing(visit: &Visit, shared: bool) -> Option<AnyView> {
    let may = visit.frame.may(Permission::ManageViews);
    may.then(|| html! { <Checkbox label="Everybody in the organization sees it" name="shared" checked=shared/> })
}

/// Whether a view asks what the page shows.
fn is_same(visit: &Visit, question: &Question, asked: &ExploreQuery) -> bool {
    let days = |query: &UrlQuery| PeriodSelection::from_query(query, visit.frame.calendar());
    let of_view = question.over(asked.range, asked.previous).ok();
    let plain = |asked: &ExploreQuery| ExploreQuery {
        bucket: Some(asked.effective_bucket()),
        chart: asked.effective_chart(),
        all: false,
        ..asked.clone()
    };
    days(&query_of(question)) == days(&visit.query) && of_view.is_some_and(|view| plain(&view) == plain(asked))
}

fn name_len() -> u32 {
    u32::try_from(MAX_NAME_LEN).unwrap_or(u32::MAX)
}
