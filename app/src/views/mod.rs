//! Saved views: the menu on Explore, and the boards on the Overview and on the pages of teams and projects.

pub mod api;
mod board;
mod menu;

pub(crate) use board::board;
pub(crate) use menu::{REMOVED, Views};

use crate::layout::{NavItem, UrlQuery};
use domain::ids::ViewId;
use domain::view::Question;

/// The parameter that names a view.
pub(crate) const VIEW: &str = "view";

/// The address of a view, which stays whatever becomes of its question.
pub(crate) fn address(org: &str, view: ViewId) -> String {
    UrlQuery::new().with(VIEW, &view.to_string()).at(&NavItem::Explore.path(org))
}

fn query_of(question: &Question) -> UrlQuery {
    question.pairs().iter().cloned().collect()
}
