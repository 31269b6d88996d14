//! Making and changing a budget.

use super::api::{ArchiveBudget, ChangeBudget, CreateBudget, load_budget_form_options};
use crate::error::{AppError, Failure};
use crate::form::{Form, use_form};
use crate::layout::{NavItem, UrlQuery};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Crumb, Field, FormErrors, Loading, NoPermission, PageHead, Section, Select,
    TextArea, loaded_first,
};
use domain::budget::{BudgetFormOptions, MAX_RECIPIENTS, ScopeRef};
use domain::problem::Problem;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// A new budget; `?scope=project:support-bot` chooses what it is about.
#[component]
pub fn NewBudgetPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let wanted = Memo::new(move |_| UrlQuery::from(&*query.read()).get("scope").map(str::to_owned));
    let form = use_form::<CreateBudget>();
    let options = loaded_first(move || org.get(), |org| load_budget_form_options(org, None));
    let draw = move |org: String, options: BudgetFormOptions| {
        let scope = wanted.get_untracked().unwrap_or_else(|| options.form.scope.clone());
        let scope = form.kept_or("scope", &scope);
        let choices = options.scopes.iter().map(|choice| choice_of(&choice.scope, &choice.name)).collect::<Vec<_>>();
        view! {
            <ActionForm action=form.action attr:class="form">
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=org.clone()/>
                {name(form, &options)}
                <Select label="What it is about" name="scope" choices=choices value=scope error=form.error("scope")/>
                {rest(form, &options)}
                <div class="actions">
                    <Button kind=ButtonKind::Primary disabled=form.pending()>"Create budget"</Button>
                    <Button href=NavItem::Budgets.path(&org)>"Cancel"</Button>
                </div>
            </ActionForm>
        }
        .into_any()
    };
    view! {
        <Title text="New budget"/>
        {move || {
            let crumbs = vec![Crumb::link("Budgets", NavItem::Budgets.path(&org.get())), Crumb::here("New budget")];
            view! { <Breadcrumb crumbs=crumbs/> }
        }}
        <PageHead title="New budget" lead="An amount for each calendar month of the organization's time zone."/>
        <Transition fallback=|| view! { <Loading what="form" lines=6/> }>
            {move || Suspend::new(async move {
                match options.await {
                    Ok(options) => draw(org.get_untracked(), options),
                    Err(error) => refused(error),
                }
            })}
        </Transition>
    }
}

/// A budget's settings, and the way to put it away.
#[component]
pub fn EditBudgetPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let budget = Memo::new(move |_| params.read().get("budget").unwrap_or_default());
    let form = use_form::<ChangeBudget>();
    let archive = use_form::<ArchiveBudget>();
    let options =
        loaded_first(move || (org.get(), budget.get()), |(org, budget)| load_budget_form_options(org, Some(budget)));
    let draw = move |org: String, budget: String, options: BudgetFormOptions| {
        let back = format!("{}/{budget}", NavItem::Budgets.path(&org));
        let crumbs = vec![
            Crumb::link("Budgets", NavItem::Budgets.path(&org)),
            Crumb::link(options.form.name.clone(), back.clone()),
            Crumb::here("Edit"),
        ];
        let about = options.scope_name.clone().unwrap_or_default();
        let (same_org, same_budget) = (org.clone(), budget.clone());
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title="Edit budget" lead=format!("It is about {about}; for anything else make a new one. A new amount holds from this month on.")/>
            <ActionForm action=form.action attr:class="form">
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=org.clone()/>
                <input type="hidden" name="budget" value=budget.clone()/>
                {name(form, &options)}
                {rest(form, &options)}
                <div class="actions">
                    <Button kind=ButtonKind::Primary disabled=form.pending()>"Save"</Button>
                    <Button href=back>"Cancel"</Button>
                </div>
            </ActionForm>
            <Section title="Archive">
                <p class="prose">"An archived budget is no longer compared with spend and sends no mail. Its alerts stay in the ledger. It cannot be brought back."</p>
                <ActionForm action=archive.action attr:class="form">
                    <FormErrors errors=archive.errors()/>
                    <input type="hidden" name="org" value=same_org/>
                    <input type="hidden" name="budget" value=same_budget/>
                    <div class="actions"><Button kind=ButtonKind::Danger>"Archive budget"</Button></div>
                </ActionForm>
            </Section>
        }
        .into_any()
    };
    view! {
        <Title text="Edit budget"/>
        <Transition fallback=|| view! { <Loading what="form" lines=6/> }>
            {move || Suspend::new(async move {
                match options.await {
                    Ok(options) => draw(org.get_untracked(), budget.get_untracked(), options),
                    Err(error) => refused(error),
                }
            })}
        </Transition>
    }
}

fn refused(error: AppError) -> AnyView {
    match error.0 {
        Problem::Forbidden { .. } => {
            view! { <NoPermission what="change budgets" who="an owner, admin, finance or member"/> }.into_any()
        }
        _ => view! { <Failure what="budget" error=error/> }.into_any(),
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

fn name<S>(form: Form<S>, options: &BudgetFormOptions) -> AnyView
where
    S: ServerFn<Error = AppError, Output = ()> + Clone + Send + Sync + 'static,
{
    view! {
        <Field label="Name" name="name" value=form.kept_or("name", &options.form.name) maxlength=80 error=form.error("name")
            hint="As the mail's subject will say it: Production assistant has used 80 % of its November budget."/>
    }
    .into_any()
}

fn rest<S>(form: Form<S>, options: &BudgetFormOptions) -> AnyView
where
    S: ServerFn<Error = AppError, Output = ()> + Clone + Send + Sync + 'static,
{
    let first = &options.form;
    view! {
        <Field label="Amount per month, $" name="amount" inputmode="decimal" value=form.kept_or("amount", &first.amount)
            error=form.error("amount") hint="Such as 12000 or 12,000.50."/>
        <Field label="Thresholds, %" name="thresholds" value=form.kept_or("thresholds", &first.thresholds)
            error=form.error("thresholds") hint="Up to 10 whole percentages of the amount. Each fires once a month, and again under a new amount."/>
        <TextArea label="Recipients" name="recipients" rows=3 optional=true value=form.kept_or("recipients", &first.recipients)
            error=form.error("recipients")
            hint=format!("Up to {MAX_RECIPIENTS} e-mail addresses. Who is no member is asked by mail first. Without any, crossings are only written to the ledger.")/>
    }
    .into_any()
}
