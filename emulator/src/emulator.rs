//! A running emulator: start it, ask where it is, move its clock, drop it.

use std::fs::File;
use std::io::{self, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::Config;
use crate::core::{Core, Siblings};
use crate::deadlines::SeenUrls;
use crate::explain::FormerKeys;
use crate::faults::Faults;
use crate::flavour::SWIFT;
use crate::invalid::Invalid;
use crate::journal::{self, Filter, Journal, RecordedRequest, RequestFilter};
use crate::metrics;
use crate::patience;
use crate::region::{Region, Regions};
use crate::seed::{self, SeedError, Seeded};
use crate::server;
use crate::services::cdn::Cdn;
use crate::services::control::ControlToken;
use crate::services::identity::Identity;
use crate::snapshot::{self, SnapshotError};
use crate::store::{Memory, Spill, Store};

/// A Swift that runs on threads of its own until it is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let emulator = emulator::Emulator::builder().start().await?;
/// assert!(emulator.url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an emulator stops as soon as it is dropped"]
pub struct Emulator {
    url: String,
    address: SocketAddr,
    core: Arc<Core>,
    /// All regions; the first is the one that the fields above are of.
    regions: Vec<RunningRegion>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

/// A region of a running emulator: a listener of its own with a storage of its own.
#[derive(Debug)]
pub struct RunningRegion {
    name: String,
    url: String,
    address: SocketAddr,
    core: Arc<Core>,
}

/// How an emulator shall be.
#[derive(Clone, Debug)]
pub struct Builder {
    listen: SocketAddr,
    config: Config,
    strict_cdn: bool,
    threads: usize,
    control_token: Option<ControlToken>,
    debug_unauthorized: bool,
    max_memory: Option<u64>,
    spill_above: Option<u64>,
    spill_folder: Option<PathBuf>,
    restore: Option<PathBuf>,
    journal: usize,
    seeds: Vec<PathBuf>,
    client_timeout: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            config: Config::default(),
            strict_cdn: false,
            threads: 1,
            control_token: None,
            debug_unauthorized: false,
            max_memory: None,
            spill_above: None,
            spill_folder: None,
            restore: None,
            journal: journal::CAPACITY,
            seeds: Vec::new(),
            client_timeout: patience::CLIENT_TIMEOUT,
        }
    }
}

impl Builder {
    /// Where to listen. By default a free port of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Who may sign in, and in which regions. By default those of [`crate::defaults`], in one region.
    ///
    /// Where the first region says itself where it listens, it listens there.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Whether the CDN refuses a TTL out of bounds with 400 rather than move it to the bound, as the real one did.
    #[must_use]
    pub fn strict_cdn(mut self, strict: bool) -> Self {
        self.strict_cdn = strict;
        self
    }

    /// How many threads serve requests, at least one. By default one.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Whether a temporary URL that is refused with 401 is told why, in the header `X-Emulator-Cause`: what
    /// [`Emulator::explain`] says. By default answers are Swift's, which never tell.
    #[must_use]
    pub fn debug_unauthorized(mut self, debug: bool) -> Self {
        self.debug_unauthorized = debug;
        self
    }

    /// Opens the control surface, `/_emulator/`, to whoever shows this token as `Authorization: Bearer TOKEN`, and shuts it
    /// to everybody else. Without one it is open to this machine only. An empty token is none.
    #[must_use]
    pub fn control_token(mut self, token: &str) -> Self {
        self.control_token = ControlToken::new(token);
        self
    }

    /// How many bytes of memory all that is stored may take, object bodies and records together; by default any number.
    /// Beyond that, uploads are answered 507 and leave everything as it was.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = Some(bytes);
        self
    }

    /// Keeps the body of an object that is longer than so many bytes in a file instead of memory; by default none is.
    ///
    /// The file has no name, so it goes away with the object, and with the process however that ends.
    #[must_use]
    pub fn spill_above(mut self, bytes: u64) -> Self {
        self.spill_above = Some(bytes);
        self
    }

    /// The folder for these files; by default that of the system for temporary files, which on many systems is itself kept
    /// in memory.
    #[must_use]
    pub fn spill_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spill_folder = Some(folder.into());
        self
    }

    /// How long a client may leave the server waiting, by default a minute as in Swift (`client_timeout`): for the end of a
    /// request's head, counted from the answer before, for the next bytes of a body, which then is answered 408, or until it
    /// reads more of an answer. After that its connection is closed. It is real time, which the emulator's clock does not
    /// move.
    #[must_use]
    pub fn client_timeout(mut self, timeout: Duration) -> Self {
        self.client_timeout = timeout;
        self
    }

    /// Begins with the state in a snapshot, as [`Emulator::snapshot_to`] writes it, instead of with none.
    #[must_use]
    pub fn restore(mut self, path: impl Into<PathBuf>) -> Self {
        self.restore = Some(path.into());
        self
    }

    /// How many requests the journal keeps, the latest ones; by default 10,000. With 0 it keeps none, and requests are
    /// only counted. Each takes about 300 bytes and its path.
    #[must_use]
    pub fn journal(mut self, requests: usize) -> Self {
        self.journal = requests;
        self
    }

    /// Begins with the files in a folder, whose folders are containers; may be said several times, for several accounts.
    /// What it looks like is said at [`Emulator::seed`]. A snapshot, where there is one, is restored before.
    #[must_use]
    pub fn seed(mut self, folder: impl Into<PathBuf>) -> Self {
        self.seeds.push(folder.into());
        self
    }

    /// Starts the emulator; it answers as soon as this returns.
    ///
    /// # Errors
    /// When the address cannot be bound, the machine gives no thread, no file can be made in the folder for long bodies,
    /// or a snapshot or a folder to begin with is not what it should be: the message then begins with its path.
    #[expect(
        clippy::unused_async,
        reason = "starting may come to wait, on a snapshot for one; callers should not care"
    )]
    pub async fn start(self) -> io::Result<Emulator> {
        self.start_blocking()
    }

    /// The same for callers without a runtime.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub fn start_blocking(self) -> io::Result<Emulator> {
        let invalid = |problem| io::Error::new(io::ErrorKind::InvalidInput, problem);
        self.config.check().map_err(invalid)?;
        let identity = Arc::new(Identity::new(&self.config).map_err(invalid)?);
        let clock = Clock::system();
        let spill = self.spill()?;
        let memory = Arc::new(Memory::new(self.max_memory));
        let mut listeners = Vec::new();
        for (index, region) in self.config.regions.iter().enumerate() {
            let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let default = if index == 0 { self.listen } else { free };
            listeners.push(listen(region.listen.unwrap_or(default))?);
        }
        let named = self.config.regions.iter().zip(&listeners);
        let all: Arc<[Region]> = named
            .map(|(region, (_, address))| Region {
                name: region.name.clone(),
                port: address.port(),
            })
            .collect();
        let seen_urls = Arc::new(SeenUrls::default());
        let faults = Arc::new(Faults::default());
        let journal = Arc::new(Journal::new(self.journal, Arc::clone(&all)));
        let mut regions = Vec::new();
        let mut served = Vec::new();
        for (here, (listener, address)) in listeners.into_iter().enumerate() {
            let core = Arc::new(Core {
                flavour: SWIFT,
                clock: clock.clone(),
                store: Store::new(Arc::clone(&memory), spill.clone()),
                identity: Arc::clone(&identity),
                regions: Regions {
                    all: Arc::clone(&all),
                    here,
                },
                cdn: Cdn::new(self.strict_cdn),
                seen_urls: Arc::clone(&seen_urls),
                former_keys: FormerKeys::default(),
                debug_unauthorized: self.debug_unauthorized,
                siblings: Siblings::default(),
                faults: Arc::clone(&faults),
                journal: Arc::clone(&journal),
                client_timeout: self.client_timeout,
                control_token: self.control_token.clone(),
            });
            served.push((listener, Arc::clone(&core)));
            regions.push(RunningRegion {
                name: all[here].name.clone(),
                url: format!("http://{address}"),
                address,
                core,
            });
        }
        let cores: Vec<_> = regions.iter().map(|region| &region.core).collect();
        Siblings::introduce(&cores);
        if let Some(path) = &self.restore {
            let cores = all_cores(&regions);
            restore(&cores, path).map_err(|error| about(path, error))?;
        }
        for folder in &self.seeds {
            seed::seed(&regions[0].core, folder, None)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        let (stop, stopped) = watch::channel(false);
        let thread = spawn(self.threads, served, &stopped)?;
        Ok(Emulator {
            url: regions[0].url.clone(),
            address: regions[0].address,
            core: Arc::clone(&regions[0].core),
            regions,
            stop,
            threads: vec![thread],
        })
    }
}

/// Binds an address, and says which one it is where it has port 0.
fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let named = |error: io::Error| {
        let text = format!("cannot listen on {address}: {error}; name another address");
        io::Error::new(error.kind(), text)
    };
    let listener = TcpListener::bind(address).map_err(named)?;
    listener.set_nonblocking(true).map_err(named)?;
    let bound = listener.local_addr().map_err(named)?;
    Ok((listener, bound))
}

impl Builder {
    /// Where long bodies go; tried out, so that a folder that is not there shows now and not at the first upload.
    fn spill(&self) -> io::Result<Option<Spill>> {
        let Some(above) = self.spill_above else {
            return Ok(None);
        };
        let folder = self.spill_folder.clone().unwrap_or_else(std::env::temp_dir);
        tempfile::tempfile_in(&folder).map_err(|error| {
            let text = format!(
                "cannot make a file for long bodies in {}: {error}",
                folder.display()
            );
            io::Error::new(error.kind(), text)
        })?;
        Ok(Some(Spill { above, folder }))
    }
}

/// The states of all regions, the first one first.
fn all_cores(regions: &[RunningRegion]) -> Vec<Arc<Core>> {
    regions
        .iter()
        .map(|region| Arc::clone(&region.core))
        .collect()
}

fn restore(cores: &[Arc<Core>], path: &Path) -> Result<(), SnapshotError> {
    let file = BufReader::with_capacity(64 << 10, File::open(path)?);
    snapshot::read::read(file, cores)?.install(cores);
    Ok(())
}

/// An error that says which file it is about.
fn about(path: &Path, error: impl std::error::Error) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{}: {error}", path.display()),
    )
}

/// Runs the server on a thread of its own, so that it works below any runtime and beside none.
fn spawn(
    threads: usize,
    regions: Vec<(TcpListener, Arc<Core>)>,
    stopped: &watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let runtime = if threads > 1 {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()?
    } else {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
    };
    let mut servers = Vec::new();
    for (listener, core) in regions {
        let _entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        servers.push(server::serve(listener, core, stopped.clone()));
    }
    std::thread::Builder::new()
        .name("emulator".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                let servers: Vec<_> = servers.into_iter().map(tokio::spawn).collect();
                for server in servers {
                    // A panic of one region has been printed, and the others go on.
                    let _ = server.await;
                }
            });
            // Connections still open are cut: nobody is left to answer them.
            runtime.shutdown_background();
        })
}

impl Emulator {
    /// Settings to start from.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The state of the first region, for what is asked of the whole emulator.
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where TempAuth gives tokens: `http://127.0.0.1:PORT/auth/v1.0`.
    pub fn auth_url(&self) -> String {
        format!("{}/auth/v1.0", self.url)
    }

    /// Rackspace's identity service: `http://127.0.0.1:PORT/v2.0`.
    pub fn identity_url(&self) -> String {
        format!("{}/v2.0", self.url)
    }

    /// The control surface: `http://127.0.0.1:PORT/_emulator/`.
    pub fn control_url(&self) -> String {
        format!("{}/_emulator/", self.url)
    }

    /// All addresses, and the process's id, as one line of JSON: what programs print for those who wait for an emulator.
    pub fn ready(&self) -> String {
        let regions = self.regions.iter();
        let regions: serde_json::Map<_, _> = regions
            .map(|region| (region.name().to_owned(), region.url().into()))
            .collect();
        serde_json::json!({
            "ready": true,
            "url": self.url(),
            "auth_url": self.auth_url(),
            "identity_url": self.identity_url(),
            "control_url": self.control_url(),
            "regions": regions,
            "pid": std::process::id(),
        })
        .to_string()
    }

    /// A region by its name.
    pub fn region(&self, name: &str) -> Option<&RunningRegion> {
        self.regions.iter().find(|region| region.name == name)
    }

    /// All regions, the first being the one that the emulator's own addresses are of.
    pub fn regions(&self) -> &[RunningRegion] {
        &self.regions
    }

    /// The one clock that everything in this emulator goes by.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// How many bytes of memory all that is stored takes now, as [`Builder::max_memory`] counts them.
    pub fn memory_used(&self) -> u64 {
        self.core.store.memory_used()
    }

    /// Writes the whole state to a file, replacing one that is there only once all of it is on disk.
    ///
    /// What is in it, and what is not, is said where the format is: `snapshot/mod.rs`. An object that is written meanwhile
    /// is in it or is not, always whole. Blocks until it is done; the emulator goes on answering.
    ///
    /// # Errors
    /// When the file cannot be written. Whatever was at `path` is then still there.
    pub fn snapshot_to(&self, path: impl AsRef<Path>) -> Result<(), SnapshotError> {
        let cores = all_cores(&self.regions);
        snapshot::write_whole(path.as_ref(), |sink| snapshot::write::write(&cores, sink))?;
        Ok(())
    }

    /// Puts the state in a snapshot in the place of this emulator's, clock included: requests see the old one or the new
    /// one. Users keep their tokens. Blocks until it is done.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a whole snapshot that fits. The state then is as it was.
    pub fn restore(&self, path: impl AsRef<Path>) -> Result<(), SnapshotError> {
        restore(&all_cores(&self.regions), path.as_ref())
    }

    /// Takes a folder over into an account of the first region: folders in it become containers, files objects, and JSON
    /// files beside them say what else they are.
    ///
    /// ```text
    /// fixtures/
    ///   .account.json           {"account": "AUTH_test", "metadata": {…}, "temp_url_keys": ["…"]}
    ///   photos/
    ///     .container.json       {"metadata": {"Web-Index": "index.html"}, "read_acl": ".r:*", "write_acl": "…",
    ///                            "storage_policy": "silver", "temp_url_keys": ["…"],
    ///                            "cdn": {"enabled": true, "ttl": 900, "log_retention": false}}
    ///     cat.jpg
    ///     cat.jpg.meta.json     {"content_type": "image/jpeg", "metadata": {"Place": "home"},
    ///                            "headers": {"Content-Disposition": "inline"},
    ///                            "delete_at": "2026-12-24T18:00:00Z"} (or "delete_after": seconds)
    ///     2026/june/lake.jpg    the object `2026/june/lake.jpg`
    /// ```
    ///
    /// All of these files and their members may be missing. `account` goes before what `.account.json` says; where
    /// neither says anything it is `AUTH_test`. Blocks until it is done.
    ///
    /// # Errors
    /// When anything in the folder is wrong; the error names the file, and the member. Nothing is changed then.
    pub fn seed(
        &self,
        folder: impl AsRef<Path>,
        account: Option<&str>,
    ) -> Result<Seeded, SeedError> {
        seed::seed(&self.core, folder.as_ref(), account)
    }

    /// Stops answering. What is stored stays, to be written by [`Self::snapshot_to`] with nothing else going on.
    pub fn stop(&mut self) {
        self.stop.send_replace(true);
        for thread in self.threads.drain(..) {
            // A panic on that thread has been printed there.
            let _ = thread.join();
        }
    }

    /// What goes wrong on purpose.
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// The requests in the journal that match, in the order in which they ended. A request is there before its client has
    /// the last of the answer. Those to the control surface are not kept.
    ///
    /// ```
    /// use emulator::{Emulator, RequestFilter};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::builder().start_blocking()?;
    /// let uploads = RequestFilter { method: Some("PUT".to_owned()), ..RequestFilter::default() };
    /// assert!(emulator.requests(uploads)?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When a field of the filter makes no sense.
    pub fn requests(&self, filter: RequestFilter) -> Result<Vec<RecordedRequest>, Invalid> {
        Ok(self.core.journal.requests(&Filter::new(filter)?))
    }

    /// Forgets the requests in the journal; ids go on.
    pub fn clear_requests(&self) {
        self.core.journal.clear();
    }

    /// What has been counted, as Prometheus reads it: its text format 0.0.4.
    pub fn metrics(&self) -> String {
        metrics::text(&self.core)
    }

    /// Waits until the emulator stops by itself, which it never does: for a program that is nothing else.
    pub fn wait(mut self) {
        for thread in self.threads.drain(..) {
            // A panic on that thread has been printed there.
            let _ = thread.join();
        }
    }
}

impl RunningRegion {
    /// Its name in catalogs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where TempAuth gives tokens with this region's storage URL: `http://127.0.0.1:PORT/auth/v1.0`.
    pub fn auth_url(&self) -> String {
        format!("{}/auth/v1.0", self.url)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop();
    }
}
