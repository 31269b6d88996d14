//! Markdown of `docs/` as parts of a page. The texts are ours: nothing that somebody else wrote comes here.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Html(String),
    /// A block of code, as it is.
    Code(String),
}

/// The text without its title, in order.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut prose: Vec<Event<'_>> = Vec::new();
    // Whoever hears the page tells its tables apart by their numbers.
    let mut tables = 0;
    let mut events = Parser::new_ext(text, Options::ENABLE_TABLES);
    while let Some(event) = events.next() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let inside: Vec<_> = events.by_ref().take_while(|event| !matches!(event, Event::End(_))).collect();
                if level != HeadingLevel::H1 {
                    let id = Some(anchor(&inside).into());
                    prose.push(Event::Start(Tag::Heading { level, id, classes: Vec::new(), attrs: Vec::new() }));
                    prose.extend(inside);
                    prose.push(Event::End(TagEnd::Heading(level)));
                }
            }
            Event::Start(Tag::CodeBlock(_)) => {
                flush(&mut parts, &mut prose);
                let code: String = events.by_ref().map_while(text_of).collect();
                parts.push(Part::Code(code.trim_end().to_owned()));
            }
            Event::Start(Tag::Table(columns)) => {
                tables += 1;
                prose.push(Event::Html(
                    format!("<div class=\"table-box\" tabindex=\"0\" role=\"region\" aria-label=\"Table {tables}\">")
                        .into(),
                ));
                prose.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => prose.extend([Event::End(TagEnd::Table), Event::Html("</div>".into())]),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                prose.push(Event::Start(Tag::Link { link_type, dest_url: address(&dest_url), title, id }));
            }
            event => prose.push(event),
        }
    }
    flush(&mut parts, &mut prose);
    parts
}

fn flush(parts: &mut Vec<Part>, prose: &mut Vec<Event<'_>>) {
    if !prose.is_empty() {
        let mut out = String::new();
        html::push_html(&mut out, prose.drain(..));
        parts.push(Part::Html(out));
    }
}

fn text_of(event: Event<'_>) -> Option<String> {
    match event {
        Event::Text(text) | Event::Code(text) => Some(text.into_string()),
        _ => None,
    }
}

/// "With its `otel` callback" as "with-its-otel-callback", as GitHub does.
fn anchor(heading: &[Event<'_>]) -> String {
    let text: String = heading.iter().cloned().filter_map(text_of).collect();
    let letters = text.to_lowercase().replace(' ', "-");
    letters.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_')).collect()
}

/// A text of `docs/` is a guide of the same name.
fn address<'a>(link: &str) -> CowStr<'a> {
    let (file, anchor) =
        link.split_once('#').map_or((link, String::new()), |(file, anchor)| (file, format!("#{anchor}")));
    match file.strip_suffix(".md") {
        Some(path) => format!("/docs/guides/{}{anchor}", path.rsplit('/').next().unwrap_or(path)).into(),
        None => link.to_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stands_alone_and_links_lead_to_guides() {
        let text = "# Title\n\nSee [it](../litellm.md#a-b).\n\n```sh\na <b>\n```\n\n## A `b` c\n";
        let html = |text: &str| Part::Html(text.to_owned());
        assert_eq!(
            parts(text),
            [
                html("<p>See <a href=\"/docs/guides/litellm#a-b\">it</a>.</p>\n"),
                Part::Code("a <b>".to_owned()),
                html("<h2 id=\"a-b-c\">A <code>b</code> c</h2>\n"),
            ]
        );
    }
}
