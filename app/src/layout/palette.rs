//! The command palette: type where to go.

use leptos::{ev, html, prelude::*};
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::{Named, NavItem};
use crate::ui::{Kbd, use_ready};

/// Most entries shown at once.
const SHOWN: usize = 12;

/// Somewhere to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is called.
    pub label: String,
    /// What it is: "Page", "Project", "Organization".
    pub kind: &'static str,
    /// Where it is.
    pub href: String,
}

/// Everything the palette offers: the places of the organization, its projects and teams, the reader's other organizations.
#[must_use]
pub fn targets(organization: &Named, organizations: &[Named], projects: &[Named], teams: &[Named]) -> Vec<Target> {
    let slug = &organization.slug;
    let places = NavItem::GROUPS.into_iter().flatten().map(|place| Target {
        label: place.label().to_owned(),
        kind: "Page",
        href: place.path(slug),
    });
    let projects = projects.iter().map(|project| Target {
        label: project.name.clone(),
        kind: "Project",
        href: format!("{}/{}", NavItem::Projects.path(slug), project.slug),
    });
    let teams = teams.iter().map(|team| Target {
        label: team.name.clone(),
        kind: "Team",
        href: format!("/o/{slug}/teams/{}", team.slug),
    });
    let others = organizations.iter().filter(|other| other.slug != *slug).map(|other| Target {
        label: other.name.clone(),
        kind: "Organization",
        href: NavItem::Overview.path(&other.slug),
    });
    places.chain(projects).chain(teams).chain(others).collect()
}

/// The targets that match what was typed, best first: beginning of the name, beginning of a word, anywhere.
#[must_use]
pub fn matching(targets: &[Target], typed: &str) -> Vec<Target> {
    let typed = typed.trim().to_lowercase();
    let mut found: Vec<(u8, &Target)> = targets
        .iter()
        .filter_map(|target| rank(&target.label.to_lowercase(), &typed).map(|rank| (rank, target)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().take(SHOWN).map(|(_, target)| target.clone()).collect()
}

fn rank(label: &str, typed: &str) -> Option<u8> {
    if label.starts_with(typed) {
        return Some(0);
    }
    let word = label.split(|letter: char| !letter.is_alphanumeric()).any(|word| word.starts_with(typed));
    if word { Some(1) } else { label.contains(typed).then_some(2) }
}

/// Opens the palette; appears only where JavaScript runs.
#[component]
pub fn PaletteButton(
    /// Whether the palette is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let ready = use_ready();
    view! {
        <button class="palette-open only-wide" type="button" hidden=move || !ready.get() on:click=move |_| open.set(true)>
            <span class="visually-hidden">"Go to … "</span><Kbd>"Ctrl K"</Kbd>
        </button>
    }
}

/// The palette itself, opened by Ctrl-K or the button.
#[component]
pub fn Palette(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Where one can go.
    targets: Vec<Target>,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let input = NodeRef::<html::Input>::new();
    let (typed, set_typed) = signal(String::new());
    let (at, set_at) = signal(0_usize);
    let found = Memo::new(move |_| matching(&targets, &typed.read()));
    let navigate = StoredValue::new(use_navigate());
    listen(open);
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        if open.get() && !dialog.open() {
            set_typed.set(String::new());
            set_at.set(0);
            if let Some(input) = input.get_untracked() {
                input.set_value("");
            }
            // Refused only when it is already open.
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    let go = move |href: &str| {
        open.set(false);
        navigate.with_value(|navigate| navigate(href, NavigateOptions::default()));
    };
    let key = move |event: ev::KeyboardEvent| {
        let count = found.read_untracked().len();
        match event.key().as_str() {
            "ArrowDown" => set_at.update(|at| *at = (*at + 1) % count.max(1)),
            "ArrowUp" => set_at.update(|at| *at = (*at + count.max(1) - 1) % count.max(1)),
            "Enter" => {
                if let Some(target) = found.read_untracked().get(at.get_untracked()) {
                    go(&target.href);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let entries = move || {
        let chosen = at.get();
        let entry = move |(index, target): (usize, Target)| {
            let href = target.href.clone();
            view! {
                <li
                    id=format!("palette-{index}")
                    class="palette-item"
                    role="option"
                    aria-selected=if index == chosen { "true" } else { "false" }
                    on:click=move |_| go(&href)
                >
                    <span>{target.label}</span>
                    <span class="soft small">{target.kind}</span>
                </li>
            }
        };
        found.get().into_iter().enumerate().map(entry).collect_view()
    };
    view! {
        <dialog class="palette" aria-label="Go to" node_ref=dialog on:close=move |_| open.set(false)>
            <input
                class="palette-input"
                type="text"
                role="combobox"
                aria-label="Go to a page, project or organization"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-autocomplete="list"
                aria-activedescendant=move || (!found.read().is_empty()).then(|| format!("palette-{}", at.get()))
                autocomplete="off"
                spellcheck="false"
                placeholder="Go to …"
                node_ref=input
                on:input=move |event| { set_typed.set(event_target_value(&event)); set_at.set(0) }
                on:keydown=key
            />
            <ul id="palette-list" class="palette-list" role="listbox" aria-label="Places">{entries}</ul>
            <p class="palette-none soft" role="status">{move || found.read().is_empty().then_some("Nothing has that name.")}</p>
        </dialog>
    }
}

/// Ctrl-K (Cmd-K) opens and closes it from anywhere.
fn listen(open: RwSignal<bool>) {
    if cfg!(feature = "hydrate") {
        let key = window_event_listener(ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && event.key() == "k" {
                event.prevent_default();
                open.update(|open| *open = !*open);
            }
        });
        on_cleanup(move || key.remove());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(typed: &str) -> Vec<String> {
        let organization = Named::new("Acme", "acme");
        let organizations = [organization.clone(), Named::new("Borealis", "borealis")];
        let projects = [Named::new("support-bot", "support-bot"), Named::new("overhead", "overhead")];
        let teams = [Named::new("Support", "support")];
        let targets = targets(&organization, &organizations, &projects, &teams);
        matching(&targets, typed).into_iter().map(|target| target.label).collect()
    }

    #[test]
    fn the_beginning_of_a_name_beats_a_word_beats_a_part() {
        assert_eq!(labels("over"), ["Overview", "overhead"]);
        assert_eq!(labels("bo"), ["Borealis", "support-bot"]);
        assert_eq!(labels("BOT"), ["support-bot"]);
        assert_eq!(labels("nothing like it"), Vec::<String>::new());
    }

    #[test]
    fn nothing_typed_offers_the_pages_first_and_not_the_present_organization() {
        let all = labels("");
        assert_eq!(all.first().map(String::as_str), Some("Overview"));
        assert_eq!(all.len(), 12);
        assert!(!all.contains(&"Acme".to_owned()));
    }
}
