//! Events: the live list, the receipt of each, what was rejected, what waits for a price, what may be counted twice, and files of events.

pub mod api;
pub mod detail;
mod labels;
pub mod list;
pub mod possible_duplicates;
pub mod rejected;
pub mod unpriced;
pub mod uploads;

pub use detail::EventPage;
pub use list::EventsPage;
pub use possible_duplicates::PossibleDuplicatesPage;
pub use rejected::RejectedPage;
pub use unpriced::UnpricedPage;
pub use uploads::{UploadPage, UploadsPage};
