//! Explore: one question about spend, kept in the address.

use super::labels::{ChangeCell, MISSING, SpendCell, bucket_label, measure_label, tick, value_label};
use super::{CHOOSE, chart, links};
use crate::form::hidden;
use crate::format;
use crate::layout::{CsvLink, NavItem, PeriodSelection, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::chart::{Chart, Height, Hue, Stack, Swatch};
use crate::ui::{Button, Choice, CodeBlock, Column, EmptyState, PageHead, Section, Select, Sort, Table, html};
use domain::project::Slug;
use domain::spend::{Explore, ExploreQuery, Group, KnownDimension, MAX_GROUPS, Measure, Sums};
use leptos::prelude::*;
use rust_decimal::Decimal;
use std::cmp::Reverse;

/// One question about spend.
pub(crate) async fn explore(visit: Visit) -> Drawn {
    let (backend, scope, query) = (&visit.backend, &visit.scope, &visit.query);
    let now = visit.frame.offsets.local(backend.clock.now());
    let (range, previous) = PeriodSelection::from_query(query, visit.frame.calendar()).ranges(now);
    let asked = ExploreQuery::from_pairs(&query.pairs(), range, previous)?;
    let (explore, known) = futures::try_join!(
        backend::spend::explore(backend, scope, asked),
        backend::ledger::dimensions(backend, scope)
    )?;
    let view = View { org: visit.org(), query, origin: &backend.public_url, explore, known }.draw();
    Ok(Page::new("Explore", view! { <PageHead title="Explore" hidden=true/>{view} }))
}

/// Everything that the parts of the page need.
struct View<'a> {
    org: &'a str,
    query: &'a UrlQuery,
    /// The address of this server, as people reach it.
    origin: &'a str,
    explore: Explore,
    known: Vec<KnownDimension>,
}

impl View<'_> {
    fn path(&self) -> String {
        NavItem::Explore.path(self.org)
    }

    fn draw(&self) -> AnyView {
        let (asked, query) = (&self.explore.query, self.query);
        let toolbar = self.toolbar();
        if self.explore.total.is_empty() && self.explore.before.as_ref().is_none_or(Sums::is_empty) {
            let text = "Choose other days, or take a filter away.";
            return html! { {toolbar}<EmptyState title="Nothing was used here" text=text/> };
        }
        let stack = if query.get("chart") == Some("area") { Stack::Areas } else { Stack::Bars };
        let data = chart::of_explore(&self.explore, self.org, query, stack);
        let label = format!("{} by {}", measure_label(asked.measure), asked.dimension.label().to_lowercase());
        let note = format::offset(*self.explore.now.offset());
        let (table, command) = (self.table(), self.command());
        html! {
            {toolbar}
            <Chart data=data label=label.clone() tick=tick(asked.measure) head=bucket_label(asked.effective_bucket()) height=Height::Tall/>
            <Section title=label note=note>{table}{command}</Section>
        }
    }

    /// The question as a form: without JavaScript a button asks, with it every choice does.
    fn toolbar(&self) -> AnyView {
        let (asked, query) = (&self.explore.query, self.query);
        let chart = query.get("chart").unwrap_or("bar").to_owned();
        let hidden = hidden(query.without(&["measure", "group_by", "bucket", "chart", CHOOSE]).iter());
        let bucket = asked.effective_bucket().as_str();
        let (measure, dimension) = (asked.measure, &asked.dimension);
        let (path, file, per, by) = (self.path(), self.file(), buckets(asked), dimensions(&self.known));
        html! {
            <div class="explore-bar">
                <form class="toolbar" method="get" action=path data-auto="" data-swap="">
                    {hidden}
                    <Select label="Measure" name="measure" inline=true choices=measures() value=measure.as_str()/>
                    <Select label="by" name="group_by" inline=true choices=by value=dimension.name()/>
                    <Select label="per" name="bucket" inline=true choices=per value=bucket/>
                    <Select label="as" name="chart" inline=true choices=charts() value=chart/>
                    <span class="without-scripts"><Button small=true>"Show"</Button></span>
                </form>
                <span class="explore-file"><CsvLink href=file/></span>
            </div>
        }
    }

    fn table(&self) -> AnyView {
        let (asked, query) = (&self.explore.query, self.query);
        let order = Order::read(query);
        // The largest are the first only by what is asked for: another order needs them all.
        let sorted = if self.explore.more_groups > 0 { &query.with("rows", "all") } else { query };
        let hues = chart::group_hues(&self.explore).into_iter().chain(std::iter::repeat(Hue::Other));
        let mut groups: Vec<_> = hues.zip(&self.explore.groups).collect();
        order.sort(&mut groups, asked);
        let rows = groups.into_iter().map(|(hue, group)| self.row(hue, group)).collect_view();
        let head = |column: Column, by| column.sort(order.href(by, sorted, &self.path()), order.now(by));
        let share = match asked.measure {
            Measure::Spend => "Share".to_owned(),
            other => format!("Share of {}", other.as_str()),
        };
        let columns = vec![
            head(Column::text(asked.dimension.label()), By::Name),
            head(Column::number("Spend, $"), By::Spend),
            Column::number(share),
            head(Column::number("Requests"), By::Requests),
            head(Column::number("Tokens"), By::Tokens),
            head(Column::number("$ / request"), By::PerRequest),
            head(Column::number("Change"), By::Change),
            Column::text("Events").hidden(),
        ];
        let caption = format!("Spend by {}", asked.dimension.label().to_lowercase());
        let total = &self.explore.total;
        let before = self.explore.before.as_ref().map(|sums| sums.of(asked.measure));
        let measure = asked.measure;
        let foot = html! { <tr><th scope="row">"total"</th>{figures(total, total, before, measure)}<td></td></tr> };
        let more = (self.explore.more_groups > 0).then(|| {
            let text = format!("{} more with less; the file has them all.", format::count(self.explore.more_groups));
            let most = format!("Show up to {MAX_GROUPS}");
            let all = (!asked.all).then(|| {
                let href = query.with("rows", "all").at(&self.path());
                view! { " "<a href=href>{most}</a> }
            });
            view! { <p class="soft small">{text}{all}</p> }
        });
        html! { <Table caption=caption columns=columns dense=true foot=foot>{rows}</Table>{more} }
    }

    fn row(&self, hue: Hue, group: &Group) -> AnyView {
        let (asked, query) = (&self.explore.query, self.query);
        let key = group.key.as_deref();
        let label = value_label(&asked.dimension, key, group.name.as_deref());
        let deeper = links::with_value(query, &asked.dimension, key, false).without(&[CHOOSE, "sort", "rows"]);
        let href = deeper.with("group_by", &links::next_dimension(&asked.dimension).name()).at(&self.path());
        let events = links::events(self.org, query, &asked.dimension, key);
        let note = group.name.clone().filter(|name| says_more(name, &label));
        let events_label = format!("Events of {label}");
        let before = group.before.as_ref().map(|sums| sums.of(asked.measure));
        html! {
            <tr>
                <th scope="row">
                    <Swatch hue=hue/><a href=href class:soft=key.is_none()>{label}</a>
                    {note.map(|name| view! { <span class="note">{name}</span> })}
                </th>
                {figures(&group.sums, &self.explore.total, before, asked.measure)}
                <td class="num"><a href=events aria-label=events_label>"events"</a></td>
            </tr>
        }
    }

    /// The parameters of `GET /v1/spend` that give the same numbers.
    fn parameters(&self) -> UrlQuery {
        self.explore.query.as_spend_query().to_pairs().into_iter().collect()
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

/// Whether a name tells more than the slug that was made from it.
fn says_more(name: &str, slug: &str) -> bool {
    name != slug && Slug::from_name(name).is_none_or(|made| made.as_str() != slug)
}

fn none() -> String {
    format::NONE.to_owned()
}

/// The cells of a group's figures, or of all groups'.
fn figures(sums: &Sums, whole: &Sums, before: Option<Decimal>, measure: Measure) -> AnyView {
    let share = format::ratio(sums.of(measure), whole.of(measure)).map_or_else(none, format::percent);
    let per_request = sums.per_request();
    html! {
        <SpendCell sums=sums.clone()/>
        <td class="num">{share}</td>
        <td class="num">{format::count(sums.requests)}</td>
        <td class="num" title=format::count(sums.tokens)>{format::count_compact(sums.tokens)}</td>
        <td class="num" title=per_request.map(format::money_full)>{per_request.map_or_else(none, format::money_of_call)}</td>
        <ChangeCell now=sums.of(measure) before=before measure=measure/>
    }
}

fn measures() -> Vec<Choice> {
    Measure::ALL.into_iter().map(|measure| Choice::new(measure.as_str(), measure_label(measure))).collect()
}

fn dimensions(known: &[KnownDimension]) -> Vec<Choice> {
    known.iter().map(|known| Choice::new(known.dimension.name(), known.dimension.label())).collect()
}

fn charts() -> Vec<Choice> {
    vec![Choice::new("bar", "Bars"), Choice::new("area", "Areas")]
}

fn buckets(asked: &ExploreQuery) -> Vec<Choice> {
    asked.buckets().into_iter().map(|bucket| Choice::new(bucket.as_str(), bucket_label(bucket))).collect()
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
}

impl By {
    const ALL: [Self; 6] = [Self::Name, Self::Spend, Self::Requests, Self::Tokens, Self::PerRequest, Self::Change];

    const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Spend => "spend",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::PerRequest => "per_request",
            Self::Change => "change",
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

    /// Names from A to Z, numbers falling; by the measure without a choice, which is how they come.
    fn sort(self, groups: &mut [(Hue, &Group)], asked: &ExploreQuery) {
        let number = |group: &Group, by| match by {
            By::Name => Decimal::ZERO,
            By::Spend => group.sums.spend,
            By::Requests => group.sums.requests.into(),
            By::Tokens => group.sums.tokens.into(),
            By::PerRequest => group.sums.per_request().unwrap_or_default(),
            By::Change => {
                group.sums.of(asked.measure)
                    - group.before.as_ref().map_or(Decimal::ZERO, |sums| sums.of(asked.measure))
            }
        };
        match self.by {
            None => return,
            Some(By::Name) => groups.sort_by_key(|(_, group)| group.key.clone().unwrap_or_else(|| MISSING.to_owned())),
            Some(by) => groups.sort_by_key(|(_, group)| Reverse(number(group, by))),
        }
        if self.rising {
            groups.reverse();
        }
    }
}
