//! Teams, projects and who owned what when.

mod product_lines;
mod sql;
mod tree;

use crate::error::OnConstraint;
use crate::{Backend, Error, OrgScope, audit, ledger, spend};
use chrono::{Days, NaiveDate};
use domain::identity::Permission;
use domain::ids::{ProjectId, TeamId};
use domain::problem::{FieldProblem, Problem};
use domain::project::{Ownership, Project, Slug, Team, parse_cost_centre, parse_name};
use sql::Level;
use sqlx::PgConnection;

pub use product_lines::{
    MAX_PRODUCT_LINES, NewProductLine, archive_product_line, assign_product_line, create_product_line,
    list_product_lines, product_line_by_slug, product_line_detail, product_line_spans, rename_product_line,
};
pub(crate) use sql::{owned_by, owners_on};
pub use tree::{project_detail, team_detail, tree};

/// Most teams of an organization, archived ones included.
pub const MAX_TEAMS: i64 = 500;
/// Most projects of an organization, archived ones included.
pub const MAX_PROJECTS: i64 = 2_000;
/// How far ahead or back the owner of a project may be changed, in days (ten years).
pub const MAX_MOVE_DAYS: u64 = 3_653;

/// What a new team shall be, as typed.
#[derive(Clone, Debug, Default)]
pub struct NewTeam {
    /// Its name.
    pub name: String,
    /// Its short name; empty: made from the name.
    pub slug: String,
    /// Where finance books it; may be empty.
    pub cost_centre: String,
}

/// What a new project shall be, as typed.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its name.
    pub name: String,
    /// The word that events carry, for ever; empty: made from the name.
    pub slug: String,
    /// Where finance books it; may be empty.
    pub cost_centre: String,
    /// The team that owns it.
    pub team_id: TeamId,
}

/// What may change about a team or project, as typed.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The name.
    pub name: String,
    /// Where finance books it; may be empty.
    pub cost_centre: String,
}

/// Creates a team.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming the fields `name`, `slug`, `cost_centre`, [`Problem::Conflict`] when there are too many; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn create_team(backend: &Backend, scope: &OrgScope, new: NewTeam) -> Result<Team, Error> {
    scope.require(Permission::ManageProjects)?;
    let mut transaction = backend.pool.begin().await?;
    let team = create_team_in(backend, scope, &mut transaction, new).await?;
    transaction.commit().await?;
    Ok(team)
}

/// [`create_team`] in the caller's transaction, without asking for the permission.
pub(crate) async fn create_team_in(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    new: NewTeam,
) -> Result<Team, Error> {
    let words = Words::parse(&new.name, &new.slug, &new.cost_centre)?;
    if sql::count_teams(connection, scope).await? >= MAX_TEAMS {
        return Err(Problem::conflict("An organization has at most 500 teams.").into());
    }
    let team = Team {
        team_id: TeamId(backend.clock.new_id()),
        slug: words.slug,
        name: words.name,
        cost_centre: words.cost_centre,
        created_at: backend.clock.now(),
        archived_at: None,
    };
    sql::insert_team(connection, scope, &team).await.on_constraint("teams_slug_key", slug_taken)?;
    audit::record(backend, scope, connection, "team.created", &format!("Created the team {}.", team.name)).await?;
    Ok(team)
}

/// Creates a project; its team owns it since the beginning of time.
///
/// # Errors
/// As [`create_team`], and a field problem for `team_id`.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn create_project(backend: &Backend, scope: &OrgScope, new: NewProject) -> Result<Project, Error> {
    scope.require(Permission::ManageProjects)?;
    let mut transaction = backend.pool.begin().await?;
    let project = create_project_in(backend, scope, &mut transaction, new).await?;
    transaction.commit().await?;
    Ok(project)
}

/// [`create_project`] in the caller's transaction, without asking for the permission.
pub(crate) async fn create_project_in(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    new: NewProject,
) -> Result<Project, Error> {
    let words = Words::parse(&new.name, &new.slug, &new.cost_centre)?;
    let team = live_team(scope, connection, new.team_id).await?;
    if sql::count_projects(connection, scope).await? >= MAX_PROJECTS {
        return Err(Problem::conflict("An organization has at most 2,000 projects.").into());
    }
    let project = Project {
        project_id: ProjectId(backend.clock.new_id()),
        slug: words.slug,
        name: words.name,
        cost_centre: words.cost_centre,
        team_id: team.team_id,
        created_at: backend.clock.now(),
        archived_at: None,
    };
    sql::insert_project(connection, scope, &project).await.on_constraint("projects_slug_key", slug_taken)?;
    let detail = format!("Created the project {} in the team {}.", project.slug, team.name);
    audit::record(backend, scope, connection, "project.created", &detail).await?;
    Ok(project)
}

/// Changes a team's name and cost centre.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Invalid`] naming `name`, `cost_centre`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn update_team(backend: &Backend, scope: &OrgScope, team_id: TeamId, change: Change) -> Result<Team, Error> {
    scope.require(Permission::ManageProjects)?;
    let (name, cost_centre) = change.parse()?;
    change_team(backend, scope, team_id, "team.changed", |team| {
        let detail = format!("Changed the team {}: {}.", team.name, describe(&name, cost_centre.as_deref()));
        (Team { name, cost_centre, ..team }, detail)
    })
    .await
}

/// Changes a project's name and cost centre; its slug never changes.
///
/// # Errors
/// As [`update_team`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn update_project(
    backend: &Backend,
    scope: &OrgScope,
    project_id: ProjectId,
    change: Change,
) -> Result<Project, Error> {
    scope.require(Permission::ManageProjects)?;
    let (name, cost_centre) = change.parse()?;
    change_project(backend, scope, project_id, "project.changed", |project| {
        let detail = format!("Changed the project {}: {}.", project.slug, describe(&name, cost_centre.as_deref()));
        (Project { name, cost_centre, ..project }, detail)
    })
    .await
}

/// Puts a team away or takes it back; its history stays.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Conflict`] while it owns projects in use; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn archive_team(backend: &Backend, scope: &OrgScope, team_id: TeamId, archive: bool) -> Result<Team, Error> {
    scope.require(Permission::ManageProjects)?;
    let now = backend.clock.now();
    let (action, verb) = archive_words("team", archive);
    change_team(backend, scope, team_id, action, |team| {
        let detail = format!("{verb} the team {}.", team.name);
        (Team { archived_at: archive.then(|| team.archived_at.unwrap_or(now)), ..team }, detail)
    })
    .await
}

/// Puts a project away or takes it back; its history stays.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn archive_project(
    backend: &Backend,
    scope: &OrgScope,
    project_id: ProjectId,
    archive: bool,
) -> Result<Project, Error> {
    scope.require(Permission::ManageProjects)?;
    let now = backend.clock.now();
    let (action, verb) = archive_words("project", archive);
    change_project(backend, scope, project_id, action, |project| {
        let detail = format!("{verb} the project {}.", project.slug);
        (Project { archived_at: archive.then(|| project.archived_at.unwrap_or(now)), ..project }, detail)
    })
    .await
}

/// Gives a project to a team from a day on (none: since the beginning of time), in place of whatever was planned from then on.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Invalid`] naming `team_id`, `from`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn move_project(
    backend: &Backend,
    scope: &OrgScope,
    project_id: ProjectId,
    team_id: TeamId,
    from: Option<NaiveDate>,
) -> Result<(), Error> {
    scope.require(Permission::ManageProjects)?;
    check_move_day(scope.zone().day_of(backend.clock.now()), from)?;
    let mut transaction = backend.pool.begin().await?;
    sql::lock_project(&mut transaction, scope, project_id).await?;
    let project = project_in(backend, scope, &mut transaction, project_id).await?;
    let team = live_team(scope, &mut transaction, team_id).await?;
    sql::belongs_to(&mut transaction, scope, Level::Team, project_id, Some(team_id.0), from).await?;
    // Teams' budgets count by owner: what was spent from then on counts elsewhere now.
    let months = spend::months_with_spend(&mut transaction, scope, project_id, from).await?;
    ledger::mark_moved(backend, &mut transaction, scope, project_id, &months).await?;
    let since = from.map_or_else(|| "for all time".to_owned(), |day| format!("from {day} on"));
    let detail = format!("Gave the project {} to the team {} {since}.", project.slug, team.name);
    audit::record(backend, scope, &mut transaction, "project.moved", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

fn check_move_day(today: NaiveDate, from: Option<NaiveDate>) -> Result<(), Problem> {
    let reach = Days::new(MAX_MOVE_DAYS);
    let fits = |day| today.checked_sub_days(reach) <= Some(day) && Some(day) <= today.checked_add_days(reach);
    if from.is_none_or(fits) {
        Ok(())
    } else {
        Err(Problem::field("from", "out_of_range", "Choose a day at most ten years away."))
    }
}

/// The teams, archived ones included, in order of name.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list_teams(backend: &Backend, scope: &OrgScope) -> Result<Vec<Team>, Error> {
    scope.require(Permission::Read)?;
    sql::teams(&backend.pool, scope, today(backend, scope), MAX_TEAMS).await
}

/// The projects that the caller sees, archived ones included, in order of name, with today's owner.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list_projects(backend: &Backend, scope: &OrgScope) -> Result<Vec<Project>, Error> {
    scope.require(Permission::Read)?;
    sql::projects(&backend.pool, scope, today(backend, scope), MAX_PROJECTS).await
}

/// Slugs of the projects and the teams that the caller sees, archived ones too, whatever else the caller may: for checking names.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn slugs(backend: &Backend, scope: &OrgScope) -> Result<(Vec<String>, Vec<String>), Error> {
    let (pool, today) = (&backend.pool, today(backend, scope));
    let projects = sql::projects(pool, scope, today, MAX_PROJECTS).await?.into_iter();
    let teams = sql::teams(pool, scope, today, MAX_TEAMS).await?.into_iter();
    Ok((projects.map(|project| project.slug.to_string()).collect(), teams.map(|team| team.slug.to_string()).collect()))
}

/// Slugs of the projects that the caller sees; none where all are seen.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn visible_slugs(backend: &Backend, scope: &OrgScope) -> Result<Option<Vec<String>>, Error> {
    if scope.sees_all() {
        return Ok(None);
    }
    let projects = sql::projects(&backend.pool, scope, today(backend, scope), MAX_PROJECTS).await?;
    Ok(Some(projects.into_iter().map(|project| project.slug.to_string()).collect()))
}

/// Whose lines a caller sees of what was written down under owners of its day: of a member the teams', of a key of one project this one's.
pub(crate) struct SeenOwners {
    /// Slugs of teams; none where it does not go by teams.
    pub(crate) teams: Option<Vec<String>>,
    /// Slugs of projects; none where it does not go by projects.
    pub(crate) projects: Option<Vec<String>>,
}

impl SeenOwners {
    /// What the caller sees.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn of(backend: &Backend, scope: &OrgScope) -> Result<Self, Error> {
        if scope.visible_teams().is_none_or(|teams| teams.is_empty()) {
            return Ok(Self { teams: None, projects: visible_slugs(backend, scope).await? });
        }
        let teams = sql::teams(&backend.pool, scope, today(backend, scope), MAX_TEAMS).await?;
        Ok(Self { teams: Some(teams.into_iter().map(|team| team.slug.into()).collect()), projects: None })
    }

    /// Whether a line of a team and a project is seen.
    pub(crate) fn sees(&self, team: Option<&str>, project: Option<&str>) -> bool {
        let has = |seen: Option<&Vec<String>>, slug: Option<&str>| {
            seen.is_none_or(|seen| seen.iter().any(|seen| Some(seen.as_str()) == slug))
        };
        has(self.teams.as_ref(), team) && has(self.projects.as_ref(), project)
    }
}

/// The project with this slug.
///
/// # Errors
/// [`Problem::NotFound`], also when the caller does not see it; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn by_slug(backend: &Backend, scope: &OrgScope, slug: &str) -> Result<Project, Error> {
    let found = sql::project_by(&backend.pool, scope, today(backend, scope), None, Some(slug)).await?;
    Ok(found.ok_or(Problem::NotFound)?)
}

/// The ids of the projects with these slugs, archived ones too, whether or not the caller sees them: for deciding where events go.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn ids_by_slug(
    backend: &Backend,
    scope: &OrgScope,
    slugs: &[&str],
) -> Result<Vec<(String, ProjectId)>, Error> {
    sql::ids_by_slug(&backend.pool, scope, slugs).await
}

/// The project with this id.
///
/// # Errors
/// As [`by_slug`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn by_id(backend: &Backend, scope: &OrgScope, project_id: ProjectId) -> Result<Project, Error> {
    let found = sql::project_by(&backend.pool, scope, today(backend, scope), Some(project_id), None).await?;
    Ok(found.ok_or(Problem::NotFound)?)
}

/// The team with this slug, for callers who see all that it owns.
///
/// # Errors
/// [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn team_by_slug(backend: &Backend, scope: &OrgScope, slug: &str) -> Result<Team, Error> {
    let found = sql::team_by(&backend.pool, scope, None, Some(slug)).await?;
    Ok(found.filter(|team| scope.sees_team(team.team_id)).ok_or(Problem::NotFound)?)
}

/// Who owned the project when, in order of time; every day has exactly one owner.
///
/// # Errors
/// [`Problem::NotFound`], also when the caller does not see it; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn ownership(backend: &Backend, scope: &OrgScope, project_id: ProjectId) -> Result<Vec<Ownership>, Error> {
    let spans = sql::ownership(&backend.pool, scope, Some(project_id)).await?;
    if spans.is_empty() { Err(Problem::NotFound.into()) } else { Ok(spans) }
}

/// Who owned which visible project when, by project and in order of time.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn all_ownership(backend: &Backend, scope: &OrgScope) -> Result<Vec<Ownership>, Error> {
    sql::ownership(&backend.pool, scope, None).await
}

/// A visible project that is not archived.
pub(crate) async fn live_project_in(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    project_id: ProjectId,
) -> Result<Option<Project>, Error> {
    let found = sql::project_by(connection, scope, today(backend, scope), Some(project_id), None).await?;
    Ok(found.filter(|project| project.archived_at.is_none()))
}

/// The project with this slug, created under the first team in use if there is none.
pub(crate) async fn ensure_project_in(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    name: &str,
) -> Result<Project, Error> {
    let words = Words::parse(name, "", "")?;
    let today = today(backend, scope);
    if let Some(project) = sql::project_by(&mut *connection, scope, today, None, Some(words.slug.as_str())).await? {
        return Ok(project);
    }
    let teams = sql::teams(&mut *connection, scope, today, MAX_TEAMS).await?;
    let team = match teams.into_iter().find(|team| team.archived_at.is_none()) {
        Some(team) => team,
        None => {
            create_team_in(backend, scope, connection, NewTeam { name: "Main".to_owned(), ..NewTeam::default() })
                .await?
        }
    };
    let new = NewProject {
        name: name.to_owned(),
        slug: words.slug.into(),
        cost_centre: String::new(),
        team_id: team.team_id,
    };
    create_project_in(backend, scope, connection, new).await
}

async fn project_in(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    project_id: ProjectId,
) -> Result<Project, Error> {
    let found = sql::project_by(connection, scope, today(backend, scope), Some(project_id), None).await?;
    Ok(found.ok_or(Problem::NotFound)?)
}

async fn live_team(scope: &OrgScope, connection: &mut PgConnection, team_id: TeamId) -> Result<Team, Error> {
    sql::lock_team(connection, scope, team_id).await?;
    let team = sql::team_by(connection, scope, Some(team_id), None).await?;
    let unknown = || Problem::field("team_id", "unknown", "Choose a team of this organization that is in use.");
    Ok(team.filter(|team| team.archived_at.is_none()).ok_or_else(unknown)?)
}

async fn change_team(
    backend: &Backend,
    scope: &OrgScope,
    team_id: TeamId,
    action: &str,
    change: impl FnOnce(Team) -> (Team, String),
) -> Result<Team, Error> {
    let mut transaction = backend.pool.begin().await?;
    sql::lock_team(&mut transaction, scope, team_id).await?;
    let team = sql::team_by(&mut *transaction, scope, Some(team_id), None).await?.ok_or(Problem::NotFound)?;
    let (changed, detail) = change(team.clone());
    let put_away = changed.archived_at.is_some() && team.archived_at.is_none();
    if put_away
        && sql::holds_live_projects(&mut transaction, scope, Level::Team, team_id.0, today(backend, scope)).await?
    {
        return Err(Problem::conflict("This team still owns projects. Move or archive them first.").into());
    }
    if changed != team {
        sql::update_team(&mut transaction, scope, &changed).await?;
        audit::record(backend, scope, &mut transaction, action, &detail).await?;
    }
    transaction.commit().await?;
    Ok(changed)
}

async fn change_project(
    backend: &Backend,
    scope: &OrgScope,
    project_id: ProjectId,
    action: &str,
    change: impl FnOnce(Project) -> (Project, String),
) -> Result<Project, Error> {
    let mut transaction = backend.pool.begin().await?;
    sql::lock_project(&mut transaction, scope, project_id).await?;
    let project = project_in(backend, scope, &mut transaction, project_id).await?;
    let (changed, detail) = change(project.clone());
    if changed != project {
        sql::update_project(&mut transaction, scope, &changed).await?;
        audit::record(backend, scope, &mut transaction, action, &detail).await?;
    }
    transaction.commit().await?;
    Ok(changed)
}

fn today(backend: &Backend, scope: &OrgScope) -> NaiveDate {
    scope.zone().day_of(backend.clock.now())
}

fn slug_taken() -> Problem {
    Problem::field("slug", "taken", "This short name is taken. Choose another one.")
}

fn archive_words(noun: &str, archive: bool) -> (&'static str, &'static str) {
    match (noun, archive) {
        ("team", true) => ("team.archived", "Archived"),
        ("team", false) => ("team.restored", "Restored"),
        (_, true) => ("project.archived", "Archived"),
        (_, false) => ("project.restored", "Restored"),
    }
}

fn describe(name: &str, cost_centre: Option<&str>) -> String {
    match cost_centre {
        Some(code) => format!("name {name}, cost centre {code}"),
        None => format!("name {name}, no cost centre"),
    }
}

impl Change {
    fn parse(&self) -> Result<(String, Option<String>), Problem> {
        let words = Words::parse(&self.name, "x", &self.cost_centre)?;
        Ok((words.name, words.cost_centre))
    }
}

/// The checked words of a team or project.
struct Words {
    name: String,
    slug: Slug,
    cost_centre: Option<String>,
}

impl Words {
    /// Every wrong field is named, not only the first.
    fn parse(name: &str, slug: &str, cost_centre: &str) -> Result<Self, Problem> {
        let name = parse_name("name", name);
        let slug = match slug.trim() {
            "" => Slug::from_name(name.as_deref().unwrap_or("x")).ok_or_else(|| {
                FieldProblem::new("slug", "required", "Enter a short name of lower-case letters, such as support-bot.")
            }),
            typed => Slug::parse(typed),
        };
        match (name, slug, parse_cost_centre(cost_centre)) {
            (Ok(name), Ok(slug), Ok(cost_centre)) => Ok(Self { name, slug, cost_centre }),
            (name, slug, cost_centre) => {
                Err(Problem::invalid([name.err(), slug.err(), cost_centre.err()].into_iter().flatten().collect()))
            }
        }
    }
}
