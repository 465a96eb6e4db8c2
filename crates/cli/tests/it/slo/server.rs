//! A real Prometheus with a past that is made up, and a service that serves its metrics.

use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_mins(1);

/// It goes away with the test.
pub(crate) struct Prometheus {
    process: Child,
    pub(crate) url: String,
    _folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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
        fs::write(path("prometheus.yml"), "global: {scrape_interval: 1m}\n").expect("a file can be written");
        let made = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([path("past.txt"), path("data")])
            .output()
            .expect("promtool is installed (Debian package `prometheus`)");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", path("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", path("data").display()))
            .arg("--storage.tsdb.retention.time=90d")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prometheus is installed (Debian package `prometheus`)");
        let prometheus = Self { process, url: format!("http://127.0.0.1:{port}"), _folder: folder };
        let until = Instant::now() + PATIENCE;
        while !is_ready(port) {
            assert!(Instant::now() < until, "Prometheus does not become ready");
            thread::sleep(Duration::from_millis(50));
        }
        prometheus
    }
}

#[expect(clippy::disallowed_methods, reason = "Prometheus counts from now, and a gate knows today")]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains(" 200 "))
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
