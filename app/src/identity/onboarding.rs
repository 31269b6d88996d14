//! The first minutes: three steps to the first number. Once the organization has events, its Overview.

use super::api::{MakeFirstKey, load_onboarding};
use super::shell::{use_frame, use_org};
use super::views::Onboarding;
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::sample::{SampleArriving, sample_progress};
use crate::spend::OverviewPage;
use crate::ui::{Button, ButtonKind, CodeBlock, FormErrors, Loading, PageHead, Tab, Tabs, for_real, loaded};
use domain::event::EventRow;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// The parameter of a page that looks whether the first event has come, and then says so instead of giving way to the Overview.
const WAITING: &str = "waiting";

/// What stands in a snippet where the key belongs, while there is none to show.
const KEY_GOES_HERE: &str = "YOUR_API_KEY";

/// `/o/{org}`: the checklist until the first event, then the Overview.
#[component]
pub fn FirstPage() -> impl IntoView {
    let org = use_org();
    let form = use_form::<MakeFirstKey>();
    let waiting = UrlQuery::here().get(WAITING).is_some();
    let way = loaded(move || org.get(), move |org| load_onboarding(org, waiting));
    let arriving = loaded(move || org.get(), sample_progress);
    view! {
        <Suspense fallback=|| view! { <Loading what="overview" lines=8/> }>
            {move || Suspend::new(async move {
                let (arriving, way) = (arriving.await, way.await);
                for_real().await;
                match (arriving, way) {
                    (Ok(Some(share)), _) => view! { <SampleArriving org=org.get_untracked() share=share/> }.into_any(),
                    (_, Ok(Some(way))) => view! { <Checklist org=org.get_untracked() way=way form=form/> }.into_any(),
                    _ => view! { <OverviewPage/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Checklist(
    /// Slug of the organization.
    org: String,
    /// Where the reader stands.
    way: Onboarding,
    /// Makes a key for the snippets.
    form: Form<MakeFirstKey>,
) -> impl IntoView {
    let (name, zone) =
        use_frame().map(|frame| (frame.organization.name, frame.organization.time_zone)).unwrap_or_default();
    let projects = way.projects.join(", ");
    let look = way.arrived.is_none().then_some("2");
    let arrived = match way.arrived.clone() {
        Some(event) => view! { <Arrived org=org.clone() event=event/> }.into_any(),
        None => view! {
            <p class="soft">"Waiting for the first event … it appears here by itself, with its cost."</p>
            <noscript><p><a href=NavItem::Overview.path(&org)>"Check again"</a></p></noscript>
        }
        .into_any(),
    };
    view! {
        <Title text="First steps"/>
        <PageHead title="Three steps to your first number"/>
        <ol class="checklist">
            <li class="checklist-done"><h2>"Organization"</h2><p>{format!("{name}, {zone}")}</p></li>
            <li class="checklist-done"><h2>"Project"</h2><p>{projects}</p></li>
            <li class="checklist-now">
                <h2>"Send an event"</h2>
                <KeyLine org=org way=way.clone() form=form/>
                <Snippets way=way/>
                <div class="checklist-wait" role="status" id="first-event" data-live=look data-live-from=format!("?{WAITING}=true")>
                    {arrived}
                </div>
            </li>
        </ol>
        <p>"Or look around first: "<a href="/organizations#sample">"load sample data"</a>", a realistic quarter of usage."</p>
    }
}

/// Whether the snippets carry a key, and how they get one.
#[component]
fn KeyLine(
    /// Slug of the organization.
    org: String,
    /// Where the reader stands.
    way: Onboarding,
    /// Makes a key.
    form: Form<MakeFirstKey>,
) -> impl IntoView {
    if way.key.is_some() {
        return view! {
            <p>"The snippets carry a new API key that sends events. Keep it now: it is shown for a few minutes and never again."</p>
        }
        .into_any();
    }
    if !way.may_make_keys {
        return view! { <p>"Ask an owner, admin or member for an API key, and put it in place of "<code>{KEY_GOES_HERE}</code>"."</p> }.into_any();
    }
    view! {
        <FormErrors errors=form.errors()/>
        <form class="actions" method="post" action=MakeFirstKey::url()>
            <input type="hidden" name="org" value=org/>
            <Button kind=ButtonKind::Primary>"Create an API key"</Button>
            <span class="soft">"The snippets will carry it."</span>
        </form>
    }
    .into_any()
}

#[component]
fn Snippets(
    /// Where the reader stands.
    way: Onboarding,
) -> impl IntoView {
    let query = use_query_map();
    let chosen = Memo::new(move |_| Language::of(query.read().get_str("snippet")));
    let key = way.key.unwrap_or_else(|| KEY_GOES_HERE.to_owned());
    move || {
        let here = UrlQuery::from(&*query.read());
        let tabs = Language::ALL
            .map(|language| {
                Tab::new(language.label(), here.with("snippet", language.word()).at(""), language == chosen.get())
            })
            .to_vec();
        let code = chosen.get().snippet(&way.endpoint, &key);
        view! {
            <Tabs label="Languages" tabs=tabs/>
            <CodeBlock code=code what=format!("{} snippet", chosen.get().label())/>
        }
    }
}

#[component]
fn Arrived(
    /// Slug of the organization.
    org: String,
    /// The first event.
    event: EventRow,
) -> impl IntoView {
    let href = format!("{}/{}", NavItem::Events.path(&org), event.event_key);
    let overview = NavItem::Overview.path(&org);
    let tokens = format::counted(event.tokens, "token");
    view! {
        <p class="checklist-arrived">
            <strong>{format::cost(event.cost)}</strong>
            {format!(" for {} ({}, {tokens}) at {}. ", event.model, event.provider, format::time_seconds(event.at))}
        </p>
        <div class="actions">
            <a class="button button-primary" href=href>"See its receipt"</a>
            // The same address shows the Overview now: loaded anew.
            <a class="button" href=overview rel="external">"Open the Overview"</a>
        </div>
    }
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
