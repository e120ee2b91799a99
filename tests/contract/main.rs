//! The contract: what every Swift does, as a client sees it over HTTP.
//!
//! One file per feature, named as the feature. Each test starts its own emulator in process; when `SWIFT_AUTH_URL`,
//! `SWIFT_API_USER` and `SWIFT_API_KEY` are set, the same tests run against that cluster instead. `target.rs` hides the
//! difference, `http.rs` speaks bare HTTP so that nothing is repaired on the way.
//!
//! Whatever is expected here has been seen on OpenStack Swift 2.38.3. Where the emulator differs, the emulator is wrong.

mod http;
mod in_process;
mod sign;
mod target;

mod account;
mod account_quotas;
mod acl;
mod bulk;
mod catch_errors;
mod conditional;
mod container;
mod container_quotas;
mod copy;
mod cors;
mod crossdomain;
mod dlo;
mod domain_remap;
mod etag_quoter;
mod expiry;
mod formpost;
mod gatekeeper;
mod healthcheck;
mod info;
mod listing_formats;
mod metadata;
mod name_check;
mod object;
mod object_versioning;
mod policies;
mod protocol;
mod range;
mod slo;
mod staticweb;
mod symlink;
mod tempauth;
mod tempurl;
mod versioned_writes;
