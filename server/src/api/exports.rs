//! `GET /v1/export/focus`: spend as a FOCUS dataset, and what is not in it.

use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use crate::focus;
use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::NaiveDate;
use domain::focus::manifest::{Manifest, UnpricedModel};
use domain::focus::query::FocusQuery;
use domain::money;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(focus_export)).routes(routes!(focus_manifest))
}

/// What an export is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `FocusQuery`; here for the description")]
struct FocusParameters {
    /// `1.2` (default), `1.3` or `1.4`.
    #[param(example = "1.2")]
    version: Option<String>,
    /// First day in the organization's zone.
    #[param(example = "2026-11-01")]
    from: String,
    /// The day after the last.
    #[param(example = "2026-12-01")]
    to: String,
    /// `day` (default) or `hour` of the organization's zone: what a row adds up.
    bucket: Option<String>,
    /// At most ten of `feature`, `environment`, `customer`, `user`, `cohort`, `step`, `operation`, `api_key`, `tag.<key>`, with commas between: rows are apart by them, and they stand in `Tags`. None by default.
    #[param(example = "customer,tag.prompt_version")]
    tags: Option<String>,
    /// `csv` (default) or `parquet`.
    format: Option<String>,
}

/// What an export adds up to, and what is not in it.
#[derive(Debug, Serialize, ToSchema)]
struct ManifestDocument {
    /// FOCUS version.
    version: &'static str,
    /// First day in the organization's zone.
    from: NaiveDate,
    /// The day after the last.
    to: NaiveDate,
    /// IANA name of the organization's zone, whose hours, days and months the rows are.
    time_zone: String,
    /// Sum of `BilledCost` over all rows, which is the spend of the same days everywhere: a decimal string with 12 places.
    #[schema(example = "12.345600000000")]
    billed_cost: String,
    /// ISO 4217 code.
    currency: &'static str,
    /// Attempts in the span, priced or not.
    requests: i64,
    /// Attempts that are in no row because their cost is not known.
    unpriced_requests: i64,
    /// The same by model, most requests first; of days whose events are no longer kept there are none.
    unpriced: Vec<ExportUnpricedDocument>,
    /// The first day with rows by price: earlier ones are sums by day and meter, because their events are no longer kept. Null where all are kept.
    priced_from: Option<NaiveDate>,
}

/// Usage of a model without a price: in no row, so that nothing looks free.
#[derive(Debug, Serialize, ToSchema)]
struct ExportUnpricedDocument {
    /// Who sells the model, as sent.
    provider: String,
    /// The model, as sent.
    model: String,
    /// Attempts without a known cost.
    requests: i64,
    /// Their tokens.
    tokens: i64,
    /// What they cost at most, an estimate: a decimal string with 12 places.
    #[schema(example = "12.345600000000")]
    cost_at_most: String,
}

impl From<Manifest> for ManifestDocument {
    fn from(manifest: Manifest) -> Self {
        let unpriced = |model: UnpricedModel| ExportUnpricedDocument {
            provider: model.provider,
            model: model.model,
            requests: model.requests,
            tokens: model.tokens,
            cost_at_most: money::exact(model.upper_bound),
        };
        Self {
            version: manifest.query.version.as_str(),
            from: manifest.query.period.from,
            to: manifest.query.period.to,
            time_zone: manifest.time_zone,
            billed_cost: money::exact(manifest.billed),
            currency: "USD",
            requests: manifest.requests,
            unpriced_requests: manifest.unpriced_requests,
            unpriced: manifest.unpriced.into_iter().map(unpriced).collect(),
            priced_from: manifest.priced_from,
        }
    }
}

/// Spend as a FOCUS dataset (FinOps Open Cost and Usage Specification): one row per meter, price, project, tags and day or hour.
///
/// The sum of `BilledCost` is the spend of the same days on every page, to the last decimal. `ListCost` and `ContractedCost` are unit price times quantity exactly.
/// What moved after an event was booked stands in rows of its own (`ChargeCategory` `Adjustment` or `Credit`; `ChargeClass` `Correction` where its month had ended), with the day of the usage.
/// Usage without a price has no row: see the manifest. Answers from the sender's own cache cost nothing and have none either.
/// The file is sent while it is made: a transfer that breaks off is not complete.
#[utoipa::path(
    get,
    path = "/v1/export/focus",
    tag = "exports",
    security(("api_key" = ["read"])),
    params(FocusParameters),
    responses(
        (status = 200, description = "The dataset.", content((String = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet")))
    )
)]
async fn focus_export(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    focus::respond(&state.backend, &caller.scope, &FocusQuery::from_pairs(&pairs)?).await
}

/// What a FOCUS dataset adds up to, and the usage that is not in it.
#[utoipa::path(
    get,
    path = "/v1/export/focus/manifest",
    tag = "exports",
    security(("api_key" = ["read"])),
    params(FocusParameters),
    responses(
        (status = 200, description = "The manifest.", body = ManifestDocument)
    )
)]
async fn focus_manifest(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<ManifestDocument>, ApiError> {
    let query = FocusQuery::from_pairs(&pairs)?;
    Ok(Json(backend::exports::manifest(&state.backend, &caller.scope, &query).await?.into()))
}
