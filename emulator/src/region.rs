//! Regions: listeners with storages of their own, that share users, tokens and the clock.

use std::sync::Arc;

use http::HeaderMap;
use http::header::HOST;

use crate::message::header_text;

/// All regions of one emulator, as one of them sees them.
#[derive(Clone, Debug)]
pub(crate) struct Regions {
    pub(crate) all: Arc<[Region]>,
    /// The index of the one that sees them.
    pub(crate) here: usize,
}

/// One region.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: String,
    /// The port it listens on.
    pub(crate) port: u16,
}

impl Regions {
    /// Names and addresses, each as the client that sends these headers would write it: this region is where the client
    /// found it, the others are at the same host and their own ports.
    pub(crate) fn addresses<'a>(
        &'a self,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = (&'a str, String)> {
        let here = host_url(headers);
        let host = without_port(&here);
        let host = host.to_owned();
        self.all.iter().enumerate().map(move |(index, region)| {
            let address = if index == self.here {
                here.clone()
            } else {
                format!("{host}:{}", region.port)
            };
            (region.name.as_str(), address)
        })
    }

    /// The name of this one.
    pub(crate) fn name(&self) -> &str {
        self.all.get(self.here).map_or("", |region| &region.name)
    }

    /// The port of this one.
    pub(crate) fn port(&self) -> u16 {
        self.all.get(self.here).map_or(0, |region| region.port)
    }

    /// The name of the region that stands in where none is named.
    pub(crate) fn first(&self) -> &str {
        self.all.first().map_or("", |region| &region.name)
    }
}

/// The address of this server as the client wrote it (`Request.host_url` in `swob.py`).
pub(crate) fn host_url(headers: &HeaderMap) -> String {
    let host = header_text(headers, HOST.as_str()).unwrap_or("127.0.0.1");
    format!("http://{}", host.strip_suffix(":80").unwrap_or(host))
}

fn without_port(url: &str) -> &str {
    match url.rsplit_once(':') {
        // `http://[::1]` ends in a bracket, `http://host` has no colon but that of the scheme.
        Some((before, port)) if before.len() > "http".len() && !port.contains(']') => before,
        _ => url,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen_at(host: &'static str) -> Vec<String> {
        let region = |name: &str, port| Region {
            name: name.to_owned(),
            port,
        };
        let regions = Regions {
            all: Arc::new([region("DFW", 8080), region("ORD", 8081)]),
            here: 0,
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        regions.addresses(&headers).map(|(_, url)| url).collect()
    }

    #[test]
    fn other_regions_are_at_the_host_the_client_named() {
        for (host, here, other) in [
            (
                "127.0.0.1:8080",
                "http://127.0.0.1:8080",
                "http://127.0.0.1:8081",
            ),
            ("emulator:80", "http://emulator", "http://emulator:8081"),
            ("emulator", "http://emulator", "http://emulator:8081"),
            ("[::1]:9000", "http://[::1]:9000", "http://[::1]:8081"),
            ("[::1]", "http://[::1]", "http://[::1]:8081"),
        ] {
            assert_eq!(seen_at(host), [here, other], "{host}");
        }
    }
}
