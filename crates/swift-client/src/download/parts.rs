//! One object in several parts at a time, written where they belong in one file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use md5::{Digest, Md5};
use tokio::sync::mpsc;

use super::resume::Partial;
use super::writer::{Gone, Inbox, Writer};
use super::{Check, Download, DownloadOptions, Downloaded, Expectation, write_error};
use crate::body::hex_md5;
use crate::error::Operation;
use crate::file::read_piece;
use crate::progress::Event;
use crate::transfers::STREAM_BYTES;
use crate::{ByteRange, Error, GetOptions, ObjectInfo, Transfers};

/// Parts of one object at the same time, at most. More fill the line no better and cost memory: what has arrived waits
/// in the HTTP library's buffers, too, until a disk and a hash have taken it.
const MOST_PARTS: usize = 8;

/// A download in parts.
pub(super) struct Parts<'a> {
    transfers: &'a Transfers,
    container: &'a str,
    object: &'a str,
    options: &'a DownloadOptions,
    info: ObjectInfo,
    length: u64,
    operation: Operation,
    expectation: Arc<Expectation>,
    /// First and last place of each part.
    places: Vec<(u64, u64)>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(
        transfers: &'a Transfers,
        container: &'a str,
        object: &'a str,
        options: &'a DownloadOptions,
        whole: &Download,
        size: u64,
    ) -> Self {
        let length = whole.length.unwrap_or_default();
        Self {
            transfers,
            container,
            object,
            options,
            info: whole.info.clone(),
            length,
            operation: whole.operation.clone(),
            expectation: whole.expectation.clone(),
            places: whole.expectation.parts(length, size),
        }
    }

    pub(super) async fn download(self, path: &Path) -> Result<Downloaded, Error> {
        let what = format!(
            "{} {} {} {} {}",
            self.operation.account,
            self.container,
            self.object,
            self.info.etag.as_deref().unwrap_or_default(),
            self.length,
        );
        let fail = |source| Error::File {
            path: path.to_owned(),
            source,
        };
        // Without any hash nobody could tell whether what is there is right.
        let resume = self.options.resume
            && (self.expectation.checks_parts() || self.info.content_md5().is_some());
        let (target, length, parts) = (path.to_owned(), self.length, self.places.len());
        let open = move || Partial::open(&target, resume.then_some(&*what), length, parts);
        let partial = blocking(open).await.map_err(fail)?;
        let partial = Arc::new(partial);
        let done = self.done_before(&partial).await.map_err(fail)?;
        let resumed_bytes = done
            .iter()
            .map(|number| length_of(self.places[*number]))
            .sum();
        let fetched = self.fetch(&partial, &done).await;
        let partial = Arc::into_inner(partial);
        match fetched {
            Ok(()) => {}
            Err(Failed::File(source)) => return Err(fail(source)),
            Err(Failed::Writer) => {
                return Err(fail(io::Error::other(
                    "the thread that writes it has ended",
                )));
            }
            Err(Failed::Error(error)) => {
                let is_wrong = matches!(error, Error::Checksum { .. });
                if let Some(partial) = partial.filter(|_| is_wrong) {
                    blocking(move || partial.discard()).await.map_err(fail)?;
                }
                return Err(error);
            }
        }
        let partial = partial.expect("all that wrote to it have ended");
        let (target, options) = (path.to_owned(), self.options.file);
        blocking(move || partial.persist(&target, options))
            .await
            .map_err(fail)?;
        Ok(Downloaded {
            info: self.info,
            bytes: self.length,
            resumed_bytes,
        })
    }

    /// Numbers of the parts that an earlier download has brought. Where parts have hashes of their own, they are
    /// compared here; else the hash of the whole tells in the end.
    async fn done_before(&self, partial: &Arc<Partial>) -> io::Result<BTreeSet<usize>> {
        let marks = {
            let partial = partial.clone();
            blocking(move || partial.marks()).await?
        };
        let marked = (0..self.places.len()).filter(|number| marks.get(*number) == Some(&true));
        let checks = marked.map(|number| {
            let (first, last) = self.places[number];
            let (partial, mut check) = (partial.clone(), self.part_check(first, last));
            blocking(move || {
                let length = length_of((first, last));
                let whole = read_part(partial.path(), first, length, |bytes| {
                    check.update(bytes).is_ok()
                })?;
                Ok((whole && check.finish().is_ok()).then_some(number))
            })
        });
        let done: Vec<Option<usize>> = stream::iter(checks).buffered(2).try_collect().await?;
        let done: BTreeSet<usize> = done.into_iter().flatten().collect();
        for number in &done {
            self.options.progress.tell(Event::Segment {
                bytes: length_of(self.places[*number]),
                reused: true,
            });
        }
        Ok(done)
    }

    /// Fetches what is missing. The MD5 of an object that has only one is taken in order, behind the parts.
    async fn fetch(&self, partial: &Arc<Partial>, done: &BTreeSet<usize>) -> Result<(), Failed> {
        let (sender, arrived) = mpsc::unbounded_channel();
        let whole = !self.expectation.is_large;
        let at_once = self.transfers.settings().concurrency.clamp(1, MOST_PARTS);
        let (writer, inbox) = Writer::start(at_once);
        let all = async {
            // It ends the hashing when it is dropped.
            let sender = sender;
            let missing = (0..self.places.len()).filter(|number| !done.contains(number));
            stream::iter(missing)
                .map(|number| self.fetch_part(partial, number, &inbox))
                .buffer_unordered(at_once)
                .try_for_each(|number| {
                    // It fails only if the hashing has failed, which is told elsewhere.
                    let _ = sender.send(number);
                    std::future::ready(Ok(()))
                })
                .await
        };
        let hashing = async {
            if whole {
                self.hash(partial, done, arrived).await
            } else {
                Ok(())
            }
        };
        let fetched = tokio::try_join!(all, hashing).map(|_| ());
        drop(inbox);
        // In any case, so that nothing is written any more when an error is reported.
        let written = writer.finish().await;
        // If this has failed it is why parts have.
        written
            .map_err(|error| Failed::Error(write_error(error, partial.path(), &self.operation)))?;
        fetched
    }

    async fn fetch_part(
        &self,
        partial: &Arc<Partial>,
        number: usize,
        writer: &Inbox,
    ) -> Result<usize, Failed> {
        let (first, last) = self.places[number];
        let options = DownloadOptions {
            get: GetOptions {
                range: Some(ByteRange::Between(first, last)),
                if_match: self.info.etag.clone(),
                ..self.options.get.clone()
            },
            ..self.options.clone()
        };
        let _memory = self.transfers.memory(STREAM_BYTES).await;
        let _turn = self.transfers.turn().await;
        let (client, progress) = (self.transfers.client(), &options.progress);
        let (get, expectation) = (&options.get, &self.expectation);
        let download = Download::start_part(
            client,
            self.container,
            self.object,
            get,
            progress,
            expectation,
        );
        let download = download.await?;
        let length = length_of((first, last));
        if download
            .range()
            .is_none_or(|range| (range.first, range.last) != (first, last))
        {
            return Err(Failed::Error(Error::Malformed {
                operation: Box::new(download.operation),
                reason: "it is not the range that was asked for".to_owned(),
            }));
        }
        let check = self.part_check(first, last).beside_others();
        writer.begin(number, partial.writer(first)?, check).await?;
        let mut written = 0;
        let mut content = download.content;
        while let Some(bytes) = content.try_next().await? {
            written += bytes.len() as u64;
            writer.write(number, bytes).await?;
        }
        if written != length {
            return Err(Failed::Error(Error::Malformed {
                operation: Box::new(download.operation),
                reason: format!("{written} bytes came instead of {length}"),
            }));
        }
        writer.end(number).await?;
        if self.options.resume {
            let partial = partial.clone();
            blocking(move || partial.mark(number)).await?;
        }
        progress.tell(Event::Segment {
            bytes: length,
            reused: false,
        });
        Ok(number)
    }

    /// The check of one part; none for a part of a plain object, which is checked as a whole.
    fn part_check(&self, first: u64, last: u64) -> Check {
        if self.expectation.is_large {
            self.expectation.check(first, last)
        } else {
            Check::default()
        }
    }

    async fn hash(
        &self,
        partial: &Arc<Partial>,
        done: &BTreeSet<usize>,
        mut arrived: mpsc::UnboundedReceiver<usize>,
    ) -> Result<(), Failed> {
        let Some(expected) = self.info.content_md5() else {
            return Ok(());
        };
        let mut waiting = done.clone();
        let mut next = 0;
        let mut md5 = Md5::new();
        while next < self.places.len() {
            if !waiting.remove(&next) {
                match arrived.recv().await {
                    Some(number) => waiting.insert(number),
                    // A part has failed, and says so itself.
                    None => return Ok(()),
                };
                continue;
            }
            let ((first, last), partial) = (self.places[next], partial.clone());
            md5 = blocking(move || {
                read_part(partial.path(), first, length_of((first, last)), |bytes| {
                    md5.update(bytes);
                    true
                })?;
                Ok(md5)
            })
            .await?;
            next += 1;
        }
        let found = hex_md5(md5);
        if found.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(Failed::Error(Error::Checksum {
            operation: Box::new(self.operation.clone()),
            expected: expected.to_owned(),
            found,
        }))
    }
}

/// Why parts could not be fetched.
enum Failed {
    Error(Error),
    File(io::Error),
    /// The writer has failed, and says why.
    Writer,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Gone> for Failed {
    fn from(_: Gone) -> Self {
        Self::Writer
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

fn length_of((first, last): (u64, u64)) -> u64 {
    last - first + 1
}

/// Gives `take` the bytes of a part until it wants no more; tells whether it took all, and all were there.
fn read_part(
    path: &Path,
    first: u64,
    length: u64,
    mut take: impl FnMut(&Bytes) -> bool,
) -> io::Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(first))?;
    let mut left = length;
    while left > 0 {
        let piece = match read_piece(&mut file, left) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            piece => piece?,
        };
        if !take(&piece) {
            return Ok(false);
        }
        left -= piece.len() as u64;
    }
    Ok(true)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}
