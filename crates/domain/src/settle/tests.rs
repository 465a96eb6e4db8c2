//! How readings settle into an outcome.
