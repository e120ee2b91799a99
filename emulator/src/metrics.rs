//! Counts of everything that is asked, and how Prometheus reads them.
//!
//! The text is that of the exposition format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). The counts are kept in plain arrays under the locks of
//! the journal, of which each request takes one anyway; what the store, the clock and the faults know is asked for when
//! somebody reads.

use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method;

use crate::core::Core;
use crate::journal::{Entry, Service};
use crate::store::StoreTotals;

/// The type of the text, for `Content-Type`.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What every name begins with.
const PREFIX: &str = "cloudfiles_emulator";

/// The methods that are told apart; the last one stands for all others.
const METHODS: [&str; 8] = [
    "GET", "HEAD", "PUT", "POST", "DELETE", "COPY", "OPTIONS", "other",
];

/// The classes of statuses, from 1xx on.
const CLASSES: usize = 5;

/// The upper bounds of the durations that are told apart, in microseconds.
const BOUNDS: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000,
    10_000_000,
];

/// What has been asked so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    services: [ServiceCounters; Service::ALL.len()],
    /// One for each of [`BOUNDS`] and one for what took longer.
    durations: [u64; BOUNDS.len() + 1],
    total: Duration,
}

#[derive(Clone, Debug, Default)]
struct ServiceCounters {
    requests: [[u64; CLASSES]; METHODS.len()],
    bytes_in: u64,
    bytes_out: u64,
}

impl Counters {
    pub(crate) fn count(&mut self, entry: &Entry) {
        let service = &mut self.services[entry.service as usize];
        let class = (usize::from(entry.status) / 100).clamp(1, CLASSES) - 1;
        service.requests[method(&entry.method)][class] += 1;
        service.bytes_in += entry.bytes_in;
        service.bytes_out += entry.bytes_out;
        let micros = u64::try_from(entry.took.as_micros()).unwrap_or(u64::MAX);
        self.durations[BOUNDS.partition_point(|bound| *bound < micros)] += 1;
        self.total += entry.took;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (service, other) in self.services.iter_mut().zip(&other.services) {
            service.add(other);
        }
        for (count, other) in self.durations.iter_mut().zip(other.durations) {
            *count += other;
        }
        self.total += other.total;
    }

    /// How many there were.
    pub(crate) fn all(&self) -> u64 {
        self.durations.iter().sum()
    }
}

impl ServiceCounters {
    fn add(&mut self, other: &Self) {
        let counts = self.requests.as_flattened_mut().iter_mut();
        for (count, other) in counts.zip(other.requests.as_flattened()) {
            *count += other;
        }
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
    }
}

fn method(method: &Method) -> usize {
    let name = method.as_str();
    METHODS
        .iter()
        .position(|known| *known == name)
        .unwrap_or(METHODS.len() - 1)
}

/// Everything there is to count in one emulator, as text.
pub(crate) fn text(core: &Core) -> String {
    let mut page = Page::default();
    let counters = core.journal.counters();
    requests(&mut page, &counters);
    durations(&mut page, &counters);
    let journal = &core.journal;
    page.family(
        "requests_in_flight",
        "gauge",
        "Requests that are being answered.",
    );
    page.line("", journal.in_flight());
    page.family("open_connections", "gauge", "Connections that are open.");
    page.line("", journal.connections.load(Ordering::Relaxed));
    page.family(
        "connections_total",
        "counter",
        "Connections that have been opened.",
    );
    page.line("", journal.accepted.load(Ordering::Relaxed));
    stored(&mut page, core);
    page.family("tokens", "gauge", "Tokens that are kept, good or run out.");
    page.line("", core.identity.token_count());
    faults(&mut page, core);
    page.family(
        "clock_offset_seconds",
        "gauge",
        "How far the emulator's clock is ahead of the system's.",
    );
    page.line("", core.clock.ahead_of_system_seconds());
    page.family(
        "clock_frozen",
        "gauge",
        "1 while the emulator's clock stands still.",
    );
    page.line("", u8::from(core.clock.is_frozen()));
    page.text
}

/// The text so far, and what it is about.
#[derive(Default)]
struct Page {
    text: String,
    family: &'static str,
}

// Writing to text in memory cannot fail.
impl Page {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        let _ = writeln!(
            self.text,
            "# HELP {PREFIX}_{name} {help}\n# TYPE {PREFIX}_{name} {kind}"
        );
    }

    /// A value with what follows the family's name: labels, or nothing.
    fn line(&mut self, labels: &str, value: impl std::fmt::Display) {
        let family = self.family;
        let _ = writeln!(self.text, "{PREFIX}_{family}{labels} {value}");
    }
}

fn requests(page: &mut Page, counters: &Counters) {
    page.family(
        "requests_total",
        "counter",
        "Requests that have been answered, or whose client has gone (499).",
    );
    for (service, counted) in Service::ALL.iter().zip(&counters.services) {
        for (method, classes) in METHODS.iter().zip(&counted.requests) {
            for (class, count) in (1..).zip(classes).filter(|(_, count)| **count > 0) {
                let service = service.name();
                let labels =
                    format!("{{service=\"{service}\",method=\"{method}\",status=\"{class}xx\"}}");
                page.line(&labels, count);
            }
        }
    }
    let mut bytes = |name, help, of: fn(&ServiceCounters) -> u64| {
        page.family(name, "counter", help);
        for (service, counted) in Service::ALL.iter().zip(&counters.services) {
            page.line(&format!("{{service=\"{}\"}}", service.name()), of(counted));
        }
    };
    bytes(
        "received_bytes_total",
        "Bytes of requests' bodies that have been read.",
        |counted| counted.bytes_in,
    );
    bytes(
        "sent_bytes_total",
        "Bytes of answers' bodies that have been sent.",
        |counted| counted.bytes_out,
    );
}

fn durations(page: &mut Page, counters: &Counters) {
    page.family(
        "request_duration_seconds",
        "histogram",
        "From the end of a request's head to the end of its answer, in real time.",
    );
    let mut below = 0;
    for (bound, count) in BOUNDS.iter().zip(&counters.durations) {
        below += count;
        let bound = Duration::from_micros(*bound).as_secs_f64();
        page.line(&format!("_bucket{{le=\"{bound}\"}}"), below);
    }
    let all = counters.all();
    page.line("_bucket{le=\"+Inf\"}", all);
    page.line("_sum", counters.total.as_secs_f64());
    page.line("_count", all);
}

fn stored(page: &mut Page, core: &Core) {
    let now = core.clock.now().into();
    let mut totals = StoreTotals::default();
    for region in core.siblings.all() {
        totals.add(region.store.totals(now));
    }
    page.family(
        "accounts",
        "gauge",
        "Accounts that are stored, in all regions together.",
    );
    page.line("", totals.accounts);
    page.family(
        "containers",
        "gauge",
        "Containers that are stored, in all regions together.",
    );
    page.line("", totals.containers);
    page.family(
        "objects",
        "gauge",
        "Objects that are stored, in all regions together.",
    );
    page.line("", totals.objects);
    page.family(
        "stored_bytes",
        "gauge",
        "Bytes of the objects that are stored, as accounts count them.",
    );
    page.line("", totals.bytes);
    page.family(
        "memory_bytes",
        "gauge",
        "Memory that all that is stored takes, as --max-memory counts it.",
    );
    // All regions count together.
    page.line("", core.store.memory_used());
}

fn faults(page: &mut Page, core: &Core) {
    let reports = core.faults.reports();
    page.family("faults", "gauge", "Faults that are in force.");
    page.line("", reports.len());
    page.family(
        "fault_fired_total",
        "counter",
        "Requests that a fault has struck, as long as it is there.",
    );
    for report in reports {
        page.line(&format!("{{fault=\"{}\"}}", report.id), report.fired);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_nobody_knows_is_counted_with_its_like() {
        assert_eq!(METHODS[method(&Method::DELETE)], "DELETE");
        assert_eq!(METHODS[method(&Method::PATCH)], "other");
    }
}
