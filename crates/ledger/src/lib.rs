//! A crash-safe record of created resources, so that they can be removed.
