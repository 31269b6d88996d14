//! Fields that the forms of this room share.

use super::enter::PROVIDERS;
use crate::suggestions::{BOOK_MODEL, BOOK_PROVIDER, suggest};
use crate::ui::Field;
use crate::ui::html;
use leptos::prelude::*;

/// What stands in a field at first, and what is wrong with it.
type Typed = (String, Option<String>);

/// Who says so, and where it is written.
pub(super) fn source_fields((source, source_error): Typed, (link, link_error): Typed) -> AnyView {
    html! {
        <div class="form-row">
            <Field label="Source" name="source" value=source maxlength=200 error=source_error
                hint="Such as Contract 2026-114. Stands on every receipt."/>
            <Field label="Link" name="source_url" kind="url" optional=true value=link error=link_error/>
        </div>
    }
}

/// Whose calls, in the field of that name, and which models are meant; all of them where nothing is entered.
pub(super) fn models_fields(
    org: &str,
    name: &'static str,
    (provider, provider_error): Typed,
    (models, models_error): Typed,
) -> AnyView {
    let (providers, names) = (suggest(org, BOOK_PROVIDER).list(PROVIDERS), suggest(org, BOOK_MODEL).beside(name));
    html! {
        <div class="form-row">
            <Field label="Provider" name=name optional=true value=provider maxlength=200 error=provider_error suggest=providers
                hint="Who sells the calls, such as openai; empty for every provider."/>
            <Field label="Models" name="models" optional=true value=models maxlength=200 error=models_error suggest=names
                hint="A name in the price book, or ^gpt-4o for names that begin so; empty for every model."/>
        </div>
    }
}
