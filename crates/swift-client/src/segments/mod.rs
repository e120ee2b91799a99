//! The segments of large objects: their names, their removal, and the search for those that nothing refers to.

pub(crate) mod naming;
mod old;

pub(crate) use old::OldObject;
