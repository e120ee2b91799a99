//! How objects are put into an account, and recorded if that was asked for.

use std::path::{Path, PathBuf};

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};
use ledger::What;
use swift_client::{Body, ContainerOptions, Error, GetOptions, Transfers, UploadOptions, Uploaded};

use crate::context::Context;
use crate::fetching::FOLDER_TYPE;
use crate::place::CloudPlace;
use crate::record::{Planned, Recorder};
use crate::settings::ledger_configured;

/// Puts objects into one account. Clones share its budget.
#[derive(Clone)]
pub(crate) struct Putter {
    pub(crate) transfers: Transfers,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) options: UploadOptions,
}

impl Putter {
    /// Makes sure that the container is there.
    pub(crate) async fn need_container(&self, container: &str) -> anyhow::Result<()> {
        self.container_with(container, ContainerOptions::default())
            .await
    }

    async fn container_with(
        &self,
        container: &str,
        options: ContainerOptions,
    ) -> anyhow::Result<()> {
        let client = self.transfers.client();
        match client.head_container(container).await {
            // One who may write there need not be allowed to look at it.
            Ok(_) | Err(Error::Forbidden(_)) => return Ok(()),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        match &self.recorder {
            Some(recorder) => {
                recorder
                    .create_container(client, container, &options)
                    .await?;
            }
            None => {
                client.put_container(container, &options).await?;
            }
        }
        Ok(())
    }

    /// Uploads a file, with its time in the metadata.
    pub(crate) async fn file(
        &self,
        place: &CloudPlace,
        path: &Path,
        bytes: u64,
        modified: Option<Timestamp>,
    ) -> anyhow::Result<Uploaded> {
        let mut options = self.options.clone();
        if let Some(modified) = modified {
            options.object.metadata.set_mtime(modified);
        }
        self.recorded(place, Some(bytes), options, async |options| {
            let (container, object) = (&place.container, &place.object);
            self.transfers
                .upload_file(container, object, path, options)
                .await
        })
        .await
    }

    /// Stores what stands for an empty folder.
    pub(crate) async fn folder(&self, place: &CloudPlace) -> anyhow::Result<Uploaded> {
        let mut options = self.options.clone();
        options.object.content_type = Some(FOLDER_TYPE.to_owned());
        self.recorded(place, Some(0), options, async |options| {
            let (container, object) = (&place.container, &place.object);
            self.transfers
                .upload(container, object, Body::empty(), options)
                .await
        })
        .await
    }

    /// Uploads what a body gives.
    pub(crate) async fn body(&self, place: &CloudPlace, body: Body) -> anyhow::Result<Uploaded> {
        let options = self.options.clone();
        self.recorded(place, body.length(), options, async |options| {
            let (container, object) = (&place.container, &place.object);
            self.transfers
                .upload(container, object, body, options)
                .await
        })
        .await
    }

    /// Uploads something of so many bytes, if that is known, and records what comes of it: the object, and beside it
    /// segments and the container that they are in.
    async fn recorded(
        &self,
        place: &CloudPlace,
        bytes: Option<u64>,
        mut options: UploadOptions,
        upload: impl AsyncFnOnce(&UploadOptions) -> Result<Uploaded, Error>,
    ) -> anyhow::Result<Uploaded> {
        let Some(recorder) = &self.recorder else {
            return Ok(upload(&options).await?);
        };
        recorder.mark(&mut options.object.metadata);
        recorder.mark(&mut options.segment_metadata);
        // The names of segments that expire have the time in them.
        if let Some(after) = options.object.delete_after.take() {
            let now = self.transfers.client().session().clock().now();
            let at = now.checked_add(SignedDuration::try_from(after)?)?;
            options.object.delete_at.get_or_insert(at);
        }
        let segments = self.plan_segments(recorder, place, bytes, &options).await?;
        let planned = recorder
            .plan(What::Object {
                container: place.container.clone(),
                object: place.object.clone(),
            })
            .await?;
        let uploaded = upload(&options).await?;
        let (client, etag) = (self.transfers.client(), uploaded.stored.etag.clone());
        let object = (place.container.as_str(), place.object.as_str());
        recorder
            .confirm_object(planned, client, object, etag)
            .await?;
        for planned in segments {
            if uploaded.segments == 0 {
                recorder.forget(planned).await?;
            } else {
                recorder.confirm(planned).await?;
            }
        }
        Ok(uploaded)
    }

    async fn plan_segments(
        &self,
        recorder: &Recorder,
        place: &CloudPlace,
        bytes: Option<u64>,
        options: &UploadOptions,
    ) -> anyhow::Result<Vec<Planned>> {
        let (container, object) = (&place.container, &place.object);
        let places = (self.transfers)
            .segment_places(container, object, bytes, options)
            .await?;
        let mut planned = Vec::with_capacity(places.len());
        for (number, (container, prefix)) in places.into_iter().enumerate() {
            if number == 0 {
                let beside = self.transfers.client().head_container(&place.container);
                let policy = ContainerOptions {
                    storage_policy: beside.await?.storage_policy,
                    ..ContainerOptions::default()
                };
                self.container_with(&container, policy).await?;
            }
            let segments = What::SegmentSet {
                container,
                prefix,
                manifest: Some(format!("{}/{object}", place.container)),
            };
            planned.push(recorder.plan(segments).await?);
        }
        Ok(planned)
    }

    /// Whether an object is there that an upload would refuse to replace.
    pub(crate) async fn must_not_be(&self, place: &CloudPlace) -> anyhow::Result<bool> {
        if !self.options.object.only_if_new {
            return Ok(false);
        }
        let client = self.transfers.client();
        let (container, object) = (&place.container, &place.object);
        let options = GetOptions::default();
        let head = client.head_object(container, object, &options);
        match head.await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Context {
    /// The ledger in which this command records what it makes, if that was asked for: by `--ledger`, by the variable, or in
    /// `clouds.yaml`.
    pub(crate) fn ledger(&self) -> anyhow::Result<Option<PathBuf>> {
        let path = match &self.global.ledger {
            Some(path) => Some(path.clone()),
            None => ledger_configured(&self.environment)?,
        };
        if path
            .as_ref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            bail!("the name of the ledger is empty");
        }
        Ok(path)
    }

    /// Whoever records what is made in this place's cloud, if that was asked for.
    pub(crate) async fn recorder(
        &self,
        verb: &str,
        place: &CloudPlace,
    ) -> anyhow::Result<Option<Recorder>> {
        let Some(path) = self.ledger()? else {
            return Ok(None);
        };
        let client = self.client(place)?;
        let cloud = self.cloud(place.cloud.as_deref())?;
        Ok(Some(Recorder::open(&path, verb, &cloud, &client).await?))
    }
}
