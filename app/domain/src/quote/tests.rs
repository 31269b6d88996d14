use super::*;
use crate::price::seed;
use serde_json::json;

fn book() -> PriceBook {
    let text = "s\tset\t1\np\tacme\tAcme\nm\tone\nr\tinput_uncached\t\t\t2\t1000000\nr\tinput_cache_read\t\t\t0.2\t1000000\n\
                r\toutput\t\t\t10\t1000000\nr\toutput\tbatch\t\t5\t1000000\np\topenai\nm\teu/two\nr\tinput_audio_seconds\t\t\t0.36\t3600\n";
    PriceBook::new(seed::parse(text).unwrap())
}

fn ask(question: Value) -> Value {
    let answer = quote_json((&book()).into(), question, "2026-11-12T00:00:00Z".parse().unwrap());
    serde_json::to_value(answer).unwrap()
}

#[test]
fn a_quote_is_not_rounded_and_says_its_lines() {
    let answer = ask(json!({
        "name": "a", "provider": "acme", "model": "one", "flavor": "chat", "expected_usd": "7",
        "usage": {"prompt_tokens": 7, "completion_tokens": 0}, "at": "2026-11-12T00:00:00Z",
    }));
    assert_eq!(
        (&answer["name"], &answer["usd"], &answer["priced_as"]),
        (&json!("a"), &json!("0.000014"), &json!("acme/one"))
    );
    let line = &answer["lines"][0];
    assert_eq!(
        (&line["meter"], &line["quantity"], &line["rate"]),
        (&json!("input_uncached"), &json!("7"), &json!("2"))
    );
    assert_eq!((&line["per"], &line["amount"]), (&json!(1_000_000), &json!("0.000014")));
    assert!(line["price_id"].is_u64());
    let third =
        ask(json!({"provider": "openai", "model": "eu/two", "flavor": "audio_seconds", "usage": {"audio_seconds": 1}}));
    assert_eq!(third["usd"], json!("0.0001"));
}

#[test]
fn what_is_not_known_and_what_is_wrong_are_told_apart() {
    let unknown = ask(json!({"provider": "acme", "model": "two", "flavor": "chat", "usage": {"prompt_tokens": 1}}));
    assert_eq!(unknown, json!({"name": "", "unpriced": "The price book has no model `two` of `acme`."}));
    let wrong = |usage: Value| {
        ask(json!({"provider": "acme", "model": "one", "flavor": "chat", "usage": usage}))["invalid"].clone()
    };
    assert_eq!(wrong(json!({"prompt_tokens": -1})), json!("prompt_tokens is negative."));
    assert_eq!(
        wrong(json!({"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}})),
        json!("prompt_tokens_details.cached_tokens (2) exceeds the total it is a part of, prompt_tokens (1).")
    );
    let flavor = ask(json!({"provider": "acme", "model": "one", "flavor": "smoky", "usage": {}}));
    assert!(flavor["invalid"].as_str().unwrap().contains("flavor `smoky`"));
    assert!(ask(json!({"provider": "acme", "model": "one", "usage": {}}))["invalid"].is_string(), "no format is known");
    let context = ask(json!({"name": "c", "provider": "a", "model": "b", "usage": {}, "context": {"colour": "red"}}));
    assert_eq!(context["name"], json!("c"));
    assert!(context["invalid"].as_str().unwrap().contains("colour"), "what is not understood is not passed over");
    let line = |line: &str| quote_line((&book()).into(), line, "2026-11-12T00:00:00Z".parse().unwrap()).answer;
    for text in ["", "[1", "{\"provider\": \"acme\", \"model\": \"one\", \"usage\": {\"prompt_tokens\": NaN}}", "7"] {
        assert!(matches!(line(text), QuoteAnswer::Invalid { .. }), "{text}");
    }
}

#[test]
fn the_context_chooses_the_price() {
    let usage = json!({"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000, "prompt_tokens_details": {"cached_tokens": 500_000}});
    let cost = |context: Value| {
        ask(json!({"provider": "acme", "model": "one", "flavor": "chat", "usage": usage, "context": context}))["usd"]
            .clone()
    };
    assert_eq!(cost(json!({})), json!("11.1"));
    assert_eq!(cost(json!({"processing": "batch"})), json!("6.1"));
    assert_eq!(
        cost(json!({"override": {"input_cost_per_token": "0.000001", "output_cost_per_token": 2e-6}})),
        json!("3")
    );
    let bad = ask(
        json!({"provider": "acme", "model": "one", "flavor": "chat", "usage": usage, "context": {"override": {"luck": 1}}}),
    );
    assert_eq!(bad["invalid"], json!("`luck` is not a price that can be overridden."));
    let zone = ask(json!({
        "provider": "openai", "model": "two", "flavor": "audio_seconds", "usage": {"audio_seconds": 36000.5},
        "context": {"azure_region_prefix": "eu"},
    }));
    assert_eq!(zone["usd"], json!("3.60005"));
}
