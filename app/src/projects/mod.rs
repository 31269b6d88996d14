//! Teams and projects: the tree, and a page for each.

pub mod api;
pub mod new;
pub mod product_line;
pub mod project;
pub mod team;
pub mod tree;

pub(crate) use new::{new_project, new_team};
pub(crate) use product_line::{edit_product_line, new_product_line, product_line};
pub(crate) use project::{edit_project, project};
pub(crate) use team::{edit_team, team};
pub(crate) use tree::projects;

use crate::error::AppError;
use crate::form::Posted;
use crate::layout::NavItem;
use crate::ui::{Badge, Button, ButtonKind, Crumb, Field, FormErrors, NoticeText, Section, Tone, html};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// What the pages say after a change.
const NOTICES: [NoticeText; 6] = [
    NoticeText { code: "created", tone: Tone::Good, text: "Created." },
    NoticeText { code: "saved", tone: Tone::Good, text: "Saved." },
    NoticeText {
        code: "moved",
        tone: Tone::Good,
        text: "The new owner is set; spend of the days before stays where it was.",
    },
    NoticeText {
        code: "placed",
        tone: Tone::Good,
        text: "The product line is set; spend of the days before stays where it was.",
    },
    NoticeText { code: "archived", tone: Tone::Good, text: "Archived. Its history stays in every total." },
    NoticeText { code: "restored", tone: Tone::Good, text: "Back in use." },
];

/// A team, product line or project that a page changes.
#[derive(Clone, Copy)]
struct Part<'a> {
    org: &'a str,
    /// What its address says: "team", "product-line" or "project".
    kind: &'static str,
    slug: &'a str,
    archived: bool,
}

impl Part<'_> {
    /// A form that changes it.
    fn form<S: Door>(self, title: &'static str, posted: &Posted<S>, fields: AnyView, button: AnyView) -> AnyView {
        let slug = self.slug.to_owned();
        let fields = html! { <input type="hidden" name=self.kind.replace('-', "_") value=slug/>{fields} };
        let form = form(self.org, posted, fields, button);
        html! { <Section title=title>{form}</Section> }
    }

    /// Its name and cost centre.
    fn naming<S: Door>(self, name: &str, cost_centre: Option<&str>) -> AnyView {
        let posted = Posted::<S>::here();
        let fields = html! { {name_field(&posted, name)}{cost_centre_field(&posted, cost_centre)} };
        let button = html! { <Button kind=ButtonKind::Primary>"Save"</Button> };
        self.form("Name and cost centre", &posted, fields, button)
    }

    /// Puts it away, or brings it back; `texts` say what either means.
    fn putting_away<S: Door>(self, texts: [&'static str; 2]) -> AnyView {
        let [away, back] = texts;
        let (title, text, kind) = if self.archived {
            ("Bring back", back, ButtonKind::Secondary)
        } else {
            ("Archive", away, ButtonKind::Danger)
        };
        let words = if self.archived { title.to_owned() } else { format!("Archive {}", self.kind.replace('-', " ")) };
        let fields = view! {
            <p class="soft">{text}</p>
            <input type="hidden" name="archive" value=(!self.archived).to_string()/>
        };
        let button = view! { <Button kind=kind>{words}</Button> };
        self.form(title, &Posted::<S>::here(), fields.into_any(), button.into_any())
    }

    /// What the page's head says behind its name: the slug, and where it is changed.
    fn head(self, may_manage: bool) -> AnyView {
        let edit = may_manage.then(|| {
            let href = format!("/o/{}/{}s/{}/edit", self.org, self.kind, self.slug);
            view! { <Button href=href>"Edit"</Button> }
        });
        let (archived, slug) = (self.archived.then(|| view! { <Badge>"archived"</Badge> }), self.slug.to_owned());
        html! { {archived}<span class="soft">"slug "<code>{slug}</code></span>{edit} }
    }
}

/// A server function of this room.
trait Door: ServerFn<Error = AppError, Output = ()> {}

impl<S: ServerFn<Error = AppError, Output = ()>> Door for S {}

/// A form of this room.
fn form<S: Door>(org: &str, posted: &Posted<S>, fields: AnyView, button: AnyView) -> AnyView {
    let (errors, org) = (posted.errors(), org.to_owned());
    html! {
        <form method="post" action=S::url() class="form">
            <FormErrors errors=errors/>
            <input type="hidden" name="org" value=org/>
            {fields}
            <div class="actions">{button}</div>
        </form>
    }
}

/// The way to a page of this room: below all of them, and below one of them where `of` names it with its path.
fn crumbs(org: &str, of: Option<(&str, String)>, here: &str) -> Vec<Crumb> {
    let all = Crumb::link("Teams and projects", NavItem::Projects.path(org));
    let of = of.map(|(name, path)| Crumb::link(name, path));
    [all].into_iter().chain(of).chain([Crumb::here(here)]).collect()
}

/// What a team or project is called.
fn name_field<S: Door>(form: &Posted<S>, before: &str) -> AnyView {
    let value = form.kept_or("name", before);
    html! { <Field label="Name" name="name" maxlength=80 error=form.error("name") value=value/> }
}

/// Where finance books it.
fn cost_centre_field<S: Door>(form: &Posted<S>, before: Option<&str>) -> AnyView {
    let value = form.kept_or("cost_centre", before.unwrap_or_default());
    let error = form.error("cost_centre");
    html! { <Field label="Cost centre" name="cost_centre" optional=true maxlength=40 error=error value=value/> }
}
