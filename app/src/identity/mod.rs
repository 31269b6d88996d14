//! Accounts, organizations, members: pages.
//!
//! Forms here are plain: they post and load the next page with and without JavaScript, because what they change (who is signed in, what an organization is called) stands in the frame around the page too.

pub mod account;
pub mod api;
pub mod audit;
mod first_key;
mod frame;
pub mod home;
pub mod invitation;
pub mod members;
pub mod next;
pub mod onboarding;
pub mod organizations;
pub mod password;
pub mod settings;
pub mod shell;
pub mod sign_in;
pub mod sign_up;
pub mod views;

pub use account::AccountPage;
pub use audit::AuditPage;
pub(crate) use frame::{frame, framed, waiting};
pub use home::{HomePage, NotFoundPage, not_found};
pub use views::FrameData;
pub use invitation::InvitationPage;
pub use members::MembersPage;
pub use onboarding::FirstPage;
pub use organizations::OrganizationsPage;
pub use password::{ForgottenPasswordPage, ResetPasswordPage};
pub use settings::{SettingsPage, SettingsTabs};
pub use shell::{OrganizationShell, use_frame, use_org};
pub use sign_in::{SignInPage, VerifyEmailPage};
pub use sign_up::SignUpPage;
