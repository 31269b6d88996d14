//! What is asked: Overview's panels, as its door asks for them, and thirteen spend queries, with the same question over raw rows where chDB can answer it.

use crate::place::{Place, ZONE, today};
use backend::{Backend, Error, OrgScope, forecast, spend, statements};
use chrono::NaiveDate;
use domain::budget::SpendScope;
use domain::period::Period;
use domain::spend::{Dimension, ExploreQuery, Granularity, MonthOutlook, SpendAnswer, SpendQuery, SpendRow};
use rust_decimal::Decimal;

/// Movers that are compared.
const MOVERS: usize = 5;
/// Movers on the page.
const MOVERS_SHOWN: usize = 4;
const CUSTOMER: &str = "customer-007";
const PROJECT: &str = "project-0-0";

/// One question.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    ask: Ask,
    /// The same over raw rows, its lines in any order.
    pub(crate) raw: Option<String>,
}

enum Ask {
    /// All of Overview for some days, as its door answers.
    Overview(Period, SpendScope),
    LastHour,
    NewestEvent,
    Outlook,
    Spend(SpendQuery),
    Explore(Box<ExploreQuery>),
    Changes(Period, usize),
    Statement(Period),
}

impl Question {
    fn panel(name: &'static str, ask: Ask) -> Self {
        Self { name, ask, raw: None }
    }

    fn new(name: &'static str, ask: Ask, raw: String) -> Self {
        Self { name, ask, raw: Some(raw) }
    }

    /// The answer, in lines of which the other side's have to be the same.
    pub(crate) async fn ask(&self, backend: &Backend, place: &Place) -> Result<Vec<String>, Error> {
        let scope = &place.scope;
        Ok(match &self.ask {
            Ask::Overview(period, part) => {
                let is_whole = *period == Period::month_to_date(today());
                let beside = async {
                    let ahead = forecast::forecast_inputs(backend, scope).await?;
                    let outlook = async {
                        let outlook = spend::outlook(backend, scope, *part, &ahead);
                        if is_whole { outlook.await.map(Some) } else { Ok(None) }
                    };
                    futures::try_join!(outlook, spend::attention(backend, scope, &ahead))
                };
                let overview = spend::overview(backend, scope, *part, *period, Some(period.previous()), &[]);
                let (overview, _) = futures::try_join!(overview, beside)?;
                vec![exact(overview.total.spend)]
            }
            Ask::LastHour => {
                let sums = spend::last_hour(backend, scope, SpendScope::Organization, &[]).await?;
                vec![exact(sums.spend)]
            }
            Ask::NewestEvent => {
                let newest = spend::newest_event_at(backend, scope, SpendScope::Organization).await?;
                newest.iter().map(ToString::to_string).collect()
            }
            Ask::Outlook => {
                let outlook = outlook(backend, scope, SpendScope::Organization).await?;
                vec![outlook.open_alerts.to_string()]
            }
            Ask::Spend(query) => lines(spend::query(backend, scope, query).await?),
            Ask::Explore(query) => {
                let explore = spend::explore(backend, scope, (**query).clone()).await?;
                let line = |group: domain::spend::Group| {
                    let before = group.before.clone().unwrap_or_default();
                    format!("{}\t{}\t{}", group.key().unwrap_or_default(), exact(group.sums.spend), exact(before.spend))
                };
                explore.groups.into_iter().map(line).collect()
            }
            Ask::Changes(period, movers) => {
                let changes = spend::compare(backend, scope, *period, period.previous(), &[], *movers).await?;
                let line = |mover: domain::spend::Mover| {
                    let (now, before) = (exact(mover.now.spend), exact(mover.before.spend));
                    format!("{}\t{}\t{}\t{now}\t{before}", mover.project, mover.provider, mover.model)
                };
                changes.movers.into_iter().map(line).collect()
            }
            Ask::Statement(month) => {
                let statement = statements::month(backend, scope, *month, true).await?;
                vec![statement.teams.len().to_string()]
            }
        })
    }
}

fn lines(answer: SpendAnswer) -> Vec<String> {
    let line = |row: SpendRow| {
        let bucket = row.bucket.map(|bucket| bucket.to_string());
        let keys = row.keys.into_iter().map(Option::unwrap_or_default);
        let sums = [exact(row.sums.spend), row.sums.requests.to_string(), row.sums.tokens.to_string()];
        bucket.into_iter().chain(keys).chain(sums).collect::<Vec<_>>().join("\t")
    };
    answer.rows.into_iter().map(line).collect()
}

/// A decimal as a text that is the same for the same value.
pub(crate) fn exact(number: Decimal) -> String {
    number.normalize().to_string()
}

/// What Overview asks the rooms for, one by one, and all of it.
pub(crate) fn panels(place: &Place) -> Vec<Question> {
    let month = Period::month_to_date(today());
    let project = place.projects.first().map(|(project, _)| SpendScope::Project(project.project_id));
    let spend = |query: SpendQuery| Ask::Spend(query);
    let mut panels = vec![
        Question::panel(
            "chart: days by project and team",
            spend(SpendQuery::over(month).per(Granularity::Day).by([Dimension::Project, Dimension::Team])),
        ),
        Question::panel(
            "tables: models of projects",
            spend(SpendQuery::over(month).by([Dimension::Project, Dimension::Provider, Dimension::Model])),
        ),
        Question::panel("what changed", Ask::Changes(month, MOVERS_SHOWN)),
        Question::panel("last hour", Ask::LastHour),
        Question::panel("newest event", Ask::NewestEvent),
        Question::panel("forecast, budgets, alerts", Ask::Outlook),
        Question::panel("all of it, month so far", Ask::Overview(month, SpendScope::Organization)),
        Question::panel("all of it, 90 days", Ask::Overview(Period::last_days(today(), 90), SpendScope::Organization)),
    ];
    panels.extend(project.map(|part| Question::panel("all of it, a project's month", Ask::Overview(month, part))));
    panels
}

/// The thirteen.
pub(crate) fn queries() -> Vec<Question> {
    let (month, quarter) = (Period::last_days(today(), 30), Period::last_days(today(), 90));
    let before = month.previous();
    let tag = || Dimension::Tag("experiment".to_owned());
    let day = Period::last_days(today(), 1);
    let over = SpendQuery::over;
    let both = format!("{} or {}", within(month), within(before));
    let compared = |keys: &str| {
        format!(
            "select {keys}, toString(sumIf(cost, {0})) as now, toString(sumIf(cost, not {0})) as before from events where {both} group by {keys}",
            within(month)
        )
    };
    vec![
        Question::new("by model, 30 days", Ask::Spend(over(month).by([Dimension::Model])), raw(&["model"], month, "")),
        Question::new(
            "by project and day, 90 days",
            Ask::Spend(over(quarter).per(Granularity::Day).by([Dimension::Project])),
            raw(&[DAY, "project"], quarter, ""),
        ),
        Question::new(
            "by customer, 90 days",
            Ask::Spend(over(quarter).by([Dimension::Customer])),
            raw(&["customer"], quarter, ""),
        ),
        Question::new("by a tag, 90 days", Ask::Spend(over(quarter).by([tag()])), raw(&["experiment"], quarter, "")),
        Question::new(
            "by feature and model of a project, 90 days",
            Ask::Spend(over(quarter).by([Dimension::Feature, Dimension::Model]).only(Dimension::Project, PROJECT)),
            raw(&["feature", "model"], quarter, &format!("and project = '{PROJECT}'")),
        ),
        Question::new(
            "by model and hour, a day",
            Ask::Spend(over(day).per(Granularity::Hour).by([Dimension::Model])),
            raw(&[HOUR, "model"], day, ""),
        ),
        Question::panel("meters: the month's statement with its lines", Ask::Statement(Period::month_of(today()))),
        Question::panel(
            "by allocated team and day, 200 rules, 90 days",
            Ask::Spend(over(quarter).per(Granularity::Day).by([Dimension::AllocatedTeam])),
        ),
        Question::new(
            "unit costs by feature, 90 days",
            Ask::Spend(over(quarter).by([Dimension::Feature])),
            raw(&["feature"], quarter, ""),
        ),
        Question::new(
            "a customer by day, 90 days",
            Ask::Spend(over(quarter).per(Granularity::Day).only(Dimension::Customer, CUSTOMER)),
            raw(&[DAY], quarter, &format!("and customer = '{CUSTOMER}'")),
        ),
        Question::new("Explore by project, 30 days beside those before", explore(month), compared("project")),
        Question::new(
            "largest changes, 30 days to those before",
            Ask::Changes(month, MOVERS),
            format!(
                "{} having now != before order by abs(sumIf(cost, {1}) - sumIf(cost, not {1})) desc limit {MOVERS}",
                compared("project, provider, model"),
                within(month)
            ),
        ),
        Question::new(
            "export: customers by day, 30 days, 10,000 rows",
            Ask::Spend(over(month).per(Granularity::Day).by([Dimension::Customer])),
            format!("{} order by 1, sum(cost) desc, 2 limit 10000", raw(&[DAY, "customer"], month, "")),
        ),
    ]
}

async fn outlook(backend: &Backend, scope: &OrgScope, part: SpendScope) -> Result<MonthOutlook, Error> {
    spend::outlook(backend, scope, part, &forecast::forecast_inputs(backend, scope).await?).await
}

fn explore(period: Period) -> Ask {
    let asked = ExploreQuery::over(period);
    Ask::Explore(Box::new(ExploreQuery { all: true, previous: Some(period.previous().into()), ..asked }))
}

/// A row's day and hour in the organization's zone, as the answer writes them.
const DAY: &str = "toDate(at, 'Asia/Kolkata')";
const HOUR: &str = "formatDateTime(toStartOfHour(toTimeZone(at, 'Asia/Kolkata')), '%Y-%m-%dT%H:00:00+05:30')";

fn within(period: Period) -> String {
    let instant = |day: NaiveDate| format!("toDateTime64('{day} 00:00:00', 6, '{ZONE}')");
    format!("(at >= {} and at < {})", instant(period.from), instant(period.to))
}

/// Spend, requests and tokens of raw rows by some keys.
fn raw(keys: &[&str], period: Period, and: &str) -> String {
    let keys = keys.join(", ");
    format!(
        "select {keys}, toString(sum(cost)), count(), sum(tokens) from events where {} {and} group by {keys}",
        within(period)
    )
}
