//! The way in, and the page for what is not there.

use crate::caller::SignedIn;
use crate::forecast::chart;
use crate::format;
use crate::layout::{NavItem, Plain};
use crate::page::{Address, Drawn, Page};
use crate::ui::Tone;
use crate::ui::chart::{Chart, ChartData, Height, Step, Stroke, Threshold};
use crate::ui::{Button, ButtonKind, PageHead};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// Leads everybody to where they belong: members to their organization; strangers read what this is.
pub(crate) async fn home(_: Address) -> Drawn {
    let Some(SignedIn { user, backend, .. }) = SignedIn::find().await? else { return Ok(welcome()) };
    let way = match backend::identity::organizations_of(&backend, user.user_id).await?.as_slice() {
        [(only, _)] => NavItem::Overview.path(&only.slug),
        _ => "/organizations".to_owned(),
    };
    leptos_axum::redirect(&way);
    Ok(Page::new("", ()))
}

fn welcome() -> Page {
    let body = view! {
        <Plain wide=true>
            <header class="welcome">
                <h1>"What your language models cost, and what they will cost"</h1>
                <p>"Tallystick records every model call and computes its exact cost from dated prices, cached tokens, discounts and commitments included. "
                    "It says which team, feature and customer spends, where the month will end against its budgets, and why; every figure opens down to its events."</p>
                <div class="actions">
                    <Button kind=ButtonKind::Primary href="/sign-up">"Sign up"</Button>
                    <Button href="/sign-in">"Sign in"</Button>
                    <a href="/docs/guides/curl">"How events are sent"</a>
                </div>
            </header>
            <section class="section">
                <header class="section-head"><h2>"A month and its budget"</h2><span class="soft">"example"</span></header>
                <Chart data=example() label="A month and its budget" tick=format::axis_money height=Height::Tall/>
            </section>
        </Plain>
    };
    Page::new("", body)
}

/// Dollars of the first days of a month that never was.
const SPENT: [i64; 23] = [
    740, 690, 910, 880, 860, 820, 460, 430, 900, 940, 890, 870, 850, 470, 440, 960, 1_010, 980, 950, 930, 510, 480, 990,
];
/// Dollars expected of each of the days to come, and by how much each widens the interval on either side.
const TO_COME: [(i64, i64); 7] = [(930, 160), (940, 150), (920, 150), (900, 140), (880, 140), (520, 90), (490, 90)];
/// Dollars of its budget.
const BUDGET: i64 = 26_000;

/// Spend to date, and where it will end.
fn example() -> ChartData {
    let mut sum = 0;
    let spent = SPENT.map(|day| {
        sum += day;
        Some(Decimal::from(sum))
    });
    // The forecast leaves from where today ends.
    let (mut expected, mut interval) = (vec![None; SPENT.len() - 1], vec![None; SPENT.len() - 1]);
    let mut spread = 0;
    for (day, wider) in [(0, 0)].into_iter().chain(TO_COME) {
        (sum, spread) = (sum + day, spread + wider);
        expected.push(Some(Decimal::from(sum)));
        interval.push(Some((Decimal::from(sum - spread), Decimal::from(sum + spread))));
    }
    let step = |day: usize| format!("Nov {day}");
    let steps = (1..=expected.len()).map(|day| Step { label: step(day), title: step(day), ..Step::default() });
    let budget = Decimal::from(BUDGET);
    let label = format!("Budget {}", format::money_rounded(budget));
    ChartData {
        steps: steps.collect(),
        lines: vec![
            chart::line(chart::SPENT, Stroke::Solid, spent.to_vec()),
            chart::line(chart::EXPECTED, Stroke::Dashed, expected),
        ],
        bands: vec![chart::band(interval)],
        thresholds: vec![Threshold { value: format::to_plot_value(budget), label, tone: Tone::Warn }],
        today: Some(SPENT.len()),
        ..ChartData::default()
    }
}

/// What is not there, or not for this reader.
#[must_use]
pub(crate) fn not_found() -> Page {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    Page::new(
        "Not found",
        view! {
            <Plain>
                <PageHead title="Not found" lead="There is nothing here, or it is not yours to see."/>
                <div class="actions"><Button kind=ButtonKind::Primary href="/">"Back to Overview"</Button></div>
            </Plain>
        },
    )
}
