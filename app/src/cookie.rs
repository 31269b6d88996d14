//! Cookies of ours: no script reads them, and over https no other host can set them.

use http::request::Parts;
use http::{HeaderValue, header};
use leptos::prelude::{use_context, with_context};
use leptos_axum::ResponseOptions;

/// One of them, by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cookie(pub(crate) &'static str);

impl Cookie {
    /// Local mode has no https, and so no prefix that asks for it.
    fn name(self, local: bool) -> String {
        format!("{}tallystick-{}", if local { "" } else { "__Host-" }, self.0)
    }

    /// What this browser sent of it.
    pub(crate) fn get(self, local: bool) -> Option<String> {
        let name = self.name(local);
        with_context::<Parts, _>(|parts| {
            let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
            let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
            pairs.find(|(of, _)| *of == name).map(|(_, value)| value.to_owned())
        })
        .flatten()
    }

    /// Gives it to this browser for so many seconds; 0 takes it away.
    pub(crate) fn set(self, local: bool, value: &str, secs: i64) {
        let (name, secure) = (self.name(local), if local { "" } else { "; Secure" });
        let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={secs}{secure}");
        if let (Some(response), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&cookie)) {
            response.append_header(header::SET_COOKIE, value);
        }
    }
}
