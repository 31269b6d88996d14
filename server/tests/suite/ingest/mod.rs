//! Other formats: what the real senders put on the wire, through the real router into the database.

mod cloudevents;
mod litellm;
mod mixing;
mod otlp;

use crate::support::{Answer, Tenant, TestApp};
use axum::body::Body;
use axum::http::Method;
use serde_json::Value;

/// Sends a body with the tenant's key.
async fn post(app: &TestApp, tenant: &Tenant, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    app.api(&tenant.key).send(Method::POST, path, &[("content-type", kind)], body.into()).await
}

/// The event of this id as the API shows it.
async fn event(app: &TestApp, tenant: &Tenant, id: &str) -> Value {
    app.api(&tenant.key).get(&format!("/v1/events/{id}")).await.json()
}

/// Everything that was recorded or refused, as text: no word of a prompt may be in it.
async fn everything(app: &TestApp, tenant: &Tenant) -> String {
    let client = app.api(&tenant.key);
    let listed = client.get("/v1/events?limit=200").await.json();
    let mut all = client.get("/v1/events/rejected?limit=200").await.body;
    for row in listed["events"].as_array().unwrap() {
        all.push_str(&client.get(&format!("/v1/events/{}", row["event_key"].as_str().unwrap())).await.body);
    }
    all
}
