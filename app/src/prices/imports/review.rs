//! What one import proposes: every change with its effect on the last 30 days, ticked and entered with a reason.

use super::super::api::ApplyImport;
use super::super::labels::{amount, change, instant, model_path, rate};
use super::{import_path, imports_path, whose};
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::UrlQuery;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Badge, Breadcrumb, Button, ButtonKind, Choice, Crumb, EmptyState, Facts, Figure, FormErrors, NoticeText, PageHead,
    Radios, Section, Table, TextArea, Tone, UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::price::import::{Counts, Filter, Import, ImportEffect, Proposal, ProposalKind};
use domain::price::page::{ModelName, terms};
use domain::price::{BookPrice, PriceWarning};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: &[NoticeText] = &[NoticeText {
    code: "imported",
    tone: Tone::Good,
    text: "The prices are entered, as one change that you can undo under Custom prices. Recorded events keep their cost until they are repriced.",
}];

/// The filter in the page's address.
const SHOW: &str = "show";

/// Most proposals that the page shows.
const PROPOSALS_SHOWN: usize = 300;

/// One import.
pub(crate) async fn import(visit: Visit) -> Drawn {
    let import = backend::prices::import::import(&visit.backend, &visit.scope, visit.id("import")?).await?;
    let (org, entry, counts) = (visit.org(), &import.entry, Counts::of(&import.proposals));
    let crumbs = vec![Crumb::link("Import prices", imports_path(org)), Crumb::here(entry.file_name.clone())];
    let title = format!("{} beside your prices", entry.source);
    Ok(Page::new(
        "Import",
        view! {
            <UrlNotice known=NOTICES/>
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=title lead=lead(&import, &counts)/>
            {whose()}
            {effect(org, &import.effect)}
            {proposals(&visit, &import, &counts)}
            {facts(&import)}
        },
    ))
}

/// The answer in one sentence.
fn lead(import: &Import, counts: &Counts) -> String {
    let unchanged = format!("{} are as you have them", format::counted(import.unchanged, "price"));
    if counts.total() == 0 {
        return format!("Nothing differs any more; {unchanged}.");
    }
    let said = |kind: ProposalKind| {
        let count = counts.of_kind(kind);
        (count > 0).then(|| format!("{} {}", format::count(count), kind.label()))
    };
    let kinds: Vec<String> = ProposalKind::ALL.into_iter().filter_map(said).collect();
    let doubtful = match counts.needs_confirmation {
        0 => String::new(),
        count => format!(" {} of them need a confirmation.", format::count(count)),
    };
    format!("{} differ: {}; {unchanged}.{doubtful}", format::counted(counts.total(), "price"), kinds.join(", "))
}

/// What it would have meant.
fn effect(org: &str, effect: &ImportEffect) -> AnyView {
    let total = &effect.total;
    let note = if effect.cut {
        format!("the newest {}, since {}", format::counted(total.events, "event"), instant(effect.from))
    } else {
        "the 30 days before the file was sent".to_owned()
    };
    if effect.models.is_empty() {
        let text = "None of the models that differ was used in this time.";
        return html! { <Section title="Effect" note=note><p class="soft">{text}</p></Section> };
    }
    let doubtful = (total.sure != total.all).then(|| {
        let from = format!("to {}", format::money(total.all));
        view! { <Figure caption="With everything" value=amount(total.delta()) title=format::money_full(total.delta())><span class="soft">{from}</span></Figure> }
    });
    let priced = (total.priced > 0).then(|| {
        view! { <Figure caption="Events that would get a price" value=format::count(total.priced)/> }
    });
    let from = format!("from {} to {}", format::money(total.before), format::money(total.sure));
    let (models, events) = (by_model(org, effect), format::count(total.events));
    let (sure, sure_exact) = (amount(total.sure_delta()), format::money_full(total.sure_delta()));
    html! {
        <Section title="Effect" note=note>
            <div class="headline">
                <Figure large=true caption="With all that needs no confirmation" value=sure title=sure_exact><span class="soft">{from}</span></Figure>
                {doubtful}
                <Figure caption="Events of these models" value=events/>
                {priced}
            </div>
            {models}
            <p class="soft small">"Every recorded event is rated again as of its own time, as if these prices had held; nothing is estimated, and nothing has moved."</p>
        </Section>
    }
}

fn by_model(org: &str, effect: &ImportEffect) -> AnyView {
    let columns = columns("Model | Events # | Cost, $ # | With all proposals, $ # | Change, $ #");
    let rows = effect.models.iter().map(|row| {
        view! {
            <tr>
                {head(org, &row.model, row.sums.priced < row.sums.events, None)}
                <td class="num">{format::count(row.sums.events)}</td>
                <td class="num" title=format::money_full(row.sums.before)>{format::money_plain(row.sums.before)}</td>
                <td class="num" title=format::money_full(row.sums.all)>{format::money_plain(row.sums.all)}</td>
                <td class="num">{change(row.sums.delta())}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    html! { <Table caption="Effect by model" columns=columns dense=true>{rows}</Table> }
}

fn proposals(visit: &Visit, import: &Import, counts: &Counts) -> AnyView {
    if counts.total() == 0 {
        let text = "You have every price of the file, or a price of your own that you kept.";
        return html! { <Section title="Proposals"><EmptyState title="Nothing to enter" text=text/></Section> };
    }
    let (org, may) = (visit.org(), visit.frame.may(Permission::ManagePrices));
    let show = Filter::parse(visit.query.get(SHOW).unwrap_or_default());
    let columns = columns("Model | What is priced | From | Now # | Then # | State");
    let matching: Vec<&Proposal> = import.proposals.iter().filter(|proposal| show.shows(proposal)).collect();
    let form = Posted::<ApplyImport>::here();
    let ticked: Vec<&str> = form.kept_all("proposals[]").collect();
    let rows = matching.iter().take(PROPOSALS_SHOWN).map(|proposal| row(org, proposal, may, &ticked)).collect_view();
    let rest = (matching.len() > PROPOSALS_SHOWN).then(|| {
        let text = format!(
            "The first {} of {}. Enter some to see the others, or use the API.",
            format::count(PROPOSALS_SHOWN as u64),
            format::count(matching.len() as u64)
        );
        view! { <p class="soft small">{text}</p> }
    });
    let list = html! {
        <Table caption="Proposals" columns=columns dense=true>{rows}</Table>
        {rest}
    };
    let filters = filters(&import_path(org, &import.entry), counts, show);
    let body = if may { apply(org, import, counts.sure(), list) } else { list };
    html! { <Section title="Proposals" note="rows are ended and begun, never edited">{filters}{body}</Section> }
}

/// Links that narrow the list.
fn filters(path: &str, counts: &Counts, show: Filter) -> AnyView {
    let links = Filter::ALL.into_iter().filter_map(|filter| {
        let (word, count) = match filter {
            Filter::All => ("all", counts.total()),
            Filter::Kind(kind) => (kind.label(), counts.of_kind(kind)),
            Filter::NeedsConfirmation => ("needs confirmation", counts.needs_confirmation),
        };
        let label = format!("{word} {}", format::count(count));
        let current = (filter == show).then_some("true");
        let href = match filter {
            Filter::All => path.to_owned(),
            filter => UrlQuery::new().with(SHOW, filter.as_str()).at(path),
        };
        (count > 0).then(|| view! { <li><a href=href aria-current=current>{label}</a></li> })
    });
    html! { <ul class="price-filters" aria-label="Filters">{links.collect_view()}</ul> }
}

fn row(org: &str, proposal: &Proposal, may: bool, ticked: &[&str]) -> AnyView {
    let model = proposal.model();
    let what = proposal.row().map(|row| (row.meter.label(), terms(row)));
    let (meter, terms) = what.unwrap_or_default();
    let from = proposal.from.map_or_else(|| "all time".to_owned(), instant);
    let tick = may.then(|| {
        let label = format!("Enter {meter} of {}", model.model);
        let id = proposal.id().to_string();
        let checked = ticked.contains(&id.as_str());
        html! { <input type="checkbox" name="proposals[]" value=id checked=checked aria-label=label/> }
    });
    let (kind, tone) = (proposal.kind.label(), if proposal.needs_confirmation() { Tone::Warn } else { Tone::Neutral });
    let warnings: Vec<String> = proposal.warnings.iter().map(PriceWarning::detail).collect();
    let why = (!warnings.is_empty()).then(|| view! { <span class="note">{warnings.join(" ")}</span> });
    let until = proposal
        .after
        .as_ref()
        .and_then(|row| row.valid_to)
        .map(|to| view! { <span class="note">"until "{instant(to)}</span> });
    html! {
        <tr>
            {head(org, &model, proposal.kind != ProposalKind::NewModel, tick)}
            <td>{meter}<span class="note">{terms}</span></td>
            <td class="nowrap">{from}{until}</td>
            {cell(proposal.before.as_ref(), "no price")}
            {cell(proposal.after.as_ref(), "ends")}
            <td class="wrap"><Badge tone=tone>{kind}</Badge>{why}</td>
        </tr>
    }
}

/// The model of a row, behind the box that chooses it; a link to its page where the book has it already.
fn head(org: &str, name: &ModelName, is_known: bool, tick: Option<AnyView>) -> AnyView {
    let (model, provider) = (name.model.clone(), name.provider.clone());
    let model = if is_known {
        html! { <a href=model_path(org, name)>{model}</a> }
    } else {
        model.into_any()
    };
    html! { <th scope="row">{tick}{model}<span class="note">{provider}</span></th> }
}

/// A rate with where it comes from.
fn cell(row: Option<&BookPrice>, none: &'static str) -> AnyView {
    match row {
        Some(row) => {
            let source = format!("{} {}", row.source, row.source_version).trim_end().to_owned();
            html! { <td class="num" title=source>{rate(row.rate, row.per)}</td> }
        }
        None => html! { <td class="num soft">{none}</td> },
    }
}

/// The list inside the form that enters what is chosen.
fn apply(org: &str, import: &Import, sure: u64, list: AnyView) -> AnyView {
    let form = Posted::<ApplyImport>::here();
    let hint = "Ticking a row that needs a confirmation confirms it.";
    let all = (sure > 0)
        .then(|| Choice::new("sure", format!("Everything that needs no confirmation ({})", format::count(sure))));
    let choices: Vec<Choice> =
        all.into_iter().chain([Choice::new("ticked", "Only what is ticked above").hint(hint)]).collect();
    // Whoever chose something and was sent back has not chosen everything.
    let is_fresh = form.errors().is_empty();
    let what = form.kept_or("what", if sure > 0 && is_fresh { "sure" } else { "ticked" });
    html! {
        <form method="post" action=ApplyImport::url() class="price-review">
            {hidden([("org", org), ("import", &import.entry.import_id.to_string())])}
            {list}
            <div class="form form-wide">
                <FormErrors errors=form.errors()/>
                <Radios label="What is entered" name="what" choices=choices value=what/>
                <TextArea label="Reason" name="reason" rows=2 maxlength=500 value=form.kept_or("reason", "") error=form.error("reason")
                    hint="Stands in the history of your prices."/>
                <div class="actions">
                    <Button kind=ButtonKind::Primary>"Enter the prices"</Button>
                    <span class="soft small">"One change, which can be undone while nothing was booked with it."</span>
                </div>
            </div>
        </form>
    }
}

fn facts(import: &Import) -> AnyView {
    let entry = &import.entry;
    let sent = format!("{} by {}", format::time_exact(entry.created_at), entry.created_by);
    let unlisted = (import.unlisted_models > 0).then(|| {
        let text =
            format!("{} of the same source: they stay as they are", format::counted(import.unlisted_models, "model"));
        view! { <div><dt>"Not in the file"</dt><dd>{text}</dd></div> }
    });
    let left_out = (!import.left_out.is_empty()).then(|| {
        let items = import.left_out.iter().map(|(what, count)| {
            let text = if *count > 1 { format!("{what} ({})", format::count(*count)) } else { what.clone() };
            view! { <li>{text}</li> }
        });
        view! { <div><dt>"Left out of the file"</dt><dd><ul class="price-names">{items.collect_view()}</ul></dd></div> }
    });
    let (file, undated) = (entry.file_name.clone(), format!("from {}", instant(entry.from)));
    let applied = format::counted(entry.applied, "price");
    html! {
        <Section title="About this import">
            <Facts>
                <div><dt>"File"</dt><dd>{file}</dd></div>
                <div><dt>"Sent"</dt><dd>{sent}</dd></div>
                <div><dt>"Changes without a date"</dt><dd>{undated}</dd></div>
                <div><dt>"Entered so far"</dt><dd>{applied}</dd></div>
                {unlisted}
                {left_out}
            </Facts>
        </Section>
    }
}
