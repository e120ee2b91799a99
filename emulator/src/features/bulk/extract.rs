//! Makes objects of the members of an archive.

use std::collections::HashSet;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::archive::{Archive, Member, TarError};
use super::source::{Compression, Source};
use super::{
    MAX_CONTAINERS, MAX_FAILED_EXTRACTIONS, MAX_PATH, Report, Stop, check_length, divide, drain,
    sub_request,
};
use crate::message::{Body, BodyError, Request};
use crate::path::quote_bytes;
use crate::pipeline::Next;

/// How much of a member is handed on at a time, in bytes.
const BLOCK: usize = 64 * 1024;

pub(super) async fn extract(
    mut request: Request,
    compression: Compression,
    is_acceptable: bool,
    next: Next<'_>,
) -> Report {
    let mut archive = Archive::new(Source::new(std::mem::take(&mut request.body), compression));
    let mut extraction = Extraction {
        request: &request,
        next,
        seen: HashSet::new(),
        containers_made: 0,
        files: 0,
        report: Report::new(StatusCode::CREATED),
    };
    let done = extraction.run(&mut archive, is_acceptable).await;
    let (mut report, files) = (extraction.report, extraction.files);
    match done {
        Err(stop) => stop.note(&mut report),
        Ok(()) if report.errors.is_empty() && files == 0 => {
            Stop::because(StatusCode::BAD_REQUEST, "Invalid Tar File: No Valid Files")
                .note(&mut report);
        }
        Ok(()) => {}
    }
    report.counts.push(("Number Files Created", files));
    drain(archive.into_source().into_body()).await;
    report
}

impl From<TarError> for Stop {
    fn from(error: TarError) -> Self {
        Self::because(
            StatusCode::BAD_REQUEST,
            format!("Invalid Tar File: {}", error.0),
        )
    }
}

struct Extraction<'a> {
    request: &'a Request,
    next: Next<'a>,
    /// Containers that something was put into, or tried to be.
    seen: HashSet<String>,
    containers_made: usize,
    files: u64,
    report: Report,
}

impl Extraction<'_> {
    async fn run(&mut self, archive: &mut Archive, is_acceptable: bool) -> Result<(), Stop> {
        if !is_acceptable {
            return Err(Stop::new(StatusCode::NOT_ACCEPTABLE));
        }
        check_length(self.request)?;
        let (root, base) = divide(&self.request.path)?;
        let base = base.trim_end_matches('/');
        while self.report.errors.len() < MAX_FAILED_EXTRACTIONS
            && let Some(member) = archive.next().await?
        {
            let name = object_path(&member.name, base);
            // What lies at the top has no container to go to.
            if name.contains(&b'/') {
                self.put(root, &name, member, archive).await?;
            }
        }
        Ok(())
    }

    async fn put(
        &mut self,
        root: &str,
        name: &[u8],
        member: Member,
        archive: &mut Archive,
    ) -> Result<(), Stop> {
        let shown = quote_bytes(&name[..name.len().min(MAX_PATH)]);
        let Some(name) = std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.contains('\0'))
        else {
            self.report.fail(shown, StatusCode::PRECONDITION_FAILED);
            return Ok(());
        };
        if member.size > self.next.core().flavour.limits.max_file_size {
            self.report.fail(shown, StatusCode::PAYLOAD_TOO_LARGE);
            return Ok(());
        }
        let container = name.split('/').next().unwrap_or(name);
        let mut failure = None;
        if !self.seen.contains(container) {
            let path = format!("{root}/{container}");
            match self.ensure_container(&path).await? {
                StatusCode::UNAUTHORIZED => return Err(Stop::new(StatusCode::UNAUTHORIZED)),
                status if status.is_success() => {}
                // The object may be put nevertheless, if the container is there and its list allows it.
                status => {
                    let path = path.as_bytes();
                    failure = Some((quote_bytes(&path[..path.len().min(MAX_PATH)]), status));
                }
            }
            self.seen.insert(container.to_owned());
        }
        let (sender, receiver) = mpsc::channel(1);
        let mut put = sub_request(self.request, Method::PUT, format!("{root}/{name}"));
        self.describe(&member, &mut put.headers);
        put.body = Body::stream(MemberBody {
            receiver,
            left: member.size,
        });
        let (response, fed) = tokio::join!(self.next.run(put), feed(archive, sender));
        if let Err(error) = fed {
            self.report.fail(shown, StatusCode::INTERNAL_SERVER_ERROR);
            return Err(error.into());
        }
        if response.is_success() {
            self.files += 1;
            return Ok(());
        }
        if let Some((container, status)) = failure {
            self.report.fail(container, status);
        }
        self.report.fail(shown, response.status);
        if response.status == StatusCode::UNAUTHORIZED {
            return Err(Stop::new(StatusCode::UNAUTHORIZED));
        }
        Ok(())
    }

    /// Makes a container if it is not there. Gives the status of what was done.
    async fn ensure_container(&mut self, path: &str) -> Result<StatusCode, Stop> {
        let head = sub_request(self.request, Method::HEAD, path.to_owned());
        let found = self.next.run(head).await.status;
        if found != StatusCode::NOT_FOUND {
            return Ok(found);
        }
        let put = sub_request(self.request, Method::PUT, path.to_owned());
        let made = self.next.run(put).await.status;
        if made.is_success() {
            self.containers_made += 1;
            if self.containers_made > MAX_CONTAINERS {
                return Err(Stop::because(
                    StatusCode::BAD_REQUEST,
                    format!("More than {MAX_CONTAINERS} containers to create from tar."),
                ));
            }
        }
        Ok(made)
    }

    /// The headers of an object: the request's for all, the member's own for this one.
    fn describe(&self, member: &Member, headers: &mut HeaderMap) {
        for (name, value) in &self.request.headers {
            if matches!(name.as_str(), "x-delete-at" | "x-delete-after")
                || name.as_str().starts_with("x-object-meta-")
            {
                headers.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in &member.attributes {
            if let Some(name) = header_of(name)
                && let Ok(value) = HeaderValue::from_bytes(value)
            {
                headers.insert(name, value);
            }
        }
        headers.insert(CONTENT_LENGTH, member.size.into());
    }
}

/// Where a member goes: its name below the base.
fn object_path(name: &[u8], base: &str) -> Vec<u8> {
    let name = name.strip_prefix(b"./").unwrap_or(name);
    let from = name
        .iter()
        .position(|byte| *byte != b'/')
        .unwrap_or(name.len());
    let name = &name[from..];
    if base.is_empty() {
        return name.to_vec();
    }
    [base.as_bytes(), b"/", name].concat()
}

/// The header that an extended attribute becomes, as GNU tar and bsdtar write them; most become none.
fn header_of(attribute: &[u8]) -> Option<HeaderName> {
    let attribute = std::str::from_utf8(attribute).ok()?;
    let attribute = attribute
        .strip_prefix("SCHILY.xattr.user.")
        .or_else(|| attribute.strip_prefix("LIBARCHIVE.xattr.user."))?;
    if attribute == "mime_type" {
        return Some(CONTENT_TYPE);
    }
    let name = attribute.strip_prefix("meta.")?;
    HeaderName::try_from(format!("x-object-meta-{name}")).ok()
}

/// Hands the present member on to whoever stores it, until there is no more of it or nobody wants it.
async fn feed(
    archive: &mut Archive,
    sender: mpsc::Sender<Result<Bytes, BodyError>>,
) -> Result<(), TarError> {
    loop {
        match archive.read(BLOCK).await {
            Ok(bytes) if bytes.is_empty() => return Ok(()),
            Ok(bytes) => {
                if sender.send(Ok(bytes)).await.is_err() {
                    return Ok(());
                }
            }
            Err(error) => {
                // If nobody wants it any more, nobody needs to know either.
                let _ = sender
                    .send(Err(BodyError::Server(error.0.to_owned())))
                    .await;
                return Err(error);
            }
        }
    }
}

/// The bytes of a member on their way into an object.
struct MemberBody {
    receiver: mpsc::Receiver<Result<Bytes, BodyError>>,
    left: u64,
}

impl http_body::Body for MemberBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let received = std::task::ready!(self.receiver.poll_recv(context));
        if let Some(Ok(bytes)) = &received {
            self.left = self.left.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(received.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_go_below_the_base_without_leading_dots_and_slashes() {
        for (name, base, path) in [
            ("a/b", "", "a/b"),
            ("./a/b", "", "a/b"),
            ("//a", "c", "c/a"),
            (".//a", "c/d", "c/d/a"),
            ("../a", "c", "c/../a"),
        ] {
            assert_eq!(
                object_path(name.as_bytes(), base),
                path.as_bytes(),
                "{name}"
            );
        }
    }

    #[test]
    fn attributes_of_users_become_headers() {
        let header = |name: &str| header_of(name.as_bytes()).map(|name| name.as_str().to_owned());
        assert_eq!(
            header("SCHILY.xattr.user.mime_type").as_deref(),
            Some("content-type")
        );
        assert_eq!(
            header("LIBARCHIVE.xattr.user.meta.Lunch").as_deref(),
            Some("x-object-meta-lunch")
        );
        for other in [
            "SCHILY.xattr.user.other",
            "SCHILY.acl",
            "mtime",
            "SCHILY.xattr.user.meta.a b",
        ] {
            assert_eq!(header(other), None, "{other}");
        }
    }
}
