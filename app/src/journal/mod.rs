//! The journals of a month: what they book, their files, and the accounts.

pub mod api;

use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::UrlQuery;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Breadcrumb, Button, ButtonKind, Choice, Column, Crumb, Facts, Field, FormErrors, Notice, NoticeText, PageHead,
    Section, Select, Table, Tone, UrlNotice, html,
};
use api::{ExportJournal, SetJournal};
use domain::identity::Permission;
use domain::journal::{
    DateFormat, ExportedJournal, Journal, JournalForm, JournalKind, JournalSettings, JournalState, Preset,
};
use domain::problem::Problem;
use domain::statement::{month_text, parse_month};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use rust_decimal::Decimal;

/// Lines that the page shows; files have all of them.
const SHOWN: usize = 100;

const NOTICES: &[NoticeText] = &[
    NoticeText { code: "exported", tone: Tone::Good, text: "Exported. The files are below." },
    NoticeText {
        code: "repeated",
        tone: Tone::Warn,
        text: "This version was exported before. Its files have the same journal number and reference.",
    },
    NoticeText { code: "saved", tone: Tone::Good, text: "Saved. Files are made with these accounts from now on." },
];

/// The journals of a month.
pub(crate) async fn journal(visit: Visit) -> Drawn {
    let month = parse_month(visit.part("month")).map_err(|_| Problem::NotFound)?;
    let (states, settings) = futures::try_join!(
        backend::journal::states(&visit.backend, &visit.scope, month),
        backend::journal::settings(&visit.backend, &visit.scope),
    )?;
    let (name, list) = (format::month(month.from), format!("/o/{}/statements", visit.org()));
    let of_month = UrlQuery::new().with("month", &month_text(month.from)).at(&list);
    let crumbs = vec![Crumb::link("Statements", list), Crumb::link(name.clone(), of_month), Crumb::here("Journal")];
    let title = format!("Journal, {name}");
    let sections = states.iter().map(|state| section(&visit, state, &settings)).collect_view();
    Ok(Page::new(
        title.clone(),
        view! {
            <UrlNotice known=NOTICES/>
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=title lead="The month as balanced entries for your general ledger, exported once per version."/>
            <FormErrors errors={Posted::<ExportJournal>::here().errors()}/>
            {sections}
            {accounts(&visit, &settings)}
        },
    ))
}

fn section(visit: &Visit, state: &JournalState, settings: &JournalSettings) -> AnyView {
    let note = match state.kind {
        JournalKind::Chargeback => "cost by cost centre, against the platform's recovery",
        JournalKind::Accrual => "usage not invoiced, without charges, reversed on the 1st of the next month",
    };
    let exported = state.exported.as_ref().map(|exported| exported_facts(visit, exported));
    let moved = state.exported.as_ref().zip(state.next.as_ref()).map(|(exported, next)| {
        let (was, is) = (exported.journal.head.journal_id(), next.head.journal_id());
        let text = format!("Usage has changed since {was}. {is} stands for the whole month: reverse {was} in the ledger before you book it.");
        view! { <Notice tone=Tone::Warn>{text}</Notice> }
    });
    let may_export = visit.frame.may(Permission::ManagePrices);
    let form = state.next.as_ref().filter(|_| may_export).map(|next| export_form(visit, next));
    let shown = state.next.as_ref().or(state.exported.as_ref().map(|exported| &exported.journal));
    let lines = match (shown, state.kind) {
        (Some(journal), _) => lines(journal, settings),
        (None, JournalKind::Chargeback) => html! { <p class="soft">"A month is charged back once it is closed."</p> },
        (None, JournalKind::Accrual) => html! { <p class="soft">"No priced usage in this month."</p> },
    };
    html! { <Section title=state.kind.label() note=note id=state.kind.as_str()>{exported}{moved}{form}{lines}</Section> }
}

/// Who exported it, and its files for each tool.
fn exported_facts(visit: &Visit, exported: &ExportedJournal) -> AnyView {
    let ExportedJournal { journal, preset, sha256, exported_at, exported_by } = exported;
    let by = format!("{} by {exported_by}, for {}", format::time(*exported_at), preset.label());
    let files = Preset::ALL.map(|preset| {
        let count = journal.part_count(preset);
        (1..=count)
            .map(|part| {
                let href = UrlQuery::new()
                    .with("kind", journal.head.kind.as_str())
                    .with("preset", preset.as_str())
                    .with("part", &part.to_string())
                    .at(&format!("{}.csv", visit.path));
                let name = if count == 1 {
                    preset.label().to_owned()
                } else {
                    format!("{} {part} of {count}", preset.label())
                };
                view! { <a class="button" href=href download="" rel="external">{name}</a> }
            })
            .collect_view()
    });
    let facts = [
        ("Exported", by),
        ("Journal", journal.head.journal_id()),
        ("Reference", journal.head.external_ref()),
        ("SHA-256 of the first file", sha256.clone()),
    ];
    let facts = facts.map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }).collect_view();
    html! {
        <Facts>{facts}</Facts>
        <div class="actions">{files}</div>
    }
}

fn export_form(visit: &Visit, next: &Journal) -> AnyView {
    let (kind, month) = (next.head.kind, month_text(next.head.month));
    let presets = Preset::ALL.map(|preset| Choice::new(preset.as_str(), preset.label())).to_vec();
    let fields = hidden([("org", visit.org()), ("month", &month), ("kind", kind.as_str())]);
    let hint = "Every tool's columns are there once it is exported. Xero takes 300 lines a file: a longer journal comes in parts.";
    html! {
        <form method="post" action=ExportJournal::url() class="form">
            {fields}
            <Select label="Columns for" name="preset" id=format!("preset-{}", kind.as_str()) choices=presets hint=hint/>
            <div class="actions"><Button kind=ButtonKind::Primary>{format!("Export {}", next.head.journal_id())}</Button></div>
        </form>
    }
}

fn lines(journal: &Journal, settings: &JournalSettings) -> AnyView {
    let all = journal.lines();
    let columns = vec![
        Column::text("Account"),
        Column::text("Cost centre"),
        Column::text("Memo").wide(),
        Column::number("Debit, $"),
        Column::number("Credit, $"),
    ];
    let amount = |amount: Decimal| (amount > Decimal::ZERO).then(|| format::money_plain(amount));
    let rows = all.iter().take(SHOWN).map(|(side, sum)| {
        view! {
            <tr>
                <th scope="row">{settings.account(side.account).to_owned()}</th>
                <td>{settings.cost_centre_of(&side.cost_centre).to_owned()}</td>
                <td class="wrap only-wide">{side.memo.clone()}</td>
                <td class="num">{amount(*sum)}</td>
                <td class="num">{amount(-*sum)}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let debits: Decimal = all.iter().map(|(_, sum)| *sum).filter(Decimal::is_sign_positive).sum();
    let foot = html! {
        <tr>
            <th scope="row">"total"</th><td></td><td class="only-wide"></td>
            <td class="num">{format::money_plain(debits)}</td><td class="num">{format::money_plain(debits)}</td>
        </tr>
    };
    let more = all.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| view! { <p class="soft">{format!("{more} more lines are in the files.")}</p> });
    let caption = format!("Lines of {}", journal.head.journal_id());
    html! { <Table caption=caption columns=columns dense=true foot=foot>{rows}</Table>{more} }
}

/// The ledger's words for our accounts, and what stands on every line.
fn accounts(visit: &Visit, settings: &JournalSettings) -> Option<AnyView> {
    if !visit.frame.may(Permission::ManagePrices) {
        return None;
    }
    let form = Posted::<SetJournal>::here();
    let now = JournalForm::from(settings.clone());
    let fields = [
        ("expense_account", "Expense account", &now.expense_account, "What AI costs, by cost centre."),
        ("recovery_account", "Recovery account", &now.recovery_account, "Credited by chargeback."),
        ("accrual_account", "Accrued liabilities account", &now.accrual_account, "Credited by accruals."),
        ("margin_account", "Margin account", &now.margin_account, "Credited by markup."),
        ("cost_centre", "Platform cost centre", &now.cost_centre, "Of credits, and of costs without a cost centre."),
        ("entity", "Entity", &now.entity, "Subsidiary; empty for the organization\u{2019}s name."),
        ("ledger", "Ledger", &now.ledger, "For Oracle the ledger\u{2019}s id."),
        ("tax_code", "Tax code", &now.tax_code, "For Xero the name of a tax rate."),
    ];
    let field = |(name, label, value, hint): &(&str, &'static str, &String, &'static str)| {
        let name = format!("settings[{name}]");
        let (error, value) = (form.error(&name), form.kept_or(&name, value));
        let optional = !label.ends_with("account");
        html! { <Field label=*label name=name value=value maxlength=200 error=error hint=*hint optional=optional/> }
    };
    let dates = DateFormat::ALL.map(|format| Choice::new(format.as_str(), format.write(visit.frame.today))).to_vec();
    let (date, date_error) = (form.kept_or("settings[dates]", &now.dates), form.error("settings[dates]"));
    let hint = "In files for NetSuite, Xero and QuickBooks, as your ledger\u{2019}s region writes them.";
    let dates =
        html! { <Select label="Dates" name="settings[dates]" choices=dates value=date error=date_error hint=hint/> };
    let mut all: Vec<AnyView> = fields.iter().map(field).collect();
    all.push(dates);
    let rest = all.split_off(4);
    let (errors, whose) = (form.errors(), hidden([("org", visit.org()), ("month", visit.part("month"))]));
    Some(html! {
        <Section title="Accounts" id="accounts">
            <form method="post" action=SetJournal::url() class="form form-wide">
                <FormErrors errors=errors/>
                {whose}
                <div class="form-row">{all}</div>
                <div class="form-row">{rest}</div>
                <div class="actions"><Button>"Save"</Button></div>
            </form>
        </Section>
    })
}
