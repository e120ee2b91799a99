//! What a transfer tells while it runs.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;
use tokio::sync::mpsc;

/// Something that happened in a transfer.
///
/// The bytes moved so far are the sum of all [`Event::Bytes`] less the sum of all [`Event::Undone`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// So many bytes went out or came in.
    Bytes(u64),
    /// So many bytes of those counted before will be sent again: an attempt failed.
    Undone(u64),
    /// A segment of a large object is in its place.
    Segment {
        /// Its size.
        bytes: u64,
        /// Whether it was there already, so that nothing was sent. Its bytes are not counted by [`Event::Bytes`].
        reused: bool,
    },
    /// A request failed and will be sent again.
    Retry {
        /// The pause before.
        wait: Duration,
    },
}

/// Where events go: nowhere by default, to a callback, or into a stream. Cheap to clone; all clones feed the same
/// place.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use swift_client::{Event, Progress};
///
/// let total = Arc::new(AtomicU64::new(0));
/// let counter = total.clone();
/// let progress = Progress::new(move |event| match event {
///     Event::Bytes(bytes) => drop(counter.fetch_add(bytes, Ordering::Relaxed)),
///     Event::Undone(bytes) => drop(counter.fetch_sub(bytes, Ordering::Relaxed)),
///     _ => {}
/// });
/// ```
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(Event) + Send + Sync>>);

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Progress(..)"
        } else {
            "Progress(none)"
        })
    }
}

impl Progress {
    /// Calls `callback` with each event, from the tasks and threads that do the work: it should return at once.
    pub fn new(callback: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    /// The events as a stream, which ends when the last clone of the [`Progress`] is gone. Bytes that nobody has read
    /// yet are added up, so that a slow reader costs no memory for them.
    pub fn stream() -> (Self, impl Stream<Item = Event> + Send + Unpin) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        let sums = waiting.clone();
        let progress = Self::new(move |event| {
            let queued = match event {
                Event::Bytes(bytes) => sums.bytes.fetch_add(bytes, Ordering::AcqRel) > 0,
                Event::Undone(bytes) => sums.undone.fetch_add(bytes, Ordering::AcqRel) > 0,
                _ => false,
            };
            if !queued {
                // It fails only when nobody listens any more.
                let _ = sender.send(event);
            }
        });
        let events = stream::unfold((receiver, waiting), |(mut receiver, waiting)| async move {
            let event = match receiver.recv().await? {
                Event::Bytes(_) => Event::Bytes(waiting.bytes.swap(0, Ordering::AcqRel)),
                Event::Undone(_) => Event::Undone(waiting.undone.swap(0, Ordering::AcqRel)),
                other => other,
            };
            Some((event, (receiver, waiting)))
        });
        (progress, Box::pin(events))
    }

    pub(crate) fn tell(&self, event: Event) {
        if let Some(callback) = &self.0
            && !matches!(event, Event::Bytes(0) | Event::Undone(0))
        {
            callback(event);
        }
    }
}

/// Sums that wait to be read. A sum that is not zero has its mark in the queue.
#[derive(Default)]
struct Waiting {
    bytes: AtomicU64,
    undone: AtomicU64,
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn adds_up_bytes_that_nobody_has_read_yet() {
        let (progress, events) = Progress::stream();
        progress.tell(Event::Bytes(3));
        progress.tell(Event::Bytes(4));
        let segment = Event::Segment {
            bytes: 7,
            reused: false,
        };
        progress.tell(segment);
        drop(progress);
        let events: Vec<_> = events.collect().await;
        assert_eq!(events, [Event::Bytes(7), segment]);
    }
}
