//! Files, read and written by a thread of their own: one hop per file, not one per piece, and disk and network work at
//! the same time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use md5::{Digest, Md5};
use tempfile::{NamedTempFile, PathPersistError, TempPath};
use tokio::sync::mpsc;

use crate::Error;
use crate::body::hex_md5;
use crate::download::{Check, Mismatch};

/// How much is read at a time.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// How many pieces may wait between disk and network.
const AHEAD: usize = 4;

type Pieces = mpsc::Sender<io::Result<Bytes>>;

/// `length` bytes of a file from `offset` on. It fails if there are fewer.
pub(crate) fn read(
    path: PathBuf,
    offset: u64,
    length: u64,
) -> BoxStream<'static, io::Result<Bytes>> {
    on_a_thread(move |sender| read_to(sender, &path, offset, length))
}

/// All that a reader gives.
pub(crate) fn read_all(
    mut reader: impl Read + Send + 'static,
) -> BoxStream<'static, io::Result<Bytes>> {
    on_a_thread(move |sender| {
        loop {
            let mut piece = Vec::with_capacity(CHUNK_BYTES);
            let mut next = (&mut reader).take(CHUNK_BYTES as u64);
            // Less than was asked for is the last of it.
            let ended = next.read_to_end(&mut piece)? < CHUNK_BYTES;
            if sender.blocking_send(Ok(piece.into())).is_err() || ended {
                return Ok(());
            }
        }
    })
}

/// What `read` sends from a thread that may block.
fn on_a_thread(
    read: impl FnOnce(&Pieces) -> io::Result<()> + Send + 'static,
) -> BoxStream<'static, io::Result<Bytes>> {
    let start = async move {
        let (sender, mut receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = read(&sender) {
                // If nobody listens any more, nobody needs to know.
                let _ = sender.blocking_send(Err(error));
            }
        });
        stream::poll_fn(move |context| receiver.poll_recv(context))
    };
    stream::once(start).flatten().boxed()
}

/// The whole of a file and its MD5, if it is an ordinary one of at most [`CHUNK_BYTES`]: all in one hop.
pub(crate) async fn read_small(path: &Path) -> Result<Option<(Bytes, String)>, Error> {
    let path = path.to_owned();
    let read = move || small(&path).map_err(|source| Error::File { path, source });
    tokio::task::spawn_blocking(read)
        .await
        .expect("reading does not panic")
}

fn small(path: &Path) -> io::Result<Option<(Bytes, String)>> {
    // Not opened before it is looked at: opening a named pipe waits for its writer.
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() || metadata.len() > CHUNK_BYTES as u64 {
        return Ok(None);
    }
    let expected = usize::try_from(metadata.len()).unwrap_or_default();
    let mut content = Vec::with_capacity(expected + 1);
    File::open(path)?
        .take(CHUNK_BYTES as u64 + 1)
        .read_to_end(&mut content)?;
    // One that grows meanwhile is for those who watch it.
    if content.len() != expected {
        return Ok(None);
    }
    let md5 = hex_md5(Md5::new_with_prefix(&content));
    Ok(Some((content.into(), md5)))
}

fn read_to(sender: &Pieces, path: &Path, offset: u64, length: u64) -> io::Result<()> {
    let mut file = File::open(path)?;
    if offset > 0 {
        file.seek(SeekFrom::Start(offset))?;
    }
    let mut left = length;
    while left > 0 {
        let piece = read_piece(&mut file, left)?;
        left -= piece.len() as u64;
        if sender.blocking_send(Ok(piece)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The next [`CHUNK_BYTES`] of a file, or as many as are left to be read. It fails if there are fewer.
pub(crate) fn read_piece(file: &mut File, left: u64) -> io::Result<Bytes> {
    let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
    let mut piece = Vec::with_capacity(wanted);
    file.take(wanted as u64).read_to_end(&mut piece)?;
    if piece.len() < wanted {
        let reason = format!("it ended {} bytes early", left - piece.len() as u64);
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
    }
    Ok(piece.into())
}

/// How a download becomes a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// Wait until file and folder are on the disk itself, so that the file survives a power cut.
    pub durable: bool,
    /// Replace nothing: if there is something of this name by the time the content is all there, it stays, and the
    /// download fails with [`std::io::ErrorKind::AlreadyExists`].
    pub only_if_new: bool,
}

enum Piece {
    Data(Bytes),
    /// That was all. Without it, what came before is thrown away.
    End,
}

/// Why content did not become a file.
pub(crate) enum WriteError {
    /// The content ended with an error.
    Content(Error),
    /// It is not what it should be.
    Mismatch(Mismatch),
    /// It could not be written.
    File(io::Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// Writes `content`, checked by `check`, to a temporary file that takes the place of `path` when all of it is there,
/// and tells its size.
pub(crate) async fn write(
    content: BoxStream<'static, Result<Bytes, Error>>,
    check: Check,
    path: &Path,
    options: FileOptions,
) -> Result<u64, WriteError> {
    let target = path.to_owned();
    send_to(content, move |receiver| {
        write_whole(receiver, check, &target, options)
    })
    .await
}

/// Runs `writer` on a thread that may block, gives it `content`, and tells how much that was.
async fn send_to(
    mut content: BoxStream<'static, Result<Bytes, Error>>,
    writer: impl FnOnce(mpsc::Receiver<Piece>) -> Result<(), WriteError> + Send + 'static,
) -> Result<u64, WriteError> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let writer = tokio::task::spawn_blocking(move || writer(receiver));
    let sent = send_all(&mut content, &sender).await;
    if sent.is_ok() {
        // This fails only if the writer has failed, and then it says why.
        let _ = sender.send(Piece::End).await;
    }
    drop(sender);
    // In any case, so that the temporary file is gone when an error is reported.
    let result = writer
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error).into()));
    let written = sent.map_err(WriteError::Content)?;
    result.map(|()| written)
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

/// Writes and checks all pieces; tells whether the end was among them.
fn write_pieces(
    pieces: &mut mpsc::Receiver<Piece>,
    check: &mut Check,
    file: &mut File,
) -> Result<bool, WriteError> {
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Data(bytes)) => {
                check.update(&bytes).map_err(WriteError::Mismatch)?;
                file.write_all(&bytes)?;
            }
            Some(Piece::End) => {
                check.finish().map_err(WriteError::Mismatch)?;
                return Ok(true);
            }
            None => return Ok(false),
        }
    }
}

fn write_whole(
    mut pieces: mpsc::Receiver<Piece>,
    mut check: Check,
    path: &Path,
    options: FileOptions,
) -> Result<(), WriteError> {
    let folder = folder_of(path);
    let mut temporary = temporary_file(folder)?;
    if !write_pieces(&mut pieces, &mut check, temporary.as_file_mut())? {
        return Ok(());
    }
    if options.durable {
        temporary.as_file().sync_all()?;
    }
    place(temporary.into_temp_path(), path, options).map_err(|error| error.error)?;
    if options.durable {
        sync_folder(folder)?;
    }
    Ok(())
}

/// Gives a temporary file its final name.
pub(crate) fn place(
    temporary: TempPath,
    path: &Path,
    options: FileOptions,
) -> Result<(), PathPersistError> {
    if options.only_if_new {
        temporary.persist_noclobber(path)
    } else {
        temporary.persist(path)
    }
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Waits until a new name is on the disk: that is so only when its folder is. Windows does that by itself.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A file that is deleted unless it is persisted, with the rights a new file would have: `tempfile` alone would make
/// it unreadable for others.
pub(crate) fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
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
            let options = FileOptions {
                durable,
                ..FileOptions::default()
            };
            let written = write(content, Check::default(), &path, options)
                .await
                .ok()
                .unwrap();
            assert_eq!(written, 3);
            assert_eq!(std::fs::read(&path).unwrap(), b"012");
        }
    }

    #[tokio::test]
    async fn leaves_a_file_that_came_meanwhile_where_nothing_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o");
        std::fs::write(&path, "theirs").unwrap();
        let options = FileOptions {
            only_if_new: true,
            ..FileOptions::default()
        };
        let content = stream::once(async { Ok(Bytes::from("ours")) }).boxed();
        let written = write(content, Check::default(), &path, options).await;
        assert!(matches!(
            written,
            Err(WriteError::File(error)) if error.kind() == io::ErrorKind::AlreadyExists
        ));
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn says_that_a_file_cannot_be_written() {
        let path = Path::new("/nowhere/o");
        let content = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 1 << 10])))
            .take(100)
            .boxed();
        let written = write(content, Check::default(), path, FileOptions::default()).await;
        assert!(matches!(written, Err(WriteError::File(_))));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn gives_files_the_rights_that_new_files_have() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        let nothing = stream::empty().boxed();
        write(nothing, Check::default(), &ours, FileOptions::default())
            .await
            .ok()
            .unwrap();
        std::fs::write(&plain, "").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(ours), mode(plain));
    }
}
