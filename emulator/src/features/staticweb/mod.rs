//! A container as a web site (`swift/common/middleware/staticweb.py`).
//!
//! In: GET and HEAD by whoever shows no token, or by anybody with `X-Web-Mode: true`. The container's metadata says what
//! kind of site it is:
//!
//! - `X-Container-Meta-Web-Index`: name of the page that stands for a level, `index.html` for one;
//! - `X-Container-Meta-Web-Listings: true`: levels without such a page are listed;
//! - `X-Container-Meta-Web-Listings-Css`, `X-Container-Meta-Web-Listings-Label`: how listings look, and what they are
//!   called instead of their path;
//! - `X-Container-Meta-Web-Error`: what the names of error pages end with: `error.html` makes `404error.html`;
//! - `X-Container-Meta-Web-Directory-Type`: content type of the empty objects that only mark a level
//!   (`application/directory` unless set).
//!
//! Out: 200 with a page or a listing; 301 from a level to the same with a slash behind it; 404; and errors under their
//! own status with the site's page for them. Every page is fetched by a request of its own, so that access lists
//! hold for each.

mod page;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{Method, StatusCode};

use crate::core::Core;
use crate::headers::X_WEB_MODE;
use crate::message::{Grant, Request, Response};
use crate::path::{Path, quote};
use crate::pipeline::Next;
use crate::query::{Query, truthy};
use crate::region::host_url;
use crate::reject::{Reject, Reply};
use crate::resources::{acl, container};
use crate::store::Container;

const DIRECTORY: &str = "application/directory";

pub(crate) fn applies(request: &Request, core: &Core) -> bool {
    if !request.is_read() {
        return false;
    }
    let is_visitor = match request.grant {
        Grant::Anonymous | Grant::Signed { .. } => true,
        Grant::User(_) | Grant::PreAuthorized => request.header_is_true(X_WEB_MODE),
    };
    if !is_visitor {
        return false;
    }
    let Some(named) = request.path.named() else {
        return false;
    };
    let found = request.path.found_container(&core.store);
    found.is_some_and(|container| {
        let has = |name| !setting(container, name).is_empty();
        has(INDEX)
            || has(LISTINGS)
            || (named.object().is_none() && (has(ERROR) || request.header_is_true(X_WEB_MODE)))
    })
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    let Some(named) = request.path.named() else {
        return Ok(next.run(request).await);
    };
    let Some(container) = named
        .container()
        .and_then(|container| next.core().store.container(named.account(), container))
    else {
        return Ok(next.run(request).await);
    };
    let visit = Visit {
        site: Site::of(&container),
        account: named.account().to_owned(),
        container: named.container().unwrap_or_default().to_owned(),
        object: named.object().unwrap_or_default().to_owned(),
        next,
        request,
    };
    if visit.object.is_empty() {
        visit.container().await
    } else {
        visit.object().await
    }
}

const INDEX: &str = "x-container-meta-web-index";
const ERROR: &str = "x-container-meta-web-error";
const LISTINGS: &str = "x-container-meta-web-listings";

fn setting(container: &Container, name: &str) -> String {
    container
        .metadata_value(name)
        .and_then(|value| {
            Some(
                std::str::from_utf8(value.as_bytes())
                    .ok()?
                    .trim()
                    .to_owned(),
            )
        })
        .unwrap_or_default()
}

/// What a container says of itself as a site; empty where it says nothing.
#[derive(Debug)]
struct Site {
    index: String,
    error: String,
    listings: String,
    label: String,
    css: String,
    directory_type: String,
}

impl Site {
    fn of(container: &Container) -> Self {
        let directory_type = setting(container, "x-container-meta-web-directory-type");
        Self {
            index: setting(container, INDEX),
            error: setting(container, ERROR),
            listings: setting(container, LISTINGS),
            label: setting(container, "x-container-meta-web-listings-label"),
            css: setting(container, "x-container-meta-web-listings-css"),
            directory_type: if directory_type.is_empty() {
                DIRECTORY.to_owned()
            } else {
                directory_type
            },
        }
    }

    /// Whether the response is an object that only marks a level.
    fn is_marker(&self, response: &Response) -> bool {
        let length = response
            .header(CONTENT_LENGTH.as_str())
            .and_then(|length| length.parse::<u64>().ok())
            .unwrap_or(0);
        length <= 1 && response.header(CONTENT_TYPE.as_str()) == Some(&self.directory_type)
    }
}

/// One request to a site.
struct Visit<'a> {
    site: Site,
    account: String,
    container: String,
    /// Empty for the container itself.
    object: String,
    request: Request,
    next: Next<'a>,
}

impl Visit<'_> {
    /// `handle_container`: the index, or a listing.
    async fn container(self) -> Reply {
        let core = self.next.core();
        let list = container::access_list(core, &self.account, &self.container, "x-container-read");
        if let Err(refusal) = acl::authorize(&self.request, core, list.as_deref()) {
            return Ok(self.error(refusal.into_response()).await);
        }
        if self.site.index.is_empty() && self.site.listings.is_empty() {
            if self.request.header_is_true(X_WEB_MODE) {
                return Err(Reject::not_found());
            }
            return Ok(self.next.run(self.request).await);
        }
        if !self.ends_with_slash() {
            return Ok(self.with_slash());
        }
        if self.site.index.is_empty() {
            return self.listing("").await;
        }
        let index = self.fetch(self.index_path()).await;
        if index.status == StatusCode::NOT_FOUND {
            return self.listing("").await;
        }
        if !is_answer(&index) {
            return Ok(self.error(index).await);
        }
        Ok(index)
    }

    /// `handle_object`: the object; else, the path being a level's, its index, or a listing.
    async fn object(self) -> Reply {
        let found = self.fetch(self.request.path.clone()).await;
        let is_level = found.status == StatusCode::NOT_FOUND
            || (is_answer(&found) && self.site.is_marker(&found));
        if !is_level || (self.site.index.is_empty() && self.site.listings.is_empty()) {
            return Ok(found);
        }
        if !self.site.index.is_empty() {
            let index = self.fetch(self.index_path()).await;
            if is_answer(&index) && !self.ends_with_slash() {
                return Ok(self.with_slash());
            }
            if index.status != StatusCode::NOT_FOUND {
                return Ok(index);
            }
        }
        if self.ends_with_slash() {
            return self.listing(&self.object).await;
        }
        let inside = format!("{}/", self.object);
        let listed = self
            .list(Query::new("limit=1&delimiter=%2F").with("prefix", &inside))
            .await;
        match listed.listing {
            Some(listing) if listed.status.is_success() && !listing.entries.is_empty() => {
                Ok(self.with_slash())
            }
            _ => Ok(self.error(Reject::not_found().into_response()).await),
        }
    }

    /// `_listing`: the entries below a prefix, as a page.
    async fn listing(&self, prefix: &str) -> Reply {
        let label = self.label();
        let css = page::css_link(&self.site.css, prefix);
        if !truthy(&self.site.listings) {
            let body = page::disabled(&label, css.as_deref(), &self.site.index);
            let refusal = Reject::html(StatusCode::NOT_FOUND, body);
            return Ok(self.error(refusal.into_response()).await);
        }
        let mut query = Query::new("delimiter=%2F");
        if !prefix.is_empty() {
            query = query.with("prefix", prefix);
        }
        let mut listed = self.list(query).await;
        let Some(listing) = listed.listing.take().filter(|_| listed.status.is_success()) else {
            return Ok(self.error(listed).await);
        };
        if listing.entries.is_empty() && !prefix.is_empty() {
            return Ok(self.error(Reject::not_found().into_response()).await);
        }
        let signed = self.temp_url();
        let body = page::listing(&page::Listed {
            label: &label,
            css: css.as_deref(),
            prefix,
            has_parent: prefix.len() > signed.as_ref().map_or(0, |signed| signed.prefix.len()),
            link_query: signed.as_ref().map_or("", |signed| &signed.query),
            entries: &listing.entries,
        });
        let mut response = Response::with(StatusCode::OK, "text/html; charset=UTF-8", body);
        // `tempurl` takes a site's pages of levels, and nothing else that is no object.
        response.headers.insert(
            "x-backend-content-generator",
            http::HeaderValue::from_static("staticweb"),
        );
        Ok(response)
    }

    /// `_error_response`: the site's own page for this error, if it has one that the visitor may see.
    async fn error(&self, response: Response) -> Response {
        if self.site.error.is_empty() {
            return response;
        }
        let name = format!("{}{}", response.status.as_u16(), self.site.error);
        let path = Path::object(&self.account, &self.container, &name);
        let mut page = self.next.run(self.request.sub(Method::GET, path)).await;
        if !page.is_success() {
            return response;
        }
        page.status = response.status;
        page
    }

    /// Another path, by the same request.
    async fn fetch(&self, path: Path) -> Response {
        let fetch = Request {
            query: self.request.query.clone(),
            headers: self.request.headers.clone(),
            ..self.request.sub(self.request.method.clone(), path)
        };
        self.next.run(fetch).await
    }

    async fn list(&self, query: Query) -> Response {
        let path = Path::container(&self.account, &self.container);
        let list = Request {
            query,
            ..self.request.sub(Method::GET, path)
        };
        self.next.run(list).await
    }

    fn ends_with_slash(&self) -> bool {
        self.request.path.as_str().ends_with('/')
    }

    fn with_slash(&self) -> Response {
        let path = quote(self.request.path.as_str());
        let url = format!("{}{path}/", host_url(&self.request.headers));
        Reject::new(StatusCode::MOVED_PERMANENTLY)
            .header(LOCATION, &url)
            .into_response()
    }

    fn index_path(&self) -> Path {
        let level = self.request.path.as_str();
        let slash = if self.ends_with_slash() { "" } else { "/" };
        Path::new(format!("{level}{slash}{}", self.site.index))
    }

    /// What the page is called: its path, or below the container's own label.
    fn label(&self) -> String {
        if self.site.label.is_empty() {
            return self.request.path.as_str().to_owned();
        }
        format!("{}/{}", self.site.label, self.object)
    }

    /// What the links of a page need so that a temporary URL for a prefix opens them too.
    fn temp_url(&self) -> Option<SignedLinks> {
        if !matches!(self.request.grant, Grant::Signed { .. }) {
            return None;
        }
        let query = &self.request.query;
        let prefix = query.get("temp_url_prefix")?.into_owned();
        let value = |name| query.get(name).unwrap_or_default();
        let mut links = format!(
            "?temp_url_prefix={}&amp;temp_url_expires={}&amp;temp_url_sig={}",
            quote(&prefix),
            quote(&value("temp_url_expires")),
            quote(&value("temp_url_sig"))
        );
        if query.has("temp_url_ip_range") {
            links.push_str("&amp;temp_url_ip_range=");
            links.push_str(&quote(&value("temp_url_ip_range")));
        }
        if query.has("inline") {
            links.push_str("&amp;inline");
        }
        Some(SignedLinks {
            prefix,
            query: links,
        })
    }
}

struct SignedLinks {
    prefix: String,
    /// Begins with `?`; escaped for HTML.
    query: String,
}

/// Whether this is what the visitor came for: a page, or the way to one.
fn is_answer(response: &Response) -> bool {
    response.status.is_success() || response.status.is_redirection()
}
