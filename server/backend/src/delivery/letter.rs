//! One look for every mail: a letter is content only, and both of its parts are made from it, so they cannot differ.

use crate::Error;
use askama::Template;

/// A mail's content.
#[derive(Clone, Debug, Default)]
pub struct Letter {
    /// The first line, as a heading.
    pub title: String,
    /// What happened, one paragraph each.
    pub paragraphs: Vec<String>,
    /// The numbers that matter, at most three or four.
    pub figures: Vec<Figure>,
    /// Heading of the rows.
    pub rows_title: String,
    /// Details, such as what caused it.
    pub rows: Vec<Row>,
    /// The one thing to do.
    pub button: Option<Button>,
    /// Small print: why this mail came and how to change that.
    pub why: Vec<String>,
}

/// A number with its name.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its name.
    pub label: String,
    /// Its value as text.
    pub value: String,
}

/// One line of details.
#[derive(Clone, Debug)]
pub struct Row {
    /// What.
    pub name: String,
    /// How much, as text.
    pub value: String,
}

/// A link.
#[derive(Clone, Debug)]
pub struct Button {
    /// What it does.
    pub label: String,
    /// Where it leads; written out in both parts for those who cannot click.
    pub url: String,
}

/// Both parts of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Html<'a> {
    letter: &'a Letter,
}

#[derive(Template)]
#[template(path = "letter.txt")]
struct Text<'a> {
    letter: &'a Letter,
}

impl Letter {
    /// Both parts.
    ///
    /// # Errors
    /// [`Error::Server`] if the template cannot be filled.
    pub fn render(&self) -> Result<Rendered, Error> {
        let failed = |error: askama::Error| Error::server("mail template", error);
        let text = Text { letter: self }.render().map_err(failed)?;
        let html = Html { letter: self }.render().map_err(failed)?;
        Ok(Rendered { text, html })
    }
}

/// A name that somebody chose, such that no mail program makes a link of it: what looks like an address loses its dots, slashes and signs.
#[must_use]
pub fn without_links(name: &str) -> String {
    name.split_inclusive(char::is_whitespace).map(word_without_link).collect()
}

fn word_without_link(word: &str) -> String {
    if !word.contains("//") && !word.contains('@') && !names_host(word) {
        return word.to_owned();
    }
    let plain = |c: char| match c {
        '/' | '\\' | '@' | ':' => ' ',
        c if is_dot(c) => '\u{b7}',
        c => c,
    };
    word.chars().map(plain).collect()
}

/// Dots that browsers take for one.
const fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// Whether a part of the word ends as hosts do: "evil.com", but neither "gpt-4.1" nor "us.anthropic.claude-sonnet-4".
fn names_host(word: &str) -> bool {
    let parts = word.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_') || is_dot(c)));
    parts.into_iter().any(|part| {
        let top = part.trim_matches(is_dot).rsplit_once(is_dot).map(|(_, top)| top);
        top.is_some_and(|top| {
            top.starts_with("xn--") || (top.chars().count() > 1 && top.chars().all(char::is_alphabetic))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_no_links() {
        for (name, said) in [
            ("Production assistant", "Production assistant"),
            ("gpt-4.1, v2.0 & Co.", "gpt-4.1, v2.0 & Co."),
            ("a/b: test", "a/b: test"),
            ("us.anthropic.claude-sonnet-4-v1:0", "us.anthropic.claude-sonnet-4-v1:0"),
            ("(evil.com.)", "(evil\u{b7}com\u{b7})"),
            ("Pay at https://evil.example/x?y=1 now", "Pay at https   evil\u{b7}example x?y=1 now"),
            ("see evil.com", "see evil\u{b7}com"),
            ("WWW.EVIL.COM/a", "WWW\u{b7}EVIL\u{b7}COM a"),
            ("http://1.2.3.4/x", "http   1\u{b7}2\u{b7}3\u{b7}4 x"),
            ("//evil", "  evil"),
            ("mail eve@evil.example", "mail eve evil\u{b7}example"),
            ("b\u{fc}cher.example", "b\u{fc}cher\u{b7}example"),
            ("evil\u{ff0e}com", "evil\u{b7}com"),
        ] {
            assert_eq!(without_links(name), said);
        }
    }

    fn letter() -> Letter {
        Letter {
            title: "Verify <your> address".to_owned(),
            paragraphs: vec!["First & foremost.".to_owned(), "Second.".to_owned()],
            figures: vec![Figure { label: "Used".to_owned(), value: "$9,600.00".to_owned() }],
            rows_title: "Cause".to_owned(),
            rows: vec![Row { name: "support-bot".to_owned(), value: "+$120.00".to_owned() }],
            button: Some(Button { label: "Open".to_owned(), url: "https://x.example/a?b=c&d=e".to_owned() }),
            why: vec!["Because.".to_owned()],
        }
    }

    #[test]
    fn both_parts_say_the_same() {
        let Rendered { text, html } = letter().render().unwrap();
        for words in ["First", "Second.", "$9,600.00", "Used", "Cause", "support-bot", "+$120.00", "Open", "Because."] {
            assert!(text.contains(words), "{words} missing in text:\n{text}");
            assert!(html.contains(words), "{words} missing in html:\n{html}");
        }
        assert!(text.contains("https://x.example/a?b=c&d=e"));
    }

    #[test]
    fn html_is_escaped_and_text_is_not() {
        let Rendered { text, html } = letter().render().unwrap();
        assert!(text.contains("Verify <your> address") && text.contains("First & foremost."));
        assert!(!html.contains("<your>") && html.contains("Verify &#60;your&#62; address"), "{html}");
        assert!(html.contains("href=\"https://x.example/a?b=c&#38;d=e\""), "{html}");
    }

    #[test]
    fn parts_that_are_empty_leave_no_trace() {
        let bare = Letter { title: "Hello".to_owned(), ..Letter::default() };
        let Rendered { text, html } = bare.render().unwrap();
        assert_eq!(text, "Hello\n\n-- \nTallystick");
        assert!(!html.contains("<table role=\"presentation\" class=\"figures\"") && !html.contains("<a "), "{html}");
    }
}
