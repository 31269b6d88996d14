//! Which models of the book a page lists.

use crate::event::{MAX_LABEL_LEN, MAX_PAGE};
use crate::problem::{FieldProblem, Problem};
use crate::suggestion;
use serde::{Deserialize, Serialize};

/// Models of one page when nothing is said.
pub const DEFAULT_MODELS: u16 = 50;
/// Most words of a search; more would only make it slow.
const MAX_WORDS: usize = 8;

/// Which models of the book are listed. All words must occur in the provider's or the model's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSearch {
    /// Words, in any order; empty means all.
    pub text: String,
    /// Only this provider, by its name in the book.
    pub provider: Option<String>,
    /// Where the page begins, from the page before.
    pub cursor: Option<String>,
    /// Models of the page, 1 to [`MAX_PAGE`].
    pub limit: u16,
}

impl Default for PriceSearch {
    fn default() -> Self {
        Self { text: String::new(), provider: None, cursor: None, limit: DEFAULT_MODELS }
    }
}

impl PriceSearch {
    /// Reads the parameters of `GET /v1/prices`.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong parameter.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut search = Self::default();
        let mut wrong = Vec::new();
        for (name, value) in pairs {
            let long = value.chars().count() > MAX_LABEL_LEN;
            match name.as_str() {
                "q" | "provider" | "cursor" if long => {
                    let detail = format!("Use at most {MAX_LABEL_LEN} characters.");
                    wrong.push(FieldProblem::new(name, "too_long", detail));
                }
                "q" => search.text = value.trim().to_owned(),
                "provider" => search.provider = Some(value.clone()).filter(|provider| !provider.is_empty()),
                "cursor" => search.cursor = Some(value.clone()).filter(|cursor| !cursor.is_empty()),
                "limit" => match value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit)) {
                    Some(limit) => search.limit = limit,
                    None => {
                        let detail = format!("Use a whole number from 1 to {MAX_PAGE}.");
                        wrong.push(FieldProblem::new("limit", "out_of_range", detail));
                    }
                },
                _ => wrong.push(FieldProblem::new(name, "unknown", format!("`{name}` is not a parameter."))),
            }
        }
        if search.words().len() > MAX_WORDS {
            wrong.push(FieldProblem::new("q", "too_many", format!("Use at most {MAX_WORDS} words.")));
        }
        if wrong.is_empty() { Ok(search) } else { Err(Problem::invalid(wrong)) }
    }

    /// The words that must all occur, without case and punctuation: `gpt4o` finds `gpt-4o`.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        suggestion::words(&self.text)
    }
}
