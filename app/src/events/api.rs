//! Doors of the pages about events.

use crate::caller::Caller;
use crate::error::AppError;
use crate::layout::{PeriodSelection, UrlQuery};
use backend::events::uploads;
use chrono::{DateTime, Utc};
use domain::event::{CallGroupQuery, DEFAULT_PAGE, EventQuery, RejectedFilter, RejectedReason};
use domain::ids::{RejectedId, UploadId};
use domain::problem::{FieldProblem, Problem};
use domain::span::Edge;
use domain::spend::Filter;
use domain::upload::{Mapping, Upload};
use leptos::prelude::*;

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

/// Takes all entries off the rejected list that were there when the page was made, or all of one reason.
#[server(prefix = "/fn", endpoint = "events/dismiss-all-rejected")]
pub async fn dismiss_all_rejected(
    /// Slug of the organization.
    org: String,
    /// When the page was made.
    until: DateTime<Utc>,
    /// The word of the reason; empty for all reasons.
    #[server(default)]
    code: String,
    /// The field of the reason.
    #[server(default)]
    pointer: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let reason = (!code.is_empty()).then_some(RejectedReason { pointer, code });
    let meant = RejectedFilter { until: Some(until), reason };
    backend::ledger::dismiss_all_rejected(&caller.backend, &caller.scope, &meant).await?;
    leptos_axum::redirect(&format!("/o/{org}/events/rejected"));
    Ok(())
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
    /// The time of all rows, where no column says it.
    #[server(default)]
    timestamp: String,
    /// Whose shape the usage of all rows has.
    #[server(default)]
    usage_format: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let before = uploads::find(&caller.backend, &caller.scope, upload).await?;
    let constants = [
        ("provider", provider),
        ("project", project),
        ("environment", environment),
        ("timestamp", timestamp),
        ("usage_format", usage_format),
    ];
    let mapping = chosen(&before, &fields, &constants)?;
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

/// The mapping that a form says, with what it does not ask for as it was; every wrong field is named.
fn chosen(before: &Upload, fields: &[String], constants: &[(&str, String)]) -> Result<Mapping, Problem> {
    let mut mapping = Mapping::default();
    let mut wrong = Vec::new();
    for (place, (column, field)) in before.columns.iter().zip(fields).enumerate() {
        if !field.trim().is_empty()
            && let Err(detail) = mapping.fill(field, &column.name)
        {
            wrong.push(FieldProblem::new(format!("field-{place}"), "invalid", format!("{}: {detail}.", column.name)));
        }
    }
    let is_asked = |field: &str| constants.iter().any(|(asked, _)| *asked == field);
    let kept =
        before.constants.iter().map(|(field, value)| (field.as_str(), value)).filter(|(field, _)| !is_asked(field));
    let said = constants.iter().map(|(field, value)| (*field, value)).filter(|(_, value)| !value.trim().is_empty());
    for (field, value) in said.chain(kept) {
        if let Err(detail) = mapping.set(field, value) {
            wrong.push(FieldProblem::new(field, "invalid", format!("{detail}.")));
        }
    }
    if wrong.is_empty() { Ok(mapping) } else { Err(Problem::invalid(wrong)) }
}

/// What the page's parameters ask for, as seen from the organization's present day; for the page and its file.
///
/// # Errors
/// [`Problem::Invalid`] that names every wrong filter.
pub fn asked(
    backend: &backend::Backend,
    scope: &backend::OrgScope,
    pairs: &[(String, String)],
) -> Result<EventQuery, Problem> {
    let query: UrlQuery = pairs.iter().cloned().collect();
    let id = |name: &str| query.get(name).map(str::to_owned);
    let (request_id, session_id, interaction_id) = (id("request_id"), id("session_id"), id("interaction_id"));
    let period = PeriodSelection::from_query(&query, scope.calendar(backend.clock.now())).period;
    // A request, session or interaction is shown whole, whatever days the page had before.
    let is_whole = request_id.is_some() || session_id.is_some() || interaction_id.is_some();
    let edge = |day| (!is_whole).then_some(Edge::Day(day));
    Ok(EventQuery {
        from: edge(period.from),
        to: edge(period.to),
        filters: Filter::of_events(pairs)?,
        request_id,
        session_id,
        interaction_id,
        unpriced: query.get("unpriced") == Some("true"),
        cursor: query.get("cursor").map(str::to_owned),
        limit: DEFAULT_PAGE,
    })
}

/// What the parameters of a list of sessions or interactions ask for; for the page and its file.
///
/// # Errors
/// [`Problem::Invalid`] that names every wrong filter.
pub fn asked_groups(
    backend: &backend::Backend,
    scope: &backend::OrgScope,
    pairs: &[(String, String)],
) -> Result<CallGroupQuery, Problem> {
    let query: UrlQuery = pairs.iter().cloned().collect();
    let period = PeriodSelection::from_query(&query, scope.calendar(backend.clock.now())).period;
    let own = pairs.iter().filter(|(name, _)| ["sort", "cursor"].contains(&name.as_str()));
    let asked = CallGroupQuery::from_pairs(&own.cloned().collect::<Vec<_>>())?;
    let (from, to) = (Some(Edge::Day(period.from)), Some(Edge::Day(period.to)));
    Ok(CallGroupQuery { from, to, filters: Filter::of_events(pairs)?, ..asked })
}
