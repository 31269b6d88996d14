//! One file: what its columns mean, what its first rows would cost, how far it is, and what became of it.

use super::{ACCEPT, state_word};
use crate::events::api::{DiscardUpload, MapUpload};
use crate::events::labels::List;
use crate::form::{FileErrors, Posted};
use crate::format;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::suggestions::{BOOK_PROVIDER, suggest};
use crate::ui::{
    Badge, BarTone, Breadcrumb, Button, ButtonKind, Choice, Crumb, Facts, Field, FormErrors, Meter, NoPermission,
    Notice, PageHead, Section, Select, Table, Tone, columns, html, inline_code,
};
use domain::identity::Permission;
use domain::ids::UploadId;
use domain::meter::UsageFormat;
use domain::upload::{
    Checked, CheckedRow, FIELDS, FileKind, HEAD_BYTES, PIECE_BYTES, Tool, USAGE_FIELDS, Upload, UploadColumn,
    UploadState,
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// `/o/{org}/events/uploads/{upload}`
pub(crate) async fn upload(visit: Visit) -> Drawn {
    let id = visit.id::<UploadId>("upload")?;
    let upload = backend::events::uploads::find(&visit.backend, &visit.scope, id).await?;
    Ok(Page::new(upload.file_name.clone(), draw(&visit, &upload)))
}

fn draw(visit: &Visit, upload: &Upload) -> AnyView {
    let (org, may_send) = (visit.org(), visit.frame.may(Permission::SendEvents));
    let (word, tone) = state_word(upload);
    let name = upload.file_name.clone();
    let crumbs = vec![Crumb::link("Imports", List::Uploads.path(org)), Crumb::here(name.clone())];
    let can_go_on = may_send && upload.is_open();
    let columns = (can_go_on && upload.kind == FileKind::Csv && upload.state == UploadState::Waiting)
        .then(|| column_form(org, upload));
    let first_rows = upload.checked.as_ref().filter(|_| upload.is_open()).map(first_rows);
    let import = (can_go_on && upload.missing.is_empty()).then(|| import_form(visit, upload));
    let denied = (upload.is_open() && !may_send).then(|| {
        view! { <NoPermission what=Permission::SendEvents.description() who="an owner, admin or member"/> }
    });
    let discard = can_go_on.then(|| discard_form(org, upload));
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title=name><Badge tone=tone>{word}</Badge></PageHead>
        {facts(upload)}
        {result(org, upload)}
        {columns}
        {first_rows}
        {import}
        {denied}
        {discard}
    }
}

fn facts(upload: &Upload) -> AnyView {
    let ended = upload.ended_at.map(|at| view! { <div><dt>"Ended"</dt><dd>{format::time(at)}</dd></div> });
    let size = format::bytes(upload.size_bytes);
    let key = upload.key_name.clone();
    let headers: Vec<String> = upload.columns.iter().map(|column| column.name.clone()).collect();
    let tool = Tool::of(&headers).map(|tool| view! { <div><dt>"Recognized as"</dt><dd>{tool.name}</dd></div> });
    let begun = format!("{} by {}", format::time(upload.created_at), upload.created_by);
    html! {
        <Facts>
            {tool}
            <div><dt>"Size"</dt><dd>{size}</dd></div>
            <div><dt>"API key"</dt><dd>{key}</dd></div>
            <div><dt>"Begun"</dt><dd>{begun}</dd></div>
            {ended}
        </Facts>
    }
}

/// How far it is and what became of the rows, as it stands now.
fn result(org: &str, upload: &Upload) -> AnyView {
    let result = (upload.state != UploadState::Waiting || upload.rows > 0).then(|| result_of(org, upload));
    html! { <div class="part" id="progress">{result}</div> }
}

fn result_of(org: &str, upload: &Upload) -> AnyView {
    let said = format!(
        "{}: {} recorded, {} duplicates, {} rejected",
        format::counted(upload.rows, "row"),
        format::count(upload.accepted),
        format::count(upload.duplicates),
        format::count(upload.refused)
    );
    let share = upload.share();
    let read = format!("{} of {} read", format::percent_whole(share), format::bytes(upload.size_bytes));
    let tone = if upload.state == UploadState::Done { BarTone::Good } else { BarTone::Accent };
    let refused = (upload.refused > 0).then(|| refusals(org, upload));
    html! {
        <Section title="Result" id="result">
            <div class="upload-progress">
                <Meter share=share label=read.clone() tone=tone/>
            </div>
            <p><span class="strong">{said}</span>" · "<span class="soft">{read}</span></p>
            {refused}
        </Section>
    }
}

fn refusals(org: &str, upload: &Upload) -> AnyView {
    let reasons = upload.reasons.iter().map(|reason| view! { <li>{inline_code(reason)}</li> }).collect_view();
    let shown = u64::try_from(upload.reasons.len()).unwrap_or_default();
    let more = upload.refused.saturating_sub(shown);
    let more = (more > 0).then(|| format!("And {} more. ", format::count(more)));
    html! {
        <ul class="upload-reasons small">{reasons}</ul>
        <p class="soft">{more}"What could not be taken stands in the "<a href=List::Rejected.path(org)>"rejected list"</a>"; an id that is recorded with other content is only counted."</p>
    }
}

fn column_form(org: &str, upload: &Upload) -> AnyView {
    let form = Posted::<MapUpload>::here();
    let missing = (!upload.missing.is_empty()).then(|| {
        let missing = inline_code(&upload.missing.join("; "));
        view! { <Notice tone=Tone::Warn>"Before it can be read: "{missing}"."</Notice> }
    });
    let columns = columns("Column | Maps to");
    let rows = upload.columns.iter().enumerate().map(|(place, column)| column_row(place, column, &form)).collect_view();
    let choices = FIELDS.into_iter().chain(["reported_cost"]).chain(USAGE_FIELDS);
    let choices = choices.map(|field| view! { <option value=field></option> }).collect_view();
    let constant = |field: &str| {
        let set = upload.constants.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value.as_str());
        form.kept_or(field, set)
    };
    let (providers, projects) = (suggest(org, BOOK_PROVIDER), suggest(org, "project"));
    let (org, upload_id) = (org.to_owned(), upload.upload_id.to_string());
    let [provider, project, environment, timestamp, usage_format] =
        ["provider", "project", "environment", "timestamp", "usage_format"].map(constant);
    let formats = UsageFormat::ALL.iter().map(|format| Choice::new(format.as_str(), format.as_str()));
    let formats = std::iter::once(Choice::new("", "as the provider's")).chain(formats).collect::<Vec<_>>();
    html! {
        <Section title="Columns" note="a column without a field is never read" id="columns">
            {missing}
            <form method="post" action=MapUpload::url() data-swap="">
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=org/>
                <input type="hidden" name="upload" value=upload_id/>
                <datalist id="upload-fields">{choices}</datalist>
                <Table caption="Which column maps to which field" columns=columns dense=true>{rows}</Table>
                <p class="soft small upload-hint">"Counts go into usage as the provider names them, such as usage.prompt_tokens, and labels of your own into tags, such as tags.team. What is chosen here is chosen again for the next file with this header."</p>
                <div class="form-row upload-constants">
                    <Field label="Provider of all rows" name="provider" optional=true maxlength=200 error=form.error("provider") value=provider suggest=providers hint="Such as openai, where no column says it."/>
                    <Field label="Project of all rows" name="project" optional=true maxlength=200 error=form.error("project") value=project suggest=projects hint="Its short name; else the key's."/>
                    <Field label="Environment of all rows" name="environment" optional=true maxlength=200 error=form.error("environment") value=environment/>
                    <Field label="Time of all rows" name="timestamp" optional=true maxlength=40 error=form.error("timestamp") value=timestamp hint="Only where no column says it; such as 2026-11-20, which is noon UTC."/>
                    <Select label="Usage format of all rows" name="usage_format" choices=formats value=usage_format error=form.error("usage_format") hint="Whose names the counts have."/>
                </div>
                <div class="actions"><Button>"Save the columns"</Button></div>
            </form>
        </Section>
    }
}

fn column_row(place: usize, column: &UploadColumn, form: &Posted<MapUpload>) -> AnyView {
    let name = format!("fields[{place}]");
    let id = format!("field-{place}");
    let label = format!("Field of the column {}", column.name);
    let value = form.kept_or(&name, column.field.as_deref().unwrap_or_default());
    let example = column.example.clone().unwrap_or_else(|| "not shown".to_owned());
    html! {
        <tr>
            <th scope="row">{column.name.clone()}<span class="note">{example}</span></th>
            <td><input class="input upload-field" id=id name=name value=value aria-label=label list="upload-fields" autocomplete="off" spellcheck="false" maxlength="200"/></td>
        </tr>
    }
}

/// What the first rows would become.
fn first_rows(checked: &Checked) -> AnyView {
    let rows = checked.rows.len();
    let said = format!(
        "The first {} would cost {}",
        format::counted(i128::try_from(rows).unwrap_or_default(), "row"),
        format::money(checked.cost())
    );
    let concerns = [(checked.refused(), "would be rejected"), (checked.unpriced(), "would be unpriced")];
    let concerns: Vec<String> =
        concerns.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let tone = if concerns.is_empty() { Tone::Good } else { Tone::Warn };
    let said = std::iter::once(said).chain(concerns).collect::<Vec<_>>().join("; ");
    let columns = columns("Row # | Time | Model | Tokens # | Cost, $ # | Notes");
    let body = checked.rows.iter().map(checked_row).collect_view();
    html! {
        <Section title="First rows" note="nothing of them is recorded yet" id="first-rows">
            <Notice tone=tone>{said}"."</Notice>
            <Table caption="What the first rows would become" columns=columns dense=true>{body}</Table>
        </Section>
    }
}

fn checked_row(row: &CheckedRow) -> AnyView {
    let cost = match (row.cost, &row.refused) {
        (Some(cost), _) => html! { <td class="num">{format::money_of_call(cost)}</td> },
        (None, Some(_)) => html! { <td class="num">{format::NONE}</td> },
        (None, None) => html! { <td class="num"><span class="warn">"unpriced"</span></td> },
    };
    let notes =
        row.refused.clone().map(|refused| html! { <span class="bad">"rejected: "{inline_code(&refused)}</span> });
    let notes = notes.or_else(|| row.unpriced.as_deref().map(inline_code));
    html! {
        <tr>
            <th scope="row" class="num">{format::count(row.row)}</th>
            <td class="nowrap">{row.at.map(format::time_exact)}{row.is_sum.then(|| view! { <span class="note">"sum of a span"</span> })}</td>
            <td>{row.model.clone()}<span class="note">{row.provider.clone()}</span></td>
            <td class="num">{format::count(row.tokens)}</td>
            {cost}
            <td class="wrap">{notes}</td>
        </tr>
    }
}

/// Sends the file: with JavaScript in pieces and from memory, without it as a form does.
fn import_form(visit: &Visit, upload: &Upload) -> AnyView {
    let wrong = FileErrors::posted_to(&visit.path);
    let (check, send) = (format!("{}/check", visit.path), format!("{}/send", visit.path));
    let hint = match upload.state {
        UploadState::Partial => "The same file again: what was read is passed over.",
        _ => "The same file: until now only its beginning was looked at.",
    };
    let can_check = upload.state == UploadState::Waiting;
    let title = if can_check { "Record its events" } else { "Go on" };
    let (label, at_hand) = (format!("File {}", upload.file_name), format!("{} is ready.", upload.file_name));
    let (file_wrong, all_wrong) = (wrong.of("file"), wrong.all());
    let (upload_id, done, size) =
        (upload.upload_id.to_string(), upload.done_bytes.to_string(), upload.size_bytes.to_string());
    let events = NavItem::Events.path(visit.org());
    let check = can_check.then(|| {
        view! { <Button attr:formaction=check>"Look at the first rows again"</Button> }
    });
    html! {
        <Section title=title id="import">
            <form
                class="form"
                method="post"
                enctype="multipart/form-data"
                action=send
                data-file="send"
                data-upload=upload_id
                data-done=done
                data-size=size
                data-head=HEAD_BYTES.to_string()
                data-piece=PIECE_BYTES.to_string()
            >
                <FormErrors errors=all_wrong/>
                <p class="notice tone-bad" role="alert" data-wrong="" hidden></p>
                <div data-choose="">
                    <Field label=label name="file" kind="file" accept=ACCEPT hint=hint error=file_wrong/>
                </div>
                <p class="soft" data-at-hand="" hidden>{at_hand}</p>
                <div class="actions">
                    <Button kind=ButtonKind::Primary>{if can_check { "Import" } else { "Go on" }}</Button>
                    {check}
                    <span class="soft small" role="status"></span>
                </div>
            </form>
            <p class="soft small">"Rows without an id get one that follows from what they say, so sending a file twice counts nothing twice. "<a href=events>"Events"</a>" shows them as they come."</p>
        </Section>
    }
}

fn discard_form(org: &str, upload: &Upload) -> AnyView {
    let form = Posted::<DiscardUpload>::here();
    let (org, upload_id) = (org.to_owned(), upload.upload_id.to_string());
    html! {
        <form method="post" action=DiscardUpload::url()>
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="upload" value=upload_id/>
            <div class="actions">
                <Button small=true>"Discard this upload"</Button>
                <span class="soft small">"What was recorded stays."</span>
            </div>
        </form>
    }
}
