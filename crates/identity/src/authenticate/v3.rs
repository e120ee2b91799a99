//! `POST /v3/auth/tokens`: Keystone as it is today. The token comes in the header `X-Subject-Token`.
//!
//! ```text
//! → {"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"demo","domain":{"id":"default"},
//!    "password":"…"}}},"scope":{"project":{"id":"…"}}}}
//! ← {"token":{"expires_at":"2030-01-01T00:00:00.000000Z","catalog":[…]}}
//! ```

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Call, Grant, secret_json};
use crate::catalog::{V3Service, from_v3};
use crate::credentials::{Domain, V3Method, V3Scope, V3User};
use crate::{Catalog, Error, Secret};

/// `…/v3/auth/tokens` for an address that may or may not have the version and the last steps.
pub(super) fn tokens_url(auth_url: &Url) -> Url {
    let mut url = auth_url.clone();
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/auth/tokens").unwrap_or(path);
    let base = path
        .strip_suffix("/v3")
        .or_else(|| path.strip_suffix("/v2.0"))
        .unwrap_or(path);
    url.set_path(&format!("{base}/v3/auth/tokens"));
    url
}

pub(super) async fn sign_in(
    call: &Call<'_>,
    method: &V3Method,
    scope: &V3Scope,
) -> Result<Grant, Error> {
    let request = call
        .http
        .post(call.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .body(secret_json(body(method, scope)))
        .header("Accept", "application/json");
    let answer = call.send(request).await?;
    if let Some(receipt) = answer.secret("openstack-auth-receipt")
        && answer.status == StatusCode::UNAUTHORIZED
        && !shows_passcode(method)
    {
        return Err(Error::PasscodeRequired {
            exchange: Box::new(call.exchange(&answer)),
            session_id: receipt,
        });
    }
    if !answer.status.is_success() {
        return Err(call.refused(&answer));
    }
    let Body {
        token: Token {
            expires_at,
            catalog,
        },
    } = call.json(&answer, "token")?;
    let token = answer.secret("x-subject-token");
    let token = token.ok_or_else(|| call.incomplete(&answer, "X-Subject-Token"))?;
    let (expires_at, skew) = call.expiry(&answer, expires_at.as_deref());
    Ok(Grant {
        token: Some(token),
        expires_at,
        skew,
        catalog: Catalog {
            endpoints: from_v3(catalog),
            default_region: None,
        },
    })
}

#[derive(Deserialize)]
struct Body {
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    expires_at: Option<String>,
    #[serde(default)]
    catalog: Vec<V3Service>,
}

fn body(method: &V3Method, scope: &V3Scope) -> Value {
    let identity = match method {
        V3Method::Password {
            user,
            password,
            passcode,
        } => {
            let mut with_password = user_json(user);
            with_password["password"] = json!(password.expose());
            let mut identity =
                json!({"methods": ["password"], "password": {"user": with_password}});
            if let Some(passcode) = passcode {
                identity["methods"] = json!(["password", "totp"]);
                identity["totp"] = totp(user, passcode);
            }
            identity
        }
        V3Method::Totp { user, passcode } => {
            json!({"methods": ["totp"], "totp": totp(user, passcode)})
        }
        V3Method::Token { token } => json!({"methods": ["token"], "token": {"id": token.expose()}}),
        V3Method::ApplicationCredentialId { id, secret } => json!({
            "methods": ["application_credential"],
            "application_credential": {"id": id, "secret": secret.expose()},
        }),
        V3Method::ApplicationCredentialName { name, user, secret } => json!({
            "methods": ["application_credential"],
            "application_credential": {"name": name, "user": user_json(user), "secret": secret.expose()},
        }),
    };
    let mut auth = json!({"identity": identity});
    match scope {
        V3Scope::Unscoped => {}
        V3Scope::ProjectId(id) => auth["scope"] = json!({"project": {"id": id}}),
        V3Scope::ProjectName { name, domain } => {
            auth["scope"] = json!({"project": {"name": name, "domain": domain_json(domain)}});
        }
        V3Scope::System => auth["scope"] = json!({"system": {"all": true}}),
        V3Scope::Domain(domain) => auth["scope"] = json!({"domain": domain_json(domain)}),
    }
    json!({"auth": auth})
}

fn totp(user: &V3User, passcode: &Secret) -> Value {
    let mut user = user_json(user);
    user["passcode"] = json!(passcode.expose());
    json!({"user": user})
}

/// Keystone asks for what is missing with a receipt for what was shown (`keystone/auth/core.py`). A passcode that was
/// shown and still leaves something to ask for was the wrong one, or not the only other factor.
fn shows_passcode(method: &V3Method) -> bool {
    matches!(
        method,
        V3Method::Password {
            passcode: Some(_),
            ..
        } | V3Method::Totp { .. }
    )
}

fn user_json(user: &V3User) -> Value {
    match user {
        V3User::Id(id) => json!({"id": id}),
        V3User::Name { name, domain } => json!({"name": name, "domain": domain_json(domain)}),
    }
}

fn domain_json(domain: &Domain) -> Value {
    match domain {
        Domain::Id(id) => json!({"id": id}),
        Domain::Name(name) => json!({"name": name}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_tokens_whether_or_not_the_version_is_given() {
        for given in [
            "http://h/id",
            "http://h/id/v3",
            "http://h/id/v3/",
            "http://h/id/v3/auth/tokens",
        ] {
            assert_eq!(
                tokens_url(&Url::parse(given).unwrap()).as_str(),
                "http://h/id/v3/auth/tokens",
                "{given}"
            );
        }
    }

    #[test]
    fn asks_with_a_password_for_a_project_by_name() {
        let user = V3User::Name {
            name: "demo".into(),
            domain: Domain::default(),
        };
        let scope = V3Scope::ProjectName {
            name: "p".into(),
            domain: Domain::Name("d".into()),
        };
        assert_eq!(
            body(
                &V3Method::Password {
                    user,
                    password: "pw".into(),
                    passcode: None,
                },
                &scope
            ),
            json!({"auth": {
                "identity": {"methods": ["password"],
                             "password": {"user": {"name": "demo", "domain": {"id": "default"}, "password": "pw"}}},
                "scope": {"project": {"name": "p", "domain": {"name": "d"}}},
            }})
        );
    }

    #[test]
    fn shows_password_and_passcode_together() {
        let method = V3Method::Password {
            user: V3User::Id("u".into()),
            password: "pw".into(),
            passcode: Some("123456".into()),
        };
        assert_eq!(
            body(&method, &V3Scope::System),
            json!({"auth": {
                "identity": {"methods": ["password", "totp"],
                             "password": {"user": {"id": "u", "password": "pw"}},
                             "totp": {"user": {"id": "u", "passcode": "123456"}}},
                "scope": {"system": {"all": true}},
            }})
        );
    }

    #[test]
    fn asks_with_an_application_credential_without_a_scope() {
        let method = V3Method::ApplicationCredentialId {
            id: "1".into(),
            secret: "s".into(),
        };
        assert_eq!(
            body(&method, &V3Scope::Unscoped),
            json!({"auth": {"identity": {"methods": ["application_credential"],
                                         "application_credential": {"id": "1", "secret": "s"}}}})
        );
    }
}
