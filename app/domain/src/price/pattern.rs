//! Which model names a rule means.

use std::fmt;
use std::str::FromStr;

/// A test of a lower-case model name, without regular expressions: it runs for every event.
///
/// Written as one sign and a text: `=gpt-4o` is that name, `^claude-opus-4-5` a beginning, `$-instruct` an end, `~gemma` a part.
/// `#` stands for one digit in `=` and `^`. ` !-tts` behind it excludes names with that segment, up to a dash or the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    kind: Kind,
    text: String,
    unless: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Equals,
    Prefix,
    Suffix,
    Contains,
}

/// A pattern's text that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pattern is `=`, `^`, `$` or `~` and a text")]
pub struct PatternError;

impl Pattern {
    /// The one name it means, where it means only one.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        (self.kind == Kind::Equals && self.unless.is_none() && !self.text.contains('#')).then_some(&self.text)
    }

    /// Whether it means this lower-case name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (text, name_bytes) = (self.text.as_bytes(), name.as_bytes());
        let hit = match self.kind {
            Kind::Equals => text.len() == name_bytes.len() && same(text, name_bytes),
            Kind::Prefix => text.len() <= name_bytes.len() && same(text, name_bytes),
            Kind::Suffix => name.ends_with(&self.text),
            Kind::Contains => name.contains(&self.text),
        };
        hit && !self.unless.as_deref().is_some_and(|segment| has_segment(name, segment))
    }

    /// Which names it means, in words: "gpt-4o", "names that begin with claude-".
    #[must_use]
    pub fn words(&self) -> String {
        let name = &self.text;
        let digits = if name.contains('#') { " (# is a digit)" } else { "" };
        let words = match self.kind {
            Kind::Prefix => format!("names that begin with {name}{digits}"),
            Kind::Suffix => format!("names that end with {name}"),
            Kind::Contains => format!("names with {name} in them"),
            Kind::Equals => format!("{name}{digits}"),
        };
        self.unless.as_deref().map_or_else(|| words.clone(), |unless| format!("{words}, without {unless}"))
    }
}

/// Byte by byte, as far as the pattern goes; `#` is any digit.
fn same(pattern: &[u8], name: &[u8]) -> bool {
    pattern.iter().zip(name).all(|(&pattern, &byte)| pattern == byte || (pattern == b'#' && byte.is_ascii_digit()))
}

fn has_segment(name: &str, segment: &str) -> bool {
    name.match_indices(segment).any(|(at, _)| matches!(name.as_bytes().get(at + segment.len()), None | Some(b'-')))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            Kind::Equals => '=',
            Kind::Prefix => '^',
            Kind::Suffix => '$',
            Kind::Contains => '~',
        };
        write!(f, "{sign}{}", self.text)?;
        self.unless.as_deref().map_or(Ok(()), |segment| write!(f, " !{segment}"))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(pattern: &str) -> Result<Self, PatternError> {
        let (pattern, unless) =
            pattern.split_once(" !").map_or((pattern, None), |(pattern, unless)| (pattern, Some(unless)));
        let mut signs = pattern.chars();
        let kind = match signs.next() {
            Some('=') => Kind::Equals,
            Some('^') => Kind::Prefix,
            Some('$') => Kind::Suffix,
            Some('~') => Kind::Contains,
            _ => return Err(PatternError),
        };
        let text = signs.as_str().to_ascii_lowercase();
        if text.is_empty() {
            return Err(PatternError);
        }
        Ok(Self { kind, text, unless: unless.map(str::to_ascii_lowercase) })
    }
}
