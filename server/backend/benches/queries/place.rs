//! Where it happens: a private PostgreSQL, and an organization with teams, projects, keys and budgets.

use crate::{Args, Failure, processor};
use backend::identity::{self, Bootstrap};
use backend::keys::{self, NewKey};
use backend::projects::{self, NewProject, NewTeam};
use backend::{Backend, OrgScope, Pools, Sizes, TestClock, allocation, budgets};
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use domain::allocation::{AllocationForm, ConditionForm, TargetForm};
use domain::budget::BudgetInput;
use domain::identity::KeyScope;
use domain::problem::Problem;
use domain::project::{KeyProject, Project};
use local_postgres::{Durability, LocalPostgres};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

/// Half-hour zones are the hard ones; this has no summer time, so that a day is always as long as the next.
pub(crate) const ZONE: &str = "Asia/Kolkata";
const ZONE_MINUTES: i64 = 330;
/// The last day of the measurement, whole.
const LAST: (i32, u32, u32) = (2026, 11, 20);
/// Days with events: seven times the two weeks of the mix.
pub(crate) const DAYS: u64 = 98;
const TEAMS: usize = 6;
/// Allocation rules, of a large organization.
const RULES: usize = 200;
/// Projects of all teams.
pub(crate) const PROJECTS: usize = 24;
/// Statements that take longer have their plans printed.
const DEAR_MS: u32 = 4;

/// The database and the organization.
pub(crate) struct Place {
    postgres: LocalPostgres,
    /// For the loader.
    pub(crate) pool: PgPool,
    pub(crate) backend: Backend,
    /// An owner, who sees everything.
    pub(crate) scope: OrgScope,
    /// Each project with the key that sends its events.
    pub(crate) projects: Vec<(Project, OrgScope)>,
    folder: tempfile::TempDir,
}

/// The last day.
pub(crate) fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(LAST.0, LAST.1, LAST.2).unwrap_or_default()
}

/// Where the last day ends; the clock stands a second before.
fn end() -> DateTime<Utc> {
    (today() + Days::new(1)).and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::minutes(ZONE_MINUTES)
}

/// Where the first day begins.
pub(crate) fn start() -> DateTime<Utc> {
    end() - Days::new(DAYS)
}

/// Where events are kept from, in sizes whose earlier months have left: the month before the last is over.
pub(crate) fn kept() -> DateTime<Utc> {
    today().with_day(1).unwrap_or_default().and_time(chrono::NaiveTime::MIN).and_utc()
}

impl Place {
    pub(crate) async fn make(args: &Args) -> Result<Self, Failure> {
        let folder = args.folder.as_ref().map_or_else(tempfile::tempdir, tempfile::tempdir_in)?;
        // Else PostgreSQL, which does not run as root, would keep its files elsewhere, and they would stay there.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        // What is measured is reading: nothing waits for the disk, and nothing is to survive.
        let postgres = LocalPostgres::start(folder.path(), Durability::Scratch)?;
        postgres.create_database("tallystick")?;
        let options = PgConnectOptions::from_str(&postgres.url("tallystick"))?;
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options.clone()).await?;
        set(&pool, &args.shared_buffers).await?;
        postgres.halt()?;
        postgres.start_again()?;
        let clock = Arc::new(TestClock::at(end() - TimeDelta::seconds(1)));
        let backend = Backend::new(Pools::apart(&options, Sizes::default()), clock, "http://localhost", false);
        backend::migrate(&pool, backend.clock.as_ref()).await?;
        let (scope, projects) = organization(&backend).await?;
        Ok(Self { postgres, pool, backend, scope, projects, folder })
    }

    /// On the disk that PostgreSQL writes to.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Seconds of processor time so far, of PostgreSQL with all its processes and of this process.
    pub(crate) fn processor_seconds(&self) -> Result<f64, Failure> {
        let postgres = self.postgres.pid().ok_or("PostgreSQL does not run")?;
        Ok(processor::processor_seconds(postgres)? + processor::with_ended_children(std::process::id())?)
    }

    /// The verbs of a server that kept no answer yet, over connections that are there.
    pub(crate) fn fresh(&self) -> Backend {
        Backend::new(self.pool.clone(), Arc::clone(&self.backend.clock), "http://localhost", false)
    }

    /// The verbs over connections that print the plans of dear statements.
    pub(crate) fn explaining(&self) -> Result<Backend, Failure> {
        let _already = tracing_subscriber::fmt()
            .with_env_filter("sqlx::postgres::notice=info")
            .with_ansi(false)
            .without_time()
            .try_init();
        let dear = DEAR_MS.to_string();
        let options = PgConnectOptions::from_str(&self.postgres.url("tallystick"))?.options([
            ("session_preload_libraries", "auto_explain"),
            ("auto_explain.log_level", "notice"),
            ("auto_explain.log_analyze", "on"),
            ("auto_explain.log_buffers", "on"),
            ("auto_explain.log_timing", "on"),
            ("auto_explain.log_min_duration", &dear),
        ]);
        let pools = Pools::apart(&options, Sizes::default());
        Ok(Backend::new(pools, Arc::clone(&self.backend.clock), "http://localhost", false))
    }
}

/// Settings of a server that is more than a notebook's; they hold from its next start on.
async fn set(pool: &PgPool, shared_buffers: &str) -> Result<(), Failure> {
    let settings = [
        ("shared_buffers", shared_buffers),
        ("max_wal_size", "2GB"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
    ];
    for (name, value) in settings {
        let sql = format!("alter system set {name} = '{}'", value.replace('\'', ""));
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await?;
    }
    Ok(())
}

async fn organization(backend: &Backend) -> Result<(OrgScope, Vec<(Project, OrgScope)>), Failure> {
    let wanted = Bootstrap {
        email: "ada@example.com".to_owned(),
        password: SecretString::from("four quite unrelated words"),
        organization: "Acme".to_owned(),
        time_zone: ZONE.to_owned(),
        project: "first".to_owned(),
    };
    let made = identity::bootstrap(backend, wanted).await?;
    let scope = identity::scope_in(backend, made.user_id, made.org_id).await?;
    let mut projects = Vec::new();
    for team in 0..TEAMS {
        projects.extend(make_team(backend, &scope, team).await?);
    }
    let whole = [("All usage", "organization"), ("First team", "team:team-0"), ("A project", "project:project-0-0")];
    for (name, part) in whole {
        let input = BudgetInput::check(name, part, 1_000.into(), &[50, 80, 100], &[]);
        budgets::create(backend, &scope, input.map_err(Problem::invalid)?).await?;
    }
    for rule in (0..RULES).map(rule) {
        allocation::enter(backend, &scope, &rule.parse().map_err(Problem::invalid)?).await?;
    }
    Ok((scope, projects))
}

/// Every other rule re-labels a project's usage of a tag's value, the others split a model's usage among three teams.
fn rule(number: usize) -> AllocationForm {
    let (project, team) = (number / TEAMS % (PROJECTS / TEAMS), number % TEAMS);
    let condition = |dimension: &str, test: &str, values: String| ConditionForm {
        dimension: dimension.to_owned(),
        test: test.to_owned(),
        values,
    };
    let of_project = condition("project", "is", format!("project-{team}-{project}"));
    let (method, other, teams) = match number % 2 {
        0 => ("relabel", condition("tag.experiment", "contains", format!("{}", number % 10)), 1),
        _ => ("tokens", condition("model", "contains", format!("{}", number % 7)), 3),
    };
    let target = |at| TargetForm { to: format!("team:team-{}", (number + at) % TEAMS), ..TargetForm::default() };
    AllocationForm {
        name: format!("Rule {number}"),
        conditions: vec![of_project, other],
        method: method.to_owned(),
        targets: (1..=teams).map(target).collect(),
        reason: "Measured.".to_owned(),
        ..AllocationForm::default()
    }
}

/// A team with its projects and the key that sends their events.
async fn make_team(backend: &Backend, scope: &OrgScope, number: usize) -> Result<Vec<(Project, OrgScope)>, Failure> {
    let name = format!("Team {number}");
    let team = projects::create_team(backend, scope, NewTeam { name, ..NewTeam::default() }).await?;
    let mut made = Vec::new();
    for project in 0..PROJECTS / TEAMS {
        let new = NewProject {
            name: format!("Project {number} {project}"),
            slug: String::new(),
            cost_centre: String::new(),
            team_id: team.team_id,
        };
        made.push(projects::create_project(backend, scope, new).await?);
    }
    let default = made.first().ok_or("a team without projects")?.project_id;
    let key = NewKey {
        name: format!("Team {number}"),
        scopes: [KeyScope::Ingest].into(),
        project: KeyProject::AllWithDefault(default),
        expires_at: None,
    };
    let key = keys::create(backend, scope, key).await?;
    let sender = keys::authenticate(backend, key.secret.expose_secret()).await?.scope;
    Ok(made.into_iter().map(|project| (project, sender.clone())).collect())
}
