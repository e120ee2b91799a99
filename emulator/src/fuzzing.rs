//! What the fuzz targets call: each function takes whatever bytes there are and reads them to the end with a parser that
//! clients can reach. It panics where the parser does, and where the parser breaks a promise its callers rest on.
//!
//! Some bytes in front of the text say how to read it, so that a fuzzer can vary that too: see each function.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::HeaderValue;

use crate::features::bulk::archive::{Archive, TarError};
use crate::features::bulk::source::{Compression, Source};
use crate::features::formpost::multipart::{Broken, Multipart, parameters};
use crate::features::slo::manifest;
use crate::message::Body;
use crate::resources::acl::{account, clean_acl, container, shown_account_acl};
use crate::resources::range;
use crate::store::{Memory, Store};

/// How much of an archive's member is read at a time, in bytes.
const BLOCK: usize = 100;

/// The access lists of containers and accounts: the list, and after a line feed the page that a visitor comes from.
pub fn acl(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (list, referer) = text.split_once('\n').unwrap_or((&text, ""));
    for header in ["X-Container-Read", "X-Container-Write"] {
        if let Ok(canonical) = clean_acl(header, list) {
            ask(&canonical, referer);
        }
    }
    // A list that was stored is not read again before it is asked.
    ask(list, referer);

    let named = account::level(list, &[referer.to_owned()]).is_some();
    let valid = account::check(list).is_ok();
    let shown = shown_account_acl(list);
    assert!(
        !(named && valid) || shown.is_some(),
        "a list that lets somebody in can be shown"
    );
    assert!(
        shown.is_none_or(|shown| shown.is_ascii()),
        "a list is shown in ASCII"
    );
}

fn ask(canonical: &str, referer: &str) {
    let list = container::Acl::parse(canonical);
    list.allows_referer(referer);
    list.has_group(".rlistings");
    list.has_group(referer);
}

/// Snapshots of the whole state: a first byte that is even takes the rest as a file; one that is odd puts checksums into
/// the rest, so that what lies behind them is reached.
pub fn snapshot(data: &[u8]) {
    let [mode, data @ ..] = data else {
        return;
    };
    let framed;
    let file = if mode & 1 == 0 {
        data
    } else {
        framed = crate::snapshot::framed(data);
        &framed
    };
    let before = file.len() as u64;
    let known = crate::snapshot::read::Known {
        name: crate::defaults::REGION,
        policies: crate::flavour::SWIFT.policies,
        store: Store::new(Arc::new(Memory::new(None)), None),
    };
    match crate::snapshot::read::read_for(file, vec![known]) {
        Ok(state) => assert!(state.contents.bytes <= before, "no body out of nothing"),
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal says why"),
    }
}

/// Tar archives: the first byte is the compression (0 none, 1 gzip, 2 bzip2, then again), the second the length of the
/// pieces that the rest comes in.
pub fn archive(data: &[u8]) {
    let [compression, step, archive @ ..] = data else {
        return;
    };
    let compression = match compression % 3 {
        0 => Compression::None,
        1 => Compression::Gzip,
        _ => Compression::Bzip2,
    };
    let mut archive = Archive::new(Source::new(body(archive, *step), compression));
    // How an archive ends is for its reader to say; that it ends is what matters here.
    let _: Result<(), TarError> = at_once(async {
        while archive.next().await?.is_some() {
            while !archive.read(BLOCK).await?.is_empty() {}
        }
        Ok(())
    });
}

/// Forms: the first byte is the length of the pieces that the form comes in; the first line is its content type, which
/// names the boundary.
pub fn form(data: &[u8]) {
    let Some((step, data)) = data.split_first() else {
        return;
    };
    let end = memchr::memchr(b'\n', data).unwrap_or(data.len());
    let (content_type, form) = data.split_at(end);
    let content_type = String::from_utf8_lossy(content_type);
    let (_, attributes) = parameters(&content_type);
    let Some(boundary) = attributes.get("boundary") else {
        return;
    };
    let body = body(form.get(1..).unwrap_or_default(), *step);
    // As above: a form may be broken in any way, but has to come to an end.
    let _: Result<(), Broken> = at_once(async {
        let Some(mut parts) = Multipart::open(body, boundary).await? else {
            return Ok(());
        };
        while let Some(headers) = parts.next_part().await? {
            parameters(headers.get("content-disposition").unwrap_or_default());
            while parts.chunk().await?.is_some() {}
        }
        Ok(())
    });
}

/// Manifests of static large objects, as clients send them and as they are stored.
pub fn manifest(data: &[u8]) {
    // What is wrong with a manifest is told in a refusal, which is as good a result.
    let _ = manifest::parse(data, "AUTH_test", "/AUTH_test/container/object");
    if let Some(segments) = manifest::stored(data) {
        manifest::etag(&segments);
        for segment in &segments {
            segment.length();
            segment.raw();
        }
    }
}

/// The `Range` header: the first eight bytes are the length of the object, the least first.
pub fn range(data: &[u8]) {
    let Some((length, header)) = data.split_first_chunk() else {
        return;
    };
    let length = u64::from_le_bytes(*length);
    let Ok(header) = HeaderValue::from_bytes(header) else {
        return;
    };
    if let range::Wanted::Parts(parts) = range::wanted(Some(&header), length) {
        assert!(!parts.is_empty(), "there is a part to send");
        for part in parts {
            assert!(
                part.start < part.end && part.end <= length,
                "a part lies within the object: {part:?} of {length}"
            );
        }
    }
}

/// A body that comes in pieces of `step` bytes, or all at once where that is none.
fn body(data: &[u8], step: u8) -> Body {
    let step = if step == 0 {
        data.len().max(1)
    } else {
        usize::from(step)
    };
    let pieces: VecDeque<Bytes> = data.chunks(step).map(Bytes::copy_from_slice).collect();
    Body::Chunks(pieces)
}

fn at_once<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never()
        .expect("bytes in memory keep nobody waiting")
}
