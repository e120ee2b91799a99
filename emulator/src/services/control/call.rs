//! A control request on its way to its handler, and how its body and query are read: strictly.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Answer, Refused};
use crate::core::Core;
use crate::message::{Body, BodyError, Request, Response};

/// No control request in JSON is longer than this, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// A control request that may be answered.
pub(super) struct Call {
    pub(super) request: Request,
    pub(super) core: Arc<Core>,
    parts: Vec<String>,
}

impl Call {
    pub(super) fn new(request: Request, core: Arc<Core>, parts: Vec<String>) -> Self {
        Self {
            request,
            core,
            parts,
        }
    }

    /// What stands for the path's first step in braces, decoded.
    pub(super) fn part(&self) -> &str {
        self.parts.first().map_or("", String::as_str)
    }

    /// The body as JSON; an empty one is `{}`. Types say `#[serde(deny_unknown_fields)]`, so that a misspelt member is
    /// told of rather than overlooked.
    pub(super) async fn body<T: DeserializeOwned>(&mut self) -> Result<T, Refused> {
        let body = std::mem::take(&mut self.request.body);
        let bytes = Body::collect(body, MAX_BODY).await.map_err(|error| {
            let status = match error {
                BodyError::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
                BodyError::Stalled => StatusCode::REQUEST_TIMEOUT,
                _ => StatusCode::BAD_REQUEST,
            };
            Refused::new(status, "body", error.to_string())
        })?;
        parse(if bytes.is_empty() { b"{}" } else { &bytes })
    }

    /// The parameters of the query, if it has none but these.
    pub(super) fn parameters(&self, known: &[&str]) -> Result<Parameters<'_>, Refused> {
        for (name, _) in self.request.query.pairs() {
            if !known.contains(&&*name) {
                let message = if known.is_empty() {
                    "this takes no parameters".to_owned()
                } else {
                    format!("unknown parameter; there are {}", known.join(", "))
                };
                return Err(Refused::bad(name, message));
            }
        }
        Ok(Parameters(&self.request))
    }
}

/// The query of a control request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a>(&'a Request);

impl Parameters<'_> {
    /// A parameter's value.
    pub(super) fn text(self, name: &str) -> Option<String> {
        self.0.query.get(name).map(std::borrow::Cow::into_owned)
    }

    /// A parameter that is a whole number.
    pub(super) fn number<T: std::str::FromStr>(self, name: &str) -> Result<Option<T>, Refused> {
        self.text(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| Refused::bad(name, format!("`{text}` is no number in range")))
            })
            .transpose()
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    // Members could otherwise be given without their names, in an array.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Refused::bad("body", "the body must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        // `.` is the whole, `?` a place that has no name because the text breaks off there.
        let path = error.path().to_string();
        let field = match path.trim_end_matches(['.', '?']) {
            "" => "body",
            field => field,
        };
        Refused::bad(field, error.inner().to_string())
    })?;
    reader
        .end()
        .map_err(|error| Refused::bad("body", error.to_string()))?;
    Ok(value)
}

/// 200 and a value as JSON.
pub(super) fn json(value: &impl Serialize) -> Answer {
    json_with(StatusCode::OK, value)
}

/// A status and a value as JSON.
pub(super) fn json_with(status: StatusCode, value: &impl Serialize) -> Answer {
    let value = serde_json::to_value(value).map_err(|error| {
        Refused::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "body",
            format!("the answer cannot be written as JSON: {error}"),
        )
    })?;
    Ok(Response::json(status, &value))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(rename = "outer")]
        _outer: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "number")]
        _number: u8,
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        let field = |text: &str| {
            let refused = parse::<Sample>(text.as_bytes()).expect_err(text);
            let body = format!("{refused:?}");
            let from = body.find("field: \"").expect("it has a field") + 8;
            body[from..].split('"').next().unwrap_or("").to_owned()
        };
        assert!(parse::<Sample>(br#"{"outer":{"number":1}}"#).is_ok());
        assert_eq!(field(r#"{"outer":{"number":-1}}"#), "outer.number");
        assert_eq!(field(r#"{"outer":{"number":"1"}}"#), "outer.number");
        assert_eq!(field(r#"{"outer":{"nummer":1}}"#), "outer.nummer");
        assert_eq!(field(r#"{"inner":{}}"#), "inner");
        assert_eq!(field(r#"{"outer":{}}"#), "outer");
        assert_eq!(field("[]"), "body");
        assert_eq!(field("{} {}"), "body");
        assert_eq!(field("{"), "body");
    }
}
