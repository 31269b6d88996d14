//! The command palette: type where to go.

use leptos::task::spawn_local;
use leptos::{ev, html, prelude::*};
use serde::{Deserialize, Serialize};

use crate::document::{self, Asked, answer, text_of};

/// Most entries shown at once.
const SHOWN: usize = 12;

/// Somewhere to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What it is called.
    pub label: String,
    /// What it is: "Page", "Project", "Organization".
    pub kind: String,
    /// Where it is.
    pub href: String,
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

/// The palette with its button, shown only where scripts run; Ctrl-K opens it from anywhere.
#[island]
pub fn Palette(
    /// Where the places are listed, asked for when it is first opened.
    places: String,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let targets = RwSignal::new(None::<Vec<Target>>);
    let dialog = NodeRef::<html::Dialog>::new();
    let input = NodeRef::<html::Input>::new();
    let (typed, set_typed) = signal(String::new());
    let (at, set_at) = signal(0_usize);
    let found = Memo::new(move |_| matching(targets.read().as_deref().unwrap_or_default(), &typed.read()));
    Effect::new(move |_| {
        let key = window_event_listener(ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && event.key() == "k" {
                event.prevent_default();
                open.update(|open| *open = !*open);
            }
        });
        on_cleanup(move || key.remove());
    });
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
            if targets.read_untracked().is_none() {
                spawn_local(load(places.clone(), targets));
            }
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    let go = move |href: &str| {
        open.set(false);
        document::leave_for(href);
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
    let said = move || match (targets.read().is_some(), found.read().is_empty()) {
        (false, _) => Some("Looking …"),
        (true, true) => Some("Nothing has that name."),
        (true, false) => None,
    };
    view! {
        <button class="palette-open only-wide with-scripts" type="button" on:click=move |_| open.set(true)>
            <span class="visually-hidden">"Go to … "</span><kbd class="kbd">"Ctrl K"</kbd>
        </button>
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
            <p class="palette-none soft" role="status">{said}</p>
        </dialog>
    }
}

async fn load(places: String, targets: RwSignal<Option<Vec<Target>>>) {
    let asked = Asked { method: "GET", body: None, accept: "application/json" };
    let text = match answer(&places, &asked).await {
        Ok(answer) => text_of(&answer).await.unwrap_or_default(),
        Err(_) => String::new(),
    };
    // Without an answer the palette is asked again when it is next opened.
    targets.set(serde_json::from_str(&text).ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(typed: &str) -> Vec<String> {
        let targets = ["Overview", "Explore", "support-bot", "overhead", "Borealis"];
        let target = |label: &str| Target { label: label.to_owned(), kind: "Page".to_owned(), href: String::new() };
        matching(&targets.map(target), typed).into_iter().map(|target| target.label).collect()
    }

    #[test]
    fn the_beginning_of_a_name_beats_a_word_beats_a_part() {
        assert_eq!(labels("over"), ["Overview", "overhead"]);
        assert_eq!(labels("bo"), ["Borealis", "support-bot"]);
        assert_eq!(labels("BOT"), ["support-bot"]);
        assert_eq!(labels("nothing like it"), Vec::<String>::new());
    }
}
