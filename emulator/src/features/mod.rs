//! Swift's middlewares, one in each file, none knowing another.

pub(crate) mod account_quotas;
pub(crate) mod bulk;
pub(crate) mod container_quotas;
pub(crate) mod copy;
pub(crate) mod cors;
pub(crate) mod crossdomain;
pub(crate) mod dlo;
pub(crate) mod domain_remap;
pub(crate) mod etag_quoter;
pub(crate) mod formpost;
pub(crate) mod gatekeeper;
pub(crate) mod healthcheck;
pub(crate) mod listing_formats;
pub(crate) mod object_versioning;
pub(crate) mod slo;
pub(crate) mod staticweb;
pub(crate) mod symlink;
pub(crate) mod tempauth;
pub(crate) mod tempurl;
pub(crate) mod versioned_writes;
