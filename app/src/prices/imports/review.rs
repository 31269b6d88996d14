//! What one import proposes: every change with its effect on the last 30 days, ticked and entered with a reason.

use super::super::api::{ApplyImport, load_import};
use super::super::labels::{instant, model_path, rate};
use super::{imports_path, whose};
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::UrlQuery;
use crate::ui::{
    Badge, Breadcrumb, Button, ButtonKind, Change, Choice, Column, Crumb, Direction, EmptyState, Facts, Figure,
    FormErrors, Loading, NoticeText, PageHead, Radios, Section, Table, TextArea, Tone, UrlNotice, loaded_first,
};
use domain::price::import::{Counts, Filter, ImportEffect, ImportPage as View, Proposal, ProposalKind};
use domain::price::page::{ModelName, terms};
use domain::price::{BookPrice, PriceWarning};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use rust_decimal::Decimal;

const NOTICES: &[NoticeText] = &[NoticeText {
    code: "imported",
    tone: Tone::Good,
    text: "The prices are entered, as one change that you can undo under Your prices. Recorded events keep their cost until they are repriced.",
}];

/// The filter in the page's address.
const SHOW: &str = "show";

/// One import.
#[component]
pub fn ImportPage() -> impl IntoView {
    let params = use_params_map();
    let map = use_query_map();
    let asked = Memo::new(move |_| {
        let params = params.read();
        let show = map.read().get(SHOW).unwrap_or_default();
        (params.get("org").unwrap_or_default(), params.get("import").unwrap_or_default(), Filter::parse(&show))
    });
    let form = use_form::<ApplyImport>();
    let version = form.action.version();
    let import =
        loaded_first(move || (asked.get(), version.get()), |((org, import, show), _)| load_import(org, import, show));
    view! {
        <Title text="Import"/>
        <UrlNotice known=NOTICES/>
        <Transition fallback=|| view! { <Loading what="import" lines=12/> }>
            {move || Suspend::new(async move {
                match import.await {
                    Ok(page) => {
                        let (org, _, show) = asked.get_untracked();
                        draw(&org, &page, show, form)
                    }
                    Err(error) => view! { <PageHead title="Import"/><Failure what="import" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn draw(org: &str, page: &View, show: Filter, form: Form<ApplyImport>) -> AnyView {
    let entry = &page.import.entry;
    let crumbs = vec![Crumb::link("Import prices", imports_path(org)), Crumb::here(entry.file_name.clone())];
    let title = format!("{} beside your prices", entry.source);
    let (effect, proposals, facts) = (effect(org, page), proposals(org, page, show, form), facts(page));
    view! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title=title lead=lead(page)/>
        {whose()}
        {effect}
        {proposals}
        {facts}
    }
    .into_any()
}

/// The answer in one sentence.
fn lead(page: &View) -> String {
    let counts = &page.counts;
    let unchanged = format!("{} are as you have them", format::counted(page.import.unchanged, "price"));
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
fn effect(org: &str, page: &View) -> AnyView {
    let effect = &page.import.effect;
    let total = &effect.total;
    let note = if effect.cut {
        format!("the newest {}, since {}", format::counted(total.events, "event"), instant(effect.from))
    } else {
        "the 30 days before the file was sent".to_owned()
    };
    if effect.models.is_empty() {
        let text = "None of the models that differ was used in this time.";
        return view! { <Section title="Effect" note=note><p class="soft">{text}</p></Section> }.into_any();
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
    view! {
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
    .into_any()
}

fn amount(delta: Decimal) -> String {
    if delta.is_zero() { format::money(delta) } else { format::money_signed(delta) }
}

fn by_model(org: &str, effect: &ImportEffect) -> AnyView {
    let columns = vec![
        Column::text("Model"),
        Column::number("Events"),
        Column::number("Cost, $"),
        Column::number("With all proposals, $"),
        Column::number("Change, $"),
    ];
    let rows = effect.models.iter().map(|row| {
        let delta = row.sums.delta();
        let direction = Direction::of_cost(if delta.is_zero() {
            0.0
        } else if delta.is_sign_negative() {
            -1.0
        } else {
            1.0
        });
        let change = if delta.is_zero() { format::money_plain(delta) } else { format::money_signed(delta) };
        view! {
            <tr>
                {head(org, &row.model, row.sums.priced < row.sums.events, None)}
                <td class="num">{format::count(row.sums.events)}</td>
                <td class="num" title=format::money_full(row.sums.before)>{format::money_plain(row.sums.before)}</td>
                <td class="num" title=format::money_full(row.sums.all)>{format::money_plain(row.sums.all)}</td>
                <td class="num"><Change text=change direction=direction title=format::money_full(delta)/></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Table caption="Effect by model" columns=columns dense=true>{rows}</Table> }.into_any()
}

fn proposals(org: &str, page: &View, show: Filter, form: Form<ApplyImport>) -> AnyView {
    if page.counts.total() == 0 {
        let text = "You have every price of the file, or a price of your own that you kept.";
        return view! { <Section title="Proposals"><EmptyState title="Nothing to enter" text=text/></Section> }
            .into_any();
    }
    let may = page.may_manage;
    let columns = vec![
        Column::text("Model"),
        Column::text("What is priced"),
        Column::text("From"),
        Column::number("Now"),
        Column::number("Then"),
        Column::text("State"),
    ];
    let rows = page.import.proposals.iter().map(|proposal| row(org, proposal, may)).collect_view();
    let shown = page.import.proposals.len() as u64;
    let rest = (shown < page.matching).then(|| {
        let text = format!(
            "The first {} of {}. Enter some to see the others, or use the API.",
            format::count(shown),
            format::count(page.matching)
        );
        view! { <p class="soft small">{text}</p> }
    });
    let list = view! {
        <Table caption="Proposals" columns=columns dense=true>{rows}</Table>
        {rest}
    };
    let (filters, note) = (filters(org, page, show), "rows are ended and begun, never edited");
    let body = if may { apply(org, page, form, list.into_any()) } else { list.into_any() };
    view! { <Section title="Proposals" note=note>{filters}{body}</Section> }.into_any()
}

/// Links that narrow the list.
fn filters(org: &str, page: &View, show: Filter) -> AnyView {
    let path = super::import_path(org, &page.import.entry);
    let links = Filter::ALL.into_iter().filter_map(|filter| {
        let count = count_of(filter, &page.counts);
        let word = match filter {
            Filter::All => "all",
            Filter::Kind(kind) => kind.label(),
            Filter::NeedsConfirmation => "needs confirmation",
        };
        let label = format!("{word} {}", format::count(count));
        let current = (filter == show).then_some("true");
        let href =
            if filter == Filter::All { path.clone() } else { UrlQuery::new().with(SHOW, filter.as_str()).at(&path) };
        (count > 0).then(|| view! { <li><a href=href aria-current=current>{label}</a></li> })
    });
    view! { <ul class="price-filters" aria-label="Filters">{links.collect_view()}</ul> }.into_any()
}

const fn count_of(filter: Filter, counts: &Counts) -> u64 {
    match filter {
        Filter::All => counts.total(),
        Filter::Kind(kind) => counts.of_kind(kind),
        Filter::NeedsConfirmation => counts.needs_confirmation,
    }
}

fn row(org: &str, proposal: &Proposal, may: bool) -> AnyView {
    let model = proposal.model();
    let what = proposal.row().map(|row| (row.meter.label(), terms(row)));
    let (meter, terms) = what.unwrap_or_default();
    let from = proposal.from.map_or_else(|| "the beginning".to_owned(), instant);
    let tick = may.then(|| {
        let label = format!("Enter {meter} of {}", model.model);
        view! { <input type="checkbox" name="proposals[]" value=proposal.id().to_string() aria-label=label/> }
            .into_any()
    });
    let warnings: Vec<String> = proposal.warnings.iter().map(PriceWarning::detail).collect();
    let why = (!warnings.is_empty()).then(|| view! { <span class="note">{warnings.join(" ")}</span> });
    let until = proposal
        .after
        .as_ref()
        .and_then(|row| row.valid_to)
        .map(|to| view! { <span class="note">"until "{instant(to)}</span> });
    view! {
        <tr>
            {head(org, &model, proposal.kind != ProposalKind::NewModel, tick)}
            <td>{meter}<span class="note">{terms}</span></td>
            <td class="nowrap">{from}{until}</td>
            {cell(proposal.before.as_ref(), "no price")}
            {cell(proposal.after.as_ref(), "ends")}
            <td class="wrap">{badge(proposal)}{why}</td>
        </tr>
    }
    .into_any()
}

/// The model of a row, behind the box that chooses it; a link to its page where the book has it already.
fn head(org: &str, name: &ModelName, is_known: bool, tick: Option<AnyView>) -> AnyView {
    let (model, provider) = (name.model.clone(), name.provider.clone());
    let model =
        if is_known { view! { <a href=model_path(org, name)>{model}</a> }.into_any() } else { model.into_any() };
    view! { <th scope="row">{tick}{model}<span class="note">{provider}</span></th> }.into_any()
}

/// A rate with where it comes from.
fn cell(row: Option<&BookPrice>, none: &'static str) -> AnyView {
    match row {
        Some(row) => {
            let source = format!("{} {}", row.source, row.source_version).trim_end().to_owned();
            view! { <td class="num" title=source>{rate(row.rate, row.per)}</td> }.into_any()
        }
        None => view! { <td class="num soft">{none}</td> }.into_any(),
    }
}

fn badge(proposal: &Proposal) -> AnyView {
    let tone = if proposal.needs_confirmation() { Tone::Warn } else { Tone::Neutral };
    let label = proposal.kind.label();
    view! { <Badge tone=tone>{label}</Badge> }.into_any()
}

/// The list inside the form that enters what is chosen.
fn apply(org: &str, page: &View, form: Form<ApplyImport>, list: AnyView) -> AnyView {
    let sure = page.counts.sure();
    let hint = "Ticking a row that needs a confirmation confirms it.";
    let all = (sure > 0)
        .then(|| Choice::new("sure", format!("Everything that needs no confirmation ({})", format::count(sure))));
    let choices: Vec<Choice> =
        all.into_iter().chain([Choice::new("ticked", "Only what is ticked above").hint(hint)]).collect();
    let what = form.kept_or("what", if sure > 0 { "sure" } else { "ticked" });
    let (org, import) = (org.to_owned(), page.import.entry.import_id.to_string());
    view! {
        <ActionForm action=form.action attr:class="price-review">
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="import" value=import/>
            {list}
            <div class="form form-wide">
                <FormErrors errors=form.errors()/>
                <Radios label="What is entered" name="what" choices=choices value=what/>
                <TextArea label="Reason" name="reason" rows=2 maxlength=500 value=form.kept("reason").unwrap_or_default() error=form.error("reason")
                    hint="Stands in the history of your prices."/>
                <div class="actions">
                    <Button kind=ButtonKind::Primary disabled=form.pending()>"Enter the prices"</Button>
                    <span class="soft small">"One change, which can be undone while nothing was booked with it."</span>
                </div>
            </div>
        </ActionForm>
    }
    .into_any()
}

fn facts(page: &View) -> AnyView {
    let import = &page.import;
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
    view! {
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
    .into_any()
}
