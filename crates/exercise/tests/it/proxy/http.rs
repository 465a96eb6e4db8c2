//! Faults of HTTP.
