//! Which requests of the journal are wanted.

use http::Method;

use super::entry::Entry;
use crate::invalid::Invalid;
use crate::pattern::Pattern;

/// How many requests are given at most where nothing is said.
const LIMIT: usize = 1000;

/// Which requests are wanted: those that match everything that is said. By default all.
///
/// ```
/// use emulator::RequestFilter;
///
/// let failed_uploads = RequestFilter {
///     method: Some("PUT".to_owned()),
///     path: Some("/v1/*/c/**".to_owned()),
///     status: Some("5xx".to_owned()),
///     ..RequestFilter::default()
/// };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// The method.
    pub method: Option<String>,
    /// A glob over the decoded path, as for [`crate::Fault`].
    pub path: Option<String>,
    /// A status, or a class of them: `503`, `5xx`.
    pub status: Option<String>,
    /// The account that the path names.
    pub account: Option<String>,
    /// The transaction.
    pub trans_id: Option<String>,
    /// Only requests of a greater id.
    pub since_id: Option<u64>,
    /// How many at most, by default 1,000: the first ones behind `since_id` if that is said, else the latest.
    pub limit: Option<usize>,
}

/// The same, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    method: Option<Method>,
    path: Option<Pattern>,
    /// The lowest and the highest status.
    status: Option<(u16, u16)>,
    account: Option<String>,
    trans_id: Option<String>,
    pub(super) since_id: Option<u64>,
    pub(super) limit: usize,
}

impl Filter {
    pub(crate) fn new(wanted: RequestFilter) -> Result<Self, Invalid> {
        let method = wanted.method.map(|name| {
            Method::from_bytes(name.to_ascii_uppercase().as_bytes())
                .map_err(|_| Invalid::new("method", format!("`{name}` is no method")))
        });
        let path = wanted
            .path
            .map(|text| Pattern::new(&text).map_err(|why| Invalid::new("path", why)));
        Ok(Self {
            method: method.transpose()?,
            path: path.transpose()?,
            status: wanted.status.as_deref().map(statuses).transpose()?,
            account: wanted.account,
            trans_id: wanted.trans_id,
            since_id: wanted.since_id,
            limit: wanted.limit.unwrap_or(LIMIT),
        })
    }

    pub(super) fn matches(&self, entry: &Entry) -> bool {
        self.method
            .as_ref()
            .is_none_or(|method| *method == entry.method)
            && self
                .status
                .is_none_or(|(low, high)| (low..=high).contains(&entry.status))
            && self
                .trans_id
                .as_deref()
                .is_none_or(|trans_id| entry.trans_id == *trans_id)
            && self.matches_path(entry)
    }

    fn matches_path(&self, entry: &Entry) -> bool {
        if self.path.is_none() && self.account.is_none() {
            return true;
        }
        entry.decoded().is_some_and(|path| {
            self.path
                .as_ref()
                .is_none_or(|pattern| pattern.matches(path.as_str()))
                && self
                    .account
                    .as_deref()
                    .is_none_or(|account| entry.account(&path) == Some(account))
        })
    }
}

fn statuses(text: &str) -> Result<(u16, u16), Invalid> {
    let class = text.strip_suffix("xx").and_then(|class| class.parse().ok());
    if let Some(class @ 1..=5) = class {
        return Ok((class * 100, class * 100 + 99));
    }
    match text.parse() {
        Ok(status @ 100..=599) => Ok((status, status)),
        _ => Err(Invalid::new(
            "status",
            format!("`{text}` is neither a status nor a class of them such as 5xx"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_statuses_and_classes_of_them() {
        assert_eq!(statuses("503"), Ok((503, 503)));
        assert_eq!(statuses("4xx"), Ok((400, 499)));
        for text in ["", "xx", "6xx", "40x", "99", "600", "-1", "+4xx9"] {
            assert_eq!(statuses(text).expect_err(text).field, "status");
        }
    }
}
