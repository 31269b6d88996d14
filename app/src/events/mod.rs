//! Events: the live list, sessions and interactions, the receipt of each, what was rejected, what waits for a price, what may be counted twice, and files of events.

pub mod api;
mod call_group;
mod call_groups;
mod detail;
mod labels;
mod list;
mod possible_duplicates;
mod rejected;
mod unpriced;
mod uploads;

pub(crate) use call_group::{interaction, session};
pub(crate) use call_groups::{interactions, sessions};
pub(crate) use detail::event;
pub(crate) use labels::{List, tabs};
pub(crate) use list::events;
pub(crate) use possible_duplicates::possible_duplicates;
pub(crate) use rejected::rejected;
pub(crate) use unpriced::unpriced;
pub(crate) use uploads::{upload, uploads};
