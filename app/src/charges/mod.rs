//! Charges: what costs beside events, entered, listed, and taken apart by day and month.

pub mod api;
mod charge;
mod import;
mod list;
mod new;

pub(crate) use charge::charge;
pub(crate) use import::import;
pub(crate) use list::charges;
pub(crate) use new::new_charge;

use crate::format;
use crate::layout::NavItem;
use crate::ui::html;
use chrono::NaiveDate;
use domain::charge::{Charge, ChargeOwner};
use leptos::prelude::*;

/// The page of a charge.
pub(crate) fn charge_path(org: &str, charge_id: u64) -> String {
    format!("{}/{charge_id}", NavItem::Charges.path(org))
}

/// Whose cost a charge is; what is nobody's yet stands out.
fn owner(org: &str, charge: &Charge) -> AnyView {
    match &charge.owner {
        ChargeOwner::Unallocated => html! { <span class="warn">"unallocated"</span> },
        ChargeOwner::Project(slug) => html! { <a href=format!("/o/{org}/projects/{slug}")>{slug.to_string()}</a> },
        ChargeOwner::Team(slug) => {
            html! { <a href=format!("/o/{org}/teams/{slug}")>{slug.to_string()}</a>" "<span class="soft">"team"</span> }
        }
    }
}

/// The days of a charge: "Nov 1 – 30, 2026", "since Nov 1, 2026".
fn days(from: NaiveDate, to: Option<NaiveDate>) -> String {
    let last = to.and_then(|to| to.pred_opt());
    last.map_or_else(
        || format!("since {}", format::day_year(from)),
        |last| format!("{} – {}", format::day_year(from), format::day_year(last)),
    )
}
