//! `/v1/price-imports`: newer price data beside what the organization pays, taken into its own book.

use super::json::{Body, invalid};
use super::{body, prices::RowDocument};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use backend::prices::import;
use chrono::{DateTime, FixedOffset, Utc};
use domain::identity::Permission;
use domain::ids::ImportId;
use domain::money;
use domain::price::import::{
    Choice, Counts, Import, ImportEffect, ImportEntry, ImportInput, MAX_FILE_BYTES, Proposal, ProposalKind, Sums,
};
use domain::price::page::ModelName;
use domain::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, send)).routes(routes!(get)).routes(routes!(apply))
}

/// Files of prices that were sent.
#[derive(Debug, Serialize, ToSchema)]
struct ImportsDocument {
    /// Newest first.
    imports: Vec<ImportEntryDocument>,
}

/// A file of prices.
#[derive(Debug, Serialize, ToSchema)]
struct ImportEntryDocument {
    /// Its id.
    id: ImportId,
    /// When it was sent.
    created_at: DateTime<FixedOffset>,
    /// Who sent it.
    created_by: String,
    /// What it is called.
    file_name: String,
    /// The data set with its version.
    #[schema(example = "genai-prices 0.2.4")]
    source: String,
    /// Since when changes without a date hold.
    valid_from: DateTime<Utc>,
    /// What it proposed when it was sent.
    proposed: Counts,
    /// Prices that were entered from it so far.
    applied: u64,
}

/// A file of prices with what it still proposes.
#[derive(Debug, Serialize, ToSchema)]
struct ImportDocument {
    #[serde(flatten)]
    entry: ImportEntryDocument,
    /// What would be added to the organization's own book as it is now.
    proposals: Vec<ProposalDocument>,
    /// Prices that the organization had already when it was sent.
    unchanged: u64,
    /// Models of the same sources that the file did not mention: they stay as they are.
    unlisted_models: u64,
    /// What could not be taken from the file.
    left_out: Vec<LeftOutDocument>,
    /// What the proposals would have meant for the 30 days before it was sent, had they held all through them; null for keys that may not read.
    effect: Option<ImportEffectDocument>,
}

/// One dated addition.
#[derive(Debug, Serialize, ToSchema)]
struct ProposalDocument {
    /// Names it when it is applied; it stays as long as the book stays.
    id: u64,
    /// What it does.
    kind: ProposalKind,
    /// Provider of the model.
    provider: String,
    /// The model.
    model: String,
    /// Holds from then on; null means for all time before too.
    valid_from: Option<DateTime<Utc>>,
    /// What holds until then; null where nothing does.
    before: Option<RowDocument>,
    /// What holds from then on; null where the price ends.
    after: Option<RowDocument>,
    /// Why it needs a confirmation: such a proposal is entered only when it is named.
    doubts: Vec<String>,
}

/// Something that was left out.
#[derive(Debug, Serialize, ToSchema)]
struct LeftOutDocument {
    /// What, and why.
    what: String,
    /// How often.
    count: u64,
}

/// What proposals would have meant for usage that is over: every event is rated again as of its own time.
#[derive(Debug, Serialize, ToSchema)]
struct ImportEffectDocument {
    /// Events from this instant on.
    from: DateTime<Utc>,
    /// Events before this instant.
    to: DateTime<Utc>,
    /// Whether there were too many events, so that these are only the newest.
    cut: bool,
    /// All models that change.
    total: EffectSumsDocument,
    /// By model, the largest change first.
    models: Vec<ModelEffectDocument>,
}

/// The effect on one model.
#[derive(Debug, Serialize, ToSchema)]
struct ModelEffectDocument {
    /// Provider of the model.
    provider: String,
    /// The model.
    model: String,
    #[serde(flatten)]
    sums: EffectSumsDocument,
}

/// What events cost, and what they would have cost.
#[derive(Debug, Serialize, ToSchema)]
struct EffectSumsDocument {
    /// Events of models that change.
    events: u64,
    /// Events among these that have no price and would get one.
    priced: u64,
    /// Cost with the prices that hold.
    before: String,
    /// Cost with everything that needs no confirmation.
    after_sure: String,
    /// Cost with all proposals.
    after_all: String,
}

/// What is said of a file.
#[derive(Debug, Default)]
struct Sent {
    file_name: String,
    version: String,
    from: String,
}

impl Sent {
    fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut sent = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "file_name" => sent.file_name = value,
                "version" => sent.version = value,
                "from" => sent.from = value,
                _ => {
                    let detail = format!("`{name}` is not a parameter.");
                    return Err(Problem::field(name, "unknown", detail));
                }
            }
        }
        Ok(sent)
    }
}

/// What is to be entered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Chosen {
    /// Ids of proposals; naming one that needs a confirmation confirms it. Everything that needs none when missing.
    #[schema(max_items = 5000)]
    proposals: Option<Vec<u64>>,
    /// Stands in the history of the own book.
    #[schema(max_length = 500, example = "Price list of November")]
    reason: String,
}

impl From<ImportEntry> for ImportEntryDocument {
    fn from(entry: ImportEntry) -> Self {
        Self {
            id: entry.import_id,
            created_at: entry.created_at,
            created_by: entry.created_by,
            file_name: entry.file_name,
            source: entry.source,
            valid_from: entry.from,
            proposed: entry.counts,
            applied: entry.applied,
        }
    }
}

impl From<Proposal> for ProposalDocument {
    fn from(proposal: Proposal) -> Self {
        let ModelName { provider, model } = proposal.model();
        Self {
            id: proposal.id(),
            kind: proposal.kind,
            provider,
            model,
            valid_from: proposal.from,
            doubts: proposal.warnings.iter().map(domain::price::PriceWarning::detail).collect(),
            before: proposal.before.map(RowDocument::of),
            after: proposal.after.map(RowDocument::of),
        }
    }
}

impl From<&Sums> for EffectSumsDocument {
    fn from(sums: &Sums) -> Self {
        Self {
            events: sums.events,
            priced: sums.priced,
            before: money::exact(sums.before),
            after_sure: money::exact(sums.sure),
            after_all: money::exact(sums.all),
        }
    }
}

impl From<ImportEffect> for ImportEffectDocument {
    fn from(effect: ImportEffect) -> Self {
        let of_model = |row: domain::price::import::ModelEffect| ModelEffectDocument {
            sums: (&row.sums).into(),
            provider: row.model.provider,
            model: row.model.model,
        };
        Self {
            from: effect.from,
            to: effect.to,
            cut: effect.cut,
            total: (&effect.total).into(),
            models: effect.models.into_iter().map(of_model).collect(),
        }
    }
}

impl ImportDocument {
    /// What the caller may see of it: spend is for those who read.
    fn of(import: Import, caller: &ApiCaller) -> Self {
        let reads = caller.scope.may(Permission::Read);
        Self {
            entry: import.entry.into(),
            proposals: import.proposals.into_iter().map(Into::into).collect(),
            unchanged: import.unchanged,
            unlisted_models: import.unlisted_models,
            left_out: import.left_out.into_iter().map(|(what, count)| LeftOutDocument { what, count }).collect(),
            effect: reads.then(|| import.effect.into()),
        }
    }
}

/// Lists the files of prices that were sent, newest first.
#[utoipa::path(
    get,
    path = "/v1/price-imports",
    tag = "prices",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The imports.", body = ImportsDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn list(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<ImportsDocument>, ApiError> {
    let imports = import::list(&state.backend, &caller.scope).await?;
    Ok(Json(ImportsDocument { imports: imports.into_iter().map(Into::into).collect() }))
}

/// Compares a file of prices with what the organization pays. Nothing is entered yet.
///
/// Three forms are understood: `providers.json` of genai-prices, `model_prices_and_context_window.json` of LiteLLM, and tab-separated records as the program's own seed has them.
/// The list price book belongs to all organizations and stays as it is; what is applied goes into the organization's own book.
#[utoipa::path(
    post,
    path = "/v1/price-imports",
    tag = "prices",
    security(("api_key" = ["admin"])),
    params(
        ("file_name" = Option<String>, Query, description = "What the file is called.", example = "providers.json"),
        ("version" = Option<String>, Query, description = "What its rows are said to come from, for data that does not name its version; the day when missing.", max_length = 100, example = "0.2.4"),
        ("from" = Option<String>, Query, description = "Since when changes without a date hold: a day of the organization's zone or an instant; today when missing.", example = "2026-11-20")
    ),
    request_body(content = String, content_type = "text/plain", description = "The file, at most 8 MiB after decompression."),
    responses(
        (status = 201, description = "It is compared; nothing is entered yet.", body = ImportDocument, headers(("Location" = String, description = "The import."))),
        (status = 400, description = "The body is no price data, or a parameter is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "More than 8 MiB after decompression.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "Another encoding.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn send(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
    body: axum::body::Body,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ImportDocument>), ApiError> {
    caller.scope.require(Permission::ManagePrices)?;
    let sent = Sent::from_pairs(pairs)?;
    let bytes = body::read(body, MAX_FILE_BYTES).await?;
    let input = ImportInput::read(&sent.file_name, &bytes, &sent.version, &sent.from).map_err(Problem::invalid)?;
    let sent = import::draft(&state.backend, &caller.scope, input).await?;
    let at = format!("/v1/price-imports/{}", sent.entry.import_id);
    Ok((StatusCode::CREATED, [(header::LOCATION, at)], Json(ImportDocument::of(sent, &caller))))
}

/// Shows a file of prices with what it still proposes beside the prices of now.
#[utoipa::path(
    get,
    path = "/v1/price-imports/{import_id}",
    tag = "prices",
    security(("api_key" = ["read"])),
    params(("import_id" = Uuid, Path, description = "Id of the import.")),
    responses(
        (status = 200, description = "The import.", body = ImportDocument)
    )
)]
async fn get(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(import_id): Path<String>,
) -> Result<Json<ImportDocument>, ApiError> {
    let found = import::import(&state.backend, &caller.scope, id(&import_id)?).await?;
    Ok(Json(ImportDocument::of(found, &caller)))
}

/// Enters proposals into the organization's own book, as one change that can be undone.
///
/// Every model that changes gets all of its prices as own prices from that day on, so that nothing else is charged otherwise than before.
/// Recorded events keep their cost until somebody reprices them.
#[utoipa::path(
    post,
    path = "/v1/price-imports/{import_id}/apply",
    tag = "prices",
    security(("api_key" = ["admin"])),
    params(("import_id" = Uuid, Path, description = "Id of the import.")),
    request_body = Chosen,
    responses(
        (status = 200, description = "They are entered; the rest is still proposed.", body = ImportDocument),
        (status = 400, description = "The reason is missing or too long, or nothing is named.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "There is nothing to enter, or the book has changed since.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn apply(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(import_id): Path<String>,
    Body(chosen): Body<Chosen>,
) -> Result<Json<ImportDocument>, ApiError> {
    let choice = match chosen.proposals {
        Some(ids) if ids.is_empty() => {
            let wrong = domain::problem::FieldProblem::new("proposals", "required", "Name what is to be entered.");
            return Err(invalid(vec![wrong]).into());
        }
        Some(ids) => Choice::These(ids),
        None => Choice::Sure,
    };
    let applied = import::apply(&state.backend, &caller.scope, id(&import_id)?, &choice, &chosen.reason).await?;
    Ok(Json(ImportDocument::of(applied, &caller)))
}

fn id(text: &str) -> Result<ImportId, Problem> {
    text.parse().map_err(|_| Problem::NotFound)
}
