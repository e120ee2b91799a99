//! Signing in to Rackspace and OpenStack clouds: credentials, tokens, catalogs.
//!
//! [`Credentials`] say who asks and how; a [`Session`] turns them into [`Access`] (a token and the account's
//! addresses, chosen from the [`Catalog`] by region and [`Interface`]) and keeps that fresh, for the next process too
//! if it is given a [`TokenCache`]. [`HttpSettings`] say how servers are reached. Whatever goes wrong is an [`Error`]
//! that names what was tried and never a secret.
//!
//! ```no_run
//! # async fn example() -> Result<(), identity::Error> {
//! use identity::{Credentials, Session};
//!
//! let me = Credentials::temp_auth("http://127.0.0.1:8080/auth/v1.0", "test:tester", "testing");
//! let session = Session::builder(me).build()?;
//! let access = session.access().await?;
//! assert_eq!(access.storage_url.as_str(), "http://127.0.0.1:8080/v1/AUTH_test");
//! # Ok(())
//! # }
//! ```

mod authenticate;
mod cache;
mod catalog;
mod clock;
mod credentials;
mod error;
mod http_client;
mod secret;
mod session;

pub use cache::{CachedToken, TokenCache, TokenFiles};
pub use catalog::{Catalog, Endpoint, Interface, OBJECT_CDN, OBJECT_STORE};
pub use clock::Clock;
pub use credentials::{
    Credentials, Domain, Passcode, RACKSPACE_UK, RACKSPACE_US, Tenant, V3Method, V3Scope, V3User,
};
pub use error::{Error, Exchange};
pub use http_client::{ClientCertificate, HttpSettings, Proxy};
pub use secret::Secret;
pub use session::{Access, Session, SessionBuilder};
