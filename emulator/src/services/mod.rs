//! What answers outside the storage pipeline: the control surface, identity, the CDN, `/info`.

pub(crate) mod cdn;
pub(crate) mod control;
pub(crate) mod identity;
pub(crate) mod info;
