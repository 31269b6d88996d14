//! What a price or a modifier asks of a call beside its model, meter and time: the size of a picture, the region that served it.

use super::Context;
use std::fmt;
use std::str::FromStr;

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => {
        /// A property of a call that can choose between prices.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Attribute {
            $($(#[$doc])* $name,)+
        }

        impl Attribute {
            /// All attributes.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// How many attributes there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The word in SQL, JSON and the seed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The attribute of this word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

attributes! {
    /// Where the provider served the call or keeps its data, as the provider writes it: `us`, `eu`, `europe-west1`, `global`.
    Region = "region";
    /// Width and height of a picture in pixels, such as `1024x1536`.
    Size = "size";
    /// Quality of a picture, such as `high`.
    Quality = "quality";
    /// Steps in which a picture is made: `50` for up to fifty, else `max`.
    Steps = "steps";
    /// Resolution of a video or picture, such as `1080p` or `4k`.
    Resolution = "resolution";
    /// How much a search may bring into the context: `low`, `medium` or `high`.
    SearchContext = "search_context";
    /// Kind of a search, such as `fast`.
    SearchType = "search_type";
    /// Which of several hosts behind one seller, such as `mistral/eu`.
    Route = "route";
}

/// Conditions that must all hold for a price or modifier to apply; none at all always hold.
///
/// Written like `size=1024x1536;quality=high`; `region!=global` asks for any other region, but for one that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes(Vec<Condition>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Condition {
    attribute: Attribute,
    is_not: bool,
    value: String,
}

/// A text of conditions that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("conditions read like `size=1024x1536;quality=high` or `region!=global`")]
pub struct AttributesError;

impl Attributes {
    /// No conditions.
    pub const NONE: Self = Self(Vec::new());

    /// How many conditions: of two prices that apply the one that asks for more goes first.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is asked.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes asked about, with their values as they are shown: `not global` where another is asked for.
    pub fn iter(&self) -> impl Iterator<Item = (Attribute, String)> + '_ {
        self.0.iter().map(|condition| {
            let not = if condition.is_not { "not " } else { "" };
            (condition.attribute, format!("{not}{}", condition.value))
        })
    }

    /// Whether all conditions hold for a call.
    #[must_use]
    pub fn hold(&self, context: &Context<'_>) -> bool {
        self.0.iter().all(|condition| {
            context
                .value(condition.attribute)
                .is_some_and(|value| value.eq_ignore_ascii_case(&condition.value) != condition.is_not)
        })
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, condition) in self.0.iter().enumerate() {
            let (between, sign) = (if index == 0 { "" } else { ";" }, if condition.is_not { "!=" } else { "=" });
            write!(f, "{between}{}{sign}{}", condition.attribute.as_str(), condition.value)?;
        }
        Ok(())
    }
}

impl FromStr for Attributes {
    type Err = AttributesError;

    fn from_str(text: &str) -> Result<Self, AttributesError> {
        let mut conditions = Vec::new();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (word, value) = part.split_once('=').ok_or(AttributesError)?;
            let (word, is_not) = word.strip_suffix('!').map_or((word, false), |word| (word, true));
            let attribute = Attribute::parse(word).ok_or(AttributesError)?;
            let known = conditions.iter().any(|condition: &Condition| condition.attribute == attribute);
            if value.is_empty() || value.contains(['\t', '\n', '=']) || known {
                return Err(AttributesError);
            }
            conditions.push(Condition { attribute, is_not, value: value.to_ascii_lowercase() });
        }
        // One way to write the same conditions, so that equal facts have equal ids.
        conditions.sort_unstable();
        Ok(Self(conditions))
    }
}
