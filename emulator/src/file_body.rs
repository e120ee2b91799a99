//! A body out of a file: read by the block on threads that may wait for a disk, one block ahead of what is sent.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::message::BodyError;
use crate::store::read_at;

/// Bytes read at once.
const BLOCK: u64 = 256 * 1024;

/// A part of a file as a body.
#[derive(Debug)]
pub(crate) struct FileBody {
    file: Arc<File>,
    /// What has not been asked of the file.
    unread: Range<u64>,
    /// What has not been given to whoever sends it.
    unsent: u64,
    coming: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    /// The range must lie within the file.
    pub(crate) fn new(file: Arc<File>, range: Range<u64>) -> Self {
        Self {
            file,
            unsent: range.end.saturating_sub(range.start),
            unread: range,
            coming: None,
        }
    }

    /// Begins to read the next block, if there is one.
    fn read_ahead(&mut self) {
        let Range { start, end } = self.unread;
        if start >= end {
            return;
        }
        let next = (start + BLOCK).min(end);
        self.unread.start = next;
        let file = Arc::clone(&self.file);
        self.coming = Some(tokio::task::spawn_blocking(move || {
            // No block is longer than BLOCK.
            let mut block = vec![0; usize::try_from(next - start).unwrap_or(0)];
            read_at(&file, &mut block, start)?;
            Ok(Bytes::from(block))
        }));
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.coming.is_none() {
            self.read_ahead();
        }
        let Some(coming) = &mut self.coming else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(coming).poll(context));
        self.coming = None;
        let error = match read {
            Ok(Ok(block)) => {
                self.unsent = self.unsent.saturating_sub(block.len() as u64);
                self.read_ahead();
                return Poll::Ready(Some(Ok(Frame::data(block))));
            }
            Ok(Err(error)) => error,
            Err(error) => io::Error::other(error),
        };
        // Nothing follows a failure.
        self.unread.start = self.unread.end;
        Poll::Ready(Some(Err(BodyError::Server(format!(
            "a stored body cannot be read: {error}"
        )))))
    }

    fn is_end_stream(&self) -> bool {
        self.unsent == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.unsent)
    }
}
