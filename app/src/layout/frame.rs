//! The frame of an organization's pages.

use domain::period::Calendar;
use leptos::prelude::*;

use super::navigation::{Badges, NavItem, Navigation, shows_days, shows_filters};
use super::period::{ComparePicker, PeriodPicker, period_here};
use super::theme::ThemeSwitch;
use super::{Logo, here};
use crate::format;
use crate::suggestions::palette_address;
use crate::ui::{Icon, Menu, MenuItem, MenuRule, Sign, html};

/// Something with a name and a slug: an organization, a project, a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What people call it.
    pub name: String,
    /// What the address calls it.
    pub slug: String,
}

impl Named {
    /// A name with its slug.
    pub fn new(name: impl Into<String>, slug: impl Into<String>) -> Self {
        Self { name: name.into(), slug: slug.into() }
    }
}

/// Navigation at the left, bar at the top, the page in the middle.
#[component]
pub fn Frame(
    /// The organization whose page this is.
    organization: Named,
    /// All organizations of the reader.
    #[prop(optional)]
    organizations: Vec<Named>,
    /// Who is signed in: name or e-mail address.
    #[prop(into)]
    user: String,
    /// Numbers beside places in the navigation.
    #[prop(optional)]
    badges: Badges,
    /// Whether the reader sees what concerns all projects.
    whole: bool,
    /// What named spans of days are seen from.
    calendar: Calendar,
    /// Where the sign-out form is sent.
    #[prop(into, default = "/fn/identity/sign-out".to_owned())]
    sign_out: String,
    /// Behind the period picker, on pages that show days: adds a filter.
    #[prop(optional)]
    filter: Option<AnyView>,
    /// Beside the account: what helps.
    #[prop(optional)]
    help: Option<AnyView>,
    /// The page.
    children: Children,
) -> impl IntoView {
    let slug = organization.slug.clone();
    let filters = shows_filters(&here()).then(|| view! { <ComparePicker calendar=calendar/>{filter} });
    let days = shows_days(&here()).then(|| {
        view! {
            <div class="topbar-days">
                <PeriodPicker calendar=calendar/>
                {filters}
            </div>
        }
    });
    view! {
        <a class="skip" href="#content">"Skip to content"</a>
        <div class="frame">
            // A popover when narrow, a column when wide: the browser opens and closes it without a script.
            <nav id="navigation" class="navigation" aria-label="Main" popover="auto">
                <a class="brand" href=NavItem::Overview.path(&slug)><Logo/>"Tallystick"</a>
                <div class="navigation-places"><Navigation organization=slug.clone() badges=badges whole=whole/></div>
                <div class="navigation-foot"><ThemeSwitch/><a class="only-narrow" href="/docs">"Help"</a></div>
            </nav>
            <header class="topbar">
                <button class="button button-icon navigation-open" type="button" popovertarget="navigation" aria-label="Navigation">
                    <Icon sign=Sign::Bars/>
                </button>
                <OrganizationMenu organization=organization organizations=organizations/>
                {days}
                <div class="topbar-end">
                    {palette(&slug)}
                    <span class="only-wide">{help}</span>
                    <UserMenu user=user sign_out=sign_out/>
                </div>
            </header>
            <main id="content" class="page" tabindex="-1">{children()}</main>
        </div>
    }
}

/// The command palette with its button, where scripts run; Ctrl-K opens it from anywhere.
fn palette(org: &str) -> AnyView {
    html! {
        <button class="palette-open only-wide with-scripts" type="button" data-dialog="palette">
            <span class="visually-hidden">"Go to … "</span><kbd class="kbd">"Ctrl K"</kbd>
        </button>
        <dialog class="palette suggest" id="palette" aria-label="Go to">
            <input id="go-to" class="palette-input" type="text" spellcheck="false" placeholder="Go to …"
                aria-label="Go to a page, model, budget, customer or event, or start an action"
                data-suggest=palette_address(org) data-go=true/>
        </dialog>
    }
}

/// On every printed sheet: whose page it is, and of which days.
pub fn print_head(organization: &str, title: &str, calendar: Calendar) -> AnyView {
    let days =
        shows_days(&here()).then(|| format!(" · {}", format::range(period_here(calendar).period, calendar.today)));
    html! { <p class="print-head"><strong>{organization.to_owned()}</strong>{format!(" · {title}")}{days}</p> }
}

#[component]
fn OrganizationMenu(
    /// The present one.
    organization: Named,
    /// All of the reader's.
    organizations: Vec<Named>,
) -> impl IntoView {
    let items = organizations
        .into_iter()
        .map(|other| {
            let current = other.slug == organization.slug;
            view! { <MenuItem href=NavItem::Overview.path(&other.slug) current=current>{other.name}</MenuItem> }
        })
        .collect_view();
    view! {
        <Menu label=organization.name.clone() name=format!("Organization: {}", organization.name)>
            {items}
            <MenuRule/>
            <MenuItem href="/organizations">"All organizations"</MenuItem>
        </Menu>
    }
}

#[component]
fn UserMenu(
    /// Who is signed in.
    user: String,
    /// Where the sign-out form is sent.
    sign_out: String,
) -> impl IntoView {
    view! {
        <Menu label=user.clone() name=format!("Account: {user}") sign=Sign::Person end=true>
            <p class="menu-head">"Signed in as "<strong>{user}</strong></p>
            <MenuItem href="/account">"Account"</MenuItem>
            <MenuRule/>
            // A plain form, not an action: signing out ends the page as it is.
            <form method="post" action=sign_out>
                <button class="menu-item" type="submit">"Sign out"</button>
            </form>
        </Menu>
    }
}
