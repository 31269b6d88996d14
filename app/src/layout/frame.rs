//! The frame of an organization's pages.

use chrono::NaiveDate;
use leptos::{html, prelude::*};
use leptos_router::hooks::use_location;

use super::navigation::{Badges, NavItem, Navigation, shows_days};
use super::palette::{Palette, PaletteButton};
use super::period::{ComparePicker, PeriodPicker};
use super::theme::ThemeSwitch;
use super::{Logo, palette};
use crate::ui::{Icon, Menu, MenuItem, MenuRule, Sign};

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
    #[prop(into, optional)]
    badges: Signal<Badges>,
    /// Today in the organization's zone.
    today: NaiveDate,
    /// Projects that the command palette can jump to.
    #[prop(optional)]
    projects: Vec<Named>,
    /// Teams that it can jump to.
    #[prop(optional)]
    teams: Vec<Named>,
    /// Where the sign-out form is sent.
    #[prop(into, default = "/fn/identity/sign-out".to_owned())]
    sign_out: String,
    /// Behind the period picker, on pages that show days: adds a filter.
    #[prop(into, optional)]
    filter: ViewFn,
    /// The page.
    children: Children,
) -> impl IntoView {
    let slug = organization.slug.clone();
    let path = use_location().pathname;
    let has_days = Memo::new(move |_| shows_days(&path.read()));
    let drawer = NodeRef::<html::Nav>::new();
    close_on_the_way(drawer);
    let open = RwSignal::new(false);
    let targets = palette::targets(&organization, &organizations, &projects, &teams);
    view! {
        <a class="skip" href="#content">"Skip to content"</a>
        <div class="frame">
            // A popover when narrow, a column when wide: the browser opens and closes it without a script.
            <nav id="navigation" class="navigation" aria-label="Main" popover="auto" node_ref=drawer>
                <a class="brand" href=NavItem::Overview.path(&slug)><Logo/>"Tallystick"</a>
                <div class="navigation-places"><Navigation organization=slug.clone() badges=badges/></div>
                <div class="navigation-foot"><ThemeSwitch/></div>
            </nav>
            <header class="topbar">
                <button class="button button-icon navigation-open" type="button" popovertarget="navigation" aria-label="Navigation">
                    <Icon sign=Sign::Bars/>
                </button>
                <OrganizationMenu organization=organization organizations=organizations/>
                <Show when=move || has_days.get()>
                    <div class="topbar-days">
                        <PeriodPicker today=today/>
                        <ComparePicker today=today/>
                        {filter.run()}
                    </div>
                </Show>
                <div class="topbar-end">
                    <PaletteButton open=open/>
                    <UserMenu user=user sign_out=sign_out/>
                </div>
            </header>
            <main id="content" class="page" tabindex="-1">{children()}</main>
        </div>
        <Palette open=open targets=targets/>
    }
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

/// After a click that changes the page, folds away the drawer and any open menu; menus also close on Escape and on a click elsewhere.
#[cfg(feature = "hydrate")]
fn close_on_the_way(drawer: NodeRef<html::Nav>) {
    let location = use_location();
    Effect::new(move |_| {
        location.pathname.track();
        location.search.track();
        close_menus(None);
        if let Some(drawer) = drawer.get_untracked() {
            // Refused where it is not open.
            let _ = drawer.hide_popover();
        }
    });
    let click = window_event_listener(leptos::ev::click, move |event| {
        use wasm_bindgen::JsCast;
        close_menus(event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok()).as_ref());
    });
    let key = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" {
            close_menus(None);
        }
    });
    on_cleanup(move || {
        click.remove();
        key.remove();
    });
}

#[cfg(not(feature = "hydrate"))]
fn close_on_the_way(_drawer: NodeRef<html::Nav>) {}

/// Closes the open menu unless it holds `inside`; the focus goes back to its button. Menus share a name, so at most one is open.
#[cfg(feature = "hydrate")]
fn close_menus(inside: Option<&web_sys::Node>) {
    use wasm_bindgen::JsCast;
    let Ok(Some(menu)) = document().query_selector("details.menu[open]") else { return };
    if menu.contains(inside) {
        return;
    }
    let had_focus = menu.contains(document().active_element().as_ref().map(AsRef::as_ref));
    // Removing an attribute that is there cannot fail.
    let _ = menu.remove_attribute("open");
    if had_focus
        && let Ok(Some(summary)) = menu.query_selector("summary")
        && let Ok(summary) = summary.dyn_into::<web_sys::HtmlElement>()
    {
        let _ = summary.focus();
    }
}
