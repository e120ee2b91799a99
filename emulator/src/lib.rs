//! An offline OpenStack Swift.
