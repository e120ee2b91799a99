//! The segments of large objects: their names, their removal, and the search for those that nothing refers to.

mod audit;
mod gc;
pub(crate) mod naming;
mod old;

pub use audit::{Audit, AuditOptions, Missing, Orphan};
pub use gc::{GcPlan, GcReport};
pub(crate) use old::{OldObject, all_segments, mark_as_shared, mark_prefix_as_shared};
