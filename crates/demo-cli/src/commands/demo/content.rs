//! What is uploaded: the picture, or a file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use md5::{Digest as _, Md5};
use swift_client::Body;

use crate::picture;

/// Something to upload, described well enough to know it again.
#[derive(Debug)]
pub(super) struct Content {
    source: Source,
    /// The object's name: that of the file.
    pub(super) name: String,
    pub(super) digest: Digest,
}

/// Content by length and MD5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) bytes: u64,
    /// 32 lower-case hexadecimal digits.
    pub(super) md5: String,
}

#[derive(Debug)]
enum Source {
    Memory(Vec<u8>),
    File(PathBuf),
}

impl Content {
    /// The picture, or the file at `path`.
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            let picture = picture::draw()?;
            let mut digest = Digester::default();
            digest.update(&picture);
            return Ok(Self {
                source: Source::Memory(picture),
                name: picture::NAME.to_owned(),
                digest: digest.finish(),
            });
        };
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .with_context(|| format!("{}: an object's name must be UTF-8 text", path.display()))?;
        let digest = digest_of_file(path).with_context(|| path.display().to_string())?;
        Ok(Self {
            source: Source::File(path.to_owned()),
            name: name.to_owned(),
            digest,
        })
    }

    /// The bytes, as an upload.
    pub(super) async fn body(&self) -> Result<Body, swift_client::Error> {
        match &self.source {
            Source::Memory(bytes) => Ok(bytes.clone().into()),
            Source::File(path) => Body::file(path).await,
        }
    }
}

/// Takes length and MD5 of what passes.
#[derive(Default)]
pub(super) struct Digester {
    bytes: u64,
    md5: Md5,
}

impl Digester {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.md5.update(bytes);
    }

    pub(super) fn finish(self) -> Digest {
        Digest {
            bytes: self.bytes,
            md5: hex::encode(self.md5.finalize()),
        }
    }
}

fn digest_of_file(path: &Path) -> anyhow::Result<Digest> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        bail!("it is not a file");
    }
    let mut digest = Digester::default();
    let mut piece = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(digest.finish());
        }
        digest.update(&piece[..read]);
    }
}
