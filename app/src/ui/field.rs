//! Form controls: label above, hint below, error in place of silence.

use leptos::prelude::*;

use super::inline_code;

/// The ids that describe a control: its hint and, while there is one, its error.
fn described_by(id: &str, hint: bool, error: bool) -> Option<String> {
    let mut ids = Vec::new();
    if hint {
        ids.push(format!("{id}-hint"));
    }
    if error {
        ids.push(format!("{id}-error"));
    }
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// Label, control, hint and error in their order.
fn frame(
    id: String,
    label: String,
    optional: bool,
    hint: Option<String>,
    error: Option<String>,
    control: AnyView,
) -> AnyView {
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let is_wrong = error.is_some();
    view! {
        <div class="field" class:field-invalid=is_wrong>
            <label class="field-label" for=id>
                {label}
                {optional.then(|| view! { <span class="field-optional">" (optional)"</span> })}
            </label>
            {control}
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
            {error.map(|error| view! { <p class="field-error" id=error_id>{inline_code(&error)}</p> })}
        </div>
    }
    .into_any()
}

/// Where a field gets what it proposes while somebody types; without scripts it is a plain field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suggest {
    /// The address of the proposals, which ends where what was typed is added.
    pub href: String,
    /// Id of the field that narrows them, and that a choice fills too.
    pub beside: Option<&'static str>,
    /// Id of a list that the browser proposes without scripts.
    pub list: Option<&'static str>,
}

impl Suggest {
    /// Narrowed by another field.
    #[must_use]
    pub fn beside(self, id: &'static str) -> Self {
        Self { beside: Some(id), ..self }
    }

    /// With a list for who has no scripts.
    #[must_use]
    pub fn list(self, id: &'static str) -> Self {
        Self { list: Some(id), ..self }
    }
}

/// One line of input with its label.
#[component]
pub fn Field(
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// Name in the form; also the id unless `id` is given.
    #[prop(into)]
    name: String,
    /// Id, where the same name stands on the page twice.
    #[prop(into, optional)]
    id: Option<String>,
    /// HTML input type: `text` (default), `email`, `password`, `number`, `date`, `search`, `file`.
    #[prop(into, default = "text".to_owned())]
    kind: String,
    /// What stands in it at first.
    #[prop(into, optional)]
    value: Option<String>,
    /// A word of help below.
    #[prop(into, optional)]
    hint: Option<String>,
    /// What is wrong with the input; announced with the field.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// HTML autocomplete token, such as `email` or `current-password`.
    #[prop(into, optional)]
    autocomplete: Option<String>,
    /// HTML inputmode, such as `decimal`.
    #[prop(into, optional)]
    inputmode: Option<String>,
    /// An example of what is expected; never the only explanation.
    #[prop(into, optional)]
    placeholder: Option<String>,
    /// May be left empty; said beside the label.
    #[prop(optional)]
    optional: bool,
    /// Most characters it takes.
    #[prop(optional)]
    maxlength: Option<u32>,
    /// Fewest characters it takes.
    #[prop(optional)]
    minlength: Option<u32>,
    /// Regular expression that the browser checks.
    #[prop(into, optional)]
    pattern: Option<String>,
    /// Smallest value or date.
    #[prop(into, optional)]
    min: Option<String>,
    /// Largest value or date.
    #[prop(into, optional)]
    max: Option<String>,
    /// Step of a number; `any` for decimals.
    #[prop(into, optional)]
    step: Option<String>,
    /// Takes the focus when the page opens.
    #[prop(optional)]
    autofocus: bool,
    /// Endings of the files that are offered, such as `.csv,.ndjson`.
    #[prop(into, optional)]
    accept: Option<String>,
    /// Where proposals come from while somebody types.
    #[prop(into, optional)]
    suggest: Option<Suggest>,
    /// Texts that the browser offers while one types, each with other names of the same, divided by spaces.
    #[prop(optional)]
    suggestions: Vec<(String, String)>,
    /// Takes a time zone, of which the browser proposes its own.
    #[prop(optional)]
    own_zone: bool,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let describe = described_by(&id, hint.is_some(), error.is_some());
    let is_open = suggest.is_some();
    let Suggest { href, beside, list: names } = suggest.unwrap_or_default();
    let list = (!suggestions.is_empty()).then(|| format!("{id}-list"));
    let suggested = suggestions.into_iter().map(|(text, also)| {
        let also = (!also.is_empty()).then_some(also);
        view! { <option value=text data-also=also></option> }
    });
    let control = view! {
        <input
            class="input"
            list=list.clone().or_else(|| names.map(str::to_owned))
            data-own-zone=own_zone
            id=id.clone()
            name=name
            type=kind
            value=value
            autocomplete=autocomplete
            inputmode=inputmode
            placeholder=placeholder
            required=!optional
            maxlength=maxlength.map(|n| n.to_string())
            minlength=minlength.map(|n| n.to_string())
            pattern=pattern
            min=min
            max=max
            step=step
            autofocus=autofocus
            accept=accept
            data-suggest=is_open.then_some(href)
            data-beside=beside
            aria-invalid=error.is_some().then_some("true")
            aria-describedby=describe
        />
        {list.map(|list| view! { <datalist id=list>{suggested.collect_view()}</datalist> })}
    }
    .into_any();
    let control = if is_open { view! { <span class="suggest">{control}</span> }.into_any() } else { control };
    frame(id, label, optional, hint, error, control)
}

/// Several lines of input with their label.
#[component]
pub fn TextArea(
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// Name in the form; also the id unless `id` is given.
    #[prop(into)]
    name: String,
    /// Id, where the same name stands on the page twice.
    #[prop(into, optional)]
    id: Option<String>,
    /// What stands in it at first.
    #[prop(into, optional)]
    value: Option<String>,
    /// A word of help below.
    #[prop(into, optional)]
    hint: Option<String>,
    /// What is wrong with the input.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// Lines shown; 4 unless told otherwise.
    #[prop(default = 4)]
    rows: u32,
    /// May be left empty; said beside the label.
    #[prop(optional)]
    optional: bool,
    /// Most characters it takes.
    #[prop(optional)]
    maxlength: Option<u32>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let describe = described_by(&id, hint.is_some(), error.is_some());
    let control = view! {
        <textarea
            class="input"
            id=id.clone()
            name=name
            rows=rows.to_string()
            required=!optional
            maxlength=maxlength.map(|n| n.to_string())
            aria-invalid=error.is_some().then_some("true")
            aria-describedby=describe
        >
            {value.unwrap_or_default()}
        </textarea>
    }
    .into_any();
    frame(id, label, optional, hint, error, control)
}

/// One thing that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Value in the form.
    pub value: String,
    /// Words on the screen.
    pub label: String,
    /// A word of help beside it; shown by `Radios` only.
    pub hint: Option<String>,
    /// Heading under which a `Select` lists it.
    pub group: Option<String>,
}

impl Choice {
    /// A value with its words.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: None, group: None }
    }

    /// With a word of help.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Listed under a heading; choices of one group stand together.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }
}

fn option(choice: Choice, value: &str) -> AnyView {
    let selected = choice.value == value;
    view! { <option value=choice.value selected=selected>{choice.label}</option> }.into_any()
}

/// Choices in order, those of one group under its heading.
fn options(choices: Vec<Choice>, value: &str) -> Vec<AnyView> {
    let mut out = Vec::new();
    let mut rest = choices.into_iter().peekable();
    while let Some(first) = rest.next() {
        let Some(group) = first.group.clone() else {
            out.push(option(first, value));
            continue;
        };
        let mut members = vec![option(first, value)];
        while let Some(next) = rest.next_if(|next| next.group.as_ref() == Some(&group)) {
            members.push(option(next, value));
        }
        out.push(view! { <optgroup label=group>{members}</optgroup> }.into_any());
    }
    out
}

/// One of several choices, folded.
#[component]
pub fn Select(
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// Name in the form; also the id unless `id` is given.
    #[prop(into)]
    name: String,
    /// Id, where the same name stands on the page twice.
    #[prop(into, optional)]
    id: Option<String>,
    /// What can be chosen, in order.
    choices: Vec<Choice>,
    /// The value chosen at first.
    #[prop(into, optional)]
    value: Option<String>,
    /// A word of help below.
    #[prop(into, optional)]
    hint: Option<String>,
    /// What is wrong with the choice.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// Label to the left in the same line, for toolbars.
    #[prop(optional)]
    inline: bool,
    /// May be long: where it is, a field finds in it as soon as scripts run.
    #[prop(optional)]
    find: bool,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let options = options(choices, value.as_deref().unwrap_or_default());
    let describe = described_by(&id, hint.is_some(), error.is_some());
    let control = view! {
        <select
            class="input"
            data-find=find
            id=id.clone()
            name=name
            aria-invalid=error.is_some().then_some("true")
            aria-describedby=describe
        >
            {options}
        </select>
    }
    .into_any();
    if inline {
        view! { <span class="field-inline"><label for=id>{label}</label>{control}</span> }.into_any()
    } else {
        frame(id, label, false, hint, error, control)
    }
}

/// One of a few choices, all visible.
#[component]
pub fn Radios(
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What can be chosen, in order.
    choices: Vec<Choice>,
    /// The value chosen at first.
    #[prop(into, optional)]
    value: Option<String>,
) -> impl IntoView {
    let value = value.unwrap_or_default();
    let items = choices
        .into_iter()
        .map(|choice| {
            let checked = choice.value == value;
            view! {
                <label class="choice">
                    <input type="radio" name=name.clone() value=choice.value checked=checked/>
                    <span>{choice.label}{choice.hint.map(|hint| view! { <span class="choice-hint">{hint}</span> })}</span>
                </label>
            }
        })
        .collect_view();
    view! { <fieldset class="field radios"><legend class="field-label">{label}</legend>{items}</fieldset> }
}

/// Yes or no.
#[component]
pub fn Checkbox(
    /// What yes means.
    #[prop(into)]
    label: String,
    /// Name in the form; nothing is sent when it is not ticked.
    #[prop(into)]
    name: String,
    /// Value that is sent when it is ticked.
    #[prop(into, default = "true".to_owned())]
    value: String,
    /// Ticked at first.
    #[prop(optional)]
    checked: bool,
    /// A word of help beside it.
    #[prop(into, optional)]
    hint: Option<String>,
) -> impl IntoView {
    view! {
        <label class="choice">
            <input type="checkbox" name=name value=value checked=checked/>
            <span>{label}{hint.map(|hint| view! { <span class="choice-hint">{hint}</span> })}</span>
        </label>
    }
}

/// Everything that is wrong with a form, above it; each entry leads to its field.
#[component]
pub fn FormErrors(
    /// Pairs of the field's id (empty when it concerns the whole form) and what is wrong.
    errors: Vec<(String, String)>,
) -> impl IntoView {
    (!errors.is_empty()).then(|| {
        let items = errors
            .into_iter()
            .map(|(field, what)| {
                let what = inline_code(&what);
                if field.is_empty() {
                    view! { <li>{what}</li> }.into_any()
                } else {
                    view! { <li><a href=format!("#{field}")>{what}</a></li> }.into_any()
                }
            })
            .collect_view();
        view! { <div class="notice tone-bad form-errors" role="alert"><ul>{items}</ul></div> }
    })
}

#[cfg(test)]
mod tests {
    use super::described_by;

    #[test]
    fn a_control_is_described_by_what_stands_below_it() {
        assert_eq!(described_by("mail", false, false), None);
        assert_eq!(described_by("mail", true, false).as_deref(), Some("mail-hint"));
        assert_eq!(described_by("mail", true, true).as_deref(), Some("mail-hint mail-error"));
    }
}
