//! Entering charges: one by form, many as a file.

use super::api::EnterCharge;
use crate::file_import;
use crate::form::Posted;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Crumb, Field, FormErrors, PageHead, Section, Select, TextArea, html,
};
use domain::charge::{ChargeForm, ChargeKind};
use domain::identity::Permission;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// A new charge, or a file of them.
pub(crate) async fn new_charge(visit: Visit) -> Drawn {
    visit.scope.require(Permission::ManagePrices)?;
    let crumbs = vec![Crumb::link("Charges", NavItem::Charges.path(visit.org())), Crumb::here("Add charges")];
    let lead = "What costs beside events: it counts on each of its days, also in months that are over.";
    let file = file_import::form::<ChargeForm>(&NavItem::Charges.path(visit.org()), "Nothing is entered yet.");
    let form = form(visit.org(), owners(&visit).await?);
    Ok(Page::new(
        "Add charges",
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title="Add charges" lead=lead/>
            <Section title="One charge">{form}</Section>
            <Section title="A file of charges" id="import">{file}</Section>
        },
    ))
}

/// Projects and teams to choose from, with nobody first.
async fn owners(visit: &Visit) -> Result<(Vec<Choice>, Vec<Choice>), backend::Error> {
    let (projects, teams) = futures::try_join!(
        backend::projects::list_projects(&visit.backend, &visit.scope),
        backend::projects::list_teams(&visit.backend, &visit.scope),
    )?;
    let none = || vec![Choice::new("", "none")];
    let projects = projects.into_iter().map(|project| Choice::new(project.slug.to_string(), project.name));
    let teams = teams.into_iter().map(|team| Choice::new(team.slug.to_string(), team.name));
    Ok(([none(), projects.collect()].concat(), [none(), teams.collect()].concat()))
}

fn form(org: &str, (projects, teams): (Vec<Choice>, Vec<Choice>)) -> AnyView {
    let form = Posted::<EnterCharge>::here();
    let name = |field: &str| format!("charge[{field}]");
    let kept = |field: &str| form.kept_or(&name(field), "");
    let error = |field: &str| form.error(&name(field));
    let text = |field: &'static str, label: &'static str, hint: &'static str| {
        view! { <Field label=label name=name(field) value=kept(field) error=error(field) hint=hint/> }
    };
    let optional = |field: &'static str, label: &'static str, hint: &'static str| {
        view! { <Field label=label name=name(field) optional=true value=kept(field) error=error(field) hint=hint/> }
    };
    let day = |field: &'static str, label: &'static str, optional: bool, hint: &'static str| {
        view! { <Field label=label name=name(field) kind="date" optional=optional value=kept(field) error=error(field) hint=hint/> }
    };
    let kinds = ChargeKind::ALL.map(|kind| Choice::new(kind.as_str(), kind.label())).to_vec();
    html! {
        <form method="post" action=EnterCharge::url() class="form form-wide">
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org.to_owned()/>
            <div class="form-row">
                <Select label="Kind" name=name("kind") choices=kinds value=kept("kind") error=error("kind")/>
                {text("description", "Description", "As statements will say it.")}
                {optional("provider", "Provider", "Who charges it. Usage of this provider draws prepaid credits.")}
            </div>
            <div class="form-row">
                {optional("amount", "Amount, $", "For all days together, or what credits are worth. Below zero: given back.")}
                {optional("quantity", "Quantity", "With a rate, such as 5 seats. Empty: 1.")}
                {optional("rate", "Rate a month, $", "In place of an amount: for one unit.")}
            </div>
            <div class="form-row">
                {day("from", "First day", false, "In your organization's calendar.")}
                {day("to", "End date (exclusive)", true, "The day after the last, or on which credits expire.")}
                {optional("included", "Included usage a month, $", "Of a subscription.")}
            </div>
            <div class="form-row">
                <Select label="Project" name=name("project") find=true choices=projects value=kept("project") error=error("project")/>
                <Select label="or team" name=name("team") find=true choices=teams value=kept("team") error=error("team")
                    hint="With neither it is unallocated."/>
                {optional("cost_centre", "Cost centre", "Empty: its owner's.")}
            </div>
            <div class="form-row">
                {text("source", "Source", "Such as an invoice number.")}
                {optional("id", "Your id", "The same id is entered once.")}
                <Field label="Labels" name="labels" optional=true value=form.kept_or("labels", "") error=form.error("labels")
                    hint="name=value between commas."/>
            </div>
            <TextArea label="Reason" name=name("reason") rows=2 maxlength=500 value=kept("reason") error=error("reason")
                hint="For those who read the numbers later."/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Enter charge"</Button></div>
        </form>
    }
}
