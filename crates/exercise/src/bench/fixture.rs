//! The bench itself: what runs, and how it is reached.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use gonogo_domain::{
    Run, RunDependency,
    exercise::{Capacity, Exit, Timeline},
};
use jiff::{Timestamp, tz::TimeZone};
use tempfile::TempDir;
use thiserror::Error;

use super::{
    ask::{Ask, Exchange, ask, ask_whole},
    dependency::{self, Dependency, free_port},
    expand::Places,
    traffic::{Sent, Traffic},
};
use crate::{
    process::{self, Image, Mark, Process, Program, Watch},
    proxy::{Authority, Clock, Fault, FaultError, Handle, Injected, Records, Request, Totals},
};

/// How long what makes the program may take.
const BUILD: Duration = Duration::from_mins(30);

/// How long a command may take that is run beside the service.
const COMMAND: Duration = Duration::from_mins(2);

/// The wait between two requests to another machine: two a second at most.
const FOREIGN_PAUSE: Duration = Duration::from_millis(500);

/// How long the port may still be held after the service was killed.
const PORT_FREE: Duration = Duration::from_secs(5);

/// How often somebody who waits looks again.
pub(super) const LOOK: Duration = Duration::from_millis(10);

/// An answer is waited for as long as this, where nothing else is stated.
const ANSWER: Duration = Duration::from_secs(10);

/// Documents are made when they are asked for first.
const DOCUMENT: Duration = Duration::from_secs(30);

/// What the bench is set up with.
#[derive(Clone, Debug)]
pub struct Setting {
    pub run: Run,
    /// The root of the repository.
    pub root: PathBuf,
    /// This moment on both clocks.
    pub clock: Clock,
    /// The user wants it to end.
    pub stop: Arc<AtomicBool>,
    /// What the repository promises of its answers.
    pub description: Option<Description>,
}

/// An OpenAPI document.
#[derive(Clone, Debug)]
pub struct Description {
    /// Where it is from.
    pub name: String,
    pub document: serde_json::Value,
}

/// Why the bench cannot go on.
#[derive(Debug, Error)]
pub enum BenchError {
    #[error("{0}")]
    Configuration(String),
    #[error("{name} could not be started: {reason}")]
    Dependency { name: String, reason: String },
    #[error("the service could not be started: {0}")]
    Service(String),
    /// It was started, and did not become ready.
    #[error("the service did not come up: {0}")]
    NotUp(String),
    #[error(transparent)]
    Fault(#[from] FaultError),
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It would be done to another machine.
    #[error("{0}")]
    Foreign(String),
    #[error("stopped")]
    Stopped,
}

/// A service with everything around it. Its end stops all of it.
pub struct Bench {
    setting: Setting,
    mark: Mark,
    places: Places,
    clock: Clock,
    dependencies: Vec<Dependency>,
    process: Option<Process>,
    address: SocketAddr,
    /// Of a service on another machine: when it was asked last.
    asked: Option<Mutex<Option<Instant>>>,
    /// Found once.
    pub(super) capacity: Option<Capacity>,
    ids: Arc<AtomicU64>,
    /// What tells the ids of this run from those of another.
    run_id: String,
    /// Kept until all processes are gone.
    scratch: TempDir,
    folders: usize,
    /// How often the service was started.
    starts: usize,
    slowest_start: Duration,
}

impl Bench {
    /// Makes the program, starts the dependencies and their proxies, and does not start the service; says what it does.
    ///
    /// # Errors
    /// Where the configuration cannot work or something does not start.
    pub fn set_up(setting: Setting, say: &dyn Fn(&str)) -> Result<Self, BenchError> {
        dependency::every_one_is_reached(&setting.run)?;
        dependency::nothing_real_is_migrated(&setting.run)?;
        let clock = setting.clock;
        let mark = Mark::own();
        let scratch = tempfile::Builder::new().prefix("gonogo-").tempdir()?;
        let mut places = Places::default();
        places.set("scratch", scratch.path().display().to_string());
        say("building the service");
        build(&setting, &places, &mark)?;
        say("starting its dependencies");
        let authority = authority(&setting, scratch.path())?;
        let mut dependencies = Vec::new();
        for (place, plan) in setting.run.dependencies.iter().enumerate() {
            // Not its name: that is anybody's text.
            let folder = scratch.path().join(format!("dependency-{place}"));
            std::fs::create_dir(&folder)?;
            let dependency = Dependency::start(plan, &setting, &folder, &mark, authority.as_ref().map(|(one, _)| one))?;
            let address = dependency.proxy.address();
            places.set(&format!("{}.address", plan.name), address.to_string());
            places.set(&format!("{}.host", plan.name), address.ip().to_string());
            places.set(&format!("{}.port", plan.name), address.port().to_string());
            if let Some((_, file)) = authority.as_ref().filter(|_| plan.tls) {
                places.set(&format!("{}.ca", plan.name), file.display().to_string());
            }
            dependencies.push(dependency);
        }
        let (address, foreign) = match &setting.run.attach {
            Some(attach) => dependency::attached(attach, &setting.run.allow).map_err(BenchError::Configuration)?,
            None => (SocketAddr::from((Ipv4Addr::LOCALHOST, setting.run.port.map_or_else(free_port, Ok)?)), false),
        };
        places.set("port", address.port().to_string());
        if let Some(reload) = &setting.run.reload
            && let Some(file) = &reload.file
        {
            let file = PathBuf::from(places.expand(file));
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(file, places.expand(&reload.text))?;
        }
        let since = clock.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            setting,
            mark,
            places,
            clock,
            dependencies,
            process: None,
            address,
            asked: foreign.then(Mutex::default),
            capacity: None,
            ids: Arc::default(),
            run_id: format!("g{:x}", since.as_millis()),
            scratch,
            folders: 0,
            starts: 0,
            slowest_start: Duration::ZERO,
        })
    }

    pub fn run(&self) -> &Run {
        &self.setting.run
    }

    /// What the repository promises of its answers.
    pub fn description(&self) -> Option<&Description> {
        self.setting.description.as_ref()
    }

    /// What every `{id}` of this run begins with.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Where times of records count from.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What a calendar says now.
    pub fn calendar(&self) -> Timestamp {
        let now = self.clock.wall + self.clock.zero.elapsed();
        Timestamp::try_from(now).unwrap_or(Timestamp::MAX)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn stopped(&self) -> bool {
        self.setting.stop.load(Ordering::Relaxed)
    }

    /// Waits for so long, unless the user wants it to end.
    pub fn wait(&self, time: Duration) -> Result<(), BenchError> {
        self.wait_for(time, || false).map(|_| ())
    }

    /// Waits until something holds; says whether it did in time.
    pub fn wait_for(&self, time: Duration, holds: impl Fn() -> bool) -> Result<bool, BenchError> {
        let until = Instant::now() + time;
        loop {
            if self.stopped() {
                return Err(BenchError::Stopped);
            }
            if holds() {
                return Ok(true);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            thread::sleep(left.min(LOOK));
        }
    }

    /// An empty folder that goes away with the bench.
    pub fn new_folder(&mut self) -> Result<PathBuf, BenchError> {
        self.folders += 1;
        let folder = self.scratch.path().join(format!("folder-{}", self.folders));
        std::fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Runs a command to its end, its `{scratch}` being this folder; how it ended, and what it printed.
    pub fn command(
        &self,
        command: &[String],
        environment: &BTreeMap<String, String>,
        folder: &Path,
    ) -> Result<(Exit, Vec<String>), BenchError> {
        let mut places = self.places.clone();
        places.set("scratch", folder.display().to_string());
        let program = Program {
            command: places.expand_all(command),
            directory: self.setting.root.join(&self.run().directory),
            environment: places.expand_map(environment),
        };
        let mut process = Process::start(&program, &self.mark)?;
        let until = Instant::now() + COMMAND;
        while process.exit().is_none() && Instant::now() < until {
            self.wait(LOOK)?;
        }
        let (exit, _) = process.end_by(Instant::now());
        // What it printed last may still be on its way.
        let _ = process.output().last_words(1);
        Ok((exit, process.output().since(0).into_iter().map(|line| line.text).collect()))
    }

    /// Starts the process of the service, and does not wait for it.
    pub fn launch(&mut self) -> Result<(), BenchError> {
        self.launch_with(&BTreeMap::new())
    }

    /// The same with other values of some variables.
    fn launch_with(&mut self, changed: &BTreeMap<String, String>) -> Result<(), BenchError> {
        self.halt();
        let run = self.run();
        let mut environment = self.places.expand_map(&run.environment);
        environment.extend(changed.clone());
        let program = Program {
            command: self.places.expand_all(&run.command),
            directory: self.setting.root.join(&run.directory),
            environment,
        };
        // Workers that a server forked may die a moment after it.
        let until = Instant::now() + PORT_FREE;
        while TcpStream::connect(self.address).is_ok() {
            if Instant::now() >= until {
                return Err(BenchError::Service(format!("something listens on {} already", self.address)));
            }
            thread::sleep(LOOK);
        }
        self.starts += 1;
        let started = match self.run().image.as_ref().map(|image| self.places.expand(image)) {
            None => Process::start(&program, &self.mark),
            Some(image) => {
                let engine = process::engine().ok_or_else(|| {
                    BenchError::Service(format!(
                        "`{image}` is an image, and neither docker nor podman is in PATH and answers"
                    ))
                })?;
                let Program { command, directory, environment } = program;
                let folder = self.scratch.path();
                let image = Image { image: &image, command: &command, environment: &environment, folder };
                let name = format!("gonogo-{}-{}", self.run_id, self.starts);
                Process::start_image(&engine, &image, directory, &self.mark, &name)
            }
        };
        self.process = Some(started.map_err(|error| BenchError::Service(error.to_string()))?);
        Ok(())
    }

    /// Starts the service and waits until it is ready: its readiness path answers below 400, or somebody listens where it
    /// has none.
    pub fn start(&mut self) -> Result<(), BenchError> {
        if self.run().attach.is_none() {
            self.launch()?;
        }
        self.wait_until_ready()
    }

    /// Starts it with other values of some variables and waits until it is ready.
    pub fn start_with(&mut self, changed: &BTreeMap<String, String>) -> Result<(), BenchError> {
        self.launch_with(changed)?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<(), BenchError> {
        let until = Instant::now() + self.run().startup;
        while !self.is_ready() {
            if self.stopped() {
                return Err(BenchError::Stopped);
            }
            let exit = self.process.as_mut().and_then(Process::exit);
            let said = || self.process.as_ref().map(|one| one.output().last_words(12)).unwrap_or_default();
            if let Some(exit) = exit {
                return Err(BenchError::NotUp(format!("it ended with {exit:?} before it was ready{}", said())));
            }
            if Instant::now() >= until {
                let startup = self.run().startup;
                return Err(BenchError::NotUp(format!("it was not ready after {startup:?}{}", said())));
            }
            thread::sleep(LOOK);
        }
        if let Some(process) = &self.process {
            self.slowest_start = self.slowest_start.max(process.started.elapsed());
        }
        Ok(())
    }

    /// The longest that it took until it was ready; nothing where it was not started.
    pub fn slowest_start(&self) -> Duration {
        self.slowest_start
    }

    fn is_ready(&self) -> bool {
        match &self.run().probes.readiness {
            Some(path) => self.get(path, Duration::from_secs(1)).is_ok_and(|exchange| exchange.how.good()),
            None if self.is_foreign() => self.get("/", Duration::from_secs(5)).is_ok_and(|one| one.status().is_some()),
            None => TcpStream::connect(self.address).is_ok(),
        }
    }

    /// Whether it runs and is ready.
    pub fn is_up(&mut self) -> bool {
        let runs = match &mut self.process {
            Some(process) => process.exit().is_none(),
            None => self.run().attach.is_some(),
        };
        runs && self.is_ready()
    }

    /// Kills the service, if it runs.
    pub fn halt(&mut self) {
        self.process = None;
    }

    /// The process; none in front of a service that runs already.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// Watches how the service gets processors; none where its processes are not seen.
    pub(crate) fn contention(&self) -> Option<Watch> {
        let run = self.run();
        if run.attach.is_some() || run.image.is_some() { None } else { Watch::start(&self.mark) }
    }

    /// Names of the dependencies, and whether each speaks HTTP.
    pub fn dependencies(&self) -> impl Iterator<Item = (&str, bool)> {
        self.dependencies.iter().map(|one| (one.name.as_str(), one.http))
    }

    /// Whether the service reaches it over TLS.
    pub fn has_tls(&self, name: &str) -> bool {
        self.dependencies.iter().any(|one| one.name == name && one.tls)
    }

    pub fn dependency(&self, name: &str) -> Option<&RunDependency> {
        self.run().dependencies.iter().find(|one| one.name == name)
    }

    /// The proxy before a dependency.
    fn proxy(&self, name: &str) -> Option<&Handle> {
        self.dependencies.iter().find(|one| one.name == name).map(|one| one.proxy.handle())
    }

    /// What its proxy saw; nothing of an unknown one.
    pub fn records(&self, name: &str) -> Records {
        self.proxy(name).map(Handle::records).unwrap_or_default()
    }

    /// The requests that came to a dependency from this moment on.
    pub fn calls_since(&self, name: &str, from: Instant) -> Vec<Request> {
        let from = from.saturating_duration_since(self.clock.zero);
        self.proxy(name).map(|proxy| proxy.requests_since(from)).unwrap_or_default()
    }

    pub fn totals(&self, name: &str) -> Totals {
        self.proxy(name).map(Handle::totals).unwrap_or_default()
    }

    /// Breaks a dependency until what this gives is dropped.
    pub fn inject(&self, name: &str, fault: Fault) -> Result<Injected, BenchError> {
        let unknown = || BenchError::Configuration(format!("there is no dependency {name}"));
        Ok(self.proxy(name).ok_or_else(unknown)?.inject(fault)?)
    }

    /// The n-th request of users, by the shares that are configured, and which one that is.
    pub fn make(&self) -> impl Fn(u64) -> (usize, Ask) + Send + use<> {
        self.make_of(&(0..self.run().requests.len()).collect::<Vec<_>>())
    }

    /// The same of these kinds only.
    pub fn make_of(&self, kinds: &[usize]) -> impl Fn(u64) -> (usize, Ask) + Send + use<> {
        let asks = self.asks();
        let round: Vec<usize> = asks
            .iter()
            .enumerate()
            .filter(|(place, _)| kinds.contains(place))
            .flat_map(|(place, (weight, _))| std::iter::repeat_n(place, usize::try_from(*weight).unwrap_or(1).min(100)))
            .collect();
        let (ids, run_id) = (Arc::clone(&self.ids), self.run_id.clone());
        move |number| {
            let turn = usize::try_from(number).unwrap_or(0) % round.len().max(1);
            let kind = round.get(turn).copied().unwrap_or_default();
            let template = asks.get(kind).map_or_else(|| Ask::get("/"), |(_, ask)| ask.clone());
            (kind, numbered(&template, &ids, &run_id))
        }
    }

    /// A new request of this kind.
    pub fn request(&self, kind: usize) -> Ask {
        let template = self.asks_of(kind);
        numbered(&template, &self.ids, &self.run_id)
    }

    /// A text of the configuration with its placeholders replaced, but `{id}`.
    pub fn expand(&self, text: &str) -> String {
        self.places.expand(text)
    }

    /// A kind of request as it is configured; `{id}` still stands in it.
    pub fn asks_of(&self, kind: usize) -> Ask {
        self.asks().into_iter().nth(kind).map_or_else(|| Ask::get("/"), |(_, ask)| ask)
    }

    /// Something that no other request has.
    pub fn new_id(&self) -> String {
        format!("{}-{}", self.run_id, self.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells that the user wants it to end.
    pub(super) fn asked_to_stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.setting.stop)
    }

    /// The requests with their shares; `{id}` still stands in them.
    pub(super) fn asks(&self) -> Vec<(u32, Ask)> {
        let expand = |text: &String| self.places.expand(text);
        let requests = self.run().requests.iter().map(|request| {
            let mut headers: Vec<(String, String)> =
                request.headers.iter().map(|(name, value)| (name.clone(), expand(value))).collect();
            let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            if request.body.is_some() && !has_type {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            let body = request.body.as_ref().map(expand).unwrap_or_default().into();
            (request.weight, Ask { method: request.method.clone(), path: expand(&request.path), headers, body })
        });
        requests.collect()
    }

    /// Whether the service runs on another machine, which is not for breaking.
    pub fn is_foreign(&self) -> bool {
        self.asked.is_some()
    }

    /// The kinds of requests that may be sent.
    pub fn kinds(&self) -> Vec<usize> {
        let may = |method: &str| !self.is_foreign() || matches!(method, "GET" | "HEAD");
        let all = self.run().requests.iter().enumerate();
        all.filter(|(_, request)| may(&request.method)).map(|(kind, _)| kind).collect()
    }

    /// Waits until another machine may be asked this.
    fn paced(&self, request: &Ask) -> Result<(), BenchError> {
        let Some(asked) = &self.asked else { return Ok(()) };
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            let Ask { method, path, .. } = request;
            return Err(BenchError::Foreign(format!("{method} {path} is not sent to another machine: only GET is")));
        }
        let mut last = asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = *last {
            self.wait(FOREIGN_PAUSE.saturating_sub(last.elapsed()))?;
        }
        *last = Some(Instant::now());
        Ok(())
    }

    /// Asks the service once.
    pub fn ask(&self, request: &Ask, timeout: Duration) -> Result<Exchange, BenchError> {
        self.paced(request)?;
        Ok(ask(self.address, request, timeout)?)
    }

    pub fn get(&self, path: &str, timeout: Duration) -> Result<Exchange, BenchError> {
        self.ask(&Ask::get(path), timeout)
    }

    /// A document of the service: its answer is kept whole, and may take its time.
    pub fn document(&self, path: &str) -> Result<Exchange, BenchError> {
        let request = Ask::get(path);
        self.paced(&request)?;
        Ok(ask_whole(self.address, &request, DOCUMENT)?)
    }

    /// Users at this rate, until what it gives is ended.
    pub fn traffic(&self, rate: f64) -> Result<Traffic, BenchError> {
        if self.is_foreign() {
            return Err(BenchError::Foreign("another machine is not loaded".to_owned()));
        }
        Ok(Traffic::start(self.address, rate, ANSWER, self.make())?)
    }

    /// Milliseconds from a moment to another; none before it.
    pub fn since(from: Instant, to: Instant) -> u64 {
        u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
    }

    /// A picture of what users and dependencies saw from this moment on.
    pub fn timeline(&self, from: Instant, sent: &[Sent]) -> Timeline {
        let mut timeline = Timeline::over(Self::since(from, Instant::now()));
        self.picture(&mut timeline, from, sent);
        timeline
    }

    fn picture(&self, timeline: &mut Timeline, from: Instant, sent: &[Sent]) {
        for one in sent.iter().filter(|one| one.exchange.sent >= from) {
            let wait = Self::since(one.exchange.sent, one.exchange.ended);
            timeline.request(Self::since(from, one.exchange.sent), wait, one.good());
        }
        let begin = from.saturating_duration_since(self.clock.zero);
        for dependency in &self.dependencies {
            let records = dependency.proxy.handle().records();
            let calls: Vec<Duration> = if dependency.http {
                records.requests.iter().map(|one| one.came).collect()
            } else {
                records.connections.iter().map(|one| one.opened).collect()
            };
            for came in calls.into_iter().filter_map(|came| came.checked_sub(begin)) {
                timeline.call(&dependency.name, u64::try_from(came.as_millis()).unwrap_or(u64::MAX));
            }
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.process = None;
        self.dependencies.clear();
        // What left its process group is found by its mark.
        self.mark.sweep();
    }
}

fn numbered(template: &Ask, ids: &AtomicU64, run_id: &str) -> Ask {
    let mut places = Places::default();
    places.set("id", format!("{run_id}-{}", ids.fetch_add(1, Ordering::Relaxed)));
    let body = std::str::from_utf8(&template.body).map(|text| places.expand(text));
    Ask {
        method: template.method.clone(),
        path: places.expand(&template.path),
        headers: template.headers.iter().map(|(name, value)| (name.clone(), places.expand(value))).collect(),
        body: body.map_or_else(|_| template.body.clone(), Into::into),
    }
}

/// Who issues the certificates of this run, where there are some, and the file that says so.
fn authority(setting: &Setting, scratch: &Path) -> Result<Option<(Authority, PathBuf)>, BenchError> {
    if !setting.run.dependencies.iter().any(|one| one.tls) {
        return Ok(None);
    }
    let now = Timestamp::try_from(setting.clock.wall).unwrap_or(Timestamp::UNIX_EPOCH);
    let authority = Authority::new(now.to_zoned(TimeZone::UTC).date())
        .map_err(|error| BenchError::Configuration(error.to_string()))?;
    let file = scratch.join("authority.pem");
    std::fs::write(&file, authority.pem())?;
    Ok(Some((authority, file)))
}

/// Runs what makes the program, and what stands for its dependencies, where that is stated.
fn build(setting: &Setting, places: &Places, mark: &Mark) -> Result<(), BenchError> {
    let run = &setting.run;
    if run.build.is_empty() {
        return Ok(());
    }
    let program = Program {
        command: places.expand_all(&run.build),
        directory: setting.root.join(&run.directory),
        environment: BTreeMap::new(),
    };
    Process::run(&program, mark, BUILD, &|| setting.stop.load(Ordering::Relaxed))
        .map_err(|error| BenchError::Service(error.to_string()))
}
