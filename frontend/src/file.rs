//! Files of events on their way: in pieces, so that progress is seen and a broken connection goes on where it was.
//!
//! A file that was chosen stays at hand while pages are shown in place of each other. Without scripts nothing of this runs: the forms post whole files.
//! The page says what is known: `data-file="start"` is the form that begins an upload, `data-file="send"` with `data-upload`, `data-done`, `data-size`, `data-head` and `data-piece` the one that goes on with it.

use crate::document::{self, Asked, PAGE, all, answer, page_at, text_of};
use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Element, Event, FormData, HtmlButtonElement, HtmlElement, HtmlFormElement, SubmitEvent};

/// How often a piece is sent again before that is left to the person.
const TRIES: u32 = 10;
/// Longest time between two tries, in seconds.
const MAX_WAIT_SECS: u32 = 30;
/// The part of the page that says how far an upload is.
const PROGRESS: &str = "progress";
/// What is said where no answer comes.
const AWAY: &str = "The server does not answer. Try again in a few seconds.";

thread_local! {
    /// The file that was chosen last, and the upload that it belongs to.
    static CHOSEN: RefCell<Option<(String, Blob)>> = const { RefCell::new(None) };
}

fn at_hand(upload: &str) -> Option<Blob> {
    CHOSEN.with_borrow(|chosen| chosen.as_ref().filter(|(of, _)| of == upload).map(|(_, file)| file.clone()))
}

/// Where the file is at hand it is not asked for.
pub(crate) fn wake(form: Element) {
    let upload = form.get_attribute("data-upload").unwrap_or_default();
    let here = at_hand(&upload).is_some();
    for input in all(&form, "[data-choose] input") {
        // A field that must be filled in and is not seen would hold the form back.
        let _ = if here { input.set_attribute("disabled", "") } else { input.remove_attribute("disabled") };
    }
    for (selector, hidden) in [("[data-choose]", here), ("[data-at-hand]", !here)] {
        for element in all(&form, selector) {
            if let Ok(element) = element.dyn_into::<HtmlElement>() {
                element.set_hidden(hidden);
            }
        }
    }
}

/// Takes over a form with a file; false where it has to go as a form, because nothing was chosen.
pub(crate) fn submitted(event: &Event, form: &HtmlFormElement) -> bool {
    let upload = form.get_attribute("data-upload").unwrap_or_default();
    let Some(file) = at_hand(&upload).or_else(|| chosen_in(form)) else { return false };
    event.prevent_default();
    if form.has_attribute("data-busy") {
        return true;
    }
    let form = form.clone();
    if form.get_attribute("data-file").as_deref() == Some("start") {
        spawn_local(async move {
            busy(&form, "Looking at the file …");
            let outcome = start(&form, &file).await;
            done(&form, outcome.err());
        });
        return true;
    }
    CHOSEN.replace(Some((upload, file.clone())));
    let pressed = event.dyn_ref::<SubmitEvent>().and_then(SubmitEvent::submitter);
    let other = pressed.and_then(|pressed| pressed.dyn_into::<HtmlButtonElement>().ok());
    let check = other.filter(|button| button.has_attribute("formaction")).map(|button| button.form_action());
    spawn_local(async move {
        let outcome = match check {
            Some(check) => {
                busy(&form, "Looking at the first rows …");
                look(&form, &check, &file).await
            }
            None => {
                busy(&form, "Sending …");
                send(&form, &file).await
            }
        };
        done(&form, outcome.err());
    });
    true
}

fn chosen_in(form: &HtmlFormElement) -> Option<Blob> {
    let data = FormData::new_with_form(form).ok()?;
    data.get("file").dyn_into::<Blob>().ok().filter(|file| file.size() > 0.0)
}

fn busy(form: &HtmlFormElement, said: &str) {
    let _ = form.set_attribute("data-busy", "");
    say(form, "[role=status]", said);
    say(form, "[data-wrong]", "");
}

fn done(form: &HtmlFormElement, wrong: Option<String>) {
    let _ = form.remove_attribute("data-busy");
    say(form, "[role=status]", "");
    if let Some(wrong) = wrong {
        say(form, "[data-wrong]", &wrong);
    }
}

fn say(form: &HtmlFormElement, selector: &str, text: &str) {
    for place in all(form, selector) {
        place.set_text_content(Some(text));
        if let Ok(place) = place.dyn_into::<HtmlElement>()
            && selector == "[data-wrong]"
        {
            place.set_hidden(text.is_empty());
        }
    }
}

/// Sends the beginning of the file; the whole stays at hand for the page of the upload, which is shown.
async fn start(form: &HtmlFormElement, file: &Blob) -> Result<(), String> {
    let lost = |_: JsValue| AWAY.to_owned();
    let data = FormData::new_with_form(form).map_err(lost)?;
    let name = js_sys::Reflect::get(file, &JsValue::from_str("name")).ok().and_then(|name| name.as_string());
    let head = slice(file, 0.0, number(form, "data-head")).map_err(lost)?;
    // After the texts, as the server reads them.
    data.delete("file");
    data.append_with_blob_and_filename("file", &head, &name.unwrap_or_default()).map_err(lost)?;
    let address = format!("{}?size={}", form.action(), file.size());
    let (found, page) =
        page_at(&address, &Asked { method: "POST", body: Some(&data), accept: "text/html" }).await.map_err(lost)?;
    if let Some((_, upload)) = found.rsplit_once("/uploads/") {
        CHOSEN.replace(Some((upload.to_owned(), file.clone())));
    }
    document::show(&found, &page);
    Ok(())
}

/// Looks at the first rows with the present columns.
async fn look(form: &HtmlFormElement, address: &str, file: &Blob) -> Result<(), String> {
    check(form, address, file).await?;
    show_again().await
}

/// Sends what is left of the file.
async fn send(form: &HtmlFormElement, file: &Blob) -> Result<(), String> {
    let path = form.action();
    let (mut from, size) = (number(form, "data-done"), number(form, "data-size"));
    if from > 0.0 {
        // Chosen again: is it the same file?
        let address = format!("{}/check", path.trim_end_matches("/send"));
        if let Err(wrong) = check(form, &address, file).await {
            CHOSEN.replace(None);
            wake(form.clone().into());
            return Err(wrong);
        }
    }
    let mut tried = 0;
    loop {
        let piece = slice(file, from, (from + number(form, "data-piece")).min(size)).map_err(|_| AWAY.to_owned())?;
        match posted(&format!("{path}?from={from}"), &piece).await {
            Ok(upload) => {
                tried = 0;
                from = upload.done_bytes;
                if !upload.is_open {
                    return show_again().await;
                }
                say(form, "[role=status]", "Sending …");
                renew_progress().await;
            }
            Err(Failed::Refused(wrong)) => return Err(wrong),
            Err(Failed::Lost) if tried == TRIES => return Err(AWAY.to_owned()),
            Err(Failed::Lost) => {
                tried += 1;
                say(form, "[role=status]", "No answer; trying again …");
                wait((1 << tried.min(5)).min(MAX_WAIT_SECS)).await;
                // The piece may have been recorded all the same.
                if let Some(known) = known_done().await {
                    from = known;
                }
            }
        }
    }
}

async fn check(form: &HtmlFormElement, address: &str, file: &Blob) -> Result<(), String> {
    let lost = |_: JsValue| AWAY.to_owned();
    let data = FormData::new().map_err(lost)?;
    let head = slice(file, 0.0, number(form, "data-head")).map_err(lost)?;
    data.append_with_blob_and_filename("file", &head, "file").map_err(lost)?;
    match posted(address, &data).await {
        Ok(_) => Ok(()),
        Err(Failed::Refused(wrong)) => Err(wrong),
        Err(Failed::Lost) => Err(AWAY.to_owned()),
    }
}

/// The page as it is by now, in its own place.
async fn show_again() -> Result<(), String> {
    let here = window().location().href().map_err(|_| AWAY.to_owned())?;
    let (found, page) = page_at(&here, &PAGE).await.map_err(|_| AWAY.to_owned())?;
    document::show(&found, &page);
    Ok(())
}

async fn renew_progress() {
    let Ok(here) = window().location().href() else { return };
    let Ok((_, page)) = page_at(&here, &PAGE).await else { return };
    let parts = (document().get_element_by_id(PROGRESS), page.get_element_by_id(PROGRESS));
    if let (Some(old), Some(new)) = parts {
        old.set_inner_html(&new.inner_html());
    }
}

/// How far the server says that the upload is.
async fn known_done() -> Option<f64> {
    let here = window().location().href().ok()?;
    let (_, page) = page_at(&here, &PAGE).await.ok()?;
    let form = page.query_selector("form[data-file]").ok()??;
    form.get_attribute("data-done")?.parse().ok()
}

/// Why there was no answer to go on with.
enum Failed {
    /// The connection broke, or the server cannot now: waiting may help.
    Lost,
    /// What is wrong, in words.
    Refused(String),
}

/// How far an upload is.
struct Sent {
    done_bytes: f64,
    is_open: bool,
}

/// A field of an answer; undefined where there is none.
fn field(answer: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(answer, &JsValue::from_str(name)).unwrap_or_default()
}

fn sent(answer: &JsValue) -> Option<Sent> {
    let is_open = matches!(field(answer, "state").as_string()?.as_str(), "waiting" | "partial");
    Some(Sent { done_bytes: field(answer, "done_bytes").as_f64()?, is_open })
}

/// What was refused, in words: of every field, or of the whole.
fn refusal(answer: &JsValue) -> String {
    let fields = field(answer, "fields").dyn_into::<js_sys::Array>().unwrap_or_default();
    let fields: Vec<String> = fields.iter().map(|of| refusal(&of)).collect();
    if fields.is_empty() { field(answer, "detail").as_string().unwrap_or_default() } else { fields.join(" ") }
}

async fn posted(address: &str, body: &JsValue) -> Result<Sent, Failed> {
    let asked = Asked { method: "POST", body: Some(body), accept: "application/json" };
    let answer = answer(address, &asked).await.map_err(|_| Failed::Lost)?;
    let text = text_of(&answer).await.map_err(|_| Failed::Lost)?;
    let read = js_sys::JSON::parse(&text);
    if answer.ok() {
        return read.ok().as_ref().and_then(sent).ok_or(Failed::Lost);
    }
    let is_passing = answer.status() >= 500 || matches!(answer.status(), 408 | 429);
    let refusal = read.as_ref().map(refusal).unwrap_or_default();
    if is_passing || refusal.is_empty() { Err(Failed::Lost) } else { Err(Failed::Refused(refusal)) }
}

async fn wait(secs: u32) {
    let mut begin = |resolve: js_sys::Function, _: js_sys::Function| {
        let millis = i32::try_from(secs * 1_000).unwrap_or(i32::MAX);
        let _handle = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis);
    };
    let _resolved = JsFuture::from(js_sys::Promise::new(&mut begin)).await;
}

fn number(form: &HtmlFormElement, name: &str) -> f64 {
    form.get_attribute(name).and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn slice(file: &Blob, from: f64, to: f64) -> Result<Blob, JsValue> {
    file.slice_with_f64_and_f64(from, to.min(file.size()))
}
