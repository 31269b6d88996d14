//! The design system: every control, state and chart that pages are made of.
//!
//! Nothing here knows a word of the domain; texts and formatted numbers are passed in.
//! Everything is readable and usable without scripts, which only add comfort; what needs them carries the class `with-scripts`.
//! To add a component: one file here, one file of the same name in `style/ui`, one entry in the gallery (`gallery.rs`).

/// What [`view!`](leptos::view) draws, without its type: what functions that draw give back.
macro_rules! html {
    ($($markup:tt)*) => { leptos::prelude::IntoAny::into_any(leptos::view! { $($markup)* }) };
}
pub(crate) use html;

pub mod badge;
pub mod breadcrumb;
pub mod button;
pub mod chart;
pub mod copy;
pub mod dialog;
pub mod field;
pub mod figure;
pub mod icon;
mod inline_code;
pub mod menu;
pub mod meter;
pub mod notice;
pub mod pager;
pub mod section;
pub mod state;
pub mod table;
pub mod tabs;

pub use badge::{Badge, StatusDot, Tone};
pub use breadcrumb::{Breadcrumb, Crumb};
pub use button::{Button, ButtonKind, RowButton};
pub use copy::CodeBlock;
pub use dialog::Dialog;
pub use field::{Checkbox, Choice, Field, FormErrors, Radios, Select, Suggest, TextArea};
pub use figure::{Change, Direction, Figure, Stat, StatRow};
pub use icon::{Icon, Kbd, Sign};
pub use inline_code::inline_code;
pub use menu::{Menu, MenuItem, MenuRule};
pub use meter::{BarTone, Meter, SignedBar, TimeBar};
pub use notice::{NOTICE_PARAM, Notice, NoticeText, UrlNotice};
pub use pager::Pager;
pub use section::{Columns, Facts, PageHead, Section, Stacked};
pub use state::{EmptyState, ErrorState, NoPermission};
pub use table::{Column, Sort, Table, columns};
pub use tabs::{Tab, Tabs};
