//! Teams and projects: the tree, and a page for each.

pub mod api;
pub mod project;
pub mod team;
pub mod tree;

pub use project::ProjectPage;
pub use team::TeamPage;
pub use tree::ProjectsPage;

use crate::error::AppError;
use crate::form::Form;
use crate::ui::{Field, NoticeText, Tone};
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

/// What a team and a project have in common: a name and where finance books it.
///
/// `of` begins the fields' ids, because a page may hold several such forms.
fn name_fields<S>(of: &str, form: Form<S>, name: &str, cost_centre: Option<&str>) -> AnyView
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let name = form.kept_or("name", name);
    let cost_centre = form.kept_or("cost_centre", cost_centre.unwrap_or_default());
    view! {
        <Field label="Name" name="name" id=format!("{of}-name") maxlength=80 error=form.error("name") value=name/>
        <Field
            label="Cost centre"
            name="cost_centre"
            id=format!("{of}-cost-centre")
            optional=true
            maxlength=40
            error=form.error("cost_centre")
            value=cost_centre
        />
    }
    .into_any()
}
