//! A sentence in which names stand between backticks, as the API writes them.

use leptos::prelude::*;

/// The sentence with its names set as code.
#[must_use]
pub fn inline_code(text: &str) -> AnyView {
    let view = |(name, part): (bool, &str)| {
        let part = part.to_owned();
        if name { view! { <code>{part}</code> }.into_any() } else { part.into_any() }
    };
    parts(text).into_iter().map(view).collect_view().into_any()
}

/// The parts in order, each with whether it is a name; a backtick without its partner is a letter like others.
fn parts(text: &str) -> Vec<(bool, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, name, after)) = rest
        .split_once('`')
        .and_then(|(before, after)| after.split_once('`').map(|(name, after)| (before, name, after)))
    {
        parts.extend([(false, before), (true, name)]);
        rest = after;
    }
    parts.push((false, rest));
    parts.retain(|(_, part)| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn names_stand_between_backticks() {
        assert_eq!(parts("no `a` of `b`."), [(false, "no "), (true, "a"), (false, " of "), (true, "b"), (false, ".")]);
        assert_eq!(parts("`a`"), [(true, "a")]);
        assert_eq!(parts("it`s"), [(false, "it`s")]);
        assert!(parts("").is_empty());
    }
}
