//! What an organization can group and filter by.

use super::limits::Limits;
use super::sql;
use crate::{Backend, Error, OrgScope};
use chrono::Days;
use domain::identity::Permission;
use domain::spend::{Dimension, KnownDimension};

/// Days of which labels are known where some projects are seen alone.
const SEEN_DAYS: u64 = 92;

/// The dimensions that an organization can group and filter by: those with a name, and the tags that it sent.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn dimensions(backend: &Backend, scope: &OrgScope) -> Result<Vec<KnownDimension>, Error> {
    scope.require(Permission::Read)?;
    let Limits { words, values, .. } = backend.events.limits();
    let since = scope.zone().day_of(backend.clock.now()) - Days::new(SEEN_DAYS);
    let sent = sql::values(&backend.pool, scope, since).await?;
    let tags = sent.keys().filter_map(|name| name.parse().ok()).filter(|tag| matches!(tag, Dimension::Tag(_)));
    let known = |dimension: Dimension| {
        let limit = match dimension {
            Dimension::Feature | Dimension::Environment | Dimension::Cohort | Dimension::Step => Some(words),
            Dimension::Customer | Dimension::User | Dimension::UnreadUsage | Dimension::Tag(_) => Some(values),
            _ => None,
        };
        let (values, other_since) = sent.get(&dimension.name()).copied().unzip();
        let limit = limit.and_then(|limit| u64::try_from(limit).ok());
        KnownDimension { dimension, values, limit, other_since: other_since.flatten() }
    };
    Ok(Dimension::NAMED.into_iter().chain(tags).map(known).collect())
}
