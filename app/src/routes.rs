//! All pages: the route table.

use crate::page::Site;
use crate::{budgets, delivery, identity, keys, prices, projects, spend};
use axum::Router;

/// Every page at its path.
pub fn pages<S: Clone + Send + Sync + 'static>(site: &Site) -> Router<S> {
    Router::new()
        .route("/", site.plain(identity::home))
        .route("/sign-up", site.plain(identity::sign_up))
        .route("/sign-in", site.plain(identity::sign_in))
        .route("/verify-email", site.plain(identity::verify_email))
        .route("/forgotten-password", site.plain(identity::forgotten_password))
        .route("/reset-password", site.plain(identity::reset_password))
        .route("/invitations/{org}/{token}", site.plain(identity::invitation))
        .route("/account", site.plain(identity::account))
        .route("/dev/mail", site.plain(delivery::mails))
        .route("/organizations", site.plain(identity::organizations))
        .route("/o/{org}", site.inside(identity::first))
        .route("/o/{org}/budgets", site.inside(budgets::budgets))
        .route("/o/{org}/alerts", site.inside(budgets::alerts))
        .route("/o/{org}/explore", site.inside(spend::explore))
        .route("/o/{org}/projects", site.inside(projects::projects))
        .route("/o/{org}/projects/{project}", site.inside(projects::project))
        .route("/o/{org}/teams/{team}", site.inside(projects::team))
        .route("/o/{org}/prices", site.inside(prices::prices))
        .route("/o/{org}/prices/own", site.inside(prices::own_book))
        .route("/o/{org}/prices/own/price", site.inside(prices::enter_price))
        .route("/o/{org}/prices/own/name", site.inside(prices::map_name))
        .route("/o/{org}/prices/basis", site.inside(prices::cost_basis))
        .route("/o/{org}/prices/imports", site.inside(prices::imports))
        .route("/o/{org}/prices/imports/{import}", site.inside(prices::import))
        .route("/o/{org}/prices/discounts", site.inside(prices::discounts))
        .route("/o/{org}/prices/discounts/new", site.inside(prices::new_discount))
        .route("/o/{org}/prices/contract", site.inside(prices::contract))
        .route("/o/{org}/prices/contract/new", site.inside(prices::new_term))
        .route("/o/{org}/prices/runs", site.inside(prices::runs))
        .route("/o/{org}/prices/runs/new", site.inside(prices::new_run))
        .route("/o/{org}/prices/runs/{run}", site.inside(prices::run))
        .route("/o/{org}/prices/{provider}/{*model}", site.inside(prices::model))
        .route("/o/{org}/settings", site.inside(identity::settings))
        .route("/o/{org}/settings/members", site.inside(identity::members))
        .route("/o/{org}/settings/keys", site.inside(keys::keys))
        .route("/o/{org}/settings/audit", site.inside(identity::audit))
}
