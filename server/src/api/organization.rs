//! `/v1/organization`: the organization of the key, and how it keeps and counts events.

use super::json::{Body, invalid};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backend::{Backend, Error, OrgScope, events, identity, ledger};
use chrono::{DateTime, Utc};
use domain::problem::Problem;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read, change))
}

/// An organization and its policies.
#[derive(Debug, Serialize, ToSchema)]
struct OrganizationDocument {
    /// The part of its pages' addresses: `/o/{slug}`.
    slug: String,
    name: String,
    /// IANA name of the reporting time zone.
    time_zone: String,
    /// ISO 4217 code.
    currency: String,
    /// First month of the fiscal year, 1 to 12.
    fiscal_year_start_month: u8,
    /// For how many days events are kept; null means for ever. Sums stay in any case.
    retention_days: Option<u32>,
    /// Whether a possible duplicate is left out and listed as rejected, instead of being recorded and marked.
    drop_possible_duplicates: bool,
    /// When the organization will be deleted with everything in it; null unless somebody asked for it. Until then nothing is recorded.
    deletes_at: Option<DateTime<Utc>>,
}

impl OrganizationDocument {
    async fn of(backend: &Backend, scope: &OrgScope) -> Result<Self, Error> {
        // Both ask whether the caller may read at all.
        let retention_days = ledger::retention(backend, scope).await?;
        let drop_possible_duplicates = events::drops_possible_duplicates(backend, scope).await?;
        let organization = identity::organization(backend, scope).await?;
        Ok(Self {
            slug: organization.slug,
            name: organization.name,
            time_zone: organization.time_zone,
            currency: organization.currency,
            fiscal_year_start_month: organization.fiscal_year_start_month,
            retention_days,
            drop_possible_duplicates,
            deletes_at: organization.deletes_at,
        })
    }
}

/// What shall change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrganizationChangeDocument {
    /// For how many days events are kept from now on, 34 to 3,653; null keeps them for ever. What has left does not come back.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 34, maximum = 3653)]
    retention_days: Option<Option<u32>>,
    /// Whether possible duplicates are left out from now on.
    drop_possible_duplicates: Option<bool>,
}

/// Tells null from nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// Reads the organization of the key.
#[utoipa::path(
    get,
    path = "/v1/organization",
    tag = "organization",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The organization.", body = OrganizationDocument)
    )
)]
async fn read(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<OrganizationDocument>, ApiError> {
    Ok(Json(OrganizationDocument::of(&state.backend, &caller.scope).await?))
}

/// Changes how events are kept and counted from now on.
///
/// It needs a key for all projects with the scope `admin`. What is recorded stays counted; events that become too old leave by whole months.
#[utoipa::path(
    patch,
    path = "/v1/organization",
    tag = "organization",
    security(("api_key" = ["admin"])),
    request_body(content = OrganizationChangeDocument, example = json!({"retention_days": 400, "drop_possible_duplicates": true})),
    responses(
        (status = 204, description = "It holds from now on.")
    )
)]
async fn change(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(change): Body<OrganizationChangeDocument>,
) -> Result<StatusCode, ApiError> {
    let (backend, scope) = (&state.backend, &caller.scope);
    scope.require(domain::identity::Permission::ManageOrganization)?;
    if let Some(days) = change.retention_days {
        ledger::set_retention(backend, scope, days).await.map_err(pointed)?;
    }
    if let Some(drop) = change.drop_possible_duplicates {
        events::set_drops_possible_duplicates(backend, scope, drop).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The verb names the form's field, the body has another.
fn pointed(error: Error) -> ApiError {
    match error.into_problem() {
        Problem::Invalid { fields, .. } => {
            let named = fields.into_iter().map(|mut field| {
                field.pointer = "retention_days".to_owned();
                field
            });
            invalid(named.collect()).into()
        }
        other => other.into(),
    }
}
