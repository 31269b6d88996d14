//! The sample organization: a realistic quarter of usage to look around in.

use crate::error::AppError;
use crate::form::Posted;
use crate::format;
use crate::layout::NavItem;
use crate::page::Page;
use crate::ui::{Button, FormErrors, Meter, PageHead, html};
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

/// What stands in place of the Overview while the sample is loaded; it gives way by itself.
pub(crate) fn arriving(org: &str, share: f64) -> Page {
    let again = NavItem::Overview.path(org);
    let text = format!("{} of the quarter is there", format::percent_whole(share));
    let body = view! {
        <PageHead title="Your sample is on its way" lead="A quarter of usage goes in by the same door as your own events will. It takes some seconds."/>
        // The same address shows the Overview when all is there.
        <div class="sample-arriving" role="status" id="sample-arriving" data-live="1">
            <Meter share=share label=text.clone()/><p class="soft">{text}</p>
        </div>
        <noscript><p><a href=again>"Look again"</a></p></noscript>
    };
    Page::new("Sample data", body)
}

/// The button "Load sample data" with a line that says what it does.
pub(crate) fn form() -> AnyView {
    html! {
        <form class="form" method="post" action=LoadSample::url()>
            <FormErrors errors={Posted::<LoadSample>::here().errors()}/>
            <p class="soft">
                "A separate organization with a quarter of usage, made from figures measured on production traces. Delete it whenever you like."
            </p>
            <Button>"Load sample data"</Button>
        </form>
    }
}
