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
                <Route path=path!("/") view=identity::HomePage ssr=ssr.clone() />
                <Route path=path!("/sign-up") view=identity::SignUpPage ssr=ssr.clone() />
                <Route path=path!("/sign-in") view=identity::SignInPage ssr=ssr.clone() />
                <Route path=path!("/verify-email") view=identity::VerifyEmailPage ssr=ssr.clone() />
                <Route path=path!("/forgotten-password") view=identity::ForgottenPasswordPage ssr=ssr.clone() />
                <Route path=path!("/reset-password") view=identity::ResetPasswordPage ssr=ssr.clone() />
                <Route path=path!("/invitations/:org/:token") view=identity::InvitationPage ssr=ssr.clone() />
                <Route path=path!("/account") view=identity::AccountPage ssr=ssr.clone() />
                <Route path=path!("/dev/mail") view=delivery::MailPage ssr=ssr.clone() />
                <Route path=path!("/organizations") view=identity::OrganizationsPage ssr=ssr.clone() />
                <ParentRoute path=path!("/o/:org") view=identity::OrganizationShell ssr=ssr.clone()>
                    <Route path=path!("") view=identity::FirstPage />
                    <Route path=path!("explore") view=spend::ExplorePage />
                    <Route path=path!("projects") view=projects::ProjectsPage />
                    <Route path=path!("projects/:project") view=projects::ProjectPage />
                    <Route path=path!("teams/:team") view=projects::TeamPage />
                    <Route path=path!("prices") view=prices::PricesPage />
                    <Route path=path!("prices/own") view=prices::OwnBookPage />
                    <Route path=path!("prices/own/price") view=prices::EnterPricePage />
                    <Route path=path!("prices/own/name") view=prices::MapNamePage />
                    <Route path=path!("prices/basis") view=prices::CostBasisPage />
                    <Route path=path!("prices/imports") view=prices::ImportsPage />
                    <Route path=path!("prices/imports/:import") view=prices::ImportPage />
                    <Route path=path!("prices/discounts") view=prices::DiscountsPage />
                    <Route path=path!("prices/discounts/new") view=prices::NewDiscountPage />
                    <Route path=path!("prices/contract") view=prices::ContractPage />
                    <Route path=path!("prices/contract/new") view=prices::NewTermPage />
                    <Route path=path!("prices/runs") view=prices::RunsPage />
                    <Route path=path!("prices/runs/new") view=prices::NewRunPage />
                    <Route path=path!("prices/runs/:run") view=prices::RunPage />
                    <Route path=path!("prices/:provider/*model") view=prices::ModelPage />
                    <Route path=path!("settings") view=identity::SettingsPage />
                    <Route path=path!("settings/members") view=identity::MembersPage />
                    <Route path=path!("settings/keys") view=keys::KeysPage />
                    <Route path=path!("settings/audit") view=identity::AuditPage />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
