//! Credentials from settings, wherever these stand.

use anyhow::{anyhow, bail};
use identity::{
    Credentials, Domain, Passcode, RACKSPACE_US, Secret, Tenant, V3Method, V3Scope, V3User,
};

use super::Settings;

/// Every kind of credentials there is, for messages.
const KNOWN: &str = "v1password, rackspace_apikey, rackspace, v2password, v2token, password, v3password, v3multifactor, \
                     v3totp, token, v3token, v3applicationcredential, admin_token and none";

/// Which secret a kind of credentials needs, for `cloudfiles login`.
pub(super) fn secret_of(auth_type: &str) -> Option<&'static str> {
    Some(match auth_type {
        "v1password" | "v2password" | "rackspace" | "password" | "v3password" | "v3multifactor"
        | "keystone" => "password",
        "rackspace_apikey" => "api_key",
        "v3applicationcredential" => "application_credential_secret",
        _ => return None,
    })
}

/// Credentials of the kind that `auth_type` names, or that the other settings suggest. A secret that stands nowhere is
/// looked for in the keyring.
pub(super) fn read(settings: &mut Settings) -> anyhow::Result<Credentials> {
    let auth_type = auth_type(settings);
    match auth_type.as_str() {
        "v1password" => Ok(Credentials::temp_auth(
            settings.needed("auth_url")?,
            settings.needed("username")?,
            settings.secret("password")?,
        )),
        "rackspace_apikey" => Ok(Credentials::RackspaceApiKey {
            auth_url: rackspace_url(settings),
            username: settings.needed("username")?,
            api_key: settings.secret("api_key")?,
            tenant: tenant(settings),
        }),
        "rackspace" => {
            let auth_url = rackspace_url(settings);
            let username = settings.needed("username")?;
            let tenant = tenant(settings);
            Ok(if settings.text("api_key").is_some() {
                Credentials::RackspaceApiKey {
                    auth_url,
                    username,
                    api_key: settings.secret("api_key")?,
                    tenant,
                }
            } else {
                Credentials::RackspaceKeyOrPassword {
                    auth_url,
                    username,
                    secret: settings.secret("password")?,
                    passcode: passcode(settings),
                    tenant,
                }
            })
        }
        "v2password" if is_rackspace(settings) => Ok(Credentials::RackspacePassword {
            auth_url: rackspace_url(settings),
            username: settings.needed("username")?,
            password: settings.secret("password")?,
            passcode: passcode(settings),
            tenant: tenant(settings),
        }),
        "v2password" => Ok(Credentials::KeystoneV2Password {
            auth_url: settings.needed("auth_url")?,
            username: settings.needed("username")?,
            password: settings.secret("password")?,
            tenant: tenant(settings),
        }),
        "v2token" => Ok(Credentials::V2Token {
            auth_url: settings.needed("auth_url")?,
            token: settings.secret("token")?,
            tenant: tenant(settings),
        }),
        "v3password" | "v3multifactor" | "v3totp" | "v3token" | "v3applicationcredential" => {
            Ok(Credentials::KeystoneV3 {
                auth_url: settings.needed("auth_url")?,
                method: v3_method(settings, &auth_type)?,
                scope: match auth_type.as_str() {
                    // It carries its own.
                    "v3applicationcredential" => V3Scope::Unscoped,
                    _ => scope(settings)?,
                },
            })
        }
        "admin_token" | "token_endpoint" => Ok(Credentials::Token {
            token: settings.secret("token")?,
            storage_url: settings.needed("object_store_endpoint_override")?,
            cdn_url: settings
                .text("object_cdn_endpoint_override")
                .map(str::to_owned),
        }),
        "none" | "noauth" => Ok(Credentials::anonymous(
            settings.needed("object_store_endpoint_override")?,
        )),
        other => {
            let origin = settings.origin("auth_type");
            bail!("{origin}auth_type is {other:?}; known are {KNOWN}")
        }
    }
}

/// The kind of credentials, with the protocol's version where the name leaves it open.
pub(super) fn auth_type(settings: &Settings) -> String {
    let Some(auth_type) = settings.text("auth_type") else {
        return guess(settings).to_owned();
    };
    let v2 = version(settings) == Some(2);
    match auth_type {
        "password" | "keystone" if v2 => "v2password",
        "password" | "keystone" => "v3password",
        "token" if v2 => "v2token",
        "token" => "v3token",
        "v1" | "v1_password" => "v1password",
        "rackspace_password" => "v2password",
        other => other,
    }
    .to_owned()
}

/// The kind of credentials, where nobody says it.
fn guess(settings: &Settings) -> &'static str {
    let has = |name| settings.text(name).is_some();
    let version = version(settings);
    if has("api_key") {
        "rackspace_apikey"
    } else if has("application_credential_secret")
        || has("application_credential_id")
        || has("application_credential_name")
    {
        "v3applicationcredential"
    } else if !has("auth_url") && has("object_store_endpoint_override") && !has("username") {
        if has("token") { "admin_token" } else { "none" }
    } else if version == Some(1) {
        "v1password"
    } else if is_rackspace(settings) && version == Some(2) && !has("password") && !has("token") {
        "rackspace"
    } else if has("token") && !has("password") {
        if version == Some(2) {
            "v2token"
        } else {
            "v3token"
        }
    } else if version == Some(2) {
        "v2password"
    } else {
        "v3password"
    }
}

/// The version of the identity service: as said, or as its address suggests.
fn version(settings: &Settings) -> Option<u8> {
    let path = settings
        .text("auth_url")
        .unwrap_or_default()
        .trim_end_matches('/')
        .trim_end_matches("/tokens");
    match settings
        .text("identity_api_version")
        .and_then(|version| version.trim_start_matches('v').bytes().next())
    {
        Some(b'1') => Some(1),
        Some(b'2') => Some(2),
        Some(b'3') => Some(3),
        _ if path.ends_with("/v1.0") || path.ends_with("/v1") => Some(1),
        _ if path.ends_with("/v2.0") => Some(2),
        _ if path.ends_with("/v3") => Some(3),
        // Its service of old, which speaks v2.0; the newer ones have names of their own.
        _ if path.contains("identity.api.rackspacecloud.com") => Some(2),
        _ => None,
    }
}

fn is_rackspace(settings: &Settings) -> bool {
    let profile = settings.text("profile").unwrap_or_default();
    let url = settings.text("auth_url").unwrap_or_default();
    profile.starts_with("rackspace") || url.contains("identity.api.rackspacecloud.com")
}

fn rackspace_url(settings: &Settings) -> String {
    settings.text("auth_url").unwrap_or(RACKSPACE_US).to_owned()
}

fn passcode(settings: &Settings) -> Option<Passcode> {
    settings.given_secret("passcode").map(|code| Passcode {
        code,
        session_id: None,
    })
}

fn tenant(settings: &Settings) -> Option<Tenant> {
    let text = |name| settings.text(name).map(str::to_owned);
    text("project_id")
        .map(Tenant::Id)
        .or_else(|| text("project_name").map(Tenant::Name))
}

fn v3_method(settings: &mut Settings, auth_type: &str) -> anyhow::Result<V3Method> {
    Ok(match auth_type {
        "v3token" => V3Method::Token {
            token: settings.secret("token")?,
        },
        "v3totp" => V3Method::Totp {
            user: user(settings)?,
            passcode: settings.given_secret("passcode").ok_or_else(|| {
                anyhow!("no passcode is given: pass --passcode or set OS_PASSCODE")
            })?,
        },
        "v3applicationcredential" => {
            if settings.text("application_credential_id").is_none()
                && settings.text("application_credential_name").is_none()
            {
                settings.needed("application_credential_id")?;
            }
            let secret: Secret = settings.secret("application_credential_secret")?;
            match settings.text("application_credential_id") {
                Some(id) => V3Method::ApplicationCredentialId {
                    id: id.to_owned(),
                    secret,
                },
                None => V3Method::ApplicationCredentialName {
                    name: settings.needed("application_credential_name")?,
                    user: user(settings)?,
                    secret,
                },
            }
        }
        _ => V3Method::Password {
            user: user(settings)?,
            password: settings.secret("password")?,
            passcode: settings.given_secret("passcode"),
        },
    })
}

fn user(settings: &Settings) -> anyhow::Result<V3User> {
    Ok(match settings.text("user_id") {
        Some(id) => V3User::Id(id.to_owned()),
        None => V3User::Name {
            name: settings.needed("username")?,
            domain: domain(settings, "user_domain_id", "user_domain_name"),
        },
    })
}

/// A domain. Where none is named it is `default`, as in every cloud that never made another one.
fn domain(settings: &Settings, id: &str, name: &str) -> Domain {
    let text = |name| settings.text(name).map(str::to_owned);
    text(id)
        .map(Domain::Id)
        .or_else(|| text(name).map(Domain::Name))
        .or_else(|| text("default_domain").map(Domain::Id))
        .or_else(|| text("default_domain_name").map(Domain::Name))
        .unwrap_or_default()
}

fn scope(settings: &Settings) -> anyhow::Result<V3Scope> {
    let text = |name| settings.text(name).map(str::to_owned);
    if let Some(id) = text("project_id") {
        return Ok(V3Scope::ProjectId(id));
    }
    if let Some(name) = text("project_name") {
        let domain = domain(settings, "project_domain_id", "project_domain_name");
        return Ok(V3Scope::ProjectName { name, domain });
    }
    if let Some(id) = text("domain_id") {
        return Ok(V3Scope::Domain(Domain::Id(id)));
    }
    if let Some(name) = text("domain_name") {
        return Ok(V3Scope::Domain(Domain::Name(name)));
    }
    match settings.text("system_scope") {
        None => Ok(V3Scope::Unscoped),
        Some("all" | "true") => Ok(V3Scope::System),
        Some(other) => bail!(
            "{}system_scope is {other:?}; there is only \"all\"",
            settings.origin("system_scope")
        ),
    }
}
