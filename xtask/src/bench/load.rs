//! `cargo run --release -p xtask -- bench load`: the instrument itself. How many requests a core sends, what is said of a
//! stall whose truth is known, and what a proxy adds, each beside the tools that people use, in one run.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use gonogo_exercise::proxy::{Behind, Clock, Limits, Proxy, Setup};
use serde_json::Value;
use tempfile::TempDir;

/// The stall begins so long after the first request, and lasts so long.
const BEFORE: Duration = Duration::from_secs(20);
const STALL: Duration = Duration::from_secs(5);

/// A run around a stall, in seconds, at 100 requests a second.
const LENGTH: f64 = 60.0;

/// Connections for the highest rate.
const CONNECTIONS: &str = "64";

/// How often each tool shows its highest rate.
const ROUNDS: usize = 5;

/// Runs everything and prints tables as Markdown; `seconds` is the length of each run that has no length of its own.
pub fn run(seconds: u64) -> anyhow::Result<()> {
    ensure!(
        !cfg!(debug_assertions),
        "the proxy runs in this program, and this one is slow: cargo run --release --package xtask -- bench load"
    );
    let built = crate::cargo().args(["build", "--quiet", "--release", "--package", "gonogo"]).status()?;
    ensure!(built.success(), "gonogo could not be built");
    let mut out = io::stdout().lock();
    let nginx = Nginx::start()?;
    rates(&mut out, &nginx.url(), seconds)?;
    proxies(&mut out, nginx.address, seconds)?;
    stalls(&mut out)?;
    Ok(())
}

/// The highest rate on one thread.
fn rates(out: &mut impl io::Write, url: &str, seconds: u64) -> anyhow::Result<()> {
    writeln!(
        out,
        "| highest rate, one thread, {CONNECTIONS} connections, median of {ROUNDS} | requests a second | to wrk |\n|---|---|---|"
    )?;
    let length = format!("{seconds}s");
    let oha = |threads: &[&str]| {
        let arguments = ["--no-tui", "--output-format", "json", "-c", CONNECTIONS, "-z", &length, url];
        let text = said("oha", &[threads, &arguments].concat())?;
        serde_json::from_str::<Value>(&text).ok()?["summary"]["requestsPerSec"].as_f64()
    };
    let asked = |tool: &str, arguments: &[&str]| {
        let text = said(tool, &[arguments, &["-c", CONNECTIONS, url]].concat())?;
        after(&text, "Requests/sec:")
    };
    let ours = || {
        let outcome = gonogo(url, &["--rate", "1000000", "--in-flight", CONNECTIONS, "--for", &length]).ok()?;
        outcome["answered_rate"].as_f64()
    };
    let tools: [(&str, &dyn Fn() -> Option<f64>); 5] = [
        ("gonogo load", &ours),
        ("wrk", &|| asked("wrk", &["-t1", "-d", &length])),
        ("hey", &|| asked("hey", &["-cpus", "1", "-z", &length])),
        ("oha", &|| oha(&["--worker-threads", "1"])),
        ("oha, all cores", &|| oha(&[])),
    ];
    // One after the other, and all of them anew: what the machine does meanwhile is to meet each.
    let mut rates: Vec<(&str, Vec<f64>)> = tools.iter().map(|(name, _)| (*name, Vec::new())).collect();
    for _ in 0..ROUNDS {
        for ((_, tool), (_, rates)) in tools.iter().zip(&mut rates) {
            rates.extend(tool());
        }
    }
    let rates: Vec<(&str, Option<f64>)> = rates.into_iter().map(|(name, all)| (name, median(all))).collect();
    let wrk = rates.iter().find(|(name, _)| *name == "wrk").and_then(|(_, rate)| *rate);
    for (name, rate) in rates {
        let shown = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "not here".to_owned(), |value| format!("{value:.digits$}"))
        };
        writeln!(out, "| {name} | {} | {} |", shown(rate, 0), shown(rate.zip(wrk).map(|(rate, wrk)| rate / wrk), 2))?;
    }
    Ok(())
}

/// The one in the middle; none of none.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What stands between adds.
fn proxies(out: &mut impl io::Write, server: SocketAddr, seconds: u64) -> anyhow::Result<()> {
    let haproxy = Haproxy::start(server).ok();
    let start = |behind| -> anyhow::Result<Proxy> {
        #[expect(clippy::disallowed_methods, reason = "a chore may ask the clock")]
        let clock = Clock { zero: Instant::now(), wall: std::time::SystemTime::now() };
        Ok(Proxy::start(Setup { behind, tls: None, limits: Limits::default(), clock })?)
    };
    let (tcp, http) = (start(Behind::tcp(server)?)?, start(Behind::http(server)?)?);
    writeln!(out, "\n| between | p50 at 1,000/s | p99 | highest rate |\n|---|---|---|---|")?;
    let rows = [
        ("nothing", Some(server)),
        ("gonogo, TCP", Some(tcp.address())),
        ("gonogo, HTTP", Some(http.address())),
        ("HAProxy, HTTP", haproxy.as_ref().map(|one| one.address)),
    ];
    for (name, address) in rows {
        let Some(address) = address else {
            writeln!(out, "| {name} | not here | | |")?;
            continue;
        };
        let (url, length) = (format!("http://{address}/"), format!("{seconds}s"));
        let steady = gonogo(&url, &["--rate", "1000", "--for", &length])?;
        let most = gonogo(&url, &["--rate", "1000000", "--in-flight", CONNECTIONS, "--for", &length])?;
        writeln!(
            out,
            "| {name} | {} µs | {} µs | {:.0}/s |",
            quantile(&steady, 0.5),
            quantile(&steady, 0.99),
            most["answered_rate"].as_f64().unwrap_or_default()
        )?;
    }
    Ok(())
}

/// Percentiles of a run with one stall, beside the closed form: the quantile q is max(0, S − (1 − q)·D).
fn stalls(out: &mut impl io::Write) -> anyhow::Result<()> {
    let length = format!("{LENGTH}s");
    let rows: Mutex<Vec<(&str, [String; 2])>> = Mutex::default();
    let keep = |name, p95: Option<f64>, p99: Option<f64>| {
        let shown = |value: Option<f64>| value.map_or_else(|| "not here".to_owned(), |value| format!("{value:.3} s"));
        rows.lock().unwrap_or_else(PoisonError::into_inner).push((name, [shown(p95), shown(p99)]));
    };
    // Each has a server of its own, and waits most of the time.
    thread::scope(|scope| {
        scope.spawn(|| {
            let outcome =
                Stalling::start().ok().and_then(|url| gonogo(&url, &["--rate", "100", "--for", &length]).ok());
            #[expect(clippy::cast_precision_loss, reason = "microseconds of seconds")]
            let at = |q| outcome.as_ref().map(|one| quantile(one, q) as f64 / 1e6);
            keep("gonogo load", at(0.95), at(0.99));
        });
        scope.spawn(|| {
            let text =
                Stalling::start().ok().and_then(|url| said("wrk", &["-t1", "-c10", "-d", &length, "--latency", &url]));
            keep("wrk (closed loop)", None, text.and_then(|text| seconds_after(&text, "99%")));
        });
        scope.spawn(|| {
            let text =
                Stalling::start().ok().and_then(|url| said("hey", &["-c", "10", "-q", "10", "-z", &length, &url]));
            let at = |word| text.as_ref().and_then(|text| after(text, word));
            keep("hey -q", at("95% in"), at("99% in"));
        });
        scope.spawn(|| {
            let arguments = ["--no-tui", "--output-format", "json", "-c", "10", "-q", "100", "-z", &length];
            let text = Stalling::start().ok().and_then(|url| said("oha", &[&arguments[..], &[&url]].concat()));
            let said: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
            let at = |word| said.as_ref().and_then(|said| said["latencyPercentiles"][word].as_f64());
            keep("oha -q 100", at("p95"), at("p99"));
        });
    });
    writeln!(out, "\n| one stall of 5 s in 60 s | p95 | p99 |\n|---|---|---|")?;
    let truth = |q: f64| format!("{:.3} s", (STALL.as_secs_f64() - (1.0 - q) * LENGTH).max(0.0));
    writeln!(out, "| closed form | {} | {} |", truth(0.95), truth(0.99))?;
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort();
    for (name, [p95, p99]) in rows {
        writeln!(out, "| {name} | {p95} | {p99} |")?;
    }
    Ok(())
}

/// `gonogo load` and what came of it.
fn gonogo(url: &str, arguments: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(crate::built("release")).args(["load", url, "--json"]).args(arguments).output()?;
    let said: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("gonogo load: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(said["outcome"].clone())
}

/// Microseconds.
fn quantile(outcome: &Value, quantile: f64) -> u64 {
    let all = outcome["latency"]["percentiles"].as_array();
    let found = all.and_then(|all| {
        all.iter().find(|one| one["quantile"].as_f64().is_some_and(|found| (found - quantile).abs() < 1e-9))
    });
    found.and_then(|one| one["value"].as_u64()).unwrap_or_default()
}

/// What a tool prints; none where it is not here or fails.
fn said(tool: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(tool).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The number after a word.
fn after(text: &str, word: &str) -> Option<f64> {
    text.split(word).nth(1)?.split_whitespace().next()?.parse().ok()
}

/// The time after a word, with its unit.
fn seconds_after(text: &str, word: &str) -> Option<f64> {
    let found = text.split(word).nth(1)?.split_whitespace().next()?;
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
    units.iter().find_map(|(unit, seconds)| Some(found.strip_suffix(unit)?.parse::<f64>().ok()? * seconds))
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// A program that listens, with a folder of its own; killed at its end.
struct Listening {
    child: Child,
    _folder: TempDir,
}

impl Listening {
    fn start(
        name: &str,
        configuration: &str,
        arguments: impl Fn(&Path) -> Vec<String>,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("configuration");
        fs::write(&file, configuration.replace("FOLDER", &folder.path().display().to_string()))?;
        let mut command = Command::new(name);
        command.args(arguments(&file)).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("{name} is needed: apt-get install {name}"))?;
        let listening = Self { child, _folder: folder };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            ensure!(Instant::now() < until, "{name} does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(listening)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers as fast as a server does.
struct Nginx {
    address: SocketAddr,
    _program: Listening,
}

impl Nginx {
    fn start() -> anyhow::Result<Self> {
        let address = free_address()?;
        let configuration = format!(
            "daemon off; master_process off; pid FOLDER/pid; error_log FOLDER/log; events {{ worker_connections 4096; }}\n\
             http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b;\n\
             fastcgi_temp_path FOLDER/c; uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;\n\
             server {{ listen {address}; location / {{ return 200 'ok'; }} }} }}"
        );
        let arguments = |file: &Path| vec!["-c".to_owned(), file.display().to_string()];
        Ok(Self { address, _program: Listening::start("nginx", &configuration, arguments, address)? })
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

struct Haproxy {
    address: SocketAddr,
    _program: Listening,
}

impl Haproxy {
    fn start(server: SocketAddr) -> anyhow::Result<Self> {
        let address = free_address()?;
        let configuration = format!(
            "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
             frontend f\n  bind {address}\n  default_backend b\nbackend b\n  server s {server}\n"
        );
        let arguments = |file: &Path| vec!["-db".to_owned(), "-f".to_owned(), file.display().to_string()];
        Ok(Self { address, _program: Listening::start("haproxy", &configuration, arguments, address)? })
    }
}

/// Answers at once, but for one stall.
struct Stalling;

impl Stalling {
    /// Gives its URL; it runs until the program ends.
    fn start() -> io::Result<String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://{}/", listener.local_addr()?);
        let first: Arc<Mutex<Option<Instant>>> = Arc::default();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let first = Arc::clone(&first);
                thread::spawn(move || answer(stream, &first));
            }
        });
        Ok(url)
    }
}

/// Answers requests without bodies, one after the other.
fn answer(mut stream: TcpStream, first: &Mutex<Option<Instant>>) {
    let _ = stream.set_nodelay(true);
    let (mut read, mut bytes) = ([0_u8; 4096], Vec::new());
    while let Ok(count @ 1..) = stream.read(&mut read) {
        bytes.extend_from_slice(read.get(..count).unwrap_or_default());
        while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            bytes.drain(..end + 4);
            let begin = *first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
            let now = begin.elapsed();
            if (BEFORE..BEFORE + STALL).contains(&now) {
                thread::sleep((BEFORE + STALL).saturating_sub(now));
            }
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    }
}
