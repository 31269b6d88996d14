//! The list: each metric with what one unit cost in the chosen days, and the form that sends a file.

use super::{answer, asked};
use crate::file_import::form;
use crate::format;
use crate::layout::{NavItem, PeriodSelection, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{EmptyState, NoticeText, PageHead, Section, Table, Tone, UrlNotice, columns, html};
use domain::business_metric::{MetricEntry, MetricForm, UnitCost};
use domain::identity::Permission;
use leptos::prelude::*;

const NOTICES: &[NoticeText] =
    &[NoticeText { code: "imported", tone: Tone::Good, text: "The values of the file are recorded." }];

/// All metrics.
pub(crate) async fn metrics(visit: Visit) -> Drawn {
    let period = PeriodSelection::from_query(&visit.query, visit.frame.calendar()).period;
    let rows = backend::business_metrics::totals(&visit.backend, &visit.scope, period).await?;
    let file = visit.frame.may(Permission::ManagePrices).then(|| {
        let form = form::<MetricForm>(&NavItem::UnitCosts.path(visit.org()), "Nothing is recorded yet.");
        view! { <Section title="A file of values" id="import">{form}</Section> }
    });
    let lead = "What one ticket, user or customer cost, and the margin where a metric is revenue.";
    Ok(Page::new(
        "Unit costs",
        view! {
            <UrlNotice known=NOTICES/>
            <PageHead title="Unit costs" lead=lead/>
            {table(visit.org(), &visit.query.sticky(), &rows)}
            {file}
        },
    ))
}

fn table(org: &str, query: &UrlQuery, rows: &[(MetricEntry, Option<UnitCost>)]) -> AnyView {
    if rows.is_empty() {
        let text = "Send tickets, active users or revenue by POST /v1/business-metrics or as a file: their cost follows from usage.";
        return html! { <EmptyState title="No business metrics yet" text=text/> };
    }
    let heads = columns("Metric | In these days # | Usage, $ # | Cost per unit or margin # | Values # | Newest day");
    let rows = rows.iter().map(|row| line(org, query, row)).collect_view();
    html! {
        <Section title="Metrics" note="days without values are left out, with their usage">
            <Table caption="Business metrics" columns=heads>{rows}</Table>
        </Section>
    }
}

fn line(org: &str, query: &UrlQuery, (entry, cost): &(MetricEntry, Option<UnitCost>)) -> AnyView {
    let metric = &entry.metric;
    let href = query.at(&format!("{}/{}", NavItem::UnitCosts.path(org), metric.name));
    let labels = match entry.labels.as_slice() {
        [] => String::new(),
        labels => format!(" · by {}", labels.join(", ")),
    };
    let figures = cost.as_ref().map_or_else(
        || html! { <td class="num soft">{format::NONE}</td><td class="num soft">{format::NONE}</td><td class="num soft">{format::NONE}</td> },
        |cost| {
            html! {
                <td class="num">{format::quantity(cost.value)}</td>
                <td class="num" title=format::money_full(cost.spend)>{format::money_plain(cost.spend)}</td>
                <td class="num" title=asked(metric)>{answer(metric, cost)}</td>
            }
        },
    );
    html! {
        <tr>
            <th scope="row"><a class="row-link" href=href>{metric.name.to_string()}</a><span class="note">{metric.unit.clone()}{labels}</span></th>
            {figures}
            <td class="num">{format::count(entry.values)}</td>
            <td class="nowrap">{entry.to.pred_opt().map(format::day_year)}</td>
        </tr>
    }
}
