//! Organizations: founded, entered, changed.

use super::{sql, zone_changes};
use crate::projects::{NewProject, NewTeam};
use crate::{Actor, Backend, Error, OrgScope, Visible, audit, keys, projects};
use domain::identity::{Organization, Permission, Role};
use domain::ids::{OrgId, UserId};
use domain::period::Zone;
use domain::problem::Problem;
use domain::project::{Project, Slug, parse_name};
use sqlx::PgConnection;

/// Most organizations that one person may own.
const MAX_OWNED: i64 = 50;
/// Most organizations that a list shows.
const MAX_LISTED: i64 = 500;

/// What a new organization shall be, as typed.
pub(super) struct Founding<'a> {
    pub(super) owner: Option<UserId>,
    pub(super) name: &'a str,
    pub(super) time_zone: &'a str,
    /// Name or slug of its first project.
    pub(super) project: &'a str,
    pub(super) is_sample: bool,
}

/// A new organization with what its first key needs.
pub(super) struct Founded {
    pub(super) organization: Organization,
    /// The founder's view; the server's own where nobody founded it.
    pub(super) scope: OrgScope,
    pub(super) project: Project,
}

/// Creates an organization owned by the user, with a team "Main" and a project "main", so that the first key has somewhere to go.
///
/// # Errors
/// [`Problem::Invalid`] naming the fields `name` and `time_zone`, [`Problem::Conflict`] when the user owns too many, [`Problem::RateLimited`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn create_organization(
    backend: &Backend,
    user_id: UserId,
    name: &str,
    time_zone: &str,
) -> Result<Organization, Error> {
    backend.guards.limits.organization(&user_id.to_string())?;
    let founding = Founding { owner: Some(user_id), name, time_zone, project: "main", is_sample: false };
    let mut transaction = backend.pool.begin().await?;
    let founded = found(backend, &mut transaction, founding).await?;
    transaction.commit().await?;
    Ok(founded.organization)
}

/// Creates an organization marked as a sample, without an owner where a command asked for it. Its first project is "main" too.
///
/// # Errors
/// As [`create_organization`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn create_sample_organization(
    backend: &Backend,
    owner: Option<UserId>,
    name: &str,
    time_zone: &str,
) -> Result<Organization, Error> {
    if let Some(owner) = owner {
        backend.guards.limits.organization(&owner.to_string())?;
    }
    let founding = Founding { owner, name, time_zone, project: "main", is_sample: true };
    let mut transaction = backend.pool.begin().await?;
    let founded = found(backend, &mut transaction, founding).await?;
    transaction.commit().await?;
    Ok(founded.organization)
}

pub(super) async fn found(
    backend: &Backend,
    connection: &mut PgConnection,
    founding: Founding<'_>,
) -> Result<Founded, Error> {
    let (name, zone) = parse(founding.name, founding.time_zone)?;
    if let Some(owner) = founding.owner
        && sql::count_owned(connection, owner).await? >= MAX_OWNED
    {
        return Err(Problem::conflict("You already own 50 organizations. Delete one first.").into());
    }
    let organization = insert(backend, connection, name, zone, founding.is_sample).await?;
    let actor = match founding.owner {
        Some(user_id) => Actor::User { user_id, role: Role::Owner },
        None => Actor::System,
    };
    let scope = OrgScope::new(organization.org_id, zone, actor, Visible::All);
    if let Some(owner) = founding.owner {
        sql::insert_member(connection, &scope, owner, (Role::Owner, &None), backend.clock.now()).await?;
    }
    let detail = format!("Created the organization {} in {}.", organization.name, zone.name());
    audit::record(backend, &scope, connection, "organization.created", &detail).await?;
    let main = NewTeam { name: "Main".to_owned(), ..NewTeam::default() };
    let team = projects::create_team_in(backend, &scope, connection, main).await?;
    let first = NewProject {
        name: founding.project.to_owned(),
        slug: String::new(),
        cost_centre: String::new(),
        team_id: team.team_id,
    };
    let project = projects::create_project_in(backend, &scope, connection, first).await?;
    Ok(Founded { organization, scope, project })
}

/// The checked name and zone; every wrong field is named.
pub(super) fn parse(name: &str, time_zone: &str) -> Result<(String, Zone), Problem> {
    match (parse_name("name", name), Zone::parse(time_zone)) {
        (Ok(name), Ok(zone)) => Ok((name, zone)),
        (name, zone) => Err(Problem::invalid([name.err(), zone.err()].into_iter().flatten().collect())),
    }
}

/// Takes the first free of `acme`, `acme-2` … `acme-20`, and after these one with random letters.
async fn insert(
    backend: &Backend,
    connection: &mut PgConnection,
    name: String,
    zone: Zone,
    is_sample: bool,
) -> Result<Organization, Error> {
    let base = Slug::from_name(&name).map_or_else(|| "organization".to_owned(), String::from);
    let mut organization = Organization {
        org_id: OrgId(backend.clock.new_id()),
        slug: base.clone(),
        name,
        time_zone: zone.name().to_owned(),
        currency: "USD".to_owned(),
        fiscal_year_start_month: 1,
        is_sample,
        created_at: backend.clock.now(),
        deletes_at: None,
    };
    for attempt in 2..=22 {
        if sql::insert_organization(connection, &organization).await? {
            return Ok(organization);
        }
        organization.slug = match attempt {
            ..=20 => format!("{base}-{attempt}"),
            _ => format!("{base}-{}", &backend.clock.new_id().simple().to_string()[20..]),
        };
    }
    Err(Problem::conflict("No short name is free for this name. Choose another one.").into())
}

/// The member's view of the organization with this slug.
///
/// # Errors
/// [`Problem::NotFound`] when it does not exist or the user is no member; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn scope_for_user(backend: &Backend, user_id: UserId, slug: &str) -> Result<OrgScope, Error> {
    Ok(sql::member_scope(&backend.pool, user_id, Some(slug), None, backend.clock.now())
        .await?
        .ok_or(Problem::NotFound)?)
}

/// The member's view of the organization with this id.
///
/// # Errors
/// As [`scope_for_user`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn scope_in(backend: &Backend, user_id: UserId, org_id: OrgId) -> Result<OrgScope, Error> {
    Ok(sql::member_scope(&backend.pool, user_id, None, Some(org_id), backend.clock.now())
        .await?
        .ok_or(Problem::NotFound)?)
}

/// The server's own view of an organization, for background work. It may do everything: never hand it to a caller.
///
/// # Errors
/// [`Problem::NotFound`] when it does not exist (any more); [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn system_scope(backend: &Backend, org_id: OrgId) -> Result<OrgScope, Error> {
    Ok(system_scope_if_there(backend, org_id).await?.ok_or(Problem::NotFound)?)
}

/// The same for work that came from a list: none where the organization was deleted meanwhile.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn system_scope_if_there(backend: &Backend, org_id: OrgId) -> Result<Option<OrgScope>, Error> {
    let zone = sql::zone_of(&backend.pool, org_id).await?;
    Ok(zone.map(|zone| OrgScope::new(org_id, zone, Actor::System, Visible::All)))
}

/// The server's own views of all organizations, or of the one with this slug, by slug: for commands of the server's operator. Never hand one to a caller.
///
/// # Errors
/// [`Problem::NotFound`] when the one does not exist; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn system_scopes(backend: &Backend, slug: Option<&str>) -> Result<Vec<(String, OrgScope)>, Error> {
    let found = sql::zones_by_slug(&backend.pool, slug).await?;
    if slug.is_some() && found.is_empty() {
        return Err(Problem::NotFound.into());
    }
    let scope = |org_id, zone| OrgScope::new(org_id, zone, Actor::System, Visible::All);
    Ok(found.into_iter().map(|(slug, org_id, zone)| (slug, scope(org_id, zone))).collect())
}

/// The organization of the scope.
///
/// # Errors
/// [`Problem::NotFound`] when it was deleted meanwhile; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn organization(backend: &Backend, scope: &OrgScope) -> Result<Organization, Error> {
    Ok(sql::organization(&backend.pool, scope).await?.ok_or(Problem::NotFound)?)
}

/// The organizations that the user belongs to, with their role, in order of name.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn organizations_of(backend: &Backend, user_id: UserId) -> Result<Vec<(Organization, Role)>, Error> {
    sql::organizations_of(&backend.pool, user_id, MAX_LISTED).await
}

/// What may change about an organization, as typed.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its name; the slug stays.
    pub name: String,
    /// Its reporting time zone.
    pub time_zone: String,
    /// First month of the fiscal year, 1 to 12.
    pub fiscal_year_start_month: u8,
}

/// Changes name and fiscal year, and begins a change of the zone, which [`zone_changes`] finishes in the background; the organization as it is now.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming `name`, `time_zone`, `fiscal_year_start_month`, [`Problem::Conflict`] for a zone while another change of it is under way; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn update_organization(backend: &Backend, scope: &OrgScope, change: Change) -> Result<Organization, Error> {
    scope.require(Permission::ManageOrganization)?;
    let (name, zone) = parse(&change.name, &change.time_zone)?;
    if !(1..=12).contains(&change.fiscal_year_start_month) {
        return Err(Problem::field("fiscal_year_start_month", "out_of_range", "Choose a month.").into());
    }
    let mut transaction = backend.pool.begin().await?;
    sql::lock_organization(&mut transaction, scope).await?;
    let before = sql::organization(&mut *transaction, scope).await?.ok_or(Problem::NotFound)?;
    let after = Organization { name, fiscal_year_start_month: change.fiscal_year_start_month, ..before.clone() };
    if before != after {
        sql::update_organization(&mut transaction, scope, &after).await?;
        audit::record(backend, scope, &mut transaction, "organization.changed", &difference(&before, &after)).await?;
        keys::announce_change(&mut transaction).await?;
    }
    let moves = Zone::parse(&before.time_zone).ok() != Some(zone);
    if moves {
        zone_changes::begin(backend, scope, &mut transaction, &before, zone).await?;
    }
    transaction.commit().await?;
    if moves {
        zone_changes::hurry(backend, scope).await?;
    }
    organization(backend, scope).await
}

fn difference(before: &Organization, after: &Organization) -> String {
    let mut said = Vec::new();
    if before.name != after.name {
        said.push(format!("name from {} to {}", before.name, after.name));
    }
    if before.fiscal_year_start_month != after.fiscal_year_start_month {
        let (from, to) = (before.fiscal_year_start_month, after.fiscal_year_start_month);
        said.push(format!("first month of the fiscal year from {from} to {to}"));
    }
    format!("Changed the {}.", said.join(", the "))
}
