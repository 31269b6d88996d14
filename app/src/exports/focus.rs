//! Spend as a FOCUS dataset, previewed, with what is not in it.

use super::tabs;
use crate::format;
use crate::layout::{PeriodSelection, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Button, ButtonKind, Choice, CodeBlock, Column, EmptyState, Field, Figure, FormErrors, PageHead, Section, Select,
    Table, columns, html,
};
use domain::focus::Version;
use domain::focus::manifest::{Manifest, Preview};
use domain::focus::query::{FileFormat, FocusQuery};
use domain::focus::row::FocusRow;
use domain::focus::sku;
use domain::period::Period;
use domain::problem::Problem;
use leptos::prelude::*;

/// The form by which an export is asked for, and how it begins.
pub(crate) async fn exports(visit: Visit) -> Drawn {
    let period = PeriodSelection::from_query(&visit.query, visit.frame.calendar()).period;
    let named = ["version", "bucket", "tags", "format"];
    let chosen = named.into_iter().filter_map(|name| Some((name.to_owned(), visit.query.get(name)?.to_owned())));
    let pairs: Vec<_> = chosen.chain(UrlQuery::days(period).pairs()).collect();
    let (body, wrong) = match FocusQuery::from_pairs(&pairs) {
        Ok(query) => {
            let preview = backend::exports::preview(&visit.backend, &visit.scope, &query).await?;
            (Some(previewed(&visit, &preview)), None)
        }
        Err(problem) => (None, Some(problem)),
    };
    let form = form(&visit, period, wrong.as_ref());
    Ok(Page::new(
        "FOCUS export",
        view! {
            <PageHead
                title="FOCUS export"
                lead="Spend as a FOCUS dataset for FinOps tools and warehouses: one row per meter, price, project and day."
            />
            {tabs(&visit)}
            {form}
            {body}
        },
    ))
}

fn form(visit: &Visit, period: Period, wrong: Option<&Problem>) -> AnyView {
    let fields = wrong.map(Problem::fields).unwrap_or_default();
    let errors: Vec<_> = fields.iter().map(|field| (field.pointer.clone(), field.detail.clone())).collect();
    let versions = Version::ALL.map(|version| Choice::new(version.as_str(), format!("FOCUS {}", version.as_str())));
    let buckets = vec![Choice::new("day", "Day"), Choice::new("hour", "Hour")];
    let formats = FileFormat::ALL.map(|format| Choice::new(format.as_str(), format.label()));
    let [version, bucket, chosen, tags] =
        ["version", "bucket", "format", "tags"].map(|name| visit.query.get(name).unwrap_or_default().to_owned());
    let tags_error = fields.iter().find(|field| field.pointer == "tags").map(|field| field.detail.clone());
    html! {
        <form class="form form-wide" method="get" action=visit.path.clone()>
            <FormErrors errors=errors/>
            <div class="form-row">
                <Field label="From" name="from" kind="date" value=period.from.to_string()/>
                <Field label="Through" name="through" kind="date" value=period.last_day().to_string()/>
            </div>
            <div class="form-row">
                <Select label="Version" name="version" choices=versions.to_vec() value=version/>
                <Select label="Rows by" name="bucket" choices=buckets value=bucket/>
                <Select label="Format" name="format" choices=formats.to_vec() value=chosen/>
            </div>
            <Field label="Tags" name="tags" optional=true value=tags error=tags_error hint="Labels for the column Tags, with commas between: feature, environment, customer, user, cohort, step, operation, api_key, tag.<key>."/>
            <div class="actions"><Button>"Preview"</Button></div>
        </form>
    }
}

fn previewed(visit: &Visit, preview: &Preview) -> AnyView {
    let manifest = &preview.manifest;
    if manifest.requests == 0 {
        let text = "There is a row for every meter that was used and has a price. Choose other days.";
        return html! { <EmptyState title="No usage in this period" text=text/> };
    }
    let pairs: UrlQuery = manifest.query.to_pairs().into_iter().collect();
    let file = pairs.at(&format!("{}/focus", visit.path));
    let (figures, left_out, table) = (figures(preview), left_out(visit.org(), manifest), first_rows(&preview.rows));
    let request = format!(
        "curl '{}' -H 'Authorization: Bearer <API key>' -o {}",
        pairs.at(&format!("{}/v1/export/focus", visit.backend.public_url)),
        manifest.query.file_name()
    );
    html! {
        <div class="headline">{figures}</div>
        <div class="actions">
            <Button kind=ButtonKind::Primary href=file attr:download="" attr:rel="external">"Download"</Button>
        </div>
        {left_out}
        <Section title="First rows">{table}</Section>
        <Section title="By API"><CodeBlock code=request what="curl command"/></Section>
    }
}

fn figures(preview: &Preview) -> AnyView {
    let manifest = &preview.manifest;
    let days = format::range(manifest.query.period, manifest.query.period.last_day());
    let note = format!("{days}, {}: the spend of these days on every page", manifest.time_zone);
    let least = if manifest.query.hourly || !manifest.query.tags.is_empty() { "at least " } else { "about " };
    html! {
        <Figure large=true caption="Billed cost" value=format::money(manifest.billed) title=format::money_full(manifest.billed)>
            {note}
        </Figure>
        <Figure caption="Rows" value=format!("{least}{}", format::count(preview.about_rows))/>
        <Figure caption="Size as CSV" value=format!("{least}{}", format::bytes(preview.about_bytes()))/>
    }
}

/// Beside usage.
const CHARGES: &str = "charges beside usage";

/// What is in no row, and what has rows of another kind.
fn left_out(org: &str, manifest: &Manifest) -> AnyView {
    let sums = manifest.priced_from.map(|from| {
        let text = format!(
            "Before {}, rows are sums by day and meter without prices: the events of those days are no longer kept.",
            format::day_year(from)
        );
        view! { <p class="soft">{text}</p> }
    });
    if manifest.unpriced_requests == 0 {
        return html! { <Section title="Left out" note=CHARGES><p>"All usage of these days has a price."</p>{sums}</Section> };
    }
    let rows = manifest
        .unpriced
        .iter()
        .map(|model| {
            view! {
                <tr>
                    <th scope="row">{model.model.clone()}<span class="note">{model.provider.clone()}</span></th>
                    <td class="num">{format::count(model.requests)}</td>
                    <td class="num">{format::count(model.tokens)}</td>
                    <td class="num" title=format::money_full(model.upper_bound)>{format::money(model.upper_bound)}</td>
                </tr>
            }
        })
        .collect_view();
    let text = format!(
        "{} without a price are in no row: a cost that is not known is not zero.",
        format::counted(manifest.unpriced_requests, "request")
    );
    let more = (format!("/o/{org}/events/unpriced"), "Set prices".to_owned());
    html! {
        <Section title="Left out" note=CHARGES more=more>
            <p class="warn">{text}</p>
            {sums}
            <Table caption="Usage without a price" columns=columns("Model | Requests # | Tokens # | At most, $ #")>{rows}</Table>
        </Section>
    }
}

fn first_rows(rows: &[FocusRow]) -> AnyView {
    if rows.is_empty() {
        return html! { <p class="soft">"No row: nothing of these days has a price."</p> };
    }
    let heads = vec![
        Column::text("SkuMeter"),
        Column::text("ChargePeriodStart").wide(),
        Column::text("SubAccountId").wide(),
        Column::number("ConsumedQuantity"),
        Column::number("ListCost"),
        Column::number("BilledCost"),
    ];
    let quantity = |row: &FocusRow| {
        let is_usage = row.key.charge.is_usage();
        is_usage.then(|| format!("{} {}", format::quantity(row.amounts.consumed), sku::unit(row.key.meter)))
    };
    let body = rows
        .iter()
        .map(|row| {
            let start = row.key.start.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            view! {
                <tr>
                    <th scope="row">{sku::meter_name(row.key.meter)}<span class="note">{row.key.model.clone()}</span></th>
                    <td class="only-wide nowrap">{start}</td>
                    <td class="only-wide">{row.owner.project.clone()}</td>
                    <td class="num">{quantity(row)}</td>
                    <td class="num">{row.list_cost().to_string()}</td>
                    <td class="num">{row.amounts.billed.normalize().to_string()}</td>
                </tr>
            }
        })
        .collect_view();
    html! { <Table caption="First rows of the dataset" columns=heads>{body}</Table> }
}
