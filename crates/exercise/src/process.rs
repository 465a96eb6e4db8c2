//! A program that runs and is stopped for certain.
//!
//! Every program carries a [`Mark`] in its environment, which its children inherit. Whoever stops it kills its process
//! group and then everything that still carries the mark. Where gonogo itself is killed, its [`Keeper`] does that: a
//! process that waits until the other end of its input is gone. What a killed keeper leaves, the next run finds by the
//! mark of an owner that is no more ([`sweep_left_over`]).

mod container;
mod contention;
mod keeper;
mod mark;
mod output;

use std::{
    collections::BTreeMap,
    io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use container::Container;
use gonogo_domain::exercise::Exit;
pub use rustix::process::Signal;
use rustix::process::{Pid, Resource, Rlimit, kill_process, kill_process_group, prlimit};

pub use container::{Engine, Image};
pub(crate) use contention::Watch;
pub use keeper::{Keeper, keep};
pub use mark::Mark;
pub use output::{Line, Output, Stream};

/// How often the end of a process is looked for.
const LOOK: Duration = Duration::from_millis(2);

/// No program of a service writes a file of more bytes by accident.
const LARGEST_FILE: u64 = 8 << 30;

/// What a program inherits of gonogo's own environment: where tools and homes are, and nothing that could lead to
/// production or hold a secret.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "JAVA_HOME",
    "GOROOT",
    "GOPATH",
    "GOCACHE",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "DOTNET_ROOT",
    "NVM_DIR",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
    "GEM_HOME",
    "GEM_PATH",
    "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME",
];

/// The engine that runs containers here, where one answers.
pub fn engine() -> Option<Engine> {
    Engine::find(&std::env::var_os("PATH")?)
}

/// Ends everything that carries this mark.
pub fn sweep(mark: &Mark) {
    mark.sweep();
    if let Some(engine) = engine() {
        engine.sweep(|found| found == mark);
    }
}

/// Ends what runs whose owner and keeper were killed left over; says how many processes and containers that were.
pub fn sweep_left_over() -> usize {
    mark::sweep_left_over() + engine().map_or(0, |engine| engine.sweep(|mark| !mark.is_alive()))
}

/// What is started.
#[derive(Clone, Debug)]
pub struct Program {
    /// Program and arguments. A program with a `/` is looked for in the directory.
    pub command: Vec<String>,
    pub directory: PathBuf,
    pub environment: BTreeMap<String, String>,
}

impl Program {
    fn command(&self, mark: &Mark) -> io::Result<Command> {
        let nothing = || io::Error::new(io::ErrorKind::InvalidInput, "there is no command");
        let (name, arguments) = self.command.split_first().ok_or_else(nothing)?;
        let own = self.directory.join(name);
        let mut command = if name.contains('/') && own.exists() { Command::new(own) } else { Command::new(name) };
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.args(arguments).current_dir(&self.directory).env_clear().envs(inherited).envs(&self.environment);
        command.env(mark::VARIABLE, mark.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        Ok(command)
    }
}

/// A program that was started, in a process group of its own. Its end kills all that is left of it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    mark: Mark,
    pub started: Instant,
    output: Output,
    ended: Option<ExitStatus>,
    container: Option<Container>,
}

impl Process {
    /// # Errors
    /// Where the program is not there or may not be run.
    pub fn start(program: &Program, mark: &Mark) -> io::Result<Self> {
        let mut command = program.command(mark)?;
        let started = Instant::now();
        let mut child = command.spawn().map_err(|error| {
            let name = program.command.first().map_or("", String::as_str);
            io::Error::new(error.kind(), format!("`{name}` could not be started: {error}"))
        })?;
        let output = Output::capture(&mut child);
        let process = Self { child, mark: mark.clone(), started, output, ended: None, container: None };
        let most = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
        // A program that has ended already needs no limits.
        let _ = prlimit(process.pid(), Resource::Core, most(0));
        let _ = prlimit(process.pid(), Resource::Fsize, most(LARGEST_FILE));
        Ok(process)
    }

    /// Starts a container of an image, by the command of the engine.
    ///
    /// # Errors
    /// Where the engine's command may not be run.
    pub fn start_image(
        engine: &Engine,
        image: &Image<'_>,
        directory: PathBuf,
        mark: &Mark,
        name: &str,
    ) -> io::Result<Self> {
        let mut process = Self::start(&engine.run(image, name, mark, directory), mark)?;
        process.container = Some(Container { engine: engine.clone(), name: name.to_owned() });
        Ok(process)
    }

    /// Asks the engine for what its command does not pass on; says whether that is so.
    fn asked_of_engine(&self, signal: Signal) -> bool {
        let Some(Container { engine, name }) = &self.container else { return false };
        let what: &[&str] = match signal {
            Signal::STOP => &["pause", name],
            Signal::CONT => &["unpause", name],
            Signal::KILL => &["rm", "--force", name],
            _ => return false,
        };
        engine.ask(what);
        true
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// Where it could not be started, failed, or did not end in time: its last words are in the error.
    pub fn run(program: &Program, mark: &Mark, longest: Duration, stop: &dyn Fn() -> bool) -> io::Result<()> {
        let mut process = Self::start(program, mark)?;
        let until = Instant::now() + longest;
        while process.exit().is_none() && Instant::now() < until && !stop() {
            thread::sleep(Duration::from_millis(20));
        }
        match process.exit() {
            Some(Exit::Code(0)) => Ok(()),
            exit => {
                let how = exit.map_or_else(|| "did not end".to_owned(), |exit| format!("ended with {exit:?}"));
                let said = process.output.last_words(12);
                Err(io::Error::other(format!("`{}` {how}{said}", program.command.join(" "))))
            }
        }
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }

    /// What it printed.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Sends a signal to the program itself, as an orchestrator does, and not to what it started.
    pub fn signal(&self, signal: Signal) {
        if self.ended.is_none() && self.asked_of_engine(signal) {
            return;
        }
        if let Some(pid) = self.pid().filter(|_| self.ended.is_none()) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Sends a signal to the program and all that it started.
    pub fn signal_all(&self, signal: Signal) {
        // By force, the engine's command ends as well.
        if self.asked_of_engine(signal) && signal != Signal::KILL {
            return;
        }
        if let Some(pid) = self.pid() {
            let _ = kill_process_group(pid, signal);
        }
    }

    /// How it ended; none while it runs.
    pub fn exit(&mut self) -> Option<Exit> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended.map(|status| match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Never,
        })
    }

    /// Waits for its end, and kills it where that does not come in time. Gives how it ended and when.
    pub fn end_by(&mut self, until: Instant) -> (Exit, Instant) {
        loop {
            let now = Instant::now();
            if let Some(exit) = self.exit() {
                return (exit, now);
            }
            if now >= until {
                self.kill();
                return (Exit::Never, now);
            }
            thread::sleep(LOOK);
        }
    }

    /// Ends it and everything that it started, at once.
    pub fn kill(&mut self) {
        self.signal_all(Signal::KILL);
        let _ = self.child.kill();
        if let Ok(status) = self.child.wait() {
            self.ended.get_or_insert(status);
        }
    }

    /// Bytes of memory that it and all it started hold (the sum of their resident sets, so that what they share counts
    /// more than once); none where the system does not tell.
    pub fn memory(&self) -> Option<u64> {
        // What is seen of a container is the command that started it.
        if self.container.is_some() {
            return None;
        }
        mark::resident_bytes(&self.mark, self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
