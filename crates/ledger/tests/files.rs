//! What a ledger's files look like, and what becomes of them when they are cut, changed, or of another version.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};

use ledger::{
    Entry, Error, Identity, KeySlot, Ledger, Place, Resource, Secret, State, Timestamp, What,
    salvage,
};
use tempfile::TempDir;

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn resource(what: What) -> Resource {
    Resource {
        cloud: "offline".into(),
        region: Some("DFW".into()),
        account: "AUTH_test".into(),
        what,
    }
}

fn object(name: &str) -> Resource {
    resource(What::Object {
        container: "python-demo".into(),
        object: name.into(),
    })
}

fn identity(etag: &str) -> Identity {
    Identity {
        etag: Some(etag.into()),
        timestamp: None,
        run: Some("run-1".into()),
    }
}

/// One of each kind, in several states.
fn fill(ledger: &Ledger) {
    let whats = [
        What::Account,
        What::Container {
            container: "python-demo".into(),
        },
        What::Object {
            container: "python-demo".into(),
            object: "a \"quoted\" {name}, \\ ü\n.png".into(),
        },
        What::SegmentSet {
            container: "python-demo_segments".into(),
            prefix: "big/1/".into(),
            manifest: Some("python-demo/big/1".into()),
        },
        What::TempUrlKey {
            container: None,
            slot: KeySlot::Second,
            fingerprint: "ab12".into(),
            former: Some(Secret::new("hush-hush")),
        },
        What::CdnPublication {
            container: "python-demo".into(),
        },
    ];
    let ids = ledger
        .plan_many("run-1", whats.map(resource).to_vec(), now())
        .unwrap();
    ledger.confirm(ids[1], identity("1")).unwrap();
    ledger.confirm(ids[2], identity("2")).unwrap();
    ledger.deleting(ids[2]).unwrap();
    ledger.keep(ids[1], "409 Conflict").unwrap();
    ledger.forget(ids[3]).unwrap();
}

struct Files {
    folder: TempDir,
    path: PathBuf,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.json");
        Self { folder, path }
    }

    fn open(&self) -> Result<Ledger, Error> {
        Ledger::open(&self.path)
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("ledger.json.journal")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The files as a crash leaves them: a document of three entries, and a journal that does more.
    fn crashed() -> (Self, Vec<u8>, Vec<u8>) {
        let files = Self::new();
        let ledger = files.open().unwrap();
        ledger
            .plan_many("run-0", vec![object("0"), object("1"), object("2")], now())
            .unwrap();
        ledger.close().unwrap();
        let ledger = files.open().unwrap();
        fill(&ledger);
        let (document, journal) = (
            fs::read(&files.path).unwrap(),
            fs::read(files.journal()).unwrap(),
        );
        drop(ledger);
        (files, document, journal)
    }

    fn put(&self, document: &[u8], journal: &[u8]) {
        fs::write(&self.path, document).unwrap();
        fs::write(self.journal(), journal).unwrap();
    }
}

fn entries(files: &Files) -> Result<Vec<Entry<Resource>>, Error> {
    files.open()?.entries()
}

#[test]
fn leaves_a_document_a_person_can_read_and_nothing_else() {
    let files = Files::new();
    let ledger = files.open().unwrap();
    let id = ledger.plan("run-1", object("logo.png"), now()).unwrap();
    ledger
        .confirm(id, identity("d41d8cd98f00b204e9800998ecf8427e"))
        .unwrap();
    ledger
        .plan(
            "run-1",
            resource(What::Container {
                container: "other".into(),
            }),
            now(),
        )
        .unwrap();
    ledger.close().unwrap();
    assert_eq!(files.names(), ["ledger.json"]);
    assert_eq!(
        fs::read_to_string(&files.path).unwrap(),
        r#"{
  "format": "resource-ledger",
  "version": 2,
  "generation": 2,
  "next_id": 3,
  "entries": [
    {
      "id": 1,
      "state": "confirmed",
      "run": "run-1",
      "planned_at": "2026-01-01T12:00:00Z",
      "resource": {
        "kind": "object",
        "cloud": "offline",
        "region": "DFW",
        "account": "AUTH_test",
        "container": "python-demo",
        "object": "logo.png"
      },
      "identity": {
        "etag": "d41d8cd98f00b204e9800998ecf8427e",
        "run": "run-1"
      },
      "crc32": "14c9a8c3"
    },
    {
      "id": 2,
      "state": "planned",
      "run": "run-1",
      "planned_at": "2026-01-01T12:00:00Z",
      "resource": {
        "kind": "container",
        "cloud": "offline",
        "region": "DFW",
        "account": "AUTH_test",
        "container": "other"
      },
      "crc32": "d8c9a7e4"
    }
  ],
  "crc32": "6f37245f"
}
"#
    );
}

#[test]
fn gives_back_every_kind_as_it_was_recorded() {
    let files = Files::new();
    let ledger = files.open().unwrap();
    fill(&ledger);
    let recorded = ledger.entries().unwrap();
    assert_eq!(recorded.len(), 5);
    let states: Vec<_> = recorded.iter().map(|entry| entry.state).collect();
    assert_eq!(
        states,
        [
            State::Planned,
            State::Confirmed,
            State::Deleting,
            State::Planned,
            State::Planned
        ]
    );
    assert_eq!(recorded[1].reason.as_deref(), Some("409 Conflict"));
    // Another handle reads them from the journal, and after the last one is closed from the document.
    assert_eq!(entries(&files).unwrap(), recorded);
    drop(ledger);
    assert_eq!(files.names(), ["ledger.json"]);
    assert_eq!(entries(&files).unwrap(), recorded);
}

#[test]
fn reads_a_document_that_was_indented_otherwise() {
    let (files, document, _) = Files::crashed();
    let before = entries(&files).unwrap();
    let text = fs::read_to_string(&files.path).unwrap();
    let flat: String = text.lines().map(str::trim).collect();
    fs::write(&files.path, flat).unwrap();
    assert_eq!(entries(&files).unwrap(), before);
    assert!(!document.is_empty());
}

#[test]
fn refuses_a_document_with_any_byte_changed() {
    let (files, document, _) = Files::crashed();
    files.put(&document, b"");
    let before = entries(&files).unwrap();
    for at in 0..document.len() {
        for change in [
            0x01 << (at % 8),
            document[at],
            document[at] ^ b'1',
            document[at] ^ b'\n',
        ] {
            let mut changed = document.clone();
            changed[at] ^= change;
            if changed == document {
                continue;
            }
            fs::write(&files.path, &changed).unwrap();
            match entries(&files) {
                // White space between tokens has no meaning.
                Ok(entries) => {
                    assert_eq!(entries, before);
                    assert!(
                        document[at].is_ascii_whitespace(),
                        "byte {at}: {:?} was accepted",
                        changed[at] as char
                    );
                    continue;
                }
                Err(Error::Damaged { path, .. } | Error::UnknownVersion { path, .. }) => {
                    assert_eq!(path, files.path);
                }
                Err(other) => panic!("{other}"),
            }
            assert_eq!(
                fs::read(&files.path).unwrap(),
                changed,
                "it is left untouched"
            );
        }
    }
}

#[test]
fn refuses_a_document_cut_anywhere() {
    let (files, document, _) = Files::crashed();
    let _ = fs::remove_file(files.journal());
    for length in 0..document.len() - 1 {
        fs::write(&files.path, &document[..length]).unwrap();
        let error = entries(&files).unwrap_err();
        assert!(
            matches!(error, Error::Damaged { .. }),
            "cut at {length}: {error}"
        );
        assert_eq!(
            fs::read(&files.path).unwrap(),
            &document[..length],
            "it is left untouched"
        );
    }
}

#[test]
fn refuses_a_journal_with_any_byte_changed() {
    let (files, document, journal) = Files::crashed();
    let before = entries(&files).unwrap();
    for at in 0..journal.len() {
        for change in [
            0x01 << (at % 8),
            journal[at],
            journal[at] ^ b'0',
            journal[at] ^ b'\n',
        ] {
            let mut changed = journal.clone();
            changed[at] ^= change;
            if changed == journal {
                continue;
            }
            files.put(&document, &changed);
            match entries(&files) {
                // The last line feed, turned into what a power cut leaves behind a record: nothing is lost.
                Ok(entries) if at + 1 == journal.len() => assert_eq!(entries, before),
                Ok(_) => panic!("byte {at}: {:?} was accepted", changed[at] as char),
                Err(error) => {
                    assert!(matches!(error, Error::Damaged { .. }), "{error}");
                    assert_eq!(
                        fs::read(files.journal()).unwrap(),
                        changed,
                        "it is left untouched"
                    );
                    assert_eq!(
                        fs::read(&files.path).unwrap(),
                        document,
                        "it is left untouched"
                    );
                }
            }
        }
    }
}

#[test]
fn takes_a_record_cut_by_a_crash_as_never_written() {
    let (files, document, journal) = Files::crashed();
    let ends: Vec<_> = journal
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at)
        .collect();
    // The entries after each whole record; the header is none.
    let mut expected = Vec::new();
    for end in &ends {
        files.put(&document, &journal[..=*end]);
        expected.push(entries(&files).unwrap());
    }
    assert!(
        expected.windows(2).all(|pair| pair[0] != pair[1]),
        "each record changes something"
    );
    for length in 0..=journal.len() {
        let whole = ends.iter().filter(|end| length >= **end).count().max(1);
        let zeros = [0, 1, 700][length % 3];
        let mut cut = journal[..length].to_vec();
        cut.resize(length + zeros, 0);
        files.put(&document, &cut);
        assert_eq!(
            entries(&files).unwrap(),
            expected[whole - 1],
            "cut at {length}"
        );
        assert_eq!(
            files.names(),
            ["ledger.json"],
            "the cut is not left for others to write behind"
        );
    }
}

#[test]
fn names_file_place_and_cause_of_damage() {
    let (files, document, journal) = Files::crashed();
    let text = String::from_utf8(document.clone()).unwrap();
    let place = |error: Error| match error {
        Error::Damaged { path, place, cause } => (path, place, cause),
        other => panic!("{other}"),
    };

    fs::write(
        &files.path,
        text.replace("\"object\": \"1\"", "\"object\": \"7\""),
    )
    .unwrap();
    let error = entries(&files).unwrap_err();
    let message = error.to_string();
    assert!(
        message.ends_with(
            "ledger.json is damaged at entry 2 (line 22): its checksum does not match its content"
        ),
        "{message}"
    );

    fs::write(
        &files.path,
        text.replace("\"next_id\": 4", "\"next_id\": 9"),
    )
    .unwrap();
    assert_eq!(
        place(entries(&files).unwrap_err()).1,
        Place::Text { line: 1, column: 1 }
    );

    fs::write(&files.path, text.replace("\"planned\"", "\"planed\"")).unwrap();
    let (path, at, cause) = place(entries(&files).unwrap_err());
    assert_eq!(
        (path, at),
        (
            files.path.clone(),
            Place::Text {
                line: 9,
                column: 23
            }
        )
    );
    assert!(cause.contains("unknown variant"), "{cause}");

    fs::write(&files.path, "not a ledger").unwrap();
    assert_eq!(
        place(entries(&files).unwrap_err()).1,
        Place::Text { line: 1, column: 2 }
    );

    let second = journal.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut changed = journal.clone();
    changed[second + 30] ^= 1;
    files.put(&document, &changed);
    let (path, at, _) = place(entries(&files).unwrap_err());
    assert_eq!(
        (path, at),
        (
            files.journal(),
            Place::Record {
                number: 1,
                byte: second as u64
            }
        )
    );
}

#[test]
fn refuses_a_journal_without_its_document() {
    let (files, document, journal) = Files::crashed();
    files.put(&document, &journal);
    fs::remove_file(&files.path).unwrap();
    assert!(matches!(
        files.open(),
        Err(Error::Io { action: "find", .. })
    ));
    assert_eq!(fs::read(files.journal()).unwrap(), journal);
}

#[test]
fn refuses_a_document_older_than_its_journal() {
    let (files, document, journal) = Files::crashed();
    let older = Files::new();
    older.open().unwrap().close().unwrap();
    files.put(&fs::read(&older.path).unwrap(), &journal);
    let error = entries(&files).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "its header (byte 0): it belongs to generation 2 of the document, which is 1"
        ),
        "{error}"
    );
    files.put(&document, &journal);
    assert_eq!(entries(&files).unwrap().len(), 8);
}

#[test]
fn ignores_a_journal_that_is_part_of_the_document_already() {
    let (files, _, journal) = Files::crashed();
    let before = entries(&files).unwrap();
    fs::write(files.journal(), &journal).unwrap();
    assert_eq!(entries(&files).unwrap(), before);
    assert_eq!(files.names(), ["ledger.json"]);
}

#[test]
fn opens_a_ledger_of_version_1_and_makes_it_version_2() {
    let files = Files::new();
    let text = r#"{"version": 1, "entries": [
        {"id": 5, "state": "planned", "run": "r", "planned_at": "2025-01-01T00:00:00Z",
         "resource": {"kind": "container", "cloud": "c", "account": "a", "container": "x"}}]}"#;
    fs::write(&files.path, text).unwrap();
    let ledger = files.open().unwrap();
    let old = ledger.entries().unwrap();
    assert_eq!(
        (old[0].id.to_string().as_str(), old[0].run.as_str()),
        ("5", "r")
    );
    assert_eq!(
        ledger.plan("r", object("new"), now()).unwrap().to_string(),
        "6"
    );
    ledger.close().unwrap();
    assert!(
        fs::read_to_string(&files.path)
            .unwrap()
            .contains("\"version\": 2")
    );
    assert_eq!(entries(&files).unwrap().len(), 2);
}

#[test]
fn refuses_a_ledger_of_a_newer_version() {
    let files = Files::new();
    let text = r#"{"format": "resource-ledger", "version": 3, "entries": {"in": "another shape"}}"#;
    fs::write(&files.path, text).unwrap();
    let error = entries(&files).unwrap_err();
    assert!(
        matches!(
            error,
            Error::UnknownVersion {
                found: 3,
                newest: 2,
                ..
            }
        ),
        "{error}"
    );
    assert!(matches!(
        salvage::<Resource>(&files.path),
        Err(Error::UnknownVersion { .. })
    ));
    assert_eq!(fs::read_to_string(&files.path).unwrap(), text);
}

#[test]
fn saves_what_is_sound_into_a_new_file() {
    let (files, document, journal) = Files::crashed();
    files.put(&document, &journal);
    let sound = salvage::<Resource>(&files.path).unwrap();
    assert_eq!((sound.entries.len(), sound.flaws.len()), (8, 0));

    // One entry of the document changed in place, and one record of the journal: the second, a confirmation.
    let text = String::from_utf8(document)
        .unwrap()
        .replace("\"object\": \"1\"", "\"object\": \"7\"");
    let mut lines: Vec<_> = journal
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    lines[2][30] ^= 1;
    files.put(text.as_bytes(), &lines.concat());
    assert!(entries(&files).is_err());

    let saved = salvage::<Resource>(&files.path).unwrap();
    let expected: Vec<_> = sound
        .entries
        .iter()
        .filter(|entry| entry.resource != object("1"))
        .cloned()
        .collect();
    let names = |entries: &[Entry<Resource>]| {
        entries
            .iter()
            .map(|entry| entry.resource.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&saved.entries), names(&expected));
    let places: Vec<_> = saved.flaws.iter().map(|flaw| flaw.place).collect();
    let byte = (lines[0].len() + lines[1].len()) as u64;
    let entry = Place::Entry {
        number: 2,
        line: 22,
    };
    assert_eq!(places, [entry, Place::Record { number: 2, byte }]);

    let target = files.folder.path().join("saved.json");
    saved.write_to(&target).unwrap();
    assert_eq!(
        Ledger::<Resource>::open(&target)
            .unwrap()
            .entries()
            .unwrap(),
        saved.entries
    );
    let refused = saved.write_to(&target).unwrap_err();
    let kind = refused
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .unwrap()
        .kind();
    assert_eq!(kind, std::io::ErrorKind::AlreadyExists);
    assert_eq!(
        fs::read(&files.path).unwrap(),
        text.as_bytes(),
        "the damaged file is left untouched"
    );
}

#[test]
fn saves_all_other_entries_wherever_the_document_is_changed_or_cut() {
    let (files, document, _) = Files::crashed();
    let _ = fs::remove_file(files.journal());
    fs::write(&files.path, &document).unwrap();
    let all = entries(&files).unwrap();
    for at in 0..document.len() {
        let mut changed = document.clone();
        changed[at] ^= 0x04;
        fs::write(&files.path, &changed).unwrap();
        match salvage::<Resource>(&files.path) {
            Ok(saved) => {
                assert!(
                    saved.entries.len() + 1 >= all.len(),
                    "byte {at}: {} entries saved",
                    saved.entries.len()
                );
                assert!(
                    saved.entries.iter().all(|entry| all.contains(entry)),
                    "byte {at}: an entry was made up"
                );
            }
            Err(Error::UnknownVersion { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        fs::write(&files.path, &document[..at]).unwrap();
        let saved = salvage::<Resource>(&files.path).unwrap();
        assert!(all.starts_with(&saved.entries), "cut at {at}");
    }
}

#[test]
fn moves_an_entry_forward_only() {
    let files = Files::new();
    let ledger = files.open().unwrap();
    let id = ledger.plan("run", object("a"), now()).unwrap();
    ledger.deleting(id).unwrap();
    ledger.deleting(id).unwrap();
    let error = ledger.confirm(id, identity("1")).unwrap_err();
    assert!(
        matches!(
            error,
            Error::StateOrder {
                from: State::Deleting,
                to: State::Confirmed,
                ..
            }
        ),
        "{error}"
    );
    ledger.forget(id).unwrap();
    ledger.forget(id).unwrap();
    assert!(matches!(
        ledger.deleting(id),
        Err(Error::UnknownEntry { .. })
    ));
    assert!(matches!(
        ledger.forget("9".parse().unwrap()),
        Err(Error::UnknownEntry { .. })
    ));
    let next = ledger.plan("run", object("a"), now()).unwrap();
    assert_ne!(next, id, "a number is never used again");
}

#[test]
fn changes_all_of_several_entries_or_none() {
    let files = Files::new();
    let ledger = files.open().unwrap();
    let ids = ledger
        .plan_many("run", vec![object("a"), object("b")], now())
        .unwrap();
    ledger.confirm(ids[1], identity("1")).unwrap();
    let before = ledger.entries().unwrap();
    ledger
        .confirm_many(vec![(ids[0], identity("2")), (ids[1], identity("2"))])
        .unwrap_err();
    ledger
        .confirm_many(vec![(ids[0], identity("2")), (ids[0], identity("3"))])
        .unwrap_err();
    assert_eq!(ledger.entries().unwrap(), before);
    drop(ledger);
    assert_eq!(entries(&files).unwrap(), before);
}

#[test]
fn loses_nothing_when_many_threads_record() {
    let files = Files::new();
    let ledger = files.open().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let ledger = &ledger;
            scope.spawn(move || {
                for number in 0..50 {
                    let name = format!("{thread}/{number}");
                    let id = ledger.plan("run", object(&name), now()).unwrap();
                    assert_eq!(ledger.entry(id).unwrap().unwrap().resource, object(&name));
                    ledger.confirm(id, identity(&name)).unwrap();
                    if number % 5 == 0 {
                        ledger.forget(id).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(ledger.count().unwrap(), 8 * 40);
    ledger.close().unwrap();
    let all = entries(&files).unwrap();
    assert_eq!(all.len(), 8 * 40);
    assert!(all.iter().all(|entry| entry.state == State::Confirmed));
}

#[test]
fn sees_what_another_handle_recorded_and_folded_away() {
    let files = Files::new();
    let (one, other) = (files.open().unwrap(), files.open().unwrap());
    let first = one.plan("run", object("a"), now()).unwrap();
    assert_eq!(other.count().unwrap(), 1);
    other.confirm(first, identity("1")).unwrap();
    other.close().unwrap();
    assert_eq!(one.entry(first).unwrap().unwrap().state, State::Confirmed);
    let second = one.plan("run", object("b"), now()).unwrap();
    assert!(second > first);
    one.close().unwrap();
    assert_eq!(entries(&files).unwrap().len(), 2);
}

#[test]
fn refuses_a_handle_whose_clone_was_closed() {
    let files = Files::new();
    let ledger = files.open().unwrap();
    let clone = ledger.clone();
    ledger.close().unwrap();
    assert!(matches!(clone.entries(), Err(Error::Poisoned { .. })));
}

#[test]
fn opens_only_what_is_there_when_asked_to() {
    let files = Files::new();
    assert!(matches!(
        Ledger::<Resource>::open_existing(&files.path),
        Err(Error::Io { action: "find", .. })
    ));
    assert!(files.names().is_empty());
    files.open().unwrap().close().unwrap();
    assert_eq!(
        Ledger::<Resource>::open_existing(&files.path)
            .unwrap()
            .count()
            .unwrap(),
        0
    );
}

#[test]
fn never_shows_a_former_key() {
    let files = Files::new();
    let ledger = files.open().unwrap();
    fill(&ledger);
    let all = ledger.entries().unwrap();
    assert!(!format!("{all:?} {ledger:?}").contains("hush-hush"));
    ledger.close().unwrap();
    let text = fs::read_to_string(&files.path).unwrap();
    assert!(
        text.contains("\"former\": \"hush-hush\""),
        "it is needed to undo the change"
    );
    for (from, to) in [
        ("\"slot\": 2", "\"slot\": \"hush-hush\""),
        ("\"state\": \"confirmed\"", "\"state\": \"hush-hush\""),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        fs::write(&files.path, changed).unwrap();
        let error = entries(&files).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("hush-hush"),
            "{error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn keeps_its_files_to_their_owner_and_leaves_other_permissions_as_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let files = Files::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let ledger = files.open().unwrap();
    ledger.plan("run", object("a"), now()).unwrap();
    assert_eq!((mode(&files.path), mode(&files.journal())), (0o600, 0o600));
    fs::set_permissions(&files.path, fs::Permissions::from_mode(0o640)).unwrap();
    ledger.close().unwrap();
    assert_eq!(mode(&files.path), 0o640);
}

#[cfg(unix)]
#[test]
fn follows_a_link_to_the_ledger() {
    let files = Files::new();
    files.open().unwrap().close().unwrap();
    let link = files.folder.path().join("link.json");
    std::os::unix::fs::symlink(&files.path, &link).unwrap();
    let ledger: Ledger = Ledger::open(&link).unwrap();
    ledger.plan("run", object("a"), now()).unwrap();
    ledger.close().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(entries(&files).unwrap().len(), 1);
}
