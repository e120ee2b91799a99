//! Writes a snapshot: walks the state a page at a time, and holds no lock while it hands bytes on.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;

use super::frame::Writer;
use super::record::{ListingRecord, ObjectRecord, Record, from_headers};
use crate::core::Core;
use crate::store::{Account, Container, Object};
use crate::timestamp::Timestamp;

/// How many containers or objects are looked up at a time.
const PAGE: usize = 1000;

/// Writes the state of an emulator, that is of all its regions, to `sink`, which is given the file's bytes in order and may
/// take its time.
pub(crate) fn write(
    regions: &[Arc<Core>],
    sink: impl FnMut(Bytes) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = Writer::new(sink);
    // Clock and users are the same in all regions.
    if let Some(core) = regions.first() {
        writer.record(&Record::Start {
            clock: core.clock.setting(),
            taken: Timestamp::from(core.clock.now()).ticks(),
        })?;
        for record in core.identity.records() {
            writer.record(&Record::Identity(record))?;
        }
    }
    for core in regions {
        write_region(&mut writer, core)?;
    }
    writer.end()
}

fn write_region<S: FnMut(Bytes) -> io::Result<()>>(
    writer: &mut Writer<S>,
    core: &Core,
) -> io::Result<()> {
    writer.record(&Record::Region {
        name: core.regions.name().to_owned(),
    })?;
    for name in core.store.removed_account_names() {
        writer.record(&Record::RemovedAccount { name })?;
    }
    for name in core.store.account_names() {
        // It may have been removed since.
        if let Some(account) = core.store.account(&name) {
            write_account(writer, core, name, &account)?;
        }
    }
    for record in core.cdn.records() {
        writer.record(&Record::Cdn(record))?;
    }
    Ok(())
}

fn write_account<S: FnMut(Bytes) -> io::Result<()>>(
    writer: &mut Writer<S>,
    core: &Core,
    name: String,
    account: &Account,
) -> io::Result<()> {
    writer.record(&Record::Account {
        name,
        created: account.created.ticks(),
        metadata: from_headers(&**account.metadata()),
    })?;
    let mut last: Option<Box<str>> = None;
    loop {
        let page = account.containers_after(last.as_deref(), PAGE);
        for (name, container) in &page {
            write_container(writer, core, name, container)?;
        }
        match page.into_iter().next_back() {
            Some((name, _)) => last = Some(name),
            None => return Ok(()),
        }
    }
}

fn write_container<S: FnMut(Bytes) -> io::Result<()>>(
    writer: &mut Writer<S>,
    core: &Core,
    name: &str,
    container: &Container,
) -> io::Result<()> {
    let view = container.view(Timestamp::from(core.clock.now()));
    let policy = core.flavour.policies.get(container.policy);
    writer.record(&Record::Container {
        name: name.to_owned(),
        policy: policy.copied().unwrap_or_default().to_owned(),
        created: container.created.ticks(),
        changed: view.changed.ticks(),
        metadata: from_headers(&view.metadata),
    })?;
    let mut last: Option<CompactString> = None;
    loop {
        let page = container.objects_after(last.as_deref(), PAGE);
        for (name, object) in &page {
            write_object(writer, name, object)?;
        }
        match page.into_iter().next_back() {
            Some((name, _)) => last = Some(name),
            None => return Ok(()),
        }
    }
}

fn write_object<S: FnMut(Bytes) -> io::Result<()>>(
    writer: &mut Writer<S>,
    name: &str,
    object: &Object,
) -> io::Result<()> {
    writer.record(&Record::Object(ObjectRecord {
        name: name.to_owned(),
        created: object.created.ticks(),
        modified: object.modified.ticks(),
        content_type: object.content_type.as_bytes().to_vec(),
        etag: object.etag.to_string().into_bytes(),
        length: object.body.len(),
        delete_at: object.delete_at(),
        headers: from_headers(object.headers().iter().map(|(name, value)| (name, value))),
        listing: object.listing().map(|listing| ListingRecord {
            hash: listing.hash.clone(),
            bytes: listing.bytes,
            whole_bytes: listing.whole_bytes,
        }),
    }))?;
    for block in object.body.blocks() {
        writer.body(block?)?;
    }
    Ok(())
}
