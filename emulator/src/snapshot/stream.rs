//! Snapshots over a connection: made on a thread that may block, sent and read while they are made.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::mpsc;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{SnapshotError, State};
use crate::core::Core;
use crate::message::{Body, BodyError};

/// How many pieces may wait for a slow reader.
const AHEAD: usize = 4;

/// The state as a body. Should it break off, the connection does, and what has been read is refused as cut.
pub(crate) fn body(regions: Vec<Arc<Core>>) -> Body {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, BodyError>>(AHEAD);
    tokio::task::spawn_blocking(move || {
        let written = super::write::write(&regions, |bytes| {
            sender
                .blocking_send(Ok(bytes))
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
        });
        if let Err(error) = written {
            // Whoever hung up does not hear this either.
            let _ = sender.blocking_send(Err(BodyError::Server(error.to_string())));
        }
    });
    let frames = stream::unfold(receiver, |mut receiver| async move {
        let bytes = receiver.recv().await?;
        Some((bytes.map(Frame::data), receiver))
    });
    Body::stream(StreamBody::new(frames))
}

/// Reads a body to its end as a snapshot for the emulator with these regions.
pub(crate) async fn read(body: Body, regions: Vec<Arc<Core>>) -> Result<State, SnapshotError> {
    let pieces = stream::unfold(body, |mut body| async move {
        let bytes = body.next().await?;
        Some((bytes.map_err(io::Error::other), body))
    });
    let input = SyncIoBridge::new(StreamReader::new(Box::pin(pieces)));
    tokio::task::spawn_blocking(move || super::read::read(input, &regions))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error).into()))
}
