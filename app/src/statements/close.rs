//! A month on its way to be closed: what is in the way first, then what teams say, its versions, and the difference between two.

use super::api::{AnswerDispute, CloseMonth, ReviewMonth, WaiveCheck};
use super::list::{adjustments, figures, known, ready_figure, state_badge};
use super::replies::{disputes_of, reply_text};
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::UrlQuery;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Crumb, FormErrors, NoticeText, PageHead, Section, Select, StatusDot, Table,
    TextArea, Tone, UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::period::Period;
use domain::problem::Problem;
use domain::statement::{
    Check, CheckItem, CheckState, EntryChange, MonthClose, MonthState, StatementKind, TeamStatement, Version,
    check_closable, month_text, parse_month,
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use rust_decimal::Decimal;

const NOTICES: &[NoticeText] = &[
    NoticeText { code: "version", tone: Tone::Good, text: "The version is taken." },
    NoticeText { code: "closed", tone: Tone::Good, text: "The month is closed." },
    NoticeText { code: "waived", tone: Tone::Good, text: "Waived, with your name and reason." },
    NoticeText { code: "answered", tone: Tone::Good, text: "The dispute is answered." },
];

/// Which versions are compared: the second is the month as it is now where no number is told.
type Compared = (u32, Option<u32>);

/// Review and close of a month.
pub(crate) async fn closing(visit: Visit) -> Drawn {
    let month = parse_month(visit.part("month")).map_err(|_| Problem::NotFound)?;
    let close = backend::statements::closing(&visit.backend, &visit.scope, month).await?;
    let changes = match compared(&visit, &close)? {
        Some((from, to)) => {
            let found = backend::statements::changes(&visit.backend, &visit.scope, month, from, to).await?;
            Some(((from, to), found))
        }
        None => None,
    };
    let list = UrlQuery::new().with("month", &month_text(month.from)).at(&format!("/o/{}/statements", visit.org()));
    let crumbs = vec![Crumb::link("Statements", list), Crumb::here("Review and close")];
    let title = format::month(month.from);
    let (lead, known) = (lead(&visit, &close), known(&visit, &close.statement).await?);
    let bundle = close.latest().map(|_| {
        let href = format!("{}/bundle.json", visit.path);
        view! { <a class="button" href=href download="" rel="external">"Bundle"</a> }
    });
    Ok(Page::new(
        format!("{title}, review and close"),
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=title lead=lead>{state_badge(close.statement.state)}{bundle}</PageHead>
            <UrlNotice known=NOTICES/>
            <div class="headline">{figures(&close.statement, &known)}{ready_figure(&close.readiness, None)}</div>
            {checklist(&close)}
            {waive(&visit, &close)}
            {actions(&visit, &close)}
            {teams(visit.org(), &close)}
            {disputes(&visit, &close)}
            {adjustments(&close.statement)}
            {versions(&visit, &close)}
            {changes.map(|(which, changes)| differences(month, which, &changes))}
        },
    ))
}

/// What was asked for; else the last two versions, or the last one and now.
fn compared(visit: &Visit, close: &MonthClose) -> Result<Option<Compared>, Problem> {
    let number = |name: &str| {
        let text = visit.query.get(name).filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|_| Problem::NotFound)).transpose()
    };
    if let Some(from) = number("from")? {
        return Ok(Some((from, number("to")?)));
    }
    Ok(match close.versions.as_slice() {
        [.., last] if close.has_moved() => Some((last.number, None)),
        [.., before, last] => Some((before.number, Some(last.number))),
        _ => None,
    })
}

/// "in review, version 2 of Dec 2, 09:41 by ada@example.com".
fn lead(visit: &Visit, close: &MonthClose) -> String {
    let state = close.statement.state.label();
    let said = |version: &Version| {
        let at = format::time(visit.scope.zone().local(version.at));
        format!("{state}, version {} of {at} by {}", version.number, version.by)
    };
    close.latest().map_or_else(|| format!("{state}, no version yet"), said)
}

fn checklist(close: &MonthClose) -> AnyView {
    let row = |item: &CheckItem| {
        let (tone, word, note) = match &item.state {
            CheckState::Ok => (Tone::Good, "ok", None),
            CheckState::Waived { reason, by, .. } => (Tone::Warn, "waived", Some(format!("{reason} ({by})"))),
            CheckState::Open => (Tone::Bad, "open", None),
        };
        view! {
            <tr>
                <th scope="row">{item.check.label()}</th>
                <td>{item.value.clone()}{note.map(|note| view! { <span class="note">{note}</span> })}</td>
                <td class="soft only-wide">{item.bar.clone()}</td>
                <td><StatusDot tone=tone>{word}</StatusDot></td>
            </tr>
        }
    };
    let rows = close.checklist.iter().map(row).collect_view();
    let [check, value, bar, state] = ["Check", "Value", "Required", "State"].map(crate::ui::Column::text);
    html! { <Section title="Checklist"><Table caption="Close checklist" columns=vec![check, value, bar.wide(), state]>{rows}</Table></Section> }
}

/// Whether the reader may change what is not closed.
fn may_manage(visit: &Visit, close: &MonthClose) -> bool {
    close.statement.state != MonthState::Closed && visit.frame.may(Permission::ManagePrices)
}

fn about(visit: &Visit) -> AnyView {
    hidden([("org", visit.org()), ("of", visit.part("month"))])
}

fn waive(visit: &Visit, close: &MonthClose) -> Option<AnyView> {
    let is_open = |item: &&CheckItem| item.check == Check::Priced && item.state == CheckState::Open;
    close.checklist.iter().find(is_open).filter(|_| may_manage(visit, close))?;
    let form = Posted::<WaiveCheck>::here();
    let about = (about(visit), hidden([("check", Check::Priced.as_str())]));
    Some(html! {
        <Section title="Waive unpriced usage" note="its cost is in no statement">
            <form method="post" action=WaiveCheck::url() class="form">
                <FormErrors errors=form.errors()/>
                {about}
                <TextArea label="Reason" name="reason" rows=2 maxlength=500 value=form.kept_or("reason", "") error=form.error("reason")
                    hint="It stands on the checklist with your name. Requests that come without a price later are not waived."/>
                <div class="actions"><Button>"Waive"</Button></div>
            </form>
        </Section>
    })
}

fn actions(visit: &Visit, close: &MonthClose) -> Option<AnyView> {
    if !may_manage(visit, close) {
        return None;
    }
    let month = format::month_name(close.statement.month.from);
    let (review, closing) = (Posted::<ReviewMonth>::here(), Posted::<CloseMonth>::here());
    let (take, kind) = match close.latest() {
        None => ("Start review", ButtonKind::Primary),
        Some(_) => ("Take new version", ButtonKind::Secondary),
    };
    let note = match (close.latest(), close.has_moved()) {
        (None, _) => {
            "Takes version 1 and mails those who may close the month. Teams then accept or dispute.".to_owned()
        }
        (Some(version), true) => format!("The sums moved since version {}.", version.number),
        (Some(version), false) => format!("Nothing moved since version {}.", version.number),
    };
    let can_take = close.latest().is_none() || close.has_moved();
    let total = domain::money::exact(close.statement.grand_total());
    let ready = close.latest().is_some() && check_closable(&close.checklist).is_ok();
    let close_form = ready.then(|| {
        let text = format!("Close {month} with {}", format::money(close.statement.grand_total()));
        view! {
            <form method="post" action=CloseMonth::url() class="form">
                {about(visit)}
                {hidden([("total", total.as_str())])}
                <p class="soft">"A closed month is never reopened: what moves later stands in the next one as an adjustment."</p>
                <div class="actions"><Button kind=ButtonKind::Primary>{text}</Button></div>
            </form>
        }
    });
    let (errors, about) = ([review.errors(), closing.errors()].concat(), about(visit));
    Some(html! {
        <Section title="Next step">
            <FormErrors errors=errors/>
            <form method="post" action=ReviewMonth::url() class="form">
                {about}
                <p class="soft">{note}</p>
                <div class="actions"><Button kind=kind disabled=!can_take>{take}</Button></div>
            </form>
            {close_form}
        </Section>
    })
}

fn teams(org: &str, close: &MonthClose) -> Option<AnyView> {
    let statement = &close.statement;
    let month = month_text(statement.month.from);
    let row = |team: &TeamStatement| {
        let owner = team.team.as_ref();
        let slug = owner.map(|owner| owner.slug.as_str());
        let adjusted: Decimal = statement.adjustments_of(slug).map(|entry| entry.amount).sum();
        let total = team.total() + team.marked_up() + adjusted;
        let name = match owner {
            Some(owner) => {
                let href = format!("/o/{org}/statements/{month}/{}/{}", StatementKind::Team.as_str(), owner.slug);
                html! { <a class="row-link" href=href>{owner.name.clone()}</a> }
            }
            None => html! { <span class="soft">"no owner"</span> },
        };
        let last = slug.and_then(|slug| close.replies_of(slug).last()).map(reply_text);
        let last = last.unwrap_or_else(|| format::NONE.to_owned());
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td>{last}</td>
                <td class="num" title=format::money_full(total)>{format::money_plain(total)}</td>
            </tr>
        }
    };
    let heads = match statement.marked_up().is_zero() {
        true => columns("Team | Last reply | Total, $ #"),
        false => columns("Team | Last reply | Total with markup, $ #"),
    };
    let rows = statement.teams.iter().map(row).collect_view();
    (!statement.teams.is_empty()).then(|| {
        html! { <Section title="Teams" note="each accepts or disputes on its own statement"><Table caption="Teams" columns=heads>{rows}</Table></Section> }
    })
}

/// Disputes of all teams, and a form for the first that has no answer.
fn disputes(visit: &Visit, close: &MonthClose) -> Option<AnyView> {
    let table = disputes_of(&close.replies, visit.scope.zone())?;
    let open = close.replies.iter().filter_map(|reply| Some((reply, reply.dispute.as_ref()?)));
    let open = open.into_iter().find(|(_, dispute)| dispute.answer.is_none()).filter(|_| may_manage(visit, close));
    let form = open.map(|(reply, dispute)| {
        let form = Posted::<AnswerDispute>::here();
        let id = dispute.dispute_id.to_string();
        let line = dispute.line.as_deref().unwrap_or("the whole statement");
        let label = format!("Answer to {} about {line}", reply.team);
        let outcomes = vec![Choice::new("accepted", "Accepted: the team is right"), Choice::new("refused", "Refused")];
        view! {
            <form method="post" action=AnswerDispute::url() class="form">
                <FormErrors errors=form.errors()/>
                {about(visit)}
                {hidden([("dispute", id.as_str())])}
                <Select label="Outcome" name="outcome" choices=outcomes value=form.kept_or("outcome", "accepted")/>
                <TextArea label=label name="text" rows=2 maxlength=500 value=form.kept_or("text", "") error=form.error("text")/>
                <div class="actions"><Button>"Answer"</Button></div>
            </form>
        }
    });
    Some(html! { <Section title="Disputes" id="disputes">{table}{form}</Section> })
}

fn versions(visit: &Visit, close: &MonthClose) -> Option<AnyView> {
    let row = |version: &Version| {
        let before = version.number - 1;
        let compare = (before > 0).then(|| {
            let query = UrlQuery::new().with("from", &before.to_string()).with("to", &version.number.to_string());
            let label = format!("Differences of version {} from {before}", version.number);
            view! { <a href=format!("{}#differences", query.at(&visit.path)) aria-label=label>{format!("from {before}")}</a> }
        });
        let at = visit.scope.zone().local(version.at);
        let short = version.hash.get(..12).unwrap_or_default().to_owned();
        let state = version.closed.then(|| state_badge(MonthState::Closed));
        view! {
            <tr>
                <th scope="row">{format!("Version {}", version.number)}" "{state}</th>
                <td><time datetime=format::time_machine(at) title=format::time_exact(at)>{format::time(at)}</time><span class="note">{version.by.clone()}</span></td>
                <td><code title=version.hash.clone()>{short}</code></td>
                <td>{compare}</td>
                <td class="num" title=format::money_full(version.total)>{format::money_plain(version.total)}</td>
            </tr>
        }
    };
    let heads = columns("Version | Taken | SHA-256 | Differences | Total, $ #");
    let rows = close.versions.iter().rev().map(row).collect_view();
    (!close.versions.is_empty()).then(|| {
        let note = "never changed; each hash covers the version before";
        html! { <Section title="Versions" note=note><Table caption="Versions" columns=heads>{rows}</Table></Section> }
    })
}

fn differences(month: Period, (from, to): Compared, changes: &[EntryChange]) -> AnyView {
    let to = to.map_or_else(|| "now".to_owned(), |to| format!("version {to}"));
    let title = format!("Differences, version {from} to {to}");
    if changes.is_empty() {
        return html! { <Section title=title id="differences"><p class="soft">"None."</p></Section> };
    }
    let cell = |amount: Decimal| view! { <td class="num only-wide" title=format::money_full(amount)>{format::money_plain(amount)}</td> };
    let row = |change: &EntryChange| {
        let moved = change.after - change.before;
        let team = change.key.team.clone().unwrap_or_else(|| "no owner".to_owned());
        view! {
            <tr>
                <th scope="row">{team}</th>
                <td>{change.key.line(month.from)}</td>
                {cell(change.before)}{cell(change.after)}
                <td class="num" title=format::money_full(moved)>{format::money_signed(moved)}</td>
            </tr>
        }
    };
    let total: Decimal = changes.iter().map(|change| change.after - change.before).sum();
    let foot = html! {
        <tr><th scope="row">"total"</th><td></td><td class="only-wide"></td><td class="only-wide"></td><td class="num" title=format::money_full(total)>{format::money_signed(total)}</td></tr>
    };
    let number = crate::ui::Column::number;
    let text = crate::ui::Column::text;
    let heads =
        vec![text("Team"), text("Line"), number("Before, $").wide(), number("After, $").wide(), number("Change, $")];
    let rows = changes.iter().map(row).collect_view();
    html! { <Section title=title id="differences"><Table caption="Differences" columns=heads foot=foot>{rows}</Table></Section> }
}
