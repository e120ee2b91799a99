//! Transfers of any size, up and down: on an emulator, or on a real Swift.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its server has failed"
)]

mod bulk;
mod download;
mod folder;
mod large;
mod mixed;
mod orphans;
mod place;
mod settings;
mod upload;
