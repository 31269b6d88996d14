//! Where the month will end, for any part of the organization.

mod page;

#[cfg(test)]
mod tests;

pub use page::{Part, page};

use crate::{Backend, Error, OrgScope, projects, spend};
use chrono::{DateTime, NaiveDate, Utc};
use domain::budget::SpendScope;
use domain::forecast::{BackTest, Forecast, MAX_DAYS, MonthTotal, Series, TooLittle};
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

/// What of a day's sums is forecast.
type Amount = fn(&ProjectDay) -> Decimal;

impl ForecastInputs {
    fn new(today: NaiveDate, elapsed: f64, days: Vec<ProjectDay>, owners: BTreeMap<ProjectId, TeamId>) -> Self {
        let mut spend: BTreeMap<ProjectId, Decimal> = BTreeMap::new();
        for day in &days {
            *spend.entry(day.project_id).or_default() += day.spend;
        }
        let mut dearest: Vec<(Decimal, ProjectId)> =
            spend.into_iter().map(|(project, spend)| (spend, project)).collect();
        dearest.sort_by(|a, b| b.cmp(a));
        let mut all = Self { today, elapsed, days, owners, back_tests: Vec::new() };
        let test = |(_, project)| (project, BackTest::of(&all.series(SpendScope::Project(project), |day| day.spend)));
        let tested: Vec<_> = dearest.into_iter().map(test).collect();
        all.back_tests = tested;
        all
    }

    /// What projects spent on the days of this month.
    pub fn month(&self) -> impl Iterator<Item = &ProjectDay> {
        let month = Period::month_of(self.today);
        self.days.iter().filter(move |day| (month.from..month.to).contains(&day.day))
    }

    /// Where the month of a part will end, in known spend.
    #[must_use]
    pub fn month_end(&self, part: SpendScope) -> Forecast {
        self.forecast(part, |day| day.spend)
    }

    /// The same as a budget counts: unpriced usage with its upper bound.
    #[must_use]
    pub fn for_budget(&self, part: SpendScope) -> Forecast {
        self.forecast(part, ProjectDay::with_estimate)
    }

    /// What a part has spent in the month and where it will end, without its days: for lists.
    fn month_total(&self, part: SpendScope) -> (Decimal, Result<MonthTotal, TooLittle>) {
        let series = self.series(part, |day| day.spend);
        let own = BackTest::of(&series);
        let spent = series.month_to_date().iter().map(|(_, spend)| spend).sum();
        (spent, domain::forecast::month_total(&series, &own, &self.peers(part, &own)))
    }

    fn forecast(&self, part: SpendScope, amount: Amount) -> Forecast {
        let series = self.series(part, amount);
        let own = BackTest::of(&series);
        domain::forecast::month_end(&series, &own, &self.peers(part, &own))
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

    /// A part's daily spend. A team's history is that of the projects it owns today, its month to date what it owned day by day.
    fn series(&self, part: SpendScope, amount: Amount) -> Series {
        let rows = |belongs: &dyn Fn(&ProjectDay) -> bool| {
            let rows: Vec<_> = self.days.iter().filter(|day| belongs(day)).map(|day| (day.day, amount(day))).collect();
            rows
        };
        let series = |belongs: &dyn Fn(&ProjectDay) -> bool| Series::new(rows(belongs), self.today, self.elapsed);
        match part {
            SpendScope::Organization => series(&|_| true),
            SpendScope::Project(project) => series(&|day| day.project_id == project),
            SpendScope::Team(team) => series(&|day| self.owners.get(&day.project_id) == Some(&team))
                .with_month(rows(&|day| day.team_id == Some(team))),
        }
    }
}
