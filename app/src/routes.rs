//! All pages: the route table.

use crate::page::Site;
use crate::{budgets, projects, spend};
use axum::Router;

/// Every page at its path.
pub fn pages<S: Clone + Send + Sync + 'static>(site: &Site) -> Router<S> {
    Router::new()
        .route("/o/{org}/budgets", site.inside(budgets::budgets))
        .route("/o/{org}/alerts", site.inside(budgets::alerts))
        .route("/o/{org}/explore", site.inside(spend::explore))
        .route("/o/{org}/projects", site.inside(projects::projects))
        .route("/o/{org}/projects/{project}", site.inside(projects::project))
        .route("/o/{org}/teams/{team}", site.inside(projects::team))
}
