//! What a usage object says about how the call was served.

use serde_json::Value;

/// A word of the usage object; none where it is empty.
#[must_use]
pub fn served_word<'a>(usage: &'a Value, key: &str) -> Option<&'a str> {
    usage.get(key).and_then(Value::as_str).filter(|word| !word.is_empty())
}

/// The service tier that the provider says it served with: it wins over the one that was asked for.
#[must_use]
pub fn served_tier(usage: &Value) -> Option<&str> {
    let word = |key| served_word(usage, key);
    // Anthropic's fast mode is a speed beside the tier, and dearer than any of its tiers.
    word("speed")
        .filter(|speed| *speed == "fast")
        .or_else(|| word("service_tier"))
        .or_else(|| word("serviceTier"))
        .or_else(|| word("trafficType").map(traffic_tier))
}

/// Vertex says tiers as kinds of traffic. What was bought beforehand is not sold by the call, and has no tier here.
fn traffic_tier(traffic: &str) -> &str {
    match traffic {
        "ON_DEMAND_PRIORITY" => "priority",
        "ON_DEMAND_FLEX" | "FLEX" => "flex",
        "BATCH" => "batch",
        "ON_DEMAND" => "standard",
        other => other,
    }
}
