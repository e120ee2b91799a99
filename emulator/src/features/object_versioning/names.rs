//! Names and ids of versions. Pure, but for looking up what a container says of its own.

use percent_encoding::percent_decode;

use super::SYSMETA_CONTAINER;
use crate::core::Core;
use crate::store::Metadata;
use crate::timestamp::Timestamp;

/// The largest moment that can be counted backwards, in ticks of ten microseconds.
const LAST: u64 = 999_999_999_999_999;

/// The container that holds the versions of another.
pub(super) fn versions_container(container: &str) -> String {
    format!("{VERSIONS_PREFIX}\0{container}")
}

/// What the names of all containers of versions begin with.
pub(super) const VERSIONS_PREFIX: &str = "\0versions";

/// The container that keeps versions for this one, if it ever had any.
pub(super) fn versions_of(core: &Core, account: &str, container: &str) -> Option<String> {
    let container = core.store.container(account, container)?;
    versions_in(&container.metadata())
}

/// The same, as its metadata say it.
pub(super) fn versions_in(container: &Metadata) -> Option<String> {
    let name = container.get(SYSMETA_CONTAINER)?;
    let name = percent_decode(name.as_bytes()).decode_utf8().ok()?;
    Some(name.split('/').next().unwrap_or("").to_owned())
}

/// What the names of all versions of an object begin with.
pub(super) fn prefix(object: &str) -> String {
    format!("\0{object}\0")
}

/// The name of one version.
pub(super) fn version(object: &str, id: Timestamp) -> String {
    let backwards = Timestamp::from_ticks(LAST.saturating_sub(id.ticks()));
    format!("\0{object}\0{backwards}")
}

/// The object and the id in the name of a version.
pub(super) fn parse(name: &str) -> Option<(&str, String)> {
    let (object, backwards) = name.strip_prefix('\0')?.split_once('\0')?;
    let id = parse_id(backwards)?;
    Some((object, Timestamp::from_ticks(LAST - id.ticks()).to_string()))
}

/// Reads an id as Swift reads a timestamp: seconds, perhaps with `_` and up to 16 hex digits, which do not count here.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
pub(super) fn parse_id(text: &str) -> Option<Timestamp> {
    let (seconds, offset) = text.split_once('_').unwrap_or((text, ""));
    if offset.len() > 16 || !offset.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let ticks = (seconds.trim().parse::<f64>().ok()? * 100_000.0).round();
    // Comparing also sorts out what is not a number.
    (0.0..1e15)
        .contains(&ticks)
        .then(|| Timestamp::from_ticks(ticks as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_come_first_and_names_lead_back_to_ids() {
        let id = |ticks| Timestamp::from_ticks(ticks);
        let (old, new) = (id(140_000_000_012_345), id(140_000_000_012_346));
        assert_eq!(version("o", old), "\u{0}o\u{0}8599999999.87654");
        assert!(version("o", new) < version("o", old));
        assert_eq!(
            parse(&version("o", old)),
            Some(("o", "1400000000.12345".to_owned()))
        );
        assert_eq!(parse("o"), None);
        assert_eq!(parse("\0o"), None);
        assert_eq!(parse("\u{0}o\u{0}1.0\u{0}"), None);
    }

    #[test]
    fn ids_are_timestamps() {
        let id = |text: &str| parse_id(text).map(Timestamp::ticks);
        assert_eq!(id("1400000000.12345"), Some(140_000_000_012_345));
        assert_eq!(
            id("1400000000.12345_00000000000000ff"),
            Some(140_000_000_012_345)
        );
        assert_eq!(id("0"), Some(0));
        for bad in [
            "",
            "x",
            "-1",
            "nan",
            "inf",
            "10000000000",
            "1_x",
            "1_0_0",
            "1_00000000000000000",
        ] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }
}
