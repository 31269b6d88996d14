//! Writes SVG and HTML text whose every value is escaped.
//!
//! Charts have hundreds of marks; as text they cost the browser nothing to hydrate.
//! Names in them come from people, so there is no way to write an attribute or a text unescaped.

/// Markup that is being written.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// `<name attributes>`
    pub(super) fn open(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        self.0.push('<');
        self.0.push_str(name);
        for (key, value) in attributes {
            self.0.push(' ');
            self.0.push_str(key);
            self.0.push_str("=\"");
            self.escape(value);
            self.0.push('"');
        }
        self.0.push('>');
        self
    }

    /// `</name>`
    pub(super) fn close(&mut self, name: &'static str) -> &mut Self {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        self
    }

    /// `<name attributes></name>`
    pub(super) fn empty(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        self.open(name, attributes).close(name)
    }

    /// `<name attributes>text</name>`
    pub(super) fn element(&mut self, name: &'static str, attributes: &[(&'static str, &str)], text: &str) -> &mut Self {
        self.open(name, attributes).text(text).close(name)
    }

    /// Text between tags.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.escape(text);
        self
    }

    /// What was written.
    pub(super) fn done(self) -> String {
        self.0
    }

    fn escape(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                letter => self.0.push(letter),
            }
        }
    }
}

/// A coordinate with one decimal, which is a tenth of a pixel at most.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// A share of the width or height as percent with two decimals.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_people_never_become_markup() {
        let mut markup = Markup::default();
        markup.element("text", &[("class", "a\" onload=\"x")], "</text><script>alert('1')</script>&");
        assert_eq!(
            markup.done(),
            "<text class=\"a&quot; onload=&quot;x\">&lt;/text&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;</text>"
        );
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([number(1.0), number(1.26), number(-0.04)], ["1", "1.3", "0"]);
        assert_eq!(percent(1.0 / 3.0), "33.33%");
    }
}
