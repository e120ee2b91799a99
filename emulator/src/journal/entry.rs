//! One request in the journal.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::faults::FaultId;
use crate::glance::Glance;
use crate::message::{Request, header_text};
use crate::path::{Path, Resource};
use crate::services;
use crate::timestamp::Timestamp;
use crate::trans_id::TransId;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Service {
    /// Accounts, containers, objects.
    Storage,
    /// Signing in, by any of the doors.
    Identity,
    /// The management of the CDN.
    Cdn,
    /// What the CDN serves to the public.
    Edge,
    /// `/info`, `/healthcheck` and the like.
    Other,
}

impl Service {
    pub(crate) const ALL: [Self; 5] = [
        Self::Storage,
        Self::Identity,
        Self::Cdn,
        Self::Edge,
        Self::Other,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Identity => "identity",
            Self::Cdn => "cdn",
            Self::Edge => "edge",
            Self::Other => "other",
        }
    }

    pub(crate) fn of(request: &Request, glance: Glance) -> Self {
        if glance.is_for_edge || services::cdn::is_path_of_edge(&request.path) {
            return Self::Edge;
        }
        match request.path.version() {
            "v1" => Self::Storage,
            "v1.0" if request.path.named().is_some() => Self::Storage,
            "cdn" => Self::Cdn,
            "" | "auth" | "v1.0" | "v1.1" | "v2.0" | "v3" => Self::Identity,
            _ => Self::Other,
        }
    }
}

/// What a request shows to be let in by, good or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum Auth {
    Anonymous,
    Token,
    TempUrl,
    Form,
}

impl Auth {
    /// In the order in which Swift looks.
    pub(super) fn of(request: &Request, glance: Glance) -> Self {
        if request.query.as_str().contains("temp_url_sig=") {
            return Self::TempUrl;
        }
        if request.method == Method::POST
            && header_text(&request.headers, "content-type")
                .is_some_and(|kind| kind.starts_with("multipart/form-data"))
        {
            return Self::Form;
        }
        if glance.shows_token {
            Self::Token
        } else {
            Self::Anonymous
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Token => "token",
            Self::TempUrl => "temp_url",
            Self::Form => "form",
        }
    }
}

/// Text in UTF-8; that of most takes no memory of its own.
pub(super) type Target = SmallVec<[u8; 72]>;

/// A request and what became of it, with all the rest to be worked out for those who ask.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(super) id: u64,
    /// When it came, by the emulator's clock.
    pub(super) received: Timestamp,
    /// How long it took, by real time.
    pub(crate) took: Duration,
    pub(crate) method: Method,
    /// Path and query as they came, with secrets masked; empty where nothing is kept.
    pub(super) target: Target,
    /// Index of the region.
    pub(super) region: usize,
    pub(crate) service: Service,
    pub(super) auth: Auth,
    pub(crate) status: u16,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(super) trans_id: TransId,
    pub(super) user_agent: Option<Arc<str>>,
    pub(super) fault: Option<FaultId>,
}

/// A request and what became of it.
///
/// As JSON:
///
/// ```json
/// {"id": 7, "time": "2026-01-31T12:00:00Z", "unix": 1769860800.0, "method": "GET", "path": "/v1/AUTH_test/c/a%20b",
///  "query": "temp_url_sig=***&temp_url_expires=1769860900", "region": "DFW", "service": "storage",
///  "auth": "temp_url", "account": "AUTH_test", "container": "c", "object": "a b", "status": 200, "bytes_in": 0, "bytes_out": 12,
///  "duration_us": 153, "trans_id": "tx…", "user_agent": "curl/8.5.0", "fault": null}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// A number that grows by one with each request, from 1 on, in the order in which they ended.
    pub id: u64,
    /// When it came, by the emulator's clock: RFC 3339.
    pub time: String,
    /// The same in Unix seconds.
    pub unix: f64,
    /// The method.
    pub method: String,
    /// The path as it came, still encoded. Where a token was part of it stands `***`.
    pub path: String,
    /// The query as it came, without its question mark. Signatures are masked: `temp_url_sig=***`.
    pub query: String,
    /// The name of the region that it came to.
    pub region: String,
    /// What it was for: `storage`, `identity`, `cdn` (its management), `edge` (what the CDN serves) or `other`.
    pub service: &'static str,
    /// What it showed to be let in by, good or not: `anonymous`, `token`, `temp_url` or `form`.
    pub auth: &'static str,
    /// The account that the path names, decoded; empty where it names none.
    pub account: String,
    /// The container that the path names, decoded; empty where it names none.
    pub container: String,
    /// The object that the path names, decoded; empty where it names none.
    pub object: String,
    /// The status; 499 where the answer never got out whole, because the client went away or a fault cut it off.
    pub status: u16,
    /// How many bytes of the request's body were read, without heads and chunk sizes.
    pub bytes_in: u64,
    /// How many bytes of the answer's body were handed to the connection, without heads and chunk sizes.
    pub bytes_out: u64,
    /// How long it took in real time, from the end of the request's head to the end of the answer, in microseconds.
    pub duration_us: u64,
    /// The transaction, as `X-Trans-Id` told it.
    pub trans_id: String,
    /// What the client called itself, cut after 256 bytes.
    pub user_agent: Option<String>,
    /// The fault that struck it.
    pub fault: Option<FaultId>,
}

impl Entry {
    #[cfg(test)]
    pub(super) fn of_a_test() -> Self {
        let received = Timestamp::from_ticks(0);
        Self {
            id: 0,
            received,
            took: Duration::ZERO,
            method: Method::GET,
            target: Target::from_slice(b"/v1/a/c/o"),
            region: 0,
            service: Service::Storage,
            auth: Auth::Anonymous,
            status: 200,
            bytes_in: 0,
            bytes_out: 0,
            trans_id: TransId::new(received, None),
            user_agent: None,
            fault: None,
        }
    }

    /// Path and query, which is empty where there is none.
    fn target(&self) -> (&str, &str) {
        let target = std::str::from_utf8(&self.target).unwrap_or_default();
        target.split_once('?').unwrap_or((target, ""))
    }

    /// The path decoded, where it is UTF-8 then.
    pub(super) fn decoded(&self) -> Option<Path> {
        Path::decode(self.target().0)
    }

    pub(super) fn account<'a>(&self, path: &'a Path) -> Option<&'a str> {
        match self.service {
            Service::Storage => path.named().map(Resource::account),
            Service::Cdn => services::cdn::managed_account(path),
            _ => None,
        }
    }

    pub(super) fn describe(&self, region: &str) -> RecordedRequest {
        let (path, query) = self.target();
        let decoded = self.decoded();
        let named = decoded
            .as_ref()
            .filter(|_| self.service == Service::Storage)
            .and_then(Path::named);
        let account = decoded.as_ref().and_then(|path| self.account(path));
        let own = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let time = self.received.system_time();
        RecordedRequest {
            id: self.id,
            time: jiff::Timestamp::try_from(time)
                .map_or_else(|_| String::new(), |time| time.to_string()),
            unix: time
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs_f64(),
            method: self.method.to_string(),
            path: path.to_owned(),
            query: query.to_owned(),
            region: region.to_owned(),
            service: self.service.name(),
            auth: self.auth.name(),
            account: own(account),
            container: own(named.and_then(Resource::container)),
            object: own(named.and_then(Resource::object)),
            status: self.status,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            duration_us: u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            trans_id: self.trans_id.to_string(),
            user_agent: self.user_agent.as_deref().map(str::to_owned),
            fault: self.fault,
        }
    }
}
