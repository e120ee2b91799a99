//! Uploads of what can be read only once: segments are cut as the data comes.

use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::dynamic::Dynamic;
use super::segmented::{Known, Placed};
use super::{LargeObject, Upload, Uploaded};
use crate::body::md5_of;
use crate::error::Operation;
use crate::file::CHUNK_BYTES;
use crate::{Body, Error, Service, Transfers};

/// Pieces below this are put together, so that a stream of single bytes does not cost a hundred times its size.
const SMALL_PIECE: usize = 32 << 10;

/// A segment that has been read.
struct Filled {
    pieces: Vec<Bytes>,
    bytes: u64,
    /// Whether the stream ended in it.
    is_last: bool,
    /// Held until the segment is stored.
    memory: OwnedSemaphorePermit,
}

/// Cuts a stream into segments.
struct Cutter {
    transfers: Transfers,
    stream: BoxStream<'static, io::Result<Bytes>>,
    size: u64,
    /// Read already, and for the next segment.
    rest: Bytes,
}

impl Cutter {
    /// The next segment; empty and the last one, if the stream has ended.
    async fn next(&mut self) -> io::Result<Filled> {
        let memory = self.transfers.memory(self.size).await;
        let mut filled = Filled {
            pieces: Vec::new(),
            bytes: 0,
            is_last: false,
            memory,
        };
        let mut small = BytesMut::new();
        while filled.bytes < self.size {
            if self.rest.is_empty() {
                let Some(piece) = self.stream.next().await else {
                    filled.is_last = true;
                    break;
                };
                self.rest = piece?;
            }
            let room = usize::try_from(self.size - filled.bytes).unwrap_or(usize::MAX);
            let piece = self.rest.split_to(self.rest.len().min(room));
            filled.bytes += piece.len() as u64;
            if piece.len() >= SMALL_PIECE {
                if !small.is_empty() {
                    filled.pieces.push(small.split().freeze());
                }
                filled.pieces.push(piece);
            } else {
                small.extend_from_slice(&piece);
                if small.len() >= CHUNK_BYTES {
                    filled.pieces.push(std::mem::take(&mut small).freeze());
                }
            }
        }
        if !small.is_empty() {
            filled.pieces.push(small.freeze());
        }
        Ok(filled)
    }
}

impl Upload<'_> {
    pub(super) async fn pipe(
        &self,
        stream: BoxStream<'static, io::Result<Bytes>>,
        length: Option<u64>,
        size: u64,
    ) -> Result<Uploaded, Error> {
        let mut cutter = Cutter {
            transfers: self.transfers.clone(),
            stream,
            size,
            rest: Bytes::new(),
        };
        let mut first = cutter
            .next()
            .await
            .map_err(|error| self.unreadable(error))?;
        if !first.is_last && cutter.rest.is_empty() {
            // It may have ended just here, which only the next read tells.
            match cutter.stream.next().await {
                Some(piece) => {
                    cutter.rest = piece.map_err(|error| self.unreadable(error))?;
                }
                None => first.is_last = true,
            }
        }
        if first.is_last {
            self.check_length(length, first.bytes)?;
            let uploaded = self.put(Body::pieces(first.pieces), &self.properties).await;
            drop(first.memory);
            return uploaded;
        }
        match self.options.large_object {
            LargeObject::Static => self.pipe_segments(first, cutter, length).await,
            LargeObject::Dynamic => self.pipe_dynamic(first, cutter, length).await,
        }
    }

    async fn pipe_segments(
        &self,
        first: Filled,
        cutter: Cutter,
        length: Option<u64>,
    ) -> Result<Uploaded, Error> {
        self.need_slo()?;
        self.check_new().await?;
        let home = self.home("slo");
        let known = self.known_segments(&home).await?;
        let placed: Vec<Placed> = segments(first, cutter)
            .map_err(|error| self.unreadable(error))
            .map_ok(|filled| self.place_filled(filled, &home, &known))
            .try_buffered(self.transfers.settings().concurrency.max(1))
            .try_collect()
            .await?;
        let total = placed.iter().map(|placed| placed.segment.bytes).sum();
        self.check_length(length, total)?;
        let reused = placed.iter().filter(|placed| placed.reused).count();
        let segments = placed.into_iter().map(|placed| placed.segment).collect();
        self.finish(segments, reused).await
    }

    /// What has not been read cannot name the prefix, so the first segment and the time do.
    async fn pipe_dynamic(
        &self,
        first: Filled,
        cutter: Cutter,
        length: Option<u64>,
    ) -> Result<Uploaded, Error> {
        self.check_new().await?;
        self.transfers
            .need_segment_container(&self.segment_container, self.container)
            .await?;
        let now = self.transfers.client().session().clock().now();
        let md5 = md5_of(&first.pieces).await;
        let home = format!("{}{md5}-{}/", self.home("dlo"), now.as_nanosecond());
        let home = &home;
        let segments: Vec<_> = segments(first, cutter)
            .map_err(|error| self.unreadable(error))
            .enumerate()
            .map(|(number, filled)| filled.map(|filled| (number, filled)))
            .map_ok(|(number, filled)| async move {
                let md5 = md5_of(&filled.pieces).await;
                let body = Body::pieces(filled.pieces);
                self.place_dynamic(home, number, body, &md5).await?;
                drop(filled.memory);
                Ok((md5, filled.bytes))
            })
            .try_buffered(self.transfers.settings().concurrency.max(1))
            .try_collect()
            .await?;
        self.check_length(length, segments.iter().map(|(_, bytes)| bytes).sum())?;
        self.finish_dynamic(Dynamic {
            home: home.clone(),
            segments,
            reused: 0,
        })
        .await
    }

    async fn place_filled(
        &self,
        filled: Filled,
        home: &str,
        known: &Known,
    ) -> Result<Placed, Error> {
        let md5 = md5_of(&filled.pieces).await;
        let body = Body::pieces(filled.pieces);
        let placed = self.place(body, &md5, filled.bytes, home, known).await;
        drop(filled.memory);
        placed
    }

    fn check_length(&self, expected: Option<u64>, found: u64) -> Result<(), Error> {
        match expected {
            Some(expected) if expected != found => Err(Error::Length {
                container: self.container.to_owned(),
                object: self.object.to_owned(),
                expected,
                found,
            }),
            _ => Ok(()),
        }
    }

    fn unreadable(&self, source: io::Error) -> Error {
        Error::Source {
            operation: Box::new(Operation {
                method: http::Method::PUT,
                account: String::new(),
                container: Some(self.container.to_owned()),
                object: Some(self.object.to_owned()),
                service: Service::ObjectStore,
                trans_id: None,
            }),
            source,
        }
    }
}

/// `first`, and all that follow it; an empty one is none.
fn segments(first: Filled, cutter: Cutter) -> BoxStream<'static, io::Result<Filled>> {
    let rest = stream::try_unfold(Some(cutter), |cutter| async move {
        let Some(mut cutter) = cutter else {
            return Ok(None);
        };
        let filled = cutter.next().await?;
        if filled.bytes == 0 {
            return Ok(None);
        }
        let cutter = (!filled.is_last).then_some(cutter);
        Ok(Some((filled, cutter)))
    });
    stream::once(async { Ok(first) }).chain(rest).boxed()
}
