//! The list of an account: `X-Account-Access-Control` (`swift/common/middleware/{acl,tempauth}.py`).
//!
//! It is JSON: `{"admin":["account:user"],"read-write":[…],"read-only":[…]}`, each part optional. Empty means none.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::container::repr;

/// The parts of the list, by what they allow.
const PARTS: [(&str, Level); 3] = [
    ("admin", Level::Admin),
    ("read-write", Level::ReadWrite),
    ("read-only", Level::ReadOnly),
];

/// What an account's list lets somebody do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Everything.
    Admin,
    /// Everything but to change the account itself.
    ReadWrite,
    /// GET and HEAD.
    ReadOnly,
}

/// Whether a list can be taken; if not, why, in Swift's words.
pub(crate) fn check(list: &str) -> Result<(), String> {
    let parts = parse(list).ok_or_else(|| format!("Syntax error in input ({})", repr(list)))?;
    let is_known = |key: &str| PARTS.iter().any(|(name, _)| *name == key);
    if let Some(key) = parts.keys().find(|key| !is_known(key)) {
        return Err(format!(
            "Key {} not recognized",
            ascii(&key.as_str().into())
        ));
    }
    for (name, _) in PARTS {
        let Some(part) = parts.get(name) else {
            continue;
        };
        let grantees = part
            .as_array()
            .ok_or_else(|| format!("Value for key \"{name}\" must be a list"))?;
        if !grantees.iter().all(Value::is_string) {
            return Err(format!("Elements of \"{name}\" list must be strings"));
        }
    }
    Ok(())
}

/// The most that somebody in these groups may do; `None` if the list does not name them.
pub(crate) fn level(list: &str, groups: &[String]) -> Option<Level> {
    let parts = parse(list)?;
    let names_one = |name: &str| {
        let grantees = parts.get(name).and_then(Value::as_array);
        grantees.is_some_and(|grantees| {
            let is_ours = |grantee: &str| groups.iter().any(|group| group == grantee);
            grantees.iter().filter_map(Value::as_str).any(is_ours)
        })
    };
    PARTS
        .into_iter()
        .find(|(name, _)| names_one(name))
        .map(|(_, level)| level)
}

/// The list as the owner is shown it: keys in order, no spaces, ASCII only. `None` if it is empty.
///
/// Who wants other characters escapes them, as Swift's own clients do. Swift takes those that came as they are for
/// Latin-1, one to a byte, and so must we.
pub(crate) fn shown(list: &str) -> Option<String> {
    let list: String = list.bytes().map(char::from).collect();
    let parts = parse(&list).filter(|parts| !parts.is_empty())?;
    let mut parts: Vec<(String, Value)> = parts.into_iter().collect();
    parts.sort_by(|(one, _), (other, _)| one.cmp(other));
    Some(ascii(&Value::Object(parts.into_iter().collect())))
}

/// `None` where it is not a JSON object.
fn parse(list: &str) -> Option<Map<String, Value>> {
    if list.is_empty() {
        return Some(Map::new());
    }
    match serde_json::from_str(list) {
        Ok(Value::Object(parts)) => Some(parts),
        _ => None,
    }
}

/// JSON in ASCII: all else can only stand within texts, where it is escaped as UTF-16.
fn ascii(value: &Value) -> String {
    let mut written = String::new();
    for character in value.to_string().chars() {
        if character.is_ascii() {
            written.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(written, "\\u{unit:04x}");
            }
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        for (list, error) in [
            ("not json", "Syntax error in input ('not json')"),
            ("[]", "Syntax error in input ('[]')"),
            (r#"{"other":[]}"#, r#"Key "other" not recognized"#),
            (r#"{"é":[]}"#, r#"Key "\u00e9" not recognized"#),
            (r#"{"admin":{}}"#, r#"Value for key "admin" must be a list"#),
            (
                r#"{"admin":[],"read-only":[1]}"#,
                r#"Elements of "read-only" list must be strings"#,
            ),
        ] {
            assert_eq!(check(list), Err(error.to_owned()));
        }
    }

    #[test]
    fn takes_an_empty_list_as_none() {
        for list in ["", "{}", " { } "] {
            assert_eq!(check(list), Ok(()));
            assert_eq!(shown(list), None);
            assert_eq!(level(list, &["a".to_owned()]), None);
        }
    }

    #[test]
    fn shows_the_list_in_order_and_in_ascii() {
        let list = r#"{ "read-only" : ["\u00e9", "\ud83d\ude00"], "admin" : ["a b"] }"#;
        let canonical = r#"{"admin":["a b"],"read-only":["\u00e9","\ud83d\ude00"]}"#;
        assert_eq!(shown(list).as_deref(), Some(canonical));
        let unescaped = r#"{"admin":["\u00c3\u00a9"]}"#;
        assert_eq!(shown(r#"{"admin":["é"]}"#).as_deref(), Some(unescaped));
    }

    #[test]
    fn gives_the_most_of_what_several_parts_allow() {
        let list = r#"{"admin":["a"],"read-write":["b"],"read-only":["a:u","b:u"]}"#;
        let groups = |all: &str| all.split(',').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(level(list, &groups("a,a:u")), Some(Level::Admin));
        assert_eq!(level(list, &groups("b,b:u")), Some(Level::ReadWrite));
        assert_eq!(level(list, &groups("x,b:u")), Some(Level::ReadOnly));
        assert_eq!(level(list, &groups("x,x:u")), None);
    }
}
