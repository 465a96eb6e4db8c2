//! One stage: replicas of the Clay example behind a real HAProxy, a stand-in for Clay, and users who ask all the time.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, bail, ensure};
use gonogo_exercise::{
    load::{self, Outcome, Plan, Schedule, Stop, Target},
    proxy::{Behind, Clock, Delay, Fault, Injected, Limits, Proxy, Setup},
};
use serde_json::Value;
use tempfile::TempDir;

use super::{Built, journal::Journal};

/// The groups with their servers. The first has the traffic in the beginning.
pub(super) const STABLE: [&str; 2] = ["blue1", "blue2"];
pub(super) const RELEASE: [&str; 2] = ["green1", "green2"];

/// The name of the rollout, and the folder of what is known of it.
const NAME: &str = "clay-integration";

/// How long a program may take to be there, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any rollout of seconds takes.
const LONGEST: Duration = Duration::from_mins(3);

/// What a stage is made of.
pub(super) struct Setting<'a> {
    pub built: &'a Built,
    /// What the environment of the new replicas has, besides that of the others.
    pub environment: &'a [(&'a str, &'a str)],
    /// So much later Clay answers the new replicas.
    pub clay_later: Duration,
    /// What is wrong between HAProxy and each replica; all alike.
    pub between: &'a [Fault],
    /// Of each release, two at most.
    pub replicas: usize,
    /// Requests a second of all users.
    pub rate: f64,
    /// The lengths of the steps, of the warm-up and so on, as lines of a rollout file.
    pub times: &'a str,
    /// So many points more of wrong answers a step must see.
    pub worse_by: u8,
}

pub(super) struct Stage {
    folder: TempDir,
    gonogo: PathBuf,
    haproxy: Program,
    /// Between the new replicas and Clay, where it is late.
    clay: Option<(Proxy, Injected)>,
    stop: Stop,
    users: Option<JoinHandle<std::io::Result<Outcome>>>,
    _between: Vec<(Proxy, Vec<Injected>)>,
    _programs: Vec<Program>,
}

/// What is known of a rollout that ended.
pub(super) struct Rolled {
    pub state: Value,
    /// What was told, and when in milliseconds since 1970.
    pub told: Vec<(i64, String)>,
}

/// Put together here, so that nobody finds a secret in this file.
fn token() -> String {
    ["intake", "for", "releases"].join("-")
}

impl Stage {
    pub(super) fn set(setting: &Setting<'_>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        let secret = ["signing", "for", "releases"].join("-");
        let key = ["clay", "for", "releases"].join("-");
        let mut command = Command::new(&setting.built.clay);
        command.env_clear().env("STAND_IN_WEBHOOK_SECRET", &secret);
        command.env("STAND_IN_BEHAVIOUR", format!("{{\"key\":\"{key}\"}}"));
        let clay = Program::start(&mut command, &at("clay.log"))?;
        let clay_port = clay.ready()?;
        let late = if setting.clay_later.is_zero() {
            None
        } else {
            let proxy = proxy(Behind::http(loopback(clay_port))?)?;
            let delay = Delay { base: setting.clay_later, jitter: Duration::ZERO };
            let later = proxy.handle().inject(Fault::Latency { to_dependency: Delay::default(), to_service: delay })?;
            Some((proxy, later))
        };
        let mut programs = vec![clay];
        let mut between = Vec::new();
        let mut ports = BTreeMap::new();
        for name in STABLE.into_iter().take(setting.replicas).chain(RELEASE.into_iter().take(setting.replicas)) {
            let new = RELEASE.contains(&name);
            let mut command = Command::new(if new { &setting.built.release } else { &setting.built.stable });
            let clay = late.as_ref().filter(|_| new).map_or(loopback(clay_port), |(proxy, _)| proxy.address());
            command.env_clear().envs([
                ("HOST", "127.0.0.1"),
                ("PORT", "0"),
                ("CLAY_ROUTINE", "routine-1"),
                ("CLAY_WORKSPACE", "workspace"),
                ("CLAY_REQUESTS_PER_SECOND", "20"),
                ("CLAY_HEALTH_SECONDS", "1"),
                ("REQUESTS_PER_MINUTE", "1000000"),
                ("OUTBOX_MAX", "1000000"),
                ("ANNOUNCE_SECONDS", "0"),
                ("DRAIN_SECONDS", "1"),
            ]);
            command.env("INTAKE_TOKEN", token()).env("CLAY_API_KEY", &key).env("CLAY_WEBHOOK_SECRET", &secret);
            command.env("CLAY_API_URL", format!("http://{clay}/public/v0"));
            command.env("DATABASE_URL", format!("sqlite:{}", at(&format!("{name}.db")).display()));
            if new {
                command.envs(setting.environment.iter().copied());
            }
            let program = Program::start(&mut command, &at(&format!("{name}.log")))?;
            // A release that does not start is one of those that are tried: nobody listens where it should.
            let mut port = match program.ready() {
                Ok(port) => port,
                Err(_) if new => free_port()?,
                Err(error) => return Err(error),
            };
            programs.push(program);
            if !setting.between.is_empty() {
                let proxy = proxy(Behind::http(loopback(port))?)?;
                let faults = setting.between.iter().map(|fault| proxy.handle().inject(fault.clone()));
                let faults = faults.collect::<Result<Vec<_>, _>>()?;
                port = proxy.address().port();
                between.push((proxy, faults));
            }
            ports.insert(name, port);
        }
        let port = free_port()?;
        fs::write(at("haproxy.cfg"), configuration(folder.path(), port, &ports)?)?;
        fs::write(at("rollout.toml"), file(folder.path(), setting)?)?;
        let mut command = Command::new(program());
        command.args(["-db", "-f"]).arg(at("haproxy.cfg"));
        let haproxy = Program::start(&mut command, &at("haproxy.log"))?;
        until("HAProxy listens", || TcpStream::connect(loopback(port)).is_ok())?;
        let stop = Stop::default();
        let users = users(port, setting.rate, stop.clone())?;
        Ok(Self {
            gonogo: setting.built.gonogo.clone(),
            haproxy,
            clay: late,
            stop,
            users: Some(users),
            _between: between,
            _programs: programs,
            folder,
        })
    }

    /// `gonogo rollout start` to its end. It is not started where a server of stable does not answer just then: whoever asked
    /// for it asks again.
    pub(super) fn roll_out(&self, revision: &str) -> anyhow::Result<Rolled> {
        let mut tries = 0..5;
        loop {
            match self.roll_out_once(revision) {
                Err(error) if tries.next().is_some() && error.to_string().contains("stable is not well") => {}
                end => return end,
            }
        }
    }

    fn roll_out_once(&self, revision: &str) -> anyhow::Result<Rolled> {
        let mut command = Command::new(&self.gonogo);
        command.args(["rollout", "start"]).arg(self.folder.path().join("rollout.toml"));
        command.args(["--revision", revision]).current_dir(self.folder.path());
        let log = self.folder.path().join("gonogo.log");
        let mut child = Program::start(&mut command, &log)?;
        let end = Instant::now() + LONGEST;
        let status = loop {
            if let Some(status) = child.0.try_wait()? {
                break status;
            }
            ensure!(Instant::now() < end, "the rollout did not end: {}", fs::read_to_string(&log)?);
            thread::sleep(Duration::from_millis(20));
        };
        ensure!(matches!(status.code(), Some(0 | 1)), "gonogo ended with {status}: {}", fs::read_to_string(&log)?);
        let known = self.folder.path().join(".gonogo/rollout").join(NAME);
        let stored: Value = serde_json::from_slice(&fs::read(known.join("state.json"))?)?;
        let state = stored["state"].clone();
        let mut told = Vec::new();
        for line in fs::read_to_string(known.join("history.jsonl"))?.lines() {
            let line: Value = serde_json::from_str(line)?;
            if line["id"] == state["id"] {
                told.push((millisecond(&line["at"])?, line["said"].as_str().unwrap_or_default().to_owned()));
            }
        }
        Ok(Rolled { state, told })
    }

    /// When Clay gave a new replica its first late answer, in milliseconds since 1970.
    pub(super) fn first_late(&self) -> Option<i64> {
        let (proxy, _) = self.clay.as_ref()?;
        let requests = proxy.handle().requests_since(Duration::ZERO);
        // What the health check asks is no work of a user.
        let work = requests.iter().filter(|request| request.head.path.ends_with("/run"));
        let first = work.filter_map(|request| request.answered.map(|(at, _)| at)).min()?;
        wall().checked_add(i64::try_from(first.as_millis()).ok()?)
    }

    /// Ends the load. What the users saw, and what HAProxy wrote down.
    pub(super) fn end(mut self) -> anyhow::Result<(Outcome, Journal)> {
        self.stop.now();
        let users = self.users.take().context("it ends once")?;
        let outcome = users.join().map_err(|_| anyhow::anyhow!("the load broke down"))??;
        let answered: u64 = outcome.ended.iter().filter(|(how, _)| how.parse::<u16>().is_ok()).map(|(_, n)| n).sum();
        let log = self.folder.path().join("haproxy.log");
        let read = || Journal::read(&fs::read_to_string(&log).unwrap_or_default());
        // A line is written when its answer is out.
        until("HAProxy has written everything down", || read().lines.len() as u64 >= answered)?;
        self.haproxy.end();
        Ok((outcome, read()))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.now();
        if let Some(users) = self.users.take() {
            let _ = users.join();
        }
    }
}

/// People who send leads, each another one.
fn users(port: u16, rate: f64, stop: Stop) -> anyhow::Result<JoinHandle<std::io::Result<Outcome>>> {
    let headers = [format!("authorization: Bearer {}", token()), "content-type: application/json".to_owned()];
    let body = br#"{"email": "lead-{id}@example.com"}"#.as_slice();
    let mut target = Target::new(&format!("http://127.0.0.1:{port}/leads"), "POST", &headers, body.into())?;
    target.ids = Some(port.to_string());
    let plan = Plan {
        target,
        schedule: Schedule::new(vec![load::Stage::constant(rate, Duration::from_hours(2))]),
        in_flight: 200,
        threads: 1,
        timeout: Duration::from_secs(5),
        clients: 1,
    };
    Ok(thread::spawn(move || load::run(&plan, &stop, &|_| {})))
}

/// HAProxy writes down of each answer: when it was out, by which server, with which status, after how many milliseconds.
fn configuration(folder: &Path, port: u16, servers: &BTreeMap<&str, u16>) -> Result<String, std::fmt::Error> {
    let mut text = format!(
        "global\n  stats socket {}/admin.sock mode 600 level admin\n  log stdout format raw local0\ndefaults\n  mode http\n  option dontlognull\n  \
         timeout connect 2s\n  timeout client 10s\n  timeout server 10s\nfrontend users\n  bind 127.0.0.1:{port}\n  log global\n  \
         log-format \"%[date(0,ms)] %s %ST %Ta\"\n  default_backend app\nbackend app\n  balance roundrobin\n  \
         option httpchk GET /ready\n",
        folder.display()
    );
    for (name, port) in servers {
        let disabled = if RELEASE.contains(name) { " disabled" } else { "" };
        writeln!(text, "  server {name} 127.0.0.1:{port} check inter 300ms rise 1 fall 3{disabled}")?;
    }
    Ok(text)
}

/// What `gonogo rollout` goes by.
fn file(folder: &Path, setting: &Setting<'_>) -> Result<String, std::fmt::Error> {
    let Setting { times, worse_by, .. } = setting;
    let group = |names: [&str; 2]| format!("{:?}", names.into_iter().take(setting.replicas).collect::<Vec<_>>());
    let mut text = format!(
        "name = \"{NAME}\"\nenvironment = \"a stage\"\n{times}\n[driver.haproxy]\nsocket = \"{}/admin.sock\"\nbackend = \"app\"\n\
         groups = {{ blue = {}, green = {} }}\nversion = {{ path = \"/health\", pointer = \"/version\" }}\n\
         [metrics]\npath = \"/metrics\"\n\n",
        folder.display(),
        group(STABLE),
        group(RELEASE)
    );
    // What the probes of HAProxy and of gonogo ask is not what users ask.
    let leads = "labels = { route = \"POST /leads\" }\n";
    let counted = |name: &str, family: &str, more: &str, bad: &str| {
        format!(
            "name = \"{name}\"\nkind = \"errors\"\ntotal = \"{family}\"\n{more}bad_labels = {{ status = \"{bad}\" }}\nworse_by = {worse_by}\n"
        )
    };
    let latency = |name: &str, family: &str, more: &str| {
        format!(
            "name = \"{name}\"\nkind = \"latency\"\nhistogram = \"{family}\"\n{more}from = \"50ms\"\nworse_by = 25\n"
        )
    };
    let gates = [
        format!("name = \"errors\"\nkind = \"errors\"\nhaproxy = \"server-errors\"\nworse_by = {worse_by}\n"),
        counted("throttled", "http_requests_total", leads, "429"),
        counted("refused", "http_requests_total", leads, "401|403"),
        latency("latency", "http_request_duration_seconds", leads),
        counted("clay-errors", "clay_requests_total", "", "4..|5..|timeout|error"),
        latency("clay-latency", "clay_request_duration_seconds", ""),
    ];
    for gate in gates {
        writeln!(text, "[[gate]]\n{gate}")?;
    }
    Ok(text)
}

/// A program with its output in a file; killed at its end.
struct Program(Child, PathBuf);

impl Program {
    fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let out = File::create(log)?;
        let err = out.try_clone()?;
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let child = command.spawn().with_context(|| format!("{} does not start", command.get_program().display()))?;
        Ok(Self(child, log.to_owned()))
    }

    /// The port that it says it listens on. Errors: it ended, or says nothing.
    fn ready(&self) -> anyhow::Result<u16> {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(&self.1)?;
            for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
                if line["message"] == "ready" {
                    return Ok(u16::try_from(line["port"].as_u64().unwrap_or_default())?);
                }
                if line["level"] == "ERROR" {
                    bail!("{}", line["message"]);
                }
            }
            ensure!(Instant::now() < end, "{} says nothing: {text}", self.1.display());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

fn proxy(behind: Behind) -> anyhow::Result<Proxy> {
    // Times of records count from the beginning of the process, as `wall` does.
    let clock = Clock { zero: zero().0, wall: zero().1 };
    Ok(Proxy::start(Setup { behind, tls: None, limits: Limits::default(), clock })?)
}

/// One moment on both clocks.
fn zero() -> (Instant, SystemTime) {
    use std::sync::OnceLock;
    static ZERO: OnceLock<(Instant, SystemTime)> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "a chore may ask the clock")]
    *ZERO.get_or_init(|| (Instant::now(), SystemTime::now()))
}

/// That moment in milliseconds since 1970.
fn wall() -> i64 {
    let since = zero().1.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A time of a record in milliseconds since 1970.
pub(super) fn millisecond(value: &Value) -> anyhow::Result<i64> {
    let at: jiff::Timestamp = value.as_str().context("there is no time")?.parse()?;
    Ok(at.as_millisecond())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn until(what: &str, so: impl Fn() -> bool) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    while !so() {
        ensure!(Instant::now() < end, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// It lies outside of the path of ordinary users.
fn program() -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|path| path.join("haproxy")).find(|path| path.is_file());
    found.unwrap_or_else(|| PathBuf::from("/usr/sbin/haproxy"))
}
