//! The handle that programs use.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use jiff::Timestamp;

use crate::book::{Confirmed, Kept, Record, Request};
use crate::entry::{Entry, EntryId, Tracked};
use crate::error::{Error, Result};
use crate::resource::Resource;
use crate::storage::{Disk, Storage};
use crate::store::Store;

/// A ledger: the resources that were, or may have been, created, and are not known to be gone.
///
/// A handle is cheap to clone, and clones may be used from many threads. Several processes may have the same ledger
/// open: each sees what the others recorded.
///
/// Every method blocks until its change is on disk, which takes as long as an fsync does. Changes that arrive while
/// one is being written are written together, with one fsync for all. From async code, call through the runtime's
/// blocking threads:
///
/// ```
/// # use ledger::{Ledger, Resource, What, Timestamp};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let ledger = Ledger::open(folder.path().join("ledger.json"))?;
/// # let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// # let container = Resource {
/// #     cloud: "offline".into(), region: None, account: "AUTH_test".into(),
/// #     what: What::Container { container: "python-demo".into() },
/// # };
/// let id = tokio::task::spawn_blocking({
///     let ledger = ledger.clone();
///     move || ledger.plan("run-1", container, now)
/// })
/// .await??;
/// # let _ = id;
/// # Ok(())
/// # }
/// ```
///
/// When the last clone is dropped the ledger is closed as [`close`](Self::close) does, but errors go unheard.
pub struct Ledger<R: Tracked = Resource> {
    shared: Arc<Shared<R>>,
}

/// Group commit: one of those who wait leads, and takes along every change that waits when it has the lock. Those that
/// come while it writes are the next group.
struct Shared<R: Tracked> {
    path: PathBuf,
    store: Mutex<Option<Store<R>>>,
    queue: Mutex<Queue<R>>,
    /// A group was answered, and the lead is free.
    answered: Condvar,
}

struct Queue<R: Tracked> {
    waiting: Vec<Waiting<R>>,
    led: bool,
}

struct Waiting<R: Tracked> {
    request: Request<R>,
    answer: Answer,
}

type Answer = Arc<Mutex<Option<Result<Vec<EntryId>>>>>;

impl<R: Tracked> Ledger<R> {
    /// Opens a ledger, and creates it if there is none. The folder must exist.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::UnknownVersion`] for a file that cannot be trusted; it is left untouched.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_in(Box::new(Disk), &resolve(path.as_ref())?, true)
    }

    /// Opens a ledger that must be there already.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and [`Error::Io`] with [`NotFound`](std::io::ErrorKind::NotFound).
    pub fn open_existing(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_in(Box::new(Disk), &resolve(path.as_ref())?, false)
    }

    pub(crate) fn open_in(storage: Box<dyn Storage>, path: &Path, create: bool) -> Result<Self> {
        let store = Store::open(storage, path, create)?;
        Ok(Self {
            shared: Arc::new(Shared {
                path: path.to_owned(),
                store: Mutex::new(Some(store)),
                queue: Mutex::new(Queue {
                    waiting: Vec::new(),
                    led: false,
                }),
                answered: Condvar::new(),
            }),
        })
    }

    /// The ledger's document.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Records that a resource is about to be created. When this returns, the intent is on disk: now is the time to
    /// send the request.
    ///
    /// `run` names the run of the program, so that its resources can be told from those of others.
    pub fn plan(&self, run: &str, resource: R, now: Timestamp) -> Result<EntryId> {
        let ids = self.plan_many(run, vec![resource], now)?;
        ids.first().copied().ok_or_else(|| self.shared.stopped())
    }

    /// Records many intents at once, all or none, at the price of one. The answer is in the order of the resources.
    pub fn plan_many(&self, run: &str, resources: Vec<R>, now: Timestamp) -> Result<Vec<EntryId>> {
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        self.change(Request::Plan {
            run: run.to_owned(),
            resources,
            planned_at: now,
        })
    }

    /// Records that a planned resource has come into being.
    ///
    /// # Errors
    /// [`Error::StateOrder`] if it is not planned, [`Error::UnknownEntry`] if it was forgotten.
    pub fn confirm(&self, id: EntryId, identity: R::Identity) -> Result<()> {
        self.confirm_many(vec![(id, identity)])
    }

    /// Confirms many entries at once, all or none.
    pub fn confirm_many(&self, entries: Vec<(EntryId, R::Identity)>) -> Result<()> {
        let list = entries
            .into_iter()
            .map(|(id, identity)| Confirmed { id, identity })
            .collect();
        self.record(Record::Confirm(list))
    }

    /// Records that a resource is about to be deleted. Saying it again is no error.
    ///
    /// # Errors
    /// [`Error::UnknownEntry`] if it was forgotten.
    pub fn deleting(&self, id: EntryId) -> Result<()> {
        self.deleting_many(vec![id])
    }

    /// Records many deletions to come at once, all or none.
    pub fn deleting_many(&self, ids: Vec<EntryId>) -> Result<()> {
        self.record(Record::Deleting(ids))
    }

    /// Removes the entry of a resource that does not exist: it was deleted, or never came into being. Forgetting
    /// an entry twice is no error.
    ///
    /// # Errors
    /// [`Error::UnknownEntry`] for a number that this ledger never gave.
    pub fn forget(&self, id: EntryId) -> Result<()> {
        self.forget_many(vec![id])
    }

    /// Forgets many entries at once, all or none.
    pub fn forget_many(&self, ids: Vec<EntryId>) -> Result<()> {
        self.record(Record::Forget(ids))
    }

    /// Notes why a clean-up left an entry; its state stays as it is.
    ///
    /// # Errors
    /// [`Error::UnknownEntry`] if it was forgotten.
    pub fn keep(&self, id: EntryId, reason: impl Into<String>) -> Result<()> {
        self.record(Record::Keep(vec![Kept {
            id,
            reason: reason.into(),
        }]))
    }

    /// All entries as they now are, oldest first. Each is a resource that may have to be removed.
    pub fn entries(&self) -> Result<Vec<Entry<R>>> {
        self.leftovers(|_| true)
    }

    /// The entries that a clean-up is to remove, oldest first: those that a condition holds for.
    ///
    /// ```
    /// # use ledger::{Ledger, Timestamp};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let ledger: Ledger = Ledger::open(folder.path().join("ledger.json"))?;
    /// # let yesterday: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// let old = ledger.leftovers(|entry| entry.planned_at < yesterday && entry.resource.cloud == "offline")?;
    /// # assert!(old.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn leftovers(&self, which: impl Fn(&Entry<R>) -> bool) -> Result<Vec<Entry<R>>> {
        self.look(|entries| entries.filter(|entry| which(entry)).cloned().collect())
    }

    /// One entry, or `None` if it was forgotten or never was.
    pub fn entry(&self, id: EntryId) -> Result<Option<Entry<R>>> {
        self.with_store(|store| store.look(|book| book.entries.get(&id).cloned()))
    }

    /// How many entries there are.
    pub fn count(&self) -> Result<usize> {
        self.with_store(|store| store.look(|book| book.entries.len()))
    }

    /// Folds the journal into the document, so that only the JSON document remains. Other clones of this handle can
    /// no longer be used; other processes can go on.
    pub fn close(self) -> Result<()> {
        self.shared.close()
    }

    fn look<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &Entry<R>>) -> T) -> Result<T> {
        self.with_store(|store| store.look(|book| look(&mut book.entries.values())))
    }

    /// The number the next entry gets.
    #[cfg(test)]
    pub(crate) fn next_id(&self) -> Result<u64> {
        self.with_store(|store| store.look(|book| book.next_id))
    }

    fn with_store<T>(&self, work: impl FnOnce(&mut Store<R>) -> Result<T>) -> Result<T> {
        let mut store = self
            .shared
            .store
            .lock()
            .map_err(|_| self.shared.stopped())?;
        work(store.as_mut().ok_or_else(|| self.shared.stopped())?)
    }

    fn record(&self, record: Record<R>) -> Result<()> {
        self.change(Request::Change(record)).map(drop)
    }

    fn change(&self, request: Request<R>) -> Result<Vec<EntryId>> {
        let answer = Answer::default();
        let mut queue = held(&self.shared.queue);
        queue.waiting.push(Waiting {
            request,
            answer: Arc::clone(&answer),
        });
        loop {
            if let Some(answer) = held(&answer).take() {
                return answer;
            }
            if !queue.led {
                break;
            }
            queue = (self.shared.answered.wait(queue)).unwrap_or_else(PoisonError::into_inner);
        }
        queue.led = true;
        drop(queue);
        let _lead = Lead(&self.shared);

        let taken = self.with_store(|store| {
            let mut asked = Vec::new();
            let answers = store.commit(|| {
                let waiting = std::mem::take(&mut held(&self.shared.queue).waiting);
                let (requests, all) = waiting
                    .into_iter()
                    .map(|one| (one.request, one.answer))
                    .unzip();
                asked = all;
                requests
            })?;
            for (asked, answer) in asked.iter().zip(answers) {
                *held(asked) = Some(answer);
            }
            Ok(())
        });
        if let Err(error) = taken {
            // Nobody shall carry out later what is reported as failed now.
            let mut queue = held(&self.shared.queue);
            queue
                .waiting
                .retain(|one| !Arc::ptr_eq(&one.answer, &answer));
            return Err(error);
        }
        held(&answer)
            .take()
            .unwrap_or_else(|| Err(self.shared.stopped()))
    }
}

/// The lead of a group: given up at the end, also by a panic, so that another one who waits can take it.
struct Lead<'a, R: Tracked>(&'a Shared<R>);

impl<R: Tracked> Drop for Lead<'_, R> {
    fn drop(&mut self) {
        held(&self.0.queue).led = false;
        self.0.answered.notify_all();
    }
}

impl<R: Tracked> Shared<R> {
    fn close(&self) -> Result<()> {
        let mut store = self.store.lock().map_err(|_| self.stopped())?;
        store.take().ok_or_else(|| self.stopped())?.close()
    }

    fn stopped(&self) -> Error {
        Error::Poisoned {
            path: self.path.clone(),
            cause: "it was closed, or a thread panicked in it".to_owned(),
        }
    }
}

impl<R: Tracked> Drop for Shared<R> {
    fn drop(&mut self) {
        // An error here leaves the journal, which the next one to open the ledger reads.
        let _ = self.close();
    }
}

impl<R: Tracked> Clone for Ledger<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<R: Tracked> fmt::Debug for Ledger<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

/// A lock whose holders only move values, so that a panic elsewhere cannot have left half a change in it.
fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file itself, whatever links lead to it, so that every process uses the same journal and lock.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf> {
    let failed = |path: &Path, source| Error::Io {
        action: "find",
        path: path.to_owned(),
        source,
    };
    if let Ok(found) = fs::canonicalize(path) {
        return Ok(found);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = path
        .file_name()
        .ok_or_else(|| failed(path, std::io::ErrorKind::InvalidFilename.into()))?;
    let folder = fs::canonicalize(folder).map_err(|source| failed(folder, source))?;
    Ok(folder.join(name))
}
