//! What pages of files before they are entered have in common: how many rows are right, and what is wrong with the others.

use crate::form::FileErrors;
use crate::format;
use crate::ui::{Badge, Button, Field, FormErrors, Section, Table, Tone, columns, html};
use domain::import::{FileForm, FileImport, FileRow};
use leptos::prelude::*;

/// Most rows that a page shows; those that are wrong come first.
const SHOWN: usize = 300;

/// The form that sends a file, of which nothing counts yet: `yet` says so. It posts to `/imports` below a room's page.
pub(crate) fn form<F: FileForm>(page: &str, yet: &'static str) -> AnyView {
    let path = format!("{page}/imports");
    let wrong = FileErrors::posted_to(&path);
    let hint = format!("UTF-8, at most 1 MiB and 2,000 rows. Columns: {}.", F::COLUMNS.join(", "));
    html! {
        <form class="form form-wide" method="post" enctype="multipart/form-data" action=path>
            <FormErrors errors=wrong.all()/>
            <Field label="CSV file" name="file" kind="file" accept=".csv" error=wrong.of("file") hint=hint/>
            <div class="actions">
                <Button>"Upload and preview"</Button>
                <span class="soft small">{yet}</span>
            </div>
        </form>
    }
}

/// Rows of a file as a page has them: how many, and how many of them are wrong.
pub(crate) struct Rows {
    all: usize,
    wrong: usize,
}

impl Rows {
    /// Of a file.
    pub(crate) fn of<F, T>(rows: &[(FileRow<F>, T)]) -> Self {
        Self { all: rows.len(), wrong: rows.iter().filter(|(row, _)| !row.wrong.is_empty()).count() }
    }

    /// The answer in one sentence; `what` is one of them: "charge".
    pub(crate) fn lead(&self, file: &FileImport, what: &str) -> String {
        match (file.entered_at, self.wrong) {
            (Some(at), _) => format!("Entered on {}.", format::time(at)),
            (None, 0) => format!("{} can be entered. Nothing counts yet.", counted(self.all, what)),
            (None, wrong) => {
                let rows = counted(self.all, "row");
                format!(
                    "{} of {rows} cannot be entered. Correct the file and send it again.",
                    format::count(wrong as u64)
                )
            }
        }
    }

    /// The words on the button that enters them; none where they cannot be.
    pub(crate) fn enter(&self, file: &FileImport, what: &str) -> Option<String> {
        (file.entered_at.is_none() && self.wrong == 0).then(|| format!("Enter {}", counted(self.all, what)))
    }
}

fn counted(number: usize, word: &str) -> String {
    format::counted(i128::try_from(number).unwrap_or_default(), word)
}

/// The rows, those that are wrong first; `heads` are those of the cells that `cells` draws.
pub(crate) fn table<F, T>(
    mut rows: Vec<(FileRow<F>, T)>,
    heads: &'static str,
    cells: impl Fn(&FileRow<F>, &T) -> AnyView,
) -> AnyView {
    rows.sort_by_key(|(row, _)| (row.wrong.is_empty(), row.line));
    let more = rows.len().saturating_sub(SHOWN);
    let more = (more > 0)
        .then(|| view! { <p class="soft small">{format!("{} more not listed.", format::count(more as u64))}</p> });
    let line = |(row, read): &(FileRow<F>, T)| {
        let state = if row.wrong.is_empty() {
            html! { <Badge tone=Tone::Good>"ready"</Badge> }
        } else {
            let wrong =
                row.wrong.iter().map(|wrong| format!("{}: {}", wrong.pointer, wrong.detail)).collect::<Vec<_>>();
            html! { <span class="warn">{wrong.join(" ")}</span> }
        };
        view! { <tr>{cells(row, read)}<td class="num">{row.line}</td><td>{state}</td></tr> }
    };
    let shown = rows.iter().take(SHOWN).map(line).collect_view();
    let heads = columns(heads).into_iter().chain(columns("Row # | State")).collect::<Vec<_>>();
    html! {
        <Section title="Rows"><Table caption="Rows of the file" columns=heads dense=true>{shown}</Table>{more}</Section>
    }
}
