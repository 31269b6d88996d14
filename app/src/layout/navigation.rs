//! The places of an organization, in the order of their questions.

use leptos::prelude::*;

use super::{UrlQuery, here};
use crate::format;
use crate::ui::{Icon, Sign};

/// A page in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NavItem {
    /// Are we all right, and if not, why?
    Overview,
    /// One question about spend.
    Explore,
    /// What was used.
    Events,
    /// What may be spent.
    Budgets,
    /// Where the month will end.
    Forecast,
    /// What was crossed, and who was told.
    Alerts,
    /// Who spends.
    Projects,
    /// Who answers for what.
    Allocation,
    /// What costs beside events.
    Charges,
    /// What one ticket, user or customer costs.
    UnitCosts,
    /// Who owes what.
    Statements,
    /// What a unit costs.
    Prices,
    /// The organization itself.
    Settings,
}

impl NavItem {
    /// Groups of places; a hairline stands between two.
    pub const GROUPS: [&'static [Self]; 4] = [
        &[Self::Overview, Self::Explore, Self::Events],
        &[Self::Budgets, Self::Forecast, Self::Alerts],
        &[Self::Projects, Self::Allocation, Self::Charges, Self::UnitCosts, Self::Statements],
        &[Self::Prices, Self::Settings],
    ];

    /// The word in the navigation.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Explore => "Explore",
            Self::Events => "Events",
            Self::Budgets => "Budgets",
            Self::Forecast => "Forecast",
            Self::Alerts => "Alerts",
            Self::Projects => "Projects",
            Self::Allocation => "Allocation",
            Self::Charges => "Charges",
            Self::UnitCosts => "Unit costs",
            Self::Statements => "Statements",
            Self::Prices => "Prices",
            Self::Settings => "Settings",
        }
    }

    /// Whether it concerns all projects, so that whoever sees some teams alone finds nothing there.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Allocation | Self::Prices)
    }

    const fn sign(self) -> Sign {
        match self {
            Self::Overview => Sign::Overview,
            Self::Explore => Sign::Explore,
            Self::Events => Sign::Events,
            Self::Budgets => Sign::Budgets,
            Self::Forecast => Sign::Forecast,
            Self::Alerts => Sign::Alerts,
            Self::Projects => Sign::Projects,
            Self::Allocation => Sign::Allocation,
            Self::Charges => Sign::Charges,
            Self::UnitCosts => Sign::UnitCosts,
            Self::Statements => Sign::Statements,
            Self::Prices => Sign::Prices,
            Self::Settings => Sign::Settings,
        }
    }

    const fn segment(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Explore => "explore",
            Self::Events => "events",
            Self::Budgets => "budgets",
            Self::Forecast => "forecast",
            Self::Alerts => "alerts",
            Self::Projects => "projects",
            Self::Allocation => "allocation",
            Self::Charges => "charges",
            Self::UnitCosts => "business-metrics",
            Self::Statements => "statements",
            Self::Prices => "prices",
            Self::Settings => "settings",
        }
    }

    /// Its path in an organization.
    #[must_use]
    pub fn path(self, organization: &str) -> String {
        match self.segment() {
            "" => format!("/o/{organization}"),
            segment => format!("/o/{organization}/{segment}"),
        }
    }

    /// The place that a path belongs to; a team's and a product line's page belong to the projects, a session's to the events, exports to the statements, labels to the allocation.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let mut segments = path.trim_start_matches('/').split('/');
        if segments.next() != Some("o") || segments.next().is_none_or(str::is_empty) {
            return None;
        }
        match segments.next().unwrap_or_default() {
            "teams" | "product-lines" | "new" => Some(Self::Projects),
            "labels" => Some(Self::Allocation),
            "exports" => Some(Self::Statements),
            "sessions" | "interactions" | "coding-agents" => Some(Self::Events),
            "annotations" => Some(Self::Explore),
            segment => Self::GROUPS.into_iter().flatten().copied().find(|place| place.segment() == segment),
        }
    }
}

/// Whether the page at a path shows the days and filters that the top bar chooses: where it does not, choosing would change nothing.
#[must_use]
pub fn shows_days(path: &str) -> bool {
    let mut below = path.trim_matches('/').split('/').skip(2);
    match (below.next(), below.next()) {
        (None, _)
        | (
            Some(
                "explore" | "events" | "sessions" | "interactions" | "coding-agents" | "labels" | "charges"
                | "business-metrics" | "annotations",
            ),
            None,
        ) => true,
        (Some("projects" | "teams" | "product-lines" | "business-metrics"), page) => {
            page.is_some() && below.next().is_none()
        }
        _ => false,
    }
}

/// Whether filters and a comparison change what the page at a path shows: charges have no model, key or label, labels are shown by project and key, and unit costs have a scope of their own.
#[must_use]
pub fn shows_filters(path: &str) -> bool {
    let has_none = ["charges", "business-metrics", "annotations", "labels"];
    shows_days(path) && !path.split('/').nth(3).is_some_and(|segment| has_none.contains(&segment))
}

/// Whether the page at a path can cut its span into hours.
#[must_use]
pub fn shows_hours(path: &str) -> bool {
    path.trim_matches('/').split('/').nth(2) == Some("explore")
}

/// Numbers beside places that wait for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Badges {
    /// Rejected and unpriced events.
    pub events: u64,
    /// Budgets over their amount.
    pub budgets: u64,
    /// Alerts nobody acknowledged.
    pub alerts: u64,
}

impl Badges {
    /// The number of a place and what it counts, for screen readers.
    const fn of(self, place: NavItem) -> Option<(u64, &'static str)> {
        let badge = match place {
            NavItem::Events => (self.events, "rejected or unpriced"),
            NavItem::Budgets => (self.budgets, "over"),
            NavItem::Alerts => (self.alerts, "open"),
            _ => return None,
        };
        if badge.0 == 0 { None } else { Some(badge) }
    }
}

/// The list of places; period and filters go along.
#[component]
pub fn Navigation(
    /// Slug of the organization.
    organization: String,
    /// Numbers beside places.
    badges: Badges,
    /// Whether the reader sees what concerns all projects.
    whole: bool,
) -> impl IntoView {
    let present = NavItem::of_path(&here());
    let sticky = UrlQuery::here().sticky();
    let item = |place: NavItem| {
        let badge = badges.of(place).map(|(number, what)| {
            view! {
                <span class="navigation-badge">
                    {format::count_compact(number)}<span class="visually-hidden">{format!(" {what}")}</span>
                </span>
            }
        });
        view! {
            <li>
                <a href=sticky.at(&place.path(&organization)) aria-current=(present == Some(place)).then_some("page")>
                    <Icon sign=place.sign()/>{place.label()}{badge}
                </a>
            </li>
        }
    };
    NavItem::GROUPS
        .map(|group| {
            let shown = group.iter().copied().filter(|place| whole || !place.is_whole());
            view! { <ul>{shown.map(item).collect_view()}</ul> }
        })
        .into_iter()
        .collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_below_a_place_belongs_to_it() {
        for (path, place) in [
            ("/o/acme", Some(NavItem::Overview)),
            ("/o/acme/", Some(NavItem::Overview)),
            ("/o/acme/events/rejected", Some(NavItem::Events)),
            ("/o/acme/teams/search", Some(NavItem::Projects)),
            ("/o/acme/sessions/conv-88", Some(NavItem::Events)),
            ("/o/acme/new/project", Some(NavItem::Projects)),
            ("/o/acme/exports", Some(NavItem::Statements)),
            ("/o/acme/prices/openai/gpt-4o", Some(NavItem::Prices)),
            ("/o/acme/settings/members", Some(NavItem::Settings)),
            ("/o/acme/nowhere", None),
            ("/o/", None),
            ("/sign-in", None),
        ] {
            assert_eq!(NavItem::of_path(path), place, "{path}");
        }
    }

    #[test]
    fn days_are_chosen_where_they_are_shown() {
        for path in
            ["/o/acme", "/o/acme/", "/o/acme/explore", "/o/acme/events", "/o/acme/projects/search", "/o/acme/teams/x"]
        {
            assert!(shows_days(path), "{path}");
        }
        for path in [
            "/o/acme/projects",
            "/o/acme/events/rejected",
            "/o/acme/budgets",
            "/o/acme/teams/x/edit",
            "/o/acme/sessions/x",
        ] {
            assert!(!shows_days(path), "{path}");
        }
    }

    #[test]
    fn nothing_waiting_shows_no_number() {
        assert_eq!(Badges::default().of(NavItem::Events), None);
        assert_eq!(Badges { alerts: 2, ..Badges::default() }.of(NavItem::Alerts), Some((2, "open")));
        assert_eq!(Badges { alerts: 2, ..Badges::default() }.of(NavItem::Settings), None);
    }
}
