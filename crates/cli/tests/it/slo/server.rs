//! A real Prometheus with a past that is made up, and a service that serves its metrics.

use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_mins(1);

/// It goes away with the test.
#[derive(Debug)]
pub(crate) struct Prometheus {
    process: Child,
    pub(crate) url: String,
    port: u16,
    folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Prometheus {
    /// Counts `r_total` of status 200 and 500 up to now: so many minutes with so many good and bad events each.
    pub(crate) fn with(stretches: &[(u32, u32, u32)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let now = u64::try_from(now().as_second()).expect("it is after 1970");
        let minutes: u32 = stretches.iter().map(|stretch| stretch.0).sum();
        let mut text = "# TYPE r counter\n".to_owned();
        for code in ["200", "500"] {
            let (mut at, mut level) = (now - 60 * u64::from(minutes), 0);
            let counted = stretches.iter().flat_map(|(length, good, bad)| (0..*length).map(move |_| (*good, *bad)));
            for (good, bad) in std::iter::once((0, 0)).chain(counted) {
                level += if code == "200" { good } else { bad };
                writeln!(text, "r_total{{code=\"{code}\"}} {level} {at}").expect("a text takes what is written");
                at += 60;
            }
        }
        text.push_str("# EOF\n");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("past.txt"), text).expect("a file can be written");
        let made = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([path("past.txt"), path("data")])
            .output()
            .expect("promtool is installed (Debian package `prometheus`)");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self::begin(folder, "global: {scrape_interval: 1m}\n")
    }

    /// Scrapes this address three times a second.
    pub(crate) fn scraping(address: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let configuration = format!(
            "global: {{scrape_interval: 300ms, scrape_timeout: 300ms}}\n\
             scrape_configs: [{{job_name: played, honor_labels: true, static_configs: [{{targets: ['{address}']}}]}}]\n"
        );
        let prometheus = Self::begin(folder, &configuration);
        let until = Instant::now() + PATIENCE;
        // It looks for what it is to scrape some seconds after it is ready.
        while !ask(prometheus.port, "/api/v1/query?query=up").is_ok_and(|answer| answer.contains(",\"1\"]")) {
            assert!(Instant::now() < until, "Prometheus does not scrape {address}");
            thread::sleep(Duration::from_millis(50));
        }
        prometheus
    }

    fn begin(folder: TempDir, configuration: &str) -> Self {
        fs::write(folder.path().join("prometheus.yml"), configuration).expect("a file can be written");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
        let process = spawn(folder.path(), port);
        Self { process, url: format!("http://127.0.0.1:{port}"), port, folder }
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// At the same address, with what it had stored.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.folder.path(), self.port);
    }
}

/// Returns when it is ready.
fn spawn(folder: &Path, port: u16) -> Child {
    let process = Command::new("prometheus")
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg("--storage.tsdb.retention.time=90d")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Prometheus is installed (Debian package `prometheus`)");
    let until = Instant::now() + PATIENCE;
    while !is_ready(port) {
        assert!(Instant::now() < until, "Prometheus does not become ready");
        thread::sleep(Duration::from_millis(50));
    }
    process
}

#[expect(clippy::disallowed_methods, reason = "Prometheus counts from now, and a gate knows today")]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn is_ready(port: u16) -> bool {
    ask(port, "/-/ready").is_ok_and(|answer| answer.contains(" 200 "))
}

fn ask(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A service that counts ten more requests at each scrape, one of them failed. Gives its address.
pub(crate) fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    thread::spawn(move || {
        for (scrape, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { break };
            let mut asked = [0; 2048];
            let _ = stream.read(&mut asked);
            let body = format!(
                "# TYPE r_total counter\nr_total{{code=\"200\"}} {}\nr_total{{code=\"500\"}} {scrape}\n",
                9 * scrape
            );
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    format!("http://{address}/metrics")
}
