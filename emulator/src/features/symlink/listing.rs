//! Links in listings: what stands behind a hash becomes `symlink_path`, `symlink_etag` and `symlink_bytes`.

use crate::listing::{Entry, ObjectEntry};
use crate::message::{Request, Response};
use crate::pipeline::Next;

/// Lists a container, with what its links name.
pub(super) async fn list(request: Request, next: Next<'_>) -> Response {
    let account = request
        .path
        .named()
        .map_or_else(String::new, |named| named.account().to_owned());
    let version = request.path.version().to_owned();
    let mut response = next.run(request).await;
    if let Some(listing) = &mut response.listing {
        for entry in &mut listing.entries {
            if let Entry::Object(object) = entry
                && object.hash.has_parameters()
            {
                show_link(object, &version, &account);
            }
        }
    }
    response
}

/// Turns what stands behind a listed hash into what the listing shows of a link. What is not ours stays there.
fn show_link(object: &mut ObjectEntry, version: &str, account: &str) {
    let Some((hash, parameters)) = object.hash.split_once(';') else {
        return;
    };
    let mut hash = hash.to_owned();
    let mut account = account;
    let (mut target, mut etag, mut bytes) = (None, None, None);
    // A copy of a link names its target twice; the last one counts.
    for parameter in parameters.split(';') {
        let parameter = parameter.trim();
        match parameter.split_once('=').unwrap_or((parameter, "")) {
            ("symlink_target", value) => target = Some(value),
            ("symlink_target_account", value) => account = value,
            ("symlink_target_etag", value) => etag = Some(value),
            ("symlink_target_bytes", value) => bytes = value.parse::<u64>().ok(),
            _ => {
                hash.push_str("; ");
                hash.push_str(parameter);
            }
        }
    }
    let path = target.map(|target| format!("/{version}/{account}/{target}"));
    object
        .extra
        .extend(etag.map(|etag| ("symlink_etag", etag.into())));
    object
        .extra
        .extend(bytes.map(|bytes| ("symlink_bytes", bytes.into())));
    object
        .extra
        .extend(path.map(|path| ("symlink_path", path.into())));
    object.hash = hash.into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    fn shown(hash: &str) -> ObjectEntry {
        let mut entry = ObjectEntry {
            name: "link".into(),
            hash: hash.to_owned().into(),
            bytes: 0,
            content_type: "application/symlink".into(),
            last_modified: Timestamp::from(std::time::UNIX_EPOCH),
            extra: Vec::new(),
        };
        show_link(&mut entry, "v1", "AUTH_a");
        entry
    }

    #[test]
    fn a_listing_shows_what_a_link_names_and_leaves_the_rest_to_others() {
        let entry = shown(
            "abc; slo_etag=def; symlink_target=c/o%3B; symlink_target_etag=e; symlink_target_bytes=4",
        );
        assert_eq!(&*entry.hash, "abc; slo_etag=def");
        assert_eq!(
            entry.extra,
            [
                ("symlink_etag", "e".into()),
                ("symlink_bytes", 4.into()),
                ("symlink_path", "/v1/AUTH_a/c/o%3B".into()),
            ]
        );
    }

    #[test]
    fn a_listing_names_the_account_of_a_target_that_is_elsewhere() {
        let entry = shown("abc; symlink_target=c/o; symlink_target_account=AUTH_b");
        assert_eq!(entry.extra, [("symlink_path", "/v1/AUTH_b/c/o".into())]);
    }

    #[test]
    fn a_copy_of_a_link_is_listed_once() {
        let entry = shown("abc; symlink_target=c/o; symlink_target=c/o");
        assert_eq!(entry.extra, [("symlink_path", "/v1/AUTH_a/c/o".into())]);
    }

    #[test]
    fn what_is_no_link_is_listed_as_it_is() {
        let entry = shown("abc");
        assert_eq!(&*entry.hash, "abc");
        assert!(entry.extra.is_empty());
    }
}
