//! A board: saved views as small charts, on the Overview, a team's or a project's page, and how they are arranged.

use super::api::ArrangeViews;
use super::{address, query_of};
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::{NavItem, PeriodSelection, UrlQuery};
use crate::page::Visit;
use crate::spend;
use crate::ui::{Button, Choice, Columns, FormErrors, RowButton, Section, Select, Table, columns, html};
use backend::Error;
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::spend::{Dimension, Explore};
use domain::view::{Board, MAX_PLACED, Question, SavedView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// What stands on the page of a team or project whose people chose nothing.
const DEFAULTS: [(&str, &str); 2] = [
    ("Spend by feature", "measure=spend&group_by=feature&period=30d"),
    ("Cost per request by model", "measure=cost_per_request&group_by=model&period=30d&chart=lines"),
];

/// A board with what stands on it.
struct Stand {
    board: Board,
    /// As the door takes it.
    word: String,
    title: &'static str,
    placed: Vec<(SavedView, bool)>,
}

/// A chart of a board.
struct Card {
    name: String,
    href: String,
    question: Question,
    wide: bool,
}

/// The boards of a page; `within` is its part as a filter.
pub(crate) async fn board(visit: &Visit, part: SpendScope, within: Option<(Dimension, &str)>) -> AnyView {
    match read(visit, part, within).await {
        Ok(drawn) => drawn,
        Err(error) => {
            let text = error.into_problem().detail();
            html! { <p class="soft">"The views could not be read: "{text}</p> }
        }
    }
}

async fn read(visit: &Visit, part: SpendScope, within: Option<(Dimension, &str)>) -> Result<AnyView, Error> {
    let slug = within.as_ref().map(|(_, slug)| *slug).unwrap_or_default();
    let boards = match part {
        SpendScope::Organization => vec![
            (Board::Everyone, "everyone".to_owned(), "On everybody's Overview"),
            (Board::Mine, "mine".to_owned(), "On my Overview"),
        ],
        SpendScope::Team(team) => vec![(Board::Team(team), format!("team:{slug}"), "On this page")],
        SpendScope::Project(project) => vec![(Board::Project(project), format!("project:{slug}"), "On this page")],
    };
    let all = backend::views::list(&visit.backend, &visit.scope).await?;
    let stands = boards.into_iter().map(async |(board, word, title)| {
        let placed = backend::views::placed(&visit.backend, &visit.scope, board, &all).await?;
        Ok::<_, Error>(Stand { board, word, title, placed })
    });
    let stands = futures::future::try_join_all(stands).await?;
    let narrowed = |question: &Question| match &within {
        Some((dimension, slug)) => question.within(dimension, slug),
        None => question.clone(),
    };
    let cards = cards(visit.org(), &stands, part, narrowed);
    let answers = futures::future::join_all(cards.iter().map(|card| answer(visit, &card.question))).await;
    let drawn = cards.iter().zip(answers).map(|(card, answer)| (card.wide, draw(visit, card, answer)));
    let rows = rows(drawn.collect());
    let arrange = arrange(visit, &stands, &all);
    Ok(html! { <div class="stacked" id="views">{rows}{arrange}</div> })
}

/// The charts in order, each view once.
fn cards(org: &str, stands: &[Stand], part: SpendScope, narrowed: impl Fn(&Question) -> Question) -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    for (view, wide) in stands.iter().flat_map(|stand| &stand.placed) {
        let (name, question) = (view.name.clone(), narrowed(&view.question));
        let href = match part {
            SpendScope::Organization => address(org, view.view_id),
            // The page's own part of it, which is no saved view.
            SpendScope::Team(_) | SpendScope::Project(_) => query_of(&question).at(&NavItem::Explore.path(org)),
        };
        if !cards.iter().any(|card| card.href == href) {
            cards.push(Card { name, href, question, wide: *wide });
        }
    }
    if cards.is_empty() && part != SpendScope::Organization {
        let usual = DEFAULTS.iter().filter_map(|(name, query)| {
            let question = narrowed(&Question::read(&UrlQuery::read(query).pairs()).ok()?);
            let href = query_of(&question).at(&NavItem::Explore.path(org));
            Some(Card { name: (*name).to_owned(), href, question, wide: false })
        });
        cards.extend(usual);
    }
    cards
}

async fn answer(visit: &Visit, question: &Question) -> Result<Explore, Error> {
    let now = visit.frame.offsets.local(visit.backend.clock.now());
    let days = PeriodSelection::from_query(&query_of(question), visit.frame.calendar());
    let (range, previous) = days.ranges(now);
    backend::spend::glance(&visit.backend, &visit.scope, question.over(range, previous)?).await
}

fn draw(visit: &Visit, card: &Card, answer: Result<Explore, Error>) -> AnyView {
    let query = query_of(&card.question);
    let days = PeriodSelection::from_query(&query, visit.frame.calendar());
    let caption = format::range(days.period, visit.frame.today);
    let body = match answer {
        Ok(explore) => spend::glance(&explore, &card.name, &caption, visit.org(), &query),
        Err(error) => {
            let text = error.into_problem().detail();
            html! { <p class="soft">{text}</p> }
        }
    };
    let name = card.name.clone();
    html! { <Section title=name more=(card.href.clone(), "Open".to_owned())>{body}</Section> }
}

/// Wide charts by themselves, the others in pairs.
fn rows(drawn: Vec<(bool, AnyView)>) -> AnyView {
    let (mut rows, mut pair) = (Vec::new(), Vec::new());
    for (wide, card) in drawn {
        if wide {
            rows.extend(std::mem::take(&mut pair).into_iter().reduce(beside));
            rows.push(card);
            continue;
        }
        pair.push(card);
        if pair.len() == 2 {
            rows.extend(std::mem::take(&mut pair).into_iter().reduce(beside));
        }
    }
    rows.extend(pair);
    rows.collect_view().into_any()
}

fn beside(left: AnyView, right: AnyView) -> AnyView {
    html! { <Columns>{left}{right}</Columns> }
}

/// What stands on the boards that the reader may arrange, and what can be added.
fn arrange(visit: &Visit, stands: &[Stand], all: &[SavedView]) -> Option<AnyView> {
    let may = |stand: &&Stand| match stand.board {
        Board::Mine => true,
        Board::Everyone => visit.frame.may(Permission::ManageOrganization),
        Board::Team(_) | Board::Project(_) => visit.frame.may(Permission::ManageViews),
    };
    let parts: Vec<_> = stands.iter().filter(may).map(|stand| part(visit.org(), stand, all)).collect();
    let errors = Posted::<ArrangeViews>::here().errors();
    let open = visit.query.get("arranged").is_some() || !errors.is_empty();
    (!parts.is_empty()).then(|| {
        html! {
            <details class="fold" open=open>
                <summary>"Arrange views"</summary>
                <FormErrors errors=errors/>
                <Columns>{parts}</Columns>
            </details>
        }
    })
}

fn part(org: &str, stand: &Stand, all: &[SavedView]) -> AnyView {
    let last = stand.placed.len().saturating_sub(1);
    let row = |(at, (view, wide)): (usize, &(SavedView, bool))| {
        let name = &view.name;
        let id = view.view_id.to_string();
        let button = |act: &'static str, text: &'static str, name: String| {
            let fields = hidden([("org", org), ("board", &stand.word), ("view", &id), ("act", act)]);
            view! { <form method="post" action=ArrangeViews::url()>{fields}<RowButton text=text name=name/></form> }
        };
        let up = (at > 0).then(|| button("earlier", "Up", format!("Move {name} up")));
        let down = (at < last).then(|| button("later", "Down", format!("Move {name} down")));
        let width = match wide {
            true => button("narrow", "Narrow", format!("Make {name} narrow")),
            false => button("wide", "Wide", format!("Make {name} wide")),
        };
        let remove = button("remove", "Remove", format!("Remove {name}"));
        let href = address(org, view.view_id);
        view! {
            <tr>
                <th scope="row"><a href=href>{name.clone()}</a></th>
                <td><div class="actions">{up}{down}{width}{remove}</div></td>
            </tr>
        }
    };
    let rows = stand.placed.iter().enumerate().map(row).collect_view();
    let table = (!stand.placed.is_empty()).then(|| {
        view! { <Table caption=stand.title columns=columns("View | Place")>{rows}</Table> }
    });
    let may_stand = |view: &&SavedView| {
        let is_placed = stand.placed.iter().any(|(placed, _)| placed.view_id == view.view_id);
        !is_placed && (view.shared || stand.board == Board::Mine)
    };
    let choices: Vec<_> =
        all.iter().filter(may_stand).map(|view| Choice::new(view.view_id.to_string(), view.name.clone())).collect();
    let add = if choices.is_empty() {
        let text = if stand.board == Board::Mine {
            "Save a view in Explore to pin it here."
        } else {
            "Share a view in Explore to place it here."
        };
        let href = NavItem::Explore.path(org);
        html! { <p class="soft small"><a href=href>"Explore"</a>": "{text}</p> }
    } else if stand.placed.len() >= MAX_PLACED {
        html! { <p class="soft small">{format!("At most {MAX_PLACED} views.")}</p> }
    } else {
        let (id, fields) =
            (format!("add-{}", stand.word), hidden([("org", org), ("board", &stand.word), ("act", "add")]));
        html! {
            <form class="toolbar" method="post" action=ArrangeViews::url()>
                {fields}
                <Select label="View" name="view" id=id choices=choices inline=true/>
                <Button small=true>"Add"</Button>
            </form>
        }
    };
    html! { <Section title=stand.title>{table}{add}</Section> }
}
