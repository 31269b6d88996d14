//! Tallystick's pages, made on the server; what moves in them are the islands of `frontend`.
//!
//! `ui` knows no domain word, `layout` is the frame, every other folder is a room: `mod.rs` (pages), `api.rs` (doors), one file per page.
//! To add a page: a function in its room, a line in [`routes`], one in `layout`'s navigation, a visit in `end2end`.

#![recursion_limit = "512"]

pub mod allocation;
pub mod annotations;
pub mod budgets;
pub mod business_metrics;
pub mod caller;
pub mod charges;
mod cookie;
pub mod delivery;
pub mod error;
pub mod events;
pub mod exports;
mod file_import;
pub mod forecast;
pub mod form;
pub mod guides;
pub mod identity;
pub mod journal;
pub mod keys;
pub mod labels;
pub mod layout;
pub mod page;
pub mod prices;
pub mod projects;
pub mod routes;
pub mod sample;
pub mod spend;
pub mod statements;
pub mod suggestions;
pub mod ui;
pub mod views;

pub use domain::format;
