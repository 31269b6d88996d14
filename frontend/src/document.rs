//! Pages fetched from the server, whole or in part, in place of what is shown.

use leptos::prelude::{WindowListenerHandle, document, window, window_event_listener_untyped};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, DomParser, Element, Event, Headers, HtmlElement, RequestInit, Response, SupportedType};

/// What a request is: its method and what it carries.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'static str,
    pub(crate) body: Option<&'a JsValue>,
    /// What may be answered: `text/html` for a page, `application/json` for a program.
    pub(crate) accept: &'static str,
}

/// What of a page is shown anew: its content, and what chooses its days and filters.
const SHOWN_ANEW: [&str; 2] = ["main", ".topbar-days"];

/// Asks for a page.
pub(crate) const PAGE: Asked<'static> = Asked { method: "GET", body: None, accept: "text/html" };

/// The server's answer, redirects followed.
///
/// # Errors
/// When there is none.
pub(crate) async fn answer(address: &str, asked: &Asked<'_>) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("Accept", asked.accept)?;
    let request = RequestInit::new();
    request.set_method(asked.method);
    request.set_headers(&headers);
    if let Some(body) = asked.body {
        request.set_body(body);
    }
    JsFuture::from(window().fetch_with_str_and_init(address, &request)).await?.dyn_into()
}

/// The text of an answer.
///
/// # Errors
/// When it broke off.
pub(crate) async fn text_of(answer: &Response) -> Result<String, JsValue> {
    Ok(JsFuture::from(answer.text()?).await?.as_string().unwrap_or_default())
}

/// The page at an address, and the address that it was found at.
///
/// # Errors
/// When there is no answer, or none that is a page.
pub(crate) async fn page_at(address: &str, asked: &Asked<'_>) -> Result<(String, Document), JsValue> {
    let answer = answer(address, asked).await?;
    let text = text_of(&answer).await?;
    Ok((answer.url(), parsed(&text)?))
}

/// A page out of its text.
///
/// # Errors
/// Never in a browser.
pub(crate) fn parsed(text: &str) -> Result<Document, JsValue> {
    DomParser::new()?.parse_from_string(text, SupportedType::TextHtml)
}

/// Shows another page in the frame of this one, as if it had been gone to; whatever was kept in memory is still there.
pub(crate) fn show(address: &str, page: &Document) {
    let pairs: Vec<(Element, Element)> = SHOWN_ANEW.into_iter().filter_map(|part| pair(part, page)).collect();
    if pairs.is_empty() {
        leave_for(address);
        return;
    }
    if window().location().href().is_ok_and(|here| here != address)
        && let Ok(history) = window().history()
    {
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(address));
    }
    crate::page::note_shown();
    document().set_title(&page.title());
    for (old, new) in pairs {
        replace(&old, &new.inner_html());
    }
}

/// A part of the present page and of another one.
fn pair(selector: &str, page: &Document) -> Option<(Element, Element)> {
    Some((document().query_selector(selector).ok()??, page.query_selector(selector).ok()??))
}

/// Goes to an address as a link does.
pub(crate) fn leave_for(address: &str) {
    // Refused only for addresses that cannot be parsed.
    let _ = window().location().assign(address);
}

/// Puts other content into an element and wakes it; the focus stays on the control of the same id, or on one that is the same in everything.
pub(crate) fn replace(part: &Element, html: &str) {
    let focused = document().active_element().filter(|element| part.contains(Some(element)));
    part.set_inner_html(html);
    wake_islands(part);
    crate::page::wake(part);
    let again = focused.and_then(|was| match was.id().as_str() {
        "" => all(part, &was.tag_name()).into_iter().find(|other| other.is_equal_node(Some(&was))),
        id => document().get_element_by_id(id),
    });
    if let Some(again) = again.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = again.focus();
    }
}

/// Listens to the window until an element is no longer shown: what is put in its place listens for itself.
pub(crate) fn listen_while_shown(part: Element, name: &'static str, handle: impl Fn(&Element, &Event) + 'static) {
    let own = Rc::new(Cell::new(None::<WindowListenerHandle>));
    let to_remove = Rc::clone(&own);
    own.set(Some(window_event_listener_untyped(name, move |event| {
        if part.is_connected() {
            handle(&part, &event);
        } else if let Some(own) = to_remove.take() {
            own.remove();
        }
    })));
}

/// What an event happened to.
pub(crate) fn element_of(event: &Event) -> Option<Element> {
    event.target().and_then(|target| target.dyn_into().ok())
}

/// Every element in a part that a selector names.
pub(crate) fn all(part: &Element, selector: &str) -> Vec<Element> {
    let Ok(found) = part.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.get(index)?.dyn_into().ok()).collect()
}

/// Wakes islands that came after the page: by what the page's script left for this.
fn wake_islands(part: &Element) {
    let name = JsValue::from_str("wakeIsland");
    let Some(wake) =
        js_sys::Reflect::get(&window(), &name).ok().and_then(|wake| wake.dyn_into::<js_sys::Function>().ok())
    else {
        return;
    };
    for island in all(part, "leptos-island") {
        let _ = wake.call1(&JsValue::NULL, &island);
    }
}
