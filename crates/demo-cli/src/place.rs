//! Where things are: in a cloud, in a folder here, or at the other end of a pipe.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::args::WrongUse;

/// What marks a place as one in a cloud.
const SCHEME: &str = "swift://";

/// An account, a container, an object, or all objects whose names begin alike.
///
/// It is written `container/object`, `swift://container/object`, or `swift://cloud@container/object`. Names stand as
/// they are, without percent-encoding. A container with an `@` in its name is `swift://@we@ird/object`, which names no
/// cloud, or `we@ird/object`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CloudPlace {
    /// By its name in the settings; none for the one that is meant anyway.
    pub(crate) cloud: Option<String>,
    /// Empty for the account.
    pub(crate) container: String,
    /// Empty for the container; ends in a slash for a folder.
    pub(crate) object: String,
}

impl CloudPlace {
    /// Whether the account is meant, with all its containers.
    pub(crate) fn is_account(&self) -> bool {
        self.container.is_empty()
    }

    /// Whether a container is meant, and nothing in it.
    pub(crate) fn is_container(&self) -> bool {
        !self.is_account() && self.object.is_empty()
    }

    /// Whether this is where things are put into: a container, or a name with a slash at its end.
    pub(crate) fn is_folder(&self) -> bool {
        self.object.is_empty() || self.object.ends_with('/')
    }

    /// The container, where one is needed and nothing in it.
    pub(crate) fn only_container(&self) -> Result<&str, WrongUse> {
        if self.is_container() {
            Ok(&self.container)
        } else {
            Err(WrongUse::new(format!("{self} is no container")))
        }
    }

    /// The container, where one is needed.
    pub(crate) fn in_container(&self) -> Result<&str, WrongUse> {
        if self.is_account() {
            Err(WrongUse::new("there is no container in that name"))
        } else {
            Ok(&self.container)
        }
    }

    /// Container and object, where both are needed.
    pub(crate) fn only_object(&self) -> Result<(&str, &str), WrongUse> {
        if self.container.is_empty() || self.object.is_empty() {
            Err(WrongUse::new(format!(
                "{self} is no object: write CONTAINER/OBJECT"
            )))
        } else {
            Ok((&self.container, &self.object))
        }
    }

    /// The same place with another object.
    pub(crate) fn with_object(&self, object: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            ..self.clone()
        }
    }
}

impl FromStr for CloudPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (cloud, rest) = match text.strip_prefix(SCHEME) {
            None => (None, text),
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                match rest[..end].find('@') {
                    Some(at) => (
                        Some(rest[..at].to_owned()).filter(|cloud| !cloud.is_empty()),
                        &rest[at + 1..],
                    ),
                    None => (None, rest),
                }
            }
        };
        let (container, object) = rest.split_once('/').unwrap_or((rest, ""));
        if container.is_empty() && !rest.is_empty() {
            return Err("there is no container in front of the slash".to_owned());
        }
        Ok(Self {
            cloud,
            container: container.to_owned(),
            object: object.to_owned(),
        })
    }
}

impl fmt::Display for CloudPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cloud) = &self.cloud {
            write!(f, "{SCHEME}{cloud}@")?;
        } else if self.is_account() {
            return f.write_str("the account");
        }
        f.write_str(&self.container)?;
        if !self.object.is_empty() {
            write!(f, "/{}", self.object)?;
        }
        Ok(())
    }
}

/// A place of any kind, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `-`: standard input or output.
    Standard,
    /// Something here, without doubt: `.`, `..`, or a path that begins with `/`, `./` or `../`, or one that is not
    /// Unicode.
    Local(PathBuf),
    /// Something in a cloud, without doubt: it begins with `swift://`.
    Cloud(CloudPlace),
    /// `one/two`, which may be either.
    Bare(String),
}

impl Place {
    /// Reads what was typed.
    ///
    /// # Errors
    /// What is wrong with a `swift://` place.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, String> {
        let Some(known) = text.to_str() else {
            return Ok(Self::Local(text.into()));
        };
        Ok(match known {
            "-" => Self::Standard,
            "" => return Err("the name is empty".to_owned()),
            _ if known.starts_with(SCHEME) => Self::Cloud(known.parse()?),
            _ if Path::new(known).is_absolute()
                || matches!(known, "." | "..")
                || known.starts_with("./")
                || known.starts_with("../") =>
            {
                Self::Local(text.into())
            }
            bare => Self::Bare(bare.to_owned()),
        })
    }

    /// The place in a cloud that this means where only such a place makes sense.
    pub(crate) fn in_cloud(self) -> Result<CloudPlace, WrongUse> {
        match self {
            Self::Cloud(place) => Ok(place),
            Self::Bare(text) => text
                .parse()
                .map_err(|reason| WrongUse::new(format!("{text}: {reason}"))),
            Self::Local(path) => Err(WrongUse::new(format!(
                "{} is a path here, where CONTAINER/OBJECT is needed",
                path.display()
            ))),
            Self::Standard => Err(WrongUse::new("- stands where CONTAINER/OBJECT is needed")),
        }
    }

    /// The path here that this means where only such a place makes sense.
    pub(crate) fn here(self) -> Result<PathBuf, WrongUse> {
        match self {
            Self::Local(path) => Ok(path),
            Self::Bare(text) => Ok(text.into()),
            Self::Cloud(place) => Err(WrongUse::new(format!(
                "{place} is in a cloud, where a path here is needed"
            ))),
            Self::Standard => Err(WrongUse::new("- stands where a path is needed")),
        }
    }
}

/// For options: whatever is typed as a place.
pub(crate) fn parser() -> impl clap::builder::TypedValueParser<Value = Place> {
    use clap::builder::TypedValueParser;
    clap::builder::OsStringValueParser::new().try_map(|text| Place::parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(cloud: Option<&str>, container: &str, object: &str) -> CloudPlace {
        CloudPlace {
            cloud: cloud.map(str::to_owned),
            container: container.to_owned(),
            object: object.to_owned(),
        }
    }

    #[test]
    fn reads_places_with_and_without_scheme_and_cloud() {
        let read = |text: &str| text.parse::<CloudPlace>().unwrap();
        assert_eq!(read(""), cloud(None, "", ""));
        assert_eq!(read("c"), cloud(None, "c", ""));
        assert_eq!(read("c/"), cloud(None, "c", ""));
        assert_eq!(read("c/a//b/"), cloud(None, "c", "a//b/"));
        assert_eq!(read("c//a"), cloud(None, "c", "/a"));
        assert_eq!(read("swift://c/a b%20?"), cloud(None, "c", "a b%20?"));
        assert_eq!(read("swift://dfw@c/o@x"), cloud(Some("dfw"), "c", "o@x"));
        assert_eq!(read("swift://dfw@"), cloud(Some("dfw"), "", ""));
        assert_eq!(read("swift://@we@ird/o"), cloud(None, "we@ird", "o"));
        assert_eq!(read("we@ird/o"), cloud(None, "we@ird", "o"));
        assert!("/c/o".parse::<CloudPlace>().is_err());
        assert!("swift:///o".parse::<CloudPlace>().is_err());
    }

    #[test]
    fn writes_places_as_they_are_read() {
        for text in ["c", "c/o", "swift://dfw@c/o"] {
            assert_eq!(text.parse::<CloudPlace>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn tells_what_is_here_from_what_is_in_a_cloud() {
        let read = |text: &str| Place::parse(OsStr::new(text)).unwrap();
        assert_eq!(read("-"), Place::Standard);
        for local in ["/tmp/a", "./c/o", "../c", ".", ".."] {
            assert_eq!(read(local), Place::Local(local.into()), "{local}");
        }
        assert_eq!(read("c/o"), Place::Bare("c/o".into()));
        assert_eq!(read("swift://c/o"), Place::Cloud(cloud(None, "c", "o")));
        assert_eq!(read(".hidden"), Place::Bare(".hidden".into()));
    }
}
