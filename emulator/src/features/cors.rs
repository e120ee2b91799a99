//! Requests from scripts of other origins (`OPTIONS` and `cors_validation` in `swift/proxy/controllers/base.py`).
//!
//! In: `Origin`, and for a preflight (OPTIONS) `Access-Control-Request-Method` and `-Headers`. The container says who is
//! let in: `X-Container-Meta-Access-Control-Allow-Origin` (origins with blanks between them, or `*`), `-Max-Age`,
//! `-Expose-Headers`.
//!
//! Out: a preflight is answered 200 with `Access-Control-Allow-Origin`, `-Allow-Methods`, `-Allow-Headers`, `-Max-Age` and
//! `Vary`, or 401 where the origin or the method is not let in. Answers to all else get `Access-Control-Allow-Origin` and
//! `-Expose-Headers` where the origin is let in, and nothing where it is not (strict mode).

use std::collections::BTreeSet;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{Method, StatusCode};

use crate::core::Core;
use crate::message::{Request, Response};
use crate::path::{Kind, Resource};
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};

/// What every script may read, whatever the container says.
const EXPOSED: [&str; 10] = [
    "cache-control",
    "content-language",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
    "etag",
    "x-timestamp",
    "x-trans-id",
    "x-openstack-request-id",
];

pub(crate) fn applies(request: &Request) -> bool {
    request
        .headers
        .get(ORIGIN)
        .is_some_and(|origin| !origin.is_empty())
        && matches!(request.path.kind(), Some(Kind::Container | Kind::Object))
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    let origin = request.header("origin").unwrap_or_default().to_owned();
    let rules = Rules::of(&request, next.core());
    if request.method == Method::OPTIONS {
        return preflight(request, next, &origin, &rules).await;
    }
    let is_object = request.path.named().and_then(Resource::object).is_some();
    let mut response = next.run(request).await;
    if rules.allow(&origin) && (is_object || !is_refused_early(response.status)) {
        rules.expose(&mut response);
        rules.let_in(&mut response, &origin);
    }
    Ok(response)
}

/// Containers refuse these before they look at the origin; objects look first.
fn is_refused_early(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::PRECONDITION_FAILED
    )
}

async fn preflight(request: Request, next: Next<'_>, origin: &str, rules: &Rules) -> Reply {
    let method = request
        .header(ACCESS_CONTROL_REQUEST_METHOD.as_str())
        .map(str::to_owned);
    let headers = request
        .header(ACCESS_CONTROL_REQUEST_HEADERS.as_str())
        .map(granted)
        .unwrap_or_default();
    let mut response = next.run(request).await;
    if !response.is_success() {
        return Ok(response);
    }
    let methods = response
        .header(ALLOW.as_str())
        .unwrap_or_default()
        .to_owned();
    let knows = |method: String| methods.split(", ").any(|known| known == method);
    if !rules.allow(origin) || !method.is_some_and(knows) {
        return Err(Reject::unauthorized().header(ALLOW, &methods));
    }
    response.headers.remove(CONTENT_TYPE);
    rules.let_in(&mut response, origin);
    if let Some(seconds) = &rules.max_age {
        response.set(ACCESS_CONTROL_MAX_AGE, seconds);
    }
    response.set(ACCESS_CONTROL_ALLOW_METHODS, &methods);
    if !headers.is_empty() {
        response.set(ACCESS_CONTROL_ALLOW_HEADERS, &headers);
        vary(&mut response, "Access-Control-Request-Headers");
    }
    Ok(response)
}

/// All headers that are asked for, each once.
fn granted(asked: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in asked
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// What a container says about origins.
#[derive(Debug, Default)]
struct Rules {
    origins: String,
    exposed: String,
    max_age: Option<String>,
}

impl Rules {
    fn of(request: &Request, core: &Core) -> Self {
        let Some(Resource::Container(account, container) | Resource::Object(account, container, _)) =
            request.path.named()
        else {
            return Self::default();
        };
        let Some(container) = core.store.container(account, container) else {
            return Self::default();
        };
        let text = |name: &str| {
            let value = container.metadata_value(name)?;
            String::from_utf8(value.as_bytes().to_vec()).ok()
        };
        Self {
            origins: text("x-container-meta-access-control-allow-origin").unwrap_or_default(),
            exposed: text("x-container-meta-access-control-expose-headers").unwrap_or_default(),
            max_age: text("x-container-meta-access-control-max-age"),
        }
    }

    fn allow(&self, origin: &str) -> bool {
        self.origins
            .split(' ')
            .map(str::trim)
            .any(|allowed| allowed == "*" || !allowed.is_empty() && allowed == origin)
    }

    fn let_in(&self, response: &mut Response, origin: &str) {
        if response.headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        if self.origins.trim() == "*" {
            response.set(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        } else {
            response.set(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            vary(response, "Origin");
        }
    }

    fn expose(&self, response: &mut Response) {
        if response.headers.contains_key(ACCESS_CONTROL_EXPOSE_HEADERS) {
            return;
        }
        let mut names: BTreeSet<String> = EXPOSED.map(str::to_owned).into();
        let own = response.headers.keys().map(http::HeaderName::as_str);
        names.extend(
            own.filter(|name| {
                name.starts_with("x-container-meta") || name.starts_with("x-object-meta")
            })
            .map(str::to_owned),
        );
        names.extend(self.exposed.split_whitespace().map(str::to_lowercase));
        let names: Vec<String> = names.into_iter().collect();
        response.set(ACCESS_CONTROL_EXPOSE_HEADERS, &names.join(", "));
    }
}

fn vary(response: &mut Response, by: &str) {
    let value = response
        .header(VARY.as_str())
        .map_or_else(|| by.to_owned(), |others| format!("{others}, {by}"));
    response.set(VARY, &value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(origins: &str) -> Rules {
        Rules {
            origins: origins.to_owned(),
            ..Rules::default()
        }
    }

    #[test]
    fn lets_in_the_origins_of_the_list_or_all() {
        assert!(rules("http://a.b https://c.d").allow("https://c.d"));
        assert!(rules("http://a.b *").allow("http://x.y"));
        assert!(!rules("http://a.b").allow("http://a.b.c"));
        assert!(!rules("").allow("http://a.b"));
    }

    #[test]
    fn says_that_the_answer_depends_on_the_origin_unless_all_are_let_in() {
        let mut response = Response::new(StatusCode::OK);
        response.set(VARY, "Accept");
        rules("http://a.b").let_in(&mut response, "http://a.b");
        assert_eq!(
            response.header("access-control-allow-origin"),
            Some("http://a.b")
        );
        assert_eq!(response.header("vary"), Some("Accept, Origin"));

        let mut response = Response::new(StatusCode::OK);
        rules(" * ").let_in(&mut response, "http://a.b");
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(response.header("vary"), None);
    }

    #[test]
    fn exposes_metadata_and_what_the_container_names() {
        let mut response = Response::new(StatusCode::OK);
        response.set(http::HeaderName::from_static("x-object-meta-a"), "1");
        response.set(http::HeaderName::from_static("x-other"), "1");
        Rules {
            exposed: "X-Mine  ETag".to_owned(),
            ..Rules::default()
        }
        .expose(&mut response);
        let exposed = response
            .header("access-control-expose-headers")
            .expect("it is there");
        let names: Vec<&str> = exposed.split(", ").collect();
        assert_eq!(names.len(), EXPOSED.len() + 2);
        assert!(names.contains(&"x-object-meta-a") && names.contains(&"x-mine"));
    }

    #[test]
    fn grants_each_header_once() {
        assert_eq!(granted("X-A, x-b ,,X-A"), "X-A, x-b");
    }
}
