//! What is asked, before it is known where the account is and what token to show.

use http::header::ETAG;
use http::{HeaderMap, Method};

use crate::{Body, Progress, Replay};

/// Which of the account's addresses a request goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Service {
    /// Object storage.
    #[default]
    ObjectStore,
    /// The CDN management service.
    Cdn,
    /// `/info` at the host of object storage, which is about no account.
    Info,
}

/// A request to a service of the account, for what [`Client`](crate::Client) has no call for.
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// HTTP method.
    pub method: Method,
    /// Where to.
    pub service: Service,
    /// Container, not escaped.
    pub container: Option<&'a str>,
    /// Object, not escaped; needs a container.
    pub object: Option<&'a str>,
    /// Query, not escaped; with an empty value only the name is sent.
    pub query: Vec<(&'a str, &'a str)>,
    /// Headers. The token is added.
    pub headers: HeaderMap,
    /// Data.
    pub body: Body,
    /// Whether it may be sent again.
    pub replay: Replay,
    /// Where to tell of data that goes out, and of repetitions.
    pub progress: Progress,
}

impl<'a> Request<'a> {
    /// A request to the account in object storage.
    pub fn account(method: Method) -> Self {
        Self {
            method,
            ..Self::default()
        }
    }

    /// A request to a container in object storage.
    pub fn container(method: Method, container: &'a str) -> Self {
        Self {
            container: Some(container),
            ..Self::account(method)
        }
    }

    /// A request to an object.
    pub fn object(method: Method, container: &'a str, object: &'a str) -> Self {
        Self {
            object: Some(object),
            ..Self::container(method, container)
        }
    }

    /// Whether it is data with an MD5 of its own that can be sent again.
    pub(super) fn is_replayable_upload(&self) -> bool {
        self.method == Method::PUT && self.headers.contains_key(ETAG) && self.body.is_whole()
    }

    /// Whether it is one of many that take about the same time, so that its latency tells how busy the server is: a
    /// plain request for an object, with little data or none.
    pub(super) fn is_small(&self) -> bool {
        const LITTLE_BYTES: u64 = 64 << 10;
        self.object.is_some()
            && self.query.is_empty()
            && self
                .body
                .length()
                .is_some_and(|length| length <= LITTLE_BYTES)
    }
}
