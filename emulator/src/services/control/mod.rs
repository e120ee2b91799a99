//! The control surface: how a test in any language moves the clock, starts afresh, or asks why.
//!
//! It lies below [`ROOT`], a path that no account can have, and speaks JSON. `emulator/openapi.json` describes it, and is
//! served by it. What the handlers do is done by methods of `Core`, which `Emulator` offers to Rust as well.
//!
//! - **Who may**: callers on this machine, or, once a control token is set, whoever shows it; see [`guard`].
//! - **Adding to it**: a file for the resource, a line in [`ROUTES`], an entry in `openapi.json`; a test compares the two.
//! - **Bad input** is refused with 4xx and `{"error": {"field": …, "message": …}}`, before anything is changed: handlers
//!   read the whole request first ([`Call::body`], [`Call::parameters`]), and only then act.

mod accounts;
mod call;
mod clock;
mod deadlines;
mod explain;
mod faults;
mod guard;
mod index;
mod metrics;
mod moment;
mod refused;
mod requests;
mod seed;
mod snapshot;

use std::pin::Pin;
use std::sync::Arc;

use http::{Method, StatusCode};

use crate::core::Core;
use crate::message::{Request, Response};
use call::Call;
use refused::Refused;

pub(crate) use guard::ControlToken;

/// The path below which the control surface lies.
pub(crate) const ROOT: &str = "/_emulator";

/// What a handler answers.
type Answer = Result<Response, Refused>;

/// Who answers.
#[derive(Clone, Copy)]
enum Handler {
    /// Needs nothing but the head of the request.
    AtOnce(fn(&Call) -> Answer),
    /// Waits, for the body mostly.
    Waits(fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>>),
}

use Handler::{AtOnce, Waits};

/// A method, a path, and who answers.
struct Route {
    method: Method,
    /// As `openapi.json` has it: a step in braces stands for any one step.
    path: &'static str,
    handler: Handler,
}

const fn route(method: Method, path: &'static str, handler: Handler) -> Route {
    Route {
        method,
        path,
        handler,
    }
}

/// Everything there is. HEAD is answered wherever GET is.
const ROUTES: &[Route] = &[
    route(Method::GET, "/_emulator/", AtOnce(index::show)),
    route(
        Method::GET,
        "/_emulator/openapi.json",
        AtOnce(index::openapi),
    ),
    route(Method::GET, "/_emulator/clock", AtOnce(clock::show)),
    route(
        Method::PUT,
        "/_emulator/clock",
        Waits(|call| Box::pin(clock::put(call))),
    ),
    route(
        Method::POST,
        "/_emulator/clock/freeze",
        Waits(|call| Box::pin(clock::freeze(call))),
    ),
    route(
        Method::POST,
        "/_emulator/clock/set",
        Waits(|call| Box::pin(clock::set(call))),
    ),
    route(
        Method::POST,
        "/_emulator/clock/advance",
        Waits(|call| Box::pin(clock::advance(call))),
    ),
    route(
        Method::POST,
        "/_emulator/clock/advance-to-next-deadline",
        Waits(|call| Box::pin(deadlines::advance(call))),
    ),
    route(
        Method::POST,
        "/_emulator/clock/resume",
        Waits(|call| Box::pin(clock::resume(call))),
    ),
    route(Method::GET, "/_emulator/deadlines", AtOnce(deadlines::list)),
    route(Method::GET, "/_emulator/accounts", AtOnce(accounts::list)),
    route(
        Method::POST,
        "/_emulator/accounts",
        Waits(|call| Box::pin(accounts::make(call))),
    ),
    route(
        Method::DELETE,
        "/_emulator/accounts/{account}",
        AtOnce(accounts::remove),
    ),
    route(
        Method::POST,
        "/_emulator/accounts/{account}/reset",
        Waits(|call| Box::pin(accounts::reset(call))),
    ),
    route(
        Method::POST,
        "/_emulator/reset",
        Waits(|call| Box::pin(accounts::reset_all(call))),
    ),
    route(Method::GET, "/_emulator/faults", AtOnce(faults::list)),
    route(
        Method::POST,
        "/_emulator/faults",
        Waits(|call| Box::pin(faults::add(call))),
    ),
    route(
        Method::PUT,
        "/_emulator/faults",
        Waits(|call| Box::pin(faults::replace(call))),
    ),
    route(Method::DELETE, "/_emulator/faults", AtOnce(faults::clear)),
    route(Method::GET, "/_emulator/faults/{id}", AtOnce(faults::show)),
    route(
        Method::DELETE,
        "/_emulator/faults/{id}",
        AtOnce(faults::remove),
    ),
    route(Method::GET, "/_emulator/requests", AtOnce(requests::list)),
    route(
        Method::DELETE,
        "/_emulator/requests",
        AtOnce(requests::clear),
    ),
    route(
        Method::GET,
        "/_emulator/requests/tail",
        AtOnce(requests::tail),
    ),
    route(Method::GET, "/_emulator/metrics", AtOnce(metrics::show)),
    route(
        Method::POST,
        "/_emulator/seed",
        Waits(|call| Box::pin(seed::post(call))),
    ),
    route(
        Method::GET,
        "/_emulator/snapshot",
        AtOnce(snapshot::download),
    ),
    route(
        Method::PUT,
        "/_emulator/snapshot",
        Waits(|call| Box::pin(snapshot::upload(call))),
    ),
    route(
        Method::POST,
        "/_emulator/explain",
        Waits(|call| Box::pin(explain::explain(call))),
    ),
];

/// The paths of all routes; some come more than once.
fn paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.path)
}

impl Route {
    /// What stands where the path has braces, if the steps are this path's.
    fn matches(&self, steps: &[&str]) -> Option<Vec<String>> {
        let own: Vec<&str> = split(self.path);
        if own.len() != steps.len() {
            return None;
        }
        let mut parts = Vec::new();
        for (own, step) in own.into_iter().zip(steps) {
            if own.starts_with('{') && !step.is_empty() {
                parts.push((*step).to_owned());
            } else if own != *step {
                return None;
            }
        }
        Some(parts)
    }
}

/// The steps of a path. A slash at the end means nothing.
fn split(path: &str) -> Vec<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path).split('/').collect()
}

/// Whether a request is for the control surface: faults do not touch it, and the journal does not keep it.
pub(crate) fn owns(request: &Request) -> bool {
    request.path.version() == "_emulator" && !guard::has_virtual_host(request)
}

/// Answers a request for the control surface.
pub(crate) async fn handle(request: Request, core: &Arc<Core>) -> Response {
    answer(request, core)
        .await
        .unwrap_or_else(Refused::into_response)
}

async fn answer(request: Request, core: &Arc<Core>) -> Answer {
    guard::check(&request, core.control_token.as_ref())?;
    let path = request.path.as_str().to_owned();
    let steps = split(&path);
    let asked = match request.method {
        Method::HEAD => Method::GET,
        ref method => method.clone(),
    };
    let mut known: Vec<&str> = Vec::new();
    for route in ROUTES {
        if let Some(parts) = route.matches(&steps) {
            if route.method == asked {
                let call = Call::new(request, Arc::clone(core), parts);
                return match route.handler {
                    AtOnce(handle) => handle(&call),
                    Waits(handle) => handle(call).await,
                };
            }
            known.push(route.method.as_str());
        }
    }
    if known.is_empty() {
        return Err(Refused::new(
            StatusCode::NOT_FOUND,
            "path",
            format!("there is no {path}; GET {ROOT}/ lists what there is"),
        ));
    }
    Err(Refused::method_not_allowed(&known.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let described: serde_json::Value =
            serde_json::from_str(index::OPENAPI).expect("openapi.json is JSON");
        let paths = described["paths"].as_object().expect("it has paths");
        let mut of_file = BTreeSet::new();
        for (path, item) in paths {
            for method in item.as_object().expect("a path is an object").keys() {
                if method != "parameters" {
                    of_file.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        let of_table: BTreeSet<String> = ROUTES
            .iter()
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        assert_eq!(of_file, of_table);
    }

    #[test]
    fn a_step_in_braces_stands_for_one_step_that_is_not_empty() {
        let path = "/_emulator/accounts/{account}/reset";
        let route = route(Method::GET, path, AtOnce(index::show));
        let parts = |path| route.matches(&split(path));
        assert_eq!(
            parts("/_emulator/accounts/AUTH_a/reset"),
            Some(vec!["AUTH_a".to_owned()])
        );
        assert!(parts("/_emulator/accounts/AUTH_a/reset/").is_some());
        assert_eq!(parts("/_emulator/accounts//reset"), None);
        assert_eq!(parts("/_emulator/accounts/AUTH_a/b/reset"), None);
        assert_eq!(parts("/_emulator/accounts/AUTH_a"), None);
    }
}
