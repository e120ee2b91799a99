//! Names with wildcards: `*` and `?` within a folder, `**` across folders, `[a-z]`, `{one,two}`.

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use swift_client::FileFilter;

use crate::args::WrongUse;

/// What makes a name a pattern. A brace alone does not: it is too common in names.
const WILDCARDS: [char; 3] = ['*', '?', '['];

/// Names that match one pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    matcher: GlobMatcher,
}

impl Pattern {
    /// The pattern that `name` is, if it is one.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub(crate) fn of(name: &str) -> Result<Option<Self>, WrongUse> {
        if !name.contains(WILDCARDS) {
            return Ok(None);
        }
        Ok(Some(Self {
            matcher: glob(name)?.compile_matcher(),
        }))
    }

    /// What all names that match begin with.
    pub(crate) fn prefix(name: &str) -> &str {
        let end = name.find([WILDCARDS.as_slice(), &['{', '\\']].concat().as_slice());
        &name[..end.unwrap_or(name.len())]
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }
}

/// Which names below a place are meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct FilterArgs {
    /// Only names that match this pattern, such as `*.jpg` or `2026/**`; may be repeated
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// No names that match this pattern; may be repeated, and counts more than --include
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
}

impl FilterArgs {
    /// # Errors
    /// What is wrong with a pattern.
    pub(crate) fn filter(&self) -> Result<Filter, WrongUse> {
        Ok(Filter {
            include: set(&self.include)?,
            exclude: set(&self.exclude)?,
        })
    }
}

/// [`FilterArgs`], made ready. Names are those below the place that is worked on. A pattern without a slash is about the
/// last part of a name, in whatever folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
}

impl Filter {
    pub(crate) fn takes(&self, name: &str) -> bool {
        let included = self.include.as_ref().is_none_or(|set| set.is_match(name));
        included && !self.excludes(name)
    }

    /// Whether a name is left out; if it is a folder's, with all that is in it.
    fn excludes(&self, name: &str) -> bool {
        (self.exclude.as_ref()).is_some_and(|set| set.is_match(name))
    }
}

impl FileFilter for Filter {
    fn takes(&self, name: &str) -> bool {
        self.takes(name)
    }

    fn leaves_out(&self, folder: &str) -> bool {
        self.excludes(folder)
    }
}

fn set(patterns: &[String]) -> Result<Option<GlobSet>, WrongUse> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(glob(pattern)?);
        if pattern.contains('/') {
            // A folder stands for all that is in it.
            set.add(glob(&format!("{}/**", pattern.trim_end_matches('/')))?);
        } else {
            set.add(glob(&format!("**/{pattern}"))?);
            set.add(glob(&format!("**/{pattern}/**"))?);
        }
    }
    let set = set
        .build()
        .map_err(|error| WrongUse::new(error.to_string()))?;
    Ok(Some(set))
}

fn glob(pattern: &str) -> Result<Glob, WrongUse> {
    let mut builder = GlobBuilder::new(pattern);
    builder.literal_separator(true).backslash_escape(true);
    builder
        .build()
        .map_err(|error| WrongUse::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_without_wildcards_for_names() {
        for name in ["a", "a/b.txt", "a{b}", ""] {
            assert!(Pattern::of(name).unwrap().is_none(), "{name}");
        }
        assert!(Pattern::of("a[").is_err());
    }

    #[test]
    fn matches_within_a_folder_or_across() {
        let matches =
            |pattern: &str, name: &str| Pattern::of(pattern).unwrap().unwrap().matches(name);
        assert!(matches("a/*.jpg", "a/1.jpg"));
        assert!(!matches("a/*.jpg", "a/b/1.jpg"));
        assert!(matches("a/**", "a/b/1.jpg"));
        assert!(matches("**/*.jpg", "1.jpg"));
        assert!(matches("file[0-9]", "file7"));
        assert!(!matches("*.jpg", "1.JPG"));
    }

    #[test]
    fn knows_what_matching_names_begin_with() {
        assert_eq!(Pattern::prefix("a/b*.{jpg,png}"), "a/b");
        assert_eq!(Pattern::prefix("*"), "");
        assert_eq!(Pattern::prefix(r"a\*b*"), "a");
    }

    #[test]
    fn filters_by_the_last_part_or_by_the_whole() {
        let filter = |include: &[&str], exclude: &[&str]| {
            let own = |patterns: &[&str]| patterns.iter().map(|&text| text.to_owned()).collect();
            let args = FilterArgs {
                include: own(include),
                exclude: own(exclude),
            };
            args.filter().unwrap()
        };
        let all = filter(&[], &[]);
        assert!(all.takes("any/thing"));
        let jpgs = filter(&["*.jpg"], &["private"]);
        assert!(jpgs.takes("a/b/1.jpg"));
        assert!(!jpgs.takes("a/b/1.png"));
        assert!(!jpgs.takes("private/1.jpg"));
        assert!(!jpgs.takes("a/private/b/1.jpg"));
        let year = filter(&["2026/"], &["2026/*.tmp"]);
        assert!(year.takes("2026/a/b"));
        assert!(!year.takes("a/2026/b"));
        assert!(!year.takes("2026/a.tmp"));
    }
}
