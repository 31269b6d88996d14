//! Teams and projects: the tree, and a page for each.

pub mod api;
pub mod project;
pub mod team;
pub mod tree;

pub(crate) use project::project;
pub(crate) use team::team;
pub(crate) use tree::projects;

use crate::error::AppError;
use crate::form::Posted;
use crate::ui::{Button, ButtonKind, Field, FormErrors, NoticeText, Section, Tone};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// What the pages say after a change.
const NOTICES: [NoticeText; 5] = [
    NoticeText { code: "created", tone: Tone::Good, text: "Created." },
    NoticeText { code: "saved", tone: Tone::Good, text: "Saved." },
    NoticeText {
        code: "moved",
        tone: Tone::Good,
        text: "The new owner is set; spend of the days before stays where it was.",
    },
    NoticeText { code: "archived", tone: Tone::Good, text: "Archived. Its history stays in every total." },
    NoticeText { code: "restored", tone: Tone::Good, text: "Back in use." },
];

/// A team or project whose page has forms.
#[derive(Clone, Copy)]
struct Part<'a> {
    org: &'a str,
    /// What the doors call it: "team" or "project".
    kind: &'static str,
    slug: &'a str,
    archived: bool,
}

impl Part<'_> {
    /// A form that changes it.
    fn form<S: Door>(self, title: &'static str, form: &Posted<S>, fields: AnyView, button: AnyView) -> AnyView {
        let (errors, org, slug) = (form.errors(), self.org.to_owned(), self.slug.to_owned());
        view! {
            <Section title=title>
                <form method="post" action=S::url() class="form">
                    <FormErrors errors=errors/>
                    <input type="hidden" name="org" value=org/>
                    <input type="hidden" name=self.kind value=slug/>
                    {fields}
                    <div class="actions">{button}</div>
                </form>
            </Section>
        }
        .into_any()
    }

    /// Its name and cost centre.
    fn naming<S: Door>(self, name: &str, cost_centre: Option<&str>) -> AnyView {
        let form = Posted::<S>::here();
        let (name, cost_centre) =
            (name_field(self.kind, &form, name), cost_centre_field(self.kind, &form, cost_centre));
        let button = view! { <Button kind=ButtonKind::Primary>"Save"</Button> }.into_any();
        self.form("Name and cost centre", &form, view! { {name}{cost_centre} }.into_any(), button)
    }

    /// Puts it away, or brings it back; `texts` say what either means.
    fn putting_away<S: Door>(self, texts: [&'static str; 2]) -> AnyView {
        let [away, back] = texts;
        let (title, text, kind) = if self.archived {
            ("Bring back", back, ButtonKind::Secondary)
        } else {
            ("Archive", away, ButtonKind::Danger)
        };
        let words = if self.archived { title.to_owned() } else { format!("Archive {}", self.kind) };
        let fields = view! {
            <p class="soft">{text}</p>
            <input type="hidden" name="archive" value=(!self.archived).to_string()/>
        };
        let button = view! { <Button kind=kind>{words}</Button> };
        self.form(title, &Posted::<S>::here(), fields.into_any(), button.into_any())
    }
}

/// A server function of this room.
trait Door: ServerFn<Error = AppError, Output = ()> {}

impl<S: ServerFn<Error = AppError, Output = ()>> Door for S {}

/// What a team or project is called; `of` begins the field's id, because a page may hold several such forms.
fn name_field<S: Door>(of: &str, form: &Posted<S>, before: &str) -> AnyView {
    let (id, value) = (format!("{of}-name"), form.kept_or("name", before));
    view! { <Field label="Name" name="name" id=id maxlength=80 error=form.error("name") value=value/> }.into_any()
}

/// Where finance books it.
fn cost_centre_field<S: Door>(of: &str, form: &Posted<S>, before: Option<&str>) -> AnyView {
    let (id, value) = (format!("{of}-cost-centre"), form.kept_or("cost_centre", before.unwrap_or_default()));
    let error = form.error("cost_centre");
    view! { <Field label="Cost centre" name="cost_centre" id=id optional=true maxlength=40 error=error value=value/> }
        .into_any()
}
