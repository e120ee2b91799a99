//! Copies of objects from one place in a cloud to another: within an account by the cloud itself, else through here.

use futures_util::TryStreamExt;
use http::HeaderMap;
use ledger::What;
use swift_client::{
    Body, Client, CopyOptions, DeleteOptions, DownloadOptions, Metadata, ObjectInfo, ObjectOptions,
    OldSegments, Transfers, UploadOptions,
};

use crate::args::WrongUse;
use crate::place::CloudPlace;
use crate::putter::Putter;

/// The headers of an object that belong to it, besides its type and metadata. A POST takes them away unless it repeats
/// them.
const OWN_HEADERS: [&str; 7] = [
    "content-encoding",
    "content-disposition",
    "content-language",
    "cache-control",
    "expires",
    "x-delete-at",
    "x-robots-tag",
];

/// The headers that belong to an object.
pub(crate) fn own_headers(info: &ObjectInfo) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in OWN_HEADERS {
        if let Some(value) = info.headers.get(name) {
            headers.insert(name, value.clone());
        }
    }
    headers
}

/// Copies or moves objects from one account to one.
pub(crate) struct Copier {
    source: Transfers,
    putter: Putter,
    options: CopyOptions,
    /// Whether the originals go.
    moves: bool,
    same_account: bool,
}

impl Copier {
    pub(crate) async fn new(
        source: Transfers,
        putter: Putter,
        options: CopyOptions,
        moves: bool,
    ) -> anyhow::Result<Self> {
        let same_account = is_same_account(source.client(), putter.transfers.client()).await?;
        Ok(Self {
            source,
            putter,
            options,
            moves,
            same_account,
        })
    }

    pub(crate) fn source(&self) -> &Transfers {
        &self.source
    }

    pub(crate) fn putter(&self) -> &Putter {
        &self.putter
    }

    /// Whether the cloud copies by itself, so that nothing passes through here.
    pub(crate) fn is_within_account(&self) -> bool {
        self.same_account
    }

    /// Copies or moves an object. A link that is moved stays a link, one that is copied becomes what it points to.
    pub(crate) async fn copy(
        &self,
        from: &CloudPlace,
        is_link: bool,
        to: &CloudPlace,
    ) -> anyhow::Result<()> {
        if self.same_account {
            self.within_account(from.only_object()?, is_link, to.only_object()?)
                .await
        } else {
            self.between_accounts(from.only_object()?, to).await
        }
    }

    async fn within_account(
        &self,
        source: (&str, &str),
        is_link: bool,
        target: (&str, &str),
    ) -> anyhow::Result<()> {
        if source == target {
            return Err(WrongUse::new("it is the same place").into());
        }
        let mut options = self.options.clone();
        options.symlink = self.moves && is_link;
        match &self.putter.recorder {
            None => {
                let copy = self.source.copy_object(source, target, &options);
                copy.await?;
            }
            Some(recorder) => {
                let planned = recorder
                    .plan(What::Object {
                        container: target.0.to_owned(),
                        object: target.1.to_owned(),
                    })
                    .await?;
                recorder.mark(&mut options.object.metadata);
                let copied = self.source.copy_object(source, target, &options).await?;
                let client = self.source.client();
                recorder
                    .confirm_object(planned, client, target, copied.etag)
                    .await?;
            }
        }
        if self.moves {
            // The copy stands on the same segments: only the manifest goes.
            let options = DeleteOptions::default();
            let client = self.source.client();
            client.delete_object(source.0, source.1, &options).await?;
        }
        Ok(())
    }

    async fn between_accounts(&self, source: (&str, &str), to: &CloudPlace) -> anyhow::Result<()> {
        let download = self
            .source
            .download(source.0, source.1, &DownloadOptions::default())
            .await?;
        let info = &download.info;
        let mut metadata = if self.options.fresh_metadata {
            Metadata::new()
        } else {
            info.metadata.clone()
        };
        for (name, value) in self.options.object.metadata.iter() {
            metadata.insert(name, value);
        }
        let mut headers = own_headers(info);
        headers.extend(self.options.object.headers.clone());
        let putter = Putter {
            transfers: self.putter.transfers.clone(),
            recorder: self.putter.recorder.clone(),
            options: UploadOptions {
                object: ObjectOptions {
                    content_type: info.content_type.clone(),
                    metadata,
                    headers,
                    ..ObjectOptions::default()
                },
                ..self.putter.options.clone()
            },
        };
        let length = download.length;
        let content = download.map_err(std::io::Error::other);
        putter.body(to, Body::stream(content, length)).await?;
        if self.moves {
            self.source
                .delete_object(source.0, source.1, OldSegments::Remove)
                .await?;
        }
        Ok(())
    }
}

/// Whether two clients work on the same account, whatever their clouds are called.
async fn is_same_account(one: &Client, other: &Client) -> anyhow::Result<bool> {
    let one = one.session().access().await?;
    let other = other.session().access().await?;
    Ok(one.storage_url == other.storage_url)
}
