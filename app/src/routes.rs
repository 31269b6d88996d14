//! All pages: the route table.

use crate::page::Site;
use crate::{budgets, events, forecast, statements};
use axum::Router;

/// Every page at its path.
pub fn pages<S: Clone + Send + Sync + 'static>(site: &Site) -> Router<S> {
    Router::new()
        .route("/recipients/{org}/{token}", site.plain(budgets::recipient))
        .route("/o/{org}/events", site.inside(events::events))
        .route("/o/{org}/events/rejected", site.inside(events::rejected))
        .route("/o/{org}/events/unpriced", site.inside(events::unpriced))
        .route("/o/{org}/events/doubles", site.inside(events::possible_duplicates))
        .route("/o/{org}/events/uploads", site.inside(events::uploads))
        .route("/o/{org}/events/uploads/{upload}", site.inside(events::upload))
        .route("/o/{org}/events/{event}", site.inside(events::event))
        .route("/o/{org}/budgets", site.inside(budgets::budgets))
        .route("/o/{org}/budgets/new", site.inside(budgets::new_budget))
        .route("/o/{org}/budgets/{budget}", site.inside(budgets::budget))
        .route("/o/{org}/budgets/{budget}/edit", site.inside(budgets::edit_budget))
        .route("/o/{org}/alerts", site.inside(budgets::alerts))
        .route("/o/{org}/forecast", site.inside(forecast::forecast))
        .route("/o/{org}/statements", site.inside(statements::statements))
        .route("/o/{org}/statements/{month}/{kind}/{slug}", site.inside(statements::statement))
}
