//! Limits that a reseller sets on an account (`swift/common/middleware/account_quotas.py`).
//!
//! In, on POST and PUT of the account: `X-Account-Quota-Bytes` and `X-Account-Quota-Count` for all of it,
//! `X-Account-Quota-Bytes-Policy-<name>` and `-Count-Policy-<name>` for what it holds under one storage policy,
//! `X-Remove-…` of each, and the old spelling `X-Account-Meta-Quota-Bytes`. Only a reseller may: 403 for others, 400 for
//! what is no number. Everybody who may read the account sees them.
//!
//! A PUT of an object that would go beyond is refused with 413 before its body is read, unless a reseller sends it.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::core::Core;
use crate::message::Request;
use crate::path::{Kind, Resource};
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};
use crate::resources::{acl, container};
use crate::store::Account;

/// What is limited: bytes, or the number of objects.
const KINDS: [&str; 2] = ["quota-bytes", "quota-count"];

pub(crate) fn applies(request: &Request, core: &Core) -> bool {
    match request.path.kind() {
        Some(Kind::Account) => true,
        // Most accounts have no quota.
        Some(Kind::Object) => {
            request.method == Method::PUT
                && !request.grant.is_reseller_admin()
                && request
                    .path
                    .found_account(&core.store)
                    .is_some_and(|account| account.has_metadata_about("quota-"))
        }
        _ => false,
    }
}

pub(crate) async fn handle(mut request: Request, next: Next<'_>) -> Reply {
    let core = next.core();
    if let Some(Resource::Object(account, container, _)) = request.path.named() {
        if let Some(message) = exceeded(&request, account, container, core) {
            // Whoever may not write at all is told that instead.
            let list = container::access_list(core, account, container, "x-container-write");
            acl::authorize(&request, core, list.as_deref())?;
            return Err(Reject::html(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        return Ok(next.run(request).await);
    }
    let policies = core.flavour.policies;
    if request.method == Method::POST || request.method == Method::PUT {
        let is_reseller = request.grant.is_reseller_admin();
        translate(&mut request.headers, is_reseller, policies)?;
    }
    let mut response = next.run(request).await;
    show(&mut response.headers, policies);
    Ok(response)
}

/// Turns the quotas that a request sets into system metadata.
fn translate(headers: &mut HeaderMap, is_reseller: bool, policies: &[&str]) -> Result<(), Reject> {
    let filled =
        |headers: &HeaderMap, name: &str| headers.get(name).is_some_and(|value| !value.is_empty());
    for (old, new) in [
        ("x-account-meta-quota-bytes", "x-account-quota-bytes"),
        (
            "x-remove-account-meta-quota-bytes",
            "x-remove-account-quota-bytes",
        ),
    ] {
        if let Some(value) = headers.get(old).cloned()
            && !filled(headers, new)
        {
            headers.insert(new, value);
        }
    }
    let mut changes = Vec::new();
    for kind in KINDS {
        let whole = std::iter::once((kind.to_owned(), kind.to_owned()));
        let parts = policies.iter().enumerate().map(|(index, policy)| {
            let policy = policy.to_ascii_lowercase();
            (
                format!("{kind}-policy-{policy}"),
                format!("{kind}-policy-{index}"),
            )
        });
        for (asked, kept) in whole.chain(parts) {
            // Removal wins where both are there.
            let value = if filled(headers, &format!("x-remove-account-{asked}")) {
                Some(HeaderValue::from_static(""))
            } else {
                headers.remove(format!("x-account-{asked}"))
            };
            if let Some(value) = value {
                changes.push((kept, value));
            }
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    if !is_reseller {
        return Err(Reject::forbidden());
    }
    for (kept, value) in changes {
        if !value.as_bytes().iter().all(u8::is_ascii_digit) {
            return Err(Reject::bad_request());
        }
        if let Ok(name) = HeaderName::try_from(format!("x-account-sysmeta-{kept}")) {
            headers.insert(name, value);
        }
    }
    Ok(())
}

/// Shows the quotas of an account to whoever reads it.
fn show(headers: &mut HeaderMap, policies: &[&str]) {
    // Most accounts have none; looking first spares the names.
    if !headers
        .keys()
        .any(|name| name.as_str().starts_with("x-account-sysmeta-quota-"))
    {
        return;
    }
    for kind in KINDS {
        let whole = std::iter::once((kind.to_owned(), kind.to_owned()));
        let parts = policies.iter().enumerate().map(|(index, policy)| {
            let policy = policy.to_ascii_lowercase();
            (
                format!("{kind}-policy-{index}"),
                format!("{kind}-policy-{policy}"),
            )
        });
        for (kept, shown) in whole.chain(parts) {
            if let Some(value) = headers.get(format!("x-account-sysmeta-{kept}")).cloned()
                && let Ok(name) = HeaderName::try_from(format!("x-account-{shown}"))
            {
                headers.insert(name, value);
            }
        }
    }
}

/// What to say if an upload would go beyond a quota.
fn exceeded(
    request: &Request,
    account: &str,
    container: &str,
    core: &Core,
) -> Option<&'static str> {
    let account = core.store.account(account)?;
    let length: u64 = request
        .header(CONTENT_LENGTH.as_str())
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let totals = account.totals(request.received);
    let used: u64 = totals.iter().map(|of| of.bytes).sum();
    let objects: u64 = totals.iter().map(|of| of.objects).sum();
    let bytes = quota(&account, "x-account-sysmeta-quota-bytes")
        .or_else(|| quota(&account, "x-account-meta-quota-bytes"));
    let count = quota(&account, "x-account-sysmeta-quota-count");
    if is_beyond(bytes, used, length) || is_beyond(count, objects, 1) {
        return Some("Upload exceeds quota.");
    }
    let policy = account
        .container(container)
        .map_or(0, |container| container.policy);
    let used = totals.get(policy).copied().unwrap_or_default();
    let bytes = quota(
        &account,
        &format!("x-account-sysmeta-quota-bytes-policy-{policy}"),
    );
    let count = quota(
        &account,
        &format!("x-account-sysmeta-quota-count-policy-{policy}"),
    );
    (is_beyond(bytes, used.bytes, length) || is_beyond(count, used.objects, 1))
        .then_some("Upload exceeds policy quota.")
}

fn is_beyond(quota: Option<u64>, used: u64, more: u64) -> bool {
    quota.is_some_and(|quota| quota < used.saturating_add(more))
}

/// A quota of the account, if it has one; what is no number is none.
fn quota(account: &Account, name: &str) -> Option<u64> {
    let value = account.metadata_value(name)?;
    value.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICIES: [&str; 2] = ["gold", "silver"];

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn keeps_the_quotas_of_a_reseller_as_system_metadata() {
        let mut sent = headers(&[
            ("x-account-meta-quota-bytes", "10"),
            ("x-account-quota-count-policy-silver", "3"),
            ("x-account-quota-count", "5"),
            ("x-remove-account-quota-count", "x"),
        ]);
        translate(&mut sent, true, &POLICIES).expect("a reseller may");
        assert_eq!(sent["x-account-sysmeta-quota-bytes"], "10");
        assert_eq!(sent["x-account-meta-quota-bytes"], "10");
        assert_eq!(sent["x-account-sysmeta-quota-count-policy-1"], "3");
        assert_eq!(sent["x-account-sysmeta-quota-count"], "");
    }

    #[test]
    fn refuses_others_and_what_is_no_number() {
        let status = |mut headers: HeaderMap, is_reseller| {
            translate(&mut headers, is_reseller, &POLICIES)
                .map_err(|refusal| refusal.status.as_u16())
                .err()
        };
        assert_eq!(
            status(headers(&[("x-account-quota-bytes", "1")]), false),
            Some(403)
        );
        assert_eq!(
            status(headers(&[("x-account-quota-bytes", "")]), false),
            Some(403)
        );
        assert_eq!(
            status(headers(&[("x-account-quota-bytes", "-1")]), true),
            Some(400)
        );
        assert_eq!(status(headers(&[("x-account-meta-a", "1")]), false), None);
    }

    #[test]
    fn shows_quotas_by_the_names_of_the_policies() {
        let mut kept = headers(&[
            ("x-account-sysmeta-quota-bytes", "10"),
            ("x-account-sysmeta-quota-bytes-policy-0", "7"),
        ]);
        show(&mut kept, &POLICIES);
        assert_eq!(kept["x-account-quota-bytes"], "10");
        assert_eq!(kept["x-account-quota-bytes-policy-gold"], "7");
    }
}
