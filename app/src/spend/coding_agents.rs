//! What coding agents cost: by agent, repository, branch, pull request, ticket and person.

use super::labels::{SpendCell, tick, value_label};
use super::{chart, links};
use crate::error::AppError;
use crate::events::{List, tabs};
use crate::format;
use crate::guides;
use crate::layout::{NavItem, PeriodSelection, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::chart::{Chart, Height, Stack};
use crate::ui::{Column, Columns, PageHead, Section, Table, html};
use domain::event::{CODING_AGENTS, CODING_TAGS, CallGroup, CallGroupQuery};
use domain::span::Edge;
use domain::spend::{Dimension, Explore, ExploreQuery, Filter, Measure, SpendQuery, SpendRow, Sums};
use leptos::prelude::*;

/// Rows of each table; the rest is in Explore.
const ROWS: usize = 8;

/// What coding agents cost in the chosen days.
pub(crate) async fn coding_agents(visit: Visit) -> Drawn {
    let attention = backend::events::attention(&visit.backend, &visit.scope).await?;
    let usage = Usage::read(&visit).await?;
    let (lead, body) = if usage.explore.total.is_empty() {
        let lead = "Nothing from a coding agent in these days. This is how they are set up.".to_owned();
        (lead, guides::coding_agents(&visit.backend.public_url))
    } else {
        (usage.lead(), usage.draw(visit.org()))
    };
    let tabs = tabs(visit.org(), List::CodingAgents, attention);
    Ok(Page::new("Coding agents", view! { <PageHead title="Coding agents" lead=lead/>{tabs}{body} }))
}

/// The usage of coding agents, whose features are their names.
fn is_coding() -> Filter {
    let values = CODING_AGENTS.iter().map(|(feature, _)| (*feature).to_owned()).collect();
    Filter { dimension: Dimension::Feature, values, exclude: false }
}

/// By what it is told apart, besides the agent.
fn dimensions() -> impl Iterator<Item = (Dimension, &'static str)> {
    let tags = CODING_TAGS.into_iter().map(|(tag, label)| (Dimension::Tag(tag.to_owned()), label));
    tags.chain([(Dimension::User, "Person")])
}

struct Usage {
    /// By agent, day by day.
    explore: Explore,
    /// The largest groups by each of [`dimensions`].
    parts: Vec<Vec<SpendRow>>,
    sessions: u64,
    /// The days and filters of the page, and that it is coding agents.
    query: UrlQuery,
}

impl Usage {
    async fn read(visit: &Visit) -> Result<Self, AppError> {
        let (backend, scope) = (&visit.backend, &visit.scope);
        let period = PeriodSelection::from_query(&visit.query, visit.frame.calendar()).period;
        let own = visit.query.sticky();
        let asked = own.with("group_by", "feature").pairs();
        let mut asked = ExploreQuery::from_pairs(&asked, period.into(), None)?;
        asked.filters.push(is_coding());
        let mut spend = SpendQuery::over(period);
        spend.filters.clone_from(&asked.filters);
        let parts = dimensions().map(async |(dimension, _)| {
            let mut rows = backend::spend::query(backend, scope, &spend.clone().by([dimension])).await?.rows;
            rows.truncate(ROWS);
            Ok::<_, AppError>(rows)
        });
        let (from, to) = (Some(Edge::Day(period.from)), Some(Edge::Day(period.to)));
        let sessions =
            CallGroupQuery { from, to, filters: spend.filters.clone(), limit: 1, ..CallGroupQuery::default() };
        let (explore, parts, sessions) = futures::try_join!(
            async { Ok(backend::spend::explore(backend, scope, asked).await?) },
            futures::future::try_join_all(parts),
            async { Ok(backend::events::call_groups(backend, scope, CallGroup::Session, &sessions).await?.groups) },
        )?;
        // Whoever chose a feature sees that one alone.
        let added = if own.get("feature").is_some() { vec![] } else { is_coding().to_pairs() };
        let query = added.into_iter().fold(own, |query, (name, value)| query.and(&name, &value));
        Ok(Self { explore, parts, sessions, query })
    }

    /// The answer in one sentence.
    fn lead(&self) -> String {
        let total = &self.explore.total;
        let unpriced = (total.unpriced_requests > 0)
            .then(|| format!(" + {}", format::counted(total.unpriced_requests, "unpriced request")));
        format!(
            "{}{} · {} · {} tokens · {}",
            format::money(total.spend),
            unpriced.unwrap_or_default(),
            format::counted(total.requests, "request"),
            format::count_compact(total.tokens),
            format::counted(self.sessions, "session"),
        )
    }

    fn draw(&self, org: &str) -> AnyView {
        let data = chart::of_explore(&self.explore, org, &self.query, Stack::Bars);
        let agents = self.explore.groups.iter().map(|group| {
            let name = CODING_AGENTS.iter().find(|(feature, _)| group.key.as_deref() == Some(feature));
            (group.key.as_deref(), name.map(|(_, name)| (*name).to_owned()), &group.sums)
        });
        let agents = self.table(org, &Dimension::Feature, "Agent", agents.collect());
        let parts = dimensions().zip(&self.parts).map(|((dimension, label), rows)| {
            let rows = rows.iter().map(|row| (row.keys.first().and_then(Option::as_deref), None, &row.sums));
            self.table(org, &dimension, label, rows.collect())
        });
        let parts = parts.collect_view();
        html! {
            <Chart data=data label="Spend of coding agents" tick=tick(Measure::Spend) head="Day" height=Height::Tall/>
            <Columns>{agents}{parts}</Columns>
        }
    }

    /// The largest values of a dimension, each with its events behind it.
    fn table(
        &self,
        org: &str,
        dimension: &Dimension,
        label: &'static str,
        rows: Vec<(Option<&str>, Option<String>, &Sums)>,
    ) -> AnyView {
        let row = |(key, name, sums): (Option<&str>, Option<String>, &Sums)| {
            let words = name.unwrap_or_else(|| value_label(dimension, key, None));
            let href = links::events(org, &self.query, dimension, key);
            view! {
                <tr>
                    <th scope="row" class="name"><a href=href class:soft=key.is_none()>{words}</a></th>
                    <td class="num">{format::count(sums.requests)}</td>
                    <td class="num" title=format::count(sums.tokens)>{format::count_compact(sums.tokens)}</td>
                    <SpendCell sums=sums.clone()/>
                </tr>
            }
        };
        let rows = rows.into_iter().map(row).collect_view();
        let heads =
            [Column::text(label), Column::number("Requests"), Column::number("Tokens"), Column::number("Spend, $")];
        let all = (self.query.with("group_by", &dimension.name()).at(&NavItem::Explore.path(org)), "all".to_owned());
        let caption = format!("Spend by {}", label.to_lowercase());
        html! { <Section title=label more=all><Table caption=caption columns=heads.into() dense=true>{rows}</Table></Section> }
    }
}
