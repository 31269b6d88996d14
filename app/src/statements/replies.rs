//! What a team says about its statement: on the team's own page, and in the list of disputes.

use super::api::{AcceptStatement, DisputeStatement};
use crate::form::{Posted, hidden};
use crate::format;
use crate::page::Visit;
use crate::ui::{Button, ButtonKind, Choice, Field, FormErrors, Section, Select, Table, TextArea, columns, html};
use domain::identity::Permission;
use domain::period::Zone;
use domain::statement::{Dispute, MonthState, TeamReply, TeamReview};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// "accepted version 2", "disputed version 1, refused".
pub(super) fn reply_text(reply: &TeamReply) -> String {
    let number = reply.version;
    match &reply.dispute {
        None => format!("accepted version {number}"),
        Some(dispute) => format!("disputed version {number}, {}", outcome(dispute)),
    }
}

const fn outcome(dispute: &Dispute) -> &'static str {
    match &dispute.answer {
        None => "no answer yet",
        Some(answer) if answer.accepted => "dispute accepted",
        Some(_) => "dispute refused",
    }
}

/// Disputes with their answers, oldest first; none where there is none.
pub(super) fn disputes_of(replies: &[TeamReply], zone: Zone) -> Option<AnyView> {
    let row = |reply: &TeamReply| {
        let dispute = reply.dispute.as_ref()?;
        let amount = dispute.amount.map(format::money_plain);
        let line = dispute.line.clone().unwrap_or_else(|| "the whole statement".to_owned());
        let entered = format!("version {}, {} by {}", reply.version, format::time(zone.local(reply.at)), reply.by);
        let answer = dispute.answer.as_ref().map(|answer| {
            let by = format!("{} by {}", format::time(zone.local(answer.at)), answer.by);
            view! { ": "{answer.text.clone()}<span class="note">{by}</span> }
        });
        Some(view! {
            <tr>
                <th scope="row">{reply.team.clone()}</th>
                <td>{line}<span class="note">{entered}</span></td>
                <td class="num">{amount}</td>
                <td>{dispute.reason.clone()}</td>
                <td>{outcome(dispute)}{answer}</td>
            </tr>
        })
    };
    let rows: Vec<_> = replies.iter().filter_map(row).collect();
    let heads = columns("Team | Line | Amount, $ # | Reason | Answer");
    (!rows.is_empty()).then(|| html! { <Table caption="Disputes" columns=heads>{rows}</Table> })
}

/// What the team said, and the forms to say more, while the month is in review.
pub(super) fn review(visit: &Visit, state: MonthState, team: &str, review: &TeamReview) -> Option<AnyView> {
    let (number, total) = review.version?;
    let zone = visit.scope.zone();
    let accepted = review.replies.iter().filter(|reply| reply.dispute.is_none()).map(|reply| {
        let at = format::time(zone.local(reply.at));
        view! { <p class="soft">{format!("Version {} accepted on {at} by {}", reply.version, reply.by)}</p> }
    });
    let accepted = accepted.collect_view();
    let may = state == MonthState::InReview && visit.frame.may(Permission::ManageBudgets);
    let forms = may.then(|| forms(visit, team, review));
    let disputes = disputes_of(&review.replies, zone);
    let note = format!("version {number} states {}", format::money(total));
    Some(html! {
        <Section title="Review" note=note id="review">{accepted}{disputes}{forms}</Section>
    })
}

fn forms(visit: &Visit, team: &str, review: &TeamReview) -> AnyView {
    let (accept, form) = (Posted::<AcceptStatement>::here(), Posted::<DisputeStatement>::here());
    let about = || hidden([("org", visit.org()), ("of", visit.part("month")), ("team", team)]);
    let whole = Choice::new("", "the whole statement");
    let lines = review.lines.iter().map(|line| Choice::new(line.clone(), line.clone()));
    let lines: Vec<Choice> = std::iter::once(whole).chain(lines).collect();
    html! {
        <form method="post" action=AcceptStatement::url() class="form">
            <FormErrors errors=accept.errors()/>
            {about()}
            <div class="actions"><Button kind=ButtonKind::Primary>"Accept statement"</Button></div>
        </form>
        <form method="post" action=DisputeStatement::url() class="form">
            <FormErrors errors=form.errors()/>
            {about()}
            <div class="form-row">
                <Select label="Line" name="line" find=true choices=lines value=form.kept_or("line", "") error=form.error("line")/>
                <Field label="Disputed amount, $" name="amount" optional=true inputmode="decimal" value=form.kept_or("amount", "") error=form.error("amount")/>
            </div>
            <TextArea label="Reason" name="reason" rows=2 maxlength=500 value=form.kept_or("reason", "") error=form.error("reason")/>
            <div class="actions"><Button>"Dispute"</Button></div>
        </form>
    }
}
