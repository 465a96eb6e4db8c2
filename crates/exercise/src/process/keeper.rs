//! A process that outlives a killed gonogo for as long as it takes to clean up.

use std::{
    io::{self, Read as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

use super::{Mark, mark::VARIABLE, sweep};

/// Kills what carries our mark when we are gone.
#[derive(Debug)]
pub struct Keeper {
    child: Child,
    input: Option<ChildStdin>,
}

impl Keeper {
    /// Starts `program keep MARK`, which calls [`keep`]: gonogo itself, by another name.
    pub fn start(program: &Path, mark: &Mark) -> io::Result<Self> {
        let mut command = Command::new(program);
        // In a group of its own, Ctrl-C does not reach it; without the mark, it does not kill itself.
        command.arg("keep").arg(mark.to_string()).env_remove(VARIABLE).process_group(0);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take();
        Ok(Self { child, input })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Waits until nobody holds the other end of the input, then kills what carries the mark.
pub fn keep(mark: &Mark) {
    let mut nothing = [0_u8; 64];
    while matches!(io::stdin().read(&mut nothing), Ok(1..)) {}
    sweep(mark);
}
