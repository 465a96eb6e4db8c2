//! The rules of a Clay integration for real: calls through the fault proxy of the exercise bench, Prometheus that scrapes
//! them, Alertmanager that delivers. Each of the four rows fires within its window and clears after.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use gonogo_collectors::metrics::{Address, Limits, Prometheus};
use gonogo_exercise::proxy::{
    self, Answer, Behind, Break, Clock, Fault, Injected, Proxy, Route, Setup, Stub, Took, Which,
};
use serde_json::{Value, json};

use crate::{
    alerts::{alerts, panels},
    support::{PROBED, Repository},
};

/// How many times faster than in production everything goes, but the five seconds of a slow call: a minute is two seconds.
const FASTER: u32 = 30;
/// Scrapes and evaluations.
const EVERY: &str = "500ms";
/// What a loaded machine may add to what rules and routes ask for.
const SLACK: Duration = Duration::from_secs(12);

/// What was counted of the calls to Clay.
#[derive(Default)]
struct Counts {
    statuses: BTreeMap<String, u64>,
    /// Calls up to each bound.
    buckets: [u64; BOUNDS.len()],
    seconds: f64,
}

/// Seconds; a bound at the threshold of the row.
const BOUNDS: [f64; 5] = [0.1, 1.0, 5.0, 10.0, 30.0];

impl Counts {
    fn counted(&mut self, status: String, took: Duration) {
        *self.statuses.entry(status).or_default() += 1;
        self.seconds += took.as_secs_f64();
        for (bucket, bound) in self.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(took.as_secs_f64() <= bound);
        }
    }

    /// A status that was never seen has no series, as with most libraries.
    fn exposed(&self) -> String {
        let mut text = "# TYPE clay_requests_total counter\n".to_owned();
        for (status, count) in &self.statuses {
            writeln!(text, "clay_requests_total{{status=\"{status}\"}} {count}")
                .expect("a test on the loopback can do it");
        }
        let all: u64 = self.statuses.values().sum();
        text.push_str("# TYPE clay_request_duration_seconds histogram\n");
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            writeln!(text, "clay_request_duration_seconds_bucket{{le=\"{bound}\"}} {bucket}")
                .expect("a test on the loopback can do it");
        }
        writeln!(text, "clay_request_duration_seconds_bucket{{le=\"+Inf\"}} {all}")
            .expect("a test on the loopback can do it");
        writeln!(text, "clay_request_duration_seconds_sum {}", self.seconds).expect("a test on the loopback can do it");
        writeln!(text, "clay_request_duration_seconds_count {all}").expect("a test on the loopback can do it");
        writeln!(text, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1700000000")
            .expect("a test on the loopback can do it");
        text
    }
}

/// Answers one HTTP request after the other, each by what stands in its body, until it is told to stop.
fn serve(stop: &Arc<AtomicBool>, answer: impl Fn(&str) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("a test on the loopback can do it");
    listener.set_nonblocking(true).expect("a test on the loopback can do it");
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            match listener.accept() {
                Ok((stream, _)) => drop(answer_one(stream, &answer)),
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    });
    address
}

fn answer_one(stream: TcpStream, answer: &impl Fn(&str) -> String) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0_usize);
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let text = answer(&String::from_utf8_lossy(&body));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length:";
    write!(reader.get_mut(), "{head} {}\r\n\r\n{text}", text.len())
}

/// One call to Clay, as the service makes it.
fn call(clay: SocketAddr, counts: &Mutex<Counts>) {
    let began = Instant::now();
    let status = (|| {
        let mut stream = TcpStream::connect(clay).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        stream.write_all(b"GET /me HTTP/1.1\r\nhost: clay\r\nconnection: close\r\n\r\n").ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        Some(line.split_whitespace().nth(1)?.to_owned())
    })();
    counts.lock().expect("no holder panics").counted(status.unwrap_or_else(|| "error".to_owned()), began.elapsed());
}

/// A program that ends with the test.
struct Running(Child);

impl Running {
    fn start(program: &str, arguments: &[String], folder: &Path) -> Self {
        let log = fs::File::create(folder.join(format!("{program}.log"))).expect("a file can be made");
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{program} is installed: {error}")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .expect("a port is free")
        .local_addr()
        .expect("a test on the loopback can do it")
        .port()
}

/// What Alertmanager delivered: the alert, whether it fires, and when it came.
type Delivered = Arc<Mutex<Vec<(String, bool, Instant)>>>;

fn receive(delivered: &Delivered, body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    for alert in body["alerts"].as_array().into_iter().flatten() {
        let name = alert["labels"]["alertname"].as_str().unwrap_or_default().to_owned();
        delivered.lock().expect("no holder panics").push((name, alert["status"] == "firing", Instant::now()));
    }
    String::new()
}

/// Waits until an alert was delivered as firing, or as resolved, after a moment; gives how long that took.
#[track_caller]
fn until(delivered: &Delivered, name: &str, firing: bool, since: Instant, at_most: Duration) -> Duration {
    let deadline = since + at_most + SLACK;
    loop {
        let found = delivered.lock().expect("no holder panics").iter().find_map(|(alert, state, at)| {
            (alert == name && *state == firing && *at >= since).then(|| at.duration_since(since))
        });
        if let Some(took) = found {
            return took;
        }
        let word = if firing { "fire" } else { "clear" };
        assert!(
            Instant::now() < deadline,
            "{name} does not {word} within {:?}: {:?}",
            at_most + SLACK,
            delivered.lock()
        );
        thread::sleep(Duration::from_millis(50));
    }
}

fn answering(address: SocketAddr, path: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        Some(line.contains(" 200 "))
    };
    ask().unwrap_or_default()
}

#[track_caller]
fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn status(code: u16) -> Fault {
    Fault::Http { which: Which::All, answer: Break::Status { code, retry_after: None } }
}

/// A time of production in this test.
fn scaled(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes) / FASTER
}

/// Everything that runs.
struct Stage {
    proxy: Proxy,
    prometheus: SocketAddr,
    delivered: Delivered,
    repository: Repository,
    stop: Arc<AtomicBool>,
    _programs: [Running; 2],
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Stage {
    fn set() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answer = Answer { status: 200, headers: Vec::new(), body: "{}".to_owned() };
        let route = Route { method: None, path: "*".to_owned(), answers: vec![answer] };
        let clock = Clock { zero: Instant::now(), wall: SystemTime::UNIX_EPOCH };
        let behind = Behind::Stub(Stub::new(&[route], Took::default()).expect("the stub is right"));
        let proxy = Proxy::start(Setup { behind, limits: proxy::Limits::default(), clock, tls: None })
            .expect("the proxy starts");

        let counts: Arc<Mutex<Counts>> = Arc::default();
        let shown = Arc::clone(&counts);
        let service = serve(&stop, move |_| shown.lock().expect("no holder panics").exposed());
        let (clay, stopped) = (proxy.address(), Arc::clone(&stop));
        thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let counts = Arc::clone(&counts);
                thread::spawn(move || call(clay, &counts));
                thread::sleep(Duration::from_millis(100));
            }
        });

        let delivered = Delivered::default();
        let to = Arc::clone(&delivered);
        let receiver = serve(&stop, move |body| receive(&to, body));
        let repository = Repository::of(&[
            ("deploy.yaml", PROBED),
            (
                "gonogo.toml",
                "[service.shop]\nowner = \"team-shop\"\n[[service.shop.dependency]]\nname = \"clay\"\nkind = \"http\"\n",
            ),
        ]);
        wait_for("the service answers", || answering(service, "/metrics"));
        thread::sleep(Duration::from_millis(500));
        let metrics = format!("http://{service}/metrics");
        let faster = FASTER.to_string();
        let known =
            ["--metrics", &metrics, "--selector", "job=\"shop\"", "--scrape-interval", EVERY, "--faster", &faster];
        let rules = alerts(&repository, "rules", &[known.as_slice(), &["--output", "alerts.yml"]].concat());
        assert!(repository.at("alerts.yml").exists(), "{}", rules.err);
        let webhook = format!("webhook=http://{receiver}/");
        let routes = ["--page", &webhook, "--tell", &webhook, "--output", "alertmanager.yml"];
        let routes = alerts(&repository, "routes", &[known.as_slice(), &routes].concat());
        assert_eq!(routes.code, 0, "{}", routes.err);

        let (prometheus, alertmanager) = (free_port(), free_port());
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let configuration = format!(
            "global: {{scrape_interval: {EVERY}, evaluation_interval: {EVERY}}}\nrule_files: [alerts.yml]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]}}]}}\n\
             scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{service}']}}]}}]\n"
        );
        repository.write("prometheus.yml", configuration);
        let words = |words: &[String]| words.to_vec();
        let programs = [
            Running::start(
                "prometheus-alertmanager",
                &words(&[
                    "--config.file=alertmanager.yml".to_owned(),
                    "--storage.path=alertmanager".to_owned(),
                    format!("--web.listen-address=127.0.0.1:{alertmanager}"),
                    "--cluster.listen-address=".to_owned(),
                ]),
                repository.path(),
            ),
            Running::start(
                "prometheus",
                &words(&[
                    "--config.file=prometheus.yml".to_owned(),
                    "--storage.tsdb.path=prometheus".to_owned(),
                    format!("--web.listen-address=127.0.0.1:{prometheus}"),
                ]),
                repository.path(),
            ),
        ];
        wait_for("Alertmanager is ready", || answering(address(alertmanager), "/-/ready"));
        wait_for("Prometheus is ready", || answering(address(prometheus), "/-/ready"));
        Self { proxy, prometheus: address(prometheus), delivered, repository, stop, _programs: programs }
    }

    fn breaks(&self, fault: Fault) -> (Injected, Instant) {
        let injected = self.proxy.handle().inject(fault).expect("the fault can be done");
        (injected, Instant::now())
    }

    /// The values that a query gives.
    fn ask(&self, query: &str) -> Vec<f64> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a test on the loopback can do it");
        let address = Address::new(&format!("http://{}", self.prometheus)).expect("a test on the loopback can do it");
        let prometheus = Prometheus::new(address, Limits::default()).expect("a test on the loopback can do it");
        let answer =
            runtime.block_on(prometheus.instant(query, None)).unwrap_or_else(|error| panic!("{query}: {error}"));
        answer.value.iter().map(|sample| sample.value).collect()
    }
}

#[test]
fn each_row_fires_within_its_window_and_clears_after() {
    let stage = Stage::set();
    let delivered = &stage.delivered;
    // What came before the first window of five minutes, twice over, tells a new series from a new Prometheus.
    wait_for("Prometheus has looked for a while", || {
        !stage.ask(&format!("up{{job=\"shop\"}} offset {}s", scaled(10).as_secs() + 2)).is_empty()
    });
    assert_eq!(*delivered.lock().expect("no holder panics"), [], "nothing is wrong yet");
    let mut told = Vec::new();
    let mut row = |name: &str, fired: Duration, cleared: Duration| {
        told.push(json!({"alert": name, "fired_after_ms": fired.as_millis(), "cleared_after_ms": cleared.as_millis()}));
    };

    let (fault, began) = stage.breaks(status(503));
    let fired_down = until(delivered, "ClayDown", true, began, scaled(1 + 1 + 1));
    drop(fault);
    let ended_down = Instant::now();

    let (fault, began) = stage.breaks(status(429));
    let cleared = until(delivered, "ClayDown", false, ended_down, scaled(1 + 1));
    row("ClayDown", fired_down, cleared);
    let fired_limit = until(delivered, "ClayLimitsRate", true, began, scaled(1 + 5 + 1));
    drop(fault);
    let ended_limit = Instant::now();

    let slow = Break::SlowHeaders { delay: Duration::from_secs(6) };
    let (fault, began) = stage.breaks(Fault::Http { which: Which::All, answer: slow });
    let cleared = until(delivered, "ClayLimitsRate", false, ended_limit, scaled(1 + 5));
    row("ClayLimitsRate", fired_limit, cleared);
    let fired_slow = until(delivered, "ClaySlow", true, began, Duration::from_secs(6) + scaled(5 + 5 + 1));
    drop(fault);
    let ended_slow = Instant::now();

    let (fault, began) = stage.breaks(status(401));
    let fired_key = until(delivered, "ClayRefusesKey", true, began, scaled(1 + 1));
    drop(fault);
    let ended_key = Instant::now();
    let cleared = until(delivered, "ClayRefusesKey", false, ended_key, scaled(5 + 1));
    row("ClayRefusesKey", fired_key, cleared);
    let cleared = until(delivered, "ClaySlow", false, ended_slow, Duration::from_secs(6) + scaled(5 + 5));
    row("ClaySlow", fired_slow, cleared);

    // What nobody caused nobody was told of.
    let known = ["ClayDown", "ClayMostlyFails", "ClayLimitsRate", "ClaySlow", "ClayRefusesKey"];
    let all: Vec<_> = delivered.lock().expect("no holder panics").clone();
    assert!(all.iter().all(|(name, ..)| known.contains(&name.as_str())), "{all:?}");
    let record = Path::new(env!("CARGO_TARGET_TMPDIR")).join("alerts-live.json");
    fs::write(record, serde_json::to_string_pretty(&told).expect("a test on the loopback can do it"))
        .expect("the record can be written");
    every_query_is_answered(&stage);
}

/// What the dashboard asks, a real Prometheus answers; what it must have seen by now it shows.
fn every_query_is_answered(stage: &Stage) {
    let known = ["--clay-requests", "clay_requests_total:status", "--clay-duration", "clay_request_duration_seconds"];
    let selector = ["--selector", "job=\"shop\"", "--scrape-interval", EVERY];
    let run = alerts(&stage.repository, "dashboard", &[known.as_slice(), &selector].concat());
    let (titles, queries) = panels(&serde_json::from_str(&run.out).expect("it is JSON"));
    assert_eq!(titles, ["Clay: calls by status", "Clay: share of failed calls", "Clay: P50, P95, P99"]);
    for query in queries {
        let values = stage.ask(&query.replace("$__rate_interval", "1m"));
        assert!(!values.is_empty() && values.iter().all(|value| value.is_finite()), "{query}: {values:?}");
    }
}
