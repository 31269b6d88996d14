//! What the mail about a month in review says.

use super::sql;
use crate::delivery::{self, Button, Figure, Letter, NewMail, Row, without_links};
use crate::{Backend, Error, OrgScope, identity};
use domain::format;
use domain::identity::{Email, Permission};
use domain::problem::Problem;
use domain::statement::{MonthStatement, TeamStatement, Version, month_text};
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// Teams named one by one.
const NAMED: usize = 20;

/// Tells everybody who may close the month that a version was taken: whose statement is whose is not known of members. The last thing in a transaction, as all mails about an organization.
pub(super) async fn in_review(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    version: &Version,
    statement: &MonthStatement,
) -> Result<(), Error> {
    let organization = identity::organization(backend, scope).await?;
    let month = month_text(version.month);
    let url = format!("{}/o/{}/statements/{month}", backend.public_url, organization.slug);
    let letter = letter(&without_links(&organization.name), version, statement, url);
    for recipient in sql::replies::members_who_may(connection, scope, Permission::ManagePrices).await? {
        match delivery::enqueue(backend, connection, mail(scope, &letter, recipient)?).await {
            // The version counts, whoever can be told of it.
            Err(Error::Problem(Problem::RateLimited { .. })) => {
                tracing::warn!(org_id = %scope.org_id(), "too many mails for one about a month in review");
                break;
            }
            sent => sent?,
        };
    }
    Ok(())
}

fn letter(organization: &str, version: &Version, statement: &MonthStatement, url: String) -> Letter {
    let (month, number) = (format::month(version.month), version.number);
    let figure = |label: &str, value: String| Figure { label: label.to_owned(), value };
    let named = |team: &TeamStatement| {
        let owner = team.team.as_ref()?;
        let adjusted: Decimal = statement.adjustments_of(Some(&owner.slug)).map(|entry| entry.amount).sum();
        Some(Row { name: without_links(&owner.name), value: format::money(team.total() + team.marked_up() + adjusted) })
    };
    let mut rows: Vec<Row> = statement.teams.iter().filter_map(named).collect();
    let more = rows.len().saturating_sub(NAMED);
    rows.truncate(NAMED);
    if more > 0 {
        rows.push(Row { name: format!("{more} more"), value: String::new() });
    }
    Letter {
        title: format!("{month} is in review: {} for {organization}", format::money(version.total)),
        paragraphs: vec![format!(
            "{} took version {number} of the statements on {}. Each team accepts its statement, or disputes a line with a reason, before the month is closed.",
            version.by,
            format::day_year(version.at.date_naive())
        )],
        figures: vec![
            figure(total_label(statement), format::money(version.total)),
            figure("Version", number.to_string()),
        ],
        rows_title: "By team".to_owned(),
        rows,
        button: Some(Button { label: format!("Review {month}"), url }),
        why: vec![],
    }
}

/// Which total it is.
pub(super) fn total_label(statement: &MonthStatement) -> &'static str {
    if statement.marked_up().is_zero() { "Total" } else { "Total with markup" }
}

fn mail(scope: &OrgScope, letter: &Letter, recipient: Email) -> Result<NewMail, Error> {
    let mut letter = letter.clone();
    letter.why = vec![format!("You get this because {recipient} may close months.")];
    let rendered = letter.render()?;
    Ok(NewMail {
        org_id: Some(scope.org_id()),
        kind: "statement_review",
        recipient,
        subject: letter.title,
        text: rendered.text,
        html: rendered.html,
        alert_id: None,
    })
}
