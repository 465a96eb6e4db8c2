//! A rollout file in a folder, and gonogo on it as its users run it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Run, gonogo, run};

/// Nothing that is waited for here takes longer, on a machine that does much else too.
const PATIENCE: Duration = Duration::from_mins(1);

/// It goes away with the test.
#[derive(Debug)]
pub(crate) struct Driven {
    folder: TempDir,
    name: String,
    who: String,
}

impl Driven {
    /// A folder of its own with this file, which `name` is the name in.
    pub(crate) fn new(name: &str, who: &str, file: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::write(folder.path().join("rollout.toml"), file).expect("a file can be written");
        Self { folder, name: name.to_owned(), who: who.to_owned() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("rollout.toml")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, verb: &str, more: &[&str]) -> Command {
        let mut command = gonogo();
        command.args(["rollout", verb]).arg(self.path()).args(more).env("GONOGO_USER", &self.who);
        command
    }

    pub(crate) fn run(&self, verb: &str, more: &[&str]) -> Run {
        run(&mut self.command(verb, more))
    }

    /// `start` or `resume` in the background.
    pub(crate) fn begin(&self, verb: &str) -> Child {
        let log = fs::File::options().create(true).append(true).open(self.folder().join("log"));
        let log = log.expect("a file can be made");
        let mut command = self.command(verb, &[]);
        command.stdout(log.try_clone().expect("a file can be shared")).stderr(log);
        command.stdin(Stdio::null()).spawn().expect("gonogo starts")
    }

    /// What is stored; it is whole whenever it is read.
    pub(crate) fn state(&self) -> Option<Value> {
        let text = fs::read(self.folder().join(".gonogo/rollout").join(&self.name).join("state.json")).ok()?;
        Some(serde_json::from_slice::<Value>(&text).expect("a state is always whole")["state"].clone())
    }

    /// `preparing`, `step 0`, `rolled-back`; nothing before it began.
    pub(crate) fn phase(&self) -> String {
        match self.state().map(|state| state["phase"].clone()) {
            Some(Value::String(phase)) => phase,
            Some(step) => format!("step {}", step["step"]),
            None => String::new(),
        }
    }

    /// Waits for a phase while it is driven by this process. Says false where it ended without it.
    #[track_caller]
    pub(crate) fn reaches(&self, phase: &str, child: &mut Child) -> bool {
        let begun = Instant::now();
        while self.phase() != phase {
            if child.try_wait().expect("it can be asked").is_some() {
                return false;
            }
            assert!(begun.elapsed() < PATIENCE, "{phase} never came: {}", self.told());
            thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// All that is known of how it came to be as it is.
    pub(crate) fn told(&self) -> String {
        let log = fs::read_to_string(self.folder().join("log")).unwrap_or_default();
        format!("{}\n{:#}\n{log}", self.run("history", &[]).out, self.state().unwrap_or_default()["intent"])
    }
}

/// As `kill -9` does.
pub(crate) fn kill(child: &mut Child) -> ExitStatus {
    child.kill().expect("it can be killed");
    child.wait().expect("it ends")
}

/// Sends a signal by its name: STOP, CONT, INT.
pub(crate) fn signal(child: &Child, signal: &str) {
    let done = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
    assert!(done.is_ok_and(|status| status.success()), "kill -{signal}");
}
