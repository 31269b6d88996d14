//! Valid requests, by room.

pub(super) mod allocation;
pub(super) mod budgets;
pub(super) mod business_metrics;
pub(super) mod charges;
pub(super) mod events;
pub(super) mod exports;
pub(super) mod identity;
pub(super) mod keys;
pub(super) mod labels;
pub(super) mod others;
pub(super) mod prices;
pub(super) mod projects;
pub(super) mod spend;
pub(super) mod views;
