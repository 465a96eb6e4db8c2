//! Prometheus, with a past where one is given.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::children::{Children, Start};

/// How long it may take until it is ready, also on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);

/// One that runs as long as this lives.
#[derive(Debug)]
pub struct Prometheus {
    folder: TempDir,
    children: Children,
    port: u16,
    process: Option<Child>,
}

impl Prometheus {
    /// A port that is free now, for whoever has to know it before there is a Prometheus.
    pub fn free_port() -> io::Result<u16> {
        Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
    }

    /// Starts one with this `prometheus.yml` and returns when it is ready.
    pub fn start(configuration: &str) -> io::Result<Self> {
        Self::start_at(Self::free_port()?, configuration)
    }

    /// The same on this port.
    pub fn start_at(port: u16, configuration: &str) -> io::Result<Self> {
        let folder = TempDir::with_prefix("gonogo-prometheus-")?;
        Self::begin(folder, port, configuration)
    }

    /// Starts one that scrapes nothing and knows this past, in the format of `OpenMetrics`, with a time at each sample.
    pub fn with_past(samples: &str) -> io::Result<Self> {
        let folder = TempDir::with_prefix("gonogo-prometheus-")?;
        let path = folder.path().join("past.txt");
        fs::write(&path, samples)?;
        let blocks = ["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=720h"];
        let made = Command::new("promtool").args(blocks).args([&path, &folder.path().join("data")]).output();
        let made = made.map_err(|error| not_here("promtool", &error))?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()));
        }
        Self::begin(folder, Self::free_port()?, "global: {scrape_interval: 1m}\n")
    }

    fn begin(folder: TempDir, port: u16, configuration: &str) -> io::Result<Self> {
        fs::write(folder.path().join("prometheus.yml"), configuration)?;
        let mut prometheus = Self { folder, children: Children::new(), port, process: None };
        prometheus.start_again()?;
        Ok(prometheus)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// At the same address, with what it had stored. Returns when it is ready.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.kill();
        let folder = self.folder.path();
        let start = Start {
            program: "prometheus".into(),
            arguments: vec![
                "--config.file=prometheus.yml".to_owned(),
                "--storage.tsdb.path=data".to_owned(),
                "--storage.tsdb.retention.time=90d".to_owned(),
                format!("--web.listen-address=127.0.0.1:{}", self.port),
            ],
            log: folder.join("prometheus.log"),
            folder: folder.to_owned(),
        };
        let log = start.log.clone();
        self.process = Some(self.children.start(start).map_err(|error| not_here("prometheus", &error))?);
        let ready = || self.ask("/-/ready").is_some();
        if wait(ready) { Ok(()) } else { Err(io::Error::other(format!("it is not ready:\n{}", end_of(&log)))) }
    }

    /// Waits until the query has an answer that `is_so` likes.
    pub fn until(&self, query: &str, is_so: impl Fn(&str) -> bool) -> io::Result<()> {
        let path = format!("/api/v1/query?query={}", escaped(query));
        if wait(|| self.ask(&path).is_some_and(|answer| is_so(&answer))) {
            Ok(())
        } else {
            Err(io::Error::other(format!("it never says of {query} what was waited for: {:?}", self.ask(&path))))
        }
    }

    /// Its whole answer to a GET, where that is 200.
    pub fn ask(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split_once("\r\n").is_some_and(|(first, _)| first.contains(" 200 ")).then_some(answer)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.kill();
    }
}

fn wait(is_so: impl Fn() -> bool) -> bool {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if is_so() {
            return true;
        }
        thread::sleep(Duration::from_millis(50));
    }
    false
}

fn escaped(query: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    query.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn not_here(program: &str, error: &io::Error) -> io::Error {
    io::Error::other(format!("{program} does not run (Debian package `prometheus`): {error}"))
}

fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n")
}
