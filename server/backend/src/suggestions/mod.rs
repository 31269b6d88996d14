//! What fields and the command palette propose while somebody types: bounded, whatever an organization has.

mod sql;

use crate::{Backend, Error, OrgScope};
use domain::identity::Permission;
use domain::period::Period;
use domain::spend::Dimension;
use domain::suggestion::{MAX_TYPED, Suggestion, matching};

/// What is read to choose the best of it.
const READ: i64 = 200;
/// Days in which values of labels are looked for where the caller sees some projects alone.
const SEEN_DAYS: u64 = 92;
/// Things that have names: the kinds that [`named`] knows.
const NAMED: [&str; 5] = ["project", "team", "product_line", "budget", "api_key"];

/// The values of a dimension that fit what was typed, best first: projects, teams, product lines and keys that there are, of everything else what was sent.
///
/// `provider` leaves those models that one provider sells.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn values(
    backend: &Backend,
    scope: &OrgScope,
    dimension: &Dimension,
    (typed, provider): (&str, Option<&str>),
    most: usize,
) -> Result<Vec<Suggestion>, Error> {
    scope.require(Permission::Read)?;
    let typed = bounded(typed);
    let name = dimension.name();
    let found = match dimension {
        Dimension::AllocatedTeam => sql::named(&backend.pool, scope, &["team"], &typed, READ).await?,
        Dimension::Project | Dimension::Team | Dimension::ProductLine | Dimension::ApiKey => {
            sql::named(&backend.pool, scope, &[name.as_str()], &typed, READ).await?
        }
        label if label.is_label() && !scope.sees_all() => {
            let today = scope.zone().day_of(backend.clock.now());
            sql::seen_labels(&backend.pool, scope, &name, (&typed, Period::last_days(today, SEEN_DAYS)), READ).await?
        }
        label if label.is_label() => sql::labels(&backend.pool, scope, &name, &typed, most).await?,
        _ => sql::sent(&backend.pool, scope, (&name, provider), &typed, READ).await?,
    };
    Ok(matching(found, &typed, most, |one| &one.name))
}

/// Projects, teams, product lines, budgets and keys whose names fit what was typed, best first.
///
/// # Errors
/// As [`values`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn named(backend: &Backend, scope: &OrgScope, typed: &str, most: usize) -> Result<Vec<Suggestion>, Error> {
    scope.require(Permission::Read)?;
    let typed = bounded(typed);
    Ok(matching(sql::named(&backend.pool, scope, &NAMED, &typed, READ).await?, &typed, most, |one| &one.name))
}

fn bounded(typed: &str) -> String {
    typed.chars().take(MAX_TYPED).collect()
}
