//! Rollouts: a release that gets more and more of the traffic, or none again. Data and pure decisions.

pub mod analysis;
pub mod gate;
pub mod latency;
pub mod machine;
mod percent;
mod plan;
pub mod power;
mod release;
pub mod replicas;
pub mod sequential;
mod share;
mod sight;
mod state;
mod trouble;

pub use percent::{Percent, PercentError};
pub use plan::{Deadlines, Gate, GateKind, Plan, Step, Watch, When};
pub use release::{Release, Revision};
pub use share::{Share, Unit};
pub use sight::{Owner, Side, Sight};
pub use state::{Act, FORMAT, Hold, Intent, Measured, Phase, Requests, Rollback, State};
pub use trouble::{Done, Trouble, TroubleKind};
