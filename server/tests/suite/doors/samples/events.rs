//! Events, rejected and unpriced ones, files of them.

use crate::doors::sample::{Guard, Sample, api, file, form, page};
use crate::doors::world::{EVENT_ID, FILE, INTERACTION_ID, PROJECT, SESSION_ID, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    let (event, upload) = (world.event.as_str(), world.upload.as_str());
    vec![
        page("/o/{org}/events", "/o/acme/events"),
        page("/o/{org}/events/rejected", "/o/acme/events/rejected"),
        page("/o/{org}/events/unpriced", "/o/acme/events/unpriced"),
        page("/o/{org}/events/uploads", "/o/acme/events/uploads"),
        page("/o/{org}/events/uploads/{upload}", format!("/o/acme/events/uploads/{upload}")),
        page("/o/{org}/events/{event}", format!("/o/acme/events/{event}")),
        page("/o/{org}/sessions", "/o/acme/sessions"),
        page("/o/{org}/sessions/{id}", format!("/o/acme/sessions/{SESSION_ID}")),
        page("/o/{org}/interactions", "/o/acme/interactions"),
        page("/o/{org}/interactions/{id}", format!("/o/acme/interactions/{INTERACTION_ID}")),
        page("/o/{org}/coding-agents", "/o/acme/coding-agents"),
        page("/o/{org}/sessions.csv", "/o/acme/sessions.csv"),
        page("/o/{org}/interactions.csv", "/o/acme/interactions.csv"),
        api("GET /v1/sessions", "/v1/sessions"),
        api("GET /v1/sessions/{id}", format!("/v1/sessions/{SESSION_ID}")),
        api("GET /v1/interactions", "/v1/interactions"),
        api("GET /v1/interactions/{id}", format!("/v1/interactions/{INTERACTION_ID}")),
        page("/o/{org}/events.csv", "/o/acme/events.csv"),
        page("/o/{org}/events/unpriced.csv", "/o/acme/events/unpriced.csv"),
        form("events/map-upload", &[("upload", upload), ("fields[2]", "model"), ("provider", "openai")])
            .needs(Permission::SendEvents),
        form("events/discard-upload", &[("upload", upload)]).needs(Permission::SendEvents),
        file("/o/{org}/events/uploads", "/o/acme/events/uploads", &[("key", &world.sending_key)], FILE)
            .needs(Permission::SendEvents),
        file("/o/{org}/events/uploads/{upload}/check", format!("/o/acme/events/uploads/{upload}/check"), &[], FILE)
            .needs(Permission::SendEvents),
        file("/o/{org}/events/uploads/{upload}/send", format!("/o/acme/events/uploads/{upload}/send"), &[], FILE)
            .needs(Permission::SendEvents),
        api("POST /v1/events", "/v1/events").guarded(Guard::Key(KeyScope::Ingest)).body(json!({
            "id": "door", "project": PROJECT, "provider": "openai", "model": "gpt-4o",
            "usage": {"prompt_tokens": 1, "completion_tokens": 1}
        })),
        api("POST /v1/ingest/litellm", "/v1/ingest/litellm").guarded(Guard::Key(KeyScope::Ingest)).body(json!({
            "litellm_call_id": "door", "call_type": "completion", "model": "gpt-4o", "custom_llm_provider": "openai",
            "prompt_tokens": 1, "completion_tokens": 1
        })),
        api("POST /v1/ingest/cloudevents", "/v1/ingest/cloudevents")
            .guarded(Guard::Key(KeyScope::Ingest))
            .body(cloud_event()),
        api("POST /api/v1/events", "/api/v1/events").guarded(Guard::Key(KeyScope::Ingest)).body(cloud_event()),
        api("POST /otlp/v1/traces", "/otlp/v1/traces").guarded(Guard::Key(KeyScope::Ingest)).body(json!({})),
        api("POST /otlp/v1/logs", "/otlp/v1/logs").guarded(Guard::Key(KeyScope::Ingest)).body(json!({})),
        api("POST /otlp/v1/metrics", "/otlp/v1/metrics").guarded(Guard::Key(KeyScope::Ingest)).body(json!({})),
        api("GET /v1/events", "/v1/events"),
        api("GET /v1/events/rejected", "/v1/events/rejected"),
        api("DELETE /v1/events/rejected", "/v1/events/rejected").guarded(Guard::Key(KeyScope::Admin)),
        api("DELETE /v1/events/rejected/{rejected_id}", format!("/v1/events/rejected/{}", world.rejected))
            .guarded(Guard::Key(KeyScope::Admin)),
        form("events/dismiss-rejected", &[("entry", &world.rejected)]).needs(Permission::ManageProjects),
        form("events/dismiss-all-rejected", &[("until", "2026-12-31T00:00:00Z")]).needs(Permission::ManageProjects),
        page("/o/{org}/events/possible-duplicates", "/o/acme/events/possible-duplicates"),
        api("GET /v1/events/possible-duplicates", "/v1/events/possible-duplicates"),
        api("GET /v1/events/unpriced", "/v1/events/unpriced"),
        api("GET /v1/events/{id}", format!("/v1/events/{EVENT_ID}")),
    ]
}

fn cloud_event() -> serde_json::Value {
    json!({"specversion": "1.0", "type": "call", "source": "door", "id": "1",
        "data": {"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": 1, "completion_tokens": 1}}})
}
