//! Runs that price or reprice recorded events: what each would move, confirmed with a reason, and how to take it back.

use super::api::{ConfirmRun, DiscardRun, ReverseRun, StartRun};
use super::contract::counted;
use super::labels::{Tab, amount, change, not_yours, refused, tabs};
use crate::error::AppError;
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::suggestions::suggest;
use crate::ui::{
    Badge, BarTone, Breadcrumb, Button, ButtonKind, Choice, Column, Columns, Crumb, EmptyState, Facts, Field, Figure,
    FormErrors, Meter, Notice, PageHead, Pager, Radios, Section, Table, TextArea, Tone, columns, html,
};
use domain::identity::Permission;
use domain::price::page::RunsPage;
use domain::problem::Problem;
use domain::repricing::{RepricingRun, RunInput, RunKind, RunState, Summary};
use domain::span::Edge;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use rust_decimal::Decimal;

/// What a reader without the permission may not do here.
const REPRICE: (&str, &str) = ("Repricing", "reprice events");

fn runs_path(org: &str) -> String {
    format!("{}/runs", NavItem::Prices.path(org))
}

fn run_path(org: &str, run: &RepricingRun) -> String {
    format!("{}/{}", runs_path(org), run.run_id)
}

/// All runs of the organization.
pub(crate) async fn runs(visit: Visit) -> Drawn {
    let before = visit.query.get("before").map(str::parse).transpose().map_err(|_| Problem::NotFound)?;
    let page = backend::prices::runs::list(&visit.backend, &visit.scope, before).await?;
    Ok(Page::new("Repricing runs", draw_list(&visit, before.is_some(), &page)))
}

fn draw_list(visit: &Visit, is_older: bool, page: &RunsPage) -> AnyView {
    let (org, may_manage) = (visit.org(), visit.frame.may(Permission::ManagePrices));
    let new = format!("{}/new", runs_path(org));
    let button = may_manage.then(|| view! { <Button kind=ButtonKind::Primary href=new>"New run"</Button> });
    let lead = "A run rates recorded events again, as of their own time. Nothing moves before you have seen what would, and confirmed it.";
    let body = if page.runs.is_empty() {
        let text = "Start one after prices changed for time that is over, or after a name was mapped.";
        html! { <EmptyState title="No runs yet" text=text/> }
    } else {
        let columns = columns("Started | Which events | State | Events moved # | Cost impact, $ # | Reason | By");
        let rows = page.runs.iter().map(|run| list_row(org, run)).collect_view();
        let path = runs_path(org);
        let older = page.next.map(|next| UrlQuery::new().with("before", &next.to_string()).at(&path));
        let pager = (is_older || older.is_some())
            .then(|| view! { <Pager previous=is_older.then_some(path) next=older previous_label="Newest"/> });
        html! { <Table caption="Runs, newest first" columns=columns>{rows}</Table>{pager} }
    };
    html! {
        <PageHead title="Repricing runs" lead=lead>{button}</PageHead>
        {tabs(org, Tab::Runs)}
        {body}
    }
}

fn list_row(org: &str, run: &RepricingRun) -> AnyView {
    let (word, tone) = state_word(&run.state);
    let sums = figures(&run.state);
    let cells = match sums {
        Some(sums) => html! {
            <td class="num">{format::count(sums.moved)}</td>
            <td class="num" title=format::money_full(sums.delta())>{change(sums.delta())}</td>
        },
        None => html! { <td></td><td></td> },
    };
    html! {
        <tr>
            <th scope="row" class="nowrap">
                <a href=run_path(org, run)><time datetime=format::time_machine(run.created_at) title=format::time_exact(run.created_at)>{format::time(run.created_at)}</time></a>
            </th>
            <td class="wrap">{selection(&run.input)}</td>
            <td><Badge tone=tone>{word}</Badge></td>
            {cells}
            <td class="wrap">{run.reason.clone()}</td>
            <td>{run.created_by.clone()}</td>
        </tr>
    }
}

/// What moved, or would move; nothing while that is not known.
fn figures(state: &RunState) -> Option<&Summary> {
    match state {
        RunState::Previewed { preview } => Some(preview),
        RunState::Running { so_far, .. } => Some(so_far),
        RunState::Done { outcome, .. } | RunState::Failed { outcome, .. } => Some(outcome),
        RunState::Draft { .. }
        | RunState::Reversing { .. }
        | RunState::Reversed { .. }
        | RunState::Discarded { .. } => None,
    }
}

fn state_word(state: &RunState) -> (&'static str, Tone) {
    match state {
        RunState::Draft { .. } => ("previewing", Tone::Neutral),
        RunState::Previewed { .. } => ("waits for you", Tone::Warn),
        RunState::Running { .. } => ("running", Tone::Accent),
        RunState::Done { .. } => ("done", Tone::Good),
        RunState::Reversing { .. } => ("being reversed", Tone::Accent),
        RunState::Reversed { .. } => ("reversed", Tone::Neutral),
        RunState::Discarded { .. } => ("discarded", Tone::Neutral),
        RunState::Failed { .. } => ("failed", Tone::Bad),
    }
}

/// Which events a run looks at: "events without a price, Nov 1 – , model is gpt-4o".
fn selection(input: &RunInput) -> String {
    if let Some(month) = input.month() {
        return format!("the contract for {}", format::month(month.from));
    }
    let kind = match input.kind {
        RunKind::Pricing => "events without a price",
        RunKind::Repricing | RunKind::Contract => "all events",
    };
    let edge = |edge: Edge| match edge {
        Edge::Day(day) => format::day_year(day),
        Edge::At(at) => super::labels::instant(at),
    };
    let from = input.from.map(|from| format!("from {}", edge(from)));
    let to = input.to.map(|to| format!("until before {}", edge(to)));
    let filters = input.filters.iter().map(|filter| {
        let (dimension, verb) = (filter.dimension.label().to_lowercase(), filter.verb());
        format!("{dimension} {verb} {}", filter.values.join(" or "))
    });
    std::iter::once(kind.to_owned()).chain(from).chain(to).chain(filters).collect::<Vec<_>>().join(", ")
}

/// Chooses events for a run.
pub(crate) async fn new_run(visit: Visit) -> Drawn {
    let body = refused(&visit, REPRICE).unwrap_or_else(|| draw_new(&visit));
    Ok(Page::new("New run", body))
}

fn draw_new(visit: &Visit) -> AnyView {
    let form = Posted::<StartRun>::here();
    let kept = |field: &str| form.kept_or(field, visit.query.get(field).unwrap_or_default());
    let of = |kind: &str| suggest(visit.org(), kind);
    let kinds = vec![
        Choice::new(RunKind::Repricing.as_str(), "All events").hint("rated again with the prices that are known today"),
        Choice::new(RunKind::Pricing.as_str(), "Only events without a price").hint("known costs stay as they are"),
    ];
    let kind = form.kept_or("kind", visit.query.get("kind").unwrap_or(RunKind::Repricing.as_str()));
    let crumbs = vec![Crumb::link("Repricing runs", runs_path(visit.org())), Crumb::here("New run".to_owned())];
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title="New run" lead="First a preview: it counts what would move by team, project and month. Nothing moves yet."/>
        <form method="post" action=StartRun::url() class="form form-wide">
            <FormErrors errors=form.errors()/>
            {hidden([("org", visit.org())])}
            <Radios label="Which events" name="kind" choices=kinds value=kind/>
            <div class="form-row">
                <Field label="From" name="from" kind="date" optional=true value=kept("from") error=form.error("from") hint="Empty from the first event on."/>
                <Field label="End date (exclusive)" name="to" kind="date" optional=true value=kept("to") error=form.error("to") hint="Empty to the last event."/>
            </div>
            <div class="form-row">
                <Field label="Provider" name="provider" optional=true value=kept("provider") maxlength=200 error=form.error("provider") suggest=of("provider") hint="As your events name it."/>
                <Field label="Model" name="model" optional=true value=kept("model") maxlength=200 error=form.error("model") suggest=of("model").beside("provider") hint="As your events name it."/>
            </div>
            <div class="form-row">
                <Field label="Project" name="project" optional=true value=kept("project") maxlength=200 error=form.error("project") suggest=of("project") hint="Its short name."/>
                <Field label="Team" name="team" optional=true value=kept("team") maxlength=200 error=form.error("team") suggest=of("team") hint="Its short name."/>
            </div>
            <div class="actions"><Button kind=ButtonKind::Primary>"Preview"</Button></div>
        </form>
    }
}

/// One run.
pub(crate) async fn run(visit: Visit) -> Drawn {
    let run = backend::prices::runs::run(&visit.backend, &visit.scope, visit.id("run")?).await;
    let body = match run.map_err(AppError::from) {
        Ok(run) => draw(&visit, &run),
        Err(AppError(Problem::Forbidden { .. })) => not_yours(REPRICE),
        Err(error) => return Err(error),
    };
    Ok(Page::new("Run", body))
}

fn draw(visit: &Visit, run: &RepricingRun) -> AnyView {
    let (word, tone) = state_word(&run.state);
    let title = match run.input.kind {
        RunKind::Pricing => "Pricing run",
        RunKind::Repricing => "Repricing run",
        RunKind::Contract => "Contract run",
    };
    let crumbs = vec![Crumb::link("Repricing runs", runs_path(visit.org())), Crumb::here(format::time(run.created_at))];
    // While the server is at work the page looks again by itself; without scripts a link does.
    let look = run.state.is_active().then_some("2");
    html! {
        // Said once: a part that is renewed would lose them.
        <FormErrors errors={Posted::<ConfirmRun>::here().errors()}/>
        <FormErrors errors={Posted::<DiscardRun>::here().errors()}/>
        <FormErrors errors={Posted::<ReverseRun>::here().errors()}/>
        <div class="part" id="run" data-live=look>
        <Breadcrumb crumbs=crumbs/>
        <PageHead title=title lead=selection(&run.input)><Badge tone=tone>{word}</Badge></PageHead>
        {body(visit, run)}
        {run.contract.as_ref().map(counted)}
        {facts(run)}
        </div>
    }
}

fn body(visit: &Visit, run: &RepricingRun) -> AnyView {
    let (org, may) = (visit.org(), visit.frame.may(Permission::ManagePrices));
    match &run.state {
        RunState::Draft { so_far } => {
            let text = match so_far.looked_at {
                0 => "Looking at the events. ".to_owned(),
                looked_at => format!("Looking at the events: {} so far. ", format::count(looked_at)),
            };
            let again = run_path(org, run);
            html! { <Notice>{text}<a href=again>"Look again"</a></Notice> }
        }
        RunState::Previewed { preview } => {
            html! { {sums(preview, "would move")}{may.then(|| decide(org, run, preview))} }
        }
        RunState::Running { preview, so_far } => {
            let bar = progress(org, run, so_far, preview.looked_at, "moved");
            html! { {bar}{sums(so_far, "were repriced so far")} }
        }
        RunState::Done { outcome, at, .. } => {
            let text = format!("Repricing complete, {}.", format::time(*at));
            let form = (may && outcome.moved > 0).then(|| reverse(org, run));
            html! { <Notice tone=Tone::Good>{text}</Notice>{sums(outcome, "moved")}{form} }
        }
        RunState::Reversing { outcome, so_far, reason } => {
            let bar = progress(org, run, so_far, outcome.moved, "taken back");
            let why = format!("Being taken back: {reason}");
            html! { <p>{why}</p>{bar}{sums(so_far, "were reverted so far")} }
        }
        RunState::Reversed { reversal, reason, at, .. } => {
            let text = format!("Taken back on {}: {reason}", format::time(*at));
            html! { <Notice>{text}</Notice>{sums(reversal, "taken back")} }
        }
        RunState::Discarded { at } => {
            let text = format!("Thrown away on {} before anything moved.", format::time(*at));
            html! { <Notice>{text}</Notice> }
        }
        RunState::Failed { outcome, detail, at } => {
            let text = format!("Stopped on {}: {detail}", format::time(*at));
            let form = (may && outcome.moved > 0).then(|| reverse(org, run));
            html! { <Notice tone=Tone::Bad>{text}</Notice>{sums(outcome, "moved until then")}{form} }
        }
    }
}

fn progress(org: &str, run: &RepricingRun, so_far: &Summary, all: u64, what: &str) -> AnyView {
    let share = format::ratio(Decimal::from(so_far.looked_at), Decimal::from(all)).unwrap_or(0.0).min(1.0);
    let label = format!("{} of {} events {what}", format::count(so_far.looked_at), format::count(all));
    html! {
        <div class="run-progress">
            <Meter share=share tone=BarTone::Accent label=label.clone()/>
            <p class="soft">{label}". "<a href=run_path(org, run)>"Look again"</a></p>
        </div>
    }
}

/// The answer first: how many events, how much money; then by team, project and month.
fn sums(summary: &Summary, moves: &str) -> AnyView {
    let delta = summary.delta();
    let before = format!("from {} to {}", format::money(summary.before), format::money(summary.after));
    let looked = format!("of {} looked at", format::count(summary.looked_at));
    let priced = (summary.priced > 0).then(|| {
        view! { <Figure caption="Events that get a price" value=format::count(summary.priced)/> }
    });
    let left = (summary.still_unpriced > 0).then(|| {
        view! { <Figure caption="Still without a price" value=format::count(summary.still_unpriced)/> }
    });
    html! {
        <div class="headline">
            <Figure large=true caption="Cost impact" value=amount(delta) title=format::money_full(delta)><span class="soft">{before}</span></Figure>
            <Figure caption=format!("Events that {moves}") value=format::count(summary.moved)><span class="soft">{looked}</span></Figure>
            {priced}
            {left}
        </div>
        {tables(summary)}
    }
}

fn tables(summary: &Summary) -> AnyView {
    if summary.moves.is_empty() {
        return html! { <p class="soft">"No cost differs from what is booked."</p> };
    }
    let by_team = summary.by(|row| row.team.clone().unwrap_or_else(|| "no owner".to_owned()));
    let by_project = summary.by(|row| row.project.clone());
    let by_month =
        summary.by(|row| row.month).into_iter().map(|(month, events, delta)| (format::month(month), events, delta));
    let by_model = summary.by(|row| format!("{}/{}", row.provider, row.model));
    let elsewhere = (summary.elsewhere > 0).then(|| {
        let text =
            format!("{} more are in the sums but not in these tables.", format::counted(summary.elsewhere, "event"));
        view! { <p class="soft">{text}</p> }
    });
    html! {
        <Columns>
            <Section title="By team">{table("Team", by_team)}</Section>
            <Section title="By month">{table("Month", by_month.collect())}</Section>
        </Columns>
        <Columns>
            <Section title="By project">{table("Project", by_project)}</Section>
            <Section title="By model">{table("Model", by_model)}</Section>
        </Columns>
        {elsewhere}
    }
}

fn table(head: &str, rows: Vec<(String, u64, Decimal)>) -> AnyView {
    let columns = vec![Column::text(head), Column::number("Events"), Column::number("Cost impact, $")];
    let rows = rows.into_iter().map(|(key, events, delta)| {
        view! {
            <tr>
                <th scope="row">{key}</th>
                <td class="num">{format::count(events)}</td>
                <td class="num">{change(delta)}</td>
            </tr>
        }
    });
    html! { <Table caption=format!("What moves by {}", head.to_lowercase()) columns=columns dense=true>{rows.collect_view()}</Table> }
}

fn decide(org: &str, run: &RepricingRun, preview: &Summary) -> AnyView {
    let (title, note) = if preview.moved > 0 {
        ("Confirm", "booked costs stay; adjustments are appended and can be reversed")
    } else {
        ("Nothing to confirm", "every recorded cost stays as it is")
    };
    let confirm = (preview.moved > 0).then(|| {
        let form = Posted::<ConfirmRun>::here();
        let button = format!("Move {}", format::counted(preview.moved, "event"));
        html! {
            <form method="post" action=ConfirmRun::url() class="form">
                {which(org, run)}
                <TextArea label="Reason" name="reason" rows=2 maxlength=500 value=form.kept_or("reason", "") error=form.error("reason")
                    hint="Stands beside every adjustment, for those who read the numbers later."/>
                <div class="actions"><Button kind=ButtonKind::Primary>{button}</Button></div>
            </form>
        }
    });
    let discard = view! {
        <form method="post" action=DiscardRun::url()>
            {which(org, run)}
            <div class="actions"><Button kind=ButtonKind::Link>"Throw the preview away"</Button></div>
        </form>
    };
    html! { <Section title=title note=note>{confirm}{discard}</Section> }
}

fn reverse(org: &str, run: &RepricingRun) -> AnyView {
    let form = Posted::<ReverseRun>::here();
    let which = which(org, run);
    html! {
        <Section title="Reverse" note="appends the opposite of every adjustment">
            <details class="fold">
                <summary>"Revert run …"</summary>
                <form method="post" action=ReverseRun::url() class="form">
                    {which}
                    <TextArea label="Reason" name="reason" rows=2 maxlength=500 value=form.kept_or("reason", "") error=form.error("reason")/>
                    <div class="actions"><Button kind=ButtonKind::Danger>"Reverse the run"</Button></div>
                </form>
            </details>
        </Section>
    }
}

/// The run that a form is about.
fn which(org: &str, run: &RepricingRun) -> AnyView {
    hidden([("org", org), ("run", &run.run_id.to_string())])
}

fn facts(run: &RepricingRun) -> AnyView {
    let reason = run.reason.clone().map(|reason| view! { <div><dt>"Reason"</dt><dd>{reason}</dd></div> });
    let started = format!("{} by {}", format::time_exact(run.created_at), run.created_by);
    let (known, id) = (format::time_exact(run.known_at), run.run_id.to_string());
    html! {
        <Section title="About this run">
            <Facts>
                <div><dt>"Started"</dt><dd>{started}</dd></div>
                <div><dt>"Prices and events as known on"</dt><dd>{known}</dd></div>
                {reason}
                <div><dt>"Run id"</dt><dd class="mono">{id}</dd></div>
            </Facts>
        </Section>
    }
}
