//! Accounts, organizations, members: pages.

mod account;
pub mod api;
mod audit;
mod first_key;
mod frame;
pub mod home;
mod invitation;
mod members;
pub mod next;
mod onboarding;
mod organizations;
mod password;
mod settings;
mod sign_in;
mod sign_up;

pub(crate) use account::account;
pub(crate) use audit::audit;
pub use frame::FrameData;
pub(crate) use frame::{frame, framed, waiting};
pub(crate) use home::{home, not_found};
pub(crate) use invitation::invitation;
pub(crate) use members::members;
pub(crate) use onboarding::first;
pub(crate) use organizations::organizations;
pub(crate) use password::{forgotten_password, reset_password};
pub(crate) use settings::{settings, settings_part};
pub(crate) use sign_in::{sign_in, verify_email};
pub(crate) use sign_up::sign_up;
