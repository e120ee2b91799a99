//! What runs many requests: uploads and downloads of any size, mass deletes, listings in parallel.

mod pace;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use pace::{Pace, Permit};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::file::CHUNK_BYTES;
use crate::{Capabilities, Client, ContainerOptions, Error};

/// What one streamed request holds in memory at most: the pieces between disk and network, those in the hands of
/// either side, and those that wait to be hashed.
pub(crate) const STREAM_BYTES: u64 = 7 * CHUNK_BYTES as u64;

/// The memory budget counts in units of so many bytes.
const UNIT_BYTES: u64 = 1 << 10;

/// How much transfers may use at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferSettings {
    /// Requests on their way at the same time, at most. The engine goes below this by itself when the server answers
    /// 429, 498 or 503, or when its answers become slow, and comes back later. Default 16.
    pub concurrency: usize,
    /// Memory for data, in bytes; at least 4 MiB. Default 32 MiB.
    ///
    /// The budget is hard and shared by all transfers of one [`Transfers`]: a transfer waits until its part is free.
    /// A file that is sent or received takes 1.75 MiB per request, whatever its size, since files are read by offset
    /// and again for a repetition; files up to 256 KiB take that much. A pipe takes whole segments, since what has
    /// been read from it cannot be read again; its segments are a quarter of the budget by default, so that one is
    /// filled while up to three are sent. Besides come about 0.2 MiB per connection, and one page of a listing (about
    /// 4 MiB) for each listing that runs.
    pub memory_bytes: u64,
    /// Segment size of large objects, in bytes. If not said: 64 MiB for what can be read again (more, if that would be
    /// too many segments), and a quarter of the memory budget, at most 16 MiB, for pipes.
    pub segment_bytes: Option<u64>,
}

impl Default for TransferSettings {
    fn default() -> Self {
        Self {
            concurrency: 16,
            memory_bytes: 32 << 20,
            segment_bytes: None,
        }
    }
}

impl TransferSettings {
    /// The least that works: room for a pipe's segment and a few streams.
    const LEAST_MEMORY: u64 = 4 << 20;

    /// The budget that holds.
    pub(crate) fn memory(&self) -> u64 {
        self.memory_bytes.max(Self::LEAST_MEMORY)
    }
}

/// Runs transfers of one account within one budget of memory and connections. Cheap to clone; clones share the budget.
///
/// Dropping the future of a call, or a stream that a call gave, stops everything it started: no task goes on, no object
/// is half there, and no file under its final name.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = emulator::Emulator::builder().start().await?;
/// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
/// # let client = swift_client::Client::builder(me).build()?;
/// use swift_client::{Body, ContainerOptions, DownloadOptions, TransferSettings, Transfers, UploadOptions};
///
/// client.put_container("backups", &ContainerOptions::default()).await?;
/// let transfers = Transfers::new(&client, TransferSettings::default());
///
/// let folder = tempfile::tempdir()?;
/// let (from, to) = (folder.path().join("from"), folder.path().join("to"));
/// std::fs::write(&from, vec![7; 3 << 20])?;
///
/// // Sent in segments of a mebibyte, in parallel, and joined by a manifest.
/// let options = UploadOptions { segment_bytes: Some(1 << 20), ..UploadOptions::default() };
/// let uploaded = transfers.upload_file("backups", "disk.img", &from, &options).await?;
/// assert_eq!((uploaded.bytes, uploaded.segments), (3 << 20, 3));
///
/// transfers.download_file("backups", "disk.img", &to, &DownloadOptions::default()).await?;
/// assert_eq!(std::fs::read(&from)?, std::fs::read(&to)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Transfers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    settings: TransferSettings,
    pace: Arc<Pace>,
    memory: Arc<Semaphore>,
    limits: OnceCell<Arc<Capabilities>>,
    /// Segment containers, and whether they are known to be there.
    segment_containers: Mutex<HashMap<String, Arc<OnceCell<bool>>>>,
}

impl Transfers {
    /// Transfers with a budget of their own.
    pub fn new(client: &Client, settings: TransferSettings) -> Self {
        let pace = Pace::new(settings.concurrency);
        let units = usize::try_from(settings.memory() / UNIT_BYTES).unwrap_or(usize::MAX);
        Self(Arc::new(Shared {
            client: client.paced(pace.clone()),
            settings,
            pace,
            memory: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            limits: OnceCell::new(),
            segment_containers: Mutex::default(),
        }))
    }

    /// The client whose requests these are.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// What was chosen.
    pub fn settings(&self) -> TransferSettings {
        self.0.settings
    }

    /// Waits for a turn to send. Memory is to be asked for before, never while a turn is held.
    pub(crate) async fn turn(&self) -> Permit {
        self.0.pace.turn().await
    }

    /// Waits until so much memory is free; what is more than all there is waits for all of it.
    pub(crate) async fn memory(&self, bytes: u64) -> OwnedSemaphorePermit {
        let units = bytes.min(self.0.settings.memory()).div_ceil(UNIT_BYTES);
        self.0
            .memory
            .clone()
            .acquire_many_owned(u32::try_from(units).unwrap_or(u32::MAX))
            .await
            .expect("the semaphore is never closed")
    }

    /// What the cloud allows; Swift's defaults on a cloud that does not tell.
    pub(crate) async fn limits(&self) -> Result<Arc<Capabilities>, Error> {
        let ask = || async {
            match self.client().capabilities().await {
                Ok(limits) => Ok(limits),
                Err(error) if matches!(error.status(), Some(status) if status.is_client_error()) => {
                    tracing::debug!(%error, "the cloud does not tell its limits");
                    Ok(Arc::default())
                }
                Err(error) => Err(error),
            }
        };
        self.0.limits.get_or_try_init(ask).await.cloned()
    }

    /// Whether a segment container is there. Asked once.
    pub(crate) async fn has_segment_container(&self, name: &str) -> Result<bool, Error> {
        let cell = self.segment_container(name);
        let ask = || async {
            let _turn = self.turn().await;
            match self.client().head_container(name).await {
                Ok(_) => Ok(true),
                Err(error) if error.is_not_found() => Ok(false),
                // Who may not look at it has no segments to clear away there.
                Err(Error::Forbidden(_)) => Ok(false),
                Err(error) => Err(error),
            }
        };
        cell.get_or_try_init(ask).await.copied()
    }

    /// Creates a segment container if it is not there, with the storage policy of the container it belongs to.
    pub(crate) async fn need_segment_container(
        &self,
        name: &str,
        container: &str,
    ) -> Result<(), Error> {
        if self.has_segment_container(name).await? {
            return Ok(());
        }
        let _turn = self.turn().await;
        let options = ContainerOptions {
            storage_policy: self
                .client()
                .head_container(container)
                .await?
                .storage_policy,
            ..ContainerOptions::default()
        };
        match self.client().put_container(name, &options).await {
            // 409: somebody else has just made it with another policy, which is as good.
            Ok(_) | Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        self.segment_containers()
            .insert(name.to_owned(), Arc::new(OnceCell::new_with(Some(true))));
        Ok(())
    }

    /// Deletes a segment container if nothing is left in it. That it stays is no error: it does no harm.
    pub(crate) async fn drop_segment_container(&self, name: &str) {
        self.segment_containers().remove(name);
        let _turn = self.turn().await;
        match self.client().delete_container(name).await {
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "the segment container stays"),
        }
    }

    fn segment_container(&self, name: &str) -> Arc<OnceCell<bool>> {
        self.segment_containers()
            .entry(name.to_owned())
            .or_default()
            .clone()
    }

    fn segment_containers(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<String, Arc<OnceCell<bool>>>> {
        self.0
            .segment_containers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
