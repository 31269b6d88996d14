//! Tallystick's words and rules.
//!
//! One module per room, the same word on every floor.
//! Nothing here does I/O, reads a clock, draws a random number or knows a framework: a function's result follows from its arguments alone.
//! To add a word, put its type here first; SQL, pages and the API then share it.

pub mod allocation;
#[cfg(feature = "tz")]
pub mod annotation;
pub mod budget;
pub mod business_metric;
pub mod charge;
pub mod csv;
pub mod delivery;
pub mod event;
pub mod export;
pub mod focus;
pub mod forecast;
pub mod format;
pub mod identity;
pub mod ids;
pub mod import;
pub mod journal;
pub mod label;
pub mod meter;
pub mod model;
pub mod money;
pub mod period;
pub mod price;
pub mod problem;
pub mod project;
pub mod quote;
pub mod rating;
pub mod receipt;
pub mod repricing;
pub mod rule;
pub mod span;
pub mod spend;
pub mod statement;
pub mod suggestion;
pub mod upload;
pub mod view;
