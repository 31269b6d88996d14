//! Progress of work in the background, asked for again and again while a page shows it.

use leptos::prelude::*;
use std::time::Duration;

/// Asks every `period` how far something is and writes it into `now`; loads the page again when there is nothing left to ask for.
#[cfg(feature = "hydrate")]
pub fn follow<T, E, Answer>(period: Duration, ask: impl Fn() -> Answer + 'static, now: RwSignal<T>)
where
    T: Send + Sync + 'static,
    E: 'static,
    Answer: Future<Output = Result<Option<T>, E>> + 'static,
{
    let ask = std::rc::Rc::new(ask);
    Effect::new(move |_| {
        let ask = std::rc::Rc::clone(&ask);
        let look = move || {
            let answer = ask();
            leptos::task::spawn_local(async move {
                match answer.await {
                    // Gone if the reader left the page meanwhile.
                    Ok(Some(there)) => drop(now.try_set(there)),
                    // Refused only where there is no window.
                    Ok(None) if !now.is_disposed() => drop(window().location().reload()),
                    _ => {}
                }
            });
        };
        if let Ok(handle) = set_interval_with_handle(look, period) {
            on_cleanup(move || handle.clear());
        }
    });
}

/// The server asks nothing: a page is made once.
#[cfg(not(feature = "hydrate"))]
pub fn follow<T, E, Answer>(_period: Duration, _ask: impl Fn() -> Answer + 'static, _now: RwSignal<T>)
where
    T: Send + Sync + 'static,
    E: 'static,
    Answer: Future<Output = Result<Option<T>, E>> + 'static,
{
}
