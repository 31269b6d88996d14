//! Annotations: what happened when, entered by people and pipelines, beside what the price book knows.

mod sql;

use crate::{Backend, Error, OrgScope, audit, identity, prices, projects};
use chrono::Duration;
use domain::annotation::{Annotation, AnnotationForm, MAX_ANNOTATIONS, NewAnnotation};
use domain::budget::SpendScope;
use domain::identity::{KeyScope, Permission};
use domain::ids::AnnotationId;
use domain::period::Period;
use domain::problem::Problem;

/// Most of one period, the newest.
pub const MAX_LISTED: i64 = 500;
/// How long a deleted annotation can be restored, in days.
const RESTORABLE_DAYS: i64 = 30;

/// What was recorded of a period, in order of time: of the whole organization all that the reader sees; of a team or a project what concerns it, or everybody.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    period: Period,
) -> Result<Vec<Annotation>, Error> {
    scope.require(Permission::Read)?;
    sql::list(&backend.pool, scope, part, scope.zone().instants(period)).await
}

/// [`list`], and for those who see prices, which of them changed then of models that were used.
///
/// # Errors
/// As [`list`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn happened(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    period: Period,
) -> Result<Vec<Annotation>, Error> {
    let prices = async {
        let may = scope.may(Permission::ReadPrices);
        if may { prices::changed(backend, scope, period).await } else { Ok(Vec::new()) }
    };
    let (mut all, prices) = futures::try_join!(list(backend, scope, part, period), prices)?;
    all.extend(prices.iter().map(|change| change.annotation(scope.zone())));
    all.sort_by_key(|annotation| annotation.from);
    Ok(all)
}

/// One annotation that the reader sees.
///
/// # Errors
/// As [`list`]; `NotFound`.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn find(backend: &Backend, scope: &OrgScope, annotation_id: AnnotationId) -> Result<Annotation, Error> {
    scope.require(Permission::Read)?;
    Ok(sql::find(&backend.pool, scope, sql::By::Id(annotation_id), false).await?.ok_or(Problem::NotFound)?)
}

/// What became of an annotation that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is new.
    New(Annotation),
    /// It was recorded before under the same id.
    Duplicate(Annotation),
}

/// Records an annotation: for keys with the scope `ingest` and members with the permission.
///
/// # Errors
/// `Forbidden` otherwise; `Invalid` for a project or team that there is not; `Conflict` for an id that says something else already, or where there are as many as there may be; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn record(backend: &Backend, scope: &OrgScope, new: &NewAnnotation) -> Result<Recorded, Error> {
    if scope.key_id().is_some() {
        scope.require_key_scope(KeyScope::Ingest)?;
    } else {
        scope.require(Permission::ManageViews)?;
    }
    if !scope.sees_all() && new.project.is_none() {
        let detail = "You see some projects only: name one of them.";
        return Err(Problem::field("project", "required", detail).into());
    }
    let part = part_of(backend, scope, new).await?;
    let (annotation_id, now) = (AnnotationId(backend.clock.new_id()), backend.clock.now());
    let mut transaction = backend.pool.begin().await?;
    identity::lock_organization(&mut transaction, scope).await?;
    if let Some(sent_id) = &new.sent_id
        && let Some(known) = sql::find(&mut *transaction, scope, sql::By::SentId(sent_id), true).await?
    {
        return if known.form().parse(scope.zone()).as_ref() == Ok(new) {
            Ok(Recorded::Duplicate(known))
        } else {
            Err(Problem::conflict(format!("The id {sent_id} was recorded with other content.")).into())
        };
    }
    if sql::count(&mut transaction, scope).await? >= MAX_ANNOTATIONS {
        return Err(Problem::conflict(format!("An organization has at most {MAX_ANNOTATIONS} annotations.")).into());
    }
    sql::forget(&mut transaction, scope, now - Duration::days(RESTORABLE_DAYS)).await?;
    sql::insert(&mut transaction, scope, annotation_id, new, part, now).await.map_err(|error| taken(error, new))?;
    if scope.user_id().is_some() {
        let detail = format!("Recorded the annotation {}.", new.text);
        audit::record(backend, scope, &mut transaction, "annotation.recorded", &detail).await?;
    }
    let made = sql::find(&mut *transaction, scope, sql::By::Id(annotation_id), false).await?;
    transaction.commit().await?;
    Ok(Recorded::New(made.ok_or(Problem::NotFound)?))
}

/// An id whose annotation the caller does not see.
fn taken(error: Error, new: &NewAnnotation) -> Error {
    match error.constraint() {
        Some("annotations_sent_id_key") => {
            let sent_id = new.sent_id.as_deref().unwrap_or_default();
            Problem::conflict(format!("The id {sent_id} was recorded with other content.")).into()
        }
        _ => error,
    }
}

async fn part_of(backend: &Backend, scope: &OrgScope, new: &NewAnnotation) -> Result<SpendScope, Error> {
    let unknown = |field: &str, error: Error| match error.into_problem() {
        Problem::NotFound => Problem::field(field, "unknown", format!("There is no such {field}.")).into(),
        problem => Error::Problem(problem),
    };
    match (&new.project, &new.team) {
        (Some(slug), _) => {
            let project = projects::by_slug(backend, scope, slug).await;
            Ok(SpendScope::Project(project.map_err(|error| unknown("project", error))?.project_id))
        }
        (None, Some(slug)) => {
            let team = projects::team_by_slug(backend, scope, slug).await;
            Ok(SpendScope::Team(team.map_err(|error| unknown("team", error))?.team_id))
        }
        (None, None) => Ok(SpendScope::Organization),
    }
}

/// Says something else in an annotation's place; the sender's id stays.
///
/// # Errors
/// `Forbidden` without the permission; `NotFound`; `Invalid` for every wrong field; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn change(
    backend: &Backend,
    scope: &OrgScope,
    annotation_id: AnnotationId,
    change: impl FnOnce(AnnotationForm) -> AnnotationForm + Send,
) -> Result<Annotation, Error> {
    scope.require(Permission::ManageViews)?;
    let before = sql::find(&backend.pool, scope, sql::By::Id(annotation_id), false).await?;
    let before = before.ok_or(Problem::NotFound)?;
    let form = AnnotationForm { id: before.sent_id.clone().unwrap_or_default(), ..change(before.form()) };
    let new = form.parse(scope.zone()).map_err(Problem::invalid)?;
    let part = part_of(backend, scope, &new).await?;
    let mut transaction = backend.pool.begin().await?;
    sql::update(&mut transaction, scope, annotation_id, &new, part).await?;
    let detail = if before.text == new.text {
        format!("Changed the annotation {}.", new.text)
    } else {
        format!("Changed the annotation {}, now {}.", before.text, new.text)
    };
    audit::record(backend, scope, &mut transaction, "annotation.changed", &detail).await?;
    let after = sql::find(&mut *transaction, scope, sql::By::Id(annotation_id), false).await?;
    transaction.commit().await?;
    Ok(after.ok_or(Problem::NotFound)?)
}

/// Deletes an annotation; [`restore`] brings it back for 30 days.
///
/// # Errors
/// `Forbidden` without the permission; `NotFound`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn delete(backend: &Backend, scope: &OrgScope, annotation_id: AnnotationId) -> Result<(), Error> {
    set_deleted(backend, scope, annotation_id, true).await
}

/// Brings back an annotation that was deleted; one that is there stays as it is.
///
/// # Errors
/// As [`delete`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn restore(backend: &Backend, scope: &OrgScope, annotation_id: AnnotationId) -> Result<(), Error> {
    set_deleted(backend, scope, annotation_id, false).await
}

async fn set_deleted(
    backend: &Backend,
    scope: &OrgScope,
    annotation_id: AnnotationId,
    deleted: bool,
) -> Result<(), Error> {
    scope.require(Permission::ManageViews)?;
    let mut transaction = backend.pool.begin().await?;
    let found = sql::find(&mut *transaction, scope, sql::By::Id(annotation_id), !deleted).await?;
    let found = found.ok_or(Problem::NotFound)?;
    let at = deleted.then(|| backend.clock.now());
    if sql::set_deleted(&mut transaction, scope, annotation_id, at).await? {
        let (action, said) =
            if deleted { ("annotation.deleted", "Deleted") } else { ("annotation.restored", "Restored") };
        let detail = format!("{said} the annotation {}.", found.text);
        audit::record(backend, scope, &mut transaction, action, &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}
