//! One thread that writes what all parts of a download bring, and checks it.
//!
//! Several writers of one file wait for each other in the kernel, and hashes that are taken one by one leave most of a
//! processor idle: this writes piece by piece as they come, and takes the hashes of all parts side by side.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Check;
use crate::file::WriteError;

/// How many pieces may wait for the writer, for each part.
const AHEAD: usize = 3;

/// So much waits for its hash, for each part, before the hashes of all are taken.
const ENOUGH_BYTES: usize = 256 << 10;

/// What the writer is told of a part.
enum News {
    Begins { file: File, check: Check },
    Piece(Bytes),
    Ends(oneshot::Sender<()>),
}

/// The writer has ended before its time, and says why to whoever waits for it.
pub(super) struct Gone;

/// The thread, which ends when all [`Parts`](Inbox) are gone.
pub(super) struct Writer(JoinHandle<Result<(), WriteError>>);

/// Where parts bring what they have.
#[derive(Clone)]
pub(super) struct Inbox(mpsc::Sender<(usize, News)>);

impl Writer {
    /// A writer for at most so many parts at a time.
    pub(super) fn start(parts: usize) -> (Self, Inbox) {
        let (sender, news) = mpsc::channel(AHEAD * parts);
        let thread = tokio::task::spawn_blocking(move || write(news));
        (Self(thread), Inbox(sender))
    }

    /// Waits until all is written, or something could not be.
    pub(super) async fn finish(self) -> Result<(), WriteError> {
        let ended = self.0.await;
        ended.unwrap_or_else(|error| Err(io::Error::other(error).into()))
    }
}

impl Inbox {
    /// Begins a part, to be written to where `file` stands.
    pub(super) async fn begin(&self, part: usize, file: File, check: Check) -> Result<(), Gone> {
        self.tell(part, News::Begins { file, check }).await
    }

    /// Brings the next bytes of a part.
    pub(super) async fn write(&self, part: usize, bytes: Bytes) -> Result<(), Gone> {
        self.tell(part, News::Piece(bytes)).await
    }

    /// Ends a part, and waits until all of it is written and right.
    pub(super) async fn end(&self, part: usize) -> Result<(), Gone> {
        let (done, is_done) = oneshot::channel();
        self.tell(part, News::Ends(done)).await?;
        is_done.await.map_err(|_| Gone)
    }

    async fn tell(&self, part: usize, news: News) -> Result<(), Gone> {
        self.0.send((part, news)).await.map_err(|_| Gone)
    }
}

fn write(mut news: mpsc::Receiver<(usize, News)>) -> Result<(), WriteError> {
    let mut parts: BTreeMap<usize, (File, Check)> = BTreeMap::new();
    let mut unhashed = 0;
    while let Some((number, news)) = news.blocking_recv() {
        match news {
            News::Begins { file, check } => {
                parts.insert(number, (file, check));
            }
            News::Piece(bytes) => {
                let Some((file, check)) = parts.get_mut(&number) else {
                    continue;
                };
                file.write_all(&bytes)?;
                unhashed += bytes.len();
                check.update(&bytes).map_err(WriteError::Mismatch)?;
                if unhashed >= ENOUGH_BYTES * parts.len() {
                    unhashed = 0;
                    Check::take_hashes(parts.values_mut().map(|(_, check)| check));
                }
            }
            News::Ends(done) => {
                if let Some((_, mut check)) = parts.remove(&number) {
                    check.finish().map_err(WriteError::Mismatch)?;
                }
                // Nobody minds when who asked is gone.
                let _ = done.send(());
            }
        }
    }
    Ok(())
}
