//! All pages: the route table.

use crate::page::Site;
use crate::{budgets, delivery, events, forecast, identity, keys, prices, projects, spend, statements};
use axum::routing::MethodRouter;

/// Every page at its path.
#[must_use]
pub fn pages<S: Clone + Send + Sync + 'static>(site: &Site) -> Vec<(&'static str, MethodRouter<S>)> {
    vec![
        ("/", site.plain(identity::home)),
        ("/sign-up", site.plain(identity::sign_up)),
        ("/sign-in", site.plain(identity::sign_in)),
        ("/verify-email", site.plain(identity::verify_email)),
        ("/forgotten-password", site.plain(identity::forgotten_password)),
        ("/reset-password", site.plain(identity::reset_password)),
        ("/invitations/{org}/{token}", site.plain(identity::invitation)),
        ("/account", site.plain(identity::account)),
        ("/dev/mail", site.plain(delivery::mails)),
        ("/organizations", site.plain(identity::organizations)),
        ("/o/{org}", site.inside(identity::first)),
        ("/recipients/{org}/{token}", site.plain(budgets::recipient)),
        ("/o/{org}/events", site.inside(events::events)),
        ("/o/{org}/events/rejected", site.inside(events::rejected)),
        ("/o/{org}/events/unpriced", site.inside(events::unpriced)),
        ("/o/{org}/events/possible-duplicates", site.inside(events::possible_duplicates)),
        ("/o/{org}/events/uploads", site.inside(events::uploads)),
        ("/o/{org}/events/uploads/{upload}", site.inside(events::upload)),
        ("/o/{org}/events/{event}", site.inside(events::event)),
        ("/o/{org}/budgets", site.inside(budgets::budgets)),
        ("/o/{org}/budgets/new", site.inside(budgets::new_budget)),
        ("/o/{org}/budgets/{budget}", site.inside(budgets::budget)),
        ("/o/{org}/budgets/{budget}/edit", site.inside(budgets::edit_budget)),
        ("/o/{org}/alerts", site.inside(budgets::alerts)),
        ("/o/{org}/explore", site.inside(spend::explore)),
        ("/o/{org}/projects", site.inside(projects::projects)),
        ("/o/{org}/projects/{project}", site.inside(projects::project)),
        ("/o/{org}/teams/{team}", site.inside(projects::team)),
        ("/o/{org}/prices", site.inside(prices::prices)),
        ("/o/{org}/prices/own", site.inside(prices::own_book)),
        ("/o/{org}/prices/own/price", site.inside(prices::enter_price)),
        ("/o/{org}/prices/own/name", site.inside(prices::map_name)),
        ("/o/{org}/prices/basis", site.inside(prices::cost_basis)),
        ("/o/{org}/prices/imports", site.inside(prices::imports)),
        ("/o/{org}/prices/imports/{import}", site.inside(prices::import)),
        ("/o/{org}/prices/discounts", site.inside(prices::discounts)),
        ("/o/{org}/prices/discounts/new", site.inside(prices::new_discount)),
        ("/o/{org}/prices/contract", site.inside(prices::contract)),
        ("/o/{org}/prices/contract/new", site.inside(prices::new_term)),
        ("/o/{org}/prices/runs", site.inside(prices::runs)),
        ("/o/{org}/prices/runs/new", site.inside(prices::new_run)),
        ("/o/{org}/prices/runs/{run}", site.inside(prices::run)),
        ("/o/{org}/prices/{provider}/{*model}", site.inside(prices::model)),
        ("/o/{org}/settings", site.inside(identity::settings)),
        ("/o/{org}/settings/members", site.inside(identity::members)),
        ("/o/{org}/settings/keys", site.inside(keys::keys)),
        ("/o/{org}/settings/audit", site.inside(identity::audit)),
        ("/o/{org}/forecast", site.inside(forecast::forecast)),
        ("/o/{org}/statements", site.inside(statements::statements)),
        ("/o/{org}/statements/{month}/{kind}/{slug}", site.inside(statements::statement)),
    ]
}
