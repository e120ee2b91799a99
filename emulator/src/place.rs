//! Where a request goes.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::path::{Path, Resource};
use crate::store::{Account, Container, Object, Store};

/// A path, and what was found there when somebody first looked.
///
/// All who handle a request see the same, however many they are, and only the first of them has to look for it. A request
/// on behalf of another looks for itself.
#[derive(Debug)]
pub(crate) struct Place {
    path: Path,
    account: OnceLock<Option<Arc<Account>>>,
    container: OnceLock<Option<Arc<Container>>>,
    object: OnceLock<Option<Arc<Object>>>,
}

impl Place {
    /// The account that the path names, or that of what it names.
    pub(crate) fn found_account(&self, store: &Store) -> Option<&Arc<Account>> {
        let found = self
            .account
            .get_or_init(|| store.account(self.path.named()?.account()));
        found.as_ref()
    }

    /// The container that the path names, or that of the object it names.
    pub(crate) fn found_container(&self, store: &Store) -> Option<&Arc<Container>> {
        let found = self.container.get_or_init(|| {
            let name = self.path.named().and_then(Resource::container)?;
            self.found_account(store)?.container(name)
        });
        found.as_ref()
    }

    /// The object that the path names, expired or not.
    pub(crate) fn found_object(&self, store: &Store) -> Option<&Arc<Object>> {
        let found = self.object.get_or_init(|| {
            let name = self.path.named().and_then(Resource::object)?;
            self.found_container(store)?.stored_object(name)
        });
        found.as_ref()
    }
}

impl From<Path> for Place {
    fn from(path: Path) -> Self {
        Self {
            path,
            account: OnceLock::new(),
            container: OnceLock::new(),
            object: OnceLock::new(),
        }
    }
}

impl Deref for Place {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}
