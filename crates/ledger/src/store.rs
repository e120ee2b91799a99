//! The only reader and writer of a ledger's files.
//!
//! Three rules make it safe. Everything happens under one lock between processes. A record is on disk (written and
//! fsynced) before anybody is told so. And a document is replaced by rename, with the folder fsynced before the
//! journal it contains is removed; the generation in both tells a journal that should have been removed.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::book::{Book, Record, Refusal, Request};
use crate::document::{self, VERSION};
use crate::entry::{EntryId, Tracked};
use crate::error::{Error, Place, Result, describe};
use crate::journal::{self, Header, Line};
use crate::storage::{Access, Lock, Storage, StoredFile};

/// A journal may grow to this size, or to that of the document if it is larger, before it is folded into the
/// document. So writing documents costs at most about as much as writing records. Tests of crashes want to see it
/// happen often.
const JOURNAL_BYTES: u64 = if cfg!(test) { 400 } else { 4 << 20 };

/// The files of one ledger, and what is in them.
pub(crate) struct Store<R: Tracked> {
    storage: Box<dyn Storage>,
    paths: Paths,
    book: Book<R>,
    /// The document that was read or written last. It stays open, so that no other file can get its identity.
    document: Option<Box<dyn StoredFile>>,
    document_bytes: u64,
    journal: Option<Journal>,
    broken: Option<String>,
}

#[derive(Debug)]
struct Paths {
    folder: PathBuf,
    document: PathBuf,
    journal: PathBuf,
    temporary: PathBuf,
    lock: PathBuf,
}

/// The journal, as far as it was read.
#[derive(Debug)]
struct Journal {
    file: Box<dyn StoredFile>,
    bytes: u64,
    lines: usize,
}

impl Paths {
    fn new(document: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut name = OsString::from(document);
            name.push(suffix);
            PathBuf::from(name)
        };
        let folder = document
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        Self {
            folder: folder.to_owned(),
            document: document.to_owned(),
            journal: beside(".journal"),
            temporary: beside(".tmp"),
            lock: beside(".lock"),
        }
    }
}

fn io<T>(result: io::Result<T>, action: &'static str, path: &Path) -> Result<T> {
    result.map_err(|source| Error::Io {
        action,
        path: path.to_owned(),
        source,
    })
}

impl<R: Tracked> Store<R> {
    /// Opens a ledger; a missing one is created if asked.
    pub(crate) fn open(storage: Box<dyn Storage>, path: &Path, create: bool) -> Result<Self> {
        let mut store = Self::unopened(storage, path);
        if !create && io(store.storage.open(path, Access::Read), "read", path)?.is_none() {
            return Err(missing(path));
        }
        let _lock = store.lock()?;
        // A crash may have left a document that was not yet whole.
        io(
            store.storage.remove(&store.paths.temporary),
            "remove",
            &store.paths.temporary,
        )?;
        if create
            && io(store.storage.open(path, Access::Read), "read", path)?.is_none()
            && io(
                store.storage.open(&store.paths.journal, Access::Read),
                "read",
                &store.paths.journal,
            )?
            .is_none()
        {
            store.compact()?;
        } else {
            store.load()?;
        }
        Ok(store)
    }

    /// Looks at the entries as they now are, those of other processes included.
    pub(crate) fn look<T>(&mut self, look: impl FnOnce(&Book<R>) -> T) -> Result<T> {
        self.usable()?;
        let _lock = self.lock()?;
        self.refresh()?;
        Ok(look(&self.book))
    }

    /// Makes changes durable with one write and one fsync, and answers each of them in turn. An error means that
    /// `take` was not called.
    pub(crate) fn commit(
        &mut self,
        take: impl FnOnce() -> Vec<Request<R>>,
    ) -> Result<Vec<Result<Vec<EntryId>>>> {
        self.usable()?;
        let _lock = self.lock()?;
        self.refresh()?;
        let mut bytes = Vec::new();
        let mut lines = 0;
        let mut answers: Vec<_> = take()
            .into_iter()
            .map(|request| self.prepare(request, &mut bytes))
            .collect();
        lines += answers.iter().filter(|answer| answer.is_ok()).count();
        if lines == 0 {
            return Ok(answers);
        }
        if let Err(error) = self.append(&bytes, lines) {
            self.broken = Some(cause(&error));
            let mut first = Some(error);
            for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                *answer = Err(first.take().unwrap_or_else(|| self.poisoned()));
            }
            return Ok(answers);
        }
        let journal_bytes = self.journal.as_ref().map_or(0, |journal| journal.bytes);
        if journal_bytes > JOURNAL_BYTES.max(self.document_bytes)
            && let Err(error) = self.compact()
        {
            // The changes are durable, in one file or the other; the next caller hears of it.
            self.broken = Some(cause(&error));
        }
        Ok(answers)
    }

    /// Folds the journal into the document and leaves nothing else behind.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.usable()?;
        let lock = self.lock()?;
        self.refresh()?;
        if self.journal.is_some() {
            self.compact_or_break()?;
        }
        io(lock.remove(), "remove", &self.paths.lock)
    }

    /// Writes a new ledger. It is an error if there is one already.
    pub(crate) fn write_new(storage: Box<dyn Storage>, path: &Path, book: Book<R>) -> Result<()> {
        let mut store = Self::unopened(storage, path);
        store.book = book;
        let lock = store.lock()?;
        for path in [&store.paths.document, &store.paths.journal] {
            if io(store.storage.open(path, Access::Read), "read", path)?.is_some() {
                return Err(Error::Io {
                    action: "create",
                    path: path.clone(),
                    source: io::ErrorKind::AlreadyExists.into(),
                });
            }
        }
        store.compact()?;
        io(lock.remove(), "remove", &store.paths.lock)
    }

    /// The bytes of the document and of the journal, as they are.
    pub(crate) fn read_bytes(storage: Box<dyn Storage>, path: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
        let store = Self::unopened(storage, path);
        let read = |path: &Path| -> Result<Option<Vec<u8>>> {
            let file = io(store.storage.open(path, Access::Read), "read", path)?;
            io(
                file.map(|mut file| file.read_from(0)).transpose(),
                "read",
                path,
            )
        };
        let lock = store.lock()?;
        let document = read(path)?;
        let journal = read(&store.paths.journal)?;
        io(lock.remove(), "remove", &store.paths.lock)?;
        if document.is_none() && journal.is_none() {
            return Err(missing(path));
        }
        Ok((document.unwrap_or_default(), journal.unwrap_or_default()))
    }

    fn unopened(storage: Box<dyn Storage>, path: &Path) -> Self {
        Self {
            storage,
            paths: Paths::new(path),
            book: Book::default(),
            document: None,
            document_bytes: 0,
            journal: None,
            broken: None,
        }
    }

    fn usable(&self) -> Result<()> {
        if self.broken.is_some() {
            Err(self.poisoned())
        } else {
            Ok(())
        }
    }

    fn poisoned(&self) -> Error {
        Error::Poisoned {
            path: self.paths.document.clone(),
            cause: self.broken.clone().unwrap_or_default(),
        }
    }

    fn lock(&self) -> Result<Box<dyn Lock>> {
        io(
            self.storage.lock(&self.paths.lock),
            "lock",
            &self.paths.lock,
        )
    }

    /// Checks and applies a change in memory, and adds its line to those to be written.
    fn prepare(&mut self, request: Request<R>, bytes: &mut Vec<u8>) -> Result<Vec<EntryId>> {
        let record = request.record(&self.book);
        let ids = record.planned();
        let json = serde_json::to_vec(&record).map_err(|source| self.encode(source))?;
        let before = bytes.len();
        if !journal::write_line(&json, bytes) {
            return Err(
                self.encode(<serde_json::Error as serde::ser::Error>::custom(
                    "it is larger than 4 GiB",
                )),
            );
        }
        if let Err(refusal) = self.book.apply(record) {
            bytes.truncate(before);
            return Err(self.refused(refusal));
        }
        Ok(ids)
    }

    fn encode(&self, source: serde_json::Error) -> Error {
        Error::Encode {
            path: self.paths.document.clone(),
            source,
        }
    }

    fn refused(&self, refusal: Refusal) -> Error {
        let path = self.paths.document.clone();
        match refusal {
            Refusal::Unknown(id) | Refusal::Reused(id) => Error::UnknownEntry { path, id },
            Refusal::Order { id, from, to } => Error::StateOrder { path, id, from, to },
        }
    }

    /// Writes lines to the journal and makes them durable.
    fn append(&mut self, bytes: &[u8], lines: usize) -> Result<()> {
        let path = &self.paths.journal;
        let Some(journal) = &mut self.journal else {
            let header = Header {
                format: journal::FORMAT.to_owned(),
                version: VERSION,
                generation: self.book.generation,
            };
            let mut all = Vec::new();
            let json = serde_json::to_vec(&header).map_err(|source| self.encode(source))?;
            journal::write_line(&json, &mut all);
            all.extend_from_slice(bytes);
            let mut file = io(
                self.storage.create(path, &self.paths.document),
                "create",
                path,
            )?;
            let written = io(file.append(&all), "write", path)
                .and_then(|()| io(file.sync(), "fsync", path))
                .and_then(|()| {
                    io(
                        self.storage.sync_folder(&self.paths.folder),
                        "fsync",
                        &self.paths.folder,
                    )
                });
            if written.is_err() {
                // As far as possible nobody else shall build on what may not be on disk.
                let _ = self.storage.remove(path);
                return written;
            }
            self.journal = Some(Journal {
                file,
                bytes: all.len() as u64,
                lines: lines + 1,
            });
            return Ok(());
        };
        let written = io(journal.file.append(bytes), "write", path)
            .and_then(|()| io(journal.file.sync(), "fsync", path));
        if written.is_err() {
            let _ = journal.file.truncate(journal.bytes);
            return written;
        }
        journal.bytes += bytes.len() as u64;
        journal.lines += lines;
        Ok(())
    }

    /// Catches up with what other processes wrote.
    fn refresh(&mut self) -> Result<()> {
        let path = &self.paths.document;
        let same = match &self.document {
            Some(document) => io(document.is_at(path), "read", path)?,
            None => false,
        };
        // Folding the journal replaces the document. So while the document is the same, the journal has only grown.
        if same { self.replay() } else { self.load() }
    }

    fn load(&mut self) -> Result<()> {
        let path = self.paths.document.clone();
        let mut file = io(self.storage.open(&path, Access::Read), "read", &path)?
            .ok_or_else(|| missing(&path))?;
        let bytes = io(file.read_from(0), "read", &path)?;
        let document = document::parse(&path, &bytes)?;
        // Its writer may have been killed before the new name was durable, and the next journal builds on it.
        io(
            self.storage.sync_folder(&self.paths.folder),
            "fsync",
            &self.paths.folder,
        )?;
        self.book = document.book;
        self.document = Some(file);
        self.document_bytes = bytes.len() as u64;
        self.journal = None;
        self.replay()?;
        if document.version < VERSION {
            self.compact_or_break()?;
        }
        Ok(())
    }

    /// Applies the journal's lines that were not seen yet.
    fn replay(&mut self) -> Result<()> {
        let path = self.paths.journal.clone();
        if self.journal.is_none() {
            let Some(file) = io(self.storage.open(&path, Access::Append), "read", &path)? else {
                return Ok(());
            };
            self.journal = Some(Journal {
                file,
                bytes: 0,
                lines: 0,
            });
        }
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let bytes = io(journal.file.read_from(journal.bytes), "read", &path)?;
        if !bytes.is_empty() {
            // Their writer may have been killed before its own fsync. What a caller sees stays.
            io(journal.file.sync(), "fsync", &path)?;
        }
        let mut cut = bytes.is_empty() && journal.lines == 0;
        for (_, length, line) in journal::lines(&bytes) {
            let place = Place::Record {
                number: journal.lines,
                byte: journal.bytes,
            };
            let damaged = |cause: String| Error::Damaged {
                path: path.clone(),
                place,
                cause,
            };
            let json = match line {
                Line::Whole(json) => json,
                Line::Unended(json) => {
                    cut = true;
                    json
                }
                Line::Torn => {
                    cut = true;
                    break;
                }
                Line::Damaged(cause) => return Err(damaged(cause.to_owned())),
            };
            if journal.lines == 0 {
                let header: Header =
                    serde_json::from_slice(json).map_err(|error| damaged(describe(&error)))?;
                if header.version > VERSION {
                    return Err(Error::UnknownVersion {
                        path,
                        found: header.version,
                        newest: VERSION,
                    });
                }
                if header.format != journal::FORMAT {
                    return Err(damaged(
                        "its `format` does not say that this is a journal".to_owned(),
                    ));
                }
                if header.generation.checked_add(1) == Some(self.book.generation) {
                    // It is part of the document already; a crash came before its removal.
                    self.journal = None;
                    return io(self.storage.remove(&path), "remove", &path);
                }
                if header.generation != self.book.generation {
                    let (of, to) = (header.generation, self.book.generation);
                    return Err(damaged(format!(
                        "it belongs to generation {of} of the document, which is {to}"
                    )));
                }
            } else {
                let record: Record<R> =
                    serde_json::from_slice(json).map_err(|error| damaged(describe(&error)))?;
                self.book
                    .apply(record)
                    .map_err(|refusal| damaged(refusal.to_string()))?;
            }
            journal.bytes += length as u64;
            journal.lines += 1;
        }
        if cut {
            // Writing behind the cut would bury it.
            self.compact_or_break()?;
        }
        Ok(())
    }

    fn compact_or_break(&mut self) -> Result<()> {
        let result = self.compact();
        if let Err(error) = &result {
            self.broken = Some(cause(error));
        }
        result
    }

    /// Writes the document anew and removes the journal. Whenever this stops, the files hold all entries.
    fn compact(&mut self) -> Result<()> {
        let Paths {
            folder,
            document,
            journal,
            temporary,
            ..
        } = &self.paths;
        self.book.generation += 1;
        let mut file = io(
            self.storage.create(temporary, document),
            "create",
            temporary,
        )?;
        let bytes = document::write(&self.book, file.as_mut(), temporary)?;
        io(file.sync(), "fsync", temporary)?;
        io(
            self.storage.rename(temporary, document),
            "replace",
            document,
        )?;
        io(self.storage.sync_folder(folder), "fsync", folder)?;
        self.document = Some(file);
        self.document_bytes = bytes;
        self.journal = None;
        io(self.storage.remove(journal), "remove", journal)
    }
}

fn missing(path: &Path) -> Error {
    Error::Io {
        action: "find",
        path: path.to_owned(),
        source: io::ErrorKind::NotFound.into(),
    }
}

/// An error and what it came from, in one line.
fn cause(error: &Error) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}
