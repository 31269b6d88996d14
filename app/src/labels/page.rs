//! The page: how much of the usage carries the required labels, where they are missing, and values that are one.

use super::api::{AliasValue, ReleaseLabel, RemoveAlias, RequireLabel};
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::PeriodSelection;
use crate::page::{Drawn, Page, Visit};
use crate::spend::events_of;
use crate::ui::{
    Button, ButtonKind, Choice, EmptyState, Field, FormErrors, NoticeText, PageHead, RowButton, Section, Select, Table,
    Tone, UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::label::{AliasProposal, Amount, Coverage, CoverageRow, RequiredLabel, ValueAlias, example};
use domain::period::Period;
use domain::project::Project;
use domain::spend::Dimension;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: &[NoticeText] = &[
    NoticeText {
        code: "required",
        tone: Tone::Good,
        text: "The label is required. No event is rejected for want of it.",
    },
    NoticeText { code: "released", tone: Tone::Good, text: "The label is not required any more." },
    NoticeText {
        code: "aliased",
        tone: Tone::Good,
        text: "They count as one, for days that are over too. Events keep what was sent.",
    },
    NoticeText {
        code: "removed",
        tone: Tone::Good,
        text: "The value counts as itself again, for days that are over too.",
    },
];

/// Rows of the table of what is missing; the API has all.
const SHOWN: usize = 50;

/// Labels in the days that the address chooses.
pub(crate) async fn labels(visit: Visit) -> Drawn {
    let (backend, scope, org) = (&visit.backend, &visit.scope, visit.org());
    let period = PeriodSelection::from_query(&visit.query, visit.frame.calendar()).period;
    let may_manage = visit.frame.may(Permission::ManagePrices);
    let (coverage, projects) = futures::try_join!(
        backend::labels::coverage(backend, scope, period),
        backend::projects::list_projects(backend, scope)
    )?;
    // Values are of all projects: those who see some of them see none.
    let aliases = match scope.sees_all() {
        true => {
            let (aliases, proposals) = futures::try_join!(
                backend::labels::aliases(backend, scope),
                backend::labels::proposals(backend, scope)
            )?;
            Some(alias_section(org, may_manage, &aliases, &proposals))
        }
        false => None,
    };
    let require = may_manage.then(|| require_form(org, &projects));
    let days = format::range(period, visit.frame.today);
    Ok(Page::new(
        "Labels",
        view! {
            <UrlNotice known=NOTICES/>
            <PageHead title="Labels" lead="Which labels events should carry, where they are missing, and which of their values are one."/>
            {required(org, may_manage, &coverage, &days)}
            {require}
            {missing(org, &coverage, period)}
            {aliases}
        },
    ))
}

fn required(org: &str, may_manage: bool, coverage: &Coverage, days: &str) -> AnyView {
    if coverage.labels.is_empty() {
        let text = "Say which labels every event should carry, such as feature, customer or tag.cost_type: this page then shows how much of the spend does.";
        return html! { <EmptyState title="No required labels yet" text=text/> };
    }
    let row = |(label, missing, total): &(RequiredLabel, Amount, Amount)| {
        let share = |share: Option<f64>| share.map_or_else(|| format::NONE.to_owned(), format::percent);
        let release = may_manage.then(|| release_form(org, label));
        view! {
            <tr>
                <th scope="row">{label.dimension.label()}</th>
                <td>{label.project.clone().unwrap_or_else(|| "all projects".to_owned())}</td>
                <td class="num">{share(missing.spend_outside(*total))}</td>
                <td class="num">{share(missing.requests_outside(*total))}</td>
                {amounts(missing)}
                <td class="end">{release}</td>
            </tr>
        }
    };
    let rows = coverage.labels.iter().map(row).collect_view();
    let heads = columns(
        "Label | Events of | Spend with it # | Requests with it # | Spend without, $ # | Requests without # | Remove ~",
    );
    html! {
        <Section title="Required labels" note=days.to_owned()>
            <FormErrors errors={Posted::<ReleaseLabel>::here().errors()}/>
            <Table caption="Required labels with how much of the usage carries them" columns=heads>{rows}</Table>
        </Section>
    }
}

fn amounts(amount: &Amount) -> AnyView {
    html! {
        <td class="num" title=format::money_full(amount.spend)>{format::money_plain(amount.spend)}</td>
        <td class="num">{format::count(amount.requests)}</td>
    }
}

fn release_form(org: &str, label: &RequiredLabel) -> AnyView {
    let (name, project) = (label.dimension.name(), label.project.clone().unwrap_or_default());
    let button = format!("Require {name} no more");
    html! {
        <form method="post" action=ReleaseLabel::url()>
            {hidden([("org", org), ("label", &name), ("project", &project)])}
            <RowButton kind=ButtonKind::Link text="Remove" name=button/>
        </form>
    }
}

fn require_form(org: &str, projects: &[Project]) -> AnyView {
    let form = Posted::<RequireLabel>::here();
    let live = projects.iter().filter(|project| project.archived_at.is_none());
    let each = live.map(|project| Choice::new(project.slug.as_str(), project.name.as_str()));
    let choices = std::iter::once(Choice::new("", "All projects")).chain(each).collect();
    let open = !form.errors().is_empty();
    html! {
        <details class="fold" open=open>
            <summary>"Require a label"</summary>
            <form class="form form-wide" method="post" action=RequireLabel::url()>
                <FormErrors errors=form.errors()/>
                {hidden([("org", org)])}
                <div class="form-row">
                    <Field label="Label" name="label" maxlength=70 error=form.error("label") value=form.kept_or("label", "")
                        hint="feature, environment, customer, user, cohort, step or a tag such as tag.cost_type."/>
                    <Select label="Events of" name="project" find=true choices=choices value=form.kept_or("project", "") error=form.error("project")/>
                </div>
                <div class="actions"><Button kind=ButtonKind::Primary>"Require label"</Button></div>
            </form>
        </details>
    }
}

/// Where labels are missing, the dearest first, each with what to set and the events behind it.
fn missing(org: &str, coverage: &Coverage, period: Period) -> Option<AnyView> {
    let row = |row: &CoverageRow| {
        let without = format::ratio(row.missing.spend, row.total.spend).map(format::percent);
        let values = [
            (row.dimension.clone(), ""),
            (Dimension::Project, row.project.as_str()),
            (Dimension::ApiKey, row.api_key.as_str()),
        ];
        let events = events_of(period, values).at(&format!("/o/{org}/events"));
        let name = format!("Events of {} by {} without {}", row.project, row.key_name, row.dimension);
        view! {
            <tr>
                <th scope="row">{row.dimension.label()}</th>
                <td>{row.project.clone()}</td>
                <td>{row.key_name.clone()}</td>
                {amounts(&row.missing)}
                <td class="num">{without.unwrap_or_else(|| format::NONE.to_owned())}</td>
                <td class="nowrap"><code>{example(&row.dimension)}</code></td>
                <td><a href=events aria-label=name>"Events"</a></td>
            </tr>
        }
    };
    let rows = coverage.rows.iter().take(SHOWN).map(row).collect_view();
    let heads = columns(
        "Label | Project | API key | Spend without, $ # | Requests without # | Of its spend # | Set in the event | Events ~",
    );
    let more = coverage.rows.len().saturating_sub(SHOWN);
    let more =
        (more > 0).then(|| view! { <p class="soft small">{format!("{more} more by GET /v1/required-labels.")}</p> });
    (!coverage.rows.is_empty()).then(|| {
        html! {
            <Section title="Where labels are missing" note="the most dollars first" id="missing">
                <Table caption="Projects and API keys whose events lack required labels" columns=heads>{rows}</Table>
                {more}
            </Section>
        }
    })
}

fn alias_section(org: &str, may_manage: bool, aliases: &[ValueAlias], proposals: &[AliasProposal]) -> AnyView {
    let proposed = (!proposals.is_empty()).then(|| proposal_table(org, may_manage, proposals));
    let entered = match aliases {
        [] => html! { <p class="soft">"Every value counts as itself."</p> },
        aliases => alias_table(org, may_manage, aliases),
    };
    let form = may_manage.then(|| alias_form(org));
    html! {
        <Section title="Values that are one" note="for all days; events keep what was sent" id="aliases">
            <FormErrors errors={Posted::<RemoveAlias>::here().errors()}/>
            {entered}
            {proposed}
            {form}
        </Section>
    }
}

fn alias_table(org: &str, may_manage: bool, aliases: &[ValueAlias]) -> AnyView {
    let row = |alias: &ValueAlias| {
        let label = alias.dimension.name();
        let name = format!("Let {} of {label} count as itself", alias.value);
        let remove = may_manage.then(|| {
            view! {
                <form method="post" action=RemoveAlias::url()>
                    {hidden([("org", org), ("label", &label), ("value", &alias.value)])}
                    <RowButton kind=ButtonKind::Link text="Remove" name=name/>
                </form>
            }
        });
        view! {
            <tr>
                <td>{alias.dimension.label()}</td>
                <th scope="row">{alias.value.clone()}</th>
                <td>{alias.canonical.clone()}</td>
                <td><time datetime=format::time_machine(alias.created_at) title=format::time_exact(alias.created_at)>{format::time(alias.created_at)}</time><span class="note">{alias.created_by.clone()}</span></td>
                <td class="end">{remove}</td>
            </tr>
        }
    };
    let rows = aliases.iter().map(row).collect_view();
    let heads = columns("Label | Sent | Counts as | Entered | Remove ~");
    html! { <Table caption="Values that count as others" columns=heads>{rows}</Table> }
}

fn proposal_table(org: &str, may_manage: bool, proposals: &[AliasProposal]) -> AnyView {
    let row = |proposal: &AliasProposal, value: &String| {
        let label = proposal.dimension.name();
        let name = format!("Let {value} of {label} count as {}", proposal.canonical);
        let accept = may_manage.then(|| {
            view! {
                <form method="post" action=AliasValue::url()>
                    {hidden([("org", org), ("label", &label), ("value", value), ("canonical", &proposal.canonical)])}
                    <RowButton text="Accept" name=name/>
                </form>
            }
        });
        html! {
            <tr>
                <td>{proposal.dimension.label()}</td>
                <th scope="row">{value.clone()}</th>
                <td>{proposal.canonical.clone()}</td>
                <td class="end">{accept}</td>
            </tr>
        }
    };
    let pairs = proposals.iter().flat_map(|proposal| proposal.values.iter().map(move |value| (proposal, value)));
    let rows = pairs.map(|(proposal, value)| row(proposal, value)).collect_view();
    let heads = columns("Label | Value | Could count as | Accept ~");
    html! {
        <h3>"Proposals"</h3>
        <p class="soft small">"Values of the last 90 days that differ in case, punctuation or plural only."</p>
        <Table caption="Values that look like one" columns=heads>{rows}</Table>
    }
}

fn alias_form(org: &str) -> AnyView {
    let form = Posted::<AliasValue>::here();
    let errors: Vec<_> = form.errors().into_iter().map(|(field, what)| (format!("alias-{field}"), what)).collect();
    let open = !errors.is_empty();
    html! {
        <details class="fold" open=open>
            <summary>"Let a value count as another"</summary>
            <form class="form form-wide" method="post" action=AliasValue::url()>
                <FormErrors errors=errors/>
                {hidden([("org", org)])}
                <div class="form-row">
                    <Field label="Label" name="label" id="alias-label" maxlength=70 error=form.error("label") value=form.kept_or("label", "") hint="Such as feature or tag.department."/>
                    <Field label="Sent" name="value" id="alias-value" maxlength=200 error=form.error("value") value=form.kept_or("value", "") hint="Case counts, such as eng."/>
                    <Field label="Counts as" name="canonical" id="alias-canonical" maxlength=200 error=form.error("canonical") value=form.kept_or("canonical", "") hint="Such as Engineering."/>
                </div>
                <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
            </form>
        </details>
    }
}
