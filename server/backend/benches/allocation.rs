//! `cargo xtask bench allocation`: rules of a large organization over a year: what a preview, a month and Explore take.
//!
//! 2,000 series in 40 projects of ten teams have usage on every day of a year, each with two of 500 repositories; 200 rules, a third of them dated, re-label by repository and feature and split by spend, tokens and evenly.
//! Sums are written into the ledger's tables directly: what is measured is reading.

#[path = "../../benches/shared/print.rs"]
mod print;

use backend::{Backend, Error, allocation, spend};
use domain::allocation::{AllocationForm, ConditionForm, TargetForm};
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Dimension, Granularity, SpendQuery};
use print::{heading, line, quantile};
use std::process::ExitCode;
use std::time::Instant;
use testkit::TestDatabase;
use testkit::seed::{self, Organization};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const RULES: usize = 200;
const TEAMS: usize = 10;
const PROJECTS_OF_TEAM: usize = 4;
const ROUNDS: usize = 7;

/// What a year of sums is made of.
const SUMS: [&str; 4] = [
    "insert into series (org_id, series_id, project_id, key_id, provider, model, operation, status, feature, environment, cohort, step, created_at)
     select $1, n, p.ids[1 + n % 41], s.key_id, 'openai', 'model-' || (n / 41) % 5, 'chat', 'success', 'feature-' || (n % 41) || '-' || (n / 205) % 5, 'e' || (n / 1025) % 2, '', '', now()
     from generate_series(1, 2000) n, (select array_agg(project_id order by slug) as ids from projects where org_id = $1) p, (select key_id from series where org_id = $1 limit 1) s",
    "insert into labels select $1, n, 'tag.repo', 'repo-' || n, now() from generate_series(1, 500) n",
    "insert into rollup_day select $1, s.series_id, 1000 + s.series_id, d::date, 10, 0, 0, 0, 0.123456 + s.series_id * 0.000001, 0, 0, 0
     from series s, generate_series('2025-12-01'::date, '2026-11-20'::date, '1 day') d where s.org_id = $1 and s.series_id <= 2000",
    "insert into rollup_label_day select $1, 1 + (s.series_id * 7 + k * 13) % 500, s.series_id, 300, d::date, 3, 0, 0.03, 0, 0, 0
     from series s, generate_series('2025-12-01'::date, '2026-11-20'::date, '1 day') d, generate_series(0, 1) k where s.org_id = $1 and s.series_id <= 2000",
];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            line(&format!("not measured: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, "2026-11-20T12:00:00Z");
    let acme = organization(&backend).await?;
    for sql in SUMS {
        sqlx::query(sql).bind(acme.id().0).execute(database.pool()).await?;
    }
    sqlx::query("vacuum analyze").execute(database.pool()).await?;
    for number in 0..RULES {
        allocation::enter(&backend, &acme.owner, &rule(number).parse().map_err(Problem::invalid)?).await?;
    }
    let today = backend.clock.now().date_naive();
    let month = Period::month_of(today);
    let by_team = SpendQuery::over(Period::last_days(today, 90)).per(Granularity::Day).by([Dimension::AllocatedTeam]);
    let new = rule(2 * RULES + 5).parse().map_err(Problem::invalid)?;
    heading(&format!("2,000 series, {RULES} rules, a year: p50 and p95 of {ROUNDS} answers that were not kept, in ms"));
    let fresh = || Backend::new(database.pool().clone(), backend.clock.clone(), "http://localhost", false);
    measured("preview over twelve months (goal 1,000)", async || {
        allocation::preview(&fresh(), &acme.owner, &new).await.map(drop)
    })
    .await?;
    measured("a month", async || allocation::allocated(&fresh(), &acme.owner, month).await.map(drop)).await?;
    measured("Explore by allocated team and day, 90 days", async || {
        spend::query(&fresh(), &acme.owner, &by_team).await.map(drop)
    })
    .await
}

/// Ten teams with four projects each.
async fn organization(backend: &Backend) -> Result<Organization, Failure> {
    let acme = seed::organization(backend, "Asia/Kolkata").await;
    for team in 0..TEAMS {
        let id = acme.team(&format!("team-{team}")).await;
        for project in 0..PROJECTS_OF_TEAM {
            acme.project_of(id, &format!("p-{team}-{project}")).await;
        }
    }
    acme.spend("2026-11-10", "1").await;
    Ok(acme)
}

fn rule(number: usize) -> AllocationForm {
    let when = |dimension: &str, test: &str, values: String| ConditionForm {
        dimension: dimension.to_owned(),
        test: test.to_owned(),
        values,
    };
    let project = format!("p-{}-{}", number % TEAMS, number / TEAMS % PROJECTS_OF_TEAM);
    let (method, conditions) = match number % 4 {
        0 => ("relabel", vec![when("tag.repo", "starts_with", format!("repo-{number}"))]),
        1 => ("tokens", vec![when("feature", "is", format!("feature-{}-{}", number % 41, number % 5))]),
        2 => {
            let own = when("environment", "is", "e0".to_owned());
            (
                "spend",
                vec![own, when("project", "is", project), when("feature", "contains", format!("-{}", number % 5))],
            )
        }
        _ => ("even", vec![when("project", "is", project)]),
    };
    let target = |at: usize| TargetForm { to: format!("team:team-{}", (number + at) % TEAMS), ..TargetForm::default() };
    let targets = if method == "relabel" { 1 } else { 5 };
    AllocationForm {
        name: format!("rule {number}"),
        conditions,
        method: method.to_owned(),
        targets: (0..targets).map(target).collect(),
        reason: "As agreed.".to_owned(),
        valid_from: if number.is_multiple_of(3) { format!("2026-0{}-15", 1 + number % 9) } else { String::new() },
        ..AllocationForm::default()
    }
}

async fn measured(name: &str, ask: impl AsyncFn() -> Result<(), Error>) -> Result<(), Failure> {
    ask().await?;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        ask().await?;
        took.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    line(&format!("  {name:52} {:>9.1} {:>9.1}", quantile(&took, 0.5), quantile(&took, 0.95)));
    Ok(())
}
