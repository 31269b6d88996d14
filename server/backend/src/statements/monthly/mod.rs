//! Statements by mail: once per month and recipient, when the month is over or closed.
//!
//! A mail is made with the view of the member who gets it, so that nobody is told what they may not see; whoever is no member any more gets none.

mod sql;

use super::mail::total_label;
use super::{month, one};
use crate::delivery::{self, Button, Figure, Letter, NewMail, Row, without_links};
use crate::{Backend, Error, OrgScope, audit, identity, projects};
use domain::format;
use domain::identity::Permission;
use domain::period::Period;
use domain::problem::{FieldProblem, Problem};
use domain::statement::{MonthState, MonthStatement, StatementKind, StatementMails, month_text};
use sql::Due;
use std::cmp::Reverse;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Seconds between two looks.
const LOOK_SECS: u64 = 300;
/// Lines that a mail names.
const TOP_LINES: usize = 5;

/// When statements are mailed, and to whom.
///
/// # Errors
/// `Forbidden` without the right to read all projects; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn mails(backend: &Backend, scope: &OrgScope) -> Result<StatementMails, Error> {
    scope.require_whole(Permission::Read)?;
    sql::settings(&backend.pool, scope).await
}

/// Changes when statements are mailed, and to whom; months that are over or closed already are not mailed.
///
/// # Errors
/// `Forbidden` without the permission to manage prices and charges; [`Problem::Invalid`] naming `recipients` that are no members or no teams; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn set_mails(backend: &Backend, scope: &OrgScope, new: &StatementMails) -> Result<(), Error> {
    scope.require_whole(Permission::ManagePrices)?;
    let teams = projects::slugs(backend, scope).await?.1;
    let members = sql::members(&backend.pool, scope).await?;
    let mut wrong = Vec::new();
    let mut refuse = |detail| wrong.push(FieldProblem::new("recipients", "unknown", detail));
    for recipient in &new.recipients {
        if !members.contains(&recipient.email) {
            refuse(format!("{} is no member. Invite them as a viewer first.", recipient.email));
        }
        if let Some(team) = recipient.team.as_ref().filter(|team| !teams.iter().any(|slug| slug == team.as_str())) {
            refuse(format!("There is no team {team}."));
        }
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong).into());
    }
    let mut transaction = backend.pool.begin().await?;
    let before = sql::settings(&mut *transaction, scope).await?;
    if before == *new {
        return Ok(());
    }
    // What was due before under another schedule is not sent now.
    let since = (before.schedule != new.schedule).then(|| backend.clock.now());
    sql::set(&mut transaction, scope, new, since).await?;
    let detail = format!(
        "Set statements by mail: {}, to {}.",
        new.schedule.label().to_lowercase(),
        format::counted(i128::try_from(new.recipients.len()).unwrap_or(i128::MAX), "recipient")
    );
    audit::record(backend, scope, &mut transaction, "statement.mails_changed", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// Mails what is due, every five minutes.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn run_worker(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    while !stop.is_cancelled() {
        send_due(backend).await?;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(LOOK_SECS)) => {}
        }
    }
    Ok(())
}

/// Puts all statements that are due into the outbox; how many. An organization or recipient that fails does not hold up the others.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn send_due(backend: &Backend) -> Result<usize, Error> {
    let mut sent = 0;
    for org_id in sql::scheduled(&backend.pool).await? {
        let Some(scope) = identity::system_scope_if_there(backend, org_id).await? else { continue };
        let this_month = Period::month_of(scope.zone().day_of(backend.clock.now()));
        let last = this_month.previous();
        for due in sql::due(&backend.pool, &scope, (last.from, scope.zone().start_of(last.to))).await? {
            match send(backend, &scope, &due).await {
                Ok(is_new) => sent += usize::from(is_new),
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => tracing::warn!(%org_id, %error, "cannot mail a statement; trying again later"),
            }
        }
    }
    Ok(sent)
}

/// Whether it was put into the outbox now; a team that the member does not see has no statement for them.
async fn send(backend: &Backend, scope: &OrgScope, due: &Due) -> Result<bool, Error> {
    let mail = match mail(backend, scope, due).await {
        Err(Error::Problem(Problem::NotFound)) => return Ok(false),
        mail => mail?,
    };
    let mut transaction = backend.pool.begin().await?;
    delivery::lock_mails(&mut transaction, scope.org_id()).await?;
    if sql::was_sent(&mut transaction, scope, due).await? {
        return Ok(false);
    }
    let mail_id = delivery::enqueue(backend, &mut transaction, mail).await?;
    sql::sent(&mut transaction, scope, due, mail_id).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn mail(backend: &Backend, scope: &OrgScope, due: &Due) -> Result<NewMail, Error> {
    let theirs = identity::scope_in(backend, due.user_id, scope.org_id()).await?;
    let organization = identity::organization(backend, scope).await?;
    let of_month = Period::month_of(due.month);
    let (whose, now, before) = match &due.recipient.team {
        Some(team) => {
            let of = async |month| one(backend, &theirs, month, StatementKind::Team, team.as_str()).await;
            let (owner, now) = of(of_month).await?;
            (owner.name, now, of(of_month.previous()).await?.1)
        }
        None => {
            let of = async |of_month, with_lines| month(backend, &theirs, of_month, with_lines).await;
            (organization.name.clone(), of(of_month, true).await?, of(of_month.previous(), false).await?)
        }
    };
    let statements = format!("{}/o/{}/statements", backend.public_url, organization.slug);
    let month = month_text(due.month);
    let url = match &due.recipient.team {
        Some(team) => format!("{statements}/{month}/team/{team}"),
        None => format!("{statements}?month={month}"),
    };
    let mut letter = letter(&without_links(&whose), &now, &before, url);
    letter.why = vec![
        format!("You get this because {} is a recipient of monthly statements.", due.recipient.email),
        format!("Recipients are changed at {statements}/mails"),
    ];
    let rendered = letter.render()?;
    Ok(NewMail {
        org_id: Some(scope.org_id()),
        kind: "statement",
        recipient: due.recipient.email.clone(),
        subject: letter.title,
        text: rendered.text,
        html: rendered.html,
        alert_id: None,
    })
}

fn letter(whose: &str, now: &MonthStatement, before: &MonthStatement, url: String) -> Letter {
    let (total, month) = (now.grand_total(), format::month(now.month.from));
    let change = total - before.grand_total();
    let state = match now.state {
        MonthState::Closed => "The month is closed: this statement is final.",
        MonthState::Open | MonthState::InReview => "The month is not closed yet: late events can still change it.",
    };
    let unpriced = (now.total.unpriced_requests > 0)
        .then(|| format!("{} without a price are not in it.", format::counted(now.total.unpriced_requests, "request")));
    let entries = now.entries();
    let mut lines: Vec<_> = entries.iter().collect();
    lines.sort_by_key(|(_, amount)| Reverse(*amount));
    let row = |(key, amount): (&domain::statement::EntryKey, _)| Row {
        name: without_links(&key.line(now.month.from)),
        value: format::money(amount),
    };
    let figure = |label: String, value: String| Figure { label, value };
    Letter {
        title: format!("Statement of {whose}, {month}: {}", format::money(total)),
        paragraphs: std::iter::once(state.to_owned()).chain(unpriced).collect(),
        figures: vec![
            figure(total_label(now).to_owned(), format::money(total)),
            figure(format!("vs {}", format::month(before.month.from)), format::money_signed(change)),
        ],
        rows_title: "Top lines".to_owned(),
        rows: lines.into_iter().take(TOP_LINES).map(row).collect(),
        button: Some(Button { label: "Open the statement".to_owned(), url }),
        why: vec![],
    }
}
