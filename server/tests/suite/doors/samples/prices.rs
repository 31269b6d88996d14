//! The price book: the common part is the same for everybody.

use crate::doors::sample::{Sample, api, ask, page};
use crate::doors::world::World;
use serde_json::json;

pub(in crate::doors) fn samples(_: &World) -> Vec<Sample> {
    let question = json!({"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": 1}});
    let search = json!({"text": "gpt", "provider": null, "cursor": null, "limit": 50});
    vec![
        page("/o/{org}/prices", "/o/acme/prices"),
        page("/o/{org}/prices/{provider}/{*model}", "/o/acme/prices/openai/gpt-4o"),
        page("/o/{org}/prices.csv", "/o/acme/prices.csv"),
        ask("prices/list", json!({"search": search})),
        ask("prices/model", json!({"provider": "openai", "model": "gpt-4o"})),
        api("GET /v1/prices", "/v1/prices?q=gpt"),
        api("GET /v1/prices/{provider}/{model}", "/v1/prices/openai/gpt-4o").common(),
        api("POST /v1/quotes", "/v1/quotes").body(question).common(),
    ]
}
