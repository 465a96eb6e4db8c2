//! One command, started and waited for, within bounds.

use std::{process::Stdio, time::Duration};

use gonogo_domain::rollout::{Trouble, TroubleKind};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

/// A program with its arguments: no shell reads it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct Line {
    pub words: Vec<String>,
    pub patience: Duration,
}

/// `["./switch", "--fast"]`, or with its own patience: `{ run = ["./switch"], seconds = 5 }`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Words(Vec<String>),
    Whole { run: Vec<String>, seconds: u64 },
}

/// What a script may take where nothing else is said.
const PATIENCE: Duration = Duration::from_mins(1);

/// More than any answer.
const LARGEST: u64 = 1 << 20;

impl From<Written> for Line {
    fn from(written: Written) -> Self {
        match written {
            Written::Words(words) => Self { words, patience: PATIENCE },
            Written::Whole { run, seconds } => Self { words: run, patience: Duration::from_secs(seconds) },
        }
    }
}

/// Runs it to its end with these variables and arguments added, and gives back what it printed.
///
/// # Errors
/// Unreachable where it cannot be started, takes too long or fails; the end of what it said on standard error is in there.
pub async fn run(line: &Line, environment: &[(&str, &str)], arguments: &[&str]) -> Result<Vec<u8>, Trouble> {
    let shown = line.words.join(" ");
    let trouble = |kind, what: String, next: &str| Trouble::new(kind, shown.clone(), what, next);
    let Some((program, rest)) = line.words.split_first() else {
        return Err(trouble(TroubleKind::Refused, "the command is empty".to_owned(), "name a program"));
    };
    let child = Command::new(program)
        .args(rest)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .process_group(0)
        .spawn();
    let mut child = child.map_err(|error| {
        trouble(TroubleKind::Refused, format!("it cannot be started: {error}"), "is it there, and executable?")
    })?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let ended = Box::pin(async { tokio::join!(read(out), read(err), child.wait()) });
    let Ok((out, err, status)) = tokio::time::timeout(line.patience, ended).await else {
        // What it started itself, too: a verb that goes on behind our back would be done again beside itself.
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let what = format!("it did not end within {} s and was killed", line.patience.as_secs_f64());
        return Err(trouble(TroubleKind::Unreachable, what, "let it ask and return, or give it more patience"));
    };
    let status = status.map_err(|error| trouble(TroubleKind::Unreachable, error.to_string(), "try again"))?;
    if status.success() {
        return Ok(out);
    }
    let said = String::from_utf8_lossy(&err);
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    let last: String = last.chars().take(300).collect();
    // By convention of sysexits: a temporary failure, a refusal, and everything else.
    let kind = match status.code() {
        Some(77) => TroubleKind::Refused,
        Some(69) => TroubleKind::Unsupported,
        _ => TroubleKind::Unreachable,
    };
    Err(trouble(kind, format!("it failed ({status}): {last}"), "run it by hand to see why"))
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let mut bounded = stream.take(LARGEST);
        let _ = bounded.read_to_end(&mut bytes).await;
        // What is too much is read and dropped, so that the program is not held up by a full pipe.
        let mut rest = bounded.into_inner();
        let mut dropped = [0; 1024];
        while rest.read(&mut dropped).await.is_ok_and(|count| count > 0) {}
    }
    bytes
}
