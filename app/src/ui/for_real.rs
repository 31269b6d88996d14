//! Waiting until what is made inside a `Suspense` is made for good.

use std::task::Poll;

/// Await this inside a `Suspend`, after the data and before the view, where the view makes resources of its own.
///
/// On the server Leptos rehearses the children of a `Suspense`, as often as its data happen to come in, and throws the result away.
/// A rehearsal that finds all data there would run to its end and number the resources inside; the browser, which does not rehearse, would then look for its data under other numbers and give up.
/// A rehearsal asks once, so it gets no further than here.
pub async fn for_real() {
    let mut asked = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::for_real;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn who_asks_once_gets_nothing() {
        let mut waiting = pin!(for_real());
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(()));
    }
}
