//! Which events a list shows.

use crate::problem::{FieldProblem, Problem};
use crate::span::Edge;
use crate::spend::Filter;
use serde::{Deserialize, Serialize};

/// Most rows of one page of a list.
pub const MAX_PAGE: u16 = 200;
/// Rows of one page when nothing is said.
pub const DEFAULT_PAGE: u16 = 50;
/// Most values of all filters of a list together.
const MAX_FILTER_VALUES: usize = 100;

/// What a list of events shows, newest first. All filters must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventQuery {
    /// From here on; none means from the first event.
    pub from: Option<Edge>,
    /// Up to but without here; none means to the last event.
    pub to: Option<Edge>,
    /// By the dimensions of the spend query.
    pub filters: Vec<Filter>,
    /// Only attempts of this request.
    pub request_id: Option<String>,
    /// Only events of this session.
    pub session_id: Option<String>,
    /// Only events of this interaction.
    pub interaction_id: Option<String>,
    /// Only events without a known cost.
    pub unpriced: bool,
    /// Where the page begins, from the page before.
    pub cursor: Option<String>,
    /// Rows of the page, 1 to [`MAX_PAGE`].
    pub limit: u16,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            filters: Vec::new(),
            request_id: None,
            session_id: None,
            interaction_id: None,
            unpriced: false,
            cursor: None,
            limit: DEFAULT_PAGE,
        }
    }
}

impl EventQuery {
    /// Reads the parameters of `GET /v1/events`, decoded. Every dimension of the spend query is a filter, written as there.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong parameter.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut query = Self::default();
        let mut wrong = Vec::new();
        for (name, value) in pairs {
            let taken = match name.as_str() {
                "from" => Edge::read(name, value).map(|edge| query.from = Some(edge)),
                "to" => Edge::read(name, value).map(|edge| query.to = Some(edge)),
                "cursor" => keep(&mut query.cursor, value),
                "request_id" => keep(&mut query.request_id, value),
                "session_id" => keep(&mut query.session_id, value),
                "interaction_id" => keep(&mut query.interaction_id, value),
                "limit" => read_limit(value).map(|limit| query.limit = limit),
                "unpriced" => read_flag(name, value).map(|flag| query.unpriced = flag),
                _ => Filter::read_of_events(&mut query.filters, name, value),
            };
            wrong.extend(taken.err());
        }
        if query.filters.iter().map(|filter| filter.values.len()).sum::<usize>() > MAX_FILTER_VALUES {
            wrong.push(FieldProblem::new("filters", "too_many", format!("Use at most {MAX_FILTER_VALUES} values.")));
        }
        if wrong.is_empty() { Ok(query) } else { Err(Problem::invalid(wrong)) }
    }

    /// The parameters that say which events are meant, without place and size of the page.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, edge) in [("from", self.from), ("to", self.to)] {
            pairs.extend(edge.map(|edge| (name.to_owned(), edge.text())));
        }
        let ids = [
            ("request_id", &self.request_id),
            ("session_id", &self.session_id),
            ("interaction_id", &self.interaction_id),
        ];
        for (name, id) in ids {
            pairs.extend(id.iter().map(|id| (name.to_owned(), id.clone())));
        }
        pairs.extend(self.unpriced.then(|| ("unpriced".to_owned(), "true".to_owned())));
        pairs.extend(self.filters.iter().flat_map(Filter::to_pairs));
        pairs
    }
}

fn keep(slot: &mut Option<String>, value: &str) -> Result<(), FieldProblem> {
    *slot = Some(value.to_owned());
    Ok(())
}

pub(super) fn read_limit(text: &str) -> Result<u16, FieldProblem> {
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_PAGE).contains(limit))
        .ok_or_else(|| FieldProblem::new("limit", "out_of_range", format!("Use a whole number from 1 to {MAX_PAGE}.")))
}

fn read_flag(name: &str, text: &str) -> Result<bool, FieldProblem> {
    text.parse().map_err(|_| FieldProblem::new(name, "invalid", "Use true or false."))
}
