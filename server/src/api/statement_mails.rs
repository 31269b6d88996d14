//! `/v1/statement-mails`: when statements are mailed, and to whom.

use super::json::{Body, invalid};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use backend::statements;
use domain::statement::StatementMails;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(mails, set_mails))
}

/// When statements are mailed, and to whom.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StatementMailsDocument {
    /// `off`, `over` (when the month ends) or `closed` (when it is closed).
    #[schema(example = "closed")]
    schedule: String,
    /// Members' addresses, each with the short name of a team behind it for that team's statement; without one it is of all that the member sees.
    #[schema(max_items = 200, example = json!(["ada@example.com growth"]))]
    recipients: Vec<String>,
}

impl From<StatementMails> for StatementMailsDocument {
    fn from(mails: StatementMails) -> Self {
        let recipients = mails.recipients_text().lines().map(str::to_owned).collect();
        Self { schedule: mails.schedule.as_str().to_owned(), recipients }
    }
}

/// When statements are mailed, and to whom.
#[utoipa::path(
    get,
    path = "/v1/statement-mails",
    tag = "statements",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "Schedule and recipients.", body = StatementMailsDocument)
    )
)]
async fn mails(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<StatementMailsDocument>, ApiError> {
    Ok(Json(statements::mails(&state.backend, &caller.scope).await?.into()))
}

/// Changes when statements are mailed, and to whom. A recipient gets each month's statement once; months that are over or closed already are not mailed.
#[utoipa::path(
    put,
    path = "/v1/statement-mails",
    tag = "statements",
    security(("api_key" = ["admin"])),
    request_body = StatementMailsDocument,
    responses(
        (status = 200, description = "They are changed.", body = StatementMailsDocument)
    )
)]
async fn set_mails(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(sent): Body<StatementMailsDocument>,
) -> Result<Json<StatementMailsDocument>, ApiError> {
    let mails = StatementMails::read(&sent.schedule, &sent.recipients.join("\n")).map_err(invalid)?;
    statements::set_mails(&state.backend, &caller.scope, &mails).await?;
    Ok(Json(mails.into()))
}
