//! `tallystick prices import`: newer price data beside the common book, which belongs to all organizations and therefore to the operator.
//!
//! Without `--apply` nothing is written. What looks wrong is listed apart and left out unless `--confirm-jumps` is given.

use crate::config::PriceImport;
use backend::prices::import::common::{self, Added, CommonImport};
use backend::{Backend, Error};
use domain::format;
use domain::price::import::{Counts, ImportEffect, ImportInput, MAX_FILE_BYTES, Proposal, ProposalKind};
use domain::price::{BookPrice, PriceWarning, Variant};
use domain::problem::Problem;
use domain::span::Edge;
use std::fs;
use std::io::{self, Write};

/// Models whose effect is printed one by one.
const MODELS_SHOWN: usize = 20;
/// Reasons for what was left out of the file that are printed.
const REASONS_SHOWN: usize = 20;

/// Compares, prints, and where asked for applies.
///
/// # Errors
/// What is wrong with the file, or that the database is away, or that the output cannot be written.
pub async fn run(backend: &Backend, wanted: &PriceImport, out: &mut impl Write) -> Result<(), String> {
    let input = input(wanted)?;
    let import = common::compare_file(backend, input).await.map_err(error_text)?;
    let effect = import.effect(backend).await.map_err(error_text)?;
    print(&import, &effect, wanted, out).map_err(|error| error.to_string())?;
    if wanted.apply {
        let added = common::apply(backend, &import, wanted.confirm_jumps).await.map_err(error_text)?;
        writeln!(out, "{}", applied(&added)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn error_text(error: Error) -> String {
    match error.into_problem() {
        problem @ Problem::Invalid { .. } => {
            let fields = problem.fields().iter().map(|field| field.detail.clone());
            fields.collect::<Vec<_>>().join(" ")
        }
        problem => problem.to_string(),
    }
}

fn input(wanted: &PriceImport) -> Result<ImportInput, String> {
    let path = wanted.file.display();
    let bytes = fs::read(&wanted.file).map_err(|error| format!("{path}: {error}"))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(format!("{path}: a file has at most {} MiB", MAX_FILE_BYTES / (1024 * 1024)));
    }
    let name = wanted.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let input = ImportInput::read(&name, &bytes, &wanted.data_version, "").map_err(|wrong| {
        wrong.into_iter().map(|field| format!("{path}: {}", field.detail)).collect::<Vec<_>>().join(" ")
    })?;
    Ok(ImportInput { from: wanted.from.map(Edge::Day), ..input })
}

fn print(import: &CommonImport, effect: &ImportEffect, wanted: &PriceImport, out: &mut impl Write) -> io::Result<()> {
    let comparison = import.comparison();
    let counts = Counts::of(&comparison.proposals);
    writeln!(out, "{} beside the price book, undated changes from {}", import.source(), import.from().date_naive())?;
    let kinds = ProposalKind::ALL.map(|kind| format!("{} {}", format::count(counts.of_kind(kind)), kind.label()));
    let unchanged = format::count(comparison.unchanged);
    writeln!(
        out,
        "{}, {unchanged} unchanged; models not in the file: {}",
        kinds.join(", "),
        comparison.unlisted_models
    )?;
    for (what, count) in import.left_out().iter().take(REASONS_SHOWN) {
        writeln!(out, "left out {count:>6}  {what}")?;
    }
    let (doubtful, sure): (Vec<&Proposal>, Vec<&Proposal>) =
        comparison.proposals.iter().partition(|proposal| proposal.needs_confirmation());
    table("\nChanges", &sure, out)?;
    table("\nNeed a confirmation (--confirm-jumps)", &doubtful, out)?;
    if !comparison.proposals.is_empty() {
        print_effect(effect, counts.needs_confirmation > 0, out)?;
    }
    if !wanted.apply && !comparison.proposals.is_empty() {
        writeln!(out, "\nNothing was written. --apply adds {} to the book.", counted(counts.sure(), "change"))?;
    }
    Ok(())
}

fn table(title: &str, proposals: &[&Proposal], out: &mut impl Write) -> io::Result<()> {
    if proposals.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    let lines: Vec<[String; 5]> = proposals.iter().map(|proposal| line(proposal)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    for (cells, proposal) in lines.iter().zip(proposals) {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "  {}  {}", padded.collect::<Vec<_>>().join("  "), cells[4])?;
        for warning in &proposal.warnings {
            writeln!(out, "      {}", PriceWarning::detail(warning))?;
        }
    }
    Ok(())
}

/// Kind, model, what is priced, since when, from what to what.
fn line(proposal: &Proposal) -> [String; 5] {
    let model = proposal.model();
    let from = proposal.from.map_or_else(|| "since ever".to_owned(), |from| format!("from {}", from.date_naive()));
    let rate = |row: Option<&BookPrice>| {
        row.map_or_else(
            || "none".to_owned(),
            |row| format!("{} / {}", format::money_full(row.rate), format::count(row.per)),
        )
    };
    [
        proposal.kind.label().to_owned(),
        format!("{}/{}", model.provider, model.model),
        proposal.row().map(what).unwrap_or_default(),
        from,
        format!("{} -> {}", rate(proposal.before.as_ref()), rate(proposal.after.as_ref())),
    ]
}

/// A number with its word; in a terminal the blank between them may be searched for.
fn counted(number: u64, word: &str) -> String {
    format::counted(number, word).replace('\u{a0}', " ")
}

/// The meter with everything that chooses the price.
fn what(row: &BookPrice) -> String {
    let variant = (row.variant != Variant::Standard).then(|| row.variant.as_str().to_owned());
    let tier = (row.tier_from > 0).then(|| format!(">{}{}", if row.tier_inclusive { "=" } else { "" }, row.tier_from));
    let attributes = (!row.attributes.is_empty()).then(|| row.attributes.to_string());
    let hours = row.schedule.map(|schedule| schedule.to_string());
    let words = [Some(row.meter.as_str().to_owned()), variant, tier, attributes, hours];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn print_effect(effect: &ImportEffect, doubtful: bool, out: &mut impl Write) -> io::Result<()> {
    let total = &effect.total;
    writeln!(
        out,
        "\nThe last 30 days of all organizations, every event rated again: {}",
        counted(total.events, "event")
    )?;
    if effect.cut {
        writeln!(out, "  of the organizations with the most events only the newest")?;
    }
    let amounts = |before, after, delta| {
        format!("{} -> {} ({})", format::money(before), format::money(after), format::money_signed(delta))
    };
    writeln!(out, "  without confirmations  {}", amounts(total.before, total.sure, total.sure_delta()))?;
    if doubtful {
        writeln!(out, "  with everything        {}", amounts(total.before, total.all, total.delta()))?;
    }
    if total.priced > 0 {
        writeln!(out, "  {} without a price would get one", counted(total.priced, "event"))?;
    }
    for row in effect.models.iter().take(MODELS_SHOWN) {
        let sums = &row.sums;
        let events = counted(sums.events, "event");
        writeln!(
            out,
            "  {}/{}  {events}  {}",
            row.model.provider,
            row.model.model,
            amounts(sums.before, sums.all, sums.delta())
        )?;
    }
    Ok(())
}

fn applied(added: &Added) -> String {
    format!(
        "\nAdded {} to the book: {} recorded, {} superseded and kept for old receipts. Running servers price with it now.",
        counted(added.applied, "change"),
        counted(added.rows, "row"),
        format::count(added.superseded)
    )
}
