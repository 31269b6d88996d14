//! Doors of the pages about events.

use crate::error::AppError;
use chrono::{DateTime, Utc};
use domain::event::{EventDetail, EventRow, Listed, PossibleDuplicatesView, RejectedView, UnreadUsage};
use domain::ids::{EventKey, RejectedId, UploadId};
use domain::price::page::Queue;
use domain::upload::{UploadView, UploadsView};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

/// Events in the days and with the filters that `query` (the page's parameters) chooses.
#[server(prefix = "/fn", endpoint = "events/list", input = Json)]
pub async fn load_events(
    /// Slug of the organization.
    org: String,
    /// The page's parameters: days, filters, place in the list.
    query: Vec<(String, String)>,
) -> Result<Listed<EventRow>, AppError> {
    let caller = Caller::enter(&org).await?;
    let query = asked(&caller.backend, &caller.scope, &query)?;
    let page = backend::events::list(&caller.backend, &caller.scope, &query).await?;
    let attention = backend::events::attention(&caller.backend, &caller.scope).await?;
    Ok(Listed { page, attention })
}

/// Events that were rejected.
#[server(prefix = "/fn", endpoint = "events/rejected", input = Json)]
pub async fn load_rejected(
    /// Slug of the organization.
    org: String,
    /// Place in the list.
    cursor: Option<String>,
) -> Result<RejectedView, AppError> {
    let caller = Caller::enter(&org).await?;
    let (backend, scope) = (&caller.backend, &caller.scope);
    let as_of = backend.clock.now();
    let page = backend::ledger::rejected(backend, scope, cursor.as_deref(), DEFAULT_PAGE).await?;
    let attention = backend::events::attention(backend, scope).await?;
    let may_dismiss = scope.may(Permission::ManageProjects);
    Ok(RejectedView { listed: Listed { page, attention }, as_of, may_dismiss })
}

/// Takes one entry off the rejected list.
#[server(prefix = "/fn", endpoint = "events/dismiss-rejected")]
pub async fn dismiss_rejected(
    /// Slug of the organization.
    org: String,
    /// Which entry.
    entry: RejectedId,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    Ok(backend::ledger::dismiss_rejected(&caller.backend, &caller.scope, entry).await?)
}

/// Takes all entries off the rejected list that were there when the page was made.
#[server(prefix = "/fn", endpoint = "events/dismiss-all-rejected")]
pub async fn dismiss_all_rejected(
    /// Slug of the organization.
    org: String,
    /// When the page was made.
    until: DateTime<Utc>,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    backend::ledger::dismiss_all_rejected(&caller.backend, &caller.scope, Some(until)).await?;
    leptos_axum::redirect(&format!("/o/{org}/events/rejected"));
    Ok(())
}

/// Usage of the last 30 days that no rule read.
#[server(prefix = "/fn", endpoint = "events/unread", input = Json)]
pub async fn load_unread(
    /// Slug of the organization.
    org: String,
) -> Result<Vec<UnreadUsage>, AppError> {
    let caller = Caller::enter(&org).await?;
    Ok(backend::events::unread_usage(&caller.backend, &caller.scope).await?)
}

/// Models whose events wait for a price, with what they may mean.
#[server(prefix = "/fn", endpoint = "events/unpriced", input = Json)]
pub async fn load_unpriced(
    /// Slug of the organization.
    org: String,
) -> Result<Queue, AppError> {
    let caller = Caller::enter(&org).await?;
    let (backend, scope) = (&caller.backend, &caller.scope);
    let rows = backend::events::unpriced(backend, scope).await?;
    let names: Vec<_> = rows.iter().map(|row| (row.provider.clone(), row.model.clone())).collect();
    let guesses = backend::prices::browse::guesses(backend, scope, &names).await?;
    let may_manage = scope.may(Permission::ManagePrices);
    let effects = match may_manage {
        true => backend::prices::runs::effects_of_guesses(backend, scope, &rows, &guesses).await?,
        false => Vec::new(),
    };
    let attention = backend::events::attention(backend, scope).await?;
    let listed = Listed { page: Page { rows, next_cursor: None }, attention };
    Ok(Queue { listed, guesses, effects, may_manage })
}

/// Events that may be counted twice, and how much money they are about.
#[server(prefix = "/fn", endpoint = "events/doubles", input = Json)]
pub async fn load_possible_duplicates(
    /// Slug of the organization.
    org: String,
    /// Place in the list.
    cursor: Option<String>,
) -> Result<PossibleDuplicatesView, AppError> {
    let caller = Caller::enter(&org).await?;
    let (backend, scope) = (&caller.backend, &caller.scope);
    let page = backend::events::possible_duplicates(backend, scope, cursor.as_deref(), DEFAULT_PAGE).await?;
    let totals = backend::events::possible_duplicate_totals(backend, scope).await?;
    let attention = backend::events::attention(backend, scope).await?;
    Ok(PossibleDuplicatesView { listed: Listed { page, attention }, totals })
}

/// One event with its receipt.
#[server(prefix = "/fn", endpoint = "events/event", input = Json)]
pub async fn load_event(
    /// Slug of the organization.
    org: String,
    /// Tallystick's key of the event.
    event: EventKey,
) -> Result<EventDetail, AppError> {
    let caller = Caller::enter(&org).await?;
    Ok(backend::events::by_key(&caller.backend, &caller.scope, event).await?)
}

/// Files of events that were sent from the browser.
#[server(prefix = "/fn", endpoint = "events/uploads", input = Json)]
pub async fn load_uploads(
    /// Slug of the organization.
    org: String,
) -> Result<UploadsView, AppError> {
    let caller = Caller::enter(&org).await?;
    let (backend, scope) = (&caller.backend, &caller.scope);
    let uploads = uploads::list(backend, scope).await?;
    let keys = uploads::keys(backend, scope).await?;
    let attention = backend::events::attention(backend, scope).await?;
    Ok(UploadsView { uploads, keys, may_send: scope.may(Permission::SendEvents), attention })
}

/// One of them.
#[server(prefix = "/fn", endpoint = "events/upload", input = Json)]
pub async fn load_upload(
    /// Slug of the organization.
    org: String,
    /// Which one.
    upload: UploadId,
) -> Result<UploadView, AppError> {
    let caller = Caller::enter(&org).await?;
    let upload = uploads::find(&caller.backend, &caller.scope, upload).await?;
    Ok(UploadView { upload, may_send: caller.scope.may(Permission::SendEvents) })
}

/// Chooses which column of a file fills which field.
#[server(prefix = "/fn", endpoint = "events/map-upload")]
pub async fn map_upload(
    /// Slug of the organization.
    org: String,
    /// Which upload.
    upload: UploadId,
    /// The field of each column, in their order; empty for a column that is not read.
    #[server(default)]
    fields: Vec<String>,
    /// The provider of all rows, where no column says it.
    #[server(default)]
    provider: String,
    /// The project of all rows.
    #[server(default)]
    project: String,
    /// The environment of all rows.
    #[server(default)]
    environment: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let columns = uploads::find(&caller.backend, &caller.scope, upload).await?.columns;
    let constants = [("provider", provider), ("project", project), ("environment", environment)];
    let mapping = chosen(&columns, &fields, &constants)?;
    Ok(uploads::map(&caller.backend, &caller.scope, upload, mapping).await?)
}

/// Gives an upload up; what was recorded stays.
#[server(prefix = "/fn", endpoint = "events/discard-upload")]
pub async fn discard_upload(
    /// Slug of the organization.
    org: String,
    /// Which upload.
    upload: UploadId,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    uploads::discard(&caller.backend, &caller.scope, upload).await?;
    leptos_axum::redirect(&format!("/o/{org}/events/uploads?notice=discarded"));
    Ok(())
}

/// The mapping that a form says; every wrong field is named.
fn chosen(columns: &[UploadColumn], fields: &[String], constants: &[(&str, String)]) -> Result<Mapping, Problem> {
    let mut mapping = Mapping::default();
    let mut wrong = Vec::new();
    for (place, (column, field)) in columns.iter().zip(fields).enumerate() {
        if !field.trim().is_empty()
            && let Err(detail) = mapping.fill(field, &column.name)
        {
            wrong.push(FieldProblem::new(format!("field-{place}"), "invalid", format!("{}: {detail}.", column.name)));
        }
    }
    for (field, value) in constants.iter().filter(|(_, value)| !value.trim().is_empty()) {
        if let Err(detail) = mapping.set(field, value) {
            wrong.push(FieldProblem::new(*field, "invalid", format!("{detail}.")));
        }
    }
    if wrong.is_empty() { Ok(mapping) } else { Err(Problem::invalid(wrong)) }
}

use {
    crate::caller::Caller,
    backend::events::uploads,
    domain::event::{DEFAULT_PAGE, EventQuery, Page},
    domain::identity::Permission,
    domain::problem::{FieldProblem, Problem},
    domain::span::Edge,
    domain::spend::Filter,
    domain::upload::{Mapping, UploadColumn},
};

/// What the page's parameters ask for, as seen from the organization's present day; for the page and its file.
///
/// # Errors
/// [`domain::problem::Problem::Invalid`] that names every wrong filter.
pub fn asked(
    backend: &backend::Backend,
    scope: &backend::OrgScope,
    pairs: &[(String, String)],
) -> Result<EventQuery, Problem> {
    let today = scope.zone().day_of(backend.clock.now());
    let query: crate::layout::UrlQuery = pairs.iter().cloned().collect();
    let period = crate::layout::PeriodSelection::from_query(&query, today).period;
    Ok(EventQuery {
        from: Some(Edge::Day(period.from)),
        to: Some(Edge::Day(period.to)),
        filters: Filter::from_pairs(pairs)?,
        unpriced: query.get("unpriced") == Some("true"),
        cursor: query.get("cursor").map(str::to_owned),
        limit: DEFAULT_PAGE,
    })
}
