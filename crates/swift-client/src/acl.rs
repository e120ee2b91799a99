//! Access lists of containers.

use std::fmt;

/// Who may read or write a container, as `X-Container-Read` and `X-Container-Write` spell it
/// (`swift/common/middleware/acl.py`).
///
/// ```
/// use swift_client::{Acl, ContainerOptions};
///
/// let options = ContainerOptions {
///     read_acl: Some(Acl::new().everybody().listings().to_string()),
///     write_acl: Some(Acl::new().user("AUTH_friend", "alice").to_string()),
///     ..ContainerOptions::default()
/// };
/// assert_eq!(options.read_acl.as_deref(), Some(".r:*,.rlistings"));
/// assert_eq!(options.write_acl.as_deref(), Some("AUTH_friend:alice"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Acl(Vec<String>);

impl Acl {
    /// Nobody but the account's owners.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everybody, signed in or not, may read objects (`.r:*`).
    pub fn everybody(self) -> Self {
        self.with(".r:*")
    }

    /// Who follows a link from this host may read objects; with a dot before it, from hosts below it, too (`.r:host`).
    /// Browsers say where they come from as they like, so this is no protection.
    pub fn referrer(self, host: &str) -> Self {
        self.with(format!(".r:{host}"))
    }

    /// Who follows a link from this host may not, although others may (`.r:-host`).
    pub fn not_referrer(self, host: &str) -> Self {
        self.with(format!(".r:-{host}"))
    }

    /// Who may read by [`Acl::everybody`] or [`Acl::referrer`] may list, too (`.rlistings`).
    pub fn listings(self) -> Self {
        self.with(".rlistings")
    }

    /// One user of an account or project, each by name or id as the cloud's sign-in has it; `*` for any.
    pub fn user(self, account: &str, user: &str) -> Self {
        self.with(format!("{account}:{user}"))
    }

    /// Anything else, as the cloud spells it: a group, a role.
    pub fn with(mut self, entry: impl Into<String>) -> Self {
        self.0.push(entry.into());
        self
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}
