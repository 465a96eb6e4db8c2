//! The fault proxy between real sockets: what a service sees, what its dependency sees, and what is written down.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail as loudly as a test")]

mod http;
mod tls;
mod wire;

use std::{
    io::{ErrorKind, Read as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant, SystemTime},
};

use gonogo_exercise::proxy::{Behind, Clock, Connection, Fault, Limits, Proxy, Request, Setup};

/// 2026-01-02 03:04:05 UTC.
const WALL: u64 = 1_767_323_045;

/// What is awaited comes much sooner; a machine that is busy may take its time.
const PATIENCE: Duration = Duration::from_secs(20);

fn start(behind: Behind) -> Proxy {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(WALL);
    let clock = Clock { zero: Instant::now(), wall };
    Proxy::start(Setup { behind, tls: None, limits: Limits::default(), clock }).unwrap()
}

fn connect(proxy: &Proxy) -> TcpStream {
    patient(TcpStream::connect(proxy.address()).unwrap())
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Waits until something is there.
#[track_caller]
fn until<T>(found: impl Fn() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The record of a connection that has ended.
#[track_caller]
fn ended(proxy: &Proxy, id: u64) -> Connection {
    until(|| proxy.handle().records().connections.into_iter().find(|one| one.id == id && one.ended.is_some()))
}

/// The record of a request that has ended.
#[track_caller]
fn request(proxy: &Proxy, id: u64) -> Request {
    until(|| proxy.handle().records().requests.into_iter().find(|one| one.id == id && one.ended.is_some()))
}

/// So many bytes.
#[track_caller]
fn take(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut found = vec![0; bytes];
    stream.read_exact(&mut found).unwrap();
    found
}

/// Everything until the end of the stream, and the error that it ended with.
fn rest(stream: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut found = Vec::new();
    let error = stream.read_to_end(&mut found).err().map(|error| error.kind());
    (found, error)
}

/// Whether nothing comes for a while.
fn is_quiet(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
    let quiet = stream.read(&mut [0; 1]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    quiet
}

#[track_caller]
fn check_written(fault: &str) {
    let read: Fault = serde_json::from_str(fault).unwrap();
    let again: Fault = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(read, again);
}

#[test]
fn a_fault_is_written_as_data() {
    check_written(r#""refuse""#);
    check_written(r#""black-hole""#);
    check_written(r#"{"reset": {"after_bytes": 10}}"#);
    check_written(r#"{"latency": {"to_service": {"base": 100, "jitter": 20}}}"#);
    check_written(r#"{"bandwidth": {"to_dependency": 1000}}"#);
    check_written(r#"{"slow-close": {"delay": 100}}"#);
    check_written(
        r#"{"http": {"which": {"first": 3}, "answer": {"status": {"code": 429, "retry_after": {"seconds": 2}}}}}"#,
    );
    check_written(r#"{"http": {"answer": {"slow-body": {"piece": 10, "every": 100}}}}"#);
    check_written(r#"{"http": {"which": {"fraction": {"share": 0.1, "seed": 1}}, "answer": "malformed-body"}}"#);
    for wrong in [r#""nothing""#, r#"{"slow-close": {"delay": 86400001}}"#, r#"{"reset": {"after": 1}}"#] {
        assert!(serde_json::from_str::<Fault>(wrong).is_err(), "{wrong}");
    }
}
