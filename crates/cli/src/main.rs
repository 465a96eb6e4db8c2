//! The `gonogo` binary: arguments, wiring, exit codes.

mod alerts;
mod arguments;
mod cache;
mod checks;
mod description;
mod exercise;
mod explain;
mod init;
mod live;
mod load;
mod output;
mod preflight;
mod progress;
mod record;
mod review;
mod rollout;
mod secrets;
mod slo;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser as _};

use arguments::{Arguments, Command};

/// A review makes millions of small pieces on every processor, which the allocator of the system takes a fifth of its time
/// for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if even the error cannot be written.
            let _ = writeln!(io::stderr(), "gonogo: {}", shown(&format!("{error:#}")));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Review(options) => review::run(options, &arguments.common),
        Command::Checks(options) => checks::run(options, &arguments.common),
        Command::Explain(options) => explain::run(options, &arguments.common),
        Command::Preflight(options) => preflight::run(options, &arguments.common),
        Command::Load(options) => load::run(options, &arguments.common),
        Command::Rollout(options) => rollout::run(options, &arguments.common),
        Command::Exercise(options) => exercise::run(options, &arguments.common),
        Command::Alerts(command) => alerts::run(command, &arguments.common),
        Command::Secrets(options) => secrets::run(options, &arguments.common),
        Command::Slo(options) => slo::run(options, &arguments.common),
        Command::Init(options) => init::run(options, &arguments.common),
        Command::Waive(options) => record::waive(options),
        Command::Attest(options) => record::attest(options),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "gonogo", &mut text);
            io::stdout().write_all(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Keep { mark } => {
            let mark = mark.parse().map_err(|()| anyhow::anyhow!("`{mark}` is no mark"))?;
            gonogo_exercise::process::keep(&mark);
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => {
            clap_mangen::Man::new(Arguments::command()).render(&mut io::stdout())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// An error quotes names and lines of the repository: they are text, never commands to a terminal.
fn shown(error: &str) -> String {
    error.lines().map(gonogo_report::clean::clean).collect::<Vec<_>>().join("\n")
}

/// The reader of our output has seen enough (`gonogo checks | head`).
fn broken_pipe(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| {
        let written = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        written.or_else(|| cause.downcast_ref::<serde_json::Error>()?.io_error_kind())
    });
    kinds.into_iter().any(|kind| kind == io::ErrorKind::BrokenPipe)
}
