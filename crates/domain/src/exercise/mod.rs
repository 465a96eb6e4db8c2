//! What exercising a service showed: measured values, and the pure function that says what they mean.
//!
//! An [`Experiment`] is repeated in [`Trial`]s. Each trial holds what was measured ([`Observation`]) and a [`Timeline`] to
//! look at. [`Observation::answers`] says for each check whether its title held; the trials of an experiment must agree.

mod adaptive;
mod answer;
mod baseline;
mod boot;
mod breaker;
mod bulkhead;
mod capacity;
mod degradation;
mod durability;
mod health;
mod kind;
mod limits;
mod liveness;
mod overload;
mod record;
mod reload;
mod retries;
mod shutdown;
mod timeline;
mod timeouts;

pub use adaptive::Adaptive;
pub use answer::{Answer, Held};
pub use baseline::{Baseline, Before, Figures, Limits, Quantile};
pub use boot::{Boot, Change};
pub use breaker::Breaker;
pub use bulkhead::{Apart, Bulkhead, Waits};
pub use capacity::{Capacity, Limit, Step};
pub use degradation::{Degradation, Down, Form, Reduced};
pub use durability::{Durability, Kill};
pub use health::{Health, HealthFault};
pub use kind::Kind;
pub use limits::{Burst, Probe, RateLimit, Who};
pub use liveness::{Liveness, LivenessFault};
pub use overload::Overload;
pub use record::{Ended, Exercise, Experiment, FORMAT, Observation, Trial, settled};
pub use reload::Reload;
pub use retries::{Call, Retries, RetryCase, RetryFault};
pub use shutdown::{Exit, Shutdown};
pub use timeline::{Bucket, Mark, Timeline};
pub use timeouts::{Hang, Timeouts};
