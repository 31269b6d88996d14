//! Journals: what an export records, once per version, and what every later file of it repeats.

use crate::support::{Server, money};
use backend::{Backend, Error, OrgScope, audit, journal, projects, statements};
use domain::identity::Role;
use domain::journal::{Account, ExportedJournal, JournalForm, JournalKind, Preset};
use domain::period::Period;
use domain::problem::Problem;
use domain::statement::{MarkupForm, parse_month};
use rust_decimal::Decimal;
use testkit::seed::{self, Organization};

const NOW: &str = "2026-12-02T12:00:00Z";

fn month(text: &str) -> Period {
    parse_month(text).unwrap()
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> Problem {
    result.unwrap_err().into_problem()
}

/// A server on December 2, with an organization whose team Growth spent in November.
async fn start() -> (Server, Organization) {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let growth = projects::NewTeam { name: "Growth".into(), slug: "growth".into(), cost_centre: "CC-7".into() };
    let growth = projects::create_team(&server.backend, &acme.owner, growth).await.unwrap();
    acme.project_of(growth.team_id, "ads").await;
    acme.spend_of("ads", "2026-11-10", "10.004").await;
    acme.spend("2026-11-11", "5.003").await;
    (server, acme)
}

async fn export(server: &Server, scope: &OrgScope, of: &str, kind: JournalKind) -> (ExportedJournal, bool) {
    journal::export(&server.backend, scope, month(of), (kind, Preset::Xero)).await.unwrap()
}

async fn file(backend: &Backend, scope: &OrgScope, of: &str, kind: JournalKind, preset: Preset) -> String {
    journal::files(backend, scope, month(of), (kind, preset)).await.unwrap().1.concat()
}

async fn close(server: &Server, scope: &OrgScope, of: &str) {
    statements::review(&server.backend, scope, month(of)).await.unwrap();
    let total = statements::month(&server.backend, scope, month(of), false).await.unwrap().grand_total();
    statements::close(&server.backend, scope, month(of), total).await.unwrap();
}

/// What is booked to an account, debits above zero.
fn booked(exported: &ExportedJournal, account: Account) -> Decimal {
    let lines = exported.journal.lines().into_iter().filter(|(side, _)| side.account == account);
    lines.map(|(_, amount)| amount).sum()
}

#[tokio::test]
async fn an_accrual_is_exported_once_and_again_when_usage_moved() {
    let (server, acme) = start().await;
    let (first, is_new) = export(&server, &acme.owner, "2026-11", JournalKind::Accrual).await;
    assert!(is_new);
    assert_eq!(first.journal.head.external_ref(), "acme-2026-11-accrual-v1");
    assert_eq!((first.journal.total(), booked(&first, Account::Accrual)), (money("15.01"), money("-15.01")));
    assert_eq!((first.exported_by.as_str(), first.sha256.len()), (acme.email.as_str(), 64));
    let (second, is_new) = export(&server, &acme.owner, "2026-11", JournalKind::Accrual).await;
    assert!(!is_new);
    assert_eq!(second, first, "the first one stays");
    let audited = audit::list(&server.backend, &acme.owner, 100).await.unwrap();
    let exports: Vec<_> = audited.iter().filter(|row| row.action == "journal.exported").collect();
    assert_eq!(exports.len(), 1);
    assert!(exports[0].detail.contains(&first.sha256), "{}", exports[0].detail);

    acme.spend("2026-11-12", "1").await;
    let states = journal::states(&server.backend, &acme.owner, month("2026-11")).await.unwrap();
    let accrual = states.iter().find(|state| state.kind == JournalKind::Accrual).unwrap();
    assert_eq!(accrual.next.as_ref().unwrap().head.journal_id(), "2026-11-A2");
    let (third, is_new) = export(&server, &acme.owner, "2026-11", JournalKind::Accrual).await;
    assert_eq!((is_new, third.journal.head.version, third.journal.total()), (true, 2, money("16.01")));
}

#[tokio::test]
async fn a_month_is_charged_back_once_it_is_closed_and_never_again() {
    let (server, acme) = start().await;
    let chargeback = JournalKind::Chargeback;
    let early = journal::export(&server.backend, &acme.owner, month("2026-11"), (chargeback, Preset::Generic)).await;
    assert!(matches!(problem(early), Problem::Conflict { .. }));
    close(&server, &acme.owner, "2026-11").await;
    let (first, is_new) = export(&server, &acme.owner, "2026-11", chargeback).await;
    let version = first.journal.head.version;
    assert!(is_new);
    assert_eq!(first.journal.head.journal_id(), format!("2026-11-C{version}"));
    assert_eq!((first.journal.total(), booked(&first, Account::Recovery)), (money("15.01"), money("-15.01")));
    let before = file(&server.backend, &acme.owner, "2026-11", chargeback, Preset::Xero).await;
    assert_eq!(domain::statement::sha256(&before), first.sha256, "the first file, byte by byte");

    // Late events and new accounts: another file says the same of the same journal.
    acme.spend_of("ads", "2026-11-20", "3.33").await;
    let form = JournalForm { expense_account: "6510".into(), ..JournalForm::default() };
    journal::set_settings(&server.backend, &acme.owner, &form.parse().unwrap()).await.unwrap();
    assert!(!export(&server, &acme.owner, "2026-11", chargeback).await.1);
    let after = file(&server.backend, &acme.owner, "2026-11", chargeback, Preset::Xero).await;
    assert_ne!(after, before);
    assert_eq!(after.replace(",6510,", ",AI usage expense,"), before);
    for preset in Preset::ALL {
        let file = file(&server.backend, &acme.owner, "2026-11", chargeback, preset).await;
        assert!(file.contains(&first.journal.head.external_ref()), "{preset:?}: {file}");
    }
    let audited = audit::list(&server.backend, &acme.owner, 100).await.unwrap();
    let changed = audited.iter().find(|row| row.action == "journal.settings_changed").unwrap();
    assert_eq!(changed.detail, "Changed the journal's expense account from AI usage expense to 6510.");

    // What came late stands in the next month, under the month that it belongs to and its team's cost centre.
    server.clock.advance(chrono::Duration::days(31));
    let (percent, from, reason) = ("10".to_owned(), "2026-12".to_owned(), "Platform.".to_owned());
    let markup = MarkupForm { percent, from, reason, ..MarkupForm::default() }.parse().unwrap();
    statements::enter_markup(&server.backend, &acme.owner, &markup).await.unwrap();
    acme.spend_of("ads", "2026-12-02", "2.001").await;
    close(&server, &acme.owner, "2026-12").await;
    let (next, _) = export(&server, &acme.owner, "2026-12", chargeback).await;
    let said: Vec<_> = next
        .journal
        .entries
        .iter()
        .map(|entry| format!("{} {} {}", entry.debit.cost_centre, entry.debit.memo, entry.amount))
        .collect();
    assert_eq!(
        said,
        [
            "CC-7 AI usage, December 2026: ads 2.00",
            "CC-7 Adjustment of November 2026 in December 2026: ads 3.33",
            "CC-7 Markup, December 2026: ads 0.20"
        ]
    );
    assert_eq!((booked(&next, Account::Recovery), booked(&next, Account::Margin)), (money("-5.33"), money("-0.20")));
}

#[tokio::test]
async fn of_exports_at_the_same_time_one_is_the_first() {
    let (server, acme) = start().await;
    let other = server.another().await;
    let asked = (JournalKind::Accrual, Preset::Generic);
    let (one, two) = futures::join!(
        journal::export(&server.backend, &acme.owner, month("2026-11"), asked),
        journal::export(&other, &acme.owner, month("2026-11"), asked)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.1 != two.1);
    assert_eq!(one.0, two.0);
}

#[tokio::test]
async fn journals_are_for_those_who_see_and_manage_the_whole() {
    let (server, acme) = start().await;
    let viewer = acme.member("viewer@acme.example", Role::Viewer).await;
    let globex = server.organization("Globex", "UTC").await;
    let (_, bound) = seed::bound_key(&server.backend, &acme.owner, &acme.project).await;
    let asked = (JournalKind::Accrual, Preset::Generic);
    let refused = journal::export(&server.backend, &viewer, month("2026-11"), asked).await;
    assert!(matches!(problem(refused), Problem::Forbidden { .. }));
    assert_eq!(problem(journal::files(&server.backend, &viewer, month("2026-11"), asked).await), Problem::NotFound);
    export(&server, &acme.owner, "2026-11", JournalKind::Accrual).await;
    journal::files(&server.backend, &viewer, month("2026-11"), asked).await.unwrap();
    for scope in [&globex.owner, &bound] {
        assert_eq!(problem(journal::files(&server.backend, scope, month("2026-11"), asked).await), Problem::NotFound);
    }
    let nothing = journal::export(&server.backend, &globex.owner, month("2026-11"), asked).await;
    assert!(matches!(problem(nothing), Problem::Conflict { .. }));
    assert!(matches!(problem(journal::settings(&server.backend, &bound).await), Problem::Forbidden { .. }));
}
