//! Many operations at a time on a server of which one request in ten goes wrong: in the end every object is what it
//! should be, or somebody was told.
//!
//! `MIXED_OPERATIONS` says how many operations (10,000 if not said), `MIXED_SEED` chooses another run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use emulator::{Emulator, Fault};
use futures_util::{StreamExt, stream};
use swift_client::{
    AuditOptions, Body, Client, ContainerOptions, CopyOptions, Credentials, DownloadOptions, Error,
    GetOptions, LargeObject, OldSegments, RetryPolicy, TransferSettings, Transfers, UploadOptions,
};

use crate::place::noise;

const WORKERS: u64 = 8;
const NAMES: u64 = 4;

/// Size and seed of a content; none for no object.
type Content = Option<(usize, u64)>;

/// One worker has its names for itself, so it knows what can be under them.
struct Worker {
    number: u64,
    transfers: Transfers,
    folder: tempfile::TempDir,
    random: u64,
    contents: u64,
    /// After an error that leaves open whether something was done, there is more than one possibility.
    possible: BTreeMap<String, BTreeSet<Content>>,
    reported: BTreeMap<&'static str, u32>,
    done: u32,
}

/// A number that differs from one test to the other.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |text| text.parse().unwrap())
}

impl Worker {
    fn next(&mut self, below: u64) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }

    fn name(&mut self) -> String {
        let place = self.next(NAMES);
        format!("w{}-{place}", self.number)
    }

    fn may_be(&mut self, name: &str) -> &mut BTreeSet<Content> {
        self.possible
            .entry(name.to_owned())
            .or_insert_with(|| BTreeSet::from([None]))
    }

    fn note(&mut self, what: &'static str, error: &Error) {
        tracing::debug!(what, %error, "reported");
        *self.reported.entry(what).or_default() += 1;
    }

    async fn run(mut self, operations: u64) -> Self {
        for _ in 0..operations {
            match self.next(10) {
                0..=3 => self.upload().await,
                4..=5 => self.read().await,
                6 => self.download().await,
                7 => self.copy().await,
                8 => self.delete().await,
                _ => self.delete_many().await,
            }
            self.done += 1;
        }
        self
    }

    async fn upload(&mut self) {
        let name = self.name();
        self.contents += 1;
        let sizes = [0, 700, 9_000, 25_000, 42_000];
        let size = sizes[usize::try_from(self.next(5)).unwrap()];
        // Sometimes the content of the last time, so that segments are found again.
        let seed = self.number << 32 | (self.contents - self.next(2));
        let content = noise(size, seed);
        let options = UploadOptions {
            segment_bytes: Some(10_000),
            large_object: if self.next(3) == 0 {
                LargeObject::Dynamic
            } else {
                LargeObject::Static
            },
            ..UploadOptions::default()
        };
        let path = self.folder.path().join("up");
        let body = match self.next(3) {
            0 => Body::from(content),
            1 => {
                std::fs::write(&path, content).unwrap();
                Body::file(&path).await.unwrap()
            }
            _ => {
                let pieces: Vec<_> = content
                    .chunks(3_000)
                    .map(|piece| Ok(bytes::Bytes::copy_from_slice(piece)))
                    .collect();
                Body::stream(stream::iter(pieces), None)
            }
        };
        let uploaded = self.transfers.upload("c", &name, body, &options).await;
        let new = Some((size, seed));
        match uploaded {
            Ok(uploaded) => {
                assert_eq!(uploaded.bytes, size as u64);
                *self.may_be(&name) = BTreeSet::from([new]);
            }
            Err(error) => {
                self.note("upload", &error);
                self.may_be(&name).insert(new);
            }
        }
    }

    /// What was read must be one of the possibilities, and from then on it is the only one.
    fn saw(&mut self, name: &str, content: Option<&[u8]>) {
        let possible = self.may_be(name);
        let fits = |known: &Content| match (known, content) {
            (None, None) => true,
            (Some((size, seed)), Some(content)) => {
                content.len() == *size && content == noise(*size, *seed)
            }
            _ => false,
        };
        possible.retain(fits);
        assert!(
            !possible.is_empty(),
            "{name}: {:?} bytes that nobody has put there",
            content.map(<[u8]>::len)
        );
    }

    async fn read(&mut self) {
        let name = self.name();
        let client = self.transfers.client().clone();
        let options = GetOptions::default();
        let read = async {
            let download = client.get_object("c", &name, &options).await?;
            download.bytes(1 << 20).await
        };
        match read.await {
            Ok(content) => self.saw(&name, Some(&content)),
            Err(error) if error.is_not_found() => self.saw(&name, None),
            Err(error) => self.note("read", &error),
        }
    }

    async fn download(&mut self) {
        let name = self.name();
        let path = self.folder.path().join("down");
        let options = DownloadOptions {
            part_bytes: Some(6_000),
            resume: self.next(2) == 0,
            ..DownloadOptions::default()
        };
        let downloaded = self
            .transfers
            .download_file("c", &name, &path, &options)
            .await;
        match downloaded {
            Ok(_) => {
                let content = std::fs::read(&path).unwrap();
                std::fs::remove_file(&path).unwrap();
                self.saw(&name, Some(&content));
            }
            Err(error) => {
                assert!(!path.exists(), "a download that failed leaves no file");
                if error.is_not_found() {
                    self.saw(&name, None);
                } else {
                    self.note("download", &error);
                }
            }
        }
    }

    async fn copy(&mut self) {
        let from = self.name();
        let to = loop {
            let to = self.name();
            if to != from {
                break to;
            }
        };
        let options = CopyOptions::default();
        let copied = self
            .transfers
            .copy_object(("c", &from), ("c", &to), &options)
            .await;
        let source = self.may_be(&from).clone();
        match copied {
            Ok(_) => {
                let some: BTreeSet<Content> = source.into_iter().flatten().map(Some).collect();
                assert!(!some.is_empty(), "{from} was not there");
                self.may_be(&from).retain(Option::is_some);
                *self.may_be(&to) = some;
            }
            Err(error) => {
                if error.is_not_found() {
                    assert!(source.contains(&None), "{from} was there: {error}");
                }
                self.note("copy", &error);
                let some = source.into_iter().flatten().map(Some);
                self.may_be(&to).extend(some);
            }
        }
    }

    async fn delete(&mut self) {
        let name = self.name();
        let deleted = self
            .transfers
            .delete_object("c", &name, OldSegments::Remove)
            .await;
        match deleted {
            Ok(_) => *self.may_be(&name) = BTreeSet::from([None]),
            Err(error) if error.is_not_found() => self.saw(&name, None),
            Err(error) => {
                self.note("delete", &error);
                self.may_be(&name).insert(None);
            }
        }
    }

    async fn delete_many(&mut self) {
        let names = BTreeSet::from([self.name(), self.name()]);
        match self.transfers.delete_objects("c", names.clone()).await {
            Ok(report) => {
                for name in names {
                    let failed = report.failures.iter().any(|failure| failure.object == name);
                    if failed {
                        self.may_be(&name).insert(None);
                    } else {
                        *self.may_be(&name) = BTreeSet::from([None]);
                    }
                }
            }
            Err(error) => {
                self.note("delete many", &error);
                for name in names {
                    self.may_be(&name).insert(None);
                }
            }
        }
    }
}

/// Together they strike about one request in ten.
fn faults() -> Vec<Fault> {
    let all = "/v1/**";
    let objects = "/v1/*/*/*/**";
    let often = |fault: Fault| fault.probability(0.02);
    vec![
        often(Fault::on("*", all).status(503)),
        often(Fault::on("*", all).status(429).retry_after(0)),
        often(Fault::on("*", all).reset_before()),
        often(Fault::on("*", all).reset_after()),
        often(Fault::on("*", all).delay(Duration::from_millis(5))),
        often(Fault::on("*", all).refuse_token()),
        often(Fault::on("GET", objects).cut_download_after(500)),
        often(Fault::on("GET", objects).throttle_download(2_000_000)),
        often(Fault::on("GET", objects).flip_download_byte(300)),
        often(Fault::on("PUT", objects).cut_upload_after(500)),
        often(Fault::on("PUT", objects).throttle_upload(2_000_000)),
        often(Fault::on("PUT", objects).flip_upload_byte(300)),
        Fault::on("GET", "/v1/*/*")
            .stale_listing(Duration::from_secs(2))
            .probability(0.1),
    ]
}

#[allow(
    clippy::print_stdout,
    reason = "who runs many operations wants to know"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_object_is_right_or_reported_when_one_request_in_ten_goes_wrong() {
    let operations = number("MIXED_OPERATIONS", 10_000);
    let seed = number("MIXED_SEED", 1);
    let emulator = Emulator::builder().start().await.unwrap();
    let me = Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    let client = Client::builder(me)
        .retry(RetryPolicy {
            // Few enough that some operations fail in the end.
            attempts: 3,
            min_delay: Duration::from_millis(1),
            ..RetryPolicy::default()
        })
        .build()
        .unwrap();
    let transfers = Transfers::new(&client, TransferSettings::default());
    client
        .put_container("c", &ContainerOptions::default())
        .await
        .unwrap();
    client
        .put_container("c_segments", &ContainerOptions::default())
        .await
        .unwrap();
    emulator.faults().replace(seed, faults()).unwrap();
    let workers = (0..WORKERS).map(|number| {
        let worker = Worker {
            number,
            transfers: transfers.clone(),
            folder: tempfile::tempdir().unwrap(),
            random: seed << 16 | number,
            contents: 1,
            possible: BTreeMap::new(),
            reported: BTreeMap::new(),
            done: 0,
        };
        tokio::spawn(worker.run(operations / WORKERS))
    });
    let workers: Vec<_> = stream::iter(workers.collect::<Vec<_>>())
        .then(|worker| async move { worker.await.unwrap() })
        .collect()
        .await;
    let struck: u64 = emulator
        .faults()
        .reports()
        .iter()
        .map(|report| report.fired)
        .sum();
    emulator.faults().clear();

    let mut checked = 0;
    let mut reported = BTreeMap::new();
    for mut worker in workers {
        assert_eq!(u64::from(worker.done), operations / WORKERS);
        for name in worker.possible.keys().cloned().collect::<Vec<_>>() {
            let read = client.get_object("c", &name, &GetOptions::default()).await;
            match read {
                Ok(download) => {
                    let content = download.bytes(1 << 20).await;
                    let content = content.unwrap_or_else(|error| panic!("{name}: {error}"));
                    worker.saw(&name, Some(&content));
                }
                Err(error) if error.is_not_found() => worker.saw(&name, None),
                Err(error) => panic!("{name}: {error}"),
            }
            checked += 1;
        }
        for (what, count) in worker.reported {
            *reported.entry(what).or_insert(0) += count;
        }
    }
    assert_eq!(checked, WORKERS * NAMES);
    assert!(
        struck > operations / 10,
        "only {struck} requests were struck"
    );
    let audit = transfers
        .audit_segments(&AuditOptions::default())
        .await
        .unwrap();
    assert_eq!(audit.missing, [], "no manifest lacks a segment");
    // Shown with --nocapture.
    println!("{operations} operations, {struck} requests struck, reported: {reported:?}");
}
