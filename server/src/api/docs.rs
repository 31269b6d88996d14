//! The reference page at `/docs`: written on the server from the description itself, no script, nothing from outside.

use app::guides::{EXAMPLE_SERVER, GUIDES, KEY_GOES_HERE};
use app::layout::Logo;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use leptos::prelude::RenderHtml;
use serde_json::Value;
use std::fmt::Write;
use utoipa::openapi::OpenApi;

/// The page's own policy: its style sheet and nothing else.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The kinds of problem, with what to do about each: targets of the `type` of a problem document.
const PROBLEMS: [(&str, &str); 11] = [
    ("invalid", "400. The input is not valid; `errors` names every field with a JSON pointer or parameter name."),
    ("unauthenticated", "401. The API key is missing, unknown, expired or revoked."),
    ("forbidden", "403. The key is valid but lacks the scope."),
    (
        "not_found",
        "404. There is nothing at this address, or it belongs to a project or organization that the key does not see.",
    ),
    ("conflict", "409. The state of things forbids it, for example a name that is taken."),
    (
        "too_large",
        "413. The body is larger than 8 MiB after decompression, or holds more than 5,000 events; other formats have larger limits, named there.",
    ),
    ("unsupported_media", "415. Send JSON or NDJSON (OTLP also as protobuf), plain, gzip, deflate or zstd."),
    ("unprocessable", "422. Understood, but no rollup carries this combination."),
    ("rate_limited", "429. Wait for the seconds in `Retry-After`."),
    ("internal", "500. Our fault; the detail names the line in our log."),
    (
        "unavailable",
        "503. Overloaded or restarting; nothing was recorded. Wait for the seconds in `Retry-After` and send the same events again.",
    ),
];

/// Answers with the page, dressed by the style sheet at this address; its examples name this server.
pub(super) fn respond(body: &str, stylesheet: &str, server: &str) -> Response {
    let body = body.replace(EXAMPLE_SERVER, &escape(server));
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>API reference · Tallystick</title>\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">\
         <link rel=\"stylesheet\" href=\"{stylesheet}\"></head><body>{body}</body></html>"
    );
    let mut response = axum::response::Html(page).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Writes what stands on the page.
pub(super) fn body(description: &OpenApi) -> String {
    let json = serde_json::to_value(description).unwrap_or_default();
    let mut html = String::from("<div class=\"reference\">");
    let groups = groups(&json);
    contents(&mut html, &groups);
    let introduction = paragraphs(text(&json["info"]["description"]));
    put(&mut html, format_args!("<main><header class=\"reference-head\"><h1>API reference</h1>{introduction}"));
    html.push_str("<p><a href=\"/openapi.json\">OpenAPI description</a></p></header>");
    write_first_event(&mut html);
    for (group, operations) in &groups {
        put(&mut html, format_args!("<h2 id=\"{0}\" class=\"reference-part\">{1}</h2>", group.tag, group.title));
        for operation in operations {
            write_operation(&mut html, operation);
        }
    }
    html.push_str("<h2 id=\"schemas\" class=\"reference-part\">Schemas</h2>");
    for (name, schema) in entries(&json["components"]["schemas"]) {
        write_schema(&mut html, name, schema);
    }
    html.push_str("<h2 id=\"problems\" class=\"reference-part\">Problems</h2><dl>");
    for (code, detail) in PROBLEMS {
        put(&mut html, format_args!("<dt id=\"problem-{code}\"><code>{code}</code></dt><dd>{}</dd>", inline(detail)));
    }
    html.push_str("</dl></main></div>");
    html
}

/// What one wants to do, by the tag of its operations.
#[derive(Clone, Copy)]
struct Group<'a> {
    tag: &'a str,
    title: &'a str,
}

/// In the order in which somebody comes to them; a tag that is not here comes last, under its own name.
const GROUPS: [Group<'_>; 14] = [
    Group { tag: "events", title: "Send and read events" },
    Group { tag: "ingest", title: "Send in other formats" },
    Group { tag: "spend", title: "Read spend" },
    Group { tag: "budgets", title: "Set budgets" },
    Group { tag: "alerts", title: "Follow alerts" },
    Group { tag: "statements", title: "Charge back" },
    Group { tag: "projects", title: "Group projects in product lines" },
    Group { tag: "labels", title: "Require labels and make values one" },
    Group { tag: "exports", title: "Export to FinOps tools" },
    Group { tag: "prices", title: "Look up and set prices" },
    Group { tag: "contract", title: "Enter commitments and volume pricing" },
    Group { tag: "rules", title: "See, end and undo changes of prices" },
    Group { tag: "repricing", title: "Reprice events" },
    Group { tag: "organization", title: "List projects and teams" },
];

/// An operation of the API.
struct Operation<'a> {
    method: String,
    path: &'a str,
    told: &'a Value,
}

fn groups(json: &Value) -> Vec<(Group<'_>, Vec<Operation<'_>>)> {
    let mut groups: Vec<_> = GROUPS.map(|group| (group, Vec::new())).into();
    for (path, item) in entries(&json["paths"]) {
        for (method, told) in entries(item) {
            let tag = text(&told["tags"][0]);
            let operation = Operation { method: method.to_uppercase(), path, told };
            match groups.iter_mut().find(|(group, _)| group.tag == tag) {
                Some((_, operations)) => operations.push(operation),
                None => groups.push((Group { tag, title: tag }, vec![operation])),
            }
        }
    }
    for (_, operations) in &mut groups {
        // What sends and makes comes before what lists.
        operations.sort_by_key(|operation| operation.method != "POST");
    }
    groups
}

fn contents(html: &mut String, groups: &[(Group<'_>, Vec<Operation<'_>>)]) {
    put(
        html,
        format_args!(
            "<nav class=\"reference-contents\" aria-label=\"Operations\"><a class=\"brand\" href=\"/\">{}Tallystick</a><p>Guides</p><ul>",
            Logo().to_html()
        ),
    );
    for guide in GUIDES {
        put(html, format_args!("<li><a href=\"{}\">{}</a></li>", guide.path(), guide.label));
    }
    html.push_str("</ul>");
    for (group, operations) in groups {
        put(html, format_args!("<p><a href=\"#{}\">{}</a></p><ul>", group.tag, group.title));
        for Operation { method, path, told } in operations {
            let (anchor, path, summary) = (anchor(method, path), escape(path), inline(text(&told["summary"])));
            put(
                html,
                format_args!("<li><a href=\"#{anchor}\"><code>{method} {path}</code><span>{summary}</span></a></li>"),
            );
        }
        html.push_str("</ul>");
    }
    html.push_str("<p>Reference</p><ul><li><a href=\"#schemas\">Schemas</a></li><li><a href=\"#problems\">Problems</a></li></ul></nav>");
}

/// What everybody does first, in the words of the guide to curl.
fn write_first_event(html: &mut String) {
    html.push_str("<section><h2 id=\"first-event\" class=\"reference-part\">Send an event</h2>");
    for code in GUIDES[0].snippets(EXAMPLE_SERVER, KEY_GOES_HERE) {
        put(html, format_args!("<div class=\"code\"><pre tabindex=\"0\"><code>{}</code></pre></div>", escape(&code)));
    }
    let guides: Vec<String> =
        GUIDES.iter().map(|guide| format!("<a href=\"{}\">{}</a>", guide.path(), guide.label)).collect();
    put(
        html,
        format_args!(
            "<p>The answer names its cost. API keys are made in Settings, API keys. Guides: {}.</p></section>",
            guides.join(", ")
        ),
    );
}

fn write_operation(html: &mut String, Operation { method, path, told: operation }: &Operation<'_>) {
    put(
        html,
        format_args!(
            "<section><h3 id=\"{}\"><code>{method} {}</code></h3><p class=\"strong\">{}</p>{}",
            anchor(method, path),
            escape(path),
            inline(text(&operation["summary"])),
            paragraphs(text(&operation["description"])),
        ),
    );
    if let Some(parameters) = operation["parameters"].as_array().filter(|list| !list.is_empty()) {
        put(
            &mut *html,
            format_args!(
                "<div class=\"table-box\" tabindex=\"0\" role=\"region\" aria-label=\"Parameters of {method} {}\">",
                escape(path)
            ),
        );
        html.push_str("<table class=\"table table-dense\"><caption class=\"visually-hidden\">Parameters</caption><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">In</th><th scope=\"col\">Type</th><th scope=\"col\">Meaning</th></tr></thead><tbody>");
        for parameter in parameters {
            put(
                html,
                format_args!(
                    "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td></tr>",
                    escape(text(&parameter["name"])),
                    escape(text(&parameter["in"])),
                    type_of(&parameter["schema"]),
                    inline(text(&parameter["description"])),
                ),
            );
        }
        html.push_str("</tbody></table></div>");
    }
    for (media, content) in entries(&operation["requestBody"]["content"]) {
        put(html, format_args!("<p>Body, <code>{}</code>: {}</p>", escape(media), type_of(&content["schema"])));
        write_example(html, &content["example"]);
    }
    html.push_str("<dl>");
    for (status, response) in entries(&operation["responses"]) {
        let body: Vec<String> = entries(&response["content"]).map(|(_, content)| type_of(&content["schema"])).collect();
        let body = if body.is_empty() { String::new() } else { format!(" Answer: {}.", body.join(", ")) };
        put(
            html,
            format_args!(
                "<dt><code>{}</code></dt><dd>{}{body}</dd>",
                escape(status),
                inline(text(&response["description"]))
            ),
        );
    }
    html.push_str("</dl></section>");
}

fn write_example(html: &mut String, example: &Value) {
    if !example.is_null() {
        let pretty = serde_json::to_string_pretty(example).unwrap_or_default();
        put(html, format_args!("<div class=\"code\"><pre tabindex=\"0\"><code>{}</code></pre></div>", escape(&pretty)));
    }
}

fn write_schema(html: &mut String, name: &str, schema: &Value) {
    put(
        html,
        format_args!(
            "<section><h3 id=\"schema-{0}\"><code>{0}</code></h3>{1}",
            escape(name),
            paragraphs(text(&schema["description"]))
        ),
    );
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|value| format!("<code>{}</code>", escape(text(value)))).collect();
        put(html, format_args!("<p>One of {}.</p>", values.join(", ")));
    }
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().map(text).collect();
    if schema["properties"].is_object() {
        put(
            html,
            format_args!(
                "<div class=\"table-box\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table class=\"table table-dense\"><caption class=\"visually-hidden\">Fields of {0}</caption><thead><tr><th scope=\"col\">Field</th><th scope=\"col\">Type</th><th scope=\"col\">Meaning</th></tr></thead><tbody>",
                escape(name)
            ),
        );
        for (field, property) in entries(&schema["properties"]) {
            let note = if required.contains(&field) { " (required)" } else { "" };
            put(
                html,
                format_args!(
                    "<tr><th scope=\"row\"><code>{}</code></th><td>{}{note}</td><td>{}</td></tr>",
                    escape(field),
                    type_of(property),
                    inline(text(&property["description"])),
                ),
            );
        }
        html.push_str("</tbody></table></div>");
    }
    html.push_str("</section>");
}

/// A type as a reader says it, linked to its schema.
fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escape(reference.rsplit('/').next().unwrap_or(reference));
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(list) = schema[choice].as_array() {
            return list.iter().map(type_of).collect::<Vec<_>>().join(" or ");
        }
    }
    let format = schema["format"].as_str().map_or_else(String::new, |format| format!(" ({})", escape(format)));
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(kind) => format!("{}{format}", escape(kind)),
        Value::Array(kinds) => {
            format!("{}{format}", kinds.iter().map(|kind| escape(text(kind))).collect::<Vec<_>>().join(" or "))
        }
        _ => "any".to_owned(),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn anchor(method: &str, path: &str) -> String {
    let plain: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{}{plain}", method.to_lowercase())
}

fn paragraphs(markdown: &str) -> String {
    markdown
        .split("\n\n")
        .filter(|part| !part.trim().is_empty())
        .map(|part| format!("<p>{}</p>", inline(part.trim())))
        .collect()
}

/// Escapes, then turns `code` into elements: all the Markdown our descriptions use.
fn inline(markdown: &str) -> String {
    let escaped = escape(markdown);
    escaped
        .split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn put(html: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = html.write_fmt(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_escapes_and_links() {
        assert_eq!(inline("a `b<c` d"), "a <code>b&lt;c</code> d");
        let schema = serde_json::json!({"type": "array", "items": {"$ref": "#/components/schemas/EventInput"}});
        assert_eq!(type_of(&schema), "list of <a href=\"#schema-EventInput\">EventInput</a>");
    }
}
