//! The JSON files beside what they describe, read strictly, and the headers they stand for.

use std::collections::BTreeMap;
use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::SeedError;

/// A JSON file of these is no longer than this, in bytes.
const MAX_LENGTH: u64 = 1 << 20;

/// `.account.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OfAccount {
    pub(super) account: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) temp_url_keys: Vec<String>,
}

/// `.container.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OfContainer {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) read_acl: Option<String>,
    pub(super) write_acl: Option<String>,
    pub(super) storage_policy: Option<String>,
    pub(super) temp_url_keys: Vec<String>,
    pub(super) cdn: Option<OfCdn>,
}

/// How a container is published.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OfCdn {
    pub(super) enabled: Option<bool>,
    pub(super) ttl: Option<u32>,
    pub(super) log_retention: Option<bool>,
}

/// `NAME.meta.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OfObject {
    pub(super) content_type: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) delete_at: Option<Moment>,
    pub(super) delete_after: Option<u64>,
}

/// RFC 3339 text or Unix seconds.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a moment is RFC 3339 text or a whole number of Unix seconds"
)]
pub(super) enum Moment {
    Unix(u64),
    Text(String),
}

impl Moment {
    /// Unix seconds.
    pub(super) fn seconds(&self) -> Result<u64, String> {
        match self {
            Self::Unix(seconds) => Ok(*seconds),
            Self::Text(text) => text
                .parse()
                .ok()
                .and_then(|moment: jiff::Timestamp| u64::try_from(moment.as_second()).ok())
                .ok_or_else(|| format!("`{text}` is no moment such as 2026-12-24T18:00:00Z")),
        }
    }
}

/// Reads a file, or what stands for one that is not there.
pub(super) fn read<T: DeserializeOwned + Default>(path: &Path) -> Result<T, SeedError> {
    let length = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(T::default()),
        Err(error) => return Err(SeedError::new(path, error)),
    };
    if length > MAX_LENGTH {
        let cause = format!("longer than {MAX_LENGTH} bytes");
        return Err(SeedError::new(path, cause));
    }
    let bytes = std::fs::read(path).map_err(|error| SeedError::new(path, error))?;
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(SeedError::new(path, "not a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        match field.trim_end_matches(['.', '?']) {
            "" => SeedError::new(path, error.inner()),
            field => SeedError::of(path, field, error.inner()),
        }
    })?;
    reader.end().map_err(|error| SeedError::new(path, error))?;
    Ok(value)
}

/// Adds members as headers whose names begin with `prefix`.
pub(super) fn add_all(
    headers: &mut HeaderMap,
    path: &Path,
    field: &str,
    prefix: &str,
    members: &BTreeMap<String, String>,
) -> Result<(), SeedError> {
    for (name, value) in members {
        let field = format!("{field}.{name}");
        let header = HeaderName::from_bytes(format!("{prefix}{name}").as_bytes())
            .map_err(|_| SeedError::of(path, &field, "this cannot be a part of a header's name"))?;
        if headers.contains_key(&header) {
            return Err(SeedError::of(path, field, "this is said twice"));
        }
        add(headers, path, &field, header, value)?;
    }
    Ok(())
}

/// Adds one header.
pub(super) fn add(
    headers: &mut HeaderMap,
    path: &Path,
    field: &str,
    name: HeaderName,
    value: &str,
) -> Result<(), SeedError> {
    let value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| SeedError::of(path, field, "a header cannot hold control characters"))?;
    headers.insert(name, value);
    Ok(())
}

/// Adds temp URL keys, of which there are two at most.
pub(super) fn add_keys(
    headers: &mut HeaderMap,
    path: &Path,
    prefix: &str,
    keys: &[String],
) -> Result<(), SeedError> {
    const NAMES: [&str; 2] = ["temp-url-key", "temp-url-key-2"];
    if keys.len() > NAMES.len() {
        return Err(SeedError::of(
            path,
            "temp_url_keys",
            "there are two keys at most",
        ));
    }
    for (at, (key, name)) in keys.iter().zip(NAMES).enumerate() {
        let name = HeaderName::from_bytes(format!("{prefix}{name}").as_bytes())
            .map_err(|error| SeedError::new(path, error))?;
        add(headers, path, &format!("temp_url_keys[{at}]"), name, key)?;
    }
    Ok(())
}
