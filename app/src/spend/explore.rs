//! Explore: one question about spend, kept in the address.

use super::labels::{ChangeCell, MISSING, SpendCell, bucket_label, group_label, measured_or_none, tick, value_label};
use super::{CHOOSE, chart, links};
use crate::allocation::explained_path;
use crate::annotations::Marks;
use crate::error::{AppError, Failure};
use crate::form::hidden;
use crate::format;
use crate::layout::{CsvLink, NavItem, PeriodSelection, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::chart::{Chart, Height, Hue, Swatch, Treemap};
use crate::ui::{
    Button, Choice, CodeBlock, Column, EmptyState, PageHead, Section, Select, Sort, Stat, StatRow, Table, html,
};
use crate::views::Views;
use domain::budget::SpendScope;
use domain::business_metric::MetricEntry;
use domain::period::Period;
use domain::problem::Problem;
use domain::project::Slug;
use domain::spend::{
    ChartKind, Dimension, Explore, ExploreQuery, Group, KnownDimension, MAX_GROUPS, Measure, Measured, Provenance,
    SpendRange, Sums, TOPS,
};
use domain::statement::month_text;
use leptos::prelude::*;
use std::cmp::Reverse;

/// One question about spend.
pub(crate) async fn explore(visit: Visit) -> Drawn {
    let (backend, scope, query) = (&visit.backend, &visit.scope, &visit.query);
    let views = Views::read(&visit).await?;
    if let Some(address) = views.leads_to(&visit) {
        leptos_axum::redirect(&address);
        return Ok(Page::new("Explore", ()));
    }
    let now = visit.frame.offsets.local(backend.clock.now());
    let (range, previous) = PeriodSelection::from_query(query, visit.frame.calendar()).ranges(now);
    let asked = ExploreQuery::from_pairs(&query.pairs(), range, previous)?;
    let (known, metrics) = futures::try_join!(
        backend::ledger::dimensions(backend, scope),
        backend::business_metrics::list(backend, scope)
    )?;
    let page = Asked { org: visit.org(), query, origin: &backend.public_url, asked: &asked };
    let days = PeriodSelection::from_query(query, visit.frame.calendar()).period;
    let marks = match asked.effective_chart().is_over_time() {
        true => Some(Marks::read(&visit, SpendScope::Organization, days).await?),
        false => None,
    };
    let body = match backend::spend::explore(backend, scope, asked.clone()).await.map_err(AppError::from) {
        Ok(explore) => {
            let known = backend::spend::provenance(backend, scope, explore.query.range, &explore.total).await?;
            View { page: &page, explore, known, marks }.draw()
        }
        // The question stays, so that another can be asked.
        Err(error @ AppError(Problem::Unprocessable { .. })) => html! { <Failure error=error/> },
        Err(error) => return Err(error),
    };
    let toolbar = page.toolbar(&known, &metrics, views.menu(&visit, &asked));
    let title = views.title().unwrap_or_else(|| "Explore".to_owned());
    let notices = views.notices(&visit);
    Ok(Page::new(title.clone(), view! { <PageHead title=title hidden=true/>{notices}{toolbar}{body} }))
}

/// The question.
struct Asked<'a> {
    org: &'a str,
    query: &'a UrlQuery,
    /// The address of this server, as people reach it.
    origin: &'a str,
    asked: &'a ExploreQuery,
}

/// What was answered.
struct View<'a> {
    page: &'a Asked<'a>,
    explore: Explore,
    /// How its total is known.
    known: Provenance,
    /// What happened, where the chart is over time.
    marks: Option<Marks>,
}

impl Asked<'_> {
    fn path(&self) -> String {
        NavItem::Explore.path(self.org)
    }

    /// The question as a form: without JavaScript a button asks, with it every choice does.
    fn toolbar(&self, known: &[KnownDimension], metrics: &[MetricEntry], views: AnyView) -> AnyView {
        let (asked, query) = (self.asked, self.query);
        let hidden = hidden(query.without(&["measure", "group_by", "bucket", "chart", "top", CHOOSE]).iter());
        let chart = asked.effective_chart();
        let by = || known.iter().map(|known| Choice::new(known.dimension.name(), known.dimension.label()));
        let then = std::iter::once(Choice::new("", "nothing else")).chain(by()).collect();
        let second = asked.group_by.get(1).map(Dimension::name).unwrap_or_default();
        let metrics = metrics
            .iter()
            .filter(|entry| !entry.metric.is_revenue())
            .map(|entry| (Measure::CostPerUnit, Some(&entry.metric.name)));
        let measures = Measure::ALL.iter().filter(|measure| !measure.needs().units).map(|measure| (*measure, None));
        let measure = |(of, metric)| Choice::new(Measured::word(of, metric), Measured::label(of, metric));
        let measures = measures.chain(metrics).map(measure).collect();
        let charts = asked.charts().into_iter().map(|kind| Choice::new(kind.as_str(), chart_label(kind))).collect();
        let buckets = asked.buckets().into_iter().map(|step| Choice::new(step.as_str(), bucket_label(step))).collect();
        let tops = TOPS.map(|top| Choice::new(top.to_string(), format!("top {top}"))).to_vec();
        let over_time = chart.is_over_time().then(|| {
            let (bucket, top) = (asked.effective_bucket().as_str(), asked.top.to_string());
            html! {
                <Select label="per" name="bucket" inline=true choices=buckets value=bucket/>
                <Select label="drawn" name="top" inline=true choices=tops value=top/>
            }
        });
        let (path, file) = (self.path(), self.file());
        html! {
            <div class="explore-bar">
                <form class="toolbar" method="get" action=path data-auto="" data-swap="">
                    {hidden}
                    <Select label="Measure" name="measure" inline=true choices=measures value=asked.measure_word()/>
                    <Select label="by" name="group_by" inline=true choices=by().collect() value=asked.dimension().name()/>
                    <Select label="and" name="group_by" id="group_by_then" inline=true choices=then value=second/>
                    {over_time}
                    <Select label="as" name="chart" inline=true choices=charts value=chart.as_str()/>
                    <span class="without-scripts"><Button small=true>"Show"</Button></span>
                </form>
                <span class="explore-file">{views}<CsvLink href=file/></span>
            </div>
        }
    }

    /// The addresses of what lies behind a group: Explore by the next dimension, and its events; rules share out sums, so what they gave a team opens to its account in the newest month.
    fn behind(&self, group: &Group) -> (String, String) {
        let values = || self.asked.group_by.iter().zip(&group.keys);
        let only = |query: UrlQuery| {
            values().fold(query, |query, (of, key)| links::with_value(&query, of, key.as_deref(), false))
        };
        let next = self.asked.group_by.last().map(links::next_dimension).unwrap_or(Dimension::Project);
        let deeper = only(self.query.without(&[CHOOSE, "sort", "rows", "group_by"])).and("group_by", &next.name());
        let origin = match (self.asked.as_spend_query().is_allocated(), self.asked.range) {
            (true, SpendRange::Days { to, .. }) => {
                let month = Period::month_of(to.pred_opt().unwrap_or(to));
                let team =
                    values().find(|(of, _)| **of == Dimension::AllocatedTeam).and_then(|(_, key)| key.as_deref());
                match team {
                    Some(team) => explained_path(self.org, month, "team", team),
                    None => {
                        let month = UrlQuery::new().with("month", &month_text(month.from));
                        month.at(&NavItem::Allocation.path(self.org))
                    }
                }
            }
            _ => only(self.query.sticky()).at(&NavItem::Events.path(self.org)),
        };
        (deeper.at(&self.path()), origin)
    }

    /// The parameters of `GET /v1/spend` that give the same numbers.
    fn parameters(&self) -> UrlQuery {
        self.asked.as_spend_query().to_pairs().into_iter().collect()
    }

    fn file(&self) -> String {
        self.parameters().at(&format!("/o/{}/explore.csv", self.org))
    }

    /// The same numbers from the API.
    fn command(&self) -> AnyView {
        let address = format!("{}{}", self.origin, self.parameters().at("/v1/spend"));
        let code = format!("curl -H \"Authorization: Bearer $TALLYSTICK_KEY\" \\\n  '{address}'");
        html! {
            <details class="from-api">
                <summary>"The same from the API"</summary>
                <CodeBlock code=code what="curl command"/>
            </details>
        }
    }
}

impl View<'_> {
    fn draw(&self) -> AnyView {
        let (asked, query) = (self.page.asked, self.page.query);
        if self.explore.total.is_empty() && self.explore.before.as_ref().is_none_or(Sums::is_empty) {
            let text = "Choose other days, or take a filter away.";
            return html! { <EmptyState title="Nothing was used here" text=text/> };
        }
        let by = asked.group_by.iter().map(|dimension| dimension.label().to_lowercase()).collect::<Vec<_>>();
        let label = format!("{} by {}", asked.measure_label(), by.join(" and "));
        let note = format::offset(*self.explore.now.offset());
        let drawing = match (asked.effective_chart(), &self.explore.heat) {
            (ChartKind::Table, _) => None,
            (ChartKind::Treemap, _) => {
                let fields = chart::of_fields(&self.explore, |group| self.page.behind(group).0);
                Some(html! { <Treemap fields=fields label=label.clone()/> })
            }
            (_, Some(heat)) => {
                let label = format!("{} by weekday and hour", asked.measure_label());
                let data = chart::of_heat(&self.explore, heat);
                Some(html! { <Chart data=data label=label tick=tick(asked.measure) head="Hour" height=Height::Tall/> })
            }
            (_, None) => {
                let data = chart::of_explore(&self.explore, self.page.org, query);
                let starts = self.explore.steps.iter().map(|step| match step.bucket.hour() {
                    Some(at) => at.naive_local(),
                    None => step.bucket.day().into(),
                });
                let data = match &self.marks {
                    Some(marks) => marks.on(data, starts),
                    None => data,
                };
                let list = self.marks.as_ref().map(Marks::list);
                let head = bucket_label(asked.effective_bucket());
                let label = label.clone();
                Some(
                    html! { <Chart data=data label=label tick=tick(asked.measure) head=head height=Height::Tall/>{list} },
                )
            }
        };
        let (answer, table, command) = (self.answer(), self.table(), self.page.command());
        html! { {answer}{drawing}<Section title=label note=note>{table}{command}</Section> }
    }

    /// The whole of it, and what is nobody's, has no price or is drawn as one: never lost among the rest.
    fn answer(&self) -> AnyView {
        let (asked, explore) = (self.page.asked, &self.explore);
        let total = measured_or_none(asked.measure, explore.value(&explore.total));
        let missing = explore.missing();
        let untagged = (!missing.is_empty()).then(|| {
            let share = format::ratio(missing.spend, explore.total.spend).map(format::percent);
            let share = share.map(|share| format!(" ({share} of spend)")).unwrap_or_default();
            let title = format!(
                "Without a value of {}",
                asked.group_by.iter().map(Dimension::label).collect::<Vec<_>>().join(" or ")
            );
            let missing_as = match asked.group_by.as_slice() {
                [only] => value_label(only, None, None),
                _ => MISSING.to_owned(),
            };
            html! { <Stat value=format::money(missing.spend) after=format!("{missing_as}{share}") title=title/> }
        });
        let unpriced = (explore.total.unpriced_requests > 0).then(|| {
            let bound = Some(explore.total.unpriced_upper_bound).filter(|bound| !bound.is_zero());
            let bound = bound.map(|bound| format!(", up to {}", format::money(bound))).unwrap_or_default();
            let after = format!("unpriced requests{bound}");
            let href = self.page.query.sticky().at(&format!("/o/{}/events/unpriced", self.page.org));
            html! { <Stat value=format::count(explore.total.unpriced_requests) after=after href=href/> }
        });
        let (measure, title, other) = (asked.measure_label(), self.known.text(), self.other());
        html! { <StatRow><Stat value=total after=measure title=title/>{untagged}{unpriced}{other}</StatRow> }
    }

    /// What is drawn as one opens to its members: the same question without what is drawn.
    fn other(&self) -> Option<AnyView> {
        let (asked, explore) = (self.page.asked, &self.explore);
        let is_shown = explore.other_groups > 0 && asked.effective_chart().is_over_time();
        let query = self.page.query.without(&[CHOOSE, "sort"]);
        let query = match asked.group_by.as_slice() {
            [only] => explore.drawn().fold(query, |query, group| links::with_value(&query, only, group.key(), true)),
            _ => query.with("rows", "all"),
        };
        let after = format!("drawn as {}", chart::REST);
        let href = query.at(&self.page.path());
        is_shown.then(|| html! { <Stat value=format::count(explore.other_groups) after=after href=href/> })
    }

    fn table(&self) -> AnyView {
        let (asked, query, path) = (self.page.asked, self.page.query, self.page.path());
        let order = Order::read(query);
        // The largest are the first only by what is asked for: another order needs them all.
        let sorted = if self.explore.more_groups > 0 { &query.with("rows", "all") } else { query };
        let mut hues = chart::group_hues(&self.explore).into_iter();
        let mut hue = |group: &Group| group.order.and_then(|_| hues.next()).unwrap_or(Hue::Other);
        let mut groups: Vec<_> = self.explore.groups.iter().map(|group| (hue(group), group)).collect();
        order.sort(&mut groups, &self.explore);
        let rows = groups.into_iter().map(|(hue, group)| self.row(hue, group)).collect_view();
        let head = |column: Column, by| column.sort(order.href(by, sorted, &path), order.now(by));
        let share = match asked.measure {
            measure if measure.adds_up() && measure != Measure::Spend => {
                format!("Share of {}", measure.label().to_lowercase())
            }
            _ => "Share".to_owned(),
        };
        let by: Vec<_> = asked.group_by.iter().map(Dimension::label).collect();
        let own = own_column(asked.measure).map(|_| head(Column::number(asked.measure_label()), By::Measure));
        let columns = [head(Column::text(by.join(" · ")), By::Name), head(Column::number("Spend, $"), By::Spend)]
            .into_iter()
            .chain([Column::number(share)])
            .chain(own)
            .chain([
                head(Column::number("Requests"), By::Requests),
                head(Column::number("Tokens"), By::Tokens),
                head(Column::number("$ / request"), By::PerRequest),
                head(Column::number("Change"), By::Change),
                Column::text("Events").hidden(),
            ])
            .collect();
        let caption = format!("Spend by {}", by.join(" and ").to_lowercase());
        let foot = html! {
            <tr><th scope="row">"total"</th>{self.figures(&self.explore.total, self.explore.before.as_ref())}<td></td></tr>
        };
        let more = (self.explore.more_groups > 0).then(|| {
            let text = format!("{} more with less; the file has them all.", format::count(self.explore.more_groups));
            let most = format!("Show up to {MAX_GROUPS}");
            let all = (!asked.all).then(|| {
                let href = query.with("rows", "all").at(&path);
                view! { " "<a href=href>{most}</a> }
            });
            view! { <p class="soft small">{text}{all}</p> }
        });
        html! { <Table caption=caption columns=columns dense=true foot=foot>{rows}</Table>{more} }
    }

    fn row(&self, hue: Hue, group: &Group) -> AnyView {
        let label = group_label(&self.explore, group);
        let (href, events) = self.page.behind(group);
        let note = group.name().filter(|name| group.keys.len() == 1 && says_more(name, &label)).map(str::to_owned);
        let is_allocated = self.page.asked.as_spend_query().is_allocated();
        let (what, of) = if is_allocated { ("allocation", "Allocation of") } else { ("events", "Events of") };
        let events_label = format!("{of} {label}");
        html! {
            <tr>
                <th scope="row">
                    <Swatch hue=hue/><a href=href class:soft=group.is_missing()>{label}</a>
                    {note.map(|name| view! { <span class="note">{name}</span> })}
                </th>
                {self.figures(&group.sums, group.before.as_ref())}
                <td class="num"><a href=events aria-label=events_label>{what}</a></td>
            </tr>
        }
    }

    /// The cells of a group's figures, or of all groups'.
    fn figures(&self, sums: &Sums, before: Option<&Sums>) -> AnyView {
        let (measure, explore) = (self.page.asked.measure, &self.explore);
        let (value, value_before) = (explore.value(sums), before.and_then(|before| explore.value_before(before)));
        let ranked = |sums: &Sums| self.page.asked.rank(sums);
        let share = format::ratio(ranked(sums), ranked(&explore.total)).map_or_else(none, format::percent);
        let own = own_column(measure).map(|measure| html! { <td class="num">{measured_or_none(measure, value)}</td> });
        let per_request = sums.per_request();
        html! {
            <SpendCell sums=sums.clone()/>
            <td class="num">{share}</td>
            {own}
            <td class="num">{format::count(sums.requests)}</td>
            <td class="num" title=format::count(sums.tokens)>{format::count_compact(sums.tokens)}</td>
            <td class="num" title=per_request.map(format::money_full)>{per_request.map_or_else(none, format::money_of_call)}</td>
            <ChangeCell now=value.unwrap_or_default() before=value_before.filter(|_| value.is_some()) measure=measure/>
        }
    }
}

/// A measure that the table does not show anyway.
fn own_column(measure: Measure) -> Option<Measure> {
    let shown = [Measure::Spend, Measure::Requests, Measure::Tokens, Measure::CostPerRequest];
    Some(measure).filter(|measure| !shown.contains(measure))
}

const fn chart_label(kind: ChartKind) -> &'static str {
    match kind {
        ChartKind::Bars => "bars",
        ChartKind::Lines => "lines",
        ChartKind::Area => "areas",
        ChartKind::Heatmap => "heat map by weekday and hour",
        ChartKind::Treemap => "treemap",
        ChartKind::Table => "table only",
    }
}

/// Whether a name tells more than the slug that was made from it.
fn says_more(name: &str, slug: &str) -> bool {
    name != slug && Slug::from_name(name).is_none_or(|made| made.as_str() != slug)
}

fn none() -> String {
    format::NONE.to_owned()
}

/// By what the table is ordered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Name,
    Spend,
    Requests,
    Tokens,
    PerRequest,
    Change,
    Measure,
}

impl By {
    const ALL: [Self; 7] =
        [Self::Name, Self::Spend, Self::Requests, Self::Tokens, Self::PerRequest, Self::Change, Self::Measure];

    const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Spend => "spend",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::PerRequest => "per_request",
            Self::Change => "change",
            Self::Measure => "measure",
        }
    }
}

/// The order of the table, in the address as `sort=requests`, rising as `sort=-requests`.
#[derive(Clone, Copy)]
struct Order {
    by: Option<By>,
    rising: bool,
}

impl Order {
    fn read(query: &UrlQuery) -> Self {
        let word = query.get("sort").unwrap_or_default();
        let (rising, word) = word.strip_prefix('-').map_or((false, word), |word| (true, word));
        Self { by: By::ALL.into_iter().find(|by| by.word() == word), rising }
    }

    fn now(self, by: By) -> Option<Sort> {
        let sort = if self.rising { Sort::Ascending } else { Sort::Descending };
        (self.by == Some(by)).then_some(sort)
    }

    /// A second click turns the order round.
    fn href(self, by: By, query: &UrlQuery, path: &str) -> String {
        let turn = self.by == Some(by) && !self.rising;
        let word = if turn { format!("-{}", by.word()) } else { by.word().to_owned() };
        query.with("sort", &word).at(path)
    }

    /// Names from A to Z, numbers falling; as they come without a choice. What cannot be said stands last.
    fn sort(self, groups: &mut [(Hue, &Group)], explore: &Explore) {
        let value = |group: &Group| explore.value(&group.sums);
        let number = |group: &Group, by| match by {
            By::Name => None,
            By::Spend => Some(group.sums.spend),
            By::Requests => Some(group.sums.requests.into()),
            By::Tokens => Some(group.sums.tokens.into()),
            By::PerRequest => group.sums.per_request(),
            By::Measure => value(group),
            By::Change => {
                let before = group.before.as_ref().and_then(|sums| explore.value_before(sums));
                value(group).map(|value| value - before.unwrap_or_default())
            }
        };
        match self.by {
            None => return,
            Some(By::Name) => groups.sort_by_key(|(_, group)| group_label(explore, group)),
            Some(by) => groups.sort_by_key(|(_, group)| Reverse(number(group, by))),
        }
        if self.rising {
            groups.reverse();
        }
    }
}
