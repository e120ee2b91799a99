//! Where the tests run: an emulator of their own, or the cluster that `SWIFT_AUTH_URL`, `SWIFT_API_USER` and
//! `SWIFT_API_KEY` name.

use emulator::Emulator;
use futures_util::TryStreamExt;
use swift_client::{
    Client, ContainerOptions, Credentials, GetOptions, ListOptions, ObjectEntry, OldSegments,
    RetryPolicy, TransferSettings, Transfers,
};

/// A container of its own, and what else was made from its name.
pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) container: String,
    _emulator: Option<Emulator>,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (emulator, url, user, key) = if let Some(url) = variable("SWIFT_AUTH_URL") {
            let user = variable("SWIFT_API_USER").unwrap();
            (None, url, user, variable("SWIFT_API_KEY").unwrap())
        } else {
            let emulator = Emulator::builder().start().await.unwrap();
            let url = emulator.auth_url();
            (
                Some(emulator),
                url,
                "test:tester".to_owned(),
                "testing".to_owned(),
            )
        };
        let client = Client::builder(Credentials::temp_auth(url, user, key))
            .retry(RetryPolicy::default())
            .build()
            .unwrap();
        let container = format!("transfer-{}", uuid::Uuid::new_v4().simple());
        client
            .put_container(&container, &ContainerOptions::default())
            .await
            .unwrap();
        Self {
            client,
            container,
            _emulator: emulator,
        }
    }

    pub(crate) fn transfers(&self) -> Transfers {
        Transfers::new(&self.client, TransferSettings::default())
    }

    pub(crate) fn segment_container(&self) -> String {
        format!("{}_segments", self.container)
    }

    /// What is in the segment container; nothing if there is none.
    pub(crate) async fn segments(&self) -> Vec<ObjectEntry> {
        match self.list(&self.segment_container()).await {
            Ok(entries) => entries,
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn list(
        &self,
        container: &str,
    ) -> Result<Vec<ObjectEntry>, swift_client::Error> {
        self.client
            .list_objects(container, ListOptions::default())
            .try_filter_map(|entry| async move { Ok(entry.item()) })
            .try_collect()
            .await
    }

    pub(crate) async fn content(&self, object: &str) -> Vec<u8> {
        let options = GetOptions::default();
        let download = self.client.get_object(&self.container, object, &options);
        let content = download.await.unwrap().bytes(1 << 30).await.unwrap();
        content.to_vec()
    }

    /// Removes everything. A test that fails does not come here, and leaves its containers for who looks into it.
    pub(crate) async fn remove(&self) {
        let transfers = self.transfers();
        for container in [self.container.clone(), self.segment_container()] {
            match transfers
                .delete_container_with_objects(&container, OldSegments::Keep)
                .await
            {
                Ok(report) => assert!(report.failures.is_empty(), "{report:?}"),
                Err(error) => assert!(error.is_not_found(), "{error}"),
            }
        }
    }
}

/// Bytes that do not repeat within any segment of the tests.
pub(crate) fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}
