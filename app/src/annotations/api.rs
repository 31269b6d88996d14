//! Doors for annotations.

use super::path;
use crate::caller::Caller;
use crate::error::AppError;
use crate::layout::UrlQuery;
use backend::annotations;
use chrono::NaiveDate;
use domain::annotation::AnnotationForm;
use domain::ids::AnnotationId;
use domain::period::Period;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos_axum::redirect;

/// Records an annotation.
#[server(prefix = "/fn", endpoint = "annotations/record")]
pub async fn record_annotation(
    /// Slug of the organization.
    org: String,
    /// `deploy`, `price_change`, `incident` or `other`.
    kind: String,
    /// What happened.
    text: String,
    /// A day, or an instant.
    at: String,
    /// Its last day, or an instant.
    #[server(default)]
    until: String,
    /// Slug of the project that it concerns alone.
    #[server(default)]
    project: String,
    /// Slug of the team that it concerns alone.
    #[server(default)]
    team: String,
    /// Where more is said.
    #[server(default)]
    link: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let form = AnnotationForm { id: String::new(), kind, text, at, until, project, team, link };
    let new = form.parse(scope.zone()).map_err(Problem::invalid)?;
    annotations::record(&backend, &scope, &new).await?;
    lead_to(&org, scope.zone().day_of(new.from), "recorded");
    Ok(())
}

/// Changes an annotation.
#[server(prefix = "/fn", endpoint = "annotations/change")]
pub async fn change_annotation(
    /// Slug of the organization.
    org: String,
    /// Id of the annotation.
    annotation: String,
    /// `deploy`, `price_change`, `incident` or `other`.
    kind: String,
    /// What happened.
    text: String,
    /// A day, or an instant.
    at: String,
    /// Its last day, or an instant.
    #[server(default)]
    until: String,
    /// Slug of the project that it concerns alone.
    #[server(default)]
    project: String,
    /// Slug of the team that it concerns alone.
    #[server(default)]
    team: String,
    /// Where more is said.
    #[server(default)]
    link: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let over = |form: AnnotationForm| AnnotationForm { id: form.id, kind, text, at, until, project, team, link };
    let day = annotations::change(&backend, &scope, id(&annotation)?, over).await?.day();
    lead_to(&org, day, "changed");
    Ok(())
}

/// Deletes an annotation; it can be restored for a while.
#[server(prefix = "/fn", endpoint = "annotations/delete")]
pub async fn delete_annotation(
    /// Slug of the organization.
    org: String,
    /// Id of the annotation.
    annotation: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let id = id(&annotation)?;
    annotations::delete(&backend, &scope, id).await?;
    redirect(&format!("{}?removed={id}", path(&org)));
    Ok(())
}

/// Restores an annotation that was deleted.
#[server(prefix = "/fn", endpoint = "annotations/restore")]
pub async fn restore_annotation(
    /// Slug of the organization.
    org: String,
    /// Id of the annotation.
    annotation: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    annotations::restore(&backend, &scope, id(&annotation)?).await?;
    redirect(&format!("{}?notice=restored", path(&org)));
    Ok(())
}

/// To the month in which it stands.
fn lead_to(org: &str, day: NaiveDate, notice: &str) {
    redirect(&UrlQuery::days(Period::month_of(day)).and("notice", notice).at(&path(org)));
}

fn id(text: &str) -> Result<AnnotationId, Problem> {
    text.parse().map_err(|_| Problem::NotFound)
}
