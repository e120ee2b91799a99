//! Swift's middlewares, one in each file, none knowing another.

pub(crate) mod copy;
pub(crate) mod gatekeeper;
pub(crate) mod healthcheck;
pub(crate) mod listing_formats;
pub(crate) mod object_versioning;
pub(crate) mod symlink;
pub(crate) mod tempauth;
pub(crate) mod tempurl;
pub(crate) mod versioned_writes;
