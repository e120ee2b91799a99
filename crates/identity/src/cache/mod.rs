//! Tokens that outlive the process.

mod files;

use std::fmt;

use jiff::Timestamp;

use crate::{Catalog, Secret};

pub use files::TokenFiles;

/// Keeps what a sign-in gave for the next process. See [`SessionBuilder::cache`](crate::SessionBuilder::cache).
///
/// A cache must not fail a sign-in: what cannot be kept is asked for again. So nothing here returns an error;
/// implementations log what went wrong, without the token.
///
/// Keys are SHA-256 digests, in hexadecimal, of all that the sign-in depended on: server, user, secret, scope, region.
pub trait TokenCache: fmt::Debug + Send + Sync {
    /// What was kept under a key. Whether it is still good is the caller's business.
    fn load(&self, key: &str) -> Option<CachedToken>;

    /// Keeps this in place of what was there.
    fn store(&self, key: &str, token: &CachedToken);

    /// Forgets what was kept.
    fn remove(&self, key: &str);
}

/// What is kept of a sign-in.
#[derive(Clone, Debug)]
pub struct CachedToken {
    /// The token.
    pub token: Secret,
    /// When it was given.
    pub issued_at: Timestamp,
    /// When it ends, as far as the cloud said.
    pub expires_at: Option<Timestamp>,
    /// Everything the cloud offers.
    pub catalog: Catalog,
}
