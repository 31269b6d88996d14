//! What any page does once scripts run, told by its markup:
//!
//! | markup | what happens |
//! |---|---|
//! | `details.menu` | closes on Escape and on a click elsewhere |
//! | `<a data-dialog="ID">` | opens the dialog of that id instead of leading to its page |
//! | `<dialog id="palette">` | Ctrl-K opens and closes it |
//! | `<button data-copy>` | copies the code beside it |
//! | `<form data-themes>` | the theme of the pressed button is shown at once, and kept without leaving the page |
//! | `<input data-suggest="ADDRESS">` | proposes while somebody types: see [`crate::suggest`] |
//! | `<form data-auto>` | is sent as soon as a choice changes |
//! | `<form data-swap>` | its answer takes the place of the page's content, and nothing else moves |
//! | `<form method="post">` | is sent once, however often its button is pressed |
//! | `<x id="ID" data-live="SECONDS">` | is renewed from the server every so often while somebody looks |
//! | `<x id="ID" data-live-on="ADDRESS">` | is renewed when server-sent events of an address say so, while nobody reads in it |
//! | `<input data-own-zone list="ID">` | proposes the browser's own time zone, under the name that the list has for it |
//! | `<form data-file>` | sends its file in pieces: see [`crate::file`] |
//!
//! One listener for each event of the whole document: what comes into the page later needs nothing more.

use crate::document::{self, Asked, PAGE, all, answer, element_of, page_at};
use crate::theme::{self, Theme};
use leptos::prelude::{
    IntervalHandle, document, set_interval_with_handle, set_timeout, window, window_event_listener_untyped,
};
use leptos::task::spawn_local;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{
    Element, Event, EventSource, FormData, HtmlDialogElement, HtmlElement, HtmlFormElement, HtmlInputElement,
    PageTransitionEvent, UrlSearchParams,
};

/// Between two looks whether a part is still being read.
const UNREAD: Duration = Duration::from_secs(2);
/// On a form that is on its way.
const SENT: &str = "data-sent";
/// After so long a form may be sent again: its answer was lost.
const SENT_FOR: Duration = Duration::from_secs(5);
/// How long a button says that it copied.
const COPIED_FOR: Duration = Duration::from_secs(2);
/// Where the place on a page is kept while the same page is loaded again.
const PLACE: &str = "place";

thread_local! {
    /// The address of what is shown.
    static SHOWN: RefCell<String> = const { RefCell::new(String::new()) };
    /// How many forms were sent to show their answers in place.
    static SWAPS: Cell<u32> = const { Cell::new(0) };
}

/// The present address, without the place in the page.
fn address() -> String {
    let href = window().location().href().unwrap_or_default();
    href.split('#').next().unwrap_or_default().to_owned()
}

/// Notes the address of what is shown by now.
pub(crate) fn note_shown() {
    SHOWN.set(address());
}

/// Whoever drives a browser waits for this mark before touching anything; what needs scripts is shown from now on.
pub(crate) fn mark() {
    if let Some(page) = document().document_element() {
        let _ = page.set_attribute("data-hydrated", "");
    }
}

/// Begins to listen.
pub(crate) fn listen() {
    on("click", |event| {
        let target = element_of(&event);
        close_menus(target.as_ref());
        let within = |selector| target.as_ref().and_then(|target| target.closest(selector).ok().flatten());
        if within("[data-dialog]").and_then(|link| link.get_attribute("data-dialog")).is_some_and(|id| open_dialog(&id))
        {
            event.prevent_default();
        }
        if let Some(button) = within("[data-copy]") {
            copy(&button);
        }
    });
    on("keydown", |event| {
        let Some(key) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
        if key.key() == "Escape" {
            close_menus(None);
        }
        if key.key() == "k" && (key.ctrl_key() || key.meta_key()) {
            match document().query_selector("#palette[open]") {
                Ok(Some(palette)) => close_dialog(palette),
                _ if open_dialog("palette") => {}
                _ => return,
            }
            event.prevent_default();
        }
    });
    on("change", |event| {
        let form = element_of(&event).and_then(|target| target.closest("form[data-auto]").ok().flatten());
        if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
            // Refused only where the form is not in the page.
            let _ = form.request_submit();
        }
    });
    on("submit", |event| {
        if let Some(form) = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok())
            && !event.default_prevented()
        {
            submitted(&event, &form);
        }
    });
    on("popstate", |_| {
        // What was shown in place is not in the browser's memory. A link within the page leads to the same address.
        if SHOWN.with_borrow(|shown| *shown != address()) {
            let _ = window().location().reload();
        }
    });
    crate::suggest::listen();
    note_shown();
    if came_back() {
        // Out of the browser's store, without a question to the server.
        spawn_local(still_mine());
    }
    on("pageshow", |event| {
        if event.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted) {
            spawn_local(still_mine());
        }
        // Out of the browser's memory comes the page as it was left: on its way.
        if let Some(root) = document().document_element() {
            all(&root, "form[data-sent]").iter().for_each(|form| drop(form.remove_attribute(SENT)));
        }
    });
    return_to_place();
    if let Some(body) = document().body() {
        wake(&body);
    }
}

/// A page that comes back out of the browser's memory gives way where its reader has signed out meanwhile, or is somebody else.
async fn still_mine() {
    let reader = |page: &web_sys::Document| page.document_element().and_then(|root| root.get_attribute("data-reader"));
    let Some(mine) = reader(&document()) else { return };
    let now = page_now(&address()).await;
    if now.as_ref().and_then(reader) != Some(mine) {
        let _ = window().location().reload();
    } else if let Some(root) = now.and_then(|page| page.document_element()) {
        // Another theme may have been chosen since.
        theme::paint(Theme::parse(&root.get_attribute("data-theme").unwrap_or_default()));
    }
}

/// Whether this page was gone back to.
fn came_back() -> bool {
    let timing = window().performance().map(|performance| performance.get_entries_by_type("navigation").get(0));
    let kind = timing.and_then(|timing| js_sys::Reflect::get(&timing, &JsValue::from_str("type")).ok());
    kind.and_then(|kind| kind.as_string()).as_deref() == Some("back_forward")
}

/// Listens to the whole document.
pub(crate) fn on(event: &'static str, handle: impl Fn(Event) + 'static) {
    // For as long as the page lives.
    let _for_ever = window_event_listener_untyped(event, handle);
}

/// Does what a new part of the page asks for.
pub(crate) fn wake(part: &Element) {
    all(part, "[data-live]").into_iter().for_each(keep_new);
    all(part, "[data-live-on]").into_iter().for_each(keep_listening);
    all(part, "input[data-own-zone]").into_iter().for_each(propose_own_zone);
    all(part, "form[data-file]").into_iter().for_each(crate::file::wake);
    all(part, "input[data-suggest]").into_iter().for_each(crate::suggest::wake);
    all(part, "select[data-find]").into_iter().for_each(crate::suggest::wake_select);
}

/// Closes the open menu unless it holds `inside`; the focus goes back to its button. Menus share a name, so at most one is open.
fn close_menus(inside: Option<&Element>) {
    let Ok(Some(menu)) = document().query_selector("details.menu[open]") else { return };
    if menu.contains(inside.map(AsRef::as_ref)) {
        return;
    }
    let had_focus = menu.contains(document().active_element().as_ref().map(AsRef::as_ref));
    // Removing an attribute that is there cannot fail.
    let _ = menu.remove_attribute("open");
    if had_focus
        && let Ok(Some(summary)) = menu.query_selector("summary")
        && let Ok(summary) = summary.dyn_into::<HtmlElement>()
    {
        let _ = summary.focus();
    }
}

fn open_dialog(id: &str) -> bool {
    let dialog = document().get_element_by_id(id).and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok());
    dialog.is_some_and(|dialog| dialog.show_modal().is_ok())
}

/// Closes a dialog.
pub(crate) fn close_dialog(dialog: Element) {
    if let Ok(dialog) = dialog.dyn_into::<HtmlDialogElement>() {
        dialog.close();
    }
}

/// Copies the code beside a button to the clipboard, and says so for a while.
fn copy(button: &Element) {
    let code = || button.closest(".code").ok()??.query_selector("code").ok()??.text_content();
    // The promise is not awaited: where the browser refuses, selecting the text by hand still works.
    let _ = window().navigator().clipboard().write_text(&code().unwrap_or_default());
    let Some(said) = button.first_element_child() else { return };
    said.set_text_content(Some("Copied"));
    set_timeout(move || said.set_text_content(Some("Copy")), COPIED_FOR);
}

/// Shows a theme at once and keeps it.
fn choose_theme(event: &Event, form: &HtmlFormElement) {
    let pressed = event.dyn_ref::<web_sys::SubmitEvent>().and_then(web_sys::SubmitEvent::submitter);
    let Some(code) = pressed.and_then(|button| button.get_attribute("value")) else { return };
    event.prevent_default();
    for button in all(form, "[aria-pressed]") {
        let is_chosen = button.get_attribute("value").as_ref() == Some(&code);
        let _ = button.set_attribute("aria-pressed", if is_chosen { "true" } else { "false" });
    }
    theme::paint(Theme::parse(&code));
    let action = form.action();
    spawn_local(async move {
        let Ok(chosen) = UrlSearchParams::new_with_str(&format!("theme={code}")) else { return };
        let asked = Asked { method: "POST", body: Some(&chosen), accept: "application/json" };
        // Painted already; where the cookie cannot be set, the next page looks as the one before.
        let _lost = answer(&action, &asked).await;
    });
}

/// A form on its way: in place, in pieces, or as the browser does it.
fn submitted(event: &Event, form: &HtmlFormElement) {
    if form.has_attribute("data-themes") {
        choose_theme(event, form);
        return;
    }
    if form.has_attribute("data-file") && crate::file::submitted(event, form) {
        return;
    }
    if form.has_attribute("data-swap") {
        event.prevent_default();
        swap(form.clone());
        return;
    }
    if form.method() != "post" {
        return;
    }
    if form.has_attribute(SENT) {
        event.prevent_default();
        return;
    }
    keep_place();
    let _ = form.set_attribute(SENT, "");
    let form = form.clone();
    set_timeout(move || drop(form.remove_attribute(SENT)), SENT_FOR);
}

/// Sends a form and shows its answer in the place of the page's content. A question may be asked anew while the last one is on its way: the newest answer is shown.
fn swap(form: HtmlFormElement) {
    let is_post = form.method() == "post";
    if is_post && form.has_attribute(SENT) {
        return;
    }
    let _ = form.set_attribute(SENT, "");
    let turn = SWAPS.get() + 1;
    SWAPS.set(turn);
    spawn_local(async move {
        let answer = if is_post { post(&form).await } else { get(&form).await };
        let _ = form.remove_attribute(SENT);
        if SWAPS.get() != turn {
            return;
        }
        match answer {
            Ok((address, page)) => document::show(&address, &page),
            // As it would have gone without scripts; the browser says what is wrong.
            Err(_) => drop(form.submit()),
        }
    });
}

async fn post(form: &HtmlFormElement) -> Result<(String, web_sys::Document), JsValue> {
    let body = params_of(form)?;
    page_at(&form.action(), &Asked { method: "POST", body: Some(&body), accept: "text/html" }).await
}

async fn get(form: &HtmlFormElement) -> Result<(String, web_sys::Document), JsValue> {
    let query: String = params_of(form)?.to_string().into();
    let action = form.action();
    let path = action.split('?').next().unwrap_or_default();
    page_at(&format!("{path}?{query}"), &PAGE).await
}

fn params_of(form: &HtmlFormElement) -> Result<UrlSearchParams, JsValue> {
    // Pairs of texts, as the constructor takes them.
    let pairs: JsValue = FormData::new_with_form(form)?.into();
    UrlSearchParams::new_with_str_sequence_sequence(&pairs)
}

/// Renews a part again and again; the page as a whole where the part is gone from it.
fn keep_new(part: Element) {
    let secs = part.get_attribute("data-live").and_then(|secs| secs.parse().ok()).unwrap_or(4);
    let known = Rc::new(RefCell::new(part.inner_html()));
    let handle = Rc::new(Cell::new(None::<IntervalHandle>));
    let held = Rc::clone(&handle);
    let asking = Rc::new(Cell::new(false));
    let look = move || {
        if !part.is_connected() || !part.has_attribute("data-live") {
            held.take().iter().for_each(IntervalHandle::clear);
            return;
        }
        if document().hidden() || asking.replace(true) {
            return;
        }
        let (part, known, asking) = (part.clone(), Rc::clone(&known), Rc::clone(&asking));
        spawn_local(async move {
            let html = renewed(&part).await;
            asking.set(false);
            // No answer now: the next look may have one.
            if let Some(html) = html
                && part.is_connected()
                && *known.borrow() != html
            {
                document::replace(&part, &html);
                known.replace(html);
            }
        });
    };
    handle.set(set_interval_with_handle(look, Duration::from_secs(secs)).ok());
}

/// Renews a part when the server says that it moved. A hidden page does not listen: browsers open few connections to one host, and keep pages with open ones out of their memory.
fn keep_listening(part: Element) {
    let Some(address) = part.get_attribute("data-live-on") else { return };
    let source = Rc::new(RefCell::new(None::<EventSource>));
    let renew = Rc::new(Cell::new(false));
    let moved = {
        let (part, due) = (part.clone(), Rc::clone(&renew));
        Closure::<dyn Fn()>::new(move || {
            if !due.replace(true) {
                spawn_local(renew_when_unread(part.clone(), Rc::clone(&due)));
            }
        })
    };
    let listen = move || {
        let wanted = part.is_connected() && !document().hidden();
        if wanted && source.borrow().is_none() {
            let opened = EventSource::new(&address).ok();
            opened.iter().for_each(|source| source.set_onmessage(Some(moved.as_ref().unchecked_ref())));
            source.replace(opened);
        } else if !wanted {
            source.take().iter().for_each(EventSource::close);
        }
    };
    listen();
    on("visibilitychange", move |_| listen());
}

/// Waits until nobody reads in the part: has the focus in it, selected or opened something, or points at a chart.
async fn renew_when_unread(part: Element, due: Rc<Cell<bool>>) {
    const READ: &str = ":focus, details[open], .chart-tip:not([hidden])";
    let is_read = || {
        let selected = window().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed());
        selected || document().hidden() || part.query_selector(READ).is_ok_and(|found| found.is_some())
    };
    while part.is_connected() && is_read() {
        sleep(UNREAD).await;
    }
    due.set(false);
    if !part.is_connected() {
        return;
    }
    if let Some(html) = renewed(&part).await
        && part.is_connected()
        && !is_read()
        && part.inner_html() != html
    {
        document::replace(&part, &html);
    }
}

async fn sleep(time: Duration) {
    let waited = js_sys::Promise::new(&mut |done, _| {
        set_timeout(move || drop(done.call0(&JsValue::NULL)), time);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(waited).await;
}

/// The page at an address, where the server gives it. Asked for as no page is, so that what is shown once is left for who gets there.
async fn page_now(address: &str) -> Option<web_sys::Document> {
    let answer = document::answer(address, &Asked { accept: "*/*", ..PAGE }).await.ok()?;
    if !answer.ok() {
        return None;
    }
    document::parsed(&document::text_of(&answer).await.ok()?).ok()
}

/// What a part holds by now.
async fn renewed(part: &Element) -> Option<String> {
    let here = window().location().href().ok()?;
    let address = part.get_attribute("data-live-from").unwrap_or(here);
    let page = page_now(&address).await?;
    let Some(next) = page.get_element_by_id(&part.id()) else {
        let _ = window().location().reload();
        return None;
    };
    if !next.has_attribute("data-live") {
        let _ = part.remove_attribute("data-live");
    }
    Some(next.inner_html())
}

/// Notes how far down the page is, for when the answer of a form is the same page.
fn keep_place() {
    let (Ok(Some(store)), Ok(path), Ok(down)) =
        (window().session_storage(), window().location().pathname(), window().scroll_y())
    else {
        return;
    };
    let _ = store.set_item(PLACE, &format!("{down} {path}"));
}

fn return_to_place() {
    let Ok(Some(store)) = window().session_storage() else { return };
    let Ok(Some(place)) = store.get_item(PLACE) else { return };
    let _ = store.remove_item(PLACE);
    let here = window().location().pathname().unwrap_or_default();
    if let Some((down, _)) = place.split_once(' ').filter(|(_, path)| *path == here)
        && let Ok(down) = down.parse()
    {
        window().scroll_to_with_x_and_y(0.0, down);
    }
}

/// Fills in the browser's own zone where nothing else was typed; some browsers know zones by old names.
fn propose_own_zone(input: Element) {
    let Ok(input) = input.dyn_into::<HtmlInputElement>() else { return };
    let format = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new());
    let zone = js_sys::Reflect::get(&format.resolved_options(), &JsValue::from_str("timeZone")).ok();
    let Some(zone) = zone.and_then(|zone| zone.as_string()).filter(|_| input.value().is_empty()) else { return };
    let Some(list) = input.get_attribute("list").and_then(|id| document().get_element_by_id(&id)) else { return };
    let text = |option: &Element, name: &str| option.get_attribute(name).unwrap_or_default();
    let is_own = |option: &Element| {
        text(option, "value").split(' ').next() == Some(&zone)
            || text(option, "data-also").split(' ').any(|old| old == zone)
    };
    if let Some(own) = all(&list, "option").into_iter().find(is_own) {
        input.set_value(&text(&own, "value"));
    }
}
