//! A folder that names from a cloud are written into, and never out of.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// A folder, opened.
pub(crate) struct Folder {
    root: PathBuf,
    dir: Dir,
    /// Where names that differ in case alone are the same: the names that were given away, by how they are compared.
    taken: Option<RefCell<HashMap<String, String>>>,
}

impl Folder {
    /// Opens a folder, and creates it if it is not there.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        let open = || {
            fs::create_dir_all(root)?;
            let root = root.canonicalize()?;
            let dir = Dir::open_ambient_dir(&root, ambient_authority())?;
            let taken = ignores_case(&root).then(RefCell::default);
            Ok::<_, std::io::Error>(Self { root, dir, taken })
        };
        open().with_context(|| root.display().to_string())
    }

    /// The path for an object, with the folders above it made.
    ///
    /// # Errors
    /// For a name that is no path here, for one that is the same path here as another was before, and where a link would
    /// lead out of the folder.
    pub(crate) fn place(&self, name: &str) -> anyhow::Result<PathBuf> {
        check(name)?;
        self.take(name)?;
        let (parent, file) = name.rsplit_once('/').unwrap_or(("", name));
        if parent.is_empty() {
            return Ok(self.root.join(file));
        }
        let parent = (self.dir.create_dir_all(parent))
            .and_then(|()| self.dir.canonicalize(parent))
            .with_context(|| format!("the folder {parent} cannot be made"))?;
        Ok(self.root.join(parent).join(file))
    }

    /// Gives a name away once.
    fn take(&self, name: &str) -> anyhow::Result<()> {
        let Some(taken) = &self.taken else {
            return Ok(());
        };
        match taken.borrow_mut().entry(name.to_lowercase()) {
            Entry::Occupied(other) if other.get() != name => {
                bail!("{} has the same name here", other.get());
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(free) => drop(free.insert(name.to_owned())),
        }
        Ok(())
    }

    /// Makes the folder that an object stands for, as one with a slash at its end does.
    pub(crate) fn make(&self, name: &str) -> anyhow::Result<()> {
        let name = name.trim_end_matches('/');
        check(name)?;
        (self.dir.create_dir_all(name)).with_context(|| format!("the folder {name} cannot be made"))
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) -> anyhow::Result<()> {
        check(name)?;
        Ok(self.dir.remove_file(name)?)
    }
}

/// Whether `Name` and `name` are the same file in a folder; not, where nothing can be written that would show it.
fn ignores_case(folder: &Path) -> bool {
    let mut probe = tempfile::Builder::new();
    let Ok(probe) = probe.prefix(".cloudfiles-case-").tempfile_in(folder) else {
        return false;
    };
    let name = probe.path().file_name().unwrap_or_default();
    let other = name.to_string_lossy().to_uppercase();
    folder.join(other).symlink_metadata().is_ok()
}

/// Whether an object's name can be a path below a folder, the same one for no other name.
pub(crate) fn check(name: &str) -> anyhow::Result<()> {
    if name.contains('\0') {
        bail!("it has a NUL, which no file here can have in its name");
    }
    if cfg!(windows) && name.contains(['\\', ':']) {
        bail!("it has a letter that parts paths here");
    }
    for part in name.split('/') {
        match part {
            "" => bail!(
                "it begins or ends with a slash or has two in a row, so that it is no path here"
            ),
            "." | ".." => bail!("{part} is a part of it, which would lead elsewhere"),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_no_name_that_is_no_path_of_its_own() {
        for name in ["a", "a/b", "a b\n", "..a", "a/..b/c"] {
            assert!(check(name).is_ok(), "{name:?}");
        }
        for name in [
            "", "/a", "a/", "a//b", "../a", "a/../b", "a/..", ".", "./a", "a\0",
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn gives_no_path_away_twice_where_case_does_not_count() {
        let inside = tempfile::tempdir().unwrap();
        let folder = Folder {
            taken: Some(RefCell::default()),
            ..Folder::open(inside.path()).unwrap()
        };
        assert!(folder.place("Straße/A").is_ok());
        assert!(folder.place("STRASSE/a").is_ok(), "other letters");
        let error = folder.place("straße/a").unwrap_err();
        assert_eq!(error.to_string(), "Straße/A has the same name here");
        assert!(folder.place("Straße/A").is_ok(), "the same one once more");
    }

    #[cfg(unix)]
    #[test]
    fn follows_no_link_out_of_the_folder() {
        let outside = tempfile::tempdir().unwrap();
        let inside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), inside.path().join("out")).unwrap();
        let folder = Folder::open(inside.path()).unwrap();
        assert!(folder.place("out/file").is_err());
        assert!(folder.place("out/sub/file").is_err());
        assert!(folder.remove("out/file").is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        assert!(folder.place("in/file").is_ok());
    }
}
