//! One file for each token, for its owner alone.
//!
//! ```text
//! {"version":1,"token":"…","issued_at":"2030-01-01T00:00:00Z","expires_at":"2030-01-02T00:00:00Z",
//!  "catalog":{"endpoints":[{"service_type":"object-store","region":"DFW","interface":"public","url":"…"}],
//!             "default_region":null}}
//! ```
//!
//! A file is written beside its place and renamed, so a reader finds the old one or the new one, whole. It is not
//! synced: a cache that a power failure empties costs one sign-in. What cannot be read counts as absent.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{CachedToken, TokenCache};
use crate::{Catalog, Secret};

/// Another number means a shape that this version does not know.
const VERSION: u32 = 1;

/// A catalog is some kilobytes; whatever is longer is not ours.
const MAX_BYTES: u64 = 4 << 20;

/// Keeps tokens in a folder: `<key>.json`, each for its owner alone (mode 0600, folder 0700).
///
/// Nothing is read from a file that others may read or write, that belongs to someone else, or that is a symbolic link,
/// nor from a folder in which others may write; a new sign-in replaces such a file.
#[derive(Clone, Debug)]
pub struct TokenFiles {
    folder: PathBuf,
}

impl TokenFiles {
    /// A cache in this folder, which is made when the first token is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

impl TokenCache for TokenFiles {
    fn load(&self, key: &str) -> Option<CachedToken> {
        let path = self.path(key);
        match read(&self.folder, &path) {
            Ok(kept) => Some(kept),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "this kept token is not used");
                None
            }
        }
    }

    fn store(&self, key: &str, token: &CachedToken) {
        let path = self.path(key);
        if let Err(error) = write(&self.folder, &path, token) {
            tracing::warn!(path = %path.display(), %error, "the token cannot be kept for the next run");
        }
    }

    fn remove(&self, key: &str) {
        let path = self.path(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "this kept token cannot be removed");
            }
            _ => {}
        }
    }
}

#[derive(Deserialize)]
struct Document {
    version: u32,
    token: Secret,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    catalog: Catalog,
}

#[derive(Serialize)]
struct DocumentRef<'a> {
    version: u32,
    token: &'a str,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    catalog: &'a Catalog,
}

fn read(folder: &Path, path: &Path) -> io::Result<CachedToken> {
    check_folder(folder)?;
    let file = open(path)?;
    let length = check_file(&file)?;
    let mut text = Zeroizing::new(Vec::with_capacity(
        usize::try_from(length).unwrap_or_default(),
    ));
    file.take(MAX_BYTES).read_to_end(&mut text)?;
    // The parser's message may quote the file: only its place is passed on.
    let document: Document = serde_json::from_slice(&text)
        .map_err(|error| refuse(format!("it is damaged at line {}", error.line())))?;
    if document.version != VERSION {
        return Err(refuse(format!("its version is {}", document.version)));
    }
    Ok(CachedToken {
        token: document.token,
        issued_at: document.issued_at,
        expires_at: document.expires_at,
        catalog: document.catalog,
    })
}

fn write(folder: &Path, path: &Path, kept: &CachedToken) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    check_folder(folder)?;
    let document = DocumentRef {
        version: VERSION,
        token: kept.token.expose(),
        issued_at: kept.issued_at,
        expires_at: kept.expires_at,
        catalog: &kept.catalog,
    };
    let text = Zeroizing::new(serde_json::to_vec(&document)?);
    // Made anew and for its owner alone (0600); a name that is taken is not touched.
    let mut file = tempfile::Builder::new()
        .prefix(".token-")
        .tempfile_in(folder)?;
    file.write_all(&text)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn refuse(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Opens a file and not what a symbolic link leads to, and does not wait for the other end of a pipe.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(rustix::io::Errno::LOOP) => Err(refuse("it is a symbolic link")),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Gives the length of a file that only its owner can read, if that is us.
fn check_file(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(refuse("it is no file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(refuse("it belongs to someone else"));
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(refuse("others may read or write it"));
        }
    }
    if metadata.len() > MAX_BYTES {
        return Err(refuse("it is too long"));
    }
    Ok(metadata.len())
}

/// Asserts that nobody else can put files into the folder.
fn check_folder(folder: &Path) -> io::Result<()> {
    let metadata = fs::metadata(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(refuse("its folder belongs to someone else"));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(refuse("others may write in its folder"));
        }
    }
    if metadata.is_dir() {
        Ok(())
    } else {
        Err(refuse("its folder is none"))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;
    use crate::{Endpoint, Interface};

    fn kept(token: &str) -> CachedToken {
        CachedToken {
            token: token.into(),
            issued_at: "2030-01-01T00:00:00Z".parse().unwrap(),
            expires_at: Some("2030-01-02T00:00:00Z".parse().unwrap()),
            catalog: Catalog {
                endpoints: vec![Endpoint {
                    service_type: "object-store".into(),
                    region: Some("DFW".into()),
                    interface: Interface::Public,
                    url: "https://h/v1/a".into(),
                }],
                default_region: None,
            },
        }
    }

    fn cache() -> (tempfile::TempDir, TokenFiles) {
        let folder = tempfile::tempdir().unwrap();
        let cache = TokenFiles::new(folder.path().join("a/b"));
        (folder, cache)
    }

    fn token(cache: &TokenFiles) -> Option<String> {
        Some(cache.load("k")?.token.expose().to_owned())
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn gives_back_what_was_kept_and_lets_nobody_else_read_it() {
        let (_folder, cache) = cache();
        assert!(cache.load("k").is_none());
        cache.store("k", &kept("one"));
        cache.store("k", &kept("two"));
        let back = cache.load("k").unwrap();
        assert_eq!(back.token.expose(), "two");
        assert_eq!(back.expires_at, kept("two").expires_at);
        assert_eq!(back.catalog, kept("two").catalog);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&cache.path("k")), 0o600);
        assert_eq!(mode(&cache.folder), 0o700);
        assert_eq!(fs::read_dir(&cache.folder).unwrap().count(), 1);
        cache.remove("k");
        assert!(cache.load("k").is_none());
    }

    #[test]
    fn uses_no_file_that_others_may_read_and_replaces_it() {
        let (_folder, cache) = cache();
        cache.store("k", &kept("one"));
        set_mode(&cache.path("k"), 0o640);
        assert_eq!(token(&cache), None);
        cache.store("k", &kept("two"));
        assert_eq!(token(&cache).unwrap(), "two");
    }

    #[test]
    fn uses_no_folder_in_which_others_may_write() {
        let (_folder, cache) = cache();
        cache.store("k", &kept("one"));
        set_mode(&cache.folder, 0o777);
        assert_eq!(token(&cache), None);
        cache.store("other", &kept("two"));
        assert!(!cache.path("other").exists());
    }

    #[test]
    fn follows_no_symbolic_link_neither_to_read_nor_to_write() {
        let (folder, cache) = cache();
        cache.store("elsewhere", &kept("one"));
        let target = folder.path().join("target");
        fs::rename(cache.path("elsewhere"), &target).unwrap();
        symlink(&target, cache.path("k")).unwrap();
        assert_eq!(token(&cache), None);
        cache.store("k", &kept("two"));
        assert_eq!(token(&cache).unwrap(), "two");
        assert!(fs::read_to_string(&target).unwrap().contains("one"));
    }

    #[test]
    fn takes_a_damaged_file_for_none() {
        let (_folder, cache) = cache();
        cache.store("k", &kept("one"));
        let whole = fs::read(cache.path("k")).unwrap();
        for length in 0..whole.len() {
            fs::write(cache.path("k"), &whole[..length]).unwrap();
            assert!(cache.load("k").is_none(), "{length} bytes");
        }
        let other = String::from_utf8(whole)
            .unwrap()
            .replace(r#""version":1"#, r#""version":2"#);
        fs::write(cache.path("k"), other).unwrap();
        assert!(cache.load("k").is_none());
    }
}
