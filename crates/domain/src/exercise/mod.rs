//! What exercising a service showed: measured values, and the pure function that says what they mean.
//!
//! An [`Experiment`] is repeated in [`Trial`]s. Each trial holds what was measured ([`Observation`]) and a [`Timeline`] to
//! look at. [`Observation::answers`] says for each check whether its title held; the trials of an experiment must agree.

mod answer;
mod authentication;
mod bodies;
mod boot;
mod breaker;
mod contract;
mod correlation;
mod errors;
mod headers;
mod health;
mod kind;
mod levels;
mod liveness;
mod logs;
mod memory;
mod metrics;
mod record;
mod retries;
mod shutdown;
mod timeline;
mod timeouts;
mod tracing;
mod webhook;

pub use answer::{Answer, Held};
pub use authentication::{Authentication, Credentials, Guarded};
pub use bodies::{BigBody, Bodies, Slow};
pub use boot::{Boot, Change};
pub use breaker::Breaker;
pub use contract::{Contract, Promise};
pub use correlation::{Absurd, AbsurdId, Correlated, Correlation, Passed, Together};
pub use errors::{ErrorCase, Errors, Wrong};
pub use headers::{Cors, Headers};
pub use health::{Health, HealthFault};
pub use kind::{IN_PART, Kind};
pub use levels::{Levels, Told};
pub use liveness::{Liveness, LivenessFault};
pub use logs::{Canary, Logs, OddLine};
pub use memory::{Memory, Sample};
pub use metrics::{Grown, Histogram, IdLabel, Metrics};
pub use record::{Ended, Exercise, Experiment, FORMAT, Observation, Trial, settled};
pub use retries::{Call, Retries, RetryCase, RetryFault};
pub use shutdown::{Exit, Shutdown};
pub use timeline::{Bucket, Mark, Timeline};
pub use timeouts::{Hang, Timeouts};
pub use tracing::{Traced, TracedCalls, Tracing};
pub use webhook::{Forged, Forgery, Replay, Webhook};
