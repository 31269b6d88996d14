//! Meters: the disjoint quantities that an event is billed by.
//!
//! Providers report inclusive totals with nested subsets, each in a shape of its own, and most wrong bills come from counting an overlap twice.
//! Here every shape becomes *leaves* that do not overlap: their sum is what was used, and a price can be put on each alone.
//!
//! To add a meter, add one line to the table below; to add a shape, see [`UsageFormat`].

mod counters;
mod formats;
mod gateways;
mod genai_prices;
mod numbers;
mod quantities;
mod reader;
mod served;
mod shape;
mod unread;
mod usage_format;
mod used;

pub use formats::{is_silent_refusal, meters, usage};
pub use numbers::numbers_only;
pub use quantities::Meters;
pub use served::served_tier;
pub use served::served_word;
pub use unread::Unread;
pub use usage_format::UsageFormat;
pub use used::{Usage, UsagePart};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What a meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Model tokens.
    Tokens,
    /// Characters of text.
    Characters,
    /// Seconds of audio, video or work; may be fractional.
    Seconds,
    /// Pictures.
    Images,
    /// Pages of documents.
    Pages,
    /// Things that are counted: searches, calls, requests.
    Count,
}

impl Unit {
    /// The word after a quantity, such as `tokens`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Characters => "characters",
            Self::Seconds => "seconds",
            Self::Images => "images",
            Self::Pages => "pages",
            Self::Count => "count",
        }
    }

    /// Whether a quantity may have a fraction.
    #[must_use]
    pub const fn is_fractional(self) -> bool {
        matches!(self, Self::Seconds)
    }
}

macro_rules! meters {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $label:literal, $unit:ident, [$($fallback:ident),*];)+) => {
        /// A billable leaf quantity of an event. The leaves of one event never overlap.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Meter {
            $($(#[$doc])* $name,)+
        }

        impl Meter {
            /// All meters, in the order of receipts.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// How many meters there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The stable word in SQL, JSON and URLs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The meter as people read it.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// What it counts.
            #[must_use]
            pub const fn unit(self) -> Unit {
                match self { $(Self::$name => Unit::$unit,)+ }
            }

            /// The meters whose price stands in, nearest first, where a model has no price for this one.
            #[must_use]
            pub const fn fallbacks(self) -> &'static [Self] {
                match self { $(Self::$name => &[$(Self::$fallback),*],)+ }
            }

            /// The meter of this word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

meters! {
    /// Input tokens that were neither read from nor written to a cache, of text or of no stated kind.
    InputUncached = "input_uncached", "Input", Tokens, [];
    /// Input tokens read from the provider's prompt cache.
    InputCacheRead = "input_cache_read", "Cache read", Tokens, [InputUncached];
    /// Input tokens written to the cache for a time that the provider did not state.
    InputCacheWrite = "input_cache_write", "Cache write", Tokens, [InputUncached];
    /// Input tokens written to the cache for five minutes.
    InputCacheWrite5m = "input_cache_write_5m", "Cache write, 5 min", Tokens, [InputCacheWrite, InputUncached];
    /// Input tokens written to the cache for half an hour.
    InputCacheWrite30m = "input_cache_write_30m", "Cache write, 30 min", Tokens, [InputCacheWrite, InputUncached];
    /// Input tokens written to the cache for an hour.
    InputCacheWrite1h = "input_cache_write_1h", "Cache write, 1 h", Tokens, [InputCacheWrite, InputUncached];
    /// Input tokens written to the cache for twelve hours. Dearer than a short write wherever it is sold, so no other price stands in.
    InputCacheWrite12h = "input_cache_write_12h", "Cache write, 12 h", Tokens, [];
    /// Audio input tokens.
    InputAudio = "input_audio", "Audio input", Tokens, [InputUncached];
    /// Audio input tokens read from the cache.
    InputAudioCacheRead = "input_audio_cache_read", "Audio cache read", Tokens, [InputAudio, InputCacheRead, InputUncached];
    /// Image input tokens.
    InputImage = "input_image", "Image input", Tokens, [InputUncached];
    /// Image input tokens read from the cache.
    InputImageCacheRead = "input_image_cache_read", "Image cache read", Tokens, [InputImage, InputCacheRead, InputUncached];
    /// Video input tokens.
    InputVideo = "input_video", "Video input", Tokens, [InputUncached];
    /// Video input tokens read from the cache.
    InputVideoCacheRead = "input_video_cache_read", "Video cache read", Tokens, [InputVideo, InputCacheRead, InputUncached];
    /// Output tokens of text or of no stated kind.
    Output = "output", "Output", Tokens, [];
    /// Output tokens spent on reasoning.
    OutputReasoning = "output_reasoning", "Reasoning", Tokens, [Output];
    /// Tokens of citations.
    OutputCitation = "output_citation", "Citations", Tokens, [Output];
    /// Audio output tokens.
    OutputAudio = "output_audio", "Audio output", Tokens, [Output];
    /// Image output tokens.
    OutputImage = "output_image", "Image output", Tokens, [Output];
    /// Video output tokens.
    OutputVideo = "output_video", "Video output", Tokens, [Output];
    /// Calls of the model. Charged as one per event where a model has a price for it.
    Requests = "requests", "Requests", Count, [];
    /// Web searches made by the provider's own tool.
    WebSearches = "web_searches", "Web searches", Count, [];
    /// Queries of a search service. Their price can depend on how many results each was asked for.
    Searches = "searches", "Searches", Count, [];
    /// Look-ups of a map made by the provider's own tool.
    MapSearches = "map_searches", "Map searches", Count, [];
    /// Pages that the provider's own browser opened.
    PageVisits = "page_visits", "Page visits", Count, [];
    /// Searches of files stored at the provider.
    FileSearches = "file_searches", "File searches", Count, [];
    /// Runs of the provider's own code interpreter.
    CodeExecutions = "code_executions", "Code executions", Count, [];
    /// Other calls of the provider's own tools.
    ToolCalls = "tool_calls", "Tool calls", Count, [];
    /// Search units of a reranker: one query over up to a hundred documents.
    RerankUnits = "rerank_units", "Rerank units", Count, [];
    /// Text messages to a voice model.
    TextMessages = "text_messages", "Text messages", Count, [];
    /// Characters read aloud.
    Characters = "characters", "Characters", Characters, [];
    /// Audio whose direction is not stated.
    AudioSeconds = "audio_seconds", "Audio", Seconds, [];
    /// Audio listened to.
    InputAudioSeconds = "input_audio_seconds", "Audio input", Seconds, [AudioSeconds];
    /// Audio made.
    OutputAudioSeconds = "output_audio_seconds", "Audio output", Seconds, [AudioSeconds];
    /// Video made.
    VideoSeconds = "video_seconds", "Video", Seconds, [];
    /// Video looked at.
    InputVideoSeconds = "input_video_seconds", "Video input", Seconds, [];
    /// Time in which capacity was reserved, used or not.
    ProvisionedSeconds = "provisioned_seconds", "Provisioned", Seconds, [];
    /// Pictures looked at.
    InputImages = "input_images", "Images input", Images, [];
    /// Pictures made.
    Images = "images", "Images", Images, [];
    /// Pages read.
    Pages = "pages", "Pages", Pages, [];
    /// Pages read with annotations; in place of plain pages, not beside them.
    AnnotatedPages = "annotated_pages", "Annotated pages", Pages, [Pages];
    /// Time of a step that calls no model, such as a tool's or a person's. No list price: an organization enters its own.
    Seconds = "seconds", "Time", Seconds, [];
    /// Whatever a step that calls no model is charged by. No list price: an organization enters its own.
    Units = "units", "Units", Count, [];
    /// What the provider's own figure adds to the computed cost or takes from it, once per event: on receipts only, never used or priced.
    Reported = "reported", "Reported over computed", Count, [];
    /// What usage would cost that a plan includes, taken away once per event: on receipts only, never used or priced.
    Included = "included", "Included in a plan", Count, [];
}

impl Meter {
    /// Whether it counts tokens.
    #[must_use]
    pub const fn is_token(self) -> bool {
        matches!(self.unit(), Unit::Tokens)
    }

    /// Whether it counts input tokens of any kind: these decide a request's context tier.
    #[must_use]
    pub const fn is_input_token(self) -> bool {
        (self as u8) < (Self::Output as u8)
    }

    /// Whether it counts input tokens that were read from the provider's prompt cache.
    #[must_use]
    pub const fn is_cache_read(self) -> bool {
        matches!(
            self,
            Self::InputCacheRead | Self::InputAudioCacheRead | Self::InputImageCacheRead | Self::InputVideoCacheRead
        )
    }

    /// Whether it counts something that was used, which can be sent and has a price.
    #[must_use]
    pub const fn is_usage(self) -> bool {
        !matches!(self, Self::Reported | Self::Included)
    }

    /// The usage of this word.
    #[must_use]
    pub fn parse_usage(word: &str) -> Option<Self> {
        Self::parse(word).filter(|meter| meter.is_usage())
    }

    /// The meter that counts the same tokens where no cache is involved; itself where none can be.
    #[must_use]
    pub const fn uncached(self) -> Self {
        match self {
            Self::InputCacheRead
            | Self::InputCacheWrite
            | Self::InputCacheWrite5m
            | Self::InputCacheWrite30m
            | Self::InputCacheWrite1h
            | Self::InputCacheWrite12h => Self::InputUncached,
            Self::InputAudioCacheRead => Self::InputAudio,
            Self::InputImageCacheRead => Self::InputImage,
            Self::InputVideoCacheRead => Self::InputVideo,
            other => other,
        }
    }

    /// The meter that tells what a model must be able to do to be used so: caches and reasoning change a price, not what is asked for.
    #[must_use]
    pub const fn ability(self) -> Self {
        match self.uncached() {
            Self::OutputReasoning | Self::OutputCitation => Self::Output,
            other => other,
        }
    }

    /// Whether its price can depend on how many results were asked for.
    #[must_use]
    pub const fn is_tiered_by_results(self) -> bool {
        matches!(self, Self::Searches)
    }

    /// The nearest meter whose price stands in for this one.
    #[must_use]
    pub const fn parent(self) -> Option<Self> {
        match self.fallbacks() {
            [nearest, ..] => Some(*nearest),
            [] => None,
        }
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Meter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Meter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom(format_args!("unknown meter `{word}`")))
    }
}

#[cfg(test)]
mod tests;
