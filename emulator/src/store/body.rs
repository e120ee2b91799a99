//! The bytes of objects: how they come in, and how they are kept, in memory or in a file without a name.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use md5::{Digest, Md5};

use super::memory::{Counted, Full, Memory};
use super::object::Etag;
use crate::file_body::FileBody;
use crate::message::Body;

/// Blocks that large bodies are stored in, in bytes; the last one is as long as what it holds.
const BLOCK: usize = 1024 * 1024;

/// Blocks that a body comes in on its way into a file. Several of them wait for the disk, for each upload, and they are
/// not counted.
const SPILL_BLOCK: usize = 128 * 1024;

/// The first block of a body of which nobody said how long it is; the following ones double until [`BLOCK`].
const FIRST_BLOCK: usize = 16 * 1024;

/// The bytes of an object, held once and shared with every response that serves them.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    One(Bytes),
    /// Behind one pointer, so that objects with short bodies are no larger for it.
    Long(Arc<Long>),
}

/// Where a body lies that is more than one block, and its length in bytes.
#[derive(Debug)]
pub(crate) enum Long {
    Blocks(Vec<Bytes>, u64),
    /// In a file that has no name, so that it goes away with the last who holds it, or with the process.
    File(Arc<File>, u64),
}

impl Stored {
    pub(crate) fn from_chunks(mut chunks: Vec<Bytes>) -> Self {
        match chunks.len() {
            0 => Self::One(Bytes::new()),
            1 => Self::One(chunks.remove(0)),
            _ => {
                chunks.shrink_to_fit();
                let length = chunks.iter().map(|chunk| chunk.len() as u64).sum();
                Self::Long(Arc::new(Long::Blocks(chunks, length)))
            }
        }
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::One(bytes) => bytes.len() as u64,
            Self::Long(long) => match &**long {
                Long::Blocks(_, length) | Long::File(_, length) => *length,
            },
        }
    }

    /// The bytes in order, in the blocks they lie in; those in a file are read by the block, so this may have to wait for a
    /// disk.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = io::Result<Bytes>> {
        let (blocks, file) = match self {
            Self::One(bytes) => (std::slice::from_ref(bytes), None),
            Self::Long(long) => match &**long {
                Long::Blocks(blocks, _) => (&blocks[..], None),
                Long::File(file, length) => (&[][..], Some((file, *length))),
            },
        };
        let read = file.into_iter().flat_map(|(file, length)| {
            (0..length).step_by(BLOCK).map(move |from| {
                let size = (length - from).min(BLOCK as u64);
                let mut block = vec![0; usize::try_from(size).unwrap_or(BLOCK)];
                read_at(file, &mut block, from)?;
                Ok(Bytes::from(block))
            })
        });
        blocks.iter().cloned().map(Ok).chain(read)
    }

    /// The bytes as a body, without a copy where they are in memory.
    pub(crate) fn body(&self) -> Body {
        match self {
            Self::One(bytes) if bytes.is_empty() => Body::Empty,
            Self::One(bytes) => Body::Bytes(bytes.clone()),
            Self::Long(long) => match &**long {
                Long::Blocks(blocks, _) => Body::Chunks(blocks.iter().cloned().collect()),
                Long::File(file, length) => {
                    Body::stream(FileBody::new(Arc::clone(file), 0..*length))
                }
            },
        }
    }

    /// A part of the bytes as a body, without a copy where they are in memory. Ends beyond the length are cut to it.
    pub(crate) fn slice(&self, range: Range<u64>) -> Body {
        let chunks = match self {
            Self::One(bytes) => std::slice::from_ref(bytes),
            Self::Long(long) => match &**long {
                Long::Blocks(blocks, _) => blocks,
                Long::File(file, length) => {
                    let range = range.start.min(*length)..range.end.min(*length);
                    return Body::stream(FileBody::new(Arc::clone(file), range));
                }
            },
        };
        let mut parts = VecDeque::new();
        let mut from = 0;
        for chunk in chunks {
            let to = from + chunk.len() as u64;
            let (start, end) = (range.start.max(from), range.end.min(to));
            if start < end {
                // Both lie within the chunk, whose length is a usize.
                let within = |at: u64| usize::try_from(at - from).unwrap_or(usize::MAX);
                parts.push_back(chunk.slice(within(start)..within(end)));
            }
            from = to;
        }
        Body::Chunks(parts)
    }
}

/// Fills `buffer` with what a file holds from `offset` on, whoever else reads from it.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset);
    #[cfg(windows)]
    {
        let (mut buffer, mut offset) = (buffer, offset);
        while !buffer.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    buffer = &mut buffer[read..];
                    offset += read as u64;
                }
            }
        }
        Ok(())
    }
}

/// Where bodies go that are too long for memory.
#[derive(Clone, Debug)]
pub(crate) struct Spill {
    /// Bodies of more bytes than this are kept in a file.
    pub(crate) above: u64,
    /// The folder of the files.
    pub(crate) folder: PathBuf,
}

/// How the bodies of one emulator are kept.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    memory: Arc<Memory>,
    spill: Option<Spill>,
}

impl Bodies {
    /// Bodies in memory, counted by `memory`, and in files where `spill` says so.
    pub(crate) fn new(memory: Arc<Memory>, spill: Option<Spill>) -> Self {
        Self { memory, spill }
    }

    /// A whole body that is at hand, block by block.
    ///
    /// # Errors
    /// As the blocks say, and `StorageFull` where there is no room.
    pub(crate) fn keep(
        &self,
        length: Option<u64>,
        blocks: impl Iterator<Item = io::Result<Bytes>>,
    ) -> io::Result<(Stored, Etag)> {
        let full = |Full| io::Error::new(io::ErrorKind::StorageFull, "the memory is used up");
        let (mut filler, mut keeper) = self.begin(length).map_err(full)?;
        for block in blocks {
            let block = block?;
            let mut bytes = &block[..];
            while !bytes.is_empty() {
                if let Some(block) = filler.fill(&mut bytes).map_err(full)? {
                    keeper.take(block)?;
                }
            }
        }
        if let Some(block) = filler.rest() {
            keeper.take(block)?;
        }
        Ok(keeper.finish())
    }

    /// Makes ready for a body of so many bytes, where that is known. Refuses one of which it is clear that there is no room
    /// for it.
    pub(crate) fn begin(&self, length: Option<u64>) -> Result<(Filler, Keeper), Full> {
        let spills = |length| self.spill.as_ref().is_some_and(|to| length > to.above);
        if let Some(length) = length
            && !spills(length)
            && !self.memory.has_room_for(length)
        {
            return Err(Full);
        }
        Ok((
            Filler {
                memory: Arc::clone(&self.memory),
                spills_above: self.spill.as_ref().map_or(u64::MAX, |to| to.above),
                block: None,
                next_block: FIRST_BLOCK,
                declared: length,
                filled: 0,
            },
            Keeper {
                digest: Md5::new(),
                blocks: Vec::new(),
                file: None,
                length: 0,
                declared: length.unwrap_or(0),
                spill: self.spill.clone(),
            },
        ))
    }
}

/// Gathers a body into blocks as it comes.
pub(crate) struct Filler {
    memory: Arc<Memory>,
    spills_above: u64,
    block: Option<Counted>,
    next_block: usize,
    declared: Option<u64>,
    filled: u64,
}

impl Filler {
    /// Takes from the front of `bytes` what there is room for in the block, and gives the block when it is full.
    pub(crate) fn fill(&mut self, bytes: &mut &[u8]) -> Result<Option<Bytes>, Full> {
        let mut block = match self.block.take() {
            Some(block) => block,
            None => self.block(bytes.len())?,
        };
        let (now, later) = bytes.split_at(bytes.len().min(block.room()));
        block.extend(now);
        *bytes = later;
        self.filled += now.len() as u64;
        if block.room() == 0 {
            return Ok(Some(block.freeze()));
        }
        self.block = Some(block);
        Ok(None)
    }

    /// What has not filled a block.
    pub(crate) fn rest(self) -> Option<Bytes> {
        self.block
            .filter(|block| block.len() > 0)
            .map(Counted::freeze)
    }

    /// As much as is still to come, so that the last block is filled to its end.
    fn block(&mut self, at_hand: usize) -> Result<Counted, Full> {
        let ahead = if let Some(declared) = self.declared {
            usize::try_from(declared.saturating_sub(self.filled)).unwrap_or(BLOCK)
        } else {
            let ahead = self.next_block;
            self.next_block = (ahead * 2).min(BLOCK);
            ahead
        };
        let capacity = |most| ahead.clamp(at_hand.min(most), most);
        if self.declared.unwrap_or(0).max(self.filled) > self.spills_above {
            // On its way into a file, and gone from memory once it is there.
            return Ok(Counted::uncounted(&self.memory, capacity(SPILL_BLOCK)));
        }
        Counted::with_capacity(&self.memory, capacity(BLOCK))
    }
}

/// Hashes the blocks of a body and keeps them: as they are, or in a file.
pub(crate) struct Keeper {
    digest: Md5,
    blocks: Vec<Bytes>,
    file: Option<File>,
    length: u64,
    declared: u64,
    spill: Option<Spill>,
}

impl Keeper {
    /// Whether the body goes into a file, or will with the next bytes; then [`Self::take`] may have to wait for a disk.
    pub(crate) fn writes(&self, next: u64) -> bool {
        let length = (self.length + next).max(self.declared);
        self.spill.as_ref().is_some_and(|to| length > to.above)
    }

    /// Takes the next block.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub(crate) fn take(&mut self, block: Bytes) -> io::Result<()> {
        self.digest.update(&block);
        let writes = self.writes(block.len() as u64);
        self.length += block.len() as u64;
        self.blocks.push(block);
        if writes && let Some(spill) = &self.spill {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(tempfile::tempfile_in(&spill.folder)?),
            };
            for block in self.blocks.drain(..) {
                file.write_all(&block)?;
            }
        }
        Ok(())
    }

    /// The whole body, and its MD5.
    pub(crate) fn finish(self) -> (Stored, Etag) {
        let stored = match self.file {
            Some(file) => Stored::Long(Arc::new(Long::File(Arc::new(file), self.length))),
            None => Stored::from_chunks(self.blocks),
        };
        (stored, Etag(self.digest.finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(limit: Option<u64>, above: Option<u64>) -> Bodies {
        Bodies::new(
            Arc::new(Memory::new(limit)),
            above.map(|above| Spill {
                above,
                folder: std::env::temp_dir(),
            }),
        )
    }

    fn pattern(length: usize) -> Vec<u8> {
        (0..=250).cycle().take(length).collect()
    }

    /// A whole body, as it comes in pieces.
    fn keep(bodies: &Bodies, declared: Option<u64>, body: &[u8]) -> io::Result<(Stored, Etag)> {
        let pieces = body
            .chunks(60_001)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)));
        bodies.keep(declared, pieces)
    }

    fn read_back(stored: &Stored) -> Vec<u8> {
        let blocks: io::Result<Vec<Bytes>> = stored.blocks().collect();
        blocks.expect("a body can be read").concat()
    }

    #[test]
    fn a_body_is_kept_as_it_came_in_memory_and_in_files() {
        for above in [None, Some(0), Some(1000), Some(3_000_000)] {
            for length in [0, 1, 1000, 1001, BLOCK, BLOCK + 1, 3 * BLOCK + 17] {
                let bodies = bodies(None, above);
                let body = pattern(length);
                let (stored, etag) =
                    keep(&bodies, Some(length as u64), &body).expect("there is room");
                assert_eq!(stored.len(), length as u64);
                assert!(read_back(&stored) == body, "{above:?} {length}");
                assert_eq!(etag, Etag(Md5::digest(&body).into()));
                let in_memory = above.is_none_or(|above| length as u64 <= above);
                let is_file =
                    matches!(&stored, Stored::Long(long) if matches!(**long, Long::File(..)));
                assert_eq!(is_file, !in_memory);
                let counted = if in_memory { length as u64 } else { 0 };
                assert_eq!(bodies.memory.used(), counted, "{above:?} {length}");
                drop(stored);
                assert_eq!(bodies.memory.used(), 0);
            }
        }
    }

    #[test]
    fn a_body_of_unknown_length_takes_no_more_than_it_has() {
        let bodies = bodies(None, None);
        let body = pattern(2 * BLOCK + 5);
        let (stored, _) = keep(&bodies, None, &body).expect("there is room");
        assert!(read_back(&stored) == body);
        assert_eq!(bodies.memory.used(), body.len() as u64);
    }

    #[test]
    fn what_memory_has_no_room_for_is_refused_and_leaves_nothing_behind() {
        let bodies = bodies(Some(BLOCK as u64 * 2), None);
        assert!(bodies.begin(Some(BLOCK as u64 * 2 + 1)).is_err());
        // Not known to be too long until it is.
        assert!(keep(&bodies, None, &pattern(BLOCK * 3)).is_err());
        assert_eq!(bodies.memory.used(), 0);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_an_error() {
        let bodies = Bodies::new(
            Arc::new(Memory::new(None)),
            Some(Spill {
                above: 0,
                folder: PathBuf::from("/nowhere/at/all"),
            }),
        );
        assert!(keep(&bodies, Some(1), b"x").is_err());
        assert!(keep(&bodies, Some(0), b"").is_ok());
    }
}
