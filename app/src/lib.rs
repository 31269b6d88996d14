//! Tallystick's pages, made on the server; what moves in them are the islands of `frontend`.
//!
//! `ui` knows no domain word, `layout` is the frame, every other folder is a room: `mod.rs` (pages), `api.rs` (doors), one file per view.
//! To add a page: a component in its room, a line in [`App`]'s route table, one in `layout`'s navigation, a journey in `end2end`.

#![recursion_limit = "512"]

pub mod budgets;
pub mod caller;
pub mod delivery;
pub mod error;
pub mod events;
pub mod forecast;
pub mod form;
pub mod identity;
pub mod keys;
pub mod layout;
pub mod page;
pub mod prices;
pub mod projects;
pub mod routes;
pub mod sample;
pub mod spend;
pub mod statements;
pub mod ui;

pub use domain::format;

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

/// The document around every page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=layout::theme::current().attribute()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <HashedStylesheet options=options.clone() id="style" />
                <AutoReload options=options.clone() />
                <HydrationScripts options=options.clone() islands=true />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// All pages: the route table.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    // A page is made whole before its first byte: it reads without JavaScript, and whatever in it decides status or redirect has been asked.
    let ssr = SsrMode::Async;
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Tallystick".to_owned() } else { format!("{title} · Tallystick") } />
        <Router>
            <Routes fallback=identity::NotFoundPage>
                <Route path=path!("/recipients/:org/:token") view=budgets::RecipientPage ssr=ssr.clone() />
                <ParentRoute path=path!("/o/:org") view=identity::OrganizationShell ssr=ssr.clone()>
                    <Route path=path!("events") view=events::EventsPage />
                    <Route path=path!("events/rejected") view=events::RejectedPage />
                    <Route path=path!("events/unpriced") view=events::UnpricedPage />
                    <Route path=path!("events/doubles") view=events::PossibleDuplicatesPage />
                    <Route path=path!("events/uploads") view=events::UploadsPage />
                    <Route path=path!("events/uploads/:upload") view=events::UploadPage />
                    <Route path=path!("events/:event") view=events::EventPage />
                    <Route path=path!("budgets/new") view=budgets::NewBudgetPage />
                    <Route path=path!("budgets/:budget") view=budgets::BudgetPage />
                    <Route path=path!("budgets/:budget/edit") view=budgets::EditBudgetPage />
                    <Route path=path!("forecast") view=forecast::ForecastPage />
                    <Route path=path!("statements") view=statements::StatementsPage />
                    <Route path=path!("statements/:month/:kind/:slug") view=statements::StatementPage />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
