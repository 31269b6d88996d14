//! Sessions and interactions by what they cost.

use super::api::asked_groups;
use super::labels::{List, group_path, tabs};
use crate::format;
use crate::layout::{CsvLink, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::spend::SpendCell;
use crate::ui::{Column, EmptyState, Notice, PageHead, Pager, Sort, Table, Tone, html};
use domain::event::{CallGroup, CallGroupOrder, CallGroupQuery, CallGroupRow, CallGroups, MAX_READ_CALLS};
use leptos::prelude::*;

/// Names that a cell has room for.
const SHOWN_NAMES: usize = 2;

/// Sessions with calls in the chosen days.
pub(crate) async fn sessions(visit: Visit) -> Drawn {
    list(visit, CallGroup::Session).await
}

/// Interactions with calls in the chosen days.
pub(crate) async fn interactions(visit: Visit) -> Drawn {
    list(visit, CallGroup::Interaction).await
}

async fn list(visit: Visit, kind: CallGroup) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let query = asked_groups(backend, scope, &visit.query.pairs())?;
    let (found, attention) = futures::try_join!(
        backend::events::call_groups(backend, scope, kind, &query),
        backend::events::attention(backend, scope),
    )?;
    let title = title(kind);
    let tabs = tabs(visit.org(), List::Groups(kind), attention);
    let (lead, body) = (lead(kind, &found), draw(&visit, kind, &query, &found));
    Ok(Page::new(title, view! { <PageHead title=title lead=lead><CsvLink/></PageHead>{tabs}{body} }))
}

pub(super) const fn title(kind: CallGroup) -> &'static str {
    match kind {
        CallGroup::Session => "Sessions",
        CallGroup::Interaction => "Interactions",
    }
}

/// The answer in one sentence: how many, what they cost, and what one costs.
fn lead(kind: CallGroup, found: &CallGroups) -> String {
    let what = match kind {
        CallGroup::Session => "All calls of one conversation, added up.",
        CallGroup::Interaction => "All calls of one user action, added up.",
    };
    if found.groups == 0 {
        return what.to_owned();
    }
    let number = format::counted(found.groups, kind.as_str());
    let of = found.percentiles;
    let costs = [("p50", of.p50), ("p95", of.p95), ("p99", of.p99)];
    let costs = costs.into_iter().filter_map(|(name, cost)| Some(format!(" · {name} {}", format::money(cost?))));
    let unknown = found.groups - of.of;
    let unknown = (unknown > 0).then(|| format!(" · {} with unpriced calls", format::count(unknown)));
    format!(
        "{number} · {}{}{}",
        format::money(found.sums.spend),
        costs.collect::<String>(),
        unknown.unwrap_or_default()
    )
}

fn draw(visit: &Visit, kind: CallGroup, query: &CallGroupQuery, found: &CallGroups) -> AnyView {
    let since = found.counted_from.map(|at| {
        let most = format::count(MAX_READ_CALLS);
        let text = format!(
            "More than {most} calls were made in these days: only those after {} are counted.",
            format::time_seconds(at)
        );
        view! { <Notice tone=Tone::Warn>{text}</Notice> }
    });
    let address = |parameters: UrlQuery| parameters.at(&visit.path);
    let first = (query.offset > 0).then(|| address(visit.query.without(&[])));
    let next = found.next_cursor.as_ref().map(|cursor| address(visit.query.with("cursor", cursor)));
    let last = i128::from(query.offset) + i128::try_from(found.rows.len()).unwrap_or_default();
    let shown = (last > 0).then(|| format!("{} of {}", format::count(last), format::count(found.groups)));
    let head = |column: Column, order: CallGroupOrder| {
        let now = (query.order == order).then_some(Sort::Descending);
        column.sort(address(visit.query.with("sort", order.as_str())), now)
    };
    let columns = vec![
        Column::text(match kind {
            CallGroup::Session => "Session",
            CallGroup::Interaction => "Interaction",
        }),
        Column::text("Customer").wide(),
        Column::text("Project").wide(),
        Column::text("Models").wide(),
        head(Column::text("First call").wide(), CallGroupOrder::Newest),
        head(Column::number("Duration").wide(), CallGroupOrder::Duration),
        head(Column::number("Calls"), CallGroupOrder::Calls),
        Column::number("Tokens").wide(),
        head(Column::number("Cost, $"), CallGroupOrder::Cost),
    ];
    let rows = found.rows.iter().map(|found| row(visit.org(), kind, found)).collect_view();
    let body = if found.rows.is_empty() {
        nothing(kind)
    } else {
        html! { <Table caption=title(kind) columns=columns dense=true>{rows}</Table> }
    };
    html! { {since}{body}<Pager previous=first next=next shown=shown.unwrap_or_default() previous_label="First" next_label="Next"/> }
}

fn nothing(kind: CallGroup) -> AnyView {
    let title = format!("No {} here", kind.plural());
    let text = format!("Choose other days, take a filter away, or send {} with each call.", kind.field());
    html! { <EmptyState title=title text=text><a class="button" href="/docs" rel="external">"How to send events"</a></EmptyState> }
}

/// The first names, and how many there are besides.
fn names(names: &[String]) -> AnyView {
    let shown = names.iter().take(SHOWN_NAMES).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(SHOWN_NAMES);
    let more = (more > 0).then(|| view! { <span class="note">{format!("+{more}")}</span> });
    html! { <td class="only-wide" title=names.join(", ")>{shown}{more}</td> }
}

fn row(org: &str, kind: CallGroup, row: &CallGroupRow) -> AnyView {
    html! {
        <tr>
            <th scope="row" class="name"><a class="row-link" href=group_path(org, kind, &row.id)>{row.id.clone()}</a></th>
            {names(&row.customers)}
            {names(&row.projects)}
            {names(&row.models)}
            <td class="only-wide nowrap"><time datetime=format::time_machine(row.first_at)>{format::time(row.first_at)}</time></td>
            <td class="num only-wide">{format::span(row.duration_ms() / 1_000)}</td>
            <td class="num">{format::count(row.sums.requests)}</td>
            <td class="num only-wide" title=format::count(row.sums.tokens)>{format::count_compact(row.sums.tokens)}</td>
            <SpendCell sums=row.sums.clone() small=true/>
        </tr>
    }
}
