//! The contract: what every Swift does, seen over HTTP.
