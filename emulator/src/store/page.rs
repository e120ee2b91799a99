//! One page of an ordered index: prefix, delimiter, markers, limit, either way round. Pure.
//!
//! The rules are those of `list_objects_iter` in `swift/container/backend.py`; a subtree behind a delimiter is skipped by
//! one seek, however much it holds.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

/// Which part of an index is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Page<'a> {
    pub(crate) limit: usize,
    pub(crate) marker: &'a str,
    pub(crate) end_marker: &'a str,
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: &'a str,
    /// The entries directly under this folder, without its subfolders; replaces prefix and delimiter.
    pub(crate) path: Option<&'a str>,
    pub(crate) reverse: bool,
    /// Whether names that begin with NUL, Swift's own, are shown.
    pub(crate) reserved: bool,
}

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageItem<'a, V> {
    Entry(&'a str, &'a V),
    Subdir(&'a str),
}

/// Walks one page of `index` in order, and tells `found` of each item.
pub(crate) fn page<'a, K: Ord + Borrow<str>, V>(
    index: &'a BTreeMap<K, V>,
    wanted: &Page<'_>,
    visible: impl Fn(&str, &V) -> bool,
    mut found: impl FnMut(PageItem<'a, V>),
) {
    let folder = wanted.path.map(|path| {
        if path.is_empty() {
            String::new()
        } else {
            format!("{}/", path.trim_end_matches('/'))
        }
    });
    let (prefix, delimiter) = match &folder {
        Some(folder) => (folder.as_str(), "/"),
        None => (wanted.prefix, wanted.delimiter),
    };
    // Backwards the markers change places: the one that comes first in order bounds from below.
    let (after, before) = if wanted.reverse {
        (wanted.end_marker, wanted.marker)
    } else {
        (wanted.marker, wanted.end_marker)
    };
    let mut walk = Walk::new(prefix, after, before, wanted.reserved);
    let mut count = 0;
    while count < wanted.limit {
        let Some((low, high)) = walk.bounds() else {
            return;
        };
        // One end is sought, the other looked for on the way: to seek it as well would cost a comparison with each name of
        // each node down to it, and each of these is memory that nobody else has touched.
        let (sought, other) = if wanted.reverse {
            ((Bound::Unbounded, high), (low, Bound::Unbounded))
        } else {
            ((low, Bound::Unbounded), (Bound::Unbounded, high))
        };
        let mut range = index.range::<str, _>(sought);
        let mut jump = None;
        let next = || {
            let (name, value) = if wanted.reverse {
                range.next_back()?
            } else {
                range.next()?
            };
            let name: &'a str = name.borrow();
            RangeBounds::<str>::contains(&other, name).then_some((name, value))
        };
        for (name, value) in std::iter::from_fn(next) {
            if !name.starts_with(prefix) {
                // The bounds hold names of this prefix only, but for an upper bound that could not be made exact.
                continue;
            }
            if !visible(name, value) {
                continue;
            }
            if count >= wanted.limit {
                return;
            }
            let end = (!delimiter.is_empty())
                .then(|| name[prefix.len()..].find(delimiter))
                .flatten()
                .map(|at| prefix.len() + at + delimiter.len());
            if let Some(folder) = &folder {
                if name == folder {
                    continue;
                }
                if let Some(end) = end
                    && name.len() > end
                {
                    jump = Some(&name[..end]);
                    break;
                }
            } else if let Some(end) = end {
                let subdir = &name[..end];
                if subdir != after {
                    found(PageItem::Subdir(subdir));
                    count += 1;
                }
                jump = Some(subdir);
                break;
            }
            found(PageItem::Entry(name, value));
            count += 1;
        }
        match jump {
            Some(subtree) if wanted.reverse => walk.end_before(subtree),
            Some(subtree) => walk.start_behind(subtree),
            None => return,
        }
    }
}

/// The part of the index that is still to be walked.
struct Walk {
    low: Bound<String>,
    high: Bound<String>,
}

impl Walk {
    fn new(prefix: &str, after: &str, before: &str, reserved: bool) -> Self {
        let mut low = if !after.is_empty() && after >= prefix {
            Bound::Excluded(after.to_owned())
        } else {
            Bound::Included(prefix.to_owned())
        };
        // Names that begin with NUL come first of all.
        let floor = "\u{1}";
        if !reserved && text(&low).is_none_or(|low| low < floor) {
            low = Bound::Included(floor.to_owned());
        }
        let mut high = successor(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        if !before.is_empty() && text(&high).is_none_or(|high| before < high) {
            high = Bound::Excluded(before.to_owned());
        }
        Self { low, high }
    }

    /// `None` when nothing is left.
    fn bounds(&self) -> Option<(Bound<&str>, Bound<&str>)> {
        // A range whose ends cross makes the index panic.
        let crossed = match (&self.low, &self.high) {
            (
                Bound::Included(low) | Bound::Excluded(low),
                Bound::Included(high) | Bound::Excluded(high),
            ) => low >= high,
            _ => false,
        };
        (!crossed).then(|| {
            (
                self.low.as_ref().map(String::as_str),
                self.high.as_ref().map(String::as_str),
            )
        })
    }

    fn start_behind(&mut self, subtree: &str) {
        self.low =
            successor(subtree).map_or_else(|| Bound::Excluded(subtree.to_owned()), Bound::Included);
    }

    fn end_before(&mut self, subtree: &str) {
        self.high = Bound::Excluded(subtree.to_owned());
    }
}

fn text(bound: &Bound<String>) -> Option<&str> {
    match bound {
        Bound::Included(text) | Bound::Excluded(text) => Some(text),
        Bound::Unbounded => None,
    }
}

/// The first text behind everything that begins with `prefix`; `None` if there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match u32::from(last) + 1 {
            0xD800 => 0xE000,
            next => next,
        };
        if let Some(next) = char::from_u32(next) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(names: &[&str], wanted: &Page<'_>) -> Vec<String> {
        let index: BTreeMap<Box<str>, bool> =
            names.iter().map(|name| ((*name).into(), true)).collect();
        let mut found = Vec::new();
        page(
            &index,
            wanted,
            |_, shown| *shown,
            |item| {
                found.push(match item {
                    PageItem::Entry(name, _) => name.to_owned(),
                    PageItem::Subdir(name) => format!("[{name}]"),
                });
            },
        );
        found
    }

    fn all<'a>() -> Page<'a> {
        Page {
            limit: 10_000,
            ..Page::default()
        }
    }

    const NAMES: [&str; 6] = ["a", "b/1", "b/2", "b/c/3", "c", "d/"];

    #[test]
    fn a_delimiter_rolls_up_what_lies_behind_it() {
        let page = Page {
            delimiter: "/",
            ..all()
        };
        assert_eq!(list(&NAMES, &page), ["a", "[b/]", "c", "[d/]"]);
        let below = Page {
            prefix: "b/",
            ..page
        };
        assert_eq!(list(&NAMES, &below), ["b/1", "b/2", "[b/c/]"]);
        let back = Page {
            reverse: true,
            ..page
        };
        assert_eq!(list(&NAMES, &back), ["[d/]", "c", "[b/]", "a"]);
    }

    #[test]
    fn a_subdir_that_is_the_marker_is_not_shown_again() {
        let page = Page {
            delimiter: "/",
            marker: "b/",
            ..all()
        };
        assert_eq!(list(&NAMES, &page), ["c", "[d/]"]);
    }

    #[test]
    fn a_path_shows_one_folder_only() {
        let page = Page {
            path: Some("b"),
            ..all()
        };
        assert_eq!(list(&NAMES, &page), ["b/1", "b/2"]);
        let top = Page {
            path: Some(""),
            ..all()
        };
        assert_eq!(list(&NAMES, &top), ["a", "c", "d/"]);
    }

    #[test]
    fn markers_bound_from_both_sides_either_way() {
        let page = Page {
            marker: "a",
            end_marker: "c",
            ..all()
        };
        assert_eq!(list(&NAMES, &page), ["b/1", "b/2", "b/c/3"]);
        let back = Page {
            marker: "c",
            end_marker: "a",
            reverse: true,
            ..all()
        };
        assert_eq!(list(&NAMES, &back), ["b/c/3", "b/2", "b/1"]);
    }

    #[test]
    fn reserved_names_show_only_to_swift_itself() {
        let names = ["\0versions", "a"];
        assert_eq!(list(&names, &all()), ["a"]);
        let page = Page {
            reserved: true,
            ..all()
        };
        assert_eq!(list(&names, &page), ["\0versions", "a"]);
    }

    /// The same, said naively.
    fn naive(names: &[String], wanted: &Page<'_>) -> Vec<String> {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        sorted.dedup();
        if wanted.reverse {
            sorted.reverse();
        }
        let (after, before) = if wanted.reverse {
            (wanted.end_marker, wanted.marker)
        } else {
            (wanted.marker, wanted.end_marker)
        };
        let mut found: Vec<String> = Vec::new();
        for name in sorted {
            let inside = name.starts_with(wanted.prefix)
                && (after.is_empty() || name.as_str() > after)
                && (before.is_empty() || name.as_str() < before);
            if !inside {
                continue;
            }
            let end = (!wanted.delimiter.is_empty())
                .then(|| name[wanted.prefix.len()..].find(wanted.delimiter))
                .flatten();
            if let Some(at) = end {
                let subdir = &name[..wanted.prefix.len() + at + wanted.delimiter.len()];
                let shown = format!("[{subdir}]");
                if subdir != after && !found.contains(&shown) {
                    found.push(shown);
                }
            } else {
                found.push(name.clone());
            }
        }
        found.truncate(wanted.limit);
        found
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_listing(
            names in proptest::collection::vec("[ab/]{1,5}", 0..20),
            prefix in "[ab/]{0,2}",
            delimiter in "(|/|ab)",
            marker in "[ab/]{0,3}",
            end_marker in "[ab/]{0,3}",
            reverse: bool,
            limit in 0_usize..8,
        ) {
            let wanted = Page {
                limit, marker: &marker, end_marker: &end_marker, prefix: &prefix,
                delimiter: &delimiter, path: None, reverse, reserved: false,
            };
            let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
            prop_assert_eq!(list(&borrowed, &wanted), naive(&names, &wanted));
        }
    }
}
