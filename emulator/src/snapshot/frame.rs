//! The frames a snapshot is made of: see [`super`].

use std::io::{self, Read};

use bytes::{BufMut, Bytes, BytesMut};

use super::record::Record;
use super::{MAGIC, MAX_BLOCK, SnapshotError, VERSION};

const RECORD: u8 = b'R';
const BLOCK: u8 = b'B';
const END: u8 = b'E';

/// The longest record in bytes; far more than headers that any server takes.
const MAX_RECORD: usize = 16 << 20;

/// How many bytes of small frames are gathered before they are handed on.
const GATHER: usize = 64 << 10;

/// Writes frames to `sink`, which is given the file's bytes in order.
pub(super) struct Writer<S> {
    sink: S,
    crc: crc32fast::Hasher,
    gathered: BytesMut,
}

impl<S: FnMut(Bytes) -> io::Result<()>> Writer<S> {
    /// Begins a file.
    pub(super) fn new(sink: S) -> Self {
        let mut gathered = BytesMut::with_capacity(GATHER);
        gathered.put_slice(&MAGIC);
        gathered.put_u32_le(VERSION);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&gathered);
        Self {
            sink,
            crc,
            gathered,
        }
    }

    pub(super) fn record(&mut self, record: &Record) -> io::Result<()> {
        let content = postcard::to_stdvec(record).map_err(io::Error::other)?;
        if content.len() > MAX_RECORD {
            return Err(io::Error::other("metadata too long for a snapshot"));
        }
        self.head(RECORD, content.len());
        self.crc.update(&content);
        self.gathered.put_slice(&content);
        self.tail()
    }

    /// The bytes of a body, in as many blocks as it takes. They are handed on as they are, without a copy.
    pub(super) fn body(&mut self, mut bytes: Bytes) -> io::Result<()> {
        while !bytes.is_empty() {
            let block = bytes.split_to(bytes.len().min(MAX_BLOCK));
            self.head(BLOCK, block.len());
            self.crc.update(&block);
            if block.len() < GATHER / 4 {
                self.gathered.put_slice(&block);
            } else {
                self.flush()?;
                (self.sink)(block)?;
            }
            self.tail()?;
        }
        Ok(())
    }

    /// Says that this is all.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.head(END, 0);
        self.tail()?;
        self.flush()
    }

    fn head(&mut self, kind: u8, length: usize) {
        let from = self.gathered.len();
        self.gathered.put_u8(kind);
        // No content is longer than MAX_RECORD.
        self.gathered
            .put_u32_le(u32::try_from(length).unwrap_or(u32::MAX));
        self.crc.update(&self.gathered[from..]);
    }

    fn tail(&mut self) -> io::Result<()> {
        // Not itself a part of the next one: bytes with their own CRC behind them all have the same CRC, and the
        // next sum would then say nothing of them.
        let sum = self.crc.clone().finalize();
        self.gathered.put_u32_le(sum);
        if self.gathered.len() >= GATHER {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let bytes = self.gathered.split().freeze();
        (self.sink)(bytes)
    }
}

/// What a frame holds.
#[derive(Debug)]
pub(super) enum Frame {
    Record(Record),
    Block(Bytes),
    End,
}

/// Reads frames, and checks each before it is given out.
pub(super) struct Reader<R> {
    input: R,
    crc: crc32fast::Hasher,
    at: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the beginning of a file.
    pub(super) fn new(input: R) -> Result<Self, SnapshotError> {
        let mut reader = Self {
            input,
            crc: crc32fast::Hasher::new(),
            at: 0,
        };
        let magic: [u8; 8] = reader.array().map_err(|error| match error {
            SnapshotError::Cut { .. } => SnapshotError::NotASnapshot,
            other => other,
        })?;
        if magic != MAGIC {
            return Err(SnapshotError::NotASnapshot);
        }
        let found = u32::from_le_bytes(reader.array()?);
        if found != VERSION {
            return Err(SnapshotError::UnknownVersion { found });
        }
        Ok(reader)
    }

    /// How many bytes have been read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn damaged(&self, cause: impl Into<String>) -> SnapshotError {
        SnapshotError::Damaged {
            at: self.at,
            cause: cause.into(),
        }
    }

    /// The next frame, which is as it was written.
    pub(super) fn next(&mut self) -> Result<Frame, SnapshotError> {
        let [kind] = self.array()?;
        let length = u32::from_le_bytes(self.array()?);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let most = match kind {
            RECORD => MAX_RECORD,
            BLOCK => MAX_BLOCK,
            END => 0,
            other => return Err(self.damaged(format!("no frame is of kind {other:#04x}"))),
        };
        if length > most {
            return Err(self.damaged(format!("a frame of {length} bytes, where {most} are most")));
        }
        let content = self.bytes(length)?;
        let before = self.crc.clone();
        let sum = u32::from_le_bytes(self.array()?);
        // The sum is none of the bytes that the next one is of.
        self.crc = before;
        if sum != self.crc.clone().finalize() {
            return Err(self.damaged("the checksum is another"));
        }
        match kind {
            RECORD => match postcard::take_from_bytes(&content) {
                Ok((record, [])) => Ok(Frame::Record(record)),
                Ok(_) => Err(self.damaged("a record is longer than what it says")),
                Err(error) => Err(self.damaged(format!("a record says nothing known: {error}"))),
            },
            BLOCK if content.is_empty() => Err(self.damaged("a block is empty")),
            BLOCK => Ok(Frame::Block(content.into())),
            _ => {
                self.expect_nothing_more()?;
                Ok(Frame::End)
            }
        }
    }

    fn expect_nothing_more(&mut self) -> Result<(), SnapshotError> {
        let mut one = [0];
        loop {
            match self.input.read(&mut one) {
                Ok(0) => return Ok(()),
                Ok(_) => return Err(self.damaged("there are bytes behind its end")),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut array = [0; N];
        self.fill(&mut array)?;
        Ok(array)
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, SnapshotError> {
        // A block is filled to its last byte, so that nothing is reserved beyond what is kept.
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), SnapshotError> {
        while !buffer.is_empty() {
            match self.input.read(buffer) {
                Ok(0) => return Err(SnapshotError::Cut { at: self.at }),
                Ok(read) => {
                    self.at += read as u64;
                    let (filled, rest) = buffer.split_at_mut(read);
                    self.crc.update(filled);
                    buffer = rest;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Frames out of bytes that say of each its kind, the length of its content in one byte, and the content.
#[cfg(feature = "fuzzing")]
pub(crate) fn framed(mut data: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend(VERSION.to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&file);
    while let [kind, length, rest @ ..] = data {
        let (content, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let frame = [&[*kind], &length.to_le_bytes()[..], content].concat();
        crc.update(&frame);
        file.extend(frame);
        file.extend(crc.clone().finalize().to_le_bytes());
        data = rest;
    }
    file
}
