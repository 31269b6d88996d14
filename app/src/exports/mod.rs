//! Exports: spend as a FOCUS dataset, previewed, and files of finished days in the organization's own storage.

pub mod api;
mod focus;
mod scheduled;

pub(crate) use focus::exports;
pub(crate) use scheduled::scheduled;

use crate::layout::NavItem;
use crate::page::Visit;
use crate::ui::{Tab, Tabs, html};
use leptos::prelude::*;

/// Both pages.
fn tabs(visit: &Visit) -> AnyView {
    let path = format!("{}/exports", NavItem::Overview.path(visit.org()));
    let tab = |label: &str, href: String| {
        let here = visit.path == href;
        Tab::new(label, href, here)
    };
    let tabs = vec![tab("FOCUS export", path.clone()), tab("Scheduled exports", format!("{path}/scheduled"))];
    html! { <Tabs label="Exports" tabs=tabs/> }
}
