//! Fields that the forms of this room share.

use crate::ui::Field;
use leptos::prelude::*;

/// Who says so, and where it is written.
#[component]
pub fn SourceFields(
    /// What stands in the source at first.
    source: String,
    /// What stands in the link at first.
    link: String,
    /// What is wrong with the source.
    #[prop(into)]
    source_error: MaybeProp<String>,
    /// What is wrong with the link.
    #[prop(into)]
    link_error: MaybeProp<String>,
) -> impl IntoView {
    view! {
        <div class="form-row">
            <Field label="Source" name="source" value=source maxlength=200 error=source_error
                hint="Who says so, such as Contract 2026-114. Stands on every receipt."/>
            <Field label="Link" name="source_url" kind="url" optional=true value=link error=link_error/>
        </div>
    }
}

/// Whose calls and which models are meant; all of them where nothing is entered.
#[component]
pub fn ModelsFields(
    /// Name of the field for the provider.
    #[prop(optional, into)]
    provider_name: Option<String>,
    /// What stands in the provider at first.
    provider: String,
    /// What stands in the models at first.
    models: String,
    /// What is wrong with the provider.
    #[prop(into)]
    provider_error: MaybeProp<String>,
    /// What is wrong with the models.
    #[prop(into)]
    models_error: MaybeProp<String>,
) -> impl IntoView {
    let name = provider_name.unwrap_or_else(|| "provider".to_owned());
    view! {
        <div class="form-row">
            <Field label="Provider" name=name optional=true value=provider maxlength=200 error=provider_error
                hint="Who sells the calls, such as openai; empty for every provider."/>
            <Field label="Models" name="models" optional=true value=models maxlength=200 error=models_error
                hint="A name in the price book, or ^gpt-4o for names that begin so; empty for every model."/>
        </div>
    }
}
