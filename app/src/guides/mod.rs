//! Guides: how events are sent, for readers who need not be signed in.
//!
//! Their text is `docs/`, compiled in; the snippets of the first minutes are the first ones of each guide, so there is one source.

mod markdown;

use crate::caller::backend;
use crate::layout::Plain;
use crate::page::{Address, Drawn, Page};
use crate::ui::{CodeBlock, Menu, MenuItem, MenuRule, PageHead, Sign, Tab, Tabs, html};
use domain::problem::Problem;
use leptos::prelude::*;
use markdown::Part;

/// The address that the texts of `docs/` are written with.
pub const EXAMPLE_SERVER: &str = "https://tallystick.example.com";

/// The API key that they are written with.
const EXAMPLE_KEY: &str = "tally_live_…";

/// What stands in a snippet where the API key belongs, while there is none to show.
pub const KEY_GOES_HERE: &str = "YOUR_API_KEY";

/// A page about sending events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guide {
    /// Its word in the address.
    pub word: &'static str,
    /// Its word on the screen.
    pub label: &'static str,
    text: &'static str,
}

macro_rules! guide {
    ($word:literal, $label:literal, $file:literal) => {
        Guide { word: $word, label: $label, text: include_str!(concat!("../../../docs/", $file)) }
    };
}

/// The ways to send events: languages, tools that send already, files.
pub const GUIDES: [Guide; 9] = [
    guide!("curl", "curl", "guides/curl.md"),
    guide!("python", "Python", "guides/python.md"),
    guide!("typescript", "TypeScript", "guides/typescript.md"),
    guide!("opentelemetry", "OpenTelemetry", "opentelemetry.md"),
    guide!("litellm", "LiteLLM", "litellm.md"),
    guide!("cloudevents", "CloudEvents", "cloudevents.md"),
    guide!("files", "File import", "files.md"),
    guide!("coding-agents", "Coding agents", "guides/coding-agents.md"),
    guide!("steps", "Tools and people", "guides/steps.md"),
];

/// What guides refer to.
const APPENDICES: [Guide; 2] =
    [guide!("attributes", "Attributes", "attributes.md"), guide!("clients", "Clients", "clients.md")];

impl Guide {
    fn find(word: &str) -> Option<Self> {
        GUIDES.into_iter().chain(APPENDICES).find(|guide| guide.word == word)
    }

    /// Its address.
    #[must_use]
    pub fn path(self) -> String {
        format!("/docs/guides/{}", self.word)
    }

    /// Its text with this server's address and an API key filled in.
    fn filled(self, server: &str, key: &str) -> String {
        self.text.replace(EXAMPLE_SERVER, server).replace(EXAMPLE_KEY, key)
    }

    /// Whether its first snippet is all that it takes.
    #[must_use]
    pub fn is_snippet(self) -> bool {
        !matches!(self.word, "cloudevents" | "files" | "coding-agents" | "steps")
    }

    /// Its text as the page shows it, with this server's address.
    fn body(self, server: &str) -> AnyView {
        let parts = markdown::parts(&self.filled(server, KEY_GOES_HERE)).into_iter().enumerate();
        let part = |(at, part)| match part {
            Part::Html(html) => html! { <div class="prose" inner_html=html></div> },
            Part::Code(code) => snippet(self.label, at, code),
        };
        html! { <article class="guide">{parts.map(part).collect_view()}</article> }
    }

    /// What runs as it is: the snippets above the first heading.
    pub fn snippets(self, server: &str, key: &str) -> impl Iterator<Item = String> + use<> {
        let text = self.filled(server, key);
        let above = text.split("\n## ").next().unwrap_or_default();
        markdown::parts(above).into_iter().filter_map(|part| match part {
            Part::Code(code) => Some(code),
            Part::Html(_) => None,
        })
    }
}

/// A snippet with its copy button, of several of a page the one at an index.
pub(crate) fn snippet(label: &str, at: usize, code: String) -> AnyView {
    let what = if at == 0 { format!("{label} snippet") } else { format!("{label} snippet {}", at + 1) };
    html! { <CodeBlock code=code what=what/> }
}

/// One guide.
pub(crate) async fn guide(address: Address) -> Drawn {
    let guide = Guide::find(address.part("guide")).ok_or(Problem::NotFound)?;
    let tab = |of: Guide| Tab::new(of.label, of.path(), of == guide);
    let tabs = GUIDES.map(tab).into_iter().chain([Tab::new("API reference", "/docs", false)]).collect();
    let text = guide.body(&backend()?.public_url);
    let title = format!("Send events: {}", guide.label);
    let head = title.clone();
    let body = view! {
        <Plain wide=true>
            <PageHead title=head/>
            <Tabs label="Guides" tabs=tabs/>
            {text}
        </Plain>
    };
    Ok(Page::new(title, body))
}

/// How coding agents are set up, for the page that has nothing of theirs yet.
pub(crate) fn coding_agents(server: &str) -> AnyView {
    Guide::find("coding-agents").map_or_else(|| ().into_any(), |guide| guide.body(server))
}

/// The menu "Help" of the frame.
pub(crate) fn menu() -> AnyView {
    let guides = GUIDES.map(|guide| view! { <MenuItem href=guide.path()>{guide.label}</MenuItem> });
    html! {
        <Menu label="Help" sign=Sign::Help icon_only=true end=true>
            <p class="menu-head">"Send events with"</p>
            {guides.into_iter().collect_view()}
            <MenuRule/>
            <MenuItem href="/docs">"API reference"</MenuItem>
        </Menu>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_carry_key_and_address() {
        for guide in GUIDES.into_iter().filter(|guide| guide.word != "files") {
            let snippets: Vec<String> = guide.snippets("http://t.example", "tally_live_x").collect();
            let all = snippets.concat();
            assert!(all.contains("http://t.example/") && all.contains("tally_live_x"), "{}: {all}", guide.word);
        }
    }

    #[test]
    fn nothing_of_the_example_stays_and_every_link_leads_somewhere() {
        for guide in GUIDES.into_iter().chain(APPENDICES) {
            assert_eq!(Guide::find(guide.word), Some(guide));
            let text = guide.filled("http://t.example", KEY_GOES_HERE);
            assert!(!text.contains(EXAMPLE_SERVER) && !text.contains(EXAMPLE_KEY), "{}", guide.word);
            for part in markdown::parts(&text) {
                let Part::Html(html) = part else { continue };
                for link in html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                    let page = link.strip_prefix("/docs/guides/").map(|rest| rest.split('#').next().unwrap_or(rest));
                    let leads = ["/docs#", "https://"].iter().any(|known| link.starts_with(known));
                    assert!(leads || page.and_then(Guide::find).is_some(), "{}: {link}", guide.word);
                }
            }
        }
    }
}
