//! The keys that sign temporary URLs and upload forms (`get_tempurl_keys_from_metadata` in
//! `swift/common/middleware/tempurl.py`).

use http::HeaderValue;
use signing::Key;

use crate::store::{Account, Container, Store};

/// Up to two keys of an account, and up to two of one of its containers.
#[derive(Debug, Default)]
pub(crate) struct TempUrlKeys {
    pub(crate) account: Vec<Key>,
    pub(crate) container: Vec<Key>,
}

impl TempUrlKeys {
    /// The keys that are set now; none where there is no such account or container.
    pub(crate) fn of(store: &Store, account: &str, container: &str) -> Self {
        let of_container = store.container(account, container);
        let of_account = store.account(account);
        Self {
            account: of_account.map_or_else(Vec::new, |account| {
                keys([
                    account.metadata_value("x-account-meta-temp-url-key"),
                    account.metadata_value("x-account-meta-temp-url-key-2"),
                ])
            }),
            container: of_container.map_or_else(Vec::new, |container| {
                keys([
                    container.metadata_value("x-container-meta-temp-url-key"),
                    container.metadata_value("x-container-meta-temp-url-key-2"),
                ])
            }),
        }
    }

    /// All of them, the account's first.
    pub(crate) fn all(&self) -> Vec<&Key> {
        self.account.iter().chain(&self.container).collect()
    }
}

/// The first and the second key of an account.
pub(crate) fn of_account(account: &Account) -> [Option<Key>; 2] {
    [
        account.metadata_value("x-account-meta-temp-url-key"),
        account.metadata_value("x-account-meta-temp-url-key-2"),
    ]
    .map(|value| value.map(|value| Key::new(value.as_bytes())))
}

/// The first and the second key of a container.
pub(crate) fn of_container(container: &Container) -> [Option<Key>; 2] {
    [
        container.metadata_value("x-container-meta-temp-url-key"),
        container.metadata_value("x-container-meta-temp-url-key-2"),
    ]
    .map(|value| value.map(|value| Key::new(value.as_bytes())))
}

fn keys(values: [Option<HeaderValue>; 2]) -> Vec<Key> {
    values
        .into_iter()
        .flatten()
        .map(|value| Key::new(value.as_bytes()))
        .collect()
}
