//! The bytes of an archive, decompressed as they come in: no more is held than what is being looked at.

use std::io::{self, BufRead, ErrorKind, Read};

use bytes::{Buf, Bytes};
use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;

use super::archive::TarError;
use crate::message::Body;

/// The most that is decompressed at a time, in bytes; a small body may hold very much.
const BLOCK: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Bzip2,
}

impl Compression {
    /// By the name of the archive's format.
    pub(super) fn of(format: &str) -> Option<Self> {
        match format {
            "tar" => Some(Self::None),
            "tar.gz" => Some(Self::Gzip),
            "tar.bz2" => Some(Self::Bzip2),
            _ => None,
        }
    }
}

/// A body and what it becomes.
pub(crate) struct Source {
    body: Body,
    decoder: Decoder,
    /// Decompressed, and not yet taken.
    ready: Bytes,
}

enum Decoder {
    None,
    Gzip(Box<MultiGzDecoder<Input>>),
    Bzip2(Box<MultiBzDecoder<Input>>),
}

impl Source {
    pub(crate) fn new(body: Body, compression: Compression) -> Self {
        let decoder = match compression {
            Compression::None => Decoder::None,
            Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(Input::default()))),
            Compression::Bzip2 => Decoder::Bzip2(Box::new(MultiBzDecoder::new(Input::default()))),
        };
        Self {
            body,
            decoder,
            ready: Bytes::new(),
        }
    }

    /// The next bytes, at most `most`; none at the end.
    pub(super) async fn take(&mut self, most: usize) -> Result<Bytes, TarError> {
        if self.ready.is_empty() {
            self.ready = self.more().await?;
        }
        Ok(self.ready.split_to(most.min(self.ready.len())))
    }

    async fn more(&mut self) -> Result<Bytes, TarError> {
        if matches!(self.decoder, Decoder::None) {
            return Ok(chunk(&mut self.body).await);
        }
        let mut block = vec![0; BLOCK];
        loop {
            match self.decoder.read(&mut block) {
                Ok(length) => {
                    block.truncate(length);
                    return Ok(block.into());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let bytes = chunk(&mut self.body).await;
                    self.decoder.feed(bytes);
                }
                Err(error) => return self.decoder.explain(&error),
            }
        }
    }

    /// What is left of the body.
    pub(super) fn into_body(self) -> Body {
        self.body
    }
}

/// The next bytes of a body. One that breaks off ends here, and what was in it will be found to be cut short.
async fn chunk(body: &mut Body) -> Bytes {
    match body.next().await {
        Some(Ok(bytes)) => bytes,
        Some(Err(_)) | None => Bytes::new(),
    }
}

impl Decoder {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None => Ok(0),
            Self::Gzip(decoder) => decoder.read(block),
            Self::Bzip2(decoder) => decoder.read(block),
        }
    }

    /// Gives it more to decompress; nothing means that there is no more.
    fn feed(&mut self, bytes: Bytes) {
        let input = match self {
            Self::None => return,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Bzip2(decoder) => decoder.get_mut(),
        };
        input.ended = bytes.is_empty();
        input.seen += bytes.len();
        input.bytes = bytes;
    }

    /// What an error means to the reader of the archive: the end, if data is only missing.
    fn explain(&self, error: &io::Error) -> Result<Bytes, TarError> {
        let is_cut = error.kind() == ErrorKind::UnexpectedEof;
        match self {
            Self::Gzip(decoder)
                if decoder.header().is_none() && (!is_cut || decoder.get_ref().seen < 2) =>
            {
                Err(TarError("not a gzip file"))
            }
            _ if is_cut => Ok(Bytes::new()),
            _ => Err(TarError("invalid compressed data")),
        }
    }
}

/// What has come in and waits to be decompressed. Where there is nothing yet, a read would block.
#[derive(Default)]
struct Input {
    bytes: Bytes,
    ended: bool,
    /// Bytes that came in so far.
    seen: usize,
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.bytes.is_empty() && !self.ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(&self.bytes)
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.advance(amount.min(self.bytes.len()));
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let found = self.fill_buf()?;
        let length = found.len().min(into.len());
        into[..length].copy_from_slice(&found[..length]);
        self.consume(length);
        Ok(length)
    }
}
