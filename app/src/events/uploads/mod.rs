//! Files of events: chosen, looked at, sent.

mod list;
mod upload;

pub(crate) use list::uploads;
pub(crate) use upload::upload;

use crate::ui::Tone;
use domain::upload::{Upload, UploadState};

/// What files are offered.
const ACCEPT: &str = ".csv,.ndjson,.jsonl";

/// The state as a word and its meaning.
const fn state_word(upload: &Upload) -> (&'static str, Tone) {
    match upload.state {
        UploadState::Waiting if upload.missing.is_empty() => ("ready", Tone::Accent),
        UploadState::Waiting => ("needs mapping", Tone::Warn),
        UploadState::Partial => ("not finished", Tone::Warn),
        UploadState::Done => ("done", Tone::Good),
        UploadState::Discarded => ("discarded", Tone::Neutral),
    }
}
