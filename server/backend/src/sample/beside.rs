//! What the sample pays beside events, what its usage was for, what happened, and what its people look at.

use crate::{Backend, Error, OrgScope, annotations, business_metrics, charges, views};
use chrono::{Datelike, Days, Months, NaiveDate};
use domain::annotation::AnnotationForm;
use domain::business_metric::{MetricForm, NewValue};
use domain::charge::{Charge, ChargeForm};
use domain::period::Period;
use domain::problem::Problem;
use domain::view::{Arrange, Board, NewView};
use std::collections::BTreeMap;

/// Days with a value of the sample's metric.
const METRIC_DAYS: u64 = 60;

/// Enters the charges and records the values of the quarter that ends on `today`.
pub(super) async fn enter(backend: &Backend, scope: &OrgScope, today: NaiveDate) -> Result<(), Error> {
    let parsed = |form: ChargeForm| form.parse().map_err(Problem::invalid);
    let all: Result<Vec<Charge>, Problem> = forms(today).into_iter().map(parsed).collect();
    charges::enter(backend, scope, &all?).await?;
    let parsed = |form: MetricForm| form.parse().map_err(Problem::invalid);
    let values: Result<Vec<NewValue>, Problem> = values(today).into_iter().map(parsed).collect();
    business_metrics::record(backend, scope, &values?).await?;
    for form in happened(today) {
        annotations::record(backend, scope, &form.parse(scope.zone()).map_err(Problem::invalid)?).await?;
    }
    let asked = [("measure", "cost_per_request"), ("group_by", "feature"), ("period", "30d"), ("chart", "lines")];
    let asked = asked.map(|(name, is)| (name.to_owned(), is.to_owned()));
    let view = NewView::read("Cost per request by feature", &asked, true).map_err(Problem::invalid)?;
    let view = views::save(backend, scope, &view).await?.view_id;
    views::arrange(backend, scope, Board::Everyone, view, Arrange::Add).await
}

/// A deploy of one project and an incident of all.
fn happened(today: NaiveDate) -> [AnnotationForm; 2] {
    let form = |ago: u64, kind: &str, text: &str, project: &str| AnnotationForm {
        kind: kind.to_owned(),
        text: text.to_owned(),
        at: today.checked_sub_days(Days::new(ago)).unwrap_or(today).to_string(),
        project: project.to_owned(),
        ..AnnotationForm::default()
    };
    let incident = form(13, "incident", "Retries after a provider's outage", "");
    [
        form(6, "deploy", "support-bot 2.4: shorter prompts", "support-bot"),
        AnnotationForm { until: today.checked_sub_days(Days::new(12)).unwrap_or(today).to_string(), ..incident },
    ]
}

fn forms(today: NaiveDate) -> Vec<ChargeForm> {
    let month = Period::month_of(today);
    let first = month.from.checked_sub_months(Months::new(2)).unwrap_or(month.from);
    let charge = |kind: &str, description: &str, provider: &str| ChargeForm {
        kind: kind.to_owned(),
        description: description.to_owned(),
        provider: provider.to_owned(),
        from: first.to_string(),
        source: "Sample".to_owned(),
        reason: "Shows what charges look like.".to_owned(),
        ..ChargeForm::default()
    };
    let credits = month.to.checked_add_months(Months::new(1)).unwrap_or(month.to);
    vec![
        ChargeForm {
            amount: "500".to_owned(),
            to: credits.to_string(),
            ..charge("prepaid_credits", "OpenAI credits", "openai")
        },
        ChargeForm {
            rate: "120".to_owned(),
            project: "search".to_owned(),
            ..charge("gpu_hours", "GPU pool for embeddings", "coreweave")
        },
        ChargeForm {
            amount: "90".to_owned(),
            from: month.from.to_string(),
            to: month.to.to_string(),
            ..charge("provisioned_throughput", "Provisioned throughput", "anthropic")
        },
        ChargeForm {
            quantity: "3".to_owned(),
            rate: "20".to_owned(),
            included: "60".to_owned(),
            project: "code-assistant".to_owned(),
            ..charge("subscription", "Coding agent team plan", "anthropic")
        },
        ChargeForm {
            quantity: "4".to_owned(),
            rate: "25".to_owned(),
            team: "product".to_owned(),
            ..charge("seats", "Chat seats", "")
        },
    ]
}

/// Tickets that the support bot resolved on each day but Sundays, of which nobody keeps count.
fn values(today: NaiveDate) -> Vec<MetricForm> {
    let days = (1..=METRIC_DAYS).filter_map(|ago| today.checked_sub_days(Days::new(ago)));
    let counted = days.filter(|day| day.weekday() != chrono::Weekday::Sun);
    let value = |day: NaiveDate| MetricForm {
        name: "tickets-resolved".to_owned(),
        unit: "tickets".to_owned(),
        period: day.to_string(),
        value: (310 + day.ordinal() * 37 % 90).to_string(),
        labels: BTreeMap::from([("project".to_owned(), "support-bot".to_owned())]),
    };
    counted.map(value).collect()
}
