//! The files of a folder, in the order in which Swift lists their names.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::pattern::Filter;

/// How many files may be known and not yet worked on.
const AHEAD: usize = 256;

/// A file below a folder, or an empty folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalFile {
    /// Its path below the folder, with slashes; with one at the end if it is a folder.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Size in bytes; of a folder 0.
    pub(crate) bytes: u64,
    pub(crate) modified: Option<Timestamp>,
}

/// What could not be read, and why.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) path: PathBuf,
    pub(crate) error: anyhow::Error,
}

/// All files of a folder and the folders in it, and those of these that are empty, by name in the order of their UTF-8 bytes. A thread of its own walks
/// ahead a little, and ends when nobody listens.
///
/// Links to files count as files. Links to folders are not followed, since they may lead back, and are told as
/// [`Unreadable`], as is whatever is neither a file nor a folder or has a name that is not Unicode. What the filter does
/// not take is not told of, and folders that it excludes are not looked into.
pub(crate) fn walk(root: PathBuf, filter: Filter) -> mpsc::Receiver<Result<LocalFile, Unreadable>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        // It ends early only when nobody listens.
        let _ = visit(&root, "", &filter, &sender);
    });
    receiver
}

struct NobodyListens;

type Sender = mpsc::Sender<Result<LocalFile, Unreadable>>;

fn visit(
    folder: &Path,
    prefix: &str,
    filter: &Filter,
    sender: &Sender,
) -> Result<(), NobodyListens> {
    let send = |found| sender.blocking_send(found).map_err(|_| NobodyListens);
    let unreadable = |path: PathBuf, error: anyhow::Error| send(Err(Unreadable { path, error }));
    let entries: io::Result<Vec<DirEntry>> = fs::read_dir(folder).and_then(Iterator::collect);
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => return unreadable(folder.to_owned(), error.into()),
    };
    let is_empty = entries.is_empty();
    let mut found = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            unreadable(path, anyhow!("its name is not Unicode"))?;
            continue;
        };
        match entry.file_type() {
            // With its slash a folder comes where the names in it come.
            Ok(kind) if kind.is_dir() => {
                let name = format!("{prefix}{name}");
                if !filter.excludes(&name) {
                    found.push((name + "/", path));
                }
            }
            Ok(_) => {
                let name = format!("{prefix}{name}");
                if filter.takes(&name) {
                    found.push((name, path));
                }
            }
            Err(error) => unreadable(path, error.into())?,
        }
    }
    if is_empty && filter.takes(prefix.trim_end_matches('/')) && !prefix.is_empty() {
        return send(Ok(LocalFile {
            name: prefix.to_owned(),
            path: folder.to_owned(),
            bytes: 0,
            modified: None,
        }));
    }
    found.sort_unstable();
    for (name, path) in found {
        if name.ends_with('/') {
            visit(&path, &name, filter, sender)?;
            continue;
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => send(Ok(LocalFile {
                name,
                bytes: metadata.len(),
                modified: metadata.modified().ok().and_then(|at| at.try_into().ok()),
                path,
            }))?,
            Ok(metadata) if metadata.is_dir() => {
                unreadable(path, anyhow!("a link to a folder is not followed"))?;
            }
            Ok(_) => unreadable(path, anyhow!("it is neither a file nor a folder"))?,
            Err(error) => unreadable(path, error.into())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn finds_files_in_the_order_of_a_listing() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/empty")).unwrap();
        for name in ["a/b", "a-b", "a.b", "B", "a/c/d", "ü"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let mut files = walk(root.path().to_owned(), Filter::default());
        let mut names = Vec::new();
        while let Some(found) = files.recv().await {
            names.push(found.unwrap().name);
        }
        assert_eq!(names, ["B", "a-b", "a.b", "a/b", "a/c/d", "a/empty/", "ü"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn tells_nothing_of_what_the_filter_leaves_out() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("cache/deep")).unwrap();
        for name in ["a", "cache/b", "cache/deep/c"] {
            fs::write(root.path().join(name), name).unwrap();
        }
        std::os::unix::fs::symlink("nowhere", root.path().join("gone.lnk")).unwrap();
        let filter = Filter::excluding(&["cache", "*.lnk"]);
        let mut files = walk(root.path().to_owned(), filter);
        assert_eq!(files.recv().await.unwrap().unwrap().name, "a");
        assert!(files.recv().await.is_none());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn follows_links_to_files_and_tells_of_links_to_folders() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "x").unwrap();
        symlink(root.path().join("file"), root.path().join("link")).unwrap();
        symlink(root.path(), root.path().join("loop")).unwrap();
        let mut files = walk(root.path().to_owned(), Filter::default());
        let mut found = Vec::new();
        while let Some(file) = files.recv().await {
            found.push(
                file.map(|file| file.name)
                    .map_err(|unreadable| unreadable.path),
            );
        }
        let looped = root.path().join("loop");
        assert_eq!(found, [Ok("file".into()), Ok("link".into()), Err(looped)]);
    }
}
