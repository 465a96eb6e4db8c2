//! Programs that end with whoever started them, however that ends.

use std::{
    ffi::OsString,
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

/// A program to start.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// What it prints is appended here.
    pub(crate) log: PathBuf,
    pub(crate) folder: PathBuf,
}

type Order = (Start, Sender<io::Result<Child>>);

/// A thread that starts programs. The kernel kills them when this thread ends, thus also when this process is killed.
#[derive(Debug)]
pub(crate) struct Children(Sender<Order>);

impl Children {
    pub(crate) fn new() -> Self {
        let (sender, orders): (_, Receiver<Order>) = channel();
        thread::spawn(move || {
            for (start, answer) in orders {
                // Whoever asked may be gone: then nobody wants the program either.
                if let Err(unwanted) = answer.send(spawn(&start))
                    && let Ok(mut child) = unwanted.0
                {
                    let _ = child.kill();
                    let _ = child.wait();
                }
            }
        });
        Self(sender)
    }

    pub(crate) fn start(&self, start: Start) -> io::Result<Child> {
        let (sender, answer) = channel();
        let gone = || io::Error::other("the thread that starts programs has ended");
        self.0.send((start, sender)).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

fn spawn(start: &Start) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(&start.log)?;
    let mut command = leashed(&start.program);
    command.args(&start.arguments).current_dir(&start.folder).stdin(Stdio::null());
    command.stdout(log.try_clone()?).stderr(log).spawn()
}

/// `setpriv` of util-linux asks the kernel to kill the program when its parent dies, and becomes the program.
fn leashed(program: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if !setpriv.is_file() {
        return Command::new(program);
    }
    let mut command = Command::new(setpriv);
    command.args([OsString::from("--pdeathsig"), OsString::from("KILL"), program.into()]);
    command
}
