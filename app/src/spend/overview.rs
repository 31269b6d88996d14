//! Overview: are we all right, and if not, why? Of the organization, a team or a project.

use super::labels::{ChangeCell, SpendCell, bucket_label, cause_of};
use super::{attention, chart, links};
use crate::allocation;
use crate::annotations::Marks;
use crate::budgets::bar;
use crate::error::{AppError, Failure};
use crate::forecast::labels;
use crate::format;
use crate::layout::{NavItem, PeriodSelection, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::statements::ready_figure;
use crate::ui::chart::{Chart, ChartData, Height, Spark, Swatch};
use crate::ui::{
    Change, Column, Columns, Direction, EmptyState, Figure, Meter, PageHead, Section, SignedBar, Stacked, Stat,
    StatRow, Table, columns, html,
};
use crate::views;
use backend::forecast::ForecastInputs;
use backend::{Backend, OrgScope};
use chrono::Datelike;
use domain::allocation::Allocated;
use domain::budget::{BudgetState, SpendScope};
use domain::forecast::{Forecast, MonthEndForecast};
use domain::period::Period;
use domain::spend::{
    Anomaly, Attention, Changes, Dimension, Filter, ModelPart, MonthOutlook, Overview, ProjectPart, Sums, TeamPart,
};
use domain::statement::{Readiness, month_text};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// Rows of each table; the rest is in Explore.
const ROWS: usize = 8;

/// The organization's Overview.
pub(crate) async fn overview(visit: Visit) -> Drawn {
    let part = SpendScope::Organization;
    let (spend, views) = futures::join!(panel(&visit, part, None), Box::pin(views::board(&visit, part, None)));
    Ok(Page::new("Overview", view! { <PageHead title="Overview" hidden=true/>{spend}{views} }))
}

/// Spend of a part of the organization in the days that the address chooses; `within` is the part as a filter, for links to Explore.
pub(crate) async fn panel(visit: &Visit, part: SpendScope, within: Option<(Dimension, &str)>) -> AnyView {
    // A page's largest question: on the heap, because it is asked from deep below.
    match Box::pin(live(visit, View::read(visit, part, within))).await {
        Ok((view, address)) => {
            html! { <div class="part" id="spend" data-live-on=address>{view.draw()}</div> }
        }
        Err(error) => html! { <Failure what="spend" error=error/> },
    }
}

/// What the figure is, where plans include usage: list value stands beside spend and is never added to it.
pub(crate) fn included(org: &str, query: &UrlQuery, value: Decimal) -> Option<AnyView> {
    let (href, title) = (links::explore_included(org, query), format::money_full(value));
    let text = format!("{} list value", format::money(value));
    (!value.is_zero()).then(
        || html! { <p>"Billed spend. "<a href=href title=title>{text}</a>" is included in plans and not billed."</p> },
    )
}

/// What needs attention in the organization; of a team or project only the unusual days, for its chart.
async fn attention_of(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    ahead: &ForecastInputs,
) -> Result<Vec<Attention>, backend::Error> {
    match part {
        SpendScope::Organization => Box::pin(backend::spend::attention(backend, scope, ahead)).await,
        SpendScope::Team(_) | SpendScope::Project(_) => {
            let found = backend::spend::anomalies(backend, scope).await?;
            Ok(found.into_iter().map(Attention::Unusual).collect())
        }
    }
}

/// What is read, with the address that says when it moved since.
pub(crate) async fn live<T>(
    visit: &Visit,
    read: impl Future<Output = Result<T, AppError>>,
) -> Result<(T, String), AppError> {
    let seen = backend::spend::version(&visit.backend, &visit.scope).await?;
    Ok((read.await?, format!("/o/{}/changes?seen={seen}", visit.org())))
}

/// Everything that the parts of the page need.
struct View {
    org: String,
    query: UrlQuery,
    part: SpendScope,
    overview: Overview,
    outlook: Option<MonthOutlook>,
    /// What to look at; of a team or project only its unusual days, and nothing under filters.
    attention: Vec<Attention>,
    /// Who answers for the present month, where rules say so.
    allocated: Option<Allocated>,
    /// How much of the present month can be charged back, for those who see the whole organization.
    ready: Option<Readiness>,
    /// What happened in the days of the chart.
    marks: Marks,
}

impl View {
    /// For the whole of the present month so far also where it is going.
    async fn read(visit: &Visit, part: SpendScope, within: Option<(Dimension, &str)>) -> Result<Self, AppError> {
        let (backend, scope, today) = (&visit.backend, &visit.scope, visit.frame.today);
        let query = visit.query.sticky();
        let mut filters = Filter::from_pairs(&query.pairs())?;
        // A product line is no part of the organization that budgets and forecasts know: it is a filter.
        if let (SpendScope::Organization, Some((dimension, slug))) = (part, &within) {
            filters.push(Filter::only(dimension.clone(), vec![(*slug).to_owned()]));
        }
        let chosen = PeriodSelection::from_query(&query, visit.frame.calendar());
        let (period, compare) = (chosen.period, chosen.compare());
        let is_whole = filters.is_empty() && period == Period::month_to_date(today);
        let overview = Box::pin(backend::spend::overview(backend, scope, part, period, compare, &filters));
        let beside = async {
            if !filters.is_empty() {
                return Ok((None, Vec::new(), (None, None)));
            }
            let ahead = backend::forecast::forecast_inputs(backend, scope).await?;
            let outlook = async {
                let outlook = backend::spend::outlook(backend, scope, part, &ahead);
                if is_whole { outlook.await.map(Some) } else { Ok(None) }
            };
            let finance = async {
                if !is_whole || part != SpendScope::Organization {
                    return Ok((None, None));
                }
                let month = Period::month_of(today);
                let allocated = backend::allocation::allocated_by_rules(backend, scope, month);
                let ready = backend::statements::readiness(backend, scope, month);
                futures::try_join!(allocated, Box::pin(ready))
            };
            futures::try_join!(outlook, attention_of(backend, scope, part, &ahead), finance)
        };
        let drawn = if period == Period::month_to_date(today) { Period::month_of(today) } else { period };
        let marks = Marks::read(visit, part, drawn);
        let (overview, (outlook, attention, (allocated, ready)), marks) = futures::try_join!(overview, beside, marks)?;
        let query = match within {
            Some((dimension, slug)) => links::with_value(&query, &dimension, Some(slug), false),
            None => query,
        };
        Ok(Self { org: visit.org().to_owned(), query, part, overview, outlook, attention, allocated, ready, marks })
    }

    fn draw(&self) -> AnyView {
        let overview = &self.overview;
        if overview.newest_event_at.is_none() && overview.total.is_empty() {
            return self.nothing_yet();
        }
        let is_shown = |anomaly: &&Anomaly| overview.projects.iter().any(|project| project.slug == anomaly.project);
        let unusual = self.attention.iter().filter_map(Attention::unusual).filter(is_shown);
        let mut data = chart::of_overview(overview, &unusual.collect::<Vec<_>>(), &self.org, &self.query);
        if let Some(month) = self.month() {
            chart::add_estimates(&mut data, overview, month);
            chart::add_expected(&mut data, overview, month);
        }
        if let Some(budget) = self.outlook.as_ref().and_then(|outlook| outlook.budget.as_ref()) {
            chart::add_budget(&mut data, overview, budget);
        }
        let data = self.marks.on_days(data, overview.steps.iter().map(|step| step.start));
        let list = self.marks.list();
        let (projects, models) = (self.projects(&data), self.models());
        let tables = match self.part {
            SpendScope::Project(_) => models,
            _ => {
                let teams = self.teams();
                html! { <Columns><Stacked>{projects}{teams}</Stacked>{models}</Columns> }
            }
        };
        let step = bucket_label(overview.bucket);
        let offset = format::offset(*overview.now.offset());
        let note = match self.part {
            SpendScope::Project(_) => offset,
            _ => format!("by project · {offset}"),
        };
        let title = format!("Spend by {}", step.to_lowercase());
        let (figures, changes, state) = (self.figures(), self.changes(), self.state());
        let attention = match self.part {
            SpendScope::Organization => attention::section(&self.attention, &self.org, overview.today()),
            SpendScope::Team(_) | SpendScope::Project(_) => None,
        };
        html! {
            {attention}
            <div class="headline">{figures}</div>
            <Columns wide_first=true>
                <Section title=title.clone() note=note>
                    <Chart data=data label=title tick=format::axis_money head=step height=Height::Tall/>
                    {list}
                </Section>
                {changes}
            </Columns>
            {tables}
            {state}
        }
    }

    fn nothing_yet(&self) -> AnyView {
        let text = "Spend appears here as soon as the first event arrives.";
        let keys = format!("/o/{}/settings/keys", self.org);
        html! {
            <EmptyState title="No usage yet" text=text>
                <a class="button button-primary" href=keys>"API keys"</a>
            </EmptyState>
        }
    }

    fn figures(&self) -> AnyView {
        let overview = &self.overview;
        let today = overview.today();
        let range = || format::range(overview.period, today);
        let caption = if overview.is_month_to_date() { "Month to date".to_owned() } else { range() };
        let total = overview.total.spend;
        let (charged, against, unpriced) = (self.charged(), self.against(), self.not_in_it());
        let close = format!("{}/{}", NavItem::Statements.path(&self.org), month_text(today));
        let ready = self.ready.as_ref().map(|ready| ready_figure(ready, Some(close)));
        let included = included(&self.org, &self.query, overview.included);
        let others = match &self.outlook {
            Some(outlook) => self.ahead(outlook),
            None => self.usage(),
        };
        html! {
            <Figure large=true caption=caption value=format::money(total) title=overview.provenance().text()>{charged}{against}{unpriced}{included}</Figure>
            {others}
            {ready}
        }
    }

    /// Charges stand beside usage, each under its own name: "usage + $2,000.00 charges".
    fn charged(&self) -> Option<AnyView> {
        let charged = self.overview.charged.filter(|charged| !charged.is_zero())?;
        let (href, title) = (self.query.sticky().at(&NavItem::Charges.path(&self.org)), format::money_full(charged));
        let text = format!("{} charges", format::money(charged));
        Some(html! { <p>"usage + "<a href=href title=title>{text}</a></p> })
    }

    /// What the first figure leaves out.
    fn not_in_it(&self) -> Option<AnyView> {
        let unpriced = self.overview.total.unpriced_requests;
        let text = format!("{} without a price not in it", format::counted(unpriced, "request"));
        (unpriced > 0).then(|| html! { <p class="warn">{text}</p> })
    }

    fn month(&self) -> Option<&MonthEndForecast> {
        self.outlook.as_ref()?.forecast.month_end()
    }

    /// How much was used, for spans that are over and for filtered figures.
    fn usage(&self) -> AnyView {
        let requests = self.requests();
        let (now, before) = (&self.overview.total, self.overview.before.as_ref());
        let now = now.per_request();
        let change = now.and_then(|now| figure_change(now, before?.per_request(), true));
        let value = now.map_or_else(|| format::NONE.to_owned(), format::money);
        let title = now.map(format::money_full).unwrap_or_default();
        html! { {requests}<Figure caption="Cost per request" value=value title=title>{change}</Figure> }
    }

    fn requests(&self) -> AnyView {
        let requests = self.overview.total.requests;
        let before = self.overview.before.as_ref().map(|sums| sums.requests.into());
        let change = figure_change(requests.into(), before, false);
        html! {
            <Figure caption="Requests" value=format::count_compact(requests) title=format::count(requests)>{change}</Figure>
        }
    }

    /// Where the month will end, and what may be spent.
    fn ahead(&self, outlook: &MonthOutlook) -> AnyView {
        let end = format::day(Period::month_of(self.overview.today()).last_day());
        let caption = format!("Forecast ({end})");
        let expected = match &outlook.forecast {
            Forecast::MonthEnd(month) => {
                let band = labels::band(month.low80, month.high80);
                let past =
                    month.past.map(|past| format!(" · forecast error\u{a0}{}", format::percent(past.percent / 100.0)));
                let text = format!("{band}, 80\u{a0}% interval{}", past.unwrap_or_default());
                let (value, estimate) = (format::money(month.expected), labels::estimate(month.estimate));
                html! { <Figure caption=caption value=value title=format::money_full(month.expected)>{text}{estimate}</Figure> }
            }
            Forecast::TooLittle(too_little) => {
                let reason = too_little.reason();
                html! { <Figure caption=caption value=format::NONE>{reason}</Figure> }
            }
        };
        let budget = match &outlook.budget {
            Some(state) => self.budget(state),
            None => self.requests(),
        };
        html! { {expected}{budget} }
    }

    fn budget(&self, state: &BudgetState) -> AnyView {
        let (usage, today) = (&state.usage, self.overview.today());
        let month = Period::month_of(today);
        let amount = format::money_rounded(usage.amount);
        let href = format!("{}/{}", NavItem::Budgets.path(&self.org), state.budget.budget_id);
        let share = |part: Decimal| format::ratio(part, usage.amount).unwrap_or(0.0);
        let used = format!("{} used on day {} of {}", usage.percent_text(), today.day(), month.days());
        let likely = state.expected.filter(|_| usage.used <= usage.amount).map(|expected| {
            let text = format!("{} chance of overrun", labels::chance(expected.chance_over));
            view! { " · "<span class=likely_class(expected.chance_over)>{text}</span> }
        });
        let over = (usage.used > usage.amount).then(|| {
            let text = format!("{} over", format::money(usage.used - usage.amount));
            view! { " · "<span class="bad strong">{text}</span> }
        });
        let (estimated, tone) = (labels::estimate(usage.estimate), bar(state.status));
        let expected = state.expected.map_or(0.0, |expected| share(expected.point));
        let label = format!("{} of {amount} used", usage.percent_text());
        html! {
            <div class="figure overview-budget">
                <p class="figure-caption"><a href=href>{format!("Budget {amount}")}</a>" "{state.budget.name.clone()}</p>
                <Meter share=share(usage.used) expected=expected label=label tone=tone/>
                <p class="figure-below">{used}{likely}{over}{estimated}</p>
            </div>
        }
    }

    /// The first figure's change in words: "▲ 12.4 % vs October 1 – 23 ($16,372.17)".
    fn against(&self) -> Option<AnyView> {
        let before = self.overview.before.as_ref()?.spend;
        let span = format::range(self.overview.previous?, self.overview.today());
        if before.is_zero() {
            return Some(html! { {format!("nothing was spent in {span}")} });
        }
        let change = format::change(self.overview.total.spend, before);
        let direction = Direction::of_cost(change.sign);
        let rest = format!(" vs {span} ({})", format::money(before));
        Some(html! { <Change text=change.text direction=direction arrow=true title=change.difference/>{rest} })
    }

    /// A table of the parts with the most spend; the rest is in Explore.
    fn table<T>(&self, by: &Dimension, columns: [Column; 3], parts: Vec<T>, row: impl Fn(T) -> AnyView) -> AnyView {
        if parts.is_empty() {
            return ().into_any();
        }
        let more = u64::try_from(parts.len().saturating_sub(ROWS)).unwrap_or_default();
        let rows = parts.into_iter().take(ROWS).map(row).collect_view();
        let columns = [Column::text(by.label())].into_iter().chain(columns).collect();
        let explore = links::explore_by(&self.org, &self.query, by);
        let (title, caption) = (format!("By {}", by.name()), format!("Spend by {}", by.name()));
        let all = (more > 0).then(|| {
            let href = explore.clone();
            view! { <p class="soft small"><a href=href>{format!("{} more", format::count(more))}</a></p> }
        });
        html! {
            <Section title=title more=(explore, "Explore".to_owned())>
                <Table caption=caption columns=columns>{rows}</Table>
                {all}
            </Section>
        }
    }

    fn projects(&self, data: &ChartData) -> AnyView {
        let days = format::counted(self.overview.period.days(), "day");
        let columns = [Column::number("Spend, $"), Column::number("Change"), Column::number(days)];
        let shown = |(_, part): &(_, &ProjectPart)| is_worth_showing(&part.sums, part.before.as_ref());
        let parts = self.overview.projects.iter().enumerate().filter(shown).collect();
        self.table(&Dimension::Project, columns, parts, |(place, part)| self.project_row(place, part, data))
    }

    fn project_row(&self, place: usize, part: &ProjectPart, data: &ChartData) -> AnyView {
        let today = self.overview.today();
        let steps = self.overview.steps.iter().take_while(|step| step.start <= today);
        let values: Vec<_> = steps.map(|step| format::to_plot_value(step.by_project[place])).collect();
        let hue = chart::hue(data, &part.slug);
        let href = self.query.sticky().without(&["project"]).at(&format!("/o/{}/projects/{}", self.org, part.slug));
        let label = format!("Spend of {} over time", part.slug);
        let before = part.before.as_ref().map(|sums| sums.spend);
        html! {
            <tr>
                <th scope="row"><Swatch hue=hue/><a href=href title=part.name.clone()>{part.slug.clone()}</a></th>
                <SpendCell sums=part.sums.clone()/>
                <ChangeCell now=part.sums.spend before=before/>
                <td class="num"><Spark values=values hue=hue label=label/></td>
            </tr>
        }
    }

    /// Who pays; nothing where there is only one team.
    fn teams(&self) -> Option<AnyView> {
        let shown = |part: &&TeamPart| is_worth_showing(&part.sums, part.before.as_ref());
        let parts: Vec<_> = self.overview.teams.iter().filter(shown).collect();
        let columns = [Column::number("Spend, $"), Column::number("Change"), Column::number("Share")];
        (parts.len() > 1).then(|| self.table(&Dimension::Team, columns, parts, |part| self.team_row(part)))
    }

    fn team_row(&self, part: &TeamPart) -> AnyView {
        let share = format::ratio(part.sums.spend, self.overview.total.spend);
        let before = part.before.as_ref().map(|sums| sums.spend);
        let name = match &part.slug {
            Some(slug) => {
                let href = self.query.sticky().without(&["team"]).at(&format!("/o/{}/teams/{slug}", self.org));
                html! { <a href=href>{part.name.clone()}</a> }
            }
            None => html! { <span class="soft">{part.name.clone()}</span> },
        };
        html! {
            <tr>
                <th scope="row">{name}</th>
                <SpendCell sums=part.sums.clone()/>
                <ChangeCell now=part.sums.spend before=before/>
                <td class="num">{share.map_or_else(|| format::NONE.to_owned(), format::percent)}</td>
            </tr>
        }
    }

    fn models(&self) -> AnyView {
        let shown = |part: &&ModelPart| is_worth_showing(&part.sums, part.before.as_ref());
        let parts = self.overview.models.iter().filter(shown).collect();
        let columns = [Column::number("Spend, $"), Column::number("$ / 1M tokens"), Column::number("Change")];
        self.table(&Dimension::Model, columns, parts, |part| self.model_row(part))
    }

    fn model_row(&self, part: &ModelPart) -> AnyView {
        let rate = part.sums.per_million_tokens();
        let href = links::with_value(&self.query, &Dimension::Model, Some(&part.model), false);
        let href = links::explore_by(&self.org, &href, &Dimension::Project);
        let before = part.before.as_ref().map(|sums| sums.spend);
        html! {
            <tr>
                <th scope="row"><a href=href>{part.model.clone()}</a><span class="note">{part.provider.clone()}</span></th>
                <SpendCell sums=part.sums.clone()/>
                <td class="num" title=rate.map(format::money_full)>{rate.map_or_else(|| format::NONE.to_owned(), format::money_plain)}</td>
                <ChangeCell now=part.sums.spend before=before/>
            </tr>
        }
    }

    fn changes(&self) -> AnyView {
        let none = |text| html! { <Section title="What changed"><p class="soft">{text}</p></Section> };
        let Some(changes) = &self.overview.changes else { return none("Switch the comparison on to see it.") };
        if self.overview.before.as_ref().is_none_or(Sums::is_empty) {
            return none("There was no usage in the days compared with.");
        }
        let note = format::money_signed(changes.difference);
        let (causes, movers) = (causes(changes), self.movers(changes));
        html! { <Section title="What changed" note=note>{causes}{movers}</Section> }
    }

    fn movers(&self, changes: &Changes) -> AnyView {
        let rows = changes
            .movers
            .iter()
            .map(|mover| {
                let query = links::with_value(&self.query, &Dimension::Project, Some(&mover.project), false);
                let query = links::with_value(&query, &Dimension::Model, Some(&mover.model), false);
                let href = links::explore_by(&self.org, &query, &Dimension::Model);
                let difference = mover.difference();
                let sign = format::to_plot_value(difference);
                let name = match self.part {
                    SpendScope::Project(_) => mover.model.clone(),
                    _ => format!("{} · {}", mover.project, mover.model),
                };
                view! {
                    <li>
                        <span>
                            <a href=href>{name}</a>
                            {cause_of(mover).map(|cause| view! { <span class="note">{cause}</span> })}
                        </span>
                        <Change text=format::money_signed(difference) direction=Direction::of_cost(sign)/>
                    </li>
                }
            })
            .collect_view();
        html! { <h3 class="movers-head">"Top drivers"</h3><ul class="movers">{rows}</ul> }
    }

    /// The last line: can the figures be trusted, and what is happening now.
    fn state(&self) -> AnyView {
        let overview = &self.overview;
        let total = &overview.total;
        let unpriced = total.unpriced_requests;
        let priced = format::ratio(Decimal::from(total.requests - unpriced), total.requests.into());
        let queue = format!("{}/unpriced", NavItem::Events.path(&self.org));
        let newest = overview.newest_event_at.map(|at| {
            let age = format::span((overview.now - at).num_seconds());
            view! { <Stat before="newest event" value=age after="ago" title=format::time_exact(at)/> }
        });
        let unpriced = (unpriced > 0).then(|| {
            let after = if unpriced == 1 { "unpriced event" } else { "unpriced events" };
            view! { <Stat value=format::count(unpriced) after=after href=self.query.sticky().at(&queue)/> }
        });
        let priced = priced.map(|share| view! { <Stat value=format::percent(share) after="of usage priced"/> });
        let unread = overview.unread_requests.filter(|unread| *unread > 0).and_then(|unread| {
            let read = format::ratio(Decimal::from(total.requests - unread), total.requests.into())?;
            let title = format!("{} with numbers that no rule reads", format::counted(unread, "request"));
            let href = self.query.sticky().at(&NavItem::Events.path(&self.org));
            Some(view! { <Stat value=format::percent(read) after="of usage read" title=title href=href/> })
        });
        let alerts = self.alerts();
        let allocated = self.allocated.as_ref().and_then(|allocated| allocation::stat(&self.org, allocated));
        let now = overview.last_hour.map(|spend| {
            let title = "Spend of the last four whole quarters of an hour";
            view! { <Stat before="current burn rate" value=format!("{}/h", format::money(spend)) title=title/> }
        });
        html! { <div class="overview-state"><StatRow>{priced}{unpriced}{unread}{allocated}{alerts}{now}{newest}</StatRow></div> }
    }

    /// The organization's ledger, where somebody should look into it; a team's or project's page leaves it out.
    fn alerts(&self) -> Option<AnyView> {
        let open = self.outlook.as_ref().filter(|_| self.part == SpendScope::Organization)?.open_alerts;
        let after = if open == 1 { "open alert" } else { "open alerts" };
        let href = UrlQuery::new().with("state", "open").at(&NavItem::Alerts.path(&self.org));
        (open > 0).then(|| html! { <Stat value=format::count(open) after=after href=href/> })
    }
}

/// Whether anything was used, or cost anything in the span before.
fn is_worth_showing(now: &Sums, before: Option<&Sums>) -> bool {
    !now.is_empty() || before.is_some_and(|sums| !sums.spend.is_zero())
}

fn causes(changes: &Changes) -> AnyView {
    let amounts = || changes.causes.iter().map(|(_, amount)| format::to_plot_value(*amount));
    let low = amounts().fold(0.0, f64::min);
    let high = amounts().fold(0.0, f64::max);
    let rows = changes
        .causes
        .iter()
        .map(|(cause, amount)| {
            view! {
                <tr>
                    <th scope="row" title=cause.description()>{cause.label()}</th>
                    <td class="num" title=format::money_full(*amount)>{format::money_signed(*amount)}</td>
                    <td class="num"><SignedBar value=format::to_plot_value(*amount) low=low high=high/></td>
                </tr>
            }
        })
        .collect_view();
    let columns = columns("Cause | Change, $ # | Drawn ~");
    html! { <div class="causes"><Table caption="What changed" columns=columns>{rows}</Table></div> }
}

fn figure_change(now: Decimal, before: Option<Decimal>, is_cost: bool) -> Option<AnyView> {
    let change = format::change(now, before.filter(|before| !before.is_zero())?);
    let direction = if is_cost { Direction::of_cost(change.sign) } else { Direction::Flat };
    Some(html! { <Change text=change.text direction=direction/>" vs previous period" })
}

fn likely_class(chance: f64) -> &'static str {
    if chance >= 0.25 { "warn strong" } else { "" }
}
