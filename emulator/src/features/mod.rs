//! Swift's middlewares, one in each file, none knowing another.

pub(crate) mod account_quotas;
pub(crate) mod bulk;
pub(crate) mod container_quotas;
pub(crate) mod cors;
pub(crate) mod gatekeeper;
pub(crate) mod healthcheck;
pub(crate) mod listing_formats;
pub(crate) mod tempauth;
pub(crate) mod tempurl;
