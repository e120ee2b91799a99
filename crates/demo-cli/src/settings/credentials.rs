//! Credentials from named settings, wherever these stand.

use anyhow::{anyhow, bail};
use identity::{Credentials, Domain, RACKSPACE_US, Secret, Tenant, V3Method, V3Scope, V3User};

/// Settings under the names they have in `clouds.yaml`.
pub(super) trait Fields {
    /// A setting; none if it is not there or empty.
    fn text(&self, name: &str) -> anyhow::Result<Option<String>>;

    /// What the user calls a setting, for messages.
    fn name_of(&self, name: &str) -> String;
}

impl dyn Fields + '_ {
    fn needed(&self, name: &str) -> anyhow::Result<String> {
        self.text(name)?
            .ok_or_else(|| anyhow!("{} is not set", self.name_of(name)))
    }
}

/// Credentials of the kind that `auth_type` names, or that the other settings suggest.
pub(super) fn read(fields: &dyn Fields) -> anyhow::Result<Credentials> {
    let rackspace = fields.text("profile")?.as_deref() == Some("rackspace");
    let auth_type = match fields.text("auth_type")? {
        Some(auth_type) => auth_type,
        None => guess(fields, rackspace)?.to_owned(),
    };
    let auth_url = || match fields.text("auth_url")? {
        None if rackspace => Ok(RACKSPACE_US.to_owned()),
        None => fields.needed("auth_url"),
        Some(url) => Ok(url),
    };
    match auth_type.as_str() {
        "v1password" => Ok(Credentials::temp_auth(
            auth_url()?,
            fields.needed("username")?,
            fields.needed("password")?,
        )),
        "rackspace_apikey" => Ok(Credentials::RackspaceApiKey {
            auth_url: fields
                .text("auth_url")?
                .unwrap_or_else(|| RACKSPACE_US.to_owned()),
            username: fields.needed("username")?,
            api_key: fields.needed("api_key")?.into(),
            tenant: tenant(fields)?,
        }),
        "v2password" => {
            let auth_url = auth_url()?;
            let username = fields.needed("username")?;
            let password: Secret = fields.needed("password")?.into();
            let tenant = tenant(fields)?;
            Ok(if rackspace || auth_url.contains("rackspacecloud.com") {
                Credentials::RackspacePassword {
                    auth_url,
                    username,
                    password,
                    passcode: None,
                    tenant,
                }
            } else {
                Credentials::KeystoneV2Password {
                    auth_url,
                    username,
                    password,
                    tenant,
                }
            })
        }
        "password" | "v3password" => Ok(Credentials::KeystoneV3 {
            auth_url: auth_url()?,
            method: V3Method::Password {
                user: user(fields)?,
                password: fields.needed("password")?.into(),
                passcode: None,
            },
            scope: scope(fields)?,
        }),
        "token" | "v3token" => Ok(Credentials::KeystoneV3 {
            auth_url: auth_url()?,
            method: V3Method::Token {
                token: fields.needed("token")?.into(),
            },
            scope: scope(fields)?,
        }),
        "v3applicationcredential" => Ok(Credentials::KeystoneV3 {
            auth_url: auth_url()?,
            method: application_credential(fields)?,
            scope: V3Scope::Unscoped,
        }),
        "admin_token" => Ok(Credentials::token(
            fields.needed("token")?,
            fields.needed("object_store_endpoint_override")?,
        )),
        other => bail!(
            "{} is {other:?}; known are v1password, rackspace_apikey, v2password, password, v3password, token, \
             v3token, v3applicationcredential and admin_token",
            fields.name_of("auth_type")
        ),
    }
}

/// The kind of credentials, where nobody says it.
fn guess(fields: &dyn Fields, rackspace: bool) -> anyhow::Result<&'static str> {
    let is_set = |name| fields.text(name).map(|value| value.is_some());
    let url = fields.text("auth_url")?.unwrap_or_default();
    let path = url.trim_end_matches('/');
    let version = fields.text("identity_api_version")?.unwrap_or_default();
    Ok(if is_set("api_key")? {
        "rackspace_apikey"
    } else if is_set("application_credential_secret")? {
        "v3applicationcredential"
    } else if url.is_empty() && is_set("token")? && is_set("object_store_endpoint_override")? {
        "admin_token"
    } else if version.starts_with('1') || path.ends_with("/v1.0") || path.ends_with("/v1") {
        "v1password"
    } else if rackspace || version.starts_with('2') || path.ends_with("/v2.0") {
        "v2password"
    } else if is_set("token")? && !is_set("password")? {
        "v3token"
    } else {
        "v3password"
    })
}

fn tenant(fields: &dyn Fields) -> anyhow::Result<Option<Tenant>> {
    Ok(match fields.text("project_id")? {
        Some(id) => Some(Tenant::Id(id)),
        None => fields.text("project_name")?.map(Tenant::Name),
    })
}

fn user(fields: &dyn Fields) -> anyhow::Result<V3User> {
    Ok(match fields.text("user_id")? {
        Some(id) => V3User::Id(id),
        None => V3User::Name {
            name: fields.needed("username")?,
            domain: domain(fields, "user_domain_id", "user_domain_name")?,
        },
    })
}

/// A domain. Where none is named it is `default`, as in every cloud that never made another one.
fn domain(fields: &dyn Fields, id: &str, name: &str) -> anyhow::Result<Domain> {
    if let Some(id) = fields.text(id)? {
        return Ok(Domain::Id(id));
    }
    if let Some(name) = fields.text(name)? {
        return Ok(Domain::Name(name));
    }
    Ok(fields
        .text("default_domain")?
        .map_or_else(Domain::default, Domain::Id))
}

fn scope(fields: &dyn Fields) -> anyhow::Result<V3Scope> {
    if let Some(id) = fields.text("project_id")? {
        return Ok(V3Scope::ProjectId(id));
    }
    if let Some(name) = fields.text("project_name")? {
        let domain = domain(fields, "project_domain_id", "project_domain_name")?;
        return Ok(V3Scope::ProjectName { name, domain });
    }
    if let Some(id) = fields.text("domain_id")? {
        return Ok(V3Scope::Domain(Domain::Id(id)));
    }
    let named = fields.text("domain_name")?.map(Domain::Name);
    Ok(named.map_or(V3Scope::Unscoped, V3Scope::Domain))
}

fn application_credential(fields: &dyn Fields) -> anyhow::Result<V3Method> {
    let secret = fields.needed("application_credential_secret")?.into();
    Ok(match fields.text("application_credential_id")? {
        Some(id) => V3Method::ApplicationCredentialId { id, secret },
        None => V3Method::ApplicationCredentialName {
            name: fields.needed("application_credential_name")?,
            user: user(fields)?,
            secret,
        },
    })
}
