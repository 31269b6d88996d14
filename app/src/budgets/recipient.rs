//! The link of the mail that asks whether somebody wants budget alerts.

use super::api::ConfirmRecipient;
use crate::caller::backend;
use crate::error::AppError;
use crate::form::Posted;
use crate::layout::Plain;
use crate::page::{Address, Drawn, Page};
use crate::ui::{Button, ButtonKind, FormErrors, PageHead, html};
use domain::budget::RecipientOffer;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// `/recipients/{org}/{token}`. Opening it changes nothing, because mail programs open links too; the button does.
pub(crate) async fn recipient(address: Address) -> Drawn {
    let (org, token) = (address.part("org"), address.part("token"));
    let offer = backend::budgets::recipient_offer(&backend()?, org, token).await.map_err(AppError::from);
    let page = offer.map_or_else(
        |_| {
            html! {
                <PageHead title="This link is not open" lead="It was replaced by a newer one, or is older than 7 days. Ask for a new one."/>
            }
        },
        |offer| draw(offer, org, token),
    );
    Ok(Page::new("Budget alerts", view! { <Plain>{page}</Plain> }))
}

fn draw(offer: RecipientOffer, org: &str, token: &str) -> AnyView {
    let RecipientOffer { organization, email, confirmed } = offer;
    if confirmed {
        let lead = format!("{email} gets the budget alerts of {organization} that name it as a recipient.");
        return html! { <PageHead title="Confirmed" lead=lead/> };
    }
    let title = format!("Budget alerts of {organization}");
    let lead = format!("{email} was entered as a recipient. Mail is sent only if you confirm it.");
    let (org, token) = (org.to_owned(), token.to_owned());
    let form = Posted::<ConfirmRecipient>::here();
    html! {
        <PageHead title=title lead=lead/>
        <form class="form" method="post" action=ConfirmRecipient::url()>
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="token" value=token/>
            <Button kind=ButtonKind::Primary>"Confirm"</Button>
        </form>
    }
}
