//! End to end: the binary as its users run it, and the pages of the checks.

mod alerts;
mod alerts_live;
mod clay;
mod cluster;
mod commands;
mod decisions;
mod deploy;
mod driven;
mod example;
mod exercise;
mod formats;
mod hostile;
mod pages;
mod preflight;
mod readme;
mod records;
mod rollout;
mod secrets;
mod slo;
mod support;
