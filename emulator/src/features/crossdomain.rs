//! `GET /crossdomain.xml`: the policy that lets old browser plug-ins in, whatever page they are on
//! (`swift/common/middleware/crossdomain.py`).
//!
//! Out: 200 and `application/xml`. Any other method goes on, and finds no such account.

use http::{Method, StatusCode};

use crate::message::{Request, Response};
use crate::pipeline::Next;
use crate::reject::Reply;

const POLICY: &str = r#"<?xml version="1.0"?>
<!DOCTYPE cross-domain-policy SYSTEM "http://www.adobe.com/xml/dtds/cross-domain-policy.dtd" >
<cross-domain-policy>
<allow-access-from domain="*" secure="false" />
</cross-domain-policy>"#;

pub(crate) fn applies(request: &Request) -> bool {
    request.path.as_str() == "/crossdomain.xml" && request.method == Method::GET
}

#[expect(clippy::unused_async, reason = "every feature has this one form")]
pub(crate) async fn handle(_: Request, _: Next<'_>) -> Reply {
    Ok(Response::with(StatusCode::OK, "application/xml", POLICY))
}
