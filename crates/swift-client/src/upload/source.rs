//! Data that can be read as often as need be: bytes at hand, a file.

use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

use bytes::Bytes;
use md5_lanes::Hasher;

use crate::body::{hex_of, md5_of};
use crate::file::read_piece;
use crate::transfers::STREAM_BYTES;
use crate::{Body, Error};

pub(super) enum Source {
    Bytes(Bytes),
    File {
        path: PathBuf,
        offset: u64,
        length: u64,
        /// What the file looked like at the beginning.
        seen: Seen,
    },
}

/// By which it is noticed that a file was written to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// A part of a source, both in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Source {
    pub(super) async fn file(path: PathBuf, offset: u64, length: u64) -> Result<Self, Error> {
        let seen = look(&path).await?;
        Ok(Self::File {
            path,
            offset,
            length,
            seen,
        })
    }

    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    /// What sending a part of it takes of the memory budget.
    pub(super) fn memory_bytes(&self) -> u64 {
        match self {
            // These are the caller's.
            Self::Bytes(_) => 0,
            Self::File { length, .. } => STREAM_BYTES.min(*length),
        }
    }

    pub(super) fn part(&self, offset: u64, length: u64) -> Part {
        Part {
            offset,
            length: length.min(self.length() - offset),
        }
    }

    /// All of it in parts of `size` bytes; only the last may be smaller.
    pub(super) fn parts(&self, size: u64) -> impl Iterator<Item = Part> + use<> {
        let length = self.length();
        (0..length.div_ceil(size)).map(move |number| Part {
            offset: number * size,
            length: size.min(length - number * size),
        })
    }

    pub(super) fn body(&self, part: Part) -> Body {
        match self {
            Self::Bytes(bytes) => slice(bytes, part).into(),
            Self::File { path, offset, .. } => {
                Body::file_part(path, offset + part.offset, part.length)
            }
        }
    }

    pub(super) async fn md5(&self, part: Part) -> Result<String, Error> {
        match self {
            Self::Bytes(bytes) => Ok(md5_of(&[slice(bytes, part)]).await),
            Self::File { path, offset, .. } => {
                let (path, from) = (path.clone(), offset + part.offset);
                let hashed = tokio::task::spawn_blocking(move || {
                    hash_file(&path, from, part.length)
                        .map_err(|source| Error::File { path, source })
                });
                hashed.await.expect("hashing does not panic")
            }
        }
    }

    /// Fails if the file was written to since the upload began.
    pub(super) async fn check_unchanged(&self) -> Result<(), Error> {
        match self {
            Self::File { path, seen, .. } if look(path).await? != *seen => {
                Err(Error::FileChanged { path: path.clone() })
            }
            _ => Ok(()),
        }
    }
}

fn slice(bytes: &Bytes, part: Part) -> Bytes {
    let place = |at: u64| usize::try_from(at).expect("a part of bytes at hand lies within them");
    bytes.slice(place(part.offset)..place(part.offset + part.length))
}

async fn look(path: &PathBuf) -> Result<Seen, Error> {
    let metadata = tokio::fs::metadata(path)
        .await
        .map_err(|source| Error::File {
            path: path.clone(),
            source,
        })?;
    Ok(Seen {
        bytes: metadata.len(),
        modified: metadata.modified().ok(),
    })
}

fn hash_file(path: &PathBuf, offset: u64, length: u64) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut hasher = Hasher::default();
    let mut left = length;
    while left > 0 {
        let piece = read_piece(&mut file, left)?;
        left -= piece.len() as u64;
        hasher.update(piece);
    }
    Ok(hex_of(&hasher.finish()))
}
