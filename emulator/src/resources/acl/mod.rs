//! Whether a request may be: the one place that says yes or no (`TempAuth.authorize` in
//! `swift/common/middleware/tempauth.py`; for users whom Keystone knows see `keystone.rs`).
//!
//! - A reseller's admin may do everything in every account; a reseller's reader may read it.
//! - The owner of an account may do everything in it but make and delete the account itself.
//! - Others may what the container's list lets them (`X-Container-Read`, `X-Container-Write`; see `container.rs`), or the
//!   account's (`X-Account-Access-Control`; see `account.rs`).
//! - The bearer of a temporary URL or a form may touch the account or container it was signed for, and nothing else.
//!
//! Who is refused is answered 403 with a name and 401 without.

pub(crate) mod account;
pub(crate) mod container;
pub(crate) mod keystone;

use std::sync::LazyLock;

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};

pub(crate) use account::shown as shown_account_acl;
pub(crate) use container::clean as clean_acl;

use crate::core::Core;
use crate::headers::{find, find_text};
use crate::message::{ByGroups, ByRoles, Grant, Request, User};
use crate::path::Resource;
use crate::reject::Reject;
use crate::services::identity::{ACCOUNT_PREFIX, RACKSPACE_PREFIX, SERVICE_PREFIX};

/// The group without which even an owner does not get into a `SERVICE_` account.
const SERVICE_GROUP: &str = "service";

/// The header that sets an account's list.
const ACCOUNT_ACL: &str = "x-account-access-control";

/// That a request may be, and what it may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Whether it sees and sets what is the owner's alone: keys of temporary URLs, access lists, quotas.
    pub(crate) owner: bool,
}

/// Whether the request may be. `acl` is the list of the container that this method asks, if the container has one.
pub(crate) fn authorize(
    request: &Request,
    core: &Core,
    acl: Option<&str>,
) -> Result<Access, Reject> {
    check_account_acl(request)?;
    allow(request, core, acl, referer(request))
}

/// The same for a request that sets no list for an account, and names no referer but this one.
pub(crate) fn allow(
    request: &Request,
    core: &Core,
    acl: Option<&str>,
    referer: &str,
) -> Result<Access, Reject> {
    let resource = request.path.resource()?;
    let user: &ByGroups = match &request.grant {
        Grant::PreAuthorized => return Ok(Access { owner: true }),
        Grant::Signed { account, container } => {
            let same = resource.account() == &**account
                && container
                    .as_deref()
                    .is_none_or(|container| resource.container() == Some(container));
            return if same {
                Ok(Access { owner: false })
            } else {
                Err(Reject::unauthorized())
            };
        }
        Grant::User(user) => match &**user {
            User::Groups(user) => user,
            User::Roles(user) => return authorize_by_roles(request, core, (acl, referer), user),
        },
        Grant::Anonymous => &NOBODY,
    };
    let asked = Asked {
        method: &request.method,
        resource,
        user,
        referer,
    };
    let account_acl = || core.store.account_acl(resource.account());
    asked.decide(acl, account_acl).ok_or_else(|| {
        if request.grant.is_named() {
            Reject::forbidden()
        } else {
            Reject::unauthorized()
        }
    })
}

/// Refuses a list for an account that is none. Those whom Keystone knows may set any.
fn check_account_acl(request: &Request) -> Result<(), Reject> {
    let by_groups = match &request.grant {
        Grant::User(user) => user.roles().is_none(),
        Grant::Anonymous => true,
        Grant::Signed { .. } | Grant::PreAuthorized => false,
    };
    let account = request.path.resource()?.account();
    if by_groups
        && prefix(account).is_some()
        && let Some(list) = find(&request.headers, ACCOUNT_ACL)
    {
        let list = String::from_utf8_lossy(list.as_bytes());
        account::check(&list).map_err(|error| {
            let text = format!("X-Account-Access-Control invalid: {error}\n\nInput: {list}\n");
            Reject::html(StatusCode::BAD_REQUEST, text)
                .header(CONTENT_TYPE, "text/plain; charset=UTF-8")
        })?;
    }
    Ok(())
}

fn referer(request: &Request) -> &str {
    find_text(&request.headers, "referer").unwrap_or_default()
}

fn authorize_by_roles(
    request: &Request,
    core: &Core,
    (acl, referer): (Option<&str>, &str),
    user: &ByRoles,
) -> Result<Access, Reject> {
    let resource = request.path.resource()?;
    let asked = keystone::Asked {
        method: &request.method,
        resource,
        user,
        referer,
    };
    let account = || core.store.account(resource.account());
    asked.decide(acl, account).ok_or_else(|| {
        // A token for no project has no name that a refusal could be for.
        if user.project.is_some() {
            Reject::forbidden()
        } else {
            Reject::unauthorized()
        }
    })
}

/// What an account's name begins with; `None` where the account is not ours to open.
fn prefix(account: &str) -> Option<&'static str> {
    [ACCOUNT_PREFIX, SERVICE_PREFIX, RACKSPACE_PREFIX]
        .into_iter()
        .find(|prefix| account.starts_with(prefix))
}

/// Nobody is in one group, whose name is empty: that is what Python makes of splitting an empty `REMOTE_USER`.
static NOBODY: LazyLock<ByGroups> = LazyLock::new(|| ByGroups {
    groups: vec![String::new()],
    reads_only: false,
});

/// What the decision rests on, beside the lists.
struct Asked<'a> {
    method: &'a Method,
    resource: Resource<'a>,
    user: &'a ByGroups,
    /// Empty where there is none.
    referer: &'a str,
}

impl Asked<'_> {
    /// The container's list is at hand; the account's is looked up only if nothing else has decided.
    fn decide(
        &self,
        acl: Option<&str>,
        account_acl: impl FnOnce() -> Option<String>,
    ) -> Option<Access> {
        const OWNER: Access = Access { owner: true };
        const GUEST: Access = Access { owner: false };

        let account = self.resource.account();
        let prefix = prefix(account)?;
        let within = self.resource.container().is_some();
        let reading = *self.method == Method::GET || *self.method == Method::HEAD;

        let real = account != prefix && !account[prefix.len()..].starts_with('.');
        if real && self.is_in(".reseller_admin") {
            return Some(OWNER);
        }
        if real && reading && self.is_in(".reseller_reader") {
            return Some(GUEST);
        }
        let about_the_account_itself =
            !within && (*self.method == Method::PUT || *self.method == Method::DELETE);
        let owns = self.is_in(account) && !about_the_account_itself;
        if owns && (prefix != SERVICE_PREFIX || self.is_in(SERVICE_GROUP)) {
            let looks = reading || *self.method == Method::OPTIONS;
            return if self.user.reads_only {
                looks.then_some(GUEST)
            } else {
                Some(OWNER)
            };
        }
        if *self.method == Method::OPTIONS {
            return Some(GUEST);
        }
        let list = container::Acl::parse(acl.unwrap_or_default());
        if list.allows_referer(self.referer)
            && (self.resource.object().is_some() || list.has_group(".rlistings"))
        {
            return Some(GUEST);
        }
        if self.user.groups.iter().any(|group| list.has_group(group)) {
            return Some(GUEST);
        }
        match account::level(&account_acl()?, &self.user.groups)? {
            account::Level::Admin => Some(OWNER),
            account::Level::ReadWrite if within || reading => Some(GUEST),
            account::Level::ReadOnly if reading => Some(GUEST),
            _ => None,
        }
    }

    fn is_in(&self, group: &str) -> bool {
        self.user.is_in(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Option<Access> = Some(Access { owner: true });
    const GUEST: Option<Access> = Some(Access { owner: false });
    const ACCOUNT: Resource<'_> = Resource::Account("AUTH_test");
    const CONTAINER: Resource<'_> = Resource::Container("AUTH_test", "c");
    const OBJECT: Resource<'_> = Resource::Object("AUTH_test", "c", "o");

    /// A question with no list of either kind until one is given.
    struct Question<'a> {
        groups: Vec<String>,
        method: Method,
        acl: Option<&'a str>,
        account_acl: Option<&'a str>,
        referer: &'a str,
    }

    fn as_user(groups: &str) -> Question<'static> {
        Question {
            groups: groups.split(',').map(str::to_owned).collect(),
            method: Method::GET,
            acl: None,
            account_acl: None,
            referer: "",
        }
    }

    impl<'a> Question<'a> {
        fn to(self, method: Method) -> Self {
            Self { method, ..self }
        }

        fn acl(self, acl: &'a str) -> Self {
            let acl = Some(acl);
            Self { acl, ..self }
        }

        fn account_acl(self, acl: &'a str) -> Self {
            let account_acl = Some(acl);
            Self {
                account_acl,
                ..self
            }
        }

        fn from(self, referer: &'a str) -> Self {
            Self { referer, ..self }
        }

        fn of(&self, resource: Resource<'_>) -> Option<Access> {
            let asked = Asked {
                method: &self.method,
                resource,
                user: &ByGroups {
                    groups: self.groups.clone(),
                    reads_only: false,
                },
                referer: self.referer,
            };
            asked.decide(self.acl, || self.account_acl.map(str::to_owned))
        }
    }

    fn owner() -> Question<'static> {
        as_user("test,test:tester,AUTH_test,SERVICE_test")
    }

    fn stranger() -> Question<'static> {
        as_user("other,other:user,AUTH_other")
    }

    fn nobody() -> Question<'static> {
        as_user("")
    }

    #[test]
    fn the_owner_may_do_all_but_make_or_delete_the_account() {
        assert_eq!(owner().of(ACCOUNT), OWNER);
        assert_eq!(owner().to(Method::POST).of(ACCOUNT), OWNER);
        assert_eq!(owner().to(Method::PUT).of(ACCOUNT), None);
        assert_eq!(owner().to(Method::DELETE).of(ACCOUNT), None);
        assert_eq!(owner().to(Method::PUT).of(CONTAINER), OWNER);
        assert_eq!(owner().to(Method::DELETE).of(OBJECT), OWNER);
    }

    #[test]
    fn others_may_nothing_by_themselves() {
        for question in [stranger(), nobody(), as_user("test,test:tester3")] {
            assert_eq!(question.of(ACCOUNT), None);
            assert_eq!(question.of(CONTAINER), None);
            assert_eq!(question.of(OBJECT), None);
        }
    }

    #[test]
    fn a_resellers_admin_may_do_all_in_accounts_that_are_somebodys() {
        let admin = || as_user("admin,admin:admin,.reseller_admin,AUTH_admin");
        assert_eq!(admin().to(Method::DELETE).of(ACCOUNT), OWNER);
        assert_eq!(admin().of(Resource::Account("MossoCloudFS_1")), OWNER);
        assert_eq!(admin().of(Resource::Account("AUTH_")), None);
        assert_eq!(admin().of(Resource::Account("AUTH_.hidden")), None);
        assert_eq!(admin().of(Resource::Account("KEY_test")), None);
    }

    #[test]
    fn a_resellers_reader_may_read() {
        let reader = || as_user("r,r:r,.reseller_reader");
        assert_eq!(reader().of(ACCOUNT), GUEST);
        assert_eq!(reader().to(Method::POST).of(OBJECT), None);
    }

    #[test]
    fn a_service_account_opens_to_its_owner_and_a_service_together() {
        let resource = Resource::Object("SERVICE_test", "c", "o");
        assert_eq!(owner().of(resource), None);
        assert_eq!(as_user("test5,test5:tester5,service").of(resource), None);
        let both = as_user("test,test:tester,AUTH_test,SERVICE_test,test5,test5:tester5,service");
        assert_eq!(both.of(resource), OWNER);
    }

    #[test]
    fn anybody_may_ask_for_options() {
        assert_eq!(nobody().to(Method::OPTIONS).of(OBJECT), GUEST);
        let foreign = Resource::Account("KEY_test");
        assert_eq!(nobody().to(Method::OPTIONS).of(foreign), None);
    }

    #[test]
    fn a_containers_list_names_users_and_accounts() {
        assert_eq!(stranger().acl("other:user").of(OBJECT), GUEST);
        assert_eq!(stranger().acl("a:b,other").of(CONTAINER), GUEST);
        assert_eq!(stranger().acl("other:someone").of(OBJECT), None);
        let unusual = as_user("a,a:b%c");
        assert_eq!(unusual.acl("a:b%25c").of(OBJECT), GUEST);
    }

    #[test]
    fn a_referer_opens_objects_and_not_the_listing() {
        let visitor = || {
            nobody()
                .acl(".r:.example.com")
                .from("http://www.example.com/page")
        };
        assert_eq!(visitor().of(OBJECT), GUEST);
        assert_eq!(visitor().of(CONTAINER), None);
        let with_listings = visitor().acl(".r:.example.com,.rlistings");
        assert_eq!(with_listings.of(CONTAINER), GUEST);
        assert_eq!(visitor().from("http://example.org/").of(OBJECT), None);
    }

    #[test]
    fn an_accounts_list_has_three_levels() {
        let admin = || stranger().account_acl(r#"{"admin":["other"]}"#);
        assert_eq!(admin().to(Method::POST).of(ACCOUNT), OWNER);

        let writer = || stranger().account_acl(r#"{"read-write":["other:user"]}"#);
        assert_eq!(writer().to(Method::PUT).of(CONTAINER), GUEST);
        assert_eq!(writer().of(ACCOUNT), GUEST);
        assert_eq!(writer().to(Method::POST).of(ACCOUNT), None);

        let reader = || stranger().account_acl(r#"{"read-only":["other:user"]}"#);
        assert_eq!(reader().of(OBJECT), GUEST);
        assert_eq!(reader().to(Method::PUT).of(OBJECT), None);

        assert_eq!(
            nobody().account_acl(r#"{"admin":["other"]}"#).of(OBJECT),
            None
        );
    }
}
