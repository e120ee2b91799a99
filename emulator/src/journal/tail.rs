//! The journal as it is written: server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::timeout;

use super::Filter;
use crate::core::Core;
use crate::message::{Body, BodyError};

/// How many requests are looked at before anything is sent.
const BATCH: usize = 256;

/// How long nothing is sent before a comment shows that somebody is still there, in real time.
const SILENCE: Duration = Duration::from_secs(15);

/// Somebody who follows the journal.
struct Follower {
    core: Arc<Core>,
    filter: Filter,
    last_id: u64,
}

impl Follower {
    fn new(core: Arc<Core>, filter: Filter) -> Self {
        core.journal.followers.fetch_add(1, Ordering::Relaxed);
        let last_id = filter.since_id.unwrap_or_else(|| core.journal.last_id());
        Self {
            core,
            filter,
            last_id,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.core.journal.followers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The requests that match, each as soon as it is written down, without an end. `since_id` of the filter says where to
/// begin; without it nothing comes that is written down already.
///
/// The ring is the only buffer: whoever reads more slowly than requests come misses those that the ring has no more, and
/// is told how many.
pub(crate) fn tail(core: Arc<Core>, filter: Filter) -> Body {
    let follower = Follower::new(core, filter);
    let events = stream::unfold(follower, |mut follower| async move {
        let text = follower.next().await;
        Some((Ok::<_, BodyError>(Frame::data(Bytes::from(text))), follower))
    });
    Body::stream(StreamBody::new(events))
}

impl Follower {
    /// The next events, or a comment where there are none.
    async fn next(&mut self) -> String {
        let core = Arc::clone(&self.core);
        let journal = &core.journal;
        loop {
            // Made before looking, so that nothing falls in between.
            let news = journal.news.notified();
            let batch = journal.since(self.last_id, BATCH);
            let nothing_new = batch.entries.is_empty();
            self.last_id = batch.last_id;
            let mut text = String::new();
            if batch.lost > 0 {
                // Text in memory takes all.
                let _ = write!(
                    text,
                    ": {} requests are lost, they came too fast\n\n",
                    batch.lost
                );
            }
            for entry in batch
                .entries
                .iter()
                .filter(|entry| self.filter.matches(entry))
            {
                let data = serde_json::to_string(&journal.describe(entry)).unwrap_or_default();
                let _ = write!(text, "id: {}\nevent: request\ndata: {data}\n\n", entry.id);
            }
            if !text.is_empty() {
                return text;
            }
            if nothing_new && timeout(SILENCE, news).await.is_err() {
                return ": nothing yet\n\n".to_owned();
            }
        }
    }
}
