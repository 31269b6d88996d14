//! The way in, and the page for what is not there.

use crate::caller::SignedIn;
use crate::layout::{NavItem, Plain};
use crate::page::{Address, Drawn, Page};
use crate::ui::{Button, ButtonKind, PageHead};
use leptos::prelude::*;

/// Leads everybody to where they belong: strangers to sign in, members to their organization.
pub(crate) async fn home(_: Address) -> Drawn {
    let way = match SignedIn::find().await? {
        None => "/sign-in".to_owned(),
        Some(SignedIn { user, backend, .. }) => {
            match backend::identity::organizations_of(&backend, user.user_id).await?.as_slice() {
                [(only, _)] => NavItem::Overview.path(&only.slug),
                _ => "/organizations".to_owned(),
            }
        }
    };
    leptos_axum::redirect(&way);
    Ok(Page::new("", ()))
}

/// What is not there, or not for this reader.
#[must_use]
pub(crate) fn not_found() -> Page {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    Page::new(
        "Not found",
        view! {
            <Plain>
                <PageHead title="Not found" lead="There is nothing here, or it is not yours to see."/>
                <div class="actions"><Button kind=ButtonKind::Primary href="/">"Back to Overview"</Button></div>
            </Plain>
        },
    )
}
