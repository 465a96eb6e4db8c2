//! Sends bodies that are too large, and holds connections by sending a byte now and then.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use gonogo_domain::{
    Message,
    exercise::{BigBody, Bodies, Observation, Slow, Trial},
};
use serde_json::Value;

use super::{
    Unmade,
    listen::{ANSWER, timeline},
    needed::some_good,
};
use crate::{
    bench::{Ask, Bench, BenchError, Survey, Traffic},
    process::Process,
};

/// More than any request of a service needs, and more than the buffers of a connection hold.
const SIZE: u64 = 32 << 20;

/// What is sent at once, and how long nothing is sent after it: memory must be seen while it grows.
const PIECE: usize = 256 << 10;
const PAUSE: Duration = Duration::from_millis(3);

/// So many such bodies come at once: what is thrown away leaves garbage behind, and only what is held grows with them.
const AT_ONCE: u8 = 4;

/// How long the end is held back, so that what is held in memory can be seen.
const HOLD: Duration = Duration::from_millis(400);

/// Slow clients, half of them slow with their headers.
const CLIENTS: usize = 120;

/// How long they are there, and the part of it at the end in which users are counted.
const WATCHED: Duration = Duration::from_secs(12);
const COUNTED: Duration = Duration::from_secs(4);

pub(super) fn trial(bench: &mut Bench, survey: &Survey) -> Result<Trial, Unmade> {
    let kinds = some_good(survey)?;
    let begin = Instant::now();
    let with_body = kinds.iter().copied().map(|kind| bench.request(kind)).find(|request| !request.body.is_empty());
    let mut large = Vec::new();
    for chunked in [false, true] {
        if let Some(request) = &with_body {
            large.push(big(bench, request, chunked)?);
        }
    }
    let from = Instant::now();
    let slow = slow(bench, &kinds, with_body.as_ref())?;
    let until = Instant::now();
    let request = with_body.map(|request| format!("{} {}", request.method, request.path));
    let mut timeline = timeline(bench, begin);
    let what = Message::new("slow clients", "慢速客户端");
    timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    Ok(Trial::new(Observation::Bodies(Bodies { request, large, slow: Some(slow) }), timeline))
}

fn big(bench: &mut Bench, request: &Ask, chunked: bool) -> Result<BigBody, BenchError> {
    let mut best = None;
    // An answer may be lost with the connection that is closed on who still sends.
    for _ in 0..3 {
        let before = bench.process().and_then(|process| Process::memory(process));
        let threads: Vec<thread::JoinHandle<(u64, Option<u16>)>> = (0..AT_ONCE)
            .map(|_| {
                let sending = Sending { address: bench.address(), request: request.clone(), chunked };
                thread::spawn(move || sending.send())
            })
            .collect();
        let mut most = before;
        while !threads.iter().all(thread::JoinHandle::is_finished) {
            most = most.max(bench.process().and_then(|process| Process::memory(process)));
            bench.wait(Duration::from_millis(10))?;
        }
        let (mut sent, mut status) = (SIZE, None);
        for thread in threads {
            let (some, answer) = thread.join().map_err(|_| std::io::Error::other("a user broke down"))?;
            sent = sent.min(some);
            // The one that was taken tells most.
            status = [status, answer].into_iter().flatten().min();
        }
        let grown = before.zip(most).map(|(before, most)| most.saturating_sub(before) / u64::from(AT_ONCE));
        let body = BigBody { chunked, bytes: SIZE, sent, status, grown };
        if body.status == Some(429) {
            bench.wait(Duration::from_secs(1))?;
        } else if body.status.is_some() {
            return Ok(body);
        }
        best = Some(body);
    }
    Ok(best.unwrap_or(BigBody { chunked, bytes: SIZE, sent: 0, status: None, grown: None }))
}

struct Sending {
    address: SocketAddr,
    request: Ask,
    chunked: bool,
}

impl Sending {
    /// How many bytes of the body were sent, and the status of the answer.
    fn send(&self) -> (u64, Option<u16>) {
        let Ok(stream) = TcpStream::connect(self.address) else { return (0, None) };
        let _ = stream.set_write_timeout(Some(Duration::from_secs(5)));
        let status = Arc::new(AtomicU16::new(0));
        let reader = stream.try_clone().map(|stream| {
            let status = Arc::clone(&status);
            thread::spawn(move || read_status(stream, &status))
        });
        let sent = self.write(&stream, &status);
        if let Ok(reader) = reader {
            // It ends with the answer, with the connection, or in time.
            let _ = reader.join();
        }
        let _ = stream.shutdown(Shutdown::Both);
        (sent, Some(status.load(Ordering::Relaxed)).filter(|status| *status > 0))
    }

    fn write(&self, mut stream: &TcpStream, status: &AtomicU16) -> u64 {
        let (before, after) = around(&self.request);
        let length = if self.chunked { None } else { Some(SIZE) };
        if stream.write_all(&head(&self.request, self.address, length)).is_err() {
            return 0;
        }
        let mut total = 0;
        let mut send = |bytes: &[u8]| {
            let framed = if self.chunked {
                let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
                framed.extend_from_slice(bytes);
                framed.extend_from_slice(b"\r\n");
                stream.write_all(&framed)
            } else {
                stream.write_all(bytes)
            };
            let answered = status.load(Ordering::Relaxed) > 0;
            if framed.is_ok() {
                total += u64::try_from(bytes.len()).unwrap_or_default();
            }
            framed.is_ok() && !answered
        };
        let mut goes_on = send(&before);
        let filling = SIZE.saturating_sub(u64::try_from(before.len() + after.len()).unwrap_or_default());
        let mut left = usize::try_from(filling).unwrap_or_default();
        let piece = vec![b'a'; PIECE];
        while goes_on && left > 0 {
            let some = piece.get(..left.min(PIECE)).unwrap_or(&piece);
            goes_on = send(some);
            left -= some.len();
            thread::sleep(PAUSE);
        }
        if goes_on {
            thread::sleep(HOLD);
            if send(&after) && self.chunked {
                let _ = stream.write_all(b"0\r\n\r\n");
            }
        }
        total
    }
}

/// Reads until the status of the answer is there; what only says "go on" is none.
fn read_status(mut stream: TcpStream, status: &AtomicU16) {
    let until = Instant::now() + ANSWER + Duration::from_secs(5);
    let _ = stream.set_read_timeout(Some(ANSWER));
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while Instant::now() < until && seen.len() < 1 << 16 {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => seen.extend_from_slice(buffer.get(..read).unwrap_or_default()),
        }
        if let Some(found) = final_status(&seen) {
            status.store(found, Ordering::Relaxed);
            return;
        }
    }
}

fn final_status(seen: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(seen);
    let mut rest: &str = &text;
    loop {
        let found: u16 = rest.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
        if found >= 200 {
            return Some(found);
        }
        rest = rest.split_once("\r\n\r\n")?.1;
    }
}

/// What stands before and behind the filling, so that the body is a document that is only too long.
fn around(request: &Ask) -> (Vec<u8>, Vec<u8>) {
    let is_object = serde_json::from_slice::<Value>(&request.body).is_ok_and(|body| body.is_object());
    let inside = String::from_utf8_lossy(&request.body);
    match inside.trim().strip_prefix('{').filter(|_| is_object) {
        Some("}") => (b"{\"gonogo\":\"".to_vec(), b"\"}".to_vec()),
        Some(members) => (b"{\"gonogo\":\"".to_vec(), format!("\",{members}").into_bytes()),
        None => (request.body.to_vec(), Vec::new()),
    }
}

/// The head of a request with a body of this length, or in chunks.
fn head(request: &Ask, address: SocketAddr, length: Option<u64>) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\nhost: {address}\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        let own = ["host", "content-length", "transfer-encoding", "expect", "connection"];
        if !own.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
    }
    head.push_str(&length.map_or_else(
        || "transfer-encoding: chunked\r\n\r\n".to_owned(),
        |length| format!("content-length: {length}\r\n\r\n"),
    ));
    head.into_bytes()
}

fn slow(bench: &Bench, kinds: &[usize], with_body: Option<&Ask>) -> Result<Slow, BenchError> {
    let address = bench.address();
    let mut clients: Vec<(TcpStream, bool)> = Vec::new();
    let template = with_body.cloned().or_else(|| kinds.first().map(|kind| bench.request(*kind)));
    for place in 0..CLIENTS {
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else { continue };
        let _ = stream.set_nonblocking(true);
        let body = place % 2 == 0 && with_body.is_some();
        let begin = match &template {
            Some(request) if body => head(request, address, Some(1 << 16)),
            Some(request) => {
                format!("{} {} HTTP/1.1\r\nhost: {address}\r\nx-slow: ", request.method, request.path).into_bytes()
            }
            None => b"GET / HTTP/1.1\r\nx-slow: ".to_vec(),
        };
        let _ = stream.write_all(&begin);
        clients.push((stream, body));
    }
    let held = clients.len();
    let rate = bench.run().rate;
    let traffic = Traffic::start(address, rate, Duration::from_secs(5), bench.make_of(kinds))?;
    let begin = Instant::now();
    while begin.elapsed() < WATCHED {
        bench.wait(Duration::from_secs(1))?;
        clients.retain_mut(|(stream, body)| {
            let byte: &[u8] = if *body { b"1" } else { b"a" };
            let mut buffer = [0; 1024];
            // Nothing comes from a server that still waits.
            let waits =
                matches!(stream.read(&mut buffer), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
            waits && stream.write_all(byte).is_ok()
        });
    }
    let sent = traffic.end();
    let left = clients.len();
    drop(clients);
    let counted = |at: Instant| at + COUNTED >= begin + WATCHED && at < begin + WATCHED;
    let late: Vec<bool> = sent.iter().filter(|one| counted(one.exchange.sent)).map(crate::bench::Sent::good).collect();
    let count = |number: usize| u64::try_from(number).unwrap_or_default();
    Ok(Slow {
        clients: count(held),
        watched_ms: u64::try_from(WATCHED.as_millis()).unwrap_or_default(),
        users: count(late.len()),
        answered: count(late.iter().filter(|good| **good).count()),
        sent_away: count(held - left),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &'static str, filled: &str) {
        let (before, after) = around(&Ask { body: body.into(), ..Ask::get("/") });
        assert_eq!(String::from_utf8([before, b"aaa".to_vec(), after].concat()).unwrap(), filled);
    }

    #[test]
    fn a_filled_body_is_still_a_document() {
        check("{}", r#"{"gonogo":"aaa"}"#);
        check(r#" {"a": {"b": 1}} "#, r#"{"gonogo":"aaa","a": {"b": 1}}"#);
        check("a=b", "a=baaa");
    }

    #[track_caller]
    fn check_status(seen: &str, expect: Option<u16>) {
        assert_eq!(final_status(seen.as_bytes()), expect, "{seen}");
    }

    #[test]
    fn what_only_says_go_on_is_no_answer() {
        check_status("HTTP/1.1 413 Payload Too Large\r\n", Some(413));
        check_status("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 X\r\n", Some(413));
        check_status("HTTP/1.1 100 Continue\r\n\r\n", None);
        check_status("HTTP/1.1 4", None);
        check_status("SSH-2.0", None);
    }
}
