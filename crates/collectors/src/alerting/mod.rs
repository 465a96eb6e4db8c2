//! Alert rules and where alerts go.

mod durations;
mod grafana;
mod mixins;
mod routing;
mod rules;

pub(crate) use durations::seconds;
pub(crate) use routing::{routing, routing_with_objects};
pub(crate) use rules::{gather, with_objects};

#[cfg(test)]
mod tests;
