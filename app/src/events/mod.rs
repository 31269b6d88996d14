//! Events: the live list, the receipt of each, what was rejected, what waits for a price, what may be counted twice, and files of events.

pub mod api;
mod detail;
mod labels;
mod list;
mod possible_duplicates;
mod rejected;
mod unpriced;
mod uploads;

pub(crate) use detail::event;
pub(crate) use list::events;
pub(crate) use possible_duplicates::possible_duplicates;
pub(crate) use rejected::rejected;
pub(crate) use unpriced::unpriced;
pub(crate) use uploads::{upload, uploads};
