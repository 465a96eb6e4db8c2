//! Two groups of small servers behind a real HAProxy, under load all the time.

use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use gonogo_exercise::load::{self, Plan, Schedule, Stop, Target};
use tempfile::TempDir;

/// What is wrong with a release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Every so manieth request gets this status; 0: none.
    pub every: u64,
    pub status: u16,
    /// Every so manieth request takes this much longer.
    pub slow_every: u64,
    pub slower: Duration,
    /// Every so manieth request is told of as an error in the log, whatever it was answered.
    pub logged_every: u64,
    /// So many of its hundred connections are used.
    pub used: u64,
}

const BOUNDS: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

#[derive(Debug, Default)]
struct Counted {
    statuses: std::collections::BTreeMap<u16, u64>,
    buckets: [u64; BOUNDS.len()],
    all: u64,
    used: u64,
}

/// One server of a release.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Its log is the file of its group in this folder.
    pub(crate) fn start(version: &'static str, fault: Fault, log: &Path) -> Self {
        let log = Arc::new(OpenOptions::new().create(true).append(true).open(log).expect("a log can be opened"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (count, counted) =
            (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Counted { used: fault.used, ..Counted::default() })));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (count, counted, log) = (Arc::clone(&count), Arc::clone(&counted), Arc::clone(&log));
                thread::spawn(move || serve(&stream, version, fault, &count, &counted, &log));
            }
        });
        Self { port, stop }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Answers on one connection until its end.
fn serve(stream: &TcpStream, version: &str, fault: Fault, count: &AtomicU64, counted: &Mutex<Counted>, mut log: &File) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut line) = (String::new(), String::new());
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            line.clear();
        }
        let (status, body) = match first.split(' ').nth(1).unwrap_or("/") {
            "/version" => (200, version.to_owned()),
            "/health" => (200, "ok".to_owned()),
            "/metrics" => (200, exposition(&counted.lock().expect("nobody panics with it"))),
            _ => {
                let began = Instant::now();
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let hit = |every: u64| every > 0 && number.is_multiple_of(every);
                if hit(fault.slow_every) {
                    thread::sleep(fault.slower);
                }
                let status = if hit(fault.every) { fault.status } else { 200 };
                let level = if hit(fault.logged_every) { "error" } else { "info" };
                // In one write, so that lines of several servers stay whole.
                let line = format!("{{\"level\":\"{level}\",\"status\":{status}}}\n");
                log.write_all(line.as_bytes()).expect("a log can be written");
                let took = began.elapsed().as_secs_f64();
                let mut counted = counted.lock().expect("nobody panics with it");
                *counted.statuses.entry(status).or_default() += 1;
                counted.all += 1;
                for (bucket, bound) in counted.buckets.iter_mut().zip(BOUNDS) {
                    *bucket += u64::from(took <= bound);
                }
                (status, "hello".to_owned())
            }
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut writer = stream;
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn exposition(counted: &Counted) -> String {
    let mut text = "# TYPE requests_total counter\n".to_owned();
    writeln!(text, "requests_total{{status=\"200\"}} {}", counted.statuses.get(&200).unwrap_or(&0)).expect("a text");
    for (status, count) in counted.statuses.iter().filter(|(status, _)| **status != 200) {
        writeln!(text, "requests_total{{status=\"{status}\"}} {count}").expect("a text");
    }
    writeln!(text, "connections_used {}\nconnections_most 100", counted.used).expect("a text");
    text += "# TYPE request_seconds histogram\n";
    for (bound, count) in BOUNDS.iter().zip(counted.buckets) {
        writeln!(text, "request_seconds_bucket{{le=\"{bound}\"}} {count}").expect("a text");
    }
    let all = counted.all;
    writeln!(text, "request_seconds_bucket{{le=\"+Inf\"}} {all}\nrequest_seconds_count {all}\nrequest_seconds_sum 0")
        .expect("a text");
    text
}

/// A folder with a rollout file in it, for a HAProxy with stable (blue, 1.0) and the release (green, 2.0).
#[derive(Debug)]
pub(crate) struct Stage {
    pub folder: TempDir,
    port: u16,
    haproxy: Child,
    servers: Vec<Server>,
    stop: Stop,
    load: Option<JoinHandle<load::Outcome>>,
}

/// Requests a second.
const RATE: f64 = 250.0;

impl Stage {
    pub(crate) fn new(fault: Fault) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let slow = Fault { slow_every: 3, slower: Duration::from_millis(7), ..Fault::default() };
        let release = if fault.slow_every == 0 { Fault { slow_every: 3, slower: slow.slower, ..fault } } else { fault };
        let log = |group: &str| folder.path().join(format!("{group}.log"));
        let servers = vec![
            Server::start("1.0", slow, &log("blue")),
            Server::start("1.0", slow, &log("blue")),
            Server::start("2.0", release, &log("green")),
        ];
        let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port is free").port();
        let socket = folder.path().join("admin.sock");
        let check = "check inter 200ms rise 1 fall 2";
        let mut text = format!(
            "global\n  stats socket {} mode 600 level admin\ndefaults\n  mode http\n  timeout connect 2s\n  timeout client 10s\n  \
             timeout server 10s\nfrontend f\n  bind 127.0.0.1:{port}\n  default_backend app\nbackend app\n  balance roundrobin\n  \
             option httpchk GET /health\n",
            socket.display()
        );
        for (name, server, state) in [("blue1", 0, ""), ("blue2", 1, ""), ("green1", 2, " disabled")] {
            let port = servers.get(server).map_or(0, |server| server.port);
            writeln!(text, "  server {name} 127.0.0.1:{port} {check}{state}").expect("a text");
        }
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, text).expect("it can be written");
        let mut command = Command::new(program());
        command.args(["-db", "-f"]).arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let haproxy = command.spawn().expect("haproxy starts: apt-get install haproxy");
        super::until("HAProxy listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let target =
            Target::new(&format!("http://127.0.0.1:{port}/"), "GET", &[], Vec::new().into()).expect("an address");
        let plan = Plan {
            target,
            schedule: Schedule::new(vec![Self::constant(RATE)]),
            in_flight: 500,
            threads: 1,
            timeout: Duration::from_secs(5),
            clients: 1,
        };
        let stop = Stop::default();
        let stopped = stop.clone();
        let load = thread::spawn(move || load::run(&plan, &stopped, &|_| {}).expect("it can be asked"));
        Self { folder, port, haproxy, servers, stop, load: Some(load) }
    }

    fn constant(rate: f64) -> load::Stage {
        load::Stage::constant(rate, Duration::from_mins(5))
    }

    /// Ends the load, and says what the users saw.
    pub(crate) fn end(&mut self) -> load::Outcome {
        self.stop.now();
        self.load.take().expect("it ends once").join().expect("the load ends")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    /// Where the servers listen: two of stable, then the release.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect()
    }

    /// Where users ask.
    pub(crate) fn front(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.now();
        if let Some(load) = self.load.take() {
            let _ = load.join();
        }
        let _ = self.haproxy.kill();
        let _ = self.haproxy.wait();
    }
}

/// It lies outside of the path of ordinary users.
fn program() -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|path| path.join("haproxy")).find(|path| path.is_file());
    found.unwrap_or_else(|| PathBuf::from("/usr/sbin/haproxy"))
}
