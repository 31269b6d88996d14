//! Events: the live list, the receipt of each, what was rejected and what waits for a price.

pub mod api;
pub mod detail;
pub mod list;
pub mod rejected;
pub mod unpriced;
mod words;

pub use detail::EventPage;
pub use list::EventsPage;
pub use rejected::RejectedPage;
pub use unpriced::UnpricedPage;
