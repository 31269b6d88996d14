use super::*;
use crate::allocation::{Party, SharedLine};
use crate::charge::{ChargeKind, ChargeLine};
use crate::spend::Sums as Spend;
use crate::statement::{
    CostOwner, EntryKey, EntrySource, LineKind, MarkupRule, MonthState, MonthStatement, ProjectStatement,
    StatementLine, TeamStatement,
};
use proptest::prelude::*;

fn amount(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn head(kind: JournalKind) -> JournalHead {
    JournalHead { org: "acme".to_owned(), kind, month: day("2026-11-01"), version: 1, currency: "USD".to_owned() }
}

fn cost(kind: CostKind, team: &str, centre: Option<&str>, provider: &str, sum: &str) -> Cost {
    Cost {
        kind,
        team: Some(team.to_owned()),
        project: None,
        cost_centre: centre.map(str::to_owned),
        provider: provider.to_owned(),
        amount: amount(sum),
    }
}

/// The cells of a file whose names have neither commas nor quotes, below its header.
fn cells(file: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let mut rows = file.split_terminator("\r\n").map(|row| row.split(',').collect::<Vec<_>>());
    (rows.next().unwrap(), rows.collect())
}

/// By journal of a file: debits, credits, and the balance of the account of AI expense.
fn balances(preset: Preset, file: &str) -> BTreeMap<String, (Decimal, Decimal, Decimal)> {
    let (header, rows) = cells(file);
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (id, account, debit, credit) = match preset {
        Preset::Generic => ("journal_id", "account", "debit", "credit"),
        Preset::NetSuite => (
            "External ID",
            "Journal Entry - Line: Account",
            "Journal Entry - Line: Debit",
            "Journal Entry - Line: Credit",
        ),
        Preset::Xero => ("*Narration", "*AccountCode", "*Amount", "*Amount"),
        Preset::QuickBooks => ("Journal No", "Account", "Debits", "Credits"),
        Preset::OracleGl => ("REFERENCE4", "SEGMENT2", "ENTERED_DR", "ENTERED_CR"),
    };
    let mut sums: BTreeMap<String, (Decimal, Decimal, Decimal)> = BTreeMap::new();
    for row in rows {
        assert_eq!(row.len(), header.len());
        let number = |column: &str| row[at(column)].parse::<Decimal>().unwrap_or_default();
        let (debit, credit) = match preset {
            Preset::Xero => (number(debit).max(Decimal::ZERO), -number(credit).min(Decimal::ZERO)),
            _ => (number(debit), number(credit)),
        };
        assert!(debit >= Decimal::ZERO && credit >= Decimal::ZERO, "{row:?}");
        assert!(debit.is_zero() != credit.is_zero(), "one side of {row:?}");
        assert!(debit.scale() <= 2 && credit.scale() <= 2, "{row:?}");
        let sums = sums.entry(row[at(id)].to_owned()).or_default();
        sums.0 += debit;
        sums.1 += credit;
        if row[at(account)] == "AI usage expense" {
            sums.2 += debit - credit;
        }
    }
    sums
}

#[test]
fn a_chargeback_debits_cost_centres_and_credits_the_platform() {
    let settings = JournalSettings { cost_centre: "CC-1".to_owned(), ..JournalSettings::default() };
    let costs = [
        cost(CostKind::Usage, "Growth", Some("CC-2"), "openai", "10.004"),
        cost(CostKind::Usage, "Growth", Some("CC-2"), "anthropic", "5.003"),
        cost(CostKind::Charge, "Search", None, "", "2.001"),
        cost(CostKind::Adjustment(day("2026-10-01")), "Growth", Some("CC-2"), "openai", "-3.1"),
    ];
    let journal = Journal::of(head(JournalKind::Chargeback), &costs);
    let said: Vec<_> = journal
        .lines()
        .into_iter()
        .map(|(side, amount)| {
            let (account, centre) = (settings.account(side.account), settings.cost_centre_of(&side.cost_centre));
            format!("{account} | {centre} | {} | {} | {amount}", side.department, side.memo)
        })
        .collect();
    assert_eq!(
        said,
        [
            "AI usage expense | CC-1 | Search | AI charges, November 2026: Search | 2.00",
            "AI usage expense | CC-2 | Growth | AI usage, November 2026: Growth | 15.01",
            "AI usage expense | CC-2 | Growth | Adjustment of October 2026 in November 2026: Growth | -3.10",
            "AI platform recovery | CC-1 |  | AI cost recovered, November 2026 | -13.91",
        ]
    );
    assert_eq!(journal.total(), amount("13.91"));
    let file = journal.files(Preset::Generic, &settings).remove(0);
    assert!(file.starts_with("journal_id,line_no,entity,ledger,posting_date,period,document_date,currency,account,"));
    let credited = "2026-11-C1,3,,Primary,2026-11-30,2026-11,2026-11-30,USD,AI usage expense,CC-2,Growth,,,,,3.10,\
        Tax Exempt,Adjustment of October 2026 in November 2026: Growth,acme-2026-11-chargeback-v1,,Tallystick,,\r\n";
    assert!(file.contains(credited), "a credit, no negative debit: {file}");
}

#[test]
fn an_accrual_owes_each_provider_and_is_reversed() {
    let costs = [
        cost(CostKind::Usage, "Growth", None, "openai", "10.00"),
        cost(CostKind::Usage, "Search", None, "openai", "1.00"),
        cost(CostKind::Usage, "Search", None, "anthropic", "0.50"),
        cost(CostKind::Charge, "Search", None, "aws", "99.00"),
    ];
    let journal = Journal::of(head(JournalKind::Accrual), &costs);
    let owed: Vec<_> = journal
        .lines()
        .into_iter()
        .filter(|(side, _)| side.account == Account::Accrual)
        .map(|(side, amount)| (side.provider.as_str(), amount.to_string()))
        .collect();
    assert_eq!(owed, [("anthropic", "-0.50".to_owned()), ("openai", "-11.00".to_owned())], "charges are not in it");
    let generic = journal.files(Preset::Generic, &JournalSettings::default()).remove(0);
    assert!(generic.lines().skip(1).all(|line| line.contains(",2026-12-01,Tallystick")), "{generic}");
    let xero = journal.files(Preset::Xero, &JournalSettings::default()).remove(0);
    let xero = xero.replace(", ", " ");
    let (_, rows) = cells(&xero);
    let said: Vec<_> = rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned(), row[5].to_owned())).collect();
    assert_eq!(said.len(), 10);
    let narration = "acme-2026-11-accrual-v1 2026-11-A1";
    assert_eq!(said[0], (narration.to_owned(), "2026-11-30".to_owned(), "10.00".to_owned()));
    assert_eq!(said[5], (format!("{narration}-R"), "2026-12-01".to_owned(), "-10.00".to_owned()));
}

#[test]
fn markup_goes_to_an_account_of_its_own() {
    let settings = JournalSettings::default();
    let costs = [
        cost(CostKind::Usage, "Growth", None, "openai", "10"),
        cost(CostKind::Usage, "Search", None, "openai", "1"),
        cost(CostKind::Markup, "Growth", None, "", "0.25"),
        cost(CostKind::Markup, "Search", None, "", "0.025"),
        cost(CostKind::MarkupAdjustment(day("2026-10-01")), "Search", None, "", "-0.1"),
    ];
    let journal = Journal::of(head(JournalKind::Chargeback), &costs);
    let of = |account: Account| {
        let lines = journal.lines().into_iter().filter(|(side, _)| side.account == account);
        lines.map(|(side, amount)| format!("{amount} {}", side.memo)).collect::<Vec<_>>()
    };
    assert_eq!(
        of(Account::Expense),
        [
            "10.00 AI usage, November 2026: Growth",
            "1.00 AI usage, November 2026: Search",
            "0.25 Markup, November 2026: Growth",
            "-0.10 Adjustment of the markup of October 2026 in November 2026: Search",
            "0.03 Markup, November 2026: Search",
        ],
        "0.175 of markup in all is 0.18"
    );
    assert_eq!(of(Account::Recovery), ["-11.00 AI cost recovered, November 2026"]);
    assert_eq!(of(Account::Margin), ["-0.18 Markup, November 2026"]);
    let accrual = Journal::of(head(JournalKind::Accrual), &costs);
    assert_eq!((accrual.total(), settings.margin_account.as_str()), (amount("11.00"), "AI platform margin"));
}

#[test]
fn names_that_look_like_formulas_are_harmless() {
    let costs = [cost(CostKind::Usage, "=HYPERLINK(\"http://x\")", Some("@SUM(A1)"), "openai", "1")];
    let journal = Journal::of(head(JournalKind::Chargeback), &costs);
    for preset in Preset::ALL {
        for file in journal.files(preset, &JournalSettings::default()) {
            assert!(!file.contains(",=") && !file.contains(",@") && !file.contains(",\"="), "{file}");
        }
    }
}

#[test]
fn minor_units_follow_the_currency() {
    let third = [Decimal::ONE / amount("3"), Decimal::ONE / amount("3"), Decimal::ONE / amount("3")];
    let texts = |places| rounded(&third, places).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(minor_places("USD")), ["0.34", "0.33", "0.33"]);
    assert_eq!(texts(minor_places("JPY")), ["1", "0", "0"]);
    assert_eq!(texts(minor_places("KWD")), ["0.334", "0.333", "0.333"]);
}

#[test]
fn a_form_names_every_wrong_field() {
    let form = JournalForm { expense_account: String::new(), dates: "x".into(), ..Default::default() };
    let fields: Vec<_> = form.parse().unwrap_err().into_iter().map(|problem| problem.pointer).collect();
    assert_eq!(fields, ["expense_account", "dates"]);
    let form = JournalForm { entity: " Acme ".into(), ..Default::default() };
    let settings = form.parse().unwrap();
    assert_eq!(settings.entity.as_str(), "Acme");
    assert_eq!(JournalForm::from(settings.clone()).parse().unwrap(), settings);
    assert_eq!(JournalForm::default().parse().unwrap(), JournalSettings::default());
}

/// An amount with twelve places.
fn amounts() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (-5_000_000_000_000_i64..2_000_000_000_000_000).prop_map(|units| Decimal::new(units, 12)),
        (-9_999_999_999_999_i64..9_999_999_999_999).prop_map(|units| Decimal::new(units, 12)),
    ]
}

fn owners(prefix: &'static str) -> impl Strategy<Value = CostOwner> {
    (0..400_u16, prop::option::of(0..9_u8)).prop_map(move |(number, code)| CostOwner {
        slug: format!("{prefix}{number}"),
        name: format!("{prefix} {number}"),
        cost_centre: code.map(|code| format!("CC-{code}")),
    })
}

fn charges() -> impl Strategy<Value = Vec<ChargeLine>> {
    let line = (amounts(), prop::option::of(0..9_u8)).prop_map(|(amount, code)| ChargeLine {
        charge_id: 1,
        kind: ChargeKind::Seats,
        description: "Seats".to_owned(),
        provider: None,
        cost_centre: code.map(|code| format!("CC-{code}")),
        days: Period::month_of(day("2026-11-01")),
        amount,
    });
    prop::collection::vec(line, 0..3)
}

fn shared() -> impl Strategy<Value = Vec<SharedLine>> {
    let line = (amounts(), any::<bool>()).prop_map(|(amount, came)| SharedLine {
        rule_id: 7,
        rule: "Vector store".to_owned(),
        effect: "is split evenly".to_owned(),
        came,
        other: Party::Nobody,
        is_charge: !came,
        amount,
    });
    prop::collection::vec(line, 0..3)
}

fn projects() -> impl Strategy<Value = ProjectStatement> {
    let line = (0..3_u8, prop::option::weighted(0.9, amounts())).prop_map(|(provider, amount)| StatementLine {
        provider: format!("provider {provider}"),
        model: "m".to_owned(),
        kind: if amount.is_some() { LineKind::Rest } else { LineKind::Unpriced },
        term: None,
        quantity: None,
        requests: 1,
        amount,
    });
    let project = (owners("project"), prop::collection::vec(line, 1..5), charges(), shared());
    project.prop_map(|(project, lines, charges, shared)| {
        let spend = lines.iter().filter_map(|line| line.amount).sum();
        ProjectStatement {
            project,
            sums: Spend { spend, booked: spend, ..Spend::default() },
            lines,
            charges,
            shared,
            markup: None,
        }
    })
}

/// Statements of up to a few hundred projects.
fn statements() -> impl Strategy<Value = MonthStatement> {
    let team = (prop::option::weighted(0.9, owners("team")), prop::collection::vec(projects(), 0..60));
    let team = (team, charges(), shared()).prop_map(|((team, projects), charges, shared)| {
        let mut sums = Spend::default();
        projects.iter().for_each(|project| sums.add(&project.sums));
        TeamStatement { team, sums, projects, charges, shared, markup: None }
    });
    let adjustment = (amounts(), 0..3_u32, prop::option::of(0..400_u16)).prop_map(|(amount, month, team)| {
        let source = EntrySource::Usage { provider: "provider 1".to_owned(), model: "m".to_owned() };
        let month = NaiveDate::from_ymd_opt(2026, 8 + month, 1).unwrap();
        let team = team.map(|number| format!("team{number}"));
        crate::statement::Entry { key: EntryKey { month, team, project: None, source }, amount }
    });
    let adjustments = prop::collection::vec(adjustment, 0..4);
    let all = (prop::collection::vec(team, 0..8), (charges(), shared()), adjustments);
    all.prop_map(|(teams, (unallocated, unallocated_shared), adjustments)| {
        let mut total = Spend::default();
        teams.iter().for_each(|team| total.add(&team.sums));
        MonthStatement {
            month: Period::month_of(day("2026-11-01")),
            today: day("2026-12-02"),
            currency: "USD".to_owned(),
            time_zone: "UTC".to_owned(),
            total,
            teams,
            unallocated,
            unallocated_shared,
            state: MonthState::Closed,
            adjustments,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Costs are the statement; every file of every preset balances, and all its files come to the rounded statement with the rounded markup.
    #[test]
    fn journals_balance_and_come_to_the_rounded_statement(plain in statements(), percent in 0_i64..1_000) {
        let reason = "Platform.".to_owned();
        let rule = MarkupRule { team: None, percent: Decimal::new(percent, 2), valid_from: None, valid_to: None, reason };
        let statement = plain.clone().with_markups(&[rule]);
        let costs = costs(&statement, &KnownOwners::default());
        let total = statement.grand_total();
        prop_assert_eq!(costs.iter().map(|cost| cost.amount).sum::<Decimal>(), total);
        let settings = JournalSettings::default();
        let marked_up = statement.marked_up();
        for (kind, exact, added) in [
            (JournalKind::Chargeback, total - marked_up, marked_up),
            (JournalKind::Accrual, statement.total.spend, Decimal::ZERO),
        ] {
            let marked = Journal::of(head(kind), &costs);
            let journal = Journal::of(head(kind), &self::costs(&plain, &KnownOwners::default()));
            prop_assert_eq!(journal.total(), exact.round_dp(2));
            prop_assert_eq!(marked.total(), exact.round_dp(2) + added.round_dp(2));
            prop_assert_eq!(journal.lines().iter().map(|(_, amount)| *amount).sum::<Decimal>(), Decimal::ZERO);
            for preset in Preset::ALL {
                // Commas of sentences are quoted; without them a row splits into its cells.
                let plain = |file: String| file.replace(", ", " ").replace("\"", "");
                let files: Vec<String> = marked.files(preset, &settings).into_iter().map(plain).collect();
                prop_assert_eq!(&files, &marked.files(preset, &settings).into_iter().map(plain).collect::<Vec<_>>());
                let mut booked = Decimal::ZERO;
                for file in &files {
                    prop_assert!(preset.max_lines().is_none_or(|max| file.lines().count() <= max + 1));
                    let reverses = kind == JournalKind::Accrual && !preset.has_reversal_date();
                    let balances = balances(preset, file);
                    prop_assert!(balances.len() <= 1 + usize::from(reverses));
                    prop_assert!(balances.values().all(|(debit, credit, _)| debit == credit));
                    let (back, there): (Vec<_>, Vec<_>) = balances.iter().partition(|(id, _)| id.ends_with("-R"));
                    let sum = |journals: &[(&String, &(Decimal, Decimal, Decimal))]| {
                        journals.iter().map(|(_, (.., expense))| *expense).sum::<Decimal>()
                    };
                    prop_assert!(!reverses || sum(&back) == -sum(&there));
                    booked += sum(&there);
                }
                prop_assert_eq!(booked, marked.total());
            }
        }
    }

    /// Rounded amounts are less than a unit off, and come to the rounded sum.
    #[test]
    fn rounding_is_fair(amounts in prop::collection::vec(amounts(), 0..60), places in 0_u32..4) {
        let parts = rounded(&amounts, places);
        prop_assert_eq!(parts.iter().sum::<Decimal>(), amounts.iter().sum::<Decimal>().round_dp(places));
        for (part, amount) in parts.iter().zip(&amounts) {
            prop_assert!((part - amount).abs() <= Decimal::new(1, places));
        }
    }
}
