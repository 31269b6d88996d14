//! The sample organization: a realistic quarter of usage to look around in.

use crate::error::AppError;
use crate::form::Form;
use crate::format;
use crate::layout::NavItem;
use crate::ui::{Button, FormErrors, Meter, PageHead};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;

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

/// How much of the sample's quarter is there, from 0 to 1, while it is loaded; none once all of it is.
///
/// # Errors
/// Without a sign-in, and for strangers to the organization.
#[server(prefix = "/fn", endpoint = "sample/progress")]
pub async fn sample_progress(
    /// Slug of the organization.
    org: String,
) -> Result<Option<f64>, AppError> {
    let caller = crate::caller::Caller::enter(&org).await?;
    Ok(backend::sample::progress(&caller.backend, &caller.scope).await?)
}

/// What stands in place of the Overview while the sample is loaded; it gives way by itself.
#[component]
pub fn SampleArriving(
    /// Slug of the organization.
    org: String,
    /// How much of the quarter is there.
    share: f64,
) -> impl IntoView {
    let again = NavItem::Overview.path(&org);
    let text = format!("{} of the quarter is there", format::percent_whole(share));
    view! {
        <Title text="Sample data"/>
        <PageHead title="Your sample is on its way" lead="A quarter of usage goes in by the same door as your own events will. It takes some seconds."/>
        // The same address shows the Overview when all is there.
        <div class="sample-arriving" role="status" id="sample-arriving" data-live="1">
            <Meter share=share label=text.clone()/><p class="soft">{text}</p>
        </div>
        <noscript><p><a href=again>"Look again"</a></p></noscript>
    }
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
