//! Tables: figures right-aligned and tabular, units in the header, an own scroll box when narrow.

use leptos::prelude::*;

/// Whether and how a column is sorted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// The head of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    label: String,
    number: bool,
    hidden: bool,
    wide: bool,
    href: Option<String>,
    sort: Option<Sort>,
}

impl Column {
    /// A column of text.
    pub fn text(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// A column of figures: right-aligned; the unit belongs into the label ("Spend, $"). Its cells carry `class="num"`.
    pub fn number(label: impl Into<String>) -> Self {
        Self { number: true, ..Self::text(label) }
    }

    /// The label is for screen readers only, for columns of buttons or drawings.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Left out where the window is narrow, so that what the table is read for stays in sight. Its cells carry `class="only-wide"`.
    #[must_use]
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// The head is a link that sorts by this column; `now` is how it is sorted at present.
    #[must_use]
    pub fn sort(mut self, href: impl Into<String>, now: Option<Sort>) -> Self {
        self.href = Some(href.into());
        self.sort = now;
        self
    }

    fn view(self) -> AnyView {
        let (aria, arrow) = match self.sort {
            Some(Sort::Ascending) => (Some("ascending"), " ↑"),
            Some(Sort::Descending) => (Some("descending"), " ↓"),
            None => (None, ""),
        };
        let label = if self.hidden {
            view! { <span class="visually-hidden">{self.label}</span> }.into_any()
        } else if let Some(href) = self.href {
            view! { <a href=href>{self.label}<span aria-hidden="true">{arrow}</span></a> }.into_any()
        } else {
            self.label.into_any()
        };
        let class = if self.number { "num" } else { "" };
        view! { <th scope="col" class=class class:only-wide=self.wide aria-sort=aria>{label}</th> }.into_any()
    }
}

/// Heads of columns, a bar between two: figures have `#` behind ([`Column::number`]), what only screen readers are told has `~` ([`Column::hidden`]).
///
/// `columns("Model | Spend, $ # | Actions ~")`
#[must_use]
pub fn columns(heads: &'static str) -> Vec<Column> {
    let column = |head: &'static str| match (head.strip_suffix(" #"), head.strip_suffix(" ~")) {
        (Some(label), _) => Column::number(label),
        (_, Some(label)) => Column::text(label).hidden(),
        (None, None) => Column::text(head),
    };
    heads.split(" | ").map(column).collect()
}

/// A table. Rows are `<tr>` whose first cell is `<th scope="row">`; cells of figures carry `class="num"`.
#[component]
pub fn Table(
    /// What the table lists.
    #[prop(into)]
    caption: String,
    /// The caption is shown; otherwise a heading above already says it and it is for screen readers only.
    #[prop(optional)]
    show_caption: bool,
    /// Heads of the columns.
    columns: Vec<Column>,
    /// The row of totals: one or more `<tr>`.
    #[prop(optional)]
    foot: Option<AnyView>,
    /// Rows closer together, for long lists.
    #[prop(optional)]
    dense: bool,
    /// The rows.
    children: Children,
) -> impl IntoView {
    let class = if dense { "table table-dense" } else { "table" };
    let caption_class = if show_caption { "" } else { "visually-hidden" };
    // Heads that nobody sees take no room.
    let head_class = if columns.iter().all(|column| column.hidden) { "visually-hidden" } else { "" };
    let heads = columns.into_iter().map(Column::view).collect_view();
    view! {
        // Focusable, so that the keyboard can scroll it.
        <div class="table-box" tabindex="0" role="region" aria-label=caption.clone()>
            <table class=class>
                <caption class=caption_class>{caption.clone()}</caption>
                <thead class=head_class><tr>{heads}</tr></thead>
                <tbody>{children()}</tbody>
                {foot.map(|foot| view! { <tfoot>{foot}</tfoot> })}
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, columns};

    #[test]
    fn heads_say_what_their_columns_hold() {
        let meant = [Column::text("Model"), Column::number("Spend, $"), Column::text("Actions").hidden()];
        assert_eq!(columns("Model | Spend, $ # | Actions ~"), meant);
    }
}
