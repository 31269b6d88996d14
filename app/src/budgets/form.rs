//! Making and changing a budget.

use super::api::{ArchiveBudget, ChangeBudget, CreateBudget};
use crate::error::AppError;
use crate::form::Posted;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Crumb, Field, FormErrors, NoPermission, PageHead, Section, Select,
    TextArea, html,
};
use domain::budget::{BudgetFormOptions, MAX_RECIPIENTS, ScopeRef};
use domain::ids::BudgetId;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// A new budget; `?scope=project:support-bot` chooses what it is about.
pub(crate) async fn new_budget(visit: Visit) -> Drawn {
    let options = backend::budgets::new_sheet(&visit.backend, &visit.scope).await;
    let form = options.map_or_else(refused, |options| Ok(new_form(&visit, &options)))?;
    let crumbs = vec![Crumb::link("Budgets", NavItem::Budgets.path(visit.org())), Crumb::here("New budget")];
    Ok(Page::new(
        "New budget",
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title="New budget" lead="An amount for each calendar month of the organization's time zone."/>
            {form}
        },
    ))
}

fn new_form(visit: &Visit, options: &BudgetFormOptions) -> AnyView {
    let form = Posted::<CreateBudget>::here();
    let scope = form.kept_or("scope", visit.query.get("scope").unwrap_or(&options.form.scope));
    let choices = options.scopes.iter().map(|choice| choice_of(&choice.scope, &choice.name)).collect::<Vec<_>>();
    html! {
        <form method="post" action=CreateBudget::url() class="form">
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=visit.org().to_owned()/>
            {name(&form, options)}
            <Select label="Scope" name="scope" choices=choices find=true value=scope error=form.error("scope")/>
            {rest(&form, options)}
            <div class="actions">
                <Button kind=ButtonKind::Primary>"Create budget"</Button>
                <Button href=NavItem::Budgets.path(visit.org())>"Cancel"</Button>
            </div>
        </form>
    }
}

/// A budget's settings, and the way to put it away.
pub(crate) async fn edit_budget(visit: Visit) -> Drawn {
    let budget = visit.id::<BudgetId>("budget")?;
    let options = backend::budgets::edit_sheet(&visit.backend, &visit.scope, budget).await;
    let page = options.map_or_else(refused, |options| Ok(edit_form(visit.org(), budget, &options)))?;
    Ok(Page::new("Edit budget", page))
}

fn edit_form(org: &str, budget: BudgetId, options: &BudgetFormOptions) -> AnyView {
    let (form, archive) = (Posted::<ChangeBudget>::here(), Posted::<ArchiveBudget>::here());
    let budgets = NavItem::Budgets.path(org);
    let back = format!("{budgets}/{budget}");
    let crumbs = vec![
        Crumb::link("Budgets", budgets),
        Crumb::link(options.form.name.clone(), back.clone()),
        Crumb::here("Edit"),
    ];
    let about = options.scope_name.clone().unwrap_or_default();
    let of_budget = || {
        view! {
            <input type="hidden" name="org" value=org.to_owned()/>
            <input type="hidden" name="budget" value=budget.to_string()/>
        }
    };
    let to_archive = of_budget();
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title="Edit budget" lead=format!("It is about {about}; for anything else make a new one. A new amount holds from this month on.")/>
        <form method="post" action=ChangeBudget::url() class="form">
            <FormErrors errors=form.errors()/>
            {of_budget()}
            {name(&form, options)}
            {rest(&form, options)}
            <div class="actions">
                <Button kind=ButtonKind::Primary>"Save"</Button>
                <Button href=back>"Cancel"</Button>
            </div>
        </form>
        <Section title="Archive">
            <p class="prose">"An archived budget is no longer compared with spend and sends no mail. Its alerts stay in the alert history. It cannot be brought back."</p>
            <form method="post" action=ArchiveBudget::url() class="form">
                <FormErrors errors=archive.errors()/>
                {to_archive}
                <div class="actions"><Button kind=ButtonKind::Danger>"Archive budget"</Button></div>
            </form>
        </Section>
    }
}

fn refused(error: backend::Error) -> Result<AnyView, AppError> {
    match AppError::from(error) {
        AppError(Problem::Forbidden { .. }) => {
            Ok(html! { <NoPermission what="change budgets" who="an owner, admin, finance or member"/> })
        }
        error => Err(error),
    }
}

fn choice_of(scope: &ScopeRef, name: &str) -> Choice {
    let choice = Choice::new(scope.to_string(), name.to_owned());
    match scope {
        ScopeRef::Organization => choice.hint("all spend"),
        ScopeRef::Team(_) => choice.group("Teams"),
        ScopeRef::Project(_) => choice.group("Projects"),
    }
}

fn name<S>(form: &Posted<S>, options: &BudgetFormOptions) -> AnyView
where
    S: ServerFn<Error = AppError, Output = ()>,
{
    html! {
        <Field label="Name" name="name" value=form.kept_or("name", &options.form.name) maxlength=80 error=form.error("name")
            hint="As the mail's subject will say it: Production assistant has used 80 % of its November budget."/>
    }
}

fn rest<S>(form: &Posted<S>, options: &BudgetFormOptions) -> AnyView
where
    S: ServerFn<Error = AppError, Output = ()>,
{
    let first = &options.form;
    html! {
        <Field label="Amount per month, $" name="amount" inputmode="decimal" value=form.kept_or("amount", &first.amount)
            error=form.error("amount") hint="Such as 12000 or 12,000.50."/>
        <Field label="Thresholds, %" name="thresholds" value=form.kept_or("thresholds", &first.thresholds)
            error=form.error("thresholds") hint="Up to 10 whole percentages of the amount. Each fires once a month, and again under a new amount."/>
        <TextArea label="Recipients" name="recipients" rows=3 optional=true value=form.kept_or("recipients", &first.recipients)
            error=form.error("recipients")
            hint=format!("Up to {MAX_RECIPIENTS} e-mail addresses. Who is no member is asked by mail first. Without any, crossings are only written to the alert history.")/>
    }
}
