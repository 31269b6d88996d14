//! Proposals while somebody types: the field becomes a combobox (ARIA 1.2) whose list the server draws.
//!
//! | markup | what happens |
//! |---|---|
//! | `<span class="suggest"><input data-suggest="ADDRESS">` | what was typed is added to the address, and its answer, options, is shown below the field |
//! | `data-beside="ID"` on it | another field narrows the answer, and is filled by a choice too |
//! | `<select data-find>` | where it is long it becomes such a field, which finds among its own choices |
//! | `data-go` on it | the first option is chosen beforehand, and a choice leads to where it says |

use crate::document::{PAGE, all, answer, element_of, leave_for, text_of};
use crate::page::on;
use leptos::prelude::{document, set_timeout};
use leptos::task::spawn_local;
use std::cell::Cell;
use std::time::Duration;
use wasm_bindgen::JsCast;
use web_sys::{
    Element, Event, EventInit, HtmlElement, HtmlInputElement, HtmlSelectElement, KeyboardEvent, ScrollIntoViewOptions,
    ScrollLogicalPosition,
};

/// After so long without another letter the server is asked.
const PAUSE: Duration = Duration::from_millis(120);
/// What is shown below the field, and what says so to who does not see it.
const LIST: &str = r#"<ul class="suggest-list" role="listbox" aria-label="Suggestions" hidden></ul><p class="suggest-said" role="status"></p>"#;

/// Before a list to choose from that is long.
const FINDER: &str = r#"<span class="suggest"><input class="input" data-suggest></span>"#;
/// On a field whose Enter takes the first that fits: it was pressed before the answer came.
const ENTERED: &str = "data-entered";
/// So many choices are seen at a glance.
const FEW: u32 = 12;
/// Most choices shown at once.
const SHOWN: usize = 50;

thread_local! {
    /// The number of the last question: older answers are not shown.
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

/// Begins to listen for every field that proposes something.
pub(crate) fn listen() {
    on("input", |event| {
        if let Some(input) = field_of(&event) {
            // What is shown answers what was typed before.
            mark(&input, None);
            let _ = input.remove_attribute(ENTERED);
            ask(input, PAUSE);
        }
    });
    on("focusin", |event| {
        if let Some(input) = field_of(&event).filter(goes) {
            input.select();
            ask(input, Duration::ZERO);
        }
    });
    on("focusout", |event| {
        if let Some(input) = field_of(&event).filter(|input| !goes(input)) {
            close(&input);
            if let Some(select) = select_of(&input) {
                input.set_value(&chosen_in(&select));
            }
        }
    });
    on("keydown", |event| {
        if let (Some(input), Some(key)) = (field_of(&event), event.dyn_ref::<KeyboardEvent>())
            && pressed(&input, &key.key())
        {
            event.prevent_default();
        }
    });
    // The focus stays in the field while an option is clicked.
    on("mousedown", |event| {
        if option_of(&event).is_some() {
            event.prevent_default();
        }
    });
    on("click", |event| {
        if let Some((input, option)) = option_of(&event) {
            choose(&input, &option);
        } else if let Some(input) = field_of(&event).filter(|input| options(input).is_empty()) {
            ask(input, Duration::ZERO);
        }
    });
}

/// Makes a combobox of a field.
pub(crate) fn wake(input: Element) {
    let list = format!("{}-list", input.id());
    // The browser's own list would lie over ours.
    let _ = input.remove_attribute("list");
    for (name, value) in [
        ("role", "combobox"),
        ("aria-autocomplete", "list"),
        ("aria-expanded", "false"),
        ("aria-controls", &list),
        ("autocomplete", "off"),
    ] {
        let _ = input.set_attribute(name, value);
    }
    let _ = input.insert_adjacent_html("afterend", LIST);
    if let Some(below) = input.next_element_sibling() {
        below.set_id(&list);
    }
}

/// Puts a field that finds before a list that is long; the list goes on to hold what was chosen.
pub(crate) fn wake_select(select: Element) {
    let Ok(select) = select.dyn_into::<HtmlSelectElement>() else { return };
    if select.length() <= FEW || select.hidden() {
        return;
    }
    let _ = select.insert_adjacent_html("beforebegin", FINDER);
    let input = select.previous_element_sibling().and_then(|field| field.first_element_child());
    let Some(input) = input.and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) else { return };
    for name in ["id", "aria-describedby", "aria-invalid"] {
        if let Some(value) = select.get_attribute(name) {
            let _ = input.set_attribute(name, &value);
            let _ = select.remove_attribute(name);
        }
    }
    input.set_value(&chosen_in(&select));
    select.set_hidden(true);
    wake(input.into());
}

/// The list that a field finds in.
fn select_of(input: &HtmlInputElement) -> Option<HtmlSelectElement> {
    input.parent_element()?.next_element_sibling()?.dyn_into().ok()
}

fn chosen_in(select: &HtmlSelectElement) -> String {
    all(select, "option:checked").first().and_then(|option| option.text_content()).unwrap_or_default()
}

/// Choices of a list that hold what was typed, as options; all of them where nothing else was typed than what is chosen.
fn choices(select: &HtmlSelectElement, typed: &str) -> Option<String> {
    let folded = |text: &str| -> String {
        let text = String::from(js_sys::JsString::from(text).to_lower_case());
        text.chars().filter(|letter| !letter.is_ascii_punctuation() && *letter != ' ').collect()
    };
    let sought = if typed == chosen_in(select) { String::new() } else { folded(typed) };
    let list = document().create_element("ul").ok()?;
    let named = all(select, "option").into_iter().filter_map(|option| Some((option.text_content()?, option)));
    for (name, option) in named.filter(|(name, _)| folded(name).contains(&sought)).take(SHOWN) {
        let item = document().create_element("li").ok()?;
        let _ = item.set_attribute("role", "option");
        let _ = item.set_attribute("data-value", &option.get_attribute("value").unwrap_or_default());
        item.set_text_content(Some(&name));
        // A team and a project may have one name.
        if let Some(group) = option.parent_element().and_then(|group| group.get_attribute("label")) {
            let note = document().create_element("span").ok()?;
            note.set_class_name("soft small");
            note.set_text_content(Some(&group));
            let _ = item.append_child(&note);
        }
        let _ = list.append_child(&item);
    }
    Some(list.inner_html())
}

fn field_of(event: &Event) -> Option<HtmlInputElement> {
    element_of(event)?.dyn_into().ok().filter(|input: &HtmlInputElement| input.has_attribute("data-suggest"))
}

fn option_of(event: &Event) -> Option<(HtmlInputElement, Element)> {
    let option = element_of(event)?.closest(".suggest-list [role=option]").ok()??;
    let input = option.parent_element()?.previous_element_sibling()?.dyn_into().ok()?;
    Some((input, option))
}

fn goes(input: &HtmlInputElement) -> bool {
    input.has_attribute("data-go")
}

/// Whether Enter takes the first that fits: where a choice leads somewhere, and where something was typed to find a choice by.
fn takes_first(input: &HtmlInputElement) -> bool {
    goes(input) || select_of(input).is_some_and(|select| chosen_in(&select) != input.value())
}

fn options(input: &HtmlInputElement) -> Vec<Element> {
    input.next_element_sibling().map(|list| all(&list, "[role=option]")).unwrap_or_default()
}

/// Asks for what fits, unless something else is asked meanwhile.
fn ask(input: HtmlInputElement, pause: Duration) {
    let number = ASKED.get().wrapping_add(1);
    ASKED.set(number);
    set_timeout(
        move || {
            if ASKED.get() == number {
                spawn_local(async move {
                    let found = found(&input).await;
                    if ASKED.get() == number && document().active_element().as_ref() == Some(input.as_ref()) {
                        show(&input, &found.unwrap_or_default());
                    }
                });
            }
        },
        pause,
    );
}

async fn found(input: &HtmlInputElement) -> Option<String> {
    if let Some(select) = select_of(input) {
        return choices(&select, &input.value());
    }
    let coded = |text: &str| String::from(js_sys::encode_uri_component(text));
    let mut address = format!("{}&q={}", input.get_attribute("data-suggest")?, coded(&input.value()));
    if let Some(beside) = beside(input) {
        address.push_str(&format!("&beside={}", coded(&beside.value())));
    }
    let answer = answer(&address, &PAGE).await.ok().filter(|answer| answer.ok())?;
    text_of(&answer).await.ok()
}

fn beside(input: &HtmlInputElement) -> Option<HtmlInputElement> {
    document().get_element_by_id(&input.get_attribute("data-beside")?)?.dyn_into().ok()
}

/// Shows options, or that there are none.
fn show(input: &HtmlInputElement, html: &str) {
    let Some(list) = input.next_element_sibling() else { return };
    list.set_inner_html(html);
    let count = options(input).len();
    unfold(input, count > 0);
    let said = match (count, goes(input)) {
        (0, true) => "Nothing matches.".to_owned(),
        (0, false) => "No suggestions".to_owned(),
        (1, _) => "1 suggestion".to_owned(),
        (count, _) => format!("{count} suggestions"),
    };
    say(input, &said);
    mark(input, takes_first(input).then_some(0));
    if input.has_attribute(ENTERED)
        && let Some(first) = options(input).first()
    {
        choose(input, first);
    }
}

fn unfold(input: &HtmlInputElement, open: bool) {
    let _ = input.set_attribute("aria-expanded", if open { "true" } else { "false" });
    if let Some(list) = input.next_element_sibling().and_then(|list| list.dyn_into::<HtmlElement>().ok()) {
        list.set_hidden(!open);
    }
}

fn say(input: &HtmlInputElement, text: &str) {
    if let Some(status) = input.next_element_sibling().and_then(|list| list.next_element_sibling()) {
        status.set_text_content(Some(text));
    }
}

fn close(input: &HtmlInputElement) {
    // What is still on its way comes too late.
    ASKED.set(ASKED.get().wrapping_add(1));
    if let Some(list) = input.next_element_sibling() {
        list.set_inner_html("");
    }
    unfold(input, false);
    say(input, "");
    mark(input, None);
}

/// Marks an option as the one that Enter chooses.
fn mark(input: &HtmlInputElement, chosen: Option<usize>) {
    let _ = input.remove_attribute("aria-activedescendant");
    for (index, option) in options(input).into_iter().enumerate() {
        let is_chosen = chosen == Some(index);
        let _ = option.set_attribute("aria-selected", if is_chosen { "true" } else { "false" });
        if is_chosen {
            option.set_id(&format!("{}-chosen", input.id()));
            let _ = input.set_attribute("aria-activedescendant", &option.id());
            let near = ScrollIntoViewOptions::new();
            near.set_block(ScrollLogicalPosition::Nearest);
            option.scroll_into_view_with_scroll_into_view_options(&near);
        } else {
            let _ = option.remove_attribute("id");
        }
    }
}

/// What a key does in a field; false where it keeps its own meaning.
fn pressed(input: &HtmlInputElement, key: &str) -> bool {
    let options = options(input);
    let chosen = options.iter().position(|option| option.get_attribute("aria-selected").as_deref() == Some("true"));
    let last = options.len().saturating_sub(1);
    match key {
        "ArrowDown" | "ArrowUp" if options.is_empty() => ask(input.clone(), Duration::ZERO),
        "ArrowDown" => mark(input, Some(chosen.map_or(0, |at| if at == last { 0 } else { at + 1 }))),
        "ArrowUp" => mark(input, Some(chosen.map_or(last, |at| at.checked_sub(1).unwrap_or(last)))),
        "Enter" => match chosen.and_then(|at| options.get(at)) {
            Some(option) => choose(input, option),
            None if takes_first(input) => drop(input.set_attribute(ENTERED, "")),
            None => return false,
        },
        "Escape" if !options.is_empty() && !goes(input) => close(input),
        _ => return false,
    }
    true
}

/// Takes an option over.
fn choose(input: &HtmlInputElement, option: &Element) {
    let _ = input.remove_attribute(ENTERED);
    if let Some(href) = option.get_attribute("data-href") {
        if let Ok(Some(dialog)) = input.closest("dialog") {
            crate::page::close_dialog(dialog);
        }
        leave_for(&href);
        return;
    }
    if let Some(select) = select_of(input) {
        select.set_value(&option.get_attribute("data-value").unwrap_or_default());
        input.set_value(&chosen_in(&select));
        close(input);
        changed(&select);
        return;
    }
    for (field, name) in [(Some(input.clone()), "data-value"), (beside(input), "data-beside")] {
        if let (Some(field), Some(value)) = (field, option.get_attribute(name)) {
            field.set_value(&value);
        }
    }
    close(input);
    changed(input);
}

/// Says that a control has another value, as the browser does where a person changed it.
fn changed(control: &Element) {
    let seen = EventInit::new();
    seen.set_bubbles(true);
    if let Ok(changed) = Event::new_with_event_init_dict("change", &seen) {
        let _ = control.dispatch_event(&changed);
    }
}
