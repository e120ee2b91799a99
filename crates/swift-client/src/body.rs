//! What an upload sends: bytes, a file, a stream.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, TryStreamExt};
use md5::{Digest, Md5};
use md5_lanes::Hasher;
use tokio_util::io::ReaderStream;

use crate::Error;
use crate::file::{self, CHUNK_BYTES};
use crate::progress::{Event, Progress};

/// The data of a request.
///
/// Bytes and files can be sent again when an attempt fails; a stream cannot, once it has been read from.
pub struct Body(Source);

enum Source {
    Empty,
    Bytes(Bytes),
    /// Pieces that make one whole, and their length.
    Pieces(Arc<[Bytes]>, u64),
    File {
        path: PathBuf,
        offset: u64,
        length: u64,
    },
    Stream {
        stream: SharedStream,
        length: Option<u64>,
    },
}

/// Given out at the first read, not before: an attempt that found no connection leaves it whole.
type SharedStream = Arc<Mutex<Option<BoxStream<'static, io::Result<Bytes>>>>>;

/// The data of a [`Body`], taken out of it.
pub(crate) enum Parts {
    Bytes(Bytes),
    File {
        path: PathBuf,
        offset: u64,
        length: u64,
    },
    Stream(BoxStream<'static, io::Result<Bytes>>, Option<u64>),
}

/// Up to here data is sent, and hashed, in one go.
const SMALL_BYTES: usize = 64 << 10;

impl Body {
    /// No data.
    pub fn empty() -> Self {
        Self(Source::Empty)
    }

    /// A whole file of the length it has now; it is read while it is sent. What is no ordinary file, such as a pipe, is
    /// sent as a stream to its end.
    ///
    /// # Errors
    /// [`Error::File`] if there is no such file.
    pub async fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let fail = |source| Error::File {
            path: path.to_owned(),
            source,
        };
        let metadata = tokio::fs::metadata(path).await.map_err(fail)?;
        if metadata.is_dir() {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            let reader = tokio::fs::File::open(path).await.map_err(fail)?;
            return Ok(Self::blocking_reader(reader.into_std().await, None));
        }
        Ok(Self::file_part(path, 0, metadata.len()))
    }

    /// `length` bytes of a file from `offset` on, both in bytes.
    pub fn file_part(path: impl Into<PathBuf>, offset: u64, length: u64) -> Self {
        Self(Source::File {
            path: path.into(),
            offset,
            length,
        })
    }

    /// Whatever `stream` gives. Without `length` (bytes) it is sent in chunks; with it, the stream must give exactly
    /// that much.
    pub fn stream(
        stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        Self(Source::Stream {
            stream: Arc::new(Mutex::new(Some(stream.boxed()))),
            length,
        })
    }

    /// Whatever `reader` gives; as [`Body::stream`].
    pub fn reader(reader: impl tokio::io::AsyncRead + Send + 'static, length: Option<u64>) -> Self {
        Self::stream(ReaderStream::with_capacity(reader, CHUNK_BYTES), length)
    }

    /// Whatever `reader` gives, which may block, as standard input does: a thread of its own reads it. As
    /// [`Body::stream`].
    pub fn blocking_reader(reader: impl io::Read + Send + 'static, length: Option<u64>) -> Self {
        Self::stream(file::read_all(reader), length)
    }

    /// How many bytes there are, if that is known.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            Source::Empty => Some(0),
            Source::Bytes(bytes) => Some(bytes.len() as u64),
            Source::Pieces(_, length) | Source::File { length, .. } => Some(*length),
            Source::Stream { length, .. } => *length,
        }
    }

    /// Pieces at hand, to be sent one after the other.
    pub(crate) fn pieces(pieces: Vec<Bytes>) -> Self {
        let length = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self(Source::Pieces(pieces.into(), length))
    }

    /// The MD5 of data at hand. The others are only known when they have been sent.
    pub(crate) async fn known_md5(&self) -> Option<String> {
        match &self.0 {
            Source::Empty => Some(hex_md5(Md5::new())),
            Source::Bytes(bytes) => Some(md5_of(std::slice::from_ref(bytes)).await),
            Source::Pieces(pieces, _) => Some(md5_of(pieces).await),
            Source::File { .. } | Source::Stream { .. } => None,
        }
    }

    /// What it is made of, for those who cut it into segments.
    pub(crate) fn into_parts(self) -> Parts {
        match self.0 {
            Source::Empty => Parts::Bytes(Bytes::new()),
            Source::Bytes(bytes) => Parts::Bytes(bytes),
            Source::Pieces(pieces, length) => {
                let pieces = pieces.to_vec();
                Parts::Stream(stream::iter(pieces).map(Ok).boxed(), Some(length))
            }
            Source::File {
                path,
                offset,
                length,
            } => Parts::File {
                path,
                offset,
                length,
            },
            Source::Stream { stream, length } => Parts::Stream(first_poll(stream), length),
        }
    }

    /// Whether the data can be sent from its beginning, now.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.0 {
            Source::Stream { stream, .. } => stream
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some(),
            _ => true,
        }
    }

    /// Whether the data can be sent once only.
    pub(crate) fn is_one_shot(&self) -> bool {
        matches!(self.0, Source::Stream { .. })
    }

    /// The data for one attempt, watched by `watch`; none if there is no data at all.
    pub(crate) fn open(&self, watch: &Arc<Watch>) -> Option<reqwest::Body> {
        let stream = match &self.0 {
            Source::Empty => return None,
            // One piece shows no progress, and costs no stream.
            Source::Bytes(bytes) if bytes.len() <= SMALL_BYTES => {
                watch.saw(Ok(bytes));
                return Some(bytes.clone().into());
            }
            Source::Bytes(bytes) => stream::iter(chunks(bytes.clone())).boxed(),
            Source::Pieces(pieces, _) => {
                let pieces = pieces.clone();
                let all = (0..pieces.len()).map(move |number| Ok(pieces[number].clone()));
                stream::iter(all).boxed()
            }
            Source::File {
                path,
                offset,
                length,
            } => file::read(path.clone(), *offset, *length),
            Source::Stream { stream, .. } => first_poll(stream.clone()),
        };
        let watch = watch.clone();
        Some(reqwest::Body::wrap_stream(
            stream.inspect(move |chunk| watch.saw(chunk.as_ref())),
        ))
    }
}

/// `bytes` in pieces, so that progress shows while they are sent.
fn chunks(mut bytes: Bytes) -> impl Iterator<Item = io::Result<Bytes>> {
    std::iter::from_fn(move || {
        let piece = bytes.split_to(bytes.len().min(CHUNK_BYTES));
        (!piece.is_empty()).then_some(Ok(piece))
    })
}

fn first_poll(shared: SharedStream) -> BoxStream<'static, io::Result<Bytes>> {
    let take = async move {
        let stream = shared.lock().unwrap_or_else(PoisonError::into_inner).take();
        stream.ok_or_else(|| io::Error::other("the stream has been read already"))
    };
    stream::once(take).try_flatten().boxed()
}

/// Sees what goes out on one attempt: how much (is there life?), its MD5, and why reading failed.
#[derive(Default)]
pub(crate) struct Watch {
    sent_bytes: AtomicU64,
    md5: Option<Mutex<Md5>>,
    failure: Mutex<Option<io::Error>>,
    progress: Progress,
}

impl Watch {
    /// With `md5`, one that also takes the MD5 of what it sees.
    pub(crate) fn new(md5: bool, progress: &Progress) -> Arc<Self> {
        Arc::new(Self {
            md5: md5.then(Mutex::default),
            progress: progress.clone(),
            ..Self::default()
        })
    }

    fn saw(&self, chunk: Result<&Bytes, &io::Error>) {
        match chunk {
            Ok(chunk) => {
                self.sent_bytes
                    .fetch_add(chunk.len() as u64, Ordering::Relaxed);
                self.progress.tell(Event::Bytes(chunk.len() as u64));
                if let Some(md5) = &self.md5 {
                    md5.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .update(chunk);
                }
            }
            Err(error) => {
                let copy = io::Error::new(error.kind(), error.to_string());
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(copy);
            }
        }
    }

    /// How many bytes have been read to be sent.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }

    /// Takes back what was told of progress: the attempt has failed.
    pub(crate) fn undo(&self) {
        self.progress.tell(Event::Undone(self.sent_bytes()));
    }

    /// The MD5 of all that was sent, as 32 hexadecimal digits.
    pub(crate) fn md5(&self) -> Option<String> {
        let md5 = self
            .md5
            .as_ref()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Some(hex_md5(md5))
    }

    /// Why the data could not be read, if that is what went wrong.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// The MD5 of pieces that make one whole; of more than a little on a thread that may take its time.
pub(crate) async fn md5_of(pieces: &[Bytes]) -> String {
    if pieces.iter().map(Bytes::len).sum::<usize>() <= SMALL_BYTES {
        let mut md5 = Md5::new();
        for piece in pieces {
            md5.update(piece);
        }
        return hex_md5(md5);
    }
    let pieces = pieces.to_vec();
    let hash = move || {
        // All of it at once, so that whoever comes meanwhile is served beside it.
        let mut hasher = Hasher::default();
        for piece in pieces {
            hasher.push(piece);
        }
        hex_of(&hasher.finish())
    };
    tokio::task::spawn_blocking(hash)
        .await
        .expect("hashing does not panic")
}

/// A finished MD5 as Swift writes it.
pub(crate) fn hex_md5(md5: Md5) -> String {
    hex_of(&md5.finalize())
}

pub(crate) fn hex_of(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Empty => f.write_str("Empty"),
            Source::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Source::Pieces(_, length) => write!(f, "Pieces({length})"),
            Source::File {
                path,
                offset,
                length,
            } => {
                write!(f, "File({}, {length} from {offset})", path.display())
            }
            Source::Stream { length, .. } => write!(f, "Stream({length:?})"),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Source::Bytes(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_whole_until_it_is_read() {
        let body = Body::stream(stream::iter([Ok(Bytes::from_static(b"x"))]), None);
        let unused = body.open(&Watch::new(false, &Progress::default()));
        drop(unused);
        assert!(body.is_whole());
    }
}
