//! Objects of a container that has, or had, versions.

use http::header::{CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, ETAG, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::{SYSMETA_ENABLED, VERSION_ID, failed, names, version_id};
use crate::core::Core;
use crate::message::{Body, Request, Response, header_text, header_value};
use crate::path::{Path, Resource, quote};
use crate::pipeline::Next;
use crate::query::{Query, truthy};
use crate::reject::{Reject, Reply};
use crate::resources::archive;
use crate::store::Object;
use crate::timestamp::Timestamp;

const CURRENT_VERSION_ID: HeaderName = HeaderName::from_static("x-object-current-version-id");
const TARGET: HeaderName = HeaderName::from_static("x-symlink-target");
const TARGET_SYSMETA: &str = "x-object-sysmeta-symlink-target";
/// Says that a link is one of ours.
const VERSIONS_SYMLINK: HeaderName = HeaderName::from_static("x-object-sysmeta-versions-symlink");

/// What describes the bytes, and so belongs to the version and not to the link to it.
const NOT_FOR_LINKS: [HeaderName; 9] = [
    ETAG,
    TRANSFER_ENCODING,
    HeaderName::from_static("x-if-delete-at"),
    HeaderName::from_static("x-symlink-target-account"),
    HeaderName::from_static("x-object-manifest"),
    HeaderName::from_static("x-static-large-object"),
    HeaderName::from_static("x-object-sysmeta-slo-etag"),
    HeaderName::from_static("x-object-sysmeta-slo-size"),
    HeaderName::from_static("x-object-sysmeta-container-update-override-size"),
];

/// An object, and where its versions are.
#[derive(Debug)]
struct Versioned {
    path: Path,
    account: String,
    container: String,
    object: String,
    versions: String,
    /// Whether new versions are kept now.
    enabled: bool,
}

/// A version that becomes the current one.
#[derive(Debug)]
struct Version {
    name: String,
    etag: String,
    bytes: u64,
    content_type: String,
}

pub(super) async fn handle(request: Request, next: Next<'_>) -> Reply {
    let id = version_id(&request);
    let Some(versioned) = Versioned::find(&request, next.core()) else {
        return match id {
            Some(id) => without_versions(request, next, &id).await,
            None => Ok(next.run(request).await),
        };
    };
    if let Some(id) = id {
        return at_version(request, next, &versioned, &id).await;
    }
    match request.method {
        Method::PUT if versioned.enabled => put(request, next, &versioned).await,
        Method::DELETE if versioned.enabled => delete(request, next, &versioned).await,
        Method::PUT | Method::DELETE => Ok(next.run(request).await),
        Method::POST => post(request, next, &versioned).await,
        _ => read(request, next, &versioned).await,
    }
}

/// A request for a version where there never were any: `null` is what is there.
async fn without_versions(request: Request, next: Next<'_>, id: &str) -> Reply {
    if request.method == Method::POST {
        return Err(no_post());
    }
    if id != "null" {
        return Err(Reject::html(
            StatusCode::BAD_REQUEST,
            "version-aware operations require that the container is versioned",
        ));
    }
    match request.method {
        Method::PUT => Err(invalid_version()),
        Method::OPTIONS | Method::DELETE => Ok(next.run(request).await),
        _ => read_null(request, next).await,
    }
}

async fn at_version(request: Request, next: Next<'_>, versioned: &Versioned, id: &str) -> Reply {
    if request.method == Method::POST {
        return Err(no_post());
    }
    let version = if id == "null" {
        None
    } else {
        Some(names::parse_id(id).ok_or_else(invalid_version)?)
    };
    match (request.method.clone(), version) {
        // Answered from the container's settings, so its path stays; `null` is deleted where it lies.
        (Method::OPTIONS, _) | (Method::DELETE, None) => Ok(next.run(request).await),
        (Method::PUT, None) => Err(invalid_version()),
        (_, None) => read_null(request, next).await,
        (Method::DELETE, Some(version)) => {
            let mut response = delete_version(request, next, versioned, version).await?;
            response.set(VERSION_ID, id);
            Ok(response)
        }
        (Method::PUT, Some(version)) => make_current(request, next, versioned, version).await,
        (_, Some(version)) => read_version(request, next, versioned, version, id).await,
    }
}

fn no_post() -> Reject {
    Reject::html(
        StatusCode::BAD_REQUEST,
        "POST to a specific version is not allowed",
    )
}

fn invalid_version() -> Reject {
    Reject::html(StatusCode::BAD_REQUEST, "Invalid version parameter")
}

fn versions_are_gone() -> Reject {
    Reject::plain(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The versions container does not exist. You may want to re-enable object versioning.",
    )
}

impl Versioned {
    fn find(request: &Request, core: &Core) -> Option<Self> {
        let Some(Resource::Object(account, container, object)) = request.path.named() else {
            return None;
        };
        Some(Self {
            versions: names::versions_of(core, account, container)?,
            enabled: core
                .store
                .container(account, container)?
                .metadata_value(SYSMETA_ENABLED.as_str())
                .is_some_and(|enabled| enabled.to_str().is_ok_and(truthy)),
            path: request.path.clone(),
            account: account.to_owned(),
            container: container.to_owned(),
            object: object.to_owned(),
        })
    }

    fn version_name(&self, id: Timestamp) -> String {
        names::version(&self.object, id)
    }

    fn version<'a>(&'a self, name: &'a str) -> Resource<'a> {
        Resource::Object(&self.account, &self.versions, name)
    }

    fn version_path(&self, name: &str) -> Path {
        Path::object(&self.account, &self.versions, name)
    }

    /// The name of the version that the object links to now; `None` where it is not there or no such link.
    fn linked(&self, request: &Request, core: &Core) -> Option<String> {
        let current = core
            .store
            .container(&self.account, &self.container)?
            .object(&self.object, request.received)?;
        if !is_link(&current) {
            return None;
        }
        let target = current.header(TARGET_SYSMETA)?.to_str().ok()?;
        let target = percent_decode_str(target).decode_utf8().ok()?;
        let (container, name) = target.split_once('/')?;
        (container == self.versions).then(|| name.to_owned())
    }

    /// Keeps as a version what was written while none were kept. A link's version is there already.
    fn keep_current(&self, request: &Request, core: &Core) -> Result<(), Reject> {
        archive::authorize_write(request, core)?;
        let current = core
            .store
            .container(&self.account, &self.container)
            .and_then(|container| container.object(&self.object, request.received));
        let Some(current) = current.filter(|current| !is_link(current)) else {
            return Ok(());
        };
        let name = self.version_name(current.modified);
        archive::keep(core, self.version(&name), &current).map_err(|refused| {
            if refused.status == StatusCode::NOT_FOUND {
                versions_are_gone()
            } else {
                refused
            }
        })
    }
}

fn is_link(object: &Object) -> bool {
    object
        .header(VERSIONS_SYMLINK.as_str())
        .is_some_and(|value| value == "true")
}

/// What a client sent, for the version: when it expires is the link's business.
fn without_expiry(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove("x-delete-at");
    headers.remove("x-delete-after");
    headers
}

/// PUT: the bytes become a version, and the object a link to it.
async fn put(mut request: Request, next: Next<'_>, versioned: &Versioned) -> Reply {
    let core = next.core();
    versioned.keep_current(&request, core)?;
    let name = versioned.version_name(core.clock.timestamp());
    let mut write = request.pre_authorized(Method::PUT, versioned.version_path(&name));
    write.allow_reserved_names = true;
    write.headers = without_expiry(&request.headers);
    write.body = std::mem::take(&mut request.body);
    let written = next.run(write).await;
    if written.status == StatusCode::NOT_FOUND {
        return Err(versions_are_gone());
    }
    if !written.is_success() {
        return failed(written);
    }
    let stored = core
        .store
        .container(&versioned.account, &versioned.versions)
        .and_then(|container| container.stored_object(&name))
        .ok_or_else(versions_are_gone)?;
    let slo_size = request
        .header("x-object-sysmeta-slo-size")
        .and_then(|size| size.parse().ok());
    let content_type = String::from_utf8_lossy(stored.content_type.as_bytes());
    let version = Version {
        etag: written.header(ETAG.as_str()).unwrap_or("").to_owned(),
        bytes: slo_size.unwrap_or(stored.body.len()),
        content_type: content_type
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_owned(),
        name,
    };
    link(request, next, versioned, &version).await
}

/// Makes the object a link to a version, with the rights of the one who asked.
async fn link(
    mut request: Request,
    next: Next<'_>,
    versioned: &Versioned,
    version: &Version,
) -> Reply {
    for name in NOT_FOR_LINKS {
        request.headers.remove(name);
    }
    let target = quote(&format!("{}/{}", versioned.versions, version.name));
    let yes = HeaderValue::from_static("true");
    for (name, value) in [
        (CONTENT_TYPE, header_value(&version.content_type)),
        (CONTENT_LENGTH, 0.into()),
        (TARGET, header_value(&target)),
        (
            HeaderName::from_static("x-object-sysmeta-symlink-target-etag"),
            header_value(&version.etag),
        ),
        (
            HeaderName::from_static("x-object-sysmeta-symlink-target-bytes"),
            version.bytes.into(),
        ),
        (VERSIONS_SYMLINK, yes.clone()),
        (
            HeaderName::from_static("x-object-sysmeta-symloop-extend"),
            yes.clone(),
        ),
        (
            HeaderName::from_static("x-object-sysmeta-allow-reserved-names"),
            yes,
        ),
    ] {
        request.headers.insert(name, value);
    }
    request.body = Body::Empty;
    request.allow_reserved_names = true;
    let mut response = next.run(request).await;
    response.set(ETAG, &version.etag);
    if let Some((_, id)) = names::parse(&version.name) {
        response.set(VERSION_ID, &id);
    }
    Ok(response)
}

/// DELETE: a marker becomes the latest version, and the link goes.
async fn delete(request: Request, next: Next<'_>, versioned: &Versioned) -> Reply {
    let core = next.core();
    versioned.keep_current(&request, core)?;
    let id = core.clock.timestamp();
    let marker = versioned.version_name(id);
    archive::mark_deleted(core, versioned.version(&marker)).map_err(|refused| {
        if refused.status == StatusCode::NOT_FOUND {
            Reject::precondition_failed()
        } else {
            refused
        }
    })?;
    let mut response = next.run(request).await;
    if response.is_success() || response.status == StatusCode::NOT_FOUND {
        response.set(VERSION_ID, &id.to_string());
    }
    Ok(response)
}

/// POST: to the link, where expiry is kept, and then to the version it leads to.
async fn post(request: Request, next: Next<'_>, versioned: &Versioned) -> Reply {
    let follow = versioned.linked(&request, next.core()).map(|name| {
        let mut follow = request.pre_authorized(Method::POST, versioned.version_path(&name));
        follow.allow_reserved_names = true;
        follow.headers = without_expiry(&request.headers);
        follow
    });
    let response = next.run(request).await;
    match follow {
        Some(follow) if response.status == StatusCode::TEMPORARY_REDIRECT => {
            Ok(next.run(follow).await)
        }
        _ => Ok(response),
    }
}

/// GET, HEAD and OPTIONS: says which version it was, and hides where it came from.
async fn read(request: Request, next: Next<'_>, versioned: &Versioned) -> Reply {
    let mut response = next.run(request).await;
    response.set(VERSION_ID, "null");
    let decoded = |response: &Response, name: &str| -> Option<String> {
        let value = header_text(&response.headers, name)?;
        Some(percent_decode_str(value).decode_utf8().ok()?.into_owned())
    };
    let id_of = |container: &str, name: &str| {
        (container == versioned.versions)
            .then(|| names::parse(name).map(|(_, id)| id))
            .flatten()
    };
    if let Some(location) = decoded(&response, CONTENT_LOCATION.as_str()).map(Path::new)
        && let Some(Resource::Object(account, container, name)) = location.named()
        && account == versioned.account
        && let Some(id) = id_of(container, name)
    {
        response.set(VERSION_ID, &id);
        let shown = format!("{}?version-id={id}", quote(versioned.path.as_str()));
        response.set(CONTENT_LOCATION, &shown);
    }
    if let Some(target) = decoded(&response, TARGET.as_str())
        && let Some((container, name)) = target.split_once('/')
        && let Some(id) = id_of(container, name)
    {
        response.set(VERSION_ID, &id);
        let shown = quote(&format!("{}/{}", versioned.container, versioned.object));
        response.set(TARGET, &format!("{shown}?version-id={id}"));
    }
    Ok(response)
}

/// GET and HEAD of what was written while no versions were kept.
async fn read_null(request: Request, next: Next<'_>) -> Reply {
    let mut response = next.run(request).await;
    if response.is_success() {
        let is_version = header_text(&response.headers, CONTENT_LOCATION.as_str())
            .is_some_and(|location| location.contains("%00versions%00"));
        if is_version {
            return Err(Reject::not_found());
        }
        response.set(VERSION_ID, "null");
    }
    Ok(response)
}

/// GET and HEAD of one version, with the rights of the one who asks: only the account's own users have any there.
async fn read_version(
    mut request: Request,
    next: Next<'_>,
    versioned: &Versioned,
    version: Timestamp,
    id: &str,
) -> Reply {
    request.path = versioned
        .version_path(&versioned.version_name(version))
        .into();
    request.allow_reserved_names = true;
    let mut response = next.run(request).await;
    if response.header(CONTENT_TYPE.as_str()) == Some(archive::DELETE_MARKER) {
        return Err(Reject::not_found()
            .header(VERSION_ID, id)
            .header(CONTENT_TYPE, archive::DELETE_MARKER));
    }
    if response.is_success() {
        response.set(VERSION_ID, id);
    }
    Ok(response)
}

/// DELETE of one version, and of the link where it leads to this one.
async fn delete_version(
    mut request: Request,
    next: Next<'_>,
    versioned: &Versioned,
    version: Timestamp,
) -> Reply {
    let name = versioned.version_name(version);
    let mut current = versioned.linked(&request, next.core());
    if current.as_deref() == Some(name.as_str()) {
        let mut unlink = request.sub(Method::DELETE, request.path.clone());
        unlink.headers = request.headers.clone();
        let unlinked = next.run(unlink).await;
        if !unlinked.is_success() {
            return failed(unlinked);
        }
        request.query = Query::default();
        current = None;
    }
    request.path = versioned.version_path(&name).into();
    request.allow_reserved_names = true;
    let mut response = next.run(request).await;
    let current = current
        .and_then(|name| names::parse(&name).map(|(_, id)| id))
        .unwrap_or_else(|| "null".to_owned());
    response.set(CURRENT_VERSION_ID, &current);
    Ok(response)
}

/// PUT of nothing to a version: it becomes the current one.
async fn make_current(
    mut request: Request,
    next: Next<'_>,
    versioned: &Versioned,
    version: Timestamp,
) -> Reply {
    let framed = [CONTENT_LENGTH, TRANSFER_ENCODING]
        .iter()
        .any(|name| request.headers.contains_key(name));
    if !framed {
        return Err(Reject::new(StatusCode::LENGTH_REQUIRED));
    }
    let has_body = match request.body.length() {
        Some(length) => length > 0,
        None => request.body.next().await.is_some(),
    };
    if has_body {
        return Err(Reject::plain(
            StatusCode::BAD_REQUEST,
            "PUT version-id requests require a zero byte body",
        ));
    }
    let name = versioned.version_name(version);
    let stored = next
        .core()
        .store
        .container(&versioned.account, &versioned.versions)
        .ok_or_else(versions_are_gone)?
        .object(&name, request.received)
        .ok_or_else(|| {
            Reject::plain(
                StatusCode::NOT_FOUND,
                "The specified version does not exist",
            )
        })?;
    let version = Version {
        name,
        etag: stored.etag.to_string(),
        bytes: stored.body.len(),
        content_type: String::from_utf8_lossy(stored.content_type.as_bytes()).into_owned(),
    };
    link(request, next, versioned, &version).await
}
