//! Reads files into trees with places: bytes in, trees and errors out, never any I/O.

pub mod compose;
pub mod dockerfile;
pub mod exposition;
pub mod hcl;
pub mod helm;
pub mod json;
pub mod json5;
pub mod kustomize;
mod lines;
pub mod markdown;
pub mod promql;
pub mod sql;
pub mod toml;
pub mod xml;
pub mod yaml;

/// Why a file, or a part of it, could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ParseError {
    pub place: gonogo_domain::Place,
    /// What is wrong, in one clause that reads after the place.
    pub reason: String,
}
