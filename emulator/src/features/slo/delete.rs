//! DELETE of a large object together with its segments.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};

use http::header::ACCEPT;
use http::{Method, StatusCode};
use serde_json::Value;

use super::manifest::{self, Stored};
use super::{MAX_SEGMENTS, MAX_STORED_SIZE, is_slo};
use crate::accept::best_match;
use crate::message::{Request, Response};
use crate::path::{Path, Resource, quote};
use crate::pipeline::Next;
use crate::query::Query;
use crate::reject::{Reject, Reply};
use crate::report::{self, status_line};
use crate::resources::{acl, container};

/// How many segments may wait to be deleted; manifests within manifests add to them.
const MAX_WAITING: usize = 10 * MAX_SEGMENTS;
/// After so many failures nothing more is tried.
const MAX_FAILED: usize = 1000;

pub(super) async fn delete(request: Request, next: Next<'_>) -> Reply {
    if request.query.is_true("async") {
        return delete_later(request, next).await;
    }
    let accept = request.header(ACCEPT.as_str()).unwrap_or("");
    let format = best_match(accept, &report::FORMATS).ok().flatten();
    let mut done = Done::default();
    let refusal = match format {
        None => Some((
            StatusCode::NOT_ACCEPTABLE,
            "<html><h1>Not Acceptable</h1><p>The resource is not available in a format acceptable to your \
             browser.</p></html>",
        )),
        Some(_) => done.delete_all(&request, next).await.err(),
    };
    let (status, why) = refusal.unwrap_or_else(|| done.outcome());
    let facts: [(&str, Value); 4] = [
        ("Response Status", status_line(status).into()),
        ("Response Body", why.into()),
        ("Number Deleted", done.deleted.into()),
        ("Number Not Found", done.not_found.into()),
    ];
    let format = format.unwrap_or(report::FORMATS[0]);
    let text = report::write(format, &facts, &done.failed, "delete");
    Ok(Response::with(StatusCode::OK, format, text))
}

/// An object that waits to be deleted.
struct Waiting {
    /// `/container/object`.
    name: String,
    /// Whether its own segments are still to be added.
    is_manifest: bool,
    /// Why its segments could not be told.
    error: Option<(StatusCode, &'static str)>,
    version: Option<String>,
}

impl Waiting {
    /// A segment, if it is an object.
    fn segment(segment: Stored) -> Option<Self> {
        match segment {
            Stored::Data { .. } => None,
            Stored::Object(object) => Some(Self {
                name: object.name,
                is_manifest: object.sub_slo,
                error: None,
                version: None,
            }),
        }
    }
}

/// What has been deleted so far, and what has not.
#[derive(Default)]
struct Done {
    deleted: u64,
    not_found: u64,
    failed: Vec<(String, String)>,
    server_error: bool,
}

impl Done {
    /// Deletes the segments, those of manifests among them, and then the manifests.
    async fn delete_all(
        &mut self,
        request: &Request,
        next: Next<'_>,
    ) -> Result<(), (StatusCode, &'static str)> {
        let root = root(request);
        let mut waiting = VecDeque::from([Waiting {
            name: request.path.as_str()[root.len()..].to_owned(),
            is_manifest: true,
            error: None,
            version: request.query.get("version-id").map(Cow::into_owned),
        }]);
        while !waiting.is_empty() {
            if waiting.len() > MAX_WAITING {
                return Err((
                    StatusCode::BAD_REQUEST,
                    "Too many buffered slo segments to delete.",
                ));
            }
            let Some(mut first) = waiting.pop_front() else {
                break;
            };
            if first.is_manifest {
                match segments(request, &root, &first.name, first.version.as_deref(), next).await {
                    Ok(segments) => {
                        waiting.extend(segments.into_iter().filter_map(Waiting::segment));
                    }
                    Err(error) => first.error = Some(error),
                }
                // Last, so that what cannot be deleted whole can still be found.
                first.is_manifest = false;
                waiting.push_back(first);
                continue;
            }
            self.delete_one(request, &root, first, next).await;
            if self.failed.len() >= MAX_FAILED {
                return Err((StatusCode::BAD_REQUEST, "Max delete failures exceeded"));
            }
        }
        Ok(())
    }

    async fn delete_one(
        &mut self,
        request: &Request,
        root: &str,
        waiting: Waiting,
        next: Next<'_>,
    ) {
        match waiting.error {
            Some((StatusCode::NOT_FOUND, _)) => return self.not_found += 1,
            Some((_, why)) => return self.failed.push((quote(&waiting.name), why.to_owned())),
            None => {}
        }
        let mut delete = request.sub(Method::DELETE, Path::new(format!("{root}{}", waiting.name)));
        if let Some(version) = waiting.version {
            delete.query = Query::default().with("version-id", &version);
        }
        let status = next.run(delete).await.status;
        if status.is_success() {
            self.deleted += 1;
        } else if status == StatusCode::NOT_FOUND {
            self.not_found += 1;
        } else {
            self.server_error |= status.is_server_error();
            self.failed
                .push((quote(&waiting.name), status_line(status)));
        }
    }

    fn outcome(&self) -> (StatusCode, &'static str) {
        if !self.failed.is_empty() {
            let status = if self.server_error {
                StatusCode::BAD_GATEWAY
            } else {
                StatusCode::BAD_REQUEST
            };
            (status, "")
        } else if self.deleted + self.not_found == 0 {
            (StatusCode::BAD_REQUEST, "Invalid bulk delete.")
        } else {
            (StatusCode::OK, "")
        }
    }
}

/// `/version/account` of a request.
fn root(request: &Request) -> String {
    let account = request.path.named().map_or("", Resource::account);
    format!("/{}/{account}", request.path.version())
}

/// The segments of a large object, or why they cannot be told.
async fn segments(
    request: &Request,
    root: &str,
    name: &str,
    version: Option<&str>,
    next: Next<'_>,
) -> Result<Vec<Stored>, (StatusCode, &'static str)> {
    let mut get = request.sub(Method::GET, Path::new(format!("{root}{name}")));
    get.query = Query::new("multipart-manifest=get");
    if let Some(version) = version {
        get.query = get.query.with("version-id", version);
    }
    let response = next.run(get).await;
    match response.status {
        status if status.is_success() => {}
        StatusCode::NOT_FOUND => return Err((StatusCode::NOT_FOUND, "SLO manifest not found")),
        StatusCode::UNAUTHORIZED => return Err((StatusCode::UNAUTHORIZED, "401 Unauthorized")),
        _ => {
            return Err((
                StatusCode::INTERNAL_SERVER_ERROR,
                "Unable to load SLO manifest or segment.",
            ));
        }
    }
    if !is_slo(&response.headers) {
        return Err((StatusCode::BAD_REQUEST, "Not an SLO manifest"));
    }
    let body = response
        .body
        .collect(MAX_STORED_SIZE)
        .await
        .unwrap_or_default();
    manifest::stored(&body).ok_or((
        StatusCode::INTERNAL_SERVER_ERROR,
        "Unable to load SLO manifest",
    ))
}

/// `async=on`: all or nothing, for segments in one container and none of them large.
async fn delete_later(request: Request, next: Next<'_>) -> Reply {
    let root = root(&request);
    let own_name = &request.path.as_str()[root.len()..];
    let version = request.query.get("version-id");
    let found = segments(&request, &root, own_name, version.as_deref(), next)
        .await
        .map_err(|(status, why)| match status {
            // A refusal of rights and not a fault of the server.
            StatusCode::INTERNAL_SERVER_ERROR => Reject::forbidden(),
            _ => Reject::html(status, why),
        })?;
    let mut names = Vec::with_capacity(found.len());
    let mut large = false;
    for segment in found {
        if let Stored::Object(object) = segment {
            large |= object.sub_slo;
            names.push(object.name);
        }
    }
    let containers: BTreeSet<&str> = names.iter().map(|name| container_of(name)).collect();
    if containers.len() > 1 {
        let list: Vec<String> = containers
            .iter()
            .map(|container| format!("\"{}\"", quote(container)))
            .collect();
        let text = format!(
            "All segments must be in one container. Found segments in {}",
            list.join(", ")
        );
        return Err(Reject::html(StatusCode::BAD_REQUEST, text));
    }
    if large {
        return Err(Reject::html(
            StatusCode::BAD_REQUEST,
            "No segments may be large objects.",
        ));
    }
    // Both containers must be open to the client before anything goes.
    for name in [Some(own_name), names.first().map(String::as_str)]
        .into_iter()
        .flatten()
    {
        let delete = request.sub(Method::DELETE, Path::new(format!("{root}{name}")));
        let account = request.path.named().map_or("", Resource::account);
        let list = container::access_list(
            next.core(),
            account,
            container_of(name),
            "x-container-write",
        );
        acl::authorize(&delete, next.core(), list.as_deref())?;
    }
    for name in &names {
        let delete = request.pre_authorized(Method::DELETE, Path::new(format!("{root}{name}")));
        next.run(delete).await;
    }
    Ok(next.run(request).await)
}

/// The container in `/container/object`.
fn container_of(name: &str) -> &str {
    let name = name.trim_start_matches('/');
    name.split_once('/')
        .map_or(name, |(container, _)| container)
}
