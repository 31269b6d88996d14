//! The browser's part: files stay at hand between two pages and are sent in pieces, so that progress is seen and a broken connection goes on where it was.
//!
//! Without JavaScript nothing of this runs: the forms post whole files.

use domain::ids::UploadId;
use domain::problem::Problem;
use domain::upload::Upload;
use leptos::ev::{MouseEvent, SubmitEvent};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

/// What is wrong with a form whose file is sent.
#[derive(Clone, Copy)]
struct Wrong(RwSignal<Option<Problem>>);

impl Wrong {
    fn error(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.0.get()?.fields().iter().find(|wrong| wrong.pointer == field).map(|wrong| wrong.detail.clone())
        })
    }

    fn errors(self) -> Signal<Vec<(String, String)>> {
        Signal::derive(move || self.0.get().map(|problem| crate::form::field_errors(&problem)).unwrap_or_default())
    }
}

/// The form that begins an upload.
#[derive(Clone, Copy)]
pub(super) struct Starting {
    /// A file is being looked at.
    pub(super) busy: RwSignal<bool>,
    /// The page of the upload that began.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "set by the browser"))]
    begun: RwSignal<Option<String>>,
    wrong: Wrong,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the browser posts to it"))]
    org: Memo<String>,
}

impl Starting {
    pub(super) fn new(org: Memo<String>, problem: Option<Problem>) -> Self {
        let (begun, go) = (RwSignal::new(None::<String>), use_navigate());
        Effect::new(move |_| {
            if let Some(page) = begun.get() {
                go(&page, NavigateOptions::default());
            }
        });
        Self { busy: RwSignal::new(false), begun, wrong: Wrong(RwSignal::new(problem)), org }
    }

    pub(super) fn error(self, field: &'static str) -> Signal<Option<String>> {
        self.wrong.error(field)
    }

    pub(super) fn errors(self) -> Signal<Vec<(String, String)>> {
        self.wrong.errors()
    }
}

/// The form that goes on with an upload.
#[derive(Clone, Copy)]
pub(super) struct Sending {
    /// Pieces are on their way.
    pub(super) busy: RwSignal<bool>,
    /// The upload as the last piece left it.
    pub(super) live: RwSignal<Option<Upload>>,
    /// What is done at the moment, in words.
    pub(super) said: RwSignal<&'static str>,
    /// The file was chosen on the page before.
    pub(super) at_hand: RwSignal<bool>,
    /// Counts how often the page has to be read anew.
    pub(super) looked: RwSignal<u32>,
    wrong: Wrong,
}

impl Sending {
    pub(super) fn new(problem: Option<Problem>) -> Self {
        Self {
            busy: RwSignal::new(false),
            live: RwSignal::new(None),
            said: RwSignal::new(""),
            at_hand: RwSignal::new(false),
            looked: RwSignal::new(0),
            wrong: Wrong(RwSignal::new(problem)),
        }
    }

    pub(super) fn error(self, field: &'static str) -> Signal<Option<String>> {
        self.wrong.error(field)
    }

    pub(super) fn errors(self) -> Signal<Vec<(String, String)>> {
        self.wrong.errors()
    }
}

#[cfg(not(feature = "hydrate"))]
impl Starting {
    pub(super) fn submit(self, _event: SubmitEvent) {}
}

#[cfg(not(feature = "hydrate"))]
impl Sending {
    pub(super) fn look_at_hand(self, _upload: UploadId) {}
    pub(super) fn check(self, _event: MouseEvent, _org: &str, _upload: &Upload) {}
    pub(super) fn send(self, _event: MouseEvent, _org: &str, _upload: &Upload) {}
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::{MouseEvent, Problem, Sending, Starting, SubmitEvent, Upload, UploadId};
    use crate::events::api::load_upload;
    use crate::events::labels::List;
    use domain::upload::{HEAD_BYTES, PIECE_BYTES};
    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use std::cell::RefCell;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{Blob, FormData, HtmlFormElement};

    /// How often a piece is sent again before that is left to the person.
    const TRIES: u32 = 10;
    /// Longest time between two tries, in seconds.
    const MAX_WAIT_SECS: u32 = 30;

    thread_local! {
        /// The file that was chosen last, and the upload that it belongs to.
        static CHOSEN: RefCell<Option<(UploadId, Blob)>> = const { RefCell::new(None) };
    }

    fn at_hand(upload: UploadId) -> Option<Blob> {
        CHOSEN.with_borrow(|chosen| chosen.as_ref().filter(|(of, _)| *of == upload).map(|(_, file)| file.clone()))
    }

    /// The file in a form, with its name; none where nothing was chosen.
    fn chosen_in(form: &HtmlFormElement) -> Option<(FormData, Blob, String)> {
        let data = FormData::new_with_form(form).ok()?;
        let file = data.get("file").dyn_into::<Blob>().ok().filter(|file| file.size() > 0.0)?;
        let name = js_sys::Reflect::get(&file, &JsValue::from_str("name")).ok()?.as_string()?;
        Some((data, file, name))
    }

    #[expect(clippy::cast_precision_loss, reason = "files are far below 2^53 bytes")]
    fn slice(file: &Blob, from: u64, to: u64) -> Option<Blob> {
        file.slice_with_f64_and_f64(from as f64, to as f64).ok()
    }

    /// Why there was no answer to go on with.
    enum Failed {
        /// The connection broke, or the server said nothing of ours.
        Lost,
        Refused(Problem),
    }

    async fn post(path: &str, body: &JsValue) -> Result<Upload, Failed> {
        let lost = |_: JsValue| Failed::Lost;
        let headers = web_sys::Headers::new().map_err(lost)?;
        headers.set("Accept", "application/json").map_err(lost)?;
        let request = web_sys::RequestInit::new();
        request.set_method("POST");
        request.set_headers(&headers);
        request.set_body(body);
        let answer = JsFuture::from(window().fetch_with_str_and_init(path, &request)).await.map_err(lost)?;
        let answer: web_sys::Response = answer.dyn_into().map_err(lost)?;
        let text = JsFuture::from(answer.text().map_err(lost)?).await.map_err(lost)?;
        let text = text.as_string().ok_or(Failed::Lost)?;
        if answer.ok() {
            serde_json::from_str(&text).map_err(|_| Failed::Lost)
        } else {
            Err(serde_json::from_str(&text).map_or(Failed::Lost, Failed::Refused))
        }
    }

    async fn wait(secs: u32) {
        let mut begin = |resolve: js_sys::Function, _: js_sys::Function| {
            let millis = i32::try_from(secs * 1_000).unwrap_or(i32::MAX);
            let _handle = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis);
        };
        let _resolved = JsFuture::from(js_sys::Promise::new(&mut begin)).await;
    }

    fn away() -> Problem {
        Problem::Unavailable { retry_after_secs: 5 }
    }

    impl Starting {
        /// Sends the beginning of the file; the whole stays at hand for the next page.
        pub(in super::super) fn submit(self, event: SubmitEvent) {
            let Some(form) = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok()) else {
                return;
            };
            // What cannot be sent so is sent as a form.
            let Some((data, file, name)) = chosen_in(&form) else { return };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size is a whole number")]
            let size = file.size() as u64;
            let Some(head) = slice(&file, 0, HEAD_BYTES.min(size)) else { return };
            if !replace_file(&data, &head, &name) {
                return;
            }
            event.prevent_default();
            let path = List::Uploads.path(&self.org.get_untracked());
            self.busy.set(true);
            spawn_local(async move {
                match post(&format!("{path}?size={size}"), &data).await {
                    Ok(upload) => {
                        CHOSEN.replace(Some((upload.upload_id, file)));
                        drop(self.begun.try_set(Some(format!("{path}/{}", upload.upload_id))));
                    }
                    Err(Failed::Refused(problem)) => drop(self.wrong.0.try_set(Some(problem))),
                    Err(Failed::Lost) => drop(self.wrong.0.try_set(Some(away()))),
                }
                let _ = self.busy.try_set(false);
            });
        }
    }

    /// Puts the beginning in the place of the file, after the texts.
    fn replace_file(data: &FormData, head: &Blob, name: &str) -> bool {
        data.delete("file");
        data.append_with_blob_and_filename("file", head, name).is_ok()
    }

    impl Sending {
        /// Finds out whether the file was chosen on the page before.
        pub(in super::super) fn look_at_hand(self, upload: UploadId) {
            Effect::new(move |_| self.at_hand.set(at_hand(upload).is_some()));
        }

        /// The file to send, from memory or from the form of the pressed button.
        fn file(event: &MouseEvent, upload: &Upload) -> Option<Blob> {
            at_hand(upload.upload_id).or_else(|| {
                let pressed = event.target()?.dyn_into::<web_sys::Element>().ok()?;
                let form = pressed.closest("form").ok()??.dyn_into::<HtmlFormElement>().ok()?;
                let (_, file, _) = chosen_in(&form)?;
                CHOSEN.replace(Some((upload.upload_id, file.clone())));
                Some(file)
            })
        }

        /// Looks at the first rows with the present columns.
        pub(in super::super) fn check(self, event: MouseEvent, org: &str, upload: &Upload) {
            let Some(file) = Self::file(&event, upload) else { return };
            event.prevent_default();
            let path = format!("{}/{}", List::Uploads.path(org), upload.upload_id);
            self.begin("Looking at the first rows …");
            spawn_local(async move {
                let outcome = checked(&path, &file).await.map(drop);
                self.end(outcome);
            });
        }

        /// Sends what is left of the file.
        pub(in super::super) fn send(self, event: MouseEvent, org: &str, upload: &Upload) {
            let Some(file) = Self::file(&event, upload) else { return };
            event.prevent_default();
            let (org, upload) = (org.to_owned(), upload.clone());
            self.begin("Sending …");
            spawn_local(async move {
                let outcome = self.pieces(&org, upload, &file).await;
                self.end(outcome);
            });
        }

        fn begin(self, said: &'static str) {
            self.wrong.0.set(None);
            self.said.set(said);
            self.busy.set(true);
        }

        /// The page is read anew, unless it was left.
        fn end(self, outcome: Result<(), Problem>) {
            let _ = self.busy.try_set(false);
            let _ = self.said.try_set("");
            let _ = self.live.try_set(None);
            if let Err(problem) = outcome {
                // Another file than the one that was begun with is no use.
                if problem.fields().iter().any(|field| field.pointer == "file") {
                    CHOSEN.replace(None);
                }
                let _ = self.wrong.0.try_set(Some(problem));
            }
            let _ = self.looked.try_update(|looked| *looked += 1);
        }

        async fn pieces(self, org: &str, upload: Upload, file: &Blob) -> Result<(), Problem> {
            let path = format!("{}/{}", List::Uploads.path(org), upload.upload_id);
            let mut upload = upload;
            if upload.done_bytes > 0 {
                // Chosen again: is it the same file?
                checked(&path, file).await?;
            }
            let mut tried = 0;
            while upload.is_open() {
                let from = upload.done_bytes;
                let piece = slice(file, from, (from + PIECE_BYTES).min(upload.size_bytes)).ok_or_else(away)?;
                match post(&format!("{path}/send?from={from}"), &piece).await {
                    Ok(next) => {
                        tried = 0;
                        let _ = self.said.try_set("Sending …");
                        let _ = self.live.try_set(Some(next.clone()));
                        upload = next;
                    }
                    Err(Failed::Refused(problem)) if !passes(&problem) => return Err(problem),
                    Err(failed) if tried == TRIES => {
                        return Err(if let Failed::Refused(problem) = failed { problem } else { away() });
                    }
                    Err(_) => {
                        tried += 1;
                        let _ = self.said.try_set("No answer; trying again …");
                        wait((1 << tried.min(5)).min(MAX_WAIT_SECS)).await;
                        // The piece may have been recorded all the same.
                        if let Ok(view) = load_upload(org.to_owned(), upload.upload_id).await {
                            upload = view.upload;
                        }
                    }
                }
            }
            Ok(())
        }
    }

    /// Whether waiting may help.
    const fn passes(problem: &Problem) -> bool {
        matches!(
            problem,
            Problem::Unavailable { .. }
                | Problem::OutcomeUnknown { .. }
                | Problem::RateLimited { .. }
                | Problem::Internal { .. }
                | Problem::TooSlow
        )
    }

    async fn checked(path: &str, file: &Blob) -> Result<Upload, Problem> {
        let data = FormData::new().map_err(|_| away())?;
        let head = slice(file, 0, HEAD_BYTES).ok_or_else(away)?;
        data.append_with_blob_and_filename("file", &head, "file").map_err(|_| away())?;
        post(&format!("{path}/check"), &data).await.map_err(|failed| match failed {
            Failed::Refused(problem) => problem,
            Failed::Lost => away(),
        })
    }
}
