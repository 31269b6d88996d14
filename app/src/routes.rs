//! All pages: the route table.

use crate::page::Site;
use crate::{budgets, delivery, identity, keys};
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
        .route("/o/{org}/settings", site.inside(identity::settings))
        .route("/o/{org}/settings/members", site.inside(identity::members))
        .route("/o/{org}/settings/keys", site.inside(keys::keys))
        .route("/o/{org}/settings/audit", site.inside(identity::audit))
}
