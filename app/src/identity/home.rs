//! The way in, and the page for what is not there.

use super::api::home;
use crate::layout::Plain;
use crate::page::Page;
use crate::ui::{Button, ButtonKind, PageHead, loaded_first};
use leptos::prelude::*;
use leptos_meta::Title;

/// `/`: leads everybody to where they belong.
#[component]
pub fn HomePage() -> impl IntoView {
    let way = loaded_first(|| (), |()| home());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                way.await.is_err().then(|| view! {
                    <Plain>
                        <PageHead title="Not available at the moment" lead="Try again in a few seconds."/>
                        <a class="button" href="/sign-in">"Sign in"</a>
                    </Plain>
                })
            })}
        </Suspense>
    }
}

/// What is not there, or not for this reader.
#[must_use]
pub fn not_found() -> Page {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    Page::new(
        "Not found",
        view! {
            <Plain>
                <PageHead title="Not found" lead="There is nothing here, or it is not yours to see."/>
                <div class="actions"><Button kind=ButtonKind::Primary href="/">"Go to the start"</Button></div>
            </Plain>
        },
    )
}

/// The same as a component.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text="Not found"/>
        <Plain>
            <PageHead title="Not found" lead="There is nothing here, or it is not yours to see."/>
            <div class="actions"><Button kind=ButtonKind::Primary href="/">"Go to the start"</Button></div>
        </Plain>
    }
}
