//! One session or interaction: what it cost, step by step and call by call.

use super::labels::{List, cost_cell, event_path, group_path, status_tone, status_word};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::spend::SpendCell;
use crate::ui::{
    Breadcrumb, Column, Crumb, Facts, Meter, Notice, PageHead, Pager, Section, StatusDot, Table, TimeBar, Tone,
    columns, html,
};
use domain::event::{CALLS_PER_PAGE, Call, CallGroup, CallGroupDetail, Repeat, Status, StepSums, waterfall};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// What stands for a step that nobody named.
const NO_STEP: &str = "(no step)";
/// Customers and projects that the first line names.
const SHOWN_NAMES: usize = 2;

/// One session.
pub(crate) async fn session(visit: Visit) -> Drawn {
    one(visit, CallGroup::Session).await
}

/// One interaction.
pub(crate) async fn interaction(visit: Visit) -> Drawn {
    one(visit, CallGroup::Interaction).await
}

async fn one(visit: Visit, kind: CallGroup) -> Drawn {
    let (id, cursor) = (visit.part("id"), visit.query.get("cursor"));
    let found = backend::events::call_group(&visit.backend, &visit.scope, kind, id, cursor).await?;
    Ok(Page::new(format!("{} {id}", word(kind)), draw(&visit, &found)))
}

const fn word(kind: CallGroup) -> &'static str {
    match kind {
        CallGroup::Session => "Session",
        CallGroup::Interaction => "Interaction",
    }
}

fn draw(visit: &Visit, found: &CallGroupDetail) -> AnyView {
    let (org, kind) = (visit.org(), found.kind);
    let crumbs =
        vec![Crumb::link(super::call_groups::title(kind), List::Groups(kind).path(org)), Crumb::here(found.id.clone())];
    let events = UrlQuery::new().with(kind.field(), &found.id);
    let (steps, repeats) = (steps(found), repeats(&found.repeats));
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title=headline(found) lead=usual(found)/>
        {unpriced(org, found, &events)}
        {steps}
        {repeats}
        {calls(visit, found, &events)}
        {facts(org, found)}
    }
}

/// The answer first: "conv-88 · support-bot · acme · 14 min · 23 calls · $0.84".
fn headline(found: &CallGroupDetail) -> String {
    let names = |names: &[String]| names.iter().take(SHOWN_NAMES).cloned().collect::<Vec<_>>();
    let mut parts = vec![found.id.clone()];
    parts.extend(names(&found.projects));
    parts.extend(names(&found.customers));
    parts.push(format::span((found.last_at - found.first_at).num_seconds()));
    parts.push(format::counted(found.sums.requests, "call"));
    let is_known = found.sums.unpriced_requests < found.sums.requests;
    parts.push(if is_known { format::money(found.sums.spend) } else { "unpriced".to_owned() });
    parts.join(" · ")
}

/// What others cost, to judge this one by.
fn usual(found: &CallGroupDetail) -> String {
    let began = format!("{} – {}", format::time_seconds(found.first_at), format::time_seconds(found.last_at));
    let whose =
        found.features.first().map_or_else(|| "all features".to_owned(), |feature| format!("the feature {feature}"));
    let Some(p95) = found.usual.p95.filter(|_| found.usual.of > 1) else { return began };
    let number = format::counted(found.usual.of, found.kind.as_str());
    format!("{began} · p95 of {whose}: {} ({number} in 30 days)", format::money(p95))
}

fn unpriced(org: &str, found: &CallGroupDetail, events: &UrlQuery) -> Option<AnyView> {
    let sums = &found.sums;
    (sums.unpriced_requests > 0).then(|| {
        let text = format!(
            "+ {}, at most {}. ",
            format::counted(sums.unpriced_requests, "unpriced call"),
            format::money(sums.unpriced_upper_bound)
        );
        let href = events.with("unpriced", "true").at(&NavItem::Events.path(org));
        html! { <Notice tone=Tone::Warn>{text}<a href=href>"See which"</a></Notice> }
    })
}

fn step_name(step: Option<&String>) -> AnyView {
    match step {
        Some(step) => step.clone().into_any(),
        None => html! { <span class="soft">{NO_STEP}</span> },
    }
}

fn steps(found: &CallGroupDetail) -> AnyView {
    let columns = vec![
        Column::text("Step"),
        Column::text("Model"),
        Column::number("Calls"),
        Column::number("Tokens").wide(),
        Column::number("Cost, $"),
        Column::text("Share of cost").wide(),
    ];
    let row = |step: &StepSums| {
        let share = format::ratio(step.sums.spend, found.sums.spend).unwrap_or_default();
        let label = format!("{} of the cost", format::percent(share));
        view! {
            <tr>
                <th scope="row">{step_name(step.step.as_ref())}</th>
                <td class="name">{step.model.clone()}</td>
                <td class="num">{format::count(step.sums.requests)}</td>
                <td class="num only-wide">{format::count(step.sums.tokens)}</td>
                <SpendCell sums=step.sums.clone() small=true/>
                <td class="only-wide call-share"><Meter share=share label=label small=true/></td>
            </tr>
        }
    };
    let rows = found.steps.iter().map(row).collect_view();
    let total = found.sums.clone();
    let foot = html! {
        <tr>
            <th scope="row">"Total"</th>
            <td></td>
            <td class="num">{format::count(total.requests)}</td>
            <td class="num only-wide">{format::count(total.tokens)}</td>
            <td class="num" title=format::money_full(total.spend)>{format::money_exact(total.spend)}</td>
            <td class="only-wide"></td>
        </tr>
    };
    html! { <Section title="Cost by step" id="steps"><Table caption="Cost by step" columns=columns foot=foot>{rows}</Table></Section> }
}

fn repeats(repeats: &[Repeat]) -> Option<AnyView> {
    let row = |repeat: &Repeat| {
        let hash =
            repeat.input_hash.clone().map(|hash| view! { <span class="note note-below">"same input "{hash}</span> });
        let unpriced = (repeat.unpriced > 0).then(|| format!(" + {} unpriced", format::count(repeat.unpriced)));
        view! {
            <tr>
                <th scope="row">{step_name(repeat.step.as_ref())}{hash}</th>
                <td class="name">{repeat.model.clone()}</td>
                <td class="num">{format::count(repeat.requests)}</td>
                <td class="num" title=format::money_exact(repeat.cost)>{format::money_of_call(repeat.cost)}{unpriced}</td>
                <td class="num" title=format::money_exact(repeat.after_first)>{format::money_of_call(repeat.after_first)}</td>
            </tr>
        }
    };
    let rows = repeats.iter().map(row).collect_view();
    let again: Decimal = repeats.iter().map(|repeat| repeat.after_first).sum();
    (!repeats.is_empty()).then(|| {
        let note = format!("{} after the first of each", format::money(again));
        let columns = columns("Step | Model | Requests # | Cost, $ # | After the first, $ #");
        html! { <Section title="Repeated steps" note=note id="repeats"><Table caption="Repeated steps" columns=columns>{rows}</Table></Section> }
    })
}

fn calls(visit: &Visit, found: &CallGroupDetail, events: &UrlQuery) -> AnyView {
    let org = visit.org();
    let rows = &found.calls.rows;
    let spans: Vec<(i64, u64)> =
        rows.iter().map(|call| (call.row.at.timestamp_millis(), call.row.latency_ms.unwrap_or_default())).collect();
    let before = std::iter::once(None).chain(rows.iter().map(Some));
    let body = rows.iter().zip(before).zip(waterfall(&spans));
    let body = body.map(|((call, before), bar)| call_row(org, call, before, bar)).collect_view();
    let columns = vec![
        Column::text("Time"),
        Column::text("Step"),
        Column::text("Model"),
        Column::number("Tokens in").wide(),
        Column::number("Cached").wide(),
        Column::number("Out").wide(),
        Column::text("When it ran").wide(),
        Column::number("Latency").wide(),
        Column::text("Status").wide(),
        Column::number("Cost, $"),
    ];
    let here = |query: UrlQuery| query.at(&visit.path);
    let first = visit.query.get("cursor").map(|_| here(visit.query.without(&[])));
    let next = found.calls.next_cursor.as_ref().map(|cursor| here(visit.query.with("cursor", cursor)));
    let pages = (first.is_some() || next.is_some()).then(|| {
        let listed = format::count(i128::try_from(rows.len()).unwrap_or_default());
        let shown = format!("{listed} of {} calls", format::count(found.sums.requests));
        view! { <Pager previous=first next=next shown=shown previous_label="First" next_label=format!("Next {CALLS_PER_PAGE}")/> }
    });
    let list = (events.at(&NavItem::Events.path(org)), "as a list of events".to_owned());
    html! { <Section title="Calls" id="calls" more=list><Table caption="Calls, first to last" columns=columns dense=true>{body}</Table>{pages}</Section> }
}

fn call_row(org: &str, call: &Call, before: Option<&Call>, (from, length): (f64, f64)) -> AnyView {
    let row = &call.row;
    let is_retry = before.is_some_and(|before| call.is_retry_of(before));
    let attempt = (is_retry || row.attempt > 1).then(|| format!(", attempt {}", row.attempt));
    let (tone, status, is_failed) = (status_tone(row.status), status_word(row.status), row.status != Status::Success);
    let label = format!("Event {} of {}", row.id, format::time_seconds(row.at));
    let tokens = |tokens: u64| if tokens == 0 { format::NONE.to_owned() } else { format::count(tokens) };
    let step = if is_retry {
        html! { <span class="soft">"↳ retry"</span> }
    } else {
        step_name(call.step.as_ref())
    };
    html! {
        <tr>
            <th scope="row" class="nowrap">
                <a class="row-link" href=event_path(org, row.event_key) aria-label=label title=row.id.clone()>
                    <time datetime=format::time_machine(row.at)>{format::time_seconds(row.at)}</time>
                </a>
            </th>
            <td>{step}</td>
            <td class="name">{row.model.clone()}<span class="note">{row.provider.clone()}</span></td>
            <td class="num only-wide">{tokens(call.input_tokens)}</td>
            <td class="num only-wide">{tokens(call.cached_tokens)}</td>
            <td class="num only-wide">{tokens(call.output_tokens)}</td>
            <td class="only-wide"><TimeBar from=from length=length failed=is_failed/></td>
            <td class="num only-wide">{row.latency_ms.map(format::milliseconds)}</td>
            <td class="only-wide"><StatusDot tone=tone>{status}{attempt}</StatusDot></td>
            {cost_cell(org, row)}
        </tr>
    }
}

/// Whose it is, and to what else it belongs.
fn facts(org: &str, found: &CallGroupDetail) -> AnyView {
    let fact = |name: &'static str, value: AnyView| view! { <div><dt>{name}</dt><dd>{value}</dd></div> };
    let names =
        |name: &'static str, names: &[String]| (!names.is_empty()).then(|| fact(name, names.join(", ").into_any()));
    let sessions = (found.kind == CallGroup::Interaction && !found.sessions.is_empty()).then(|| {
        let link = |id: &String| view! { <a href=group_path(org, CallGroup::Session, id)>{id.clone()}</a>" " };
        fact("Session", found.sessions.iter().map(link).collect_view().into_any())
    });
    let interactions = (found.kind == CallGroup::Session && found.interactions > 0)
        .then(|| fact("Interactions", format::count(found.interactions).into_any()));
    let named = [
        names("Project", &found.projects),
        names("Feature", &found.features),
        names("Customer", &found.customers),
        names("User", &found.users),
    ];
    let named = named.into_iter().collect_view();
    let failed = fact("Failed calls", format::count(found.sums.errors).into_any());
    html! { <Section title="Attributes" id="attributes"><Facts>{sessions}{interactions}{named}{failed}</Facts></Section> }
}
