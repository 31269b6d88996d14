//! Where the month will end, for any part of the organization.

mod page;

#[cfg(test)]
mod tests;

pub use page::{Part, page};

use crate::{Backend, Error, OrgScope, projects, spend};
use chrono::{DateTime, NaiveDate, Utc};
use domain::budget::SpendScope;
use domain::forecast::{BackTest, Forecast, ForecastRow, MAX_DAYS, Series};
use domain::ids::{ProjectId, TeamId};
use domain::period::{Period, Zone};
use domain::spend::ProjectDay;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Reads what forecasts of all parts rest on, in one query. A project or team that the caller does not see has no history.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn forecast_inputs(backend: &Backend, scope: &OrgScope) -> Result<ForecastInputs, Error> {
    let now = backend.clock.now();
    let today = scope.zone().day_of(now);
    let (days, owners) = futures::try_join!(
        spend::project_days(backend, scope, known_days(today)),
        projects::list_projects(backend, scope),
    )?;
    let owners = owners.into_iter().map(|project| (project.project_id, project.team_id)).collect();
    Ok(ForecastInputs::new(today, elapsed(scope.zone(), now), days, owners))
}

/// The days that a forecast rests on, and the rest of the month: an event may be some minutes ahead, and counts against its budget.
fn known_days(today: NaiveDate) -> Period {
    Period { to: Period::month_of(today).to, ..Period::last_days(today, MAX_DAYS as u64 + 1) }
}

/// The part of the organization's day that is over.
fn elapsed(zone: Zone, now: DateTime<Utc>) -> f64 {
    let today = zone.day_of(now);
    let (start, end) = zone.instants(Period::last_days(today, 1));
    let seconds = |span: chrono::Duration| span.num_seconds() as f64;
    seconds(now - start) / seconds(end - start).max(1.0)
}

/// Most other projects that a band is pooled with: of the same steadiness, the dearest.
const MAX_PEERS: usize = 12;

/// Daily spend of every visible project, ready to forecast any part.
#[derive(Clone, Debug)]
pub struct ForecastInputs {
    today: NaiveDate,
    elapsed: f64,
    days: Vec<ProjectDay>,
    /// Who owns each project today.
    owners: BTreeMap<ProjectId, TeamId>,
    /// Back-tests of projects, the dearest first.
    back_tests: Vec<(ProjectId, BackTest)>,
}

impl ForecastInputs {
    fn new(today: NaiveDate, elapsed: f64, days: Vec<ProjectDay>, owners: BTreeMap<ProjectId, TeamId>) -> Self {
        let mut spend: BTreeMap<ProjectId, Decimal> = BTreeMap::new();
        for day in &days {
            *spend.entry(day.project_id).or_default() += day.counted();
        }
        let mut dearest: Vec<(Decimal, ProjectId)> =
            spend.into_iter().map(|(project, spend)| (spend, project)).collect();
        dearest.sort_by(|a, b| b.cmp(a));
        let mut all = Self { today, elapsed, days, owners, back_tests: Vec::new() };
        let test = |(_, project)| (project, BackTest::of(&all.series(SpendScope::Project(project))));
        let tested: Vec<_> = dearest.into_iter().map(test).collect();
        all.back_tests = tested;
        all
    }

    /// What projects spent on the days of this month.
    pub fn month(&self) -> impl Iterator<Item = &ProjectDay> {
        let month = Period::month_of(self.today);
        self.days.iter().filter(move |day| (month.from..month.to).contains(&day.day))
    }

    /// Where the month of a part will end: the one forecast that every page, budget and mail shows.
    #[must_use]
    pub fn month_end(&self, part: SpendScope) -> Forecast {
        let series = self.series(part);
        let own = BackTest::of(&series);
        domain::forecast::month_end(&series, &own, &self.peers(part, &own))
    }

    /// What a part counted on each day of the month up to today.
    #[must_use]
    pub fn to_date(&self, part: SpendScope) -> Vec<(NaiveDate, Decimal)> {
        self.series(part).month_to_date().to_vec()
    }

    /// A part in one line of a list: the same numbers without the days, at a small part of the cost.
    fn row(&self, name: String, slug: String, part: SpendScope) -> ForecastRow {
        let series = self.series(part);
        let own = BackTest::of(&series);
        ForecastRow {
            name,
            slug,
            spent: series.month_to_date().iter().map(|(_, spend)| spend).sum(),
            estimate: series.estimate(),
            total: domain::forecast::month_total(&series, &own, &self.peers(part, &own)),
        }
    }

    /// The organization's other projects help to tell how wide the band must be.
    fn peers(&self, part: SpendScope, own: &BackTest) -> Vec<&BackTest> {
        self.back_tests
            .iter()
            .filter(|(project, test)| part != SpendScope::Project(*project) && test.steadiness() == own.steadiness())
            .map(|(_, test)| test)
            .take(MAX_PEERS)
            .collect()
    }

    /// A part's daily spend, estimates included. A team's history is that of the projects it owns today, its month to date what it owned day by day.
    fn series(&self, part: SpendScope) -> Series {
        let of_part = || self.days.iter().filter(move |day| day.is_of(part));
        let amounts = |day: &ProjectDay| (day.day, day.counted());
        let series = match part {
            SpendScope::Organization | SpendScope::Project(_) => {
                Series::new(of_part().map(amounts), self.today, self.elapsed)
            }
            SpendScope::Team(team) => {
                let owned = self.days.iter().filter(|day| self.owners.get(&day.project_id) == Some(&team));
                Series::new(owned.map(amounts), self.today, self.elapsed).with_month(of_part().map(amounts))
            }
        };
        series.with_estimates(of_part().map(|day| (day.day, day.estimate)))
    }
}
