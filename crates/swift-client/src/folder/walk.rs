//! The files of a folder, in the order in which Swift lists their names.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{Stream, stream};
use jiff::Timestamp;
use tokio::sync::mpsc;

/// How many files may be known and not yet worked on.
const AHEAD: usize = 256;

/// A file below a folder, or an empty folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// Its path below the folder, with slashes; with one at the end if it is a folder.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Size in bytes; of a folder 0.
    pub bytes: u64,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

/// What could not be read, and why.
#[derive(Debug)]
pub struct Unreadable {
    /// Where it is.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

/// Which files below a folder are meant.
pub trait FileFilter: Send + Sync {
    /// Whether a file is meant. Its name is its path below the folder, with slashes.
    fn takes(&self, name: &str) -> bool;

    /// Whether nothing in a folder is meant, so that it is not looked into. Its name has no slash at the end.
    fn leaves_out(&self, folder: &str) -> bool {
        let _ = folder;
        false
    }
}

impl<F: Fn(&str) -> bool + Send + Sync> FileFilter for F {
    fn takes(&self, name: &str) -> bool {
        self(name)
    }
}

/// All files of a folder and the folders in it, and those of these that are empty, by name in the order of their UTF-8
/// bytes, which is that of a listing. A thread of its own walks ahead a little, and ends when nobody listens.
///
/// Links to files count as files. Links to folders are not followed, since they may lead back, and are told as
/// [`Unreadable`], as is whatever is neither a file nor a folder or has a name that is not Unicode. What the filter does
/// not take is not told of, and folders that it leaves out are not looked into.
pub fn walk_folder(
    root: impl Into<PathBuf>,
    filter: Arc<dyn FileFilter>,
) -> impl Stream<Item = Result<LocalFile, Unreadable>> + Send + Unpin + 'static {
    let root = root.into();
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        // It ends early only when nobody listens.
        let _ = visit(&root, "", &*filter, &sender);
    });
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

struct NobodyListens;

type Sender = mpsc::Sender<Result<LocalFile, Unreadable>>;

fn visit(
    folder: &Path,
    prefix: &str,
    filter: &dyn FileFilter,
    sender: &Sender,
) -> Result<(), NobodyListens> {
    let send = |found| sender.blocking_send(found).map_err(|_| NobodyListens);
    let unreadable = |path: PathBuf, error: io::Error| send(Err(Unreadable { path, error }));
    let entries: io::Result<Vec<DirEntry>> = fs::read_dir(folder).and_then(Iterator::collect);
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => return unreadable(folder.to_owned(), error),
    };
    let is_empty = entries.is_empty();
    let mut found = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            unreadable(path, io::Error::other("its name is not Unicode"))?;
            continue;
        };
        match entry.file_type() {
            // With its slash a folder comes where the names in it come.
            Ok(kind) if kind.is_dir() => {
                let name = format!("{prefix}{name}");
                if !filter.leaves_out(&name) {
                    found.push((name + "/", path));
                }
            }
            Ok(_) => {
                let name = format!("{prefix}{name}");
                if filter.takes(&name) {
                    found.push((name, path));
                }
            }
            Err(error) => unreadable(path, error)?,
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
                unreadable(path, io::Error::other("a link to a folder is not followed"))?;
            }
            Ok(_) => unreadable(path, io::Error::other("it is neither a file nor a folder"))?,
            Err(error) => unreadable(path, error)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    struct Without(&'static [&'static str]);

    impl FileFilter for Without {
        fn takes(&self, name: &str) -> bool {
            !self.leaves_out(name)
        }

        fn leaves_out(&self, name: &str) -> bool {
            self.0.contains(&name)
        }
    }

    async fn walk(root: &Path, filter: Without) -> Vec<Result<String, PathBuf>> {
        walk_folder(root, Arc::new(filter))
            .map(|found| {
                found
                    .map(|file| file.name)
                    .map_err(|unreadable| unreadable.path)
            })
            .collect()
            .await
    }

    #[tokio::test]
    async fn finds_files_in_the_order_of_a_listing() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/empty")).unwrap();
        for name in ["a/b", "a-b", "a.b", "B", "a/c/d", "ü"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let found = walk(root.path(), Without(&[])).await;
        let names = ["B", "a-b", "a.b", "a/b", "a/c/d", "a/empty/", "ü"];
        assert_eq!(found, names.map(|name| Ok(name.to_owned())));
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
        let found = walk(root.path(), Without(&["cache", "gone.lnk"])).await;
        assert_eq!(found, [Ok("a".to_owned())]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn follows_links_to_files_and_tells_of_links_to_folders() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "x").unwrap();
        symlink(root.path().join("file"), root.path().join("link")).unwrap();
        symlink(root.path(), root.path().join("loop")).unwrap();
        let found = walk(root.path(), Without(&[])).await;
        let looped = root.path().join("loop");
        assert_eq!(found, [Ok("file".into()), Ok("link".into()), Err(looped)]);
    }
}
