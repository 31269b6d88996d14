//! What stands around every page: navigation, top bar, period picker, theme, command palette.
//!
//! Period, comparison and filters stand in the address and stay when the page changes.
//! To add a page to the navigation: a variant of [`navigation::NavItem`] and a line in its group.

pub mod csv_link;
pub mod frame;
pub mod logo;
pub mod navigation;
pub mod period;
pub mod plain;
pub mod query;
pub mod theme;

pub use csv_link::CsvLink;
pub use frame::{Frame, Named, print_head};
pub use logo::Logo;
pub use navigation::{Badges, NavItem, shows_days, shows_filters, shows_hours};
pub use period::{PeriodSelection, period_here};
pub use plain::Plain;
pub use query::{ADD, HOW, UrlQuery, VALUE, here};
