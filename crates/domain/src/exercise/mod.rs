//! What exercising a service showed: measured values, and the pure function that says what they mean.
//!
//! An [`Experiment`] is repeated in [`Trial`]s. Each trial holds what was measured ([`Observation`]) and a [`Timeline`] to
//! look at. [`Observation::answers`] says for each check whether its title held; the trials of an experiment must agree.

mod answer;
mod boot;
mod breaker;
mod health;
mod kind;
mod liveness;
mod record;
mod retries;
mod shutdown;
mod timeline;
mod timeouts;

pub use answer::{Answer, Held};
pub use boot::{Boot, Change};
pub use breaker::Breaker;
pub use health::{Health, HealthFault};
pub use kind::Kind;
pub use liveness::{Liveness, LivenessFault};
pub use record::{Ended, Exercise, Experiment, FORMAT, Observation, Trial, settled};
pub use retries::{Call, Retries, RetryCase, RetryFault};
pub use shutdown::{Exit, Shutdown};
pub use timeline::{Bucket, Mark, Timeline};
pub use timeouts::{Hang, Timeouts};
