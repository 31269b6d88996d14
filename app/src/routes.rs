//! All pages: the route table.

use crate::budgets;
use crate::page::Site;
use axum::Router;

/// Every page at its path.
pub fn pages<S: Clone + Send + Sync + 'static>(site: &Site) -> Router<S> {
    Router::new()
        .route("/o/{org}/budgets", site.inside(budgets::budgets))
        .route("/o/{org}/alerts", site.inside(budgets::alerts))
}
