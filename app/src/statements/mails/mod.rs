//! Statements by mail: when, and to whom.

pub mod api;

use crate::form::{Posted, hidden};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Crumb, Facts, FormErrors, NoticeText, PageHead, Select, TextArea, Tone,
    UrlNotice, html,
};
use api::SetStatementMails;
use domain::identity::Permission;
use domain::statement::{MailSchedule, StatementMails};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: &[NoticeText] = &[NoticeText { code: "saved", tone: Tone::Good, text: "Saved." }];

/// The form, for those who may change it.
pub(crate) async fn statement_mails(visit: Visit) -> Drawn {
    let mails = backend::statements::mails(&visit.backend, &visit.scope).await?;
    let crumbs =
        vec![Crumb::link("Statements", format!("/o/{}/statements", visit.org())), Crumb::here("Statements by mail")];
    let body = if visit.frame.may(Permission::ManagePrices) { form(&visit, &mails) } else { facts(&mails) };
    Ok(Page::new(
        "Statements by mail",
        view! {
            <UrlNotice known=NOTICES/>
            <Breadcrumb crumbs=crumbs/>
            <PageHead title="Statements by mail" lead="Each recipient gets a month's statement once: total, difference to the month before, top lines and a link."/>
            {body}
        },
    ))
}

fn facts(mails: &StatementMails) -> AnyView {
    let (schedule, recipients) = (mails.schedule.label(), mails.recipients_text().replace('\n', ", "));
    let recipients = if recipients.is_empty() { "none".to_owned() } else { recipients };
    html! {
        <Facts>
            <div><dt>"Schedule"</dt><dd>{schedule}</dd></div>
            <div><dt>"Recipients"</dt><dd>{recipients}</dd></div>
        </Facts>
    }
}

fn form(visit: &Visit, mails: &StatementMails) -> AnyView {
    let form = Posted::<SetStatementMails>::here();
    let schedules = MailSchedule::ALL.map(|schedule| Choice::new(schedule.as_str(), schedule.label())).to_vec();
    let schedule = form.kept_or("schedule", mails.schedule.as_str());
    let recipients = form.kept_or("recipients", &mails.recipients_text());
    let hint = "One member a line, such as ada@example.com growth: the team\u{2019}s short name for its statement, none for all that the member sees.";
    html! {
        <form method="post" action=SetStatementMails::url() class="form">
            <FormErrors errors=form.errors()/>
            {hidden([("org", visit.org())])}
            <Select label="Schedule" name="schedule" choices=schedules value=schedule error=form.error("schedule")
                hint="Months that are over or closed already are not mailed."/>
            <TextArea label="Recipients" name="recipients" rows=8 optional=true value=recipients hint=hint error=form.error("recipients")/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
        </form>
    }
}
