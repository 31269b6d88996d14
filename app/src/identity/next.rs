//! Where to go after signing in: only to places of this server.

/// The path to go on to, if it is one of ours (ASVS 3.7.2).
#[must_use]
pub fn local_path(text: &str) -> Option<&str> {
    let mut letters = text.chars();
    let begins = letters.next() == Some('/');
    // "//host" and "/\host" are addresses of other hosts to a browser.
    let elsewhere = matches!(letters.next(), Some('/' | '\\'));
    let odd = text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    (begins && !elsewhere && !odd && text.len() <= 1_000).then_some(text)
}

/// The sign-in page that leads back to `path`.
#[must_use]
pub fn sign_in_path(path: &str) -> String {
    match local_path(path) {
        None | Some("/") => "/sign-in".to_owned(),
        Some(path) => crate::layout::UrlQuery::new().with("next", path).at("/sign-in"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_paths_are_followed() {
        for good in ["/", "/o/acme", "/o/acme/explore?group_by=model&period=7d"] {
            assert_eq!(local_path(good), Some(good));
        }
        for bad in
            ["", "o/acme", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/a\nb"]
        {
            assert_eq!(local_path(bad), None, "{bad}");
        }
        assert!(local_path(&format!("/{}", "x".repeat(2_000))).is_none());
    }

    #[test]
    fn the_way_back_survives_the_sign_in() {
        assert_eq!(sign_in_path("/o/acme?period=7d"), "/sign-in?next=%2Fo%2Facme%3Fperiod%3D7d");
        assert_eq!(sign_in_path("//evil.example"), "/sign-in");
        assert_eq!(sign_in_path("/"), "/sign-in");
    }
}
