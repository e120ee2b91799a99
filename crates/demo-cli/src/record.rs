//! Recording what is made, before it is made, so that `cloudfiles cleanup` finds it whatever happens in between.
//!
//! The order is always the same: the intent goes to disk, the request goes out with the id of the run in the metadata of
//! what it makes, the outcome goes to disk. After a crash anywhere in between, the ledger holds an intent that the server
//! can be asked about.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use identity::Clock;
use ledger::{Entry, EntryId, Identity, Ledger, Resource, What};
use signing::Key;
use swift_client::{Client, ContainerOptions, Created, KeySlot, Metadata};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::removal::{self, fingerprint};
use crate::settings::Cloud;

/// The metadata item that holds the id of the run: `X-Container-Meta-Run-Id`, `X-Object-Meta-Run-Id`.
pub(crate) const RUN_ID: &str = "run-id";

/// Records what one run of the program makes in one account. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Inner>);

struct Inner {
    ledger: Ledger,
    run: String,
    cloud: String,
    region: Option<String>,
    account: String,
    clock: Clock,
    /// Held by who creates a container.
    creating: Mutex<()>,
}

/// An intent that is on disk. What became of it is said with [`Recorder::confirm`] or [`Recorder::forget`]; if neither
/// is, a clean-up asks the server.
#[derive(Clone, Copy, Debug)]
#[must_use = "an intent whose outcome nobody records has to be settled by a clean-up"]
pub(crate) struct Planned(EntryId);

impl Recorder {
    /// For a run whose id starts with `verb`, in the ledger at `path`, which is created with its folder if there is none.
    pub(crate) async fn open(
        path: &Path,
        verb: &str,
        cloud: &Cloud,
        client: &Client,
    ) -> anyhow::Result<Self> {
        let ledger = open_ledger(path)?;
        let account = account_of(client)
            .await
            .with_context(|| format!("signing in to the cloud {}", cloud.name))?;
        Ok(Self(Arc::new(Inner {
            ledger,
            run: run_id(verb),
            cloud: cloud.name.clone(),
            region: cloud.region.clone(),
            account,
            clock: client.session().clock().clone(),
            creating: Mutex::default(),
        })))
    }

    /// For an account that is about to be made in the emulator at `url`. Nobody else has an account of its name: the id
    /// of the run is in it, and is the name of the project.
    pub(crate) fn of_new_account(path: &Path, url: &str) -> anyhow::Result<Self> {
        let run = run_id("account");
        Ok(Self(Arc::new(Inner {
            ledger: open_ledger(path)?,
            account: format!("AUTH_{run}"),
            run,
            cloud: url.to_owned(),
            region: None,
            clock: Clock::system(),
            creating: Mutex::default(),
        })))
    }

    /// The id of the run, which all it makes carries.
    pub(crate) fn run(&self) -> &str {
        &self.0.run
    }

    /// The account in which things are made.
    pub(crate) fn account(&self) -> &str {
        &self.0.account
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// Adds the id of the run to what is about to be made.
    pub(crate) fn mark(&self, metadata: &mut Metadata) {
        metadata.insert(RUN_ID, self.run());
    }

    /// Records that something is about to be made. Now is the time to send the request.
    pub(crate) async fn plan(&self, what: What) -> anyhow::Result<Planned> {
        let resource = Resource {
            cloud: self.0.cloud.clone(),
            region: self.0.region.clone(),
            account: self.0.account.clone(),
            what,
        };
        let now = self.0.clock.now();
        self.write(move |inner| inner.ledger.plan(&inner.run, resource, now))
            .await
            .map(Planned)
    }

    /// Records that it was made.
    pub(crate) async fn confirm(&self, planned: Planned) -> anyhow::Result<()> {
        self.confirm_as(planned, Identity::default()).await
    }

    /// Records that an object was made, and how it will be known again. `etag` is what the answer said of it, without
    /// quotes. The answer to a PUT tells no `X-Timestamp`, and of a large object another `ETag` than is told later: so
    /// the server is asked. What it does not tell is not recorded.
    pub(crate) async fn confirm_object(
        &self,
        planned: Planned,
        client: &Client,
        (container, object): (&str, &str),
        etag: Option<String>,
    ) -> anyhow::Result<()> {
        let told = Identity {
            etag,
            ..Identity::default()
        };
        let seen = removal::identity_of_object(client, container, object, self.run()).await;
        let identity = match seen {
            Some((true, seen)) => seen,
            // A plain object with another ETag is not the one that was made: somebody was faster.
            Some((false, seen)) if seen.etag == told.etag => seen,
            _ => told,
        };
        self.confirm_as(planned, identity).await
    }

    async fn confirm_as(&self, planned: Planned, identity: Identity) -> anyhow::Result<()> {
        self.write(move |inner| {
            let identity = Identity {
                run: Some(inner.run.clone()),
                ..identity
            };
            inner.ledger.confirm(planned.0, identity)
        })
        .await
    }

    /// Records that it was not made, or that it is gone again.
    pub(crate) async fn forget(&self, planned: Planned) -> anyhow::Result<()> {
        self.write(move |inner| inner.ledger.forget(planned.0))
            .await
    }

    /// Creates a container, and records it if it is new. One that is there already is somebody else's: it takes the
    /// settings as any PUT would have it, but neither the id of the run nor a place in the ledger.
    pub(crate) async fn create_container(
        &self,
        client: &Client,
        container: &str,
        options: &ContainerOptions,
    ) -> anyhow::Result<Created> {
        // Two at once would both find it missing, and the second would take the mark off what the first has made.
        let _turn = self.0.creating.lock().await;
        match client.head_container(container).await {
            Ok(_) => return Ok(client.put_container(container, options).await?),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        let planned = self
            .plan(What::Container {
                container: container.to_owned(),
            })
            .await?;
        let mut marked = options.clone();
        self.mark(&mut marked.metadata);
        let created = client.put_container(container, &marked).await?;
        if created == Created::Existed {
            // Somebody was faster, and now it bears a mark that would make it ours.
            let unmark = ContainerOptions {
                remove_metadata: vec![RUN_ID.to_owned()],
                ..ContainerOptions::default()
            };
            client.post_container(container, &unmark).await?;
            self.forget(planned).await?;
        } else {
            let seen = removal::identity_of_container(client, container, self.run()).await;
            self.confirm_as(planned, seen.unwrap_or_default()).await?;
        }
        Ok(created)
    }

    /// Records that a temp-URL key is about to be set where `former` is, which a clean-up puts back.
    pub(crate) async fn plan_key(
        &self,
        container: Option<&str>,
        slot: KeySlot,
        former: Option<&Key>,
        key: &Key,
    ) -> anyhow::Result<Planned> {
        let former = former
            .map(|former| std::str::from_utf8(former.expose()).map(ledger::Secret::new))
            .transpose()
            .context(
                "the temp-URL key that is set is not text, so that it could not be put back",
            )?;
        self.plan(What::TempUrlKey {
            container: container.map(str::to_owned),
            slot: match slot {
                KeySlot::One => ledger::KeySlot::First,
                KeySlot::Two => ledger::KeySlot::Second,
            },
            fingerprint: fingerprint(key),
            former,
        })
        .await
    }

    /// What this run has made and not removed, oldest first.
    pub(crate) fn leftovers(&self) -> Result<Vec<Entry<Resource>>, ledger::Error> {
        (self.ledger()).leftovers(|entry| entry.run == self.run())
    }

    /// Writes through the runtime's blocking threads, so that many intents share one wait for the disk.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, ledger::Error> + Send + 'static,
    ) -> anyhow::Result<T> {
        let inner = Arc::clone(&self.0);
        Ok(tokio::task::spawn_blocking(move || work(&inner)).await??)
    }
}

/// Opens the ledger at `path`, which is created with its folder if there is none.
fn open_ledger(path: &Path) -> anyhow::Result<Ledger> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(Ledger::open(path)?)
}

/// An id that no other run has.
fn run_id(verb: &str) -> String {
    format!("{verb}-{}", &Uuid::new_v4().simple().to_string()[..8])
}

/// The account a client works on: the last part of its storage URL.
pub(crate) async fn account_of(client: &Client) -> anyhow::Result<String> {
    let access = client.session().access().await?;
    let path = access.storage_url.path().trim_end_matches('/');
    Ok(path.rsplit('/').next().unwrap_or_default().to_owned())
}
