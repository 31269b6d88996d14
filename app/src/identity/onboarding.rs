//! The first minutes: three steps to the first number. Once the organization has events, its Overview.

use super::api::MakeFirstKey;
use super::first_key;
use crate::form::Posted;
use crate::format;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{Button, ButtonKind, CodeBlock, FormErrors, PageHead, Tab, Tabs};
use crate::{sample, spend};
use domain::event::EventRow;
use domain::identity::Permission;
use domain::project::Project;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The parameter of a page that looks whether the first event has come, and then says so instead of giving way to the Overview.
const WAITING: &str = "waiting";

/// What stands in a snippet where the key belongs, while there is none to show.
const KEY_GOES_HERE: &str = "YOUR_API_KEY";

/// The checklist until the first event, then the Overview.
pub(crate) async fn first(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let (arriving, event) =
        futures::try_join!(backend::sample::progress(backend, scope), backend::events::newest(backend, scope))?;
    if let Some(share) = arriving {
        return Ok(sample::arriving(visit.org(), share));
    }
    if event.is_some() && visit.query.get(WAITING).is_none() {
        return spend::overview(visit).await;
    }
    let projects = backend::projects::list_projects(backend, scope).await?;
    Ok(Page::new("First steps", checklist(&visit, &projects, event)))
}

fn checklist(visit: &Visit, projects: &[Project], event: Option<EventRow>) -> AnyView {
    let organization = &visit.frame.organization;
    let live = projects.iter().filter(|project| project.archived_at.is_none());
    let projects = live.map(|project| project.slug.as_str()).collect::<Vec<_>>().join(", ");
    let look = event.is_none().then_some("2");
    let arrived = match event {
        Some(event) => arrived(visit.org(), &event),
        None => view! {
            <p class="soft">"Waiting for the first event … it appears here by itself, with its cost."</p>
            <noscript><p><a href=NavItem::Overview.path(visit.org())>"Check again"</a></p></noscript>
        }
        .into_any(),
    };
    let key = first_key::of_this_browser(visit.org());
    if key.is_some() {
        keep_nowhere();
    }
    view! {
        <PageHead title="Three steps to your first number"/>
        <ol class="checklist">
            <li class="checklist-done"><h2>"Organization"</h2><p>{format!("{}, {}", organization.name, organization.time_zone)}</p></li>
            <li class="checklist-done"><h2>"Project"</h2><p>{projects}</p></li>
            <li class="checklist-now">
                <h2>"Send an event"</h2>
                {key_line(visit, key.is_some())}
                {snippets(visit, key.as_deref().unwrap_or(KEY_GOES_HERE))}
                <div class="checklist-wait" role="status" id="first-event" data-live=look data-live-from=format!("?{WAITING}=true")>
                    {arrived}
                </div>
            </li>
        </ol>
        <p>"Or look around first: "<a href="/organizations#sample">"load sample data"</a>", a realistic quarter of usage."</p>
    }
    .into_any()
}

/// A page that shows a key is not there to go back to.
fn keep_nowhere() {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.insert_header(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    }
}

/// Whether the snippets carry a key, and how they get one.
fn key_line(visit: &Visit, carried: bool) -> AnyView {
    if carried {
        return view! {
            <p>"The snippets carry a new API key that sends events. Keep it now: it is shown for a few minutes and never again."</p>
        }
        .into_any();
    }
    if !visit.frame.may(Permission::ManageKeys) {
        return view! { <p>"Ask an owner, admin or member for an API key, and put it in place of "<code>{KEY_GOES_HERE}</code>"."</p> }.into_any();
    }
    view! {
        <FormErrors errors={Posted::<MakeFirstKey>::here().errors()}/>
        <form class="actions" method="post" action=MakeFirstKey::url()>
            <input type="hidden" name="org" value=visit.org().to_owned()/>
            <Button kind=ButtonKind::Primary>"Create an API key"</Button>
            <span class="soft">"The snippets will carry it."</span>
        </form>
    }
    .into_any()
}

fn snippets(visit: &Visit, key: &str) -> AnyView {
    let chosen = Language::of(visit.query.get("snippet"));
    let tab = |language: Language| {
        Tab::new(language.label(), visit.query.with("snippet", language.word()).at(""), language == chosen)
    };
    let code = chosen.snippet(&format!("{}/v1/events", visit.backend.public_url), key);
    view! {
        <Tabs label="Languages" tabs=Language::ALL.map(tab).to_vec()/>
        <CodeBlock code=code what=format!("{} snippet", chosen.label())/>
    }
    .into_any()
}

fn arrived(org: &str, event: &EventRow) -> AnyView {
    let href = format!("{}/{}", NavItem::Events.path(org), event.event_key);
    let tokens = format::counted(event.tokens, "token");
    view! {
        <p class="checklist-arrived">
            <strong>{format::cost(event.cost)}</strong>
            {format!(" for {} ({}, {tokens}) at {}. ", event.model, event.provider, format::time_seconds(event.at))}
        </p>
        <div class="actions">
            <a class="button button-primary" href=href>"See its receipt"</a>
            <a class="button" href=NavItem::Overview.path(org)>"Open the Overview"</a>
        </div>
    }
    .into_any()
}

/// How events are sent: a language of the snippets, or a tool that sends them already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Curl,
    Python,
    TypeScript,
    OpenTelemetry,
    LiteLlm,
}

impl Language {
    const ALL: [Self; 5] = [Self::Curl, Self::Python, Self::TypeScript, Self::OpenTelemetry, Self::LiteLlm];

    /// The one with this word; curl for any other.
    fn of(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|language| Some(language.word()) == word).unwrap_or(Self::Curl)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Python => "python",
            Self::TypeScript => "typescript",
            Self::OpenTelemetry => "opentelemetry",
            Self::LiteLlm => "litellm",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Python => "Python",
            Self::TypeScript => "TypeScript",
            Self::OpenTelemetry => "OpenTelemetry",
            Self::LiteLlm => "LiteLLM",
        }
    }

    /// Runs as it is: only the standard library of its language, or the settings of what sends already.
    fn snippet(self, endpoint: &str, key: &str) -> String {
        let template = match self {
            Self::Curl => CURL,
            Self::Python => PYTHON,
            Self::TypeScript => TYPESCRIPT,
            Self::OpenTelemetry => OPENTELEMETRY,
            Self::LiteLlm => LITELLM,
        };
        let server = endpoint.trim_end_matches("/v1/events");
        template.replace("{endpoint}", endpoint).replace("{server}", server).replace("{key}", key)
    }
}

const CURL: &str = r#"curl {endpoint} \
  -H "Authorization: Bearer {key}" \
  -H "Content-Type: application/json" \
  -d '{"id": "call-1", "provider": "openai", "model": "gpt-4o-mini",
       "usage": {"prompt_tokens": 1200, "completion_tokens": 350}}'"#;

const PYTHON: &str = r#"import json, urllib.request

event = {
    "id": "call-1",                                               # response.id: sent twice, recorded once
    "provider": "openai",
    "model": "gpt-4o-mini",                                       # response.model
    "usage": {"prompt_tokens": 1200, "completion_tokens": 350},   # response.usage.model_dump()
}
request = urllib.request.Request(
    "{endpoint}",
    data=json.dumps(event).encode(),
    headers={"Authorization": "Bearer {key}", "Content-Type": "application/json"},
)
print(urllib.request.urlopen(request).read().decode())"#;

const TYPESCRIPT: &str = r#"const answer = await fetch("{endpoint}", {
  method: "POST",
  headers: { Authorization: "Bearer {key}", "Content-Type": "application/json" },
  body: JSON.stringify({
    id: "call-1",                                              // response.id: sent twice, recorded once
    provider: "openai",
    model: "gpt-4o-mini",                                      // response.model
    usage: { prompt_tokens: 1200, completion_tokens: 350 },    // response.usage
  }),
});
console.log(await answer.json());"#;

const OPENTELEMETRY: &str = r#"export OTEL_EXPORTER_OTLP_ENDPOINT={server}/otlp
export OTEL_EXPORTER_OTLP_HEADERS=x-api-key={key}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"#;

const LITELLM: &str = r#"# environment of the proxy
export GENERIC_LOGGER_ENDPOINT={server}/v1/ingest/litellm
export GENERIC_LOGGER_HEADERS="Authorization=Bearer {key}"

# its config.yaml
litellm_settings:
  callbacks: ["generic_api"]"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_carry_key_and_address() {
        for language in Language::ALL {
            let code = language.snippet("http://t.example/v1/events", "tally_live_x");
            assert!(code.contains("http://t.example/") && code.contains("tally_live_x"), "{code}");
            assert!(!code.contains("{endpoint}") && !code.contains("{server}") && !code.contains("{key}"), "{code}");
            assert_eq!(Language::of(Some(language.word())), language);
        }
        assert_eq!(Language::of(Some("cobol")), Language::Curl);
    }
}
