//! Access logs: who fetched what at the edge, delivered into the account's container `.CDN_ACCESS_LOGS`.
//!
//! A request to a container with `X-Log-Retention: True` becomes a line in NCSA's combined format, but that the date is
//! all digits:
//!
//! ```text
//! 127.0.0.1 - - [15/07/2014:20:52:25 +0000] "GET /T1-H.r93.cf1.rackcdn.com/image1.png HTTP/1.1" 200 277 "-" "curl/8.0"
//! ```
//!
//! The lines of an hour become the object `CONTAINER/YYYY/MM/DD/HH/MD5.log.gz`, which is there from the end of that hour on
//! by the emulator's clock (with the real service it took hours to days). A log that grows to 64 KiB before that is
//! delivered at once, and the hour then has several, as with the real service; so what is held back is never much. Logs
//! stay until they are deleted.
//!
//! Source: Rackspace's "Enable log delivery" and the Cloud Files developer guide.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};

use super::edge::Target;
use crate::core::Core;
use crate::message::{Body, Request, Response};
use crate::path::{Resource, quote};
use crate::resources::media_type;
use crate::resources::object::put_into;
use crate::store::{Full, MediaType, Object};

/// Where logs are delivered.
const CONTAINER: &str = ".CDN_ACCESS_LOGS";

/// How long the log of an hour may become before it is delivered in parts, in bytes.
const MAX_PART: usize = 64 << 10;

/// How many logs may be waiting for the end of their hour. Beyond that the first ones do not wait.
const MAX_OPEN: usize = 256;

const HOUR: u64 = 3600;

/// Account, container, and the hour in hours since 1970.
type Of = (String, String, u64);

/// The logs of one CDN.
#[derive(Debug)]
pub(super) struct Logs {
    open: Mutex<Open>,
    /// The Unix second from which on there is something to deliver, looked at by every request.
    due: AtomicU64,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            due: AtomicU64::new(u64::MAX),
        }
    }
}

/// Lines that are still to be delivered.
#[derive(Debug, Default)]
pub(super) struct Open(BTreeMap<Of, String>);

impl Open {
    pub(super) fn add(&mut self, account: &str, container: &str, hour: u64, lines: &str) {
        self.0
            .entry((account.to_owned(), container.to_owned(), hour))
            .or_default()
            .push_str(lines);
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (&Of, &str)> {
        self.0.iter().map(|(of, lines)| (of, lines.as_str()))
    }

    /// When the first of the hours is over, in Unix seconds.
    fn due(&self) -> u64 {
        let ends = self.0.keys().map(|(_, _, hour)| (hour + 1) * HOUR);
        ends.min().unwrap_or(u64::MAX)
    }

    /// Takes out what is to be delivered now: what is of hours that are over, what is long, and what is too much.
    fn take_due(&mut self, seconds: u64) -> Vec<(Of, String)> {
        let mut over = self.0.len().saturating_sub(MAX_OPEN);
        self.0
            .extract_if(.., |(_, _, hour), lines| {
                let is_due = (*hour + 1) * HOUR <= seconds || lines.len() >= MAX_PART;
                if !is_due && over > 0 {
                    over -= 1;
                    return true;
                }
                is_due
            })
            .collect()
    }
}

/// What is known of a request when it comes.
#[derive(Debug)]
pub(super) struct Visit {
    account: String,
    container: String,
    /// The line up to the status, but for the time.
    client: String,
    asked: String,
    /// Referrer and user agent.
    from: String,
}

impl Visit {
    pub(super) fn new(account: &str, container: &str, request: &Request, target: &Target) -> Self {
        let client = request
            .remote
            .map_or_else(|| "-".to_owned(), |address| address.to_string());
        let header = |name: &str| escape(request.header(name).unwrap_or("-"));
        Self {
            account: account.to_owned(),
            container: container.to_owned(),
            client,
            asked: format!(
                "{} /{}.rackcdn.com/{} HTTP/1.1",
                request.method,
                quote(&target.label),
                quote(target.name.as_deref().unwrap_or(""))
            ),
            from: format!("\"{}\" \"{}\"", header("referer"), header("user-agent")),
        }
    }
}

/// Text within quotes, so that it cannot end them or the line (as Apache's `mod_log_config` does it).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            _ if character.is_control() => escaped.extend(character.escape_default()),
            _ => escaped.push(character),
        }
    }
    escaped
}

impl Logs {
    /// Notes what a visitor was answered.
    pub(super) fn note(&self, core: &Core, visit: &Visit, response: &Response) {
        let now = core.clock.now();
        let seconds = unix(now);
        let bytes = match response.body {
            Body::Empty => 0,
            _ => response.body.length().unwrap_or(0),
        };
        let line = format!(
            "{} - - [{}] \"{}\" {} {bytes} {}\n",
            visit.client,
            time(seconds, "%d/%m/%Y:%H:%M:%S +0000"),
            visit.asked,
            response.status.as_u16(),
            visit.from
        );
        let due = {
            let mut open = self.open();
            open.add(&visit.account, &visit.container, seconds / HOUR, &line);
            let due = open.take_due(seconds);
            self.due.store(open.due(), Ordering::Relaxed);
            due
        };
        deliver(core, due);
    }

    /// Delivers the logs of hours that are over.
    pub(super) fn deliver_due(&self, core: &Core) {
        if self.due.load(Ordering::Relaxed) == u64::MAX {
            return;
        }
        let seconds = unix(core.clock.now());
        if seconds < self.due.load(Ordering::Relaxed) {
            return;
        }
        let due = {
            let mut open = self.open();
            let due = open.take_due(seconds);
            self.due.store(open.due(), Ordering::Relaxed);
            due
        };
        deliver(core, due);
    }

    pub(super) fn open(&self) -> MutexGuard<'_, Open> {
        // Lines are added and taken whole, so what a panicking thread left is sound.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what waits of an account.
    pub(super) fn forget(&self, account: &str) {
        let mut open = self.open();
        open.0.retain(|(of, _, _), _| of != account);
        self.due.store(open.due(), Ordering::Relaxed);
    }

    /// Takes other lines in the place of those that wait here.
    pub(super) fn replace(&self, by: Open) {
        let mut open = self.open();
        self.due.store(by.due(), Ordering::Relaxed);
        *open = by;
    }
}

/// Makes each log an object. An account that was removed gets none.
fn deliver(core: &Core, logs: Vec<(Of, String)>) {
    for (of, lines) in logs {
        let (account, container, hour) = &of;
        if core.store.is_removed_account(account) {
            continue;
        }
        if let Err(error) = deliver_one(core, account, container, *hour, &lines) {
            tracing::warn!(%error, container, "an access log was not delivered");
        }
    }
}

fn deliver_one(
    core: &Core,
    account: &str,
    container: &str,
    hour: u64,
    lines: &str,
) -> io::Result<()> {
    let created = core.clock.timestamp();
    let packed = Bytes::from(gzip(lines.as_bytes())?);
    let length = packed.len() as u64;
    let (body, etag) = core
        .store
        .bodies
        .keep(Some(length), std::iter::once(Ok(packed)))?;
    // The moment makes two logs of an hour two objects, though they should say the same.
    let unique = hex::encode(Md5::digest(format!("{etag} {created}")));
    let folder = time(hour.saturating_mul(HOUR), "%Y/%m/%d/%H");
    let name = format!("{container}/{folder}/{unique}.log.gz");
    let object = Object {
        created,
        modified: created,
        content_type: MediaType::of(media_type::guess(&name)),
        etag,
        body,
        extra: None,
    };
    let full = |Full| io::Error::from(io::ErrorKind::StorageFull);
    let (owner, _) = core.store.ensure_account(account, created);
    let (logs, _) = owner
        .ensure_container(CONTAINER, 0, created)
        .map_err(full)?;
    let place = Resource::Object(account, CONTAINER, &name);
    put_into(core, place, &logs, object, |_| Ok(()))
        .map_err(|refused| io::Error::other(refused.status.to_string()))
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

fn time(seconds: u64, format: &str) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map(|moment| moment.strftime(format).to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_visitor_says_cannot_end_its_line() {
        assert_eq!(escape("a\"b\\c\nd\té"), "a\\\"b\\\\c\\nd\\té");
    }

    #[test]
    fn a_log_is_due_at_the_end_of_its_hour_and_not_before() {
        let mut open = Open::default();
        open.add("a", "c", 10, "line\n");
        assert_eq!(open.due(), 11 * HOUR);
        assert!(open.take_due(11 * HOUR - 1).is_empty());
        assert_eq!(open.take_due(11 * HOUR).len(), 1);
        assert_eq!(open.due(), u64::MAX);
    }

    #[test]
    fn what_waits_is_bounded_in_length_and_in_number() {
        let mut open = Open::default();
        open.add("a", "c", 10, &"x".repeat(MAX_PART));
        assert_eq!(open.take_due(0).len(), 1);
        for container in 0..MAX_OPEN + 3 {
            open.add("a", &container.to_string(), 10, "line\n");
        }
        assert_eq!(open.take_due(0).len(), 3);
        assert_eq!(open.take_due(0).len(), 0);
    }
}
