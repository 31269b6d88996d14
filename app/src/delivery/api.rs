//! The door of `/dev/mail`.

use crate::error::AppError;
use domain::delivery::ShownMail;
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

/// The newest mails that local mode shows instead of sending, where other machines reach it to signed-in people alone; outside local mode there is no such page.
#[server(prefix = "/fn", endpoint = "mails", input = Json)]
pub async fn load_mails() -> Result<Vec<ShownMail>, AppError> {
    let backend = crate::caller::backend()?;
    if !backend.local {
        return Err(AppError::of(domain::problem::Problem::NotFound));
    }
    if backend.exposed {
        crate::caller::SignedIn::or_sign_in().await?;
    }
    Ok(backend::delivery::shown(&backend).await?)
}
