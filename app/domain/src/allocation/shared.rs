//! What rules brought and took, as lines of statements.

use super::view::{Flow, Party};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a rule moved between whoever a statement is about and somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedLine {
    /// Number of the rule: where the line opens to.
    pub rule_id: u64,
    /// Its name.
    pub rule: String,
    /// What it does: "is split evenly among team growth, project web"; empty for a reader who does not see all of these.
    pub effect: String,
    /// Whether it came; else it went.
    pub came: bool,
    /// From whom it came, or to whom it went.
    pub other: Party,
    /// Whether it is of charges beside events; else it is of usage.
    pub is_charge: bool,
    /// How much in US dollars: what went is subtracted.
    pub amount: Decimal,
}

impl SharedLine {
    /// The two sides of a flow: what went from one, and what came to the other; they add up to zero.
    #[must_use]
    pub fn pair(flow: &Flow, effect: &str, is_charge: bool) -> [Self; 2] {
        let line = |came, other: &Party, amount| Self {
            rule_id: flow.rule_id,
            rule: flow.rule.clone(),
            effect: effect.to_owned(),
            came,
            other: other.clone(),
            is_charge,
            amount,
        };
        [line(false, &flow.to, -flow.amounts.spend()), line(true, &flow.from, flow.amounts.spend())]
    }

    /// The line for a reader who sees some teams alone: whoever they do not see, here or among those of the rule, stays unnamed.
    pub(crate) fn hide(&mut self, sees: impl FnOnce(&Party) -> bool) {
        self.effect.clear();
        if self.other != Party::Nobody && !sees(&self.other) {
            self.other = Party::Others;
        }
    }

    /// The word in files: `shared` for usage, `shared_charge` for charges.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        if self.is_charge { "shared_charge" } else { "shared" }
    }

    /// Which way it went, and who it was: "from project vectors", "to team growth".
    #[must_use]
    pub fn direction(&self) -> String {
        let way = if self.came { "from" } else { "to" };
        format!("{way} {}", self.other)
    }
}

/// The sum of lines.
pub fn shared<'a>(lines: impl IntoIterator<Item = &'a SharedLine>) -> Decimal {
    lines.into_iter().map(|line| line.amount).sum()
}
