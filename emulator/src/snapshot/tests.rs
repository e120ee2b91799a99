//! What goes in comes out, and what is not whole does not come in.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::emulator::Emulator;
use crate::store::{Etag, Extra, ListingOverride, MediaType, Object, Stored};
use crate::timestamp::Timestamp;

fn emulator() -> Emulator {
    Emulator::builder().start_blocking().expect("it starts")
}

fn bytes_of(core: &Arc<Core>) -> Vec<u8> {
    let mut written = Vec::new();
    write::write(std::slice::from_ref(core), |bytes| {
        written.extend_from_slice(&bytes);
        Ok(())
    })
    .expect("a vector takes all");
    written
}

fn read(bytes: &[u8], core: &Arc<Core>) -> Result<State, SnapshotError> {
    read::read(bytes, std::slice::from_ref(core))
}

fn install(state: State, core: &Arc<Core>) {
    state.install(std::slice::from_ref(core));
}

/// An object by numbers: its name, size of its body, when it goes away, how many headers it has.
type AnyObject = (u8, usize, Option<u16>, usize);

/// Accounts, in them containers, in them objects.
type AnyState = Vec<Vec<Vec<AnyObject>>>;

fn header(at: usize) -> (HeaderName, HeaderValue) {
    let name = HeaderName::try_from(format!("x-object-meta-{at}")).expect("a name");
    // Not UTF-8, which headers need not be.
    (name, HeaderValue::from_bytes(b"v\xe9").expect("a value"))
}

fn object(of: &AnyObject) -> Object {
    let (_, size, delete_at, headers) = *of;
    let blocks = vec![b'x'; size];
    let blocks = blocks.chunks(700_000).map(Bytes::copy_from_slice).collect();
    Object {
        created: Timestamp::from_ticks(1_000),
        modified: Timestamp::from_ticks(2_000),
        content_type: MediaType::of("text/plain"),
        etag: Etag([7; 16]),
        body: Stored::from_chunks(blocks),
        extra: Extra::new(
            delete_at.map(u64::from),
            (0..headers).map(header).collect(),
            (size == 3).then(|| {
                Box::new(ListingOverride {
                    hash: "other".to_owned(),
                    bytes: 7,
                    whole_bytes: Some(9),
                })
            }),
        ),
    }
}

fn fill(core: &Core, state: &AnyState) {
    for (at, containers) in state.iter().enumerate() {
        let created = Timestamp::from_ticks(at as u64);
        let (account, _) = core.store.ensure_account(&format!("AUTH_{at}"), created);
        let Ok(()) = account.update([header(at)], |_| Ok::<_, Infallible>(()));
        for (at, objects) in containers.iter().enumerate() {
            let name = if at == 1 { "\0versions\0c" } else { "c" };
            let (container, _) = account
                .ensure_container(&format!("{name}{at}"), at % 2, created)
                .expect("there is room");
            let Ok(()) = container.update(created, [header(at)], |_| Ok::<_, Infallible>(()));
            for of in objects {
                let name = format!("é/{}", of.0);
                container
                    .put(&name, object(of), |_| Ok::<_, Infallible>(()))
                    .expect("the container is there");
            }
        }
    }
}

/// Everything in a store, in words.
fn told(core: &Core) -> String {
    let mut told = Vec::new();
    for account_name in core.store.account_names() {
        let account = core.store.account(&account_name).expect("it was listed");
        told.push(format!(
            "{account_name} {:?} {:?} {:?}",
            account.created,
            account.metadata(),
            account.totals(Timestamp::default())
        ));
        for (name, container) in account.containers_after(None, usize::MAX) {
            let view = container.view(Timestamp::default());
            told.push(format!(
                "{name} {} {:?} {view:?}",
                container.policy, container.created
            ));
            for (name, object) in container.objects_after(None, usize::MAX) {
                let blocks: Vec<Bytes> = object
                    .body
                    .blocks()
                    .map(|block| block.expect("it is in memory"))
                    .collect();
                let bytes = blocks.concat();
                let digest = crc32fast::hash(&bytes);
                let object = Object {
                    body: Stored::from_chunks(Vec::new()),
                    ..Object::clone(&object)
                };
                told.push(format!("{name} {digest} {object:?}"));
            }
        }
    }
    told.push(format!("removed: {:?}", core.store.removed_account_names()));
    told.push(format!("cdn: {:?}", core.cdn.records()));
    told.join("\n")
}

fn small_state(core: &Core) {
    fill(core, &vec![vec![vec![(1, 5, None, 1), (2, 0, Some(9), 0)]]]);
    core.store.ensure_account("gone", Timestamp::default());
    core.store.remove_account("gone");
    let mut saved = cdn::Saved::default();
    for record in [
        cdn::SavedRecord::Publication {
            account: "AUTH_0".to_owned(),
            container: "c0".to_owned(),
            enabled: true,
            ttl: 900,
            log_retention: true,
        },
        cdn::SavedRecord::Purges {
            account: "AUTH_0".to_owned(),
            day: 20_000,
            count: 3,
        },
        cdn::SavedRecord::LogLines {
            account: "AUTH_0".to_owned(),
            container: "c0".to_owned(),
            hour: 500_000_000,
            lines: "a line\n".to_owned(),
        },
    ] {
        saved.take(record).expect("it can be so");
    }
    core.cdn.restore(saved);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_was_written_is_read_back_the_same(
        state in proptest::collection::vec(
            proptest::collection::vec(
                proptest::collection::vec(
                    (any::<u8>(), prop_oneof![0_usize..10, Just(2_500_000)],
                     proptest::option::of(any::<u16>()), 0_usize..4),
                    0..6),
                0..3),
            0..3)
    ) {
        let (one, other) = (emulator(), emulator());
        fill(one.core(), &state);
        let written = bytes_of(one.core());
        small_state(other.core());
        let state = read(written.as_slice(), one.core()).expect("it is whole");
        install(state, other.core());
        prop_assert_eq!(told(other.core()), told(one.core()));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
        let emulator = emulator();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(tail);
        prop_assert!(read(bytes.as_slice(), emulator.core()).is_err());
    }
}

#[test]
fn the_cdn_and_removed_accounts_come_back() {
    let (one, other) = (emulator(), emulator());
    small_state(one.core());
    let written = bytes_of(one.core());
    let state = read(written.as_slice(), one.core()).expect("it is whole");
    install(state, other.core());
    assert_eq!(told(other.core()), told(one.core()));
    assert!(told(other.core()).contains("a line"));
    assert!(other.core().store.is_removed_account("gone"));
}

#[test]
fn a_snapshot_with_any_byte_changed_is_refused() {
    let emulator = emulator();
    small_state(emulator.core());
    let written = bytes_of(emulator.core());
    let core = emulator.core();
    assert!(read(written.as_slice(), core).is_ok());
    for at in 0..written.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = written.clone();
            damaged[at] ^= flip;
            let refused = read(damaged.as_slice(), core);
            assert!(refused.is_err(), "byte {at} changed by {flip:#04x}");
        }
    }
}

#[test]
fn a_snapshot_that_ends_anywhere_before_its_end_is_refused() {
    let emulator = emulator();
    small_state(emulator.core());
    let written = bytes_of(emulator.core());
    let core = emulator.core();
    for length in 0..written.len() {
        let error = read(&written[..length], core).expect_err("it is cut");
        match error {
            SnapshotError::NotASnapshot => assert!(length < 8),
            SnapshotError::Cut { at } => assert_eq!(at, length as u64),
            other => panic!("cut at {length}: {other}"),
        }
    }
    let mut longer = written;
    longer.push(0);
    let error = read(longer.as_slice(), core).expect_err("it goes on");
    assert!(error.to_string().contains("behind its end"), "{error}");
}

#[test]
fn frames_that_changed_places_are_refused() {
    let emulator = emulator();
    fill(emulator.core(), &vec![vec![], vec![]]);
    let written = bytes_of(emulator.core());
    // Both accounts have frames of one length, since their names have.
    let (head, rest) = written.split_at(written.len() - 9 - 2 * account_frame(&written));
    let (accounts, end) = rest.split_at(rest.len() - 9);
    let (first, second) = accounts.split_at(accounts.len() / 2);
    let swapped = [head, second, first, end].concat();
    assert_eq!(swapped.len(), written.len());
    let error = read(swapped.as_slice(), emulator.core()).expect_err("refused");
    assert!(error.to_string().contains("checksum"), "{error}");
}

/// How long the last record but one is as a frame, counted from the end of the file.
fn account_frame(written: &[u8]) -> usize {
    let mut at = MAGIC.len() + 4;
    let mut last = 0;
    while written[at] == b'R' {
        let length: [u8; 4] = written[at + 1..at + 5].try_into().expect("four bytes");
        last = 9 + u32::from_le_bytes(length) as usize;
        at += last;
    }
    last
}

#[test]
fn another_version_is_named_and_refused() {
    let emulator = emulator();
    let mut written = bytes_of(emulator.core());
    written[8] = 7;
    let error = read(written.as_slice(), emulator.core()).expect_err("refused");
    assert!(
        matches!(error, SnapshotError::UnknownVersion { found: 7 }),
        "{error}"
    );
}

#[test]
fn the_clock_stands_or_runs_as_it_did() {
    let (one, other) = (emulator(), emulator());
    one.clock().freeze();
    one.clock().advance(Duration::from_hours(1000));
    let written = bytes_of(one.core());
    let state = read(written.as_slice(), one.core()).expect("it is whole");
    install(state, other.core());
    assert!(other.clock().is_frozen());
    assert_eq!(other.clock().now(), one.clock().now());
}

#[test]
fn a_store_in_use_is_replaced_at_once() {
    let emulator = emulator();
    let core = emulator.core();
    small_state(core);
    let old = core.store.container("AUTH_0", "c0").expect("it is there");
    let empty = bytes_of(Emulator::core(&self::emulator()));
    let state = read(empty.as_slice(), core).expect("it is whole");
    install(state, core);
    assert!(core.store.account("AUTH_0").is_none());
    // Whoever still holds the container writes to one that nobody finds any more.
    let late = object(&(9, 1, None, 0));
    old.put("late", late, |_| Ok::<_, Infallible>(()))
        .expect("it still can be");
    assert!(core.store.container("AUTH_0", "c0").is_none());
}

#[test]
fn a_file_is_replaced_only_by_a_whole_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    std::fs::write(&path, "old").expect("written");
    let failed = write_whole(&path, |sink| {
        sink(Bytes::from_static(b"half"))?;
        Err(io::Error::other("no more"))
    });
    assert!(failed.is_err());
    assert_eq!(std::fs::read(&path).expect("it is there"), b"old");
    write_whole(&path, |sink| sink(Bytes::from_static(b"whole"))).expect("written");
    assert_eq!(std::fs::read(&path).expect("it is there"), b"whole");
    let left = std::fs::read_dir(folder.path()).expect("readable").count();
    assert_eq!(left, 1, "nothing is left beside it");
}
