//! A small service that says its version, and a HAProxy before several of them.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Answers `/version` with what it is told, everything else with a status.
pub(crate) struct Service {
    pub port: u16,
    pub version: Arc<Mutex<String>>,
    pub status: Arc<AtomicU16>,
    stop: Arc<AtomicBool>,
}

impl Service {
    pub(crate) fn start(version: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self {
            port: listener.local_addr().unwrap().port(),
            version: Arc::new(Mutex::new(version.to_owned())),
            status: Arc::new(AtomicU16::new(200)),
            stop: Arc::new(AtomicBool::new(false)),
        };
        let (version, status, stop) = (service.version.clone(), service.status.clone(), service.stop.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let version = version.lock().unwrap().clone();
                let _ = answer(stream.unwrap(), &version, status.load(Ordering::SeqCst));
            }
        });
        service
    }
}

fn answer(mut stream: TcpStream, version: &str, status: u16) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    let asks_version = head.starts_with(b"GET /version ");
    let (status, body) = if asks_version { (200, version) } else { (status, "hello") };
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())?;
    stream.shutdown(Shutdown::Write)
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A HAProxy with a backend `app`: `blue` has the traffic, `green` is in maintenance.
pub(crate) struct Proxy {
    pub port: u16,
    pub folder: TempDir,
    process: Child,
}

impl Proxy {
    pub(crate) fn start(blue: &[&Service], green: &[&Service]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let socket = folder.path().join("s");
        let mut lines = format!(
            "global\n  stats socket {} mode 600 level admin\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 5s\n  \
             timeout server 5s\nfrontend f\n  bind 127.0.0.1:{port}\n  default_backend app\nbackend app\n  balance roundrobin\n  \
             option httpchk GET /health\n",
            socket.display()
        );
        for (group, services, state) in [("blue", blue, ""), ("green", green, " disabled")] {
            for (number, service) in services.iter().enumerate() {
                let check = "check inter 100ms rise 1 fall 2";
                writeln!(lines, "  server {group}{number} 127.0.0.1:{} {check}{state}", service.port).unwrap();
            }
        }
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, lines).unwrap();
        let process = Command::new(program())
            .args(["-db", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("haproxy starts: apt-get install haproxy");
        let proxy = Self { port, folder, process };
        until("HAProxy answers", || proxy.get() == Some(200));
        proxy
    }

    pub(crate) fn socket(&self) -> String {
        self.folder.path().join("s").display().to_string()
    }

    /// The status of one request through it.
    pub(crate) fn get(&self) -> Option<u16> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(3))).ok()?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.split(' ').nth(1)?.parse().ok()
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.kill();
    }
}

/// It lies outside of the path of ordinary users.
fn program() -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|path| path.join("haproxy")).find(|path| path.is_file());
    found.unwrap_or_else(|| PathBuf::from("/usr/sbin/haproxy"))
}

/// Waits until it is so, for ten seconds.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}: not within ten seconds");
        thread::sleep(Duration::from_millis(20));
    }
}
