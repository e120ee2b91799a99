//! Deletes the objects and containers of a list.

use bytes::{Buf, BytesMut};
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use percent_encoding::percent_decode;

use super::{
    MAX_DELETES, MAX_FAILED_DELETES, MAX_PATH, Report, Stop, check_length, divide, drain,
    sub_request,
};
use crate::message::{Body, Request};
use crate::path::quote_bytes;
use crate::pipeline::Next;

pub(super) async fn delete(mut request: Request, is_acceptable: bool, next: Next<'_>) -> Report {
    let mut body = std::mem::take(&mut request.body);
    let mut deletion = Deletion {
        request: &request,
        next,
        deleted: 0,
        missing: 0,
        report: Report::new(StatusCode::OK),
    };
    let done = deletion.run(&mut body, is_acceptable).await;
    let (mut report, deleted, missing) = (deletion.report, deletion.deleted, deletion.missing);
    match done {
        Err(stop) => stop.note(&mut report),
        Ok(()) if report.errors.is_empty() && deleted + missing == 0 => {
            Stop::because(StatusCode::BAD_REQUEST, "Invalid bulk delete.").note(&mut report);
        }
        Ok(()) => {}
    }
    report.counts = vec![("Number Deleted", deleted), ("Number Not Found", missing)];
    drain(body).await;
    report
}

struct Deletion<'a> {
    request: &'a Request,
    next: Next<'a>,
    deleted: u64,
    missing: u64,
    report: Report,
}

impl Deletion<'_> {
    async fn run(&mut self, body: &mut Body, is_acceptable: bool) -> Result<(), Stop> {
        if !is_acceptable {
            return Err(Stop::new(StatusCode::NOT_ACCEPTABLE));
        }
        let (root, _) = divide(&self.request.path)?;
        let content_type = self
            .request
            .header(CONTENT_TYPE.as_str())
            .unwrap_or_default();
        if !content_type.is_empty() && !content_type.starts_with("text/plain") {
            return Err(Stop::new(StatusCode::NOT_ACCEPTABLE));
        }
        check_length(self.request)?;
        let names = names(body).await?;
        // Objects first, so that the containers they are in can be empty.
        for wants_objects in [true, false] {
            for name in names.iter().filter(|name| is_object(name) == wants_objects) {
                self.remove(root, name).await;
                if self.report.errors.len() >= MAX_FAILED_DELETES {
                    return Err(Stop::because(
                        StatusCode::BAD_REQUEST,
                        "Max delete failures exceeded",
                    ));
                }
            }
        }
        Ok(())
    }

    async fn remove(&mut self, root: &str, name: &[u8]) {
        let Some(text) = std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.contains('\0'))
        else {
            self.report
                .fail(quote_bytes(name), StatusCode::PRECONDITION_FAILED);
            return;
        };
        let path = format!("{root}/{}", text.trim_start_matches('/'));
        let delete = sub_request(self.request, Method::DELETE, path);
        match self.next.run(delete).await.status {
            status if status.is_success() => self.deleted += 1,
            StatusCode::NOT_FOUND => self.missing += 1,
            status => self.report.fail(quote_bytes(name), status),
        }
    }
}

/// Whether a name is an object's, that is, whether there is a slash within it.
fn is_object(name: &[u8]) -> bool {
    let is_slash = |byte: &u8| *byte == b'/';
    let from = name
        .iter()
        .position(|byte| !is_slash(byte))
        .unwrap_or(name.len());
    let to = name
        .iter()
        .rposition(|byte| !is_slash(byte))
        .map_or(from, |last| last + 1);
    name[from..to].iter().any(is_slash)
}

/// Reads the names of a body, one on each line, and decodes them. Empty lines count towards the limit.
async fn names(body: &mut Body) -> Result<Vec<Vec<u8>>, Stop> {
    let mut names = Vec::new();
    let mut count = 0;
    let mut line = BytesMut::new();
    let mut take = |raw: &[u8]| {
        let name: Vec<u8> = percent_decode(raw.trim_ascii()).collect();
        if !name.is_empty() {
            names.push(name);
        }
    };
    let too_many = || {
        Stop::because(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("Maximum Bulk Deletes: {MAX_DELETES} per request"),
        )
    };
    // A body that breaks off leaves nobody to answer to.
    while let Some(Ok(bytes)) = body.next().await {
        line.extend_from_slice(&bytes);
        while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            check_name(&line[..end])?;
            take(&line[..end]);
            line.advance(end + 1);
            count += 1;
            if count > MAX_DELETES {
                return Err(too_many());
            }
        }
        check_name(&line)?;
    }
    if !line.trim_ascii().is_empty() {
        take(&line);
        count += 1;
    }
    if count > MAX_DELETES {
        return Err(too_many());
    }
    Ok(names)
}

fn check_name(raw: &[u8]) -> Result<(), Stop> {
    if raw.len() > 2 * MAX_PATH {
        return Err(Stop::because(StatusCode::BAD_REQUEST, "Invalid File Name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn read(body: &str, step: usize) -> Result<Vec<String>, Stop> {
        let chunks = body
            .as_bytes()
            .chunks(step)
            .map(Bytes::copy_from_slice)
            .collect();
        let mut body = Body::Chunks(chunks);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let names = runtime.block_on(names(&mut body))?;
        let text = |name: Vec<u8>| String::from_utf8(name).expect("the names are UTF-8");
        Ok(names.into_iter().map(text).collect())
    }

    #[test]
    fn reads_names_line_by_line_however_they_come_in() {
        for step in [1, 3, 1000] {
            let names = read("c/o\r\n\n  /c/b%20c \nc/%C3%BC\nlast", step).expect("they are fine");
            assert_eq!(names, ["c/o", "/c/b c", "c/ü", "last"]);
        }
    }

    #[test]
    fn takes_so_many_lines_and_no_more_empty_ones_too() {
        assert_eq!(
            read(&"a\n".repeat(MAX_DELETES), 4096)
                .expect("as many as allowed")
                .len(),
            MAX_DELETES
        );
        let refused = read(&"\n".repeat(MAX_DELETES + 1), 4096).expect_err("one too many");
        assert_eq!(refused.message, "Maximum Bulk Deletes: 10000 per request");
    }

    #[test]
    fn refuses_a_line_that_no_name_can_fill() {
        for end in ["", "\n"] {
            let refused = read(&("n".repeat(2 * MAX_PATH + 1) + end), 100).expect_err("too long");
            assert_eq!(refused.message, "Invalid File Name");
        }
    }

    #[test]
    fn tells_objects_from_containers() {
        for (name, object) in [
            ("c", false),
            ("/c/", false),
            ("c/o", true),
            ("/c/o", true),
            ("//", false),
        ] {
            assert_eq!(is_object(name.as_bytes()), object, "{name}");
        }
    }
}
