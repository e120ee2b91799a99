//! The rules for users whom Keystone knows, by roles (`swift/common/middleware/keystoneauth.py`).
//!
//! - `reseller_admin_role` may do everything in every account, `system_reader_roles` may read every account.
//! - Nobody else deletes an account.
//! - A container's list names `project:user` by ids, either of which may be `*`; names are as good as ids where user,
//!   project and account are all in the default domain, for only there they always meant the same. It also names roles,
//!   which count within the container's own project.
//! - In the account of the token's project, `operator_roles` own it and `project_reader_roles` may read it. An account
//!   `SERVICE_…` opens to them only together with a service's token.
//!
//! The domain of an account's project is kept in `X-Account-Sysmeta-Project-Domain-Id` when the account is made.

use http::{HeaderName, HeaderValue, Method};

use super::{Access, container};
use crate::message::{ByRoles, Grant, Request, header_value};
use crate::path::Resource;
use crate::services::identity::{ACCOUNT_PREFIX, SERVICE_PREFIX};
use crate::store::Account;

/// The header in which an account's project has its domain.
const DOMAIN: &str = "x-account-sysmeta-project-domain-id";

/// Where an account was made by somebody from elsewhere, nobody knows its project's domain.
const UNKNOWN: &str = "_unknown";

/// The domain whose names are good in lists.
const DEFAULT_DOMAIN: &str = "default";

/// What the decision rests on, beside the lists.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) resource: Resource<'a>,
    pub(super) user: &'a ByRoles,
    /// Empty where there is none.
    pub(super) referer: &'a str,
}

impl Asked<'_> {
    /// Asked without a list at first, and with the container's only if that was a no: the proxy of Swift does so
    /// (`handle_request` in `swift/proxy/server.py`), and who is the owner stays one also where a list has room for
    /// everybody. The account is looked up only if the list might name somebody.
    pub(super) fn decide(
        &self,
        acl: Option<&str>,
        account: impl FnOnce() -> Option<std::sync::Arc<Account>>,
    ) -> Option<Access> {
        let by_role = self.decide_by(None, || None);
        match acl {
            Some(list) if by_role.is_none() => self.decide_by(Some(list), account),
            _ => by_role,
        }
    }

    fn decide_by(
        &self,
        acl: Option<&str>,
        account: impl FnOnce() -> Option<std::sync::Arc<Account>>,
    ) -> Option<Access> {
        const OWNER: Access = Access { owner: true };
        const GUEST: Access = Access { owner: false };

        let reading = *self.method == Method::GET || *self.method == Method::HEAD;
        let can = self.user.can;
        if *self.method == Method::OPTIONS {
            return Some(GUEST);
        }
        if can.administer {
            return Some(OWNER);
        }
        if can.read_all && reading {
            return Some(GUEST);
        }
        if self.resource.container().is_none() && *self.method == Method::DELETE {
            return None;
        }
        let list = container::Acl::parse(acl.unwrap_or_default());
        if !list.is_empty() && self.is_named_in(&list, account) {
            return Some(GUEST);
        }
        let by_referer = list.allows_referer(self.referer);
        if by_referer && (self.resource.object().is_some() || list.has_group(".rlistings")) {
            return Some(GUEST);
        }
        if !self.is_own_account() {
            return None;
        }
        let is_services = self.resource.account().starts_with(SERVICE_PREFIX);
        if can.operate && (!is_services || self.user.served) {
            return Some(OWNER);
        }
        if can.read && reading {
            return Some(GUEST);
        }
        if by_referer {
            // The list has answered, and it was for objects alone.
            return None;
        }
        let named = self.user.roles.iter();
        named
            .into_iter()
            .any(|role| list.has_role(role))
            .then_some(GUEST)
    }

    /// Whether the account is one of the token's project.
    fn is_own_account(&self) -> bool {
        let account = self.resource.account();
        self.user.project.as_ref().is_some_and(|project| {
            *project.account == *account
                || [ACCOUNT_PREFIX, SERVICE_PREFIX]
                    .iter()
                    .any(|prefix| account.strip_prefix(prefix) == Some(&*project.id))
        })
    }

    fn is_named_in(
        &self,
        list: &container::Acl<'_>,
        account: impl FnOnce() -> Option<std::sync::Arc<Account>>,
    ) -> bool {
        let user = self.user;
        let Some(project) = &user.project else {
            return list.has_group(&format!("*:{}", user.user_id)) || list.has_group("*:*");
        };
        let mut projects = vec![&*project.id, "*"];
        let mut users = vec![&*user.user_id, "*"];
        if self.may_go_by_names(account) {
            projects.push(&project.name);
            users.push(&user.user_name);
        }
        projects.iter().any(|project| {
            users
                .iter()
                .any(|user| list.has_group(&format!("{project}:{user}")))
        })
    }

    /// `_is_name_allowed_in_acl`.
    fn may_go_by_names(&self, account: impl FnOnce() -> Option<std::sync::Arc<Account>>) -> bool {
        let is_default =
            |domain: Option<&str>| domain.is_none_or(|domain| domain == DEFAULT_DOMAIN);
        let project = self.user.project.as_ref();
        let of_project = project.and_then(|project| project.domain.as_deref());
        if !is_default(self.user.user_domain.as_deref()) || !is_default(of_project) {
            return false;
        }
        if self.is_own_account() {
            return true;
        }
        account().is_some_and(|account| {
            let domain = account.metadata_value(DOMAIN);
            let domain = domain
                .as_ref()
                .map(|value| value.to_str().unwrap_or_default());
            is_default(domain)
        })
    }
}

/// Keeps the domain of the project whose account is written to, as far as the user's token tells it
/// (`_set_project_domain_id`). `created` says that the account was made by this request.
pub(crate) fn keep_domain(request: &Request, name: &str, account: &Account, created: bool) {
    let Some(user) = roles(request) else {
        return;
    };
    let own = user.project.as_ref().filter(|project| {
        [ACCOUNT_PREFIX, SERVICE_PREFIX]
            .iter()
            .any(|prefix| name.strip_prefix(prefix) == Some(&*project.id))
    });
    let told = own.and_then(|project| project.domain.as_deref());
    let known = account.metadata_value(DOMAIN);
    let kept = match known
        .as_ref()
        .map(|known| known.to_str().unwrap_or_default())
    {
        None if created && own.is_some() => told,
        None if created => Some(UNKNOWN),
        None => told.filter(|told| *told == DEFAULT_DOMAIN),
        Some(UNKNOWN) if own.is_some() => Some(told.unwrap_or_default()),
        Some(_) => None,
    };
    if let Some(kept) = kept {
        let update = (HeaderName::from_static(DOMAIN), header_value(kept));
        let unchecked: Result<(), ()> = account.update([update], |_| Ok(()));
        // There is no check that could fail.
        let _ = unchecked;
    }
}

/// The domain of an account's project, which those whom Keystone knows are told in
/// `X-Account-Project-Domain-Id`.
pub(crate) fn shown_domain(request: &Request, account: &Account) -> Option<HeaderValue> {
    roles(request).and_then(|_| account.metadata_value(DOMAIN))
}

fn roles(request: &Request) -> Option<&ByRoles> {
    match &request.grant {
        Grant::User(user) => user.roles(),
        _ => None,
    }
}
