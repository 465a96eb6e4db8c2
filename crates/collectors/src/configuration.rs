//! `gonogo.toml`: what cannot be seen in the files, waivers, attestations and the policy.

use gonogo_domain::{Attestation, Place, Policy, Waiver};

/// The configuration of a repository, valid.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    pub policy: Policy,
    pub waivers: Vec<Waiver>,
    pub attestations: Vec<Attestation>,
}

/// One thing that is wrong with a configuration. All of them are shown in one run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ConfigurationError {
    pub place: Place,
    pub message: String,
    /// Byte range in the file, for drawing.
    pub span: Option<std::ops::Range<usize>>,
}
