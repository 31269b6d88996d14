//! The link of the mail that asks whether somebody wants budget alerts.

use super::api::{ConfirmRecipient, load_recipient_offer};
use crate::form::{Form, use_form};
use crate::layout::Plain;
use crate::ui::{Button, ButtonKind, FormErrors, Loading, PageHead, loaded_first};
use domain::budget::RecipientOffer;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// `/recipients/{org}/{token}`. Opening it changes nothing, because mail programs open links too; the button does.
#[component]
pub fn RecipientPage() -> impl IntoView {
    let form = use_form::<ConfirmRecipient>();
    let params = use_params_map();
    let part = move |name: &'static str| params.read_untracked().get(name).unwrap_or_default();
    let link = StoredValue::new((part("org"), part("token")));
    let offer = loaded_first(move || link.get_value(), |(org, token)| load_recipient_offer(org, token));
    view! {
        <Title text="Budget alerts"/>
        <Plain>
            <Suspense fallback=|| view! { <Loading what="link"/> }>
                {move || Suspend::new(async move {
                    match offer.await {
                        Ok(offer) => page(offer, link.get_value(), form),
                        Err(_) => view! {
                            <PageHead title="This link is not open" lead="It was replaced by a newer one, or is older than 7 days. Ask for a new one."/>
                        }
                        .into_any(),
                    }
                })}
            </Suspense>
        </Plain>
    }
}

fn page(offer: RecipientOffer, (org, token): (String, String), form: Form<ConfirmRecipient>) -> AnyView {
    let RecipientOffer { organization, email, confirmed } = offer;
    if confirmed {
        let lead = format!("{email} gets the budget alerts of {organization} that name it as a recipient.");
        return view! { <PageHead title="Confirmed" lead=lead/> }.into_any();
    }
    let title = format!("Budget alerts of {organization}");
    let lead = format!("{email} was entered as a recipient. Mail is sent only if you confirm it.");
    view! {
        <PageHead title=title lead=lead/>
        <form class="form" method="post" action=ConfirmRecipient::url()>
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="token" value=token/>
            <Button kind=ButtonKind::Primary>"Confirm"</Button>
        </form>
    }
    .into_any()
}
