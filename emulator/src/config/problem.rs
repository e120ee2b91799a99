//! What is wrong with a configuration.

/// What is wrong with a configuration, and at which key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct Problem {
    /// The key, with the tables it lies in: `keystone.users[2].default_project`.
    pub key: String,
    /// What is wrong there.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(key: &str, message: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            message: message.into(),
        }
    }

    /// The same, seen from the table that `key` lies in.
    pub(crate) fn within(self, table: &str) -> Self {
        let key = if self.key.is_empty() {
            table.to_owned()
        } else {
            format!("{table}.{}", self.key)
        };
        Self { key, ..self }
    }
}
