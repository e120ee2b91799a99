//! What tells two sets of credentials apart, without telling what they are.

use sha2::{Digest, Sha256};

use super::{Credentials, Domain, Tenant, V3Method, V3Scope, V3User};
use crate::Secret;

/// SHA-256 over everything that a sign-in depends on, in lower-case hexadecimal; none where nothing is signed in to.
///
/// A passcode is not among it: it is good for one sign-in, and the token that this gave may serve the next run.
pub(crate) fn fingerprint(credentials: &Credentials, region: Option<&str>) -> Option<String> {
    let mut parts = Parts(Sha256::new());
    parts.text("sign-in 1").text(credentials.method_family());
    match credentials {
        Credentials::TempAuthV1 {
            auth_url,
            user,
            key,
        } => parts.text(auth_url).text(user).secret(key),
        Credentials::RackspaceApiKey {
            auth_url,
            username,
            api_key: secret,
            tenant,
        }
        | Credentials::RackspacePassword {
            auth_url,
            username,
            password: secret,
            tenant,
            ..
        }
        | Credentials::RackspaceKeyOrPassword {
            auth_url,
            username,
            secret,
            tenant,
            ..
        }
        | Credentials::KeystoneV2Password {
            auth_url,
            username,
            password: secret,
            tenant,
        } => parts
            .text(auth_url)
            .text(username)
            .secret(secret)
            .tenant(tenant.as_ref()),
        Credentials::V2Token {
            auth_url,
            token,
            tenant,
        } => parts.text(auth_url).secret(token).tenant(tenant.as_ref()),
        Credentials::KeystoneV3 {
            auth_url,
            method,
            scope,
        } => parts.text(auth_url).method(method).scope(scope),
        Credentials::Token { .. } | Credentials::Anonymous { .. } => return None,
    };
    parts.option(region);
    Some(format!("{:x}", HexDigest(&parts.0.finalize())))
}

impl Credentials {
    /// The way of signing in, whether or not a passcode is at hand.
    fn method_family(&self) -> &'static str {
        self.with_passcode(None).method()
    }
}

struct HexDigest<'a>(&'a [u8]);

impl std::fmt::LowerHex for HexDigest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Each part goes in with its length, so that no two lists of parts look alike.
struct Parts(Sha256);

impl Parts {
    fn text(&mut self, text: &str) -> &mut Self {
        self.0.update(text.len().to_le_bytes());
        self.0.update(text);
        self
    }

    fn secret(&mut self, secret: &Secret) -> &mut Self {
        self.text(secret.expose())
    }

    fn option(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text("some").text(text),
            None => self.text("none"),
        }
    }

    fn tenant(&mut self, tenant: Option<&Tenant>) -> &mut Self {
        match tenant {
            Some(Tenant::Id(id)) => self.text("id").text(id),
            Some(Tenant::Name(name)) => self.text("name").text(name),
            None => self.text("none"),
        }
    }

    fn domain(&mut self, domain: &Domain) -> &mut Self {
        match domain {
            Domain::Id(id) => self.text("id").text(id),
            Domain::Name(name) => self.text("name").text(name),
        }
    }

    fn user(&mut self, user: &V3User) -> &mut Self {
        match user {
            V3User::Id(id) => self.text("id").text(id),
            V3User::Name { name, domain } => self.text("name").text(name).domain(domain),
        }
    }

    fn method(&mut self, method: &V3Method) -> &mut Self {
        match method {
            V3Method::Password { user, password, .. } => self.user(user).secret(password),
            V3Method::Totp { user, .. } => self.user(user),
            V3Method::Token { token } => self.secret(token),
            V3Method::ApplicationCredentialId { id, secret } => self.text(id).secret(secret),
            V3Method::ApplicationCredentialName { name, user, secret } => {
                self.text(name).user(user).secret(secret)
            }
        }
    }

    fn scope(&mut self, scope: &V3Scope) -> &mut Self {
        match scope {
            V3Scope::Unscoped => self.text("unscoped"),
            V3Scope::ProjectId(id) => self.text("project id").text(id),
            V3Scope::ProjectName { name, domain } => {
                self.text("project name").text(name).domain(domain)
            }
            V3Scope::Domain(domain) => self.text("domain").domain(domain),
            V3Scope::System => self.text("system"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differs_with_user_secret_server_and_region_and_not_with_the_passcode() {
        let me = |url: &str, user: &str, key: &str, region| {
            fingerprint(&Credentials::rackspace_password(url, user, key), region).unwrap()
        };
        let all = [
            me("http://a", "u", "k", None),
            me("http://b", "u", "k", None),
            me("http://a", "uk", "", None),
            me("http://a", "u", "other", None),
            me("http://a", "u", "k", Some("DFW")),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|text| text.len() == 64));

        let plain = Credentials::rackspace_password("http://a", "u", "k");
        let code = crate::Passcode {
            code: "123456".into(),
            session_id: None,
        };
        let with_code = plain.with_passcode(Some(code));
        assert_eq!(fingerprint(&plain, None), fingerprint(&with_code, None));
    }

    #[test]
    fn is_none_where_nothing_is_signed_in_to() {
        assert_eq!(
            fingerprint(&Credentials::token("t", "http://h"), None),
            None
        );
        assert_eq!(fingerprint(&Credentials::anonymous("http://h"), None), None);
    }
}
