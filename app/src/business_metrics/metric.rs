//! One metric: what a unit cost over time, in the scope that the address chooses, and the values that were sent.

use super::{answer, asked};
use crate::format;
use crate::layout::{NavItem, PeriodSelection, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::chart::{Chart, ChartData, Height, Hue, Line, Step, Stroke};
use crate::ui::{Badge, Breadcrumb, Button, Crumb, EmptyState, Field, Figure, PageHead, Section, Table, columns, html};
use backend::business_metrics::UnitCosts;
use chrono::NaiveDate;
use domain::business_metric::{BusinessMetric, DIMENSIONS, MetricEntry, RecordedValue, Selection, UnitCost, steps};
use domain::period::Period;
use domain::spend::bucket_for;
use leptos::prelude::*;

/// A metric in the days and the scope that the address chooses.
pub(crate) async fn metric(visit: Visit) -> Drawn {
    let name = visit.part("metric");
    let (entry, history) = backend::business_metrics::find(&visit.backend, &visit.scope, name).await?;
    let period = PeriodSelection::from_query(&visit.query, visit.frame.calendar()).period;
    let steps = steps(period, bucket_for(period.days()));
    let (selection, metric) = (selection(&visit.query, &entry), &entry.metric);
    let asked = (period, steps.as_slice());
    let costs = backend::business_metrics::costs(&visit.backend, &visit.scope, metric, asked, &selection).await?;
    let crumbs = vec![Crumb::link("Unit costs", NavItem::UnitCosts.path(visit.org())), Crumb::here(name.to_owned())];
    let lead = "Usage of the days that have values, over these values. Days without are gaps, never a zero; charges are not in it.";
    let scope = scope_form(&visit, &entry, &selection);
    let body = match &costs.total {
        Some(total) => drawn(metric, &costs, total, period, &visit),
        None => {
            html! { <EmptyState title="No values in these days" text="Choose other days, or another scope."/> }
        }
    };
    Ok(Page::new(
        name.to_owned(),
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=name.to_owned() lead=lead/>
            {scope}
            {body}
            {values(&history)}
        },
    ))
}

/// Labels of the metric, and dimensions of spend, that the address gives a value.
fn selection(query: &UrlQuery, entry: &MetricEntry) -> Selection {
    let names = DIMENSIONS.iter().map(|name| (*name).to_owned()).chain(entry.labels.iter().cloned());
    let chosen = |name: String| {
        let value = query.get(&name)?.trim().to_owned();
        (!value.is_empty()).then_some((name, value))
    };
    names.filter_map(chosen).collect()
}

/// Chooses the scope, without scripts.
fn scope_form(visit: &Visit, entry: &MetricEntry, selection: &Selection) -> AnyView {
    let mut names: Vec<String> = vec!["project".to_owned(), "team".to_owned()];
    names.extend(entry.labels.iter().filter(|name| !["project", "team"].contains(&name.as_str())).take(4).cloned());
    let kept = visit.query.iter().filter(|(name, _)| !names.iter().any(|own| own == name));
    let kept = kept.map(|(name, value)| view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> });
    let kept = kept.collect_view();
    let field = |name: &String| {
        let value = selection.get(name).cloned().unwrap_or_default();
        view! { <Field label=name.clone() name=name.clone() optional=true value=value/> }
    };
    let fields = names.iter().map(field).collect_view();
    let open = !selection.is_empty();
    html! {
        <details class="fold" open=open>
            <summary>"Scope"</summary>
            <form method="get" action=visit.path.clone() class="form form-wide">
                {kept}
                <div class="form-row">{fields}</div>
                <div class="actions"><Button>"Show"</Button></div>
            </form>
        </details>
    }
}

fn drawn(metric: &BusinessMetric, costs: &UnitCosts, total: &UnitCost, period: Period, visit: &Visit) -> AnyView {
    let today = visit.frame.today;
    let caption = format!("{}, {}", asked(metric), format::range(period, today));
    let exact = if metric.is_revenue() { Some(total.margin()) } else { total.per_unit() };
    let days = format!("{} of {} have values", format::count(total.days), format::counted(period.days(), "day"));
    let label = format!("{} over time", asked(metric));
    let rows = costs.steps.iter().map(|(step, cost)| row(metric, *step, cost.as_ref(), today)).collect_view();
    let heads = columns("Span | Days with values # | Units # | Usage, $ # | Cost per unit or margin #");
    let chart = chart(metric, costs, today);
    html! {
        <div class="headline">
            <Figure large=true caption=caption value=answer(metric, total) title=exact.map(format::money_full).unwrap_or_default()>{days}</Figure>
            <Figure caption=metric.unit.clone() value=format::quantity(total.value)/>
            <Figure caption="Usage" value=format::money(total.spend) title=format::money_full(total.spend)/>
        </div>
        <Section title=label.clone()>
            <Chart data=chart label=label tick=format::axis_money head="Span" height=Height::Normal bare=true/>
        </Section>
        <Section title="By span">
            <Table caption="Unit costs by span" columns=heads dense=true>{rows}</Table>
        </Section>
    }
}

fn chart(metric: &BusinessMetric, costs: &UnitCosts, today: NaiveDate) -> ChartData {
    let steps = costs.steps.iter().map(|(span, _)| Step {
        label: format::day(span.from),
        title: format::range(*span, today),
        ..Step::default()
    });
    let of = |cost: &UnitCost| if metric.is_revenue() { Some(cost.margin()) } else { cost.per_unit() };
    let values: Vec<_> = costs.steps.iter().map(|(_, cost)| cost.as_ref().and_then(of)).collect();
    ChartData {
        steps: steps.collect(),
        lines: vec![Line {
            name: asked(metric),
            hue: Hue::First,
            stroke: Stroke::Solid,
            texts: values.iter().map(|value| value.map(format::money).unwrap_or_default()).collect(),
            values: values.into_iter().map(|value| value.map(format::to_plot_value)).collect(),
        }],
        ..ChartData::default()
    }
}

fn row(metric: &BusinessMetric, span: Period, cost: Option<&UnitCost>, today: NaiveDate) -> AnyView {
    let Some(cost) = cost else {
        return html! {
            <tr><th scope="row" class="nowrap">{format::range(span, today)}</th><td class="num soft">"no values"</td><td></td><td></td><td></td></tr>
        };
    };
    html! {
        <tr>
            <th scope="row" class="nowrap">{format::range(span, today)}</th>
            <td class="num">{format::count(cost.days)}</td>
            <td class="num">{format::quantity(cost.value)}</td>
            <td class="num" title=format::money_full(cost.spend)>{format::money_plain(cost.spend)}</td>
            <td class="num">{answer(metric, cost)}</td>
        </tr>
    }
}

fn values(history: &[RecordedValue]) -> AnyView {
    let line = |recorded: &RecordedValue| {
        let value = &recorded.value;
        let labels: Vec<String> = value.labels.iter().map(|(name, is)| format!("{name}={is}")).collect();
        let days = match value.period.days() {
            1 => format::day_year(value.period.from),
            _ => format!("{} – {}", format::day_year(value.period.from), format::day_year(value.period.last_day())),
        };
        let superseded = recorded.superseded_at.map(|at| {
            let title = format!("Counts no more since {}", format::time_exact(at));
            view! { " "<span title=title><Badge>"superseded"</Badge></span> }
        });
        view! {
            <tr>
                <th scope="row" class="nowrap">{days}{superseded}</th>
                <td>{labels.join(", ")}</td>
                <td class="num">{format::quantity(value.value)}</td>
                <td><time datetime=format::time_machine(recorded.recorded_at) title=format::time_exact(recorded.recorded_at)>{format::time(recorded.recorded_at)}</time><span class="note">{recorded.recorded_by.clone()}</span></td>
            </tr>
        }
    };
    let (rows, heads) = (history.iter().map(line).collect_view(), columns("Days | Labels | Value # | Recorded"));
    html! {
        <Section title="Values" note="the newest 200, superseded ones among them" id="values">
            <Table caption="Values that were sent" columns=heads dense=true>{rows}</Table>
        </Section>
    }
}
