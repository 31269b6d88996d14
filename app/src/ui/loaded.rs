//! Data that a page waits for.

use leptos::prelude::*;
use leptos::server::codee::{Decoder, Encoder};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the server answers for a page: asked for while the page is made, carried in it, and asked for again in the browser when its source changes.
pub type Loaded<T> = Resource<T, InPage>;

/// How an answer is carried in a page: as JSON.
///
/// Leptos' own way reads the same text with another instance of the JSON reader than answers to the browser's requests, so every type's reader would be loaded twice.
#[derive(Clone, Copy, Debug)]
pub struct InPage;

impl<T: Serialize> Encoder<T> for InPage {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(answer: &T) -> Result<String, serde_json::Error> {
        serde_json::to_string(answer)
    }
}

impl<T: DeserializeOwned> Decoder<T> for InPage {
    type Error = serde_json::Error;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, serde_json::Error> {
        serde_json::from_slice(text.as_bytes())
    }
}

/// Asks for `fetcher`'s answer about the present `source`.
pub fn loaded<S, T, Answer>(
    source: impl Fn() -> S + Send + Sync + 'static,
    fetcher: impl Fn(S) -> Answer + Send + Sync + 'static,
) -> Loaded<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    Answer: Future<Output = T> + Send + 'static,
{
    Resource::new_with_options(source, fetcher, false)
}

/// The same for an answer that decides the status or the redirect of the page: nothing is sent before it is there.
pub fn loaded_first<S, T, Answer>(
    source: impl Fn() -> S + Send + Sync + 'static,
    fetcher: impl Fn(S) -> Answer + Send + Sync + 'static,
) -> Loaded<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    Answer: Future<Output = T> + Send + 'static,
{
    Resource::new_with_options(source, fetcher, true)
}
