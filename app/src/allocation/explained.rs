//! What an amount is made of: a team's or project's own usage and every rule's part, and a rule's down to what was used.

use super::labels::{Names, money, share};
use crate::error::AppError;
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{Breadcrumb, Crumb, Figure, PageHead, Section, Table, columns, html};
use domain::allocation::{Account, Allocated, Amounts, Flow, Origin, Party, RuleExplained};
use domain::problem::Problem;
use domain::statement::{month_text, parse_month};
use leptos::prelude::*;

/// Origins and days that are listed.
const SHOWN: usize = 100;

/// One team, project or rule in a month.
pub(crate) async fn explained(visit: Visit) -> Drawn {
    let month = parse_month(visit.part("month")).map_err(|_| Problem::NotFound)?;
    let names = Names::of(&visit, month).await?;
    let name = visit.part("name").to_owned();
    let (title, lead, body) = match visit.part("kind") {
        "rule" => {
            let rule = name.parse().map_err(|_| Problem::NotFound)?;
            let explained = backend::allocation::explain(&visit.backend, &visit.scope, rule, month).await?;
            let lead = format!("{} {}", explained.rule.row.sentence(), explained.rule.row.reason);
            (explained.rule.row.name.clone(), lead, draw_rule(&names, &explained))
        }
        "team" => account(&visit, &names, Party::Team(name)).await?,
        "project" => account(&visit, &names, Party::Project(name)).await?,
        _ => return Err(Problem::NotFound.into()),
    };
    let list = UrlQuery::new().with("month", &month_text(month.from)).at(&NavItem::Allocation.path(visit.org()));
    let crumbs = vec![Crumb::link("Allocation", list), Crumb::here(title.clone())];
    let title = format!("{title}, {}", format::month(month.from));
    Ok(Page::new(title.clone(), view! { <Breadcrumb crumbs=crumbs/><PageHead title=title lead=lead/>{body} }))
}

async fn account(visit: &Visit, names: &Names, party: Party) -> Result<(String, String, AnyView), AppError> {
    let allocated = backend::allocation::allocated(&visit.backend, &visit.scope, names.month).await?;
    let accounts = allocated.teams.iter().chain(&allocated.projects);
    let account = accounts.clone().find(|account| account.party == party).ok_or(Problem::NotFound)?;
    let lead = "Own usage, plus what rules moved in, less what they moved out.".to_owned();
    Ok((names.of_party(&party), lead, draw_account(names, &allocated, account)))
}

fn draw_account(names: &Names, allocated: &Allocated, account: &Account) -> AnyView {
    let is_team = matches!(account.party, Party::Team(_));
    let has = |holder: &Party, team: &Party| if is_team { *team == account.party } else { *holder == account.party };
    let flows = |came: bool| -> Vec<&Flow> {
        let of = |flow: &&Flow| {
            let (from, to) = (has(&flow.from, &flow.from_team), has(&flow.to, &flow.to_team));
            from != to && to == came
        };
        allocated.flows.iter().filter(of).collect()
    };
    let slug = account.party.slug().unwrap_or_default();
    let usage = UrlQuery::days(names.month).and(account.party.kind(), slug).at(&NavItem::Explore.path(&names.org));
    let explore = matches!(account.party, Party::Team(_)).then(|| {
        let days = UrlQuery::days(names.month).and("allocated_team", slug);
        let href = days.and("group_by", "project").at(&NavItem::Explore.path(&names.org));
        view! { <p><a href=href>"By project"</a></p> }
    });
    let figure = |caption: &'static str, amounts: &Amounts| {
        let spend = amounts.spend();
        view! { <Figure caption=caption value=format::money(spend) title=format::money_full(spend)/> }
    };
    let (total, own) = (account.total().spend(), account.own.spend());
    html! {
        <div class="headline">
            <Figure large=true caption="Total" value=format::money(total) title=format::money_full(total)>{explore}</Figure>
            <Figure caption="Own usage" value=format::money(own) title=format::money_full(own)><p><a href=usage>"Explore"</a></p></Figure>
            {figure("In", &account.came)}
            {figure("Out", &account.went)}
        </div>
        {flow_section(names, "In", &flows(true))}
        {flow_section(names, "Out", &flows(false))}
    }
}

fn flow_section(names: &Names, title: &'static str, flows: &[&Flow]) -> Option<AnyView> {
    let mut sum = Amounts::default();
    flows.iter().for_each(|flow| sum += flow.amounts);
    let row = |flow: &&Flow| {
        let rule = names.href("rule", &flow.rule_id.to_string());
        html! {
            <tr>
                <th scope="row"><a class="row-link" href=rule>{flow.rule.clone()}</a></th>
                <td>{names.with_kind(&flow.from)}</td>
                <td>{names.with_kind(&flow.to)}</td>
                {money(&flow.amounts)}
            </tr>
        }
    };
    (!flows.is_empty()).then(|| {
        let rows = flows.iter().map(row).collect_view();
        let foot = html! { <tr><th scope="row">"total"</th><td></td><td></td>{money(&sum)}</tr> };
        let heads = columns("Rule | From | To | Spend, $ #");
        html! { <Section title=title><Table caption=format!("{title}, by rule") columns=heads foot=foot>{rows}</Table></Section> }
    })
}

fn draw_rule(names: &Names, explained: &RuleExplained) -> AnyView {
    let mut moved = Amounts::default();
    explained.days.iter().for_each(|(_, amounts)| moved += *amounts);
    let charges: Vec<&Flow> = explained.charges.iter().collect();
    let charges = flow_section(names, "Charges", &charges);
    if moved.is_empty() {
        let usage = if charges.is_some() { "no usage" } else { "nothing" };
        return html! { <p class="soft">{format!("It moved {usage} in this month.")}</p>{charges} };
    }
    let spend = moved.spend();
    let flows: Vec<&Flow> = explained.flows.iter().collect();
    html! {
        <div class="headline"><Figure large=true caption="Moved" value=format::money(spend) title=format::money_full(spend)/></div>
        {flow_section(names, "From whom to whom", &flows)}
        {charges}
        {origins(names, explained, &moved)}
        {days(names, explained)}
    }
}

/// The usage that it took; each row leads to its events' sums.
fn origins(names: &Names, explained: &RuleExplained, moved: &Amounts) -> AnyView {
    let row = |origin: &Origin| {
        let mut usage = UrlQuery::days(names.month).and("project", &origin.project).and("model", &origin.model);
        if !origin.feature.is_empty() {
            usage = usage.and("feature", &origin.feature);
        }
        let name = names.of_party(&Party::Project(origin.project.clone()));
        let part = share(origin.amounts.spend(), moved.spend()).unwrap_or_default();
        html! {
            <tr>
                <th scope="row"><a class="row-link" href=usage.at(&NavItem::Explore.path(&names.org))>{name}</a></th>
                <td>{format!("{}/{}", origin.provider, origin.model)}</td>
                <td>{if origin.feature.is_empty() { format::NONE.to_owned() } else { origin.feature.clone() }}</td>
                <td class="num">{part}</td>
                {money(&origin.amounts)}
            </tr>
        }
    };
    let rows = explained.origins.iter().take(SHOWN).map(row).collect_view();
    let shares = (!explained.shares.is_empty()).then(|| {
        let cell = money(&explained.shares);
        html! { <tr><th scope="row">"shares that earlier rules split"</th><td></td><td></td><td></td>{cell}</tr> }
    });
    let more = explained.origins.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| view! { <p class="soft small">{format!("{more} more not listed.")}</p> });
    let heads = columns("Project | Model | Feature | Share # | Spend, $ #");
    html! {
        <Section title="Usage that it took" note="as it was used">
            <Table caption="Usage that the rule took" columns=heads>{rows}{shares}</Table>
            {more}
        </Section>
    }
}

fn days(names: &Names, explained: &RuleExplained) -> AnyView {
    let row = |(day, amounts): &(chrono::NaiveDate, Amounts)| {
        html! {
            <tr>
                <th scope="row">{format::day(*day)}</th>
                <td class="num">{format::count(amounts.requests)}</td>
                <td class="num">{format::count(amounts.tokens)}</td>
                {money(amounts)}
            </tr>
        }
    };
    let rows = explained.days.iter().map(row).collect_view();
    let caption = format!("What it moved in {}, by day", format::month(names.month.from));
    let heads = columns("Day | Requests # | Tokens # | Spend, $ #");
    html! { <Section title="By day"><Table caption=caption columns=heads dense=true>{rows}</Table></Section> }
}
