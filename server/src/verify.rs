//! `tallystick verify`: every sum beside the events that it follows from.

use crate::config::Verify;
use crate::local_postgres::Failure;
use backend::ledger::{Difference, MAX_DIFFERENCES};
use backend::{Backend, OrgScope, identity, ledger};
use domain::period::Period;
use std::io::Write;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Organizations looked at.
    pub organizations: usize,
    /// Rows that differed.
    pub differences: usize,
}

/// Looks at every organization that is asked for, month by month, and writes what differs to `out`.
///
/// # Errors
/// When the organization is unknown, PostgreSQL is away, or `out` is closed.
pub async fn run(backend: &Backend, asked: &Verify, out: &mut (impl Write + Send)) -> Result<Found, Failure> {
    let mut found = Found::default();
    let scopes = identity::system_scopes(backend, asked.organization.as_deref()).await.map_err(|error| {
        let problem = error.into_problem();
        format!("{}: {problem}", asked.organization.as_deref().unwrap_or("all organizations"))
    })?;
    for (slug, scope) in scopes {
        found.organizations += 1;
        let Some(period) = asked_days(backend, &scope, asked).await? else {
            writeln!(out, "{slug}: nothing recorded")?;
            continue;
        };
        let mut here = 0;
        for month in months(period) {
            let differences = one_month(backend, &scope, month, asked.repair).await?;
            here += differences.len();
            report(out, &slug, month, &differences)?;
        }
        found.differences += here;
        writeln!(out, "{slug}: {} to {} looked at, {}", period.from, period.to, describe(here, asked.repair))?;
    }
    Ok(found)
}

fn describe(differences: usize, repair: bool) -> String {
    match (differences, repair) {
        (0, _) => "no difference".to_owned(),
        (count, false) => format!("{count} differences"),
        (count, true) => format!("{count} differences, repaired"),
    }
}

/// The days that are recorded and asked for.
async fn asked_days(backend: &Backend, scope: &OrgScope, asked: &Verify) -> Result<Option<Period>, Failure> {
    let recorded = ledger::recorded_days(backend, scope).await?;
    let within = |recorded: Period| Period {
        from: asked.from.map_or(recorded.from, |from| from.max(recorded.from)),
        to: asked.to.map_or(recorded.to, |to| to.min(recorded.to)),
    };
    Ok(recorded.map(within).filter(|period| period.from < period.to))
}

/// The period, cut where months begin: what is compared at once stays small.
fn months(period: Period) -> Vec<Period> {
    let mut parts = Vec::new();
    let mut from = period.from;
    while from < period.to {
        let to = Period::month_of(from).to.min(period.to);
        parts.push(Period { from, to });
        from = to;
    }
    parts
}

async fn one_month(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    repair: bool,
) -> Result<Vec<Difference>, Failure> {
    Ok(if repair {
        ledger::repair(backend, scope, month).await?
    } else {
        ledger::verify(backend, scope, month).await?
    })
}

fn report(out: &mut impl Write, slug: &str, month: Period, differences: &[Difference]) -> Result<(), Failure> {
    for difference in differences {
        let what = if difference.stored { "stored" } else { "expected" };
        writeln!(out, "{slug} {}: {} {what} {}", month.from, difference.table, difference.row)?;
    }
    if differences.len() >= MAX_DIFFERENCES {
        writeln!(out, "{slug} {}: at most {MAX_DIFFERENCES} rows of a table are listed", month.from)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_cut_where_months_begin() {
        let day = |text: &str| text.parse().unwrap();
        let cut = months(Period { from: day("2026-10-30"), to: day("2026-12-02") });
        let texts: Vec<_> = cut.iter().map(|part| format!("{} {}", part.from, part.to)).collect();
        assert_eq!(texts, ["2026-10-30 2026-11-01", "2026-11-01 2026-12-01", "2026-12-01 2026-12-02"]);
    }
}
