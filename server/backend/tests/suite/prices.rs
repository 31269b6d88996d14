//! An organization's own prices and names: what goes before what, since when, and what can be taken back.

use backend::{Backend, Error, OrgScope, events, prices, rules};
use chrono::Duration;
use domain::event::EventInput;
use domain::identity::Permission;
use domain::price::{BookPrice, MappingForm, PriceForm};
use domain::problem::Problem;
use domain::rule::Dated;
use domain::span::{Edge, Span};
use rust_decimal::Decimal;
use serde_json::json;
use testkit::TestDatabase;
use testkit::seed::{self, Organization};
use tokio_util::sync::CancellationToken;

const NOW: &str = "2026-11-20T12:00:00Z";

/// 1,000 input and 100 output tokens of a model: 0.0035 dollars of gpt-4o at its list price.
pub(crate) async fn send(backend: &Backend, api: &OrgScope, id: &str, model: &str) -> Option<Decimal> {
    let event: EventInput = serde_json::from_value(json!({
        "id": id, "timestamp": "2026-11-20T09:41:07Z", "provider": "openai", "model": model,
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}
    }))
    .unwrap();
    let answer = events::ingest_inputs(backend, api, vec![event]).await.unwrap();
    assert_eq!(answer.accepted, 1, "{answer:?}");
    answer.results[0].cost
}

pub(crate) fn price(model: &str, meter: &str, rate: &str) -> PriceForm {
    PriceForm {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        meter: meter.to_owned(),
        rate: rate.to_owned(),
        source: "Contract 7".to_owned(),
        confirmed: "yes".to_owned(),
        ..PriceForm::default()
    }
}

pub(crate) fn mapping(name: &str, to_model: &str) -> MappingForm {
    MappingForm {
        provider: "openai".to_owned(),
        name: name.to_owned(),
        to_provider: "openai".to_owned(),
        to_model: to_model.to_owned(),
        ..MappingForm::default()
    }
}

pub(crate) async fn enter(backend: &Backend, scope: &OrgScope, form: PriceForm) -> domain::ids::RuleChangeId {
    prices::add_prices(backend, scope, &[form.parse().unwrap()], form.is_confirmed()).await.unwrap()
}

fn money(text: &str) -> Option<Decimal> {
    Some(text.parse().unwrap())
}

async fn problem<T: std::fmt::Debug>(verb: impl Future<Output = Result<T, Error>>) -> Problem {
    verb.await.unwrap_err().into_problem()
}

async fn live(backend: &Backend, acme: &Organization) -> Vec<Dated<BookPrice>> {
    let book = prices::own_book(backend, &acme.owner).await.unwrap();
    book.prices.rows.into_iter().filter(|price| price.is_live()).collect()
}

#[tokio::test]
async fn an_own_price_goes_before_the_common_one_for_what_comes_and_moves_nothing_that_came() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    let globex = seed::organization(&backend, "UTC").await;
    assert_eq!(send(&backend, &acme.api, "before", "gpt-4o-2024-08-06").await, money("0.0035"));

    enter(&backend, &acme.owner, price("gpt-4o-2024-08-06", "input_uncached", "2")).await;
    assert_eq!(send(&backend, &acme.api, "after", "gpt-4o-2024-08-06").await, money("0.0030"));
    assert_eq!(send(&backend, &globex.api, "theirs", "gpt-4o-2024-08-06").await, money("0.0035"));
    let before = events::find(&backend, &acme.owner, "before").await.unwrap();
    assert_eq!(before.row.cost, money("0.0035"));
    let after = events::find(&backend, &acme.owner, "after").await.unwrap();
    assert_eq!(after.receipt[0].rate, money("2"));
    assert!(after.receipt[0].price_source.starts_with("Contract 7"));

    let book = prices::own_book(&backend, &acme.owner).await.unwrap();
    assert_eq!(book.prices[0].entry.recorded_by, acme.email.as_str());
    assert_eq!(
        book.changes[0].detail,
        "Entered the price $2.00 per 1,000,000 of input_uncached (standard) for openai/gpt-4o-2024-08-06."
    );
    assert!(prices::own_book(&backend, &globex.owner).await.unwrap().prices.is_empty());
}

#[tokio::test]
async fn a_new_price_ends_the_old_one_and_both_can_be_taken_back() {
    let database = TestDatabase::new().await;
    let (backend, clock) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    let first = enter(&backend, &acme.owner, price("ours", "output", "8")).await;
    clock.advance(Duration::minutes(1));
    let from = |day: &str, rate| PriceForm { valid_from: day.to_owned(), ..price("ours", "output", rate) };
    let second = enter(&backend, &acme.owner, from("2026-12-01", "7")).await;
    let spans = |prices: &[Dated<BookPrice>]| {
        let text = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.to_rfc3339());
        prices
            .iter()
            .map(|price| (price.row.rate.to_string(), text(price.row.valid_from), text(price.row.valid_to)))
            .collect::<Vec<_>>()
    };
    let december = Some("2026-11-30T18:30:00+00:00".to_owned());
    let both = [("8".to_owned(), None, december.clone()), ("7".to_owned(), december.clone(), None)];
    assert_eq!(spans(&live(&backend, &acme).await), both);

    assert_eq!(problem(prices::undo(&backend, &acme.owner, first)).await.status(), 409, "the second builds on it");
    let undone = prices::undo(&backend, &acme.owner, second).await.unwrap();
    assert_eq!(spans(&live(&backend, &acme).await), [("8".to_owned(), None, None)]);
    assert_eq!(problem(prices::undo(&backend, &acme.owner, second)).await.status(), 409, "once");
    prices::undo(&backend, &acme.owner, undone).await.unwrap();
    assert_eq!(spans(&live(&backend, &acme).await), both, "undoing the undoing");

    // Ending and withdrawing.
    let listed = live(&backend, &acme).await;
    let end = Edge::Day("2027-01-01".parse().unwrap());
    rules::end(&backend, &acme.owner, listed[1].rule_id, end).await.unwrap();
    let early = Edge::Day("2026-01-01".parse().unwrap());
    let again = problem(rules::end(&backend, &acme.owner, listed[1].rule_id, end)).await;
    assert_eq!(again, Problem::NotFound, "an ended row is another row");
    let listed = live(&backend, &acme).await;
    assert_eq!(listed[1].row.valid_to.map(|at| at.to_rfc3339()).as_deref(), Some("2026-12-31T18:30:00+00:00"));
    rules::end(&backend, &acme.owner, listed[1].rule_id, early).await.unwrap();
    assert_eq!(spans(&live(&backend, &acme).await), [both[0].clone()]);
    let history = prices::own_book(&backend, &acme.owner).await.unwrap();
    assert_eq!((history.prices.len(), history.changes.len()), (7, 6), "nothing is deleted");
}

#[tokio::test]
async fn undoing_gives_nothing_back_beside_what_holds_now() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let owner = &acme.owner;
    let from = |day: &str, rate| PriceForm { valid_from: day.to_owned(), ..price("ours", "output", rate) };
    enter(&backend, owner, from("2026-06-01", "8")).await;
    let withdrawn = live(&backend, &acme).await[0].rule_id;
    let end = rules::end(&backend, owner, withdrawn, Edge::Day("2026-06-01".parse().unwrap())).await.unwrap();
    let newer = enter(&backend, owner, from("", "7")).await;
    assert_eq!(problem(prices::undo(&backend, owner, end)).await.status(), 409, "the newer price holds there");
    prices::undo(&backend, owner, newer).await.unwrap();
    prices::undo(&backend, owner, end).await.unwrap();
    assert_eq!(live(&backend, &acme).await.iter().map(|price| price.row.rate.to_string()).collect::<Vec<_>>(), ["8"]);

    // Whatever is entered, ended and undone in whatever order: of one key one rule holds at a time.
    let mut state = 7_u64;
    let mut any = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let day = |number: u64| format!("2026-07-{:02}", number + 1);
    let (mut undone, mut refused) = (0, 0);
    for step in 0..120_u64 {
        let (kind, one, other) = (any(5), any(28), any(28));
        let prices = live(&backend, &acme).await;
        match kind {
            0 | 1 => {
                let (begin, end) = (one.min(other), one.max(other) + 1);
                let valid_from = if one == 0 { String::new() } else { day(begin) };
                let valid_to = if other == 0 { String::new() } else { day(end) };
                enter(
                    &backend,
                    owner,
                    PriceForm { valid_from, valid_to, ..price("ours", "output", &step.to_string()) },
                )
                .await;
            }
            2 if !prices.is_empty() => {
                let rule = prices[usize::try_from(any(prices.len() as u64)).unwrap()].rule_id;
                let _may_end_before = rules::end(&backend, owner, rule, Edge::Day(day(one).parse().unwrap())).await;
            }
            _ => {
                let changes = prices::changes(&backend, owner).await.unwrap();
                let change = &changes[usize::try_from(any(changes.len().min(2) as u64)).unwrap()];
                match prices::undo(&backend, owner, change.change_id).await {
                    Ok(_) => undone += 1,
                    Err(_) => refused += 1,
                }
            }
        }
        let prices = live(&backend, &acme).await;
        let span = |price: &Dated<BookPrice>| Span { from: price.row.valid_from, to: price.row.valid_to };
        for (place, price) in prices.iter().enumerate() {
            let beside = prices[place + 1..].iter().find(|other| span(other).overlaps(span(price)));
            assert!(beside.is_none(), "step {step}: {price:?} and {beside:?}");
        }
    }
    assert!(undone > 10 && refused > 10, "{undone} undone, {refused} refused");
}

#[tokio::test]
async fn what_was_booked_cannot_be_undone() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let priced = enter(&backend, &acme.owner, price("gpt-4o", "output", "9")).await;
    let mapped =
        prices::add_alias(&backend, &acme.owner, &mapping("our-chat", "gpt-4o").parse().unwrap()).await.unwrap();
    assert_eq!(send(&backend, &acme.api, "a", "our-chat").await, money("0.0034"));
    for change in [priced, mapped] {
        assert_eq!(problem(prices::undo(&backend, &acme.owner, change)).await.status(), 409);
    }
    let google = MappingForm { provider: "google".to_owned(), ..mapping("our-gemini", "gpt-4o") };
    let google = prices::add_alias(&backend, &acme.owner, &google.parse().unwrap()).await.unwrap();
    let event: EventInput = serde_json::from_value(json!({
        "provider": "google", "model": "models/our-gemini",
        "usage": {"promptTokenCount": 1_000, "candidatesTokenCount": 100}
    }))
    .unwrap();
    assert!(events::ingest_inputs(&backend, &acme.api, vec![event]).await.unwrap().results[0].cost.is_some());
    assert_eq!(problem(prices::undo(&backend, &acme.owner, google)).await.status(), 409, "by another spelling");
    let other =
        prices::add_alias(&backend, &acme.owner, &mapping("their-chat", "gpt-4o").parse().unwrap()).await.unwrap();
    prices::undo(&backend, &acme.owner, other).await.unwrap();
    assert_eq!(send(&backend, &acme.api, "b", "their-chat").await, None);
}

#[tokio::test]
async fn the_newest_mapping_goes_first_and_holds_from_its_date() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let map = async |form: MappingForm| {
        prices::add_alias(&backend, &acme.owner, &form.parse().unwrap()).await.unwrap();
    };
    assert_eq!(send(&backend, &acme.api, "a", "house-large").await, None);
    map(mapping("^house-", "gpt-4o-mini")).await;
    assert_eq!(send(&backend, &acme.api, "b", "house-large").await, money("0.00021"));
    map(mapping("house-large", "gpt-4o-2024-08-06")).await;
    assert_eq!(send(&backend, &acme.api, "c", "House-Large").await, money("0.0035"));
    assert_eq!(send(&backend, &acme.api, "d", "house-small").await, money("0.00021"));
    let later = MappingForm { valid_from: "2026-11-21".to_owned(), ..mapping("house-large", "gpt-4o-mini") };
    map(later).await;
    assert_eq!(send(&backend, &acme.api, "e", "house-large").await, money("0.0035"), "tomorrow's name is for tomorrow");

    let book = prices::own_book(&backend, &acme.owner).await.unwrap();
    let listed: Vec<_> = book.mappings.iter().filter(|mapping| mapping.is_live()).collect();
    assert_eq!(listed.len(), 3);
    let tomorrow = listed[0];
    let end = Edge::At("2026-11-21T00:00:00Z".parse().unwrap());
    rules::end(&backend, &acme.owner, tomorrow.rule_id, end).await.unwrap();
    // What is left of a rule that ended keeps its place: the newer one still goes first.
    let family =
        book.mappings.iter().find(|alias| alias.is_live() && alias.row.pattern.to_string() == "^house-").unwrap();
    rules::end(&backend, &acme.owner, family.rule_id, Edge::Day("2027-01-01".parse().unwrap())).await.unwrap();
    assert_eq!(send(&backend, &acme.api, "f", "house-large").await, money("0.0035"));
    let unknown = mapping("x", "no-such-model").parse().unwrap();
    assert_eq!(problem(prices::add_alias(&backend, &acme.owner, &unknown)).await.fields()[0].pointer, "to_model");
}

#[tokio::test]
async fn an_unusual_price_is_confirmed_first() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let warnings = async |form: PriceForm| {
        let form = PriceForm { confirmed: String::new(), ..form };
        let found = prices::warnings(&backend, &acme.owner, &form.parse().unwrap()).await.unwrap();
        let refused = prices::add_prices(&backend, &acme.owner, &[form.parse().unwrap()], form.is_confirmed()).await;
        assert_eq!(refused.is_err(), !found.is_empty());
        found.iter().map(|warning| serde_json::to_value(warning).unwrap()["kind"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        warnings(price("gpt-4o-2024-08-06", "output", "0.00001")).await,
        ["looks_per_token", "tenfold", "stands_in"]
    );
    assert_eq!(
        warnings(PriceForm { per: "1".to_owned(), ..price("brand-new", "output", "10") }).await[0],
        "looks_per_million"
    );
    let peer =
        "insert into prices (price_id, provider, model, meter, variant, tier_from, tier_inclusive, rate, per, source,
            source_version, origin, recorded_at)
        values (1, 'openai', 'peer', 'output', 'standard', 0, true, 10, 1000000, 'x', '1', 'import', now())";
    sqlx::query(peer).execute(database.pool()).await.unwrap();
    assert_eq!(warnings(price("brand-new", "output", "100")).await, ["far_from_peers"]);
    // The cached rate would silently become the input rate.
    assert_eq!(warnings(price("gpt-4o-2024-08-06", "input_uncached", "2.4")).await, ["stands_in"]);
    assert_eq!(warnings(price("brand-new", "output", "10")).await, Vec::<String>::new());
    assert_eq!(live(&backend, &acme).await.len(), 1);
    let long = |rate: &str| PriceForm { tier: ">200000".to_owned(), ..price("brand-new", "output", rate) };
    assert_eq!(warnings(long("8")).await, ["cheaper_tier"]);
    assert_eq!(warnings(long("12")).await, Vec::<String>::new());
}

#[tokio::test]
async fn discounts_stack_on_common_and_own_prices_from_their_date() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let form = |kind: &str, percent: &str, from: &str| domain::price::ModifierForm {
        kind: kind.to_owned(),
        percent: percent.to_owned(),
        valid_from: from.to_owned(),
        source: "Contract 7".to_owned(),
        ..domain::price::ModifierForm::default()
    };
    let add = async |form: domain::price::ModifierForm| {
        prices::add_modifier(&backend, &acme.owner, &form.parse().unwrap()).await.unwrap()
    };
    add(form("markup", "10", "")).await;
    add(form("discount", "20", "2026-11-01")).await;
    add(form("discount", "50", "2026-12-01")).await;
    // 0.0035 x 0.8 x 1.1: the discount goes before the markup, whoever came first.
    assert_eq!(send(&backend, &acme.api, "a", "gpt-4o-2024-08-06").await, money("0.00308"));
    enter(&backend, &acme.owner, price("gpt-4o-2024-08-06", "output", "20")).await;
    assert_eq!(send(&backend, &acme.api, "b", "gpt-4o-2024-08-06").await, money("0.00396"));
    let found = events::find(&backend, &acme.owner, "b").await.unwrap();
    assert_eq!(found.receipt.iter().filter(|line| line.factor.is_some()).count(), 4);
    let book = prices::own_book(&backend, &acme.owner).await.unwrap();
    let kinds: Vec<_> = book.modifiers.iter().map(|modifier| modifier.row.kind.as_str()).collect();
    assert_eq!(kinds, ["discount", "discount", "markup"]);
    let early = Edge::Day("2026-01-01".parse().unwrap());
    rules::end(&backend, &acme.owner, book.modifiers[0].rule_id, early).await.unwrap();
    assert_eq!(send(&backend, &acme.api, "c", "gpt-4o-2024-08-06").await, money("0.00495"));
}

#[tokio::test]
async fn only_those_who_manage_prices_change_them() {
    let database = TestDatabase::new().await;
    let (backend, _) = seed::backend(&database, NOW);
    let acme = seed::organization(&backend, "UTC").await;
    let (_, bound) = seed::bound_key(&backend, &acme.owner, &acme.project).await;
    assert!(acme.api.may(Permission::ManagePrices) && !bound.may(Permission::ManagePrices));
    let input = price("ours", "output", "8").parse().unwrap();
    assert_eq!(problem(prices::add_prices(&backend, &bound, &[input], true)).await.status(), 403);
    let change = enter(&backend, &acme.api, price("ours", "output", "8")).await;
    assert_eq!(problem(prices::undo(&backend, &bound, change)).await.status(), 403);
    let globex = seed::organization(&backend, "UTC").await;
    assert_eq!(problem(prices::undo(&backend, &globex.owner, change)).await, Problem::NotFound);
}

#[tokio::test]
async fn every_server_prices_with_a_changed_book_at_once() {
    let database = TestDatabase::new().await;
    let (here, clock) = seed::backend(&database, NOW);
    let there = Backend::new(database.pool().clone(), clock, "http://127.0.0.1:3000", true);
    let stop = CancellationToken::new();
    let watchers = [&here, &there].map(|backend| {
        let (backend, stop) = (backend.clone(), stop.clone());
        tokio::spawn(async move { prices::watch(&backend, &stop).await })
    });
    let acme = seed::organization(&here, "UTC").await;
    for n in 0..20 {
        assert_eq!(send(&there, &acme.api, &format!("a{n}"), "ours").await, None);
    }
    enter(&here, &acme.owner, price("ours", "output", "10")).await;
    enter(&here, &acme.owner, price("ours", "input_uncached", "1")).await;
    assert_eq!(send(&here, &acme.api, "b", "ours").await, money("0.002"), "here at once");
    // There as soon as the notice has arrived, which nobody can wait for but by asking.
    let mut n = 0;
    while send(&there, &acme.api, &format!("c{n}"), "ours").await.is_none() {
        n += 1;
        assert!(n < 1_000, "the notice never came");
    }
    stop.cancel();
    for watcher in watchers {
        watcher.await.unwrap().unwrap();
    }
}
