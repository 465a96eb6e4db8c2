//! `gonogo alerts`: rules with their tests, routes, and a dashboard, from what a service is seen to expose.

mod arguments;
mod asked;
mod dashboard;
mod routes;
mod rules;

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use gonogo_domain::{Lang, alerts::Lack};
use gonogo_report::clean::clean;
use serde_json::{Value, json};

pub(crate) use arguments::{AlertDashboardOptions, AlertRoutesOptions, AlertRulesOptions, AlertsCommand, AlertsTarget};
pub(crate) use asked::{Known, runbook_file};
pub(crate) use dashboard::made as made_dashboard;
pub(crate) use rules::{rules_text, tests_text};

use crate::{arguments::Common, output};

pub(crate) fn run(command: &AlertsCommand, common: &Common) -> anyhow::Result<ExitCode> {
    match command {
        AlertsCommand::Rules(options) => rules::run(options, common),
        AlertsCommand::Routes(options) => routes::run(options, common),
        AlertsCommand::Dashboard(options) => dashboard::run(options, common),
    }
}

/// What is written stands, and something could not be written.
const INCOMPLETE: u8 = 3;

/// Tells what is missing; the code of an end with or without it.
fn tell(lacks: &[Lack], common: &Common) -> io::Result<ExitCode> {
    let lang: Lang = common.lang.into();
    let mut out = io::stderr().lock();
    for lack in lacks {
        let line = match lang {
            Lang::En => {
                format!("not written ({}): {}; what would settle it: {}", lack.of, lack.what.en, lack.settle.en)
            }
            Lang::Zh => format!("未生成（{}）：{}；解决办法：{}", lack.of, lack.what.zh, lack.settle.zh),
        };
        writeln!(out, "{}", clean(&line))?;
    }
    Ok(if lacks.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

fn as_json(lacks: &[Lack], common: &Common) -> Vec<Value> {
    let lang: Lang = common.lang.into();
    let one = |lack: &Lack| json!({"of": lack.of, "missing": lack.what.get(lang), "settle": lack.settle.get(lang)});
    lacks.iter().map(one).collect()
}

/// Writes to a file, or to standard output.
fn put(file: Option<&Path>, text: &[u8]) -> anyhow::Result<()> {
    match file {
        Some(file) => output::replace(file, text),
        None => Ok(io::stdout().write_all(text)?),
    }
}
