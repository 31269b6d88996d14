//! The list of a page as a file.

use super::{UrlQuery, here};
use crate::ui::{Icon, Sign};
use leptos::prelude::*;

/// Among the actions of a list's page: the same rows as CSV, at the page's address with `.csv` behind it.
#[component]
pub fn CsvLink(
    /// Another address than the page's own.
    #[prop(into, optional)]
    href: Option<String>,
) -> impl IntoView {
    let href = href.unwrap_or_else(|| UrlQuery::here().without(&[]).at(&format!("{}.csv", here())));
    view! { <a class="button" href=href download="" rel="external"><Icon sign=Sign::Download/>"CSV"</a> }
}
