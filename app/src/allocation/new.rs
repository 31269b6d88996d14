//! A new rule, in two steps: what it would change by team and month, then entering it.
//!
//! The first step is a look at an address, so it can be shared.

use super::api::EnterRule;
use super::labels::Names;
use crate::error::AppError;
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::prices::labels::{change, refused};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Column, Crumb, Field, Figure, FormErrors, Notice, PageHead, Section,
    Select, Table, Tone, html,
};
use domain::allocation::{
    AllocationForm, AllocationPreview, Amounts, ConditionForm, MAX_CONDITIONS, MAX_TARGETS, Method, Party, TargetForm,
    Test, row_field,
};
use domain::business_metric::MetricEntry;
use domain::period::Period;
use domain::problem::{FieldProblem, Problem};
use domain::spend::Dimension;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use rust_decimal::Decimal;

/// Empty rows below those that are filled, and how many rows there are at least.
const MORE_ROWS: usize = 2;
const LEAST_ROWS: usize = 3;

/// Enters a rule.
pub(crate) async fn new_rule(visit: Visit) -> Drawn {
    if let Some(refused) = refused(&visit, ("New allocation rule", "enter allocation rules")) {
        return Ok(Page::new("New allocation rule", refused));
    }
    let typed = typed(&visit.query);
    let (names, dimensions, metrics) = (
        Names::of(&visit, Period::month_of(visit.frame.today)).await?,
        backend::ledger::dimensions(&visit.backend, &visit.scope).await?,
        backend::business_metrics::list(&visit.backend, &visit.scope).await?,
    );
    let dimensions = dimensions.into_iter().map(|known| known.dimension).filter(Dimension::is_of_events);
    let dimensions: Vec<Dimension> = dimensions.collect();
    let (preview, wrong) = match look(&visit, &typed).await {
        Ok(preview) => (preview, Vec::new()),
        Err(AppError(Problem::Invalid { fields, .. })) => (None, fields),
        Err(error) => return Err(error),
    };
    let crumbs =
        vec![Crumb::link("Allocation", NavItem::Allocation.path(visit.org())), Crumb::here("New rule".to_owned())];
    let lead = "First what it would change over the last 12 months; nothing counts before you enter it.";
    let seen = preview.map(|preview| seen(&names, &typed, &preview));
    let was_seen = seen.is_some();
    Ok(Page::new(
        "New allocation rule",
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title="New allocation rule" lead=lead/>
            <FormErrors errors={Posted::<EnterRule>::here().errors()}/>
            {seen}
            {fields(&names, &typed, (&dimensions, &metrics), &wrong, was_seen)}
        },
    ))
}

/// What it would change; nothing while only some of it is typed.
async fn look(visit: &Visit, typed: &AllocationForm) -> Result<Option<AllocationPreview>, AppError> {
    if typed.name.is_empty() && typed.reason.is_empty() {
        return Ok(None);
    }
    let new = typed.parse().map_err(Problem::invalid)?;
    Ok(Some(backend::allocation::preview(&visit.backend, &visit.scope, &new).await?))
}

/// What the address says was typed.
fn typed(query: &UrlQuery) -> AllocationForm {
    let get = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let row = |list: &str, at: usize, field: &str| get(&row_field(list, at, field));
    let condition = |at| ConditionForm {
        dimension: row("conditions", at, "dimension"),
        test: row("conditions", at, "test"),
        values: row("conditions", at, "values"),
    };
    let target = |at| TargetForm { to: row("targets", at, "to"), percent: row("targets", at, "percent") };
    AllocationForm {
        name: get("name"),
        conditions: (0..MAX_CONDITIONS).map(condition).filter(|row| !row.dimension.is_empty()).collect(),
        method: get("method"),
        targets: (0..MAX_TARGETS).map(target).filter(|row| !row.to.is_empty()).collect(),
        metric: get("metric"),
        valid_from: get("valid_from"),
        valid_to: get("valid_to"),
        reason: get("reason"),
    }
}

fn fields(
    names: &Names,
    typed: &AllocationForm,
    (dimensions, metrics): (&[Dimension], &[MetricEntry]),
    wrong: &[FieldProblem],
    was_seen: bool,
) -> AnyView {
    let error = |field: &str| wrong.iter().find(|of| of.pointer == field).map(|of| of.detail.clone());
    let rows = |filled: usize, most: usize| (filled + MORE_ROWS).clamp(LEAST_ROWS, most);
    let conditions = (0..rows(typed.conditions.len(), MAX_CONDITIONS))
        .map(|at| condition_row(dimensions, at, typed.conditions.get(at), &error))
        .collect_view();
    let parties = names.choices();
    let targets = (0..rows(typed.targets.len(), MAX_TARGETS))
        .map(|at| target_row(&parties, at, typed.targets.get(at), &error))
        .collect_view();
    let is_offered = |method: &&Method| **method != Method::BusinessMetric || !metrics.is_empty();
    let methods = Method::ALL
        .iter()
        .filter(is_offered)
        .map(|method| Choice::new(method.as_str(), method.label()))
        .collect::<Vec<_>>();
    let method = if typed.method.is_empty() { Method::Relabel.as_str().to_owned() } else { typed.method.clone() };
    let errors = wrong.iter().map(|of| (of.pointer.clone(), of.detail.clone())).collect::<Vec<_>>();
    let (button, main) = match was_seen {
        true => ("Preview again", ButtonKind::Secondary),
        false => ("Preview", ButtonKind::Primary),
    };
    let metric = (!metrics.is_empty()).then(|| {
        let choice = |entry: &MetricEntry| Choice::new(entry.metric.name.as_str(), entry.metric.name.as_str());
        let choices = std::iter::once(Choice::new("", "—")).chain(metrics.iter().map(choice)).collect::<Vec<_>>();
        let hint = "For a split by a business metric: its values of the calendar month with the label project or team. Months without values are split evenly.";
        view! { <Select label="Business metric" name="metric" choices=choices value=typed.metric.clone() error=error("metric") hint=hint/> }
    });
    let typed = typed.clone();
    html! {
        <form class="form form-wide" method="get" action=format!("{}/new", NavItem::Allocation.path(&names.org))>
            <FormErrors errors=errors/>
            <Field label="Name" name="name" maxlength=80 value=typed.name error=error("name")
                hint="A rule of the same name takes the place of the one that is there, from its first day on."/>
            <fieldset class="field" id="conditions">
                <legend class="field-label">"Usage where"</legend>
                {conditions}
                <p class="soft small">"All conditions hold. Several values are separated by commas; an API key goes by its id. Of customer, user and tags use one, and the same in all rules of a day."</p>
            </fieldset>
            <Select label="What happens to it" name="method" choices=methods value=method error=error("method")
                hint="Spend, requests and tokens are those that the targets used in the calendar month; shared usage is unallocated until a later rule takes it."/>
            {metric}
            <fieldset class="field" id="targets">
                <legend class="field-label">"For whom, or among whom"</legend>
                {targets}
            </fieldset>
            <div class="form-row">
                <Field label="From" name="valid_from" kind="date" optional=true value=typed.valid_from error=error("valid_from") hint="Empty for all time before too."/>
                <Field label="End date (exclusive)" name="valid_to" kind="date" optional=true value=typed.valid_to error=error("valid_to") hint="Empty: no end date."/>
            </div>
            <Field label="Reason" name="reason" maxlength=500 value=typed.reason error=error("reason")
                hint="For those who read the numbers later, such as: Growth took these repositories over."/>
            <div class="actions"><Button kind=main>{button}</Button></div>
        </form>
    }
}

fn condition_row(
    dimensions: &[Dimension],
    at: usize,
    row: Option<&ConditionForm>,
    error: &impl Fn(&str) -> Option<String>,
) -> AnyView {
    let [dimension, test, values] = ["dimension", "test", "values"].map(|field| row_field("conditions", at, field));
    let [wrong_dimension, wrong_test, wrong_values] = [&dimension, &test, &values].map(|field| error(field));
    let row = row.cloned().unwrap_or_default();
    let choice = |of: &Dimension| Choice::new(of.name(), of.label());
    let dimensions = std::iter::once(Choice::new("", "—")).chain(dimensions.iter().map(choice)).collect::<Vec<_>>();
    let tests = Test::ALL.iter().map(|test| Choice::new(test.as_str(), test.label())).collect::<Vec<_>>();
    let test_value = if row.test.is_empty() { Test::Is.as_str().to_owned() } else { row.test };
    let number = at + 1;
    html! {
        <div class="form-row">
            <Select label=format!("Dimension {number}") name=dimension choices=dimensions value=row.dimension error=wrong_dimension/>
            <Select label=format!("Comparison {number}") name=test choices=tests value=test_value error=wrong_test/>
            <Field label=format!("Values {number}") name=values optional=true value=row.values error=wrong_values/>
        </div>
    }
}

fn target_row(
    parties: &[Choice],
    at: usize,
    row: Option<&TargetForm>,
    error: &impl Fn(&str) -> Option<String>,
) -> AnyView {
    let [to, percent] = ["to", "percent"].map(|field| row_field("targets", at, field));
    let [wrong_to, wrong_percent] = [&to, &percent].map(|field| error(field));
    let (row, number) = (row.cloned().unwrap_or_default(), at + 1);
    let choices = std::iter::once(Choice::new("", "—")).chain(parties.iter().cloned()).collect::<Vec<_>>();
    html! {
        <div class="form-row">
            <Select label=format!("Team or project {number}") name=to choices=choices value=row.to error=wrong_to/>
            <Field label=format!("Fixed percent {number}") name=percent optional=true inputmode="decimal" value=row.percent error=wrong_percent/>
        </div>
    }
}

/// What it would change, and the button that enters it.
fn seen(names: &Names, typed: &AllocationForm, preview: &AllocationPreview) -> AnyView {
    let moved = preview.moved.spend();
    let evenly = (!preview.evenly.is_empty()).then(|| {
        let months = preview.evenly.iter().map(|month| format::month(*month)).collect::<Vec<_>>().join(", ");
        let text = format!("Split evenly in {months}: the targets had nothing to go by.");
        view! { <Notice tone=Tone::Warn>{text}</Notice> }
    });
    let changes = if moved.is_zero() {
        let text = "Nothing of these months is concerned: check the conditions, or enter it for what comes.";
        html! { <Notice tone=Tone::Warn>{text}</Notice> }
    } else if preview.changes.is_empty() {
        html! { <p class="soft">"What moves stays within its team: no team's total changes."</p> }
    } else {
        table(names, preview)
    };
    let enter = enter(&names.org, typed);
    html! {
        <Section title="Preview" note="the last 12 months, as if the rule had been there" id="preview">
            <div class="headline"><Figure large=true caption="Would move" value=format::money(moved) title=format::money_full(moved)/></div>
            {evenly}
            {changes}
            {enter}
        </Section>
    }
}

/// The change by team, of the months in which anything changes.
fn table(names: &Names, preview: &AllocationPreview) -> AnyView {
    let is_changed = |at: &usize| preview.changes.iter().any(|(_, months)| !months[*at].is_empty());
    let shown: Vec<usize> = (0..preview.months.len()).filter(is_changed).collect();
    let heads = shown.iter().map(|at| Column::number(format!("{}, $", format::month(preview.months[*at]))));
    let heads =
        std::iter::once(Column::text("Team")).chain(heads).chain([Column::number("Total, $")]).collect::<Vec<_>>();
    let sum = |months: &[Amounts]| months.iter().map(Amounts::spend).sum::<Decimal>();
    let row = |name: String, months: &[Amounts]| {
        let cells = shown.iter().map(|at| view! { <td class="num">{change(months[*at].spend())}</td> }).collect_view();
        view! { <tr><th scope="row">{name}</th>{cells}<td class="num">{change(sum(months))}</td></tr> }
    };
    let mut total = vec![Amounts::default(); preview.months.len()];
    for (_, months) in &preview.changes {
        total.iter_mut().zip(months).for_each(|(sum, amounts)| *sum += *amounts);
    }
    let rows = preview.changes.iter().map(|(party, months)| row(names.of_party(party), months)).collect_view();
    let foot = row("sum".to_owned(), &total).into_any();
    html! { <Table caption="Change by team and month" columns=heads foot=foot>{rows}</Table> }
}

fn enter(org: &str, typed: &AllocationForm) -> AnyView {
    let mut fields = vec![
        ("org".to_owned(), org),
        ("name".to_owned(), typed.name.as_str()),
        ("method".to_owned(), typed.method.as_str()),
        ("metric".to_owned(), typed.metric.as_str()),
        ("valid_from".to_owned(), typed.valid_from.as_str()),
        ("valid_to".to_owned(), typed.valid_to.as_str()),
        ("reason".to_owned(), typed.reason.as_str()),
    ];
    for (at, row) in typed.conditions.iter().enumerate() {
        let named = [("dimension", &row.dimension), ("test", &row.test), ("values", &row.values)];
        fields.extend(named.map(|(field, value)| (row_field("conditions", at, field), value.as_str())));
    }
    for (at, row) in typed.targets.iter().enumerate() {
        let named = [("to", &row.to), ("percent", &row.percent)];
        fields.extend(named.map(|(field, value)| (row_field("targets", at, field), value.as_str())));
    }
    let fields = hidden(fields.iter().map(|(name, value)| (name.as_str(), *value)));
    html! {
        <form method="post" action=EnterRule::url()>
            {fields}
            <div class="actions"><Button kind=ButtonKind::Primary>"Enter the rule"</Button></div>
        </form>
    }
}

impl Names {
    /// Teams and projects to choose from.
    fn choices(&self) -> Vec<Choice> {
        let choice = |(party, name): (&Party, &String)| {
            let group = if matches!(party, Party::Team(_)) { "Teams" } else { "Projects" };
            Choice::new(format!("{}:{}", party.kind(), party.slug().unwrap_or_default()), name.clone()).group(group)
        };
        let mut choices: Vec<(&Party, &String)> = self.names.iter().collect();
        choices.sort_by_key(|(party, name)| (matches!(party, Party::Project(_)), name.to_lowercase()));
        choices.into_iter().map(choice).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_what_was_typed() {
        let pairs = [
            ("name", "Web"),
            ("conditions[1][dimension]", "tag.repo"),
            ("conditions[1][test]", "is"),
            ("targets[3][to]", "team:a"),
        ];
        let query: UrlQuery = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let typed = typed(&query);
        assert_eq!((typed.conditions.len(), typed.targets.len()), (1, 1));
        assert_eq!((typed.conditions[0].dimension.as_str(), typed.targets[0].to.as_str()), ("tag.repo", "team:a"));
    }
}
