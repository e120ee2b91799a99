//! The keys that sign temporary URLs and upload forms (`get_tempurl_keys_from_metadata` in
//! `swift/common/middleware/tempurl.py`).

use signing::Key;

use crate::headers::find;
use crate::store::{Account, Container, Metadata, Store};

/// Up to two keys of an account, and up to two of one of its containers.
#[derive(Debug, Default)]
pub(crate) struct TempUrlKeys {
    pub(crate) account: Vec<Key>,
    pub(crate) container: Vec<Key>,
}

impl TempUrlKeys {
    /// The keys that are set now; none where there is no such account or container.
    pub(crate) fn of(store: &Store, account: &str, container: &str) -> Self {
        let of = |account: &Account| {
            let container = account.container(container);
            let of_container = container.map_or([None, None], |container| of_container(&container));
            Self {
                account: of_account(account).into_iter().flatten().collect(),
                container: of_container.into_iter().flatten().collect(),
            }
        };
        store.with_account(account, of).unwrap_or_default()
    }

    /// All of them, the account's first.
    pub(crate) fn all(&self) -> Vec<&Key> {
        self.account.iter().chain(&self.container).collect()
    }
}

/// The first and the second key of an account.
pub(crate) fn of_account(account: &Account) -> [Option<Key>; 2] {
    let metadata = account.metadata();
    [
        "x-account-meta-temp-url-key",
        "x-account-meta-temp-url-key-2",
    ]
    .map(|name| key(&metadata, name))
}

/// The first and the second key of a container.
pub(crate) fn of_container(container: &Container) -> [Option<Key>; 2] {
    let metadata = container.metadata();
    [
        "x-container-meta-temp-url-key",
        "x-container-meta-temp-url-key-2",
    ]
    .map(|name| key(&metadata, name))
}

fn key(metadata: &Metadata, name: &'static str) -> Option<Key> {
    find(metadata, name).map(|value| Key::new(value.as_bytes()))
}
