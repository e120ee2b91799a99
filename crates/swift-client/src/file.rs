//! Files, read and written by a thread of their own: one hop per file, not one per piece, and disk and network work at
//! the same time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use crate::Error;

/// How much is read at a time.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// How many pieces may wait between disk and network.
const AHEAD: usize = 4;

/// `length` bytes of a file from `offset` on. It fails if there are fewer.
pub(crate) fn read(
    path: PathBuf,
    offset: u64,
    length: u64,
) -> BoxStream<'static, io::Result<Bytes>> {
    let start = async move {
        let (sender, mut receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = read_to(&sender, &path, offset, length) {
                // If nobody listens any more, nobody needs to know.
                let _ = sender.blocking_send(Err(error));
            }
        });
        stream::poll_fn(move |context| receiver.poll_recv(context))
    };
    stream::once(start).flatten().boxed()
}

fn read_to(
    sender: &mpsc::Sender<io::Result<Bytes>>,
    path: &Path,
    offset: u64,
    length: u64,
) -> io::Result<()> {
    let mut file = File::open(path)?;
    if offset > 0 {
        file.seek(SeekFrom::Start(offset))?;
    }
    let mut left = length;
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let mut piece = Vec::with_capacity(wanted);
        (&mut file).take(wanted as u64).read_to_end(&mut piece)?;
        left -= piece.len() as u64;
        if piece.len() < wanted {
            let reason = format!("it ended {left} bytes early");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
        }
        if sender.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// How a download becomes a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// Wait until file and folder are on the disk itself, so that the file survives a power cut.
    pub durable: bool,
}

enum Piece {
    Data(Bytes),
    /// That was all. Without it, what came before is thrown away.
    End,
}

/// Writes `content` to a temporary file that takes the place of `path` when all of it is there, and tells its size.
pub(crate) async fn write(
    mut content: BoxStream<'static, Result<Bytes, Error>>,
    path: &Path,
    options: FileOptions,
) -> Result<u64, Error> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let target = path.to_owned();
    let writer = tokio::task::spawn_blocking(move || write_from(receiver, &target, options));
    let sent = send_all(&mut content, &sender).await;
    if sent.is_ok() {
        // This fails only if the writer has failed, and then it says why.
        let _ = sender.send(Piece::End).await;
    }
    drop(sender);
    // In any case, so that the temporary file is gone when an error is reported.
    let result = writer
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    let written = sent?;
    result.map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(written)
}

/// Sends as much as the writer takes and tells how much that was.
async fn send_all(
    content: &mut BoxStream<'static, Result<Bytes, Error>>,
    writer: &mpsc::Sender<Piece>,
) -> Result<u64, Error> {
    let mut sent = 0;
    while let Some(chunk) = content.try_next().await? {
        sent += chunk.len() as u64;
        if writer.send(Piece::Data(chunk)).await.is_err() {
            break;
        }
    }
    Ok(sent)
}

fn write_from(
    mut pieces: mpsc::Receiver<Piece>,
    path: &Path,
    options: FileOptions,
) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut temporary = temporary_file(folder)?;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Data(bytes)) => temporary.write_all(&bytes)?,
            Some(Piece::End) => break,
            None => return Ok(()),
        }
    }
    if options.durable {
        temporary.as_file().sync_all()?;
    }
    temporary.persist(path).map_err(|error| error.error)?;
    // A new name is on the disk only when its folder is. Windows does that by itself.
    if options.durable && cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A file that is deleted unless it is persisted, with the rights a new file would have: `tempfile` alone would make
/// it unreadable for others.
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".cloudfiles-").suffix(".part");
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666))
    };
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn says_that_a_file_has_become_shorter() {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0123").unwrap();
        let read = read(file.path().to_owned(), 1, 10)
            .try_collect::<Vec<_>>()
            .await;
        assert_eq!(read.unwrap_err().to_string(), "it ended 7 bytes early");
    }

    #[tokio::test]
    async fn reads_a_part_of_a_file_and_no_more() {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0123456789").unwrap();
        let read = read(file.path().to_owned(), 2, 3)
            .try_collect::<Vec<_>>()
            .await
            .unwrap();
        assert_eq!(read.concat(), b"234");
    }

    #[tokio::test]
    async fn reads_large_files_in_order() {
        let content: Vec<u8> = (0..=250).cycle().take(3 * CHUNK_BYTES + 7).collect();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &content).unwrap();
        let length = content.len() as u64;
        let read = read(file.path().to_owned(), 0, length)
            .try_collect::<Vec<_>>()
            .await
            .unwrap();
        assert_eq!(read.concat(), content);
    }

    #[tokio::test]
    async fn takes_the_place_of_a_file_only_with_all_of_the_content() {
        for durable in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("o");
            std::fs::write(&path, "before").unwrap();
            let content = stream::iter(["01", "", "2"].map(|piece| Ok(Bytes::from(piece)))).boxed();
            let written = write(content, &path, FileOptions { durable })
                .await
                .unwrap();
            assert_eq!(written, 3);
            assert_eq!(std::fs::read(&path).unwrap(), b"012");
        }
    }

    #[tokio::test]
    async fn names_the_file_that_cannot_be_written() {
        let path = Path::new("/nowhere/o");
        let content = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 1 << 10])))
            .take(100)
            .boxed();
        let error = write(content, path, FileOptions::default())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::File { path, .. } if path.starts_with("/nowhere")),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn gives_files_the_rights_that_new_files_have() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write(stream::empty().boxed(), &ours, FileOptions::default())
            .await
            .unwrap();
        std::fs::write(&plain, "").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(ours), mode(plain));
    }
}
