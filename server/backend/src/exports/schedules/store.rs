//! A storage with its credentials, and what it answers in words.

use super::network::Connector;
use domain::export::{Place, StoreKind};
use domain::problem::FieldProblem;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Longest answer that is kept, in characters.
const MAX_ANSWER: usize = 1_000;
/// How often one request is tried, and for how long: whatever lasts longer is for the next attempt of the run.
const RETRIES: (usize, Duration) = (3, Duration::from_secs(60));

/// What takes files, whole or in parts.
pub(super) trait Storage: ObjectStore + MultipartStore {}
impl<T: ObjectStore + MultipartStore> Storage for T {}

/// Opens a storage; nothing is sent yet.
///
/// # Errors
/// What is wrong with the secret.
pub(super) fn open(
    place: &Place,
    secret: &SecretString,
    allow_private: bool,
) -> Result<Arc<dyn Storage>, FieldProblem> {
    let retry = RetryConfig { max_retries: RETRIES.0, retry_timeout: RETRIES.1, ..RetryConfig::default() };
    let (connector, secret) = (Connector { allow_private }, secret.expose_secret().trim());
    let account = place.account.as_deref().unwrap_or_default();
    let opened: object_store::Result<Arc<dyn Storage>> = match place.kind {
        StoreKind::S3 => {
            let store = AmazonS3Builder::new()
                .with_bucket_name(&place.bucket)
                .with_region(place.region.as_deref().unwrap_or_default())
                .with_access_key_id(account)
                .with_secret_access_key(secret)
                .with_allow_http(allow_private)
                .with_retry(retry)
                .with_http_connector(connector);
            let store = match &place.endpoint {
                Some(endpoint) => store.with_endpoint(endpoint),
                None => store,
            };
            store.build().map(|store| Arc::new(store) as Arc<dyn Storage>)
        }
        StoreKind::Google => {
            check_service_account(secret)?;
            let store = GoogleCloudStorageBuilder::new()
                .with_bucket_name(&place.bucket)
                .with_service_account_key(secret)
                .with_retry(retry)
                .with_http_connector(connector);
            store.build().map(|store| Arc::new(store) as Arc<dyn Storage>)
        }
        StoreKind::Azure => {
            let store = MicrosoftAzureBuilder::new()
                .with_account(account)
                .with_container_name(&place.bucket)
                .with_retry(retry)
                .with_http_connector(connector);
            let store = if secret.contains("sig=") {
                store.with_sas_authorization(signature(secret))
            } else {
                store.with_access_key(secret)
            };
            store.build().map(|store| Arc::new(store) as Arc<dyn Storage>)
        }
    };
    // What the builder says may hold a part of the secret.
    opened.map_err(|_| unusable("These credentials cannot be read. Copy them again."))
}

fn unusable(detail: &str) -> FieldProblem {
    FieldProblem::new("secret", "invalid", detail)
}

/// A key file names addresses too, and no other than Google's may be asked.
fn check_service_account(secret: &str) -> Result<(), FieldProblem> {
    let key: Value =
        serde_json::from_str(secret).map_err(|_| unusable("Paste the whole JSON key file of a service account."))?;
    if key["type"] != "service_account" || key.get("gcs_base_url").is_some() {
        return Err(unusable("Use the JSON key file of a service account, as Google made it."));
    }
    Ok(())
}

/// The pairs of a shared access signature, with or without the address before it.
fn signature(secret: &str) -> Vec<(String, String)> {
    let query = secret.rsplit('?').next().unwrap_or(secret);
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// What a storage answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// In words, for people.
    pub(super) text: String,
    /// Whether trying again cannot help.
    pub(super) is_final: bool,
}

impl From<object_store::Error> for Failure {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error as E;
        let (lead, is_final) = match &error {
            E::PermissionDenied { .. } => ("The storage refused access", true),
            E::Unauthenticated { .. } => ("The storage does not take these credentials", true),
            E::NotFound { .. } => ("The storage has no such bucket or container", true),
            _ => ("The storage could not be reached or did not take the file", false),
        };
        let mut said = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let text = cause.to_string();
            if !said.contains(&text) {
                said = format!("{said}: {text}");
            }
            source = cause.source();
        }
        Self { text: without_secrets(&format!("{lead}: {said}")), is_final }
    }
}

/// An answer in one line, without the parameters of addresses, in which signatures stand.
fn without_secrets(said: &str) -> String {
    let word = |word: &str| match word.split_once('?') {
        Some((address, _)) if address.contains("://") => format!("{address}?…"),
        _ => word.to_owned(),
    };
    let line = said.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_ANSWER).collect()
}

/// Writes a small file and deletes it again.
///
/// # Errors
/// What the storage answered.
pub(super) async fn test(store: &dyn Storage, object: &str) -> Result<(), Failure> {
    let path = Path::from(object);
    store
        .put(&path, PutPayload::from_static(b"Tallystick wrote this to test its access, and could not delete it.\n"))
        .await?;
    store.delete(&path).await.map_err(|error| {
        let failure = Failure::from(error);
        Failure { text: format!("The test file {object} was written, but not deleted. {}", failure.text), ..failure }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line_without_signatures() {
        let said =
            "Error performing PUT https://a.blob.core.windows.net/c/x?sv=2024&sig=abc%3D in 1ms:\n  <Code>X</Code>";
        assert_eq!(
            without_secrets(said),
            "Error performing PUT https://a.blob.core.windows.net/c/x?… in 1ms: <Code>X</Code>"
        );
    }

    #[test]
    fn a_key_file_that_names_another_server_is_refused() {
        let key = r#"{"type": "service_account", "gcs_base_url": "http://127.0.0.1", "disable_oauth": true}"#;
        assert!(check_service_account(key).is_err());
        assert!(check_service_account("-----BEGIN").is_err());
        assert!(check_service_account(r#"{"type": "service_account"}"#).is_ok());
    }

    #[test]
    fn a_signature_is_read_with_its_address_and_without() {
        let pairs = [("sv".to_owned(), "2024".to_owned()), ("sig".to_owned(), "a=".to_owned())];
        assert_eq!(signature("https://a.blob.core.windows.net/c?sv=2024&sig=a%3D"), pairs);
        assert_eq!(signature("sv=2024&sig=a%3D"), pairs);
    }
}
