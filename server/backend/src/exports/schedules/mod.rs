//! Scheduled exports: files of finished days in an organization's own storage.
//!
//! A schedule is looked at every day at its hour: days that ended get a file, and days that moved since their file was made (late events, repricing) get it again, under the same name.
//! A run is a row that a server claims; an object is visible only when it is whole, so an attempt that breaks off leaves nothing, and the next one begins anew.

mod network;
mod run;
mod sql;
mod store;
mod upload;

pub use run::{run_due, run_worker};

use crate::{Backend, Error, OrgScope, Secrets, audit};
use domain::export::{Destination, DestinationForm, ExportRun, Place, ScheduleForm, ScheduleState};
use domain::identity::Permission;
use domain::ids::ExportRunId;
use domain::problem::Problem;
use domain::project::Slug;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use store::Storage;

/// PostgreSQL's channel that says a run is planned.
pub const CHANNEL: &str = "export_runs";
/// Most destinations of an organization.
pub const MAX_DESTINATIONS: usize = 20;
/// Most schedules of an organization.
pub const MAX_SCHEDULES: usize = 50;
/// Runs of a list.
const MAX_RUNS: i64 = 100;
/// Longest secret, in bytes: key files of Google have two thousand and a bit.
const MAX_SECRET: usize = 16 << 10;

/// What the operator allows.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What encrypts credentials; none can be saved without.
    pub secrets: Option<Secrets>,
    /// Whether a storage may lie at a private address, and be spoken to without TLS.
    pub allow_private: bool,
}

/// Whether this server can keep credentials.
#[must_use]
pub const fn can_encrypt(backend: &Backend) -> bool {
    backend.storage.secrets.is_some()
}

/// The destinations, by name.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read all projects; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn destinations(backend: &Backend, scope: &OrgScope) -> Result<Vec<Destination>, Error> {
    scope.require_whole(Permission::Read)?;
    sql::destinations(&backend.pool, scope).await
}

/// The schedules, by name.
///
/// # Errors
/// As [`destinations`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn schedules(backend: &Backend, scope: &OrgScope) -> Result<Vec<ScheduleState>, Error> {
    scope.require_whole(Permission::Read)?;
    sql::schedules(&backend.pool, scope).await
}

/// The newest 100 runs, of one schedule or all.
///
/// # Errors
/// As [`destinations`]; [`Problem::NotFound`] where there is no such schedule.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn runs(backend: &Backend, scope: &OrgScope, schedule: Option<&str>) -> Result<Vec<ExportRun>, Error> {
    let schedule = schedule.map(known).transpose()?;
    scope.require(Permission::Read)?;
    // Whether there is one of this name is not for keys of one project to know.
    if schedule.is_some() && !scope.sees_all() {
        return Err(Problem::NotFound.into());
    }
    let schedules = schedules(backend, scope).await?;
    if schedule.as_ref().is_some_and(|name| schedules.iter().all(|known| known.schedule.name != *name)) {
        return Err(Problem::NotFound.into());
    }
    sql::runs(&backend.pool, scope, schedule.as_ref(), MAX_RUNS).await
}

/// Schedules that rest because a run was given up; none to whoever does not see all projects.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub(crate) async fn count_paused(backend: &Backend, scope: &OrgScope) -> Result<u64, Error> {
    if scope.sees_all() { sql::count_paused(&backend.pool, scope).await } else { Ok(0) }
}

/// A name that comes with an address.
fn known(name: &str) -> Result<Slug, Problem> {
    Slug::parse(name).map_err(|_| Problem::NotFound)
}

fn purpose(scope: &OrgScope, name: &Slug) -> String {
    format!("export_destinations/{}/{name}", scope.org_id())
}

/// Saves a destination with its credentials; one of the same name is replaced. Whether it is new.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming each wrong field, [`Problem::Conflict`] beyond [`MAX_DESTINATIONS`] and where this server has no key to encrypt with; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn save_destination(
    backend: &Backend,
    scope: &OrgScope,
    name: &str,
    form: &DestinationForm,
    secret: &SecretString,
) -> Result<bool, Error> {
    scope.require_whole(Permission::ManageExports)?;
    let (name, place) = read_destination(backend, name, form, secret)?;
    let Some(secrets) = &backend.storage.secrets else {
        let detail = "This server has no key to encrypt credentials with: its operator has to set SECRETS_KEY.";
        return Err(Problem::conflict(detail).into());
    };
    let sealed = secrets.seal(&purpose(scope, &name), secret, backend.clock.random())?;
    let held = sql::destinations(&backend.pool, scope).await?;
    if held.len() >= MAX_DESTINATIONS && held.iter().all(|held| held.name != name) {
        return Err(Problem::conflict(format!("An organization has at most {MAX_DESTINATIONS} destinations.")).into());
    }
    let mut transaction = backend.pool.begin().await?;
    let now = backend.clock.now();
    let is_new = sql::save_destination(&mut transaction, scope, &name, &place, &sealed, now).await?;
    let detail = format!("Saved the export destination {name}: {}.", place.label());
    audit::record(backend, scope, &mut transaction, "export_destination.saved", &detail).await?;
    transaction.commit().await?;
    Ok(is_new)
}

fn read_destination(
    backend: &Backend,
    name: &str,
    form: &DestinationForm,
    secret: &SecretString,
) -> Result<(Slug, Place), Problem> {
    let wrong_name = |wrong| domain::problem::FieldProblem { pointer: "name".to_owned(), ..wrong };
    let name = Slug::parse(name.trim()).map_err(wrong_name);
    let (name, place) = match (name, form.parse()) {
        (Ok(name), Ok(place)) => (name, place),
        (name, place) => {
            let wrong = name.err().into_iter().chain(place.err().into_iter().flatten());
            return Err(Problem::invalid(wrong.collect()));
        }
    };
    let allow_private = backend.storage.allow_private;
    if !allow_private && place.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://")) {
        return Err(Problem::field("endpoint", "plain", "Use https: credentials and costs travel there."));
    }
    if !(1..=MAX_SECRET).contains(&secret.expose_secret().trim().len()) {
        return Err(Problem::field("secret", "required", "Enter the secret, at most 16 KiB."));
    }
    store::open(&place, secret, allow_private).map_err(|wrong| Problem::invalid(vec![wrong]))?;
    Ok((name, place))
}

/// A destination's place and its storage.
async fn opened(backend: &Backend, scope: &OrgScope, name: &Slug) -> Result<(Place, Arc<dyn Storage>), Error> {
    let (place, sealed) = sql::sealed(&backend.pool, scope, name).await?.ok_or(Problem::NotFound)?;
    let secret = backend.storage.secrets.as_ref().and_then(|secrets| secrets.open(&purpose(scope, name), &sealed));
    let secret = secret.ok_or_else(|| {
        Problem::conflict("This server cannot decrypt the credentials: SECRETS_KEY is another one. Enter them again.")
    })?;
    let store = store::open(&place, &secret, backend.storage.allow_private);
    Ok((place, store.map_err(|wrong| Problem::conflict(wrong.detail))?))
}

/// Writes a small file into the storage and deletes it again; what went wrong, as the storage said it.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Conflict`] where the credentials cannot be decrypted; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn test_destination(backend: &Backend, scope: &OrgScope, name: &str) -> Result<Option<String>, Error> {
    scope.require_whole(Permission::ManageExports)?;
    let name = known(name)?;
    let (place, store) = opened(backend, scope, &name).await?;
    let object = place.object(&name, &format!("tallystick-test-{}.txt", backend.clock.new_id()));
    let error = store::test(&*store, &object).await.err().map(|failure| failure.text);
    let mut connection = backend.pool.acquire().await?;
    sql::tested(&mut connection, scope, &name, error.as_deref(), backend.clock.now()).await?;
    Ok(error)
}

/// Deletes a destination with its credentials. Files stay where they are.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Conflict`] while a schedule sends files there; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn delete_destination(backend: &Backend, scope: &OrgScope, name: &str) -> Result<(), Error> {
    scope.require_whole(Permission::ManageExports)?;
    let name = known(name)?;
    let mut transaction = backend.pool.begin().await?;
    if !sql::delete_destination(&mut transaction, scope, &name).await? {
        return Err(Problem::NotFound.into());
    }
    let detail = format!("Deleted the export destination {name} with its credentials.");
    audit::record(backend, scope, &mut transaction, "export_destination.deleted", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// Saves a schedule; one of the same name is replaced and goes on, with its history. Whether it is new.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming each wrong field, [`Problem::Conflict`] beyond [`MAX_SCHEDULES`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn save_schedule(
    backend: &Backend,
    scope: &OrgScope,
    name: &str,
    form: &ScheduleForm,
) -> Result<bool, Error> {
    scope.require_whole(Permission::ManageExports)?;
    let schedule = form.parse(name).map_err(Problem::invalid)?;
    let held = sql::schedules(&backend.pool, scope).await?;
    if held.len() >= MAX_SCHEDULES && held.iter().all(|held| held.schedule.name != schedule.name) {
        return Err(Problem::conflict(format!("An organization has at most {MAX_SCHEDULES} schedules.")).into());
    }
    let now = backend.clock.now();
    let next_at = schedule.next_at(scope.zone(), now);
    let mut transaction = backend.pool.begin().await?;
    let is_new = sql::save_schedule(&mut transaction, scope, &schedule, next_at, now).await?;
    let detail = format!(
        "Saved the export schedule {}: {} to {}, from {}:00 on.",
        schedule.name,
        schedule.cadence.as_str(),
        schedule.destination,
        schedule.hour
    );
    audit::record(backend, scope, &mut transaction, "export_schedule.saved", &detail).await?;
    transaction.commit().await?;
    Ok(is_new)
}

/// Deletes a schedule with its history. Files stay where they are.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn delete_schedule(backend: &Backend, scope: &OrgScope, name: &str) -> Result<(), Error> {
    scope.require_whole(Permission::ManageExports)?;
    let name = known(name)?;
    let mut transaction = backend.pool.begin().await?;
    if !sql::delete_schedule(&mut transaction, scope, &name).await? {
        return Err(Problem::NotFound.into());
    }
    let detail = format!("Deleted the export schedule {name}.");
    audit::record(backend, scope, &mut transaction, "export_schedule.deleted", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// Plans a file of the days that ended last, at once. A schedule that rests goes on.
///
/// # Errors
/// As [`delete_schedule`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn run_now(backend: &Backend, scope: &OrgScope, name: &str) -> Result<(), Error> {
    scope.require_whole(Permission::ManageExports)?;
    let (name, now) = (known(name)?, backend.clock.now());
    let mut transaction = backend.pool.begin().await?;
    let (schedule, _) = sql::lock_schedule(&mut transaction, scope, &name).await?.ok_or(Problem::NotFound)?;
    let span = schedule.cadence.finished(scope.zone().day_of(now));
    sql::plan(&mut transaction, scope, &name, span, ExportRunId(backend.clock.new_id()), now).await?;
    sql::set_next(&mut transaction, scope, &name, schedule.next_at(scope.zone(), now)).await?;
    audit::record(backend, scope, &mut transaction, "export_schedule.run", &format!("Ran the export schedule {name}."))
        .await?;
    sql::notify(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}
