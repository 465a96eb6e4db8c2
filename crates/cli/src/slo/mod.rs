//! `gonogo slo`: rules, lint, state and gate of error budgets.

pub(crate) mod options;
mod rules;
mod source;

use std::process::ExitCode;

use crate::arguments::Common;
use options::{SloCommand, SloOptions};

pub(crate) fn run(options: &SloOptions, _common: &Common) -> anyhow::Result<ExitCode> {
    match &options.command {
        SloCommand::Rules(options) => rules::run(options),
        _ => anyhow::bail!("to come"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line is where the clock is asked")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
