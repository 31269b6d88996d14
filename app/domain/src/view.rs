//! Saved views: a question of Explore under a name, and the boards on which views are placed.

use crate::ids::{ProjectId, TeamId, ViewId};
use crate::period::Period;
use crate::problem::{FieldProblem, Problem};
use crate::project::parse_name;
use crate::spend::{Dimension, ExploreQuery, Filter, KnownDimension, SpendRange};
use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};

/// Most views of one person, and of all API keys together.
pub const MAX_VIEWS: i64 = 200;
/// Most views on one board.
pub const MAX_PLACED: usize = 8;
/// Longest question, in bytes of names and values.
const MAX_QUESTION: usize = 4_000;
/// What Explore's address says besides filters. A named period stays a name, so that the view moves along.
const SETTINGS: [&str; 10] =
    ["measure", "group_by", "bucket", "chart", "top", "period", "from", "to", "through", "compare"];
const MEASURE: &str = "measure";

/// What a view asks: parameters of Explore's address. The first is always the measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Question(Vec<(String, String)>);

impl Question {
    /// Reads the parameters of Explore's address; what Explore does not ask by is left out.
    ///
    /// # Errors
    /// A field problem for `query` where a filter cannot be read, or there is too much.
    pub fn read(pairs: &[(String, String)]) -> Result<Self, FieldProblem> {
        let wrong = |code: &str, detail: String| FieldProblem::new("query", code, detail);
        if pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_QUESTION {
            return Err(wrong("too_long", format!("Use at most {MAX_QUESTION} characters.")));
        }
        let range = Period { from: NaiveDate::MIN, to: NaiveDate::MAX }.into();
        let asked =
            ExploreQuery::from_pairs(pairs, range, None).map_err(|problem| wrong("invalid", problem.detail()))?;
        let is_asked = |(name, value): &&(String, String)| {
            let is_setting = name != MEASURE && SETTINGS.contains(&name.as_str()) && !value.is_empty();
            is_setting || name.parse::<Dimension>().is_ok()
        };
        let measure = (MEASURE.to_owned(), asked.measure_word());
        let pairs: Vec<_> = std::iter::once(measure).chain(pairs.iter().filter(is_asked).cloned()).collect();
        Ok(Self(pairs))
    }

    /// Whether parameters of an address ask anything, or leave it to a view.
    #[must_use]
    pub fn is_asked(pairs: &[(String, String)]) -> bool {
        pairs.iter().any(|(name, _)| name == MEASURE)
    }

    /// The parameters.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The question over a span.
    ///
    /// # Errors
    /// As [`ExploreQuery::from_pairs`], which [`Self::read`] has asked before.
    pub fn over(&self, range: SpendRange, previous: Option<SpendRange>) -> Result<ExploreQuery, Problem> {
        ExploreQuery::from_pairs(&self.0, range, previous)
    }

    /// The same question about one value of a dimension alone.
    #[must_use]
    pub fn within(&self, dimension: &Dimension, value: &str) -> Self {
        let name = dimension.name();
        let only = Filter::only(dimension.clone(), vec![value.to_owned()]).to_pairs();
        Self(self.0.iter().filter(|(of, _)| *of != name).cloned().chain(only).collect())
    }

    fn filters(&self) -> Vec<Filter> {
        Filter::from_pairs(&self.0).unwrap_or_default()
    }

    /// The values of a dimension that its filters name.
    #[must_use]
    pub fn named(&self, dimension: &Dimension) -> Vec<String> {
        let of_it = self.filters().into_iter().filter(|filter| filter.dimension == *dimension);
        of_it.flat_map(|filter| filter.values).filter(|value| !value.is_empty()).collect()
    }

    /// What it asks by that is not there any more: projects, each with whether it is archived, and labels that no event has.
    #[must_use]
    pub fn gone(&self, projects: &[(&str, bool)], known: &[KnownDimension]) -> Vec<String> {
        let project = |slug: String| match projects.iter().find(|(known, _)| *known == slug) {
            Some((_, false)) => None,
            Some((_, true)) => Some(format!("Project {slug} is archived.")),
            None => Some(format!("There is no project {slug}.")),
        };
        let range = Period { from: NaiveDate::MIN, to: NaiveDate::MAX }.into();
        let groups = self.over(range, None).map(|asked| asked.group_by).unwrap_or_default();
        let mut tags: Vec<_> = self.filters().into_iter().map(|filter| filter.dimension).chain(groups).collect();
        tags.retain(|of| matches!(of, Dimension::Tag(_)) && !known.iter().any(|known| known.dimension == *of));
        tags.dedup();
        let label = |tag: Dimension| format!("No event has the label {} any more.", tag.name());
        self.named(&Dimension::Project).into_iter().filter_map(project).chain(tags.into_iter().map(label)).collect()
    }
}

/// A view to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewView {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub question: Question,
    /// Whether the whole organization sees it.
    pub shared: bool,
}

impl NewView {
    /// Reads a name and the parameters of Explore's address.
    ///
    /// # Errors
    /// A problem for `name`, `query`, or both.
    pub fn read(name: &str, pairs: &[(String, String)], shared: bool) -> Result<Self, Vec<FieldProblem>> {
        match (parse_name("name", name), Question::read(pairs)) {
            (Ok(name), Ok(question)) => Ok(Self { name, question, shared }),
            (name, question) => Err(name.err().into_iter().chain(question.err()).collect()),
        }
    }
}

/// What is to change; none leaves a part as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewChange {
    /// Its name.
    pub name: Option<String>,
    /// What it asks.
    pub question: Option<Question>,
    /// Whether the whole organization sees it.
    pub shared: Option<bool>,
}

impl ViewChange {
    /// Reads what was sent.
    ///
    /// # Errors
    /// A problem for `name`, `query`, or both.
    pub fn read(
        name: Option<&str>,
        pairs: Option<&[(String, String)]>,
        shared: Option<bool>,
    ) -> Result<Self, Vec<FieldProblem>> {
        match (name.map(|name| parse_name("name", name)).transpose(), pairs.map(Question::read).transpose()) {
            (Ok(name), Ok(question)) => Ok(Self { name, question, shared }),
            (name, question) => Err(name.err().into_iter().chain(question.err()).collect()),
        }
    }
}

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Its id, which its address keeps.
    pub view_id: ViewId,
    /// Its name.
    pub name: String,
    /// What it asks.
    pub question: Question,
    /// Whether the whole organization sees it; else its owner alone.
    pub shared: bool,
    /// Who saved it: an e-mail address or an API key.
    pub saved_by: String,
    /// Whether the reader saved it.
    pub is_own: bool,
    /// Whether the reader may change and delete it: their own, and admins every shared one.
    pub may_change: bool,
    /// When it was saved.
    pub created_at: DateTime<FixedOffset>,
    /// When it was changed last.
    pub updated_at: DateTime<FixedOffset>,
    /// What it asks by that is not there any more, a sentence each.
    pub gone: Vec<String>,
}

/// Where views are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// The reader's own Overview.
    Mine,
    /// Everybody's Overview.
    Everyone,
    /// A team's page.
    Team(TeamId),
    /// A project's page.
    Project(ProjectId),
}

/// What becomes of a view on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrange {
    /// It is placed last.
    Add,
    /// It goes.
    Remove,
    /// It changes places with the one before.
    Earlier,
    /// It changes places with the one after.
    Later,
    /// It takes the whole width.
    Wide,
    /// It takes half the width.
    Narrow,
}

impl Arrange {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Add, "add"),
        (Self::Remove, "remove"),
        (Self::Earlier, "earlier"),
        (Self::Later, "later"),
        (Self::Wide, "wide"),
        (Self::Narrow, "narrow"),
    ];

    /// Reads the word of a form.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == word).map(|(act, _)| act)
    }

    /// The views of a board, each with whether it is wide, after this happened to one of them.
    ///
    /// # Errors
    /// [`Problem::Conflict`] where the board has [`MAX_PLACED`] already.
    pub fn apply(self, view: ViewId, mut placed: Vec<(ViewId, bool)>) -> Result<Vec<(ViewId, bool)>, Problem> {
        let at = placed.iter().position(|(of, _)| *of == view);
        match (self, at) {
            (Self::Add, None) if placed.len() >= MAX_PLACED => {
                return Err(Problem::conflict(format!("At most {MAX_PLACED} views can stand here. Remove one first.")));
            }
            (Self::Add, None) => placed.push((view, false)),
            (Self::Remove, Some(at)) => {
                placed.remove(at);
            }
            (Self::Earlier, Some(at)) if at > 0 => placed.swap(at, at - 1),
            (Self::Later, Some(at)) if at + 1 < placed.len() => placed.swap(at, at + 1),
            (Self::Wide | Self::Narrow, Some(at)) => placed[at].1 = self == Self::Wide,
            _ => {}
        }
        Ok(placed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let split = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.split('&').filter_map(split).collect()
    }

    fn question(text: &str) -> Question {
        Question::read(&pairs(text)).unwrap()
    }

    #[test]
    fn a_question_keeps_what_explore_asks_by_and_nothing_else() {
        let asked = question("period=30d&measure=tokens&group_by=team&model=!gpt-4o&sort=name&notice=x&tag.job=a&top=");
        let kept = pairs("measure=tokens&period=30d&group_by=team&model=!gpt-4o&tag.job=a");
        assert_eq!(asked.pairs(), kept);
        assert_eq!(question("").pairs(), pairs("measure=spend"), "an address says what it asks");
        assert!(Question::is_asked(asked.pairs()) && !Question::is_asked(&pairs("view=x&period=7d")));
        let long = pairs(&format!("model={}", "x".repeat(MAX_QUESTION)));
        assert!(Question::read(&long).is_err());
    }

    #[test]
    fn a_question_can_be_asked_within_a_part() {
        let asked = question("project=a&project=b&model=x").within(&Dimension::Project, "!c");
        assert_eq!(asked.pairs(), pairs("measure=spend&model=x&project=\\!c"));
        assert_eq!(asked.named(&Dimension::Project), ["!c"]);
    }

    #[test]
    fn what_is_gone_is_said() {
        let asked = question("project=old&project=none&project=new&group_by=tag.job&tag.job=a");
        let projects = [("old", true), ("new", false)];
        let known = |name: &str| KnownDimension {
            dimension: name.parse().unwrap(),
            values: Some(1),
            limit: None,
            other_since: None,
        };
        let label = "No event has the label tag.job any more.";
        let gone = ["Project old is archived.", "There is no project none.", label];
        assert_eq!(asked.gone(&projects, &[known("tag.other")]), gone);
        assert_eq!(asked.gone(&projects, &[known("tag.job")]), gone[..2]);
        assert!(question("group_by=customer").gone(&projects, &[]).is_empty());
    }

    fn view(number: u128) -> ViewId {
        ViewId(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_board_has_room_for_so_many() {
        let full: Vec<_> = (0..8).map(|number| (view(number), false)).collect();
        assert_eq!(full.len(), MAX_PLACED);
        assert!(Arrange::Add.apply(view(8), full.clone()).is_err());
        assert_eq!(Arrange::Add.apply(view(7), full.clone()), Ok(full), "it stands there already");
    }

    proptest! {
        /// Whatever is pressed, nothing stands on a board twice, and only adding and removing change what does.
        #[test]
        fn arranging_loses_nothing(acts in prop::collection::vec((0..6_usize, 0..10_u128), 0..40)) {
            let mut placed = Vec::new();
            for (act, number) in acts {
                let (act, before) = (Arrange::ALL[act].0, placed.clone());
                placed = act.apply(view(number), placed).unwrap_or(before.clone());
                let ids = |placed: &[(ViewId, bool)]| {
                    let mut ids: Vec<_> = placed.iter().map(|(view, _)| *view).collect();
                    ids.sort_unstable();
                    ids
                };
                let mut once = ids(&placed);
                once.dedup();
                prop_assert_eq!(once.len(), placed.len());
                prop_assert!(placed.len() <= MAX_PLACED);
                if !matches!(act, Arrange::Add | Arrange::Remove) {
                    prop_assert_eq!(ids(&placed), ids(&before));
                }
            }
        }
    }
}
