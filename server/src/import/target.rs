//! Where an import goes: into the database by the same verbs as the API, or to the API of a server.

use backend::{Backend, Error, OrgScope};
use domain::event::{EventInput, EventResult, IngestAnswer, IngestStatus, MAX_BODY_BYTES, ParsedEvent};
use domain::problem::Problem;
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use url::Url;

/// How long a server may take for one request.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Where events are recorded.
pub enum Target {
    /// In the database, in the name of a key.
    Database {
        /// The verbs.
        backend: Box<Backend>,
        /// What the key may do.
        scope: OrgScope,
    },
    /// By the API of a server.
    Server {
        /// What asks it.
        client: Client,
        /// Where events are sent.
        events: Url,
        /// The API key.
        key: SecretString,
    },
}

/// Why a batch was not taken.
pub(super) enum Failure {
    /// It may be taken later.
    Passing {
        said: String,
        /// As the other side asked.
        retry_after: Option<Duration>,
    },
    Final(String),
}

impl Target {
    /// The database, for whoever has this key.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub async fn database(backend: &Backend, key: &SecretString) -> Result<Self, String> {
        let caller = backend::keys::authenticate(backend, key.expose_secret()).await;
        let caller = caller.map_err(|error| error.into_problem().to_string())?;
        Ok(Self::Database { backend: Box::new(backend.clone()), scope: caller.scope })
    }

    /// The server at this address, which is asked once whether it takes events with this key.
    ///
    /// # Errors
    /// Who does not answer, or what it says about the key.
    pub async fn server(address: &Url, key: &SecretString) -> Result<Self, String> {
        // Fails where one is installed, which is then used.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        // An answer from elsewhere is none: the key goes to the named server only.
        let client = Client::builder().timeout(TIMEOUT).redirect(Policy::none()).build();
        let client = client.map_err(|error| format!("HTTPS cannot be spoken: {error}"))?;
        let mut events = address.clone();
        events.set_path(&format!("{}/v1/events", address.path().trim_end_matches('/')));
        let target = Self::Server { client, events, key: key.clone() };
        match target.record(&[]).await {
            Ok(_) => Ok(target),
            // Whether it is busy now says nothing about the file.
            Err(Failure::Passing { retry_after: Some(_), .. }) => Ok(target),
            Err(Failure::Passing { said, .. } | Failure::Final(said)) => Err(said),
        }
    }

    /// What tells this target from others, where a bookmark is kept for it.
    pub(super) fn bookmark_name(&self) -> Option<String> {
        match self {
            Self::Database { .. } => None,
            Self::Server { events, .. } => Some(events.to_string()),
        }
    }

    /// Records events; the answer has a result for each, in their order.
    pub(super) async fn record(&self, events: &[ParsedEvent]) -> Result<IngestAnswer, Failure> {
        match self {
            Self::Database { backend, scope } => {
                let answer = backend::events::ingest_native(backend, scope, events.to_vec()).await;
                answer.map_err(Error::into_problem).map_err(|problem| match problem {
                    Problem::Unavailable { retry_after_secs } | Problem::OutcomeUnknown { retry_after_secs } => {
                        let retry_after = Some(Duration::from_secs(retry_after_secs.into()));
                        Failure::Passing { said: problem.to_string(), retry_after }
                    }
                    problem => Failure::Final(problem.to_string()),
                })
            }
            Self::Server { client, events: address, key } => {
                let mut answer = IngestAnswer::default();
                for body in bodies(events) {
                    let request = client.post(address.clone()).bearer_auth(key.expose_secret());
                    let request = request.header("content-type", "application/json").body(body);
                    add(&mut answer, answered(request.send().await).await?);
                }
                Ok(with_refused(answer, events))
            }
        }
    }
}

/// The events that can be sent as JSON arrays, none larger than a request may be; an empty one for none.
fn bodies(events: &[ParsedEvent]) -> Vec<String> {
    let mut bodies = vec!["[".to_owned()];
    for event in events.iter().flatten() {
        let json = serde_json::to_string::<EventInput>(event).unwrap_or_default();
        let body = bodies.last_mut().filter(|body| body.len() + json.len() + 2 <= MAX_BODY_BYTES);
        match body {
            Some(body) => {
                body.push_str(if body.len() == 1 { "" } else { "," });
                body.push_str(&json);
            }
            None => bodies.push(format!("[{json}")),
        }
    }
    bodies.iter_mut().for_each(|body| body.push(']'));
    bodies
}

fn add(answer: &mut IngestAnswer, further: IngestAnswer) {
    answer.accepted += further.accepted;
    answer.duplicates += further.duplicates;
    answer.conflicts += further.conflicts;
    answer.rejected += further.rejected;
    answer.results.extend(further.results);
}

/// The results in their places among those of rows that are no events, which the server never saw.
fn with_refused(mut answer: IngestAnswer, events: &[ParsedEvent]) -> IngestAnswer {
    let mut sent = std::mem::take(&mut answer.results).into_iter();
    for (index, event) in (0..).zip(events) {
        let result = match event {
            Ok(_) => sent.next().map(|result| EventResult { index, ..result }),
            Err(refused) => {
                answer.rejected += 1;
                let error = Some(refused.problem.clone());
                let id = refused.sender.id.clone();
                Some(EventResult { index, id, status: IngestStatus::Rejected, cost: None, currency: None, error })
            }
        };
        answer.results.extend(result);
    }
    answer
}

/// What a server said; an answer with results is one, whatever became of the events.
async fn answered(response: reqwest::Result<Response>) -> Result<IngestAnswer, Failure> {
    let lost = |error: reqwest::Error| {
        let said = format!("the server does not answer: {}", error.without_url());
        Failure::Passing { said, retry_after: None }
    };
    let response = response.map_err(lost)?;
    let (status, retry_after) = (response.status(), retry_after(&response));
    let text = response.text().await.map_err(lost)?;
    if let (200..=299 | 422, Ok(answer)) = (status.as_u16(), serde_json::from_str(&text)) {
        return Ok(answer);
    }
    let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let detail = problem["detail"].as_str().map(|detail| format!(": {detail}")).unwrap_or_default();
    let said = format!("the server says {status}{detail}");
    Err(match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::BAD_GATEWAY
        | StatusCode::GATEWAY_TIMEOUT => Failure::Passing { said, retry_after },
        _ => Failure::Final(said),
    })
}

/// Whole seconds, as our servers say it.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
