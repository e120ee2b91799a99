//! A request about a resource, with what every handler needs of it.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::super::{Identity, Token};
use super::fault::Fault;
use crate::message::{Request, Response};

pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) method: Method,
    pub(super) identity: &'a Identity,
    pub(super) token: Arc<Token>,
    /// `null` where there is none.
    pub(super) body: Value,
    pub(super) base: String,
}

impl Call<'_> {
    /// Goes on only for admins.
    pub(super) fn admins_only(&self, action: &str) -> Result<(), Fault> {
        allow(super::is_admin(&self.token), action)
    }

    /// Whether the bearer is this person, with a token that is for something.
    pub(super) fn is_about_bearer(&self, id: &str) -> bool {
        *self.token.person.id == *id && self.token.scope.place().is_some()
    }

    /// The members of the body's one object.
    pub(super) fn members(&self, kind: &str) -> Result<&Map<String, Value>, Fault> {
        self.body[kind]
            .as_object()
            .ok_or_else(|| Fault::bad_request(format!("'{kind}' is a required property")))
    }

    /// What the query picks of a list: each of these members must be as the query says, where it says it.
    pub(super) fn picked(&self, items: Vec<Value>) -> Vec<Value> {
        const PICKED_BY: [&str; 8] = [
            "name",
            "domain_id",
            "type",
            "interface",
            "service_id",
            "region_id",
            "parent_id",
            "enabled",
        ];
        let wanted: Vec<_> = PICKED_BY
            .iter()
            .filter_map(|name| Some((*name, self.request.query.get(name)?)))
            .collect();
        let fits = |item: &Value| {
            wanted.iter().all(|(name, wanted)| match &item[*name] {
                Value::String(text) => text == wanted,
                Value::Bool(truth) => *truth == crate::query::truthy(wanted),
                Value::Null => false,
                _ => true,
            })
        };
        items.into_iter().filter(fits).collect()
    }

    /// A list of resources, with its links.
    pub(super) fn list(&self, name: &str, items: Vec<Value>) -> Response {
        let path = self.request.path.as_str();
        let links = json!({"self": format!("{}{path}", self.base), "next": null, "previous": null});
        ok(&json!({ name: self.picked(items), "links": links }))
    }
}

/// Goes on only where the bearer may.
pub(super) fn allow(allowed: bool, action: &str) -> Result<(), Fault> {
    if allowed {
        Ok(())
    } else {
        Err(Fault::forbidden(&format!("identity:{action}")))
    }
}

pub(super) fn ok(value: &Value) -> Response {
    Response::json(StatusCode::OK, value)
}

pub(super) fn created(value: &Value) -> Response {
    Response::json(StatusCode::CREATED, value)
}

pub(super) fn no_content() -> Response {
    Response::new(StatusCode::NO_CONTENT)
}

/// A name: 1 to 255 letters. `None` where there is none.
pub(super) fn name(members: &Map<String, Value>) -> Result<Option<&str>, Fault> {
    match members.get("name") {
        None => Ok(None),
        Some(Value::String(name)) if !name.trim().is_empty() && name.chars().count() <= 255 => {
            Ok(Some(name))
        }
        Some(_) => Err(invalid("name", "text of 1 to 255 letters")),
    }
}

/// A name that must be there.
pub(super) fn required_name<'a>(
    members: &'a Map<String, Value>,
    kind: &str,
) -> Result<&'a str, Fault> {
    let missing = || {
        let message =
            format!("Invalid input for field/attribute {kind}. 'name' is a required property");
        Fault::bad_request(message)
    };
    name(members)?.ok_or_else(missing)
}

/// A text that may be there.
pub(super) fn text<'a>(
    members: &'a Map<String, Value>,
    member: &str,
) -> Result<Option<&'a str>, Fault> {
    match members.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(member, "text")),
    }
}

/// A truth that may be there.
pub(super) fn truth(members: &Map<String, Value>, member: &str) -> Result<Option<bool>, Fault> {
    match members.get(member) {
        None => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(*truth)),
        Some(_) => Err(invalid(member, "true or false")),
    }
}

pub(super) fn invalid(member: &str, wanted: &str) -> Fault {
    Fault::bad_request(format!(
        "Invalid input for field/attribute {member}. It must be {wanted}"
    ))
}
