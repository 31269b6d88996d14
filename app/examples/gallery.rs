//! Every component in all its states on one page, for whoever works on the style sheet.
//!
//! `cargo run -p app --example gallery -- FOLDER` writes `gallery.html`, `overview.html` and `sign-in.html`, which expect the compiled sheet beside them as `main.css`.

#![recursion_limit = "512"]

use std::path::PathBuf;

use app::format;
use app::layout::{Badges, Frame, Named, Plain};
use app::page::Address;
use app::ui::chart::*;
use app::ui::*;
use chrono::NaiveDate;
use domain::period::Calendar;
use leptos::prelude::*;

type Draw = fn() -> AnyView;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    for theme in ["light", "dark"] {
        let pages: [(&str, &str, Draw); 3] = [
            ("gallery", "/o/acme/settings", || view! { <Gallery/> }.into_any()),
            ("overview", "/o/acme?notice=saved", || view! { <Overview/> }.into_any()),
            ("sign-in", "/sign-in", || view! { <SignIn/> }.into_any()),
        ];
        for (name, url, draw) in pages {
            let html = render(url, draw);
            let page = format!(
                "<!DOCTYPE html><html lang=\"en\" data-theme=\"{theme}\"><head><meta charset=\"utf-8\"><title>{name}</title>\
                 <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
                 <link rel=\"stylesheet\" href=\"main.css\"></head><body>{html}</body></html>"
            );
            std::fs::write(folder.join(format!("{name}-{theme}.html")), page)?;
        }
    }
    Ok(())
}

fn render(url: &str, draw: Draw) -> String {
    let owner = Owner::new_root(Some(std::sync::Arc::new(hydration_context::SsrSharedContext::new_islands())));
    let html = owner.with(|| {
        provide_context(Address::of(&http::Uri::try_from(url).unwrap_or_default(), Vec::new()));
        draw().to_html()
    });
    owner.unset_with_forced_cleanup();
    html
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 23).unwrap_or_default()
}

#[component]
fn InFrame(children: Children) -> impl IntoView {
    let organization = Named::new("Acme", "acme");
    let organizations = vec![organization.clone(), Named::new("Borealis Research", "borealis")];
    let badges = Badges { events: 3, budgets: 1, alerts: 2 };
    let calendar = Calendar { today: today(), fiscal_year_start_month: 4 };
    view! {
        <Frame organization=organization organizations=organizations user="ada@acme.example" badges=badges calendar=calendar whole=true>
            {children()}
        </Frame>
    }
}

const NAMES: [&str; 5] = ["support-bot", "code-assistant", "search", "marketing-drafts", "transcripts"];

fn day_of(index: usize) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 1 + u32::try_from(index).unwrap_or(0)).unwrap_or_default()
}

fn amount(series: usize, index: usize) -> f64 {
    use chrono::Datelike;
    let base = [380.0, 195.0, 120.0, 85.0, 50.0][series];
    let weekend = day_of(index).weekday().num_days_from_monday() >= 5;
    let spike = if index == 17 && series == 3 { 240.0 } else { 0.0 };
    let wave = 1.0 + 0.12 * f64::sin(index as f64 * 1.7 + series as f64);
    base * wave * if weekend { 0.55 } else { 1.0 } + spike
}

fn dollars(value: f64) -> String {
    format!("${value:.2}")
}

fn spend_by_day() -> ChartData {
    use chrono::Datelike;
    let totals: Vec<f64> =
        (0..30).map(|index| if index < 23 { (0..5).map(|series| amount(series, index)).sum() } else { 0.0 }).collect();
    let expected: Vec<Option<f64>> =
        (0..30).map(|index| (index >= 23).then(|| (0..5).map(|series| amount(series, index)).sum())).collect();
    ChartData {
        steps: (0..30)
            .map(|index| Step {
                label: format::day(day_of(index)),
                title: format::weekday(day_of(index)),
                total: if index < 23 { dollars(totals[index]) } else { String::new() },
                href: Some(format!("/o/acme/explore?from={}", day_of(index))),
                mark: day_of(index).weekday().num_days_from_monday() == 0,
            })
            .collect(),
        series: NAMES
            .iter()
            .enumerate()
            .map(|(series, name)| {
                let values: Vec<f64> = (0..23).map(|index| amount(series, index)).collect();
                Series {
                    name: (*name).to_owned(),
                    hue: Hue::nth(series),
                    texts: values.iter().map(|value| dollars(*value)).collect(),
                    values,
                }
            })
            .collect(),
        lines: vec![
            Line {
                name: "October".to_owned(),
                stroke: Stroke::Thin,
                values: totals
                    .iter()
                    .enumerate()
                    .map(|(index, _)| Some((0..5).map(|series| amount(series, index) * 0.88).sum()))
                    .collect(),
                texts: vec!["$700.00".to_owned(); 30],
                ..Line::default()
            },
            Line {
                name: "expected".to_owned(),
                stroke: Stroke::Dashed,
                texts: expected.iter().map(|value| value.map(dollars).unwrap_or_default()).collect(),
                values: expected.clone(),
                ..Line::default()
            },
        ],
        bands: vec![Band {
            hue: Hue::First,
            name: "80 % band".to_owned(),
            values: expected.iter().map(|value| value.map(|value| (value * 0.86, value * 1.17))).collect(),
            texts: expected
                .iter()
                .map(|value| {
                    value
                        .map(|value| format!("{} – {}", dollars(value * 0.86), dollars(value * 1.17)))
                        .unwrap_or_default()
                })
                .collect(),
        }],
        annotations: vec![
            Annotation { step: 5, label: "launch of triage v2".to_owned() },
            Annotation { step: 17, label: "marketing-drafts: retry loop, +$410".to_owned() },
        ],
        today: Some(23),
        ..ChartData::default()
    }
}

#[component]
fn Overview() -> impl IntoView {
    let data = spend_by_day();
    let rows = NAMES
        .iter()
        .enumerate()
        .map(|(series, name)| {
            let values: Vec<f64> = (0..23).map(|index| amount(series, index)).collect();
            let change = [0.091, 0.224, -0.032, 0.41, -0.004][series];
            view! {
                <tr>
                    <th scope="row"><Swatch hue=Hue::nth(series)/><a href="#">{*name}</a></th>
                    <td class="num">{format!("{:.2}", values.iter().sum::<f64>())}</td>
                    <td class="num"><Change text=format::percent_signed(change) direction=Direction::of_cost(change)/></td>
                    <td class="num"><Spark values=values hue=Hue::nth(series) label="spend of the last 23 days"/></td>
                </tr>
            }
        })
        .collect_view();
    let models = [
        ("claude-sonnet-4-5", "anthropic", "6,902.77", "3.91", 0.14),
        ("gpt-4o", "openai", "5,420.18", "4.02", 0.063),
        ("gpt-4o-mini", "openai", "1,985.09", "0.21", -0.088),
    ]
    .into_iter()
    .map(|(model, provider, spend, rate, change)| {
        view! {
            <tr>
                <th scope="row">{model}<span class="note">{provider}</span></th>
                <td class="num">{spend}</td>
                <td class="num">{rate}</td>
                <td class="num"><Change text=format::percent_signed(change) direction=Direction::of_cost(change)/></td>
            </tr>
        }
    })
    .collect_view();
    let changed = [("Volume", "+1,410", 1410.0), ("Model mix", "+620", 620.0), ("Tokens per request", "+210", 210.0), ("Price", "−150", -150.0), ("Cache", "−60", -60.0)]
        .into_iter()
        .map(|(what, value, share)| view! {
            <tr><th scope="row">{what}</th><td class="num">{value}</td><td class="num"><SignedBar value=share low=-150.0 high=1410.0/></td></tr>
        })
        .collect_view();
    view! {
        <InFrame>
            <PageHead title="Overview" hidden=true/>
            <UrlNotice known=&[NoticeText { code: "saved", tone: Tone::Good, text: "The budget was saved." }]/>
            <div class="headline">
                <Figure caption="November so far" value="$18,402.17" title="$18,402.170331" large=true>
                    <Change text="12.4 %" direction=Direction::Worse arrow=true/>" against October 1 – 23 ($16,372.17)"
                </Figure>
                <Figure caption="Forecast (Nov 30)" value="$24,900">
                    "80 % interval $23,100 to $27,300 · forecast error 4.1 %"
                </Figure>
                <div class="figure">
                    <p class="figure-caption">"Budget $25,000"</p>
                    <Meter share=0.74 expected=0.996 marks=vec![1.0] label="74 % of $25,000 used"/>
                    <p class="figure-below">"74 % used on day 23 of 30 · "<strong class="warn">"48 % chance of overrun"</strong></p>
                </div>
            </div>
            <Columns wide_first=true>
                <Section title="Spend by day" note="by project · UTC+5:30">
                    <Chart data=data label="Spend by day" tick=format::axis_money/>
                </Section>
                <Section title="What changed" note="+$2,030.00">
                    <Table caption="What changed" columns=vec![Column::text("Cause").hidden(), Column::number("Dollars").hidden(), Column::number("Share").hidden()]>
                        {changed}
                    </Table>
                    <p class="soft small">"Most of it: "<a href="#">"support-bot on claude-sonnet-4-5"</a>", 38 % more requests since the November 6 launch."</p>
                </Section>
            </Columns>
            <Columns>
                <Section title="By project" more=("#".to_owned(), "Explore".to_owned())>
                    <Table caption="By project" columns=vec![Column::text("Project"), Column::number("Spend, $"), Column::number("Change"), Column::number("23 days")]>{rows}</Table>
                </Section>
                <Section title="By model" more=("#".to_owned(), "Explore".to_owned())>
                    <Table caption="By model" columns=vec![Column::text("Model"), Column::number("Spend, $"), Column::number("$ / 1M tokens"), Column::number("Change")]>{models}</Table>
                </Section>
            </Columns>
            <StatRow>
                <Stat value="99.7 %" after="of usage priced"/>
                <Stat value="41" after="unpriced events" href="#"/>
                <Stat value="2" after="open alerts" href="#"/>
                <Stat before="now" value="$31.20" after="an hour"/>
                <Stat before="newest event" value="4 s" after="ago"/>
            </StatRow>
        </InFrame>
    }
}

#[component]
fn SignIn() -> impl IntoView {
    let errors = vec![("email".to_owned(), "E-mail address or password is not right.".to_owned())];
    view! {
        <Plain>
            <PageHead title="Sign in" lead="See what your language models cost."/>
            <form class="form" method="post">
                <FormErrors errors=errors/>
                <Field label="E-mail" name="email" kind="email" autocomplete="email" error=Some("Write it like ada@example.com.".to_owned())/>
                <Field label="Password" name="password" kind="password" autocomplete="current-password" hint="At least 12 characters."/>
                <Button kind=ButtonKind::Primary>"Sign in"</Button>
            </form>
            <p class="soft">"No account yet? "<a href="/sign-up">"Sign up"</a></p>
        </Plain>
    }
}

#[component]
fn Gallery() -> impl IntoView {
    let total = view! { <tr><th scope="row">"Total"</th><td></td><td></td><td class="num">"$0.014445000000"</td><td></td></tr> };
    let total = total.into_any();
    view! {
        <InFrame>
            <div>
                <Breadcrumb crumbs=vec![Crumb::link("Budgets", "#"), Crumb::here("Production assistant")]/>
                <PageHead title="Every component" lead="In all its states.">
                    <Button kind=ButtonKind::Secondary href="#">"Export CSV"</Button>
                    <Button kind=ButtonKind::Primary href="#">"New budget"</Button>
                </PageHead>
            </div>
            <Tabs label="Events" tabs=vec![Tab::new("All", "#", true), Tab::new("Rejected", "#", false).count("3"), Tab::new("Unpriced", "#", false).count("41")]/>
            <Section title="Buttons">
                <div class="row">
                    <Button kind=ButtonKind::Primary>"Save"</Button>
                    <Button>"Cancel"</Button>
                    <Button kind=ButtonKind::Danger>"Delete"</Button>
                    <Button kind=ButtonKind::Link>"Not now"</Button>
                    <Button disabled=true>"Waiting"</Button>
                    <Button small=true><Icon sign=Sign::Download/>"CSV"</Button>
                    <Menu label="Acme"><MenuItem href="#" current=true>"Acme"</MenuItem><MenuItem href="#" note="viewer">"Borealis"</MenuItem></Menu>
                    <Dialog id="delete" href="#" open="Delete budget" title="Delete this budget?" danger=true><p>"Its alerts stay."</p></Dialog>
                    <Kbd>"Ctrl K"</Kbd>
                </div>
            </Section>
            <Section title="States">
                <div class="row">
                    <Badge>"archived"</Badge><Badge tone=Tone::Accent>"new"</Badge><Badge tone=Tone::Good>"on track"</Badge><Badge tone=Tone::Warn>"warning"</Badge><Badge tone=Tone::Bad>"over"</Badge>
                    <StatusDot tone=Tone::Good>"delivered"</StatusDot><StatusDot tone=Tone::Bad>"refused"</StatusDot><StatusDot>"waiting"</StatusDot>
                </div>
                <div class="stack">
                    <Notice tone=Tone::Good>"The budget was saved."</Notice>
                    <Notice tone=Tone::Warn>"41 events wait for a price. "<a href="#">"Show them"</a></Notice>
                    <Notice tone=Tone::Bad>"The mail server refused the mail."</Notice>
                    <Notice tone=Tone::Accent>"This organization holds sample data."</Notice>
                </div>
            </Section>
            <Columns>
                <Section title="Form">
                    <form class="form">
                        <Field label="Name" name="name" value="Production assistant"/>
                        <Field label="Amount, $" name="amount" inputmode="decimal" error=Some("Write an amount such as 12000.".to_owned()) value="a lot"/>
                        <Field label="Expires" name="expires" kind="date" optional=true hint="Empty: never."/>
                        <Select label="Scope" name="scope" choices=vec![Choice::new("org", "Organization"), Choice::new("p1", "support-bot").group("Projects"), Choice::new("p2", "search").group("Projects")] value="p2"/>
                        <TextArea label="Recipients" name="recipients" hint="One address per line." value="ada@acme.example"/>
                        <Radios label="Role" name="role" value="viewer" choices=vec![Choice::new("admin", "Admin").hint("Everything but owners."), Choice::new("viewer", "Viewer").hint("Reads everything, changes nothing.")]/>
                        <Checkbox label="Mail me when it is crossed" name="mail" checked=true hint="Once per threshold and month."/>
                        <div class="actions"><Button kind=ButtonKind::Primary>"Save budget"</Button><Button kind=ButtonKind::Link href="#">"Cancel"</Button></div>
                    </form>
                    <form class="toolbar" method="get">
                        <Select label="Measure" name="measure" inline=true choices=vec![Choice::new("spend", "Spend")]/>
                        <Select label="by" name="by" inline=true choices=vec![Choice::new("project", "Project")]/>
                        <Button>"Show"</Button>
                    </form>
                </Section>
                <Section title="Where the content would be">
                    <EmptyState title="No budgets yet" text="A budget mails you before the money is gone."><Button kind=ButtonKind::Primary href="#">"New budget"</Button></EmptyState>
                    <ErrorState title="The events could not be read" text="Try again in a moment." id="01J9ZK"/>
                    <NoPermission what="change budgets" who="an owner or admin"/>
                </Section>
            </Columns>
            <Section title="Receipt">
                <Table caption="Receipt" foot=total
                    columns=vec![Column::text("Meter"), Column::number("Quantity").sort("#", Some(Sort::Descending)), Column::number("Rate, $ / 1M"), Column::number("Amount, $").sort("#", None), Column::text("Price")]>
                    <tr><th scope="row">"Input, uncached"</th><td class="num">"812"</td><td class="num">"3.00"</td><td class="num">"0.002436000000"</td><td>"since Sep 29, 2025"</td></tr>
                    <tr><th scope="row">"Output"</th><td class="num">"391"</td><td class="num">"15.00"</td><td class="num">"0.005865000000"</td><td>"since Sep 29, 2025"</td></tr>
                </Table>
                <Pager previous=None next=Some("#".to_owned()) shown="2 of 1,204 events"/>
            </Section>
            <Columns three=true>
                <Section title="Areas">
                    <Chart data=ChartData { stack: Stack::Areas, today: None, annotations: vec![], lines: vec![], bands: vec![], steps: spend_by_day().steps.into_iter().take(23).collect(), ..spend_by_day() } label="Areas" tick=format::axis_money height=Height::Low/>
                </Section>
                <Section title="Line, threshold">
                    <Chart data=lines() label="Used of the budget" tick=format::axis_money height=Height::Low/>
                </Section>
                <Section title="Nothing">
                    <Chart data=ChartData::default() label="Nothing" tick=format::axis_money height=Height::Low/>
                </Section>
            </Columns>
            <Columns>
                <Section title="Facts">
                    <Facts>
                        <div><dt>"Provider"</dt><dd>"anthropic"</dd></div>
                        <div><dt>"Model"</dt><dd>"claude-sonnet-4-5-20250929"</dd></div>
                        <div><dt>"Time"</dt><dd>"Nov 20, 09:41:07"</dd></div>
                    </Facts>
                </Section>
                <Section title="Code">
                    <CodeBlock what="curl command" code="curl http://127.0.0.1:3000/v1/events \\\n  -H \"Authorization: Bearer tally_live_…\" \\\n  -d '{\"provider\":\"openai\",\"model\":\"gpt-4o\",\"usage\":{\"prompt_tokens\":812,\"completion_tokens\":391}}'"/>
                </Section>
            </Columns>
            <Section title="Meters">
                <div class="stack">
                    <Meter share=0.42 label="42 % used"/>
                    <Meter share=0.88 expected=1.0 marks=vec![0.5, 0.8] tone=BarTone::Warn label="88 % used"/>
                    <Meter share=1.3 tone=BarTone::Bad small=true label="130 % used"/>
                </div>
            </Section>
        </InFrame>
    }
}

fn lines() -> ChartData {
    let mut sum = 0.0;
    let values: Vec<Option<f64>> = (0..30)
        .map(|index| {
            sum += (0..5).map(|series| amount(series, index)).sum::<f64>();
            (index < 23).then_some(sum)
        })
        .collect();
    ChartData {
        steps: spend_by_day().steps,
        lines: vec![Line {
            name: "used".to_owned(),
            texts: values.iter().map(|value| value.map(dollars).unwrap_or_default()).collect(),
            values,
            ..Line::default()
        }],
        thresholds: vec![
            Threshold { value: 20_000.0, label: "80 %  $20,000".to_owned(), tone: Tone::Warn },
            Threshold { value: 25_000.0, label: "100 %  $25,000".to_owned(), tone: Tone::Bad },
        ],
        today: Some(23),
        ..ChartData::default()
    }
}
