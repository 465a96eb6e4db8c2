//! What telemetry says: Prometheus asked over HTTP, and a service's own `/metrics`.

mod answer;
pub(crate) mod http;
mod prometheus;
mod scrape;

#[cfg(test)]
mod tests;

pub use answer::{Alert, Answer, Number, RuleGroup, RuleState, Sample, Series, Target};
pub use http::{Address, Limits, MetricsTrouble};
pub use prometheus::Prometheus;
pub use scrape::Endpoint;

pub use gonogo_formats::exposition;
