//! What answers outside the storage pipeline: identity, the CDN, `/info`.

pub(crate) mod cdn;
pub(crate) mod identity;
pub(crate) mod info;
