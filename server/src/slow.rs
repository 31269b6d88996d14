//! Bodies that come too slowly: a sender that drips bytes must not hold a connection and its memory for ever.

use crate::error::ApiError;
use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::problem::Problem;
use futures::{Stream, StreamExt, stream};
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A body may take this long from its beginning.
const PATIENCE: Duration = Duration::from_secs(20);
/// And a second more for so many bytes of it: a phone's uplink is fast enough.
const BYTES_PER_SECOND: u32 = 32 * 1024;

/// How long an answer to a request without a body may take to begin.
const ANSWER: Duration = Duration::from_secs(60);

/// Answers 408 when the body does not come in time.
pub(crate) async fn cut_off(request: Request, next: Next) -> Response {
    cut_off_after(PATIENCE, request, next).await
}

async fn cut_off_after(patience: Duration, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        // Statements of readers are cancelled long before: only a path to PostgreSQL that is silently dead gives no answer.
        let late = |_| ApiError(Problem::Unavailable { retry_after_secs: 5 }).into_response();
        return tokio::time::timeout(ANSWER, next.run(request)).await.unwrap_or_else(late);
    }
    let late = Arc::new(AtomicBool::new(false));
    let (parts, body) = request.into_parts();
    let body = Body::from_stream(in_time(body.into_data_stream(), patience, Arc::clone(&late)));
    let response = next.run(Request::from_parts(parts, body)).await;
    if late.load(Ordering::Relaxed) {
        // The rest of the body is not waited for, so nothing else can come over this connection.
        return ([(header::CONNECTION, HeaderValue::from_static("close"))], ApiError(Problem::TooSlow)).into_response();
    }
    response
}

/// The same body, with an error at its end when time is up.
fn in_time(
    body: BodyDataStream,
    patience: Duration,
    late: Arc<AtomicBool>,
) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    stream::unfold(Some((body, Instant::now() + patience)), move |state| {
        let late = Arc::clone(&late);
        async move {
            let (mut body, until) = state?;
            let Ok(chunk) = tokio::time::timeout_at(until, body.next()).await else {
                late.store(true, Ordering::Relaxed);
                let error = Error::new(ErrorKind::TimedOut, "the body came too slowly");
                return Some((Err(axum::Error::new(error)), None));
            };
            let chunk = chunk?;
            let until = until + earned(chunk.as_ref().map_or(0, Bytes::len));
            Some((chunk, Some((body, until))))
        }
    })
    // Some readers ask again after the end.
    .fuse()
}

/// What so many bytes add to the time.
fn earned(bytes: usize) -> Duration {
    Duration::from_secs(1) * u32::try_from(bytes).unwrap_or(u32::MAX) / BYTES_PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use tower::ServiceExt;

    async fn send(patience: Duration, body: Body) -> Response {
        let read = |body: Bytes| async move { body.len().to_string() };
        let layer = axum::middleware::from_fn(move |request, next| cut_off_after(patience, request, next));
        let app = Router::new().route("/", post(read)).layer(layer);
        app.oneshot(Request::post("/").body(body).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_cut_off() {
        let begins = stream::iter([Ok::<_, axum::Error>(Bytes::from_static(b"x"))]);
        let stuck = Body::from_stream(begins.chain(stream::pending()));
        let answer = send(Duration::from_millis(20), stuck).await;
        assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(answer.headers()[header::CONNECTION], "close");
    }

    #[tokio::test]
    async fn a_body_that_comes_is_read() {
        for body in [Body::empty(), Body::from("x".repeat(100_000))] {
            assert_eq!(send(PATIENCE, body).await.status(), StatusCode::OK);
        }
        let whole = Body::from("x").into_data_stream();
        let mut body = Box::pin(in_time(whole, PATIENCE, Arc::default()));
        assert!(body.next().await.is_some() && body.next().await.is_none() && body.next().await.is_none());
    }

    #[test]
    fn bytes_earn_time() {
        assert_eq!(earned(0), Duration::ZERO);
        assert_eq!(earned(64 * 1024), Duration::from_secs(2));
        let whole = PATIENCE + earned(domain::event::MAX_BODY_BYTES);
        assert!(whole < Duration::from_secs(300), "the largest body ends within five minutes: {whole:?}");
    }
}
