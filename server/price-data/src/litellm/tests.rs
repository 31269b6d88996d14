use super::*;
use serde_json::json;

#[test]
fn a_key_says_model_size_quality_and_steps() {
    let said = |key: &str, provider: &str| name(key, provider);
    let told = |name: &str, attributes: &str| (name.to_owned(), attributes.to_owned());
    assert_eq!(said("high/1024-x-1536/gpt-image-1.5", "openai"), told("gpt-image-1.5", "quality=high;size=1024x1536"));
    assert_eq!(
        said("512-x-512/max-steps/stability.stable-diffusion-xl-v0", "aws"),
        told("stability.stable-diffusion-xl-v0", "size=512x512;steps=max")
    );
    assert_eq!(
        said("1024-x-1024/50-steps/bedrock/amazon.nova-canvas-v1:0", "aws"),
        told("amazon.nova-canvas-v1:0", "size=1024x1024")
    );
    assert_eq!(
        said("fal_ai/low/1024-x-768/openai/gpt-image-2/edit", "fal_ai"),
        told("openai/gpt-image-2/edit", "quality=low;size=1024x768")
    );
    assert_eq!(
        said("bedrock/us-east-1/1-month-commitment/anthropic.claude-v1", "aws"),
        told("us-east-1/1-month-commitment/anthropic.claude-v1", "")
    );
    assert_eq!(said("groq/openai/gpt-oss-120b", "groq"), told("openai/gpt-oss-120b", ""));
}

const KNOWN: &str = "s\tgenai-prices\t1\np\topenai\nm\tsol\na\t=sol\na\t=sol-2026-01-01\nr\tinput_uncached\t\t\t2\t1000000\n\
                     r\toutput\t\t\t10\t1000000\nr\toutput\tbatch\t\t5\t1000000\np\tazure\tAzure\t\topenai\n";

fn added(models: Value) -> Vec<String> {
    added_to(KNOWN, models)
}

fn added_to(before: &str, models: Value) -> Vec<String> {
    let mut seed = Seed { text: before.to_owned(), ..Seed::default() };
    let known = Known::of_seed(&seed.text).unwrap();
    write(&mut seed, models.as_object().unwrap(), "1", &known);
    seed.text[before.len()..].lines().map(|line| line.trim_end().replace('\t', " ")).collect()
}

#[test]
fn a_known_model_gets_only_what_it_lacks() {
    let models = json!({"sol-2026-01-01": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2e-6,
        "cache_read_input_token_cost": 1e-6, "cache_creation_input_token_cost_above_12hr": 5e-6, "output_cost_per_token_batches": 7e-6,
        "input_cost_per_token_flex": 1e-6, "regional_processing_uplift_multiplier_eu": 1.1, "tpm": 1000}});
    assert_eq!(
        added(models),
        [
            "s litellm 1",
            "p openai",
            "f region 1.1 =sol tokens region=eu",
            "m sol",
            "l  1000",
            "r input_uncached flex  1 1000000",
            "r input_cache_write_12h   5 1000000",
        ]
    );
}

#[test]
fn the_price_of_a_tier_stands_beside_its_own_standard_price_or_not_at_all() {
    let known = "s\tgenai-prices\t1\np\tacme\nm\tx\nr\tinput_uncached\t\t\t2\t1000000\t\t2026-12-01\n\
                 r\tinput_uncached\t\t\t4\t1000000\t2026-12-01\n";
    let flex = |standard: f64| {
        let models = json!({"acme/x": {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": standard,
            "input_cost_per_token_flex": 1e-6}});
        added_to(known, models)[1..].to_vec()
    };
    assert_eq!(flex(2e-6), ["p acme", "m x", "r input_uncached flex  1 1000000  2026-12-01T00:00:00Z"]);
    assert_eq!(flex(4e-6), ["p acme", "m x", "r input_uncached flex  1 1000000 2026-12-01T00:00:00Z"]);
    assert!(flex(3e-6).is_empty(), "that of another region or edition");
}

#[test]
fn what_is_said_to_be_free_is_not_missing() {
    let known = "s\tgenai-prices\t1\np\tacme\nm\tx\nr\tinput_uncached\t\t\t2\t1000000\n";
    let models = json!({"acme/x": {"litellm_provider": "acme", "mode": "embedding", "input_cost_per_token": 2e-6,
        "output_cost_per_token": 0.0, "cache_read_input_token_cost": 0.0}});
    assert_eq!(added_to(known, models), ["s litellm 1", "p acme", "m x", "r output   0 1000000"]);
}

#[test]
fn openais_fast_tier_is_its_priority_tier() {
    let models = |provider: &str| {
        let name = format!("{provider}/eu/gpt-9");
        added(json!({name: {"litellm_provider": provider, "mode": "chat", "input_cost_per_token": 2e-6,
            "input_cost_per_token_priority": 4e-6}}))
    };
    let priority = "r input_uncached priority  4 1000000";
    assert_eq!(models("azure")[4..], [priority, "r input_uncached fast  4 1000000"]);
    assert_eq!(models("acme")[4..], [priority]);
}

#[test]
fn a_boundary_of_xais_tiers_is_included() {
    let models = |provider: &str| {
        added(json!({"new": {"litellm_provider": provider, "mode": "chat", "input_cost_per_token": 2e-6,
            "input_cost_per_token_above_200k_tokens": 4e-6}}))
    };
    assert_eq!(models("xai")[4], "r input_uncached  >=200000 4 1000000");
    assert_eq!(models("acme")[4], "r input_uncached  >200000 4 1000000");
}

#[test]
fn a_region_in_the_name_is_part_of_the_price() {
    for (provider, name, is_region) in [
        ("azure", "us/o4-mini", true),
        ("azure", "gpt-4o", false),
        ("aws", "eu-west-2/meta.llama3-8b-instruct-v1:0", true),
        ("aws", "us-gov-west-1/amazon.titan-text-lite-v1", true),
        ("aws", "us-gov.anthropic.claude-haiku-4-5", true),
        ("aws", "us.anthropic.claude-haiku-4-5", false),
        ("openrouter", "us/o4-mini", false),
    ] {
        assert_eq!(names_region(provider, name), is_region, "{provider} {name}");
    }
}

#[test]
fn a_thousand_tokens_price_taken_for_that_of_one_stays_out() {
    let models = |output: f64| {
        added(json!({"watsonx/jais": {"litellm_provider": "watsonx", "mode": "chat", "input_cost_per_token": 5e-4,
            "output_cost_per_token": output}}))
    };
    assert_eq!(models(2e-3), ["s litellm 1"]);
    assert_eq!(models(6e-4).len(), 5, "dear, and meant so");
}

#[test]
fn an_unknown_model_comes_in_whole_and_a_resold_one_not_at_all() {
    let models = json!({
        "azure/sol": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 3e-6},
        "azure/eu/sol": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 2.2e-6, "source": "https://a.example"},
        "azure/hd/1024-x-1024/dall-e-3": {"litellm_provider": "azure", "mode": "image_generation", "input_cost_per_pixel": 8.39233e-08},
        "ollama/x": {"litellm_provider": "ollama", "mode": "chat", "input_cost_per_token": 0.0},
    });
    assert_eq!(
        added(models),
        [
            "s litellm 1",
            "p azure",
            "m dall-e-3",
            "r images   0.088 1    quality=hd;size=1024x1024",
            "m eu/sol  https://a.example",
            "r input_uncached   2.2 1000000",
        ]
    );
}

#[test]
fn fireworks_charges_half_for_cached_input() {
    let models =
        json!({"fireworks_ai/x": {"litellm_provider": "fireworks_ai", "mode": "chat", "input_cost_per_token": 5.6e-7}});
    assert_eq!(
        added(models)[3..],
        ["r input_uncached   0.56 1000000", "r input_cache_read   0.28 1000000       half_of_input"]
    );
}
