//! What the mail about a budget says.

use super::{recipients, sql, usage_of};
use crate::delivery::{Button, Figure, Letter, NewMail, Row, without_links};
use crate::identity::tokens::LinkToken;
use crate::{Backend, Error, OrgScope, forecast, identity, spend};
use chrono::NaiveDate;
use domain::budget::{Budget, BudgetUsage, Expected, ScopeRef, SpendScope};
use domain::format;
use domain::identity::Email;
use domain::ids::{AlertId, OrgId};
use domain::period::Period;
use domain::spend::{Dimension, SpendQuery};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// A letter that goes to each recipient with their own last line.
pub(super) struct BudgetLetter {
    org_id: OrgId,
    kind: &'static str,
    letter: Letter,
    edit_url: String,
}

impl BudgetLetter {
    /// The mail for one recipient.
    pub(super) fn to(&self, recipient: &Email, alert_id: Option<AlertId>) -> Result<NewMail, Error> {
        let mut letter = self.letter.clone();
        letter.why = vec![
            format!("You get this because {recipient} is a recipient of this budget."),
            format!("Recipients and thresholds are changed at {}", self.edit_url),
        ];
        let rendered = letter.render()?;
        Ok(NewMail {
            org_id: Some(self.org_id),
            kind: self.kind,
            recipient: recipient.clone(),
            subject: letter.title,
            text: rendered.text,
            html: rendered.html,
            alert_id,
        })
    }
}

/// Thresholds were crossed; `thresholds` are those found at this moment, rising.
pub(super) async fn crossing(
    backend: &Backend,
    scope: &OrgScope,
    budget: &Budget,
    month: NaiveDate,
    usage: &BudgetUsage,
    thresholds: &[u16],
) -> Result<BudgetLetter, Error> {
    let mut letter = about(backend, scope, budget, month, usage).await?;
    letter.kind = "budget_alert";
    letter.letter.paragraphs.insert(0, crossed_text(thresholds));
    Ok(letter)
}

/// A test with the present figures.
pub(super) async fn test(
    backend: &Backend,
    scope: &OrgScope,
    budget: &Budget,
    by: &str,
) -> Result<BudgetLetter, Error> {
    let month = Period::month_of(scope.zone().day_of(backend.clock.now()));
    let usage = usage_of(&spend::project_days(backend, scope, month).await?, budget.scope, budget.amount);
    let mut letter = about(backend, scope, budget, month.from, &usage).await?;
    letter.kind = "budget_test";
    letter.letter.title = format!("Test: {}", letter.letter.title);
    letter.letter.paragraphs.insert(0, format!("This is a test that {by} asked for. No threshold was crossed by it."));
    Ok(letter)
}

/// Asks an address that is no member's whether it wants the mails of an organization's budgets.
pub(super) async fn confirmation(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    to: &Email,
    token: &LinkToken,
) -> Result<NewMail, Error> {
    let organization = identity::organization(backend, scope).await?;
    let by = sql::own_address(connection, scope).await?;
    let by = by.as_ref().map_or("An API key", Email::as_str);
    let name = without_links(&organization.name);
    let url = format!("{}/recipients/{}/{}", backend.public_url, organization.slug, token.text);
    let letter = Letter {
        title: format!("Do you want budget alerts of {name}?"),
        paragraphs: vec![
            format!("{by} entered {to} as a recipient of budget alerts of {name} on Tallystick."),
            format!("They are sent only if you confirm it, once. The link works for {} days.", recipients::LINK_DAYS),
        ],
        button: Some(Button { label: "Confirm".to_owned(), url }),
        why: vec!["If you do not want these mails, ignore this one: nothing is sent without the link.".to_owned()],
        ..Letter::default()
    };
    let rendered = letter.render()?;
    Ok(NewMail {
        org_id: Some(scope.org_id()),
        kind: "confirm_recipient",
        recipient: to.clone(),
        subject: letter.title,
        text: rendered.text,
        html: rendered.html,
        alert_id: None,
    })
}

async fn about(
    backend: &Backend,
    scope: &OrgScope,
    budget: &Budget,
    month: NaiveDate,
    usage: &BudgetUsage,
) -> Result<BudgetLetter, Error> {
    let organization = identity::organization(backend, scope).await?;
    let url = format!("{}/o/{}/budgets/{}", backend.public_url, organization.slug, budget.budget_id);
    let cause = cause(backend, scope, budget, month).await.unwrap_or_else(|error| {
        // A crossing must be told even where its cause cannot be found.
        tracing::error!(%error, budget_id = %budget.budget_id, "cannot find the cause of a crossing");
        Cause::default()
    });
    let expected = expected(backend, scope, budget, month, usage).await.unwrap_or_else(|error| {
        tracing::error!(%error, budget_id = %budget.budget_id, "cannot forecast a crossed budget");
        None
    });
    let letter = Letter {
        title: subject(budget, month, usage),
        paragraphs: paragraphs(budget, &organization.name, usage, expected),
        figures: figures(month, usage, expected),
        rows_title: cause.title,
        rows: cause.rows,
        button: Some(Button { label: "Open the budget".to_owned(), url: url.clone() }),
        why: Vec::new(),
    };
    Ok(BudgetLetter { org_id: scope.org_id(), kind: "", letter, edit_url: format!("{url}/edit") })
}

/// "Production assistant has used 80 % of its November budget ($9,600 of $12,000)".
pub(super) fn subject(budget: &Budget, month: NaiveDate, usage: &BudgetUsage) -> String {
    format!(
        "{} has used {} % of its {} budget ({} of {})",
        without_links(&budget.name),
        usage.percent().trunc().normalize(),
        format::month_name(month),
        dollars(usage.used),
        dollars(usage.amount),
    )
}

/// Cents only where there are any.
fn dollars(amount: Decimal) -> String {
    let text = format::money(amount);
    text.strip_suffix(".00").map_or_else(|| text.clone(), str::to_owned)
}

fn crossed_text(thresholds: &[u16]) -> String {
    match thresholds {
        [] => String::new(),
        [one] => format!("The threshold of {one} % is crossed."),
        [lower @ .., last] => {
            let lower: Vec<_> = lower.iter().map(|threshold| format!("{threshold} %")).collect();
            format!(
                "The thresholds of {} and {last} % were crossed at once; this mail tells of all of them.",
                lower.join(", ")
            )
        }
    }
}

fn paragraphs(budget: &Budget, organization: &str, usage: &BudgetUsage, expected: Option<Expected>) -> Vec<String> {
    let (organization, scope_name) = (without_links(organization), without_links(&budget.scope_name));
    let mut paragraphs = match budget.scope {
        SpendScope::Organization => vec![format!("It counts all spend of {organization}.")],
        SpendScope::Team(_) => {
            vec![format!("It counts the spend of the team {scope_name} of {organization}.")]
        }
        SpendScope::Project(_) => {
            vec![format!("It counts the spend of the project {scope_name} of {organization}.")]
        }
    };
    let status = usage.status(expected.map(|expected| expected.point));
    paragraphs.push(format!("Status: {}.", status.label()));
    paragraphs.extend(usage.estimate.describe().map(|estimate| format!("What is used {estimate}.")));
    paragraphs
}

/// None for a month that is over: the forecast is of the present one.
async fn expected(
    backend: &Backend,
    scope: &OrgScope,
    budget: &Budget,
    month: NaiveDate,
    usage: &BudgetUsage,
) -> Result<Option<Expected>, Error> {
    if !Period::month_of(month).contains(scope.zone().day_of(backend.clock.now())) {
        return Ok(None);
    }
    let ahead = forecast::forecast_inputs(backend, scope).await?;
    Ok(Expected::of(&ahead.month_end(budget.scope), usage.amount))
}

/// Used, budget and where the month will end; with too little history for that, what is left.
fn figures(month: NaiveDate, usage: &BudgetUsage, expected: Option<Expected>) -> Vec<Figure> {
    let figure = |label: &str, value: String| Figure { label: label.to_owned(), value };
    let third = match (expected, usage.remaining()) {
        (Some(expected), _) => figure(
            &format!("Forecast ({})", format::day(Period::month_of(month).last_day())),
            format!(
                "{} ({} \u{2013} {})",
                format::money(expected.point),
                format::money_compact(expected.low),
                format::money_compact(expected.high)
            ),
        ),
        (None, left) if left < Decimal::ZERO => figure("Over the budget", format::money(-left)),
        (None, left) => figure("Left", format::money(left)),
    };
    vec![
        figure("Used", format!("{} ({})", format::money(usage.used), usage.percent_text())),
        figure(&format!("Budget for {}", format::month(month)), format::money(usage.amount)),
        third,
    ]
}

/// What moved most.
#[derive(Default)]
struct Cause {
    title: String,
    rows: Vec<Row>,
}

/// The two projects (of a project: models) that grew most against the same days of the month before, or the two largest where there was nothing before.
async fn cause(backend: &Backend, scope: &OrgScope, budget: &Budget, month: NaiveDate) -> Result<Cause, Error> {
    let today = scope.zone().day_of(backend.clock.now());
    let month = Period::month_of(month);
    let period = if month.contains(today) { Period::month_to_date(today) } else { month };
    let now = spend_by(backend, scope, budget, period).await?;
    let before = spend_by(backend, scope, budget, period.previous()).await?;
    if before.is_empty() {
        let title = "Top drivers".to_owned();
        return Ok(Cause { title, rows: top_two(&now, format::money) });
    }
    let change = now.iter().map(|(key, spend)| (key.clone(), spend - before.get(key).copied().unwrap_or_default()));
    let grown: BTreeMap<_, _> = change.filter(|(_, change)| *change > Decimal::ZERO).collect();
    let against = format::range(period.previous(), today);
    if grown.is_empty() {
        return Ok(Cause {
            title: format!("Nothing grew against {against}; top drivers"),
            rows: top_two(&now, format::money),
        });
    }
    let text = |change| format::money_signed(change);
    Ok(Cause { title: format!("Top drivers vs {against}"), rows: top_two(&grown, text) })
}

async fn spend_by(
    backend: &Backend,
    scope: &OrgScope,
    budget: &Budget,
    period: Period,
) -> Result<BTreeMap<String, Decimal>, Error> {
    let query = match &budget.scope_ref {
        ScopeRef::Organization => SpendQuery::over(period).by([Dimension::Project]),
        ScopeRef::Team(slug) => SpendQuery::over(period).by([Dimension::Project]).only(Dimension::Team, slug.as_str()),
        ScopeRef::Project(slug) => {
            SpendQuery::over(period).by([Dimension::Model]).only(Dimension::Project, slug.as_str())
        }
    };
    let answer = spend::query(backend, scope, &query).await?;
    let named = |keys: Vec<Option<String>>| keys.into_iter().next().flatten().unwrap_or_else(|| "unnamed".to_owned());
    Ok(answer.rows.into_iter().map(|row| (named(row.keys), row.sums.spend)).collect())
}

fn top_two(amounts: &BTreeMap<String, Decimal>, text: impl Fn(Decimal) -> String) -> Vec<Row> {
    let mut sorted: Vec<_> = amounts.iter().filter(|(_, amount)| **amount > Decimal::ZERO).collect();
    sorted.sort_by(|left, right| right.1.cmp(left.1).then_with(|| left.0.cmp(right.0)));
    sorted.into_iter().take(2).map(|(name, amount)| Row { name: without_links(name), value: text(*amount) }).collect()
}
