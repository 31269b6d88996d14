//! Markups on statements: what holds, and the form that enters one.

use super::api::EnterMarkup;
use crate::form::{Posted, hidden};
use crate::format;
use crate::page::{Drawn, Page, Visit};
use crate::prices::api::EndRule;
use crate::prices::history::{Rows, entered, left_out, undone_under_changes};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Crumb, EmptyState, Field, FormErrors, NoticeText, PageHead, Section,
    Select, Table, Tone, UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::rule::{Dated, History};
use domain::statement::{MarkupRule, month_text};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: &[NoticeText] = &[
    NoticeText {
        code: "entered",
        tone: Tone::Good,
        text: "The markup is entered. In closed months it is an adjustment.",
    },
    NoticeText { code: "ended", tone: Tone::Good, text: "Ended. Closed statements keep it." },
];

/// What is added to what teams owe.
pub(crate) async fn markups(visit: Visit) -> Drawn {
    let markups = backend::statements::markups(&visit.backend, &visit.scope).await?;
    let may_manage = visit.frame.may(Permission::ManagePrices);
    let rows = Rows { org: visit.org(), page: "markup", may_manage };
    let form = if may_manage { Some(form(&visit).await?) } else { None };
    let crumbs = vec![Crumb::link("Statements", format!("/o/{}/statements", visit.org())), Crumb::here("Markup")];
    let lead = "Added to what teams owe, as a line of its own. Unallocated cost has none; the Overview is without it.";
    Ok(Page::new(
        "Markup",
        view! {
            <UrlNotice known=NOTICES/>
            <FormErrors errors={Posted::<EndRule>::here().errors()}/>
            <Breadcrumb crumbs=crumbs/>
            <PageHead title="Markup" lead=lead/>
            {list(rows, &markups)}
            {form}
        },
    ))
}

fn list(rows: Rows<'_>, markups: &History<Dated<MarkupRule>>) -> AnyView {
    if markups.is_empty() {
        return html! { <EmptyState title="No markup" text="Statements are what usage and charges cost."/> };
    }
    let each = markups.iter().map(|markup| row(rows, markup)).collect_view();
    let columns = columns("Team | Markup # | Effective | Reason | Entered | End it ~");
    let (more, undo) = (left_out(markups), undone_under_changes(rows.org));
    let note = "a team\u{2019}s own goes before the one of all";
    html! {
        <Section title="Markups" note=note id="markups"><Table caption="Markups" columns=columns>{each}</Table>{more}{undo}</Section>
    }
}

fn row(rows: Rows<'_>, markup: &Dated<MarkupRule>) -> AnyView {
    let rule = &markup.row;
    let team = rule.team.as_ref().map_or_else(|| "All teams".to_owned(), ToString::to_string);
    let [from, to] = [rule.valid_from, rule.valid_to].map(|at| at.map(|at| format::month(at.date_naive())));
    let holds = match (from, to) {
        (None, None) => "all time".to_owned(),
        (Some(from), None) => format!("since {from}"),
        (None, Some(to)) => format!("until before {to}"),
        (Some(from), Some(to)) => format!("{from} until before {to}"),
    };
    let what = format!("the markup of {} for {}", rule.percent_text(), team.to_lowercase());
    html! {
        <tr class:soft=!markup.is_live()>
            <th scope="row">{team}</th>
            <td class="num">{rule.percent_text()}</td>
            <td class="nowrap">{holds}</td>
            <td class="wrap">{rule.reason.clone()}</td>
            <td>{entered(markup)}</td>
            <td class="end">{rows.end(markup, &what)}</td>
        </tr>
    }
}

async fn form(visit: &Visit) -> Result<AnyView, backend::Error> {
    let form = Posted::<EnterMarkup>::here();
    let kept = |field: &str| form.kept_or(field, "");
    let teams = backend::projects::list_teams(&visit.backend, &visit.scope).await?;
    let all = Choice::new("", "all without one of their own");
    let teams = teams.into_iter().map(|team| Choice::new(team.slug.to_string(), team.name));
    let teams: Vec<Choice> = std::iter::once(all).chain(teams).collect();
    let from = form.kept_or("from", &month_text(visit.frame.today));
    let fields = view! {
        <form method="post" action=EnterMarkup::url() class="form form-wide">
            <FormErrors errors=form.errors()/>
            {hidden([("org", visit.org())])}
            <div class="form-row">
                <Field label="Markup, %" name="percent" inputmode="decimal" value=kept("percent") error=form.error("percent")
                    hint="Such as 5 or 2.5; 0 takes it from a team."/>
                <Select label="Team" name="team" choices=teams value=kept("team") error=form.error("team")/>
            </div>
            <div class="form-row">
                <Field label="From month" name="from" kind="month" placeholder="2026-11" optional=true value=from error=form.error("from")
                    hint="Empty: all time."/>
                <Field label="End date (exclusive)" name="to" kind="month" placeholder="2027-01" optional=true value=kept("to") error=form.error("to")
                    hint="The first month without it; empty: no end date."/>
            </div>
            <Field label="Reason" name="reason" value=kept("reason") maxlength=500 error=form.error("reason")
                hint="For those who read the statements later."/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Enter"</Button></div>
        </form>
    };
    Ok(html! { <Section title="Enter markup" id="enter">{fields}</Section> })
}
