//! The share of the traffic that a driver can really give.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Percent;

/// What is counted out between stable and canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Connections are spread over the replicas of both, whatever travels on them.
    Replicas,
    /// A proxy picks by weight for every request.
    Weights,
}

/// What comes of a share that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// So many of so many.
    Parts { canary: u32, stable: u32, unit: Unit },
    /// No share can be promised, and why.
    Unpromised(String),
}

impl Share {
    /// None where it is not promised.
    pub fn percent(&self) -> Option<Percent> {
        match self {
            Self::Parts { canary, stable, .. } => {
                Percent::of_parts(u64::from(*canary), u64::from(*canary) + u64::from(*stable))
            }
            Self::Unpromised(_) => None,
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.percent()) {
            (Self::Parts { canary, stable, unit }, Some(percent)) => {
                let unit = match unit {
                    Unit::Replicas => "replicas",
                    Unit::Weights => "parts by weight",
                };
                write!(formatter, "{percent} ({canary} of {} {unit})", u64::from(*canary) + u64::from(*stable))
            }
            (Self::Parts { .. }, None) => formatter.write_str("nothing of nothing"),
            (Self::Unpromised(why), _) => write!(formatter, "no share can be promised: {why}"),
        }
    }
}
