//! Accounts, organizations, members: pages.

use leptos::prelude::*;
use leptos_router::components::Outlet;

/// NotFoundPage.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <h1>"NotFoundPage"</h1> }
}

/// HomePage.
#[component]
pub fn HomePage() -> impl IntoView {
    view! { <h1>"HomePage"</h1> }
}

/// SignUpPage.
#[component]
pub fn SignUpPage() -> impl IntoView {
    view! { <h1>"SignUpPage"</h1> }
}

/// SignInPage.
#[component]
pub fn SignInPage() -> impl IntoView {
    view! { <h1>"SignInPage"</h1> }
}

/// VerifyEmailPage.
#[component]
pub fn VerifyEmailPage() -> impl IntoView {
    view! { <h1>"VerifyEmailPage"</h1> }
}

/// ForgottenPasswordPage.
#[component]
pub fn ForgottenPasswordPage() -> impl IntoView {
    view! { <h1>"ForgottenPasswordPage"</h1> }
}

/// ResetPasswordPage.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    view! { <h1>"ResetPasswordPage"</h1> }
}

/// InvitationPage.
#[component]
pub fn InvitationPage() -> impl IntoView {
    view! { <h1>"InvitationPage"</h1> }
}

/// AccountPage.
#[component]
pub fn AccountPage() -> impl IntoView {
    view! { <h1>"AccountPage"</h1> }
}

/// OrganizationsPage.
#[component]
pub fn OrganizationsPage() -> impl IntoView {
    view! { <h1>"OrganizationsPage"</h1> }
}

/// SettingsPage.
#[component]
pub fn SettingsPage() -> impl IntoView {
    view! { <h1>"SettingsPage"</h1> }
}

/// MembersPage.
#[component]
pub fn MembersPage() -> impl IntoView {
    view! { <h1>"MembersPage"</h1> }
}

/// AuditPage.
#[component]
pub fn AuditPage() -> impl IntoView {
    view! { <h1>"AuditPage"</h1> }
}

/// The frame around every page of an organization.
#[component]
pub fn OrganizationShell() -> impl IntoView {
    view! { <Outlet /> }
}
