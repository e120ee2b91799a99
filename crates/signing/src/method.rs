//! The methods a temporary URL can be made for.

use std::fmt;
use std::str::FromStr;

/// A method that a temporary URL can be signed for: Swift's default set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Allows GET and HEAD.
    Get,
    /// Allows HEAD alone.
    Head,
    /// Allows PUT and HEAD.
    Put,
    /// Allows POST and HEAD.
    Post,
    /// Allows DELETE alone.
    Delete,
}

impl Method {
    /// Every method Swift honours by default, in the order `/info` lists them.
    pub const ALL: [Self; 5] = [Self::Get, Self::Head, Self::Put, Self::Post, Self::Delete];

    /// The method as it stands in a request and in the signed text: in capitals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    /// The method and a newline, as the signed text begins.
    pub(crate) const fn as_line(self) -> &'static [u8] {
        match self {
            Self::Get => b"GET\n",
            Self::Head => b"HEAD\n",
            Self::Put => b"PUT\n",
            Self::Post => b"POST\n",
            Self::Delete => b"DELETE\n",
        }
    }

    /// The methods whose signatures allow a request with this one: itself, and for HEAD also GET, POST and PUT.
    pub const fn allowed_by(self) -> &'static [Self] {
        match self {
            Self::Get => &[Self::Get],
            Self::Head => &[Self::Head, Self::Get, Self::Post, Self::Put],
            Self::Put => &[Self::Put],
            Self::Post => &[Self::Post],
            Self::Delete => &[Self::Delete],
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The method is none of GET, HEAD, PUT, POST and DELETE, in capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no temporary URL allows this method")]
pub struct UnknownMethod;

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "GET" => Ok(Self::Get),
            "HEAD" => Ok(Self::Head),
            "PUT" => Ok(Self::Put),
            "POST" => Ok(Self::Post),
            "DELETE" => Ok(Self::Delete),
            _ => Err(UnknownMethod),
        }
    }
}
