//! The sample organization: a realistic quarter of usage to look around in.

use crate::error::AppError;
use crate::form::Form;
use crate::ui::{Button, FormErrors};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Makes a sample organization for the signed-in person and leads there; its events arrive in the background.
///
/// # Errors
/// Without a sign-in; a conflict where there is a sample already.
#[server(prefix = "/fn", endpoint = "sample/load")]
pub async fn load_sample() -> Result<(), AppError> {
    let signed_in = crate::caller::SignedIn::require().await?;
    let (backend, user_id) = (&signed_in.backend, signed_in.user.user_id);
    let known = backend::identity::organizations_of(backend, user_id).await?;
    let zone = known.first().map_or("UTC", |(organization, _)| organization.time_zone.as_str());
    let sample = backend::sample::start(backend, user_id, zone).await?;
    leptos_axum::redirect(&format!("/o/{}", sample.slug));
    Ok(())
}

/// The button "Load sample data" with a line that says what it does.
#[component]
pub fn LoadSampleForm(
    /// Made by `use_form` outside of what is loaded.
    form: Form<LoadSample>,
) -> impl IntoView {
    view! {
        <form class="form" method="post" action=LoadSample::url()>
            <FormErrors errors=form.errors()/>
            <p class="soft">
                "A separate organization with a quarter of usage, made from figures measured on production traces. Delete it whenever you like."
            </p>
            <Button>"Load sample data"</Button>
        </form>
    }
}
