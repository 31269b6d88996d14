//! What a project belonged to on the day: its team and its product line.

use super::Query;
use crate::OrgScope;
use crate::ledger::push_match;
use domain::spend::{Dimension, Filter, SpendQuery};

/// What a project belonged to on the day, where the query asks for it.
pub(super) fn push_owner(sql: &mut Query, scope: &OrgScope, query: &SpendQuery, day: &'static str) {
    let levels =
        [(Dimension::Team, "project_ownership", "owner"), (Dimension::ProductLine, "project_product_lines", "line")];
    for (_, table, alias) in levels.iter().filter(|(level, ..)| query.dimensions().any(|dimension| dimension == level))
    {
        sql.push(" left join ").push(table).push(" as ").push(alias).push(" on ");
        sql.push(alias).push(".org_id = ").push_bind(scope.org_id().0);
        sql.push(" and ").push(alias).push(".project_id = r.project_id and ");
        sql.push(alias).push(".valid_from <= ").push(day).push(" and ").push(alias).push(".valid_to > ").push(day);
    }
}

/// Whether what the project belonged to on the day has one of these slugs; an empty one where it belonged to nothing.
pub(super) fn push_level(
    sql: &mut Query,
    scope: &OrgScope,
    filter: &Filter,
    (table, is_it): (&'static str, &'static str),
) {
    sql.push("exists (select 1 from (select coalesce((select slug from ").push(table);
    sql.push(" where org_id = ").push_bind(scope.org_id().0).push(" and ").push(is_it);
    sql.push("), '')) as level (slug) where ");
    push_match(sql, "level.slug", filter);
    sql.push(")");
}
