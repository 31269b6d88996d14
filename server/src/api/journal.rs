//! `/v1/statements/{month}/journal` and `/v1/journal-settings`: statements as entries for a general ledger.
//!
//! `POST` records an export and is harmless to repeat; `GET`, which has to be safe, gives the file of what was recorded. So nothing that fetches ahead or twice can mark a journal as exported, and no file exists that is not on record.

use super::csv;
use super::json::{Body, invalid};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use backend::journal;
use chrono::{DateTime, FixedOffset, NaiveDate};
use domain::journal::{ExportedJournal, JournalForm, JournalKind, Preset};
use domain::money::exact;
use domain::problem::Problem;
use domain::statement::{month_text, parse_month};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(file, export)).routes(routes!(settings, set_settings))
}

/// Which file.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JournalParameters {
    /// `chargeback` (of a closed month) or `accrual` (of usage that is not invoiced).
    #[param(example = "accrual", required = true)]
    kind: String,
    /// `generic` (default), `net_suite`, `xero`, `quick_books` or `oracle_gl`.
    #[param(required = false)]
    preset: String,
    /// Which file where there are several, from 1: Xero takes at most 300 lines.
    #[param(minimum = 1)]
    part: Option<usize>,
}

impl JournalParameters {
    /// Of a query: each of them once, and no other. What is wrong is told as a problem.
    pub(crate) fn of(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut told: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in pairs {
            if !["kind", "preset", "part"].contains(&name.as_str()) {
                return Err(Problem::field(&*name, "unknown", format!("`{name}` is not a parameter.")));
            }
            if told.insert(name.clone(), value).is_some() {
                return Err(Problem::field(&*name, "repeated", format!("Give `{name}` once.")));
            }
        }
        let part = told.remove("part").map(|part| part.parse()).transpose();
        let part = part.map_err(|_| Problem::field("part", "invalid", "Use a number such as 1."))?;
        let mut text = |name| told.remove(name).unwrap_or_default();
        Ok(Self { kind: text("kind"), preset: text("preset"), part })
    }

    /// What of them names the columns.
    pub(crate) fn read(&self) -> Result<(JournalKind, Preset), Problem> {
        let preset = if self.preset.is_empty() { Ok(Preset::Generic) } else { self.preset.parse() };
        Ok((self.kind.parse()?, preset?))
    }

    /// The file that they name, of all that there are.
    pub(crate) fn respond(
        &self,
        exported: &ExportedJournal,
        preset: Preset,
        files: Vec<String>,
    ) -> Result<Response, Problem> {
        let (part, count) = (self.part.unwrap_or(1), files.len());
        let of_several = if count > 1 { format!("-{part}") } else { String::new() };
        let name = format!("{}-{}{of_several}.csv", exported.journal.head.external_ref(), preset.as_str());
        let file = part.checked_sub(1).and_then(|at| files.into_iter().nth(at));
        let file = file.ok_or_else(|| Problem::field("part", "out_of_range", format!("Use 1 to {count}.")))?;
        Ok(csv::respond(&name, file))
    }
}

/// A journal that was exported.
#[derive(Debug, Serialize, ToSchema)]
struct JournalDocument {
    /// Its number in every file.
    #[schema(example = "2026-11-C1")]
    journal_id: String,
    /// Organization, month, kind and version, the same in every file: by it the receiver knows a second import.
    #[schema(example = "acme-2026-11-chargeback-v1")]
    external_ref: String,
    /// The month.
    #[schema(example = "2026-11")]
    month: String,
    kind: JournalKind,
    /// Of a chargeback that of the closed statement; of an accrual its own, one more where usage moved since the last.
    version: u32,
    /// What it books in all: a decimal string with 12 places.
    #[schema(example = "12.340000000000")]
    total: String,
    /// ISO 4217 code.
    currency: String,
    /// Day of the booking.
    posting_date: NaiveDate,
    /// Day on which an accrual is taken back; null for a chargeback.
    reversal_date: Option<NaiveDate>,
    /// In which columns it was exported first.
    preset: Preset,
    /// SHA-256 of the first file, of all its parts in their order: 64 hexadecimal digits.
    sha256: String,
    exported_at: DateTime<FixedOffset>,
    exported_by: String,
}

impl From<ExportedJournal> for JournalDocument {
    fn from(exported: ExportedJournal) -> Self {
        let total = exact(exported.journal.total());
        let head = exported.journal.head;
        Self {
            journal_id: head.journal_id(),
            external_ref: head.external_ref(),
            month: month_text(head.month),
            posting_date: head.posting_date(),
            reversal_date: head.reversal_date(),
            kind: head.kind,
            version: head.version,
            total,
            currency: head.currency,
            preset: exported.preset,
            sha256: exported.sha256,
            exported_at: exported.exported_at,
            exported_by: exported.exported_by,
        }
    }
}

/// Records a month's journal, so that its files can be fetched. Asked again for the same version it records nothing, and answers who exported it first.
///
/// A chargeback books a closed month: expense by cost centre, team and project against the platform's recovery, and the statement's markup against an account of its own. An accrual books the priced usage of any month against what is owed to its providers, and is reversed on the first day of the next; where usage moved since the last one it is another version, which stands for all of it.
/// Amounts are rounded to the currency's minor unit so that they add up to the rounded total.
#[utoipa::path(
    post,
    path = "/v1/statements/{month}/journal",
    tag = "statements",
    security(("api_key" = ["admin"])),
    params(("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11"), JournalParameters),
    responses(
        (status = 201, description = "It is recorded.", body = JournalDocument),
        (status = 200, description = "It was recorded before.", body = JournalDocument),
        (status = 409, description = "The month is not closed, or has nothing to book.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn export(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(month): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<(StatusCode, Json<JournalDocument>), ApiError> {
    let asked = (parse_month(&month)?, JournalParameters::of(pairs)?.read()?);
    let (exported, is_new) = journal::export(&state.backend, &caller.scope, asked.0, asked.1).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(exported.into())))
}

/// A file of a journal that was recorded by `POST` before; 404 until then. In any columns and however often it is fetched, it has the same references and amounts.
#[utoipa::path(
    get,
    path = "/v1/statements/{month}/journal",
    tag = "statements",
    security(("api_key" = ["read"])),
    params(("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11"), JournalParameters),
    responses(
        (status = 200, description = "The file.", content((String = "text/csv")))
    )
)]
async fn file(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(month): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let asked = JournalParameters::of(pairs)?;
    let (month, (kind, preset)) = (parse_month(&month)?, asked.read()?);
    let (exported, files) = journal::files(&state.backend, &caller.scope, month, (kind, preset)).await?;
    Ok(asked.respond(&exported, preset, files)?)
}

/// How journals are booked: the ledger's accounts, and what stands on every line.
#[utoipa::path(
    get,
    path = "/v1/journal-settings",
    tag = "statements",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The settings.", body = JournalForm)
    )
)]
async fn settings(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<JournalForm>, ApiError> {
    Ok(Json(journal::settings(&state.backend, &caller.scope).await?.into()))
}

/// Changes how journals are booked; what is left out becomes its default. Journals that were exported keep their amounts and references, and their next file has the new accounts.
#[utoipa::path(
    put,
    path = "/v1/journal-settings",
    tag = "statements",
    security(("api_key" = ["admin"])),
    request_body = JournalForm,
    responses(
        (status = 200, description = "They are changed.", body = JournalForm)
    )
)]
async fn set_settings(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<JournalForm>,
) -> Result<Json<JournalForm>, ApiError> {
    let settings = form.parse().map_err(invalid)?;
    journal::set_settings(&state.backend, &caller.scope, &settings).await?;
    Ok(Json(settings.into()))
}
