//! Patterns for the paths of requests: what faults strike, and what the journal is searched for.

use globset::{GlobBuilder, GlobMatcher};

/// A glob over a decoded path, from its first slash on.
///
/// `*` stands for anything within one part of the path, `**` as a part of its own for any number of parts, `?` for one
/// letter, `[ab]` for one of these, `{a,b}` for either; a backslash takes the meaning from the letter behind it.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(GlobMatcher);

impl Pattern {
    /// Reads a pattern; the error says in words what is wrong with it.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if !text.starts_with(['/', '*']) {
            return Err(format!(
                "`{text}` is no pattern for a path: it must begin with / or *"
            ));
        }
        let glob = GlobBuilder::new(text)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|error| format!("`{text}` is no pattern: {}", error.kind()))?;
        Ok(Self(glob.compile_matcher()))
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).expect("a pattern").matches(path)
    }

    #[test]
    fn one_star_stays_within_a_part_and_two_do_not() {
        assert!(matches("/v1/AUTH_x/c/*", "/v1/AUTH_x/c/o"));
        assert!(!matches("/v1/AUTH_x/c/*", "/v1/AUTH_x/c/o/p"));
        assert!(!matches("/v1/AUTH_x/c/*", "/v1/AUTH_x/c"));
        assert!(matches("/v1/AUTH_x/c/**", "/v1/AUTH_x/c/o/p"));
        assert!(matches("/v1/*/seg_*/**", "/v1/AUTH_x/seg_1/a/b"));
        assert!(!matches("/v1/*/seg_*/**", "/v1/AUTH_x/c/seg_1"));
        assert!(matches("**", "/v2.0/tokens"));
        assert!(matches("/**", "/"));
        assert!(matches("**/o", "/v1/AUTH_x/c/a/o"));
        assert!(matches("/v1/*/c/o?", "/v1/AUTH_x/c/o\n"));
        assert!(matches("/v1/*/c/\\*", "/v1/AUTH_x/c/*"));
        assert!(!matches("/v1/*/c/\\*", "/v1/AUTH_x/c/o"));
    }

    #[test]
    fn says_what_is_wrong_with_a_pattern() {
        for (pattern, why) in [
            ("v1/a", "begin with /"),
            ("/a[", "unclosed"),
            ("", "begin with /"),
        ] {
            let error = Pattern::new(pattern).expect_err("no pattern");
            assert!(error.contains(why), "{error}");
        }
    }
}
