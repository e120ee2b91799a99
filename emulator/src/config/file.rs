//! A configuration from a file, with complaints that name the line.

use std::fmt::Write;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, Problem};
use crate::services::identity::Identity;

/// Why a configuration could not be had from a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is in it is no configuration.
    #[error("{}:{line}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and at which key. It never holds a secret.
        problem: Problem,
    },
}

impl Config {
    /// A configuration from a TOML file; `emulator/sample.toml` shows every key. Users, projects and regions that it refers
    /// to must be there.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, has a key that means nothing or a value that does not fit.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|(line, problem)| ConfigError::Wrong {
            path: path.to_owned(),
            line,
            problem,
        })
    }

    /// The same from text. What is wrong comes with its line.
    fn parse(text: &str) -> Result<Self, (usize, Problem)> {
        let line_at = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        // `Display` of these errors shows the line itself, where a secret may stand; the message alone does not.
        let parsed = toml::from_str(text).map_err(|error| {
            let at = error.span().unwrap_or_default();
            let key = key_at(text, &at);
            (line_at(at.start), Problem::new(&key, error.message()))
        });
        let config: Self = parsed?;
        config
            .check()
            .and_then(|()| Identity::new(&config).map(drop))
            .map_err(|problem| (line_at(place_of(text, &problem.key)), problem))?;
        Ok(config)
    }
}

/// The key whose value a span lies in, as [`Problem`] writes it.
fn key_at(text: &str, span: &Range<usize>) -> String {
    let mut key = String::new();
    if let Ok(table) = DeTable::parse(text) {
        describe_table(table.get_ref(), span, &mut key);
    }
    if key.is_empty() {
        "the file".clone_into(&mut key);
    }
    key
}

fn describe_table(table: &DeTable<'_>, span: &Range<usize>, key: &mut String) {
    for (name, value) in table {
        let here = contains(&name.span(), span);
        // A table's own span is that of its header, so what lies in it is looked for everywhere.
        let mut below = String::new();
        describe_value(value, span, &mut below);
        if here || !below.is_empty() || contains(&value.span(), span) {
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(name.get_ref());
            key.push_str(&below);
            return;
        }
    }
}

fn describe_value(value: &Spanned<DeValue<'_>>, span: &Range<usize>, key: &mut String) {
    match value.get_ref() {
        DeValue::Table(table) => {
            let mut below = String::new();
            describe_table(table, span, &mut below);
            if !below.is_empty() {
                key.push('.');
                key.push_str(&below);
            }
        }
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mut below = String::new();
                describe_value(item, span, &mut below);
                if !below.is_empty() || contains(&item.span(), span) {
                    // Writing to a string cannot fail.
                    let _ = write!(key, "[{index}]{below}");
                    return;
                }
            }
        }
        _ => {}
    }
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && !outer.is_empty()
}

/// Where in the text a key stands, or as much of it as is there.
fn place_of(text: &str, key: &str) -> usize {
    let Ok(table) = DeTable::parse(text) else {
        return 0;
    };
    let mut at = 0;
    let mut known: Option<&Spanned<DeValue<'_>>> = None;
    for step in key.split('.') {
        let (name, indexes) = step.split_once('[').unwrap_or((step, ""));
        let within = match known.map(Spanned::get_ref) {
            None => Some(table.get_ref()),
            Some(DeValue::Table(table)) => Some(table),
            Some(_) => None,
        };
        let Some((name, value)) = within.and_then(|within| within.get_key_value(name)) else {
            return at;
        };
        at = name.span().start;
        known = Some(value);
        let index = indexes.trim_end_matches(']').parse::<usize>();
        if let (Ok(index), DeValue::Array(items)) = (index, value.get_ref())
            && let Some(item) = items.get(index)
        {
            at = item.span().start;
            known = Some(item);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, line: usize, wanted: &str) {
        let (at, problem) = Config::parse(text).expect_err("it is wrong");
        assert_eq!((at, &*problem.to_string()), (line, wanted), "{text}");
    }

    #[test]
    fn what_is_left_out_is_as_by_default() {
        let config = Config::parse("token_life_seconds = 60").expect("it is sound");
        assert_eq!(config.token_life_seconds, 60);
        assert_eq!(
            config.tempauth.users.len(),
            crate::defaults::TEMPAUTH_USERS.len()
        );
        let config = Config::parse("[tempauth]\nusers = []").expect("it is sound");
        assert!(config.tempauth.users.is_empty());
        assert_eq!(config.rackspace.users.len(), 1);
    }

    #[test]
    fn complaints_name_the_line_and_the_key() {
        refused(
            "\ntoken_life_second = 5",
            2,
            "token_life_second: unknown field `token_life_second`, expected one of `token_life_seconds`, `regions`, \
             `catalog`, `tempauth`, `rackspace`, `keystone`",
        );
        refused(
            "token_life_seconds = \"long\"",
            1,
            "token_life_seconds: invalid type: string \"long\", expected u64",
        );
        refused(
            "token_life_seconds = 0",
            1,
            "token_life_seconds: it must be 1 to 315360000 seconds",
        );
        refused("regions = []", 1, "regions: there must be at least one");
        refused(
            "[[regions]]\nname = \"DFW\"\n\n[[regions]]\nname = \"dfw\"",
            5,
            "regions[1].name: there is such a region already",
        );
        refused(
            "[[regions]]\nname = \"DFW\"\nlisten = \"nowhere\"",
            3,
            "regions[0].listen: invalid socket address syntax",
        );
        refused(
            "[[keystone.users]]\nname = \"u\"\npassword = \"p\"\nroles = [\n  {project = \"none\", roles = [\"admin\"]}\n]",
            5,
            "keystone.users[0].roles[0].project: there is no project \"none\"",
        );
        refused(
            "[[keystone.application_credentials]]\nname = \"c\"\nsecret = \"s\"\nuser = \"nobody\"",
            4,
            "keystone.application_credentials[0].user: there is no user \"nobody\"",
        );
    }

    #[test]
    fn no_complaint_shows_a_secret() {
        for secret in [
            "271828",
            "2.71828",
            "[\"271828\"]",
            "\"271828",
            "271828-",
            "{ k = \"271828\" }",
        ] {
            let text =
                format!("[[tempauth.users]]\naccount = \"a\"\nuser = \"u\"\nkey = {secret}\n");
            let (line, problem) = Config::parse(&text).expect_err("it is wrong");
            assert_eq!(line, 4, "{text}: {problem}");
            assert!(!problem.to_string().contains("71828"), "{text}: {problem}");
        }
    }

    #[test]
    fn the_sample_is_what_the_emulator_does_without_it() {
        let sample = include_str!("../../sample.toml");
        let sample = Config::parse(sample).expect("the sample is sound");
        let default = Config::default();
        assert_eq!(sample.token_life_seconds, default.token_life_seconds);
        assert_eq!(
            format!("{:?}", sample.tempauth),
            format!("{:?}", default.tempauth)
        );
        assert_eq!(
            format!("{:?}", sample.rackspace),
            format!("{:?}", default.rackspace)
        );
        assert_eq!(
            format!("{:?}", sample.catalog),
            format!("{:?}", default.catalog)
        );
    }

    #[test]
    fn the_users_of_the_real_keystone_are_a_configuration() {
        let people = include_str!("../../../scripts/keystone.toml");
        let config = Config::parse(people).expect("it is sound");
        assert!(config.tempauth.users.is_empty());
    }
}
