//! What is wrong with a setting that somebody asked for.

/// A setting that makes no sense: which field, and why. Nothing has been changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
#[non_exhaustive]
pub struct Invalid {
    /// The field's name as in JSON, with points between the levels: `effect.status.code`.
    pub field: String,
    /// What is wrong with its value.
    pub message: String,
}

impl Invalid {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}
