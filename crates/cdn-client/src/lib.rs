//! A client for the Rackspace Cloud Files CDN.
//!
//! Containers of object storage are published, looked at and taken off through a [`CdnClient`], which shares session
//! and connections with the [`swift_client::Client`] it is made from. A [`Ttl`] outside the service's bounds cannot be
//! written down. On a cloud without a CDN every call is [`Error::NoCdn`].

mod container;
mod error;
mod list;
mod purge;
mod ttl;

pub use container::{CdnClient, CdnContainer, CdnUris};
pub use error::Error;
pub use list::ListOptions;
pub use ttl::{Ttl, TtlError};
