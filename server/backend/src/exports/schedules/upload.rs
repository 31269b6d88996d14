//! A file on its way into a storage: part by part, visible only when it is whole.

use super::store::{Failure, Storage};
use crate::Error;
use crate::exports::Piece;
use futures::{Stream, TryStreamExt};
use object_store::PutPayload;
use object_store::multipart::PartId;
use object_store::path::Path;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::pin::pin;

/// Bytes of a part, all but the last, as R2 wants them; S3 takes 10,000 parts of an object, so that it may have 160 GB.
pub(super) const PART: usize = 16 << 20;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Uploaded {
    pub(super) bytes: u64,
    pub(super) rows: u64,
    pub(super) billed: Decimal,
    /// In hex.
    pub(super) sha256: String,
}

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Broken {
    /// The storage said no.
    Storage(Failure),
    /// The rows could not be read, or where the run is could not be written down.
    Ours(Error),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Storage(failure)
    }
}

impl From<object_store::Error> for Broken {
    fn from(error: object_store::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// Sends a file as the object of an upload that has begun. It takes the place of one of the same name when it is whole.
///
/// # Errors
/// Those of the storage and of the pieces; what was sent is then thrown away.
pub(super) async fn upload(
    store: &dyn Storage,
    path: &Path,
    id: &String,
    pieces: impl Stream<Item = Result<Piece, Error>>,
    part: usize,
) -> Result<Uploaded, Broken> {
    let sent = async {
        let (parts, uploaded) = send(store, path, id, pieces, part).await?;
        let completed = store.complete_multipart(path, id, parts).await;
        // Whoever took the parts knows these credentials: where an answer was lost, a storage may say no to the second asking.
        completed.map_err(|error| Failure { is_final: false, ..Failure::from(error) })?;
        Ok(uploaded)
    };
    let sent = sent.await;
    if sent.is_err() {
        abort(store, path, id).await;
    }
    sent
}

/// Throws away what an attempt sent that broke off. Where that fails, the storage's own rule for incomplete uploads does it some days later.
pub(super) async fn abort(store: &dyn Storage, path: &Path, id: &String) {
    if let Err(error) = store.abort_multipart(path, id).await {
        let failure = Failure::from(error);
        tracing::info!(answer = failure.text, "an upload that broke off could not be aborted");
    }
}

async fn send(
    store: &dyn Storage,
    path: &Path,
    id: &String,
    pieces: impl Stream<Item = Result<Piece, Error>>,
    part: usize,
) -> Result<(Vec<PartId>, Uploaded), Broken> {
    let (mut hash, mut uploaded) = (Sha256::new(), Uploaded::default());
    let (mut parts, mut held) = (Vec::new(), Vec::new());
    let mut pieces = pin!(pieces);
    while let Some(piece) = pieces.try_next().await? {
        hash.update(&piece.bytes);
        uploaded.bytes += u64::try_from(piece.bytes.len()).unwrap_or_default();
        uploaded.rows += u64::try_from(piece.rows).unwrap_or_default();
        uploaded.billed += piece.billed;
        held.extend(piece.bytes);
        while held.len() > part {
            let rest = held.split_off(part);
            parts.push(store.put_part(path, id, parts.len(), PutPayload::from(held)).await?);
            held = rest;
        }
    }
    parts.push(store.put_part(path, id, parts.len(), PutPayload::from(held)).await?);
    for byte in hash.finalize() {
        let _infallible = write!(uploaded.sha256, "{byte:02x}");
    }
    Ok((parts, uploaded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exports::schedules::store::open;
    use domain::export::{Place, StoreKind};
    use futures::stream;
    use object_store::ObjectStoreExt;
    use std::sync::Arc;
    use testkit::{Fault, ObjectStorage};

    const KIB: usize = 1 << 10;
    /// S3 refuses smaller parts, but for the last.
    const LEAST: usize = 5 << 20;

    fn opened(storage: &ObjectStorage) -> Arc<dyn Storage> {
        let place = Place {
            kind: StoreKind::S3,
            endpoint: Some(storage.endpoint()),
            region: Some("us-east-1".to_owned()),
            bucket: ObjectStorage::BUCKET.to_owned(),
            prefix: String::new(),
            account: Some(ObjectStorage::KEY_ID.to_owned()),
        };
        open(&place, &ObjectStorage::SECRET.into(), true).unwrap()
    }

    fn pieces(sizes: &[usize]) -> Vec<Piece> {
        let piece = |(number, size): (u8, &usize)| Piece { bytes: vec![number; *size], rows: 1, billed: Decimal::ONE };
        (0..).zip(sizes).map(piece).collect()
    }

    #[tokio::test]
    async fn a_file_of_many_parts_arrives_as_it_was_sent_whatever_pieces_it_came_in() {
        let storage = ObjectStorage::start().await;
        let store = opened(&storage);
        storage.fail("partNumber=2", Fault::Unavailable, 1);
        for sizes in [vec![], vec![0], vec![LEAST], vec![1, 2 * LEAST + KIB, 0, LEAST - 1, 3], vec![LEAST / 2 + 7; 5]] {
            let sent = pieces(&sizes);
            let bytes: Vec<u8> = sent.iter().flat_map(|piece| piece.bytes.clone()).collect();
            let path = Path::from("many.bin");
            let id = store.create_multipart(&path).await.unwrap();
            let sent = stream::iter(sent.into_iter().map(Ok));
            let uploaded = upload(&*store, &path, &id, sent, LEAST).await.unwrap();
            assert_eq!(storage.object("many.bin").unwrap(), bytes, "{sizes:?}");
            let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((uploaded.bytes, uploaded.sha256), (bytes.len() as u64, hash));
            assert_eq!((uploaded.rows, uploaded.billed), (sizes.len() as u64, sizes.len().into()));
            assert_eq!(storage.leftovers(), 0);
        }
    }

    #[tokio::test]
    async fn rows_that_cannot_be_read_leave_the_file_of_before() {
        let storage = ObjectStorage::start().await;
        let (store, path) = (opened(&storage), Path::from("kept.bin"));
        store.put(&path, PutPayload::from_static(b"before")).await.unwrap();
        let id = store.create_multipart(&path).await.unwrap();
        let broken = pieces(&[200 * KIB]).into_iter().map(Ok).chain([Err(Error::server("reading", "it broke"))]);
        let failed = upload(&*store, &path, &id, stream::iter(broken), 64 * KIB).await;
        assert!(matches!(failed, Err(Broken::Ours(Error::Server { .. }))));
        assert_eq!(storage.object("kept.bin").as_deref(), Some(b"before".as_slice()));
        assert_eq!(storage.leftovers(), 0);
    }
}
