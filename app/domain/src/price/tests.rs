use super::*;
use std::collections::{BTreeMap, HashSet};

fn seed_rows() -> BookRows {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../server/backend/src/prices/seed/prices.tsv");
    seed::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn patterns_mean_what_they_say() {
    let matches = |pattern: &str, name: &str| pattern.parse::<Pattern>().unwrap().matches(name);
    assert!(matches("=GPT-4o", "gpt-4o") && !matches("=gpt-4o", "gpt-4o-mini"));
    assert!(
        matches("=gpt-6-sol-####-##-##", "gpt-6-sol-2026-10-12")
            && !matches("=gpt-6-sol-####-##-##", "gpt-6-sol-latest-x-y")
    );
    assert!(matches("^claude-opus-4-5", "claude-opus-4-5-20251101") && !matches("^claude-opus-4-5", "claude-opus-4"));
    assert!(
        matches("^gemini-3.5-flash-#", "gemini-3.5-flash-001")
            && !matches("^gemini-3.5-flash-#", "gemini-3.5-flash-lite")
    );
    assert!(matches("$-instruct", "a-instruct") && matches("~gemma", "my-gemma-2") && !matches("~gemma", "my-gem"));
    assert!(
        matches("^gemini-2.5-pro !-tts", "gemini-2.5-pro-preview")
            && !matches("^gemini-2.5-pro !-tts", "gemini-2.5-pro-preview-tts")
    );
    assert!(
        !matches("^gemini-2.5-pro !-tts", "gemini-2.5-pro-tts-1")
            && matches("^gemini-2.5-pro !-tts", "gemini-2.5-pro-ttsx")
    );
    for text in ["=gpt-4o", "^gemini-2.5-pro !-tts", "$x", "~y"] {
        assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
    }
    assert!("gpt-4o".parse::<Pattern>().is_err() && "=".parse::<Pattern>().is_err());
}

#[test]
fn schedules_are_half_open_and_may_wrap_midnight() {
    let holds = |schedule: &str, time: &str| schedule.parse::<Schedule>().unwrap().contains(at(time));
    assert!(holds("16:30-00:30", "2025-05-14T16:30:00Z") && holds("16:30-00:30", "2025-05-14T00:29:59Z"));
    assert!(!holds("16:30-00:30", "2025-05-14T00:30:00Z") && !holds("16:30-00:30", "2025-05-14T16:29:59Z"));
    assert!(holds("00:00-24:00 67", "2026-11-14T23:59:59Z") && !holds("00:00-24:00 67", "2026-11-16T00:00:00Z"));
    assert!(holds("00:00-08:00 12345 +08:00", "2026-11-12T16:00:00Z"), "midnight in Shanghai, Friday there");
    assert!(!holds("00:00-08:00 12345 +08:00", "2026-11-13T16:00:00Z"), "Saturday there");
    assert!(!holds("00:00-08:00 12345 +08:00", "2026-11-13T00:00:00Z"), "eight in the morning there");
    assert!(
        holds("22:00-23:00 -03:30", "2026-11-13T01:30:00Z") && !holds("22:00-23:00 -03:30", "2026-11-12T22:00:00Z")
    );
    for text in ["01:00-04:00", "01:00-04:00 12345", "01:00-04:00 +08:00", "01:00-04:00 67 -03:30"] {
        assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
    }
    for text in
        ["", "1:00-4:00", "25:00-26:00", "01:00-04:00 8", "01:60-02:00", "01:00-04:00 +8", "01:00-04:00 1 +08:00 x"]
    {
        assert!(text.parse::<Schedule>().is_err(), "{text}");
    }
}

#[test]
fn attributes_must_all_hold() {
    let holds = |text: &str, context: Context<'_>| text.parse::<Attributes>().unwrap().hold(&context);
    let large = Context::default().with(Attribute::Size, Some("1024x1536")).with(Attribute::Quality, Some("HIGH"));
    assert!(holds("", large) && holds("size=1024x1536;quality=high", large));
    assert!(!holds("size=1024x1536;quality=low", large) && !holds("size=1024x1536;steps=50", large));
    let region = |region| Context::default().with(Attribute::Region, region);
    assert!(holds("region!=global", region(Some("europe-west1"))) && !holds("region!=global", region(Some("global"))));
    assert!(!holds("region!=global", region(None)), "an unknown region is not another one");
    let one = "quality=high;size=1024x1536".parse::<Attributes>().unwrap();
    assert_eq!(one, "size=1024x1536;quality=HIGH".parse().unwrap(), "the order does not matter");
    for text in ["", "region!=global", "size=1024x1536;quality=high"] {
        assert_eq!(text.parse::<Attributes>().unwrap().to_string(), text);
    }
    for text in ["size", "size=", "colour=red", "size=1;size=2", "=1"] {
        assert!(text.parse::<Attributes>().is_err(), "{text}");
    }
}

#[test]
fn what_was_served_wins_over_what_was_asked_for() {
    let of = |asked, usage: serde_json::Value| {
        let context = Context::of(asked, &usage);
        (context.variant, context.value(Attribute::Region).map(str::to_owned))
    };
    let tier = |service_tier| Asked { service_tier: Some(service_tier), ..Asked::default() };
    assert_eq!(of(tier("priority"), serde_json::json!({})).0, Variant::Priority);
    assert_eq!(of(tier("priority"), serde_json::json!({"service_tier": "default"})).0, Variant::Standard);
    assert_eq!(of(tier("auto"), serde_json::json!({"trafficType": "ON_DEMAND_FLEX"})).0, Variant::Flex);
    let fast = Asked { speed: Some("fast"), ..Asked::default() };
    assert_eq!(of(fast, serde_json::json!({"service_tier": "standard"})).0, Variant::Fast);
    assert_eq!(of(fast, serde_json::json!({"speed": "standard"})).0, Variant::Standard);
    assert_eq!(of(Asked { batch: true, ..fast }, serde_json::json!({})).0, Variant::Batch);
    let region = Asked { region: Some("us-east-1"), ..Asked::default() };
    assert_eq!(of(region, serde_json::json!({})).1.as_deref(), Some("us-east-1"));
    assert_eq!(of(region, serde_json::json!({"inference_geo": "eu"})).1.as_deref(), Some("eu"));
    assert_eq!(of(region, serde_json::json!({"inference_geo": "not_available"})).1.as_deref(), Some("us-east-1"));
    let usage = serde_json::json!({"size": "512x512", "steps": 51, "max_results": 26});
    let context = Context::of(Asked::default(), &usage);
    assert_eq!((context.value(Attribute::Steps), context.results), (Some("max"), 26));
}

#[test]
fn a_seed_says_factors_limits_and_bounds() {
    let text = "s\tset\t1\np\ta\nf\tregion\t1.10\t^b\ttokens\tregion!=global\t2026-01-01\t\thttps://a.example\n\
                m\tb\nl\t60\t8000000\nr\tsearches\t\t>25\t0.025\t1\t\t\t\tsearch_type=fast\t10\t100\t\twhole\n";
    let rows = seed::parse(text).unwrap();
    let ([modifier], [limit], [price]) = (&rows.modifiers[..], &rows.limits[..], &rows.prices[..]) else {
        panic!("one of each")
    };
    assert_eq!(
        (modifier.kind, modifier.factor, &modifier.meters),
        (ModifierKind::Region, Decimal::new(11, 1), &MeterSet::Tokens)
    );
    assert_eq!(
        (modifier.models.as_ref().unwrap().to_string(), modifier.attributes.to_string()),
        ("^b".into(), "region!=global".into())
    );
    assert_eq!((limit.requests_per_minute, limit.tokens_per_minute), (Some(60), Some(8_000_000)));
    assert_eq!(
        (price.variant, price.tier_from, price.attributes.to_string()),
        (Variant::Standard, 25, "search_type=fast".into())
    );
    assert_eq!((price.quantity_min, price.quantity_max), (Some(10.into()), Some(100.into())));
    assert!(price.quantity_whole);
    let error = |text: &str| seed::parse(&format!("p\ta\nm\tb\n{text}")).unwrap_err().what;
    assert_eq!(error("f\tregion\t-1"), "not a factor");
    assert_eq!(error("f\tluck\t1"), "not a kind of factor");
    assert_eq!(error("l\tmany"), "not a number");
    assert_eq!(error("r\toutput\t\t\t1\t1\t\t\t\tcolour=red"), "not attributes");
}

#[test]
fn a_seed_names_the_line_it_cannot_read() {
    let error = |text: &str| seed::parse(text).unwrap_err();
    assert_eq!(error("# fine\nx\t1").line, 2);
    assert_eq!(error("m\tgpt").what, "a model needs a provider above it");
    assert_eq!(error("p\ta\nm\tb\nr\tinput_uncached\tstandard\t\t-\t1").what, "not a rate");
    assert_eq!(error("p\ta\nm\tb\nr\tinput\tstandard\t\t1\t1").what, "not a meter");
    assert_eq!(error("p\ta\nm\tb\nr\toutput\tstandard\t272000\t1\t1").what, "not a tier");
    assert_eq!(error("p\ta\nm\tb\nr\toutput\tstandard\t\t1\t0").what, "not a number of units");
    assert_eq!(error("p\ta\nm\tb\nr\toutput\tstandard\t\t1\t1\t2026").what, "not a date");
}

#[test]
fn a_seed_goes_on_with_what_it_names_again() {
    let text = "p\ta\tA\thttps://a.example\nm\tb\tB\nr\toutput\t\t\t1\t1\np\tc\nm\tb\nr\toutput\t\t\t2\t1\n\
                p\ta\nm\tb\t\thttps://b.example\nr\timages\t\t\t3\t1\n";
    let rows = seed::parse(text).unwrap();
    assert_eq!((rows.providers.len(), rows.models.len()), (2, 2));
    let last = &rows.prices[2];
    assert_eq!(
        (last.provider.as_str(), last.model.as_str(), last.source_url.as_deref()),
        ("a", "b", Some("https://b.example"))
    );
    assert_eq!(rows.models[0].name.as_deref(), Some("B"));
}

#[test]
fn ids_follow_from_facts_alone() {
    let text =
        "s\tset\t1\np\ta\nm\tb\tB\thttps://a.example\nr\toutput\tstandard\t>=200000\t1.50\t1000000\t2026-01-01\n";
    let [row] = &seed::parse(text).unwrap().prices[..] else { panic!("one row") };
    assert_eq!((row.tier_from, row.tier_inclusive, row.valid_from), (200_000, true, Some(at("2026-01-01T00:00:00Z"))));
    assert_eq!(row.source_url.as_deref(), Some("https://a.example"));
    let newer = seed::parse(&text.replace("set\t1", "set\t2").replace("1.50", "1.5")).unwrap();
    assert_eq!(newer.prices[0].price_id, row.price_id, "a newer edition that says the same is the same price");
    let dearer = seed::parse(&text.replace("1.50", "1.51")).unwrap();
    assert_ne!(dearer.prices[0].price_id, row.price_id);
}

#[test]
fn the_seed_is_whole() {
    let rows = seed_rows();
    assert!(rows.prices.len() > 5_000 && rows.models.len() > 1_000 && rows.providers.len() > 40);
    let ids: HashSet<u64> = rows.prices.iter().map(|row| row.price_id).collect();
    assert_eq!(ids.len(), rows.prices.len(), "no two prices share an id");
    assert!(ids.iter().all(|id| *id > 0 && *id < crate::rule::FIRST_RULE_ID));
    assert!(rows.prices.iter().all(|row| row.rate >= Decimal::ZERO && !row.source.is_empty()));

    let mut same: BTreeMap<_, Vec<(DateTime<Utc>, DateTime<Utc>)>> = BTreeMap::new();
    for row in &rows.prices {
        let key = (
            &row.provider,
            &row.model,
            row.meter,
            row.variant,
            row.tier_from,
            row.schedule,
            row.attributes.to_string(),
        );
        let from = row.valid_from.unwrap_or(DateTime::<Utc>::MIN_UTC);
        let to = row.valid_to.unwrap_or(DateTime::<Utc>::MAX_UTC);
        assert!(from < to, "{key:?}");
        same.entry(key).or_default().push((from, to));
    }
    for (key, mut spans) in same {
        spans.sort_unstable();
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "two prices at the same time: {key:?}");
    }
}

#[test]
fn sent_names_find_their_model() {
    let book = PriceBook::new(seed_rows());
    let label = |provider: &str, model: &str, time: &str| book.resolve(provider, model, at(time)).map(Resolved::label);
    let now = |provider, model| label(provider, model, "2026-11-12T00:00:00Z").unwrap();
    assert_eq!(now("openai", "gpt-4o-2024-08-06"), "openai/gpt-4o");
    assert_eq!(now("openai", "gpt-4o-mini-2024-07-18"), "openai/gpt-4o-mini");
    assert_eq!(now("OpenAI", "GPT-4o"), "openai/gpt-4o");
    assert_eq!(now("openai", "openai/gpt-4o"), "openai/gpt-4o");
    assert_eq!(now("anthropic", "claude-sonnet-4-5-20250929"), "anthropic/claude-sonnet-4-5");
    assert_eq!(now("vertex_ai", "publishers/google/models/gemini-2.5-pro"), "google/gemini-2.5-pro");
    assert_eq!(now("azure_openai", "gpt-5.1"), "openai/gpt-5.1");
    assert_eq!(now("google", "claude-3-5-haiku"), "google/claude-3-5-haiku");
    let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert!(now("bedrock", arn).starts_with("aws/"));
    assert_ne!(now("aws", "global.anthropic.claude-opus-4-8-v1:0"), now("aws", "us.anthropic.claude-opus-4-8-v1:0"));
    assert_eq!(label("mistral", "mistral-large-latest", "2025-12-01T23:59:59Z").unwrap(), "mistral/mistral-large");
    assert_eq!(label("mistral", "mistral-large-latest", "2025-12-02T00:00:00Z").unwrap(), "mistral/mistral-large-2512");
    assert_ne!(
        now("openai", "ft:gpt-4o-mini-2024-07-18:org::id"),
        now("openai", "gpt-4o-mini"),
        "fine-tuned models cost more"
    );
    assert!(label("openai", "gpt-99", "2026-11-12T00:00:00Z").is_err());
}
