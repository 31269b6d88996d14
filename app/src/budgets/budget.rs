//! One budget: where it stands, why its thresholds fired or did not, who was told.

use super::alerts::{Ledger, mail};
use super::api::{AcknowledgeAlert, TestBudget};
use super::{chart, labels};
use crate::annotations::Marks;
use crate::forecast::labels::{chance, estimate};
use crate::form::Posted;
use crate::format;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::spend::live;
use crate::ui::chart::{Chart, Height};
use crate::ui::{
    Badge, Breadcrumb, Button, Crumb, EmptyState, Figure, FormErrors, Notice, NoticeText, PageHead, Section, Table,
    Tone, UrlNotice, columns, html,
};
use domain::budget::{Budget, BudgetAmount, BudgetDetail, BudgetState, TestMail, ThresholdState};
use domain::forecast::Forecast;
use domain::ids::BudgetId;
use domain::period::Period;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: &[NoticeText] = &[
    NoticeText {
        code: "created",
        tone: Tone::Good,
        text: "The budget is there. It is compared with spend from now on.",
    },
    NoticeText { code: "saved", tone: Tone::Good, text: "Saved. The budget was compared with spend anew." },
];

/// A budget's page.
pub(crate) async fn budget(visit: Visit) -> Drawn {
    let budget_id = visit.id::<BudgetId>("budget")?;
    let detail = async { Ok(backend::budgets::detail(&visit.backend, &visit.scope, budget_id).await?) };
    let (detail, moved) = live(&visit, detail).await?;
    let month = Period::month_of(detail.state.month);
    let marks = Marks::read(&visit, detail.state.budget.scope, month).await?;
    let (acknowledge, test) = (Posted::<AcknowledgeAlert>::here(), Posted::<TestBudget>::here());
    let sent = test.done().copied().map(|mails| view! { <Notice tone=Tone::Good>{sent(mails)}</Notice> });
    Ok(Page::new(
        detail.state.budget.name.clone(),
        view! {
            <UrlNotice known=NOTICES/>
            <FormErrors errors=acknowledge.errors()/>
            <FormErrors errors=test.errors()/>
            {sent}
            {draw(visit.org(), &detail, moved, &marks)}
        },
    ))
}

fn sent(mails: u32) -> String {
    match mails {
        1 => "A test mail is on its way. What the mail server answers stands below.".to_owned(),
        many => format!("{many} test mails are on their way. What the mail server answers stands below."),
    }
}

fn draw(org: &str, detail: &BudgetDetail, moved: String, marks: &Marks) -> AnyView {
    let state = &detail.state;
    let budget = &state.budget;
    let crumbs = vec![Crumb::link("Budgets", NavItem::Budgets.path(org)), Crumb::here(budget.name.clone())];
    let lead = format!("{} · {} a month", labels::scope(state), labels::dollars(budget.amount));
    let (word, tone) = labels::status(state.status);
    let archived = budget.archived_at.is_some();
    let badge = if archived {
        html! { <Badge>"archived"</Badge> }
    } else {
        html! { <Badge tone=tone>{word}</Badge> }
    };
    let edit = format!("{}/{}/edit", NavItem::Budgets.path(org), budget.budget_id);
    let button = (detail.may_manage && !archived).then(|| view! { <Button href=edit>"Edit"</Button> });
    let month = (!archived).then(|| month(detail, marks));
    let thresholds = (!archived).then(|| thresholds(detail));
    let tests = (!archived).then(|| tests(org, detail));
    html! {
        <div class="part" id="budget" data-live-on=moved>
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=budget.name.clone() lead=lead>{badge}{button}</PageHead>
            {month}
            {thresholds}
            {ledger(org, detail)}
            {amounts(detail)}
            {tests}
        </div>
    }
}

fn month(detail: &BudgetDetail, marks: &Marks) -> AnyView {
    let state = &detail.state;
    let usage = &state.usage;
    let estimate = estimate(usage.estimate);
    let share = format!("{} of {}", usage.percent_text(), labels::dollars(usage.amount));
    let data = marks.on_days(chart::month(detail), Period::month_of(state.month).iter());
    let list = marks.list();
    html! {
        <div class="headline">
            <Figure caption=format!("Used in {}", format::month_name(state.month)) value=format::money(usage.used) title=format::money_full(usage.used) large=true>
                {share}{estimate}
            </Figure>
            {expected(detail)}
            {runs_out(state)}
        </div>
        <Chart data=data label=format!("Spend in {}", format::month(state.month)) tick=format::axis_money height=Height::Tall/>
        {list}
    }
}

/// When it is used up, and how likely that is this month.
fn runs_out(state: &BudgetState) -> AnyView {
    let left = state.usage.remaining();
    if left.is_sign_negative() {
        return html! { <Figure caption="Over the budget" value=format::money(-left)/> };
    }
    match state.expected {
        Some(expected) => {
            let day = expected.run_out.map_or_else(|| "not this month".to_owned(), format::day);
            let likely = format!("{} chance of overrun", chance(expected.chance_over));
            html! { <Figure caption="Exhaustion date" value=day>{likely}</Figure> }
        }
        None => html! { <Figure caption="Left" value=format::money(left)/> },
    }
}

fn thresholds(detail: &BudgetDetail) -> AnyView {
    let usage = detail.state.usage;
    let columns = columns("Threshold | At, $ # | Why it fired, or why it did not | Notified");
    let rows = detail.thresholds.iter().map(|state| threshold_row(state, labels::why(state, &usage))).collect_view();
    let looked = match detail.evaluated_at {
        Some(at) => format!("Last compared with spend {}.", format::time(at)),
        None => "Not compared with spend yet this month; that happens with the first event.".to_owned(),
    };
    html! {
        <Section title="Thresholds">
            <Table caption="Thresholds" columns=columns>{rows}</Table>
            <p class="soft small">{looked}" Every recorded event is compared within seconds, and all budgets every ten minutes."</p>
        </Section>
    }
}

fn ledger(org: &str, detail: &BudgetDetail) -> AnyView {
    let body = if detail.alerts.is_empty() {
        html! { <EmptyState title="Nothing crossed yet"/> }
    } else {
        html! {
            <Ledger org=org.to_owned() caption="Alerts of this budget" alerts=detail.alerts.clone()
                may_manage=detail.may_manage/>
        }
    };
    html! { <Section title="Alert history">{body}</Section> }
}

/// The amounts, where there was more than one.
fn amounts(detail: &BudgetDetail) -> Option<AnyView> {
    if detail.amounts.len() < 2 {
        return None;
    }
    let columns = columns("Since | Amount, $ # | By");
    let row = |one: &BudgetAmount| {
        view! {
            <tr>
                <th scope="row" class="nowrap">{format::time(one.since)}</th>
                <td class="num" title=format::money_full(one.amount)>{format::money_plain(one.amount)}</td>
                <td>{one.by.clone()}</td>
            </tr>
        }
    };
    let rows = detail.amounts.iter().map(row).collect_view();
    Some(
        html! { <Section title="Amounts"><Table caption="Amounts of this budget" columns=columns>{rows}</Table></Section> },
    )
}

fn tests(org: &str, detail: &BudgetDetail) -> AnyView {
    let budget = &detail.state.budget;
    let form = detail.may_manage.then(|| test_form(org, budget));
    let table = (!detail.tests.is_empty()).then(|| {
        let columns = columns("Sent | By | Mail");
        let rows = detail.tests.iter().map(test_row).collect_view();
        view! { <Table caption="Test mails" columns=columns>{rows}</Table> }
    });
    let list: Vec<_> = budget.mailed().map(ToString::to_string).collect();
    let who = if list.is_empty() {
        "Nobody gets mail of this budget; crossings are only written to the alert history.".to_owned()
    } else {
        format!("Mail goes to {}.", list.join(", "))
    };
    let waiting = (!budget.unconfirmed.is_empty()).then(|| {
        let list: Vec<_> = budget.unconfirmed.iter().map(ToString::to_string).collect();
        let text = format!("Not confirmed yet, so without mail: {}. Each was sent a link; after a day, saving the budget sends another.", list.join(", "));
        view! { <p class="prose">{text}</p> }
    });
    html! {
        <Section title="Recipients">
            <p class="prose">{who}</p>
            {waiting}
            {form}
            {table}
        </Section>
    }
}

fn test_form(org: &str, budget: &Budget) -> AnyView {
    let (org, budget_id) = (org.to_owned(), budget.budget_id.to_string());
    let all =
        budget.mailed().next().is_some().then(
            || view! { <Button name="to" value="recipients" small=true>"Send a test to all recipients"</Button> },
        );
    html! {
        <form method="post" action=TestBudget::url() class="actions">
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="budget" value=budget_id/>
            <Button name="to" value="me" small=true>"Send a test to me"</Button>
            {all}
        </form>
    }
}

fn expected(detail: &BudgetDetail) -> AnyView {
    let reason = match &detail.forecast {
        Forecast::TooLittle(too_little) => too_little.reason(),
        Forecast::MonthEnd(_) => String::new(),
    };
    match &detail.state.expected {
        Some(expected) => {
            let (point, band) = (expected.point, labels::band(expected));
            html! {
                <Figure caption="Forecast (month-end)" value=format::money(point) title=format::money_full(point)>
                    {band}", 80\u{a0}% interval"
                </Figure>
            }
        }
        None => html! {
            <Figure caption="Forecast (month-end)" value=format::NONE>{reason}</Figure>
        },
    }
}

fn threshold_row(state: &ThresholdState, why: String) -> AnyView {
    let told = state.alert.as_ref().map(labels::told);
    let percent = format!("{}\u{a0}%", state.threshold);
    let mark = if state.alert.is_some() { Tone::Warn } else { Tone::Neutral };
    html! {
        <tr>
            <th scope="row"><Badge tone=mark>{percent}</Badge></th>
            <td class="num" title=format::money_full(state.at)>{format::money_plain(state.at)}</td>
            <td class="wrap">{why}</td>
            <td class="wrap soft">{told}</td>
        </tr>
    }
}

fn test_row(test: &TestMail) -> AnyView {
    html! {
        <tr>
            <th scope="row" class="nowrap">{format::time(test.at)}</th>
            <td>{test.by.clone()}</td>
            <td class="wrap">{mail(&test.delivery)}</td>
        </tr>
    }
}
