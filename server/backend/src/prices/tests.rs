//! The price book in PostgreSQL.

use super::import::common;
use super::own::load_own;
use super::*;
use crate::scope::{Actor, Visible};
use crate::{Clock, TestClock};
use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use domain::meter::{Meter, Meters, Usage};
use domain::period::Zone;
use domain::price::import::{Counts, ImportInput};
use domain::price::{Books, Context, MappingForm, ModifierForm, PriceForm, PriceWarning};
use domain::rating::{Rated, rate_usage};
use testkit::TestDatabase;

fn clock() -> TestClock {
    TestClock::at("2026-11-23T10:00:00Z".parse().unwrap())
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A seed of one provider with one model, whose output has this rate.
fn small(version: &str, rate: &str) -> String {
    format!(
        "s\tset\t{version}\thttps://list.example\np\tacme\tAcme\nm\tone\na\t=one\na\t^one-\n\
         r\tinput_uncached\tstandard\t\t1\t1000000\nr\toutput\tstandard\t\t{rate}\t1000000\t\t\t\n"
    )
}

fn used() -> Usage {
    Meters::from([(Meter::InputUncached, 1_000), (Meter::Output, 1_000)]).into()
}

fn rate_one(books: Books<'_>, model: &str) -> Rated {
    rate_usage(books, "acme", model, &used(), at("2026-11-12T00:00:00Z"), Context::default()).unwrap()
}

fn backend(pool: &PgPool) -> Backend {
    Backend::new(pool.clone(), Arc::new(clock()), "http://localhost", true)
}

async fn organization(pool: &PgPool) -> OrgScope {
    let (org_id, zone) = (OrgId(clock().new_id()), Zone::parse("UTC").unwrap());
    let insert =
        "insert into organizations (org_id, slug, name, time_zone, created_at) values ($1, $2, 'x', 'UTC', now())";
    sqlx::query(insert).bind(org_id.0).bind(org_id.to_string()).execute(pool).await.unwrap();
    OrgScope::new(org_id, zone, Actor::System, Visible::All)
}

#[tokio::test]
async fn the_seed_comes_in_once_and_rates_like_the_file() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let synced = sync_seed(pool, &clock()).await.unwrap();
    let rows = seed::parse(SEED).unwrap();
    assert_eq!(synced, Synced { added: rows.prices.len() as u64, superseded: 0 });
    assert_eq!(sync_seed(pool, &clock()).await.unwrap(), Synced::default(), "the second time nothing happens");

    let loaded = load(pool).await.unwrap();
    assert_eq!(loaded.len(), rows.prices.len());
    for row in &rows.prices {
        assert_eq!(loaded.row(row.price_id), Some(row));
    }
    let file = PriceBook::new(rows);
    for (provider, model) in [
        ("openai", "gpt-4o-2024-08-06"),
        ("azure", "gpt-5.1"),
        ("anthropic", "claude-opus-4-5-20251101"),
        ("google", "gemini-2.5-pro"),
    ] {
        let rated = |book: &PriceBook| {
            rate_usage(book.into(), provider, model, &used(), at("2026-11-12T00:00:00Z"), Context::default())
        };
        assert_eq!(rated(&loaded).unwrap(), rated(&file).unwrap(), "{model}");
    }
}

#[tokio::test]
async fn factors_limits_and_conditions_come_back_as_they_were_written() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let scope = organization(pool).await;
    let text = small("1", "5")
        + "r\timages\tstandard\t\t0.04\t1\t\t\t\tsize=1024x1536;quality=high\t1\t10\nl\t60\t8000000\n\
           f\tregion\t1.1\t^one\ttokens\tregion!=global\t2026-01-01\t\thttps://list.example\n";
    sync(pool, &clock(), &text, "a").await.unwrap();
    let (loaded, file) = (load(pool).await.unwrap(), seed::parse(&text).unwrap());
    let images = file.prices.last().unwrap();
    assert_eq!(loaded.row(images.price_id), Some(images));
    assert_eq!(loaded.modifiers().collect::<Vec<_>>(), file.modifiers.iter().collect::<Vec<_>>());
    assert_eq!(loaded.limits("acme", "one"), file.limits);

    let ids = [file.modifiers[0].modifier_id];
    sync(pool, &clock(), &small("2", "5"), "b").await.unwrap();
    assert_eq!(load(pool).await.unwrap().modifiers().count(), 0);
    assert_eq!(modifiers_by_ids(pool, &scope, &ids).await.unwrap()[&ids[0]], file.modifiers[0], "old receipts keep it");
    sync(pool, &clock(), &text, "c").await.unwrap();
    assert_eq!(load(pool).await.unwrap().modifiers().count(), 1, "the fact that came back is the row it was");
}

#[tokio::test]
async fn own_factors_belong_to_their_organization() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sync(pool, &clock(), &small("1", "5"), "a").await.unwrap();
    let (mine, other) = (organization(pool).await, organization(pool).await);
    let half = ModifierForm {
        kind: "discount".to_owned(),
        provider: "acme".to_owned(),
        percent: "50".to_owned(),
        source: "contract".to_owned(),
        ..ModifierForm::default()
    };
    add_modifier(&backend(pool), &mine, &half.parse().unwrap()).await.unwrap();
    let (common, own) = (load(pool).await.unwrap(), load_own(pool, &mine, None).await.unwrap());
    let rated = rate_one(Books { own: own.book.as_ref(), common: &common }, "one");
    assert_eq!(rated.receipt.cost.to_string(), "0.0030000");
    assert!(load_own(pool, &other, None).await.unwrap().book.is_none());
    let ids: Vec<u64> = rated.receipt.lines.iter().filter_map(|line| line.source.id()).collect();
    assert_eq!(modifiers_by_ids(pool, &mine, &ids).await.unwrap().len(), 1);
    assert_eq!(
        modifiers_by_ids(pool, &other, &ids).await.unwrap().len(),
        0,
        "ids of another organization find nothing"
    );
}

#[tokio::test]
async fn a_changed_fact_is_another_row_and_old_receipts_keep_theirs() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let scope = organization(pool).await;
    assert_eq!(sync(pool, &clock(), &small("1", "5"), "a").await.unwrap(), Synced { added: 2, superseded: 0 });
    let before = rate_one((&load(pool).await.unwrap()).into(), "one");

    assert_eq!(sync(pool, &clock(), &small("2", "6"), "b").await.unwrap(), Synced { added: 1, superseded: 1 });
    let after = rate_one((&load(pool).await.unwrap()).into(), "one-more");
    assert_eq!(before.receipt.cost.to_string(), "0.006000");
    assert_eq!(after.receipt.cost.to_string(), "0.007000");

    let ids: Vec<u64> = before.receipt.lines.iter().filter_map(|line| line.source.id()).collect();
    let behind = rows_by_ids(pool, &scope, &ids).await.unwrap();
    let row = &behind[&before.receipt.lines[1].source.id().unwrap()];
    assert_eq!((row.rate, row.source.as_str(), row.source_version.as_str()), (5.into(), "set", "1"));
    assert_eq!(row.source_url.as_deref(), Some("https://list.example"));

    assert_eq!(sync(pool, &clock(), &small("3", "5"), "c").await.unwrap(), Synced { added: 0, superseded: 1 });
    assert_eq!(
        rate_one((&load(pool).await.unwrap()).into(), "one"),
        before,
        "the fact that came back is the row it was"
    );
}

#[tokio::test]
async fn servers_that_start_together_bring_the_seed_in_once() {
    let database = TestDatabase::new().await;
    let (pool, clock, text) = (database.pool(), clock(), small("1", "5"));
    let (one, two, three) =
        tokio::join!(sync(pool, &clock, &text, "a"), sync(pool, &clock, &text, "a"), sync(pool, &clock, &text, "a"));
    assert_eq!(one.unwrap().added + two.unwrap().added + three.unwrap().added, 2);
}

#[tokio::test]
async fn two_prices_cannot_hold_at_the_same_time() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sync(pool, &clock(), &small("1", "5"), "a").await.unwrap();
    let insert = "insert into prices (price_id, provider, model, meter, variant, tier_from, tier_inclusive, rate, per,
            valid_from, source, source_version, origin, recorded_at)
        values ($1, 'acme', 'one', 'output', $2, 0, true, 7, 1000000, now(), 'x', '1', 'import', now())";
    let error = sqlx::query(insert).bind(7_i64).bind("standard").execute(pool).await.unwrap_err();
    assert_eq!(Error::from(error).constraint(), Some("prices_overlap_excl"));
    sqlx::query(insert).bind(8_i64).bind("batch").execute(pool).await.unwrap();
}

#[tokio::test]
async fn an_imported_price_goes_before_the_seed() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sync(pool, &clock(), &small("1", "5"), "a").await.unwrap();
    sqlx::query("update prices set origin = 'import' where meter = 'output'").execute(pool).await.unwrap();
    assert_eq!(sync(pool, &clock(), &small("2", "6"), "b").await.unwrap(), Synced { added: 0, superseded: 0 });
    assert_eq!(rate_one((&load(pool).await.unwrap()).into(), "one").receipt.cost.to_string(), "0.006000");
}

#[tokio::test]
async fn own_prices_and_names_belong_to_their_organization() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sync(pool, &clock(), &small("1", "5"), "a").await.unwrap();
    let (mine, other) = (organization(pool).await, organization(pool).await);
    assert!(load_own(pool, &mine, None).await.unwrap().book.is_none());

    let price = |(meter, rate): (&str, &str)| PriceForm {
        provider: "acme".to_owned(),
        model: "one".to_owned(),
        meter: meter.to_owned(),
        rate: rate.to_owned(),
        source: "contract".to_owned(),
        ..PriceForm::default()
    };
    let new = [("input_uncached", "2"), ("output", "3")].map(|row| price(row).parse().unwrap());
    let backend = backend(pool);
    refresh(&backend).await.unwrap();
    add_prices(&backend, &mine, &new, true).await.unwrap();
    let alias = MappingForm {
        provider: "azure".to_owned(),
        name: "ours".to_owned(),
        to_provider: "acme".to_owned(),
        to_model: "one".to_owned(),
        ..MappingForm::default()
    };
    add_alias(&backend, &mine, &alias.parse().unwrap()).await.unwrap();

    let (common, own) = (load(pool).await.unwrap(), load_own(pool, &mine, None).await.unwrap());
    let books = Books { own: own.book.as_ref(), common: &common };
    let rated = rate_one(books, "one");
    assert_eq!(rated.receipt.cost.to_string(), "0.005000");
    let mapped = rate_usage(books, "azure", "ours", &used(), at("2026-11-12T00:00:00Z"), Context::default()).unwrap();
    assert_eq!(mapped, rated);
    assert!(load_own(pool, &other, None).await.unwrap().book.is_none());

    let ids: Vec<u64> = rated.receipt.lines.iter().filter_map(|line| line.source.id()).collect();
    assert!(ids.iter().all(|id| *id >= domain::rule::FIRST_RULE_ID));
    assert_eq!(rows_by_ids(pool, &mine, &ids).await.unwrap().len(), 2);
    assert_eq!(rows_by_ids(pool, &other, &ids).await.unwrap().len(), 0, "ids of another organization find nothing");
}

#[tokio::test]
async fn a_server_prices_with_the_databases_book_once_it_has_read_it() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let backend = Backend::new(pool.clone(), std::sync::Arc::new(clock()), "http://localhost", true);
    assert_eq!(backend.events.book().len(), seed_book().len(), "the program's own seed until then");
    refresh(&backend).await.unwrap();
    assert_eq!(backend.events.book().len(), seed_book().len(), "and where the database has none");
    sync(pool, &clock(), &small("1", "5"), "a").await.unwrap();
    refresh(&backend).await.unwrap();
    assert_eq!(backend.events.book().len(), 2);
}

/// A newer edition of [`small`]: output costs `rate` now, and there is a model more.
fn newer(rate: &str) -> ImportInput {
    let text = format!(
        "s\tset\t9\thttps://list.example\np\tacme\tAcme\nm\tone\nr\tinput_uncached\t\t\t1\t1000000\nr\toutput\t\t\t{rate}\t1000000\n\
         m\tone-max\nr\tinput_uncached\t\t\t7\t1000000\nr\toutput\t\t\t70\t1000000\na\t^one-max\n"
    );
    ImportInput::read("list.tsv", text.as_bytes(), "", "2026-11-20").unwrap()
}

fn rated_at(book: &PriceBook, model: &str, time: &str) -> (String, String) {
    let rated = rate_usage(book.into(), "acme", model, &used(), at(time), Context::default()).unwrap();
    (rated.priced_as, rated.receipt.cost.normalize().to_string())
}

fn told(label: &str, cost: &str) -> (String, String) {
    (label.to_owned(), cost.to_owned())
}

#[tokio::test]
async fn an_import_into_the_common_book_adds_dated_rows_and_edits_none() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sync(pool, &clock(), &small("1", "5"), "a").await.unwrap();
    let backend = Backend::new(pool.clone(), std::sync::Arc::new(clock()), "http://localhost", true);
    refresh(&backend).await.unwrap();
    let before = rate_one((&*backend.events.book()).into(), "one");

    let import = common::compare_file(&backend, newer("4")).await.unwrap();
    let counts = Counts::of(&import.comparison().proposals);
    assert_eq!((counts.changed, counts.new_model, counts.needs_confirmation), (1, 2, 0));
    assert_eq!((import.source(), import.comparison().unchanged), ("set 9".to_owned(), 1));
    let added = common::apply(&backend, &import, false).await.unwrap();
    assert_eq!(added, common::Added { applied: 3, rows: 4, superseded: 1 });

    let book = backend.events.book();
    assert_eq!(rated_at(&book, "one", "2026-11-19T23:59:59Z"), told("acme/one", "0.006"));
    assert_eq!(rated_at(&book, "one", "2026-11-20T00:00:00Z"), told("acme/one", "0.005"));
    assert_eq!(rated_at(&book, "one-max-2", "2026-11-19T23:59:59Z"), told("acme/one", "0.006"), "what it meant then");
    assert_eq!(rated_at(&book, "one-max-2", "2026-11-20T00:00:00Z"), told("acme/one-max", "0.077"));
    let ids: Vec<u64> = before.receipt.lines.iter().filter_map(|line| line.source.id()).collect();
    let scope = organization(pool).await;
    assert_eq!(rows_by_ids(pool, &scope, &ids).await.unwrap().len(), ids.len(), "old receipts keep their rows");

    let again = common::compare_file(&backend, newer("4")).await.unwrap();
    assert_eq!(again.comparison().proposals, []);
    assert_eq!(common::apply(&backend, &again, true).await.unwrap(), common::Added::default());
}

#[tokio::test]
async fn a_later_seed_leaves_what_was_imported() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sync(pool, &clock(), &small("1", "5"), "a").await.unwrap();
    let backend = Backend::new(pool.clone(), std::sync::Arc::new(clock()), "http://localhost", true);
    let import = common::compare_file(&backend, newer("4")).await.unwrap();
    common::apply(&backend, &import, false).await.unwrap();
    for (version, rate, fingerprint) in [("2", "5", "b"), ("3", "6", "c"), ("4", "5", "d")] {
        sync(pool, &clock(), &small(version, rate), fingerprint).await.unwrap();
        let book = load(pool).await.unwrap();
        assert_eq!(rated_at(&book, "one", "2026-11-21T00:00:00Z"), told("acme/one", "0.005"), "seed {version}");
        assert_eq!(rated_at(&book, "one-max", "2026-11-21T00:00:00Z"), told("acme/one-max", "0.077"));
    }
}

#[tokio::test]
async fn jumps_are_left_out_unless_they_are_confirmed() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sync(pool, &clock(), &small("1", "5"), "a").await.unwrap();
    let backend = Backend::new(pool.clone(), std::sync::Arc::new(clock()), "http://localhost", true);
    let import = common::compare_file(&backend, newer("0.000005")).await.unwrap();
    let doubtful = import.comparison().proposals.iter().find(|proposal| proposal.needs_confirmation()).unwrap();
    assert!(matches!(doubtful.warnings[..], [PriceWarning::Millionfold { .. }]), "{:?}", doubtful.warnings);
    assert_eq!(common::apply(&backend, &import, false).await.unwrap().applied, 2);
    let rest = common::compare_file(&backend, newer("0.000005")).await.unwrap();
    assert_eq!(rest.comparison().proposals.len(), 1);
    assert_eq!(
        common::apply(&backend, &import, true).await.unwrap_err().into_problem().code(),
        "conflict",
        "what was compared with another book"
    );
    assert_eq!(common::apply(&backend, &rest, true).await.unwrap().applied, 1);
    assert_eq!(rated_at(&load(pool).await.unwrap(), "one", "2026-11-21T00:00:00Z").1, "0.001000005");
}

#[tokio::test]
async fn every_server_takes_a_new_book_without_a_restart() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sync(pool, &clock(), &small("1", "5"), "a").await.unwrap();
    let server = Backend::new(pool.clone(), std::sync::Arc::new(clock()), "http://localhost", true);
    let stop = CancellationToken::new();
    let (watching, stopped) = (server.clone(), stop.clone());
    let keeping = tokio::spawn(async move { keep_book(&watching, &stopped).await });
    let until = async |rows: usize| {
        while server.events.book().len() != rows {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), until(2)).await.expect("the database's book at the start");

    let operator = Backend::new(pool.clone(), std::sync::Arc::new(clock()), "http://localhost", true);
    let import = common::compare_file(&operator, newer("4")).await.unwrap();
    common::apply(&operator, &import, false).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), until(5)).await.expect("the new book, long before the next look");
    stop.cancel();
    keeping.await.unwrap().unwrap();
}
