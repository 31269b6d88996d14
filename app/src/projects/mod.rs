//! Teams and projects: the tree, and a page for each.

pub mod api;
pub mod project;
pub mod team;
pub mod tree;

pub use project::ProjectPage;
pub use team::TeamPage;
pub use tree::ProjectsPage;

use crate::ui::{NoticeText, Tone};

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
