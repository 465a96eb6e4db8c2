//! Rollouts: a release that gets more and more of the traffic, or none again. Data and pure decisions.

mod percent;
mod release;
mod share;
mod sight;
mod trouble;

pub use percent::{Percent, PercentError};
pub use release::{Release, Revision};
pub use share::{Share, Unit};
pub use sight::{Owner, Side, Sight};
pub use trouble::{Done, Trouble, TroubleKind};
