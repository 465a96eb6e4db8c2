//! End to end: the binary as its users run it, and the pages of the checks.

mod clay;
mod commands;
mod decisions;
mod example;
mod exercise;
mod formats;
mod hostile;
mod pages;
mod preflight;
mod readme;
mod records;
mod secrets;
mod support;
