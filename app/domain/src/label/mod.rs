//! Labels that events carry: which of their values are one, which labels every event should have, and how many do.

mod alias;
mod coverage;

pub use alias::{AliasForm, AliasProposal, NewAlias, ValueAlias, proposals};
pub use coverage::{Amount, Coverage, CoverageRow, FALL, Fallen, RequiredForm, RequiredLabel, Sent, example};

use crate::problem::FieldProblem;
use crate::spend::Dimension;

/// Most aliases of an organization.
pub const MAX_ALIASES: usize = 1_000;
/// Most labels that an organization requires.
pub const MAX_REQUIRED: usize = 20;

/// A label whose values senders choose.
fn parse_label(text: &str) -> Result<Dimension, FieldProblem> {
    let label = text.trim().parse::<Dimension>().ok().filter(Dimension::is_chosen_by_senders);
    label.ok_or_else(|| {
        let detail = "Use feature, environment, customer, user, cohort, step or a tag such as tag.cost_type.";
        FieldProblem::new("label", "unknown", detail)
    })
}
