//! An organization's import: what is sent, what is shown, what is chosen.

use super::{ImportEffect, Proposal, ProposalKind};
use crate::ids::ImportId;
use crate::problem::{FieldProblem, Problem};
use crate::span::Edge;
use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

/// Largest file of price data.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
/// Longest name of a file and longest version, in characters.
const MAX_TEXT: usize = 100;

/// A file of price data as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportInput {
    /// What the file is called.
    pub file_name: String,
    /// What is in it.
    pub text: String,
    /// What its rows are said to come from, where it does not say so itself; the day of the import when empty.
    pub version: String,
    /// Since when changes without a date hold: a day of the organization's zone or an instant; today when none.
    pub from: Option<Edge>,
}

impl ImportInput {
    /// Reads a file and what was said of it.
    ///
    /// # Errors
    /// A problem for every wrong field: `file`, `version`, `from`.
    pub fn read(file_name: &str, bytes: &[u8], version: &str, from: &str) -> Result<Self, Vec<FieldProblem>> {
        let mut wrong = Vec::new();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) if text.trim().is_empty() => {
                wrong.push(FieldProblem::new("file", "required", "Choose a file of prices."));
                String::new()
            }
            Ok(text) => text.to_owned(),
            Err(_) => {
                wrong.push(FieldProblem::new(
                    "file",
                    "invalid",
                    "This is no text: send JSON or tab-separated records.",
                ));
                String::new()
            }
        };
        let short =
            |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect::<String>().trim().to_owned();
        if version.chars().count() > MAX_TEXT || version.chars().any(char::is_control) {
            wrong.push(FieldProblem::new("version", "too_long", format!("Use at most {MAX_TEXT} plain characters.")));
        }
        let from = match from.trim() {
            "" => None,
            text => Edge::read("from", text).map_err(|problem| wrong.push(problem)).ok(),
        };
        // Some browsers send the whole path.
        let file_name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
        let file_name = Some(short(file_name)).filter(|name| !name.is_empty()).unwrap_or_else(|| "prices".to_owned());
        if wrong.is_empty() { Ok(Self { file_name, text, version: short(version), from }) } else { Err(wrong) }
    }
}

/// How many proposals do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Counts {
    /// Rates that change.
    pub changed: u64,
    /// Prices of known models that had none.
    pub new_price: u64,
    /// Prices of new models.
    pub new_model: u64,
    /// Prices that end.
    pub ended: u64,
    /// Of all these, those that a person must confirm.
    pub needs_confirmation: u64,
}

impl Counts {
    /// Of proposals.
    #[must_use]
    pub fn of(proposals: &[Proposal]) -> Self {
        let mut counts = Self::default();
        for proposal in proposals {
            *match proposal.kind {
                ProposalKind::Changed => &mut counts.changed,
                ProposalKind::NewPrice => &mut counts.new_price,
                ProposalKind::NewModel => &mut counts.new_model,
                ProposalKind::Ended => &mut counts.ended,
            } += 1;
            counts.needs_confirmation += u64::from(proposal.needs_confirmation());
        }
        counts
    }

    /// How many do this.
    #[must_use]
    pub const fn of_kind(&self, kind: ProposalKind) -> u64 {
        match kind {
            ProposalKind::Changed => self.changed,
            ProposalKind::NewPrice => self.new_price,
            ProposalKind::NewModel => self.new_model,
            ProposalKind::Ended => self.ended,
        }
    }

    /// All.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.changed + self.new_price + self.new_model + self.ended
    }

    /// Those that need no confirmation.
    #[must_use]
    pub const fn sure(&self) -> u64 {
        self.total() - self.needs_confirmation
    }
}

/// Which proposals a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those that do this.
    Kind(ProposalKind),
    /// Those that need a confirmation.
    NeedsConfirmation,
}

impl Filter {
    /// All filters, in the order in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::All,
        Self::Kind(ProposalKind::Changed),
        Self::Kind(ProposalKind::NewPrice),
        Self::Kind(ProposalKind::NewModel),
        Self::Kind(ProposalKind::Ended),
        Self::NeedsConfirmation,
    ];

    /// The word in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Kind(kind) => kind.as_str(),
            Self::NeedsConfirmation => "needs_confirmation",
        }
    }

    /// The filter of this word; all where it is none.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|filter| filter.as_str() == word).unwrap_or_default()
    }

    /// Whether the list shows this one.
    #[must_use]
    pub fn shows(self, proposal: &Proposal) -> bool {
        match self {
            Self::All => true,
            Self::Kind(kind) => proposal.kind == kind,
            Self::NeedsConfirmation => proposal.needs_confirmation(),
        }
    }
}

/// What is to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Everything that needs no confirmation.
    Sure,
    /// These, by their ids; choosing one that needs a confirmation confirms it.
    These(Vec<u64>),
}

impl Choice {
    /// Reads the ids of a form or of JSON.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for the field `proposals`.
    pub fn these<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Self, Problem> {
        let ids = ids.into_iter().map(|id| id.trim().parse::<u64>()).collect::<Result<Vec<_>, _>>();
        match ids {
            Ok(ids) if !ids.is_empty() => Ok(Self::These(ids)),
            Ok(_) => Err(Problem::field("proposals", "required", "Tick what is to be entered.")),
            Err(_) => Err(Problem::field("proposals", "invalid", "This is no proposal of the import.")),
        }
    }

    /// The proposals that it means; none where one of them is not there.
    #[must_use]
    pub fn of<'a>(&self, proposals: &'a [Proposal]) -> Option<Vec<&'a Proposal>> {
        match self {
            Self::Sure => Some(proposals.iter().filter(|proposal| !proposal.needs_confirmation()).collect()),
            Self::These(ids) => {
                let wanted: std::collections::BTreeSet<u64> = ids.iter().copied().collect();
                let found: Vec<&Proposal> =
                    proposals.iter().filter(|proposal| wanted.contains(&proposal.id())).collect();
                (found.len() == wanted.len()).then_some(found)
            }
        }
    }
}

/// An import in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportEntry {
    /// Its id.
    pub import_id: ImportId,
    /// When the file was sent, in the organization's zone.
    pub created_at: DateTime<FixedOffset>,
    /// By whom: an e-mail address, or the name of a key.
    pub created_by: String,
    /// What the file is called.
    pub file_name: String,
    /// The data set with its version, as the file or the sender says.
    pub source: String,
    /// Since when changes without a date hold.
    pub from: DateTime<Utc>,
    /// What it proposed when it was sent.
    pub counts: Counts,
    /// Prices of it that were entered.
    pub applied: u64,
}

/// An import with what it proposes as the book is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// What the list shows.
    pub entry: ImportEntry,
    /// What would still be added, by kind, model and meter.
    pub proposals: Vec<Proposal>,
    /// Prices that the organization had already when it was sent.
    pub unchanged: u64,
    /// Models of the same sources that the file did not mention: they stay as they are.
    pub unlisted_models: u64,
    /// What could not be taken from the file, and how often.
    pub left_out: Vec<(String, u64)>,
    /// What the proposals would have meant for the 30 days before it was sent.
    pub effect: ImportEffect,
}
