//! Charges on statements: what of each falls into a span, and whose cost that is.

use super::{Charge, ChargeKind};
use crate::ids::{ProjectId, TeamId};
use crate::period::Period;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A charge with what does not follow from it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeCost {
    /// The charge.
    pub charge: Charge,
    /// Credits that expired unused: on their last day, and how much.
    pub lost: Option<(NaiveDate, Decimal)>,
    /// The day after today: it costs day by day, and no day before it began.
    pub until: NaiveDate,
    /// The days on which whoever asks sees it, in spans that do not touch; none means all.
    pub seen: Option<Vec<Period>>,
}

impl ChargeCost {
    /// What it costs in the days of a period that have begun.
    #[must_use]
    pub fn amount_in(&self, period: Period) -> Decimal {
        let period = self.begun(period);
        let Some(seen) = &self.seen else { return self.amount_of(period) };
        let within = |span: &Period| Period { from: span.from.max(period.from), to: span.to.min(period.to) };
        seen.iter().map(within).filter(|part| part.from < part.to).map(|part| self.amount_of(part)).sum()
    }

    fn amount_of(&self, period: Period) -> Decimal {
        let lost = self.lost.filter(|(day, _)| period.contains(*day)).map(|(_, amount)| amount);
        self.charge.amount_in(period) + lost.unwrap_or_default()
    }

    fn begun(&self, period: Period) -> Period {
        Period { to: period.to.min(self.until), ..period }
    }

    /// Its line on the statement of a period; none where nothing of it falls into that.
    #[must_use]
    pub fn line(&self, period: Period) -> Option<ChargeLine> {
        let (charge, amount, days) = (&self.charge, self.amount_in(period), self.charge.days_in(self.begun(period))?);
        (!amount.is_zero()).then(|| ChargeLine {
            charge_id: charge.charge_id,
            kind: charge.kind,
            description: charge.description.clone(),
            provider: charge.provider.clone(),
            cost_centre: charge.cost_centre.clone(),
            days,
            amount,
        })
    }

    /// Its lines while each of some spans holds, such as those in which teams owned its project, and what lies in none of them.
    #[must_use]
    pub fn lines<T>(
        &self,
        period: Period,
        spans: impl IntoIterator<Item = (Period, T)>,
    ) -> Vec<(Option<T>, ChargeLine)> {
        let mut rest = self.line(period);
        let mut lines = Vec::new();
        for (span, of) in spans {
            let within = Period { from: span.from.max(period.from), to: span.to.min(period.to) };
            let Some(line) = (within.from < within.to).then(|| self.line(within)).flatten() else { continue };
            if let Some(rest) = &mut rest {
                rest.amount -= line.amount;
            }
            lines.push((Some(of), line));
        }
        lines.extend(rest.filter(|rest| !rest.amount.is_zero()).map(|rest| (None, rest)));
        lines
    }
}

/// What of a charge stands on a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeLine {
    /// The charge's number: where it opens to.
    pub charge_id: u64,
    /// What it is for.
    pub kind: ChargeKind,
    /// What it says.
    pub description: String,
    /// Who charges it.
    pub provider: Option<String>,
    /// Where finance books it, if not under its owner's code.
    pub cost_centre: Option<String>,
    /// Its days on this statement.
    pub days: Period,
    /// What these cost, in US dollars.
    pub amount: Decimal,
}

/// What of a charge falls on a project while one team owned it, on a team itself, or on nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargePart {
    /// Whose team's; none where no team owned the project, or it is unallocated.
    pub team_id: Option<TeamId>,
    /// The project; none for a team's own charges, and for what is unallocated.
    pub project_id: Option<ProjectId>,
    /// How much.
    pub line: ChargeLine,
}

/// The sum of lines.
pub fn charged<'a>(lines: impl IntoIterator<Item = &'a ChargeLine>) -> Decimal {
    lines.into_iter().map(|line| line.amount).sum()
}
