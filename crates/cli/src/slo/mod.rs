//! `gonogo slo`: rules, lint, state and gate of error budgets.

mod asked;
mod check;
pub(crate) mod gate;
pub(crate) mod options;
mod record;
mod rules;
mod show;
pub(crate) mod source;
mod status;

use std::process::ExitCode;

use crate::arguments::Common;
use options::{SloCommand, SloOptions};

pub(crate) fn run(options: &SloOptions, common: &Common) -> anyhow::Result<ExitCode> {
    match &options.command {
        SloCommand::Rules(options) => rules::run(options),
        SloCommand::Check(options) => check::run(options, common),
        SloCommand::Status(options) => status::run(options, common),
        SloCommand::Gate(options) => gate::run(options, common),
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line is where the clock is asked")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
