//! What can be saved from a damaged ledger.

use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter, memmem};

use crate::book::{Book, Record};
use crate::document::{self, Sealed};
use crate::entry::{Entry, Tracked};
use crate::error::{Error, Place, Result, describe};
use crate::journal::{self, Header, Line};
use crate::ledger::resolve;
use crate::resource::Resource;
use crate::seal;
use crate::storage::Disk;
use crate::store::Store;

/// What a damaged ledger still holds, and what it does not.
#[derive(Clone, Debug)]
pub struct Salvage<R: Tracked = Resource> {
    /// The entries that are sound, by their own checksums, oldest first.
    pub entries: Vec<Entry<R>>,
    /// What could not be read, or is not what was written; first the document's, then the journal's.
    pub flaws: Vec<Flaw>,
}

/// One damaged place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The document or the journal.
    pub path: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What is wrong there.
    pub cause: String,
}

/// Looks for everything that is sound in a ledger that [`Ledger::open`](crate::Ledger::open) refuses. Its files are
/// left untouched.
///
/// Where an entry's end is lost the resource is taken to exist: an entry too many is settled by asking the cloud, an
/// entry too few is a resource that nobody removes.
///
/// ```
/// # use ledger::{Ledger, Resource, What, salvage};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("ledger.json");
/// # let ledger = Ledger::open(&path)?;
/// # let account = Resource { cloud: "offline".into(), region: None, account: "a".into(), what: What::Account };
/// # ledger.plan("run-1", account, "2026-01-01T00:00:00Z".parse()?)?;
/// # ledger.close()?;
/// # let text = std::fs::read_to_string(&path)?;
/// # std::fs::write(&path, text.replace("\"version\"", "\"versiom\""))?;
/// assert!(Ledger::<Resource>::open(&path).is_err());
/// let saved = salvage::<Resource>(&path)?;
/// println!("{} entries can be saved; {} places are damaged", saved.entries.len(), saved.flaws.len());
/// # assert_eq!((saved.entries.len(), saved.flaws.len()), (1, 1));
/// saved.write_to(path.with_file_name("saved.json"))?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::Io`], and [`Error::UnknownVersion`] for a ledger that is sound but too new.
pub fn salvage<R: Tracked>(path: impl AsRef<Path>) -> Result<Salvage<R>> {
    let path = resolve(path.as_ref())?;
    let (document, journal) = Store::<R>::read_bytes(Box::new(Disk), &path)?;
    let mut flaws = Vec::new();
    let (mut book, generation) = match document::parse(&path, &document) {
        Ok(document) => {
            let generation = document.book.generation;
            (document.book, Some(generation))
        }
        Err(Error::Damaged { path, place, cause }) => {
            flaws.push(Flaw {
                path: path.clone(),
                place,
                cause,
            });
            (scan(&path, &document, &mut flaws), None)
        }
        Err(error) => return Err(error),
    };
    let mut journal_path = path.into_os_string();
    journal_path.push(".journal");
    replay(
        &PathBuf::from(journal_path),
        &journal,
        generation,
        &mut book,
        &mut flaws,
    )?;
    Ok(Salvage {
        entries: book.entries.into_values().collect(),
        flaws,
    })
}

impl<R: Tracked> Salvage<R> {
    /// Writes the sound entries, under their old numbers, into a new ledger.
    ///
    /// # Errors
    /// [`Error::Io`] with [`AlreadyExists`](std::io::ErrorKind::AlreadyExists) if there is such a file already.
    pub fn write_to(&self, target: impl AsRef<Path>) -> Result<()> {
        let next_id = self
            .entries
            .iter()
            .map(|entry| entry.id.0.saturating_add(1))
            .max()
            .unwrap_or(1);
        let entries = self
            .entries
            .iter()
            .map(|entry| (entry.id, entry.clone()))
            .collect();
        Store::write_new(
            Box::new(Disk),
            &resolve(target.as_ref())?,
            Book {
                generation: 0,
                next_id,
                entries,
            },
        )
    }
}

/// Finds the entries in a text that is no document.
fn scan<R: Tracked>(path: &Path, bytes: &[u8], flaws: &mut Vec<Flaw>) -> Book<R> {
    let mut book = Book::default();
    let sealed = memmem::find(bytes, b"\"crc32\"").is_some();
    let mut at = 0;
    let mut number = 0;
    while let Some(found) = memchr(b'{', &bytes[at..]) {
        let start = at + found;
        let mut parsed =
            serde_json::Deserializer::from_slice(&bytes[start..]).into_iter::<Sealed<R>>();
        let Some(Ok(entry)) = parsed.next() else {
            at = start + 1;
            continue;
        };
        let text = &bytes[start..start + parsed.byte_offset()];
        at = start + text.len();
        number += 1;
        let entry = Entry::from(entry);
        if (!sealed || seal::is_sound(text)) && entry.id.0 > 0 {
            book.next_id = book.next_id.max(entry.id.0.saturating_add(1));
            book.entries.insert(entry.id, entry);
        } else {
            let line = 1 + memchr_iter(b'\n', &bytes[..start]).count();
            let place = Place::Entry { number, line };
            // The first one is known already: it is why the document was refused.
            if flaws.iter().all(|flaw| flaw.place != place) {
                let cause = format!("entry {} is not what was written", entry.id);
                flaws.push(Flaw {
                    path: path.to_owned(),
                    place,
                    cause,
                });
            }
        }
    }
    book
}

/// Applies what is sound in a journal.
fn replay<R: Tracked>(
    path: &Path,
    bytes: &[u8],
    generation: Option<u64>,
    book: &mut Book<R>,
    flaws: &mut Vec<Flaw>,
) -> Result<()> {
    for (number, (start, _, line)) in journal::lines(bytes).enumerate() {
        let place = Place::Record {
            number,
            byte: start as u64,
        };
        let mut flaw = |cause: String| {
            flaws.push(Flaw {
                path: path.to_owned(),
                place,
                cause,
            });
        };
        let json = match line {
            Line::Whole(json) | Line::Unended(json) => json,
            Line::Torn => break,
            Line::Damaged(cause) => {
                flaw(cause.to_owned());
                continue;
            }
        };
        if number == 0 {
            match serde_json::from_slice::<Header>(json) {
                Ok(header) if header.version > document::VERSION => {
                    let (found, newest) = (header.version, document::VERSION);
                    return Err(Error::UnknownVersion {
                        path: path.to_owned(),
                        found,
                        newest,
                    });
                }
                // It is part of the document already.
                Ok(header) if header.generation.checked_add(1) == generation => return Ok(()),
                Ok(header) if generation.is_some_and(|document| document != header.generation) => {
                    flaw(format!(
                        "it belongs to generation {} of the document",
                        header.generation
                    ));
                }
                Ok(_) => {}
                Err(error) => flaw(describe(&error)),
            }
            continue;
        }
        match serde_json::from_slice::<Record<R>>(json) {
            Err(error) => flaw(describe(&error)),
            // One by one: what is said of a lost entry must not hide what is said of the others.
            Ok(record) => {
                for single in record.singles() {
                    if let Err(refusal) = book.apply(single) {
                        flaw(refusal.to_string());
                    }
                }
            }
        }
    }
    Ok(())
}
