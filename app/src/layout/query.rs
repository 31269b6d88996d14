//! Addresses with parts of the present one kept.

use crate::page::Address;
use domain::period::Period;
use domain::spend::{Dimension, Filter};
use leptos::prelude::*;

/// Parameters that follow the reader from page to page beside the filters: the period and the comparison.
const STICKY: [&str; 5] = ["period", "from", "to", "through", "compare"];

/// Parameters that belong to one look at one list and never survive a change of anything else.
const FLEETING: [&str; 5] = ["cursor", "before", "page", "notice", "removed"];

/// What the form of a filter sends, because a form cannot write a sign before a value: the dimension, the signs, the value.
pub const ADD: &str = "add";
/// The signs of [`ADD`]: `!`, `~`, both or none.
pub const HOW: &str = "how";
/// The value of [`ADD`].
pub const VALUE: &str = "value";

/// The parameters of an address in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlQuery(Vec<(String, String)>);

impl FromIterator<(String, String)> for UrlQuery {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The path of the page that is being made.
#[must_use]
pub fn here() -> String {
    use_context::<Address>().map(|address| address.path).unwrap_or_default()
}

impl UrlQuery {
    /// With the filter that a form adds, as addresses say it; without it where it cannot be read.
    #[must_use]
    pub fn with_added_filter(self) -> Self {
        let (Some(name), Some(value)) = (self.get(ADD), self.get(VALUE)) else { return self };
        let how = self.get(HOW).unwrap_or_default();
        let mut next = self.filtered(|name| ![ADD, HOW, VALUE].contains(&name));
        if let Ok(dimension) = name.parse::<Dimension>() {
            let only = Filter::only(dimension, vec![value.trim().to_owned()]);
            let filter = Filter { exclude: how.contains('!'), contains: how.contains('~'), ..only };
            next.0.extend(filter.to_pairs());
        }
        next
    }

    /// The parameters of the page that is being made.
    #[must_use]
    pub fn here() -> Self {
        use_context::<Address>().map(|address| address.query).unwrap_or_default()
    }

    /// The days of a page, in place of the period that the reader had.
    #[must_use]
    pub fn days(period: Period) -> Self {
        Self::new().and("from", &period.from.to_string()).and("to", &period.to.to_string())
    }

    /// Names and values in order, as a door takes them.
    #[must_use]
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.clone()
    }

    /// What stands behind the path of an address, with or without its question mark.
    #[must_use]
    pub fn read(text: &str) -> Self {
        url::form_urlencoded::parse(text.trim_start_matches('?').as_bytes()).into_owned().collect()
    }

    /// No parameters.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The first value of a parameter, nothing when it is missing or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Names and values in order, for hidden fields of a form.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Only what follows the reader to another page: every filter that all of them know, too.
    #[must_use]
    pub fn sticky(&self) -> Self {
        let is_filter = |name: &str| name.parse().is_ok_and(|dimension: Dimension| dimension.is_of_events());
        self.filtered(|name| STICKY.contains(&name) || is_filter(name))
    }

    /// With one parameter set to one value.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut next = self.without(&[name]);
        next.0.push((name.to_owned(), value.to_owned()));
        next
    }

    /// With one more value of a parameter.
    #[must_use]
    pub fn and(&self, name: &str, value: &str) -> Self {
        let mut next = self.without(&[]);
        next.0.push((name.to_owned(), value.to_owned()));
        next
    }

    /// Without some parameters.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        self.filtered(|name| !names.contains(&name) && !FLEETING.contains(&name))
    }

    /// Without one value of a parameter, for the cross on a filter.
    #[must_use]
    pub fn without_value(&self, name: &str, value: &str) -> Self {
        let mut next = self.without(&[]);
        next.0.retain(|(key, held)| key != name || held != value);
        next
    }

    /// The path with these parameters behind it.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        let mut out = path.to_owned();
        for (index, (name, value)) in self.0.iter().enumerate() {
            out.push(if index == 0 { '?' } else { '&' });
            escape(&mut out, name);
            out.push('=');
            escape(&mut out, value);
        }
        out
    }

    /// A text as one segment of a path.
    #[must_use]
    pub fn segment(text: &str) -> String {
        let mut out = String::new();
        escape(&mut out, text);
        out
    }

    fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| keep(name)).cloned().collect())
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986), in the same way on the server and in the browser.
fn escape(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::UrlQuery;

    fn query(pairs: &[(&str, &str)]) -> UrlQuery {
        UrlQuery(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn period_and_filters_follow_to_another_page() {
        let here = query(&[
            ("period", "7d"),
            ("group_by", "model"),
            ("project", "a b"),
            ("project", "c&d"),
            ("tag.x", "1"),
            ("product_line", "chat"),
            // Explore's own: no event has it.
            ("allocated_team", "red"),
            ("cursor", "9"),
        ]);
        let sticky = "/o/acme/events?period=7d&project=a%20b&project=c%26d&tag.x=1&product_line=chat";
        assert_eq!(here.sticky().at("/o/acme/events"), sticky);
        assert_eq!(UrlQuery::new().at("/o/acme"), "/o/acme");
    }

    #[test]
    fn what_a_form_adds_becomes_a_filter_as_addresses_say_it() {
        let added = |how: &str, value: &str| {
            let form = [("period", "7d"), ("add", "model"), ("how", how), ("value", value)];
            query(&form).with_added_filter().pairs().pop().unwrap()
        };
        let model = |value: &str| ("model".to_owned(), value.to_owned());
        assert_eq!(added("", " gpt-4o "), model("gpt-4o"));
        assert_eq!(added("!", "!x"), model("!\\!x"));
        assert_eq!((added("~", "gpt"), added("!~", "~")), (model("~gpt"), model("!~~")));
        assert_eq!(query(&[("period", "7d")]).with_added_filter().at(""), "?period=7d");
        assert_eq!(query(&[("add", "x"), ("value", "y"), ("period", "7d")]).with_added_filter().at(""), "?period=7d");
    }

    #[test]
    fn a_change_keeps_the_rest_and_forgets_the_place_in_the_list() {
        let here = query(&[("period", "7d"), ("model", "x"), ("cursor", "9"), ("notice", "saved")]);
        assert_eq!(here.with("period", "30d").at(""), "?model=x&period=30d");
        assert_eq!(here.and("model", "y").without_value("model", "x").at(""), "?period=7d&model=y");
        assert_eq!(here.without(&["period", "model"]).at("/"), "/");
        assert_eq!(here.get("period"), Some("7d"));
        assert_eq!(query(&[("period", "")]).get("period"), None);
    }
}
