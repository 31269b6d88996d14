//! The rules of the specification on rows of any receipt.

use super::Version;
use super::charge::{Amounts, Charge, Charged, Sources, UnitPrices, charges, movements};
use super::columns::{Cell, Column, Kind, columns, csv_text};
use super::query::{FileFormat, FocusQuery};
use super::row::AllocatedCharge;
use super::row::{Account, FocusRow, PriceFacts, RowKey};
use super::sku::{ModelIdentity, Seller, meter_name, unit};
use crate::allocation::Party;
use crate::ids::ProjectId;
use crate::meter::{Meter, Meters};
use crate::price::ModifierKind;
use crate::problem::Problem;
use crate::project::Owner;
use crate::rating::{LineSource, Rate, ReceiptLine};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

fn amount(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Modifiers with an even id are uplifts of the provider, the others negotiated; own prices are those from 100 on.
struct Known;

impl Sources for Known {
    fn modifier(&self, modifier_id: u64) -> Option<ModifierKind> {
        Some(if modifier_id.is_multiple_of(2) { ModifierKind::Region } else { ModifierKind::Discount })
    }

    fn list_price(&self, price_id: u64, _: Meter) -> Option<Rate> {
        (price_id >= 100).then_some(Rate { usd: Decimal::TEN, per: 1_000_000 })
    }
}

fn price(meter: Meter, price_id: u64, usd: &str, per: u64, quantity: u64) -> ReceiptLine {
    let source = LineSource::Price { price_id, rate: Rate { usd: amount(usd), per } };
    ReceiptLine { meter, quantity: quantity.into(), amount: Decimal::ZERO, source }.charged().unwrap()
}

fn modifier(of: &ReceiptLine, modifier_id: u64, factor: &str) -> ReceiptLine {
    let rate = of.source.rate().unwrap();
    let (factor, usd) = (amount(factor), rate.usd * (amount(factor) - Decimal::ONE));
    let source = LineSource::Modifier { modifier_id, factor, rate: Rate { usd, ..rate } };
    ReceiptLine { source, ..of.clone() }.charged().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn row(charged: Charged) -> FocusRow {
    let is_priced = matches!(charged.charge, Charge::Priced(_));
    FocusRow {
        key: RowKey {
            start: at("2026-10-31T18:30:00Z"),
            project_id: ProjectId(Uuid::nil()),
            provider: "bedrock".to_owned(),
            model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0".to_owned(),
            book_model: "anthropic.claude-sonnet-4-5".to_owned(),
            meter: charged.meter,
            is_correction: !charged.charge.is_usage(),
            charge: charged.charge,
            tags: vec![("team".to_owned(), "a \"b\", c".to_owned())],
            route: None,
        },
        amounts: charged.amounts,
        end: at("2026-11-01T18:30:00Z"),
        billing: (at("2026-10-31T18:30:00Z"), at("2026-11-30T18:30:00Z")),
        owner: Owner { project: "main".to_owned(), project_name: "Main".to_owned(), ..Owner::default() },
        price: is_priced.then(|| PriceFacts {
            tier: "standard".to_owned(),
            terms: String::new(),
            source: "list 1".to_owned(),
        }),
        term: None,
        allocated: None,
    }
}

fn account() -> Account {
    Account { id: "01J9".to_owned(), name: "Acme".to_owned() }
}

fn cell(row: &FocusRow, version: Version, id: &str) -> Option<Cell> {
    columns(version).find(|column| column.id == id).unwrap().cell(&account(), row)
}

fn number(row: &FocusRow, id: &str) -> Option<Decimal> {
    cell(row, Version::V1_2, id).map(|cell| match cell {
        Cell::Decimal(number) => number,
        other => panic!("{id}: {other:?}"),
    })
}

fn any_lines() -> impl Strategy<Value = Vec<ReceiptLine>> {
    let meter = prop::sample::select(vec![Meter::InputUncached, Meter::Output, Meter::Images, Meter::AudioSeconds]);
    let per = prop::sample::select(vec![1_u64, 60, 1_000, 3_600, 1_000_000]);
    let priced =
        (meter, per, 1_u64..200, 0_i64..40_000_000, 0_u64..50_000_000, prop::option::of(1_u64..5), 0_i64..2_000);
    let lines = prop::collection::vec(priced, 0..5).prop_map(|prices| {
        let mut lines = Vec::new();
        for (meter, per, id, micros, quantity, modified, factor) in prices {
            let line = price(meter, id, &Decimal::new(micros, 6).to_string(), per, quantity);
            let modifier = modified.map(|of| modifier(&line, of, &Decimal::new(factor, 3).to_string()));
            lines.push(line);
            lines.extend(modifier);
        }
        lines
    });
    let flat = |meter, source| {
        (-5_000_000_000_i64..5_000_000_000).prop_map(move |nano| ReceiptLine {
            meter,
            quantity: Decimal::ONE,
            amount: Decimal::new(nano, 12),
            source,
        })
    };
    let term = prop::option::of(flat(Meter::Output, LineSource::Term { term_id: 7 }));
    let reported = prop::option::of(flat(Meter::Reported, LineSource::Reported));
    (lines, term, reported, any::<bool>()).prop_map(|(lines, term, reported, is_included)| {
        let lines: Vec<ReceiptLine> = lines.into_iter().chain(term.filter(|_| !is_included)).chain(reported).collect();
        if is_included { included(lines) } else { lines }
    })
}

/// The same as a plan includes it.
fn included(mut lines: Vec<ReceiptLine>) -> Vec<ReceiptLine> {
    let amount = Decimal::ZERO - sum(&lines);
    let source = LineSource::Included;
    lines.push(ReceiptLine { meter: Meter::Included, quantity: Decimal::ONE, amount, source });
    lines
}

fn sum(lines: &[ReceiptLine]) -> Decimal {
    lines.iter().map(|line| line.amount).sum()
}

fn billed(charges: &[Charged]) -> Decimal {
    charges.iter().map(|charged| charged.amounts.billed).sum()
}

/// What the specification says of every row, whatever it charges for.
fn check(row: &FocusRow) {
    let null = |id: &str| cell(row, Version::V1_2, id).is_none();
    let category = cell(row, Version::V1_2, "ChargeCategory");
    let is_usage = category == Some(Cell::Text("Usage".to_owned()));
    for version in Version::ALL {
        for column in columns(version) {
            let cell = column.cell(&account(), row);
            assert!(cell.is_some() || column.nullable, "{} is null", column.id);
            match (&cell, column.kind) {
                (None, _)
                | (Some(Cell::Text(_)), Kind::Text)
                | (Some(Cell::Decimal(_)), Kind::Decimal)
                | (Some(Cell::Time(_)), Kind::Time) => {}
                (Some(Cell::Text(text)), Kind::KeyValue) => {
                    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
                    assert!(object.values().all(serde_json::Value::is_string), "{text}");
                }
                (cell, kind) => panic!("{}: {cell:?} is no {kind:?}", column.id),
            }
            assert_ne!(cell, Some(Cell::Text(String::new())), "{}: null is null, and no empty text", column.id);
        }
    }
    for (cost, price) in [("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")] {
        match (number(row, price), number(row, "PricingQuantity")) {
            (Some(price), Some(quantity)) => {
                assert_eq!(number(row, cost), Some(price * quantity), "{cost}");
                assert!(price >= Decimal::ZERO);
            }
            (None, None) => assert_eq!(number(row, cost), number(row, "BilledCost"), "{cost}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(number(row, "EffectiveCost"), number(row, "BilledCost"));
    assert_eq!(null("PricingUnit"), null("PricingQuantity"));
    assert_eq!(null("ConsumedUnit"), null("ConsumedQuantity"));
    assert_eq!(null("ConsumedQuantity"), !is_usage);
    for needed in ["PricingQuantity", "PricingCategory", "ListUnitPrice", "ContractedUnitPrice", "SkuId", "SkuPriceId"]
    {
        assert_eq!(null(needed), !is_usage, "{needed}");
    }
    assert_eq!(null("SkuPriceDetails"), null("SkuPriceId"));
    assert_eq!(null("SkuMeter"), null("SkuId"));
    let starts = |id: &str| match cell(row, Version::V1_2, id) {
        Some(Cell::Text(text)) => Some(text),
        _ => None,
    };
    if let (Some(sku), Some(price)) = (starts("SkuId"), starts("SkuPriceId")) {
        assert!(price.starts_with(&format!("{sku}/")), "a price belongs to one SKU");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: prop::test_runner::RngSeed::Fixed(412), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_add_up_to_the_receipt_and_keep_the_rules(before in any_lines(), after in any_lines(), used: u16) {
        let used = Meters::from([(Meter::Output, u64::from(used))]);
        let booked = charges(&before, &used, 1, &Known);
        prop_assert_eq!(billed(&booked), sum(&before));
        let moved = movements(&before, &after);
        prop_assert_eq!(billed(&booked) + billed(&moved), sum(&after));
        prop_assert!(movements(&before, &before).is_empty());
        for charged in booked.into_iter().chain(moved) {
            check(&row(charged));
        }
    }
}

#[test]
fn what_was_charged_is_what_the_unit_prices_say() {
    let line = price(Meter::Output, 1, "15", 1_000_000, 8_400_000);
    let (uplift, discount) = (modifier(&line, 2, "1.1"), {
        let raised = price(Meter::Output, 1, "16.5", 1_000_000, 8_400_000);
        modifier(&raised, 3, "0.9")
    });
    let charged = charges(&[line, uplift, discount], &Meters::from([(Meter::Output, 8_400_000)]), 1, &Known);
    let prices = UnitPrices { price_id: 1, list: amount("16.5"), contracted: amount("14.85"), per: 1_000_000 };
    let amounts = Amounts { billed: amount("124.74"), consumed: 8_400_000.into(), charged: 8_400_000.into() };
    assert_eq!(charged, [Charged { meter: Meter::Output, charge: Charge::Priced(prices), amounts }]);
    let row = row(charged[0].clone());
    assert_eq!((row.list_cost(), row.contracted_cost()), (amount("138.6"), amount("124.74")));
    let pricing = row.pricing().unwrap();
    assert_eq!((pricing.quantity, pricing.unit.as_str()), (amount("8.4"), "1000000 Tokens"));
}

#[test]
fn an_own_price_stands_beside_the_lists() {
    let line = price(Meter::Output, 100, "8", 1_000_000, 1_000_000);
    let charged = charges(&[line], &Meters::from([(Meter::Output, 1_000_000)]), 1, &Known);
    let row = row(charged[0].clone());
    assert_eq!((row.list_cost(), row.contracted_cost()), (Decimal::TEN, amount("8")));
}

#[test]
fn parts_of_one_price_share_their_modifiers_without_a_rest() {
    let (one, other) = (price(Meter::Output, 1, "0.000001", 1, 1_234_567), price(Meter::Output, 2, "0.000001", 1, 7));
    let both = price(Meter::Output, 1, "0.000001", 1, 1_234_574);
    let lines = [one, modifier(&both, 3, "0.123456789"), other];
    let charged = charges(&lines, &Meters::new(), 1, &Known);
    assert_eq!(billed(&charged), sum(&lines));
    let contracted: Vec<Decimal> = charged.iter().map(|charged| row(charged.clone()).contracted_cost()).collect();
    for (charged, contracted) in charged.iter().zip(contracted) {
        assert!((charged.amounts.billed - contracted).abs() <= amount("0.000000000002"), "{charged:?}");
    }
}

#[test]
fn a_price_of_an_hour_is_one_of_seconds() {
    let line = price(Meter::AudioSeconds, 1, "0.36", 3_600, 90);
    let row = row(charges(&[line], &Meters::from([(Meter::AudioSeconds, 90)]), 1, &Known)[0].clone());
    let pricing = row.pricing().unwrap();
    assert_eq!((pricing.unit.as_str(), pricing.list, pricing.quantity), ("Seconds", amount("0.0001"), 90.into()));
    assert_eq!((row.list_cost(), row.amounts.billed), (amount("0.009"), amount("0.009")));
}

#[test]
fn a_cost_without_a_price_is_priced_in_dollars() {
    let source = LineSource::Reported;
    let line = ReceiptLine { meter: Meter::Reported, quantity: Decimal::ONE, amount: amount("1.25"), source };
    let row = row(charges(&[line], &Meters::new(), 3, &Known)[0].clone());
    check(&row);
    let pricing = row.pricing().unwrap();
    assert_eq!(
        (pricing.unit.as_str(), pricing.quantity, row.list_cost()),
        ("US Dollars", amount("1.25"), amount("1.25"))
    );
    assert_eq!((number(&row, "ConsumedQuantity"), unit(Meter::Reported)), (Some(3.into()), "Requests".to_owned()));
}

#[test]
fn what_a_plan_includes_has_its_list_cost_and_nothing_billed() {
    let line = price(Meter::Output, 1, "15", 1_000_000, 2_000_000);
    let discount = modifier(&line, 3, "0.9");
    let charged = charges(&included(vec![line, discount]), &Meters::from([(Meter::Output, 2_000_000)]), 1, &Known);
    let row = row(charged[0].clone());
    check(&row);
    assert_eq!(
        (charged.len(), row.amounts.billed, row.list_cost(), row.contracted_cost()),
        (1, 0.into(), 30.into(), 27.into())
    );
    let text = |id: &str| cell(&row, Version::V1_2, id);
    assert_eq!(text("ChargeCategory"), Some(Cell::Text("Usage".to_owned())));
    assert_eq!(text("PricingCategory"), Some(Cell::Text("Other".to_owned())));
    assert_eq!(
        text("ChargeDescription"),
        Some(Cell::Text(format!("Output Tokens of {}, included in a plan and not billed", row.key.model)))
    );
}

#[test]
fn columns_are_those_of_their_version() {
    let ids = |version| columns(version).map(|column| column.id).collect::<Vec<_>>();
    for version in Version::ALL {
        let ids = ids(version);
        let own = ids.iter().position(|id| id.starts_with("x_")).unwrap();
        assert!(ids[..own].is_sorted() && ids[own..].is_sorted() && ids[own..].iter().all(|id| id.starts_with("x_")));
    }
    // Mandatory columns, by the reference (`CostAndUsage` of each version).
    let always = [
        "BilledCost",
        "BillingAccountId",
        "BillingAccountName",
        "BillingCurrency",
        "BillingPeriodEnd",
        "BillingPeriodStart",
        "ChargeCategory",
        "ChargeClass",
        "ChargeDescription",
        "ChargePeriodEnd",
        "ChargePeriodStart",
        "ContractedCost",
        "EffectiveCost",
        "InvoiceIssuerName",
        "ListCost",
        "PricingQuantity",
        "PricingUnit",
        "ServiceCategory",
        "ServiceName",
    ];
    let names = ["ProviderName", "PublisherName"];
    let hosts = ["HostProviderName", "ServiceProviderName"];
    let allocated = [
        "AllocatedMethodDetails",
        "AllocatedMethodId",
        "AllocatedResourceId",
        "AllocatedResourceName",
        "AllocatedTags",
    ];
    for (version, there, missing) in [
        (Version::V1_2, vec![&names[..]], vec![&hosts[..], &allocated, &["InvoiceDetailId"]]),
        (Version::V1_3, vec![&names, &hosts, &allocated], vec![&["InvoiceDetailId"]]),
        (Version::V1_4, vec![&hosts, &allocated, &["InvoiceDetailId"]], vec![&names]),
    ] {
        let ids = ids(version);
        assert!(always.iter().chain(there.into_iter().flatten()).all(|id| ids.contains(id)), "{version:?}");
        assert!(!missing.into_iter().flatten().any(|id| ids.contains(id)), "{version:?}");
    }
    let never_null = [
        "BilledCost",
        "EffectiveCost",
        "ListCost",
        "ContractedCost",
        "BillingCurrency",
        "ChargeCategory",
        "ChargePeriodStart",
        "ChargePeriodEnd",
        "BillingPeriodStart",
        "BillingPeriodEnd",
        "BillingAccountId",
        "ServiceName",
        "ServiceCategory",
        "ServiceProviderName",
        "InvoiceIssuerName",
    ];
    let nullable: Vec<&str> = columns(Version::V1_4).filter(|column: &&Column| column.nullable).map(|c| c.id).collect();
    assert!(!never_null.iter().any(|id| nullable.contains(id)));
}

#[test]
fn values_are_written_as_the_specification_asks() {
    assert_eq!(csv_text(Some(Cell::Decimal(amount("8400000")))), "8400000.0");
    assert_eq!(csv_text(Some(Cell::Decimal(amount("0.000000120")))), "0.00000012");
    assert_eq!(csv_text(Some(Cell::Decimal(amount("-0")))), "0.0");
    assert_eq!(csv_text(Some(Cell::Time(at("2026-10-31T18:30:00Z")))), "2026-10-31T18:30:00Z");
    assert_eq!(csv_text(None), "");
}

#[test]
fn what_rules_moved_says_to_whom_and_how_much_of_it() {
    let usage = Amounts { billed: Decimal::new(1, 12), consumed: Decimal::new(70, 1), charged: Decimal::from(7) };
    let parts = usage.split(&[250_000_000_000, 750_000_000_000]);
    let told: Vec<String> =
        parts.iter().map(|part| format!("{} {} {}", part.billed, part.consumed, part.charged)).collect();
    assert_eq!(told, ["0 2 2", "0.000000000001 5 5"], "whole tokens stay whole");
    let mut row = row(Charged { meter: Meter::Output, charge: Charge::Amount, amounts: parts[1] });
    let text = |row: &FocusRow, id| match cell(row, Version::V1_4, id) {
        Some(Cell::Text(text)) => text,
        other => format!("{other:?}"),
    };
    assert_eq!(text(&row, "AllocatedMethodId"), "None");
    row.allocated = Some(AllocatedCharge {
        rule_id: 7,
        rule: "Vector \"store\"".to_owned(),
        effect: "is split".to_owned(),
        unit: Some("Tokens"),
        ratio: Decimal::new(75, 2),
        to: Party::Team("growth".to_owned()),
        name: Some("Growth".to_owned()),
        team: Some("growth".to_owned()),
    });
    let [id, details, resource, name, tags] =
        ["MethodId", "MethodDetails", "ResourceId", "ResourceName", "Tags"].map(|id| format!("Allocated{id}"));
    assert_eq!(
        (text(&row, &id), text(&row, &resource), text(&row, &name)),
        ("7".into(), "team:growth".into(), "Growth".into())
    );
    let details: serde_json::Value = serde_json::from_str(&text(&row, &details)).unwrap();
    let element = serde_json::json!([{"AllocatedRatio": 0.75, "UsageUnit": "Tokens"}]);
    assert_eq!((&details["Elements"], details["x_Rule"].as_str()), (&element, Some("Vector \"store\"")));
    assert_eq!(text(&row, &tags), "{\"tallystick:team\":\"growth\"}");
    row.allocated.as_mut().unwrap().to = Party::Nobody;
    assert_eq!(text(&row, &resource), "None", "what is unallocated has no resource");
}

#[test]
fn a_models_name_tells_its_maker() {
    let told = |model: &str| {
        let of = ModelIdentity::of(model);
        (of.developer, of.family, of.version)
    };
    let some = |developer, family, version: &str| {
        (Some(developer), Some(family), Some(version.to_owned()).filter(|version| !version.is_empty()))
    };
    assert_eq!(told("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), some("Anthropic", "Claude", "4.5"));
    assert_eq!(told("claude-3-5-haiku-latest"), some("Anthropic", "Claude", "3.5"));
    assert_eq!(told("gpt-4.1-mini"), some("OpenAI", "GPT", "4.1"));
    assert_eq!(told("gpt-4o-2024-08-06"), some("OpenAI", "GPT", "4o"));
    assert_eq!(told("o3-mini"), some("OpenAI", "o3", ""));
    assert_eq!(told("meta-llama/Llama-3.3-70B-Instruct"), some("Meta", "Llama", "3.3"));
    assert_eq!(told("deepseek-r1-distill-llama-70b"), some("DeepSeek", "DeepSeek", ""));
    assert_eq!(told("our-own-model"), (None, None, None));
    assert_eq!(Seller::of("vertex_ai").service, "Vertex AI");
    assert_eq!(Seller::of("bedrock").name, "Amazon Web Services");
    assert_eq!(Seller::of("our-own-cluster").service, "our-own-cluster API");
}

#[test]
fn meters_and_units_are_capitalised() {
    assert_eq!(meter_name(Meter::InputCacheRead), "Cache Read Input Tokens");
    assert_eq!(meter_name(Meter::WebSearches), "Web Searches");
    assert_eq!(unit(Meter::WebSearches), "Searches");
    assert_eq!(unit(Meter::RerankUnits), "Units");
    for meter in Meter::ALL {
        assert!(unit(*meter).starts_with(char::is_uppercase) && !meter_name(*meter).is_empty(), "{meter}");
    }
}

#[test]
fn parameters_are_read_and_written_back() {
    let pairs = |text: &str| -> Vec<(String, String)> {
        text.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    let text = "version=1.4&from=2026-11-01&to=2026-12-01&bucket=hour&tags=customer,tag.team&format=csv";
    let query = FocusQuery::from_pairs(&pairs(text)).unwrap();
    assert_eq!(query.to_pairs(), pairs(text));
    assert_eq!(query.tags.iter().map(super::query::TagKey::key).collect::<Vec<_>>(), ["tallystick:customer", "team"]);
    assert_eq!(query.file_name(), "focus-1.4-2026-11-01-2026-12-01.csv");
    let plain = FocusQuery::from_pairs(&pairs("from=2026-11-01&to=2026-12-01")).unwrap();
    assert_eq!((plain.version, plain.hourly, plain.format), (Version::V1_2, false, FileFormat::Csv));
    for (text, pointer) in [
        ("to=2026-12-01", "from"),
        ("from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z", "from"),
        ("from=2026-11-01&to=2026-12-01&version=1.1", "version"),
        ("from=2026-11-01&to=2026-12-01&bucket=week", "bucket"),
        ("from=2026-11-01&to=2026-12-01&tags=project", "tags"),
        ("from=2026-11-01&to=2026-12-01&tags=user,user", "tags"),
        ("from=2026-11-01&to=2026-12-01&format=xlsx", "format"),
        ("from=2026-11-01&to=2026-12-01&model=x", "model"),
    ] {
        match FocusQuery::from_pairs(&pairs(text)) {
            Err(Problem::Invalid { fields, .. }) => assert_eq!(fields[0].pointer, pointer, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}
