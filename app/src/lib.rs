//! Tallystick's pages.
//!
//! This crate is built twice: with `ssr` into the server and with `hydrate` into the browser.
//! `ui` knows no domain word, `layout` is the frame, every other folder is a room: `mod.rs` (pages), `api.rs` (doors), one file per view.
//! To add a page: a component in its room, a line in `rooms`, one in [`App`]'s route table, one in `layout`'s navigation, a journey in `end2end`.

#![recursion_limit = "512"]

pub mod budgets;
#[cfg(feature = "ssr")]
pub mod caller;
pub mod delivery;
pub mod error;
pub mod events;
pub mod forecast;
pub mod form;
pub mod identity;
pub mod keys;
pub mod layout;
pub mod prices;
pub mod projects;
mod rooms;
pub mod sample;
pub mod spend;
pub mod statements;
pub mod ui;

pub use domain::format;

use crate::rooms::{Account, Control, Events, Prices, Setup, Spend};
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
                <HydrationScripts options=options.clone() />
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
                <Route path=path!("/") view=Account::Home ssr=ssr.clone() />
                <Route path=path!("/sign-up") view=Account::SignUp ssr=ssr.clone() />
                <Route path=path!("/sign-in") view=Account::SignIn ssr=ssr.clone() />
                <Route path=path!("/verify-email") view=Account::VerifyEmail ssr=ssr.clone() />
                <Route path=path!("/forgotten-password") view=Account::ForgottenPassword ssr=ssr.clone() />
                <Route path=path!("/reset-password") view=Account::ResetPassword ssr=ssr.clone() />
                <Route path=path!("/invitations/:org/:token") view=Account::Invitation ssr=ssr.clone() />
                <Route path=path!("/recipients/:org/:token") view=Account::Recipient ssr=ssr.clone() />
                <Route path=path!("/account") view=Account::Settings ssr=ssr.clone() />
                <Route path=path!("/dev/mail") view=Account::Mail ssr=ssr.clone() />
                <Route path=path!("/organizations") view=Account::Organizations ssr=ssr.clone() />
                <ParentRoute path=path!("/o/:org") view=identity::OrganizationShell ssr=ssr.clone()>
                    <Route path=path!("") view=Spend::First />
                    <Route path=path!("explore") view=Spend::Explore />
                    <Route path=path!("events") view=Events::List />
                    <Route path=path!("events/rejected") view=Events::Rejected />
                    <Route path=path!("events/unpriced") view=Events::Unpriced />
                    <Route path=path!("events/doubles") view=Events::PossibleDuplicates />
                    <Route path=path!("events/uploads") view=Events::Uploads />
                    <Route path=path!("events/uploads/:upload") view=Events::Upload />
                    <Route path=path!("events/:event") view=Events::Event />
                    <Route path=path!("projects") view=Setup::Projects />
                    <Route path=path!("projects/:project") view=Spend::Project />
                    <Route path=path!("teams/:team") view=Spend::Team />
                    <Route path=path!("budgets") view=Control::Budgets />
                    <Route path=path!("budgets/new") view=Control::NewBudget />
                    <Route path=path!("budgets/:budget") view=Control::Budget />
                    <Route path=path!("budgets/:budget/edit") view=Control::EditBudget />
                    <Route path=path!("alerts") view=Control::Alerts />
                    <Route path=path!("forecast") view=Control::Forecast />
                    <Route path=path!("statements") view=Control::Statements />
                    <Route path=path!("statements/:month/:kind/:slug") view=Control::Statement />
                    <Route path=path!("prices") view=Prices::List />
                    <Route path=path!("prices/own") view=Prices::Own />
                    <Route path=path!("prices/own/price") view=Prices::EnterPrice />
                    <Route path=path!("prices/own/name") view=Prices::MapName />
                    <Route path=path!("prices/basis") view=Prices::Basis />
                    <Route path=path!("prices/imports") view=Prices::Imports />
                    <Route path=path!("prices/imports/:import") view=Prices::Import />
                    <Route path=path!("prices/discounts") view=Prices::Discounts />
                    <Route path=path!("prices/discounts/new") view=Prices::NewDiscount />
                    <Route path=path!("prices/contract") view=Prices::Contract />
                    <Route path=path!("prices/contract/new") view=Prices::NewTerm />
                    <Route path=path!("prices/runs") view=Prices::Runs />
                    <Route path=path!("prices/runs/new") view=Prices::NewRun />
                    <Route path=path!("prices/runs/:run") view=Prices::Run />
                    <Route path=path!("prices/:provider/*model") view=Prices::Model />
                    <Route path=path!("settings") view=Setup::Settings />
                    <Route path=path!("settings/members") view=Setup::Members />
                    <Route path=path!("settings/keys") view=Setup::Keys />
                    <Route path=path!("settings/audit") view=Setup::Audit />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
