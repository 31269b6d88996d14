//! Labels and cells that all views of events share.

use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::ui::{Column, StatusDot, Tab, Table, Tabs, Tone, html};
use domain::event::{Attention, CallGroup, EventRow, Status};
use domain::ids::EventKey;
use leptos::prelude::*;

/// The lists of this room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    All,
    Groups(CallGroup),
    CodingAgents,
    Rejected,
    Unpriced,
    PossibleDuplicates,
    Uploads,
}

impl List {
    pub(crate) fn path(self, org: &str) -> String {
        let events = NavItem::Events.path(org);
        match self {
            Self::All => events,
            Self::Groups(kind) => format!("/o/{org}/{}", kind.plural()),
            Self::CodingAgents => format!("/o/{org}/coding-agents"),
            Self::Rejected => format!("{events}/rejected"),
            Self::Unpriced => format!("{events}/unpriced"),
            Self::PossibleDuplicates => format!("{events}/possible-duplicates"),
            Self::Uploads => format!("{events}/uploads"),
        }
    }
}

/// Links between the lists, with what waits in each.
pub(crate) fn tabs(org: &str, here: List, attention: Attention) -> AnyView {
    let tab = |list: List, label: &str, waiting: u64| {
        let tab = Tab::new(label, list.path(org), list == here);
        if waiting == 0 { tab } else { tab.count(at_least(waiting)) }
    };
    let tabs = vec![
        tab(List::All, "All events", 0),
        tab(List::Groups(CallGroup::Session), "Sessions", 0),
        tab(List::Groups(CallGroup::Interaction), "Interactions", 0),
        tab(List::CodingAgents, "Coding agents", 0),
        tab(List::Rejected, "Rejected", attention.rejected),
        tab(List::Unpriced, "Unpriced", attention.unpriced),
        tab(List::PossibleDuplicates, "Possible duplicates", 0),
        tab(List::Uploads, "Imports", 0),
    ];
    html! { <Tabs label="Lists of events" tabs=tabs/> }
}

/// A count that stops somewhere.
pub(super) fn at_least(count: u64) -> String {
    if count >= Attention::MOST { format!("{}+", format::count(Attention::MOST)) } else { format::count(count) }
}

/// The page of an event.
pub(super) fn event_path(org: &str, event: EventKey) -> String {
    format!("{}/{event}", NavItem::Events.path(org))
}

/// The page of a session or interaction.
pub(super) fn group_path(org: &str, kind: CallGroup, id: &str) -> String {
    format!("{}/{}", List::Groups(kind).path(org), UrlQuery::segment(id))
}

/// A status as people read it.
pub(super) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Success => "success",
        Status::Error => "error",
        Status::Timeout => "timeout",
        Status::Cancelled => "cancelled",
        Status::RateLimited => "rate limited",
    }
}

/// What a status means.
pub(super) const fn status_tone(status: Status) -> Tone {
    match status {
        Status::Success => Tone::Good,
        Status::Error | Status::Timeout => Tone::Bad,
        Status::Cancelled => Tone::Neutral,
        Status::RateLimited => Tone::Warn,
    }
}

/// The cost as a cell of a column in dollars, which leads to the receipt; never a zero for want of a price. Where the provider reported another, that stands below.
pub(super) fn cost_cell(org: &str, row: &EventRow) -> AnyView {
    let reported = row.reported_cost.filter(|reported| row.cost != Some(*reported)).map(|reported| {
        let title = format!("The provider reported {}", format::money_exact(reported));
        view! { <span class="note event-reported" title=title>"reported "{format::money_of_call(reported)}</span> }
    });
    let (href, title) = (event_path(org, row.event_key), row.cost.map(format::money_exact));
    let cost = row.cost_words(format::money_of_call);
    // The row's link with the exact amount on hover: the keyboard has the one that names the event.
    html! { <td class="num"><a class="row-link-too" class:warn=row.cost.is_none() href=href title=title tabindex="-1">{cost}</a>{reported}</td> }
}

/// Events as a table, each leading to its page.
pub(super) fn event_table(org: &str, caption: &str, rows: &[EventRow]) -> AnyView {
    let columns = vec![
        Column::text("Time"),
        Column::text("Model"),
        Column::text("Project").wide(),
        Column::text("Feature").wide(),
        Column::text("Status").wide(),
        Column::number("Latency").wide(),
        Column::number("Tokens").wide(),
        Column::number("Cost, $"),
    ];
    let body = rows.iter().map(|row| event_row(org, row)).collect_view();
    html! { <Table caption=caption.to_owned() columns=columns dense=true>{body}</Table> }
}

fn event_row(org: &str, row: &EventRow) -> AnyView {
    let attempt = (row.attempt > 1).then(|| format!(", attempt {}", row.attempt));
    let duplicate = row.possible_duplicate.then(|| view! { <span class="note warn">"possible duplicate"</span> });
    let session = row.session_id.as_ref().map(|id| {
        let name = format!("Session {id}");
        view! { <a class="note" href=group_path(org, CallGroup::Session, id) title=name.clone() aria-label=name>"session"</a> }
    });
    let label = format!("Event {} of {}", row.id, format::time_seconds(row.at));
    let (tone, status) = (status_tone(row.status), status_word(row.status));
    html! {
        <tr>
            <th scope="row" class="nowrap">
                <a class="row-link" href=event_path(org, row.event_key) aria-label=label title=row.id.clone()>
                    <time datetime=format::time_machine(row.at)>{format::time_seconds(row.at)}</time>
                </a>
            </th>
            <td class="name">{row.model.clone()}<span class="note">{row.provider.clone()}</span></td>
            <td class="only-wide">{row.project.clone()}</td>
            <td class="only-wide">{row.feature.clone()}{session}</td>
            <td class="only-wide"><StatusDot tone=tone>{status}{attempt}</StatusDot>{duplicate}</td>
            <td class="num only-wide">{row.latency_ms.map(format::milliseconds)}</td>
            <td class="num only-wide">{if row.tokens == 0 { format::NONE.to_owned() } else { format::count(row.tokens) }}</td>
            {cost_cell(org, row)}
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_stopped_says_so() {
        assert_eq!(at_least(999), "999");
        assert_eq!(at_least(1_000), "1,000+");
    }
}
